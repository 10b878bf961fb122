"""A command as a model: prompt on standard input, answer on standard output, nothing left running."""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path

import pytest

from agentctx.errors import ModelFailed
from agentctx.llm import open_provider
from agentctx.llm.base import Answer, Prompt
from agentctx.llm.settings import ProviderSettings

SCHEMA = {"type": "object", "properties": {"ok": {"type": "boolean"}}}


def run(script: str, *words: str, timeout: float = 20.0, user: str = "the user's part") -> Answer:
    command = (sys.executable, "-c", script, *words)
    settings = ProviderSettings("command", command=command, timeout=timeout)
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
    pid = int(pid_file.read_text())
    for _ in range(100):
        stat = Path(f"/proc/{pid}/stat")
        if not stat.exists() or stat.read_text().split(")")[1].split()[0] == "Z":
            break
        time.sleep(0.02)
    else:
        os.kill(pid, 9)
        raise AssertionError("the grandchild is still running")


def test_a_flood_of_output_is_stopped() -> None:
    start = time.monotonic()
    with pytest.raises(ModelFailed, match="more than"):
        run("import sys\nwhile True: sys.stdout.write('x' * 65536)", timeout=30)
    assert time.monotonic() - start < 20


def test_a_command_that_reads_nothing_still_answers() -> None:
    answer = run("print('{\"ok\": true}')", user="x" * 500_000)
    assert answer.data == {"ok": True}
