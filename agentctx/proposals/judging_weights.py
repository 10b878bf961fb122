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
        "": 2.0507,
        "subject": 11.3024,
        "spoken": 2.0259,
        "unknown": -3.2702,
        "rarest": 0.5487,
        "likeness": 5.1786,
        "code": 0.6411,
        "strange": -0.1949,
        "phrases": 0.8137,
        "size": -1.2376,
        "change_size": -0.6072,
    },
    "support_threshold": 0.143,
    "pair": (0.6968, 0.5313, 1.2429, 1.9151, 2.0459, 1.8605, 0.9892),
    "places": {
        "": 0.4646,
        "worst": 0.3361,
        "doubt": -0.3318,
        "loneliest": 0.1816,
        "names": -0.1013,
        "exchanged": -1.43,
    },
    "places_threshold": 0.207,
}
