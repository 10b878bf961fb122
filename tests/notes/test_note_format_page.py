"""What docs/note-format.md says is what the code does."""

from __future__ import annotations

import re
from pathlib import Path

from agentctx.model import NoteSet
from agentctx.notes.document import KNOWN_KEYS, parse
from agentctx.notes.lint import lint
from agentctx.notes.records import HEADER
from agentctx.notes.scan import KINDS

PAGE = (Path(__file__).parents[2] / "docs" / "note-format.md").read_text()


def test_the_example_is_a_good_note() -> None:
    example = re.search(r"```markdown\n(.*?)```\n", PAGE, re.DOTALL)
    assert example
    data = example[1].encode()
    note, problems = parse("agent-context/decisions/jwt.md", data, "decision")
    assert problems == ()
    assert note is not None
    assert note.mentions == ("MAX_AGE = 900",)
    found = lint(NoteSet((note,)), {"src/auth/tokens.py", "src/auth/middleware.py"}, {note.path: data})
    assert [problem.code for problem in found] == ["unknown-note"]  # the note it supersedes is not shown


def test_every_field_and_folder_is_described() -> None:
    assert re.findall(r"^\| `(\w+)` \|", PAGE, re.MULTILINE) == list(KNOWN_KEYS)
    assert re.findall(r"^\| `agent-context/(\w+)/` \|", PAGE, re.MULTILINE) == list(KINDS)
    assert HEADER in PAGE


def test_each_anchor_that_needs_quotes_is_named_with_what_to_type() -> None:
    table = re.findall(r"^\| `- ([^`]+)`(?: \(a comment\))? \| `(- [^`]+)` \|", PAGE, re.MULTILINE)
    assert len(table) == 4
    for wrong, right in table:
        data = f"---\ntitle: t\nanchors:\n  - {wrong}\n---\nText.\n".encode()
        _, problems = parse("agent-context/decisions/x.md", data, "decision")
        assert [(p.hint, p.line) for p in problems] == [(f"type `{right}`", 4)]
        _, problems = parse(
            "agent-context/decisions/x.md", data.replace(wrong.encode(), right[2:].encode()), "decision"
        )
        assert problems == ()
