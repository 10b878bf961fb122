"""What git's listings say, as values: the output of `ls-tree`, `ls-files` and `status`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from agentctx.git.runner import decode

LIST_INDEX = ("ls-files", "-s", "-z", "--full-name")
STATUS = (
    "status", "--porcelain=v2", "-z", "--branch", "--no-ahead-behind", "--no-renames",
    "--untracked-files=all", "--ignore-submodules=all",
)  # fmt: skip
_IN_TREE = re.compile(r"(?<![^\0])100(?:644|755) blob ([0-9a-f]+)\t([^\0]+)")
_IN_INDEX = re.compile(r"(?<![^\0])100(?:644|755) ([0-9a-f]+) 0\t([^\0]+)")
_OTHERS = ("120000", "160000")


def list_tree(rev: str) -> tuple[str, ...]:
    """The command whose output ``parse_tree`` reads."""
    return ("ls-tree", "-r", "-z", "--full-tree", rev)


def parse_tree(out: bytes) -> dict[str, str]:
    """path -> oid of the regular files in ``ls-tree -r -z`` output."""
    return {path: oid for oid, path in _IN_TREE.findall(decode(out))}


def parse_others(out: bytes) -> frozenset[str]:
    """The symbolic links and submodules in the output of ``ls-tree`` or ``ls-files -s``."""
    if not any(mode.encode() in out for mode in _OTHERS):
        return frozenset()
    entries = (entry.partition("\t") for entry in decode(out).split("\0") if entry)
    return frozenset(path for about, _, path in entries if about.startswith(_OTHERS))


def parse_index(out: bytes) -> dict[str, str]:
    """path -> oid of the regular, merged files in ``ls-files -s -z`` output."""
    return {path: oid for oid, path in _IN_INDEX.findall(decode(out))}


@dataclass(frozen=True, slots=True)
class Status:
    """What ``git status`` says: the commit and branch checked out, and what differs from it."""

    head: str = ""
    """Commit id; empty in an unborn repository."""
    branch: str = ""
    """Short name; empty when HEAD is detached."""
    upstream: str = ""
    """The branch's upstream as ``origin/main``; empty without one."""
    entries: Mapping[str, str] = field(default_factory=dict)
    """path -> XY; ``??`` untracked."""


def parse_status(out: bytes) -> Status:
    """Reads ``status --porcelain=v2 -z --branch --no-renames``."""
    facts: dict[str, str] = {}
    entries: dict[str, str] = {}
    for record in decode(out).split("\0"):
        if record.startswith("# "):
            name, _, value = record[2:].partition(" ")
            facts[name] = value
        elif record.startswith("1 "):
            entries[record.split(" ", 8)[8]] = record[2:4]
        elif record.startswith("u "):
            entries[record.split(" ", 10)[10]] = record[2:4]
        elif record.startswith("? "):
            entries[record[2:]] = "??"
    head, branch = facts.get("branch.oid", ""), facts.get("branch.head", "")
    return Status(
        head="" if head == "(initial)" else head,
        branch="" if branch == "(detached)" else branch,
        upstream=facts.get("branch.upstream", ""),
        entries=entries,
    )
