"""Two merges in the layout of the evaluation data; the first really edited a section."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

BEFORE = (
    "# Cache\n\nThe cache keeps `LIMIT = 30` entries for `SECONDS = 900` and then it lets go of the oldest.\n"
)
DIFF = """diff --git a/src/cache.py b/src/cache.py
--- a/src/cache.py
+++ b/src/cache.py
@@ -1,2 +1,2 @@
-LIMIT = 30
+LIMIT = 60
 SECONDS = 900
"""


def write_merges(folder: Path) -> None:
    """The files of one repository, ``acme+shop``."""
    case = {
        "kind": "positive", "parent": "0" * 40, "subject": "Keep more", "body": "", "diff": DIFF,
        "docs_del": [],
        "files": [{"path": "src/cache.py", "status": "M", "role": "code"}], "relevant_docs": [],
    }  # fmt: skip
    edited = [{"id": "docs/cache.md#cache", "add": 1, "delete": 1, "kind": "modify"}]
    rows: dict[str, list[Any]] = {
        "cases": [
            {**case, "id": "1", "commit": "1" * 40, "i": 1, "docs_set": {"docs/cache.md": "a"},
             "relevant_sections": edited},
            {**case, "id": "2", "commit": "2" * 40, "i": 2, "docs_set": {"docs/cache.md": "b"},
             "relevant_sections": []},
        ],
        "docs": [
            {"v": v, "path": "docs/cache.md", "sections": [["cache", "Cache", f"{v}{v}"]]} for v in ("a", "b")
        ],
        "sections": [{"h": "aa", "text": BEFORE}, {"h": "bb", "text": BEFORE.replace("30", "60")}],
        "history": [],
        "paths": [],
    }  # fmt: skip
    for kind, lines in rows.items():
        with gzip.open(folder / f"acme+shop.{kind}.jsonl.gz", "wt", encoding="utf-8") as out:
            out.writelines(json.dumps(line) + "\n" for line in lines)
