"""Which files of a change say something about notes."""

from __future__ import annotations

import pytest

from agentctx.model import Anchor, Change, FileChange, Note
from agentctx.proposals.silent_files import lasting, telling

NOTES = (
    Note("docs/guide.md#setup", "docs/guide.md", "document", "Setup", "", "", read_only=True),
    Note("pins", "agent-context/gotchas/pins.md", "gotcha", "Pins", "", "", anchors=(Anchor("uv.lock"),)),
)


@pytest.mark.parametrize(
    ("path", "tells"),
    [
        ("src/app.py", True),
        ("README.md", True),
        ("docs/other.md", True),
        ("src/changes.py", True),
        ("src/history/log.go", True),
        ("src/vendors.py", True),
        ("src/minify.js", True),
        ("uv.lock", True),
        ("docs/guide.md", False),
        ("agent-context/gotchas/pins.md", False),
        ("agent-context/config.yaml", False),
        ("Cargo.lock", False),
        ("web/package-lock.json", False),
        ("go.sum", False),
        ("vendor/x/y.go", False),
        ("web/node_modules/x/index.js", False),
        ("static/app.min.js", False),
        ("api/v1/api.pb.go", False),
        ("CHANGELOG.md", False),
        ("docs/Changes.rst", False),
    ],
)
def test_a_file_tells_unless_it_is_a_note_or_written_by_a_machine(path: str, tells: bool) -> None:
    change = Change("a", "b", (FileChange(path, "M"),))
    assert bool(telling(change, NOTES, "agent-context").files) == tells


def test_sections_of_a_log_of_releases_are_made_false_by_nothing() -> None:
    log = Note("docs/changelog.rst#1-0", "docs/changelog.rst", "document", "1.0", "", "", read_only=True)
    own = Note("changes", "agent-context/decisions/changes.md", "decision", "Changes", "", "")
    assert lasting([*NOTES, log, own]) == [*NOTES, own]
