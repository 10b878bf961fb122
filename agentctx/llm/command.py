"""Any command that reads a prompt on standard input and prints an answer (``claude -p``, ``codex exec``).

The command runs without a shell, in an empty folder, in a process group of its own that ends with the
time-out. ``{schema}``, ``{schema_file}`` and ``{answer_file}`` in its words stand for the JSON Schema, a
file that holds it, and a file in which the command may leave its answer instead of printing it;
``{system}`` for the system's part of the prompt, which then is not in the input.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import time
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from agentctx.errors import ModelFailed
from agentctx.llm.base import ANSWER_LIMIT, Answer, Prompt, read_json, spelled_out

if TYPE_CHECKING:
    import subprocess

    from agentctx.llm.settings import ProviderSettings

_OUTPUT_LIMIT = 8_000_000


class Command:
    """A model behind a command line."""

    def __init__(self, settings: ProviderSettings, key: str = "") -> None:
        self._settings = settings

    @property
    def model(self) -> str:
        return self._settings.model or Path(self._settings.command[0]).name

    def complete(self, prompt: Prompt, schema: Mapping[str, Any]) -> Answer:
        import tempfile

        start = time.monotonic()
        with tempfile.TemporaryDirectory(prefix="agentctx-model-") as folder:
            room = Path(folder)
            words, constrained = self._words(prompt.system, schema, room)
            user = prompt.user if constrained else spelled_out(prompt.user, schema)
            system = "" if "{system}" in self._settings.command else f"{prompt.system}\n\n"
            output = self._run(words, f"{system}{user}\n", room)
            left = room / "answer.txt"
            if left.is_file() and left.stat().st_size <= ANSWER_LIMIT:
                output = left.read_text("utf-8", "replace") or output
        return self._answer(output, time.monotonic() - start)

    def _words(self, system: str, schema: Mapping[str, Any], room: Path) -> tuple[list[str], bool]:
        text = json.dumps(schema, separators=(",", ":"))
        (room / "schema.json").write_text(text, "utf-8")
        places = {
            "{system}": system,
            "{schema}": text,
            "{schema_file}": str(room / "schema.json"),
            "{answer_file}": str(room / "answer.txt"),
        }
        words = [places.get(word, word) for word in self._settings.command]
        return words, any(word in ("{schema}", "{schema_file}") for word in self._settings.command)

    def _run(self, words: list[str], text: str, room: Path) -> str:
        """Standard output, with both streams in files: a flood fills no memory and no pipe blocks."""
        import subprocess

        work = room / "work"
        work.mkdir()
        environ = {k: v for k, v in os.environ.items() if not k.startswith("GIT_")}
        environ["AGENTCTX_NO_WORKER"] = "1"
        (room / "in").write_text(text, "utf-8", "replace")
        with (
            (room / "in").open("rb") as given,
            (room / "out").open("wb") as out,
            (room / "err").open("wb") as err,
        ):
            try:
                child = subprocess.Popen(
                    words, cwd=work, env=environ, stdin=given, stdout=out, stderr=err, start_new_session=True
                )
            except (OSError, ValueError) as error:
                raise ModelFailed(
                    f"the command {words[0]} cannot be started ({type(error).__name__})",
                    "install it, or name it by its full path: agentctx provider set",
                ) from None
            status = self._wait(child, room / "out")
        output = (room / "out").read_text("utf-8", "replace")
        if status:
            said = _said(room / "err")
            with contextlib.suppress(ModelFailed):  # some tell their errors in the envelope of a result
                said = _complaint(read_json(output)) or said
            raise ModelFailed(f"the command {words[0]} ended with {status}{said}", "see its own log-in")
        return output

    def _wait(self, child: subprocess.Popen[bytes], output: Path) -> int:
        """The exit status; the whole process group is ended when time or output run over."""
        deadline = time.monotonic() + self._settings.timeout
        pause = 0.005
        try:
            while (status := child.poll()) is None:
                if time.monotonic() > deadline:
                    raise ModelFailed(
                        f"the command gave no answer within {self._settings.timeout:g} seconds",
                        "allow more: agentctx provider set --timeout SECONDS",
                    )
                if output.stat().st_size > _OUTPUT_LIMIT:
                    raise ModelFailed(f"the command printed more than {_OUTPUT_LIMIT:,} bytes")
                time.sleep(pause)
                pause = min(0.1, pause * 1.5)
            if output.stat().st_size > _OUTPUT_LIMIT:
                raise ModelFailed(f"the command printed more than {_OUTPUT_LIMIT:,} bytes")
            return status
        finally:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(child.pid, signal.SIGKILL)
            child.wait()

    def _answer(self, output: str, seconds: float) -> Answer:
        data = read_json(output)
        text, usage = output, dict[str, Any]()
        if (
            isinstance(data, dict)
            and data.get("type") == "result"
            and ("result" in data or "is_error" in data)
        ):
            if data.get("is_error"):
                raise ModelFailed("the command reported an error" + _complaint(data))
            usage = data["usage"] if isinstance(data.get("usage"), dict) else {}
            text = str(data.get("result", ""))
            given = data.get("structured_output")
            data = given if given is not None else read_json(text)
        sent = sum(_number(usage.get(f"{sort}input_tokens")) for sort in ("", *_CACHED))
        return Answer(text, data, self.model, sent, _number(usage.get("output_tokens")), seconds)


_CACHED = ("cache_creation_", "cache_read_")


def _number(value: Any) -> int:
    return value if isinstance(value, int) else 0


def _complaint(data: Any) -> str:
    """What a result's envelope says went wrong; empty when it says nothing."""
    if not isinstance(data, dict):
        return ""
    errors = data.get("errors")
    told = [str(error) for error in errors] if isinstance(errors, list) else []
    return _short(" ".join([str(data.get("result") or ""), *told]))


def _said(errors: Path) -> str:
    with errors.open("rb") as stream:
        stream.seek(max(0, errors.stat().st_size - 2000))
        return _short(stream.read().decode("utf-8", "replace"))


def _short(text: str) -> str:
    """The last words of an error output, cleaned for a terminal and of secrets."""
    from agentctx.hygiene import redact
    from agentctx.text import strip_hidden

    words = " ".join(strip_hidden(redact(text).text).split())[-300:]
    return f": {words}" if words else ""
