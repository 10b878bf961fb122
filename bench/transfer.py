"""How fast memory leaves for PostgreSQL and comes back, beside the raw ``COPY`` of the same rows.

``export``: episodes out of SQLite into a PostgreSQL, as ``agentctx export postgres --dsn`` writes them,
search index and all; ``without words``: the same without the search index; ``raw COPY``: the same rows
through ``COPY`` into the same tables with the same indexes. ``import``: JSON Lines back into SQLite. Each
runs in a process of its own, whose greatest resident memory is told. Run it with ``bench/transfer``.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import resource
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from agentctx.flows.export import export_jsonl, import_jsonl
from agentctx.memory.batches import BATCH, Batches, Rows
from agentctx.memory.connections import connect
from agentctx.memory.engine import migrate
from agentctx.memory.lines import Lines
from agentctx.memory.load import load
from agentctx.memory.postgres import transaction
from agentctx.memory.store import open_postgres, open_sqlite
from bench.memory import filling, server


def export(source: Path, dsn: str) -> int:
    """What ``agentctx export postgres --dsn`` does with memory."""
    store = open_sqlite(source)
    return load(store.everything(), dsn)


def raw(source: Path, dsn: str) -> int:
    """The same rows by COPY alone; they are made ready while the clock runs, as they are for an export."""
    store, count = open_sqlite(source), 0
    with connect(dsn) as connection:
        transaction(connection, lambda session: migrate(session, "core"), creating=True)
        for batch in Batches(store.everything(), BATCH):
            with connection.transaction(), connection.cursor() as cursor:
                for table, rows in batch.items():
                    columns = ", ".join(table.columns)
                    with cursor.copy(f"COPY {table.name} ({columns}) FROM STDIN") as copy:
                        for row in rows:
                            copy.write_row(row)
                    count += len(rows)
    return count


def back(source: Path, out: Path) -> int:
    """JSON Lines into a new SQLite."""
    return open_sqlite(out).restore(import_jsonl(Lines(source)))


def timed(work: Callable[..., int], *given: Any) -> dict[str, float]:
    """Run in a process of its own: rows, seconds, rows a second, megabytes at the most."""
    fork = multiprocessing.get_context("fork")
    results = fork.Queue()

    def run() -> None:
        began, used = time.perf_counter(), time.process_time()
        rows = work(*given)
        took = time.perf_counter() - began
        most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        results.put({
            "rows": rows, "seconds": took, "per_second": rows / took,
            "cpu_seconds": time.process_time() - used, "megabytes": most,
        })  # fmt: skip

    process = fork.Process(target=run)
    process.start()
    found: dict[str, float] = results.get()
    process.join()
    return found


def main(argv: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="bench/transfer", description=__doc__.splitlines()[0])
    parser.add_argument("--episodes", type=int, default=200_000)
    parser.add_argument("--dsn", default="", help="a PostgreSQL to use instead of one started here")
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args(argv)
    with tempfile.TemporaryDirectory(prefix="agentctx-bench-") as name, server(arguments.dsn) as dsn:
        folder = Path(name)
        source, lines = folder / "source.sqlite", folder / "rows.jsonl"
        store = open_sqlite(source)
        store.restore(Rows(filling(arguments.episodes, 0).episodes))
        store.close()
        found: dict[str, dict[str, float]] = {}
        joiner = "&" if "?" in dsn else "?"
        for way, work in (
            ("raw COPY", raw),
            ("without words", export),
            ("export", export),
            ("again", export),
        ):
            schema = "bench_" + way.replace(" ", "_").replace("again", "export").lower()
            address = f"{dsn}{joiner}options=-csearch_path%3D{schema}"
            with connect(dsn) as connection:
                connection.execute(f"CREATE SCHEMA IF NOT EXISTS {schema}")
            if way == "export":
                open_postgres(address).close()
            found[way] = timed(work, source, address)
        store = open_sqlite(source)
        export_jsonl(store.everything(), lines)
        store.close()
        found["import"] = timed(back, lines, folder / "back.sqlite")
        found["import again"] = timed(back, lines, folder / "back.sqlite")
    if arguments.json:
        json.dump({"version": 1, "ways": found}, sys.stdout, indent=2)
        print()
        return
    for way, row in found.items():
        share = row["per_second"] / found["raw COPY"]["per_second"]
        print(
            f"{way:14} {row['rows']:8.0f} rows {row['seconds']:7.1f} s {row['per_second']:8.0f}/s"
            f"  {share:.2f} of COPY  {row['cpu_seconds']:.1f} s of processor  {row['megabytes']:.0f} MB"
        )


if __name__ == "__main__":
    main()
