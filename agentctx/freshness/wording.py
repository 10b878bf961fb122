"""What changed between two texts of one symbol, in words a stranger can follow."""

from __future__ import annotations

import difflib
import re

from agentctx.model import Commit, DriftState, Symbol

_LONGEST = 60
_ASSIGNED = r"(?:=\s*(?:async\b\s*)?(?:function\b[\s*\w$]*)?(?:<[^>()]*>)?\s*)?"
_SHIFTED = "others came before it, or went"
_OPENING, _CLOSING = "([{<", ")]}>"


def changed(name: str, state: DriftState, old: tuple[Symbol, str] | None, new: tuple[Symbol, str]) -> str:
    """ "signature of `Invoice.total` changed: parameter `rate` added", or the values of a constant."""
    label = f"`{name}`"
    if old is not None and new[0].value and old[0].value and old[0].value != new[0].value:
        then, now = _short(old[0].value), _short(new[0].value)
        why = f": {_SHIFTED}" if old[1] == new[1] else ""
        return f"{label} {then} -> {now}{why}" if then != now else f"value of {label} changed inside: {then}"
    if old is not None and old[1] == new[1] and new[0].kind == "constant" and state == "body":
        return f"number of {label} changed: {_SHIFTED}"
    part = {"signature": "signature", "body": "body", "docstring": "docstring"}.get(state, "code")
    detail = signature_words(old[1], new[1], name) if old is not None and state == "signature" else ""
    return f"{part} of {label} changed" + (f": {detail}" if detail else "")


def signature_words(old: str, new: str, name: str) -> str:
    """Which parameters, decorators or results came, went or changed; empty when it cannot be told."""
    simple = re.split(r"[.:#]+", name)[-1]
    before, after = _parameters(old, simple), _parameters(new, simple)
    if any("=>" in text and not found for text, found in ((old, before), (new, after))):
        before = after = {}  # an arrow function without parentheses
    words = [f"parameter `{p}` added" for p in after if p not in before]
    words += [f"parameter `{p}` removed" for p in before if p not in after]
    words += [f"parameter `{p}` changed" for p in after if p in before and before[p] != after[p]]
    if not words and list(before) != list(after):
        words.append("parameters in another order")
    marks_before, marks_after = _decorators(old), _decorators(new)
    words += [f"`{_short(m)}` added" for m in marks_after if m not in marks_before]
    words += [f"`{_short(m)}` removed" for m in marks_before if m not in marks_after]
    return ", ".join(words[:4])


def when(commits: tuple[Commit, ...], uncommitted: bool) -> str:
    """ "in 3f2a1bc by Bob on 2026-03-01 'Add rates'", with the number of earlier commits."""
    if uncommitted and not commits:
        return "not committed yet"
    if not commits:
        return ""
    first = commits[0]
    text = f"in {first.id[:7]} by {first.author} on {first.date[:10]} '{_short(first.subject)}'"
    more = len(commits) - 1
    text += f" and {more} earlier commit{'s' if more > 1 else ''}" if more else ""
    return text + (", and in uncommitted edits" if uncommitted else "")


def symbol_diff(old: str, new: str, label: str) -> str:
    """Unified diff of the symbol alone."""
    lines = difflib.unified_diff(
        old.splitlines(), new.splitlines(), f"a/{label}", f"b/{label}", n=3, lineterm=""
    )
    return "\n".join(lines)


def lines_of(symbol: Symbol, source: bytes) -> str:
    """The source text of a symbol."""
    lines = source.decode("utf-8", "replace").splitlines()
    return "\n".join(lines[symbol.start_line - 1 : symbol.end_line])


def _parameters(source: str, simple: str) -> dict[str, str]:
    """Name -> text of each parameter in the first parentheses behind the symbol's name."""
    found = re.search(rf"\b{re.escape(simple)}\s*(?:<[^>()]*>|\[[^\]()]*\])?\s*{_ASSIGNED}\(", source)
    if found is None:
        return {}
    parts, depth, start = [], 1, found.end()
    at = start
    while at < len(source) and depth:
        char = source[at]
        if char in _OPENING[:3]:
            depth += 1
        elif char in _CLOSING[:3]:
            depth -= 1
        if (char == "," and depth == 1) or depth == 0:
            parts.append(source[start:at])
            start = at + 1
        at += 1
    texts = [re.sub(r"\s+", " ", re.sub(r"#[^\n]*", "", part)).strip() for part in parts]
    return {_parameter_name(text): text.replace("'", '"') for text in texts if text}


def _parameter_name(text: str) -> str:
    found = re.match(r"[*.&\s]*(?:mut\s+)?([A-Za-z_$][\w$]*)", text)
    typed = re.match(r"(?:final\s+)?[\w.<>\[\], ?]+\s+([A-Za-z_]\w*)$", text)
    return typed[1] if typed and ":" not in text else found[1] if found else text


def _decorators(source: str) -> list[str]:
    found = []
    for line in source.splitlines():
        stripped = line.strip()
        if stripped.startswith(("@", "#[")):
            found.append(stripped)
        elif re.match(r"(async\s+)?(def|class|function|fn|public|private|export)\b", stripped):
            break
    return found


def _short(text: str) -> str:
    text = " ".join(text.split())
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"
