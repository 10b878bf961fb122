"""``comment``: the text of one pull request comment in Markdown.

Its first line is a hidden mark by which the next run finds the comment and replaces it. Words of other
people are inert in it: no markup, no mention of a person, no reference to an issue, no link.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from agentctx.model import Checked, Finding
from agentctx.reports.base import block, plain, verb
from agentctx.reports.text import summary

MARK = "<!-- agentctx check -->"
LONGEST = 60_000
"""Characters of the whole comment; forges refuse much more."""
LONGEST_DIFF = 4_000

_WORD = re.compile(r"[A-Za-z0-9 ,.'/()-]|[^\x00-\x7f]")
_BREAK = "<!-- -->"
_FENCE = re.compile("`+")


def render(checked: Checked) -> str:
    """The comment. Without findings it says so, for a comment that is there from an earlier run."""
    mine = [finding for finding in checked.findings if not finding.known]
    older = [finding for finding in checked.findings if finding.known]
    parts = [MARK, _headline(mine), *_sections(mine)]
    if older:
        listed = ", ".join(dict.fromkeys(_code(finding.note) for finding in older[:20]))
        parts.append(f"False before this branch already, and no reason to stop it: {listed}.")
    parts.append(f"<sub>{_inert(summary(checked))}</sub>")
    return "\n\n".join(parts) + "\n"


def _headline(findings: list[Finding]) -> str:
    notes = len({finding.note for finding in findings if finding.severity == "error"})
    doubtful = len({finding.note for finding in findings}) - notes
    if not findings:
        return "**This change leaves every note true.**"
    if not notes:
        return f"**{_notes(doubtful)} may need a look because of this change.**"
    more = f" {_notes(doubtful)} more may need a look." if doubtful else ""
    return f"**This change makes {_notes(notes)} false.**{more}"


def _notes(count: int) -> str:
    return f"{count} note{'' if count == 1 else 's'}"


def _sections(findings: list[Finding]) -> Iterator[str]:
    """A section a finding while there is room: first diffs are left out, then findings, which are counted."""
    room = LONGEST
    for at, finding in enumerate(findings):
        text = _section(finding, finding.diff)
        if len(text) > room / 2:
            text = _section(finding, "")
        if len(text) > room - 2_000:
            yield f"{len(findings) - at} more: `agentctx check` prints all of them."
            return
        room -= len(text)
        yield text


def _section(finding: Finding, diff: str) -> str:
    title = f" {_inert(finding.title)}" if finding.title else ""
    lines = [f"### {finding.state}: {_code(finding.note)}{title}", "", f"Why: {_prose(finding.reason)}", ""]
    places = [f"Note: {_code(f'{finding.path}:{finding.line}')}"]
    if finding.code_path:
        places.append(f"code: {_code(f'{finding.code_path}:{finding.code_line}')}")
    lines += [", ".join(places), ""]
    if diff:
        shown = block(diff)
        cut = shown if len(shown) <= LONGEST_DIFF else shown[:LONGEST_DIFF] + "\n(cut)"
        lines += ["<details><summary>What changed</summary>", "", _fenced(cut, "diff"), "", "</details>", ""]
    return "\n".join([*lines, f"{verb(finding).capitalize()}:", "", _fenced(plain(finding.settle), "sh")])


def _fenced(text: str, language: str) -> str:
    """A code block that its text cannot close."""
    longest = max((len(run) for run in _FENCE.findall(text)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}{language}\n{text}\n{fence}"


def _code(text: str) -> str:
    """Words in code, in which a forge looks for no people and no issues."""
    return f"<code>{_inert(text)}</code>"


def _prose(text: str) -> str:
    """A sentence of ours with names in back quotes and other people's words in it."""
    pieces = plain(text).split("`")
    return "".join(
        f"<code>{_escaped(piece)}</code>" if at % 2 else _escaped(piece) for at, piece in enumerate(pieces)
    )


def _inert(text: str) -> str:
    """Text without any markup, mention, reference or link, on one line."""
    return _escaped(plain(text))


def _escaped(text: str) -> str:
    """What could be markup as character references; what a forge makes a link of is cut in two."""
    text = "".join(c if _WORD.fullmatch(c) else f"&#{ord(c)};" for c in text)
    for mark in ("&#64;", "&#35;"):
        text = text.replace(mark, mark + _BREAK)
    text = text.replace("//", f"{_BREAK}//")
    return re.sub(r"(?i)(www)(?=\.)", rf"\1{_BREAK}", text)
