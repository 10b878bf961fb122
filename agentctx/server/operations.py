"""What an agent may ask of a repository's memory: one table, served by every protocol the same.

Every answer is plain text for a model. What a note says is quoted and cleaned as in a briefing.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from agentctx.server.memories import MEMORY
from agentctx.server.operation import Arguments, Operation, checked
from agentctx.server.reading import READING
from agentctx.server.writers import WRITING
from agentctx.text import strip_hidden

if TYPE_CHECKING:
    from agentctx.project import Project
    from agentctx.server.service import Service
    from agentctx.server.warm import Warm

ANSWER_LIMIT = 40_000
"""Characters of one answer; clients cut or spill longer ones."""

OPERATIONS: dict[str, Operation] = {operation.name: operation for operation in (*READING, *WRITING, *MEMORY)}


def call(warm: Warm, name: str, arguments: Arguments) -> str:
    """Run one operation on the repository as it is now. Raises as ``answer`` does, and ``NotARepository``."""
    if not _own(warm, name, arguments):
        return _of_service(warm.project(), name, arguments)
    if OPERATIONS[name].read_only:
        return warm.read(lambda project: answer(project, name, arguments))
    try:
        return answer(warm.project(), name, arguments)
    finally:
        warm.changed()


def answer(project: Project, name: str, arguments: Arguments) -> str:
    """Run one operation. Raises ``InvalidInput`` for arguments outside its form, and what it raises."""
    operation = OPERATIONS[name]
    return _bounded(operation.run(project, checked(operation, arguments)))


def listed(warm: Warm) -> dict[str, Operation | Service]:
    """What a client is shown: our own table, and those on memory where the person asked for them."""
    return {**OPERATIONS, **offered_services()} if warm.memory_tools else dict(OPERATIONS)


def offered_services() -> dict[str, Service]:
    """The operations on memory as programs know them, under the names that Stash uses.

    They can be called without being listed: a list costs every session its tokens.
    """
    from agentctx.server.service import SERVICES

    return {name: service for name, service in SERVICES.items() if service.scope != "admin"}


def _own(warm: Warm, name: str, arguments: Arguments) -> bool:
    """Whether our own form of the operation is meant: a name of both is ours as far as its arguments go."""
    fits = name in OPERATIONS and arguments.keys() <= OPERATIONS[name].properties.keys()
    return (fits and not warm.memory_tools) or name not in offered_services()


def _of_service(project: Project, name: str, arguments: Arguments) -> str:
    from agentctx.flows.memories import Memory
    from agentctx.server import service

    with Memory.of(project) as memory:
        return _bounded(json.dumps(service.answer(memory, name, arguments), ensure_ascii=False))


def _bounded(answer: str) -> str:
    text = strip_hidden(answer)
    if len(text) <= ANSWER_LIMIT:
        return text
    return text[:ANSWER_LIMIT] + "\n\n(cut here: ask for less, or for one note)\n"
