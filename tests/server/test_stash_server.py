"""Working memory over HTTP as its wire format says: the seven promises, on raw sockets too."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from agentctx.errors import AgentctxError, InvalidInput, NotFound
from agentctx.flows.stash import Settings, Stash, environment
from tests.server.web import Served, serving

KEYS = "key-a:ada,key-b:bob,key-flood:flood,key-fill:fill"
LIMIT = 20_000
HEAD = "POST /stash HTTP/1.1\r\nHost: localhost\r\nX-API-KEY: {key}\r\nContent-Type: application/json\r\n"


@pytest.fixture(scope="module", params=["sqlite", "memory", "redis"])
def server(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    folder = tmp_path_factory.mktemp("stash")
    url = request.getfixturevalue("redis_server") if request.param == "redis" else ""
    (folder / ".env").write_text(f"STASH_MAX_PAYLOAD_BYTES={LIMIT}\nSTASH_BACKEND=nonsense\n")
    with serving(
        folder, "stash", "serve", STASH_API_KEYS=KEYS, STASH_BACKEND=request.param, REDIS_URL=url,
        HOME=str(folder),
    ) as served:  # fmt: skip
        yield served


def keep(server: Served, data: object, key: str = "key-a", **more: object) -> str:
    status, answer, _ = patiently(server, "POST", "/stash", {"data": data, **more}, key)
    assert status == 200, answer
    return str(answer["memory_id"])


def patiently(server: Served, method: str, path: str, body: object, key: str) -> tuple[int, object, object]:
    """Ask again after the wait that a full bucket asks for."""
    while True:
        status, answer, headers = server.ask(method, path, body, key)
        if status != 429:
            return status, answer, headers
        time.sleep(float(headers["retry-after"]))


def test_wall_nobody_reads_changes_or_removes_the_value_of_another(server: Served) -> None:
    ident = keep(server, "secret")
    absent = server.ask("GET", "/recall/AAAAAAAA", key="key-b")
    for method, path, body in (
        ("GET", f"/recall/{ident}", None),
        ("PATCH", f"/update/{ident}", {"data": "x"}),
        ("DELETE", f"/forget/{ident}", None),
    ):
        status, answer, _ = patiently(server, method, path, body, "key-b")
        assert status == 404
        assert answer["error"].replace(ident, "AAAAAAAA") == absent[1]["error"]  # type: ignore[index]
    assert patiently(server, "GET", f"/recall/{ident}", None, "key-a")[1]["data"] == "secret"  # type: ignore
    for key in ("", "wrong"):
        assert server.ask("GET", f"/recall/{ident}", key=key)[0] == 401


def test_expiry_a_value_is_gone_when_its_time_is_over(server: Served) -> None:
    ident = keep(server, {"a": None}, ttl=1)
    assert re.fullmatch("[0-9A-Za-z]{8}", ident)
    time.sleep(1.1)
    assert patiently(server, "GET", f"/recall/{ident}", None, "key-a")[0] == 404


def test_bloat_too_large_is_refused_before_and_while_it_is_read(server: Served) -> None:
    declared = HEAD.format(key="key-fill") + "Content-Length: 9999999999\r\n\r\n"
    assert server.raw(declared.encode()).startswith(b"HTTP/1.1 413")
    streamed = HEAD.format(key="key-fill") + "Transfer-Encoding: chunked\r\n\r\n"
    chunk = b"1000\r\n" + b"x" * 0x1000 + b"\r\n"
    assert server.raw(streamed.encode() + chunk * 40).startswith(b"HTTP/1.1 413")
    assert server.ask("POST", "/stash", {"data": "x" * LIMIT}, "key-fill")[0] == 413
    assert server.ask("POST", "/stash", {"data": "x" * (LIMIT - 10)}, "key-fill")[0] == 200


@pytest.mark.parametrize(("length", "end"), [(50, True), (10, False)], ids=["longer", "shorter"])
def test_liar_a_body_that_is_not_as_long_as_declared_is_refused(
    server: Served, length: int, end: bool
) -> None:
    body = b'{"data": "twenty-three"}'
    head = HEAD.format(key="key-fill") + f"Content-Length: {length}\r\n\r\n"
    assert server.raw(head.encode() + body, end).startswith(b"HTTP/1.1 400")


def test_flood_a_key_that_asks_too_often_is_told_when_to_come_back(server: Served) -> None:
    with ThreadPoolExecutor(12) as pool:
        asked = [pool.submit(server.ask, "GET", "/recall/AAAAAAAA", None, "key-flood") for _ in range(36)]
        answers = [one.result() for one in asked]
    assert sum(status == 404 for status, _, _ in answers) >= 10
    late = [headers for status, _, headers in answers if status == 429]
    assert late and all(1 <= int(headers["retry-after"]) <= 2 for headers in late)
    assert server.ask("GET", "/recall/AAAAAAAA", key="key-b")[0] in (404, 429)


def test_update_replaces_the_data_and_null_is_a_value(server: Served) -> None:
    ident = keep(server, {"step": 1}, ttl=100)
    assert patiently(server, "PATCH", f"/update/{ident}", {"data": None}, "key-a")[0] == 200
    assert patiently(server, "GET", f"/recall/{ident}", None, "key-a")[1]["data"] is None  # type: ignore
    assert patiently(server, "PATCH", f"/update/{ident}", {}, "key-a")[0] == 400
    assert patiently(server, "POST", "/stash", {"ttl": 5}, "key-a")[0] == 400


def test_extend_adds_to_what_remains_up_to_the_maximum(server: Served) -> None:
    ident = keep(server, "x", ttl=100)
    status, answer, _ = patiently(server, "PATCH", f"/update/{ident}", {"extra_seconds": 200}, "key-a")
    assert status == 200 and 290 <= answer["ttl_remaining"] <= 300  # type: ignore[index]
    _, answer, _ = patiently(server, "PATCH", f"/update/{ident}", {"extra_seconds": 999_999}, "key-a")
    assert 3590 <= answer["ttl_remaining"] <= 3600  # type: ignore[index]
    assert patiently(server, "DELETE", f"/forget/{ident}", None, "key-a")[0] == 200
    assert patiently(server, "GET", f"/recall/{ident}", None, "key-a")[0] == 404


def logged(server: Served) -> list[dict[str, Any]]:
    return [json.loads(line) for line in server.log.read_text().splitlines() if line[:1] + line[-1:] == "{}"]


def eventually(found: Callable[[], list[dict[str, Any]]], patience: float = 10) -> list[dict[str, Any]]:
    """What is there in the end: a log may be written after the answer was sent."""
    deadline = time.monotonic() + patience
    while not (lines := found()) and time.monotonic() < deadline:
        time.sleep(0.02)
    return lines


def test_a_log_line_says_who_kept_how_much_for_how_long(server: Served) -> None:
    ident = keep(server, "x", key="key-b", ttl=60)
    (line,) = eventually(lambda: [one for one in logged(server) if one.get("memory_id") == ident])
    assert line["event"] == "stash"
    assert (line["user_id"], line["ttl_seconds"], line["level"]) == ("bob", 60, "info")
    assert line["payload_bytes"] > 0 and line["timestamp"]
    assert "key-b" not in server.log.read_text()


def test_the_remote_client_speaks_the_wire(server: Served) -> None:
    time.sleep(3)
    stash = Stash(api_key="key-b", url=f"http://127.0.0.1:{server.port}")
    ident = stash.set("plan", {"step": 1}, ttl=100)
    assert stash.get("plan") == stash.get(ident) == {"step": 1}
    assert stash.extend("plan", 100) > 150
    stash.forget("plan")
    with pytest.raises(NotFound):
        stash.get(ident)


@pytest.mark.parametrize("backend", ["memory", "redis"])
def test_the_client_works_in_process_and_in_redis(backend: str, request: pytest.FixtureRequest) -> None:
    url = request.getfixturevalue("empty_redis") if backend == "redis" else ""
    stash = Stash(backend, url)
    stash.set("a name", [1], ttl=100)
    stash.set("a name", [2], ttl=100)
    assert stash.get("a name") == [2]
    assert stash.update("a name", None) <= 100 and stash.get("a name") is None
    assert 190 <= stash.extend("a name", 100) <= 200
    stash.forget("a name")
    with pytest.raises(NotFound):
        stash.get("a name")
    stash.close()


def test_a_server_that_is_not_there_is_told_in_words() -> None:
    with pytest.raises(AgentctxError, match="cannot be asked"):
        Stash(url="http://127.0.0.1:9").get("x")


@pytest.mark.parametrize(
    ("name", "value"),
    [("STASH_BACKEND", "disk"), ("STASH_PORT", "x"), ("STASH_MAX_TTL", "-1"), ("STASH_API_KEYS", "lonely"),
     ("STASH_LOG_LEVEL", "loud"), ("STASH_PORT", "99999"), ("STASH_LOG_FORMAT", "bogus")],
)  # fmt: skip
def test_a_wrong_variable_is_named(name: str, value: str) -> None:
    with pytest.raises(InvalidInput, match=name):
        Settings.read({name: value})


def test_a_file_gives_only_the_variables_of_working_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / ".env").write_text("export STASH_PORT='99'\nPATH=/evil\n# x\nSTASH_HOST=0.0.0.0\n")
    monkeypatch.setenv("STASH_HOST", "127.0.0.1")
    assert environment(tmp_path) == {"STASH_PORT": "99", "STASH_HOST": "127.0.0.1"}
