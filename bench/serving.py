"""How long a running server takes for a briefing and a search: `mcp` over pipes, `serve` over HTTP.

``bench/serving`` builds a repository of notes in a temporary folder, starts each server once and asks it, one
question at a time, each with other words. Times are those of a client that waits for the whole answer; beside
them stands the processor time of the server, which a busy machine changes less.
"""

from __future__ import annotations

import argparse
import json
import random
import re
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.client import HTTPConnection
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from bench.rest import processor_seconds
from bench.speed import WORDS, Place, prepared

Ask = Callable[[str, str], None]
"""Ask one operation with some words and wait for the answer."""


@contextmanager
def over_pipes(place: Place) -> Iterator[tuple[int, Ask]]:
    """(process id, how to ask) of a running ``agentctx mcp``."""
    with subprocess.Popen(
        [sys.executable, "-m", "agentctx", "mcp"],
        cwd=place.root,
        env=place.environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as process:
        assert process.stdin and process.stdout
        pipe_in, pipe_out = process.stdin, process.stdout

        def send(method: str, params: dict[str, Any]) -> Any:
            message = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}
            pipe_in.write(json.dumps(message).encode() + b"\n")
            pipe_in.flush()
            return json.loads(pipe_out.readline())["result"]

        def ask(operation: str, words: str) -> None:
            given = {"task" if operation == "prime" else "query": words}
            answer = send("tools/call", {"name": operation, "arguments": given})
            assert not answer["isError"], answer

        client = {"name": "bench", "version": "0"}
        send("initialize", {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": client})
        yield process.pid, ask
        pipe_in.close()


@contextmanager
def over_http(place: Place) -> Iterator[tuple[int, Ask]]:
    """(process id, how to ask) of a running ``agentctx serve``."""
    log = place.root.parent / "serve.log"
    with log.open("wb") as out:
        command = [sys.executable, "-m", "agentctx", "serve", "--port", "0"]
        process = subprocess.Popen(command, cwd=place.root, env=place.environment, stderr=out)
    try:
        port = 0
        while not port and process.poll() is None:
            found = re.search(r"serves http://\S+:(\d+)", log.read_text())
            port = int(found[1]) if found else 0
            time.sleep(0.05)
        connection = HTTPConnection("127.0.0.1", port)

        def ask(operation: str, words: str) -> None:
            given = urlencode({"task" if operation == "prime" else "query": words})
            connection.request("GET", f"/v1/{operation}?{given}")
            answer = connection.getresponse()
            text = answer.read()
            assert answer.status == 200, text

        yield process.pid, ask
        connection.close()
    finally:
        process.terminate()
        process.wait()


def measure(place: Place, pid: int, ask: Ask, operation: str, rounds: int, edits: bool) -> dict[str, Any]:
    """One row. With ``edits`` a note is changed before every question, which is not counted."""
    chance = random.Random(11)
    note = place.root / "agent-context" / "decisions" / "note-0.md"
    times = []
    ask(operation, "warm up")
    ask(operation, "warm up again")
    before = processor_seconds(pid)
    for _ in range(rounds):
        words = " ".join(chance.choices(WORDS, k=8))
        if edits:
            note.write_text(f"{note.read_text().rstrip()} {chance.choice(WORDS)}\n")
        began = time.perf_counter()
        ask(operation, words)
        times.append(1000 * (time.perf_counter() - began))
    return {
        "operation": f"{operation}, a note edited before" if edits else operation,
        "p50_ms": round(statistics.median(times), 1),
        "p95_ms": round(sorted(times)[int(0.95 * len(times))], 1),
        "least_ms": round(min(times), 1),
        "server_cpu_ms": round(1000 * (processor_seconds(pid) - before) / rounds, 1),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--notes", type=int, default=1000)
    parser.add_argument("--files", type=int, default=500)
    parser.add_argument("--rounds", type=int, default=60)
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    rows = []
    with tempfile.TemporaryDirectory(prefix="agentctx-serving-") as folder:
        place = prepared(Path(folder), given.notes, given.files)
        for door, name in ((over_pipes, "mcp, stdio"), (over_http, "serve, HTTP")):
            with door(place) as (pid, ask):
                for operation, edits in (("prime", False), ("search", False), ("prime", True)):
                    row = measure(place, pid, ask, operation, given.rounds, edits)
                    rows.append({"server": name, **row})
    if given.json:
        print(json.dumps({"notes": given.notes, "rows": rows}, indent=2))
        return
    print(f"{given.notes} notes, {given.files} files, {given.rounds} questions each")
    print(f"{'server':12} {'operation':28} {'p50 ms':>8} {'p95 ms':>8} {'least':>8} {'server cpu ms':>14}")
    for row in rows:
        figures = (
            f"{row['p50_ms']:8.1f} {row['p95_ms']:8.1f} {row['least_ms']:8.1f} {row['server_cpu_ms']:14.1f}"
        )
        print(f"{row['server']:12} {row['operation']:28} {figures}")


if __name__ == "__main__":
    main()
