"""A command as a model: prompt on standard input, answer on standard output, nothing left running."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from agentctx.errors import ModelFailed, TooLong
from agentctx.llm import open_provider
from agentctx.llm.base import Answer, Prompt
from agentctx.llm.settings import ProviderSettings

SCHEMA = {"type": "object", "properties": {"ok": {"type": "boolean"}}}


def run(
    script: str, *words: str, timeout: float = 20.0, user: str = "the user's part", model: str = ""
) -> Answer:
    command = (sys.executable, "-c", script, *words)
    settings = ProviderSettings("command", model, command=command, timeout=timeout)
    return open_provider(settings).complete(Prompt("the system's part", user), SCHEMA)


def test_the_prompt_comes_on_standard_input_and_the_answer_goes_to_standard_output() -> None:
    answer = run("import sys, json; print(json.dumps({'heard': sys.stdin.read()}))")
    assert answer.data["heard"].startswith("the system's part\n\nthe user's part\n")
    assert "JSON Schema" in answer.data["heard"]
    assert answer.model == Path(sys.executable).name


def test_the_schema_is_given_in_words_or_as_a_file() -> None:
    script = "import sys, json; print(json.dumps([json.loads(sys.argv[1]), json.load(open(sys.argv[2]))]))"
    assert run(script, "{schema}", "{schema_file}").data == [SCHEMA, SCHEMA]


def test_an_answer_left_in_a_file_is_read() -> None:
    script = "import sys; print('chatter'); open(sys.argv[1], 'w').write('{\"ok\": true}')"
    assert run(script, "{answer_file}").data == {"ok": True}


def test_a_result_envelope_is_opened() -> None:
    envelope = {
        "type": "result",
        "is_error": False,
        "result": "done",
        "structured_output": {"ok": True},
        "usage": {"input_tokens": 12, "output_tokens": 3},
    }
    answer = run(f"print({json.dumps(json.dumps(envelope))})")
    assert answer.data == {"ok": True}
    assert (answer.tokens_in, answer.tokens_out) == (12, 3)
    failed = {"type": "result", "is_error": True, "result": "Invalid API key"}
    with pytest.raises(ModelFailed, match="Invalid API key"):
        run(f"print({json.dumps(json.dumps(failed))})")


def test_the_system_s_part_is_a_word_of_the_command_where_it_asks_for_it() -> None:
    script = "import sys, json; print(json.dumps([sys.argv[1], sys.stdin.read()[:15]]))"
    assert run(script, "{system}").data == ["the system's part", "the user's part"]


def test_tokens_from_the_cache_are_tokens_too() -> None:
    usage = {"input_tokens": 1, "cache_creation_input_tokens": 20, "cache_read_input_tokens": 300}
    envelope = {"type": "result", "result": '{"ok": true}', "usage": {**usage, "output_tokens": 4}}
    answer = run(f"print({json.dumps(json.dumps(envelope))})")
    assert (answer.tokens_in, answer.tokens_out) == (321, 4)


def test_a_failure_that_is_told_in_the_envelope_is_passed_on() -> None:
    envelope = {"type": "result", "is_error": True, "result": "Credit balance is too low", "errors": []}
    script = f"print({json.dumps(json.dumps(envelope))}); raise SystemExit(1)"
    with pytest.raises(ModelFailed, match="ended with 1: Credit balance is too low"):
        run(script)


@pytest.mark.parametrize(
    ("words", "model", "passed"),
    [
        (("--model", "{model}", "-"), "haiku", ["--model", "haiku", "-"]),
        (("--model", "{model}", "-"), "", ["-"]),
        (("ask", "{model}"), "", ["ask"]),
        (("-m", "{model}", "-n", "{model}"), "", []),
        (("-",), "haiku", ["-"]),
    ],
)
def test_the_model_s_name_is_passed_on_where_the_words_ask_for_it(
    words: tuple[str, ...], model: str, passed: list[str]
) -> None:
    answer = run("import sys, json; print(json.dumps(sys.argv[1:]))", *words, model=model)
    assert answer.data == passed
    assert answer.model == (model or Path(sys.executable).name)


@pytest.mark.parametrize(
    ("told", "model"),
    [
        ({"modelUsage": {"small-1": {"outputTokens": 5}, "large-2": {"outputTokens": 90}}}, "large-2"),
        ({"modelUsage": {}}, "haiku"),
        ({"modelUsage": {"small-1": 3}}, "haiku"),
        ({"modelUsage": "x"}, "haiku"),
        ({"modelUsage": {"a\x1b[2J\nb": {"outputTokens": 1}}}, "a b"),
        ({}, "haiku"),
    ],
)
def test_the_model_that_answered_is_the_one_that_the_envelope_names(
    told: dict[str, object], model: str
) -> None:
    envelope = {"type": "result", "result": "", "structured_output": {"ok": True}, **told}
    assert run(f"print({json.dumps(json.dumps(envelope))})", model="haiku").model == model


def test_a_prompt_that_does_not_fit_is_told_as_such() -> None:
    envelope = {"type": "result", "is_error": True, "result": "Prompt is too long"}
    for end in ("", "; raise SystemExit(1)"):
        with pytest.raises(TooLong, match="Prompt is too long"):
            run(f"print({json.dumps(json.dumps(envelope))}){end}")
    with pytest.raises(TooLong, match="context window"):
        run("raise SystemExit('Your input exceeds the context window of this model')")


CALLS = """
import signal, sys
signal.signal(signal.SIGHUP, signal.SIG_DFL)  # whoever runs the tests may have it ignored
from agentctx.llm import open_provider
from agentctx.llm.base import Prompt
from agentctx.llm.settings import ProviderSettings
command = (sys.executable, "-c", sys.argv[1])
open_provider(ProviderSettings("command", command=command)).complete(Prompt("a", "THE-WHOLE-DIFF"), {})
"""


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT], ids=str)
def test_whoever_ends_us_ends_the_command_and_leaves_nothing_of_the_prompt(
    number: signal.Signals, tmp_path: Path
) -> None:
    pid_file = tmp_path / "pid"
    thinks = f"import os, time; open({str(pid_file)!r}, 'w').write(str(os.getpid())); time.sleep(60)"
    with subprocess.Popen(
        [sys.executable, "-c", CALLS, thinks],
        env={**os.environ, "TMPDIR": str(tmp_path)},
        stderr=subprocess.DEVNULL,
    ) as ours:
        wait_for(lambda: pid_file.exists() and bool(pid_file.read_text()))
        left = [path for path in tmp_path.rglob("*") if path.is_file()]
        assert not any(b"THE-WHOLE-DIFF" in path.read_bytes() for path in left)
        ours.send_signal(number)
        assert ours.wait(10) != 0
    wait_for(lambda: ended(int(pid_file.read_text())))
    assert [path.name for path in tmp_path.iterdir()] == ["pid"]


def ended(pid: int) -> bool:
    stat = Path(f"/proc/{pid}/stat")
    return not stat.exists() or stat.read_text().split(")")[1].split()[0] == "Z"


def wait_for(condition: Callable[[], bool], seconds: float = 10.0) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.02)


def test_a_handler_of_whoever_calls_is_kept() -> None:
    def own(number: int, frame: object) -> None:
        raise AssertionError

    before = signal.signal(signal.SIGTERM, own)
    try:
        run("print('{}')")
        assert signal.getsignal(signal.SIGTERM) is own
    finally:
        signal.signal(signal.SIGTERM, before)
    run("print('{}')")
    assert signal.getsignal(signal.SIGTERM) is before


def test_it_runs_in_an_empty_folder_without_git_s_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GIT_DIR", "/somewhere/.git")
    script = (
        "import os, json; print(json.dumps({'files': os.listdir('.'),"
        " 'no_worker': os.environ['AGENTCTX_NO_WORKER'],"
        " 'git': [k for k in os.environ if k.startswith('GIT_')]}))"
    )
    assert run(script).data == {"files": [], "no_worker": "1", "git": []}


def test_no_shell_reads_the_words() -> None:
    assert run("import sys, json; print(json.dumps(sys.argv[1]))" + "  # {}", "$(id); `id` {x}").data == (
        "$(id); `id` {x}"
    )


def test_a_failing_command_is_told_with_its_last_words() -> None:
    secret = "ghp_" + "a1B2" * 9
    script = f"import sys; sys.stderr.write('\\x1b[31mnot logged in {secret}'); sys.exit(3)"
    with pytest.raises(ModelFailed, match=r"ended with 3.*not logged in") as caught:
        run(script)
    assert secret not in caught.value.message
    assert "\x1b" not in caught.value.message


def test_a_missing_command_is_told() -> None:
    with pytest.raises(ModelFailed, match="cannot be started"):
        open_provider(ProviderSettings("command", command=("no-such-command-here",))).complete(
            Prompt("a", "b"), SCHEMA
        )


def test_a_hanging_command_ends_with_its_children(tmp_path: Path) -> None:
    pid_file = tmp_path / "pid"
    script = (
        "import subprocess, sys, time\n"
        "child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)'])\n"
        f"open({str(pid_file)!r}, 'w').write(str(child.pid))\n"
        "time.sleep(60)"
    )
    start = time.monotonic()
    with pytest.raises(ModelFailed, match="within"):
        run(script, timeout=1.0)
    assert time.monotonic() - start < 5
    wait_for(lambda: ended(int(pid_file.read_text())))


def test_a_flood_of_output_is_stopped() -> None:
    start = time.monotonic()
    with pytest.raises(ModelFailed, match="more than"):
        run("import sys\nwhile True: sys.stdout.write('x' * 65536)", timeout=30)
    assert time.monotonic() - start < 20


def test_a_command_that_reads_nothing_still_answers() -> None:
    answer = run("print('{\"ok\": true}')", user="x" * 500_000)
    assert answer.data == {"ok": True}
