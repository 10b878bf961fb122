"""Tenants of one database: every transaction says whose it is, and PostgreSQL holds it to that."""

from __future__ import annotations

import re
from collections.abc import Callable
from importlib import resources
from typing import TypeVar

from agentctx.errors import InvalidInput
from agentctx.memory.engine import Database, Session, migrate
from agentctx.memory.migrations import Engine
from agentctx.memory.postgres import PostgresDatabase
from agentctx.memory.rows import DEFAULT_TENANT
from agentctx.memory.store import SqlStore

T = TypeVar("T")
_COMMENT = re.compile(r"--[^\n]*")
_POLICIES = (
    "SELECT 1 FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
    " WHERE n.nspname = current_schema() AND c.relname = 'episodes' AND c.relrowsecurity"
)
TABLES = (
    "namespaces", "episodes", "facts", "fact_heads", "fact_sources", "working_context", "erasures", "search",
)  # fmt: skip


class TenantDatabase:
    """A shared database as one tenant sees it. On SQLite the store's own conditions are all there is."""

    def __init__(self, shared: Database, tenant: str, alone: bool = False) -> None:
        """``alone``: nobody else uses ``shared``, so that it is closed with this."""
        self.engine: Engine = shared.engine
        self._shared = shared
        self._tenant = tenant
        self._alone = alone

    def _mine(self, work: Callable[[Session], T]) -> Callable[[Session], T]:
        if self.engine != "postgres":
            return work

        def told(session: Session) -> T:
            session.rows("SELECT set_config('agentctx.tenant', ?, true)", (self._tenant,))
            return work(session)

        return told

    def write(self, work: Callable[[Session], T]) -> T:
        """See ``engine.Database``."""
        return self._shared.write(self._mine(work))

    def create(self, work: Callable[[Session], T]) -> T:
        """See ``engine.Database``."""
        return self._shared.create(self._mine(work))

    def read(self, work: Callable[[Session], T]) -> T:
        """See ``engine.Database``: in PostgreSQL a transaction, because only there a tenant can be said."""
        return self._shared.write(self._mine(work)) if self.engine == "postgres" else self._shared.read(work)

    def scrub(self) -> None:
        """See ``engine.Database``."""
        self._shared.scrub()

    def close(self) -> None:
        """The shared database stays open for the others."""
        if self._alone:
            self._shared.close()


def open_tenant(dsn: str, tenant: str) -> SqlStore:
    """The store of one tenant in a PostgreSQL, with row-level security or without.

    A transaction says whose it is only where policies ask: reads are quicker without.
    """
    database = PostgresDatabase(dsn)
    if database.read(lambda session: session.rows(_POLICIES)):
        return SqlStore(TenantDatabase(database, tenant, alone=True), tenant)
    return SqlStore(database, tenant)


class Tenants:
    """The stores of all tenants over one shared database, made when first asked for."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self._stores: dict[str, SqlStore] = {}
        self.store(DEFAULT_TENANT)

    def store(self, tenant: str) -> SqlStore:
        """The store of one tenant; safe to use from several threads."""
        found = self._stores.get(tenant)
        if found is None:
            found = self._stores[tenant] = SqlStore(TenantDatabase(self.database, tenant), tenant)
        return found

    def close(self) -> None:
        """Let go of the database."""
        self.database.close()


def prepare(dsn: str, role: str) -> None:
    """As the owner: schema, policies, and what the application's role may do. Safe to repeat.

    The role must exist, own nothing here and be able to log in. Raises ``InvalidInput``, ``AgentctxError``.
    """
    if not re.fullmatch(r"[a-z_][a-z0-9_]{0,62}", role):
        raise InvalidInput(f"{role!r} is not the name of a role", "use lower-case letters, digits and _")
    sql = _COMMENT.sub(
        "", resources.files("agentctx.memory").joinpath("schema/tenants.sql").read_text("utf-8")
    )
    grants = [
        f"GRANT SELECT, INSERT, UPDATE, DELETE ON {', '.join(TABLES)} TO {role}",
        f"GRANT SELECT ON api_keys, agentctx_migrations TO {role}",
    ]

    def work(session: Session) -> None:
        migrate(session, session.engine)
        owners = session.rows("SELECT rolsuper OR rolbypassrls FROM pg_roles WHERE rolname = ?", (role,))
        if not owners or owners[0][0]:
            raise InvalidInput(
                f"the role {role} does not exist, or policies do not bind it",
                f"as an administrator: CREATE ROLE {role} LOGIN NOSUPERUSER NOBYPASSRLS PASSWORD '...'",
            )
        for statement in [*filter(None, map(str.strip, sql.split(";"))), *grants]:
            session.run(statement)

    database = PostgresDatabase(dsn)
    try:
        database.create(work)
    finally:
        database.close()
