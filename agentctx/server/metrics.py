"""Counts and times of requests in the text form of Prometheus."""

from __future__ import annotations

import threading
from collections import Counter

BOUNDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
"""Upper bounds of the histogram in seconds."""


class Metrics:
    """Route names and statuses are ours, so the number of series is bounded whatever clients send."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._requests: Counter[tuple[str, int]] = Counter()
        self._buckets: Counter[tuple[str, float]] = Counter()
        self._seconds: Counter[str] = Counter()
        self.running = 0

    def count(self, route: str, status: int, seconds: float) -> None:
        """One request is answered."""
        with self._lock:
            self._requests[route, status] += 1
            self._seconds[route] += seconds  # type: ignore[assignment]
            bound = next((bound for bound in BOUNDS if seconds <= bound), None)
            if bound is not None:
                self._buckets[route, bound] += 1

    def text(self) -> str:
        """All series."""
        with self._lock:
            lines = ["# TYPE agentctx_requests_total counter"]
            for (route, status), number in sorted(self._requests.items()):
                lines.append(f'agentctx_requests_total{{route="{route}",status="{status}"}} {number}')
            lines.append("# TYPE agentctx_request_seconds histogram")
            for route in sorted(self._seconds):
                lines += self._histogram(route)
            lines += ["# TYPE agentctx_requests_running gauge", f"agentctx_requests_running {self.running}"]
        return "\n".join(lines) + "\n"

    def _histogram(self, route: str) -> list[str]:
        name, so_far, lines = "agentctx_request_seconds", 0, []
        for bound in BOUNDS:
            so_far += self._buckets[route, bound]
            lines.append(f'{name}_bucket{{route="{route}",le="{bound:g}"}} {so_far}')
        total = sum(number for (of, _), number in self._requests.items() if of == route)
        lines.append(f'{name}_bucket{{route="{route}",le="+Inf"}} {total}')
        lines.append(f'{name}_sum{{route="{route}"}} {self._seconds[route]:.6f}')
        return [*lines, f'{name}_count{{route="{route}"}} {total}']
