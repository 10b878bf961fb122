"""GitHub's pull request API over real HTTP on loopback: keeps requests in memory, fails when told to."""

from __future__ import annotations

import json
import re
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

TOKEN = "scripted-token-for-tests"


@dataclass
class ScriptedGitHub:
    """One repository's pull requests. ``refusing`` is a status and message for every writing call."""

    repository: str = "acme/shop"
    pulls: list[dict[str, Any]] = field(default_factory=list)
    calls: list[tuple[str, str]] = field(default_factory=list)
    refusing: tuple[int, str] | None = None

    def __enter__(self) -> ScriptedGitHub:
        owner = self

        class Handler(BaseHTTPRequestHandler):
            def _do(self) -> None:
                length = int(self.headers.get("Content-Length") or 0)
                body = json.loads(self.rfile.read(length) or "null")
                status, answer = owner.answer(
                    self.command, self.path, body, self.headers.get("Authorization", "")
                )
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

    def environment(self) -> dict[str, str]:
        return {
            "GITHUB_ACTIONS": "true",
            "GITHUB_REPOSITORY": self.repository,
            "GITHUB_API_URL": self.url,
            "GH_TOKEN": TOKEN,
        }

    def answer(self, method: str, path: str, body: Any, authorization: str) -> tuple[int, Any]:
        self.calls.append((method, path))
        if authorization != f"Bearer {TOKEN}":
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
