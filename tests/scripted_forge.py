"""The APIs of GitHub and GitLab over real HTTP on loopback: requests in memory, failing when told to."""

from __future__ import annotations

import json
import re
import threading
from dataclasses import dataclass, field
from email.message import Message
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self
from urllib.parse import parse_qs, quote, urlsplit

TOKEN = "scripted-token-for-tests"


class _Served:
    """A server on loopback that asks ``answer`` what to say to method, path, body and headers."""

    def answer(self, method: str, path: str, body: Any, headers: Message) -> tuple[int, Any]:
        raise NotImplementedError

    def __enter__(self) -> Self:
        owner = self

        class Handler(BaseHTTPRequestHandler):
            def _do(self) -> None:
                length = int(self.headers.get("Content-Length") or 0)
                body = json.loads(self.rfile.read(length) or "null")
                status, answer = owner.answer(self.command, self.path, body, self.headers)
                data = json.dumps(answer).encode()
                self.send_response(status)
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            do_GET = do_POST = do_PATCH = _do  # noqa: N815

            def log_message(self, format: str, *args: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()


@dataclass
class ScriptedGitHub(_Served):
    """One repository's pull requests. ``refusing`` is a status and message for every writing call."""

    repository: str = "acme/shop"
    pulls: list[dict[str, Any]] = field(default_factory=list)
    calls: list[tuple[str, str]] = field(default_factory=list)
    refusing: tuple[int, str] | None = None
    breaking: list[str] = field(default_factory=list)
    """For the next writing calls: what breaks, ``before`` anything is done, or the answer ``after`` it."""

    def environment(self) -> dict[str, str]:
        return {
            "GITHUB_ACTIONS": "true",
            "GITHUB_REPOSITORY": self.repository,
            "GITHUB_API_URL": self.url,
            "GH_TOKEN": TOKEN,
        }

    def answer(self, method: str, path: str, body: Any, headers: Message) -> tuple[int, Any]:
        self.calls.append((method, path))
        breaks = self.breaking.pop(0) if method != "GET" and self.breaking else ""
        status, said = (502, {}) if breaks == "before" else self._answer(method, path, body, headers)
        return (502, {}) if breaks else (status, said)

    def _answer(self, method: str, path: str, body: Any, headers: Message) -> tuple[int, Any]:
        if headers.get("Authorization") != f"Bearer {TOKEN}":
            return 401, {"message": "Bad credentials"}
        if method != "GET" and self.refusing:
            return self.refusing[0], {"message": self.refusing[1]}
        parts = urlsplit(path)
        if parts.path == f"/repos/{self.repository}/pulls" and method == "GET":
            wanted = parse_qs(parts.query)
            branch = wanted["head"][0].partition(":")[2]
            states = ("open", "closed") if wanted["state"] == ["all"] else wanted["state"]
            return 200, [p for p in self.pulls if p["head"]["ref"] == branch and p["state"] in states]
        if parts.path == f"/repos/{self.repository}/pulls" and method == "POST":
            number = len(self.pulls) + 1
            made = {
                "number": number,
                "state": "open",
                "html_url": f"https://github.test/{self.repository}/pull/{number}",
                "title": body["title"],
                "body": body["body"],
                "head": {"ref": body["head"], "repo": {"full_name": self.repository}},
                "base": {"ref": body["base"]},
            }
            self.pulls.append(made)
            return 201, made
        found = re.fullmatch(rf"/repos/{self.repository}/pulls/(\d+)", parts.path)
        if found and method == "PATCH":
            pull = self.pulls[int(found[1]) - 1]
            pull.update(body)
            return 200, pull
        return 404, {"message": "Not Found"}


@dataclass
class ScriptedGitLab(_Served):
    """One project's merge requests, by source branch: states as GitLab names them."""

    project: str = "acme/shop"
    states: dict[str, str] = field(default_factory=dict)

    def environment(self) -> dict[str, str]:
        return {
            "GITLAB_CI": "true",
            "CI_PROJECT_PATH": self.project,
            "CI_API_V4_URL": self.url,
            "GITLAB_TOKEN": TOKEN,
        }

    def answer(self, method: str, path: str, body: Any, headers: Message) -> tuple[int, Any]:
        if headers.get("PRIVATE-TOKEN") != TOKEN:
            return 401, {"message": "401 Unauthorized"}
        parts = urlsplit(path)
        if (method, parts.path) != ("GET", f"/projects/{quote(self.project, safe='')}/merge_requests"):
            return 404, {"message": "404 Not Found"}
        branch = parse_qs(parts.query)["source_branch"][0]
        own = {"source_project_id": 1, "target_project_id": 1}
        fork = {"source_project_id": 2, "target_project_id": 1, "state": "closed"}
        return 200, [fork, *({**own, "state": self.states[branch]} for _ in [0] if branch in self.states)]
