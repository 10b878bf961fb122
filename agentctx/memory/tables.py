"""The tables as one description: everything that writes SQL (stores, dump, bulk load) names a column once.

A row is a tuple of str, int, float and None in the order of ``Table.columns``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Value = str | int | float | None
Row = tuple[Value, ...]


@dataclass(frozen=True, slots=True)
class Table:
    """One table: its columns in writing order, its key, and what a second write of the same key does."""

    name: str
    columns: tuple[str, ...]
    key: tuple[str, ...]
    on_repeat: Literal["keep", "replace", "version"]
    """``keep`` the row that is there, ``replace`` it, or replace it and count ``version`` up on a change."""
    watched: str = ""
    """For ``version``: the column whose change counts."""

    def upsert(self) -> str:
        """The part of an INSERT after its values."""
        target = f"ON CONFLICT ({', '.join(self.key)})"
        if self.on_repeat == "keep":
            return f"{target} DO NOTHING"
        rest = [c for c in self.columns if c not in self.key and c != "version"]
        sets = [f"{column} = excluded.{column}" for column in rest]
        if self.on_repeat == "version":
            mine, other = f"{self.name}.{self.watched}", f"excluded.{self.watched}"
            old = f"{self.name}.version"
            sets.append(
                f"version = CASE WHEN excluded.version > {old} THEN excluded.version"
                f" WHEN {mine} = {other} THEN {old} ELSE {old} + 1 END"
            )
        return f"{target} DO UPDATE SET {', '.join(sets)}"

    def insert(self, mark: str = "?") -> str:
        """A whole INSERT of one row with placeholders, without the upsert part."""
        marks = ", ".join([mark] * len(self.columns))
        return f"INSERT INTO {self.name} ({', '.join(self.columns)}) VALUES ({marks})"


def _names(text: str) -> tuple[str, ...]:
    return tuple(text.split())


NAMESPACES = Table("namespaces", ("id", "tenant_id", "path", "description", "created_at"), ("id",), "keep")
EPISODES = Table(
    "episodes",
    _names(
        """
        id tenant_id namespace_id kind actor session_id turn subject_id content content_sha256
        metadata git_commit git_branch git_path occurred_at recorded_at expires_at
        """
    ),
    ("id",),
    "keep",
)
FACTS = Table(
    "facts",
    _names(
        """
        id tenant_id namespace_id entity property value statement confidence status origin extractor
        valid_at invalid_at recorded_at retired_at expires_at superseded_by subject_id
        git_commit git_path git_blob verified_at verified_commit metadata
        """
    ),
    ("id",),
    "replace",
)
FACT_SOURCES = Table("fact_sources", ("fact_id", "kind", "ref"), ("fact_id", "kind", "ref"), "keep")
FACT_HEADS = Table(
    "fact_heads",
    ("namespace_id", "entity", "property", "fact_id", "version"),
    ("namespace_id", "entity", "property"),
    "version",
    watched="fact_id",
)
WORKING_CONTEXT = Table(
    "working_context",
    ("namespace_id", "session_id", "key", "tenant_id", "value", "version", "updated_at", "expires_at"),
    ("namespace_id", "session_id", "key"),
    "version",
    watched="value",
)
REMOVALS = Table(
    "removals",
    ("tenant_id", "id", "namespace_id", "session_id", "key", "seen_at", "expires_at"),
    ("tenant_id", "id"),
    "replace",
)
ERASURES = Table(
    "erasures",
    ("id", "tenant_id", "subject_sha256", "reason", "counts", "executed_at", "receipt_sha256"),
    ("id",),
    "keep",
)
EMBEDDINGS = Table(
    "embeddings", ("owner_id", "model", "tenant_id", "vector"), ("owner_id", "model"), "replace"
)
TABLES = (NAMESPACES, REMOVALS, EPISODES, FACTS, FACT_SOURCES, FACT_HEADS, WORKING_CONTEXT, ERASURES)
"""What exports carry, in the order that foreign keys ask for."""
