"""Rows meet what is there: of two states of one row the later one stays, and a key keeps one value.

Nothing that an older export says is lost or revived: a fact that was superseded or retracted since stays so,
a working context that was saved since stays as it is, and what was removed here stays away. Versions only
grow. Imports and exports go through here, and dumps say the same in plain SQL.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from agentctx.memory.asserting import refuse_foreign
from agentctx.memory.batches import MIRRORED, Batch, chunks
from agentctx.memory.engine import Session
from agentctx.memory.erasing import remove_as_elsewhere
from agentctx.memory.reading import marks
from agentctx.memory.removals import LATER, admitted
from agentctx.memory.tables import (
    EPISODES,
    FACT_HEADS,
    FACTS,
    NAMESPACES,
    REMOVALS,
    WORKING_CONTEXT,
    Row,
    Table,
)
from agentctx.memory.words import add_rows

_NEWER = (
    " WHERE (COALESCE(excluded.retired_at, excluded.recorded_at) >= COALESCE(facts.retired_at,"
    " facts.recorded_at))"
)
"""A row of the system clock changes when it is recorded and when it is retired, never otherwise."""
_CONFLICTS = {
    REMOVALS: LATER,
    FACTS: FACTS.upsert() + _NEWER,
    WORKING_CONTEXT: f"{WORKING_CONTEXT.upsert()} WHERE excluded.updated_at >= working_context.updated_at",
    FACT_HEADS: (
        "ON CONFLICT (namespace_id, entity, property) DO UPDATE SET version = excluded.version"
        " WHERE excluded.version > fact_heads.version"
    ),
    NAMESPACES: (
        "ON CONFLICT (id) DO UPDATE SET description = excluded.description"
        " WHERE namespaces.description = '' AND excluded.description <> ''"
    ),
}


def conflict(table: Table, mirror: str = "") -> str:
    """The part of an INSERT after its values. Facts of the notes of ``mirror``, the id of a namespace that
    mirrors a history, are as that history has them now.
    """
    said = _CONFLICTS.get(table) or table.upsert()
    if table is FACTS and mirror:
        return f"{said} OR (excluded.namespace_id = '{mirror}' AND {MIRRORED.format('excluded')})"
    return said


def _same_key(one: str, other: str) -> str:
    columns = ("namespace_id", "entity", "property")
    return " AND ".join(f"{one}.{column} = {other}.{column}" for column in columns)


_ACTIVE = f"JOIN facts {{0}} ON {_same_key('{0}', 'f')} AND {{0}}.status = 'active'"
_ORDER = "({0}.valid_at, {0}.recorded_at, {0}.id) < ({1}.valid_at, {1}.recorded_at, {1}.id)"
_SAME = "CAST({0}.value AS text) = CAST({1}.value AS text)"
_KEY = "a.namespace_id, a.entity, a.property"
_AT = "ORDER BY a.valid_at, a.recorded_at, a.id"
_A, _B = _ACTIVE.format("a"), _ACTIVE.format("b")


def settling(chosen: str) -> list[str]:
    """Statements after which the keys of the facts ``f`` that ``chosen`` names have one active fact each, to
    which their heads point.

    Of several one is a contradiction where a surer one of another value was recorded before it. Of those that
    say the same, one after the other, the one that lasts longest stays, and of these the surest. The others
    end where the next one begins, as if each had been asserted when it was recorded.
    """
    said_before = (
        f"SELECT 1 FROM facts d WHERE {_same_key('d', 'a')} AND d.status = 'active'"
        f" AND {_SAME.format('d', 'a')}"
        " AND (d.recorded_at, d.id) < (a.recorded_at, a.id) AND d.confidence >= b.confidence"
    )
    less_sure = (
        f"SELECT a.id FROM facts f {_A} {_B} AND b.confidence > a.confidence"
        f" AND (b.recorded_at, b.id) < (a.recorded_at, a.id) AND NOT {_SAME.format('a', 'b')}"
        f" WHERE {chosen} AND NOT EXISTS ({said_before})"
    )
    several = f"SELECT DISTINCT a.id FROM facts f {_A} {_B} AND a.id <> b.id WHERE {chosen}"
    runs = (
        f"SELECT a.*, ROW_NUMBER() OVER (PARTITION BY {_KEY} {_AT})"
        f" - ROW_NUMBER() OVER (PARTITION BY {_KEY}, CAST(a.value AS text) {_AT}) AS run"
        f" FROM facts a WHERE a.id IN ({several})"
    )
    repeated = (
        f"SELECT a.id AS ended, FIRST_VALUE(a.id) OVER (PARTITION BY {_KEY}, CAST(a.value AS text), a.run"
        " ORDER BY CASE WHEN a.expires_at IS NULL THEN 0 ELSE 1 END, a.expires_at DESC, a.confidence DESC,"
        f" a.recorded_at, a.id) AS best FROM ({runs}) AS a"
    )
    following = (
        f"SELECT DISTINCT a.id AS ended, b.id, b.valid_at, b.recorded_at FROM facts f {_A} {_B}"
        f" AND {_ORDER.format('a', 'b')} WHERE {chosen} AND NOT EXISTS (SELECT 1 FROM facts c"
        f" WHERE {_same_key('c', 'a')} AND c.status = 'active'"
        f" AND {_ORDER.format('a', 'c')} AND {_ORDER.format('c', 'b')})"
    )
    holding = f"SELECT DISTINCT a.id, a.namespace_id, a.entity, a.property FROM facts f {_A} WHERE {chosen}"
    return [
        f"UPDATE facts SET status = 'disputed' WHERE id IN ({less_sure})",
        "UPDATE facts SET status = 'superseded', superseded_by = b.id, invalid_at ="
        " CASE WHEN facts.invalid_at < b.valid_at THEN facts.invalid_at"
        " WHEN facts.valid_at < b.valid_at THEN b.valid_at ELSE facts.valid_at END,"
        " retired_at = CASE WHEN facts.recorded_at > b.recorded_at THEN facts.recorded_at"
        f" ELSE b.recorded_at END FROM ({repeated}) AS n JOIN facts b ON b.id = n.best"
        " WHERE facts.id = n.ended AND n.best <> n.ended",
        "UPDATE facts SET status = 'superseded', superseded_by = n.id,"
        " invalid_at = CASE WHEN facts.invalid_at < n.valid_at THEN facts.invalid_at ELSE n.valid_at END,"
        " retired_at = CASE WHEN facts.recorded_at > n.recorded_at THEN facts.recorded_at"
        f" ELSE n.recorded_at END FROM ({following}) AS n WHERE facts.id = n.ended",
        "UPDATE fact_heads SET fact_id = n.id, version = fact_heads.version + 1"
        f" FROM ({holding}) AS n WHERE {_same_key('fact_heads', 'n')} AND fact_heads.fact_id <> n.id",
    ]


def headed(chosen: str) -> str:
    """A statement after which the keys of the active facts ``f`` that ``chosen`` names have a head each."""
    highest = (
        "SELECT MAX(w.version) FROM working_context w WHERE w.namespace_id = f.namespace_id AND w.key = ''"
    )
    return (
        f"INSERT INTO fact_heads ({', '.join(FACT_HEADS.columns)})"
        f" SELECT f.namespace_id, f.entity, f.property, f.id, 1 + COALESCE(({highest}), 0) FROM facts f"
        f" WHERE f.status = 'active' AND {chosen}"
        " ON CONFLICT (namespace_id, entity, property) DO NOTHING"
    )


@dataclass(frozen=True, slots=True)
class Merge:
    """How rows of one tenant are written beside what is there."""

    tenant: str
    mirror: str = ""
    """See ``conflict``."""
    searched: bool = True
    """There is a search index."""

    def write(self, session: Session, batch: Mapping[Table, Sequence[Row]]) -> int:
        """Write a batch; how many of its rows were removed here and stay away. Raises ``Conflict``."""
        coming, away = self.admitted(session, batch)
        self.put(session, coming)
        return away

    def admitted(self, session: Session, batch: Mapping[Table, Sequence[Row]]) -> tuple[Batch, int]:
        """The rest of a batch after the removals that it brings, without what was removed here before."""
        for part in chunks(remove_as_elsewhere(session, batch.get(REMOVALS, ()))):
            chosen = f"f.id IN ({marks(part)})"
            for statement in (*settling(chosen), headed(chosen)):
                session.run(statement, part)
        rest = {table: rows for table, rows in batch.items() if table is not REMOVALS}
        return admitted(session, self.tenant, rest)

    def put(self, session: Session, batch: Batch) -> None:
        """Write what was admitted; every key of it has one active fact afterwards. Raises ``Conflict``."""
        for table, rows in batch.items():
            if table in (EPISODES, FACTS):
                self._items(session, table, rows)
            else:
                session.insert(table, rows, conflict(table))
            if table in (FACTS, FACT_HEADS):
                place = table.columns.index("id" if table is FACTS else "fact_id")
                for part in chunks(str(row[place]) for row in rows):
                    for statement in settling(f"f.id IN ({marks(part)})"):
                        session.run(statement, part)

    def _items(self, session: Session, table: Table, rows: Sequence[Row]) -> None:
        """Episodes or facts. A row that policies hide is never replaced: it is missed after the writing."""
        there = refuse_foreign(session, table, rows, self.tenant, written=False)
        new = [row for row in rows if row[0] not in there]
        self._put(session, table, new, f"ON CONFLICT ({', '.join(table.key)}) DO NOTHING")
        refuse_foreign(session, table, new, self.tenant, written=True)
        if table.on_repeat != "keep":
            known = [row for row in rows if row[0] in there]
            self._put(session, table, known, conflict(table, self.mirror))

    def _put(self, session: Session, table: Table, rows: Sequence[Row], said: str) -> None:
        if rows and self.searched:
            add_rows(session, table, rows, said)
        elif rows:
            session.insert(table, rows, said)
