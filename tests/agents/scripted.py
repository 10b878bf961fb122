"""A scripted model for real agent clients: it says what a script says, and keeps every request body.

It speaks the four formats that the clients use: messages with content blocks, responses with items, chat
completions, and generated content.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from tests.agents.endpoint import Body, Endpoint, served
from tests.agents.wire import (
    chat_answer,
    chat_chunks,
    content,
    message,
    message_events,
    response_events,
)


@dataclass(frozen=True)
class Say:
    """The model answers with a text."""

    text: str


@dataclass(frozen=True)
class Use:
    """The model calls the first tool whose name ends so; without such a tool it says that."""

    tool: str
    given: dict[str, Any] = field(default_factory=dict)


Script = Sequence[Say | Use]
UNDERSTOOD = (Say("Understood."),)
CAP = 40
"""Answers after which the model only says that it is over, whatever the script."""


class Requests(list[Body]):
    """The bodies that reached the model, oldest first; ``url`` is where it listens."""

    url = ""

    def texts(self) -> str:
        """Every text of every body, in one string."""
        return "\n".join(_texts(list(self)))

    def main(self) -> list[Body]:
        """The requests of the session itself: those that offer tools."""
        return [body for body in self if body.get("tools")]


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for inner in value.values():
            yield from _texts(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _texts(inner)


def tool_names(body: Body) -> list[str]:
    """The tools that a request offers; those of a namespace as ``namespace/name``."""
    names: list[str] = []
    for tool in body.get("tools") or []:
        if "functionDeclarations" in tool:
            names += [str(inner["name"]) for inner in tool["functionDeclarations"]]
        elif tool.get("type") == "function" and "function" in tool:
            names.append(str(tool["function"]["name"]))
        elif tool.get("type") == "namespace":
            names += [f"{tool['name']}/{inner.get('name', '')}" for inner in tool.get("tools", [])]
        else:
            names.append(str(tool.get("name") or tool.get("type", "")))
    return names


def _taken(body: Body) -> int:
    """How many tool calls the conversation already holds."""
    blocks = [b for m in body.get("messages", []) if isinstance(m.get("content"), list) for b in m["content"]]
    items = body.get("input") if isinstance(body.get("input"), list) else []
    calls = [b for b in blocks if b.get("type") == "tool_use"]
    calls += [c for m in body.get("messages", []) for c in m.get("tool_calls") or []]
    calls += [p for c in body.get("contents", []) for p in c.get("parts", []) if "functionCall" in p]
    return len(calls) + sum(i.get("type") in ("function_call", "custom_tool_call") for i in items or [])


def _step(body: Body, script: Script, over: bool) -> tuple[str, str, dict[str, Any]]:
    """What the model does now: a text, or a tool's whole name with its arguments."""
    if over or not body.get("tools"):
        return "ok", "", {}
    step = script[min(_taken(body), len(script) - 1)]
    if isinstance(step, Say):
        return step.text, "", {}
    found = next((name for name in tool_names(body) if name.endswith(step.tool)), "")
    return ("", found, step.given) if found else (f"there is no tool {step.tool}", "", {})


class Handler(Endpoint):
    requests: Requests
    script: Script

    def reply(self, body: Body) -> None:
        self.requests.append(body)
        number = len(self.requests)
        step = _step(body, self.script, number > CAP)
        path, streamed = self.path.split("?")[0], bool(body.get("stream"))
        if path.endswith("/responses"):
            self.events(response_events(number, step))
        elif path.endswith("/chat/completions"):
            self.chunks(chat_chunks(number, step)) if streamed else self.json(chat_answer(number, step))
        elif "enerateContent" in path:
            answer = content(number, step)
            self.chunks([answer]) if "stream" in path else self.json(answer)
        else:
            answer = message(body, number, step)
            self.events(message_events(answer)) if streamed else self.json(answer)


@contextmanager
def scripted_model(script: Script = UNDERSTOOD) -> Iterator[Requests]:
    """Serve on a free loopback port for the length of the block."""
    kept = Requests()
    with served(Handler, requests=kept, script=script) as kept.url:
        yield kept
