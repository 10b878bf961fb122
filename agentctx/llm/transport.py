"""One JSON request over HTTP: one deadline, a size cap, retries, no redirects, only checked addresses.

Standard library only. Imported when a call is made, never at start-up.
"""

from __future__ import annotations

import contextlib
import email.utils
import http.client
import json
import random
import socket
import ssl
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from agentctx.errors import ModelFailed, TooLong
from agentctx.hygiene import redact
from agentctx.llm.address import check_url, is_loopback, resolve
from agentctx.llm.too_long import HINT, says_too_long
from agentctx.text import strip_hidden

RESPONSE_LIMIT = 8_000_000
"""Bytes of the largest response that is read."""
RETRIES = 4
_TRANSIENT = frozenset((408, 425, 429, 500, 502, 503, 504, 529))
_LONGEST_WAIT = 60.0


class Refused(ModelFailed):
    """The server answered with an error status; ``words`` is its own explanation, cleaned and cut."""

    def __init__(self, message: str, hint: str, status: int, words: str) -> None:
        super().__init__(message, hint)
        self.status = status
        self.words = words


@dataclass(frozen=True, slots=True)
class Request:
    """What to send and how long to wait for everything together, retries included (seconds)."""

    url: str
    body: Mapping[str, Any]
    headers: Mapping[str, str]
    timeout: float = 120.0
    allow_http: bool = False
    key: str = field(default="", repr=False)
    """Taken out of every message, should a server repeat it."""


@dataclass(frozen=True, slots=True)
class Pause:
    """Clock, sleep and dice; tests pass their own."""

    now: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep
    dice: Callable[[], float] = random.random


def post(request: Request, pause: Pause | None = None) -> bytes:
    """The body of a successful response. Raises ``Refused``, ``TooLong`` or another ``ModelFailed``."""
    check_url(request.url, request.allow_http)
    if not all(" " <= c <= "~" for c in request.key):
        raise ModelFailed(
            "the provider's key holds a line break or a character outside ASCII", "set it again"
        )
    pause = pause or Pause()
    deadline = pause.now() + request.timeout
    attempt = 0
    while True:
        left = deadline - pause.now()
        if left <= 0:
            raise _too_slow(request)
        try:
            return _once(request, left)
        except _Transient as failure:
            wait = _wait(failure, attempt, pause)
            attempt += 1
            if attempt > RETRIES or pause.now() + wait >= deadline:
                raise failure.final from None
            pause.sleep(wait)


def persist(
    send: Callable[[float], bytes], give_up: Callable[[Refused], bool], timeout: float
) -> tuple[bytes, float]:
    """Send until the server takes it; returns the response, and the seconds that all attempts took.

    ``send`` is given the seconds that are left. ``give_up`` drops one thing that a refusal complains
    about; where it has nothing left to drop, the refusal is raised.
    """
    start = time.monotonic()
    while True:
        try:
            data = send(timeout - (time.monotonic() - start))
            return data, time.monotonic() - start
        except Refused as refusal:
            if not give_up(refusal):
                raise


class _Transient(Exception):
    """Worth another try; ``final`` is what to raise when there is none left."""

    def __init__(self, final: ModelFailed, retry_after: float | None = None) -> None:
        super().__init__(final.message)
        self.final = final
        self.retry_after = retry_after


def _wait(failure: _Transient, attempt: int, pause: Pause) -> float:
    """What the server asked for, else exponential with full jitter; seconds."""
    if failure.retry_after is not None:
        return failure.retry_after + 0.1 * pause.dice()
    return min(20.0, 0.5 * 2.0**attempt) * (0.5 + 0.5 * pause.dice())


def _once(request: Request, left: float) -> bytes:
    host = urlsplit(request.url).hostname or ""
    try:
        with _Deadline(left) as alarm:
            try:
                with _opener(host, alarm).open(_outgoing(request), timeout=left) as response:
                    return _read(response, RESPONSE_LIMIT, host)
            except urllib.error.HTTPError as error:
                with error:
                    raise _refusal(request, error) from None
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise _broken(request, error) from None


def _broken(request: Request, error: Exception) -> Exception:
    """A connection that failed, by its cause; the cause's own text may quote headers and is left out."""
    host = urlsplit(request.url).hostname or ""
    cause = error.reason if isinstance(error, urllib.error.URLError) else error
    if isinstance(cause, TimeoutError):
        return _too_slow(request)
    if isinstance(cause, ssl.SSLError):
        return ModelFailed(
            f"no secure connection to {host}: {cause.reason or 'the certificate was not accepted'}",
            "check the address: agentctx provider show",
        )
    if isinstance(cause, ConnectionRefusedError):
        return ModelFailed(
            f"nothing listens at {_place(request.url)}",
            "start the server, or set another: agentctx provider set",
        )
    failed = ModelFailed(f"the connection to {host} broke ({type(cause).__name__})", "try again later")
    return _Transient(failed) if isinstance(cause, (OSError, http.client.HTTPException)) else failed


def _outgoing(request: Request) -> urllib.request.Request:
    data = json.dumps(request.body, ensure_ascii=False).encode("utf-8", "replace")
    headers = {"Content-Type": "application/json", "Accept": "application/json", "User-Agent": "agentctx"}
    return urllib.request.Request(request.url, data, {**headers, **request.headers}, method="POST")


def _read(response: Any, limit: int, host: str) -> bytes:
    data: bytes = response.read(limit + 1)
    if len(data) > limit:
        raise ModelFailed(f"{host} sent more than {limit:,} bytes; the answer was not read")
    if response.length:
        raise http.client.IncompleteRead(data[:0], response.length)
    return data


def _refusal(request: Request, error: urllib.error.HTTPError) -> Exception:
    host = urlsplit(request.url).hostname or ""
    if 300 <= error.code < 400:
        return ModelFailed(
            f"{host} redirects to another address ({error.code}); redirects are not followed",
            "set the final address: agentctx provider set --url URL",
        )
    try:
        body = error.read(64_000)
    except (OSError, http.client.HTTPException, ValueError):
        body = b""
    words = explained(body, request.key)
    message = f"{host} answered {error.code}" + (f": {words}" if words else "")
    if says_too_long(f"{words} {_sort(body)}", error.code):
        return TooLong(message, HINT)
    refused = Refused(message, _hint(error.code), error.code, words)
    if error.code in _TRANSIENT:
        return _Transient(refused, _retry_after(error.headers.get("Retry-After")))
    return refused


def explained(body: bytes, key: str = "") -> str:
    """The server's explanation, without hidden characters, secrets or our key; at most 300 characters."""
    error = _error(body)
    text = str(error.get("message", error)) if isinstance(error, dict) else str(error)
    if key:
        text = text.replace(key, "[key]")
    return " ".join(strip_hidden(redact(text).text).split())[:300]


def _error(body: bytes) -> Any:
    """What a response says about a failure: its ``error``, else all of it."""
    try:
        data = json.loads(body.decode("utf-8", "replace"))
    except (ValueError, RecursionError):
        return body.decode("utf-8", "replace")
    return data.get("error", data) if isinstance(data, dict) else data


def _sort(body: bytes) -> str:
    """What sort of failure the server calls it: ``context_length_exceeded`` and the like."""
    error = _error(body)
    return f"{error.get('type', '')} {error.get('code', '')}" if isinstance(error, dict) else ""


def failed(body: bytes, key: str = "") -> ModelFailed:
    """The failure that a body tells although its status says success."""
    message = f"the server answered with an error: {explained(body, key)}"
    if says_too_long(f"{message} {_sort(body)}"):
        return TooLong(message, HINT)
    return ModelFailed(message, "see `agentctx provider test`")


def _hint(status: int) -> str:
    if status in (401, 403):
        return "check the key in the variable that `agentctx provider show` names"
    if status == 404:
        return "check the address and the model's name: agentctx provider show"
    if status == 429:
        return "the provider's limit is reached; run `agentctx sync` again later"
    return "try again later" if status >= 500 else "see `agentctx provider test`"


def _retry_after(text: str | None) -> float | None:
    """Seconds from a Retry-After header, as a number or a date; None when absent or unreadable."""
    if not text:
        return None
    try:
        seconds = float(text)
    except ValueError:
        try:
            seconds = email.utils.parsedate_to_datetime(text).timestamp() - time.time()
        except (ValueError, TypeError, OverflowError):
            return None
    return max(0.0, seconds) if seconds == seconds else None


def _too_slow(request: Request) -> ModelFailed:
    return ModelFailed(
        f"{_place(request.url)} gave no whole answer within {request.timeout:g} seconds",
        "try again, or allow more: agentctx provider set --timeout SECONDS",
    )


def _place(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"


# --------------------------------------------------------------------------- connections


class _Deadline:
    """Shuts the sockets of one request when its time is over, however slowly the bytes drip in."""

    def __init__(self, seconds: float) -> None:
        self._timer = threading.Timer(seconds, self._ring)
        self._timer.daemon = True
        self._watched: list[socket.socket] = []
        self._over = False

    def watch(self, connection: socket.socket) -> None:
        if self._over:
            connection.close()
            raise TimeoutError
        self._watched.append(connection.dup())

    def _ring(self) -> None:
        self._over = True
        for connection in self._watched:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    def __enter__(self) -> _Deadline:
        self._timer.start()
        return self

    def __exit__(self, kind: object, error: object, trace: object) -> None:
        self._timer.cancel()
        for connection in self._watched:
            connection.close()
        if self._over:
            raise TimeoutError


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: Any, **__: Any) -> None:
        return None


def _opener(host: str, alarm: _Deadline) -> urllib.request.OpenerDirector:
    """Proxies of the environment are respected, except for this machine itself."""

    def connect(address: tuple[str, int], timeout: float, source: Any = None) -> socket.socket:
        connection = _connected(resolve(*address), address[1], timeout)
        alarm.watch(connection)
        return connection

    class Plain(http.client.HTTPConnection):
        def __init__(self, *args: Any, **options: Any) -> None:
            super().__init__(*args, **options)
            self._create_connection = connect

    class Secure(http.client.HTTPSConnection):
        def __init__(self, *args: Any, **options: Any) -> None:
            super().__init__(*args, **options)
            self._create_connection = connect

    class PlainHandler(urllib.request.HTTPHandler):
        def http_open(self, req: urllib.request.Request) -> http.client.HTTPResponse:
            return self.do_open(Plain, req)

    class SecureHandler(urllib.request.HTTPSHandler):
        def https_open(self, req: urllib.request.Request) -> http.client.HTTPResponse:
            return self.do_open(Secure, req, context=ssl.create_default_context())

    proxies = urllib.request.ProxyHandler({} if is_loopback(host) else None)
    return urllib.request.build_opener(proxies, _NoRedirect, PlainHandler, SecureHandler)


def _connected(addresses: list[str], port: int, timeout: float) -> socket.socket:
    failure: OSError = OSError("no address")
    for address in addresses:
        try:
            return socket.create_connection((address, port), timeout)
        except OSError as error:
            failure = error
    raise failure
