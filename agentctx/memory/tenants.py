"""Tenants of one database: every transaction says whose it is, and PostgreSQL holds it to that."""

from __future__ import annotations

import re
from importlib import resources

from agentctx.errors import InvalidInput
from agentctx.memory.engine import Database, Session, migrate
from agentctx.memory.postgres import PostgresDatabase
from agentctx.memory.rows import DEFAULT_TENANT
from agentctx.memory.store import SqlStore

_COMMENT = re.compile(r"--[^\n]*")
_POLICIES = (
    "SELECT 1 FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
    " WHERE n.nspname = current_schema() AND c.relname = 'episodes' AND c.relrowsecurity"
)
TABLES = (
    "namespaces", "episodes", "facts", "fact_heads", "fact_sources", "working_context", "erasures",
    "embeddings", "removals",
)  # fmt: skip


def open_tenant(dsn: str, tenant: str) -> SqlStore:
    """The store of one tenant in a PostgreSQL, with row-level security or without."""
    database = PostgresDatabase(dsn)
    return SqlStore(database.of_tenant(tenant) if _policed(database) else database, tenant)


def _policed(database: PostgresDatabase) -> bool:
    """A transaction says whose it is only where policies ask: everything is quicker without."""
    return bool(database.read(lambda session: session.rows(_POLICIES)))


class Tenants:
    """The stores of all tenants over one shared database, made when first asked for.

    On SQLite the store's own conditions are all that keeps tenants apart.
    """

    def __init__(self, database: Database) -> None:
        self.database = database
        self._policed = isinstance(database, PostgresDatabase) and _policed(database)
        self._stores: dict[str, SqlStore] = {}
        self.store(DEFAULT_TENANT)

    def store(self, tenant: str) -> SqlStore:
        """The store of one tenant; safe to use from several threads."""
        found = self._stores.get(tenant)
        if found is None:
            mine = self.database
            if self._policed and isinstance(mine, PostgresDatabase):
                mine = mine.of_tenant(tenant)
            found = self._stores[tenant] = SqlStore(mine, tenant)
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
