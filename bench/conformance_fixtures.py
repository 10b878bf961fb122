"""``agentctx`` with what the conformance suite asks for by name put into its tables: two tools, two prompts.

The suite calls things of its own names, which no real server has. What our tables can hold is added here, so
that the code under test is the code that answers agents; ``python -m bench.conformance_fixtures mcp`` serves.
"""

from __future__ import annotations

from agentctx.cli.main import main
from agentctx.errors import InvalidInput
from agentctx.project import Project
from agentctx.server.operation import Arguments, Operation
from agentctx.server.operations import OPERATIONS
from agentctx.server.prompts import PROMPTS, Prompt


def _text(project: Project, given: Arguments) -> str:
    return "This is a simple text response for testing."


def _failure(project: Project, given: Arguments) -> str:
    raise InvalidInput("This tool intentionally returns an error for testing")


def add() -> None:
    """Put the suite's own things beside ours."""
    for name, run in (("test_simple_text", _text), ("test_error_handling", _failure)):
        OPERATIONS[name] = Operation(name, "Asked for by the conformance suite.", run)
    PROMPTS["test_simple_prompt"] = Prompt(
        "Asked for by the conformance suite.", lambda warm, given: "This is a simple prompt for testing.", {}
    )
    PROMPTS["test_prompt_with_arguments"] = Prompt(
        "Asked for by the conformance suite.",
        lambda warm, given: f"Prompt with arguments: arg1='{given['arg1']}', arg2='{given['arg2']}'",
        {"arg1": ("the first", True), "arg2": ("the second", True)},
    )


if __name__ == "__main__":
    add()
    main()
