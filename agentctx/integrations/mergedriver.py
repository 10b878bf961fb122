"""git's merge driver: attributes in the context folder for everybody, the command in each clone's own config.

A clone without the command, and a hosted merge button, merge the same files by line. Where the command is
missing or killed, the line around it does that too, so ordinary markers are the worst that can happen.
"""

from __future__ import annotations

import shlex
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from agentctx.errors import NotFound
from agentctx.files import read_regular, remove_file, write_atomic
from agentctx.git import Git
from agentctx.git.runner import decode
from agentctx.notes.driver import CONFLICT

SECTION = "merge.agentctx"
NAME = "notes by field and paragraph (agentctx)"
ATTRIBUTES = ("*.md merge=agentctx", ".verified/* merge=agentctx")
_ABOVE = "# Notes merge by field and paragraph where `agentctx init` has run, elsewhere by line."
TEXT = "".join(f"{line}\n" for line in (_ABOVE, *ATTRIBUTES))
"""What the context folder's ``.gitattributes`` says about merging."""


@dataclass(frozen=True, slots=True)
class Registered:
    """What happened to one place. ``reason`` says why where that is not plain."""

    path: str
    outcome: Literal["created", "added", "updated", "present", "removed", "absent"]
    reason: str = ""
    by_hand: str = ""


def command(python: str = sys.executable) -> str:
    """The shell line that git runs. It ends with 0 when merged, else with 1 and markers in the file."""
    files = "%O %A %B %L %P"
    return (
        f"python={shlex.quote(python)}; "
        f'if [ -x "$python" ]; then "$python" -P -m agentctx.notes.driver {files}; '
        f"else agentctx merge-driver {files}; fi 2>/dev/null; "
        f"case $? in 0) exit 0;; {CONFLICT}) exit 1;; esac; "
        "git merge-file --marker-size=%L -L ours -L base -L theirs %A %O %B"
    )


# --------------------------------------------------------------------------- this clone


def status(git: Git) -> Registered:
    """Whether this clone's config names the driver."""
    found = decode(git.run("config", "--local", "--get", f"{SECTION}.driver", check=False)).removesuffix("\n")
    if not found:
        return Registered(
            "git merge driver", "absent", "conflicts are merged by line: agentctx hooks install"
        )
    if found != command():
        return Registered("git merge driver", "present", "registered by another installation, or by hand")
    return Registered("git merge driver", "present")


def register(git: Git, dry_run: bool = False) -> Registered:
    """Name the driver in this clone's config; a second time changes nothing. Raises ``GitFailed``."""
    before = status(git)
    if before.outcome == "present" and not before.reason:
        return before
    if not dry_run:
        git.run("config", "--local", f"{SECTION}.name", NAME)
        git.run("config", "--local", f"{SECTION}.driver", command())
    return Registered(before.path, "created" if before.outcome == "absent" else "updated")


def unregister(git: Git, dry_run: bool = False) -> Registered:
    """Take the driver out of this clone's config again."""
    before = status(git)
    if before.outcome == "absent":
        return Registered(before.path, "absent")
    if not dry_run:
        git.run("config", "--local", "--remove-section", SECTION)
    return Registered(before.path, "removed")


# --------------------------------------------------------------------------- everybody's attributes


def add_attributes(root: Path, context: str, dry_run: bool = False) -> Registered:
    """Put our lines at the end of the context folder's ``.gitattributes``; other lines stay as they are."""
    shown, path = f"{context}/.gitattributes", root / context / ".gitattributes"
    before = _bytes(path, root)
    lines = (before or b"").decode("utf-8", "surrogateescape").splitlines()
    missing = [line for line in ATTRIBUTES if line not in lines]
    if not missing:
        return Registered(shown, "present")
    gap = b"\n" if before and not before.endswith(b"\n") else b""
    text = "".join(f"{line}\n" for line in (_ABOVE, *missing))
    if not dry_run:
        write_atomic(path, (before or b"") + gap + text.encode())
    return Registered(shown, "created" if before is None else "added")


def remove_attributes(root: Path, context: str, dry_run: bool = False) -> Registered:
    """Take our lines out again; a file that held nothing else is deleted."""
    shown, path = f"{context}/.gitattributes", root / context / ".gitattributes"
    before = _bytes(path, root) or b""
    ours = {line.encode() for line in (_ABOVE, *ATTRIBUTES)}
    after = b"".join(line for line in before.splitlines(keepends=True) if line.rstrip(b"\r\n") not in ours)
    if after == before:
        return Registered(shown, "absent")
    if not dry_run and after:
        write_atomic(path, after)
    elif not dry_run:
        remove_file(path)
    return Registered(shown, "removed")


def _bytes(path: Path, root: Path) -> bytes | None:
    try:
        return read_regular(path, root=root)
    except NotFound:
        return None
