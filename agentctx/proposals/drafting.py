"""From a parsed answer, or a repair, to proposals: apply in memory, judge, keep what may be offered."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal, cast

from agentctx.model import Affected, Note, Operation, Proposal, Refusal, SyncRequest
from agentctx.notes.document import parse
from agentctx.notes.scan import FOLDERS
from agentctx.proposals.checks import Case, Evidence, judge, unknown_names, verdict
from agentctx.proposals.operations import NoteAnswer, ParsedAnswer, apply_operations, new_note_bytes
from agentctx.proposals.repair import Repair
from agentctx.proposals.store import proposal_id
from agentctx.proposals.wording import Names
from agentctx.text import slugify

LookUp = Callable[[Names], Names]
"""Of these names, those that exist in the new tree or the old one."""


@dataclass(frozen=True, slots=True)
class Provenance:
    """What every proposal of one sync shares: set by code, never by the model."""

    sync: str
    commit: str
    context: str
    """The context folder, for the paths of new notes."""
    created: str
    """Now, ISO 8601; its date begins the ids of new decisions."""
    author: str = ""
    model: str = ""
    prompt_version: str = ""


@dataclass(frozen=True, slots=True)
class Drafted:
    """Proposals worth keeping, and (note id, refusal) for everything that was not taken."""

    proposals: tuple[Proposal, ...] = ()
    refused: tuple[tuple[str, Refusal], ...] = ()


def draft(
    parsed: ParsedAnswer,
    requests: Sequence[SyncRequest],
    data: Mapping[str, bytes],
    evidence: Mapping[str, Evidence],
    provenance: Provenance,
    look_up: LookUp | None = None,
) -> Drafted:
    """Judge an answer note by note.

    ``data``: each note's bytes as they were when the prompt was built, by id; ``evidence``: by id too.
    ``look_up`` is asked which of the names that the evidence does not have exist in the trees.
    A note whose answer is refused is simply not changed; one that the answer says nothing about is refused.
    """
    proposals: list[Proposal] = []
    refused: list[tuple[str, Refusal]] = [("", refusal) for refusal in parsed.refusals]
    by_id = {request.note.id: request for request in requests}
    for answer in parsed.notes:
        request = by_id[answer.note_id]
        refused += [(answer.note_id, refusal) for refusal in answer.refusals]
        for part in _parts(answer):
            case = _case(part, request, data[answer.note_id], evidence[answer.note_id], provenance)
            result = _proposal(part, request, case, provenance, look_up)
            if isinstance(result, Proposal):
                proposals.append(result)
            else:
                refused += [(answer.note_id, refusal) for refusal in result]
    said = {a.note_id for a in parsed.notes if a.operations or a.refusals}
    silence = Refusal("format", "the answer says nothing about it")
    refused += [(id, silence) for id in by_id if id not in said]
    return Drafted(tuple(proposals), tuple(refused))


def draft_repair(repair: Repair, note: Note, data: bytes, provenance: Provenance) -> Proposal | Refusal:
    """A proposal out of a mechanical repair; it needs no judge, since its proof is a fingerprint."""
    after = apply_operations(data, repair.operations)
    if isinstance(after, Refusal):
        return after
    affected = Affected(note.id, note.path, 1.0, 1.0, True, (repair.why,))
    answer = NoteAnswer(note.id, repair.why, repair.operations)
    return replace(
        _made(answer, note, affected, data, provenance), origin="repair", model="", prompt_version=""
    )


def _parts(answer: NoteAnswer) -> Iterator[NoteAnswer]:
    """One part for the note itself, and one for each new note: they are accepted separately."""
    own = tuple(o for o in answer.operations if o.name != "new_note")
    if own:
        yield replace(answer, operations=own)
    for operation in answer.operations:
        if operation.name == "new_note":
            yield replace(answer, operations=(operation,))


def _case(
    answer: NoteAnswer, request: SyncRequest, data: bytes, evidence: Evidence, provenance: Provenance
) -> Case | Refusal:
    """The edit that an answer makes, before it is judged; a ``Refusal`` when it does not fit the note."""
    is_new = answer.operations[0].name == "new_note"
    if is_new:
        note, before = _new_note(answer.operations[0], provenance), b""
        after = new_note_bytes(answer.operations[0])
    else:
        # Judged against the bytes that it would change, even when somebody saved since the prompt was made.
        same = hashlib.sha256(data).hexdigest() == request.note.digest
        now = None if same else parse(request.note.path, data, request.note.kind)[0]
        note, before = now or request.note, data
        after = apply_operations(data, answer.operations)
    if isinstance(after, Refusal):
        return after
    affected = frozenset((request.affected.id,))
    return Case(note, before, after, answer.operations, evidence, affected, request.whole, is_new)


def _proposal(
    answer: NoteAnswer,
    request: SyncRequest,
    case: Case | Refusal,
    provenance: Provenance,
    look_up: LookUp | None,
) -> Proposal | tuple[Refusal, ...]:
    if isinstance(case, Refusal):
        return (case,)
    objections = judge(case)
    if look_up is not None and any(objection.check == "names" for objection in objections):
        known = case.evidence.known.joined(look_up(unknown_names(case)))
        objections = judge(replace(case, evidence=replace(case.evidence, known=known)))
    state = verdict(objections)
    if state == "refused":
        return objections
    made = _made(answer, case.note, request.affected, case.before, provenance)
    return replace(made, state=cast("Literal['pending', 'needs_review']", state), refusals=objections)


def _made(
    answer: NoteAnswer, note: Note, affected: Affected, data: bytes, provenance: Provenance
) -> Proposal:
    digest = hashlib.sha256(data).hexdigest() if data else ""
    return Proposal(
        id=proposal_id(note.id, digest, answer.operations),
        sync=provenance.sync,
        note_id=note.id,
        note_path=note.path,
        note_digest=digest,
        operations=answer.operations,
        why=answer.why,
        reasons=affected.reasons,
        origin="model",
        commit=provenance.commit,
        author=provenance.author,
        model=provenance.model,
        prompt_version=provenance.prompt_version,
        created=provenance.created,
    )


def _new_note(operation: Operation, provenance: Provenance) -> Note:
    """An empty note at the place where the new one would lie."""
    kind, title = operation.arguments["kind"], str(operation.arguments["title"])
    dated = f"{provenance.created[:10]}-" if kind == "decision" else ""
    id = f"{dated}{slugify(title)}"
    return Note(id, f"{provenance.context}/{FOLDERS[kind]}/{id}.md", kind, title, "", "")
