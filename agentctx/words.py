"""The words of all notes of a clone, kept between runs: read in a moment while no note and no commit is new.

Three documents, all derived: ``bags`` (the words of each version of a note), ``titles`` (the earlier changes
of notes, continued from the commit they reached) and ``words`` (where every word stands).
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence

from agentctx.git import Git
from agentctx.model import Note
from agentctx.retrieval.bags import SCHEME, Bag, bag_of
from agentctx.retrieval.concordance import Concordance
from agentctx.state import StateDir


class Words:
    """The notes of one clone as words. ``context`` is the folder of its notes."""

    def __init__(self, git: Git, state: StateDir, context: str) -> None:
        self.git, self.state, self.context = git, state, context

    def concordance(self, notes: Sequence[Note], head: str) -> Concordance:
        """Where every word stands in the notes and in the titles of their earlier changes up to ``head``."""
        here = _digest(f"{SCHEME}", *(f"{n.id} {n.path} {n.digest}" for n in notes))
        known = self.state.read("words")
        known = known if isinstance(known, dict) and known.get("notes") == here else {}
        if known.get("head") == head and (kept := self._kept(str(known.get("about")))):
            return kept
        titles = self.titles(notes, head)
        about = _digest(here, *(text for id in sorted(titles) for text in (id, *titles[id])))
        found = self._kept(about) if known.get("about") == about else None
        if found is None:
            from agentctx.retrieval.ranking import concordance_of

            found = concordance_of(notes, titles, self.bags(notes))
            self.state.write_bytes("words.bin", found.to_bytes(about))
        self.state.write("words", {"notes": here, "head": head, "about": about})
        return found

    def titles(self, notes: Sequence[Note], head: str) -> Mapping[str, Sequence[str]]:
        """Note id -> titles of the earlier changes that touched it; git is asked for what is new."""
        from agentctx.proposals.merge_log import merge_history, notes_only
        from agentctx.proposals.note_history import titles_of

        documents = sorted({n.path for n in notes if n.read_only})
        scope = notes_only(self.context, documents)
        return titles_of(merge_history(self.git, head, self.state, documents, scope=scope), notes)

    def bags(self, notes: Sequence[Note]) -> dict[str, Bag]:
        """The words of every note, taken apart once for each version of it."""
        cache = self.state.read("bags")
        old = cache.get(str(SCHEME)) if isinstance(cache, dict) else None
        old = old if isinstance(old, dict) else {}
        keys = {n.id: f"{n.id} {n.path} {n.digest}" for n in notes}
        new = {keys[n.id]: old.get(keys[n.id]) or bag_of(n) for n in notes}
        if new.keys() != old.keys():
            self.state.write("bags", {str(SCHEME): new})
        return {id: new[key] for id, key in keys.items()}

    def _kept(self, about: str) -> Concordance | None:
        data = self.state.read_bytes("words.bin")
        return Concordance.from_bytes(data, about) if data else None


def _digest(*texts: str) -> str:
    return hashlib.sha256("\0".join(texts).encode("utf-8", "surrogatepass")).hexdigest()
