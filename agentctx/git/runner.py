"""Runs git so that neither the environment nor a hostile repository can steer it.

A repository's own configuration can name programs (``core.fsmonitor``, hooks, filters, signature
checkers) and the caller's environment can point at another repository; both are taken out here, once.
Nothing reaches a remote unless ``contact=True`` says so.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from agentctx.errors import GitFailed, NotARepository

TIMEOUT = 300.0
"""Seconds after which a git process is taken to hang (a FIFO in ``.git``, a dead network disk)."""

_NO_HOOKS = "core.hooksPath=/dev/null"
_HARDENED = (
    "core.fsmonitor=false",
    "core.quotePath=false",
    "safe.bareRepository=explicit",
    "protocol.ext.allow=never",
    "log.showSignature=false",
    "log.follow=false",
    "diff.suppressBlankEmpty=false",
    "gc.auto=0",
    "maintenance.auto=false",
)

_KEPT = frozenset(
    {
        "GIT_CONFIG_GLOBAL", "GIT_CONFIG_SYSTEM", "GIT_CONFIG_NOSYSTEM", "GIT_CEILING_DIRECTORIES",
        "GIT_DISCOVERY_ACROSS_FILESYSTEM", "GIT_EXEC_PATH", "GIT_AUTHOR_NAME", "GIT_AUTHOR_EMAIL",
        "GIT_AUTHOR_DATE", "GIT_COMMITTER_NAME", "GIT_COMMITTER_EMAIL", "GIT_COMMITTER_DATE",
    }
)  # fmt: skip
_KEPT_FOR_CONTACT = frozenset({"GIT_SSH", "GIT_SSH_COMMAND", "GIT_SSH_VARIANT", "GIT_ASKPASS"})


def environment(contact: bool = False, index_file: str = "") -> dict[str, str]:
    """The environment for a git process: the caller's, without the variables that change what git sees."""
    kept = _KEPT | _KEPT_FOR_CONTACT if contact else _KEPT
    clean = {k: v for k, v in os.environ.items() if not k.startswith("GIT_") or k in kept}
    clean |= {
        "GIT_OPTIONAL_LOCKS": "0",
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_NO_REPLACE_OBJECTS": "1",
        "GIT_PAGER": "cat",
        "LC_ALL": "C",
        "LANGUAGE": "",
    }
    if not contact:
        clean["GIT_NO_LAZY_FETCH"] = "1"
    if index_file:
        clean["GIT_INDEX_FILE"] = index_file
    return clean


class Runner:
    """Runs git commands in one folder.

    ``index_file`` names another index than the repository's own (git gives one to the pre-commit hook).
    """

    def __init__(self, folder: Path, index_file: str = "") -> None:
        self.folder = folder
        self.index_file = index_file
        self._extra: tuple[str, ...] = ()

    def disarm_filters(self, common_dir: Path) -> None:
        """Switch off the clean and smudge programs that this repository's own configuration names."""
        configured = b"".join(_bytes_of(common_dir / name) for name in ("config", "config.worktree")).lower()
        if b"filter" not in configured and b"include" not in configured:
            return
        listed = self.run(
            "config", "--local", "--includes", "-z", "--name-only", "--get-regexp", r"^filter\.", check=False
        )
        drivers = {name.rpartition(".")[0] for name in decode(listed).split("\0") if name}
        self._extra = tuple(
            f"{driver}.{key}"
            for driver in sorted(drivers)
            for key in ("clean=", "smudge=", "process=", "required=false")
        )

    def command(self, args: Sequence[str], contact: bool = False, hooks: bool = False) -> list[str]:
        """The full argument list of a git command."""
        settings = [*_HARDENED, *self._extra]
        if not hooks:
            settings.append(_NO_HOOKS)
        if not contact:
            settings.append("protocol.allow=never")
        return ["git", *(part for setting in settings for part in ("-c", setting)), *args]

    def start(
        self,
        *args: str,
        contact: bool = False,
        hooks: bool = False,
        env: Mapping[str, str] | None = None,
        discard_errors: bool = False,
    ) -> subprocess.Popen[bytes]:
        """Start git with pipes. Raises ``GitFailed`` when there is no git.

        ``contact`` allows remotes; ``hooks`` leaves the person's hooks (and where they lie) as configured.
        """
        try:
            return subprocess.Popen(
                self.command(args, contact, hooks),
                cwd=self.folder,
                env={**environment(contact, self.index_file), **(env or {})},
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL if discard_errors else subprocess.PIPE,
            )
        except FileNotFoundError:
            if not self.folder.is_dir():
                raise NotARepository(f"{self.folder} is not a folder") from None
            raise GitFailed("git is not installed, or not on PATH", "install git 2.31 or later") from None

    def run(
        self,
        *args: str,
        stdin: bytes | None = None,
        check: bool = True,
        contact: bool = False,
        hooks: bool = False,
        env: Mapping[str, str] | None = None,
    ) -> bytes:
        """Standard output of ``git ARGS``. With ``check``, a failing git raises ``GitFailed``."""
        return _collect(self.start(*args, contact=contact, hooks=hooks, env=env), args, stdin, check)

    def run_all(self, *commands: Sequence[str]) -> list[bytes]:
        """Several commands side by side; their outputs in order."""
        started = [self.start(*command) for command in commands]
        return [
            _collect(process, command, None, True) for process, command in zip(started, commands, strict=True)
        ]


def _collect(
    process: subprocess.Popen[bytes], args: Sequence[str], stdin: bytes | None, check: bool
) -> bytes:
    with process:
        try:
            out, err = process.communicate(stdin, timeout=TIMEOUT)
        except subprocess.TimeoutExpired:
            process.kill()
            raise GitFailed(f"git {args[0]} did not answer for {TIMEOUT:.0f} seconds") from None
        except BaseException:
            process.kill()
            raise
    if check and process.returncode:
        raise failure(args, decode(err), process.returncode)
    return out


def failure(args: Sequence[str], words: str, code: int) -> GitFailed | NotARepository:
    """git's own words as an error, with the sentence that helps for the failures people meet."""
    lines = [line for line in words.splitlines() if line.strip()]
    first = next((line for line in lines if line.startswith(("fatal:", "error:"))), lines[0] if lines else "")
    message = f"git {args[0]} failed: {first.removeprefix('fatal: ') or f'exit code {code}'}"
    if "dubious ownership" in words:
        owner = first.partition("'")[2].partition("'")[0]
        return GitFailed(
            f"git refuses the repository at {owner}: it belongs to another user (dubious ownership)",
            f"if you trust it: git config --global --add safe.directory '{owner}'",
        )
    if "cannot use bare repository" in words or "must be run in a work tree" in words:
        return NotARepository(
            "this is a bare repository or the inside of .git: there is no work tree here",
            "run agentctx in a clone with a work tree",
        )
    if "not a git repository" in words:
        return NotARepository("not inside a git repository", "git init, or cd into a repository")
    return GitFailed(message, _hint(words))


def _hint(words: str) -> str:
    if ".lock" in words and ("exists" in words or "Unable to create" in words):
        return "another git process is running; wait for it, or delete the lock file if there is none"
    if "promisor" in words or "transport" in words:
        return "this clone left objects at its remote: git fetch --refetch --no-filter"
    if "Invalid revision range" in words or "bad object" in words or "unknown revision" in words:
        return "if the clone is shallow: git fetch --unshallow"
    return ""


def decode(data: bytes) -> str:
    """git's output as text from which every byte can be got back."""
    return data.decode("utf-8", "surrogateescape")


def _bytes_of(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        return b""
