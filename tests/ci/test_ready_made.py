"""The ready-made files: held to rules, and their commands run against a real remote as a forge would."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from tests.ci.workflow_lint import lint
from tests.flows.test_gate import FREE_RATE, MONEY, note, verify
from tests.reports.schemas import CODE_QUALITY
from tests.repository import TempRepo

ROOT = Path(__file__).resolve().parents[2]
CI = ROOT / "templates" / "ci"
WORKFLOW = (CI / "github-workflow.yml").read_text()
ACTION = (CI / "action.yml").read_text()

GOOD = """\
on: pull_request
permissions: {}
jobs:
  a:
    permissions:
      contents: read
    timeout-minutes: 1
    steps:
      - uses: actions/checkout@11bd71901bbe5b1630ceea73d27597364c9af683 # v4.2.2
        with:
          persist-credentials: false
      - run: echo "$TITLE"
"""


@pytest.mark.parametrize("text", [WORKFLOW, ACTION, GOOD], ids=["workflow", "action", "example"])
def test_what_we_ship_breaks_no_rule(text: str) -> None:
    assert lint(text) == []


@pytest.mark.parametrize(
    ("old", "new", "rule"),
    [
        ("on: pull_request", "on: pull_request_target", "event: pull_request_target"),
        ("on: pull_request", "on: {workflow_run: {workflows: [x]}}", "event: workflow_run"),
        ("permissions: {}\n", "", "begin without permissions"),
        ("permissions: {}\n", "permissions: write-all\n", "begin without permissions"),
        ("contents: read", "contents: write", "permission contents: write"),
        ("contents: read", "pull-requests: write", "checked out where it is allowed to write"),
        ("    permissions:\n      contents: read\n", "", "no permissions of its own"),
        ("@11bd71901bbe5b1630ceea73d27597364c9af683 # v4.2.2", "@v4", "not pinned"),
        (" # v4.2.2", "", "not pinned"),
        ("persist-credentials: false", "fetch-depth: 0", "leaves its token behind"),
        ('echo "$TITLE"', "echo ${{ github.event.pull_request.title }}", "expression in run"),
        ('echo "$TITLE"', 'echo "${{ secrets.KEY }}"', "asks for secrets"),
        ("    timeout-minutes: 1\n", "", "no time limit"),
    ],
)
def test_the_rules_see_what_they_are_for(old: str, new: str, rule: str) -> None:
    assert GOOD.count(old) == 1
    assert any(rule in wrong for wrong in lint(GOOD.replace(old, new)))


# ----------------------------------------------------------------------------- a forge, simulated


class Forge:
    """A bare remote with main and one pull request from a fork, and a runner's checkout of its merge."""

    def __init__(self, folder: Path, change: Mapping[str, str]) -> None:
        self.folder = folder
        work = TempRepo.init(folder / "work")
        work.write("src/money.py", MONEY)
        note(work, "tax", "src/money.py#add_tax", "Tax is added once.")
        verify(work)
        work.commit("Start")
        self.remote = folder / "remote.git"
        subprocess.run(["git", "clone", "-q", "--bare", str(work.root), str(self.remote)], check=True)
        fork = TempRepo(folder / "fork")
        subprocess.run(["git", "clone", "-q", str(self.remote), str(fork.root)], check=True)
        fork.commit("From a stranger $(touch pwned)", dict(change), author="Eve <eve@example.org>")
        work.commit("Main goes on", {"README.md": "# Shop\n"})
        work.git("push", "-q", str(self.remote), "main")
        self.base = work.git("rev-parse", "HEAD")
        work.git("fetch", "-q", str(fork.root), "HEAD")
        work.git("merge", "-q", "--no-ff", "-m", "Merge the pull request", "FETCH_HEAD")
        work.git("push", "-q", str(self.remote), "HEAD:refs/pull/1/merge")
        self.runner = TempRepo.init(folder / "runner")
        self.runner.git(
            "fetch",
            "-q",
            str(self.remote),
            "refs/heads/*:refs/remotes/origin/*",
            "refs/pull/1/merge:refs/remotes/pull",
        )
        self.runner.git("checkout", "-q", "--detach", "refs/remotes/pull")
        self.temp = folder / "temp"
        self.bin = folder / "bin"
        for made in (self.temp, self.bin):
            made.mkdir()
        self._program("python", f'case "$*" in *"pip install"*) echo "$*" >> {self.temp}/pip ;; esac')
        self._program(
            "python3",
            f'mkdir -p "$4/bin"; ln -sf {self.bin}/python "$4/bin/python"; '
            f'ln -sf {Path(sys.executable).parent}/agentctx "$4/bin/agentctx"',
        )

    def _program(self, name: str, text: str) -> None:
        (self.bin / name).write_text(f"#!/bin/sh\n{text}\n")
        (self.bin / name).chmod(0o755)

    def run(self, command: str, cwd: Path | None = None, **env: str) -> subprocess.CompletedProcess[str]:
        """One ``run:`` in the shell GitHub uses, with an environment that holds no token of any kind."""
        path = f"{self.bin}:{Path(sys.executable).parent}:{os.environ['PATH']}"
        clean = {"HOME": os.environ["HOME"], "GIT_CONFIG_NOSYSTEM": "1", "PATH": path}
        clean |= {"RUNNER_TEMP": str(self.temp), "GITHUB_STEP_SUMMARY": str(self.temp / "summary"), **env}
        return subprocess.run(
            ["bash", "--noprofile", "--norc", "-e", "-o", "pipefail", "-c", command],
            cwd=cwd or self.runner.root, env=clean, capture_output=True, text=True, check=False,
        )  # fmt: skip

    def job(self, steps: list[dict[str, Any]], values: Mapping[str, str]) -> list[int]:
        """The exit codes of a job's own commands; after a failure only steps with ``always()`` run."""
        codes: list[int] = []
        self.said = ""
        for step in steps:
            if "run" not in step or (any(codes) and "always()" not in step.get("if", "")):
                continue
            env = {name: values.get(name, "") for name in step.get("env", {})}
            done = self.run(step["run"], **env)
            self.said += done.stdout + done.stderr
            codes.append(done.returncode)
        return codes


def test_the_base_is_what_the_merge_commit_was_made_from_or_the_queue_says() -> None:
    assert steps(WORKFLOW)[3]["env"]["BASE"] == "${{ github.event.merge_group.base_sha || 'HEAD^1' }}"
    expression = "${{ inputs.base || github.event.merge_group.base_sha || 'HEAD^1' }}"
    assert steps(ACTION)[1]["env"]["BASE"] == expression


def steps(text: str, job: str = "check") -> list[dict[str, Any]]:
    data = yaml.safe_load(text)
    found: list[dict[str, Any]] = (data["runs"] if "runs" in data else data["jobs"][job])["steps"]
    return found


CHANGES = {"false": {"src/money.py": FREE_RATE}, "true": {"src/money.py": f"# Money.\n{MONEY}"}}


@pytest.mark.parametrize("text", [WORKFLOW, ACTION], ids=["workflow", "action"])
@pytest.mark.parametrize(("change", "code"), [("false", 1), ("true", 0)])
def test_a_pull_request_from_a_fork_is_checked_without_any_token(
    tmp_path: Path, text: str, change: str, code: int
) -> None:
    forge = Forge(tmp_path, CHANGES[change])
    assert forge.job(steps(text), {"BASE": "HEAD^1", "HEAD_REV": "HEAD"}) == [0, code, 0]
    assert ("::error file=src/money.py,line=4" in forge.said) == bool(code)
    summary = (forge.temp / "summary").read_text()
    assert summary.startswith("<!-- agentctx check -->")
    assert ("1 note false" in summary) == bool(code)
    assert "agentctx-memory" in (forge.temp / "pip").read_text()
    assert not list(tmp_path.rglob("pwned"))


def test_the_action_takes_a_version_and_writes_sarif(tmp_path: Path) -> None:
    forge = Forge(tmp_path, CHANGES["false"])
    sarif = str(tmp_path / "x y.sarif")
    values = {"BASE": forge.base, "HEAD_REV": "HEAD", "SARIF": sarif, "VERSION": "0.1.0"}
    assert forge.job(steps(ACTION), values) == [0, 1, 0]
    assert "agentctx-memory==0.1.0" in (forge.temp / "pip").read_text()
    assert json.loads(Path(sarif).read_text())["runs"][0]["results"][0]["level"] == "error"


def test_a_clone_that_is_too_shallow_fails_with_the_depth_it_needs(tmp_path: Path) -> None:
    forge = Forge(tmp_path, CHANGES["false"])
    shallow = tmp_path / "shallow"
    url = f"file://{forge.remote}"
    subprocess.run(["git", "clone", "-q", "--depth=1", url, str(shallow)], check=True)
    TempRepo(shallow).git("fetch", "-q", "--depth=1", url, "refs/pull/1/merge")
    TempRepo(shallow).git("checkout", "-q", "--detach", "FETCH_HEAD")
    forge.runner = TempRepo(shallow)
    assert forge.job(steps(WORKFLOW), {"BASE": forge.base}) == [0, 2, 0]
    assert "fetch-depth: 0" in forge.said


# ----------------------------------------------------------------------------- the one comment

GH = """\
import json, pathlib, sys
store = pathlib.Path(__file__).with_name("comments.json")
comments = json.loads(store.read_text()) if store.exists() else []
path = next(a for a in sys.argv if a.startswith("repos/"))
body = next((a[6:] for a in sys.argv if a.startswith("body=@")), "")
text = pathlib.Path(body).read_text() if body else ""
if "PATCH" in sys.argv:
    next(c for c in comments if str(c["id"]) == path.rsplit("/", 1)[1])["body"] = text
elif "POST" in sys.argv:
    comments.append({"id": len(comments) + 1, "bot": True, "body": text})
else:
    mark = sys.argv[sys.argv.index("--jq") + 1].split('startswith("')[1].split('")')[0]
    print("\\n".join(str(c["id"]) for c in comments if c["bot"] and c["body"].startswith(mark)))
store.write_text(json.dumps(comments))
"""


def test_a_second_run_updates_the_comment_and_a_clean_one_needs_none(tmp_path: Path) -> None:
    forge = Forge(tmp_path, CHANGES["false"])
    (forge.bin / "gh.py").write_text(GH)
    forge._program("gh", f'exec {sys.executable} {forge.bin}/gh.py "$@"')
    store, comment = forge.bin / "comments.json", forge.runner.root / "comment.md"
    values = {"REPOSITORY": "a/b", "NUMBER": "1", "GH_TOKEN": "t"}
    human = {"id": 1, "bot": False, "body": "<!-- agentctx check --> a person quotes it"}
    store.write_text(json.dumps([human]))

    def run(base: str) -> list[str]:
        said = forge.run(f"agentctx check --base {base} --head HEAD --format comment --out comment.md")
        assert said.returncode in (0, 1), said.stderr
        assert forge.job(steps(WORKFLOW, "comment"), values) == [0]
        return [c["body"] for c in json.loads(store.read_text())]

    assert len(run("HEAD")) == 1
    first = run(forge.base)
    assert len(first) == 2
    assert "makes 1 note false" in first[1]
    again = run(forge.base)
    assert again == first
    settled = run("HEAD")
    assert len(settled) == 2
    assert "leaves every note true" in settled[1]
    assert comment.exists()


# ----------------------------------------------------------------------------- GitLab and pre-commit


def test_the_gitlab_job_leaves_a_valid_report_also_when_it_fails(tmp_path: Path) -> None:
    forge = Forge(tmp_path, CHANGES["false"])
    (job,) = yaml.safe_load((CI / "gitlab.yml").read_text()).values()
    env = {"CI_MERGE_REQUEST_DIFF_BASE_SHA": forge.base, "CI_COMMIT_SHA": "HEAD"}
    (script,) = job["script"]
    assert forge.run(script, **env).returncode == 1
    name = job["artifacts"]["reports"]["codequality"]
    found = json.loads((forge.runner.root / name).read_text())
    jsonschema.validate(found, CODE_QUALITY)
    assert [entry["severity"] for entry in found] == ["major"]
    assert job["artifacts"]["when"] == "always"
    assert job["variables"]["GIT_DEPTH"] == "0"


@pytest.mark.parametrize(("guilty", "code"), [("main", 0), ("feat", 1)])
def test_the_gitlab_job_checks_the_merge_request_and_not_its_target(
    tmp_path: Path, guilty: str, code: int
) -> None:
    forge = Forge(tmp_path, {})
    shop = forge.runner
    fork = shop.git("rev-parse", "origin/main~1")
    for branch in ("main", "feat"):
        shop.git("checkout", "-q", "-B", branch, fork)
        change = {"src/money.py": FREE_RATE} if branch == guilty else {f"{branch}.txt": "1\n"}
        shop.commit(f"On {branch}", dict(change))
    shop.git("checkout", "-q", "--detach", "main")
    shop.git("merge", "-q", "--no-ff", "-m", "The merged result", "feat")
    (job,) = yaml.safe_load((CI / "gitlab.yml").read_text()).values()
    env = {
        "CI_MERGE_REQUEST_DIFF_BASE_SHA": fork,
        "CI_COMMIT_SHA": shop.git("rev-parse", "HEAD"),
        "CI_MERGE_REQUEST_SOURCE_BRANCH_SHA": shop.git("rev-parse", "feat"),
    }
    done = forge.run(job["script"][0], **env)
    assert done.returncode == code, done.stderr


def test_the_pre_commit_hooks_run_and_stop_what_is_false(tmp_path: Path) -> None:
    hooks = {h["id"]: h for h in yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text())}
    assert set(hooks) == {"agentctx-lint", "agentctx-check", "agentctx-check-push"}
    for hook in hooks.values():
        assert (hook["language"], hook["pass_filenames"], hook["always_run"]) == ("python", False, True)
    forge = Forge(tmp_path, CHANGES["true"])
    own = tmp_path / "own"
    subprocess.run(["git", "clone", "-q", str(forge.remote), str(own)], check=True)

    def codes() -> list[int]:
        return [forge.run(h["entry"], cwd=own).returncode for h in hooks.values()]

    assert codes() == [0, 0, 0]
    TempRepo(own).write("src/money.py", FREE_RATE)
    TempRepo(own).git("add", "-A")
    assert codes() == [0, 1, 0]
    TempRepo(own).commit("Let the caller choose")
    assert codes() == [0, 0, 1]
    assert all(shlex.split(h["entry"])[0] == "agentctx" for h in hooks.values())


def test_the_hooks_of_a_repository_without_commits_let_the_first_one_through(tmp_path: Path) -> None:
    repo = TempRepo.init(tmp_path / "new")
    repo.write("src/money.py", MONEY)
    assert repo.agentctx("check", "--base", "HEAD").returncode == 0
