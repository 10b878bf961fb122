"""An embedding model of hashed words behind a real HTTP server; synonyms share one place."""

from __future__ import annotations

import hashlib
import json
import re

from bench.scripted_model import Asked, Raw, ScriptedModel

SAME = {"invoice": "bill", "invoices": "bill", "bills": "bill", "purge": "delete", "erase": "delete"}
LENGTH = 64


def vector(text: str, length: int = LENGTH) -> list[float]:
    """Counts of the words, each at a place of its own."""
    found = [0.0] * length
    found[0] = 0.01
    for word in re.findall(r"[a-z]+", text.lower()):
        place = hashlib.sha256(SAME.get(word, word).encode()).digest()
        found[int.from_bytes(place[:4], "big") % length] += 1.0
    return found


def answer(texts: list[str], length: int = LENGTH) -> Raw:
    """The reply of ``/v1/embeddings``, last text first: order is told by the index alone."""
    data = [{"index": i, "embedding": vector(text, length)} for i, text in enumerate(texts)]
    usage = {"prompt_tokens": sum(len(text.split()) for text in texts)}
    return Raw(body=json.dumps({"data": data[::-1], "usage": usage}).encode())


def scripted(length: int = LENGTH) -> ScriptedModel:
    """The server. Every request is in ``requests``."""
    return ScriptedModel(lambda asked: answer(asked.body["input"], length))


def sent(model: ScriptedModel) -> list[str]:
    """Every text that left for the model."""
    return [text for asked in model.requests for text in texts_of(asked)]


def texts_of(asked: Asked) -> list[str]:
    assert asked.path == "/v1/embeddings"
    return list(asked.body["input"])
