"""Where the gate says that a finding is, and whether its command settles it."""

from __future__ import annotations

import re

import pytest

from tests.flows.test_disarmed_gate import BROKEN, NOTE, OLDER, RECORD, TOKENS
from tests.flows.test_disarmed_gate import shop as a_verified_note
from tests.flows.test_gate import check, verify
from tests.repository import TempRepo

shop = a_verified_note
HOLED = TOKENS.replace("str(MAX_AGE))", "str(MAX_AGE)")


def test_code_that_does_not_parse_is_what_has_to_be_mended(shop: TempRepo) -> None:
    shop.commit("Slip", {"src/tokens.py": HOLED})
    (finding,) = check(shop, "HEAD")["findings"]
    assert (finding["anchor"], finding["state"]) == ("src/tokens.py#issue_token", "unknown")
    assert (finding["severity"], finding["settle"]) == ("warning", '"${EDITOR:-vi}" +5 src/tokens.py')
    assert (finding["code_path"], finding["code_line"]) == ("src/tokens.py", 5)
    text = shop.agentctx("check", "--base", "main", "--head", "HEAD").stdout
    assert text.count('-> mend the code: "${EDITOR:-vi}" +5 src/tokens.py\n') == 1
    comment = shop.agentctx("check", "--base", "main", "--head", "HEAD", "--format", "comment").stdout
    assert comment.count("\nMend the code:\n") == 1
    shop.commit("Mend it", {"src/tokens.py": TOKENS})
    assert check(shop, "HEAD")["findings"] == []


def test_a_record_of_another_scheme_is_settled_by_verifying(shop: TempRepo) -> None:
    record = re.sub(r"^  \d+ sig:", "  99 sig:", (shop.root / RECORD).read_text(), flags=re.MULTILINE)
    shop.commit("From a later version", {RECORD: record})
    (finding,) = check(shop, "HEAD")["findings"]
    assert (finding["state"], finding["settle"]) == ("unknown", "agentctx verify tokens")
    assert "`agentctx verify`" in finding["reason"]
    verify(shop, "tokens")
    assert check(shop)["findings"] == []


def test_an_anchor_that_names_nothing_is_settled_in_the_note(shop: TempRepo) -> None:
    shop.commit(
        "Another", {NOTE.replace("tokens", "new"): "---\ntitle: T\nanchors:\n  - src/no.py\n---\nT.\n"}
    )
    (finding,) = check(shop, "HEAD")["findings"]
    assert (finding["state"], finding["code_path"]) == ("unknown", "")
    assert finding["settle"] == '"${EDITOR:-vi}" agent-context/gotchas/new.md'


@pytest.mark.parametrize("head", ["", "HEAD"], ids=["on disk", "committed"])
def test_a_claim_about_a_constant_has_its_place_and_its_diff(shop: TempRepo, head: str) -> None:
    shop.commit("Longer", {"src/tokens.py": "# Tokens.\n" + OLDER})
    (finding,) = [f for f in check(shop, head, code=1)["findings"] if f["state"] == "stale"]
    assert (finding["anchor"], finding["path"], finding["line"]) == ("MAX_AGE = 900", NOTE, 7)
    assert (finding["code_path"], finding["code_line"]) == ("src/tokens.py", 2)
    assert finding["diff"].splitlines()[2:] == ["@@ -1 +1 @@", "-MAX_AGE = 900", "+MAX_AGE = 1800"]


def test_a_constant_that_went_to_another_file_is_found_there(shop: TempRepo) -> None:
    rest = TOKENS.replace("MAX_AGE = 900\n", "from src.settings import MAX_AGE\n")
    shop.commit("Settings", {"src/tokens.py": rest, "src/settings.py": "# Settings.\nMAX_AGE = 1800\n"})
    (finding,) = [f for f in check(shop, "HEAD", code=1)["findings"] if f["anchor"] == "MAX_AGE = 900"]
    assert (finding["code_path"], finding["code_line"]) == ("src/settings.py", 2)
    assert "+MAX_AGE = 1800" in finding["diff"]


def test_a_name_that_is_gone_shows_what_was_taken_away(shop: TempRepo) -> None:
    shop.git("checkout", "-q", "main")
    text = (shop.root / NOTE).read_text() + "They end with `other()`.\n"
    shop.write(NOTE, text)
    verify(shop, "tokens")
    shop.commit("Say more")
    shop.git("checkout", "-q", "-B", "feature")
    shop.commit("Drop it", {"src/tokens.py": BROKEN[: BROKEN.index("def other")]})
    (finding,) = [f for f in check(shop, "HEAD", code=1)["findings"] if f["anchor"] == "other()"]
    assert (finding["state"], finding["code_path"]) == ("suspect", "src/tokens.py")
    assert "-def other():" in finding["diff"]
