"""Notes that cite no code: conditions, notes that took their place, and commits that say the contrary."""

from __future__ import annotations

from datetime import date

import pytest

from agentctx.freshness.index import index_document
from agentctx.freshness.subjects import departure_of, is_about, terms_of
from agentctx.model import Note
from agentctx.notes.folder import Folder
from tests.freshness.scene import Scene
from tests.repository import TempRepo


def noted(repo: TempRepo, extra: str = "", title: str = "Queue jobs in Redis", tags: str = "") -> Scene:
    """One committed note ``a`` without anchors."""
    repo.write("src/jobs.py", "import os\n")
    repo.write("requirements.txt", "requests>=2.31\nredis==5.0.1  # the queue\n")
    listed = f"tags:\n  - {tags}\n" if tags else ""
    repo.write("agent-context/decisions/a.md", f"---\ntitle: {title}\n{listed}{extra}---\nBecause.\n")
    repo.commit("Write it down")
    return Scene(repo)


def when(*conditions: str) -> str:
    return "review_when:\n" + "".join(f'  - "{condition}"\n' for condition in conditions)


@pytest.mark.parametrize(
    ("condition", "path", "text", "says"),
    [
        (
            "dependency requests >= 3",
            "requirements.txt",
            "requests>=3.0\n",
            "`requirements.txt` has requests 3.0",
        ),
        ("dependency redis is gone", "requirements.txt", "requests\n", "no manifest names `redis`"),
        (
            "dependency React > 18",
            "package.json",
            '{"dependencies": {"react": "^18.3.0"}}',
            "has React 18.3.0",
        ),
        (
            "dependency react >= 19",
            "package-lock.json",
            '{"packages": {"node_modules/react": {"version": "19.0.1"}}}',
            "`package-lock.json` has react 19.0.1",
        ),
        ("dependency gin >= 1.10", "go.mod", "require (\n\tgithub.com/gin-gonic/gin v1.10.0\n)\n", "1.10.0"),
        (
            "dependency serde >= 1.0.200",
            "Cargo.toml",
            '[dependencies]\nserde = { version = "1.0.210" }\n',
            "1.0.210",
        ),
        (
            "dependency junit >= 5",
            "pom.xml",
            "<project><properties><j>5.1</j></properties><dependency><groupId>o</groupId>"
            "<artifactId>junit</artifactId><version>${j}</version></dependency></project>",
            "has junit 5.1",
        ),
        ("dependency httpx >= 1", "uv.lock", '[[package]]\nname = "httpx"\nversion = "1.0"\n', "`uv.lock`"),
        ("dependency flask < 3", "pyproject.toml", '[project]\ndependencies = ["Flask~=2.3"]\n', "flask 2.3"),
        ("path src/new_api.py exists", "src/new_api.py", "x = 1\n", "`src/new_api.py` is there"),
        ("path src/jobs.py is gone", "src/jobs.py", "", "`src/jobs.py` is gone"),
        ("path legacy/ exists", "legacy/old.py", "x = 1\n", "`legacy/` is there"),
    ],
    ids=lambda value: value if value.startswith(("dependency", "path")) else "",
)
def test_a_condition_that_is_met_makes_its_note_suspect(
    repo: TempRepo, condition: str, path: str, text: str, says: str
) -> None:
    scene = noted(repo, when(condition))
    assert scene.freshness().state == "fresh"
    if text:
        repo.write(path, text)
    else:
        (repo.root / path).unlink()
    freshness = scene.freshness()
    assert freshness.state == "suspect"
    assert freshness.reasons[0].startswith(f"it asked to be read again when {condition}: ")
    assert says in freshness.reasons[0]


@pytest.mark.parametrize(
    "condition",
    [
        "dependency requests >= 3",
        "dependency nothing >= 1",
        "dependency requests is gone",
        "path src is gone",
    ],
)
def test_a_condition_that_is_not_met_says_nothing(repo: TempRepo, condition: str) -> None:
    assert noted(repo, when(condition)).freshness().state == "fresh"


def test_a_preview_is_not_yet_the_release(repo: TempRepo) -> None:
    scene = noted(repo, when("dependency requests >= 3"))
    repo.write("requirements.txt", "requests==3.0rc1\n")
    assert scene.freshness().state == "fresh"


def test_a_lock_file_is_believed_before_a_manifest(repo: TempRepo) -> None:
    scene = noted(repo, when("dependency requests >= 3"))
    repo.write("poetry.lock", '[[package]]\nname = "requests"\nversion = "2.32.0"\n')
    repo.write("pyproject.toml", '[project]\ndependencies = ["requests>=3"]\n')
    assert scene.freshness().state == "fresh"


def test_review_by_takes_a_condition_in_place_of_a_date(repo: TempRepo) -> None:
    scene = noted(repo, "review_by: path src/new_api.py exists\n")
    repo.write("src/new_api.py", "x = 1\n")
    assert scene.freshness().state == "suspect"


def test_a_verified_condition_is_settled_until_it_is_met_anew(repo: TempRepo) -> None:
    scene = noted(repo, when("path src/new_api.py exists"))
    repo.commit("Write the new one", {"src/new_api.py": "x = 1\n"})
    assert scene.freshness().state == "suspect"
    assert repo.agentctx("verify", "a").returncode == 0
    assert scene.freshness().state == "fresh"
    repo.commit("Read it")
    repo.git("rm", "-q", "src/new_api.py")
    repo.commit("Take it out")
    assert scene.freshness().state == "fresh"
    scene.verify()
    repo.commit("Bring it back", {"src/new_api.py": "x = 1\n"})
    assert scene.freshness().state == "suspect"


def test_lint_explains_the_grammar_of_conditions(repo: TempRepo) -> None:
    noted(repo, when("when the moon is full") + "review_by: soon\n")
    done = repo.agentctx("lint")
    assert "agent-context/decisions/a.md:4" in done.stdout
    assert "`when the moon is full` is not a condition that can be checked [bad-condition]" in done.stdout
    assert "`review_by: soon` is neither a date nor a condition [bad-date]" in done.stdout
    assert "type one of `dependency NAME >= VERSION`" in done.stdout


def test_a_note_that_another_active_note_replaces_is_suspect(repo: TempRepo) -> None:
    scene = noted(repo)
    repo.write("agent-context/decisions/b.md", "---\ntitle: B\nsupersedes:\n  - a\n---\nBetter.\n")
    freshness = scene.freshness()
    assert (freshness.state, freshness.reasons) == ("suspect", ("`b` supersedes it and is active",))
    scene.edit("agent-context/decisions/b.md", "title: B", "title: B\nstatus: archived")
    assert scene.freshness().state == "fresh"


SAID = {
    "Drop Redis": "redis",
    "drop Redis support": "redis",
    "feat(queue)!: remove the Redis dependency (#12)": "redis",
    "Stop using Redis": "redis",
    "Migrate from Redis to PostgreSQL": "redis",
    "Replace Redis with Postgres LISTEN/NOTIFY": "redis",
    "Switch from Redis to RabbitMQ for queues": "redis",
    "Remove server-side sessions": "server side sessions",
    "Get rid of Celery entirely": "celery",
    "Move off PostgreSQL to SQLite": "postgresql",
    "Tests: move to pytest from unittest": "unittest",
    "Redis is gone": "redis",
    "The Redis backend is gone.": "redis",
    "Move to Redis from the command line of tests": "",
    "Redis is gone for a moment when the leader changes": "",
    "Move helpers to cache from redis": "",
    "Remove Redis from the documentation": "",
    "Remove flaky test of Redis reconnects": "",
    "Fix Redis timeouts": "",
    "Add Redis": "",
    "Remove unused imports": "",
    "Drop old tests": "",
    "Move Redis settings to the config": "",
    "Revert \"Drop Redis\"": "",
    "Replace tabs": "",
    "Delete dead code": "",
}  # fmt: skip


@pytest.mark.parametrize("subject", SAID)
def test_what_a_subject_says_was_taken_out(subject: str) -> None:
    about_redis = departure_of(subject)
    if SAID[subject]:
        assert about_redis == SAID[subject]
    else:
        redis = Note(
            "a", "a.md", "decision", "Queue jobs in Redis", "", "", tags=("redis", "tests", "imports")
        )
        assert not (about_redis and is_about(terms_of(redis), about_redis))


@pytest.mark.parametrize(
    ("title", "tag"),
    [("Queue jobs in Redis", ""), ("Background jobs", "redis"), ("Redis: one database for each tenant", "")],
)
def test_a_commit_that_drops_what_a_note_is_about_makes_it_suspect(
    repo: TempRepo, title: str, tag: str
) -> None:
    scene = noted(repo, title=f'"{title}"', tags=tag)
    repo.commit("Something else")
    commit = repo.commit("Drop Redis", author="Grace <grace@example.org>")
    repo.commit("And more")
    freshness = scene.freshness()
    assert freshness.state == "suspect"
    assert commit[:8] in freshness.reasons[0]
    assert "Grace committed “Drop Redis”" in freshness.reasons[0]


@pytest.mark.parametrize(
    "title",
    ["Postgres over Redis", "No Redis in the hot path", "Use RabbitMQ instead of Redis", "Rediscover peers"],
)
def test_a_note_that_says_the_same_as_the_commit_is_left_alone(repo: TempRepo, title: str) -> None:
    scene = noted(repo, title=title)
    repo.commit("Drop Redis")
    assert scene.freshness().state == "fresh"


def test_a_commit_before_the_note_is_not_news(repo: TempRepo) -> None:
    repo.commit("Drop Redis", {"x": "x\n"})
    assert noted(repo).freshness().state == "fresh"


def test_a_departure_that_was_taken_back_does_not_count(repo: TempRepo) -> None:
    scene = noted(repo)
    repo.commit("Drop Redis")
    repo.commit('Revert "Drop Redis"')
    assert scene.freshness().state == "fresh"


def test_what_still_fills_the_code_was_not_dropped(repo: TempRepo) -> None:
    scene = noted(repo)
    repo.commit("Drop Redis", {f"src/queue{n}.py": "import redis\n" for n in range(9)})
    assert scene.freshness().state == "fresh"


def test_a_note_with_code_of_its_own_is_judged_by_its_code(repo: TempRepo) -> None:
    repo.write("src/jobs.py", "def queue():\n    return 1\n")
    scene = Scene(repo)
    scene.note("redis", ("src/jobs.py#queue",))
    scene.verify()
    repo.commit("Start")
    repo.commit("Drop Redis")
    assert scene.freshness("redis").state == "fresh"


def test_verifying_settles_a_departure_and_the_next_one_is_news(repo: TempRepo) -> None:
    scene = noted(repo)
    repo.commit("Drop Redis")
    assert repo.agentctx("verify", "a").returncode == 0
    repo.commit("Say that the note still holds")
    assert scene.freshness().state == "fresh"
    repo.commit("Remove Redis everywhere")
    assert scene.freshness().state == "suspect"


def test_the_index_file_says_what_status_says_but_for_the_day(repo: TempRepo) -> None:
    scene = noted(repo, when("path src/new_api.py exists") + "review_by: 2026-01-01\n")
    repo.write("src/new_api.py", "x = 1\n")
    repo.commit("Drop Redis", {"requirements.txt": "requests>=2.31\n"})
    index = scene.assess(today=date(2026, 6, 1))
    entry = index_document(index, Folder(repo.root, "agent-context").read().notes)["notes"][0]
    assert len(index.notes[0].reasons) == 3
    assert entry["reasons"] == list(index.notes[0].reasons[1:])
    assert entry["state"] == index.notes[0].state == "suspect"
