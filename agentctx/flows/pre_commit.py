"""The pre-commit step as our hook runs it: notes are stamped, and accepted words traced to their origin."""

from __future__ import annotations

import gc
import os
from pathlib import Path

from agentctx.config import context_name
from agentctx.flows.attribution import is_as_accepted, leave_trailers
from agentctx.flows.making import Making
from agentctx.git import Git


def prepare(start: Path) -> None:
    """Stamp what is staged, and keep its trailers where the commit-msg hook of the same git finds them."""
    with Git.open(start, os.environ.get("GIT_INDEX_FILE", "")) as git:
        making = Making(git)
        if not is_as_accepted(making, context_name(git.root)):
            from agentctx.flows.restamp import restamp

            restamp(making)
        if process := os.environ.get("AGENTCTX_COMMIT", ""):
            leave_trailers(making, process, bool(os.environ.get("AGENTCTX_AMENDS")))


def main() -> int:
    """Run by our hook in a process of its own; always ends with 0, and what failed is told by ``status``."""
    gc.disable()  # a short life: looking for what could be let go of takes longer than all of it
    try:
        prepare(Path.cwd())
    except Exception as failure:
        from agentctx.flows.failures import remember

        remember("pre-commit", failure)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
