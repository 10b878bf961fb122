"""Reads objects through one long-lived ``git cat-file --batch`` process."""

from __future__ import annotations

import hashlib
import re
import subprocess
import threading
import weakref
from collections.abc import Iterable, Iterator

from agentctx.git.runner import Runner, decode

_HEADER = re.compile(rb"([0-9a-f]{40,64}) (\w+) (\d+)\n")
_OID = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?")
_IN_FLIGHT = 4000
"""Bytes of requests in flight: less than any pipe holds, so a full answer pipe never meets a full
request pipe."""


class Objects:
    """Blobs and the kinds of objects, by ``oid`` or ``REV:path``. One process, one request at a time.

    A clone that left objects at its remote is read offline: git dies on an object that is not here, so
    after the first death only objects that are known to be here are asked for.
    """

    def __init__(self, runner: Runner) -> None:
        self._runner = runner
        self._lock = threading.RLock()
        self._child: subprocess.Popen[bytes] | None = None
        self._present: frozenset[str] | None = None
        """Every object of an incomplete clone, once it is known to be one."""

    def read(self, spec: str) -> bytes | None:
        """The bytes of a blob; None for what is absent or no blob."""
        return next(self.read_all([spec]))[1]

    def read_all(self, specs: Iterable[str]) -> Iterator[tuple[str, bytes | None]]:
        """(spec, bytes) pairs in the order asked."""
        for chunk in _chunks(specs):
            for spec, (kind, data) in zip(chunk, self._objects(chunk), strict=True):
                yield spec, data if kind == "blob" else None

    def kind(self, spec: str) -> str:
        """``commit``, ``tree``, ``blob``, ``tag``, or empty when the object is not here."""
        return self.get(spec)[0]

    def get(self, spec: str) -> tuple[str, bytes]:
        """Kind and content of any object; two empty values when it is not here."""
        return self._objects([spec])[0]

    def close(self) -> None:
        """End the process; a later read starts another."""
        with self._lock:
            child, self._child = self._child, None
            if child is not None:
                _end(child)

    def _objects(self, specs: list[str]) -> list[tuple[str, bytes]]:
        with self._lock:
            if self._present is None and not any("\n" in spec for spec in specs):
                try:
                    return self._ask(specs)
                except EOFError:
                    self.close()
            return [self._one(spec) for spec in specs]

    def _one(self, spec: str) -> tuple[str, bytes]:
        if self._present is not None or "\n" in spec:
            spec = self._resolve(spec)
            if not spec or (self._present is not None and spec not in self._present):
                return "", b""
        try:
            return self._ask([spec])[0]
        except EOFError:
            self.close()
        if self._present is None:
            self._present = self._listing()
            return self._one(spec)
        return "", b""

    def _resolve(self, spec: str) -> str:
        if _OID.fullmatch(spec) or spec.startswith("-"):
            return "" if spec.startswith("-") else spec
        return decode(self._runner.run("rev-parse", "--verify", "-q", spec, check=False)).strip()

    def _listing(self) -> frozenset[str]:
        listed = self._runner.run(
            "cat-file", "--batch-all-objects", "--unordered", "--batch-check=%(objectname)", check=False
        )
        return frozenset(decode(listed).split())

    def _ask(self, specs: list[str]) -> list[tuple[str, bytes]]:
        child = self._running()
        assert child.stdin is not None and child.stdout is not None
        lines = "".join(f"{spec}\n" for spec in specs)
        try:
            child.stdin.write(lines.encode("utf-8", "surrogateescape"))
            child.stdin.flush()
        except BrokenPipeError:
            raise EOFError from None
        return [_answer(child) for _ in specs]

    def _running(self) -> subprocess.Popen[bytes]:
        if self._child is None:
            self._child = self._runner.start("cat-file", "--batch", discard_errors=True)
            weakref.finalize(self, _end, self._child)
        return self._child


def object_id(data: bytes, object_format: str) -> str:
    """The id that git gives a blob of these bytes, in a repository of this format (``sha1``, ``sha256``)."""
    digest = hashlib.new(object_format, b"blob %d\x00" % len(data), usedforsecurity=False)
    digest.update(data)
    return digest.hexdigest()


def _chunks(specs: Iterable[str]) -> Iterator[list[str]]:
    chunk: list[str] = []
    size = 0
    for spec in specs:
        length = len(spec.encode("utf-8", "surrogateescape")) + 1
        if chunk and size + length > _IN_FLIGHT:
            yield chunk
            chunk, size = [], 0
        chunk.append(spec)
        size += length
    if chunk:
        yield chunk


def _answer(child: subprocess.Popen[bytes]) -> tuple[str, bytes]:
    assert child.stdout is not None
    line = child.stdout.readline()
    if not line.endswith(b"\n"):
        raise EOFError
    header = _HEADER.fullmatch(line)
    if header is None:
        return "", b""
    size = int(header[3])
    data = child.stdout.read(size + 1)
    if len(data) != size + 1:
        raise EOFError
    return header[2].decode(), data[:-1]


def _end(child: subprocess.Popen[bytes]) -> None:
    for pipe in (child.stdin, child.stdout):
        try:
            if pipe is not None:
                pipe.close()
        except OSError:
            pass
    try:
        child.wait(timeout=5)
    except subprocess.TimeoutExpired:
        child.kill()
        child.wait()
