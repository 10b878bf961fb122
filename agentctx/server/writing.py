"""The operations that write: an agent's notes wait for a person, unless that person said otherwise.

Session notes are the exception: they are written into the work tree at once, since they only tell what
happened, weigh half after two weeks, and ride the pull request under everybody's eyes.
"""

from __future__ import annotations

from datetime import UTC, datetime

from agentctx import model
from agentctx.errors import InvalidInput
from agentctx.flows import authoring, handover, sessions
from agentctx.freshness.verify import checked_anchor
from agentctx.hygiene import redact
from agentctx.model import Kind, Note, Problem, Proposal, Refusal
from agentctx.notes.document import parse_anchor
from agentctx.notes.scan import FOLDERS
from agentctx.project import Project
from agentctx.proposals import accept
from agentctx.proposals.operations import ParsedAnswer, parse_answer
from agentctx.proposals.store import proposal_id
from agentctx.server.operation import Arguments
from agentctx.server.permission import writes_directly
from agentctx.text import slugify, strip_hidden

WAITS = Refusal("agent", "an agent wrote it in a session; a person decides", "needs_review")


def propose_note(project: Project, given: Arguments) -> str:
    """A new note, or an edit of one: ``note`` with ``old`` and ``new``, or with ``heading`` and ``text``."""
    _no_secret(given)
    if "note" in given:
        return _edit_note(project, given)
    if not all(str(given.get(name, "")).strip() for name in ("kind", "title", "text")):
        raise InvalidInput(
            "a new note needs kind, title and text",
            "to change a note give its id as `note`, with old and new",
        )
    anchors = [_anchor(project, text) for text in given.get("anchors", ())]
    if writes_directly():
        made = authoring.create(
            project, given["kind"], given["title"], anchors, (), strip_hidden(given["text"]), dry=False
        )
        return f"Written: {made.path}\n"
    note = _new_note(project, given["kind"], given["title"])
    raw = {
        "op": "new_note",
        "kind": given["kind"],
        "title": strip_hidden(given["title"]).strip(),
        "text": strip_hidden(given["text"]),
        "candidates": list(range(1, len(anchors) + 1)),
    }
    return _propose(project, note, raw, given.get("why", ""), anchors)


def _edit_note(project: Project, given: Arguments) -> str:
    note = project.note(given["note"])
    if note.read_only:
        raise InvalidInput(f"{note.path} is a document that agentctx only reads", "edit the file itself")
    if given.get("old"):
        raw = {"op": "replace_text", "old": given["old"], "new": strip_hidden(given.get("new", ""))}
    elif given.get("text"):
        there = given.get("heading", "") in {section.heading for section in note.sections}
        raw = {
            "op": "replace_section" if there else "append_section",
            "heading": strip_hidden(given.get("heading", "")),
            "text": strip_hidden(given["text"]),
        }
    else:
        raise InvalidInput("say what to change", "give `old` and `new`, or `heading` and `text`")
    return _propose(project, note, raw, given.get("why", ""), [])


def verify(project: Project, given: Arguments) -> str:
    """Say, having read a note and its code, that it holds."""
    note = project.note(given["note"])
    why = strip_hidden(given["why"])
    if writes_directly():
        authoring.verify(project, [note.id], dry=False)
        return f"Verified: {note.id}\n"
    return _propose(project, note, {"op": "keep", "why": why}, why, [])


def session_note(project: Project, given: Arguments) -> str:
    """What the next agent should know of this session."""
    told = handover.Told(
        title=given.get("title", ""),
        summary=given["summary"],
        why=given.get("why", ""),
        against=given.get("decided_against", ""),
        next=given.get("next", ""),
    )
    handed = handover.end(project, given.get("session") or sessions.current(project), told)
    words = f" ({handed.reason})" if handed.reason else ""
    return f"{handed.outcome}: {handed.path or 'no note'}{words}\n"


def _propose(project: Project, note: Note, raw: dict[str, object], why: str, anchors: list[str]) -> str:
    """Put one operation through the gate that every model's answer passes, and keep it for a person."""
    answer = {"answers": [{"note": note.id, "why": why, "operations": [raw]}]}
    operations = _accepted_form(parse_answer(answer, {note.id: anchors}))
    why = redact(strip_hidden(why)).text.strip() or "an agent suggests it"
    proposal = _proposal(project, note, operations, " ".join(why.split())[:500])
    result = accept.preview(proposal, project.folder)
    if isinstance(result, Refusal):
        raise InvalidInput(f"this does not fit the note: {result.reason}", "read_note shows it as it is")
    if not project.proposals.add(proposal):
        return "The same proposal waits already, or a person has refused it before. Nothing was added.\n"
    return f"Proposed as {proposal.id}: it waits for a person (agentctx review show {proposal.id}).\n"


def _accepted_form(parsed: ParsedAnswer) -> tuple[model.Operation, ...]:
    refusals = [*parsed.refusals, *(r for answer in parsed.notes for r in answer.refusals)]
    if refusals:
        raise InvalidInput(refusals[0].reason)
    return parsed.notes[0].operations


def _proposal(project: Project, note: Note, operations: tuple[model.Operation, ...], why: str) -> Proposal:
    now = datetime.now(UTC).isoformat(timespec="seconds")
    id = proposal_id(note.id, note.digest, operations)
    return Proposal(
        id=id,
        sync=f"agent-{now[:10]}-{id}",
        note_id=note.id,
        note_path=note.path,
        note_digest=note.digest,
        operations=operations,
        why=why,
        reasons=(),
        origin="model",
        commit=project.git.head(),
        author="an agent",
        state="needs_review",
        refusals=(WAITS,),
        created=now,
    )


def _anchor(project: Project, text: str) -> str:
    parsed = parse_anchor(text)
    if isinstance(parsed, Problem):
        raise InvalidInput(parsed.message, parsed.hint)
    return str(checked_anchor(parsed, project.tree))


def _new_note(project: Project, kind: Kind, title: str) -> Note:
    """An empty note at the place where the new one would lie."""
    stem = slugify(title)
    id = f"{project.today}-{stem}" if kind in authoring.DATED else stem
    if any(n.id == id for n in project.notes.notes):
        raise InvalidInput(f"there is a note {id} already", f"read it, then propose an edit with note={id!r}")
    return Note(id, f"{project.context}/{FOLDERS[kind]}/{id}.md", kind, title, "", "")


def _no_secret(given: Arguments) -> None:
    for name, value in given.items():
        found = redact(value).findings if isinstance(value, str) else ()
        if found:
            raise InvalidInput(
                f"`{name}` holds what looks like a secret ({found[0].rule}, line {found[0].line})",
                "take it out: notes are committed and shown to every agent",
            )
