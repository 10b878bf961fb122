"""A model behind a real agent client that is used as a provider: it answers from what it was sent.

The client may offer a tool for the structured answer, or ask for a format; ``answer`` gets every text of the
request and gives the text of the answer.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from tests.agents.endpoint import Body, Endpoint, served
from tests.agents.wire import Step, message, message_events, response_events

STRUCTURED = "StructuredOutput"


class Asked(list[Body]):
    """The bodies of all requests to the model, oldest first; ``url`` is where it listens."""

    url = ""


class Handler(Endpoint):
    asked: Asked
    answer: Callable[[str], str]
    delay: float
    status: int

    def reply(self, body: Body) -> None:
        path = self.path.split("?")[0]
        self.asked.append(body)
        time.sleep(self.delay)
        if self.status != 200:
            error = {"type": "invalid_request_error", "message": "this key was refused"}
            self.json({"type": "error", "error": error}, self.status)
            return
        step = _step(body, self.answer("\n".join(texts(body))))
        number = len(self.asked)
        if path.endswith("/responses"):
            self.events(response_events(number, step))
        elif body.get("stream"):
            self.events(message_events(message(body, number, step)))
        else:
            self.json(message(body, number, step))


def texts(value: Any) -> Iterator[str]:
    """Every text in a body, in order."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, (dict, list)):
        for inner in value.values() if isinstance(value, dict) else value:
            yield from texts(inner)


def _step(body: Body, text: str) -> Step:
    """The answer through the tool for it where there is one and the text is an object, else as text."""
    if not any(tool.get("name") == STRUCTURED for tool in body.get("tools") or []):
        return text, "", {}
    try:
        given = json.loads(text)
    except ValueError:
        return text, "", {}
    return ("", STRUCTURED, given) if isinstance(given, dict) else (text, "", {})


@contextmanager
def answering(answer: Callable[[str], str], delay: float = 0.0, status: int = 200) -> Iterator[Asked]:
    """Serve on a free loopback port for the length of the block."""
    asked = Asked()
    bound = {"asked": asked, "answer": staticmethod(answer), "delay": delay, "status": status}
    with served(Handler, **bound) as asked.url:
        yield asked
