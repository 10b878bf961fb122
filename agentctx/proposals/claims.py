"""Rules about what a new text says: every name in it comes from somewhere, best from the change."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from agentctx.model import Refusal
from agentctx.proposals.case import Case
from agentctx.proposals.exchange import exchanged
from agentctx.proposals.judging import SHIPPED, odds_of, standing, weighted
from agentctx.proposals.places import Pair, pairs_of
from agentctx.proposals.support import numbers_of, unknown_words
from agentctx.proposals.surroundings import Surroundings
from agentctx.proposals.wording import Names, defined_in, is_literal, names_in_code, spans_in, values_in


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
    sources = (change.added, change.around, change.removed, change.message, own)
    own_words = defined_in(case.edited.body) if case.edited else frozenset[str]()
    words = {w for w in named.words - own_words if not _known_word(w, (*sources, case.evidence.known))}
    pages = frozenset().union(case.evidence.known.urls, *(s.urls for s in sources))
    known_paths = frozenset().union(case.evidence.known.paths, *(s.paths for s in sources))
    all_words = frozenset().union(case.evidence.known.words, *(s.words for s in sources))
    return Names(
        frozenset(words),
        frozenset(p for p in named.paths if not _known_path(p, known_paths, all_words)),
        named.flags - frozenset().union(case.evidence.known.flags, *(s.flags for s in sources)),
        named.numbers - frozenset().union(*(s.numbers for s in sources)),
        frozenset(url for url in named.urls - pages if _site(url) not in map(_site, pages)),
    )


def _known_word(word: str, sources: Iterable[Names]) -> bool:
    if len(word) == 1 or word.lower() in _COMMON:
        return True
    forms = (word, f"{word}s", word.removesuffix("s")) if len(word) > 4 else (word,)
    return any(form in source.words for source in sources for form in forms)


_COMMON = frozenset(
    ("self", "this", "cls", "true", "false", "none", "null", "json", "http", "https", "ok", "id")
)


def _site(url: str) -> str:
    """Host and the first two parts of the path: on hosts that many share, whose pages they are."""
    return "/".join(url.split("/")[:5])


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


def in_their_places(case: Case) -> Iterator[Refusal]:
    """Names and numbers stand where the evidence has them, as far as it says anything about their places."""
    if case.edited is None or case.is_new:
        return
    pairs, traded = pairs_in(case), traded_in(case)
    if not pairs and not traded:
        return
    numbers = standing(pairs, len(traded), SHIPPED.pair)
    if weighted(numbers, SHIPPED.places) < SHIPPED.places_threshold:
        worst = min(pairs, key=lambda pair: odds_of(pair, SHIPPED.pair), default=None)
        doubtful = sorted(traded)[:5] or ([worst.one, worst.other] if worst else [])
        shown = " and ".join(f"`{name[:60]}`" for name in doubtful)
        yield Refusal("traded", f"nothing shows that {shown} belong where the text has them", "needs_review")


def traded_in(case: Case) -> set[str]:
    """Names and numbers of a text that stays, put in each other's places."""
    return {name.strip("`") for name in exchanged(_stretches(case))}


def pairs_in(case: Case) -> list[Pair]:
    """Every two names, and every two numbers, of the lines that the edit writes."""
    after = case.edited.body if case.edited else ""
    return pairs_of(case.note.body, after, Surroundings(case.evidence.passages), case.evidence.rarity)


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
        # A name that is set here to this and there to that, or to another variable, has no one value.
        if len(shown) == 1 and wrong and all(map(is_literal, shown | wrong)):
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
    """What the edit brings in or takes out is something that the change speaks of."""
    before, after = _texts(case)
    if case.edited is None or case.is_new or before == after:
        return
    if weighted(support_numbers(case), SHIPPED.support) < SHIPPED.support_threshold:
        unknown = unknown_words(before, after, case.evidence.change, case.evidence.rarity)[:5]
        shown = f"; not in it: {', '.join(unknown)}" if unknown else ""
        yield Refusal("about", f"the merge says little of what the edit changes{shown}", "needs_review")


def support_numbers(case: Case) -> dict[str, float]:
    """How much the change speaks of the edit, by name."""
    return numbers_of(*_texts(case), case.evidence.change, case.evidence.rarity)


def _texts(case: Case) -> tuple[str, str]:
    """What the note says before and after the edit: title, tags and body."""
    notes = (case.note, case.edited or case.note)
    before, after = ("\n".join((note.title, *note.tags, note.body)) for note in notes)
    return before, after
