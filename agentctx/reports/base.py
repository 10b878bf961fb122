"""The protocol of all formats, and how hostile text is made harmless in each of them.

Titles, paths, commit subjects and code are other people's words; a format may print them, never obey them.
"""

from __future__ import annotations

import json
import re
import shlex
from typing import Any, Protocol

from agentctx.model import Checked, Finding
from agentctx.text import strip_hidden

_SURROGATE = re.compile("[\ud800-\udfff]")
_UNRESERVED = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~/")


class Report(Protocol):
    """One format."""

    def __call__(self, checked: Checked) -> str:
        """The whole report, ending in a line break when it is not empty."""


def plain(text: str) -> str:
    """One printable line: nothing hidden, no line break, no byte that is not UTF-8."""
    return " ".join(_SURROGATE.sub("\ufffd", strip_hidden(text.replace("\r", "\n"))).split())


def unicode(text: str) -> str:
    """The text as it is, but for bytes that are not UTF-8."""
    return _SURROGATE.sub("\ufffd", text)


def block(text: str) -> str:
    """Printable lines: nothing hidden, no byte that is not UTF-8."""
    return _SURROGATE.sub("\ufffd", strip_hidden(text.replace("\r\n", "\n").replace("\r", "\n")))


def uri(path: str) -> str:
    """A repository path as a relative URI reference: every byte that is not plain is escaped."""
    escaped = "".join(
        chr(byte) if byte in _UNRESERVED else f"%{byte:02X}"
        for byte in path.encode("utf-8", "surrogateescape")
    )
    return escaped if ":" not in path.partition("/")[0] else f"./{escaped}"


def document(data: Any) -> str:
    """JSON in UTF-8; bytes of a path that are not UTF-8 are written as escapes, so that nothing is lost."""
    text = json.dumps(data, ensure_ascii=False, indent=2)
    return _SURROGATE.sub(lambda found: f"\\u{ord(found[0]):04x}", text) + "\n"


def identity(finding: Finding) -> str:
    """What makes a finding the same one in the next run: lines and reasons may differ then."""
    return "\0".join((finding.note, finding.path, finding.anchor, finding.state))


def sentence(finding: Finding) -> str:
    """One line: the note, what is wrong with it, and why."""
    was = " before this branch already" if finding.known else ""
    about = f" ({plain(finding.title)})" if finding.title else ""
    state = "may be affected" if finding.state == "affected" else f"is {finding.state}{was}"
    return f"note {plain(finding.note)}{about} {state}: {plain(finding.reason)}"


def verb(finding: Finding) -> str:
    """What the command that settles a finding does, without a full stop."""
    if "agentctx verify" in finding.settle:
        return "change the note, or if it is still true"
    if finding.settle.startswith("agentctx sync"):
        return "repair the anchor"
    if finding.settle.startswith("git fetch"):
        return "fetch the history"
    if finding.settle.startswith("rm "):
        return "put back what was there"
    if finding.settle.startswith("git mv "):
        return "give the note another name"
    is_code = finding.code_path and finding.settle.endswith(shlex.quote(finding.code_path))
    return "mend the code" if is_code else "change the note"


def advice(finding: Finding, top: str = "") -> str:
    """What to do, ending in the one command. ``top``: the repository's root, for who is not there."""
    about_paths = not finding.settle.startswith(("agentctx ", "git fetch"))
    command = f"(cd {shlex.quote(top)} && {finding.settle})" if top and about_paths else finding.settle
    return f"{verb(finding)}: {plain(command)}"
