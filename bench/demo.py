"""The main job, start to end, in a small real repository: `make demo`.

Every verdict and every briefing printed here is computed by the real command line from the files in
`bench/example/` and `.agent-context-example/`. Change a constant there and the story follows.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import textwrap
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from bench.scripted_model import Asked, ScriptedModel

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
TASK = "let login tokens live longer"
NOTE = "2026-01-12-signed-tokens"


class Stage:
    """One temporary repository with two people in it, and a narrator."""

    def __init__(self, folder: Path, code: Path, context: Path) -> None:
        self.root = folder / "shop"
        self.code, self.context = code, context
        self.root.mkdir()
        self.environment = {
            **{k: v for k, v in os.environ.items() if not k.startswith(("GIT_", "AGENTCTX_"))},
            "HOME": str(folder),
            "XDG_CONFIG_HOME": str(folder / "config"),
            "XDG_STATE_HOME": str(folder / "state"),
            "XDG_DATA_HOME": str(folder / "data"),
            "GIT_CONFIG_NOSYSTEM": "1",
            "AGENTCTX_NO_WORKER": "1",
            "AGENTCTX_DEBOUNCE": "0.2",
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}",
        }
        self._run("git", "init", "-q", "-b", "main")

    def _run(self, *command: str, who: str = "Ada", words: bool = False) -> str:
        """What a command printed; with ``words`` its standard error too, as a terminal shows it."""
        person = {
            "GIT_AUTHOR_NAME": who, "GIT_AUTHOR_EMAIL": f"{who.lower()}@example.org",
            "GIT_COMMITTER_NAME": who, "GIT_COMMITTER_EMAIL": f"{who.lower()}@example.org",
        }  # fmt: skip
        done = subprocess.run(
            command,
            cwd=self.root,
            env={**self.environment, **person},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT if words else subprocess.PIPE,
            text=True,
            check=False,
        )
        if done.returncode:
            said = done.stdout + (done.stderr or "")
            raise SystemExit(f"{' '.join(command)} failed ({done.returncode}):\n{said}")
        return done.stdout

    def quietly(self, *command: str, who: str = "Ada") -> str:
        """Run without showing."""
        return self._run(*command, who=who)

    def show(self, *command: str, who: str = "Ada") -> str:
        """Show the command as a person would type it, then what it printed."""
        typed = " ".join(f'"{c}"' if " " in c else c for c in command)
        print(f"\n{who}$ {typed}")
        out = self._run(*command, who=who, words=True)
        print(textwrap.indent(out.rstrip(), "    ") or "    (no output)")
        return out

    @contextmanager
    def worker(self) -> Iterator[None]:
        """Within the block git hooks start the background worker, as they do for everybody else."""
        kept = self.environment.pop("AGENTCTX_NO_WORKER")
        yield
        self.environment["AGENTCTX_NO_WORKER"] = kept

    def wait_for_proposals(self, limit: float = 60.0) -> float:
        """Seconds until the worker has finished with proposals to show."""
        began = time.perf_counter()
        while time.perf_counter() - began < limit:
            found = json.loads(self.quietly("agentctx", "review", "--json"))["proposals"]
            if any(p["note_id"] == NOTE for p in found):
                return time.perf_counter() - began
            time.sleep(0.2)
        raise SystemExit("the worker made no proposal:\n" + self.quietly("agentctx", "doctor"))

    def commit(self, message: str, *options: str, who: str = "Ada") -> None:
        self.quietly("git", "add", "-A")
        self.quietly("git", "commit", "-q", "-m", message, *options, who=who)

    def overlay(self, name: str) -> None:
        """Lay one file of the teammate's version over the repository's."""
        target = self.root / "src" / "shop" / name
        shutil.copyfile(self.code / "teammate" / "src" / "shop" / name, target)


def say(text: str) -> None:
    print("\n" + textwrap.fill(" ".join(text.split()), 100))


def title(number: int, text: str) -> None:
    print(f"\n\n{'=' * 100}\n{number}. {text}\n{'=' * 100}")


def max_age(stage: Stage) -> int:
    """The constant as the code has it now."""
    found = re.search(r"^MAX_AGE = (\d+)$", (stage.root / "src/shop/tokens.py").read_text(), re.MULTILINE)
    if not found:
        raise SystemExit("the example lost its MAX_AGE")
    return int(found[1])


def scripted(asked: Asked) -> Mapping[str, Any]:
    """What the scripted model answers: only from the diff and the notes in the request."""
    _, *parts = re.split(r"^# Note \d+ of \d+: id `([^`]+)`", asked.user, flags=re.MULTILINE)
    notes = zip(parts[::2], parts[1::2], strict=True)
    return {"answers": [{"note": id, **_answer(asked.user, text)} for id, text in notes]}


def _answer(request: str, note: str) -> dict[str, Any]:
    operations = []
    value = re.search(r"^\+MAX_AGE = (\d+)", request, re.MULTILINE)
    claim = re.search(r"lives ([a-z0-9 ]+) \(`MAX_AGE = (\d+)`\)", note)
    if value and claim and value[1] != claim[2]:
        old = f"{claim[1]} (`MAX_AGE = {claim[2]}`)"
        new = f"{value[1]} seconds (`MAX_AGE = {value[1]}`)"
        operations.append({"op": "replace_text", "old": old, "new": new})
    old = "signs the user and the time of issue"
    if re.search(r"^\+def issue_token\(.*\brole\b", request, re.MULTILINE) and old in note:
        new = "signs the user, the role and the time of issue"
        operations.append({"op": "replace_text", "old": old, "new": new})
    if operations:
        return {"why": "the diff changes what this note says about tokens", "operations": operations}
    why = "the diff leaves true what this note says"
    return {"why": why, "operations": [{"op": "keep", "why": why}]}


def begin(stage: Stage) -> None:
    title(1, "A repository with code and the notes its team keeps for coding agents")
    shutil.copytree(stage.code / "before", stage.root, dirs_exist_ok=True)
    stage.commit("A small shop")
    shutil.copytree(stage.context, stage.root / "agent-context")
    stage.show("agentctx", "init")
    stage.quietly("agentctx", "verify")
    stage.commit("Write down what we decided and what bit us")
    say("""The notes are Markdown under agent-context/. Each names the code it is about. `agentctx verify` has
        remembered what that code looked like when somebody last read the note.""")
    stage.show("agentctx", "list")


def before(stage: Stage) -> None:
    title(2, "What a coding agent is told before it starts")
    say("""`agentctx init` has registered this command with the agent, so it runs by itself at session start.
        The task is typed here only to show how the order follows it.""")
    stage.show("agentctx", "prime", "--task", TASK, "--budget", "700")


def merge(stage: Stage) -> None:
    title(3, "Meanwhile Bob changes the code on a branch, and it is merged")
    old = max_age(stage)
    stage.quietly("git", "switch", "-q", "-c", "bob/longer-tokens")
    stage.overlay("tokens.py")
    new = max_age(stage)
    stage.commit("Tokens carry the user's role and live longer", who="Bob")
    stage.overlay("retries.py")
    stage.commit("Wrap long lines", who="Bob")
    for name in ("rounding.py", "money.py", "invoices.py"):
        stage.overlay(name)
    stage.commit("Give rounding a module of its own", who="Bob")
    stage.quietly("git", "switch", "-q", "main")
    with stage.worker():
        began = time.perf_counter()
        stage.show("git", "merge", "--no-ff", "-m", "Merge bob/longer-tokens", "bob/longer-tokens")
    print(
        f"\n(the merge took {time.perf_counter() - began:.2f} s, its hook included: it only starts a worker)"
    )
    say(f"""Three commits arrived. One changes what a note says (MAX_AGE {old} -> {new}, and a new
        parameter), one only reformats a function, one moves a function to another file. Nobody touched
        the notes.""")


def judge(stage: Stage) -> None:
    title(4, "Which notes are still true?")
    stage.show("agentctx", "status")
    say("The whole story of one of them, with the diff of its symbol alone:")
    stage.show("agentctx", "status", "--explain", NOTE)


def after(stage: Stage) -> None:
    title(5, "The next agent is told so, before it can rely on the old words")
    stage.show("agentctx", "prime", "--task", TASK, "--budget", "700")


def propose(stage: Stage) -> None:
    title(6, "A model proposes to mend what the merge made false, and a person decides")
    say("""The git hook has started a worker in the background. It asked a model about the notes that the
        merge touched, and checked every answer. The model of this demo is a scripted one behind a real HTTP
        address on this machine: it reads the diff it is sent and answers from that, nothing else.""")
    waited = stage.wait_for_proposals()
    print(f"\n(proposals were there {waited:.1f} s later)")
    stage.show("agentctx", "review")
    found = json.loads(stage.quietly("agentctx", "review", "--json"))["proposals"]
    stage.show("agentctx", "review", "show", next(p["id"] for p in found if p["note_id"] == NOTE))
    stage.show("agentctx", "review", "accept")
    stage.show("agentctx", "status")
    stage.show("git", "diff", "--stat")
    say("The briefing has the new words now:")
    stage.show("agentctx", "prime", "--task", TASK, "--budget", "700")
    say("Ada would rather say it herself, and takes it back; not a byte of the sync is left:")
    stage.show("agentctx", "undo")
    stage.show("git", "status", "--short")


def mend(stage: Stage) -> None:
    title(7, "Ada shortens the time and mends the note by hand, in one commit")
    path = stage.root / "agent-context" / "decisions" / f"{NOTE}.md"
    wanted = max_age(stage) // 2
    code = stage.root / "src" / "shop" / "tokens.py"
    new = re.sub(r"MAX_AGE = \d+", f"MAX_AGE = {wanted}", code.read_text())
    new = new.replace('f"{user}.{role}.{now}"', 'f"{user}:{role}.{now}"')
    split = 'user, issued = payload.split(":")[0], payload.rpartition(".")[2]'
    new = new.replace('user, _role, issued = payload.split(".")', split)
    code.write_text(new)
    text = re.sub(
        r"A token lives .*?\(`MAX_AGE = \d+`\)",
        f"A token lives {wanted} seconds (`MAX_AGE = {wanted}`)",
        path.read_text(),
    )
    path.write_text(
        text.replace("the user and the time of issue", "the user, the role and the time of issue")
    )
    stage.commit("Halve the life of a token, and say so in the note", "--no-verify")
    stage.show("git", "show", "--stat", "--format=%an: %s", "HEAD")
    say("""A commit that changes anchored code and the note's text together counts as mended: history is the
        second witness. Nobody ran a command for it, and no hook took part (the commit was made with
        --no-verify).""")
    stage.show("agentctx", "status", "--explain", NOTE)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--code", type=Path, default=HERE / "example", help="folder with before/ and teammate/"
    )
    parser.add_argument("--context", type=Path, default=ROOT / ".agent-context-example", help="the notes")
    parser.add_argument("--until", type=int, default=7, help="stop after this chapter")
    given = parser.parse_args()
    temporary = tempfile.TemporaryDirectory(prefix="agentctx-demo-", ignore_cleanup_errors=True)
    with temporary as folder, ScriptedModel(scripted) as model:
        stage = Stage(Path(folder), given.code.resolve(), given.context.resolve())
        stage.quietly(
            "agentctx", "provider", "set", "openai-compatible", "--model", "scripted", "--url", model.url
        )
        for act in (begin, before, merge, judge, after, propose, mend)[: given.until]:
            act(stage)
    print("\nThe repository was a temporary one and is gone. Start in your own: agentctx init")


if __name__ == "__main__":
    main()
