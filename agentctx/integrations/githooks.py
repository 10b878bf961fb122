"""Git hooks beside other people's: install, uninstall, look, and prove that git reaches them.

What belongs to somebody else (a hook manager's files, a folder named by ``core.hooksPath``, a link, a
script in another language) is left alone; the report then says which lines to add, and where.
"""

from __future__ import annotations

import os
import shlex
import sys
from pathlib import Path

from agentctx.errors import GitFailed, NotFound, UnsafeFile
from agentctx.files import data_file, read_regular, remove_file, write_atomic
from agentctx.git import Git
from agentctx.integrations import hookfile
from agentctx.model import HooksReport, HookState

NAMES = ("post-merge", "post-commit", "post-rewrite", "post-checkout", "pre-commit")
ARRIVALS = NAMES[:4]
"""The hooks that say commits may have arrived."""


def install(git: Git, context: str = "agent-context", dry_run: bool = False) -> HooksReport:
    """Put our section into every hook that may be edited; a second time changes no byte.

    Raises ``NotWritable`` when the hooks folder cannot be written.
    """
    return _apply(git, context, write=not dry_run)


def status(git: Git, context: str = "agent-context") -> HooksReport:
    """The hooks as they are, where git looks for them now."""
    return _apply(git, context, write=False)


def uninstall(git: Git, dry_run: bool = False) -> HooksReport:
    """Take our sections out again, wherever they are, and delete the files that were ours alone."""
    folder = git.hooks_path()
    hooks: list[HookState] = []
    changed: list[str] = []
    for place in dict.fromkeys((folder, git.common_dir / "hooks")):
        for name in NAMES:
            path = place / name
            data = _script(path)
            if isinstance(data, bytes) and hookfile.has_section(data):
                changed.append(str(path))
                if not dry_run:
                    _put_back(path, hookfile.without_section(data))
    hooks = [HookState(name, "absent", str(folder / name)) for name in NAMES]
    return HooksReport(str(folder), _manager(git, folder), tuple(hooks), tuple(changed))


def _put_back(path: Path, data: bytes | None) -> None:
    if data is None:
        remove_file(path)
    else:
        write_atomic(path, data)


def _apply(git: Git, context: str, write: bool) -> HooksReport:
    folder = git.hooks_path()
    manager = _manager(git, folder)
    ours = _is_ours(git, folder)
    hooks = [_one(folder / name, _section(name, context), manager, ours) for name in NAMES]
    changed = [hook.path for hook in hooks if ours and hook.state in ("absent", "outdated")]
    if write and changed:
        for path in changed:
            _write(Path(path), _section(Path(path).name, context))
        return HooksReport(str(folder), manager, _apply(git, context, write=False).hooks, tuple(changed))
    return HooksReport(str(folder), manager, tuple(hooks), tuple(changed))


def _write(path: Path, section: bytes) -> None:
    data = _script(path)
    new = hookfile.with_section(data if isinstance(data, bytes) else None, section)
    write_atomic(path, new)
    if data is None:
        path.chmod(path.stat().st_mode | 0o111)


def _one(path: Path, section: bytes, manager: str, ours: bool) -> HookState:
    """What one hook is, and whether it is ours to edit."""
    name = path.name
    found = _script(path)
    if isinstance(found, bytes) and hookfile.has_section(found):
        executable = os.access(path, os.X_OK)
        reason = "" if executable else "is not executable, so git ignores it"
        current = not ours or hookfile.is_current(found, section)
        return HookState(name, "installed" if current else "outdated", str(path), reason)
    if not ours:
        reason = f"git looks in {path.parent}, which is not this clone's own hooks folder"
        by_hand = _by_hand(path, manager)
        if _mentioned(path, manager):
            return HookState(name, "installed", str(path), "by hand")
        return HookState(name, "left alone", str(path), reason, by_hand)
    if isinstance(found, str):
        return HookState(name, "left alone", str(path), f"it {found}", _by_hand(path, manager))
    if found is not None and (reason := hookfile.refusal(found, os.access(path, os.X_OK))):
        return HookState(name, "left alone", str(path), f"it {reason}", _by_hand(path, manager))
    return HookState(name, "absent", str(path))


def _script(path: Path) -> bytes | str | None:
    """A hook's bytes; None when there is none; words (for "it ...") when it is no plain file."""
    if path.is_symlink():
        return f"is a link to {path.readlink()}"
    try:
        return read_regular(path)
    except NotFound:
        return None
    except UnsafeFile:
        return "is not a readable file"


def _section(name: str, context: str) -> bytes:
    text = data_file("hooks", name).read_text(encoding="utf-8")
    text = text.replace("@PYTHON@", shlex.quote(sys.executable))
    quoted = shlex.quote(context)
    text = text.replace("${AGENTCTX_DIR:-@CONTEXT@}", "${AGENTCTX_DIR:-" + quoted + "}")
    return hookfile.section_of(os.fsencode(text))


# --------------------------------------------------------------------------- other people's managers


def _manager(git: Git, folder: Path) -> str:
    """Who rules this repository's hooks."""
    if ".husky" in folder.parts[-2:]:
        return "husky"
    if not _is_ours(git, folder):
        return "core.hooksPath"
    for name in NAMES:
        data = _script(folder / name)
        reason = hookfile.refusal(data) if isinstance(data, bytes) else ""
        for manager in ("pre-commit", "lefthook", "husky"):
            if f"generated by {manager}" in reason:
                return manager
    return ""


def _is_ours(git: Git, folder: Path) -> bool:
    """True for the hooks folder of this clone, unless somebody made it a link to another one."""
    own = git.common_dir / "hooks"
    return os.path.realpath(folder) == os.path.realpath(own) and not own.is_symlink()


def _users_file(path: Path, manager: str) -> Path:
    """The file a person edits to get lines into this hook."""
    if manager == "husky" and path.parent.name == "_":
        return path.parent.parent / path.name
    return path


def _mentioned(path: Path, manager: str) -> bool:
    found = _script(_users_file(path, manager))
    return isinstance(found, bytes) and f"agentctx hook {path.name}".encode() in found


def _by_hand(path: Path, manager: str) -> str:
    """The lines that do the same by hand, and where they go."""
    name = path.name
    if manager == "pre-commit":
        return (
            "in .pre-commit-config.yaml, under repos:\n"
            "  - repo: local\n    hooks:\n"
            f"      - id: agentctx-{name}\n        name: agentctx {name}\n"
            f"        entry: agentctx hook {name}\n        language: system\n"
            f"        stages: [{name}]\n        always_run: true\n        pass_filenames: false"
        )
    if manager == "lefthook":
        return (
            f"in lefthook.yml:\n{name}:\n  commands:\n    agentctx:\n"
            f"      run: command -v agentctx >/dev/null && agentctx hook {name} {{0}} || true"
        )
    line = f'command -v agentctx >/dev/null && agentctx hook {name} "$@" </dev/null || :'
    return f"near the top of {_users_file(path, manager)}:\n{line}"


# --------------------------------------------------------------------------- proof


def probe(git: Git, name: str = "post-merge") -> tuple[bool | None, str]:
    """Whether git itself starts our part of a hook, and a sentence about it.

    Our section only touches a file and ends the hook at once, so nothing else in it runs and no commit is
    made. None when that cannot be tried without running somebody else's lines.
    """
    import tempfile

    path = git.hooks_path() / name
    found = _script(path)
    if not (isinstance(found, bytes) and hookfile.has_section(found)):
        if _mentioned(path, _manager(git, path.parent)):
            return None, f"{name} calls agentctx by hand; it was not run, to leave its other lines alone"
        return False, f"git would run {path}, which does not call agentctx: agentctx hooks install"
    if not hookfile.comes_first(found):
        return None, f"{name} has lines above ours; it was not run, to leave them alone"
    with tempfile.TemporaryDirectory(prefix="agentctx-probe-") as folder:
        mark = Path(folder) / "fired"
        try:
            git.run_hook(name, {"AGENTCTX_PROBE": str(mark)})
        except GitFailed as error:
            return False, error.message
        if mark.exists():
            return True, f"git starts {name} ({path})"
    return False, f"git does not start {path}: is it executable, and git 2.36 or later?"
