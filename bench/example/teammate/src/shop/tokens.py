"""Signed login tokens."""

import hashlib
import hmac

MAX_AGE = 3600


def issue_token(user: str, role: str, now: int, secret: bytes) -> str:
    """A token for ``user``: name, role, time of issue, signature."""
    payload = f"{user}.{role}.{now}"
    return f"{payload}.{_sign(payload, secret)}"


def verify_token(token: str, now: int, secret: bytes) -> str | None:
    """The user of a token that is genuine and not too old, else None."""
    payload, _, signature = token.rpartition(".")
    if not hmac.compare_digest(signature, _sign(payload, secret)):
        return None
    user, _role, issued = payload.split(".")
    if now - int(issued) > MAX_AGE:
        return None
    return user


def _sign(payload: str, secret: bytes) -> str:
    return hmac.new(secret, payload.encode(), hashlib.sha256).hexdigest()
