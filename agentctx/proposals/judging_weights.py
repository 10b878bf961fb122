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
        "": 1.1176,
        "subject": 15.2839,
        "spoken": 3.2119,
        "unknown": -3.3754,
        "rarest": 0.5763,
        "likeness": 3.7533,
        "code": 1.0375,
        "size": -1.154,
        "change_size": -0.4936,
    },
    "support_threshold": -0.209,
    "pair": (1.5891, 0.7611, 1.4537, 1.5052, 1.7679, 1.779, 0.9882, 0.6506),
    "places": {"": 0.2777, "doubt": -0.6939, "exchanged": -1.3929},
    "places_threshold": 0.872,
}
