"""A client that says exactly what a test wants: one JSON message a line, over real pipes."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

ENVELOPE = {
    "io.modelcontextprotocol/protocolVersion": "2026-07-28",
    "io.modelcontextprotocol/clientCapabilities": {},
    "io.modelcontextprotocol/clientInfo": {"name": "test", "version": "0"},
}


class Talk:
    """One running ``agentctx mcp``."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self.process = process
        self.number = 0

    def send(self, data: bytes) -> None:
        assert self.process.stdin
        self.process.stdin.write(data)
        self.process.stdin.flush()

    def receive(self) -> Any:
        assert self.process.stdout
        return json.loads(self.process.stdout.readline())

    def ask(self, method: str, params: dict[str, Any] | None = None, current: bool = False) -> Any:
        """The whole response to one request, of the current revision or of one before."""
        self.number += 1
        meta = {"_meta": ENVELOPE} if current else {}
        message = {
            "jsonrpc": "2.0",
            "id": self.number,
            "method": method,
            "params": {**(params or {}), **meta},
        }
        self.send(json.dumps(message).encode() + b"\n")
        answer = self.receive()
        assert answer["id"] == self.number
        return answer

    def call(self, tool: str, **arguments: Any) -> str:
        """The text of a tool's answer; fails when the tool did."""
        result = self.ask("tools/call", {"name": tool, "arguments": arguments})["result"]
        assert not result["isError"], result
        return str(result["content"][0]["text"])

    def refused(self, tool: str, **arguments: Any) -> str:
        """The text of a tool's failure."""
        result = self.ask("tools/call", {"name": tool, "arguments": arguments})["result"]
        assert result["isError"], result
        return str(result["content"][0]["text"])


@contextmanager
def talking(root: Path) -> Iterator[Talk]:
    """A server over the repository at ``root``; it must end by itself when its input closes."""
    process = subprocess.Popen(
        [sys.executable, "-m", "agentctx", "mcp"], cwd=root, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    try:
        yield Talk(process)
        assert process.stdin
        process.stdin.close()
        assert process.wait(timeout=20) == 0
    finally:
        process.kill()
        process.wait()
        if process.stdout:
            process.stdout.close()
