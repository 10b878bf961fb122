"""One proposed edit and what it may rest on: the values that the rules judge."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from agentctx.model import Note, Operation, SyncRequest
from agentctx.notes.document import parse
from agentctx.proposals.wording import Names, names_in_code, names_in_prose, values_in, words_in


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
    changed: frozenset[str] = frozenset()
    """Words that occur more often, or less often, after the change: not merely moved along."""
    note_ids: frozenset[str] = frozenset()
    values: Mapping[str, frozenset[str]] = field(default_factory=dict)
    """What the code sets a name to after the change (``MAX_AGE`` to ``1800``), where it shows it."""


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
    request: SyncRequest, known: Names | None = None, paths: Iterable[str] = (), note_ids: Iterable[str] = ()
) -> Evidence:
    """The evidence that a request itself holds, joined with what the caller found in the trees.

    ``paths``: all repository paths of the old and the new tree; ``known``: names looked up beside them.
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
        _changed_words(added, gone),
        frozenset(note_ids),
        values_in("\n".join((*added, *around))),
    )


def _changed_words(added: Iterable[str], gone: Iterable[str]) -> frozenset[str]:
    after, before = (Counter(words_in("\n".join(lines))) for lines in (added, gone))
    return frozenset(word for word in after.keys() | before.keys() if after[word] != before[word])
