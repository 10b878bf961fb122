"""What an agent may ask of a repository's memory: one table, served by every protocol the same.

Every answer is plain text for a model. What a note says is quoted and cleaned as in a briefing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from agentctx.server.memories import MEMORY
from agentctx.server.operation import Arguments, Operation, checked
from agentctx.server.reading import READING
from agentctx.server.writers import WRITING
from agentctx.text import strip_hidden

if TYPE_CHECKING:
    from agentctx.project import Project
    from agentctx.server.warm import Warm

ANSWER_LIMIT = 40_000
"""Characters of one answer; clients cut or spill longer ones."""

OPERATIONS: dict[str, Operation] = {operation.name: operation for operation in (*READING, *WRITING, *MEMORY)}


def call(warm: Warm, name: str, arguments: Arguments) -> str:
    """Run one operation on the repository as it is now. Raises as ``answer`` does, and ``NotARepository``."""
    if OPERATIONS[name].read_only:
        return warm.read(lambda project: answer(project, name, arguments))
    try:
        return answer(warm.project(), name, arguments)
    finally:
        warm.changed()


def answer(project: Project, name: str, arguments: Arguments) -> str:
    """Run one operation. Raises ``InvalidInput`` for arguments outside its form, and what it raises."""
    operation = OPERATIONS[name]
    text = strip_hidden(operation.run(project, checked(operation, arguments)))
    if len(text) <= ANSWER_LIMIT:
        return text
    return text[:ANSWER_LIMIT] + "\n\n(cut here: ask for less, or for one note)\n"
