"""What a host of repositories must be able to do so that a sync becomes one open pull request."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Request:
    """A pull request that is open, or was."""

    branch: str
    number: int = 0
    url: str = ""


@dataclass(frozen=True, slots=True)
class Text:
    """Title and body of a pull request, and the branch it asks to be merged into."""

    title: str
    body: str
    target: str
    trailers: tuple[str, ...] = ()
    """Provenance of every edit, for hosts whose squash may take the text as its message."""


class Forge(Protocol):
    """One host. Every method raises ``AgentctxError`` when the host refuses."""

    name: str
    refusal: str
    """What a person does to refuse a request, as the beginning of a sentence."""

    def waiting(self, branches: tuple[str, ...]) -> tuple[str, ...]:
        """Those of the remote's branches (oldest first) that an open request, or none at all, belongs to."""
        ...

    def push_options(self, text: Text, is_new: bool) -> tuple[str, ...]:
        """Options of the push that opens or updates the request, where the host works that way."""
        ...

    def announce(self, branch: str, text: Text) -> Request:
        """Open the request of a pushed branch, or give the open one this text."""
        ...
