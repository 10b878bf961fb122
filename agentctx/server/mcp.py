"""``agentctx mcp``: the Model Context Protocol over standard input and output, one JSON message a line.

The loop is our own and imports nothing that the first answer does not need: a client that starts its
first turn after a second has our tools in it (see docs/decisions.md). Nothing else may write to standard
output while it runs, so what would go there goes to standard error.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import BinaryIO

from agentctx.server.protocol import WITH_BATCHES, agreed_version, answer, decoded, encoded, refused
from agentctx.server.rejection import INVALID_REQUEST, PARSE_ERROR
from agentctx.server.warm import Warm

LINE_LIMIT = 8_000_000
"""Bytes of one message."""


def serve(start: Path | None = None, memory_tools: bool = False) -> None:
    """Answer until the client closes standard input; ``memory_tools`` lists all operations on memory."""
    with os.fdopen(os.dup(1), "wb") as out:
        os.dup2(2, 1)
        sys.stdout = sys.stderr
        warm = Warm(start or workspace(), memory_tools)
        try:
            _loop(sys.stdin.buffer, out, warm)
        except (BrokenPipeError, KeyboardInterrupt):
            return
        finally:
            warm.close()


def _loop(lines: BinaryIO, out: BinaryIO, warm: Warm) -> None:
    agreed = ""
    while line := lines.readline(LINE_LIMIT):
        if not line.strip():
            continue
        message = decoded(line)
        if message is None:
            response = refused(PARSE_ERROR, "this line is not JSON")
        elif isinstance(message, list) and agreed not in WITH_BATCHES:
            response = refused(INVALID_REQUEST, "this revision of the protocol has no batches")
        else:
            response = answer(warm, message)
        if response is not None:
            agreed = agreed_version(message, response) or agreed
            out.write(encoded(response))
            out.flush()


def workspace() -> Path:
    """Where the client works: what it says in its own variable, else the folder it started us in."""
    for name in ("CLAUDE_PROJECT_DIR", "WORKSPACE_FOLDER_PATHS"):
        first = os.environ.get(name, "").split(os.pathsep)[0]
        if first and Path(first).is_dir():
            return Path(first)
    return Path.cwd()
