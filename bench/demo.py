"""The main job, start to end, in a small real repository: `make demo`.

Every verdict and every briefing printed here is computed by the real command line from the files in
`bench/example/` and `.agent-context-example/`. Change a constant there and the story follows.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
import textwrap
from pathlib import Path

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
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}",
        }
        self._run("git", "init", "-q", "-b", "main")

    def _run(self, *command: str, who: str = "Ada") -> str:
        person = {
            "GIT_AUTHOR_NAME": who, "GIT_AUTHOR_EMAIL": f"{who.lower()}@example.org",
            "GIT_COMMITTER_NAME": who, "GIT_COMMITTER_EMAIL": f"{who.lower()}@example.org",
        }  # fmt: skip
        done = subprocess.run(
            command,
            cwd=self.root,
            env={**self.environment, **person},
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise SystemExit(f"{' '.join(command)} failed ({done.returncode}):\n{done.stdout}{done.stderr}")
        return done.stdout

    def quietly(self, *command: str, who: str = "Ada") -> str:
        """Run without showing."""
        return self._run(*command, who=who)

    def show(self, *command: str, who: str = "Ada") -> str:
        """Show the command as a person would type it, then what it printed."""
        typed = " ".join(f'"{c}"' if " " in c else c for c in command)
        print(f"\n{who}$ {typed}")
        out = self._run(*command, who=who)
        print(textwrap.indent(out.rstrip(), "    ") or "    (no output)")
        return out

    def commit(self, message: str, who: str = "Ada") -> None:
        self.quietly("git", "add", "-A")
        self.quietly("git", "commit", "-q", "-m", message, who=who)

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
    stage.show("git", "merge", "--no-ff", "-m", "Merge bob/longer-tokens", "bob/longer-tokens")
    say(f"""Three commits arrived. One changes what a note says (MAX_AGE {old} -> {new}, and a new
        parameter), one only reformats a function, one moves a function to another file. Nobody touched the notes.""")


def judge(stage: Stage) -> None:
    title(4, "Which notes are still true?")
    stage.show("agentctx", "status")
    say("The whole story of one of them, with the diff of its symbol alone:")
    stage.show("agentctx", "status", "--explain", NOTE)


def after(stage: Stage) -> None:
    title(5, "The next agent is told so, before it can rely on the old words")
    stage.show("agentctx", "prime", "--task", TASK, "--budget", "700")


def mend(stage: Stage) -> None:
    title(6, "Ada shortens the time and mends the note by hand, in one commit")
    path = stage.root / "agent-context" / "decisions" / f"{NOTE}.md"
    wanted = max_age(stage) // 2
    code = stage.root / "src" / "shop" / "tokens.py"
    code.write_text(re.sub(r"MAX_AGE = \d+", f"MAX_AGE = {wanted}", code.read_text()))
    text = re.sub(
        r"A token lives .*?\(`MAX_AGE = \d+`\)",
        f"A token lives {wanted} seconds (`MAX_AGE = {wanted}`)",
        path.read_text(),
    )
    path.write_text(
        text.replace("the user and the time of issue", "the user, the role and the time of issue")
    )
    stage.commit("Halve the life of a token, and say so in the note")
    stage.show("git", "show", "--stat", "--format=%an: %s", "HEAD")
    say("""A commit that changes anchored code and the note's text together counts as mended: history is the
        second witness, nobody has to run a command for it.""")
    stage.show("agentctx", "status", "--explain", NOTE)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--code", type=Path, default=HERE / "example", help="folder with before/ and teammate/"
    )
    parser.add_argument("--context", type=Path, default=ROOT / ".agent-context-example", help="the notes")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="agentctx-demo-") as folder:
        stage = Stage(Path(folder), given.code.resolve(), given.context.resolve())
        for act in (begin, before, merge, judge, after, mend):
            act(stage)
    print("\nThe repository was a temporary one and is gone. Start in your own: agentctx init")


if __name__ == "__main__":
    main()
