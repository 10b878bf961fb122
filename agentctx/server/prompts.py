"""Prompts that a person can pick in their client, and completion of what they take."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from agentctx.server.rejection import INVALID_PARAMS, Rejected

if TYPE_CHECKING:
    from agentctx.server.warm import Warm

Given = Mapping[str, str]
COMPLETED = 100
"""Values that one completion offers; the protocol allows no more."""


@dataclass(frozen=True, slots=True)
class Prompt:
    """One prompt: what it is for, what it takes (name -> meaning, required), and its text."""

    description: str
    text: Callable[[Warm, Given], str]
    arguments: Mapping[str, tuple[str, bool]]


def _begin(warm: Warm, given: Given) -> str:
    from agentctx.flows.prime import prime

    briefing = prime(warm.project(), given["task"]).text
    return f"{briefing}\nWith this in mind: {given['task']}\n"


def _hand_over(warm: Warm, given: Given) -> str:
    return (
        "Leave the next agent a note of this session: call the tool session_note with a summary whose first "
        "line is a title, why it was done so, what was decided against and why, and what comes next. Then "
        "propose_note for every decision, pattern or gotcha of this session that will outlive it.\n"
    )


def _mend(warm: Warm, given: Given) -> str:
    wanted = (
        f"the note {given['note']}" if given.get("note") else "the notes that status calls stale or suspect"
    )
    return (
        f"Look at {wanted}. Read each with read_note, then read the code it is anchored to as it is now. "
        "Where the note is wrong, call propose_note with its exact old words and the right new ones; where "
        "it still holds, call verify and say what you looked at. Change nothing that you have not checked.\n"
    )


PROMPTS: dict[str, Prompt] = {
    "begin": Prompt("Brief me for a task.", _begin, {"task": ("what is to be done", True)}),
    "hand_over": Prompt("Leave a session note for the next agent.", _hand_over, {}),
    "mend": Prompt(
        "Bring stale notes up to date with the code.", _mend, {"note": ("id of one note; all without", False)}
    ),
}


def listed(warm: Warm, params: Mapping[str, Any]) -> dict[str, Any]:
    """All prompts."""
    return {
        "prompts": [
            {
                "name": name,
                "description": prompt.description,
                "arguments": [
                    {"name": key, "description": meaning, "required": required}
                    for key, (meaning, required) in prompt.arguments.items()
                ],
            }
            for name, prompt in PROMPTS.items()
        ]
    }


def get(warm: Warm, params: Mapping[str, Any]) -> dict[str, Any]:
    """One prompt with its arguments filled in."""
    prompt = PROMPTS.get(str(params.get("name")))
    if prompt is None:
        raise Rejected(INVALID_PARAMS, f"Unknown prompt: {str(params.get('name'))[:80]}")
    given = params.get("arguments") or {}
    if not isinstance(given, dict) or not all(isinstance(v, str) for v in given.values()):
        raise Rejected(INVALID_PARAMS, "a prompt's arguments are texts")
    for name, (_, required) in prompt.arguments.items():
        if required and not given.get(name):
            raise Rejected(INVALID_PARAMS, f"this prompt needs {name!r}")
    content = {"type": "text", "text": prompt.text(warm, given)}
    return {"description": prompt.description, "messages": [{"role": "user", "content": content}]}


def complete(warm: Warm, params: Mapping[str, Any]) -> dict[str, Any]:
    """Ids of notes that begin with, or then hold, what was typed."""
    argument = params.get("argument")
    if not isinstance(argument, dict) or not isinstance(argument.get("value"), str):
        raise Rejected(INVALID_PARAMS, "completion/complete needs an argument with a value")
    if argument.get("name") not in ("note", "id"):
        return {"completion": {"values": [], "total": 0, "hasMore": False}}
    typed = argument["value"].lower()
    ids = [n.id for n in warm.project().notes.notes if typed in n.id.lower()]
    ids.sort(key=lambda id: (not id.lower().startswith(typed), id))
    return {
        "completion": {"values": ids[:COMPLETED], "total": len(ids), "hasMore": len(ids) > COMPLETED},
    }
