"""Reads and writes of ``agentctx serve`` over HTTP, on SQLite or a PostgreSQL; keep-alive clients.

Server and clients share the machine, so the figures are a lower bound. A client is a raw socket that is kept
alive, sends one request at a time and reads the whole answer; the table says what it and the server cost.
Run it with ``bench/rest``.
"""

from __future__ import annotations

import argparse
import http.client
import json
import multiprocessing
import os
import re
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from bench.memory import server as postgres
from bench.rest_client import ask, request

REQUESTS = {
    "exact fact": ("GET", "/v1/get_fact?entity=service&property=owner", None),
    "last 10 episodes": ("GET", "/v1/recent_episodes?limit=10", None),
    "recall": ("GET", "/v1/recall?query=deploy%20owner", None),
    "write one episode": ("POST", "/v1/remember", b'{"text": "the deploy went well"}'),
    "stash": ("POST", "/stash", b'{"data": {"step": 1}, "ttl": 600}'),
}


def client(port: int, name: str, seconds: float, results: Any) -> None:
    """Ask again and again over one connection; tell the times and the processor time it took."""
    data = request(*REQUESTS[name])
    began = time.process_time()
    times = ask(port, data, seconds)
    results.put((times, time.process_time() - began))


def processor_seconds(pid: int) -> float:
    """What a process and its workers have used, out of ``/proc`` (0 where there is none)."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2].split()
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    except OSError:
        return 0.0
    own = (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
    return own + sum(processor_seconds(int(child)) for child in children)


def measure(port: int, pid: int, name: str, clients: int, seconds: float) -> dict[str, Any]:
    """One row; the processor times say what an answer costs, whatever else the machine does."""
    fork = multiprocessing.get_context("fork")
    results, before = fork.Queue(), processor_seconds(pid)
    running = [fork.Process(target=client, args=(port, name, seconds, results)) for _ in range(clients)]
    for process in running:
        process.start()
    told = [results.get() for _ in running]
    times = sorted(second for part, _ in told for second in part)
    for process in running:
        process.join()
    used = processor_seconds(pid) - before
    return {
        "request": name,
        "clients": clients,
        "per_second": len(times) / seconds,
        "p50_ms": statistics.median(times) * 1000,
        "p99_ms": times[int(len(times) * 0.99)] * 1000,
        "server_cpu_us": used / len(times) * 1e6,
        "client_cpu_us": sum(spent for _, spent in told) / len(times) * 1e6,
    }


def run(dsn: str, arguments: argparse.Namespace) -> list[dict[str, Any]]:
    """Start a server, fill it a little, measure every request."""
    with tempfile.TemporaryDirectory(prefix="agentctx-bench-") as home:
        folder = Path(home)
        environ = {**os.environ, "HOME": home, "AGENTCTX_DSN": dsn}
        git = ("git", "-c", "user.name=bench", "-c", "user.email=bench@example.org", "-C", home)
        subprocess.run([*git, "init", "-q"], check=True)
        subprocess.run([*git, "commit", "-q", "--allow-empty", "-m", "begin"], check=True)
        command = [
            sys.executable,
            "-m",
            "agentctx",
            "serve",
            "--port",
            "0",
            "--workers",
            str(arguments.workers),
        ]
        with (folder / "log").open("wb") as log:
            process = subprocess.Popen(command, cwd=folder, env=environ, stderr=log)
        try:
            port = 0
            while not port:
                found = re.search(r"serves http://\S+:(\d+)", (folder / "log").read_text())
                port = int(found[1]) if found else 0
            connection = http.client.HTTPConnection("127.0.0.1", port)
            body = json.dumps({"entity": "service", "property": "owner", "value": "Ada"})
            for path, told in (
                ("/v1/set_fact", body),
                ("/v1/remember", '{"text": "the deploy owner changed"}'),
            ):
                connection.request("POST", path, told, {"Content-Type": "application/json"})
                connection.getresponse().read()
            return [
                measure(port, process.pid, name, clients, arguments.seconds)
                for name in REQUESTS
                for clients in arguments.clients
            ]
        finally:
            process.terminate()
            process.wait()


def main(argv: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="bench/rest", description=__doc__.splitlines()[0])
    parser.add_argument("--engine", choices=["sqlite", "postgres"], nargs="+", default=["sqlite", "postgres"])
    parser.add_argument("--clients", type=int, nargs="+", default=[1, 4])
    parser.add_argument("--workers", type=int, default=1, help="processes of the server")
    parser.add_argument("--seconds", type=float, default=3.0)
    parser.add_argument("--dsn", default="", help="a PostgreSQL to use instead of one started here")
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args(argv)
    rows: list[dict[str, Any]] = []
    for engine in arguments.engine:
        if engine == "sqlite":
            rows += [{"engine": engine, **row} for row in run("", arguments)]
        else:
            with postgres(arguments.dsn) as dsn:
                rows += [{"engine": engine, **row} for row in run(dsn, arguments)]
    if arguments.json:
        json.dump({"version": 1, "rows": rows}, sys.stdout, indent=2)
        print()
        return
    for row in rows:
        print(
            f"{row['engine']:9} {row['request']:18} {row['clients']} clients {row['per_second']:7.0f}/s"
            f"  p50 {row['p50_ms']:6.2f} ms  p99 {row['p99_ms']:6.2f} ms"
            f"  processor: server {row['server_cpu_us']:4.0f} us, client {row['client_cpu_us']:3.0f} us"
        )


if __name__ == "__main__":
    main()
