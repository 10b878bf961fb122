"""The numbers of ``judging``, written by ``bench/sync --data DIR --train``."""

from __future__ import annotations

from typing import Any

WEIGHTS: dict[str, Any] = {
    "trained_on": [
        "rust-lang+cargo",
        "simonw+datasette",
        "tektoncd+pipeline",
        "testcontainers+testcontainers-java",
        "vitest-dev+vitest",
    ],
    "support": {
        "": 1.6189,
        "subject": 14.0276,
        "spoken": 5.007,
        "unknown": -3.3298,
        "rarest": 0.5388,
        "likeness": 3.1837,
        "code": 1.0433,
        "size": -0.9848,
        "change_size": -0.6457,
    },
    "support_threshold": -0.331,
    "pair": (1.5891, 0.7611, 1.4537, 1.5052, 1.7679, 1.779, 0.9882, 0.6506),
    "places": {"": 0.2777, "doubt": -0.6939, "exchanged": -1.3929},
    "places_threshold": 0.872,
}
