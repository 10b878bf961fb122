"""Ephemeral working memory for programs: ``Stash()`` in process, in Redis, or on a server.

    stash = Stash()
    stash.set("plan", {"step": 2}, ttl=600)
    stash.get("plan")

In process and in Redis a value lives under the name it was given. A server makes the ids itself: ``set``
returns the id, and this object remembers which name it stands for.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from agentctx.errors import AgentctxError, Busy, InvalidInput, NotFound
from agentctx.memory.stash import FREE, TIERS, UNSET, Tier, TooLarge
from agentctx.memory.stash import Stash as Rules

if TYPE_CHECKING:
    from agentctx.memory.base import Contexts

BACKENDS = ("memory", "sqlite", "redis")
LOG_FORMATS = ("json", "text")
VARIABLES = (
    "STASH_BACKEND", "REDIS_URL", "STASH_HOST", "STASH_PORT", "STASH_DEFAULT_TTL", "STASH_MAX_TTL",
    "STASH_MAX_PAYLOAD_BYTES", "STASH_LOG_LEVEL", "STASH_LOG_FORMAT", "STASH_API_KEYS",
)  # fmt: skip
_TIMEOUT = 30.0


@dataclass(frozen=True)
class Settings:
    """What the environment says about working memory."""

    backend: str = "sqlite"
    redis_url: str = "redis://127.0.0.1:6379/0"
    host: str = "127.0.0.1"
    port: int = 8787
    tiers: Mapping[str, Tier] = field(default_factory=lambda: dict(TIERS))
    """What the environment says of sizes and times holds for all of them."""
    log_level: str = "INFO"
    log_format: str = "json"
    api_keys: tuple[tuple[str, str], ...] = ()
    """(key, user) pairs, for development."""

    @property
    def tier(self) -> Tier:
        """Of a caller without a key, and of one with a key out of the environment."""
        return self.tiers["free"]

    @classmethod
    def read(cls, environ: Mapping[str, str]) -> Settings:
        """Out of ``STASH_*`` and ``REDIS_URL``. Raises ``InvalidInput`` naming the variable."""
        backend = environ.get("STASH_BACKEND", cls.backend)
        if backend not in BACKENDS:
            raise InvalidInput(f"STASH_BACKEND={backend} is no back end", f"one of: {', '.join(BACKENDS)}")
        pairs = [part.strip().partition(":") for part in environ.get("STASH_API_KEYS", "").split(",")]
        if any(key and not user for key, _, user in pairs):
            raise InvalidInput("STASH_API_KEYS holds a key without a user", "write it as key:user,key:user")
        port = _number(environ, "STASH_PORT", cls.port)
        if port > 65535:
            raise InvalidInput(f"STASH_PORT={port} is no port", "a number up to 65535")
        level = environ.get("STASH_LOG_LEVEL", cls.log_level).upper()
        if level not in ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"):
            raise InvalidInput(f"STASH_LOG_LEVEL={level} is no level", "DEBUG, INFO, WARNING or ERROR")
        form = environ.get("STASH_LOG_FORMAT", cls.log_format)
        if form not in LOG_FORMATS:
            raise InvalidInput(f"STASH_LOG_FORMAT={form} is no format", f"one of: {', '.join(LOG_FORMATS)}")
        return cls(
            backend,
            environ.get("REDIS_URL", cls.redis_url),
            environ.get("STASH_HOST", cls.host),
            port,
            {name: _limited(tier, environ) for name, tier in TIERS.items()},
            level,
            form,
            tuple((key, user) for key, _, user in pairs if key),
        )


def environment(folder: Path) -> dict[str, str]:
    """The variables of working memory: of the process, else of a file ``.env`` in ``folder``."""
    found: dict[str, str] = {}
    try:
        lines = (folder / ".env").read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError):
        lines = []
    for line in lines:
        name, equals, value = line.strip().removeprefix("export ").partition("=")
        if equals and name.strip() in VARIABLES:
            found[name.strip()] = value.strip().strip("'\"")
    return found | {name: os.environ[name] for name in VARIABLES if name in os.environ}


def _limited(tier: Tier, environ: Mapping[str, str]) -> Tier:
    default = _number(environ, "STASH_DEFAULT_TTL", tier.default_ttl)
    longest = _number(environ, "STASH_MAX_TTL", max(tier.max_ttl, default))
    size = _number(environ, "STASH_MAX_PAYLOAD_BYTES", tier.max_bytes)
    return replace(tier, max_bytes=size, default_ttl=min(default, longest), max_ttl=longest)


def _number(environ: Mapping[str, str], name: str, default: int) -> int:
    text = environ.get(name, "")
    if text and not (text.isdecimal() and 0 < int(text) < 2**53):
        raise InvalidInput(f"{name}={text} is not a whole number above zero", f"for example {default}")
    return int(text) if text else default


def open_contexts(backend: str, redis_url: str) -> Contexts:
    """What keeps the values. Raises ``MissingExtra``, ``AgentctxError``."""
    from agentctx.memory.store import open_sqlite

    if backend == "redis":
        from agentctx.memory.redis import open_values

        return open_values(redis_url)
    return open_sqlite(data_file() if backend == "sqlite" else None)


def data_file() -> Path:
    """The file of servers that belong to no repository: working memory, and keys."""
    from agentctx.memory.sqlite import default_path

    return default_path("server")


class Stash:
    """Values with a time to live. Raises ``NotFound`` for what is absent, expired or somebody else's."""

    def __init__(
        self,
        backend: str = "memory",
        redis_url: str = Settings.redis_url,
        *,
        api_key: str = "",
        url: str = "",
        user: str = "local",
        tier: Tier = FREE,
    ) -> None:
        """``url`` (with ``api_key``) asks a server; ``backend`` is one of ``BACKENDS``."""
        if not url and backend not in BACKENDS:
            raise InvalidInput(f"{backend!r} is no back end", f"one of: {', '.join(BACKENDS)}")
        self._url, self._key, self._user, self._tier = url.rstrip("/"), api_key, user, tier
        self._names: dict[str, str] = {}
        self._rules = None if url else Rules(open_contexts(backend, redis_url), os.urandom, named=True)

    def set(self, key: str, data: Any, ttl: int | None = None) -> str:
        """Keep ``data`` under ``key`` for ``ttl`` seconds; the id by which others may ask for it."""
        if self._rules:
            return self._rules.set(self._user, key, data, _now(), self._tier, ttl).memory_id
        asked = {"data": data} if ttl is None else {"data": data, "ttl": ttl}
        ident = str(self._asked("POST", "/stash", asked)["memory_id"])
        self._names[key] = ident
        return ident

    def get(self, key: str) -> Any:
        """The data under a name or an id."""
        if self._rules:
            return self._rules.get(self._user, key, _now()).data
        return self._asked("GET", f"/recall/{self._ident(key)}")["data"]

    def update(self, key: str, data: Any) -> int:
        """Replace the data; the seconds that remain."""
        return self._changed(key, data=data)

    def extend(self, key: str, extra_seconds: int) -> int:
        """Add to the time that remains; the seconds that remain now."""
        return self._changed(key, extra_seconds=extra_seconds)

    def forget(self, key: str) -> None:
        """Remove the value."""
        if self._rules:
            self._rules.forget(self._user, key, _now())
        else:
            self._asked("DELETE", f"/forget/{self._ident(key)}")
            self._names.pop(key, None)

    def close(self) -> None:
        """Let go of the back end."""
        if self._rules:
            self._rules.store.close()

    def _changed(self, key: str, data: Any = UNSET, extra_seconds: int | None = None) -> int:
        if self._rules:
            kept = self._rules.update(
                self._user, key, _now(), self._tier, data=data, extra_seconds=extra_seconds
            )
            return kept.ttl_remaining
        asked = {} if data is UNSET else {"data": data}
        asked |= {} if extra_seconds is None else {"extra_seconds": extra_seconds}
        return int(self._asked("PATCH", f"/update/{self._ident(key)}", asked)["ttl_remaining"])

    def _ident(self, key: str) -> str:
        from urllib.parse import quote

        return quote(self._names.get(key, key), safe="")

    def _asked(self, method: str, path: str, body: Any = None) -> dict[str, Any]:
        from urllib.error import HTTPError, URLError
        from urllib.request import Request, urlopen

        headers = {"X-API-KEY": self._key} if self._key else {}
        data = None
        if body is not None:
            data, headers["Content-Type"] = json.dumps(body).encode(), "application/json"
        request = Request(self._url + path, data, headers, method=method)
        try:
            with urlopen(request, timeout=_TIMEOUT) as response:
                found = json.load(response)
        except HTTPError as error:
            raise _failure(error.code, error.read()[:2000]) from None
        except (URLError, OSError, ValueError) as error:
            raise AgentctxError(f"{self._url} cannot be asked: {error}", "check the address") from None
        return found if isinstance(found, dict) else {}


def _failure(status: int, body: bytes) -> AgentctxError:
    try:
        words = str(json.loads(body)["error"])
    except (ValueError, KeyError, TypeError):
        words = f"the server answered {status}"
    kinds = {400: InvalidInput, 404: NotFound, 413: TooLarge, 429: Busy, 503: Busy}
    return kinds.get(status, AgentctxError)(words)


def _now() -> str:
    return datetime.now(UTC).isoformat()
