"""Hostile settings, and machines on which something is missing, old, full of surprises or in the way."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from bench.demo import scripted
from bench.scripted_model import ScriptedModel
from bench.trials.base import Play, Round, Trial
from bench.trials.scene import CONTEXT, SYNC, TEMPORARY, Shop, world
from bench.trials.settings import COMMANDS, HOSTILE, WATCH


@contextmanager
def settings(folder: Path, size: int) -> Iterator[Play]:
    """Reading commands in a repository with hostile settings: no process, no socket."""
    with world(folder):
        shop = Shop(folder)
        names = list(HOSTILE)

        def play(round: Round) -> None:
            name = names[round.number % len(names)]
            log = folder / f"log-{round.number}"
            done = watched(shop, name, log)
            round.expect(done.returncode == 0, f"{name}: {done.stderr[-300:]}")
            # `doctor` asks the installed command and git for their versions: both from PATH.
            told = [line for line in log.read_text().splitlines() if "--version" not in line]
            round.seen["processes"] += sum(not line.startswith(("socket", "urllib")) for line in told)
            round.seen["sockets"] += sum(line.startswith(("socket", "urllib")) for line in told)
            round.expect(not list(folder.rglob("pwned")), f"{name}: it ran")
            round.expect("root:" not in done.stdout, f"{name}: a file outside was shown")
            shop.git("reset", "-q", "--hard", shop.head)
            shop.git("clean", "-q", "-f", "-d", "-x")

        yield play


def watched(shop: Shop, name: str, log: Path) -> subprocess.CompletedProcess[str]:
    """Every reading command beside hostile settings; ``log`` gets each process started and socket opened."""
    for path, text in HOSTILE[name].items():
        target = shop.root / CONTEXT / path
        for in_the_way in (target, target.parent):  # a folder may have to stand where a file is
            if in_the_way.is_file():
                in_the_way.unlink()
        target.parent.mkdir(parents=True, exist_ok=True)
        if text.startswith("-> "):
            target.symlink_to(text[3:])
        else:
            target.write_text(text)
    shop.commit("hostile")
    log.touch()
    return subprocess.run(
        [sys.executable, "-P", "-c", WATCH, str(log), json.dumps(COMMANDS)],
        cwd=shop.root, capture_output=True, text=True, timeout=300, check=False, env=dict(os.environ),
    )  # fmt: skip


# --------------------------------------------------------------------------- odd machines

COMMANDS_HERE: tuple[tuple[str, ...], ...] = (
    ("status",), ("prime", "--task", "tokens"), ("list",), ("search", "token"), SYNC,
    ("new", "gotcha", "Mind the gap", "--body", "Text."), ("verify",), ("hook", "post-merge", "0"),
    ("hook", "session-start", "--client", "claude-code"), ("review",),
    ("lint",), ("check", "--base", "HEAD~1"),
)  # fmt: skip

Arm = Callable[[], object]


def _git(script: str) -> Callable[[Shop], Arm]:
    """A PATH whose git is this script; no git at all for an empty one."""

    def lay(shop: Shop) -> Arm:
        folder = shop.root.parent / "path"
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        if script:
            (folder / "git").write_text(f"#!/bin/sh\n{script}\n")
            (folder / "git").chmod(0o755)
        return lambda: os.environ.update(PATH=str(folder))

    return lay


def _clock(moment: float) -> Callable[[Shop], Arm]:
    """Every clock that a command reads for dates says this moment."""

    def lay(shop: Shop) -> Arm:
        def arm() -> None:
            time.time = lambda: moment
            os.environ["SOURCE_DATE_EPOCH"] = str(int(moment))

        return arm

    return lay


def _environment(**values: str) -> Callable[[Shop], Arm]:
    def lay(shop: Shop) -> Arm:
        def arm() -> None:
            for name, value in values.items():
                if value == "-":
                    os.environ.pop(name, None)
                else:
                    os.environ[name] = value

        return arm

    return lay


def _in_the_way(path: str, text: str = "") -> Callable[[Shop], Arm]:
    """A file where agentctx or git wants something else."""

    def lay(shop: Shop) -> Arm:
        target = shop.root / path
        if target.is_dir():
            shutil.rmtree(target)
        target.write_text(text)
        return lambda: None

    return lay


def _gone(path: str) -> Callable[[Shop], Arm]:
    def lay(shop: Shop) -> Arm:
        shutil.rmtree(shop.root / path)
        return lambda: None

    return lay


def _closed(name: str) -> Callable[[Shop], Arm]:
    """What Python makes of a stream that the caller closed."""
    return lambda shop: lambda: setattr(sys, name, None)


def _full(shop: Shop) -> Arm:
    return lambda: os.dup2(os.open("/dev/full", os.O_WRONLY), 1)


MACHINES: dict[str, Callable[[Shop], Arm]] = {
    "no git": _git(""),
    "a git that fails": _git("exit 128"),
    "a git that says nonsense": _git("echo what; exit 0"),
    "a git that is killed": _git("kill -9 $$"),
    "no HOME": _environment(HOME="-"),
    "a HOME that is not there": _environment(HOME="/nowhere/at/all"),
    "no place for temporary files": _environment(TMPDIR="/nowhere", HOME="/nowhere"),
    "a plain locale": _environment(LC_ALL="C", LANG="C", PYTHONUTF8="0"),
    "1970": _clock(0.0),
    "2099": _clock(4_070_908_800.0),
    "an index that is locked": _in_the_way(".git/index.lock"),
    "an index that is broken": _in_the_way(".git/index", "broken"),
    "a HEAD that is broken": _in_the_way(".git/HEAD", "ref: refs/heads/\n"),
    "a file for our state": _in_the_way(".git/agentctx", "x"),
    "broken state": _in_the_way(".git/agentctx/queue", "\x00{not json\n"),
    "no objects": _gone(".git/objects"),
    "no context folder": _gone(CONTEXT),
    "no standard input": _closed("stdin"),
    "no standard output": _closed("stdout"),
    "no standard error": _closed("stderr"),
    "standard output on a full disk": _full,
}


@contextmanager
def machines(folder: Path, size: int) -> Iterator[Play]:
    """A command where something is amiss: it ends with words, hooks with 0, and no note is touched."""
    pairs = [(machine, command) for command in COMMANDS_HERE for machine in MACHINES]
    with world(folder), ScriptedModel(scripted) as model:
        shop = Shop(folder)
        shop.use(model.url)
        shop.keep()
        said = folder / "saved-said"
        pristine = folder / "pristine"
        shutil.copytree(shop.root, pristine, symlinks=True)

        def play(round: Round) -> None:
            machine, command = pairs[round.number % len(pairs)]
            shutil.rmtree(shop.root)
            shutil.copytree(pristine, shop.root, symlinks=True)
            arm = MACHINES[machine](shop)
            before = shop.notes()
            code = shop.run(*command, arm=arm, said=str(said))
            where = f"{command[0]}, {machine}"
            words = said.read_text(errors="replace")
            round.expect(code in (0, 1, 2), f"{where}: ended with {code}: {words[-200:]}")
            round.expect(command[0] != "hook" or code == 0, f"{where}: the hook ended with {code}")
            round.expect("Traceback" not in words, f"{where}: a traceback")
            round.seen["worked" if code == 0 else "said why not"] += 1
            after = shop.notes()
            for path in before:
                whole = path in after and (
                    command == SYNC or path.startswith(".") or after[path] == before[path]
                )
                round.seen["notes touched"] += not whole and not path.endswith(TEMPORARY)

        yield play


TRIALS = (
    Trial(
        "settings",
        len(HOSTILE),
        "hostile settings: no process, no socket",
        settings,
        shows=("processes", "sockets"), most={"processes": 0, "sockets": 0},
    ),
    Trial(
        "machines", len(MACHINES) * len(COMMANDS_HERE), "words and a code, no traceback, notes whole",
        machines,
        shows=("worked", "said why not", "notes touched"), most={"notes touched": 0},
    ),
)  # fmt: skip
