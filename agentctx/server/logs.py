"""What a server says on standard error: one line an event, JSON or words, whoever in the process says it."""

from __future__ import annotations

import json
import logging
import sys
from datetime import UTC, datetime
from typing import Any

LOG = logging.getLogger("agentctx.server")


def begin(level: str, as_json: bool) -> None:
    """Write what is logged from now on; of other packages (uvicorn, asyncio, mcp) warnings and errors."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(Lines(as_json))
    logging.getLogger().handlers[:] = [handler]
    LOG.setLevel(level)


def tell(level: int, event: str, **about: Any) -> None:
    """One event with what is known about it."""
    LOG.log(level, "%s", event, extra={"about": about})


class Lines(logging.Formatter):
    """A record as one line; a stack trace is a field of it."""

    def __init__(self, as_json: bool) -> None:
        super().__init__()
        self._as_json = as_json

    def format(self, record: logging.LogRecord) -> str:
        """See ``logging.Formatter``."""
        line: dict[str, Any] = {
            "timestamp": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "event": record.getMessage(),
            **getattr(record, "about", {}),
        }
        if record.exc_info:
            line["traceback"] = self.formatException(record.exc_info)
        if self._as_json:
            return json.dumps(line, ensure_ascii=False, default=str)
        return " ".join(f"{name}={_word(value)}" for name, value in line.items())


def _word(value: Any) -> str:
    text = str(value)
    return text if text.isprintable() and " " not in text else json.dumps(text, ensure_ascii=False)
