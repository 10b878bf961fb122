"""The official conformance suite and the inspector's command line against both doors of our MCP server.

``make conformance`` brings the tools (Node and two packages) and runs this. Doors: ``agentctx mcp``, on
standard input behind a bridge that passes each message on (the suite speaks HTTP only), and ``agentctx
serve``. Each door is asked in every revision it has. A check that does not apply is named here with its
reason; any other that fails, and any reason for which nothing fails any more, makes the run fail.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

REVISIONS = ("2025-06-18", "2025-11-25", "2026-07-28")
SERVER = [sys.executable, "-m", "bench.conformance_fixtures"]
ROOT = Path(__file__).parents[1]
NOTE = "agentctx://note/signed-tokens"

ASKS_NOBODY = "the server never asks its client for anything: no sampling, elicitation or roots"
PLAIN_TEXT = "answers are plain text: no pictures, sound or embedded resources"
NO_LOG = "no logging and no progress are offered: a call is answered within a second"
NO_CHANGES = "no subscriptions are offered: a list is asked for anew"
OWN_NOTES = "the address is the suite's own: ours are read by the check `caching` and by the inspector"
OWN_SCHEMA = "no tool takes what the scenario's own tool takes"
BY_BRIDGE = "about the HTTP transport, which the bridge before standard input is not"
ALWAYS = {
    "tools-call-image": PLAIN_TEXT,
    "tools-call-audio": PLAIN_TEXT,
    "tools-call-embedded-resource": PLAIN_TEXT,
    "tools-call-mixed-content": PLAIN_TEXT,
    "prompts-get-embedded-resource": PLAIN_TEXT,
    "prompts-get-with-image": PLAIN_TEXT,
    "resources-read-text": OWN_NOTES,
    "resources-read-binary": PLAIN_TEXT,
    "resources-templates-read": OWN_NOTES,
    "resources-subscribe": NO_CHANGES,
    "resources-unsubscribe": NO_CHANGES,
    "logging-set-level": NO_LOG,
    "tools-call-with-logging": NO_LOG,
    "tools-call-with-progress": NO_LOG,
    "tools-call-sampling": ASKS_NOBODY,
    "tools-call-elicitation": ASKS_NOBODY,
    "elicitation-": ASKS_NOBODY,
    "input-required-result-": ASKS_NOBODY,
    "sep-2575-server-rejects-undeclared-capability": ASKS_NOBODY,
    "sep-2575-missing-capability-http-400": ASKS_NOBODY,
    "sep-2575-http-server-no-independent-requests-on-stream": ASKS_NOBODY,
    "sep-2575-server-no-log-without-loglevel": NO_LOG,
    "json-schema-2020-12": OWN_SCHEMA,
    "http-custom-header-server-validation": OWN_SCHEMA,
}
"""Beginnings of names of scenarios, or names of checks, that ask for what we do not offer."""
OVER_THE_BRIDGE = {
    "sep-2575-http-server-header-mismatch-400": BY_BRIDGE,
    "dns-rebinding-protection": BY_BRIDGE,
    "http-header-validation": BY_BRIDGE,
}


@dataclass
class Result:
    """What one door said to the suite in one revision."""

    door: str
    revision: str
    passed: int = 0
    failed: list[str] = field(default_factory=list)
    not_applicable: dict[str, str] = field(default_factory=dict)
    """Check -> the scenario or check of ``ALWAYS`` and ``OVER_THE_BRIDGE`` that says why."""


class Bridge(BaseHTTPRequestHandler):
    """One message of a POST to the server's standard input, one line of its output back."""

    protocol_version = "HTTP/1.1"
    process: subprocess.Popen[bytes]
    lock: threading.Lock

    def log_message(self, format: str, *args: Any) -> None:
        pass

    def do_GET(self) -> None:
        self._send(405, b"")

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("content-length") or 0))
        message = json.loads(body)
        assert self.process.stdin and self.process.stdout
        with self.lock:
            self.process.stdin.write(json.dumps(message).encode() + b"\n")
            self.process.stdin.flush()
            answer = self.process.stdout.readline() if "id" in message else b""
        self._send(_status(json.loads(answer)) if answer else 202, answer)

    def _send(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


class BridgeServer(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """The suite breaks connections off; that is no failure of the door behind."""


def _status(answer: dict[str, Any]) -> int:
    """The status that the transport over HTTP wants for an answer of the current revision."""
    code = answer.get("error", {}).get("code")
    return {-32601: 404, -32602: 400, -32022: 400}.get(code, 200) if code else 200


@contextmanager
def stdio_door(folder: Path) -> Iterator[str]:
    """``agentctx mcp`` behind the bridge; gives its URL."""
    process = subprocess.Popen(
        [*SERVER, "mcp"], cwd=folder, env=_environment(), stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    bound = type("Bound", (Bridge,), {"process": process, "lock": threading.Lock()})
    server = BridgeServer(("127.0.0.1", 0), bound)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}/mcp"
    finally:
        server.shutdown()
        process.kill()
        process.wait()


@contextmanager
def http_door(folder: Path) -> Iterator[str]:
    """``agentctx serve``; gives the URL of its MCP door."""
    process = subprocess.Popen(
        [*SERVER, "serve", "--port", "0", "--rate", "0"],
        cwd=folder, env=_environment(), stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert process.stderr
    try:
        line = next(line for line in process.stderr if "agentctx serves" in line)
        threading.Thread(target=process.stderr.read, daemon=True).start()
        found = re.search(r"http://\S+:\d+", line)
        assert found, line
        yield f"{found[0]}/mcp"
    finally:
        process.kill()
        process.wait()


DOORS = {"stdio": stdio_door, "http": http_door}


def suite(tools: Path, door: str, url: str, revision: str, folder: Path) -> Result:
    """Every server scenario of one revision, and what its checks say."""
    out = folder / f"{door}-{revision}"
    command = [tools / "node", tools / "conformance", "server", "--url", url, "--suite", "all"]
    with (folder / f"{door}-{revision}.log").open("wb") as log:
        subprocess.run(
            [*map(str, command), "--spec-version", revision, "-o", str(out)],
            stdout=log, stderr=log, timeout=600, check=False,
        )  # fmt: skip
    result = Result(door, revision)
    for path in sorted(out.glob("server-*/checks.json")):
        scenario = re.sub(r"^server-(.*)-\d{4}-\d\d-\d\dT.*$", r"\1", path.parent.name)
        for check in json.loads(path.read_text()):
            _count(result, scenario, check)
    if not result.passed:
        raise SystemExit(f"the suite ran no check of {door} {revision}: {log.name}")
    return result


def _count(result: Result, scenario: str, check: dict[str, Any]) -> None:
    reasons = ALWAYS | (OVER_THE_BRIDGE if result.door == "stdio" else {})
    name = f"{scenario}: {check['id']}"
    reason = next((one for one in reasons if scenario.startswith(one) or check["id"] == one), "")
    if check["status"] == "SUCCESS":
        result.passed += 1
    elif check["status"] == "FAILURE" and reason:
        result.not_applicable[name] = reason
    elif check["status"] == "FAILURE":
        result.failed.append(f"{name}: {check.get('errorMessage', '')[:300]}")


INSPECTED = {
    "tools/list": (["--strict"], "propose_note"),
    "tools/call": (["--tool-name", "search", "--tool-arg", "query=signed"], "Signed tokens"),
    "resources/list": ([], NOTE),
    "resources/templates/list": ([], "agentctx://note/{id}"),
    "resources/read": (["--uri", NOTE], "We sign tokens."),
    "prompts/list": ([], "hand_over"),
    "prompts/get": (["--prompt-name", "begin", "--prompt-args", "task=tokens"], "We sign tokens."),
}


def inspected(tools: Path, target: list[str], era: str, folder: Path) -> dict[str, str]:
    """What the inspector's command line says of each method: empty, or the failure."""
    found = {}
    for method, (more, wanted) in INSPECTED.items():
        words = [tools / "node", tools / "mcp-inspector", "--cli", *target, "--method", method, *more]
        done = subprocess.run(
            [*map(str, words), "--protocol-era", era], cwd=folder, capture_output=True, text=True,
            env=_environment(HOME=str(folder)), timeout=120, check=False,
        )  # fmt: skip
        good = done.returncode == 0 and wanted in done.stdout
        found[method] = "" if good else f"exit {done.returncode}: {(done.stderr or done.stdout)[-300:]}"
    return found


def repository(folder: Path) -> Path:
    """A repository with one note."""
    run = {"cwd": folder, "check": True, "capture_output": True, "env": _environment()}
    (folder / "src").mkdir(parents=True)
    (folder / "src/tokens.py").write_text("def issue_token(user):\n    return user\n")
    (folder / "agent-context/decisions").mkdir(parents=True)
    (folder / "agent-context/decisions/signed-tokens.md").write_text(
        "---\ntitle: Signed tokens\nanchors:\n  - src/tokens.py#issue_token\n---\nWe sign tokens.\n"
    )
    who = ("-c", "user.name=Bench", "-c", "user.email=bench@example.org")
    for words in (("init", "-q"), ("add", "."), (*who, "commit", "-q", "-m", "code and memory")):
        subprocess.run(["git", *words], **run)  # type: ignore[call-overload]
    return folder


def _environment(**more: str) -> dict[str, str]:
    path = f"{ROOT}{os.pathsep}{os.environ.get('PYTHONPATH', '')}".rstrip(os.pathsep)
    return {**os.environ, "AGENTCTX_NO_WORKER": "1", "PYTHONPATH": path, **more}


def measure(tools: Path, folder: Path) -> tuple[list[Result], dict[str, dict[str, str]]]:
    """The suite's results by door and revision; the inspector's by door and era."""
    os.environ["XDG_DATA_HOME"] = os.environ["XDG_CONFIG_HOME"] = str(folder / "home")
    where, results, seen = repository(folder / "repository"), [], {}
    for door, opened in DOORS.items():
        with opened(where) as url:
            results += [suite(tools, door, url, revision, folder) for revision in REVISIONS]
            target = [*SERVER, "mcp"] if door == "stdio" else [url]
            for era in ("legacy", "modern"):
                seen[f"{door}, {era}"] = inspected(tools, target, era, where)
    return results, seen


def unused(results: list[Result]) -> list[str]:
    """Reasons for which nothing fails: what was said not to apply does, or is gone."""
    used = {one for result in results for one in result.not_applicable.values()}
    return sorted({*ALWAYS, *OVER_THE_BRIDGE} - used)


def main() -> None:
    """Print a table (or ``--json``); exit 1 when anything that applies fails."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--tools", type=Path, required=True, help="folder of node, conformance, mcp-inspector"
    )
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="agentctx-bench-") as folder:
        results, seen = measure(args.tools.resolve(), Path(folder))
    stale = unused(results)
    if args.json:
        shown = {"suite": [vars(r) for r in results], "inspector": seen, "unused_reasons": stale}
        print(json.dumps(shown, indent=1))
    else:
        _print(results, seen, stale)
    broken = [what for methods in seen.values() for what in methods.values() if what]
    sys.exit(1 if broken or stale or any(r.failed for r in results) else 0)


def _print(results: list[Result], seen: dict[str, dict[str, str]], stale: list[str]) -> None:
    print(f"{'door':6} {'revision':11} {'passed':>6} {'failed':>6} {'not applicable':>14}")
    for one in results:
        print(
            f"{one.door:6} {one.revision:11} {one.passed:6} {len(one.failed):6} {len(one.not_applicable):14}"
        )
    for name, methods in seen.items():
        good = sum(not what for what in methods.values())
        print(f"inspector, {name}: {good} of {len(methods)} methods")
    print("\nnot applicable:")
    known = ALWAYS | OVER_THE_BRIDGE
    for reason in dict.fromkeys(known.values()):
        print(f"- {reason}: {', '.join(one.rstrip('-') for one in known if known[one] == reason)}")
    for one in results:
        for failure in one.failed:
            print(f"FAILED {one.door} {one.revision} {failure}")
    for name, methods in seen.items():
        for method, what in methods.items():
            if what:
                print(f"FAILED inspector {name} {method}: {what}")
    for name in stale:
        print(f"FAILED {name} is said not to apply, and nothing of it fails")


if __name__ == "__main__":
    main()
