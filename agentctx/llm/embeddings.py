"""Texts as vectors, by any OpenAI-compatible ``/v1/embeddings`` endpoint; one batch is one request.

Every text is redacted here, so there is no other way out for it. Addresses, redirects, size and time-outs
are those of every other model (``transport``).
"""

from __future__ import annotations

import json
import math
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from agentctx.errors import ModelFailed, TooLong
from agentctx.hygiene import redact
from agentctx.llm import key_of
from agentctx.llm.transport import Refused, Request, post

if TYPE_CHECKING:
    from agentctx.llm.settings import ProviderSettings

BATCH = 32
"""Texts of one request."""
LENGTHS = (6_000, 1_200)
"""Characters of a text that are sent; the second when a server refuses, as it may refuse long texts."""
_MAYBE_LONG = (400, 413, 422, 500)
_HINT = "agentctx provider embeddings --url URL --model NAME, or --off"


@dataclass(frozen=True, slots=True)
class Embedded:
    """A vector for every text, all of one length, and what they cost."""

    vectors: tuple[tuple[float, ...], ...]
    tokens: int
    """As the server counts; 0 when it does not say."""
    seconds: float


def embed(settings: ProviderSettings, texts: Sequence[str], timeout: float | None = None) -> Embedded:
    """The vectors of a batch, in the order of the texts, within ``timeout`` seconds.

    Raises ``ModelFailed``, or ``Unscanned`` when a text cannot be scanned for secrets; then nothing is sent.
    """
    clean = [redact(text).text or " " for text in texts]
    start = time.monotonic()
    deadline = start + (timeout or settings.timeout)
    for longest in LENGTHS:
        try:
            data = _send(settings, [text[:longest] for text in clean], deadline - time.monotonic())
            break
        except (Refused, TooLong) as refusal:
            fixed = isinstance(refusal, Refused) and refusal.status not in _MAYBE_LONG
            if longest == LENGTHS[-1] or fixed:
                raise
    try:
        reply = json.loads(data)
        vectors = _vectors(reply["data"], len(texts))
    except (ValueError, KeyError, TypeError, RecursionError):
        raise ModelFailed("the server's answer is not a list of embeddings", _HINT) from None
    usage = reply.get("usage")
    tokens = usage.get("prompt_tokens") if isinstance(usage, dict) else 0
    return Embedded(vectors, tokens if isinstance(tokens, int) else 0, time.monotonic() - start)


def _send(settings: ProviderSettings, texts: Sequence[str], left: float) -> bytes:
    key = key_of(settings)
    base, mark, query = settings.url.partition("?")
    base = base.rstrip("/").removesuffix("/embeddings") + "/embeddings"
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    body = {"model": settings.model, "input": list(texts)}
    return post(Request(base + mark + query, body, headers, left, settings.allow_http, key))


def _vectors(data: Any, count: int) -> tuple[tuple[float, ...], ...]:
    """The vectors by their index. Raises ``ValueError``, ``KeyError`` or ``TypeError`` for anything else."""
    found = {item["index"]: tuple(float(x) for x in item["embedding"]) for item in data}
    vectors = tuple(found[i] for i in range(count))
    sizes = {len(vector) for vector in vectors}
    usable = all(math.isfinite(x) for v in vectors for x in v) and all(any(v) for v in vectors)
    if len(found) != count or len(sizes) != 1 or not usable:
        raise ValueError
    return vectors
