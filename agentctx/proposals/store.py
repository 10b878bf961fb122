"""What one clone keeps about proposals: the proposals, what was rejected, and the journal that undoes.

All of it lies in the clone's state folder; deleting it loses no note, only pending suggestions and the
means to undo. With no folder (nothing is writable) reading finds nothing and writing raises.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Any

from agentctx.errors import AgentctxError, InvalidInput, NotFound, NotWritable
from agentctx.files import locked, read_regular, remove_file, write_atomic
from agentctx.model import Edit, Operation, Proposal, Refusal
from agentctx.text import did_you_mean

FILE_LIMIT = 16_000_000
REJECTIONS_LIMIT = 5_000
"""Rejections remembered; the oldest are forgotten."""

_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,79}")
_OPEN = ("pending", "needs_review")


@dataclass(frozen=True, slots=True)
class Step:
    """One edit in the journal, and the proposal that it came from."""

    edit: Edit
    proposal: str = ""


@dataclass(frozen=True, slots=True)
class JournalEntry:
    """What one sync (or one acceptance) wrote, in the order of writing."""

    sync: str
    steps: tuple[Step, ...]
    undone: bool = False


class Store:
    """Proposals, rejections and journal of one clone, under ``folder``."""

    def __init__(self, folder: Path | None) -> None:
        self.folder = folder

    # ----------------------------------------------------------------------- proposals

    def add(self, proposal: Proposal) -> bool:
        """Keep a proposal. False when the very same one was rejected before, or is open already."""
        key = content_key(proposal)
        if key in self._rejections():
            return False
        if any(content_key(other) == key for other in self.proposals(_OPEN)):
            return False
        self._write(f"proposals/{_checked(proposal.id)}.json", _to_json(proposal))
        return True

    def proposals(self, states: Iterable[str] = ()) -> tuple[Proposal, ...]:
        """Every readable proposal, oldest first; of the given states only, when there are any."""
        wanted = frozenset(states)
        found = [p for p in map(_readable, self._names("proposals")) if p is not None]
        kept = [p for p in found if not wanted or p.state in wanted]
        return tuple(sorted(kept, key=lambda p: (p.created, p.id)))

    def open(self) -> tuple[Proposal, ...]:
        """Proposals that wait for somebody."""
        return self.proposals(_OPEN)

    def get(self, id: str) -> Proposal:
        """A proposal by its id, or by a beginning that only one has. Raises ``NotFound``."""
        ids = [path.stem for path in self._names("proposals")]
        fits = [id] if id in ids else [known for known in ids if id and known.startswith(id)]
        found = _readable(self._place(f"proposals/{fits[0]}.json")) if len(fits) == 1 else None
        if found is None:
            near = did_you_mean(id, ids)
            several = f"{len(fits)} proposals begin with {id!r}" if len(fits) > 1 else f"no proposal {id!r}"
            raise NotFound(several, f"did you mean {near}?" if near else "agentctx review list")
        return found

    def update(self, proposal: Proposal) -> None:
        """Replace a proposal that is kept already."""
        self._write(f"proposals/{_checked(proposal.id)}.json", _to_json(proposal))

    def reject(self, proposal: Proposal) -> Proposal:
        """Mark a proposal rejected and remember it, so that the same one does not come back."""
        self._remember(content_key(proposal))
        rejected = replace(proposal, state="rejected")
        self.update(rejected)
        return rejected

    def was_rejected(self, proposal: Proposal) -> bool:
        """Whether the same operations on the same bytes were rejected before."""
        return content_key(proposal) in self._rejections()

    def forget(self, keep: int = 200) -> int:
        """Delete closed proposals beyond the newest ``keep``; returns how many."""
        closed = [p for p in self.proposals() if p.state not in _OPEN]
        gone = closed[: max(0, len(closed) - keep)]
        for proposal in gone:
            remove_file(self._place(f"proposals/{proposal.id}.json"))
        return len(gone)

    def _rejections(self) -> list[str]:
        data = self._read("rejections.json")
        return [key for key in data if isinstance(key, str)] if isinstance(data, list) else []

    def _remember(self, key: str) -> None:
        with self._locked():
            known = [other for other in self._rejections() if other != key]
            self._write("rejections.json", [*known, key][-REJECTIONS_LIMIT:])

    # ----------------------------------------------------------------------- journal

    def record(self, sync: str, edit: Edit, proposal: str = "") -> None:
        """Put an edit into the journal. Called before the edit is written, so that none is ever unknown."""
        with self._locked():
            for data in (edit.before, edit.after):
                self._keep_bytes(data)
            step = _step(edit, proposal)
            steps = [known for known in self._steps(sync) if known != step]
            self._write_steps(sync, [*steps, step])

    def withdraw(self, sync: str, edit: Edit, proposal: str = "") -> None:
        """Take an edit that was not written after all out of the journal again."""
        with self._locked():
            step = _step(edit, proposal)
            self._write_steps(sync, [known for known in self._steps(sync) if known != step])

    def close(self, sync: str) -> None:
        """Mark a sync as undone."""
        with self._locked():
            self._write_steps(sync, self._steps(sync), undone=True)

    def journal(self, sync: str) -> JournalEntry:
        """What a sync wrote. Raises ``NotFound``, ``InvalidInput`` when the journal is damaged."""
        data = self._read(f"journal/{_checked(sync)}.json")
        if not isinstance(data, dict):
            near = did_you_mean(sync, self.syncs())
            raise NotFound(
                f"this clone has no journal of a sync {sync!r}",
                f"did you mean {near}?" if near else "agentctx review list shows what was applied",
            )
        try:
            steps = tuple(self._read_step(step) for step in data["steps"])
        except (KeyError, TypeError):
            raise InvalidInput(f"the journal of sync {sync} is damaged; nothing was undone") from None
        return JournalEntry(sync, steps, bool(data.get("undone")))

    def syncs(self) -> tuple[str, ...]:
        """Ids of all syncs in the journal."""
        return tuple(path.stem for path in self._names("journal"))

    def _steps(self, sync: str) -> list[Any]:
        data = self._read(f"journal/{_checked(sync)}.json")
        steps = data.get("steps") if isinstance(data, dict) else None
        return steps if isinstance(steps, list) else []

    def _write_steps(self, sync: str, steps: list[Any], undone: bool = False) -> None:
        data = {"version": 1, "sync": sync, "steps": steps, "undone": undone}
        self._write(f"journal/{_checked(sync)}.json", data)

    def _read_step(self, step: Mapping[str, Any]) -> Step:
        before, after = self._kept_bytes(step["before"]), self._kept_bytes(step["after"])
        return Step(Edit(str(step["path"]), before, after), str(step["proposal"]))

    def _keep_bytes(self, data: bytes | None) -> None:
        if data is not None:
            place = self._place(f"journal/bytes/{_name(data)}")
            if not place.exists():
                write_atomic(place, data)

    def _kept_bytes(self, name: str | None) -> bytes | None:
        if name is None:
            return None
        data = read_regular(self._place(f"journal/bytes/{_checked(name)}"), FILE_LIMIT)
        if _name(data) != name:
            raise InvalidInput(f"the journal's copy {name[:12]} is damaged; nothing was undone")
        return data

    # ----------------------------------------------------------------------- files

    def _place(self, name: str) -> Path:
        if self.folder is None:
            raise NotWritable(
                "nothing can be kept for this clone: neither .git nor the state directory is writable",
                "run it where one of them is",
            )
        return self.folder / name

    def _names(self, folder: str) -> list[Path]:
        return sorted((self.folder / folder).glob("*.json")) if self.folder else []

    def _read(self, name: str) -> Any:
        if self.folder is None:
            return None
        try:
            return json.loads(read_regular(self.folder / name, FILE_LIMIT))
        except (NotFound, ValueError, RecursionError):
            return None

    def _write(self, name: str, value: Any) -> None:
        data = json.dumps(value, ensure_ascii=False, sort_keys=True, indent=1).encode(
            "utf-8", "surrogatepass"
        )
        write_atomic(self._place(name), data)

    def _locked(self) -> AbstractContextManager[None]:
        return locked(self._place("proposals.lock"), wait=5.0) if self.folder else nullcontext()


def content_key(proposal: Proposal) -> str:
    """The same for the same operations on the same bytes of the same note, whoever proposes them."""
    operations = [[o.name, dict(o.arguments)] for o in proposal.operations]
    whole = [proposal.note_path, proposal.note_digest, operations]
    return hashlib.sha256(json.dumps(whole, sort_keys=True, default=list).encode()).hexdigest()


def proposal_id(note_id: str, digest: str, operations: Sequence[Operation]) -> str:
    """A short id that is the same for the same proposal: twelve hex digits."""
    whole = [note_id, digest, [[o.name, dict(o.arguments)] for o in operations]]
    return hashlib.sha256(json.dumps(whole, sort_keys=True, default=list).encode()).hexdigest()[:12]


def _step(edit: Edit, proposal: str) -> dict[str, str | None]:
    return {
        "path": edit.path,
        "before": _name(edit.before),
        "after": _name(edit.after),
        "proposal": proposal,
    }


def _name(data: bytes | None) -> str | None:
    return None if data is None else hashlib.sha256(data).hexdigest()


def _checked(id: str) -> str:
    if not _ID.fullmatch(id):
        raise InvalidInput(f"{id[:80]!r} is not the id of a proposal or sync", "agentctx review list")
    return id


def _readable(path: Path) -> Proposal | None:
    """A proposal's file; None when it is damaged (it is then as if it were not there)."""
    try:
        return _from_json(json.loads(read_regular(path, FILE_LIMIT)))
    except (AgentctxError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None


def _to_json(proposal: Proposal) -> dict[str, Any]:
    return {"version": 1, **asdict(proposal)}


def _from_json(data: Mapping[str, Any]) -> Proposal:
    known = {f.name for f in fields(Proposal)}
    given = {key: value for key, value in data.items() if key in known}
    given["operations"] = tuple(Operation(o["name"], _frozen(o["arguments"])) for o in data["operations"])
    given["refusals"] = tuple(Refusal(**refusal) for refusal in data.get("refusals", ()))
    given["reasons"] = tuple(data.get("reasons", ()))
    given["sources"] = tuple(data.get("sources", ()))
    return Proposal(**given)


def _frozen(arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Lists back to tuples, as ``parse_answer`` made them."""
    return {key: tuple(value) if isinstance(value, list) else value for key, value in arguments.items()}
