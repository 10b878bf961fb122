"""Commits that say they took something out ("Drop Redis", "Migrate from X to Y"), held against notes.

A soft sign, for notes that cite no code, believed only when the thing hardly occurs in the code any more.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from agentctx.freshness.history import History
from agentctx.freshness.subjects import departure_of, is_about, terms_of
from agentctx.freshness.verdicts import Cache
from agentctx.model import Commit, Note, Stamp

VERSION = 2
_MOST_COMMITS = 5000
_FEW_FILES = 5
"""Files in which a thing that was taken out may still occur."""
_GREP = (
    "(drop|remov|delet|retir|abandon|ditch|discontinu|get rid|rip out|stop|no longer"
    "|mov|migrat|switch|convert|replac|swap|revert)"
)
_REVERT = re.compile(r'Revert "(.*)"')


@dataclass(frozen=True, slots=True)
class Departure:
    """A commit that took something out."""

    commit: Commit
    thing: str
    """In lower case, words divided by one space."""


class Departures:
    """The departures in one history, kept between runs."""

    def __init__(self, history: History, cache: Cache | None, context: str) -> None:
        self._history = history
        self._cache = cache
        self._context = context

    def after(
        self, notes: Sequence[tuple[Note, Commit]], recorded: Mapping[str, Stamp | None]
    ) -> dict[str, tuple[Departure, ...]]:
        """Note id -> departures from what it is about, after the commit that last vouched for it.

        ``recorded`` holds, by note id, the departures that were known when it was verified.
        """
        if not notes:
            return {}
        found = self._departures(min(commit.date for _, commit in notes))
        matched: dict[str, tuple[Departure, ...]] = {}
        for note, vouched in notes if found else ():
            terms, known = terms_of(note), recorded.get(note.id)
            about = [d for d in found if is_about(terms, d.thing) and not _is_known(d, known)]
            after = [d for d in about if self._is_after(d.commit, vouched) and self._is_rare(d.thing)]
            if after:
                matched[note.id] = tuple(after[:3])
        return matched

    def _departures(self, since: str) -> list[Departure]:
        head = self._history.head
        known, kept = self._read(since)
        if known == head:
            return kept
        start = known if known and self._history.is_ancestor(known) else ""
        found = [*self._log(since, start), *(kept if start else ())]
        if self._cache is not None:
            raw = [[asdict(d.commit), d.thing] for d in found]
            self._cache.write("departures", {"version": VERSION, "head": head, "since": since, "found": raw})
        return found

    def _read(self, since: str) -> tuple[str, list[Departure]]:
        raw: Any = self._cache.read("departures") if self._cache else None
        try:
            if raw["version"] != VERSION or raw["since"] > since:
                return "", []
            return str(raw["head"]), [Departure(Commit(**commit), thing) for commit, thing in raw["found"]]
        except (KeyError, TypeError, ValueError, AttributeError):
            return "", []

    def _log(self, since: str, start: str) -> list[Departure]:
        out = self._history.git.run(
            "log", "-z", "--no-color", "--encoding=UTF-8", "--format=%H%x00%an%x00%cI%x00%s", "-i", "-E",
            f"--grep={_GREP}", f"--since={since}", f"--max-count={_MOST_COMMITS}", self._history.head,
            *([f"^{start}"] if start else []), check=False,
        )  # fmt: skip
        parts = out.decode("utf-8", "replace").split("\0")
        commits = [Commit(*parts[at : at + 4]) for at in range(0, len(parts) - 3, 4)]
        reverted = {found[1] for commit in commits if (found := _REVERT.match(commit.subject))}
        named = (
            (commit, departure_of(commit.subject)) for commit in commits if commit.subject not in reverted
        )
        return [Departure(commit, thing) for commit, thing in named if thing]

    def _is_after(self, commit: Commit, vouched: Commit) -> bool:
        """Was this not known to whoever vouched for the note?"""
        if commit.id == vouched.id:
            return False
        git = self._history.git
        base = git.run("merge-base", commit.id, vouched.id, check=False).decode().strip()
        return base != commit.id

    def _is_rare(self, thing: str) -> bool:
        """Has it really gone from the code? Prose and the notes themselves do not count."""
        return self._history.files_with(thing, self._context) <= _FEW_FILES


def sentence(departure: Departure) -> str:
    """A departure as a reason."""
    commit = departure.commit
    return f"{commit.author} committed “{commit.subject}” ({commit.id[:8]}, {commit.date[:10]}) since"


def known_stamp(departures: Sequence[Departure]) -> Stamp | None:
    """What to record of the departures that somebody knows who verifies the note."""
    ids = "".join(sorted({d.commit.id[:12] for d in departures})[:10])
    return Stamp(text=ids) if ids else None


def _is_known(departure: Departure, recorded: Stamp | None) -> bool:
    ids = recorded.text if recorded else ""
    return departure.commit.id[:12] in {ids[at : at + 12] for at in range(0, len(ids), 12)}
