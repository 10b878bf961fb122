"""What speaks against a note though none of its code changed: a condition that is met, a commit's message."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from agentctx.freshness.answers import COMMITS, CONDITIONS
from agentctx.freshness.departures import Departures, known_stamp, sentence
from agentctx.freshness.history import History
from agentctx.freshness.logbook import Log
from agentctx.freshness.reviews import Reviews
from agentctx.freshness.score import asks_for_review, is_about_no_code
from agentctx.freshness.tree import Tree
from agentctx.freshness.verdicts import Cache
from agentctx.model import Commit, Note, Stamp

Reasons = Mapping[str, tuple[str, ...]]
"""Note id -> sentences."""


class Standing:
    """Looks around the notes of one tree. ``log`` knows the commits that wrote and verified them."""

    def __init__(
        self, tree: Tree, history: History | None, cache: Cache | None, context: str, log: Log
    ) -> None:
        self._tree = tree
        self._log = log
        self._context = context
        self._reviews = Reviews(tree)
        self._departures = Departures(history, cache, context) if history else None

    def reasons(
        self, notes: Sequence[Note], records: Mapping[str, Mapping[str, Stamp]], found: Reasons
    ) -> dict[str, tuple[str, ...]]:
        """``found`` and, behind it, the reasons of this module."""
        all_of = dict(found)
        for note in notes:
            if asks_for_review(note):
                met = self._reviews.reasons(note, records.get(note.id, {}).get(CONDITIONS))
                all_of[note.id] = (*all_of.get(note.id, ()), *met)
        if self._departures is not None:
            vouched = [(n, commit) for n in notes if is_about_no_code(n) and (commit := self._vouched(n))]
            recorded = {note.id: records.get(note.id, {}).get(COMMITS) for note, _ in vouched}
            for id, departures in self._departures.after(vouched, recorded).items():
                all_of[id] = (*all_of.get(id, ()), *(sentence(d) for d in departures))
        return all_of

    def known(self, notes: Sequence[Note]) -> dict[str, dict[str, Stamp]]:
        """What to record when somebody says, knowing of these commits, that the notes are still true."""
        if self._departures is None:
            return {}
        vouched = [(note, commit) for note in notes if (commit := self._vouched(note))]
        after = self._departures.after(vouched, {})
        stamps = {id: known_stamp(departures) for id, departures in after.items()}
        return {id: {COMMITS: stamp} for id, stamp in stamps.items() if stamp}

    def _vouched(self, note: Note) -> Commit | None:
        """The last commit that wrote or verified the note; None while that is not committed."""
        paths = (note.path, f"{self._context}/.verified/{note.id}")
        if self._tree.key(paths[0]).startswith("w:"):
            return None
        places = [self._log.places[path][0] for path in paths if path in self._log.places]
        return self._log.events[min(places)].commit if places else None
