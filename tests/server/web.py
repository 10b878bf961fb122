"""A running server and a client that sends exactly what a test wants."""

from __future__ import annotations

import http.client
import json
import os
import re
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.repository import TempRepo


@dataclass
class Served:
    """One running server process."""

    port: int
    process: subprocess.Popen[bytes]
    log: Path

    def ask(
        self,
        method: str,
        path: str,
        body: Any = None,
        key: str = "",
        headers: Mapping[str, str] | None = None,
    ) -> tuple[int, Any, Mapping[str, str]]:
        """Status, parsed body and headers (lower case) of one request."""
        given = dict(headers or {})
        data = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
        if data is not None:
            given.setdefault("Content-Type", "application/json")
        if key:
            given["X-API-KEY"] = key
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        try:
            connection.request(method, path, data, given)
            answer = connection.getresponse()
            text = answer.read()
            kind = answer.headers.get("content-type", "")
            parsed = json.loads(text) if kind.startswith("application/json") else text.decode()
            return answer.status, parsed, {name.lower(): value for name, value in answer.getheaders()}
        finally:
            connection.close()

    def call(self, name: str, key: str = "", **given: Any) -> Any:
        """The answer of one operation, which must not fail."""
        status, data, _ = self.ask("POST", f"/v1/{name}", given, key)
        assert status == 200, (status, data)
        return data

    def raw(self, data: bytes, end: bool = False) -> bytes:
        """What the server answers to these bytes; ``end`` says that no more will come."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=20) as client:
            client.sendall(data)
            if end:
                client.shutdown(socket.SHUT_WR)
            received = b""
            while piece := client.recv(65536):
                received += piece
                head, _, rest = received.partition(b"\r\n\r\n")
                length = re.search(rb"content-length: (\d+)", head)
                if length and len(rest) >= int(length[1]):
                    break
            return received


@contextmanager
def serving(folder: Path, *words: str, **environ: str) -> Iterator[Served]:
    """``agentctx WORDS --port 0`` in a folder; it must end by itself, without an error, when told to stop."""
    log = folder.parent / f"server-{folder.name}-{words[0]}.log"
    with log.open("wb") as out:
        process = subprocess.Popen(
            [sys.executable, "-m", "agentctx", *words, "--port", "0"],
            cwd=folder,
            env={**os.environ, **environ},
            stderr=out,
        )
    try:
        port = 0
        while not port and process.poll() is None:
            found = re.search(r"agentctx serves \w+://\S+:(\d+)", log.read_text())
            port = int(found[1]) if found else 0
        assert port, log.read_text()
        yield Served(port, process, log)
        if process.poll() is None:
            process.terminate()
            assert process.wait(timeout=20) == 0, log.read_text()
    finally:
        process.kill()
        process.wait()


@contextmanager
def serving_repository(home: Path, files: dict[str, str | bytes]) -> Iterator[Served]:
    """A server on a repository of its own with ``files``, under a home of its own."""
    (home / ".gitconfig").write_text("[user]\n\tname = Ada\n\temail = ada@example.org\n")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HOME", str(home))
        repo = TempRepo.init(home / "repo")
        repo.commit("code", files)
    with serving(repo.root, "serve", HOME=str(home)) as served:
        yield served
