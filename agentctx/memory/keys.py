"""Keys of a server: made of 32 random bytes, shown once, kept as a digest; with an owner, scopes and an end.

The random part is long enough that a plain SHA-256 cannot be searched. A key looks like ``agx_ID_SECRET``;
the ID finds the row, and the digest of the whole is compared in constant time.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from collections.abc import Sequence
from dataclasses import dataclass

from agentctx.errors import InvalidInput, NotFound
from agentctx.memory.canonical import instant, key_text, stored
from agentctx.memory.engine import Database, Session
from agentctx.memory.stash import TIERS

SCOPES = ("read", "write", "admin")
"""``read`` asks, ``write`` changes, ``admin`` erases and reads the metrics; each includes the one before."""
_FORM = re.compile(r"agx_([a-z2-7]{8})_[A-Za-z0-9_-]{43}")
_COLUMNS = "id, owner, label, scopes, tier, created_at, expires_at, revoked_at"


@dataclass(frozen=True, slots=True)
class Key:
    """What is known of a key; times are ISO 8601, empty when there is none."""

    id: str
    owner: str
    """The tenant whose rows the key opens, and the user of working memory."""
    label: str
    scopes: tuple[str, ...]
    tier: str
    created_at: str
    expires_at: str = ""
    revoked_at: str = ""

    def lives(self, now: str) -> bool:
        """Whether it may be used at ``now``."""
        return not self.revoked_at and not (self.expires_at and instant(self.expires_at) <= instant(now))


def digest(secret: str) -> str:
    """What is kept of a key."""
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()


class Keys:
    """The keys in a database whose schema is up to date."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def new(
        self,
        random: bytes,
        owner: str,
        now: str,
        *,
        label: str = "",
        scopes: Sequence[str] = ("read", "write"),
        tier: str = "free",
        expires_at: str = "",
    ) -> tuple[str, Key]:
        """A key out of 37 random bytes: the text to show once, and what is kept. Raises ``InvalidInput``."""
        unknown = [scope for scope in scopes if scope not in SCOPES]
        if unknown or not scopes:
            raise InvalidInput(f"{', '.join(unknown) or 'no scope'} is no scope", f"use {', '.join(SCOPES)}")
        if tier not in TIERS:
            raise InvalidInput(f"{tier!r} is no tier", f"use {', '.join(TIERS)}")
        ident = base64.b32encode(random[32:37]).decode().lower()
        text = f"agx_{ident}_{base64.urlsafe_b64encode(random[:32]).decode().rstrip('=')}"
        key = Key(
            ident, key_text(owner, "owner"), label, tuple(scopes), tier, instant(now),
            instant(expires_at) if expires_at else "",
        )  # fmt: skip
        values = (
            ident, digest(text), key.owner, label, " ".join(scopes), tier, key.created_at,
            key.expires_at or None,
        )  # fmt: skip
        sql = (
            "INSERT INTO api_keys (id, sha256, owner, label, scopes, tier, created_at, expires_at)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?)"
        )
        self._database.write(lambda session: session.run(sql, values))
        return text, key

    def list(self) -> list[Key]:
        """All keys, oldest first."""
        sql = f"SELECT {_COLUMNS} FROM api_keys ORDER BY created_at, id"
        return [_key(row) for row in self._database.read(lambda session: session.rows(sql))]

    def revoke(self, id: str, now: str) -> None:
        """The key opens nothing any more. Raises ``NotFound``."""
        sql = "UPDATE api_keys SET revoked_at = ? WHERE id = ? AND revoked_at IS NULL"
        if not self._database.write(lambda session: session.run(sql, (instant(now), id))):
            raise NotFound(f"there is no key {id} that could be revoked", "`agentctx keys list` shows them")

    def find(self, text: str, now: str) -> Key | None:
        """The key that ``text`` is, when it is one and lives."""
        match = _FORM.fullmatch(text)
        sql = f"SELECT sha256, {_COLUMNS} FROM api_keys WHERE id = ?"

        def work(session: Session) -> list[tuple[object, ...]]:
            return session.rows(sql, (match[1] if match else "",))

        rows = self._database.read(work)
        kept = str(rows[0][0]) if rows else digest("")
        if not hmac.compare_digest(kept, digest(text)) or not rows:
            return None
        key = _key(rows[0][1:])
        return key if key.lives(now) else None


def _key(row: Sequence[object]) -> Key:
    ident, owner, label, scopes, tier, created, expires, revoked = ("" if v is None else str(v) for v in row)
    return Key(
        ident, owner, label, tuple(scopes.split()), tier, stored(created), stored(expires), stored(revoked)
    )
