"""The rules that keep a model honest: one small function each, every refusal with its reason.

All inputs are plain values. ``refused`` means that the edit can never be accepted; ``needs_review`` that
only a person may, after looking.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from agentctx.hygiene import redact
from agentctx.model import Note, Operation, Refusal, SyncRequest
from agentctx.notes.document import conflict_line, parse
from agentctx.proposals.orders import misleading_markup_in, order_in
from agentctx.proposals.wording import Names, names_in_code, names_in_prose
from agentctx.text import hidden_characters

BODY_LIMIT = 64_000
"""Characters of the longest body that an edit may leave behind, unless the note was longer before."""
GROWTH_LIMIT = 8_000
"""Characters that one edit may add."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """What an edit may rest on: names out of both trees, and the words of the change itself."""

    known: Names = field(default_factory=Names)
    """Everything that exists at the new commit or in the old tree, as far as the caller looked."""
    added: Names = field(default_factory=Names)
    """Names in what the change added, in its context lines, and in the present text of the anchored code."""
    removed: Names = field(default_factory=Names)
    """Names in what the change took away."""
    note_ids: frozenset[str] = frozenset()


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
    hunks = [hunk for change in request.change.files for hunk in change.hunks]
    present = [line for hunk in hunks for line in (*hunk.added, *hunk.context, hunk.header)]
    present += [text for pair in request.excerpts for text in pair]
    present += [change.path for change in request.change.files]
    gone = [line for hunk in hunks for line in hunk.removed]
    gone += [change.old_path for change in request.change.files if change.old_path]
    known = known or Names()
    return Evidence(
        Names(known.words, known.paths | frozenset(paths), known.flags, known.numbers, known.urls),
        names_in_code(["\n".join(present)]),
        names_in_code(["\n".join(gone)]),
        frozenset(note_ids),
    )


def judge(case: Case) -> tuple[Refusal, ...]:
    """Every objection to an edit; empty when it may be offered as it is."""
    return tuple(objection for check in CHECKS for objection in check(case))


def verdict(refusals: Sequence[Refusal]) -> str:
    """``refused``, ``needs_review`` or ``pending``: the worst of the objections."""
    severities = {refusal.severity for refusal in refusals}
    if "refused" in severities:
        return "refused"
    return "needs_review" if severities else "pending"


# --------------------------------------------------------------------------- which note, which bytes


def only_affected(case: Case) -> Iterator[Refusal]:
    if case.note.id not in case.affected and not case.is_new:
        yield Refusal("affected", f"the change was not found to touch {case.note.id}")
    if case.note.read_only and any(o.name not in ("keep", "new_note") for o in case.operations):
        yield Refusal("affected", f"{case.note.path} is documentation that agentctx only reads")


_FIELDS = {
    "title": {"retitle"},
    "tags": {"retag"},
    "status": {"set_status"},
    "superseded_by": {"set_status"},
    "anchors": {"anchor"},
    "supersedes": set[str](),
    "review_by": set[str](),
    "pinned": set[str](),
    "extra": set[str](),
}


def only_its_own_fields(case: Case) -> Iterator[Refusal]:
    """Front matter changes only where an operation for it was given: no stamps, provenance or trust."""
    edited = case.edited
    if edited is None:
        yield Refusal("fields", "the note could not be read any more after the edit")
    elif not case.is_new:
        names = {operation.name for operation in case.operations}
        for name, allowed in _FIELDS.items():
            if getattr(edited, name) != getattr(case.note, name) and not allowed & names:
                yield Refusal("fields", f"the edit would change `{name}`, which no operation of it may")


def untouched_stays(case: Case) -> Iterator[Refusal]:
    """Sections that no operation speaks of are the same before and after, in the same order.

    Headings that were nowhere in the note may come along with new text.
    """
    edited = case.edited
    if edited is None or case.is_new:
        return
    touched = {str(o.arguments["heading"]).strip() for o in case.operations if "heading" in o.arguments}
    for operation in case.operations:
        if operation.name == "replace_text":
            old, new = (str(operation.arguments[k]).replace("\r\n", "\n") for k in ("old", "new"))
            touched |= {s.heading for s in case.note.sections if old in case.note.body[s.start : s.end]}
            touched |= {s.heading for s in edited.sections if new in edited.body[s.start : s.end]}
            if _crosses(case.note, old):
                return
    touched |= {s.heading for s in edited.sections} - {s.heading for s in case.note.sections}
    kept = [(s.heading, s.text.strip()) for s in case.note.sections if s.heading not in touched]
    left = [(s.heading, s.text.strip()) for s in edited.sections if s.heading not in touched]
    if kept != left:
        yield Refusal("untouched", "the edit would change sections that it does not speak of")


def _crosses(note: Note, old: str) -> bool:
    """Whether a stretch reaches over a heading; then the splice's own proof stands alone."""
    return not any(old in note.body[s.start : s.end] for s in note.sections)


def not_half_gone(case: Case) -> Iterator[Refusal]:
    if not case.is_new:
        yield from not_half_gone_text(case.before, case.after)


def not_half_gone_text(before: bytes, after: bytes) -> Iterator[Refusal]:
    """No edit leaves less than half of a note's body, white space aside."""
    bodies = (parse("note.md", data, "decision")[0] for data in (before, after))
    old, new = (len("".join(note.body.split())) if note else 0 for note in bodies)
    if new * 2 < old:
        yield Refusal("shrink", f"the edit would leave {new * 100 // old} % of the note's text")


def only_appended_when_cut(case: Case) -> Iterator[Refusal]:
    names = {o.name for o in case.operations}
    if not case.whole and names - {"append_section", "keep", "anchor", "new_note"}:
        yield Refusal("whole", "the model did not see the whole note, so it may only add to it")


# --------------------------------------------------------------------------- what the words say


def known_names(case: Case) -> Iterator[Refusal]:
    """Every path, symbol, flag and number of the new text exists somewhere it may come from."""
    unknown = unknown_names(case)
    for kind, names in (
        ("a file or folder", unknown.paths),
        ("a name", unknown.words),
        ("a flag", unknown.flags),
        ("a number", unknown.numbers),
        ("an address", unknown.urls),
    ):
        if names:
            shown = ", ".join(f"`{name[:60]}`" for name in sorted(names)[:5])
            reason = f"the new text names {kind} that neither tree nor the old note has: {shown}"
            yield Refusal("names", reason, "needs_review")


def unknown_names(case: Case) -> Names:
    """Names of the new text that nothing supports; a caller may look them up in the trees and judge again.

    Numbers must come from the change, the anchored code or the old note: in a whole tree every small
    number occurs somewhere.
    """
    named = names_in_prose(case.new_text)
    sources = (case.evidence.added, case.evidence.removed, names_in_code([case.note.body, case.note.title]))
    words = {w for w in named.words if not _known_word(w, (*sources, case.evidence.known))}
    known_paths = frozenset().union(case.evidence.known.paths, *(s.paths for s in sources))
    all_words = frozenset().union(case.evidence.known.words, *(s.words for s in sources))
    return Names(
        frozenset(words),
        frozenset(p for p in named.paths if not _known_path(p, known_paths, all_words)),
        named.flags - frozenset().union(case.evidence.known.flags, *(s.flags for s in sources)),
        named.numbers - frozenset().union(*(s.numbers for s in sources)),
        named.urls - frozenset().union(case.evidence.known.urls, *(s.urls for s in sources)),
    )


def _known_word(word: str, sources: Iterable[Names]) -> bool:
    return word.lower() in _COMMON or any(word in source.words for source in sources)


_COMMON = frozenset(
    ("self", "this", "cls", "true", "false", "none", "null", "json", "http", "https", "ok", "id")
)


def _known_path(path: str, paths: frozenset[str], words: frozenset[str]) -> bool:
    """A path as written: whole, as the end of a longer one, as a folder, or ``module.attribute``."""
    bare = path.removeprefix("./").split("#")[0].split(":")[0]
    if bare in paths or any(known.endswith("/" + bare) or known.startswith(bare + "/") for known in paths):
        return True
    if any(f"/{bare}/" in known for known in paths):
        return True
    if any(c in bare for c in "*?["):
        return True
    parts = re.split(r"[./]", bare)
    return all(part in words for part in parts if part)


def numbers_in_their_place(case: Case) -> Iterator[Refusal]:
    """A number put where another text stood comes out of the change, not from elsewhere in the note."""
    sections = {section.heading: section.text for section in case.note.sections}
    strange: set[str] = set()
    for operation in case.operations:
        given = operation.arguments
        if operation.name == "replace_text":
            old, new = given["old"], given["new"]
        elif operation.name == "replace_section":
            old, new = sections.get(str(given["heading"]).strip(), ""), given["text"]
        else:
            continue
        strange |= names_in_prose(str(new)).numbers - names_in_code([str(old)]).numbers
    strange -= case.evidence.added.numbers
    if strange:
        shown = ", ".join(sorted(strange)[:5])
        yield Refusal("place", f"the change does not give the number that is put in: {shown}", "needs_review")


def nothing_only_gone(case: Case) -> Iterator[Refusal]:
    """A name or number that the text brings in, and that the change has just removed, is looked at."""
    if case.is_new:
        return
    brought = names_in_prose(case.new_text).without(names_in_code([case.note.body, case.note.title]))
    removed, present = case.evidence.removed, case.evidence.added
    gone = (brought.numbers & (removed.numbers - present.numbers)) | (
        brought.words & (removed.words - present.words)
    )
    if gone:
        shown = ", ".join(f"`{name}`" for name in sorted(gone)[:5])
        yield Refusal("gone", f"the new text brings in what the change removed: {shown}", "needs_review")


def about_the_change(case: Case) -> Iterator[Refusal]:
    """The edit brings in or takes out at least one thing that the change itself touches."""
    writes = [o for o in case.operations if o.name in ("replace_text", "replace_section", "append_section")]
    edited = case.edited
    if not writes or edited is None or case.is_new:
        return
    before, after = (names_in_code([note.body]) for note in (case.note, edited))
    moved = after.without(before), before.without(after)
    change = (case.evidence.added, case.evidence.removed)
    if not any(
        getattr(mine, kind) & getattr(theirs, kind)
        for mine in moved
        for theirs in change
        for kind in ("words", "paths", "flags", "numbers")
    ):
        yield Refusal("about", "nothing that the edit changes occurs in the change itself", "needs_review")


def no_secrets(case: Case) -> Iterator[Refusal]:
    text = case.new_text
    for rule in sorted({finding.rule for finding in redact(text).findings}):
        yield Refusal("secret", f"the new text holds a secret ({rule})")
    if "[redacted:" in text:
        yield Refusal("secret", "the new text holds the place of a secret that was taken out")


def no_hidden_characters(case: Case) -> Iterator[Refusal]:
    hidden = hidden_characters(case.new_text)
    if hidden:
        names = ", ".join(sorted({name for _, name in hidden})[:5])
        yield Refusal("hidden", f"the new text holds characters that nobody sees ({names})")


def no_orders_to_agents(case: Case) -> Iterator[Refusal]:
    """Text that addresses whoever reads it with orders, or that poses as something else, needs a person."""
    text = case.added_text
    if order := order_in(text):
        yield Refusal("orders", f"the new text reads like an order to agents: “{order}”", "needs_review")
    if markup := misleading_markup_in(text):
        yield Refusal("orders", f"the new text holds markup that can mislead: `{markup}`", "needs_review")


def not_too_long(case: Case) -> Iterator[Refusal]:
    edited = case.edited
    if edited is None:
        return
    if len(edited.body) > max(BODY_LIMIT, len(case.note.body)):
        yield Refusal("length", f"the note would have more than {BODY_LIMIT:,} characters")
    if len(edited.body) - len(case.note.body) > GROWTH_LIMIT:
        yield Refusal("length", f"the edit adds more than {GROWTH_LIMIT:,} characters", "needs_review")


def no_conflict_markers(case: Case) -> Iterator[Refusal]:
    if conflict_line(case.after) or re.search(r"^(?:<{7}|>{7}|={7})(?: |$)", case.new_text, re.MULTILINE):
        yield Refusal("markers", "the new text holds merge conflict markers")


def status_by_a_person(case: Case) -> Iterator[Refusal]:
    """Taking a note out of use is the nearest thing to deleting it: never without a person."""
    for operation in case.operations:
        if operation.name == "set_status":
            by = str(operation.arguments["by"])
            if by == case.note.id or (by and by not in case.evidence.note_ids):
                yield Refusal("status", f"there is no other note {by[:80]!r} that could take its place")
            elif operation.arguments["status"] == "superseded" and not by:
                yield Refusal("status", "superseded by nothing: the note that takes its place is not named")
            else:
                reason = f"the note would be {operation.arguments['status']}"
                yield Refusal("status", reason, "needs_review")


def new_note_by_a_person(case: Case) -> Iterator[Refusal]:
    if case.is_new:
        yield Refusal("new", "a new note is written by nobody but a model so far", "needs_review")


def changes_something(case: Case) -> Iterator[Refusal]:
    """An edit that leaves every byte as it is says nothing; only ``keep`` may do that."""
    if case.before == case.after and not case.is_new and any(o.name != "keep" for o in case.operations):
        yield Refusal("empty", "the operations leave the note as it is")


CHECKS: tuple[Callable[[Case], Iterator[Refusal]], ...] = (
    only_affected,
    only_its_own_fields,
    untouched_stays,
    not_half_gone,
    only_appended_when_cut,
    changes_something,
    no_secrets,
    no_hidden_characters,
    no_conflict_markers,
    not_too_long,
    status_by_a_person,
    new_note_by_a_person,
    no_orders_to_agents,
    known_names,
    numbers_in_their_place,
    nothing_only_gone,
    about_the_change,
)
