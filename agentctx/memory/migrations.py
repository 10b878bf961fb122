"""The schema as numbered SQL files: forward only, applied once, recognised by checksum.

``NNNN_name.sql`` is the portable core; ``NNNN_name.ENGINE.sql`` belongs to one engine. SQLite reads the
core with its own names for three types and needs no copy of the files.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import resources
from typing import Literal

from agentctx.errors import Conflict

Engine = Literal["core", "postgres", "sqlite"]

LEDGER = "agentctx_migrations"
_NAME = re.compile(r"(\d{4})_([a-z_]+)(?:\.([a-z]+))?\.sql")
_COMMENT = re.compile(r"--[^\n]*")
_SQLITE_TYPES = re.compile(r"\b(uuid|timestamptz|jsonb)\b")
"""SQLite would give columns of these types numeric affinity and turn the JSON text ``1.0`` into 1."""


@dataclass(frozen=True, slots=True)
class Migration:
    """One SQL file of the package."""

    version: int
    name: str
    engine: Engine
    checksum: str
    """SHA-256 (hex) of the file."""
    sql: str


def migrations(engine: Engine) -> tuple[Migration, ...]:
    """The files for ``engine`` in order; ``core`` is the portable part alone."""
    found = []
    for entry in resources.files("agentctx.memory").joinpath("schema").iterdir():
        match = _NAME.fullmatch(entry.name)
        if match and (match[3] or "core") in ("core", engine):
            data = entry.read_bytes().replace(b"\r\n", b"\n")
            checksum = hashlib.sha256(data).hexdigest()
            owner: Engine = engine if match[3] else "core"
            found.append(Migration(int(match[1]), match[2], owner, checksum, data.decode()))
    return tuple(sorted(found, key=lambda m: m.version))


def statements(migration: Migration, engine: Engine) -> list[str]:
    """The single statements of one file, without comments, in the words of ``engine``."""
    sql = _COMMENT.sub("", migration.sql)
    if engine == "sqlite":
        sql = _SQLITE_TYPES.sub("text", sql)
    return [part.strip() for part in sql.split(";") if part.strip()]


def pending(wanted: Sequence[Migration], applied: Mapping[int, str], newest: int) -> tuple[Migration, ...]:
    """What is still to be applied of ``wanted``, where the ledger has ``applied`` (version to checksum).

    ``newest`` is the highest version that this agentctx has for the engine, wanted now or not.

    Raises ``Conflict`` when the database was made by a newer agentctx, or by files that differ from ours.
    """
    known = {migration.version: migration for migration in wanted}
    for version, checksum in applied.items():
        if version > newest:
            raise Conflict(
                f"the database has schema {version}, this agentctx knows {newest}", "upgrade agentctx-memory"
            )
        if version in known and known[version].checksum != checksum:
            name = f"{version:04d}_{known[version].name}"
            raise Conflict(
                f"the database was made by another {name} than this agentctx has",
                "export it with the agentctx that made it and import that into an empty database",
            )
    return tuple(migration for migration in wanted if migration.version not in applied)
