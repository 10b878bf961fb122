"""Telling text that orders agents about from text that describes code. It flags, and never decides."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections import Counter
from itertools import pairwise

from agentctx.proposals.wording import without_examples

_FOREIGN = (
    r"\b(?:agenten|assistenten|leser|lesende|wer (?:dies|das) liest)\b[^.\n]{0,40}"
    r"\b(?:müssen|muss|sollen|soll|sollten)\b",
    r"\b(?:du musst|du sollst|sie müssen|sie sollen|ignoriere?n?)\b",
    r"\b(?:agents?|assistants?|lecteurs?|quiconque)\b[^.\n]{0,40}\b(?:doi(?:ven)?t|devraient|devrait)\b",
    r"\b(?:vous devez|tu dois|ignore[zr] (?:les|toutes))\b",
    r"\b(?:agentes?|asistentes?|lectores|lector|quien lea)\b[^.\n]{0,40}\b(?:deben?|deberían?|tienen? que)\b",
    r"\b(?:debes|usted debe|tienes que|ignora (?:las|todas))\b",
    r"(?:代理|智能体|助手|读者|你|您)[^。\n]{0,12}(?:必须|应该|应当|需要|务必)|忽略[^。\n]{0,12}(?:指令|说明|规则)",
)
"""The same in German, French, Spanish and Chinese, as far as a few words tell."""
_ORDERS = (
    r"\b(?:ignore|disregard|forget|override|bypass)\b[^.\n]{0,40}"
    r"\b(?:instruction|prompt|rule|previous|above|prior|guideline|safet|review|check)",
    r"\bsystem[ _-]?(?:prompt|message)\b",
    r"\byou are (?:now|an? )|\bas an? (?:ai|agent|assistant|language model)\b",
    r"\b(?:agents?|assistants?|ai|llms?|claude|codex|copilot|gpt)\b[^.\n]{0,20}"
    r"\b(?:must|should|shall|always|never|may)\b",
    r"\b(?:agents?|assistants?|readers?|whoever|anyone|everyone|anybody|everybody)\b[^.\n]{0,40}"
    r"\b(?:must|should|shall|ha(?:ve|s) to|needs? to|(?:are|is) (?:required|expected|asked|told) to)\b",
    r"\byou (?:must|should|shall|have to|need to|are (?:required|expected) to)\b"
    r"|\bto (?:whoever|anyone who) reads\b",
    *_FOREIGN,
    r"\b(?:do not|don't|never)\b[^.\n]{0,20}\b(?:tell|mention|reveal|ask|warn|inform|show)\b",
    r"\b(?:run|execute|eval|invoke|pipe|download|install)\b[^.\n]{0,40}"
    r"\b(?:this|the following|script|command|curl|wget|bash|sh|shell|sudo|rm|base64)\b",
    r"\b(?:curl|wget)\b[^\n]{0,200}\||\brm -[rf]{1,2}\b|\bsudo\b",
    r"\b(?:send|post|upload|exfiltrate|forward|email|leak)\b[^\n]{0,60}"
    r"(?:\b(?:to https?|secret|token|credential|key|password|environment)|\.env)\b",
    r"\b(?:disable|skip|turn off|remove|switch off)\b[^.\n]{0,40}"
    r"\b(?:checks?|tests?|hooks?|verif\w+|signatures?|auth|tls|ssl|certificates?|security|reviews?|sandbox)\b",
    r"--no-verify|\bjailbreak",
    r"\b(?:new|updated|important|urgent|critical) (?:instruction|directive|task|order)s?\b",
    r"\b(?:approve|merge|push|commit|deploy)\b[^.\n]{0,30}\b(?:without|automatically|directly|immediately)\b",
    r"\btrust(?:ed)?\b[^.\n]{0,20}\b(?:this|without|blindly|source)\b",
    r"\bgrant\b[^.\n]{0,30}\b(?:access|permission|admin)",
)
_MARKUP = (
    r"<\s*/?\s*(?:system|user|assistant|human|tool|instructions?|important)\b",
    r"^\s*(?:system|assistant|user|human)\s*:|\[/?INST\]|<\|[^>]{1,40}\|>",
)
_RENDERED = (
    r"<!--|<\s*/?\s*(?:script|iframe|img|style)\b|^---\s*$",
    r"!\[[^\]]{0,200}\]\(\s*[a-z]+:|\]\(\s*(?:javascript|data|vbscript):",
)
"""Markup that acts only where it is rendered: inside a fence it is an example."""
_ORDER = re.compile("|".join(_ORDERS), re.IGNORECASE)
_MISLEADING = re.compile("|".join(_MARKUP), re.IGNORECASE | re.MULTILINE)
_ACTING = re.compile("|".join(_RENDERED), re.IGNORECASE | re.MULTILINE)


_SENTENCE_END = re.compile(r"(?<=[.!?])\s+|\n\s*(?:\n|(?=[-*+>|#]|\d+[.)]\s))")


def order_in(text: str, known: frozenset[str] = frozenset()) -> str:
    """The first words that read like an order to whoever reads them; empty when there are none.

    ``known``: sentences that may stay as they are, see ``kept_sentences``.
    """
    found = _ORDER.search(text)
    ends = [*(gap.end() for gap in _SENTENCE_END.finditer(text)), len(text)] if found and known else []
    stays = [_plain(text[start:end]) in known for start, end in pairwise([0, *ends])]
    while found and known:
        at = bisect_right(ends, found.start())
        if found.end() > ends[at] or not stays[at]:
            break
        found = _ORDER.search(text, found.start() + 1)
    return " ".join(found[0].split())[:60] if found else ""


def kept_sentences(before: str, after: str) -> frozenset[str]:
    """Sentences that stand in both texts word for word, and no more often than they did."""
    old, new = (Counter(map(_plain, _SENTENCE_END.split(text))) for text in (before, after))
    return frozenset(sentence for sentence in old if sentence and 0 < new[sentence] <= old[sentence])


def _plain(sentence: str) -> str:
    return " ".join(sentence.split())


def misleading_markup_in(text: str) -> str:
    """The first markup that poses as a speaker; empty when there is none."""
    found = _MISLEADING.search(text)
    return found[0].strip()[:30] if found else ""


def acting_markup_in(text: str) -> Counter[str]:
    """Markup that hides text or loads something where the text is rendered; examples in fences do not."""
    return Counter(found[0].strip()[:30] for found in _ACTING.finditer(without_examples(text)))
