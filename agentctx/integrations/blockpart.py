"""Our part of a text file (Markdown, TOML): a block between two marks, at the end of what was there."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from agentctx.errors import AgentctxError
from agentctx.integrations.base import Installed, read_text, write_text


def with_block(text: str | None, block: str, begin: str, end: str) -> str:
    """``text`` with the block (its lines without marks) in its place, or at the end.

    A text without a final newline keeps having none, which is how ``without_block`` knows it again.
    """
    span = _span(text, begin, end) if text else None
    newline = _newline(text or "", span, begin)
    ours = f"{begin}\n{block.strip()}\n{end}".replace("\n", newline)
    if text is None:
        return ours + newline
    if span:
        return text[: span[0]] + ours + text[span[1] :]
    if not text:
        return ours
    if text.endswith("\n"):
        return f"{text}{newline}{ours}{newline}"
    return f"{text}{newline}{newline}{ours}"


def without_block(text: str, begin: str, end: str) -> str | None:
    """``text`` as it was before the block; None when nothing else was there."""
    span = _span(text, begin, end)
    if not span:
        return text
    newline = _newline(text, span, begin)
    before, after = text[: span[0]], text[span[1] :]
    if before.removesuffix(newline).endswith("\n"):
        before = before.removesuffix(newline)
    if not after:
        return before.removesuffix(newline) if before else ""
    after = after.removeprefix(newline)
    return before + after if before or after else None


def _newline(text: str, span: tuple[int, int] | None, begin: str) -> str:
    """The line ending of the block that is there, else of the text."""
    if span:
        return "\r\n" if text.startswith("\r\n", span[0] + len(begin)) else "\n"
    return "\r\n" if "\r\n" in text else "\n"


def _span(text: str, begin: str, end: str) -> tuple[int, int] | None:
    start = text.find(begin)
    stop = text.find(end, start)
    return (start, stop + len(end)) if start >= 0 and stop >= 0 else None


@dataclass(frozen=True, slots=True)
class BlockPart:
    """A block of ours in one file.

    ``refuses`` is asked with the text before and after and says why it must not be written, or nothing.
    """

    path: str
    block: str
    begin: str
    end: str
    refuses: Callable[[str, str], str] = lambda before, after: ""
    wanted: Callable[[Path], bool] = lambda root: True
    """Whether this repository needs the block at all."""

    def install(self, root: Path, dry_run: bool = False) -> Installed:
        """See ``base.Part``."""
        try:
            before = read_text(root, self.path)
        except AgentctxError as error:
            return Installed(self.path, "refused", error.message, self.block)
        had = before is not None and _span(before, self.begin, self.end) is not None
        if not had and not self.wanted(root):
            return Installed(self.path, "absent", "not needed")
        after = with_block(before, self.block, self.begin, self.end)
        reason = self.refuses(before or "", after)
        if reason:
            return Installed(self.path, "refused", reason, self.block)
        if after == before:
            return Installed(self.path, "present")
        if not dry_run:
            write_text(root, self.path, after)
        return Installed(self.path, "created" if before is None else "updated" if had else "added")

    def uninstall(self, root: Path, dry_run: bool = False) -> Installed:
        """See ``base.Part``."""
        try:
            before = read_text(root, self.path)
        except AgentctxError as error:
            return Installed(self.path, "refused", error.message)
        if before is None or _span(before, self.begin, self.end) is None:
            return Installed(self.path, "absent")
        if not dry_run:
            write_text(root, self.path, without_block(before, self.begin, self.end))
        return Installed(self.path, "removed")

    def status(self, root: Path) -> Installed:
        """See ``base.Part``."""
        try:
            text = read_text(root, self.path)
        except AgentctxError as error:
            return Installed(self.path, "refused", error.message)
        if text is None or _span(text, self.begin, self.end) is None:
            return Installed(self.path, "absent")
        current = with_block(text, self.block, self.begin, self.end) == text
        return Installed(self.path, "present" if current else "updated", "" if current else "not current")
