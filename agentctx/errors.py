"""The few kinds of failure a person can meet, each with the sentence that says what to type next.

Pure code does not raise for bad input; it returns ``model.Problem`` values. These exceptions are for
what stops a command. ``cli/main.py`` is the only place that turns them into text and an exit code.
"""

from __future__ import annotations


class AgentctxError(Exception):
    """A command could not run (exit code 2).

    ``message`` says what failed and where; ``hint`` says what to type next (may be empty).
    """

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class InvalidInput(AgentctxError):
    """What the person typed, or what a file says, cannot be used."""


class NotFound(AgentctxError):
    """A note, file, symbol or revision that was named does not exist."""


class NotARepository(AgentctxError):
    """The command needs a git work tree and there is none here."""


class GitFailed(AgentctxError):
    """git itself refused; ``message`` carries git's own words."""


class Conflict(AgentctxError):
    """The bytes on disk are no longer the ones the edit was made against (compare-and-swap failed)."""


class Busy(AgentctxError):
    """Another process holds the lock and did not let go within the wait."""


class UnsafeFile(AgentctxError):
    """A FIFO, device, symbolic link out of the repository, or a file over its size limit."""


class NotWritable(AgentctxError):
    """The place that had to be written is read-only or full."""


class MissingExtra(AgentctxError):
    """An optional part is not installed; ``hint`` is the pip command that installs it."""


class NotYet(AgentctxError):
    """There is work, but its time has not come; what waits stays pending and is no failure."""


class ModelFailed(AgentctxError):
    """The language model could not be reached, refused, or answered outside its format."""


class Unusable(ModelFailed):
    """The model could be reached, and what it said about this one prompt is of no use: prose, a refusal, an
    answer that was cut off. The next prompt may fare better."""


class TooLong(ModelFailed):
    """The prompt is longer than the model reads, so it was not answered. A shorter one may be."""


class Unscanned(AgentctxError):
    """A text could not be scanned for secrets, so it was neither sent nor stored."""
