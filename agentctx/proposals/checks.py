"""The rules that keep a model honest: one small function each, every refusal with its reason.

All inputs are plain values. ``refused`` means that the edit can never be accepted; ``needs_review`` that
only a person may, after looking.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence

from agentctx.hygiene import redact
from agentctx.model import Note, Refusal
from agentctx.notes.document import conflict_line, parse
from agentctx.proposals.case import Case, Evidence, evidence_of
from agentctx.proposals.claims import (
    about_the_change,
    in_their_places,
    known_names,
    nothing_only_gone,
    unknown_names,
    values_as_in_the_code,
)
from agentctx.proposals.code_marks import broken_marks_in
from agentctx.proposals.orders import acting_markup_in, kept_sentences, misleading_markup_in, order_in
from agentctx.text import hidden_characters

__all__ = [
    "CHECKS",
    "Case",
    "Evidence",
    "evidence_of",
    "judge",
    "not_half_gone_text",
    "unknown_names",
    "verdict",
]

BODY_LIMIT = 64_000
"""Characters of the longest body that an edit may leave behind, unless the note was longer before."""
GROWTH_LIMIT = 8_000
"""Characters that one edit may add."""


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
    "review_when": set[str](),
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


# --------------------------------------------------------------------------- what must not be in it


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
    old, new = case.note, case.edited
    labels = [new.title, *new.tags] if new else []
    said = "\n".join([text, *(label for label in labels if label not in (old.title, *old.tags))])
    after = new.body if new else case.new_text
    if order := order_in(said, kept_sentences(old.body, after)):
        yield Refusal("orders", f"the new text reads like an order to agents: “{order}”", "needs_review")
    acting = acting_markup_in(after) - acting_markup_in(case.note.body)
    if markup := misleading_markup_in(text) or min(acting, default=""):
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


def code_marks_close(case: Case) -> Iterator[Refusal]:
    """Broken marks show what is code as prose, and prose as code: names may have changed places."""
    edited = case.edited
    broken = broken_marks_in(edited.body) - broken_marks_in(case.note.body) if edited else {}
    if broken:
        reason = f"the new text breaks the marks around code at “{min(broken)}”"
        yield Refusal("marks", reason, "needs_review")


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


def nothing_false_stays(case: Case) -> Iterator[Refusal]:
    """Accepting says that the note is true: what is known to be false in it may not be left standing."""
    body = case.edited.body if case.edited and not case.is_new else ""
    for span, reason in case.evidence.false.items():
        if f"`{span}`" in body:
            yield Refusal("stands", f"the note would be verified, but {reason}", "needs_review")


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
    code_marks_close,
    not_too_long,
    status_by_a_person,
    new_note_by_a_person,
    no_orders_to_agents,
    known_names,
    in_their_places,
    nothing_only_gone,
    values_as_in_the_code,
    nothing_false_stays,
    about_the_change,
)
