"""What a workflow of ours must never do, as rules over its text and its YAML."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import yaml

PINNED = re.compile(r"^[\w.-]+/[\w./-]+@[0-9a-f]{40} # v\d+(\.\d+)*$")
ALLOWED = {"contents": {"read", "none"}, "pull-requests": {"read", "write"}}


def lint(text: str) -> list[str]:
    """The rules that a workflow or a composite action breaks."""
    data = yaml.safe_load(text)
    wrong = [f"not pinned: {used}" for used in _uses(text) if not PINNED.match(used)]
    if "runs" in data:
        return wrong + [w for step in data["runs"]["steps"] for w in _step(step, writes=False)]
    events = data.get("on", data.get(True))
    names = {events} if isinstance(events, str) else set(events)
    wrong += [f"event: {name}" for name in names & {"pull_request_target", "workflow_run", "issue_comment"}]
    if data.get("permissions") != {}:
        wrong.append("the workflow does not begin without permissions")
    for name, job in data["jobs"].items():
        wrong += [f"{name}: {w}" for w in _job(job)]
    return wrong


def _uses(text: str) -> list[str]:
    return [found.strip() for found in re.findall(r"^\s*(?:- )?uses:\s*(.+)$", text, re.MULTILINE)]


def _job(job: dict[str, Any]) -> Iterator[str]:
    rights = job.get("permissions")
    if not isinstance(rights, dict) or not rights:
        yield "no permissions of its own"
        rights = {"contents": "write"}
    yield from (f"permission {k}: {v}" for k, v in rights.items() if v not in ALLOWED.get(k, set()))
    if "timeout-minutes" not in job:
        yield "no time limit"
    if "secrets." in str(job):
        yield "asks for secrets"
    for step in job["steps"]:
        yield from _step(step, writes="write" in rights.values())


def _step(step: dict[str, Any], writes: bool) -> Iterator[str]:
    if "${{" in step.get("run", ""):
        yield f"an expression in run: {step['run']}"
    if step.get("uses", "").startswith("actions/checkout@"):
        if writes:
            yield "code is checked out where it is allowed to write"
        if step.get("with", {}).get("persist-credentials") is not False:
            yield "the checkout leaves its token behind"
