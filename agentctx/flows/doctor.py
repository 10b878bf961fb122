"""``agentctx doctor``: what works here, each line proven by doing it."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from agentctx import __version__
from agentctx.errors import AgentctxError
from agentctx.integrations import clients, githooks, mergedriver
from agentctx.project import Project


@dataclass(frozen=True, slots=True)
class Finding:
    """One check, its outcome in words, and what to type when it is not in order."""

    name: str
    outcome: Literal["ok", "notice", "problem"]
    words: str
    hint: str = ""


def examine() -> list[Finding]:
    """Every check; one that cannot be made says so and stops none of the others."""
    found = [_command(), _git()]
    try:
        with Project.open() as project:
            for check in (_context, _hooks, _merge_driver, _agents, _state, _worker):
                found.append(_guarded(check, project))
    except AgentctxError as error:
        found.append(Finding("repository", "notice", error.message, error.hint))
    return found


def _guarded(check: Callable[[Project], Finding], project: Project) -> Finding:
    try:
        return check(project)
    except AgentctxError as error:
        return Finding(check.__name__.strip("_"), "problem", error.message, error.hint)


def _command() -> Finding:
    """Another package owns the name on the index, and its command may be first on PATH."""
    here = Path(sys.executable).parent / "agentctx"
    first = shutil.which("agentctx")
    if first is None:
        return Finding(
            "command", "notice", "agentctx is not on PATH; hooks and agents will stay silent",
            f"add {here.parent} to PATH, or install with `pipx install agentctx-memory`",
        )  # fmt: skip
    done = subprocess.run([first, "--version"], capture_output=True, text=True, check=False, timeout=20)
    if done.stdout.strip() == f"agentctx, version {__version__}":
        return Finding("command", "ok", f"{first}, version {__version__}")
    return Finding(
        "command", "problem", f"{first} is another program, not agentctx-memory {__version__}",
        f"put {here.parent} before {Path(first).parent} on PATH, or run `pip uninstall agentctx`",
    )  # fmt: skip


def _git() -> Finding:
    git = shutil.which("git")
    if not git:
        return Finding("git", "problem", "git is not installed", "install git 2.31 or later")
    done = subprocess.run([git, "--version"], capture_output=True, text=True, check=False)
    return Finding("git", "ok", done.stdout.strip())


def _context(project: Project) -> Finding:
    if not project.initialised:
        return Finding("context", "problem", f"there is no {project.context}/ here", "agentctx init")
    broken = sum(p.severity == "error" for p in project.notes.problems)
    count = len(project.notes.notes)
    words = f"{count} note{'' if count == 1 else 's'} in {project.context}/"
    if broken:
        return Finding("context", "problem", f"{words}, {broken} unreadable", "agentctx lint")
    return Finding("context", "ok", words)


def _hooks(project: Project) -> Finding:
    fired = githooks.probe(project.git)
    if fired.fired:
        return Finding("git hooks", "ok", fired.words)
    others = any(hook.outcome == "refused" for hook in githooks.status(project.git, project.context))
    command = "agentctx hooks status prints the lines to add" if others else "agentctx hooks install"
    return Finding("git hooks", "notice", fired.words, command)


def _merge_driver(project: Project) -> Finding:
    found = mergedriver.status(project.git)
    if found.outcome == "present" and not found.reason:
        return Finding("merge driver", "ok", "notes merge by field and paragraph")
    return Finding(
        "merge driver", "notice", found.reason or "notes are merged by line", "agentctx hooks install"
    )


def _agents(project: Project) -> Finding:
    found = clients.status(clients.named(()), project.root)
    there = [client.title for client in clients.installed(project.root)]
    old = sorted({part.path for _, part in found if part.outcome == "updated"})
    if old:
        return Finding(
            "agents", "notice", f"an older form of our part in {', '.join(old)}", "agentctx agents install"
        )
    if there:
        return Finding("agents", "ok", f"registered with {', '.join(sorted(there))}")
    return Finding("agents", "notice", "no agent client is registered", "agentctx agents install")


def _state(project: Project) -> Finding:
    if project.state.write("probe", 1) and project.state.read("probe") == 1:
        project.state.delete("probe")
        return Finding("state", "ok", "caches and proposals can be kept")
    return Finding("state", "notice", "nothing can be kept here; everything works, only slower")


def _worker(project: Project) -> Finding:
    failure = project.state.failure()
    if failure:
        return Finding("worker", "problem", f"its last run failed: {failure}", "agentctx sync")
    return Finding("worker", "ok", "no failure recorded")
