"""The ready-made sync jobs: held to rules, their commands run against a bare remote and a scripted API."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
import yaml

from bench.demo import scripted
from bench.scripted_model import ScriptedModel
from tests.ci.workflow_lint import lint
from tests.flows.test_publish import ID, branches, remote, synced
from tests.repository import TempRepo
from tests.scripted_forge import TOKEN, ScriptedGitHub

__all__ = ["remote"]

CI = Path(__file__).resolve().parents[2] / "templates" / "ci"
GITHUB = (CI / "github-sync.yml").read_text()
GITLAB = (CI / "gitlab-sync.yml").read_text()

ALLOWED = [
    "sync: permission contents: write",
    "sync: asks for secrets",
    "sync: code is checked out where it is allowed to write",
]
"""What this job may do and the gate may not: it runs on merged commits only."""


def test_the_job_runs_on_merged_commits_with_two_rights_and_installs_before_the_checkout() -> None:
    assert lint(GITHUB) == ALLOWED
    job = yaml.safe_load(GITHUB)
    assert set(job[True]) == {"push"}, "never on a pull request"
    assert job["concurrency"]["cancel-in-progress"] is False
    steps = [step.get("name") or step["uses"].partition("@")[0] for step in job["jobs"]["sync"]["steps"]]
    assert steps.index("Install agentctx") < steps.index("actions/checkout"), (
        "no file of the repository is run"
    )
    with_key = [s for s in job["jobs"]["sync"]["steps"] if "secrets." in str(s)]
    assert [s["name"] for s in with_key] == ["Mend the notes"]


def run(command: str, runner: TempRepo, env: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
    programs = runner.root.parent / "bin"
    programs.mkdir(exist_ok=True)
    (programs / "python").write_text("#!/bin/sh\nexit 0\n")
    (programs / "python").chmod(0o755)
    path = f"{programs}:{Path(sys.executable).parent}:{os.environ['PATH']}"
    clean = {"HOME": os.environ["HOME"], "GIT_CONFIG_NOSYSTEM": "1", "PATH": path}
    clean |= {"RUNNER_TEMP": str(runner.root.parent), "AGENTCTX_NO_WORKER": "1"}
    return subprocess.run(
        ["bash", "--noprofile", "--norc", "-e", "-o", "pipefail", "-c", command],
        cwd=runner.root, env={**clean, **env}, capture_output=True, text=True, check=False,
    )  # fmt: skip


@pytest.fixture
def runner(remote: Path, tmp_path: Path) -> Iterator[TempRepo]:
    """A checkout as a hosted runner has it: detached, no identity, no agentctx state."""
    (tmp_path / "job").mkdir()
    place = tmp_path / "job" / "checkout"
    subprocess.run(["git", "clone", "-q", str(remote), str(place)], check=True)
    made = TempRepo(place)
    made.git("checkout", "-q", "--detach")
    (Path(os.environ["HOME"]) / ".gitconfig").unlink()
    yield made


def test_the_commands_of_the_github_job_open_one_pull_request(remote: Path, runner: TempRepo) -> None:
    steps = yaml.safe_load(GITHUB)["jobs"]["sync"]["steps"]
    with ScriptedModel(scripted) as model, ScriptedGitHub() as github:
        given = {
            "PROVIDER": "openai-compatible",
            "MODEL": "scripted",
            "URL": model.url,
            "AGENTCTX_MODEL_KEY": "a-key",
            "GH_TOKEN": TOKEN,
            "SINCE": runner.git("rev-parse", "HEAD^1"),
            "TARGET": "main",
        }
        for _ in range(2):
            for step in [s for s in steps if "run" in s]:
                env = {k: given.get(k, v) for k, v in step.get("env", {}).items()}
                done = run(step["run"], runner, {**env, **github.environment()})
                assert done.returncode == 0, done.stderr
                assert TOKEN not in done.stdout + done.stderr
        assert all(asked.has_key for asked in model.requests)
    assert len(github.pulls) == 1 and ID in github.pulls[0]["body"]
    assert synced(remote) == runner.git("rev-parse", "HEAD")
    assert len(branches(remote)) == 1


CLAUDE = """#!/bin/sh
cat > /dev/null
echo "$ANTHROPIC_API_KEY" > "$HOME/key"
echo '{"type": "result", "is_error": false, "structured_output": {"answers": []}}'
"""


@pytest.mark.parametrize(
    ("provider", "key", "seen"),
    [
        pytest.param("vllm", "", False, id="a server without a key"),
        pytest.param("vllm", "a-key", True, id="a server with a key"),
        pytest.param("claude", "a-key", None, id="a program with a key"),
        pytest.param("claude", "", None, id="a program that is logged in"),
    ],
)
@pytest.mark.parametrize("host", ["github", "gitlab"])
def test_a_model_gets_its_key_where_it_needs_one(
    remote: Path, runner: TempRepo, provider: str, key: str, seen: bool | None, host: str
) -> None:
    program = runner.root.parent / "bin" / "claude"
    program.parent.mkdir()
    program.write_text(CLAUDE)
    program.chmod(0o755)
    bare = remote.rename(remote.with_name("project.git"))
    runner.git("remote", "set-url", "origin", str(bare))
    with ScriptedModel(scripted) as model, ScriptedGitHub() as github:
        url = model.url if provider == "vllm" else ""
        env = {"AGENTCTX_MODEL_KEY": key, "GIT_AUTHOR_NAME": "a", "GIT_AUTHOR_EMAIL": "a@example.org"}
        env |= {"GIT_COMMITTER_NAME": "a", "GIT_COMMITTER_EMAIL": "a@example.org"}
        if host == "github":
            steps = yaml.safe_load(GITHUB)["jobs"]["sync"]["steps"]
            script = [step["run"] for step in steps if step.get("name") == "Mend the notes"]
            env |= {"PROVIDER": provider, "MODEL": "scripted", "URL": url, "GH_TOKEN": TOKEN}
            env |= {"SINCE": "HEAD^1", "TARGET": "main", **github.environment()}
        else:
            script = yaml.safe_load(GITLAB)["agentctx sync"]["script"]
            env |= {"AGENTCTX_PROVIDER": provider, "AGENTCTX_MODEL": "scripted", "AGENTCTX_URL": url}
            env |= {"CI_PROJECT_URL": str(bare).removesuffix(".git"), "CI_DEFAULT_BRANCH": "main"}
            env |= {"CI_COMMIT_BEFORE_SHA": runner.git("rev-parse", "HEAD^1")}
        done = run("\n".join(script), runner, env)
        assert done.returncode == 0, done.stderr
        assert {asked.has_key for asked in model.requests} == ({seen} if seen is not None else set())
    if provider == "claude":
        assert (Path(os.environ["HOME"]) / "key").read_text() == f"{key}\n"
    assert synced(bare) == runner.git("rev-parse", "HEAD") and len(branches(bare)) == 1


def test_a_hosted_model_without_its_key_is_told_by_the_name_of_the_secret(
    remote: Path, runner: TempRepo
) -> None:
    steps = yaml.safe_load(GITHUB)["jobs"]["sync"]["steps"]
    (script,) = [step["run"] for step in steps if step.get("name") == "Mend the notes"]
    with ScriptedGitHub() as github:
        env = {"PROVIDER": "openai", "SINCE": "HEAD^1", "TARGET": "main", **github.environment()}
        done = run(script, runner, env)
    assert done.returncode == 2 and "AGENTCTX_MODEL_KEY" in done.stderr


def test_without_a_model_the_github_job_makes_the_repairs(remote: Path, runner: TempRepo) -> None:
    steps = yaml.safe_load(GITHUB)["jobs"]["sync"]["steps"]
    with ScriptedGitHub() as github:
        for step in [s for s in steps if "run" in s]:
            env = {k: "" if "${{" in str(v) else v for k, v in step.get("env", {}).items()}
            env |= {"SINCE": "HEAD^1", "TARGET": "main"}
            done = run(step["run"], runner, {**env, **github.environment()})
            assert done.returncode == 0, done.stderr
    assert (
        "tax-is-rounded-once" in github.pulls[0]["body"]
        and "no model is configured" in github.pulls[0]["body"]
    )


def test_the_commands_of_the_gitlab_job_push_with_options(remote: Path, runner: TempRepo) -> None:
    job = yaml.safe_load(GITLAB)["agentctx sync"]
    assert job["variables"]["GIT_DEPTH"] == "0" and job["resource_group"]
    bare = remote.rename(remote.with_name("project.git"))
    with ScriptedModel(scripted) as model:
        env = {
            "AGENTCTX_PROVIDER": "openai-compatible",
            "AGENTCTX_MODEL": "scripted",
            "AGENTCTX_URL": model.url,
            "AGENTCTX_MODEL_KEY": "a-key",
            "CI_PROJECT_URL": str(bare).removesuffix(".git"),
            "CI_COMMIT_BEFORE_SHA": runner.git("rev-parse", "HEAD^1"),
            "CI_DEFAULT_BRANCH": "main",
            **{k: v for k, v in job["variables"].items() if k.startswith(("GIT_A", "GIT_C"))},
        }
        done = run("\n".join(job["script"]), runner, env)
    assert done.returncode == 0, done.stderr
    assert synced(bare) == runner.git("rev-parse", "HEAD") and len(branches(bare)) == 1
