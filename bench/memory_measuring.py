"""What all that is measured by ``bench/memory`` has in common: texts, clients, percentiles.

Nothing here imports agentctx: the peers are measured in environments of their own.
"""

from __future__ import annotations

import multiprocessing
import statistics
import time
from collections.abc import Callable, Sequence
from typing import Any

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
RECALL = "recall of 5"
WARM = 5
"""Steps of each client before the clock starts."""
Steps = Sequence[Callable[[], object]]


def text(seed: int, length: int = 24) -> str:
    """Some words that depend on ``seed`` alone, and one that no other text has."""
    words = (WORDS[(seed * 31 + n * n * 7 + n * seed) % len(WORDS)] for n in range(length))
    return " ".join(words) + f" n{seed}"


def percentiles(seconds: Sequence[float]) -> dict[str, float]:
    """In milliseconds."""
    ranked = sorted(seconds)
    at = {name: ranked[min(len(ranked) - 1, int(len(ranked) * share))] for name, share in _SHARES}
    return {"p50_ms": statistics.median(ranked) * 1000, **{name: at[name] * 1000 for name, _ in _SHARES}}


_SHARES = (("p95_ms", 0.95), ("p99_ms", 0.99))


def run_clients(makers: Sequence[Callable[[], Steps]]) -> dict[str, float]:
    """A process for each maker, all started together; percentiles and throughput over all their steps.

    ``cpu_ms`` is the processor time of a client for one step: it says the same on a busy machine.
    """
    fork = multiprocessing.get_context("fork")
    gate, results = fork.Barrier(len(makers) + 1), fork.Queue()
    running = [fork.Process(target=_client, args=(make, gate, results)) for make in makers]
    for process in running:
        process.start()
    gate.wait()
    began = time.perf_counter()
    told = [results.get() for _ in makers]
    seconds = [second for part, _ in told for second in part]
    took = time.perf_counter() - began
    for process in running:
        process.join()
    spent = sum(used for _, used in told) / len(seconds) * 1000
    return {**percentiles(seconds), "per_second": len(seconds) / took, "cpu_ms": spent}


def _client(make: Callable[[], Steps], gate: Any, results: Any) -> None:
    try:
        steps = make()
        for step in steps[:WARM]:
            step()
    except BaseException:
        gate.abort()
        raise
    gate.wait()
    seconds = []
    used = time.process_time()
    for step in steps[WARM:]:
        began = time.perf_counter()
        step()
        seconds.append(time.perf_counter() - began)
    results.put((seconds, time.process_time() - used))


def middle(runs: Sequence[dict[str, float]]) -> dict[str, float]:
    """The median of each figure over several runs."""
    return {name: statistics.median(run[name] for run in runs) for name in runs[0]}


def counts_of(operations: Sequence[str], count: int, clients: int) -> dict[str, int]:
    """How often each client does each operation; the batch a twentieth as often."""
    return {name: max(10, count // (20 if name == OPERATIONS[-1] else 1) // clients) for name in operations}
