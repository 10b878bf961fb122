"""Counts and times of requests in the text form of Prometheus."""

from __future__ import annotations

import json
import threading
from collections import Counter
from pathlib import Path

from agentctx.errors import NotFound
from agentctx.files import read_regular, write_atomic

BOUNDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
"""Upper bounds of the histogram in seconds."""
_RUNNING = ("running", "", "")


class Metrics:
    """Route names and statuses are ours, so the number of series is bounded whatever clients send.

    Several processes of one server each keep their counts on a ``shelf``, a folder of their own, and tell
    the sum of what lies there. A process that takes the place of a dead one goes on with its counts.
    """

    def __init__(self, shelf: Path | None = None, number: int = 0) -> None:
        self._lock = threading.Lock()
        self.shelf = shelf
        self._mine = f"{number}.json"
        self._counts: Counter[tuple[str, str, str]] = _read(shelf / self._mine) if shelf else Counter()
        self._counts[_RUNNING] = 0

    def begin(self) -> None:
        """One request is being answered."""
        with self._lock:
            self._counts[_RUNNING] += 1

    def count(self, route: str, status: int, seconds: float) -> None:
        """It is answered."""
        bound = next((bound for bound in BOUNDS if seconds <= bound), None)
        with self._lock:
            self._counts[_RUNNING] -= 1
            self._counts["requests", route, str(status)] += 1
            self._counts["seconds", route, ""] += seconds  # type: ignore[assignment]
            if bound is not None:
                self._counts["bucket", route, f"{bound:g}"] += 1

    def keep(self) -> None:
        """Put the counts where the other processes read them."""
        if self.shelf:
            with self._lock:
                rows = [[*key, value] for key, value in self._counts.items()]
            write_atomic(self.shelf / self._mine, json.dumps(rows).encode(), durable=False)

    def text(self) -> str:
        """All series."""
        with self._lock:
            counts = Counter(self._counts)
        for path in sorted(self.shelf.glob("*.json")) if self.shelf else ():
            if path.name != self._mine:
                counts.update(_read(path))
        requests = sorted(
            (route, status, n) for (what, route, status), n in counts.items() if what == "requests"
        )
        lines = ["# TYPE agentctx_requests_total counter"]
        lines += [f'agentctx_requests_total{{route="{r}",status="{s}"}} {n}' for r, s, n in requests]
        lines.append("# TYPE agentctx_request_seconds histogram")
        for route in sorted({route for route, _, _ in requests}):
            lines += _histogram(counts, route, sum(n for r, _, n in requests if r == route))
        lines += ["# TYPE agentctx_requests_running gauge", f"agentctx_requests_running {counts[_RUNNING]}"]
        return "\n".join(lines) + "\n"


def _histogram(counts: Counter[tuple[str, str, str]], route: str, total: int) -> list[str]:
    name, so_far, lines = "agentctx_request_seconds", 0, []
    for bound in BOUNDS:
        so_far += counts["bucket", route, f"{bound:g}"]
        lines.append(f'{name}_bucket{{route="{route}",le="{bound:g}"}} {so_far}')
    lines.append(f'{name}_bucket{{route="{route}",le="+Inf"}} {total}')
    lines.append(f'{name}_sum{{route="{route}"}} {counts["seconds", route, ""]:.6f}')
    return [*lines, f'{name}_count{{route="{route}"}} {total}']


def _read(path: Path) -> Counter[tuple[str, str, str]]:
    try:
        rows = json.loads(read_regular(path))
    except NotFound:
        return Counter()
    return Counter({(what, route, label): value for what, route, label, value in rows})
