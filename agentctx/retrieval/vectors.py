"""What notes mean, as unit vectors by the digest of their words: kept as one document, half precision.

The document is a line that names the form, a checksum, (count, length), the keys, the rows. Whatever is not
exactly that is no document: vectors can always be asked for again.
"""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from agentctx.model import Note

_FORM = b"agentctx vectors 1\n"
_KEY = 16
_HEAD = struct.Struct("<II")


def text_of(note: Note) -> str:
    """The words of a note that a vector stands for."""
    return f"{note.title}\n\n{note.body}"


def key_of(model: str, note: Note) -> bytes:
    """Names the vector of these words by this model: another text or model is another vector."""
    words = f"{model}\0{text_of(note)}".encode("utf-8", "surrogatepass")
    return hashlib.sha256(words).digest()[:_KEY]


@dataclass(frozen=True, slots=True)
class Vectors:
    """Unit vectors of one length by key."""

    rows: Mapping[bytes, int] = field(default_factory=dict)
    matrix: Any = None
    """Shape (vectors, length), float16; None without any."""

    @property
    def length(self) -> int:
        """Numbers in one vector; 0 without any."""
        return int(self.matrix.shape[1]) if self.rows else 0

    def also(self, found: Mapping[bytes, Sequence[float]], keep: Iterable[bytes]) -> Vectors:
        """The kept ones with the new ones; new ones of another length replace all."""
        import numpy as np

        if not found:
            kept = [key for key in dict.fromkeys(keep) if key in self.rows]
            rows = [self.rows[key] for key in kept]
            return Vectors({key: i for i, key in enumerate(kept)}, self.matrix[rows]) if kept else Vectors()
        new = np.array(list(found.values()), dtype=np.float64)
        new /= np.linalg.norm(new, axis=1, keepdims=True)
        old = self.also({}, (key for key in keep if key not in found))
        parts = [old.matrix] if old.length == new.shape[1] else []
        keys = [*(old.rows if parts else ()), *found]
        return Vectors(
            {key: i for i, key in enumerate(keys)}, np.concatenate([*parts, new.astype(np.float16)])
        )

    def nearest(self, query: Sequence[float], notes: Mapping[str, bytes]) -> list[str]:
        """Ids of the notes (id -> key) that have a vector, nearest to the query first.

        Empty when the query's vector has another length, thus another model.
        """
        known = [(id, self.rows[key]) for id, key in notes.items() if key in self.rows]
        if not known or len(query) != self.length:
            return []
        import numpy as np

        scores = self.matrix[[row for _, row in known]].astype(np.float32) @ np.array(query, np.float32)
        return [known[i][0] for i in np.argsort(-scores, kind="stable")]

    def to_bytes(self) -> bytes:
        """The document."""
        rest = _HEAD.pack(len(self.rows), self.length) + b"".join(self.rows)
        rest += self.matrix.astype("<f2").tobytes() if self.rows else b""
        return _FORM + hashlib.sha256(rest).digest() + rest

    @classmethod
    def from_bytes(cls, data: bytes) -> Vectors:
        """The vectors of a document; none when it is damaged or of another form."""
        start = len(_FORM) + 32
        rest = data[start:]
        if not data.startswith(_FORM) or data[len(_FORM) : start] != hashlib.sha256(rest).digest():
            return cls()
        count, length = _HEAD.unpack_from(rest)
        if not count:
            return cls()
        import numpy as np

        body = _HEAD.size + count * _KEY
        keys = {rest[i : i + _KEY]: n for n, i in enumerate(range(_HEAD.size, body, _KEY))}
        return cls(keys, np.frombuffer(rest, "<f2", offset=body).reshape(count, length))
