"""Episodes and facts by what they mean: vectors beside them, compared here; none unless a model is set."""

from __future__ import annotations

import base64
from collections.abc import Iterator, Sequence
from typing import Any

from agentctx.memory.base import Window
from agentctx.memory.engine import Session
from agentctx.memory.reading import shown_of
from agentctx.memory.tables import EMBEDDINGS

COMPARED = 20_000
"""The newest vectors that one recall compares with its query; older texts are found by their words."""
_PAGE = 2_000
_MISSING = (
    "SELECT id, {text} FROM {table} AS t"
    " WHERE tenant_id = ? AND id > ? AND (expires_at IS NULL OR expires_at > ?)"
    " AND NOT EXISTS (SELECT 1 FROM embeddings e WHERE e.owner_id = t.id AND e.model = ?) ORDER BY id LIMIT ?"
)
_TEXTS = {"facts": "entity || ' ' || property || ' ' || statement", "episodes": "content"}


def without_vector(
    session: Session, tenant: str, model: str, now: str, after: str, limit: int
) -> list[tuple[str, str]]:
    """(id, text) of live texts that ``model`` has not seen, by id, from behind ``after``."""
    found: list[tuple[str, str]] = []
    for table, text in _TEXTS.items():
        sql = _MISSING.format(text=text, table=table)
        found += [(ident, said) for ident, said in session.rows(sql, (tenant, after, now, model, limit))]
    return sorted(found)[:limit]


def keep_vectors(
    session: Session, tenant: str, model: str, vectors: Sequence[tuple[str, Sequence[float]]]
) -> None:
    """Keep the vectors of texts by id, made unit vectors."""
    import numpy as np

    rows = []
    for ident, vector in vectors:
        unit = np.array(vector, np.float64)
        unit /= np.linalg.norm(unit)
        rows.append((ident, model, tenant, base64.b64encode(unit.astype("<f2").tobytes()).decode()))
    session.insert(EMBEDDINGS, rows, EMBEDDINGS.upsert())


def nearest(
    session: Session, spaces: dict[str, str], tenant: str, model: str, query: Sequence[float], window: Window
) -> list[str]:
    """Ids of what the window shows among the newest ``COMPARED`` texts, nearest to the query first.

    Vectors of another length than the query's are of another model, and are passed over.
    """
    scored: list[tuple[float, str]] = []
    for owners, matrix in _pages(session, tenant, model, len(query)):
        scored += zip((matrix @ query).tolist(), owners, strict=True)
    scored.sort(reverse=True)
    found: list[str] = []
    for start in range(0, len(scored), 4 * window.limit):
        part = [ident for _, ident in scored[start : start + 4 * window.limit]]
        seen = {candidate.id for candidate in shown_of(session, spaces, part, window)}
        found += [ident for ident in part if ident in seen]
        if len(found) >= window.limit:
            break
    return found


def _pages(session: Session, tenant: str, model: str, length: int) -> Iterator[tuple[list[str], Any]]:
    import numpy as np

    last = "ffffffff-ffff-ffff-ffff-ffffffffffff"
    sql = (
        "SELECT owner_id, vector FROM embeddings WHERE tenant_id = ? AND model = ? AND owner_id < ?"
        " ORDER BY owner_id DESC LIMIT ?"
    )
    for _ in range(0, COMPARED, _PAGE):
        rows = session.rows(sql, (tenant, model, last, _PAGE))
        if not rows:
            return
        last = rows[-1][0]
        held = [(ident, base64.b64decode(text)) for ident, text in rows]
        usable = [(ident, data) for ident, data in held if len(data) == 2 * length]
        if usable:
            joined = b"".join(data for _, data in usable)
            matrix = np.frombuffer(joined, "<f2").reshape(-1, length).astype(np.float32)
            yield [ident for ident, _ in usable], matrix
