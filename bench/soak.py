"""Servers that are killed again and again while clients write: is anything lost that was acknowledged?

Two ``agentctx serve`` share one PostgreSQL (or, with ``--engine sqlite``, one file). Clients, a process each,
write episodes, facts by compare-and-swap and working context, and note what was answered with 200. Every few
seconds a server or a client is killed with SIGKILL and started again; in PostgreSQL also one of its backends,
which makes the whole database recover from a crash. In the end every noted id must be there.
Run it with ``bench/soak --minutes 10``.
"""

from __future__ import annotations

import argparse
import http.client
import json
import multiprocessing
import os
import random
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from agentctx.flows.memories import root_commit
from agentctx.memory.connections import connect
from agentctx.memory.sqlite import default_path
from agentctx.memory.store import SqlStore, open_postgres, open_sqlite
from agentctx.project import Project
from bench.memory import server as postgres

HEADERS = {"Content-Type": "application/json"}


@dataclass
class Server:
    """One ``agentctx serve`` that comes back at the same port after each kill."""

    folder: Path
    environ: dict[str, str]
    port: int = 0
    process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it and wait until it listens."""
        log = self.folder / f"server-{self.port}.log"
        command = [
            sys.executable,
            "-m",
            "agentctx",
            "serve",
            "--port",
            str(self.port),
        ]
        with log.open("wb") as out:
            self.process = subprocess.Popen(command, cwd=self.folder, env=self.environ, stderr=out)
        while not (found := re.search(r"serves http://\S+:(\d+)", log.read_text())):
            assert self.process.poll() is None, log.read_text()
            time.sleep(0.02)
        self.port = int(found[1])

    def kill(self) -> None:
        """SIGKILL: nothing is finished, nothing is said."""
        assert self.process
        self.process.kill()
        self.process.wait()

    def megabytes(self) -> float:
        """Its resident memory now."""
        assert self.process
        found = re.search(r"VmRSS:\s+(\d+)", Path(f"/proc/{self.process.pid}/status").read_text())
        return int(found[1]) / 1024 if found else 0.0


def client(number: int, ports: Sequence[int], notes: Path) -> None:
    """Write for ever; a line of ``notes`` for each write that was answered with 200."""
    chance = random.Random(os.getpid())
    with notes.open("a") as told:
        while True:
            connection = http.client.HTTPConnection("127.0.0.1", chance.choice(ports), timeout=30)
            try:
                for line in _writes(connection, number, chance):
                    told.write(json.dumps(line) + "\n")
                    told.flush()
            except (OSError, http.client.HTTPException):
                time.sleep(0.05)
            finally:
                connection.close()


def _writes(
    connection: http.client.HTTPConnection, number: int, chance: random.Random
) -> Iterator[list[Any]]:
    name = f"client {number}"
    while True:
        step = chance.randrange(1 << 30)
        kind = chance.choice(("remember", "set_fact", "set_context", "recent_episodes"))
        given: dict[str, Any] = {"remember": {"text": f"{name} did {step}", "session_id": name}}.get(kind, {})
        if kind == "set_fact":
            given = {"entity": name, "property": "step", "value": step}
        elif kind == "set_context":
            given = {"key": name, "value": step}
        connection.request("POST", f"/v1/{kind}", json.dumps(given), HEADERS)
        answer = connection.getresponse()
        said = json.loads(answer.read())
        if answer.status == 200 and kind != "recent_episodes":
            yield [kind, said["context"]["version"] if kind == "set_context" else said["id"]]
        elif answer.status not in (200, 503):
            raise AssertionError(f"{answer.status} {said}")


@dataclass
class Soak:
    """One run."""

    minutes: float
    servers: list[Server]
    clients: int
    folder: Path
    dsn: str
    chance: random.Random = field(default_factory=lambda: random.Random(8))
    done: Counter[str] = field(default_factory=Counter)

    def run(self) -> None:
        """Let the clients write and the killer kill."""
        fork = multiprocessing.get_context("fork")
        ports = [server.port for server in self.servers]

        def fresh(number: int) -> Any:
            made = fork.Process(
                target=client, args=(number, ports, self.folder / f"notes-{number}"), daemon=True
            )
            made.start()
            return made

        running = [fresh(number) for number in range(self.clients)]
        end = time.monotonic() + self.minutes * 60
        while time.monotonic() < end:
            time.sleep(min(self.chance.uniform(1, 5), max(0.0, end - time.monotonic())))
            match self.chance.choice(("server", "server", "client", "backend")):
                case "server":
                    server = self.chance.choice(self.servers)
                    server.kill()
                    server.start()
                    self.done["servers killed"] += 1
                case "client":
                    number = self.chance.randrange(self.clients)
                    running[number].kill()
                    running[number].join()
                    running[number] = fresh(number)
                    self.done["clients killed"] += 1
                case "backend" if self.dsn:
                    self.done["database crashes"] += self._crash()
        for process in running:
            self.done["clients that failed"] += process.exitcode is not None
            process.kill()
            process.join()

    def _crash(self) -> int:
        """Kill one backend with SIGKILL: PostgreSQL restarts all of them and recovers from its log."""
        with connect(self.dsn) as connection:
            found = connection.execute(
                "SELECT pid FROM pg_stat_activity WHERE backend_type = 'client backend'"
                " AND pid <> pg_backend_pid() LIMIT 1"
            ).fetchone()
        if found is None:
            return 0
        os.kill(found[0], signal.SIGKILL)
        for _ in range(600):
            time.sleep(0.1)
            try:
                connect(self.dsn).close()
                return 1
            except Exception:  # it says so until it has recovered
                continue
        raise AssertionError("PostgreSQL did not come back within a minute")

    def judge(self, store: SqlStore) -> dict[str, Any]:
        """What was acknowledged, and what of it is not there."""
        noted: list[list[Any]] = []
        versions: dict[int, int] = {}
        for number in range(self.clients):
            path = self.folder / f"notes-{number}"
            lines = [json.loads(line) for line in path.read_text().splitlines() if line.endswith("]")]
            noted += lines
            versions[number] = max([v for kind, v in lines if kind == "set_context"], default=0)
        rows = store.everything()
        there = {episode.id for episode in rows.episodes} | {fact.id for fact in rows.facts}
        held = {context.key: context.version for context in rows.contexts}
        lost = [ident for kind, ident in noted if kind != "set_context" and ident not in there]
        back = [n for n, version in versions.items() if held.get(f"client {n}", 0) < version]
        return {
            "acknowledged": len(noted),
            "lost": len(lost) + len(back),
            "rows": len(there),
            **self.done,
            "server_megabytes": [round(server.megabytes(), 1) for server in self.servers],
        }


def soak(engine: str, arguments: argparse.Namespace) -> dict[str, Any]:
    """Start everything, run, judge."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="agentctx-soak-")))
        dsn = stack.enter_context(postgres(arguments.dsn)) if engine == "postgres" else ""
        git = ("git", "-c", "user.name=bench", "-c", "user.email=bench@example.org", "-C", str(folder))
        subprocess.run([*git, "init", "-q"], check=True)
        subprocess.run([*git, "commit", "-q", "--allow-empty", "-m", "begin"], check=True)
        environ = {**os.environ, "HOME": str(folder), "AGENTCTX_DSN": dsn}
        environ.pop("XDG_DATA_HOME", None)
        servers = [Server(folder, environ) for _ in range(2)]
        for server in servers:
            server.start()
            stack.callback(server.kill)
        run = Soak(arguments.minutes, servers, arguments.clients, folder, dsn)
        run.run()
        with Project.open(folder) as project:
            file = default_path(root_commit(project), {"HOME": str(folder)})
        store = open_postgres(dsn) if dsn else open_sqlite(file)
        try:
            return {"engine": engine, "minutes": arguments.minutes, **run.judge(store)}
        finally:
            store.close()


def main(argv: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="bench/soak", description=__doc__.splitlines()[0])
    parser.add_argument("--minutes", type=float, default=1.0, help="of each engine")
    parser.add_argument("--clients", type=int, default=8)
    parser.add_argument("--engine", choices=["sqlite", "postgres"], nargs="+", default=["postgres", "sqlite"])
    parser.add_argument(
        "--dsn", default="", help="a PostgreSQL to use (and crash) instead of one started here"
    )
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args(argv)
    found = [soak(engine, arguments) for engine in arguments.engine]
    if arguments.json:
        json.dump({"version": 1, "runs": found}, sys.stdout, indent=2)
        print()
    else:
        for run in found:
            print(", ".join(f"{name}: {value}" for name, value in run.items()))
    sys.exit(1 if any(run["lost"] or run.get("clients that failed") for run in found) else 0)


if __name__ == "__main__":
    main()
