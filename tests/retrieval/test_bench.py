"""The measurement runs on any data of its layout, and uses no history from after a change."""

from __future__ import annotations

import gzip
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.scripted_embeddings import scripted, sent

ROOT = Path(__file__).parents[2]
FILLER = "These are enough other words to make a note of this section here, really."
SECTIONS = {
    "h1": "# Guide\n\n" + FILLER,
    "h2": "## Retry\n\nretry budget " + FILLER,
    "h3": "## Cache\n\ncache " + FILLER,
}


def write(path: Path, rows: list[dict[str, Any]]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with gzip.open(path, "wt", encoding="utf-8") as out:
        out.writelines(json.dumps(row) + "\n" for row in rows)


def case(i: int, subject: str, relevant: str, **more: Any) -> dict[str, Any]:
    return {
        "kind": "positive",
        "i": i,
        "subject": subject,
        "body": "",
        "files": [{"path": "src/a.py"}],
        "docs_set": {},
        "docs_del": [],
        "relevant_sections": [{"id": relevant}],
        **more,
    }


@pytest.fixture
def data(tmp_path: Path) -> Path:
    base = tmp_path / "data"
    cases = [
        case(5, "Limit the retry budget", "docs/g.md#retry", docs_set={"docs/g.md": "v1"}),
        case(9, "Zebra", "docs/g.md#cache"),
        {"kind": "code_only", "i": 10, "docs_set": {}, "docs_del": [], "relevant_sections": []},
    ]
    name = base / "targeting" / "some+repo"
    write(Path(f"{name}.cases.jsonl.gz"), cases)
    slugs = [["guide", "Guide", "h1"], ["retry", "Retry", "h2"], ["cache", "Cache", "h3"]]
    write(Path(f"{name}.docs.jsonl.gz"), [{"v": "v1", "path": "docs/g.md", "sections": slugs}])
    write(Path(f"{name}.sections.jsonl.gz"), [{"h": h, "text": text} for h, text in SECTIONS.items()])
    history = [
        {"i": 1, "d": "2024-01-01", "s": "Start", "secs": ["docs/g.md#guide"]},
        {"i": 9, "d": "2024-02-01", "s": "Zebra", "secs": ["docs/g.md#cache"]},
    ]
    write(Path(f"{name}.history.jsonl.gz"), history)
    records = [
        {"id": "r-1", "path": "r/1.md", "text": "# Queue names\n\nHow a queue is named."},
        {
            "id": "r-2",
            "path": "r/2.rst",
            "text": "Title: Walrus operator\n\nRationale\n=========\n\nAssignment.",
        },
    ]
    write(base / "retrieval" / "rec.records.jsonl.gz", records)
    query = {"title": "Name the queue", "body": "", "relevant": ["r-1"]}
    write(base / "retrieval" / "rec.queries.jsonl.gz", [query])
    return base


def bench(*args: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "bench.retrieval", *args],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )


def test_any_repository_of_the_layout_is_measured(data: Path) -> None:
    found = json.loads(bench("--data", str(data), "--json").stdout)
    repository = found["repositories"]["targeting/some+repo"]
    assert repository["tasks"] == 2
    assert found["suites"]["retrieval"]["shipped"]["mean"] == [1.0] * 5
    # The second task shares no word with any note: only a look into the future could put its note first.
    assert repository["methods"]["shipped"][0] == 0.5


def test_the_table_and_the_ablation_are_for_people(data: Path) -> None:
    table = bench("--data", str(data)).stdout
    assert "rank-bm25, white space" in table
    assert "change suite: mean over repositories" in table
    assert "without earlier titles" in bench("--data", str(data), "--ablate").stdout


def test_an_embedding_model_is_measured_beside_its_cost(data: Path) -> None:
    with scripted() as model:
        done = bench("--data", str(data), "--embeddings", model.url, "--model", "m")
    assert done.returncode == 0, done.stderr
    for row in ("shipped  ", "embeddings alone  ", "shipped, fused  "):
        assert f"  {row}" in done.stdout
    assert "cost of the embeddings: 5 texts of notes in 2 requests" in done.stdout
    assert len(sent(model)) == 5 + 3


def test_a_folder_without_data_is_said_to_be_one(tmp_path: Path) -> None:
    done = bench("--data", str(tmp_path))
    assert done.returncode == 2
    assert "no *.cases.jsonl.gz" in done.stderr
