"""The numbers of ``weighing``, written by ``bench/targeting --data DIR --train``."""

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
    "threshold": 0.4084,
    "ranking": {
        "all": (-0.4348, 0.3232),
        "context": (3.9162, 0.2778),
        "context_bm25": (-0.5973, 185.753),
        "literals": (0.9161, 0.2543),
        "tests": (0.7437, 0.2683),
        "paths": (0.8803, 0.2398),
        "subject": (2.2, 19.5986),
        "message": (2.0383, 4.072),
        "title": (1.0152, 0.2781),
        "title_subject": (0.8341, 0.3329),
        "phrases": (1.6503, 37.7433),
        "chunks": (1.5411, 0.2775),
        "files_mean": (0.4904, 0.8576),
        "files_most": (2.6589, 1.0),
        "file_titles": (1.1846, 51.1585),
        "document_path": (1.6442, 41.5612),
        "document_sections": (-1.6147, 4.0431),
        "often_changed": (1.3003, 2.9957),
        "recently_changed": (1.8551, 0.8771),
        "neighbours": (1.4005, 65.621),
        "document_neighbours": (0.5514, 152.3249),
        "document_with_files": (0.9909, 0.1132),
        "document_titles": (0.7878, 6.4482),
        "document_past_files": (0.8628, 0.2676),
    },
    "intercept": -5.0417,
    "flag": {
        "score": 0.2104,
        "below_top": -0.0399,
        "share": 0.56,
        "rank": -0.6188,
        "change_outward_title": 0.1903,
        "change_inward_title": -0.4651,
        "change_code_lines": 0.0529,
        "change_test_lines": -0.0262,
        "change_comment_lines": -0.0943,
        "change_files": 0.4903,
        "change_new_names": -0.0128,
        "change_top_all": 1.1784,
        "change_top_all_bm25": 0.0596,
        "change_top_with_files": 0.2204,
    },
}
