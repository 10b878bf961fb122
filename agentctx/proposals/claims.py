"""Rules about what a new text says: every name in it comes from somewhere, best from the change."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from agentctx.model import Refusal
from agentctx.proposals.case import Case
from agentctx.proposals.exchange import exchanged
from agentctx.proposals.wording import Names, names_in_code, names_in_prose, parts_of, spans_in, values_in


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
    named = case.named
    change = case.evidence
    own = names_in_code([case.note.body, case.note.title])
    sources = (change.added, change.around, change.removed, own)
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


def from_the_change(case: Case) -> Iterator[Refusal]:
    """A name or number put where another text stood comes out of the change's added lines.

    That it exists somewhere is not enough: two names traded for each other both exist.
    """
    words: set[str] = set()
    numbers: set[str] = set()
    for old, new in _stretches(case):
        named, stood = names_in_prose(new), names_in_code([old])
        words |= named.words - stood.words
        numbers |= named.numbers - stood.numbers
    strange = {word for word in words - case.evidence.added.words if word.lower() not in _COMMON}
    strange |= numbers - case.evidence.added.numbers
    if strange:
        shown = ", ".join(f"`{name}`" for name in sorted(strange)[:5])
        yield Refusal("place", f"what is put in does not come from the change: {shown}", "needs_review")


def in_their_places(case: Case) -> Iterator[Refusal]:
    """Names and numbers of a text that stays are not traded for each other."""
    for old, new in _stretches(case):
        if traded := exchanged(old, new):
            shown = ", ".join(name.strip("`") for name in traded[:5])
            yield Refusal(
                "traded", f"the new text puts {shown} in other places of the same words", "needs_review"
            )
            return


def _stretches(case: Case) -> Iterator[tuple[str, str]]:
    """(old, new) texts of the operations that put one text in another's place."""
    sections = {section.heading: section.text for section in case.note.sections}
    for operation in case.operations:
        given = operation.arguments
        if operation.name == "replace_text":
            yield str(given["old"]), str(given["new"])
        elif operation.name == "replace_section":
            yield sections.get(str(given["heading"]).strip(), ""), str(given["text"])


def values_as_in_the_code(case: Case) -> Iterator[Refusal]:
    """A code span that sets a name to a value sets it to one that the code shows."""
    old = values_in(spans_in(case.note.body))
    edited = case.edited
    for name, values in values_in(spans_in(edited.body)).items() if edited else ():
        shown = case.evidence.values.get(name, frozenset())
        wrong = values - shown - old.get(name, frozenset())
        if shown and wrong:
            reason = f"the code sets `{name}` to {', '.join(sorted(shown)[:3])}, the new text to {min(wrong)}"
            yield Refusal("value", reason, "needs_review")


def nothing_only_gone(case: Case) -> Iterator[Refusal]:
    """A name or number that the text brings in, and that the change has just removed, is looked at."""
    if case.is_new:
        return
    brought = case.named.without(names_in_code([case.note.body, case.note.title]))
    removed, added, around = case.evidence.removed, case.evidence.added, case.evidence.around
    gone = brought.numbers & (removed.numbers - added.numbers - around.numbers)
    gone |= brought.words & (removed.words - added.words - around.words)
    if gone:
        shown = ", ".join(f"`{name}`" for name in sorted(gone)[:5])
        yield Refusal("gone", f"the new text brings in what the change removed: {shown}", "needs_review")


def about_the_change(case: Case) -> Iterator[Refusal]:
    """What the edit brings in or takes out is something that the change really changed.

    Code and numbers of the edit are compared with the words whose count the change altered. An edit of
    prose alone is held to the parts of those words, or to code that stands in the same stretch.
    """
    edited = case.edited
    stretches = [*_stretches(case), *_appended(case)]
    if not stretches or edited is None or case.is_new:
        return
    before, after = (names_in_prose(note.body) for note in (case.note, edited))
    moved = after.without(before).joined(before.without(after))
    change = case.evidence.added.joined(case.evidence.removed)
    if moved.words & case.evidence.changed or moved.numbers & change.numbers:
        return
    if moved.paths & change.paths or moved.flags & change.flags:
        return
    if not moved.words and not moved.numbers:
        parts = {part for word in case.evidence.changed for part in parts_of(word)}
        prose = set(parts_of(case.note.body)) ^ set(parts_of(edited.body))
        beside = {word for pair in stretches for text in pair for word in names_in_prose(text).words}
        if prose & parts or beside & case.evidence.changed:
            return
    yield Refusal("about", "nothing that the edit changes was changed by the merge", "needs_review")


def _appended(case: Case) -> Iterator[tuple[str, str]]:
    for operation in case.operations:
        if operation.name == "append_section":
            yield "", str(operation.arguments["text"])
