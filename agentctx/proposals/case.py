"""One proposed edit and what it may rest on: the values that the rules judge."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache

from agentctx.model import Change, Note, Operation, SyncRequest
from agentctx.notes.document import parse
from agentctx.proposals.change_words import ChangeWords, read_change
from agentctx.proposals.support import Rarity
from agentctx.proposals.surroundings import Passage
from agentctx.proposals.wording import Names, names_in_code, names_in_prose, values_in


@dataclass(frozen=True, slots=True)
class Evidence:
    """What an edit may rest on: names out of both trees, and the words of the change itself."""

    known: Names = field(default_factory=Names)
    """Everything that exists at the new commit or in the old tree, as far as the caller looked."""
    added: Names = field(default_factory=Names)
    """Names in the lines and paths that the change added."""
    around: Names = field(default_factory=Names)
    """Names in its context lines and in the present text of the anchored code."""
    removed: Names = field(default_factory=Names)
    """Names in what the change took away."""
    message: Names = field(default_factory=Names)
    """Names in what the author wrote about the change."""
    note_ids: frozenset[str] = frozenset()
    values: Mapping[str, frozenset[str]] = field(default_factory=dict)
    """What the code sets a name to after the change (``MAX_AGE`` to ``1800``), where it shows it."""
    change: ChangeWords = field(default_factory=ChangeWords)
    """The words of the change, its message among them."""
    passages: tuple[Passage, ...] = ()
    """Lines of the change, of its message and of the anchored code: what stands beside what."""
    rarity: Rarity = field(default_factory=Rarity)
    """How rare words are in this repository's notes."""
    false: Mapping[str, str] = field(default_factory=dict)
    """Code spans of the note that are known to be false now, with the reason."""


@dataclass(frozen=True, slots=True)
class Case:
    """One proposed edit of one note, before and after."""

    note: Note
    """The note before the edit; for a new note, an empty one."""
    before: bytes
    after: bytes
    operations: tuple[Operation, ...]
    evidence: Evidence
    affected: frozenset[str] = frozenset()
    """Ids of the notes that the change was found to touch."""
    whole: bool = True
    """Whether the model saw the whole note."""
    is_new: bool = False

    @property
    def edited(self) -> Note | None:
        """The note after the edit; None when it cannot be read any more."""
        return parse(self.note.path, self.after, self.note.kind)[0]

    @property
    def new_text(self) -> str:
        """Every text of the operations that ends up in the note."""
        keys = ("new", "text", "heading", "title")
        texts = [str(o.arguments[k]) for o in self.operations for k in keys if k in o.arguments]
        texts += [str(tag) for o in self.operations for tag in o.arguments.get("tags", ())]
        return "\n".join(texts)

    @property
    def named(self) -> Names:
        """The code that the note names after the edit; read from the whole note, where fences are whole."""
        edited = self.edited
        return names_in_prose("\n".join((edited.title, *edited.tags, edited.body))) if edited else Names()

    @property
    def added_text(self) -> str:
        """The lines of ``new_text`` that the note did not hold before."""
        old = {line.strip() for line in self.note.body.split("\n")}
        return "\n".join(line for line in self.new_text.split("\n") if line.strip() not in old)


def evidence_of(
    request: SyncRequest,
    known: Names | None = None,
    paths: Iterable[str] = (),
    note_ids: Iterable[str] = (),
    rarity: Rarity | None = None,
) -> Evidence:
    """The evidence that a request itself holds, joined with what the caller found in the trees.

    ``paths``: all repository paths of the old and the new tree; ``known``: names looked up beside them;
    ``rarity``: of words in all notes.
    """
    files = request.change.files
    hunks = [hunk for file in files for hunk in file.hunks]
    added = [line for hunk in hunks for line in hunk.added]
    added += [file.path for file in files if file.status != "D"]
    around = [line for hunk in hunks for line in (*hunk.context, hunk.header)]
    around += [text for pair in request.excerpts for text in pair]
    gone = [line for hunk in hunks for line in hunk.removed]
    gone += [file.old_path or file.path for file in files if file.status in ("D", "R")]
    known = known or Names()
    return Evidence(
        Names(known.words, known.paths | frozenset(paths), known.flags, known.numbers, known.urls),
        names_in_code(["\n".join(added)]),
        names_in_code(["\n".join(around)]),
        names_in_code(["\n".join(gone)]),
        names_in_code([request.change.subject, request.change.body]),
        frozenset(note_ids),
        values_in("\n".join((*added, *around))),
        _read(request.change),
        (*_passages(request.change), *_quoted(request)),
        rarity or Rarity(),
    )


PASSAGE_LINES, LINE_CHARACTERS = 800, 300
"""Lines of one side of a hunk, and characters of a line, that are read for what stands beside what."""


@lru_cache(maxsize=4)
def _read(change: Change) -> ChangeWords:
    return read_change(change)


@lru_cache(maxsize=4)
def _passages(change: Change) -> tuple[Passage, ...]:
    """Added lines say what is; context and removed lines half as much; the message in full."""
    hunks = [hunk for file in change.files for hunk in file.hunks]
    sides = [
        (side, weight) for h in hunks for side, weight in ((h.added, 1.0), (h.context, 0.5), (h.removed, 0.5))
    ]
    message = f"{change.subject}\n{change.body}".split("\n")
    return tuple(_passage(lines, weight) for lines, weight in (*sides, (message, 1.0)) if lines)


def _quoted(request: SyncRequest) -> Iterator[Passage]:
    yield from (_passage(text.split("\n"), 0.5) for _, text in request.excerpts)
    yield _passage(request.note.body.split("\n"), 0.8)


def _passage(lines: Sequence[str], weight: float) -> Passage:
    return Passage(tuple(line[:LINE_CHARACTERS] for line in lines[:PASSAGE_LINES]), weight)
