"""The account of what one symbol uses: where it leads, and digests of what stands there."""

from __future__ import annotations

import re
from collections.abc import Set
from dataclasses import dataclass, field

from agentctx.freshness.languages.base import fingerprint
from agentctx.model import Anchor

NONE = "0" * 16
"""Digest of no near dependencies, where there are far ones."""


@dataclass(slots=True)
class Dependencies:
    """The targets of one symbol's references."""

    digests: dict[str, str] = field(default_factory=dict)
    """Reference as written -> digest of what it means."""
    targets: dict[str, Anchor] = field(default_factory=dict)
    """Reference as written -> where its definition stands."""
    far: set[str] = field(default_factory=set)
    """Those of them that stand behind the declared type of a field or a result: they have a digest of their
    own, which records from before they were followed do not hold."""
    used: set[str] = field(default_factory=set)
    """Files whose content the answer rests on."""
    owner: str = ""
    """The type that the symbol is a member of: its name is no part of the digest, for it may be renamed."""
    uncertain: bool = False
    """A file on the way could not be parsed: an absent target proves nothing."""

    @property
    def digest(self) -> str:
        """One digest over the near ones, and one over the far ones behind it; empty without any."""
        near, far = (self._digest(part) for part in (self.digests.keys() - self.far, self.far))
        return f"{near or NONE}{far}" if far else near

    def _digest(self, names: Set[str]) -> str:
        written = sorted(f"{self.relative(name)}\x00{self.digests[name]}" for name in names)
        return fingerprint("\n".join(written))

    def relative(self, name: str) -> str:
        """A name without that of the owner."""
        is_own = self.owner and re.match(rf"{re.escape(self.owner)}(?![\w$])", name)
        return f"\x00owner{name[len(self.owner) :]}" if is_own else name


def is_other(recorded: str, now: str) -> bool:
    """Do two digests of dependencies differ, as far as the recorded one goes?"""
    if not recorded:
        return False
    size = len(NONE)
    near, far = recorded[:size], recorded[size:]
    return near != (now[:size] or NONE) or (bool(far) and far != now[size:])
