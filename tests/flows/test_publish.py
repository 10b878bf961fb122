"""Syncs as commits and pull requests: a bare remote, a scripted API over real HTTP, a scripted model."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from agentctx.proposals.publish import quoted, read_trailers
from bench.demo import scripted
from bench.scripted_model import Asked, Raw, ScriptedModel
from tests.flows.test_sync import CONTEXT, NOTE, configure, lay, notes_on_disk, states
from tests.repository import TempRepo
from tests.scripted_forge import TOKEN, ScriptedGitHub, ScriptedGitLab

ID = "2026-01-12-signed-tokens"


@pytest.fixture
def remote(repo: TempRepo, tmp_path: Path) -> Path:
    """The example in a bare repository: notes verified, then a teammate's merge; ``repo`` is its clone."""
    lay(repo, "before")
    repo.commit("code")
    for file in CONTEXT.rglob("*.md"):
        repo.write(f"agent-context/{file.relative_to(CONTEXT)}", file.read_bytes())
    repo.agentctx("init", "--no-hooks")
    repo.agentctx("verify")
    repo.commit("notes")
    bare = tmp_path / "remote.git"
    subprocess.run(["git", "clone", "-q", "--bare", str(repo.root), str(bare)], check=True)
    subprocess.run(["git", "-C", str(bare), "config", "receive.advertisePushOptions", "true"], check=True)
    repo.git("remote", "add", "origin", str(bare))
    arrive(repo, "Tokens carry a role", "teammate")
    return bare


@pytest.fixture
def model(remote: Path, repo: TempRepo) -> Iterator[ScriptedModel]:
    with ScriptedModel(scripted) as served:
        configure(repo, served)
        yield served


@pytest.fixture
def github() -> Iterator[ScriptedGitHub]:
    with ScriptedGitHub() as served:
        yield served


def arrive(repo: TempRepo, message: str, version: str = "", files: dict[str, str] | None = None) -> str:
    """A branch merged into main and pushed; the id of its one commit."""
    repo.git("switch", "-q", "-c", "work", "main")
    if version:
        lay(repo, version)
    commit = repo.commit(message, dict(files or {}), author="Bob <bob@example.org>")
    repo.git("switch", "-q", "main")
    repo.git("merge", "-q", "--no-ff", "-m", f"Merge: {message}", "work")
    repo.git("branch", "-q", "-D", "work")
    repo.git("push", "-q", "origin", "main")
    return commit


def sync(repo: TempRepo, forge: ScriptedGitHub | ScriptedGitLab | None, *more: str, ok: bool = True) -> str:
    env = forge.environment() if forge else {}
    done = repo.agentctx("sync", "--mode", "pull-request", *more, env=env)
    assert (done.returncode == 0) == ok, done.stdout + done.stderr
    assert "Traceback" not in done.stderr and TOKEN not in done.stdout + done.stderr
    return done.stdout if ok else done.stderr


def in_remote(remote: Path, *args: str) -> str:
    return subprocess.run(
        ["git", "-C", str(remote), *args], check=True, capture_output=True, text=True
    ).stdout.rstrip("\n")


def branches(remote: Path) -> list[str]:
    return in_remote(remote, "for-each-ref", "--format=%(refname:short)", "refs/heads/agentctx").split()


def synced(remote: Path) -> str:
    return in_remote(remote, "for-each-ref", "--format=%(objectname)", "refs/agentctx/synced")


def merge_request(repo: TempRepo, remote: Path, github: ScriptedGitHub, how: str = "merge") -> None:
    """What a person does who likes the pull request."""
    branch = branches(remote)[-1]
    repo.git("fetch", "-q", "origin")
    if how == "squash":
        repo.git("merge", "-q", "--squash", f"origin/{branch}")
        repo.git("commit", "-q", "-m", "Mend notes (#1)")
    else:
        repo.git("merge", "-q", "--no-ff", "-m", "Merge notes", f"origin/{branch}")
    repo.git("push", "-q", "origin", "main")
    for pull in github.pulls:
        pull["state"] = "closed"


# --------------------------------------------------------------------------- pull requests


def test_a_merge_becomes_one_pull_request_with_provenance_and_leaves_the_work_tree_alone(
    remote: Path, repo: TempRepo, model: ScriptedModel, github: ScriptedGitHub
) -> None:
    before = notes_on_disk(repo)
    head = repo.git("rev-parse", "HEAD")
    sync(repo, github, "--since", "HEAD^1")
    assert notes_on_disk(repo) == before and repo.git("status", "--porcelain") == ""
    (branch,) = branches(remote)
    assert branch == f"agentctx/sync-{repo.git('rev-parse', 'HEAD^1')[:12]}-{head[:12]}"
    (pull,) = github.pulls
    assert (pull["head"]["ref"], pull["base"]["ref"]) == (branch, "main")
    assert ID in pull["body"] and "MAX_AGE" in pull["body"]
    changed = in_remote(remote, "diff", "--name-only", f"main..{branch}").split()
    assert NOTE in changed and f"agent-context/.verified/{ID}" in changed
    assert all(path.startswith("agent-context/") for path in changed)
    found = read_trailers(in_remote(remote, "log", "-1", "--format=%B", branch))
    assert found is not None and found.head == head and found.model == "scripted"
    work = repo.git("rev-parse", "HEAD^2")
    assert ID in found.notes_of(work) and ID in found.notes_of(head)
    assert synced(remote) == head
    assert repo.git("branch", "--list", "agentctx/*") == ""


def test_the_branch_makes_every_note_true_again(
    remote: Path, repo: TempRepo, model: ScriptedModel, github: ScriptedGitHub
) -> None:
    sync(repo, github, "--since", "HEAD^1")
    merge_request(repo, remote, github)
    assert set(states(repo).values()) == {"fresh"}


def test_a_second_run_changes_nothing_and_asks_no_model(
    remote: Path, repo: TempRepo, model: ScriptedModel, github: ScriptedGitHub
) -> None:
    sync(repo, github, "--since", "HEAD^1")
    asked, refs = len(model.requests), in_remote(remote, "for-each-ref")
    sync(repo, github)
    assert (len(model.requests), in_remote(remote, "for-each-ref"), len(github.pulls)) == (asked, refs, 1)


def test_the_next_merge_updates_the_same_pull_request(
    remote: Path, repo: TempRepo, model: ScriptedModel, github: ScriptedGitHub
) -> None:
    sync(repo, github, "--since", "HEAD^1")
    first = in_remote(remote, "rev-parse", branches(remote)[0])
    tokens = (repo.root / "src/shop/tokens.py").read_text().replace("3600", "7200")
    arrive(repo, "Longer tokens", files={"src/shop/tokens.py": tokens})
    sync(repo, github)
    assert in_remote(remote, "rev-parse", branches(remote)[0]) != first
    assert len(branches(remote)) == 1 and len([p for p in github.pulls if p["state"] == "open"]) == 1
    assert synced(remote) == repo.git("rev-parse", "HEAD")
    assert in_remote(remote, "merge-base", first, branches(remote)[0]) == first, "never with force"


@pytest.mark.parametrize("how", ["merge", "squash"])
def test_our_own_merged_commit_is_skipped_and_the_next_range_gets_its_own_request(
    remote: Path, repo: TempRepo, model: ScriptedModel, github: ScriptedGitHub, how: str
) -> None:
    sync(repo, github, "--since", "HEAD^1")
    merge_request(repo, remote, github, how)
    asked = len(model.requests)
    assert "no note has to change" in sync(repo, github)
    assert len(model.requests) == asked and synced(remote) == repo.git("rev-parse", "HEAD")
    tokens = (repo.root / "src/shop/tokens.py").read_text().replace("3600", "7200")
    arrive(repo, "Longer tokens", files={"src/shop/tokens.py": tokens})
    sync(repo, github)
    assert [p["state"] for p in github.pulls] == ["closed", "open"]


def useless(asked: Asked) -> dict[str, Any]:
    operation = {"op": "replace_text", "old": "no such words", "new": "others"}
    return {"answers": [{"note": ID, "why": "guessed", "operations": [operation]}]}


def doubtful(asked: Asked) -> dict[str, Any]:
    operation = {"op": "append_section", "heading": "Consequences", "text": "Mind `frobnicate_all`.\n```\nx"}
    return {"answers": [{"note": ID, "why": "guessed", "operations": [operation]}]}


def unrelated(repo: TempRepo, name: str) -> None:
    text = (repo.root / "src/shop/retries.py").read_text()
    arrive(repo, name, files={"src/shop/retries.py": f"{text}\n\n{name} = 77\n"})


def test_a_refused_answer_is_told_and_asked_for_again_with_what_made_the_note_false(
    remote: Path, repo: TempRepo, github: ScriptedGitHub
) -> None:
    cause = repo.git("rev-parse", "HEAD^2")
    with ScriptedModel(useless) as served:
        configure(repo, served)
        sync(repo, github, "--since", "HEAD^1")
    assert f"Not mended, and false perhaps: **{ID}**" in github.pulls[0]["body"]
    assert "the text to replace ('no such words') occurs 0 times" in github.pulls[0]["body"]
    unrelated(repo, "MOST")
    with ScriptedModel(scripted) as served:
        configure(repo, served)
        sync(repo, github)
        assert "+MAX_AGE = 3600" in served.requests[0].user
    (branch,) = branches(remote)
    assert "MAX_AGE = 3600" in in_remote(remote, "show", f"{branch}:{NOTE}")
    found = read_trailers(in_remote(remote, "log", "-1", "--format=%B", branch))
    assert found is not None and ID in found.notes_of(cause)
    assert "Not mended" not in github.pulls[0]["body"] and "Still to be looked" not in github.pulls[0]["body"]


def test_a_note_that_was_false_before_the_range_is_not_blamed_on_what_arrived(
    remote: Path, repo: TempRepo, model: ScriptedModel, github: ScriptedGitHub
) -> None:
    work = repo.git("rev-parse", "HEAD^2")
    unrelated(repo, "MOST")
    sync(repo, github, "--since", "HEAD^1")
    (pull,) = github.pulls
    span = f"{repo.git('rev-parse', 'HEAD^1')[:12]}..{repo.git('rev-parse', 'HEAD')[:12]}"
    assert pull["title"].endswith(f" after {work[:12]}")
    first = pull["body"].splitlines()[0]
    assert first == (
        f"The code changed in {work[:12]} (`Tokens carry a role`, by `Bob`), before {span}. "
        "These notes say what it used to do."
    )
    found = read_trailers(in_remote(remote, "log", "-1", "--format=%B", branches(remote)[0]))
    assert found and found.author == "Bob" and found.head == repo.git("rev-parse", "HEAD")


def test_what_waits_for_a_person_has_a_request_though_nothing_is_edited_and_is_told_once(
    remote: Path, repo: TempRepo, github: ScriptedGitHub
) -> None:
    repo.agentctx("sync", "--no-model", "--mode", "apply")
    repo.commit("Follow the code")
    repo.git("push", "-q", "origin", "main")
    with ScriptedModel(doubtful) as served:
        configure(repo, served)
        sync(repo, github, "--since", "HEAD~1^1")
        refs = in_remote(remote, "for-each-ref", "refs/heads/agentctx")
        assert in_remote(remote, "diff", "--name-only", f"main..{branches(remote)[0]}") == ""
        assert github.pulls[0]["title"].startswith("Look at 1 note after ")
        assert "+Mind `frobnicate_all`." in github.pulls[0]["body"]
        assert "  ````diff\n" in github.pulls[0]["body"], "its words cannot close the block"
        unrelated(repo, "MOST")
        sync(repo, github)
    assert in_remote(remote, "for-each-ref", "refs/heads/agentctx") == refs and len(github.pulls) == 1
    assert synced(remote) == repo.git("rev-parse", "HEAD")
    with ScriptedModel(useless) as served:
        configure(repo, served)
        more = (repo.root / "src/shop/money.py").read_text().replace("def ", "def new_")
        arrive(repo, "Money", files={"src/shop/money.py": more})
        sync(repo, github)
    assert ID in github.pulls[0]["body"]


def test_a_later_run_of_no_use_takes_nothing_from_what_the_open_request_says(
    remote: Path, repo: TempRepo, github: ScriptedGitHub
) -> None:
    with ScriptedModel(scripted) as served:
        configure(repo, served)
        sync(repo, github)
    first = github.pulls[0]["title"].partition(" after ")[0]
    assert first.startswith("Mend ")
    with ScriptedModel(useless) as served:
        configure(repo, served)
        path = "src/shop/tokens.py"
        more = (repo.root / path).read_text().replace("MAX_AGE = 3600", "MAX_AGE = 7200")
        arrive(repo, "Longer", files={path: more})
        sync(repo, github)
    assert len(github.pulls) == 1 and github.pulls[0]["title"].startswith(f"{first} after ")
    assert "Not mended, and false perhaps" in github.pulls[0]["body"]
    body = github.pulls[0]["body"]
    assert "No note is changed" not in body and "`scripted` wrote the words" in body
    assert f"  - **{ID}**: `the diff changes what this note says about tokens`" in body


def test_what_the_open_request_mends_is_not_asked_about_again(
    remote: Path, repo: TempRepo, model: ScriptedModel, github: ScriptedGitHub
) -> None:
    sync(repo, github, "--since", "HEAD^1")
    asked, refs = len(model.requests), in_remote(remote, "for-each-ref", "refs/heads/agentctx")
    unrelated(repo, "MOST")
    sync(repo, github)
    assert (len(model.requests), in_remote(remote, "for-each-ref", "refs/heads/agentctx")) == (asked, refs)
    assert repo.git("status", "--porcelain") == ""


def test_a_further_change_is_made_to_the_words_of_the_open_request(
    remote: Path, repo: TempRepo, model: ScriptedModel, github: ScriptedGitHub
) -> None:
    sync(repo, github, "--since", "HEAD^1")
    tokens = (repo.root / "src/shop/tokens.py").read_text().replace("3600", "7200")
    arrive(repo, "Longer tokens", files={"src/shop/tokens.py": tokens})
    sync(repo, github)
    (branch,) = branches(remote)
    assert "lives 7200 seconds (`MAX_AGE = 7200`)" in in_remote(remote, "show", f"{branch}:{NOTE}")
    merge_request(repo, remote, github)
    assert set(states(repo).values()) == {"fresh"}


FAILURES = {
    "the host refuses": (403, "GitHub Actions is not permitted to create or approve pull requests."),
    "the host breaks": (500, "oops"),
}


@pytest.mark.parametrize("failure", FAILURES)
def test_a_job_that_fails_loses_nothing_and_the_next_one_does_its_range(
    remote: Path, repo: TempRepo, model: ScriptedModel, github: ScriptedGitHub, failure: str
) -> None:
    start = repo.git("rev-parse", "HEAD^1")
    github.refusing = FAILURES[failure]
    told = sync(repo, github, "--since", "HEAD^1", ok=False)
    assert ("Allow GitHub Actions" in told) == (failure == "the host refuses")
    assert synced(remote) == ""
    github.refusing = None
    asked = len(model.requests)
    sync(repo, github, "--since", start)
    assert len(github.pulls) == 1 and ID in github.pulls[0]["body"]
    assert len(model.requests) == asked, "the pushed branch holds the work already"
    assert synced(remote) == repo.git("rev-parse", "HEAD")


def test_an_interrupted_opening_gets_the_text_that_it_should_have_had(
    remote: Path, repo: TempRepo, model: ScriptedModel, github: ScriptedGitHub
) -> None:
    github.refusing = (502, "oops")
    sync(repo, github, "--since", "HEAD^1", ok=False)
    github.refusing = None
    assert "an interrupted run had pushed" in sync(repo, github)
    (pull,) = github.pulls
    assert "Read each change as if a stranger had written it: `scripted` wrote" in pull["body"]
    assert "  - " in pull["body"] and "Agentctx-Source: " in pull["body"]
    assert "nothing new to publish" in sync(repo, github)


def test_an_interrupted_update_keeps_what_the_request_said_before(
    remote: Path, repo: TempRepo, model: ScriptedModel, github: ScriptedGitHub
) -> None:
    sync(repo, github, "--since", "HEAD^1")
    title, trailer = github.pulls[0]["title"], re.findall("Agentctx-Source: .*", github.pulls[0]["body"])
    tokens = (repo.root / "src/shop/tokens.py").read_text().replace("3600", "7200")
    arrive(repo, "Longer tokens", files={"src/shop/tokens.py": tokens})
    github.refusing = (502, "oops")
    sync(repo, github, ok=False)
    github.refusing = None
    sync(repo, github)
    (pull,) = github.pulls
    assert pull["title"].partition(" after ")[0] == title.partition(" after ")[0] != pull["title"]
    assert {*trailer} < {*re.findall("Agentctx-Source: .*", pull["body"])}
    assert "Earlier on this branch:" in pull["body"]


def test_a_request_that_was_never_opened_is_opened_by_a_later_job_that_has_nothing_to_add(
    remote: Path, repo: TempRepo, model: ScriptedModel, github: ScriptedGitHub
) -> None:
    github.refusing = (502, "oops")
    sync(repo, github, "--since", "HEAD^1", ok=False)
    github.refusing = None
    arrive(repo, "Words", files={"README.md": "Words\n"})
    sync(repo, github)
    assert len(github.pulls) == 1 and ID in github.pulls[0]["body"]
    assert synced(remote) == repo.git("rev-parse", "HEAD")


@pytest.mark.parametrize("breaks", ["before", "after"])
def test_a_host_that_breaks_once_is_asked_again_and_opens_one_request(
    remote: Path, repo: TempRepo, model: ScriptedModel, github: ScriptedGitHub, breaks: str
) -> None:
    github.breaking = [breaks]
    sync(repo, github, "--since", "HEAD^1")
    assert [pull["state"] for pull in github.pulls] == ["open"] and ID in github.pulls[0]["body"]


def test_a_push_that_is_refused_loses_nothing_though_the_clone_is_used_again(
    remote: Path, repo: TempRepo, model: ScriptedModel, github: ScriptedGitHub
) -> None:
    start, hook = repo.git("rev-parse", "HEAD^1"), remote / "hooks" / "pre-receive"
    hook.write_text("#!/bin/sh\nexit 1\n")
    hook.chmod(0o755)
    sync(repo, github, "--since", start, ok=False)
    assert (synced(remote), branches(remote)) == ("", [])
    hook.unlink()
    sync(repo, github, "--since", start)
    assert "MAX_AGE = 3600" in in_remote(remote, "show", f"{branches(remote)[0]}:{NOTE}")


def test_a_failing_model_moves_no_ref(remote: Path, repo: TempRepo, github: ScriptedGitHub) -> None:
    with ScriptedModel(lambda _: Raw(403, b'{"error": "no"}')) as broken:
        configure(repo, broken)
        sync(repo, github, "--since", "HEAD^1", ok=False)
    assert (synced(remote), branches(remote), github.pulls) == ("", [], [])


def test_a_refused_request_does_not_come_back_and_the_next_one_has_a_branch_of_its_own(
    remote: Path, repo: TempRepo, model: ScriptedModel, github: ScriptedGitHub
) -> None:
    sync(repo, github, "--since", "HEAD^1")
    github.pulls[0]["state"] = "closed"
    sync(repo, github)
    assert len(github.pulls) == 1
    tokens = (repo.root / "src/shop/tokens.py").read_text().replace("3600", "7200")
    arrive(repo, "Longer tokens", files={"src/shop/tokens.py": tokens})
    sync(repo, github)
    assert len(github.pulls) == 2 and len(branches(remote)) == 2


def test_a_fork_with_a_branch_of_our_name_is_not_our_request(
    remote: Path, repo: TempRepo, model: ScriptedModel, github: ScriptedGitHub
) -> None:
    name = f"agentctx/sync-{repo.git('rev-parse', 'HEAD^1')[:12]}-{repo.git('rev-parse', 'HEAD')[:12]}"
    github.pulls.append(
        {
            "number": 1,
            "state": "open",
            "html_url": "https://github.test/evil",
            "title": "theirs",
            "head": {"ref": name, "repo": {"full_name": "mallory/shop"}},
        }
    )
    sync(repo, github, "--since", "HEAD^1")
    assert github.pulls[0]["title"] == "theirs" and len(github.pulls) == 2


def test_unmerged_commits_and_uncommitted_notes_are_refused(
    remote: Path, repo: TempRepo, model: ScriptedModel, github: ScriptedGitHub
) -> None:
    (repo.root / NOTE).write_text("changed\n")
    assert "uncommitted changes" in sync(repo, github, ok=False)
    repo.git("checkout", "-q", "--", ".")
    repo.commit("not pushed", {"a.txt": "a"})
    assert "is not on origin/main" in sync(repo, github, ok=False)
    assert branches(remote) == []


def test_without_a_host_the_branch_is_pushed_and_the_text_printed(
    remote: Path, repo: TempRepo, model: ScriptedModel
) -> None:
    out = sync(repo, None, "--since", "HEAD^1")
    assert "title: Mend" in out and ID in out and "Deleting this branch refuses them all" in out
    assert "open is" in sync(repo, None)
    assert len(branches(remote)) == 1 and synced(remote) == repo.git("rev-parse", "HEAD")
    tokens = (repo.root / "src/shop/tokens.py").read_text().replace("3600", "7200")
    arrive(repo, "Longer tokens", files={"src/shop/tokens.py": tokens})
    sync(repo, None)
    assert len(branches(remote)) == 1


def test_a_deleted_branch_refuses_what_it_offered_until_note_or_code_changes(
    remote: Path, repo: TempRepo, model: ScriptedModel
) -> None:
    sync(repo, None, "--since", "HEAD^1")
    (first,) = branches(remote)
    in_remote(remote, "update-ref", "-d", f"refs/heads/{first}")
    asked = len(model.requests)
    unrelated(repo, "MOST")
    out = sync(repo, None)
    assert (branches(remote), len(model.requests)) == ([], asked), "neither offered nor asked about again"
    assert f"still false: {ID}: refused on an earlier request" in out
    assert synced(remote) == repo.git("rev-parse", "HEAD")
    longer(repo, "7200")
    sync(repo, None)
    (second,) = branches(remote)
    assert "MAX_AGE = 7200" in in_remote(remote, "show", f"{second}:{NOTE}")


@pytest.mark.parametrize("folder", ["decisions", "patterns"])
def test_a_refused_edit_is_not_offered_to_the_note_under_another_name(
    remote: Path, repo: TempRepo, model: ScriptedModel, folder: str
) -> None:
    sync(repo, None, "--since", "HEAD^1")
    in_remote(remote, "update-ref", "-d", f"refs/heads/{branches(remote)[0]}")
    asked, renamed = len(model.requests), f"agent-context/{folder}/tokens.md"
    (repo.root / renamed).parent.mkdir(exist_ok=True)
    repo.git("mv", NOTE, renamed)
    repo.git("mv", f"agent-context/.verified/{ID}", "agent-context/.verified/tokens")
    arrive(repo, "Another name")
    sync(repo, None)
    unrelated(repo, "MOST")
    sync(repo, None)
    assert (branches(remote), len(model.requests)) == ([], asked)
    note = repo.root / renamed
    arrive(repo, "Say more", files={renamed: note.read_text() + "\nMore.\n"})
    unrelated(repo, "LEAST")
    sync(repo, None)
    assert len(model.requests) > asked


def test_a_closed_request_refuses_what_it_offered_in_a_fresh_clone_too(
    remote: Path, repo: TempRepo, model: ScriptedModel, github: ScriptedGitHub, tmp_path: Path
) -> None:
    sync(repo, github, "--since", "HEAD^1")
    github.pulls[0]["state"] = "closed"
    asked = len(model.requests)
    unrelated(repo, "MOST")
    subprocess.run(["git", "clone", "-q", str(remote), str(tmp_path / "job")], check=True)
    sync(TempRepo(tmp_path / "job"), github)
    assert (len(github.pulls), len(branches(remote)), len(model.requests)) == (1, 1, asked)


def test_a_note_that_a_merged_request_left_open_is_asked_about_again(
    remote: Path, repo: TempRepo, model: ScriptedModel, github: ScriptedGitHub
) -> None:
    settings = repo.root / "agent-context/config.yaml"
    repo.commit(
        "One at a time", {"agent-context/config.yaml": settings.read_text() + "sync:\n  max_notes: 1\n"}
    )
    repo.git("push", "-q", "origin", "main")
    more = (
        (repo.root / "src/shop/retries.py").read_text().replace("pause: float", "wait: float, pause: float")
    )
    arrive(repo, "Wait before retries", files={"src/shop/retries.py": more})
    sync(repo, github, "--since", "HEAD~2^1")
    assert "over the cap of 1 note" in github.pulls[0]["body"]
    merge_request(repo, remote, github)
    asked = len(model.requests)
    unrelated(repo, "MOST")
    sync(repo, github)
    assert len(model.requests) > asked and len(github.pulls) == 2


def test_what_a_reviewer_took_out_before_merging_is_refused_and_the_rest_is_not(
    remote: Path, repo: TempRepo, model: ScriptedModel, github: ScriptedGitHub
) -> None:
    sync(repo, github, "--since", "HEAD^1")
    (branch,) = branches(remote)
    repo.git("fetch", "-q", "origin")
    repo.git("switch", "-q", branch)
    repo.git("restore", "--source", "main", NOTE, f"agent-context/.verified/{ID}")
    repo.git("commit", "-q", "-a", "-m", "Not this one")
    repo.git("switch", "-q", "main")
    repo.git("merge", "-q", "--no-ff", "-m", "Merge notes but one", branch)
    repo.git("push", "-q", "origin", "main", f":refs/heads/{branch}")
    github.pulls[0]["state"] = "closed"
    asked = len(model.requests)
    unrelated(repo, "MOST")
    sync(repo, github)
    assert (branches(remote), len(model.requests)) == ([], asked)


@pytest.mark.parametrize("how", ["merge", "squash"])
def test_what_was_merged_is_offered_again_when_its_cause_comes_back(
    remote: Path, repo: TempRepo, model: ScriptedModel, github: ScriptedGitHub, how: str
) -> None:
    old, new = ((repo.root / "src/shop/tokens.py").read_text(), repo.git("show", "HEAD:src/shop/tokens.py"))
    old = repo.git("show", "HEAD^1:src/shop/tokens.py") + "\n"
    sync(repo, github, "--since", "HEAD^1")
    merge_request(repo, remote, github, how)
    text = (repo.root / NOTE).read_bytes()
    repo.git("rm", "-q", "--cached", NOTE)
    arrive(repo, "Take it back", files={"src/shop/tokens.py": old, NOTE: noted_before(repo)})
    sync(repo, github)
    arrive(repo, "Land it again", files={"src/shop/tokens.py": new + "\n"})
    out = sync(repo, github)
    assert "refused" not in out
    assert in_remote(remote, "show", f"{branches(remote)[-1]}:{NOTE}") == text.decode().rstrip("\n")


def noted_before(repo: TempRepo) -> str:
    """The note as it was before anything mended it."""
    first = repo.git("log", "--format=%H", "--diff-filter=A", "--", NOTE).split()[-1]
    return repo.git("show", f"{first}:{NOTE}") + "\n"


def test_a_refused_note_that_was_edited_elsewhere_is_offered_again(
    remote: Path, repo: TempRepo, model: ScriptedModel
) -> None:
    sync(repo, None, "--since", "HEAD^1")
    (first,) = branches(remote)
    in_remote(remote, "update-ref", "-d", f"refs/heads/{first}")
    repo.commit("Add a word", {NOTE: (repo.root / NOTE).read_text() + "\nAsk the login team.\n"})
    repo.git("push", "-q", "origin", "main")
    unrelated(repo, "MOST")
    sync(repo, None)
    (second,) = branches(remote)
    assert "MAX_AGE = 3600" in in_remote(remote, "show", f"{second}:{NOTE}")


def test_deleting_a_branch_refuses_all_of_it_though_a_reviewer_committed_to_it(
    remote: Path, repo: TempRepo, model: ScriptedModel
) -> None:
    sync(repo, None, "--since", "HEAD^1")
    (branch,) = branches(remote)
    repo.git("fetch", "-q", "origin")
    repo.git("switch", "-q", branch)
    repo.commit("A reviewer's words", {"agent-context/gotchas/other.md": "---\ntitle: Other\n---\nWords.\n"})
    repo.git("push", "-q", "origin", branch)
    repo.git("switch", "-q", "main")
    more = (
        (repo.root / "src/shop/retries.py").read_text().replace("pause: float", "wait: float, pause: float")
    )
    arrive(repo, "Wait before retries", files={"src/shop/retries.py": more})
    sync(repo, None)
    in_remote(remote, "update-ref", "-d", f"refs/heads/{branch}")
    asked = len(model.requests)
    unrelated(repo, "MOST")
    sync(repo, None)
    assert (branches(remote), len(model.requests)) == ([], asked)


def test_a_branch_that_is_deleted_while_the_model_thinks_stays_deleted(
    remote: Path, repo: TempRepo, model: ScriptedModel
) -> None:
    sync(repo, None, "--since", "HEAD^1")
    (branch,) = branches(remote)

    def refuse(asked: Asked) -> Mapping[str, Any]:
        subprocess.run(["git", "-C", str(remote), "update-ref", "-d", f"refs/heads/{branch}"], check=True)
        return scripted(asked)

    longer(repo, "7200")
    with ScriptedModel(refuse) as served:
        configure(repo, served)
        sync(repo, None, ok=False)
    assert branches(remote) == []


def test_gitlab_is_asked_by_push_options(remote: Path, repo: TempRepo, model: ScriptedModel) -> None:
    hook = remote / "hooks" / "post-receive"
    hook.write_text(
        '#!/bin/sh\ni=0\nwhile [ "$i" -lt "${GIT_PUSH_OPTION_COUNT:-0}" ]; do\n'
        '  eval "printf \'%s\\n\' \\"\\$GIT_PUSH_OPTION_$i\\"" >> options\n  i=$((i+1))\ndone\n'
    )
    hook.chmod(0o755)
    sync(repo, None, "--since", "HEAD^1", "--forge", "gitlab")
    options = (remote / "options").read_text().splitlines()
    assert options[:2] == ["merge_request.create", "merge_request.target=main"]
    assert options[2].startswith("merge_request.title=Mend") and ID in options[3]


def longer(repo: TempRepo, seconds: str) -> None:
    tokens = (repo.root / "src/shop/tokens.py").read_text()
    arrive(
        repo, seconds, files={"src/shop/tokens.py": re.sub(r"MAX_AGE = \d+", f"MAX_AGE = {seconds}", tokens)}
    )


def test_a_merge_request_that_was_closed_is_refused_and_an_open_one_goes_on(
    remote: Path, repo: TempRepo, model: ScriptedModel
) -> None:
    with ScriptedGitLab() as gitlab:
        sync(repo, gitlab, "--since", "HEAD^1")
        (first,) = branches(remote)
        gitlab.states[first] = "opened"
        longer(repo, "7200")
        sync(repo, gitlab)
        assert branches(remote) == [first] and "7200" in in_remote(remote, "show", f"{first}:{NOTE}")
        gitlab.states[first] = "closed"
        before = in_remote(remote, "rev-parse", first)
        sync(repo, gitlab)
        assert branches(remote) == [first], "the range does not come back"
        longer(repo, "9000")
        sync(repo, gitlab)
        assert len(branches(remote)) == 2 and in_remote(remote, "rev-parse", first) == before


def test_a_token_that_gitlab_refuses_stops_the_job_and_moves_no_ref(
    remote: Path, repo: TempRepo, model: ScriptedModel
) -> None:
    with ScriptedGitLab() as gitlab:
        sync(repo, gitlab, "--since", "HEAD^1")
        at = synced(remote)
        longer(repo, "7200")
        done = repo.agentctx(
            "sync", "--mode", "pull-request", env={**gitlab.environment(), "GITLAB_TOKEN": "an-old-one"}
        )
        assert done.returncode == 2 and "answered 401" in done.stderr and "read_api" in done.stderr
        assert "an-old-one" not in done.stderr and synced(remote) == at


def test_the_next_start_is_found_in_merged_trailers_when_the_ref_is_lost(
    remote: Path, repo: TempRepo, model: ScriptedModel, github: ScriptedGitHub
) -> None:
    sync(repo, github, "--since", "HEAD^1")
    merge_request(repo, remote, github)
    in_remote(remote, "update-ref", "-d", "refs/agentctx/synced")
    in_remote(remote, "update-ref", "-d", f"refs/heads/{branches(remote)[0]}")
    done = json.loads(sync(repo, github, "--json"))["published"]
    assert done["base"] == repo.git("rev-parse", "HEAD^1"), "the merge before our own"


def test_after_history_was_rewritten_the_ref_follows(
    remote: Path, repo: TempRepo, model: ScriptedModel, github: ScriptedGitHub
) -> None:
    sync(repo, github, "--since", "HEAD^1")
    repo.git("commit", "-q", "--amend", "-m", "Merge, said better")
    repo.git("push", "-q", "--force", "origin", "main")
    sync(repo, github, "--since", "HEAD^1")
    assert synced(remote) == repo.git("rev-parse", "HEAD")
    assert len([p for p in github.pulls if p["state"] == "open"]) == 1


def test_a_forged_trailer_hides_no_half_of_a_branch(
    remote: Path, repo: TempRepo, model: ScriptedModel, github: ScriptedGitHub
) -> None:
    repo.git("switch", "-q", "-c", "evil")
    first = repo.commit("harmless", {"src/shop/tokens.py": "MAX_AGE = 1\n"})
    repo.commit(f"more\n\nAgentctx-Sync: abc\nAgentctx-Range: {first}..{first}\n", {"b.txt": "b"})
    repo.git("switch", "-q", "main")
    repo.git("merge", "-q", "--no-ff", "-m", "Merge evil", "evil")
    repo.git("push", "-q", "origin", "main")
    done = json.loads(sync(repo, github, "--json", "--dry-run"))["published"]
    assert done["base"] == repo.git("rev-parse", "HEAD^1")
    assert branches(remote) == [] and github.pulls == []


def test_words_of_strangers_are_code_in_the_request_and_one_line_in_the_message(
    remote: Path, repo: TempRepo, model: ScriptedModel, github: ScriptedGitHub
) -> None:
    assert quoted("a `b` @all fixes #1\n\x1b[31m") == "`a 'b' @all fixes #1`"
    evil = "@everyone closes #1 <img src=x> `x"
    tokens = (repo.root / "src/shop/tokens.py").read_text().replace("3600", "7200")
    repo.git("switch", "-q", "-c", "work")
    repo.commit("x", {"src/shop/tokens.py": tokens})
    repo.git("switch", "-q", "main")
    repo.git("merge", "-q", "--no-ff", "-m", evil, "work")
    repo.git("push", "-q", "origin", "main")
    sync(repo, github, "--since", "HEAD^1")
    assert "(`@everyone closes #1 <img src=x> 'x`, by `Ada`)" in github.pulls[0]["body"]


# --------------------------------------------------------------------------- commits


def test_mode_commit_commits_the_edits_with_trailers_and_nothing_else(
    remote: Path, repo: TempRepo, model: ScriptedModel
) -> None:
    source = repo.git("rev-parse", "HEAD^2")
    repo.write("staged.txt", "mine")
    repo.git("add", "staged.txt")
    done = repo.agentctx("sync", "HEAD~1..HEAD", "--mode", "commit")
    assert done.returncode == 0, done.stderr
    found = read_trailers(repo.git("log", "-1", "--format=%B"))
    assert found is not None and ID in found.notes_of(source) and found.author == "Ada"
    changed = repo.git("show", "--name-only", "--format=", "HEAD").split()
    assert all(path.startswith("agent-context/") for path in changed) and NOTE in changed
    assert repo.git("status", "--porcelain") == "A  staged.txt"
    assert set(states(repo).values()) == {"fresh"}


@pytest.mark.parametrize("mode", ["commit", "pull-request"])
def test_half_a_character_in_a_models_reason_is_left_out(
    remote: Path, repo: TempRepo, github: ScriptedGitHub, mode: str
) -> None:
    def halved(asked: Asked) -> dict[str, Any]:
        return {"answers": [{**one, "why": "changed \ud83d"} for one in scripted(asked)["answers"]]}

    with ScriptedModel(halved) as served:
        configure(repo, served)
        done = repo.agentctx("sync", "HEAD^1..HEAD", "--mode", mode, env=github.environment())
    assert done.returncode == 0, done.stderr
    written = repo.git("log", "-1", "--format=%B") if mode == "commit" else github.pulls[0]["body"]
    assert "changed" in written and "\ud83d" not in written


def test_two_at_once_commit_each_their_own_edits_with_their_origin(
    remote: Path, repo: TempRepo, model: ScriptedModel
) -> None:
    def slowly(asked: Asked) -> Mapping[str, Any]:
        time.sleep(1.5)
        return scripted(asked)

    source = repo.git("rev-parse", "HEAD^2")
    with ScriptedModel(slowly) as served:
        configure(repo, served)
        command = [sys.executable, "-m", "agentctx", "sync", "HEAD~1..HEAD", "--mode", "commit"]
        runs = [subprocess.Popen(command, cwd=repo.root, stderr=subprocess.PIPE) for _ in range(2)]
        ended = [(run.communicate()[1], run.returncode) for run in runs]
        assert [code for _, code in ended] == [0, 0], ended
    commits = repo.git("log", "--format=%H", "--", NOTE).split()
    found = read_trailers(repo.git("log", "-1", "--format=%B", commits[0]))
    assert found is not None and ID in found.notes_of(source) and found.model == "scripted"
    assert repo.git("status", "--porcelain", "--", "agent-context") == ""


def test_mode_commit_refuses_to_commit_a_persons_uncommitted_words(
    remote: Path, repo: TempRepo, model: ScriptedModel
) -> None:
    note = repo.root / NOTE
    note.write_text(note.read_text() + "\nMine.\n")
    done = repo.agentctx("sync", "HEAD~1..HEAD", "--mode", "commit")
    assert done.returncode == 2 and "uncommitted" in done.stderr
