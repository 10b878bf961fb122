"""Conditions after which a note wants to be read again: the grammar of ``review_when``.

dependency NAME >= VERSION      also > < <= == !=
dependency NAME exists          dependency NAME is gone
path PATH exists                path PATH is gone
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

Relation = Literal[">=", "<=", "==", "!=", ">", "<", "exists", "gone"]

GRAMMAR = "`dependency NAME >= VERSION`, `dependency NAME is gone`, `path PATH exists` or `path PATH is gone`"

_DEPENDENCY = re.compile(r"dependency\s+(\S+?)\s*(>=|<=|==|!=|>|<|=)\s*v?(\d[\w.+-]*)")
_PRESENCE = re.compile(r"(dependency|path)\s+(\S+)\s+(exists|is gone|is there|appears|goes)")
_DATE = re.compile(r"\d{4}-\d\d-\d\d")


@dataclass(frozen=True, slots=True)
class Condition:
    """One condition that can be checked against the files of the repository."""

    text: str
    """As its author wrote it."""
    subject: Literal["dependency", "path"]
    name: str
    relation: Relation
    version: str = ""


def parse_condition(text: str) -> Condition | None:
    """The condition that a text means; None when it means none."""
    words = " ".join(text.split())
    if found := _DEPENDENCY.fullmatch(words):
        relation: Relation = "==" if found[2] == "=" else found[2]  # type: ignore[assignment]
        return Condition(words, "dependency", found[1], relation, found[3])
    if found := _PRESENCE.fullmatch(words):
        subject: Literal["dependency", "path"] = "path" if found[1] == "path" else "dependency"
        name = found[2].removeprefix("./").strip("`")
        return Condition(words, subject, name, "gone" if found[3] in ("is gone", "goes") else "exists")
    return None


def conditions(review_by: str, review_when: tuple[str, ...]) -> tuple[Condition, ...]:
    """The conditions of a note; ``review_by`` may hold one in place of a date."""
    texts = review_when if _DATE.fullmatch(review_by) or not review_by else (review_by, *review_when)
    found = (parse_condition(text) for text in texts)
    return tuple(dict.fromkeys(condition for condition in found if condition is not None))
