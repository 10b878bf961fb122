"""Notes with their git history into a real PostgreSQL, as a dump and live, once and again."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from agentctx.errors import AgentctxError, Conflict, InvalidInput
from agentctx.flows.export import (
    Rows,
    context_of,
    episodes_of_history,
    export_jsonl,
    export_postgres,
    export_postgres_dsn,
    facts_of_notes,
    import_jsonl,
    rows_of_repository,
)
from agentctx.git import Git
from agentctx.memory import words
from agentctx.memory.base import Window
from agentctx.memory.canonical import instant
from agentctx.memory.connections import connect
from agentctx.memory.ids import derived
from agentctx.memory.lines import Lines
from agentctx.memory.postgres import PostgresSession
from agentctx.memory.recall import recall
from agentctx.memory.store import SqlStore, open_postgres, open_sqlite
from agentctx.model import Briefing, BriefingItem, Episode, Fact, Note, Query, WorkingContext
from agentctx.note_versions import history_of_notes
from agentctx.notes import document
from tests.repository import TempRepo

NOW = "2026-06-01T12:00:00.000000Z"
SPACE = "/projects/shop"
TABLE_NAMES = ("namespaces", "episodes", "facts", "fact_sources", "fact_heads", "working_context")
JWT = "agent-context/decisions/jwt.md"


def note_text(title: str, body: str, *lines: str) -> str:
    return "\n".join(["---", f"title: {title}", *lines, "---", body, ""])


def commit_at(repo: TempRepo, day: str, message: str, files: dict[str, str]) -> str:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GIT_COMMITTER_DATE", f"{day}T10:00:00+00:00")
        patch.setenv("GIT_AUTHOR_DATE", f"{day}T10:00:00+00:00")
        return repo.commit(message, files)


def merge_at(repo: TempRepo, day: str, branch: str) -> str:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GIT_COMMITTER_DATE", f"{day}T10:00:00+00:00")
        repo.git("merge", "-q", "--no-ff", branch, "-m", f"Merge {branch}")
    return repo.git("rev-parse", "HEAD")


def present_notes(repo: TempRepo) -> list[Note]:
    kinds = {"decisions": "decision", "patterns": "pattern", "gotchas": "gotcha", "sessions": "session"}
    found = []
    for path in sorted((repo.root / "agent-context").glob("*/*.md")):
        relative = path.relative_to(repo.root).as_posix()
        note, _ = document.parse(relative, path.read_bytes(), kinds[path.parent.name])  # type: ignore[arg-type]
        assert note is not None
        found.append(note)
    return found


@pytest.fixture
def shop(repo: TempRepo) -> TempRepo:
    """A decision that a merged branch changes, a session note, a verification and a move."""
    first = note_text("Tokens", "Tokens live 15 minutes.", "anchors:", "  - src/auth.py#issue_token")
    commit_at(repo, "2026-01-01", "Decide on tokens", {JWT: first, "src/auth.py": "def issue_token(): ...\n"})
    commit_at(
        repo, "2026-01-02", "Verify tokens", {"agent-context/.verified/jwt": "src/auth.py#issue_token\n"}
    )
    repo.git("checkout", "-q", "-b", "longer")
    commit_at(repo, "2026-01-03", "Longer tokens", {JWT: first.replace("15 minutes", "60 minutes")})
    repo.git("checkout", "-q", "main")
    commit_at(repo, "2026-01-04", "Unrelated", {"src/other.py": "x = 1\n"})
    merge_at(repo, "2026-01-05", "longer")
    session = note_text("Handover", "The cart is half done.")
    commit_at(repo, "2026-01-06", "Leave a session note", {"agent-context/sessions/handover.md": session})
    return repo


def rows_of(repo: TempRepo, now: str = NOW) -> Rows:
    with Git.open(repo.root) as git:
        history = history_of_notes(git, "agent-context")
    notes = present_notes(repo)
    item = BriefingItem("jwt", JWT, "decision", "Tokens", "fresh", (), "Tokens live 60 minutes.", "whole")
    briefing = Briefing(history.head, (item,), text="# Briefing\n")
    contexts = context_of(briefing, Query(text="fix the cart"), SPACE, now)
    return rows_of_repository(notes, history, contexts, SPACE, now)


def facts_by_property(repo: TempRepo) -> dict[str, list[Fact]]:
    found: dict[str, list[Fact]] = {}
    for fact in rows_of(repo).facts:
        if fact.entity == "jwt":
            found.setdefault(fact.property, []).append(fact)
    return found


def table_counts(psql: Callable[..., str], dsn: str) -> list[int]:
    return [int(psql(dsn, f"SELECT count(*) FROM {table}")) for table in TABLE_NAMES]


def everything(psql: Callable[..., str], dsn: str) -> str:
    return "\n".join(psql(dsn, f"SELECT t FROM {table} t ORDER BY t::text") for table in TABLE_NAMES)


# --------------------------------------------------------------------------- what is exported


def test_a_changed_body_ends_one_fact_and_begins_the_next_at_the_merge(shop: TempRepo) -> None:
    old, new = facts_by_property(shop)["body"]
    assert ("15 minutes" in old.value, "60 minutes" in new.value) == (True, True)
    assert (old.status, new.status) == ("superseded", "active")
    assert old.valid_at == "2026-01-01T10:00:00.000000Z"
    assert old.invalid_at == old.retired_at == new.valid_at == "2026-01-05T10:00:00.000000Z"
    assert old.superseded_by == new.id


def test_a_fact_says_where_it_comes_from(shop: TempRepo) -> None:
    new = facts_by_property(shop)["body"][1]
    merge = shop.git("rev-parse", "HEAD~1")
    assert new.git_commit == merge
    assert new.git_path == JWT
    assert new.git_blob == shop.git("rev-parse", f"HEAD:{JWT}")
    assert new.sources == (("commit", merge), ("note", JWT))


def test_a_verification_marks_the_facts_that_held_at_its_time(shop: TempRepo) -> None:
    old, new = facts_by_property(shop)["body"]
    assert old.verified_commit == shop.git("rev-parse", "HEAD~3")
    assert new.verified_at == ""


def test_an_unchanged_claim_keeps_its_first_date(shop: TempRepo) -> None:
    (anchor,) = facts_by_property(shop)["anchor:src/auth.py#issue_token"]
    assert anchor.value == {"path": "src/auth.py", "symbol": "issue_token"}
    assert anchor.valid_at == "2026-01-01T10:00:00.000000Z"


def test_a_removed_note_ends_its_facts_and_a_moved_one_keeps_them(shop: TempRepo) -> None:
    (shop.root / "agent-context/patterns").mkdir()
    shop.git("mv", JWT, "agent-context/patterns/jwt.md")
    commit_at(shop, "2026-01-07", "Move", {})
    moved = facts_by_property(shop)
    assert [f.status for f in moved["title"]] == ["active"]
    assert [f.value for f in moved["kind"]] == ["decision", "pattern"]
    shop.git("rm", "-q", "agent-context/patterns/jwt.md")
    commit_at(shop, "2026-01-08", "Remove", {})
    ended = facts_by_property(shop)["title"][0]
    assert (ended.status, ended.invalid_at[:10]) == ("retracted", "2026-01-08")


def test_the_text_of_a_superseded_note_holds_no_longer(shop: TempRepo) -> None:
    text = (shop.root / JWT).read_text().replace("title: Tokens", "title: Tokens\nstatus: superseded")
    commit_at(shop, "2026-01-07", "Supersede", {JWT: text})
    facts = facts_by_property(shop)
    assert [f.status for f in facts["body"]] == ["superseded", "superseded"]
    assert facts["body"][1].invalid_at[:10] == "2026-01-07"
    assert [(f.value, f.status) for f in facts["status"]] == [
        ("active", "superseded"),
        ("superseded", "active"),
    ]


def test_a_value_that_returns_is_a_fact_of_its_own(shop: TempRepo) -> None:
    text = (shop.root / JWT).read_text().replace("60 minutes", "15 minutes")
    commit_at(shop, "2026-01-07", "Back to short tokens", {JWT: text})
    bodies = facts_by_property(shop)["body"]
    assert [f.status for f in bodies] == ["superseded", "superseded", "active"]
    assert len({f.id for f in bodies}) == 3


def test_an_uncommitted_change_holds_from_now_and_keeps_its_id_when_committed(shop: TempRepo) -> None:
    shop.write(JWT, (shop.root / JWT).read_text().replace("60 minutes", "90 minutes"))
    before = facts_by_property(shop)["body"][-1]
    assert (before.valid_at, before.git_commit, before.metadata["committed"]) == (NOW, "", False)
    commit_at(shop, "2026-01-07", "Even longer", {})
    after = facts_by_property(shop)["body"][-1]
    assert after.id == before.id
    assert after.valid_at[:10] == "2026-01-07"


def test_merges_and_session_notes_are_episodes(shop: TempRepo) -> None:
    episodes = list(rows_of(shop).episodes)
    merge = next(e for e in episodes if e.metadata.get("merge"))
    assert (merge.content, merge.metadata["notes"]) == ("Merge longer", ["jwt"])
    session = next(e for e in episodes if e.kind == "note")
    assert "The cart is half done." in session.content
    assert session.git_path == "agent-context/sessions/handover.md"
    assert "Unrelated" not in [e.content for e in episodes]


def test_a_version_that_cannot_be_read_neither_asserts_nor_ends_a_fact(shop: TempRepo) -> None:
    good = (shop.root / JWT).read_text()
    commit_at(shop, "2026-01-07", "Break", {JWT: "---\ntitle: [\n---\nbroken\n"})
    commit_at(shop, "2026-01-08", "Mend", {JWT: good})
    assert len(facts_by_property(shop)["body"]) == 2
    with Git.open(shop.root) as git:
        assert [p.path for p in history_of_notes(git, "agent-context").problems] == [JWT]


def test_a_shallow_clone_says_that_a_note_may_be_older(shop: TempRepo, tmp_path: Path) -> None:
    shop.git("clone", "-q", "--depth", "1", f"file://{shop.root}", str(tmp_path / "shallow"))
    (body,) = facts_by_property(TempRepo(tmp_path / "shallow"))["body"]
    assert body.metadata["boundary"] is True


def test_an_unborn_repository_and_one_without_notes_export_nothing(repo: TempRepo) -> None:
    with Git.open(repo.root) as git:
        history = history_of_notes(git, "agent-context")
    assert facts_of_notes([], history, SPACE, NOW) == []
    repo.commit("Start", {"a.txt": "a"})
    with Git.open(repo.root) as git:
        assert episodes_of_history([], history_of_notes(git, "agent-context"), SPACE, NOW) == []


# --------------------------------------------------------------------------- the dump


def test_a_dump_loads_into_an_empty_database_and_again_without_a_change(
    shop: TempRepo, empty_database: str, psql: Callable[..., str], tmp_path: Path
) -> None:
    dump = tmp_path / "dump.sql"
    export_postgres(rows_of(shop), dump)
    psql(empty_database, file=dump)
    first = everything(psql, empty_database)
    counts = table_counts(psql, empty_database)
    psql(empty_database, file=dump)
    assert everything(psql, empty_database) == first
    facts = len(list(rows_of(shop).facts))
    assert counts[0] == 1 and counts[1] == 5 and counts[2] == facts and counts[5] == 2
    assert min(counts) > 0


def test_a_dump_answers_what_was_true_on_a_day(
    shop: TempRepo, empty_database: str, psql: Callable[..., str], tmp_path: Path
) -> None:
    export_postgres(rows_of(shop), tmp_path / "dump.sql")
    psql(empty_database, file=tmp_path / "dump.sql")
    day = "2026-01-04"
    answer = psql(
        empty_database,
        "SELECT value FROM facts WHERE entity = 'jwt' AND property = 'body'"
        f" AND valid_at <= '{day}' AND (invalid_at IS NULL OR invalid_at > '{day}')",
    )
    assert json.loads(answer) == "Tokens live 15 minutes.\n"


def test_a_later_export_moves_the_database_on(
    shop: TempRepo, empty_database: str, psql: Callable[..., str], tmp_path: Path
) -> None:
    export_postgres_dsn(rows_of(shop), empty_database)
    commit_at(shop, "2026-01-07", "Shorter", {JWT: (shop.root / JWT).read_text().replace("60", "5")})
    export_postgres(rows_of(shop), tmp_path / "dump.sql")
    psql(empty_database, file=tmp_path / "dump.sql")
    head = (
        "SELECT f.value, h.version FROM fact_heads h JOIN facts f ON f.id = h.fact_id"
        " WHERE h.entity = 'jwt' AND h.property = 'body'"
    )
    assert psql(empty_database, head) == '"Tokens live 5 minutes.\\n"|2'
    active = "SELECT count(*) FROM facts WHERE entity = 'jwt' AND property = 'body' AND status = 'active'"
    assert psql(empty_database, active) == "1"


@pytest.mark.parametrize("way", ["dump", "dsn"])
def test_facts_of_a_rewritten_branch_are_retracted(
    way: str, shop: TempRepo, empty_database: str, psql: Callable[..., str], tmp_path: Path
) -> None:
    export_postgres_dsn(rows_of(shop), empty_database)
    shop.git("reset", "-q", "--hard", "HEAD~2")
    if way == "dsn":
        export_postgres_dsn(rows_of(shop), empty_database)
    else:
        export_postgres(rows_of(shop), tmp_path / "dump.sql")
        psql(empty_database, file=tmp_path / "dump.sql")
    live = psql(
        empty_database,
        "SELECT value, status FROM facts WHERE property = 'body' ORDER BY valid_at, recorded_at",
    )
    assert live.splitlines() == [
        '"Tokens live 15 minutes.\\n"|active',
        '"Tokens live 60 minutes.\\n"|retracted',
    ]
    heads = psql(
        empty_database,
        "SELECT count(*) FROM fact_heads h JOIN facts f ON f.id = h.fact_id WHERE f.status <> 'active'",
    )
    assert heads == "0"


def test_facts_that_agents_wrote_in_the_same_namespace_stay(
    shop: TempRepo, empty_database: str, psql: Callable[..., str]
) -> None:
    own = Fact(derived("mine"), SPACE, "cart", "owner", "Ada", "Ada owns the cart", NOW, NOW, origin="agent")
    export_postgres_dsn(Rows(facts=[own]), empty_database)
    export_postgres_dsn(rows_of(shop), empty_database)
    assert psql(empty_database, "SELECT status FROM facts WHERE entity = 'cart'") == "active"


def test_a_dump_to_a_stream_equals_the_file(shop: TempRepo, tmp_path: Path) -> None:
    stream = io.StringIO()
    export_postgres(rows_of(shop), stream)
    export_postgres(rows_of(shop), tmp_path / "dump.sql")
    assert (tmp_path / "dump.sql").read_text(encoding="utf-8") == stream.getvalue()


def test_a_dump_that_cannot_be_written_leaves_the_old_one(shop: TempRepo, tmp_path: Path) -> None:
    target = tmp_path / "dump.sql"
    target.write_text("old")
    broken = Fact("no-uuid", SPACE, "a", "b", 1, "", NOW, NOW)
    with pytest.raises(InvalidInput):
        export_postgres(Rows(facts=[broken]), target)
    assert target.read_text() == "old"
    assert [p.name for p in tmp_path.iterdir() if p.name.startswith(".")] == []


# --------------------------------------------------------------------------- live


def test_a_live_export_equals_a_dump(
    shop: TempRepo,
    empty_database: str,
    postgres_server: object,
    psql: Callable[..., str],
    tmp_path: Path,
) -> None:
    rows = rows_of(shop)
    seen: list[int] = []
    written = export_postgres_dsn(rows, empty_database, seen.append)
    assert seen[-1] == written > 0
    assert export_postgres_dsn(rows_of(shop), empty_database) == written
    other = postgres_server.database()  # type: ignore[attr-defined]
    export_postgres(rows_of(shop), tmp_path / "dump.sql")
    psql(other, file=tmp_path / "dump.sql")
    assert everything(psql, empty_database) == everything(psql, other)


def test_many_small_batches_give_the_same_rows(
    shop: TempRepo, empty_database: str, psql: Callable[..., str]
) -> None:
    from agentctx.memory.load import load

    load(rows_of(shop), empty_database, batch_size=1)
    first = everything(psql, empty_database)
    load(rows_of(shop), empty_database)
    assert everything(psql, empty_database) == first


def test_a_live_export_takes_no_row_of_another_tenant(empty_database: str, psql: Callable[..., str]) -> None:
    from agentctx.memory.load import load

    at = "2026-03-01T10:00:00.000000Z"
    ident = derived("said", "once")
    hers = Episode(id=ident, namespace="/", kind="event", content="hers", occurred_at=at, recorded_at=at)
    load(Rows(episodes=[hers], tenant="ada"), empty_database)
    with pytest.raises(Conflict, match="another tenant"):
        load(Rows(episodes=[replace(hers, content="his")], tenant="bob"), empty_database)
    assert psql(empty_database, "SELECT tenant_id, content FROM episodes") == "ada|hers"


def test_a_server_that_is_not_there_is_told_without_the_password() -> None:
    with pytest.raises(AgentctxError) as told:
        export_postgres_dsn(Rows(), "postgresql://ada:secret@127.0.0.1:1/shop?connect_timeout=2")
    assert "secret" not in told.value.message
    assert told.value.hint


def test_a_database_of_a_newer_agentctx_is_left_alone(empty_database: str, psql: Callable[..., str]) -> None:
    export_postgres_dsn(Rows(), empty_database)
    psql(empty_database, "INSERT INTO agentctx_migrations (version, name, checksum) VALUES (99, 'x', 'y')")
    with pytest.raises(Conflict, match="schema 99"):
        export_postgres_dsn(Rows(), empty_database)


# --------------------------------------------------------------------------- hostile text

HOSTILE = {
    "quotes": "it's \"quoted\" ''twice'' `and` $$dollar$$ $tag$x$tag$",
    "backslashes": r"\ \\ \' \n \x41 \u0041 E'x' C:\temp\new",
    "control characters": "".join(chr(c) for c in range(1, 32)) + "\x7f\x80\x9f",
    "line ends": "a\r\nb\rc\n\n\u2028\u2029end",
    "psql words": "\\i /etc/passwd\n\\! id\n:name :'name' :\"name\" \\;\n-- no comment\n/* no */",
    "copy words": "\\.\n\\N\n\\\\.\ta\tb",
    "emoji and bidi": "🚀👩‍👩‍👧‍👦 \u202etext\u202c \U000e0041 \ufffd é e\u0301",
    "sql": "'); DROP TABLE facts; --",
    "percent and question": "100% ? %s %(x)s ?",
    "long": "0123456789abcdef" * 65536,
}


@pytest.mark.parametrize("way", ["dump", "dsn"])
def test_hostile_text_arrives_exactly(
    way: str, empty_database: str, psql: Callable[..., str], tmp_path: Path
) -> None:
    episodes = [
        Episode(derived(name), SPACE, "message", text, NOW, NOW, actor=text[:50], metadata={text[:50]: text})
        for name, text in HOSTILE.items()
    ]
    facts = [
        Fact(derived("f", name), SPACE, text[:50], name, {"text": [text]}, text, NOW, NOW)
        for name, text in HOSTILE.items()
    ]
    rows = Rows(episodes, facts)
    if way == "dsn":
        export_postgres_dsn(rows, empty_database)
    else:
        export_postgres(rows, tmp_path / "dump.sql")
        psql(empty_database, file=tmp_path / "dump.sql")
        psql(empty_database, file=tmp_path / "dump.sql")
    with connect(empty_database) as connection:
        found = dict(connection.execute("SELECT id, content FROM episodes").fetchall())
        assert found == {derived(name): text for name, text in HOSTILE.items()}
        metadata = dict(connection.execute("SELECT id, metadata::text FROM episodes").fetchall())
        values = dict(connection.execute("SELECT id, value::text FROM facts").fetchall())
    for name, text in HOSTILE.items():
        assert json.loads(metadata[derived(name)]) == {text[:50]: text}
        assert json.loads(values[derived("f", name)]) == {"text": [text]}


def test_a_dump_holds_no_raw_control_character_and_one_row_a_line(tmp_path: Path) -> None:
    text = "".join(HOSTILE.values())
    episodes = [Episode(derived(str(n)), SPACE, "event", text, NOW, NOW) for n in range(3)]
    export_postgres(Rows(episodes), tmp_path / "dump.sql")
    dump = (tmp_path / "dump.sql").read_bytes().decode()
    assert [c for c in set(dump) if c != "\n" and (ord(c) < 32 or 127 <= ord(c) < 160)] == []
    assert sum(line.startswith(("('", "(E'")) for line in dump.split("\n")) >= 3


def test_a_nul_is_made_visible_and_half_a_pair_replaced(empty_database: str) -> None:
    episode = Episode(derived("nul"), SPACE, "event", "a\x00b\ud800c", NOW, NOW, metadata={"k": "\x00"})
    export_postgres_dsn(Rows([episode]), empty_database)
    with connect(empty_database) as connection:
        row = connection.execute("SELECT content, metadata::text FROM episodes").fetchone()
    assert row == ("a␀b\ufffdc", '{"k": "␀"}')


# --------------------------------------------------------------------------- JSON lines


def test_json_lines_give_back_equal_rows(shop: TempRepo, tmp_path: Path) -> None:
    rows = rows_of(shop)
    episodes, facts, contexts = list(rows.episodes), list(rows.facts), list(rows.contexts)
    export_jsonl(Rows(episodes, facts, contexts), tmp_path / "all.jsonl")
    again = import_jsonl(Lines(tmp_path / "all.jsonl"))
    assert (list(again.episodes), list(again.facts)) == (episodes, facts)
    second = io.StringIO()
    export_jsonl(import_jsonl(Lines(tmp_path / "all.jsonl")), second)
    assert second.getvalue() == (tmp_path / "all.jsonl").read_text(encoding="utf-8")


CONTEXT = {"type": "context", "namespace": "/", "key": "k", "value": 1, "version": 1, "updated_at": NOW}
EPISODE = {"type": "episode", "id": derived("e"), "namespace": "/", "kind": "note", "content": "x",
           "occurred_at": NOW, "recorded_at": NOW}  # fmt: skip
HEAD = {"type": "head", "namespace": "/", "entity": "e", "property": "p", "fact_id": derived("f")}
FACT = {"type": "fact", "id": derived("f"), "namespace": "", "entity": "e", "property": "p", "value": 1,
        "statement": "", "valid_at": NOW, "recorded_at": NOW}  # fmt: skip


def test_a_head_may_stand_before_its_fact_but_must_be_of_its_key() -> None:
    assert len(list(import_jsonl([json.dumps(HEAD), json.dumps(FACT)], "in.jsonl").facts)) == 1
    with pytest.raises(InvalidInput, match=r"in\.jsonl, line 2: the head names"):
        import_jsonl([json.dumps(FACT), json.dumps({**HEAD, "entity": "other"})], "in.jsonl")


def test_of_equal_lines_one_counts_and_an_id_with_two_values_is_refused() -> None:
    said = {
        "type": "episode", "id": derived("said"), "namespace": "/", "kind": "event", "content": "one",
        "occurred_at": NOW, "recorded_at": NOW,
    }  # fmt: skip
    lines = [json.dumps(FACT), json.dumps(said), json.dumps(said), json.dumps(FACT)]
    rows = import_jsonl(lines, "in.jsonl")
    assert (len(list(rows.facts)), len(list(rows.episodes))) == (1, 1)
    for other, at in (({**said, "content": "two"}, 2), ({**FACT, "value": "other"}, 1)):
        with pytest.raises(InvalidInput, match=f"in.jsonl, line 5: line {at} gives the same id"):
            import_jsonl([*lines, json.dumps(other)], "in.jsonl")


def test_a_fact_that_ends_before_it_begins_is_refused() -> None:
    never = {**FACT, "valid_at": NOW, "invalid_at": "2020-01-01T00:00:00Z"}
    with pytest.raises(
        InvalidInput, match=r"in\.jsonl, line 1: a fact that holds from .* cannot end at 2020"
    ):
        import_jsonl([json.dumps(never)], "in.jsonl")
    fact = Fact(derived("never"), "/", "a", "b", 1, "", NOW, NOW, invalid_at="2020-01-01T00:00:00Z")
    with pytest.raises(InvalidInput, match="cannot end"):
        open_sqlite(None).assert_fact(fact)


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("{", "not JSON"),
        ("[]", "JSON object"),
        ('{"type": "thing"}', "'thing' is unknown"),
        ('{"type": "episode"}', "'id' is missing"),
        ('{"type": "episode", "colour": 1}', "no field 'colour'"),
        (json.dumps({**CONTEXT, "version": "1"}), "int"),
        (json.dumps({**CONTEXT, "updated_at": "noon"}), "not a time"),
        (json.dumps({**CONTEXT, "updated_at": "2026-01-01T10:00"}), "no offset"),
        (json.dumps({**CONTEXT, "key": ""}), "empty"),
        (json.dumps({**CONTEXT, "value": float("nan")}), "not JSON"),
        (json.dumps({**CONTEXT, "version": 10**23}), "the version is not between"),
        (json.dumps({**EPISODE, "turn": 10**23}), "the turn is not between"),
        (json.dumps({**HEAD, "version": -(10**30)}), "the version is not between"),
        (json.dumps(HEAD), "the head names a fact of its key that has no line"),
    ],
    ids=[
        "cut",
        "list",
        "type",
        "missing",
        "unknown",
        "wrong type",
        "bad time",
        "naive",
        "empty key",
        "nan",
        "huge version",
        "huge turn",
        "huge head",
        "lost head",
    ],
)
def test_a_wrong_line_is_named_by_its_number(line: str, said: str) -> None:
    with pytest.raises(InvalidInput) as told:
        import_jsonl([json.dumps(CONTEXT), "", line], "in.jsonl")
    assert told.value.message.startswith("in.jsonl, line 3: ")
    assert said in told.value.message


def test_hostile_text_survives_json_lines() -> None:
    episodes = [
        Episode(derived(name), SPACE, "message", text + "\x00\ud800", NOW, NOW)
        for name, text in HOSTILE.items()
    ]
    stream = io.StringIO()
    export_jsonl(Rows(episodes), stream)
    assert list(import_jsonl(stream.getvalue().splitlines(keepends=True)).episodes) == episodes


@pytest.mark.parametrize("way", ["file", "pipe", "list", "iterator"])
def test_lines_in_any_order_come_from_anywhere(way: str, tmp_path: Path) -> None:
    said = [Episode(derived(name), SPACE, "message", name, NOW, NOW) for name in ("a", "b")]
    kept = WorkingContext(SPACE, "k", 1, 1, instant(NOW))
    stream = io.StringIO()
    for rows in (Rows(said[:1]), Rows(contexts=[kept]), Rows(said[1:])):
        export_jsonl(rows, stream)
    (tmp_path / "in.jsonl").write_text(stream.getvalue(), encoding="utf-8")
    lines = stream.getvalue().splitlines()
    source: Iterable[str] = Lines(tmp_path / "in.jsonl") if way == "file" else lines
    if way == "pipe":
        source = Lines(io.BytesIO(stream.getvalue().encode()))
    found = import_jsonl(iter(lines) if way == "iterator" else source)
    assert [one.content for one in found.episodes] == ["a", "b"]
    assert list(found.facts) == [] and found.heads is None
    assert list(found.contexts) == [kept]


def test_the_context_of_a_second_export_counts_its_version_only_when_it_changed(
    empty_database: str, psql: Callable[..., str]
) -> None:
    contexts = context_of(Briefing("abc", ()), Query(text="one"), SPACE, NOW)
    for value in (contexts, contexts, [replace(contexts[0], value={"other": 1}), contexts[1]]):
        export_postgres_dsn(Rows(contexts=value), empty_database)
    assert (
        psql(empty_database, "SELECT key, version FROM working_context ORDER BY key") == "briefing|2\ntask|1"
    )


# --------------------------------------------------------------------------- what was removed since


def a_memory_that_forgot(store: SqlStore) -> Callable[[], None]:
    """Three episodes with facts, and two contexts; the answer forgets one of each and saves one anew."""
    said = [Episode(derived("said", str(n)), SPACE, "event", f"said {n}", NOW, NOW) for n in range(3)]
    facts = [
        Fact(
            derived("told", str(n)), SPACE, f"thing {n}", "is", n, f"thing {n}", NOW, NOW,
            sources=(("episode", said[n].id),),
        )
        for n in range(3)
    ]  # fmt: skip
    store.write(said, facts)
    later = NOW.replace("12:00", "13:00")
    for key in ("cleared", "saved anew"):
        store.save_context(WorkingContext(SPACE, key, {"step": 1}, 0, NOW))

    def forget() -> None:
        store.erase_items([said[0].id])
        for key in ("cleared", "saved anew"):
            store.clear_context(SPACE, key)
        store.save_context(WorkingContext(SPACE, "saved anew", {"step": 2}, 0, later))

    return forget


HELD = (
    "SELECT (SELECT string_agg(content, ',' ORDER BY content) FROM episodes),"
    " (SELECT string_agg(entity, ',' ORDER BY entity) FROM facts),"
    " (SELECT count(*) FROM fact_heads), (SELECT count(*) FROM fact_sources),"
    " (SELECT string_agg(key || (value ->> 'step'), ',' ORDER BY key) FROM working_context WHERE key <> '')"
)
WORDED = "SELECT (SELECT count(words) FROM episodes) + (SELECT count(words) FROM facts)"
BEFORE = "said 0,said 1,said 2|thing 0,thing 1,thing 2|3|3|cleared1,saved anew1"
AFTER = "said 1,said 2|thing 1,thing 2|2|2|saved anew2"


@pytest.mark.parametrize("searched", [False, True], ids=["an export's schema", "a server's schema"])
def test_a_repeated_live_export_removes_what_was_forgotten_and_cleared_since(
    searched: bool, empty_database: str, psql: Callable[..., str]
) -> None:
    if searched:
        open_postgres(empty_database).close()
    store = open_sqlite(None)
    forget = a_memory_that_forgot(store)
    export_postgres_dsn(store.everything(), empty_database)
    assert psql(empty_database, HELD) == BEFORE
    forget()
    for _ in range(2):
        export_postgres_dsn(store.everything(), empty_database)
        assert psql(empty_database, HELD) == AFTER
    if searched:
        assert psql(empty_database, WORDED) == "4"


def test_a_newer_dump_and_newer_json_lines_remove_what_was_forgotten_since(
    tmp_path: Path, empty_database: str, psql: Callable[..., str]
) -> None:
    store, copy = open_sqlite(None), open_sqlite(None)
    forget = a_memory_that_forgot(store)
    for held in (BEFORE, AFTER):
        export_postgres(store.everything(), tmp_path / "dump.sql")
        psql(empty_database, file=tmp_path / "dump.sql")
        assert psql(empty_database, HELD) == held
        export_jsonl(store.everything(), tmp_path / "rows.jsonl")
        copy.restore(import_jsonl(Lines(tmp_path / "rows.jsonl")))
        forget()
    assert [e.content for e in copy.everything().episodes] == [e.content for e in store.everything().episodes]
    assert [c.value for c in copy.contexts("/", NOW)] == [{"step": 2}]


def test_a_copy_keeps_a_context_that_was_saved_there_after_it_was_cleared_here(empty_database: str) -> None:
    store, copy = open_sqlite(None), open_postgres(empty_database)
    forget = a_memory_that_forgot(store)
    export_postgres_dsn(store.everything(), empty_database)
    copy.save_context(WorkingContext(SPACE, "cleared", "mine", 0, NOW.replace("12:00", "12:30")))
    forget()
    export_postgres_dsn(store.everything(), empty_database)
    assert [c.value for c in copy.contexts("/", NOW)] == ["mine", {"step": 2}]
    copy.close()


def test_what_has_expired_leaves_no_id_behind_but_what_rested_on_it_does() -> None:
    store = open_sqlite(None)
    soon = NOW.replace("12:00", "12:01")
    said = Episode(derived("short"), SPACE, "event", "short", NOW, NOW, expires_at=soon)
    rests = Fact(
        derived("rests"), SPACE, "a", "b", 1, "a b 1", NOW, NOW, sources=(("episode", said.id),)
    )  # fmt: skip
    store.write([said], [rests])
    store.sweep(soon)
    assert [removal.id for removal in store.everything().removals] == [rests.id]


def test_an_export_is_copied_once_and_a_repeated_one_reads_no_episode_for_its_words(
    empty_database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    open_postgres(empty_database).close()
    store = open_sqlite(None)
    a_memory_that_forgot(store)
    copied: list[str] = []
    read: list[str] = []
    copy, words_of = PostgresSession.copy, words.words_of

    def copying(self: Any, table: str, *more: Any) -> None:
        copied.append(table)
        copy(self, table, *more)

    def reading(text: str) -> list[str]:
        read.append(text)
        return words_of(text)

    monkeypatch.setattr(PostgresSession, "copy", copying)
    monkeypatch.setattr(words, "words_of", reading)
    export_postgres_dsn(store.everything(), empty_database)
    assert {"episodes", "facts"} <= set(copied)
    assert len(read) == 6
    copied.clear()
    read.clear()
    more = Episode(derived("more"), SPACE, "event", "turbine was said", NOW, NOW)
    store.append([more])
    read.clear()
    export_postgres_dsn(store.everything(), empty_database)
    assert copied == []
    assert [text for text in read if "said" in text] == ["turbine was said"]
    copied_store = open_postgres(empty_database)
    window = Window("/", NOW, limit=10)
    assert [hit.item.id for hit in recall(copied_store, "turbine", window)] == [more.id]
    assert len(recall(copied_store, "said", window)) == 4
    copied_store.close()
