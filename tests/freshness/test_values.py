"""``NAME = literal`` in a note: true, true once, never true, followed to where it went, or not to be told."""

from __future__ import annotations

import pytest

from agentctx.model import Mention
from tests.freshness.scene import Scene
from tests.repository import TempRepo

AUTH = "MAX_AGE = {age}\n\n\ndef issue_token(user):\n    return user, MAX_AGE\n"
TOKEN = "src/auth.py#issue_token"


def scene_with(repo: TempRepo, body: str, anchors: tuple[str, ...] = (TOKEN,)) -> Scene:
    repo.write("src/auth.py", AUTH.format(age=900))
    scene = Scene(repo)
    scene.note("a", anchors, body)
    scene.verify()
    repo.commit("Start")
    return scene


def only(scene: Scene) -> Mention:
    (mention,) = scene.freshness().mentions
    return mention


def test_a_note_and_its_code_set_apart_in_one_commit_do_not_vouch_for_each_other(repo: TempRepo) -> None:
    scene = scene_with(repo, "Tokens live `MAX_AGE = 900` seconds.")
    scene.edit("agent-context/decisions/a.md", "900", "3600")
    scene.edit("src/auth.py", "900", "1200")
    repo.commit("Change both")
    mention = only(scene)
    assert (mention.state, mention.now, scene.freshness().state) == ("broken", "1200", "suspect")
    assert mention.reason == (
        "the note says 3600, `MAX_AGE` is 1200, and was when the note was last edited or verified"
    )


def test_a_value_that_was_wrong_from_the_start_is_doubted_until_it_is_right(repo: TempRepo) -> None:
    scene = scene_with(repo, "`MAX_AGE = 77`")
    assert scene.freshness().state == "suspect"
    assert only(scene).line == 6
    scene.edit("src/auth.py", "900", "1200")
    assert only(scene).reason == (
        "the note says 77, `MAX_AGE` is 1200 now and was 900 when the note was last edited or verified"
    )
    scene.edit("src/auth.py", "1200", "77")
    assert scene.freshness().mentions == ()


def test_a_value_that_was_true_when_verified_is_stale(repo: TempRepo) -> None:
    scene = scene_with(repo, "`MAX_AGE = 900`")
    scene.edit("src/auth.py", "900", "1200")
    assert (only(scene).state, scene.freshness().state) == ("changed", "stale")


def test_a_note_without_anchors_is_held_against_the_only_constant_of_that_name(repo: TempRepo) -> None:
    scene = scene_with(repo, "`MAX_AGE = 900`", ())
    assert scene.freshness().mentions == ()
    scene.edit("src/auth.py", "900", "1200")
    repo.commit("Raise")
    mention = only(scene)
    assert (mention.state, mention.reason) == (
        "changed",
        "`MAX_AGE` is 1200 now in `src/auth.py`, the note says 900",
    )
    repo.write("src/other.py", "MAX_AGE = 5\n")
    assert scene.freshness().mentions == ()


@pytest.mark.parametrize(
    "span",
    [
        "MIN_AGE = 5",
        "MAX_AGE=77",
        "MAX_AGE == 77",
        "MAX_AGE: 77",
        "MAX_AGE = 77s",
        'MAX_AGE = "900"',
        "age = 3",
    ],
)
def test_a_span_that_need_not_mean_the_constant_is_left_alone(repo: TempRepo, span: str) -> None:
    assert scene_with(repo, f"See `{span}`.").freshness().mentions == ()


def test_a_key_of_an_anchored_file_is_a_name_too(repo: TempRepo) -> None:
    repo.write("conf.yaml", "server:\n  port: 8080\n")
    scene = scene_with(repo, "It listens on `port: 9090`.", ("conf.yaml",))
    assert only(scene).reason.startswith("the note says 9090, `port` is 8080")
    scene.edit("agent-context/decisions/a.md", "9090", "8080")
    repo.commit("Mend")
    assert scene.freshness().mentions == ()
    scene.edit("conf.yaml", "8080", "9000")
    assert (only(scene).state, only(scene).now) == ("changed", "9000")


def test_a_member_of_a_class_is_not_the_constant_of_the_module(repo: TempRepo) -> None:
    repo.write("src/box.py", "class Box:\n    LIMIT = 3\n")
    assert scene_with(repo, "`LIMIT = 9`", ("src/box.py",)).freshness().mentions == ()


MOVED = "MAX_AGE = {age}\n\n\ndef mint(user):\n    return user, MAX_AGE\n"


@pytest.mark.parametrize(
    ("anchors", "body"),
    [((TOKEN,), "`MAX_AGE = 900`"), ((), "`MAX_AGE = 900` in `src/auth.py`"), ((), "`MAX_AGE = 900`")],
    ids=["anchored", "named in the text", "by its name alone"],
)
def test_a_constant_is_followed_to_where_its_file_moved(
    repo: TempRepo, anchors: tuple[str, ...], body: str
) -> None:
    scene = scene_with(repo, body, anchors)
    repo.git("mv", "src/auth.py", "src/tok.py")
    repo.write("src/tok.py", MOVED.format(age=900))
    repo.commit("Move")
    assert not [m for m in scene.freshness().mentions if "MAX_AGE" in m.text]
    repo.write("src/tok.py", MOVED.format(age=3600))
    repo.commit("Raise")
    (mention,) = [m for m in scene.freshness().mentions if "MAX_AGE" in m.text]
    assert mention.reason == "`MAX_AGE` is 3600 now in `src/tok.py`, the note says 900"
    assert scene.freshness().state == "stale"


def test_a_constant_that_went_to_a_new_file_alone_is_followed(repo: TempRepo) -> None:
    scene = scene_with(repo, "`MAX_AGE = 900`")
    scene.edit("src/auth.py", "MAX_AGE = 900\n", "from src.limits import MAX_AGE\n")
    repo.write("src/limits.py", "MAX_AGE = 1200\n")
    repo.commit("Split")
    assert only(scene).reason == "`MAX_AGE` is 1200 now in `src/limits.py`, the note says 900"


def test_a_namesake_that_stood_there_all_along_is_not_where_a_constant_went(repo: TempRepo) -> None:
    repo.write("src/cache.py", "MAX_AGE = 5\n")
    scene = scene_with(repo, "`MAX_AGE = 900`")
    scene.edit("src/auth.py", "MAX_AGE = 900\n", "")
    repo.commit("Drop")
    assert only(scene).reason == "there is no `MAX_AGE` with a value in `src/auth.py` any more"


LIMITS = "server:\n  retry_limit: {limit}\n"


@pytest.mark.parametrize("anchors", [(TOKEN,), ()], ids=["anchored elsewhere", "no anchors"])
def test_a_key_of_another_file_that_was_as_the_note_says_is_stale(
    repo: TempRepo, anchors: tuple[str, ...]
) -> None:
    repo.write("config/app.yaml", LIMITS.format(limit=3))
    scene = scene_with(repo, "`retry_limit: 3` is enough.", anchors)
    assert scene.freshness().state == "fresh"
    repo.commit("Raise", {"config/app.yaml": LIMITS.format(limit=5)})
    assert (only(scene).now, scene.freshness().state) == ("5", "stale")
    assert only(scene).reason == "`retry_limit` is 5 now in `config/app.yaml`, the note says 3"


@pytest.mark.parametrize(
    "files",
    [
        {"app.yaml": LIMITS.format(limit=4)},
        {"app.yaml": LIMITS.format(limit=3), "other.yaml": "retry_limit: 3\n"},
    ],
    ids=["never so", "two of them"],
)
def test_a_key_of_another_file_that_may_not_be_meant_raises_nothing(
    repo: TempRepo, files: dict[str, str]
) -> None:
    for path, text in files.items():
        repo.write(path, text)
    scene = scene_with(repo, "`retry_limit: 3` is enough.", ())
    assert scene.freshness().mentions == ()
    repo.commit("Raise", {"app.yaml": LIMITS.format(limit=5)})
    assert scene.freshness().mentions == ()


def test_a_value_written_without_blanks_is_told_only_when_it_was_true(repo: TempRepo) -> None:
    scene = scene_with(repo, "`MAX_AGE=900`, not `MAX_AGE=7`", ())
    assert scene.freshness().state == "fresh"
    repo.commit("Raise", {"src/auth.py": AUTH.format(age=1200)})
    assert (only(scene).text, only(scene).now) == ("MAX_AGE=900", "1200")


def test_blanks_in_a_text_are_part_of_the_value(repo: TempRepo) -> None:
    scene = scene_with(repo, '`TAB = "    "` indents.', ())
    repo.commit("Tab", {"tab.py": 'TAB = "    "\n'})
    assert scene.freshness().mentions == ()
    repo.commit("Narrow", {"tab.py": 'TAB = "  "\n'})
    assert scene.freshness().state == "suspect"


def test_a_value_that_is_reckoned_now_is_doubted_though_another_file_has_it(repo: TempRepo) -> None:
    repo.write("src/twin.py", "MAX_AGE = 900\n")
    scene = scene_with(repo, "`MAX_AGE = 900`")
    repo.commit("Reckon", {"src/auth.py": AUTH.format(age="hours() * 60")})
    assert only(scene).reason.startswith("`MAX_AGE` in `src/auth.py` is written as no plain value now")
    assert scene.freshness().state == "suspect"


def test_a_value_is_seen_beside_a_syntax_error(repo: TempRepo) -> None:
    scene = scene_with(repo, "`MAX_AGE = 900`", ())
    scene.edit("src/auth.py", "def issue_token(user):", "def issue_token(user:")
    assert scene.freshness().state == "fresh"


@pytest.mark.parametrize("said", [900, 77], ids=["true before", "never true"])
def test_a_file_that_cannot_be_parsed_proves_nothing_about_its_values(repo: TempRepo, said: int) -> None:
    scene = scene_with(repo, f"`MAX_AGE = {said}`")
    scene.edit("src/auth.py", "MAX_AGE = 900", "MAX_AGE = = 900")
    repo.commit("Break")
    mention = only(scene)
    assert (mention.state, scene.freshness().state) == ("unknown", "unknown")
    assert mention.reason.startswith("`src/auth.py` cannot be parsed (")
    assert mention.reason.endswith(f": `MAX_AGE = {said}` cannot be checked")


def test_a_file_that_cannot_be_parsed_proves_nothing_about_its_symbols(repo: TempRepo) -> None:
    scene = scene_with(repo, "`issue_token()` and `src/auth.py#issue_token`", ())
    repo.write("src/auth.py", "def broken(:\n")
    repo.commit("Break")
    assert {m.state for m in scene.freshness().mentions} <= {"unknown"}


def test_a_broken_file_in_another_language_hides_its_values(repo: TempRepo) -> None:
    repo.write("web/age.ts", "export const MAX_AGE = 900;\n")
    scene = scene_with(repo, "`MAX_AGE = 900`", ("web/age.ts",))
    repo.write("web/age.ts", "export const MAX_AGE = = 900 {;\n")
    repo.commit("Break")
    assert only(scene).state == "unknown"
