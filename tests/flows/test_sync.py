"""The write line on real repositories, with a scripted model behind real HTTP and real worker processes."""

from __future__ import annotations

import json
import os
import random
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from agentctx.flows.mending import repairs
from agentctx.model import Note, Stamp
from agentctx.project import Project
from agentctx.proposals.accept import accept
from bench.demo import scripted
from bench.scripted_model import Asked, Raw, ScriptedModel
from tests.repository import TempRepo

EXAMPLE = Path(__file__).resolve().parents[2] / "bench" / "example"
CONTEXT = EXAMPLE.parent.parent / ".agent-context-example"
NOTE = "agent-context/decisions/2026-01-12-signed-tokens.md"


def lay(shop: TempRepo, version: str) -> None:
    for file in (EXAMPLE / version).rglob("*.py"):
        shop.write(str(file.relative_to(EXAMPLE / version)), file.read_bytes())


@pytest.fixture
def shop(repo: TempRepo) -> TempRepo:
    """The example, verified, with a teammate's change merged on top and nothing looked at yet."""
    lay(repo, "before")
    repo.commit("code")
    for file in CONTEXT.rglob("*.md"):
        repo.write(f"agent-context/{file.relative_to(CONTEXT)}", file.read_bytes())
    repo.agentctx("init")
    repo.agentctx("verify")
    repo.commit("notes")
    repo.agentctx("status")
    repo.git("switch", "-q", "-c", "work")
    lay(repo, "teammate")
    repo.commit("Tokens carry a role", author="Bob <bob@example.org>")
    repo.git("switch", "-q", "main")
    repo.git("merge", "-q", "--no-ff", "-m", "Merge work", "work")
    return repo


@pytest.fixture
def model(shop: TempRepo) -> Iterator[ScriptedModel]:
    with ScriptedModel(scripted) as served:
        configure(shop, served)
        yield served


def configure(shop: TempRepo, served: ScriptedModel) -> None:
    done = shop.agentctx("provider", "set", "openai-compatible", "--model", "scripted", "--url", served.url)
    assert done.returncode == 0, done.stderr


def proposals(shop: TempRepo) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(shop.agentctx("review", "--json").stdout)["proposals"]
    return found


def states(shop: TempRepo) -> dict[str, str]:
    return {n["id"]: n["state"] for n in json.loads(shop.agentctx("status", "--json").stdout)["notes"]}


def notes_on_disk(shop: TempRepo) -> dict[str, bytes]:
    folder = shop.root / "agent-context"
    return {
        str(p.relative_to(folder)): p.read_bytes()
        for p in folder.rglob("*")
        if p.is_file() and p.name != "index.json"
    }


def test_a_merge_leads_to_a_proposal_that_a_person_accepts_and_takes_back(
    shop: TempRepo, model: ScriptedModel
) -> None:
    before = notes_on_disk(shop)
    done = shop.agentctx("sync")
    assert done.returncode == 0, done.stderr
    repaired = notes_on_disk(shop)
    assert repaired[NOTE.removeprefix("agent-context/")] == before[NOTE.removeprefix("agent-context/")]
    assert (
        "src/shop/rounding.py#round_half_even"
        in (shop.root / "agent-context/gotchas/tax-is-rounded-once.md").read_text()
    )

    assert shop.agentctx("review", "accept").returncode == 0
    assert "`MAX_AGE = 3600`" in (shop.root / NOTE).read_text()
    assert set(states(shop).values()) == {"fresh"}

    for _ in range(2):
        assert shop.agentctx("undo").returncode in (0, 2)
    assert notes_on_disk(shop) == before
    assert states(shop)["2026-01-12-signed-tokens"] == "stale"


def test_the_same_range_twice_asks_no_model_and_changes_no_byte(shop: TempRepo, model: ScriptedModel) -> None:
    shop.agentctx("sync", "HEAD~1..HEAD")
    asked, notes = len(model.requests), notes_on_disk(shop)
    assert asked >= 1
    for _ in range(3):
        assert shop.agentctx("sync", "HEAD~1..HEAD").returncode == 0
        assert shop.agentctx("sync").returncode == 0
    assert len(model.requests) == asked
    assert notes_on_disk(shop) == notes


def test_a_rejected_proposal_does_not_come_back(shop: TempRepo, model: ScriptedModel) -> None:
    shop.agentctx("sync")
    assert proposals(shop)
    assert shop.agentctx("review", "reject").returncode == 0
    assert proposals(shop) == []
    done = shop.agentctx("sync", "HEAD~1..HEAD")
    assert proposals(shop) == []
    assert "dealt with in an earlier sync" in done.stdout


UNREAD = 'path="agent-context/decisions/2026-01-12-signed-tokens.md" written-by="model">'


def test_the_briefing_tells_words_that_a_model_wrote_and_nobody_has_read(
    shop: TempRepo, model: ScriptedModel
) -> None:
    def told() -> bool:
        text = shop.agentctx("prime", "--task", "tokens").stdout
        assert (UNREAD in text) == ("WRITTEN BY A MODEL, read by nobody yet" in text)
        return UNREAD in text

    assert not told()
    shop.agentctx("sync", "HEAD~1..HEAD", "--mode", "apply")
    assert told()
    shop.commit("Mended")
    assert told(), "a commit does not mean that it was read"
    shop.agentctx("verify")
    assert told(), "and neither does verifying all there is"
    shop.agentctx("undo")
    assert not told(), "the words are gone"
    assert shop.agentctx("review", "accept").returncode == 0
    assert "`MAX_AGE = 3600`" in (shop.root / NOTE).read_text() and not told(), "now a person has read them"


def test_neither_a_new_name_nor_a_repair_reads_what_a_model_wrote(
    shop: TempRepo, model: ScriptedModel
) -> None:
    shop.agentctx("sync", "HEAD~1..HEAD", "--mode", "apply")
    shop.commit("Mended")
    assert "written by a model, read by nobody yet" in shop.agentctx("show", "signed-tokens").stdout
    shop.git("mv", "src/shop/tokens.py", "src/shop/keys.py")
    shop.commit("Another file")
    shop.agentctx("sync", "--no-model", "--mode", "apply")
    assert "keys.py#" in (shop.root / NOTE).read_text()
    shop.git("mv", NOTE, NOTE.replace("signed-tokens", "keys"))
    shop.commit("Another name")
    assert 'written-by="model"' in shop.agentctx("prime", "--task", "tokens").stdout
    assert "written by a model" in shop.agentctx("show", "2026-01-12-keys").stdout


def test_verifying_a_note_by_name_says_that_its_new_words_were_read(
    shop: TempRepo, model: ScriptedModel
) -> None:
    shop.agentctx("sync", "HEAD~1..HEAD", "--mode", "apply")
    assert UNREAD in shop.agentctx("prime", "--task", "tokens").stdout
    assert shop.agentctx("verify", "signed-tokens").returncode == 0
    assert UNREAD not in shop.agentctx("prime", "--task", "tokens").stdout


def test_words_that_a_person_accepted_have_been_read(shop: TempRepo, model: ScriptedModel) -> None:
    shop.agentctx("sync", "HEAD~1..HEAD")
    shop.agentctx("review", "accept")
    assert "`MAX_AGE = 3600`" in (shop.root / NOTE).read_text()
    assert UNREAD not in shop.agentctx("prime", "--task", "tokens").stdout


def read(notes: dict[str, bytes]) -> dict[str, bytes]:
    """The same notes, read by a person: no record has the mark."""
    return {path: re.sub(rb"~unread:.*\n.*\n", b"", data) for path, data in notes.items()}


def test_an_edit_that_was_thrown_away_by_git_can_be_had_again(shop: TempRepo, model: ScriptedModel) -> None:
    start = notes_on_disk(shop)
    shop.agentctx("sync", "HEAD~1..HEAD", "--mode", "apply")
    applied = notes_on_disk(shop)
    shop.git("checkout", "-q", "--", "agent-context")
    assert notes_on_disk(shop) == start != applied
    done = shop.agentctx("sync", "HEAD~1..HEAD", "--mode", "apply")
    assert "dealt with" not in done.stdout and notes_on_disk(shop) == applied
    shop.git("checkout", "-q", "--", "agent-context")
    shop.agentctx("sync")
    assert [p["note_id"] for p in proposals(shop)] == ["2026-01-12-signed-tokens"]
    shop.agentctx("review", "accept")
    assert notes_on_disk(shop) == read(applied) != applied


def test_after_undo_the_proposals_wait_again_and_no_sync_redoes_them_unasked(
    shop: TempRepo, model: ScriptedModel
) -> None:
    start = notes_on_disk(shop)
    shop.agentctx("sync", "HEAD~1..HEAD", "--mode", "apply")
    applied = notes_on_disk(shop)
    assert applied != start and proposals(shop) == []
    assert shop.agentctx("undo").returncode == 0
    waiting = {p["id"] for p in proposals(shop)}
    assert waiting and {p["state"] for p in proposals(shop)} == {"pending"}
    for _ in range(2):
        shop.agentctx("sync", "HEAD~1..HEAD", "--mode", "apply")
        assert notes_on_disk(shop) == start
        assert {p["id"] for p in proposals(shop)} == waiting
    shop.agentctx("review", "accept")
    assert notes_on_disk(shop) == read(applied)
    assert shop.agentctx("undo").returncode == 0
    assert notes_on_disk(shop) == start


def test_without_a_model_moved_code_is_followed_and_the_rest_stays_flagged(shop: TempRepo) -> None:
    done = shop.agentctx("sync")
    assert "repaired  tax-is-rounded-once" in done.stdout
    assert "no model is configured" in done.stdout
    found = states(shop)
    assert (found["tax-is-rounded-once"], found["2026-01-12-signed-tokens"]) == ("fresh", "stale")
    assert "STALE" in shop.agentctx("prime").stdout


def test_a_note_mended_by_hand_with_its_code_is_stamped_by_sync(shop: TempRepo) -> None:
    tokens = shop.root / "src/shop/tokens.py"
    code = tokens.read_text().replace('f"{user}.{role}.{now}"', 'f"{user}:{role}.{now}"')
    code = code.replace('payload.split(".")', 'payload.replace(":", ".").split(".")')
    text = (shop.root / NOTE).read_text().replace("`MAX_AGE = 900`", "`MAX_AGE = 3600`")
    env = {"PATH": os.environ["PATH"]}
    shop.git("config", "core.hooksPath", "/dev/null")
    shop.commit("Change the separator, and say so", {"src/shop/tokens.py": code, NOTE: text})
    assert states(shop)["2026-01-12-signed-tokens"] == "fresh", env
    done = shop.agentctx("sync", "--no-model")
    assert "repaired  2026-01-12-signed-tokens" in done.stdout
    drifts = json.loads(shop.agentctx("status", "--json").stdout)["notes"][0]["drifts"]
    assert {d["witness"] for d in drifts} == {"record"}


def test_while_the_model_thinks_a_person_edits_the_note_and_the_persons_words_stand(shop: TempRepo) -> None:
    def slowly(asked: Asked) -> Mapping[str, Any]:
        note = shop.root / NOTE
        note.write_text(note.read_text().replace("It cannot be revoked", "It can never be revoked"))
        return scripted(asked)

    with ScriptedModel(slowly) as served:
        configure(shop, served)
        assert shop.agentctx("sync").returncode == 0
    shop.agentctx("review", "accept")
    text = (shop.root / NOTE).read_text()
    assert "It can never be revoked" in text
    assert "`MAX_AGE = 3600`" in text


FAULTS: dict[str, Any] = {
    "hangs": lambda _: Raw(delay=30),
    "refuses": lambda _: Raw(403, b'{"error": "no"}'),
    "fails": lambda _: Raw(500, b"oops"),
    "cut": lambda _: Raw(200, b'{"choices": [{"mess', missing=500),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_broken_provider_fails_with_one_clear_line_and_loses_nothing(shop: TempRepo, fault: str) -> None:
    before = notes_on_disk(shop)
    with ScriptedModel(FAULTS[fault]) as served:
        done = shop.agentctx(
            "provider", "set", "openai-compatible", "--model", "m", "--url", served.url, "--timeout", "1"
        )
        assert done.returncode == 0
        began = time.monotonic()
        done = shop.agentctx("sync")
        assert time.monotonic() - began < 20
    assert done.returncode == 2
    assert "Traceback" not in done.stderr and len(done.stderr.strip().splitlines()) <= 6
    assert (
        notes_on_disk(shop)[NOTE.removeprefix("agent-context/")]
        == before[NOTE.removeprefix("agent-context/")]
    )
    with ScriptedModel(scripted) as served:
        configure(shop, served)
        assert shop.agentctx("sync").returncode == 0
    assert any(p["note_id"] == "2026-01-12-signed-tokens" for p in proposals(shop))


SIGNED = "2026-01-12-signed-tokens"


def refuses_tokens(asked: Asked) -> Any:
    """Speaks of every note but the one about tokens."""
    return "I cannot help with that." if f": id `{SIGNED}`" in asked.user else scripted(asked)


@pytest.mark.parametrize("words", [1, 3_000], ids=["one prompt for both notes", "a prompt each"])
def test_an_unusable_answer_is_refused_for_its_note_and_the_other_is_asked_about(
    shop: TempRepo, words: int
) -> None:
    other = "---\ntitle: Who signs\nanchors: [src/shop/tokens.py#issue_token]\n---\n\n" + "Nobody. " * words
    shop.commit("another note", {"agent-context/gotchas/who-signs.md": other})
    span = ("HEAD~2..HEAD~1",)
    with ScriptedModel(refuses_tokens) as served:
        configure(shop, served)
        done = shop.agentctx("sync", *span)
        assert done.returncode == 0, done.stderr
        assert any(": id `who-signs`" in a.user and f": id `{SIGNED}`" not in a.user for a in served.requests)
    refused = [line for line in done.stdout.splitlines() if line.startswith("refused")]
    assert refused == [f"refused   {SIGNED}: the model's answer is not JSON [format]"]
    with ScriptedModel(scripted) as served:
        configure(shop, served)
        assert shop.agentctx("sync", *span).returncode == 0
    assert any(p["note_id"] == SIGNED for p in proposals(shop))


def worker_environment() -> dict[str, str]:
    kept = {k: v for k, v in os.environ.items() if k != "AGENTCTX_NO_WORKER"}
    return {**kept, "AGENTCTX_DEBOUNCE": "0.1"}


def wait_for(condition: Any, seconds: float = 40.0) -> None:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if condition():
            return
        time.sleep(0.2)
    raise AssertionError("it did not happen in time")


def test_the_hook_of_a_real_merge_starts_the_worker_and_prime_tells_of_its_proposals(
    shop: TempRepo, model: ScriptedModel
) -> None:
    shop.git("reset", "-q", "--hard", "HEAD~1")
    shop.agentctx("status")
    began = time.monotonic()
    subprocess.run(
        "git merge -q --no-ff -m again work | cat",
        shell=True,
        cwd=shop.root,
        env=worker_environment(),
        check=True,
    )
    assert time.monotonic() - began < 3, "the merge waited for the worker"
    wait_for(lambda: proposals(shop))
    assert "wait for a person: agentctx review" in shop.agentctx("prime").stdout
    assert shop.git("status", "--porcelain") == "", "the worker must not touch the work tree"


def test_a_worker_that_fails_says_so_in_one_line_of_status_and_prime(shop: TempRepo) -> None:
    with ScriptedModel(lambda _: Raw(500, b"oops")) as served:
        shop.agentctx(
            "provider", "set", "openai-compatible", "--model", "m", "--url", served.url, "--timeout", "1"
        )
        subprocess.run(
            [sys.executable, "-m", "agentctx", "hook", "post-merge"],
            cwd=shop.root,
            env=worker_environment(),
            check=True,
        )
        wait_for(lambda: "background run failed" in shop.agentctx("status").stderr)
    assert "background run failed" in shop.agentctx("prime").stdout


def test_fifty_kills_during_a_sync_lose_nothing_and_the_next_run_ends_in_the_same_bytes(
    shop: TempRepo, model: ScriptedModel
) -> None:
    start = notes_on_disk(shop)
    command = [sys.executable, "-m", "agentctx", "sync", "HEAD~1..HEAD", "--mode", "apply"]
    began = time.monotonic()
    subprocess.run(command, cwd=shop.root, check=True, capture_output=True)
    length = time.monotonic() - began
    whole = notes_on_disk(shop)
    assert whole != start
    chance = random.Random(5)
    for _ in range(int(os.environ.get("AGENTCTX_TEST_KILLS", "12"))):
        for path, data in start.items():
            (shop.root / "agent-context" / path).write_bytes(data)
        for extra in notes_on_disk(shop).keys() - start.keys():
            (shop.root / "agent-context" / extra).unlink()
        subprocess.run(["rm", "-rf", ".git/agentctx"], cwd=shop.root, check=True)
        process = subprocess.Popen(
            command, cwd=shop.root, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        time.sleep(chance.uniform(0, length * 1.2))
        process.send_signal(signal.SIGKILL)
        process.wait()
        for path, data in notes_on_disk(shop).items():
            assert path.rpartition("/")[2].startswith(".") or data in (start.get(path), whole.get(path)), path
        subprocess.run(command, cwd=shop.root, check=True, capture_output=True)
        shop.agentctx("review", "accept")
        assert notes_on_disk(shop) == whole


def test_no_secret_of_a_diff_a_note_or_a_message_reaches_the_model(shop: TempRepo) -> None:
    keys = {
        "aws": "AKIA" + "Q7RTZ4UKWXYZ2345",
        "github": "ghp_" + "a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6q7R8",
        "slack": "xoxb-" + "123456789012-123456789012-abcdefghijklmnopqrstuvwx",
    }
    tokens = shop.root / "src/shop/tokens.py"
    note = shop.root / NOTE
    note.write_text(note.read_text().replace("A login answers", f"(key {keys['slack']}) A login answers"))
    shop.commit("A careless note")
    private = (
        "-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNzaC1rZXktdjEAAAAA\n-----END OPENSSH PRIVATE KEY-----\n"
    )
    shop.commit(
        f"Rotate {keys['github']}",
        {
            "src/shop/tokens.py": tokens.read_text().replace(
                "def issue_token(", f"# {keys['aws']}\ndef issue_token(x, "
            ),
            ".env": "PASSWORD=hunter2-hunter2\n",
            "deploy/id_rsa": private,
        },
        author=f"Eve {keys['aws']} <eve@example.org>",
    )
    with ScriptedModel(scripted) as served:
        configure(shop, served)
        assert shop.agentctx("sync", "HEAD~1..HEAD").returncode == 0
        sent = b"\n".join(served.raw_bodies)
    assert b"issue_token" in sent
    for secret in (*keys.values(), "hunter2-hunter2", "b3BlbnNzaC1rZXktdjEAAAAA"):
        assert secret.encode() not in sent


def test_a_model_set_up_later_is_asked_about_what_is_false_now(shop: TempRepo) -> None:
    assert "no model is configured" in shop.agentctx("sync").stdout
    with ScriptedModel(scripted) as served:
        configure(shop, served)
        assert shop.agentctx("sync").returncode == 0
        assert [p["note_id"] for p in proposals(shop)] == ["2026-01-12-signed-tokens"]
        asked = len(served.requests)
        shop.agentctx("sync")
        assert len(served.requests) == asked


def test_accepting_again_after_an_undo_writes_again(shop: TempRepo, model: ScriptedModel) -> None:
    shop.agentctx("sync")
    (found,) = proposals(shop)
    for _ in range(2):
        assert shop.agentctx("review", "accept", found["id"]).returncode == 0
        assert "`MAX_AGE = 3600`" in (shop.root / NOTE).read_text()
        assert shop.agentctx("undo", found["sync"]).returncode == 0
        assert "`MAX_AGE = 900`" in (shop.root / NOTE).read_text()


def test_a_proposal_edited_by_a_person_is_stamped_and_can_be_taken_back(
    shop: TempRepo, model: ScriptedModel
) -> None:
    shop.agentctx("sync")
    (found,) = proposals(shop)
    before = notes_on_disk(shop)
    done = shop.agentctx("review", "edit", found["id"], env={"EDITOR": "sed -i 's/3600 seconds/one hour/'"})
    assert done.returncode == 0, done.stderr
    assert "one hour (`MAX_AGE = 3600`)" in (shop.root / NOTE).read_text()
    assert states(shop)["2026-01-12-signed-tokens"] == "fresh"
    assert shop.agentctx("undo", found["sync"]).returncode == 0
    assert (
        notes_on_disk(shop)[NOTE.removeprefix("agent-context/")]
        == before[NOTE.removeprefix("agent-context/")]
    )
    assert states(shop)["2026-01-12-signed-tokens"] == "stale"


def test_apply_takes_what_the_worker_proposed_before(shop: TempRepo, model: ScriptedModel) -> None:
    shop.agentctx("sync")
    assert proposals(shop)
    shop.agentctx("sync", "--mode", "apply")
    assert proposals(shop) == []
    assert "`MAX_AGE = 3600`" in (shop.root / NOTE).read_text()


def test_a_refused_answer_is_told_by_status_and_prime(shop: TempRepo) -> None:
    def deletes(asked: Asked) -> Mapping[str, Any]:
        return {
            "answers": [{"note": "2026-01-12-signed-tokens", "why": "x", "operations": [{"op": "delete"}]}]
        }

    with ScriptedModel(deletes) as served:
        configure(shop, served)
        assert "refused" in shop.agentctx("sync").stdout
    assert "was refused" in shop.agentctx("status").stderr
    assert "was refused" in shop.agentctx("prime").stdout


USELESS: dict[str, Any] = {
    "another form": {"answers": [{"note": "2026-01-12-signed-tokens", "operations": [{"op": "delete"}]}]},
    "no list": {"notes": []},
    "silence": {"answers": []},
    "nothing to do": {"answers": [{"note": "2026-01-12-signed-tokens", "why": "", "operations": []}]},
}


@pytest.mark.parametrize("answer", USELESS.values(), ids=USELESS)
def test_a_refused_answer_is_asked_for_again_but_not_for_ever(shop: TempRepo, answer: Any) -> None:
    with ScriptedModel(lambda _: answer) as served:
        configure(shop, served)
        for _ in range(2):
            assert "refused   2026-01-12-signed-tokens" in shop.agentctx("sync", "HEAD~1..HEAD").stdout
        assert len(served.requests) == 2
    with ScriptedModel(lambda asked: answer if asked.number else scripted(asked)) as served:
        configure(shop, served)
        shop.agentctx("sync", "HEAD~1..HEAD")
        assert [p["note_id"] for p in proposals(shop)] == ["2026-01-12-signed-tokens"]


def test_a_model_that_never_answers_well_is_left_alone_in_the_end(shop: TempRepo) -> None:
    with ScriptedModel(lambda _: "{}") as served:
        configure(shop, served)
        for _ in range(5):
            shop.agentctx("sync")
        assert len(served.requests) == 3


def test_no_model_verifies_a_value_that_is_known_to_be_another_one(shop: TempRepo) -> None:
    def keeps(_: Asked) -> Mapping[str, Any]:
        keep = {"op": "keep", "why": "still true"}
        return {"answers": [{"note": "2026-01-12-signed-tokens", "why": "", "operations": [keep]}]}

    with ScriptedModel(keeps) as served:
        configure(shop, served)
        done = shop.agentctx("sync", "HEAD~1..HEAD", "--mode", "apply")
    assert "`MAX_AGE` is 3600 now, the note says 900" in done.stdout
    assert [p["state"] for p in proposals(shop)] == ["needs_review"]
    assert states(shop)["2026-01-12-signed-tokens"] == "stale"


def test_a_dry_run_says_what_it_would_repair_and_settles_nothing(
    shop: TempRepo, model: ScriptedModel
) -> None:
    before = notes_on_disk(shop)
    done = shop.agentctx("sync", "HEAD~1..HEAD", "--dry-run")
    assert "would repair tax-is-rounded-once" in done.stdout and "1 model call" in done.stdout
    assert notes_on_disk(shop) == before and proposals(shop) == [] and model.requests == []
    assert "repaired  tax-is-rounded-once" in shop.agentctx("sync", "HEAD~1..HEAD").stdout
    assert len(model.requests) == 1


def killed(note: Note) -> dict[str, Stamp]:
    """The note is written, its verification record is not yet."""
    raise KeyboardInterrupt


@pytest.mark.parametrize("mode", ["suggest", "apply"])
def test_what_a_killed_run_wrote_into_notes_is_finished_with_their_records(
    shop: TempRepo, model: ScriptedModel, mode: str
) -> None:
    shop.agentctx("sync", "HEAD~1..HEAD")
    shop.agentctx("undo")
    with Project.open(shop.root) as project:
        for proposal in project.proposals.open():
            with pytest.raises(KeyboardInterrupt):
                accept(proposal, project.folder, project.proposals, killed)
    assert {p["state"] for p in proposals(shop)} == {"pending"}
    assert shop.agentctx("sync", "HEAD~1..HEAD", "--mode", mode).returncode == 0
    assert proposals(shop) == [] and set(states(shop).values()) == {"fresh"}


def test_a_repair_that_a_killed_run_only_proposed_is_made_without_asking_a_model(
    shop: TempRepo, model: ScriptedModel
) -> None:
    with Project.open(shop.root) as project:
        repairs(project, "killed", write=False)
    assert [p["origin"] for p in proposals(shop)] == ["repair"]
    assert shop.agentctx("sync", "HEAD~1..HEAD", "--mode", "apply").returncode == 0
    assert not [asked for asked in model.requests if "`tax-is-rounded-once`" in asked.user]
    assert set(states(shop).values()) == {"fresh"}


def test_what_the_model_sees_of_a_change_is_neither_notes_nor_settings_of_agents(
    shop: TempRepo,
    model: ScriptedModel,
) -> None:
    files: dict[str, str | bytes] = {
        ".mcp.json": "{}\n",
        ".claude/settings.json": "{}\n",
        "agent-context/gotchas/unrelated.md": "# Unrelated\n\nNothing of this.\n",
        "README.md": "# Shop\n",
    }
    shop.commit("settings and notes", files)
    assert shop.agentctx("sync", "HEAD~2..HEAD").returncode == 0
    (asked,) = (a.user for a in model.requests if f": id `{SIGNED}`" in a.user)
    shown = re.findall(r"^=== (\S+) ", asked, re.MULTILINE)
    assert "src/shop/tokens.py" in shown
    assert [path for path in files if path in shown] == ["README.md"]
    offered = re.findall(r"^\d+\. ([^#\s]+)", asked, re.MULTILINE)
    assert not set(files) & set(offered)
