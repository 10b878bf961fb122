"""Connections to a PostgreSQL: one by its DSN, a few that are kept, and what its failures are called."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Any, TypeVar

from agentctx.errors import AgentctxError, InvalidInput, MissingExtra
from agentctx.memory.engine import Unreachable

if TYPE_CHECKING:
    import psycopg

T = TypeVar("T")

_REMEDIES = {
    # insufficient privilege, and a row that a policy does not allow
    "42501": (
        "the role of this DSN may not do that: whoever owns the tables runs"
        " `agentctx prepare-database --dsn OWNER_DSN --role ROLE`, which brings schema and rights up to date"
    ),
    "25006": "this server only reads (a standby?): use the address of the one that writes",
    "53100": "the disk of PostgreSQL is full: make room on it",
    "53300": "PostgreSQL has no connection left: raise max_connections, or put PgBouncer in front",
}
_IN_MEMORY = (
    "SELECT set_config('random_page_cost', '1.1', false) WHERE current_setting('random_page_cost') = '4'"
)
"""The default is that of a turning disk: with it whole tables are read where an index names a few rows. What
somebody has set stays."""
_POOL = 8


def connect(dsn: str) -> psycopg.Connection[Any]:
    """A connection in autocommit whose ids, times (UTC) and JSON arrive as text.

    Raises ``MissingExtra`` without psycopg, ``InvalidInput`` for another kind of address (which is not shown:
    it may hold a password), ``AgentctxError`` when the server cannot be reached.
    """
    if "://" in dsn and not dsn.startswith(("postgresql://", "postgres://")):
        raise InvalidInput("the DSN names no PostgreSQL", "write it as postgresql://user@host:5432/database")
    try:
        import psycopg
        from psycopg.types.string import TextLoader
    except ImportError:
        raise MissingExtra(
            "PostgreSQL needs the package psycopg", "pip install 'agentctx-memory[postgres]'"
        ) from None
    try:
        connection = psycopg.connect(dsn, autocommit=True)
        connection.execute("SET TIME ZONE 'UTC'")
        connection.execute("SET datestyle = 'ISO'")
        with suppress(psycopg.DatabaseError):  # another engine may not have it
            connection.execute(_IN_MEMORY)
    except (psycopg.OperationalError, psycopg.ProgrammingError) as error:
        raise Unreachable(
            f"PostgreSQL cannot be reached: {_first_line(error)}",
            "see whether it runs, and check the DSN; it reads postgresql://user@host:5432/database",
        ) from None
    for name in ("uuid", "timestamptz", "jsonb"):
        connection.adapters.register_loader(name, TextLoader)
    return connection


def _first_line(error: Exception) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0]


def refused(error: psycopg.Error, hint: str = "") -> AgentctxError:
    """A failure in the server's words, with what helps against it."""
    import psycopg

    state = error.sqlstate or ""
    if isinstance(error, psycopg.OperationalError) and (not state or state[:2] in ("08", "57")):
        return Unreachable(
            f"the connection to PostgreSQL ended: {_first_line(error)}",
            "see whether it runs, then look whether what was being written is there, or write it again",
        )
    return AgentctxError(f"PostgreSQL refused: {_first_line(error)}", _REMEDIES.get(state, hint))


class Pool:
    """A few connections, opened when needed; with a broken one the idle ones are thrown away."""

    def __init__(self, dsn: str) -> None:
        self._dsn = dsn
        self._idle: list[psycopg.Connection[Any]] = []
        self._lock = threading.Lock()

    def close(self) -> None:
        """Let go of the idle ones."""
        with self._lock:
            idle, self._idle = self._idle, []
        for connection in idle:
            connection.close()

    def use(self, work: Callable[[psycopg.Connection[Any]], T]) -> T:
        """Run ``work`` with a connection that nobody else has meanwhile."""
        import psycopg

        with self._lock:
            connection = self._idle.pop() if self._idle else None
        connection = connection or connect(self._dsn)
        try:
            return work(connection)
        except psycopg.Error as error:
            raise refused(error) from error
        finally:
            with self._lock:
                keep = not connection.closed and not connection.broken and len(self._idle) < _POOL
                if keep:
                    self._idle.append(connection)
            if connection.broken:
                self.close()  # a server that went away took the idle ones with it
            if not keep:
                connection.close()
