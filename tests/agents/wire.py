"""What a step of the script looks like in each format that a client reads."""

from __future__ import annotations

import json
from typing import Any

Step = tuple[str, str, dict[str, Any]]
"""A text, or the whole name of a tool with what it is given."""


def message(body: dict[str, Any], number: int, step: Step) -> dict[str, Any]:
    text, tool, given = step
    used = {"type": "tool_use", "id": f"toolu_{number}", "name": tool, "input": given}
    return {
        "id": f"msg_{number}",
        "type": "message",
        "role": "assistant",
        "model": body.get("model", "scripted"),
        "content": [used if tool else {"type": "text", "text": text}],
        "stop_reason": "tool_use" if tool else "end_turn",
        "stop_sequence": None,
        "usage": {"input_tokens": 10, "output_tokens": 2},
    }


def message_events(message: dict[str, Any]) -> list[dict[str, Any]]:
    (block,) = message["content"]
    if block["type"] == "text":
        start, delta = {**block, "text": ""}, {"type": "text_delta", "text": block["text"]}
    else:
        start = {**block, "input": {}}
        delta = {"type": "input_json_delta", "partial_json": json.dumps(block["input"])}
    return [
        {"type": "message_start", "message": {**message, "content": [], "stop_reason": None}},
        {"type": "content_block_start", "index": 0, "content_block": start},
        {"type": "content_block_delta", "index": 0, "delta": delta},
        {"type": "content_block_stop", "index": 0},
        {
            "type": "message_delta",
            "delta": {"stop_reason": message["stop_reason"]},
            "usage": message["usage"],
        },
        {"type": "message_stop"},
    ]


def response_events(number: int, step: Step) -> list[dict[str, Any]]:
    text, tool, given = step
    if tool:
        space, _, name = tool.rpartition("/")
        item: dict[str, Any] = {
            "type": "function_call",
            "id": f"fc_{number}",
            "call_id": f"call_{number}",
            "name": name,
            "arguments": json.dumps(given),
            "status": "completed",
            **({"namespace": space} if space else {}),
        }
        if "input" in given:  # a tool that takes a text and no arguments
            del item["arguments"]
            item |= {"type": "custom_tool_call", "input": given["input"]}
    else:
        content = [{"type": "output_text", "text": text, "annotations": []}]
        item = {
            "type": "message", "id": f"msg_{number}", "role": "assistant", "status": "completed",
            "content": content,
        }  # fmt: skip
    usage = {
        "input_tokens": 10, "input_tokens_details": {"cached_tokens": 0}, "output_tokens": 2,
        "output_tokens_details": {"reasoning_tokens": 0}, "total_tokens": 12,
    }  # fmt: skip
    response = {
        "id": f"resp_{number}", "object": "response", "created_at": 0, "status": "completed",
        "model": "scripted", "output": [item], "error": None, "incomplete_details": None, "tools": [],
        "usage": usage,
    }  # fmt: skip
    begun = {**response, "status": "in_progress", "output": []}
    return [
        {"type": "response.created", "response": begun},
        {"type": "response.output_item.added", "output_index": 0, "item": item},
        {"type": "response.output_item.done", "output_index": 0, "item": item},
        {"type": "response.completed", "response": response},
    ]


def chat_chunks(number: int, step: Step) -> list[dict[str, Any]]:
    """Chat completions, streamed."""
    text, tool, given = step
    call = {
        "index": 0, "id": f"call_{number}", "type": "function",
        "function": {"name": tool, "arguments": json.dumps(given)},
    }  # fmt: skip
    said = {"role": "assistant", **({"tool_calls": [call]} if tool else {"content": text})}
    base = {"id": f"chat_{number}", "object": "chat.completion.chunk", "created": 0, "model": "scripted"}
    end = {"index": 0, "delta": {}, "finish_reason": "tool_calls" if tool else "stop"}
    usage = {"prompt_tokens": 10, "completion_tokens": 2, "total_tokens": 12}
    return [
        {**base, "choices": [{"index": 0, "delta": said, "finish_reason": None}]},
        {**base, "choices": [end]},
        {**base, "choices": [], "usage": usage},
    ]


def chat_answer(number: int, step: Step) -> dict[str, Any]:
    """Chat completions, in one piece."""
    first, _, last = chat_chunks(number, step)
    (choice,) = first["choices"]
    reason = "tool_calls" if step[1] else "stop"
    whole = {"index": 0, "message": {"content": None, **choice["delta"]}, "finish_reason": reason}
    return {**last, "object": "chat.completion", "choices": [whole]}


def content(number: int, step: Step) -> dict[str, Any]:
    """Generated content, which is the same streamed and in one piece."""
    text, tool, given = step
    part = {"functionCall": {"name": tool, "args": given}} if tool else {"text": text}
    return {
        "candidates": [{"content": {"role": "model", "parts": [part]}, "finishReason": "STOP", "index": 0}],
        "usageMetadata": {"promptTokenCount": 10, "candidatesTokenCount": 2, "totalTokenCount": 12},
        "modelVersion": "scripted",
    }
