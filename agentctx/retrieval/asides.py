"""Pages that say again, or said once: translations, and logs of what was released. Told by their paths."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable

_LANGUAGE = re.compile(r"[a-z]{2}(?:[-_][A-Za-z]{2,4})?")
_LOG = re.compile(r"(?i)(?:change(?:s|-?log)|history|news|release[-_ ]?(?:notes|log)|releases|whats-?new)\d*")


def translations(paths: Iterable[str]) -> frozenset[str]:
    """Paths beside whose folder of a language there is the same page in English: ``docs/de/x.md`` of
    ``docs/en/x.md``, or of ``docs/x.md``."""
    known = frozenset(paths)
    return frozenset(path for path in known if any(other in known for other in _in_english(path)))


def is_log(path: str) -> bool:
    """Is it a page of what each release changed, most of it about versions that nobody works on?"""
    return bool(_LOG.fullmatch(posixpath.basename(path).rpartition(".")[0].replace("_", "-")))


def _in_english(path: str) -> Iterable[str]:
    names = path.split("/")
    for place, name in enumerate(names[:-1]):
        if _LANGUAGE.fullmatch(name) and name != "en":
            yield "/".join([*names[:place], "en", *names[place + 1 :]])
            yield "/".join([*names[:place], *names[place + 1 :]])
