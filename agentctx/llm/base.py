"""What every language model looks like from here: one prompt in, one JSON answer out, no tools, no memory."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from agentctx.errors import ModelFailed, Unusable
from agentctx.hygiene import Finding, redact
from agentctx.text import count_tokens, strip_hidden

ANSWER_LIMIT = 1_000_000
"""Characters of the longest answer that is looked at."""


@dataclass(frozen=True, slots=True)
class Prompt:
    """Text on its way to a model. It is clean by construction: making one redacts every secret in it.

    Providers accept nothing but a ``Prompt``, so there is no other way out. Raises ``Unscanned`` when the
    text cannot be scanned; then there is no prompt, and nothing is sent.
    """

    system: str
    user: str
    version: str = ""
    """Version of the template that made it; part of provenance and of cache keys."""
    findings: tuple[Finding, ...] = field(default=(), init=False)
    """What was redacted, by kind and line, without values."""

    def __post_init__(self) -> None:
        system, user = redact(self.system), redact(self.user)
        object.__setattr__(self, "system", system.text)
        object.__setattr__(self, "user", user.text)
        object.__setattr__(self, "findings", system.findings + user.findings)


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back: the text, the JSON object in it, and what it cost."""

    text: str
    data: Any
    """The parsed JSON value; its shape is not checked here."""
    model: str
    """The one that answered, by the answer's own word where it gives one."""
    tokens_in: int = 0
    """0 when the provider does not say; the same for ``tokens_out``."""
    tokens_out: int = 0
    seconds: float = 0.0


class Provider(Protocol):
    """A language model. Implementations keep no state between calls but what the server refused."""

    @property
    def model(self) -> str:
        """The model's name as configured; part of provenance and of cache keys."""
        ...

    def complete(self, prompt: Prompt, schema: Mapping[str, Any]) -> Answer:
        """Ask once. ``schema`` (JSON Schema) constrains the answer where the provider can do that.

        Raises ``Unusable`` when the model answered and said nothing usable, else ``ModelFailed``, each with
        a sentence that says what to do.
        """
        ...


def answering(told: Any, asked: str) -> str:
    """The name of the model that answered: what the answer itself says, else the one that was asked."""
    name = " ".join(strip_hidden(told).split()) if isinstance(told, str) else ""
    return name.encode("utf-8", "replace").decode()[:100] or asked


def tokens_of(prompt: Prompt, schema: Mapping[str, Any]) -> int:
    """Tokens that a question will cost, the form of its answer with it: an estimate to the high side."""
    return sum(count_tokens(text) for text in (prompt.system, prompt.user, json.dumps(schema)))


def read_json(text: str) -> Any:
    """The JSON value in a model's text: bare, fenced, or behind thinking and small talk.

    Raises ``Unusable`` when there is none, when it is cut off, or when the text is too long.
    """
    if len(text) > ANSWER_LIMIT:
        raise Unusable(f"the model's answer has {len(text)} characters, over the limit of {ANSWER_LIMIT}")
    bare = re.sub(r"^\s*<think>.*?</think>", "", text, count=1, flags=re.DOTALL).strip()
    fence = re.search(r"```(?:json)?[ \t]*\n(.*?)\n[ \t]*```", bare, re.DOTALL)
    start, end = bare.find("{"), bare.rfind("}")
    for candidate in (bare, fence[1] if fence else "", bare[start : end + 1] if 0 <= start < end else ""):
        try:
            return json.loads(candidate)
        except (ValueError, RecursionError):
            continue
    raise Unusable(
        "the model's answer is not JSON" + (" (it is empty)" if not bare else ""),
        "try again, or set a model that can answer in JSON: agentctx provider set",
    )


def read_reply(data: bytes) -> Any:
    """The JSON that a server sent around the model's text. Raises ``ModelFailed`` when it sent no JSON."""
    try:
        return read_json(data.decode("utf-8", "replace"))
    except Unusable as error:
        raise ModelFailed("the server's answer is not JSON", "check the address of the provider") from error


def spelled_out(user: str, schema: Mapping[str, Any]) -> str:
    """The user's part with the schema in words, for models whose decoding cannot be constrained."""
    form = json.dumps(schema, separators=(",", ":"))
    return f"{user}\n\nAnswer with one JSON object valid under this JSON Schema, and nothing else:\n{form}"
