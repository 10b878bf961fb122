"""The operations of ``bench/memory`` on other memory stores, in the peer's own environment and our server.

Started by ``bench/memory --peers FOLDER`` as ``python -m bench.memory_peers PEER``, with a JSON order on
standard input and rows of JSON on standard output. Each peer does what is nearest to the operation, in its
quickest way: LangGraph's store without an index of vectors, mem0 without a model and with a stub embedder.
"""

from __future__ import annotations

import contextlib
import json
import os
import random
import sys
import tempfile
import uuid
from collections.abc import Callable
from functools import partial
from typing import Any, Protocol

from bench.memory_measuring import OPERATIONS, RECALL, WARM, Steps, counts_of, middle, run_clients, text

SPACE = ("bench",)
DIMENSIONS = 256


class Peer(Protocol):
    """One other store, opened anew in each client process."""

    def fill(self, episodes: int, facts: int) -> None:
        """Make the tables and put rows into them."""

    def operation(self, name: str, client: str, number: int, facts: int) -> Callable[[], object] | None:
        """One operation with its input made ready; None where the peer has nothing like it."""


class LangGraph:
    """``PostgresStore``: a key-value store with namespaces. It has no search by words without an embedder."""

    def __init__(self, dsn: str) -> None:
        from langgraph.store.postgres import PostgresStore
        from psycopg import Connection
        from psycopg.rows import dict_row

        connection = Connection.connect(dsn, autocommit=True, prepare_threshold=0, row_factory=dict_row)
        self.store: Any = PostgresStore(connection)

    def fill(self, episodes: int, facts: int) -> None:
        from langgraph.store.base import PutOp

        self.store.setup()
        rows = [("episodes", f"fill {n}", {"text": text(n)}) for n in range(episodes)]
        rows += [("facts", f"key {n}", {"value": text(n, 3)}) for n in range(facts)]
        for at in range(0, len(rows), 500):
            self.store.batch([PutOp((*SPACE, kind), key, value) for kind, key, value in rows[at : at + 500]])

    def operation(self, name: str, client: str, number: int, facts: int) -> Callable[[], object] | None:
        from langgraph.store.base import PutOp

        said, known, tasks = (*SPACE, "episodes"), (*SPACE, "facts"), (*SPACE, "tasks")
        if name == OPERATIONS[0]:
            return partial(self.store.put, said, f"{client} {number}", {"text": text(number)})
        if name == OPERATIONS[1]:
            return partial(self.store.search, said, limit=10)
        if name == OPERATIONS[2]:
            return partial(self.store.get, known, f"key {number * 7919 % facts}")
        if name == OPERATIONS[3]:
            return partial(self.store.put, tasks, client, {"step": number, "note": text(number, 12)})
        if name == RECALL:
            return None
        first = number * 100
        puts = [PutOp(said, f"{client} b{first + n}", {"text": text(first + n)}) for n in range(100)]
        puts += [
            PutOp(known, f"service {client} {(first // 2 + n) % 500}", {"value": text(n, 3)})
            for n in range(50)
        ]
        return partial(self.store.batch, puts)


class Mem0:
    """mem0 on pgvector. It has neither keys nor batches: facts are found by id, batches added one by one."""

    def __init__(self, dsn: str) -> None:
        os.environ |= {"OPENAI_API_KEY": "none", "MEM0_TELEMETRY": "False", "MEM0_DIR": tempfile.mkdtemp()}
        from mem0 import Memory

        self.memory: Any = Memory.from_config({
            "vector_store": {
                "provider": "pgvector",
                "config": {
                    "connection_string": dsn, "collection_name": "mem0", "embedding_model_dims": DIMENSIONS,
                },
            },
            "history_db_path": tempfile.mkdtemp() + "/history.db",
        })  # fmt: skip
        self.memory.embedding_model = Stub()

    def fill(self, episodes: int, facts: int) -> None:
        stub, store = Stub(), self.memory.vector_store
        for at in range(0, episodes + facts, 500):
            numbers = range(at, min(at + 500, episodes + facts))
            payloads = [{"data": text(n), "user_id": "bench", "created_at": "2026-01-01"} for n in numbers]
            store.insert([stub.embed(text(n)) for n in numbers], payloads, [_id(n) for n in numbers])

    def operation(self, name: str, client: str, number: int, facts: int) -> Callable[[], object] | None:
        mine = {"user_id": "bench"}
        if name == OPERATIONS[0]:
            return partial(self.memory.add, text(number) + client, user_id="bench", infer=False)
        if name == OPERATIONS[1]:
            return partial(self.memory.get_all, filters=mine, top_k=10)
        if name == OPERATIONS[2]:
            return partial(self.memory.get, _id(number * 7919 % facts))
        if name == OPERATIONS[3]:
            return partial(self.memory.update, _id(int(client[1:])), text(number, 12))
        if name == RECALL:
            return partial(self.memory.search, text(number, 3), filters=mine, top_k=5)
        first = number * 150
        texts = [f"{text(first + n)} {client}" for n in range(150)]
        return lambda: [self.memory.add(one, user_id="bench", infer=False) for one in texts]


class Stub:
    """An embedder that takes no time: a vector of the text's own."""

    def embed(self, told: str, memory_action: str = "") -> list[float]:
        """A vector of length one."""
        chance = random.Random(told)
        values = [chance.gauss(0, 1) for _ in range(DIMENSIONS)]
        size = sum(value * value for value in values) ** 0.5
        return [value / size for value in values]

    def embed_batch(self, texts: list[str], memory_action: str = "") -> list[list[float]]:
        """One vector a text."""
        return [self.embed(one) for one in texts]


def _id(number: int) -> str:
    return str(uuid.UUID(int=number + (1 << 100)))


PEERS: dict[str, Callable[[str], Peer]] = {"langgraph": LangGraph, "mem0": Mem0}


def _steps(peer: str, dsn: str, name: str, client: str, numbers: range, facts: int) -> Steps:
    opened = PEERS[peer](dsn)
    found = [opened.operation(name, client, number, facts) for number in numbers]
    return [step for step in found if step]


def main() -> None:
    peer, order = sys.argv[1], json.load(sys.stdin)
    out, rows = sys.stdout, []
    with contextlib.redirect_stdout(sys.stderr):
        opened = PEERS[peer](order["dsn"])
        opened.fill(order["episodes"], order["facts"])
        names = [*order["operations"], RECALL]
        for clients in order["clients"]:
            for name, count in counts_of(names, order["count"], clients).items():
                if opened.operation(name, "c0", 0, order["facts"]) is None:
                    continue
                runs = []
                for run in range(order["runs"]):
                    first = (run * 1000 + clients) * 100_000
                    numbers = range(first, first + count + WARM)
                    makers = [
                        partial(_steps, peer, order["dsn"], name, f"c{n}r{run}"[:2], numbers, order["facts"])
                        for n in range(clients)
                    ]
                    runs.append(run_clients(makers))
                rows.append({"peer": peer, "operation": name, "clients": clients, **middle(runs)})
    json.dump(rows, out)


if __name__ == "__main__":
    main()
