"""A server process: what it serves put together, and uvicorn around it."""

from __future__ import annotations

import asyncio
import errno
import os
import signal
import socket
import sys
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from agentctx.errors import AgentctxError, InvalidInput, MissingExtra
from agentctx.flows.meaning import fill_if_set
from agentctx.flows.memories import Memory, Place, root_commit
from agentctx.flows.stash import Settings, data_file, open_contexts
from agentctx.memory.keys import Keys
from agentctx.memory.stash import Stash, Tier
from agentctx.memory.tenants import Tenants
from agentctx.server import logs
from agentctx.server.app import App
from agentctx.server.door import Caller, Door, loopback
from agentctx.server.metrics import Metrics
from agentctx.server.rates import SharedRates
from agentctx.server.rest import RestRoutes, Table
from agentctx.server.stash_routes import StashRoutes
from agentctx.server.workers import supervise

if TYPE_CHECKING:
    import uvicorn

    from agentctx.memory.base import Contexts
    from agentctx.memory.engine import Database
    from agentctx.memory.store import SqlStore

RATE = 600
"""Requests a minute of one key of a memory server, unless said otherwise."""
OPEN = Tier("local", 50 * 1024 * 1024, 24 * 3600, 7 * 24 * 3600, 0)
"""What a caller without a key may do on this machine."""
WAITING = 16
"""Requests that may ask Redis at once."""
DRAIN = 10
"""Seconds for which a stopping server finishes what it has begun."""


@dataclass(frozen=True, slots=True)
class Bind:
    """Where and how to listen."""

    host: str = "127.0.0.1"
    port: int = 8750
    hosts: tuple[str, ...] = ()
    """Further names under which clients address us."""
    origins: tuple[str, ...] = ()
    certificate: str = ""
    key: str = ""
    rate: int | None = None
    seconds: float = 30.0
    """How long a body may take."""
    log_level: str = "INFO"
    json_logs: bool = True
    workers: int = 1
    """Processes that answer on the one address."""

    def door(self, keys: Keys, fixed: Sequence[tuple[str, str]] = (), nobody: Caller | None = None) -> Door:
        """The rules at the door. Raises ``InvalidInput`` for a server that strangers reach without a key."""
        from agentctx.memory.keys import digest

        known = keys.list()
        alive = any(key.lives(_now()) for key in known)
        if not loopback(self.host) and not alive and not fixed:
            raise InvalidInput(
                f"{self.host} can be reached from other machines, and there is no key yet",
                "make one: agentctx keys new --owner NAME",
            )
        if bool(self.certificate) != bool(self.key):
            raise InvalidInput("TLS needs both a certificate and its key", "--tls-cert FILE --tls-key FILE")
        names = {"localhost", "127.0.0.1", "[::1]", self.host, f"[{self.host}]", *self.hosts}
        return Door(
            frozenset(name.lower() for name in names if name not in ("0.0.0.0", "[::]", "::")),
            frozenset(self.origins),
            (lambda text: keys.find(text, _now())) if known else None,  # one that has ended opens nothing
            {digest(key): user for key, user in fixed},
            nobody or Caller("local", OPEN),
            per_minute=self.rate,
        )


def key_database(place: Place) -> Database:
    """Where keys are kept: in the shared database, else in the person's data directory."""
    from agentctx.memory.postgres import PostgresDatabase
    from agentctx.memory.sqlite import SqliteDatabase
    from agentctx.memory.store import SqlStore

    database: Database = PostgresDatabase(place.dsn) if place.dsn else SqliteDatabase(data_file())
    SqlStore(database)
    return database


def serve_memory(start: Path, bind: Bind, place: Place) -> None:
    """Serve REST, MCP and working memory until the process is told to stop."""
    logs.begin(bind.log_level, bind.json_logs)
    if bind.workers == 1:
        with _memory_app(start, bind, place) as app:
            run(app, bind)
        return
    if sys.platform == "win32":
        raise InvalidInput("on Windows one process serves", "leave --workers out")
    with _memory_app(start, bind, place) as app:
        _configured(app, bind)  # what is wrong with the place or the certificate is told once, here
    with _listen(bind) as listening, TemporaryDirectory(prefix="agentctx-workers-") as shelf:
        _announce(bind, listening)
        supervise(bind.workers, _work, (start, bind, place, listening, Path(shelf)), DRAIN + 5)


def _work(start: Path, bind: Bind, place: Place, listening: socket.socket, shelf: Path, number: int) -> None:
    """What one of several processes does; the first one alone does what is done from time to time."""
    logs.begin(bind.log_level, bind.json_logs)
    with _memory_app(start, bind, place) as app:
        app.metrics = Metrics(shelf, number)
        app.door.rates = SharedRates(shelf / "rates")
        if number:
            app.sweep = app.embed = None
        _answer(_configured(app, bind), listening)


@contextmanager
def _memory_app(start: Path, bind: Bind, place: Place) -> Iterator[App]:
    from agentctx.memory.postgres import PostgresDatabase
    from agentctx.memory.rows import DEFAULT_TENANT
    from agentctx.memory.sqlite import SqliteDatabase, default_path
    from agentctx.server.warm import Warm

    warm: Warm | None = Warm(start)
    shared: Database
    try:
        assert warm is not None
        root = root_commit(warm.project())
    except AgentctxError as error:  # no repository here, none with a commit, or no git at all
        if not place.dsn:
            raise type(error)(
                error.message, f"{error.hint}; a shared database (AGENTCTX_DSN) needs none"
            ) from None
        warm, root = None, ""
    shared = PostgresDatabase(place.dsn) if place.dsn else SqliteDatabase(default_path(root))
    tenants, owner = Tenants(shared), place.tenant or DEFAULT_TENANT
    store_of, values = _with_redis(tenants, place)
    apart = _apart(bool(place.redis_url))
    keys = Keys(shared if place.dsn else key_database(place))
    table = Table(lambda tenant: Memory(store_of(tenant)), warm, owner, apart)
    door = bind.door(keys, nobody=Caller(owner, OPEN))
    if door.guarded and bind.rate is None:
        door.per_minute = RATE

    def stores() -> list[SqlStore]:
        return [store_of(who) for who in {owner, *(key.owner for key in keys.list())}]

    made = App(
        door,
        lambda: (store_of(owner).namespaces("/readyz"), store_of(owner).context("/readyz", "ready", _now())),
        RestRoutes(table, bind.seconds),
        _mcp(table, bind.seconds),
        StashRoutes(lambda user: Stash(values or store_of(user), os.urandom), bind.seconds, apart),
        apart=apart,
        sweep=lambda: [store.sweep(_now()) for store in stores()],
        embed=lambda: fill_if_set(stores, _now()),
    )
    try:
        yield made
    finally:
        tenants.close()
        if apart:
            apart.shutdown(wait=False, cancel_futures=True)
        if warm:
            warm.close()


def _with_redis(tenants: Tenants, place: Place) -> tuple[Callable[[str], SqlStore], Contexts | None]:
    """The store of a tenant; and what keeps working memory, where that is not the store as well."""
    if not place.redis_url:
        return tenants.store, None
    from agentctx.memory.redis import open_redis, open_values
    from agentctx.memory.split import SplitStore

    contexts = open_redis(place.redis_url)  # away at the start is a mistake; away later costs contexts alone
    made: dict[str, Any] = {}

    def store_of(tenant: str) -> Any:
        if tenant not in made:
            made[tenant] = SplitStore(tenants.store(tenant), contexts.of_tenant(tenant))
        return made[tenant]

    return store_of, open_values(place.redis_url)


def serve_stash(bind: Bind, settings: Settings) -> None:
    """Serve working memory alone until the process is told to stop."""
    logs.begin(bind.log_level, bind.json_logs)
    contexts = open_contexts(settings.backend, settings.redis_url)
    keys = Keys(key_database(Place()))
    door = bind.door(keys, settings.api_keys, Caller("local", settings.tier))
    door.tiers = dict(settings.tiers)
    stash, apart = Stash(contexts, os.urandom), _apart(settings.backend == "redis")
    app = App(
        door,
        lambda: contexts.context("/readyz", "ready", _now()),
        stash=StashRoutes(lambda user: stash, bind.seconds, apart),
        apart=apart,
        sweep=lambda: contexts.sweep(_now()),
    )
    try:
        run(app, bind)
    finally:
        contexts.close()
        if apart:
            apart.shutdown(wait=False, cancel_futures=True)


def _apart(redis: bool) -> Executor | None:
    return ThreadPoolExecutor(WAITING, "redis") if redis else None


def _mcp(table: Table, seconds: float) -> Any:
    try:
        from agentctx.server.mcp_http import McpRoutes

        return McpRoutes(table, seconds)
    except ImportError:
        raise _missing() from None


def _missing() -> MissingExtra:
    return MissingExtra("a server needs the packages mcp and uvicorn", "pip install 'agentctx-memory[serve]'")


def run(app: App, bind: Bind) -> None:
    """Listen, say where on standard error, and finish begun requests when told to stop."""
    config = _configured(app, bind)
    with _listen(bind) as listening:
        _announce(bind, listening)
        _answer(config, listening)


def _configured(app: App, bind: Bind) -> uvicorn.Config:
    """Raises ``MissingExtra``, and ``InvalidInput`` for a certificate that cannot be used."""
    try:
        import uvicorn

        from agentctx.server.wire import Wire
    except ImportError:
        raise _missing() from None
    config = uvicorn.Config(
        app, http=Wire, ws="none", log_config=None, access_log=False, server_header=False,
        timeout_keep_alive=15, timeout_graceful_shutdown=DRAIN,
        ssl_certfile=bind.certificate or None, ssl_keyfile=bind.key or None, lifespan="on",
    )  # fmt: skip
    try:
        config.load()
    except OSError as error:
        raise InvalidInput(
            f"TLS cannot be set up with {bind.certificate} and {bind.key}: {error}",
            "give files in PEM form: the certificate (with its chain), and its key without a password",
        ) from None
    return config


def _announce(bind: Bind, listening: socket.socket) -> None:
    scheme = "https" if bind.certificate else "http"
    host, port = listening.getsockname()[:2]
    print(
        f"agentctx serves {scheme}://{f'[{host}]' if ':' in host else host}:{port}",
        file=sys.stderr,
        flush=True,
    )
    if not bind.certificate and not loopback(bind.host):
        print("without TLS: put a proxy that has it in front", file=sys.stderr, flush=True)


def _answer(config: uvicorn.Config, listening: socket.socket) -> None:
    import uvicorn

    server = uvicorn.Server(config)

    def stop(*_: object) -> None:
        """For a signal that comes before uvicorn listens to any; one that it heard comes here again, too."""
        server.should_exit = True

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, stop)
    with asyncio.Runner(loop_factory=config.get_loop_factory()) as runner:
        runner.run(server.serve([listening]))


_LISTENING = {
    errno.EADDRINUSE: "choose another --port, or stop what listens there",
    errno.EACCES: "choose a --port above 1023",
}


def _listen(bind: Bind) -> socket.socket:
    family = socket.AF_INET6 if ":" in bind.host else socket.AF_INET
    # With the protocol named, asyncio switches Nagle's delay off: 40 ms an answer otherwise.
    listening = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((bind.host.strip("[]"), bind.port))
        listening.listen(2048)
    except OSError as error:
        listening.close()
        raise AgentctxError(
            f"{bind.host}:{bind.port} cannot be listened on: {error.strerror}",
            _LISTENING.get(error.errno or 0, "--host names an address of this machine"),
        ) from None
    return listening


def _now() -> str:
    return datetime.now(UTC).isoformat()
