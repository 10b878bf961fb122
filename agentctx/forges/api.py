"""A host's REST API: JSON over https with a token that goes to this one address and is never printed."""

from __future__ import annotations

import http.client
import json
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from typing import Any, TypeVar
from urllib.parse import urlsplit

from agentctx.errors import AgentctxError, InvalidInput
from agentctx.hygiene import redact
from agentctx.text import strip_hidden

TIMEOUT = 30.0
LIMIT = 8_000_000
PAUSES = (0.5, 2.0)
"""Seconds before the second attempt and the third, where the host does not say."""
LONGEST = 60.0
"""Seconds waited at most, whatever the host says."""
_BUSY = (429, 500, 502, 503, 504)
_Result = TypeVar("_Result")
Explain = Callable[[int, str], str]
"""Status and the host's words -> what to do about a refusal; empty when that is not known."""


class Passing(AgentctxError):
    """The host is busy, or did not answer. ``after``: the seconds it asks for, 0 when it names none."""

    def __init__(self, message: str, hint: str = "", after: float = 0.0) -> None:
        super().__init__(message, hint)
        self.after = after


class Api:
    """The calls of one host. No redirect is followed: the token would go along."""

    def __init__(self, address: str, token: str, headers: Mapping[str, str], explain: Explain) -> None:
        """Raises ``InvalidInput`` for an address that is neither https nor this machine."""
        parts = urlsplit(address)
        loopback = parts.hostname in ("127.0.0.1", "::1", "localhost")
        if parts.scheme != "https" and not (parts.scheme == "http" and loopback):
            raise InvalidInput(f"the API's address {address[:80]} is not https", "name the host's own")
        self.address, self._token = address.rstrip("/"), token
        self._headers, self._explain = {"User-Agent": "agentctx", **headers}, explain
        proxies = urllib.request.ProxyHandler({} if loopback else None)
        self._opener = urllib.request.build_opener(proxies, _NoRedirect)

    def call(self, method: str, path: str, body: object = None) -> Any:
        """The host's answer, out of JSON. Raises ``AgentctxError`` when it refuses or does not answer,
        ``Passing`` when it may do so a little later."""
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"{self.address}{path}", data, self._headers, method=method)
        try:
            with self._opener.open(request, timeout=TIMEOUT) as response:
                return json.loads(response.read(LIMIT))
        except urllib.error.HTTPError as error:
            with error:
                raise self._refused(error) from None
        except (OSError, http.client.HTTPException, ValueError) as error:
            raise Passing(
                f"{urlsplit(self.address).netloc} did not answer as its API should ({type(error).__name__})",
                _AGAIN,
            ) from None

    def _refused(self, error: urllib.error.HTTPError) -> AgentctxError:
        try:
            words = str(json.loads(error.read(64_000)).get("message", ""))
        except (OSError, http.client.HTTPException, ValueError, AttributeError):
            words = ""
        words = strip_hidden(redact(words.replace(self._token, "[token]")).text)[:200]
        said = f"{urlsplit(self.address).netloc} answered {error.code}" + (f": {words}" if words else "")
        asked = error.headers.get("Retry-After", "")
        if error.code not in _BUSY and not asked:
            return AgentctxError(said, self._explain(error.code, words) or _AGAIN)
        return Passing(said, _AGAIN, min(float(asked), LONGEST) if asked.isdecimal() else 0.0)


def patiently(act: Callable[[], _Result]) -> _Result:
    """Do something that may be done twice; and again, a little later, while the host is busy or breaks."""
    for pause in PAUSES:
        try:
            return act()
        except Passing as error:
            time.sleep(error.after or pause)
    return act()


_AGAIN = "run the job again: the same range is done then"


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: Any, **__: Any) -> None:
        return None
