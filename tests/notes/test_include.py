"""Existing documentation as read-only notes."""

from __future__ import annotations

import time

import pytest

from agentctx.model import Note
from agentctx.notes.include import included, suggest_includes

LONG = "The gateway cannot reach the session store, so every token carries all that a service must know."


def one(path: str, text: str) -> Note:
    notes, problems = included(path, text.encode())
    assert problems == ()
    assert len(notes) == 1
    return notes[0]


def test_a_section_of_a_document_is_a_note_with_the_documents_title() -> None:
    text = (
        f"# Deploying\n\n{LONG}\n\n## Rolling back\n\n{LONG} See `make rollback`.\n\n"
        f"## Short\n\nToo short.\n\n## Rolling back\n\n{LONG}\n"
    )
    notes, problems = included("docs/deploy.md", text.encode())
    assert problems == ()
    assert [(n.id, n.title) for n in notes] == [
        ("docs/deploy.md#deploying", "Deploying"),
        ("docs/deploy.md#rolling-back", "Deploying: Rolling back"),
        ("docs/deploy.md#rolling-back-2", "Deploying: Rolling back"),
    ]
    assert notes[1].mentions == ("make rollback",)
    assert notes[1].body.startswith("## Rolling back\n")
    assert all(n.kind == "document" and n.read_only and n.path == "docs/deploy.md" for n in notes)
    assert all(n.body[s.start : s.end].startswith("#") for n in notes for s in n.sections)


def test_text_without_any_heading_is_one_note() -> None:
    note = one("AGENTS.md", LONG)
    assert (note.id, note.title) == ("AGENTS.md#agents-md", "AGENTS.md")


def test_our_own_block_in_an_agents_file_is_not_read_back() -> None:
    block = f"<!-- agentctx:begin (managed) -->\n## Memory\n\n{LONG}\n<!-- agentctx:end -->\n"
    notes, _ = included("AGENTS.md", f"# Rules\n\n{LONG}\n\n{block}\n## Testing\n\n{LONG}\n".encode())
    assert [n.title for n in notes] == ["Rules", "Rules: Testing"]


def test_short_rules_of_an_instruction_file_are_one_note() -> None:
    text = f"# Rules\n\nBe exact.\n\n## Money\n\nCents only.\n\n## Why\n\n{LONG}\n\n## Tests\n\nReal git.\n"
    notes, _ = included("AGENTS.md", text.encode())
    assert [(n.id, n.title) for n in notes] == [
        ("AGENTS.md#agents-md", "AGENTS.md: Rules"),
        ("AGENTS.md#why", "Rules: Why"),
    ]
    for rule in ("Be exact.", "## Money\n\nCents only.", "## Tests\n\nReal git."):
        assert rule in notes[0].body
    assert included("docs/rules.md", b"# Rules\n\nBe exact.\n") == ((), ())
    assert included("AGENTS.md", b"# Rules\n\n<!-- nothing -->\n") == ((), ())


def test_the_form_of_records_is_no_note() -> None:
    form = f"# {{title}}\n\n## Context and Problem Statement\n\n{LONG}\n".encode()
    assert included("docs/decisions/adr-template.md", form) == ((), ())
    assert included("docs/adr/template.md", form) == ((), ())
    assert included("docs/adr/0000-template.md", form) == ((), ())
    assert included("docs/adr/template-bare-minimal.md", form) == ((), ())
    assert one("docs/adr/0007-use-templates-of-jinja.md", form.decode()).tags == ("adr",)
    assert len(included("docs/templates.md", form)[0]) == 1
    assert len(included("docs/decisions/index.md", form)[0]) == 1


def test_the_time_of_a_document_grows_with_its_length_and_not_faster() -> None:
    def seconds(count: int) -> float:
        data = "".join(
            f"## Release {n}\n\n{LONG}\n\n## Thanks {n}\n\nAll.\n\n" for n in range(count)
        ).encode()
        begun = time.process_time()
        assert len(included("docs/release-notes.md", data)[0]) == count
        return time.process_time() - begun

    seconds(10)
    assert seconds(1600) < 10 * min(seconds(400), seconds(400))


RECORDS = {
    "nygard accepted": (
        "doc/adr/0001-tokens.md",
        "# 1. Tokens\n\nDate: 2026-01-01\n\n## Status\n\nAccepted\n\n## Context\n\nx\n",
        "active",
        "",
    ),
    "nygard superseded": (
        "doc/adr/0002-x.md",
        "# 2. X\n\n## Status\n\nAccepted\n\nSuperceded by [3. Y](0003-y.md)\n\n## Decision\n\nx\n",
        "superseded",
        "doc/adr/0003-y.md",
    ),
    "nygard supersedes another": (
        "doc/adr/0003-y.md",
        "# 3. Y\n\n## Status\n\nAccepted\n\nSupersedes [2. X](0002-x.md)\n\n## Decision\n\nx\n",
        "active",
        "",
    ),
    "madr 2 list": (
        "docs/adr/0004-z.md",
        "# Z\n\n* Status: deprecated\n* Deciders: Ada\n\n## Decision Outcome\n\nx\n",
        "archived",
        "",
    ),
    "madr 3 front matter": (
        "docs/decisions/0005-w.md",
        '---\nstatus: "superseded by ADR-0009"\n---\n# W\n\nText.\n',
        "superseded",
        "ADR-0009",
    ),
    "madr 4 link": (
        "docs/decisions/0006-v.md",
        '---\nstatus: "superseded by [ADR-0009](0009-u.md#top)"\ndate: 2026-01-01\n---\n# V\n\nText.\n',
        "superseded",
        "docs/decisions/0009-u.md",
    ),
    "bold line": ("adr/7.md", "# T\n\n**Status:** Rejected\n\n## Context\n\nx\n", "archived", ""),
    "table": ("adr/8-s.md", "# S\n\n| Status | Accepted |\n|---|---|\n| Date | x |\n", "active", ""),
    "proposed": ("docs/adr/9-r.md", "# R\n\n## Status\n\nProposed\n\n## Decision\n\nx\n", "active", ""),
    "by sections alone": (
        "notes/why.md",
        "# Why\n\n## Context\n\nx\n\n## Decision\n\ny\n\n## Consequences\n\nz\n",
        "active",
        "",
    ),
    "no status": ("adr/0010-q.md", "# Q\n\nWe do it.\n", "active", ""),
    "crlf": ("adr/0011-p.md", "# P\r\n\r\n## Status\r\n\r\nDeprecated\r\n", "archived", ""),
}


@pytest.mark.parametrize("name", RECORDS)
def test_a_decision_record_is_one_note_with_its_status(name: str) -> None:
    path, text, status, by = RECORDS[name]
    note = one(path, text)
    assert (note.status, note.superseded_by, note.tags) == (status, by, ("adr",))
    assert note.read_only
    assert note.id.startswith(f"{path}#")
    assert "\r" not in note.body


@pytest.mark.parametrize("name", ["docs/adr/README.md", "docs/adr/index.md"])
def test_a_readme_beside_the_records_is_none(name: str) -> None:
    notes, _ = included(name, f"# ADRs\n\n## Status\n\n{LONG}\n".encode())
    assert [n.tags for n in notes] == [()]


def test_front_matter_that_cannot_be_read_does_not_hide_a_document() -> None:
    for text in (f"---\ntitle: a: b\n---\n# T\n\n{LONG}\n", f"---\nnever closed\n\n# T\n\n{LONG}\n"):
        notes, problems = included("docs/x.md", text.encode())
        assert [n.title.rpartition(": ")[2] for n in notes] == ["T"]
        assert problems == ()


def test_a_document_that_is_no_text_is_named() -> None:
    notes, problems = included("docs/x.md", b"\xff\xfe\x00")
    assert notes == ()
    assert [(p.code, p.severity) for p in problems] == [("not-utf8", "warning")]


def test_documentation_of_an_old_repository_is_offered() -> None:
    paths = [
        "AGENTS.md",
        "CLAUDE.md",
        "README.md",
        "docs/a.md",
        "docs/adr/0001-x.md",
        "services/pay/adr/0001-y.md",
        "doc/guide/z.md",
        "agent-context/decisions/n.md",
        "node_modules/x/docs/adr/1.md",
        "tests/fixtures/adr/1.md",
        ".github/adr/1.md",
        "rfcs/text/1.md",
        "src/main.py",
    ]
    assert suggest_includes(paths) == (
        "AGENTS.md",
        "CLAUDE.md",
        "rfcs/**/*.md",
        "services/pay/adr/**/*.md",
        "doc/**/*.md",
        "docs/**/*.md",
    )
    assert suggest_includes(["src/a.py", "README.md"]) == ()
