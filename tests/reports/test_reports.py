"""Every format: valid for its reader, and deaf to what titles, paths, commits and code say to it."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from html import unescape

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentctx.model import Checked, Finding
from agentctx.reports import FORMATS, report
from agentctx.reports.base import uri
from agentctx.reports.comment import LONGEST, MARK
from agentctx.text import hidden_characters
from tests.reports.schemas import CHECK, CODE_QUALITY, SARIF

STALE = Finding(
    note="tax",
    anchor="src/money.py#add_tax",
    state="stale",
    severity="error",
    reason="signature of `add_tax` changed: parameter `rate` added, in 1234567 by Bob on 2026-03-01 'Rates'",
    settle="agentctx verify tax",
    title="Tax is rounded once",
    path="agent-context/gotchas/tax.md",
    line=5,
    code_path="src/money.py",
    code_line=4,
    diff="--- a/src/money.py#add_tax\n+++ b/src/money.py#add_tax\n"
    "@@ -1 +1 @@\n-def add_tax(a):\n+def add_tax(a, b):",
)
OLD = replace(STALE, note="old", severity="info", known=True)
CHECKED = Checked("b" * 40, "a" * 40, "c" * 40, findings=(STALE, OLD))

HOSTILE = (
    "::error::x", "\n::set-output name=a::b", "%0A::warning::", "a%b", "`````", "</details><script>", "<!--",
    MARK, "@admin", "#12", "https://evil.example", "www.evil.example", "![x](y)", "[a](javascript:x)", "a|b",
    "\u202egnp", "\u200b", "\U000e0041", "\x1b[31mred", "\x1b]0;title\x07", "\r\n- item", "\udcff", "a,b:c",
    "&lt;b&gt;", "```diff", "~~~", "\u2028", "$(id)", "${{ secrets.X }}", "\x85", "\x00",
)  # fmt: skip
TEXTS = st.lists(
    st.one_of(st.sampled_from(HOSTILE), st.text(max_size=12), st.just("word")), min_size=1, max_size=4
).map("".join)
PATHS = TEXTS.map(lambda text: text.replace("\x00", "") or "x")


@st.composite
def findings(draw: st.DrawFn) -> Finding:
    code = draw(st.booleans())
    return Finding(
        note=draw(TEXTS),
        anchor=draw(TEXTS),
        state=draw(st.sampled_from(CHECK["properties"]["findings"]["items"]["properties"]["state"]["enum"])),
        severity=draw(st.sampled_from(("error", "warning", "info"))),
        reason=draw(TEXTS),
        settle=draw(st.sampled_from(("agentctx verify x", "agentctx sync --no-model", "edit 'a b'"))),
        title=draw(TEXTS),
        path=draw(PATHS),
        line=draw(st.integers(1, 9)),
        code_path=draw(PATHS) if code else "",
        code_line=draw(st.integers(1, 9)) if code else 0,
        diff=draw(TEXTS),
        known=draw(st.booleans()),
    )


CHECKS = st.lists(findings(), max_size=3).map(lambda found: Checked("b", "a", "c", findings=tuple(found)))


@given(CHECKS, st.sampled_from(sorted(FORMATS)))
def test_every_report_is_utf_8_and_the_same_twice(checked: Checked, name: str) -> None:
    text = report(name)(checked)
    assert text.encode("utf-8") == report(name)(checked).encode("utf-8")
    assert text == "" or text.endswith("\n")


@given(CHECKS, st.sampled_from(["text", "github", "comment"]))
def test_nothing_hidden_reaches_a_reader(checked: Checked, name: str) -> None:
    assert hidden_characters(report(name)(checked)) == []


@given(CHECKS)
def test_the_json_has_its_documented_shape_and_loses_nothing(checked: Checked) -> None:
    found = json.loads(report("json")(checked))
    jsonschema.validate(found, CHECK)
    assert [f["path"] for f in found["findings"]] == [f.path for f in checked.findings]


@given(CHECKS)
def test_sarif_is_valid_and_points_at_its_rules(checked: Checked) -> None:
    found = json.loads(report("sarif")(checked))
    jsonschema.validate(found, SARIF, format_checker=jsonschema.FormatChecker())
    (run,) = found["runs"]
    rules = [rule["id"] for rule in run["tool"]["driver"]["rules"]]
    assert all(rules[result["ruleIndex"]] == result["ruleId"] for result in run["results"])


@given(CHECKS)
def test_code_quality_is_valid_and_its_fingerprints_are_unique(checked: Checked) -> None:
    found = json.loads(report("gitlab")(checked))
    jsonschema.validate(found, CODE_QUALITY)
    assert len({entry["fingerprint"] for entry in found}) == len(found)


def test_fingerprints_do_not_change_with_lines_reasons_or_order() -> None:
    later = replace(STALE, line=90, code_line=70, reason="another", title="renamed", diff="")

    def prints(*findings: Finding) -> list[str]:
        text = report("gitlab")(replace(CHECKED, findings=findings))
        return [entry["fingerprint"] for entry in json.loads(text)]

    other = replace(STALE, note="other")
    assert prints(STALE) == prints(later)
    assert prints(STALE, other) == prints(other, STALE)[::-1]


@given(CHECKS)
def test_a_workflow_command_is_one_line_and_nobody_elses(checked: Checked) -> None:
    lines = report("github")(checked).splitlines()
    mine = [finding for finding in checked.findings if not finding.known]
    assert len(lines) == len(mine) + (len(mine) < len(checked.findings))
    for line in lines:
        command = re.fullmatch(r"::(error|warning|notice) ((?:[a-z]+=[^:,]*,?)+)::(.*)", line)
        assert command is not None, line
        assert not re.search(r"%(?!25|0A|0D|3A|2C)", command[2] + command[3])


def test_an_annotation_stands_on_the_changed_code_and_names_the_command() -> None:
    first, second = report("github")(CHECKED).splitlines()
    assert first.startswith("::error file=src/money.py,line=4,title=note is stale::note tax (Tax is rounded")
    assert first.endswith("%0Achange the note, or if it is still true: agentctx verify tax")
    assert second == "::notice title=notes::false before this branch already: old"


@pytest.mark.parametrize(
    ("path", "escaped"),
    [
        ("src/a b.py", "src/a%20b.py"),
        ("a:b/c.py", "./a%3Ab/c.py"),
        ("100%.md", "100%25.md"),
        ("caf\u00e9.md", "caf%C3%A9.md"),
        ("lat\udce9n.md", "lat%E9n.md"),
        ("a\nb.md", "a%0Ab.md"),
    ],
)
def test_a_path_is_a_relative_uri(path: str, escaped: str) -> None:
    assert uri(path) in (escaped, escaped.removeprefix("./"))


# ----------------------------------------------------------------------------- the comment


FENCE = re.compile(r"^(`{3,})(?:diff|sh)\n(.*?)^\1$", re.DOTALL | re.MULTILINE)


@given(CHECKS)
def test_other_peoples_words_are_inert_in_a_comment(checked: Checked) -> None:
    text = report("comment")(checked)
    assert text.startswith(MARK + "\n")
    prose = FENCE.sub("", text)
    assert prose.count(MARK) == 1
    assert not re.search(
        r"(?<!&)@|https?://|(?i:www\.)|\[|\]|!|\\|\||~|\$", re.sub("<!--[ a-z]+-->", " ; ", prose)
    )
    ours = r"</?(?:code|details|summary|sub)>|<!-- -->|" + re.escape(MARK)
    assert "<" not in re.sub(ours, "", prose)
    assert "`" not in prose.replace("`agentctx check`", "")
    shown = [line for line in prose.splitlines() if line.startswith(("#", "-", ">", "=", "+"))]
    assert all(line.startswith("### ") for line in shown)


@given(TEXTS)
def test_a_diff_cannot_leave_its_fence(diff: str) -> None:
    finding = replace(STALE, diff=f"--- a\n+++ b\n{diff}\n```\n````\n</details>\n")
    text = report("comment")(replace(CHECKED, findings=(finding,)))
    opened = re.search(r"^(`{3,})diff$", text, re.MULTILINE)
    assert opened is not None
    inside = text[opened.end() :].split(f"\n{opened[1]}\n")[0]
    assert "</details>" in inside
    assert text[opened.end() + len(inside) :].startswith(f"\n{opened[1]}\n\n</details>\n")


def test_the_words_of_a_comment_read_as_they_were_written() -> None:
    text = unescape(re.sub(r"<!-- -->|</?code>", "", report("comment")(CHECKED)))
    assert "**This change makes 1 note false.**" in text
    assert "### stale: tax Tax is rounded once" in text
    assert "Why: signature of add_tax changed: parameter rate added, in 1234567 by Bob" in text
    assert "```diff\n--- a/src/money.py#add_tax" in text
    assert "```sh\nagentctx verify tax\n```" in text
    assert "False before this branch already, and no reason to stop it: old." in text


def test_a_branch_that_settled_everything_turns_its_comment_into_good_news() -> None:
    text = report("comment")(replace(CHECKED, findings=()))
    assert text.startswith(f"{MARK}\n\n**This change leaves every note true.**")


def test_a_comment_stays_within_what_a_forge_takes() -> None:
    many = tuple(replace(STALE, note=f"note-{n}", diff="+x\n" * 9_000) for n in range(300))
    text = report("comment")(replace(CHECKED, findings=many))
    assert LONGEST / 2 < len(text) < LONGEST + 2_000
    assert re.search(r"\d+ more: `agentctx check` prints all of them\.", text)


# ----------------------------------------------------------------------------- the text


@given(CHECKS)
def test_every_line_of_the_text_is_a_finding_or_belongs_to_one(checked: Checked) -> None:
    lines = report("text")(checked).splitlines()
    heads = [line for line in lines if not line.startswith(" ")]
    assert len(heads) == len(checked.findings)
    assert all(re.match("(error|warning|info|before) ", head) for head in heads)
