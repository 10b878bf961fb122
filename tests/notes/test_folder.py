"""The context folder: reading what is there, naming what is wrong, losing nobody's bytes."""

from __future__ import annotations

import hashlib
import json
import multiprocessing
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from agentctx.errors import Conflict, NotFound, UnsafeFile
from agentctx.files import TEMPORARY_SUFFIX
from agentctx.model import Stamp
from agentctx.notes.document import append_section, new_note
from agentctx.notes.folder import Folder


def digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def note(title: str, body: str = "Because it is so.") -> bytes:
    return new_note(title, ["t"], ["src/a.py#f"], body)


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    for path, data in {
        "decisions/jwt.md": note("JWT"),
        "decisions/api/versions.md": note("Versions"),
        "patterns/retry.md": note("Retry"),
        "gotchas/clock.md": note("Clock"),
        "sessions/2026-01-01-x.md": note("Session"),
    }.items():
        target = tmp_path / "agent-context" / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(data)
    return Folder(tmp_path, "agent-context")


def test_folders_give_the_kind_and_nested_ones_are_read(folder: Folder) -> None:
    found = folder.read()
    assert [(n.id, n.kind) for n in found.notes] == [
        ("versions", "decision"),
        ("jwt", "decision"),
        ("retry", "pattern"),
        ("clock", "gotcha"),
        ("2026-01-01-x", "session"),
    ]
    assert found.problems == ()


def test_a_missing_folder_is_an_empty_one(tmp_path: Path) -> None:
    found = Folder(tmp_path, "agent-context").read()
    assert (found.notes, found.problems) == ((), ())


def test_broken_notes_are_named_and_the_others_are_read(folder: Folder) -> None:
    top = folder.root / "agent-context"
    outside = folder.root.parent / f"{folder.root.name}-outside.md"
    outside.write_bytes(note("Outside"))
    (top / "decisions" / "broken.md").write_bytes(b"---\ntitle: a\ntitle: b\n---\n")
    (top / "decisions" / "merged.md").write_bytes(b"<<<<<<< a\nx\n=======\ny\n>>>>>>> b\n")
    (top / "decisions" / "Bad Name.md").write_bytes(note("x"))
    (top / "decisions" / "huge.md").write_bytes(b"x" * 5_000_000)
    (top / "decisions" / "link.md").symlink_to(outside)
    (top / "decisions" / "dangling.md").symlink_to("nowhere.md")
    (top / "decisions" / "notes.txt").write_text("x")
    os.mkfifo(top / "decisions" / "fifo.md")
    (top / "patterns" / "more").symlink_to(folder.root.parent)
    (top / "decision").mkdir()
    (top / "loose.md").write_bytes(note("x"))
    (top / "README.md").write_text("About")
    start = time.process_time()
    found = folder.read()
    assert time.process_time() - start < 1
    assert len(found.notes) == 6
    assert [(n.id, n.title, n.body) for n in found.notes if n.status == "conflicted"] == [
        ("merged", "merged", "")
    ], "a conflicted note is listed by name, and neither of its versions is served"
    assert {(p.path.removeprefix("agent-context/"), p.code) for p in found.problems} == {
        ("decisions/broken.md", "duplicate-key"),
        ("decisions/merged.md", "conflict-markers"),
        ("decisions/Bad Name.md", "bad-id"),
        ("decisions/huge.md", "unsafe-file"),
        ("decisions/link.md", "unsafe-file"),
        ("decisions/dangling.md", "unsafe-file"),
        ("decisions/notes.txt", "not-a-note"),
        ("decisions/fifo.md", "unsafe-file"),
        ("patterns/more", "unsafe-file"),
        ("decision", "unknown-kind"),
        ("loose.md", "misplaced-note"),
    }
    assert all(p.hint and str(folder.root) not in p.message for p in found.problems)


def test_a_context_folder_that_leads_out_of_the_repository_is_not_read(tmp_path: Path) -> None:
    outside, root = tmp_path / "outside", tmp_path / "root"
    (outside / "decisions").mkdir(parents=True)
    (outside / "decisions" / "x.md").write_bytes(note("x"))
    root.mkdir()
    (root / "agent-context").symlink_to(outside)
    folder = Folder(root, "agent-context")
    found = folder.read()
    assert found.notes == ()
    assert [p.code for p in found.problems] == ["unsafe-file"]
    assert folder.read_records() == {}
    with pytest.raises(UnsafeFile):
        folder.save("agent-context/decisions/y.md", b"x", None)


def test_of_two_notes_with_one_id_the_later_is_quarantined_and_both_are_named(folder: Folder) -> None:
    (folder.root / "agent-context/gotchas/jwt.md").write_bytes(note("Twin"))
    found = folder.read()
    assert [n.path for n in found.notes if n.id == "jwt"] == ["agent-context/decisions/jwt.md"]
    assert [(p.path, p.code) for p in found.problems] == [
        ("agent-context/gotchas/jwt.md", "duplicate-id"),
        ("agent-context/decisions/jwt.md", "duplicate-id"),
    ]


# --------------------------------------------------------------------------- cache


def settle(folder: Folder) -> None:
    """Files a minute old, so that the cache may trust their times."""
    for path in (folder.root / "agent-context").rglob("*"):
        os.utime(path, ns=(1, path.stat().st_mtime_ns - 60_000_000_001))


def test_the_cache_gives_the_same_notes_and_survives_json(folder: Folder) -> None:
    (folder.root / "agent-context/decisions/broken.md").write_bytes(b"---\na: [\n---\n")
    (folder.root / "agent-context/decisions/long.md").write_bytes(
        b"---\nextra: {a: [1, {b: c}]}\npinned: yes\n---\nPre\n\n# A\n\n`x`\n\n# A\n# B\nA\n\n\n"
    )
    settle(folder)
    cache: dict[str, object] = {}
    cold = folder.read(cache)
    assert folder.parsed == 7
    again = json.loads(json.dumps(cache))
    assert folder.read(again) == cold
    assert folder.parsed == 0


def test_a_changed_added_or_deleted_note_is_seen_through_the_cache(folder: Folder) -> None:
    settle(folder)
    cache: dict[str, object] = {}
    folder.read(cache)
    top = folder.root / "agent-context"
    (top / "decisions/jwt.md").write_bytes(note("JWT 2"))
    (top / "patterns/retry.md").unlink()
    (top / "patterns/new.md").write_bytes(note("New"))
    found = folder.read(cache)
    assert {n.id: n.title for n in found.notes if n.kind != "session"} == {
        "jwt": "JWT 2",
        "versions": "Versions",
        "clock": "Clock",
        "new": "New",
    }
    assert "agent-context/patterns/retry.md" not in cache


def test_a_file_written_this_moment_is_not_trusted_to_the_cache(folder: Folder) -> None:
    cache: dict[str, object] = {}
    (folder.root / "agent-context/decisions/jwt.md").write_bytes(note("JWT"))
    folder.read(cache)
    assert "agent-context/decisions/jwt.md" not in cache


def test_a_warm_read_of_a_thousand_notes_is_fast_and_needs_no_yaml(tmp_path: Path) -> None:
    top = tmp_path / "agent-context/decisions"
    top.mkdir(parents=True)
    body = "\n\n".join(f"## Part {n}\n\nWe call `function_{n}` for a reason of ours." for n in range(6))
    for number in range(1000):
        (top / f"n{number}.md").write_bytes(note(f"Note {number}", body))
    folder = Folder(tmp_path, "agent-context")
    settle(folder)
    cache: dict[str, object] = {}
    start = time.process_time()
    folder.read(cache)
    cold = time.process_time() - start
    (tmp_path / "cache.json").write_text(json.dumps(cache))
    code = """
import json, sys, time
from pathlib import Path
from agentctx.notes.folder import Folder
root = Path(sys.argv[1])
cache = json.loads((root / "cache.json").read_text())
times = []
for _ in range(5):
    start = time.process_time()
    found = Folder(root, "agent-context").read(cache)
    times.append(time.process_time() - start)
print(json.dumps([len(found.notes), "yaml" in sys.modules, min(times)]))
"""
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path)], capture_output=True, text=True, check=True
    )
    count, yaml, warm = json.loads(done.stdout)
    assert (count, yaml) == (1000, False)
    assert warm * 4 < cold


# --------------------------------------------------------------------------- writing


def test_a_save_against_other_bytes_changes_nothing(folder: Folder) -> None:
    path = "agent-context/decisions/jwt.md"
    before = folder.read_bytes(path)
    folder.save(path, b"new", digest(before))
    with pytest.raises(Conflict, match="was changed by somebody else"):
        folder.save(path, b"newer", digest(before))
    assert folder.read_bytes(path) == b"new"
    with pytest.raises(Conflict, match="exists already"):
        folder.save(path, b"newer", None)
    with pytest.raises(Conflict, match="was deleted"):
        folder.save("agent-context/decisions/gone.md", b"x", digest(before))
    folder.save("agent-context/decisions/deep/new.md", b"x", None)
    assert folder.path_of("new") == "agent-context/decisions/deep/new.md"


def test_removing_needs_the_same_bytes_too(folder: Folder) -> None:
    path = "agent-context/decisions/jwt.md"
    with pytest.raises(Conflict):
        folder.remove(path, digest(b"other"))
    folder.remove(path, digest(folder.read_bytes(path)))
    with pytest.raises(NotFound, match="there is no note `jwt`"):
        folder.path_of("jwt")


@pytest.mark.parametrize(
    "path",
    [
        "README.md",
        "/etc/passwd",
        "agent-context/../x.md",
        "agent-context//x.md",
        "agent-context/decisions/./x.md",
        "agent-context/decisions/",
        "agent-context/x\0.md",
        "agent-context/out/x.md",
        "agent-contextual/x.md",
        "../agent-context/decisions/x.md",
    ],
)
def test_nothing_is_written_outside_the_context_folder(folder: Folder, path: str) -> None:
    (folder.root / "agent-context/out").symlink_to(folder.root.parent)
    with pytest.raises(UnsafeFile):
        folder.save(path, b"x", None)


@pytest.mark.parametrize("id", ["../x", "a/b", "", ".x", "A", "x y", "agents.md#top", "nul"])
def test_an_id_that_is_none_has_no_record(folder: Folder, id: str) -> None:
    assert folder.read_record(id) == ""
    with pytest.raises(Exception, match="is not a note's id"):
        folder.write_record(id, {"a.py": Stamp(text="aa")})


def test_a_near_miss_of_an_id_is_named(folder: Folder) -> None:
    with pytest.raises(NotFound) as raised:
        folder.path_of("version")
    assert raised.value.hint == "did you mean `versions`?"


def test_records_are_written_read_and_removed(folder: Folder) -> None:
    stamps = {"src/a.py#f": Stamp(sig="aa", body="bb"), "src/b.py": Stamp(text="cc")}
    assert folder.write_record("jwt", stamps)
    assert not folder.write_record("jwt", stamps)
    assert folder.record("jwt") == stamps
    settle(folder)
    cache: dict[str, object] = {}
    assert folder.records(cache) == {"jwt": stamps} == folder.records(json.loads(json.dumps(cache)))
    assert folder.write_record("jwt", {})
    assert folder.records(cache) == {}
    assert cache == {}


def test_leftovers_of_a_crash_are_removed_by_the_next_save(folder: Folder) -> None:
    left = folder.root / "agent-context/decisions" / f".00ff{TEMPORARY_SUFFIX}"
    left.write_text("half a note")
    assert len(folder.read().notes) == 5
    folder.save("agent-context/decisions/new.md", b"x", None)
    assert not left.exists()


def _save_and_die(folder: Folder, path: str, data: bytes, expected: str, fatal: int) -> None:
    """Save in this process and end it without warning behind the ``fatal``-th call that touches the disk."""
    seen = 0

    def counted(name: str) -> None:
        real = getattr(os, name)

        def step(*args: object, **rest: object) -> object:
            nonlocal seen
            result = real(*args, **rest)
            seen += 1
            if seen == fatal:
                os._exit(9)
            return result

        setattr(os, name, step)

    for name in ("open", "write", "fchmod", "fsync", "close", "rename", "unlink", "read", "lstat"):
        counted(name)
    folder.save(path, data, expected)
    os._exit(0)


def test_a_crash_at_any_step_of_saving_leaves_old_or_new_bytes_and_no_lock(folder: Folder) -> None:
    fork = multiprocessing.get_context("fork")
    path = "agent-context/decisions/jwt.md"
    old, new = folder.read_bytes(path), b"---\ntitle: New\n---\n" + b"text\n" * 2_000
    for fatal in range(1, 200):
        process = fork.Process(target=_save_and_die, args=(folder, path, new, digest(old), fatal))
        process.start()
        process.join(20)
        after = folder.read_bytes(path)
        assert after in (old, new)
        assert len(folder.read().notes) == 5
        folder.save(path, old, digest(after))
        left = [p.name for p in (folder.root / "agent-context/decisions").iterdir()]
        assert not [name for name in left if name.endswith(TEMPORARY_SUFFIX)]
        if process.exitcode == 0:
            break
    assert process.exitcode == 0
    assert fatal > 12


def _append(root: Path, writer: int, count: int) -> None:
    folder = Folder(root, "agent-context")
    for number in range(count):
        text = f"writer {writer} line {number}."
        folder.edit("agent-context/decisions/jwt.md", lambda data, t=text: append_section(data, "", t))


def test_eight_writers_of_one_note_lose_nothing(folder: Folder) -> None:
    fork = multiprocessing.get_context("fork")
    writers = [fork.Process(target=_append, args=(folder.root, n, 50)) for n in range(8)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join(100)
    assert [writer.exitcode for writer in writers] == [0] * 8
    body = folder.read_bytes("agent-context/decisions/jwt.md").decode()
    assert [body.count(f"writer {w} line {n}.") for w in range(8) for n in range(50)] == [1] * 400


# --------------------------------------------------------------------------- included documents


def test_documentation_is_read_beside_the_notes_and_never_twice(tmp_path: Path) -> None:
    long = "This repository is built with make and tested with real databases in every case.\n"
    for path in ("AGENTS.md", "docs/a.md", "docs/deep/b.md", "docs/.hidden/c.md", "other/d.md"):
        target = tmp_path / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(f"# About {path}\n\n{long}")
    (tmp_path / "CLAUDE.md").symlink_to("AGENTS.md")
    (tmp_path / "docs/loop").symlink_to(".")
    (tmp_path / "docs/out.md").symlink_to("/etc/hosts")
    include = ("CLAUDE.md", "AGENTS.md", "docs/**/*.md", "../x/*.md", "absent/**")
    found = Folder(tmp_path, "agent-context", include).read()
    assert [n.path for n in found.notes] == ["AGENTS.md", "docs/a.md", "docs/deep/b.md"]
    assert all(n.read_only and n.kind == "document" for n in found.notes)
    assert [(p.path, p.code) for p in found.problems] == [("docs/out.md", "unsafe-file")]


def test_check_tells_reading_records_and_rules_by_path_and_line(folder: Folder) -> None:
    (folder.root / "agent-context/decisions/broken.md").write_bytes(b"---\na: [\n---\n")
    (folder.root / "agent-context/.verified").mkdir()
    (folder.root / "agent-context/.verified/jwt").write_text("<<<<<<< a\n=======\n>>>>>>> b\n")
    problems = folder.check(folder.read(), {"src/b.py"})
    assert ("agent-context/.verified/jwt", 1, "conflict-markers") in [
        (p.path, p.line, p.code) for p in problems
    ]
    assert ("agent-context/decisions/broken.md", 2, "bad-yaml") in [
        (p.path, p.line, p.code) for p in problems
    ]
    assert ("agent-context/decisions/jwt.md", 7, "dead-anchor") in [
        (p.path, p.line, p.code) for p in problems
    ]
    assert problems == sorted(problems, key=lambda p: (p.path, p.line))
