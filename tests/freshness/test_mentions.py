"""Code spans that were true and are not; and words that never meant anything, which stay words."""

from __future__ import annotations

from pathlib import Path

import pytest

from agentctx.flows.authoring import verify
from agentctx.freshness.mentions import same_value
from agentctx.model import Mention
from agentctx.project import Project
from tests.freshness.scene import Scene, invoice_scene
from tests.repository import TempRepo

MAKEFILE = "test:\n\tpytest\n"
PACKAGE = '{"scripts": {"build": "tsc"}}\n'


def scene_with(repo: TempRepo, body: str, anchors: tuple[str, ...] = ("src/invoice.py#unrelated",)) -> Scene:
    repo.write("Makefile", MAKEFILE)
    repo.write("package.json", PACKAGE)
    repo.write("src/app.py", "import os\n\nURL = os.environ['SERVICE_URL']\nFLAG = '--strict'\n")
    scene = invoice_scene(repo)
    scene.note("a", anchors, body)
    scene.verify()
    repo.commit("Write about it")
    return scene


def mentions(scene: Scene) -> list[tuple[str, str]]:
    return [(m.text, m.state) for m in scene.freshness().mentions]


def only(scene: Scene) -> Mention:
    (mention,) = scene.freshness().mentions
    return mention


def test_words_that_never_existed_are_never_raised(repo: TempRepo) -> None:
    words = ("foo_bar()", "src/no.py", "--verbose", "$HOME_DIR", "MAX = 3", "make dist", "Thing.x", "/api/v1")
    scene = scene_with(repo, ", ".join(f"`{word}`" for word in words))
    scene.edit("src/invoice.py", "return not self.lines", "return False")
    repo.commit("Something")
    assert mentions(scene) == []


def test_a_renamed_path_is_broken_and_says_where_it_went(repo: TempRepo) -> None:
    scene = scene_with(repo, "See `src/money.py` and `src/app.py`.")
    repo.git("mv", "src/money.py", "src/cash.py")
    repo.commit("Move")
    mention = only(scene)
    assert (mention.text, mention.state, mention.now) == ("src/money.py", "broken", "src/cash.py")
    assert mention.reason == "`src/money.py` was renamed to `src/cash.py`"
    assert scene.freshness().state == "suspect"


def test_a_deleted_path_and_folder_are_broken(repo: TempRepo) -> None:
    repo.write("web/pages/index.html", "<p>")
    scene = scene_with(repo, "First line.\n\nSee `web/pages/` and `web/pages/index.html`.")
    repo.git("rm", "-q", "-r", "web")
    repo.commit("Drop")
    assert mentions(scene) == [("web/pages/", "broken"), ("web/pages/index.html", "broken")]
    assert {m.line for m in scene.freshness().mentions} == {8}


@pytest.mark.parametrize(
    ("path", "before", "after"),
    [
        ("a.ts", "export function f() {}\n", "export function f() {}\n}} export class {{\n"),
        ("b.py", "def f():\n    return 1\n", "def f(:\n"),
    ],
)
def test_a_symbol_that_a_syntax_error_hides_is_unknown(
    repo: TempRepo, path: str, before: str, after: str
) -> None:
    repo.write(path, before)
    scene = scene_with(repo, f"See `{path}#f`.")
    assert mentions(scene) == []
    repo.commit("Break it", {path: after.replace("function f", "function (")})
    assert mentions(scene) == [(f"{path}#f", "unknown")]
    repo.commit("Mend it", {path: before})
    assert mentions(scene) == []


def test_what_a_syntax_error_hid_all_along_is_told_when_its_file_goes(repo: TempRepo) -> None:
    repo.write("b.py", "def f(:\n")
    scene = scene_with(repo, "See `b.py#f`.")
    assert mentions(scene) == []
    repo.commit("Say more", {"b.py": "def f(:\n    pass\n"})
    assert mentions(scene) == []
    repo.git("rm", "-q", "b.py")
    assert mentions(scene) == [("b.py#f", "broken")]


def test_links_submodules_and_what_lies_behind_them_are_there(repo: TempRepo, tmp_path: Path) -> None:
    other = TempRepo.init(tmp_path / "other")
    other.commit("Start", {"lib.py": "A = 1\n"})
    repo.git("-c", "protocol.file.allow=always", "submodule", "add", "-q", str(other.root), "vendor/other")
    repo.write("docs/v1/page.md", "Words.\n")
    (repo.root / "docs/latest").symlink_to("v1")
    (repo.root / "run").symlink_to("src/app.py")
    body = "See `./run`, `docs/latest/`, `docs/latest/page.md`, `vendor/other` and `vendor/other/lib.py`."
    scene = scene_with(repo, body.replace("./run", "docs/run.sh"))
    repo.write("docs/run.sh", "true\n")
    scene.verify()
    repo.commit("Add a script")
    (repo.root / "docs/run.sh").unlink()
    (repo.root / "docs/run.sh").symlink_to("../src/app.py")
    assert mentions(scene) == []
    repo.commit("Link the script")
    assert mentions(scene) == []
    (repo.root / "docs/latest").unlink()
    assert mentions(scene) == [("docs/latest/", "broken"), ("docs/latest/page.md", "broken")]
    repo.commit("Drop the link")
    assert mentions(scene) == [("docs/latest/", "broken"), ("docs/latest/page.md", "broken")]
    repo.git("rm", "-q", "-f", "vendor/other")
    assert len(mentions(scene)) == 4


def test_a_constant_with_another_value_makes_the_note_stale(repo: TempRepo) -> None:
    scene = scene_with(repo, "The limit is `LIMIT = 900`.")
    assert mentions(scene) == []
    scene.edit("src/invoice.py", "LIMIT = 900", "LIMIT = 3600")
    repo.commit("Raise")
    mention = only(scene)
    assert (mention.state, mention.now) == ("changed", "3600")
    assert mention.reason == "`LIMIT` is 3600 now, the note says 900"
    assert scene.freshness().state == "stale"


def test_a_renamed_symbol_says_where_it_is(repo: TempRepo) -> None:
    scene = scene_with(repo, "`Invoice.total` sums up.")
    scene.edit("src/invoice.py", "def total(self, discount", "def grand_total(self, discount")
    repo.commit("Rename")
    mention = only(scene)
    assert mention.now == "src/invoice.py#Invoice.grand_total"


def test_a_symbol_that_moved_to_another_file_is_still_true(repo: TempRepo) -> None:
    scene = scene_with(repo, "`Line` has a price.")
    text = (repo.root / "src/invoice.py").read_text()
    start, end = text.index("class Line"), text.index("class Invoice")
    repo.write("src/invoice.py", text[:start] + text[end:])
    repo.write("src/line.py", text[start:end])
    repo.commit("Split")
    assert mentions(scene) == []


@pytest.mark.parametrize(
    ("span", "path", "old", "new"),
    [
        ("--strict", "src/app.py", "--strict", "--loose"),
        ("SERVICE_URL", "src/app.py", "SERVICE_URL", "BASE_URL"),
        ("$SERVICE_URL", "src/app.py", "SERVICE_URL", "BASE_URL"),
        ("make test", "Makefile", "test:", "check:"),
        ("npm run build", "package.json", "build", "compile"),
    ],
    ids=["flag", "variable", "variable with dollar", "make target", "package script"],
)
def test_what_is_gone_from_the_tree_is_broken(
    repo: TempRepo, span: str, path: str, old: str, new: str
) -> None:
    scene = scene_with(repo, f"Use `{span}`.", ("src/app.py",))
    assert mentions(scene) == []
    scene.edit(path, old, new)
    repo.commit("Change")
    assert mentions(scene) == [(span, "broken")]


def test_a_word_that_is_still_used_elsewhere_is_not_broken(repo: TempRepo) -> None:
    scene = scene_with(repo, "Use `--strict`.", ("src/app.py",))
    repo.write("src/other.py", "FLAG = '--strict'\n")
    scene.edit("src/app.py", "--strict", "--loose")
    repo.commit("Move the flag")
    assert mentions(scene) == []


@pytest.mark.parametrize(
    ("a", "b", "same"),
    [
        ("900", "9_00", True),
        ("0x10", "16", True),
        ('"a"', "'a'", True),
        ("True", "true", True),
        ("1e3", "1000", True),
        ("1.5", "1.50", True),
        ("900", '"900"', False),
        ("900", "901", False),
    ],
)
def test_values_are_compared_by_what_they_mean(a: str, b: str, same: bool) -> None:
    assert same_value(a, b) is same


def test_verifying_clears_a_broken_mention_though_no_anchor_changed(repo: TempRepo) -> None:
    scene = scene_with(repo, "See `src/money.py`.")
    repo.git("mv", "src/money.py", "src/cash.py")
    assert mentions(scene) == [("src/money.py", "broken")]
    scene.verify()
    assert mentions(scene) == []
    repo.commit("Move, and say that the note still holds")
    assert mentions(scene) == []


def test_a_mention_can_break_again_after_it_was_verified(repo: TempRepo) -> None:
    scene = scene_with(repo, "See `src/money.py`.")
    repo.git("mv", "src/money.py", "src/cash.py")
    scene.verify()
    repo.commit("Move, and say that the note still holds")
    repo.git("mv", "src/cash.py", "src/money.py")
    scene.verify()
    repo.commit("Move it back, and say so")
    repo.git("rm", "-q", "src/money.py")
    repo.commit("Take it out")
    assert mentions(scene) == [("src/money.py", "broken")]


def test_a_change_of_the_text_is_the_later_baseline(repo: TempRepo) -> None:
    scene = scene_with(repo, "See `src/money.py`.")
    repo.git("mv", "src/money.py", "src/cash.py")
    repo.commit("Move")
    assert mentions(scene) == [("src/money.py", "broken")]
    scene.edit("agent-context/decisions/a.md", "See", "There was once")
    repo.commit("Tell it as history")
    assert mentions(scene) == []


def test_two_people_who_verify_the_same_code_write_the_same_bytes(repo: TempRepo) -> None:
    scene = scene_with(repo, "See `src/money.py`, `Invoice.total` and `TAX = 0.19`.")
    record = repo.root / "agent-context/.verified/a"
    before = record.read_bytes()
    record.unlink()
    scene.verify()
    assert record.read_bytes() == before
    assert b"~mentions\n  1 sig:" in before


def test_a_record_without_mentions_falls_back_on_history(repo: TempRepo) -> None:
    scene = scene_with(repo, "See `src/money.py`.")
    record = repo.root / "agent-context/.verified/a"
    record.write_text(record.read_text().split("~mentions")[0])
    repo.commit("As an older version wrote it")
    repo.git("mv", "src/money.py", "src/cash.py")
    repo.commit("Move")
    assert mentions(scene) == [("src/money.py", "broken")]


def test_broken_mentions_are_known_in_a_shallow_clone(repo: TempRepo, tmp_path: Path) -> None:
    scene = scene_with(repo, "See `src/money.py`.")
    repo.git("rm", "-q", "src/money.py")
    repo.commit("Take it out")
    repo.git("clone", "-q", "--depth=1", f"file://{repo.root}", str(tmp_path / "shallow"))
    assert mentions(Scene(TempRepo(tmp_path / "shallow"))) == [("src/money.py", "broken")]
    assert mentions(scene) == [("src/money.py", "broken")]


def test_paths_with_unusual_characters_are_paths(repo: TempRepo) -> None:
    repo.write("src/$id~dep.js", "x = 1\n")
    scene = scene_with(repo, "See `src/$id~dep.js`.")
    repo.git("rm", "-q", "src/$id~dep.js")
    repo.commit("Take it out")
    assert mentions(scene) == [("src/$id~dep.js", "broken")]


CONFIG = "server:\n  port: 8080\n"
CODE = """import os


class Tok:
    def issue_token(self, strict_mode=False):
        return [strict_mode, 1, "a", self]


def options(parser):
    parser.add_argument("--dry-run-first", action="store_true")
    return os.environ["APP_TOKEN"]
"""
GO = 'package main\n\nimport "flag"\n\nvar loud = flag.Bool("verbose-log", false, "x")\n'


def far_scene(repo: TempRepo, body: str, anchors: tuple[str, ...] = ()) -> Scene:
    """A note about code that stands in other files than those of its anchors."""
    repo.write("src/token.py", CODE)
    repo.write("config/app.yaml", CONFIG)
    repo.write("cli.go", GO)
    return scene_with(repo, body, anchors)


@pytest.mark.parametrize(
    "anchors", [(), ("src/invoice.py#unrelated",)], ids=["no anchors", "anchored elsewhere"]
)
@pytest.mark.parametrize(
    ("span", "path", "old", "new"),
    [
        ("issue_token", "src/token.py", "issue_token", "mint"),
        ("Tok.issue_token", "src/token.py", "issue_token", "mint"),
        ("issue_token()", "src/token.py", "issue_token", "mint"),
        ("--dry-run-first", "src/token.py", "--dry-run-first", "--try"),
        ("--verbose-log", "cli.go", "verbose-log", "loud"),
        ("-verbose-log", "cli.go", "verbose-log", "loud"),
        ("APP_TOKEN", "src/token.py", "APP_TOKEN", "APP_KEY"),
        ("server.port", "config/app.yaml", "port", "listen"),
    ],
)
def test_a_word_that_stood_anywhere_and_stands_nowhere_is_broken(
    repo: TempRepo, span: str, path: str, old: str, new: str, anchors: tuple[str, ...]
) -> None:
    scene = far_scene(repo, f"Mind `{span}` here.", anchors)
    assert mentions(scene) == []
    scene.edit(path, old, new)
    assert mentions(scene) == [(span, "broken")]
    repo.commit("Rename it")
    assert mentions(scene) == [(span, "broken")]
    assert scene.freshness().state == "suspect"


def test_a_word_that_is_gone_says_who_removed_it_or_what_it_is_now(repo: TempRepo) -> None:
    scene = far_scene(repo, "Set `APP_TOKEN`, then call `issue_token`.")
    scene.edit("src/token.py", "APP_TOKEN", "APP_KEY")
    scene.edit("src/token.py", "issue_token", "mint")
    commit = repo.commit("Rename both")
    by_text = {mention.text: mention for mention in scene.freshness().mentions}
    removed = by_text["APP_TOKEN"].reason
    assert removed.startswith(f"`APP_TOKEN` is no longer in the code (removed in {commit[:7]}")
    assert removed.endswith("“Rename both”)")
    assert by_text["issue_token"].now == "src/token.py#Tok.mint"


@pytest.mark.parametrize(
    "elsewhere",
    [
        ("web/a.js", "issue_token()\n"),
        ("config/b.yaml", "issue_token: 1\n"),
        ("vendor/x/y.py", "def issue_token(): pass\n"),
    ],
    ids=["code", "configuration", "a vendored file"],
)
def test_a_word_that_still_stands_anywhere_is_not_gone(repo: TempRepo, elsewhere: tuple[str, str]) -> None:
    scene = far_scene(repo, "Call `issue_token`.")
    scene.edit("src/token.py", "issue_token", "mint")
    repo.commit("Rename it", dict([elsewhere]))
    assert mentions(scene) == []


@pytest.mark.parametrize("path", ["notes.md", "docs/a.rst", "CHANGELOG"])
def test_prose_does_not_keep_a_word(repo: TempRepo, path: str) -> None:
    scene = far_scene(repo, "Call `issue_token`.")
    scene.edit("src/token.py", "issue_token", "mint")
    repo.commit("Rename it", {path: "issue_token\n"})
    assert mentions(scene) == [("issue_token", "broken")]


@pytest.mark.parametrize(
    ("span", "file", "text"),
    [
        ("query_string", "src/use.py", "def go(client):\n    return client.get(query_string='x')\n"),
        ("--ssl-keyfile", "run.sh", "uvicorn --ssl-keyfile x\n"),
        ("left_pad", "yarn.lock", "left_pad: 1\n"),
        ("make_thing", "vendor/a.py", "def make_thing(): pass\n"),
        ("Foreign.run_it", "src/own.py", "class Mine:\n    def run_it(self): pass\n"),
        ("reader", "src/own.py", "def reader(): pass\n"),
    ],
    ids=["another's argument", "another's flag", "lock file", "vendored", "another's class", "plain word"],
)
def test_words_that_the_repository_never_defined_are_never_raised(
    repo: TempRepo, span: str, file: str, text: str
) -> None:
    repo.write(file, text)
    scene = far_scene(repo, f"Mind `{span}`.")
    repo.git("rm", "-q", file)
    repo.commit("Drop it")
    assert mentions(scene) == []


def test_a_verdict_is_kept_while_the_files_with_its_words_are_as_they_were(
    repo: TempRepo, tmp_path: Path
) -> None:
    class Kept(dict[str, object]):
        def read(self, name: str) -> object:
            return self.get(name)

        def write(self, name: str, value: object) -> bool:
            self[name] = value
            return True

    scene, cache = far_scene(repo, "Call `issue_token`."), Kept()
    scene.assess(cache)
    uses = cache["verdicts"]["notes"]["a"]["uses"]  # type: ignore[index]
    assert "src/token.py" in uses
    scene.edit("src/token.py", "issue_token", "mint")
    (mention,) = scene.assess(cache).by_id()["a"].mentions
    assert mention.text == "issue_token"
    scene.edit("src/token.py", "mint", "issue_token")
    assert scene.assess(cache).by_id()["a"].mentions == ()


def test_who_verifies_a_note_settles_the_words_that_are_gone(repo: TempRepo) -> None:
    scene = far_scene(repo, "It was `issue_token` once.", ("src/invoice.py#unrelated",))
    scene.edit("src/token.py", "issue_token", "mint")
    repo.commit("Rename it")
    assert mentions(scene) == [("issue_token", "broken")]
    with Project.open(repo.root) as project:
        verify(project, ["a"], dry=False)
    assert mentions(scene) == []
    repo.commit("Verify")
    assert mentions(scene) == []
    with Project.open(repo.root) as project:
        verify(project, ["a"], dry=False)
    assert mentions(scene) == []
