"""What a server writes on standard error: after the line that says where it listens, one form only."""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from agentctx.server.logs import LOG, Lines, begin, tell
from tests.server.web import serving

NONSENSE = (
    b"nonsense\r\n\r\n",
    b"GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n",
    b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
)


@pytest.fixture
def logs(capsys: pytest.CaptureFixture[str]) -> Iterator[pytest.CaptureFixture[str]]:
    root, level = logging.getLogger(), LOG.level
    before = root.handlers[:]
    yield capsys
    root.handlers[:] = before
    LOG.setLevel(level)


def test_a_request_that_is_none_is_logged_like_any_other(tmp_path: Path) -> None:
    with serving(tmp_path, "stash", "serve", STASH_BACKEND="memory", HOME=str(tmp_path)) as served:
        for nonsense in NONSENSE:
            served.raw(nonsense)
        served.ask("GET", "/healthz")
        deadline = time.monotonic() + 10
        while "healthz" not in served.log.read_text() and time.monotonic() < deadline:
            time.sleep(0.02)
    _, *lines = served.log.read_text().splitlines()
    events = [json.loads(line) for line in lines]
    assert all({"timestamp", "level", "event"} <= event.keys() for event in events)
    assert [event["event"] for event in events if event["level"] == "warning"].count(
        "Invalid HTTP request received."
    ) == 2
    assert any(event["event"] == "healthz" for event in events)


@pytest.mark.parametrize("as_json", [True, False], ids=["json", "text"])
def test_nothing_that_is_logged_makes_a_second_line(logs: pytest.CaptureFixture[str], as_json: bool) -> None:
    begin("INFO", as_json)
    tell(logging.INFO, "stash", user_id="a\nb ☃", payload_bytes=3)
    logging.getLogger("somebody").warning("two\nlines")
    try:
        raise ValueError("why\nnot")
    except ValueError:
        LOG.exception("a bug in agentctx")
    lines = logs.readouterr().err.splitlines()
    assert len(lines) == 3
    if as_json:
        kept, other, bug = map(json.loads, lines)
        assert (kept["event"], kept["user_id"], kept["payload_bytes"]) == ("stash", "a\nb ☃", 3)
        assert (other["level"], other["event"]) == ("warning", "two\nlines")
        assert "ValueError: why" in bug["traceback"]
    else:
        assert ' user_id="a\\nb ☃" payload_bytes=3' in lines[0] and " event=stash " in lines[0]


def test_a_line_is_of_the_moment_of_its_event() -> None:
    record = logging.makeLogRecord({"msg": "x", "levelname": "INFO", "created": 0.0})
    line: dict[str, Any] = json.loads(Lines(True).format(record))
    assert line["timestamp"] == "1970-01-01T00:00:00.000+00:00"
