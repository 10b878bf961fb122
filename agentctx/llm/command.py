"""Any command that reads a prompt on standard input and prints an answer (``claude -p``, ``codex exec``).

The command runs without a shell, in an empty folder, in a process group of its own that ends with the
time-out, and with us. ``{schema}``, ``{schema_file}`` and ``{answer_file}`` in its words stand for the JSON
Schema, a file that holds it, and a file in which the command may leave its answer instead of printing it;
``{system}`` for the system's part of the prompt, which then is not in the input; ``{model}`` for the model's
name: without one, the word and the option before it are left out.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import threading
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import FrameType
from typing import IO, TYPE_CHECKING, Any

from agentctx.errors import ModelFailed, TooLong
from agentctx.llm.base import ANSWER_LIMIT, Answer, Prompt, answering, read_json, spelled_out
from agentctx.llm.too_long import HINT, says_too_long

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
        with _ending_cleanly(), tempfile.TemporaryDirectory(prefix="agentctx-model-") as folder:
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
            "{model}": self._settings.model,
        }
        asked = list(self._settings.command)
        while "{model}" in asked and not self._settings.model:
            at = asked.index("{model}")
            del asked[at - 1 if asked[at - 1].startswith("-") else at : at + 1]
        words = [places.get(word, word) for word in asked]
        return words, any(word in ("{schema}", "{schema_file}") for word in self._settings.command)

    def _run(self, words: list[str], text: str, room: Path) -> str:
        """Standard output. All streams are files without a name: a flood fills no memory, no pipe blocks, and
        of the prompt nothing is left, whatever ends us."""
        import subprocess
        from tempfile import TemporaryFile

        work = room / "work"
        work.mkdir()
        environ = {k: v for k, v in os.environ.items() if not k.startswith("GIT_")}
        environ["AGENTCTX_NO_WORKER"] = "1"
        with TemporaryFile() as given, TemporaryFile() as out, TemporaryFile() as err:
            given.write(text.encode("utf-8", "replace"))
            given.seek(0)
            try:
                child = subprocess.Popen(
                    words, cwd=work, env=environ, stdin=given, stdout=out, stderr=err, start_new_session=True
                )
            except (OSError, ValueError) as error:
                raise ModelFailed(
                    f"the command {words[0]} cannot be started ({type(error).__name__})",
                    "install it, or name it by its full path: agentctx provider set",
                ) from None
            status = self._wait(child, out)
            output, said = _text(out), _text(err, last=2_000)
        if status:
            said = _short(said)
            with contextlib.suppress(ModelFailed):  # some tell their errors in the envelope of a result
                said = _complaint(read_json(output)) or said
            raise _failed(f"the command {words[0]} ended with {status}", said)
        return output

    def _wait(self, child: subprocess.Popen[bytes], output: IO[bytes]) -> int:
        """The exit status; the whole process group is ended when time or output run over."""
        deadline = time.monotonic() + self._settings.timeout
        pause = 0.005
        try:
            while True:
                status = child.poll()
                if _size(output) > _OUTPUT_LIMIT:
                    raise ModelFailed(f"the command printed more than {_OUTPUT_LIMIT:,} bytes")
                if status is not None:
                    return status
                if time.monotonic() > deadline:
                    raise ModelFailed(
                        f"the command gave no answer within {self._settings.timeout:g} seconds",
                        "allow more: agentctx provider set --timeout SECONDS",
                    )
                time.sleep(pause)
                pause = min(0.1, pause * 1.5)
        finally:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(child.pid, signal.SIGKILL)
            child.wait()

    def _answer(self, output: str, seconds: float) -> Answer:
        data = read_json(output)
        text, usage, model = output, dict[str, Any](), self.model
        if (
            isinstance(data, dict)
            and data.get("type") == "result"
            and ("result" in data or "is_error" in data)
        ):
            if data.get("is_error"):
                raise _failed("the command reported an error", _complaint(data))
            usage = data["usage"] if isinstance(data.get("usage"), dict) else {}
            model = answering(_answered(data.get("modelUsage")), model)
            text = str(data.get("result", ""))
            given = data.get("structured_output")
            data = given if given is not None else read_json(text)
        sent = sum(_number(usage.get(f"{sort}input_tokens")) for sort in ("", *_CACHED))
        return Answer(text, data, model, sent, _number(usage.get("output_tokens")), seconds)


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


def _answered(usage: Any) -> str:
    """The model that wrote most of an answer, by what its envelope says of each; empty without a word."""
    found = usage if isinstance(usage, dict) else {}
    written = {n: _number(about.get("outputTokens")) for n, about in found.items() if isinstance(about, dict)}
    return max(written, key=lambda name: written[name], default="")


def _failed(what: str, said: str) -> ModelFailed:
    if says_too_long(said):
        return TooLong(what + said, HINT)
    return ModelFailed(what + said, "see its own log-in")


def _size(stream: IO[bytes]) -> int:
    return os.fstat(stream.fileno()).st_size


def _text(stream: IO[bytes], last: int = _OUTPUT_LIMIT) -> str:
    """The last bytes of a stream, as text."""
    stream.seek(max(0, _size(stream) - last))
    return stream.read().decode("utf-8", "replace")


def _short(text: str) -> str:
    """The last words of an error output, cleaned for a terminal and of secrets."""
    from agentctx.hygiene import redact
    from agentctx.text import strip_hidden

    words = " ".join(strip_hidden(redact(text).text).split())[-300:]
    return f": {words}" if words else ""


@contextlib.contextmanager
def _ending_cleanly() -> Iterator[None]:
    """Meanwhile a signal that ends this process ends the command as well, and removes its folder.

    Only in the main thread, which alone can be told; whoever has a handler of their own keeps it.
    """
    ours = threading.current_thread() is threading.main_thread()
    caught = [n for n in (signal.SIGTERM, signal.SIGHUP) if ours and signal.getsignal(n) is signal.SIG_DFL]
    try:
        for number in caught:
            signal.signal(number, _end)
        yield
    finally:
        for number in caught:
            signal.signal(number, signal.SIG_DFL)


def _end(number: int, frame: FrameType | None) -> None:
    signal.signal(number, signal.SIG_IGN)  # a second one would break off the clearing up
    raise SystemExit(128 + number)
