"""The log of the context folder, kept between runs and continued from the commit it reached."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

from agentctx.freshness.history import Event, History
from agentctx.freshness.verdicts import Cache
from agentctx.model import Commit

VERSION = 1


class Log:
    """Commits that touched notes, records and anchored code, newest first, found by file."""

    def __init__(self, events: Sequence[Event] = ()) -> None:
        self.events = events
        self.places: dict[str, list[int]] = {}
        """Path -> places of the events that changed it, newest first."""
        for at, event in enumerate(events):
            for path in event.changes:
                self.places.setdefault(path, []).append(at)

    def last_change(self, path: str) -> Commit | None:
        """The newest commit that changed a file."""
        places = self.places.get(path, ())
        return self.events[places[0]].commit if places else None


class Logbook:
    """Events of one history, newest first."""

    def __init__(self, history: History, cache: Cache | None) -> None:
        self.history = history
        self.cache = cache

    def events(self, folders: Collection[str], interesting: Collection[str]) -> Sequence[Event]:
        """Commits that touch the folders, with their changes of interesting paths.

        No process when nothing was committed since the last run, one when the history went on.
        """
        wanted = sorted(folders)
        about = hashlib.sha256("\0".join([*wanted, "", *sorted(interesting)]).encode("utf-8", "replace"))
        known, kept = self._read(about.hexdigest())
        head = self.history.head
        if known == head:
            return kept
        if self.history.is_ancestor(known):
            found = [*self.history.touching(wanted, interesting, since=known), *kept]
        else:
            found = list(self.history.touching(wanted, interesting))
        if self.cache is not None:
            document = {"version": VERSION, "about": about.hexdigest(), "head": head}
            self.cache.write("history", {**document, "events": [_raw(event) for event in found]})
        return found

    def _read(self, about: str) -> tuple[str, list[Event]]:
        """(commit, events up to it) as kept for the same question; an empty commit when there is nothing."""
        raw = self.cache.read("history") if self.cache else None
        if not isinstance(raw, dict) or raw.get("version") != VERSION or raw.get("about") != about:
            return "", []
        try:
            return str(raw["head"]), [_event(entry) for entry in raw["events"]]
        except (KeyError, TypeError, ValueError, AttributeError):  # a damaged document
            return "", []


def _raw(event: Event) -> list[Any]:
    commit = event.commit
    changes = {path: list(pair) for path, pair in event.changes.items()}
    return [commit.id, commit.author, commit.date, commit.subject, event.parents, changes]


def _event(raw: list[Any]) -> Event:
    *about, parents, changes = raw
    return Event(Commit(*about), parents, {path: (old, new) for path, (old, new) in changes.items()})


def newer(a: Commit | None, b: Commit | None) -> Commit | None:
    """The later of two commits by their dates."""
    if a is None or b is None or a.date == b.date:
        return a or b
    return a if datetime.fromisoformat(a.date) >= datetime.fromisoformat(b.date) else b
