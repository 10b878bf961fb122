"""What the databases do under many writers, kills, full disks and erasure."""

from __future__ import annotations

import signal
import sqlite3
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from agentctx.errors import AgentctxError, Busy, Conflict, NotWritable
from agentctx.memory.batches import Rows
from agentctx.memory.engine import Session
from agentctx.memory.ids import derived
from agentctx.memory.postgres import PostgresDatabase
from agentctx.memory.sqlite import SqliteDatabase, default_path, file_system
from agentctx.memory.store import SqlStore, open_postgres, open_sqlite
from agentctx.model import Episode, Fact, WorkingContext

T0 = "2026-03-01T00:00:00Z"

WRITER = textwrap.dedent(
    """
    import sys
    from pathlib import Path
    from agentctx.memory.ids import derived
    from agentctx.memory.store import open_sqlite
    from agentctx.model import Episode, Fact
    name, count, t0 = sys.argv[2], int(sys.argv[3]), "2026-03-01T00:00:00Z"
    store = open_sqlite(Path(sys.argv[1]))
    for n in range(count):
        said = Episode(derived(name, str(n)), "/p", "event", f"{name} {n}", t0, t0)
        fact = Fact(derived("f", name, str(n)), "/p", "counter", "value", f"{name} {n}", "counter", t0, t0)
        store.write([said], [fact])
        print(n, flush=True)
    """
)


def start(path: Path, name: str, count: int) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", WRITER, str(path), name, str(count)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def versions(store: SqlStore) -> int:
    head = store.head("/p", "counter", "value")
    return head.version if head else 0


def write_from_processes(path: Path, processes: int, count: int) -> None:
    running = [start(path, f"w{n}", count) for n in range(processes)]
    assert [child.wait() for child in running if child.communicate()] == [0] * processes
    store = open_sqlite(path)
    assert len(store.recent("/p", T0, limit=10_000)) == processes * count
    assert versions(store) == processes * count
    assert len(store.facts("/p", T0)) == 1
    store.close()


def test_no_transaction_of_several_processes_is_lost(tmp_path: Path) -> None:
    write_from_processes(tmp_path / "m.sqlite", processes=4, count=20)


@pytest.mark.faults
def test_no_transaction_of_eight_processes_is_lost(tmp_path: Path) -> None:
    write_from_processes(tmp_path / "m.sqlite", processes=8, count=250)


def test_what_was_acknowledged_survives_a_kill(tmp_path: Path) -> None:
    path = tmp_path / "m.sqlite"
    for round_ in range(3):
        child = start(path, f"k{round_}", 1000)
        assert child.stdout is not None
        for _ in range(5):
            child.stdout.readline()
        child.send_signal(signal.SIGKILL)
        acknowledged = 5 + len(child.communicate()[0].splitlines())
        store = open_sqlite(path)
        kept = [e for e in store.recent("/p", T0, limit=10_000) if e.content.startswith(f"k{round_} ")]
        assert acknowledged <= len(kept) <= acknowledged + 1
        assert versions(store) == len(store.recent("/p", T0, limit=10_000))
        store.close()
        with sqlite3.connect(path) as connection:
            assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)


def test_threads_on_postgres_lose_no_swap(empty_database: str) -> None:
    store = open_postgres(empty_database)
    failures: list[BaseException] = []

    def work(name: str) -> None:
        try:
            for n in range(10):
                fact = Fact(derived(name, str(n)), "/p", "counter", "value", f"{name}{n}", "", T0, T0)
                store.assert_fact(fact)
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=work, args=(f"t{n}",)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert versions(store) == 40
    assert len([f for f in store.history("/p", "counter", "value") if f.status == "active"]) == 1
    store.close()


def test_only_one_of_two_that_read_the_same_version_wins_on_postgres(empty_database: str) -> None:
    store = open_postgres(empty_database)
    store.assert_fact(Fact(derived("0"), "/p", "counter", "value", 0, "", T0, T0))
    results: list[str] = []

    def work(n: int) -> None:
        try:
            store.assert_fact(Fact(derived(f"c{n}"), "/p", "counter", "value", n + 1, "", T0, T0), 1)
            results.append("won")
        except Conflict:
            results.append("lost")

    threads = [threading.Thread(target=work, args=(n,)) for n in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(results) == ["lost"] * 5 + ["won"]
    store.close()


def test_a_server_that_went_away_costs_one_failure_however_many_connections_were_idle(
    empty_database: str, psql: Callable[..., str]
) -> None:
    database = PostgresDatabase(empty_database)

    def connections(session: Session, more: int) -> list[int]:
        (own,) = session.rows("SELECT pg_backend_pid()")[0]
        return [own, *(database.read(lambda inner: connections(inner, more - 1)) if more else ())]

    for pid in database.read(lambda session: connections(session, 3)):
        assert psql(empty_database, f"SELECT pg_terminate_backend({pid}, 5000)") == "t"
    with pytest.raises(AgentctxError):
        database.read(lambda session: connections(session, 0))
    assert len(database.read(lambda session: connections(session, 3))) == 4
    database.close()


def test_several_processes_may_make_the_schema_at_once(empty_database: str) -> None:
    failures: list[BaseException] = []

    def work() -> None:
        try:
            open_postgres(empty_database).close()
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=work) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []


def test_an_erased_subject_is_in_no_byte_of_the_files(tmp_path: Path) -> None:
    path = tmp_path / "m.sqlite"
    store = open_sqlite(path)
    said = Episode(derived("1"), "/p", "message", "Zebulon drinks oolong", T0, T0, subject_id="zebulon")
    about = Fact(
        derived("2"), "/p", "tea", "kind", "oolong", "oolong it is", T0, T0, sources=(("episode", said.id),)
    )
    store.write([said], [about])
    assert b"oolong" in b"".join(p.read_bytes() for p in tmp_path.iterdir())
    store.erase("zebulon", "", T0)
    left = b"".join(p.read_bytes() for p in tmp_path.iterdir()).lower()
    assert b"oolong" not in left and b"zebulon" not in left
    store.close()


def test_a_damaged_file_is_told_with_what_to_do(tmp_path: Path) -> None:
    path = tmp_path / "m.sqlite"
    path.write_bytes(b"this is no database, but long enough to look at" * 100)
    with pytest.raises(AgentctxError) as told:
        open_sqlite(path)
    assert str(path) in told.value.message and told.value.hint


def test_a_place_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(NotWritable):
        open_sqlite(tmp_path / "file" / "m.sqlite")


def test_a_full_disk_leaves_the_old_rows(tmp_path: Path) -> None:
    store = open_sqlite(tmp_path / "m.sqlite")
    store.append([Episode(derived("1"), "/p", "event", "first", T0, T0)])
    database = store._database
    assert isinstance(database, SqliteDatabase)
    database._connection().execute("PRAGMA max_page_count = 40")
    with pytest.raises(NotWritable, match="full"):
        store.append([Episode(derived(f"x{n}"), "/p", "event", "x" * 5000, T0, T0) for n in range(200)])
    assert [e.content for e in store.recent("/p", T0)] == ["first"]
    store.close()


WRITES: dict[str, Callable[[SqlStore], object]] = {
    "append": lambda store: store.append([_long(f"x{n}") for n in range(30)]),
    "assert_facts": lambda store: store.assert_facts([
        Fact(derived("new", str(n)), "/p", f"key {n}", "value", n, "z" * 900, T0, T0) for n in range(30)
    ]),
    "save_context": lambda store: store.save_context(WorkingContext("/p", "k", "x" * 90_000, 0, T0)),
    "restore": lambda store: store.restore(Rows([_long(f"r{n}") for n in range(30)])),
    "create_namespace": lambda store: [store.create_namespace(f"/{n}/{'x' * 400}", T0) for n in range(60)],
    "erase": lambda store: store.erase("key 1", "r" * 90_000, T0),
}  # fmt: skip


def _long(name: str) -> Episode:
    return Episode(derived(name), "/p", "event", "word " * 800 + name, T0, T0)


@pytest.mark.parametrize("write", WRITES.values(), ids=WRITES)
def test_a_disk_that_fills_up_at_any_page_of_a_write_leaves_the_old_rows(
    tmp_path: Path, write: Callable[[SqlStore], object]
) -> None:
    store = open_sqlite(tmp_path / "m.sqlite")
    old = Fact(derived("old"), "/p", "key 1", "value", "old", "old", T0, T0)
    store.write([Episode(derived("1"), "/p", "event", "first", T0, T0)], [old])
    database = store._database
    assert isinstance(database, SqliteDatabase)
    connection = database._connection()
    pages = connection.execute("PRAGMA page_count").fetchone()[0]
    refused = 0
    for more in range(200):
        connection.execute(f"PRAGMA max_page_count = {pages + more}")
        try:
            write(store)
            break
        except NotWritable:
            refused += 1
            found = store.recent("/p", T0, limit=100)
            assert [e.content for e in found] == ["first"]
            current = store.fact("/p", "key 1", "value", T0)
            assert current is not None and current.value == "old" and store.context("/p", "k", T0) is None
    assert 0 < refused < 200
    assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    store.close()


def test_a_writer_that_never_lets_go_is_told_as_busy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("agentctx.memory.sqlite._WAIT", 0.01)
    store = open_sqlite(tmp_path / "m.sqlite")
    other = sqlite3.connect(tmp_path / "m.sqlite", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    began = time.monotonic()
    with pytest.raises(Busy):
        store.save_context(WorkingContext("/p", "k", 1, 0, T0))
    assert time.monotonic() - began < 10
    other.execute("ROLLBACK")
    assert store.save_context(WorkingContext("/p", "k", 1, 0, T0)).version == 1
    store.close()
    other.close()


def test_the_file_is_the_persons_own_and_follows_the_root_commit(tmp_path: Path) -> None:
    path = default_path("abc", {"XDG_DATA_HOME": str(tmp_path)})
    assert path == tmp_path / "agentctx" / "memory" / "abc.sqlite"
    assert default_path("abc", {"HOME": "/home/ada"}) == Path(
        "/home/ada/.local/share/agentctx/memory/abc.sqlite"
    )
    open_sqlite(path).close()
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o700
    assert [p.name for p in path.parent.iterdir()] == ["abc.sqlite"]


def test_a_write_ahead_log_is_not_used_on_a_network_file_system() -> None:
    mounts = "/dev/sda / ext4 rw 0 0\nsrv:/x /home nfs4 rw 0 0\ntmpfs /home/my\\040disk tmpfs rw 0 0\n"
    assert file_system(Path("/var/m.sqlite"), mounts) == "ext4"
    assert file_system(Path("/home/ada/m.sqlite"), mounts) == "nfs4"
    assert file_system(Path("/homework/m.sqlite"), mounts) == "ext4"
    assert file_system(Path("/home/my disk/m.sqlite"), mounts) == "tmpfs"
    assert file_system(Path("/x"), "") == ""
