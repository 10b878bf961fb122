"""What registering with one agent client means: some files of theirs, each with a part of ours in it.

A guest's manners, the same for every client: our part is recognised by its own mark, nothing else is
touched, a second time changes no byte, removing restores the bytes that were there, and a file that does
not parse is left alone with the lines to add shown to the person.
"""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol

from agentctx.errors import NotFound
from agentctx.files import read_regular, remove_file, write_atomic

LIMIT = 4 * 1024 * 1024
MARK = "agentctx hook "
"""In every command of ours, and in nobody else's."""


@dataclass(frozen=True, slots=True)
class Installed:
    """What happened to one file. ``by_hand`` is the text a person must add when we may not."""

    path: str
    outcome: Literal["created", "added", "updated", "present", "removed", "absent", "refused", "kept"]
    """``kept``: another client that is installed still needs it."""
    reason: str = ""
    by_hand: str = ""

    @property
    def wrote(self) -> bool:
        """Is there something of ours that was not there before?"""
        return self.outcome in ("created", "added", "updated")


class Part(Protocol):
    """Our part of one file. Nothing here raises for what stands in the file."""

    @property
    def path(self) -> str:
        """The file, from the top of the repository."""

    def install(self, root: Path, dry_run: bool = False) -> Installed:
        """Put our part in, or bring it up to date."""

    def uninstall(self, root: Path, dry_run: bool = False) -> Installed:
        """Take our part out again; a file that holds nothing else goes too."""

    def status(self, root: Path) -> Installed:
        """``present`` when all of our part is there and current, ``absent`` when none of it is."""


@dataclass(frozen=True, slots=True)
class Client:
    """One agent client, and everything we register with it."""

    name: str
    title: str
    parts: tuple[Part, ...]
    signs: tuple[str, ...] = ()
    """Paths in a repository that say its team uses the client."""
    commands: tuple[str, ...] = ()
    """Programs that say this machine has it."""
    trust: str = ""
    """What a person has to do once before the client runs what is registered."""

    def detect(self, root: Path) -> bool:
        """Does the team use it, as far as files and programs tell?"""
        return any((root / sign).exists() for sign in self.signs) or any(map(shutil.which, self.commands))

    def install(self, root: Path, dry_run: bool = False) -> list[Installed]:
        """Every part, in order."""
        return [part.install(root, dry_run) for part in self.parts]

    def uninstall(
        self, root: Path, dry_run: bool = False, keep: frozenset[str] = frozenset()
    ) -> list[Installed]:
        """Every part but those in files that others still need."""
        return [
            Installed(part.path, "kept", "another client needs it")
            if part.path in keep
            else part.uninstall(root, dry_run)
            for part in self.parts
        ]

    def status(self, root: Path) -> list[Installed]:
        """Every part as it is."""
        return [part.status(root) for part in self.parts]


def hook_command(event: str, client: str) -> str:
    """The command of a hook: found on PATH, silent where agentctx is missing, successful in any case."""
    return f"if command -v agentctx >/dev/null 2>&1; then agentctx hook {event} --client {client}; fi; exit 0"


def read_text(root: Path, path: str) -> str | None:
    """A file's text as it is (line endings kept); None when there is none. Raises ``UnsafeFile``."""
    try:
        return read_regular(root / path, limit=LIMIT, root=root).decode("utf-8", "surrogateescape")
    except NotFound:
        return None


def write_text(root: Path, path: str, text: str | None) -> None:
    """Replace a file, through a link that stays inside the repository; None removes it."""
    target = (root / path).resolve() if (root / path).is_symlink() else root / path
    if text is None:
        remove_file(target)
    else:
        target.parent.mkdir(parents=True, exist_ok=True)
        write_atomic(target, text.encode("utf-8", "surrogateescape"))
