"""The whole pass: caches, determinism, odd files, dates, and what is written down."""

from __future__ import annotations

import json
from datetime import date
from typing import Any

import pytest

from agentctx.errors import InvalidInput
from agentctx.freshness.index import Assessor, index_document
from agentctx.freshness.verify import checked_anchor, stamps_for
from agentctx.git import Git, RevTree, WorkTree
from agentctx.model import Anchor, Stamp
from agentctx.notes import records
from agentctx.notes.folder import Folder
from agentctx.notes.records import parse_record
from tests.freshness.scene import INVOICE, Scene, invoice_scene
from tests.repository import TempRepo


class Documents:
    """A cache in memory that counts what is read and written."""

    def __init__(self) -> None:
        self.kept: dict[str, str] = {}
        self.written: list[str] = []

    def read(self, name: str) -> Any:
        return json.loads(self.kept[name]) if name in self.kept else None

    def named(self, name: str) -> list[str]:
        """The documents of this name, or in the folder of this name."""
        return [kept for kept in self.kept if kept.partition("/")[0] == name]

    def write(self, name: str, value: Any) -> bool:
        self.kept[name] = json.dumps(value)
        self.written.append(name)
        return True


def many_notes(repo: TempRepo) -> Scene:
    scene = invoice_scene(repo)
    scene.note("b", ("src/money.py", "src/**"), "See `src/money.py` and `round_cents`.", "tags:\n  - money\n")
    scene.note("c", ("src/invoice.py#unrelated", "src/invoice.py#TAX"))
    scene.verify("b", "c")
    repo.commit("More notes")
    return scene


def test_caches_change_no_verdict(repo: TempRepo) -> None:
    scene = many_notes(repo)
    cache = Documents()
    for change in (
        lambda: None,
        lambda: scene.edit("src/money.py", "value, 2", "value, 3"),
        lambda: repo.commit("Round"),
        lambda: repo.git("mv", "src/money.py", "src/cash.py"),
        lambda: scene.edit("src/invoice.py", "TAX = 0.19", "TAX = 0.2"),
        lambda: repo.commit("All"),
        lambda: repo.git("reset", "-q", "--hard", "HEAD~2"),
    ):
        change()
        assert scene.assess(cache) == scene.assess()
        assert scene.assess(cache) == scene.assess()


def test_nothing_is_written_when_nothing_changed(repo: TempRepo) -> None:
    scene = many_notes(repo)
    cache = Documents()
    scene.assess(cache)
    cache.written.clear()
    scene.assess(cache)
    assert cache.written == []


def test_a_changed_file_touches_few_documents(repo: TempRepo) -> None:
    scene, cache = many_notes(repo), Documents()
    scene.assess(cache)
    cache.written.clear()
    scene.edit("src/money.py", "value, 2", "value, 3")
    scene.assess(cache)
    assert "verdicts" in cache.written
    assert len(cache.written) <= 3


def test_records_of_notes_about_unchanged_code_are_not_taken_apart(
    repo: TempRepo, monkeypatch: pytest.MonkeyPatch
) -> None:
    scene, cache, read = many_notes(repo), Documents(), list[str]()
    scene.assess(cache)

    def counted(text: str) -> dict[str, Stamp]:
        read.append(text)
        return parse_record(text)

    monkeypatch.setattr(records, "parse_record", counted)
    scene.assess(cache)
    assert read == []
    scene.edit("src/money.py", "value, 2", "value, 3")
    scene.assess(cache)
    assert 0 < len(read) < 3


@pytest.mark.parametrize("name", ["verdicts", "symbols", "history"])
@pytest.mark.parametrize("value", [None, [], {"version": 99}, "text"], ids=["none", "list", "newer", "text"])
def test_a_cache_of_another_version_is_ignored(repo: TempRepo, name: str, value: object) -> None:
    scene = many_notes(repo)
    cache = Documents()
    scene.assess(cache)
    for document in cache.named(name):
        cache.write(document, value)
    assert scene.assess(cache) == scene.assess()


@pytest.mark.parametrize("name", ["verdicts", "symbols", "history"])
def test_a_damaged_cache_is_ignored(repo: TempRepo, name: str) -> None:
    scene = many_notes(repo)
    cache = Documents()
    scene.assess(cache)
    documents = {kept: cache.read(kept) for kept in cache.named(name)}
    scene.edit("src/money.py", "value, 2", "value, 3")
    inner = {"verdicts": "notes", "symbols": "files"}.get(name)
    for kept, document in documents.items():
        for field in document:
            for damage in ([1], {"x": 1}, None, 7):
                cache.write(kept, {**document, field: damage})
                assert scene.assess(cache) == scene.assess()
        if inner:
            cache.write(kept, {**document, inner: {key: {"key": []} for key in document[inner]}})
            assert scene.assess(cache) == scene.assess()


def test_the_index_document_is_the_same_in_another_place_and_on_another_day(repo: TempRepo) -> None:
    scene = many_notes(repo)
    scene.edit("src/money.py", "value, 2", "value, 3")
    repo.commit("Round")
    clone = repo.root.parent / "elsewhere"
    repo.git("clone", "-q", str(repo.root), str(clone))
    documents = []
    for root, today in ((repo.root, date(2026, 1, 1)), (clone, date(2030, 1, 1))):
        notes = Folder(root, "agent-context").read().notes
        documents.append(json.dumps(index_document(Scene(TempRepo(root)).assess(today=today), notes)))
    assert documents[0] == documents[1]
    (entry,) = [e for e in json.loads(documents[0])["notes"] if e["id"] == "b"]
    assert [a["state"] for a in entry["anchors"]] == ["body", "glob"]
    assert json.loads(documents[0])["tags"] == {"money": ["b"]}


def test_a_review_date_that_has_passed_makes_a_note_suspect(repo: TempRepo) -> None:
    scene = Scene(repo)
    scene.note("a", (), extra="review_by: 2026-03-01\n")
    repo.commit("Note")
    assert scene.assess(today=date(2026, 2, 28)).notes[0].state == "fresh"
    late = scene.assess(today=date(2026, 3, 1)).notes[0]
    assert late.state == "suspect"
    assert late.reasons == ("its review date 2026-03-01 has passed",)


def test_age_takes_weight_and_never_truth(repo: TempRepo) -> None:
    scene = invoice_scene(repo)
    young = scene.assess(today=date.today()).notes[0]
    old = scene.assess(today=date(date.today().year + 3, 1, 1)).notes[0]
    assert young.state == old.state == "fresh"
    assert old.score < young.score


def test_a_glob_is_never_stale(repo: TempRepo) -> None:
    scene = invoice_scene(repo)
    scene.note("g", ("src/**",))
    repo.commit("Glob")
    scene.edit("src/money.py", "value, 2", "value, 3")
    assert scene.freshness("g").state == "fresh"


def test_a_syntax_error_is_unknown_and_heals(repo: TempRepo) -> None:
    scene = invoice_scene(repo)
    repo.write(
        "src/invoice.py", INVOICE.replace("def total(self, discount=0):", "def total(self, discount=:")
    )
    drift = scene.drift()
    assert drift.state == "unknown"
    assert "cannot be parsed (line " in drift.reason
    repo.write("src/invoice.py", INVOICE)
    assert scene.freshness().state == "fresh"


def test_a_helper_that_cannot_be_parsed_raises_no_alarm(repo: TempRepo) -> None:
    scene = invoice_scene(repo)
    repo.write("src/money.py", "def round_cents(:\n")
    assert scene.freshness().state == "fresh"


def test_a_language_without_a_grammar_is_unknown_once_it_changes(repo: TempRepo) -> None:
    repo.write("src/a.zig", "const a = 1;\n")
    scene = Scene(repo)
    scene.note("z", ("src/a.zig",))
    scene.verify()
    repo.commit("Zig")
    assert scene.freshness("z").state == "fresh"
    repo.write("src/a.zig", "const a = 2;\n")
    assert scene.freshness("z").state == "unknown"


@pytest.mark.parametrize(
    ("new", "state"),
    [(b"one \r\ntwo\r\n", "fresh"), (b"\xef\xbb\xbfone\ntwo", "fresh"), (b"one\nthree\n", "stale")],
    ids=["line endings and blanks", "byte order mark", "another word"],
)
def test_a_text_file_is_compared_without_its_blanks(repo: TempRepo, new: bytes, state: str) -> None:
    repo.write("data/list.txt", "one\ntwo\n")
    scene = Scene(repo)
    scene.note("t", ("data/list.txt",))
    scene.verify()
    repo.commit("Text")
    repo.write("data/list.txt", new)
    assert scene.freshness("t").state == state


def test_an_unknown_scheme_never_makes_a_note_stale(repo: TempRepo) -> None:
    scene = invoice_scene(repo)
    record = repo.root / "agent-context/.verified/a"
    record.write_text(record.read_text().replace("  2 sig", "  7 sig"))
    scene.edit("src/invoice.py", "net = 0", "net = 1")
    assert scene.freshness().state == "unknown"


def test_merge_markers_make_a_note_conflicted(repo: TempRepo) -> None:
    scene = invoice_scene(repo)
    scene.note("a", ("src/invoice.py#TAX",), "<<<<<<< ours\nA\n=======\nB\n>>>>>>> theirs")
    states = {f.id: f.state for f in scene.assess().notes}
    assert states.get("a", "conflicted") == "conflicted"


def test_an_unborn_repository_and_a_tree_without_git_are_assessed_by_records(repo: TempRepo) -> None:
    repo.write("src/invoice.py", INVOICE)
    repo.write("src/money.py", "def round_cents(v): return v\n")
    scene = Scene(repo)
    scene.note("a", ("src/invoice.py#Invoice.total",))
    assert scene.freshness().state == "unverified"
    scene.verify()
    assert scene.freshness().state == "fresh"
    scene.edit("src/invoice.py", "net = 0", "net = 1")
    drift = scene.drift()
    assert (drift.state, drift.commits) == ("body", ())
    assert drift.reason == "body of `Invoice.total` changed"


def test_an_earlier_commit_is_assessed_as_it_was(repo: TempRepo) -> None:
    scene = invoice_scene(repo)
    first = repo.git("rev-parse", "HEAD")
    scene.edit("src/invoice.py", "net = 0", "net = 1")
    repo.commit("Change")
    folder = Folder(repo.root, "agent-context")
    with Git.open(repo.root) as git:
        then = Assessor(git, RevTree(git, first)).assess(folder.read(), folder.records())
        now = Assessor(git, RevTree(git, git.head())).assess(folder.read(), folder.records())
    assert [then.notes[0].state, now.notes[0].state] == ["fresh", "stale"]


@pytest.mark.parametrize(
    ("anchor", "message", "hint"),
    [
        (Anchor("src/invoic.py"), "there is no file", "did you mean `src/invoice.py`?"),
        (Anchor("src/invoice.py", "total"), "could mean `Line.total`, `Invoice.total`", "src/invoice.py#"),
        (
            Anchor("src/invoice.py", "Invoice.totl"),
            "there is no",
            "did you mean `src/invoice.py#Invoice.total`?",
        ),
        (Anchor("lib/**"), "no file matches", "quote the glob"),
        (Anchor("README", "x"), "there is no grammar", "anchor the whole file"),
    ],
    ids=["file", "ambiguous", "near", "glob", "no grammar"],
)
def test_an_anchor_that_means_nothing_is_refused_with_candidates(
    repo: TempRepo, anchor: Anchor, message: str, hint: str
) -> None:
    repo.write("README", "hello\n")
    invoice_scene(repo)
    with Git.open(repo.root) as git, pytest.raises(InvalidInput) as refused:
        checked_anchor(anchor, WorkTree(git))
    assert message in refused.value.message
    assert hint in refused.value.hint


def test_the_end_of_a_name_is_completed_when_it_is_the_only_one(repo: TempRepo) -> None:
    invoice_scene(repo)
    with Git.open(repo.root) as git:
        found = checked_anchor(Anchor("src/invoice.py", "is_empty"), WorkTree(git))
    assert found == Anchor("src/invoice.py", "Invoice.is_empty")


def test_two_people_who_verify_the_same_code_write_the_same_stamps(repo: TempRepo) -> None:
    invoice_scene(repo)
    (note,) = Folder(repo.root, "agent-context").read().notes
    with Git.open(repo.root) as git:
        first = stamps_for(note, WorkTree(git))
        repo.write("src/invoice.py", INVOICE.replace("net = 0\n", "net = 0  # cents\n"))
        second = stamps_for(note, WorkTree(git))
    assert first == second
    assert all((s.sig, s.body, s.doc, s.deps) > ("",) * 4 for s in first.values())
