"""Reading patches: literal ones, and whatever real git prints."""

from __future__ import annotations

import subprocess
import time
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from agentctx.diff import parse_patch
from agentctx.model import FileChange, Hunk
from tests.repository import TempRepo

PATCHES = {
    "a change with a hunk header": (
        "diff --git a/src/a.py b/src/a.py\nindex 1..2 100644\n--- a/src/a.py\n+++ b/src/a.py\n"
        "@@ -3,3 +3,4 @@ def issue_token(user):\n one\n-two\n+2\n+zwei\n three\n",
        FileChange(
            "src/a.py",
            "M",
            hunks=(Hunk(3, 3, "def issue_token(user):", ("two",), ("2", "zwei"), ("one", "three")),),
        ),
    ),
    "a new file": (
        "diff --git a/n.py b/n.py\nnew file mode 100644\nindex 0..2\n--- /dev/null\n+++ b/n.py\n"
        "@@ -0,0 +1 @@\n+x\n",
        FileChange("n.py", "A", hunks=(Hunk(0, 1, "", (), ("x",)),)),
    ),
    "a deleted file": (
        "diff --git a/n.py b/n.py\ndeleted file mode 100644\nindex 2..0\n--- a/n.py\n"
        "+++ /dev/null\n@@ -1 +0,0 @@\n-x\n",
        FileChange("n.py", "D", hunks=(Hunk(1, 0, "", ("x",)),)),
    ),
    "a pure rename": (
        "diff --git a/old.py b/new.py\nsimilarity index 100%\nrename from old.py\nrename to new.py\n",
        FileChange("new.py", "R", "old.py", similarity=100),
    ),
    "a copy with an edit": (
        "diff --git a/x.py b/y.py\nsimilarity index 80%\ncopy from x.py\ncopy to y.py\nindex 1..2 100644\n"
        "--- a/x.py\n+++ b/y.py\n@@ -1 +1 @@\n-a\n+b\n",
        FileChange("y.py", "C", "x.py", (Hunk(1, 1, "", ("a",), ("b",)),), similarity=80),
    ),
    "a mode change of a name with blanks": (
        "diff --git a/a b/c d b/a b/c d\nold mode 100644\nnew mode 100755\n",
        FileChange("a b/c d", "M"),
    ),
    "an empty new file": (
        "diff --git a/x b/x\nnew file mode 100644\nindex 0000000..e69de29\n",
        FileChange("x", "A"),
    ),
    "a binary file": (
        "diff --git a/i.png b/i.png\nindex 1..2 100644\nBinary files a/i.png and b/i.png differ\n",
        FileChange("i.png", "M", binary=True),
    ),
    "a binary patch": (
        "diff --git a/i.png b/i.png\nindex 1..2 100644\nGIT binary patch\nliteral 3\nKcmZQ%\n\n"
        "literal 2\nJcmZQ%\n\n",
        FileChange("i.png", "M", binary=True),
    ),
    "a quoted path": (
        'diff --git "a/caf\\303\\251\\t\\".py" "b/caf\\303\\251\\t\\".py"\nold mode 100644\n'
        "new mode 100755\n",
        FileChange('café\t".py', "M"),
    ),
    "a quoted rename": (
        'diff --git a/x.py "b/\\303\\274 y.py"\nsimilarity index 100%\nrename from x.py\n'
        'rename to "\\303\\274 y.py"\n',
        FileChange("ü y.py", "R", "x.py", similarity=100),
    ),
    "a name with a blank ends in a tab": (
        "diff --git a/a b.py b/a b.py\nindex 1..2 100644\n--- a/a b.py\t\n+++ b/a b.py\t\n"
        "@@ -1 +1 @@\n-a\n+b\n",
        FileChange("a b.py", "M", hunks=(Hunk(1, 1, "", ("a",), ("b",)),)),
    ),
    "no newline at the end": (
        "diff --git a/x b/x\nindex 1..2 100644\n--- a/x\n+++ b/x\n@@ -1 +1 @@\n-a\n"
        "\\ No newline at end of file\n+b\n"
        "\\ No newline at end of file\n",
        FileChange("x", "M", hunks=(Hunk(1, 1, "", ("a",), ("b",)),)),
    ),
    "lines that look like headers": (
        "diff --git a/x b/x\nindex 1..2 100644\n--- a/x\n+++ b/x\n@@ -1,2 +1,2 @@\n--- a/y\n"
        "+++ b/y\n diff --git a/z b/z\n",
        FileChange("x", "M", hunks=(Hunk(1, 1, "", ("-- a/y",), ("++ b/y",), ("diff --git a/z b/z",)),)),
    ),
    "carriage returns stay in the lines": (
        "diff --git a/x b/x\nindex 1..2 100644\n--- a/x\n+++ b/x\n@@ -1 +1 @@\n-a\r\n+b\r\n",
        FileChange("x", "M", hunks=(Hunk(1, 1, "", ("a\r",), ("b\r",)),)),
    ),
    "a file that became a link": (
        "diff --git a/x b/x\ndeleted file mode 100644\nindex 1..0\n--- a/x\n+++ /dev/null\n"
        "@@ -1 +0,0 @@\n-a\n"
        "diff --git a/x b/x\nnew file mode 120000\nindex 0..1\n--- /dev/null\n+++ b/x\n@@ -0,0 +1 @@\n+y\n",
        FileChange("x", "T", hunks=(Hunk(1, 0, "", ("a",)), Hunk(0, 1, "", (), ("y",)))),
    ),
    "a combined diff": (
        "diff --cc x.py\nindex 1,2..3\n--- a/x.py\n+++ b/x.py\n@@@ -1,1 -1,1 +1,1 @@@\n- a\n -b\n"
        "++c\n--- d\n+++ e\n",
        FileChange("x.py", "M"),
    ),
    "a patch cut off in a hunk": (
        "diff --git a/x b/x\nindex 1..2 100644\n--- a/x\n+++ b/x\n@@ -1,9 +1,9 @@\n-a\n+b\n",
        FileChange("x", "M", hunks=(Hunk(1, 1, "", ("a",), ("b",)),)),
    ),
}


@pytest.mark.parametrize("name", PATCHES)
def test_a_patch_is_read_as_the_change_it_says(name: str) -> None:
    patch, expected = PATCHES[name]
    assert parse_patch(patch) == (expected,)


def test_all_patches_one_after_the_other_are_read_one_after_the_other() -> None:
    patch = "".join(patch for patch, _ in PATCHES.values())
    assert parse_patch(patch) == tuple(expected for _, expected in PATCHES.values())


@pytest.mark.parametrize(
    "text", ["", "\n", "commit 1\n\n    diff --git a/x b/x\n", "diff --git nonsense\n", "@@"]
)
def test_text_that_is_no_patch_has_no_files(text: str) -> None:
    assert parse_patch(text) == ()


@given(st.text(alphabet='ab/ @-+\\"\n\r,12dif', max_size=200))
def test_no_text_makes_the_reader_fail(text: str) -> None:
    parse_patch("diff --git " + text)
    parse_patch("diff --git a/x b/x\n" + text)


def test_a_huge_patch_is_read_in_linear_time() -> None:
    def seconds(lines: int) -> float:
        patch = f"diff --git a/x b/x\n--- a/x\n+++ b/x\n@@ -1,{lines} +1,{lines} @@\n" + "-a\n+b\n" * lines
        start = time.process_time()
        (file,) = parse_patch(patch)
        assert len(file.hunks[0].removed) == lines
        return time.process_time() - start

    assert seconds(400_000) < 40 * max(seconds(40_000), 0.001)


NAMES = st.sampled_from(["a.py", "b c.py", "dir/é.py", 'q"uote.txt', "b/x b/x", "tab\t.c", "-- d", "a/b/a"])
LINES = st.lists(
    st.sampled_from(
        ["x", "", "-- a/x", "++ b/x", "diff --git a/x b/x", "@@ -1 +1 @@", "é", "y\r", "\x0c", "\u2028"]
    ),
    max_size=6,
)
TREES = st.dictionaries(NAMES, st.tuples(LINES, st.booleans()), max_size=4)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(before=TREES, after=TREES)
def test_what_git_prints_is_read_back_as_what_git_counts(
    tmp_path_factory: pytest.TempPathFactory,
    before: dict[str, tuple[list[str], bool]],
    after: dict[str, tuple[list[str], bool]],
) -> None:
    repo = TempRepo.init(tmp_path_factory.mktemp("trees"))
    trees = [_commit_tree(repo, tree) for tree in (before, after)]
    arguments = ["-M", "--full-index", *trees]
    patch = subprocess.run(
        ["git", "diff", "--no-ext-diff", "-U3", *arguments], cwd=repo.root, capture_output=True, check=True
    ).stdout
    files = parse_patch(patch.decode("utf-8", "surrogateescape"))
    assert [_status_row(f) for f in files] == _raw_rows(repo, arguments)
    counted = {
        f.path: [sum(len(h.added) for h in f.hunks), sum(len(h.removed) for h in f.hunks)] for f in files
    }
    assert counted == _numstat(repo, arguments)


def _commit_tree(repo: TempRepo, tree: dict[str, tuple[list[str], bool]]) -> str:
    entries = []
    for name, (lines, final_newline) in tree.items():
        text = "\n".join(lines) + ("\n" if final_newline else "")
        entries.append(f"100644 blob {_blob(repo, text)}\t{name}")
    index = {"GIT_INDEX_FILE": str(Path(repo.root, ".git", "scratch"))}
    Path(index["GIT_INDEX_FILE"]).unlink(missing_ok=True)
    run = {"cwd": repo.root, "check": True, "capture_output": True, "env": {"PATH": "/usr/bin:/bin", **index}}
    subprocess.run(
        ["git", "update-index", "-z", "--index-info"], input="\0".join([*entries, ""]).encode(), **run
    )
    return subprocess.run(["git", "write-tree"], **run).stdout.decode().strip()


def _blob(repo: TempRepo, text: str) -> str:
    return (
        subprocess.run(
            ["git", "hash-object", "-w", "--no-filters", "--stdin"],
            cwd=repo.root,
            input=text.encode(),
            check=True,
            capture_output=True,
        )
        .stdout.decode()
        .strip()
    )


def _status_row(file: FileChange) -> tuple[str, str, str]:
    return (file.status, file.old_path, file.path)


def _raw_rows(repo: TempRepo, arguments: list[str]) -> list[tuple[str, str, str]]:
    fields = repo.git("diff", "--name-status", "-z", *arguments).split("\0")
    rows = []
    while fields and fields[0]:
        status = fields.pop(0)[0]
        old = fields.pop(0) if status == "R" else ""
        rows.append((status, old, fields.pop(0)))
    return rows


def _numstat(repo: TempRepo, arguments: list[str]) -> dict[str, list[int]]:
    fields = repo.git("diff", "--numstat", "-z", *arguments).split("\0")
    counts = {}
    while fields and fields[0]:
        added, removed, path = fields.pop(0).split("\t", 2)
        if not path:
            fields.pop(0)
            path = fields.pop(0)
        counts[path] = [int(added), int(removed)]
    return counts
