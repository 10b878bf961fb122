"""Git hooks beside other people's: install, uninstall, look, and prove that git reaches them.

What belongs to somebody else (a hook manager's files, a folder named by ``core.hooksPath``, a link, a
script in another language) is left alone; the report then says which lines to add, and where.
"""

from __future__ import annotations

import os
import shlex
import sys
from dataclasses import replace
from pathlib import Path

from agentctx.errors import NotFound, UnsafeFile
from agentctx.files import data_file, read_regular, remove_file, write_atomic
from agentctx.git import Git
from agentctx.integrations import hookfile
from agentctx.model import HookState, Probed

NAMES = (
    "post-merge", "post-commit", "post-rewrite", "post-checkout", "pre-commit", "prepare-commit-msg",
    "commit-msg",
)  # fmt: skip
ARRIVALS = NAMES[:4]
"""The hooks that say commits may have arrived."""


def install(git: Git, context: str = "agent-context", dry_run: bool = False) -> tuple[HookState, ...]:
    """Put our section into every hook that may be edited; a second time changes no byte.

    Raises ``NotWritable`` when the hooks folder cannot be written.
    """
    return tuple(_installed(hook, context, dry_run) for hook in status(git, context))


def _installed(hook: HookState, context: str, dry_run: bool) -> HookState:
    if hook.outcome not in ("absent", "outdated"):
        return hook
    path = Path(hook.path)
    before = _script(path)
    if not dry_run:
        old = before if isinstance(before, bytes) else None
        write_atomic(path, hookfile.with_section(old, _section(hook.name, context)))
        if old is None:
            path.chmod(path.stat().st_mode | 0o111)
    if hook.outcome == "outdated":
        return replace(hook, outcome="updated")
    return replace(hook, outcome="created" if before is None else "added")


def uninstall(git: Git, dry_run: bool = False) -> tuple[HookState, ...]:
    """Take our sections out again, wherever they are, and delete the files that were ours alone."""
    places = dict.fromkeys((git.hooks_path(), git.common_dir / "hooks"))
    hooks = [_uninstalled(place / name, dry_run) for place in places for name in NAMES]
    return tuple(hook for at, hook in enumerate(hooks) if at < len(NAMES) or hook.outcome == "removed")


def _uninstalled(path: Path, dry_run: bool) -> HookState:
    data = _script(path)
    if not isinstance(data, bytes) or not hookfile.has_section(data):
        return HookState(path.name, str(path), "absent")
    rest = hookfile.without_section(data)
    if dry_run:
        pass
    elif rest is None:
        remove_file(path)
    else:
        write_atomic(path, rest)
    return HookState(path.name, str(path), "removed")


def status(git: Git, context: str = "agent-context") -> tuple[HookState, ...]:
    """The hooks as they are, where git looks for them now."""
    folder = git.hooks_path()
    if _is_ours(git, folder):
        return tuple(_own(folder / name, _section(name, context)) for name in NAMES)
    return tuple(_foreign(folder / name) for name in NAMES)


def _own(path: Path, section: bytes) -> HookState:
    """A hook in this clone's own folder: ours to edit unless its content says otherwise."""
    found = _script(path)
    if found is None:
        return HookState(path.name, str(path), "absent")
    executable = os.access(path, os.X_OK)
    reason = found if isinstance(found, str) else hookfile.refusal(found, executable)
    if reason:
        return HookState(path.name, str(path), "refused", f"it {reason}", _by_hand(path, reason))
    assert isinstance(found, bytes)
    if not hookfile.has_section(found):
        return HookState(path.name, str(path), "absent", "beside other people's lines")
    current = hookfile.is_current(found, section)
    return HookState(path.name, str(path), "present" if current else "outdated")


def _foreign(path: Path) -> HookState:
    """A hook in a folder that somebody else rules: never written, only looked for our call."""
    found = _script(_edited_by_people(path))
    if isinstance(found, bytes) and _calls_us(found, path.name):
        return HookState(path.name, str(path), "present", "added by hand")
    owner = "husky" if _is_husky(path.parent) else "core.hooksPath"
    reason = f"git looks in {path.parent} ({owner}), which is not this clone's own folder"
    return HookState(path.name, str(path), "refused", reason, _by_hand(path, reason))


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


def _is_ours(git: Git, folder: Path) -> bool:
    """True for the hooks folder of this clone, unless somebody made it a link to another one."""
    own = git.common_dir / "hooks"
    return os.path.realpath(folder) == os.path.realpath(own) and not own.is_symlink()


def _is_husky(folder: Path) -> bool:
    return ".husky" in folder.parts[-2:]


def _edited_by_people(path: Path) -> Path:
    """The file a person edits to get lines into this hook."""
    return path.parent.parent / path.name if path.parent.name == "_" else path


def _calls_us(data: bytes, name: str) -> bool:
    return hookfile.has_section(data) or f"agentctx hook {name}".encode() in data


def _by_hand(path: Path, reason: str) -> str:
    """The lines that do the same by hand, and where they go."""
    name, takes_file = path.name, path.name.endswith("commit-msg")
    command = f"command -v agentctx >/dev/null && agentctx hook {name}"
    if "by pre-commit" in reason:
        return (
            "in .pre-commit-config.yaml, under repos:\n"
            "  - repo: local\n    hooks:\n"
            f"      - id: agentctx-{name}\n        name: agentctx {name}\n"
            f"        entry: agentctx hook {name}\n        language: system\n"
            f"        stages: [{name}]\n        always_run: true\n"
            f"        pass_filenames: {str(takes_file).lower()}"
        )
    if "by lefthook" in reason:
        return (
            f"in lefthook.yml:\n{name}:\n  commands:\n    agentctx:\n"
            f"      run: {command}{' {1}' if takes_file else ''} || true"
        )
    if "Windows line endings" in reason or "not executable" in reason:
        return f"mend {path}, then run: agentctx hooks install"
    if "not a shell script" in reason or "a program" in reason:
        return f"have {path} start this as a process, ignoring its outcome: agentctx hook {name}"
    given = ' "$1"' if takes_file else ""
    line = f"{command}{given} </dev/null || :"
    return f"in {_edited_by_people(path)}, before any exec or exit:\n{line}"


# --------------------------------------------------------------------------- proof


def probe(git: Git, name: str = "post-merge") -> Probed:
    """Whether git itself starts our part of a hook.

    Our section only touches a file and ends the hook at once, so nothing else in it runs and no commit is
    made. A hook with lines above ours is not run.
    """
    import tempfile

    path = git.hooks_path() / name
    found = _script(path)
    if not isinstance(found, bytes) or not hookfile.has_section(found):
        by_hand = _script(_edited_by_people(path))
        if isinstance(by_hand, bytes) and _calls_us(by_hand, name):
            return Probed(
                None, f"{name} calls agentctx by hand; it was not run, to leave its other lines alone"
            )
        return Probed(False, f"git would run {path}, which does not call agentctx")
    if not hookfile.comes_first(found):
        return Probed(None, f"{path} has lines above ours; it was not run, to leave them alone")
    with tempfile.TemporaryDirectory(prefix="agentctx-probe-") as folder:
        mark = Path(folder) / "fired"
        git.run_hook(name, {"AGENTCTX_PROBE": str(mark)})
        if mark.exists():
            return Probed(True, f"git starts {path}")
    return Probed(False, f"git does not start {path}: is it executable, and git 2.36 or later?")
