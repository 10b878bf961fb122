"""The person's own models: ``provider:`` and ``embeddings:`` in ``~/.config/agentctx/config.yaml``.

A repository can neither name a model nor change one. The file never holds a key, only the name of
the environment variable that holds it. Writing replaces the block of that section and no other byte.
"""

from __future__ import annotations

import json
import math
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from agentctx.errors import InvalidInput, NotFound
from agentctx.files import locked, read_regular, write_atomic
from agentctx.text import did_you_mean

LIMIT = 256 * 1024
LONGEST = 86_400.0
"""Seconds that one answer may take at most."""
KINDS = ("openai-compatible", "anthropic", "command")
PROVIDER = "provider"
"""Section of the model that proposes edits."""
EMBEDDINGS = "embeddings"
"""Section of the model that turns notes into vectors; always ``openai-compatible``, absent by default."""


@dataclass(frozen=True, slots=True)
class ProviderSettings:
    """One model, how to reach it, and what it may cost."""

    kind: str
    """One of ``KINDS``."""
    model: str = ""
    url: str = ""
    """Base address, for example ``https://api.openai.com/v1``; empty for a command."""
    key_variable: str = ""
    """Name of the environment variable that holds the key; empty when none is needed."""
    command: tuple[str, ...] = ()
    """Words of a command that reads the prompt on standard input; never passed to a shell. What stands for
    something in them: see ``llm.command``."""
    timeout: float = 120.0
    """Seconds for one answer, retries included."""
    max_output_tokens: int = 4096
    allow_http: bool = False
    """Allow plain http to another machine."""
    price_in: float = 0.0
    """Price of a million tokens sent, in any currency; 0 when unknown. ``price_out``: received."""
    price_out: float = 0.0
    tokens_per_sync: int = 200_000
    tokens_per_day: int = 2_000_000

    def cost(self, tokens_in: int, tokens_out: int) -> float:
        """What so many tokens cost at the configured prices."""
        return (tokens_in * self.price_in + tokens_out * self.price_out) / 1_000_000


_CLAUDE = (
    "claude", "-p", "--model", "{model}", "--output-format", "json", "--json-schema", "{schema}",
    "--system-prompt", "{system}", "--tools", "", "--strict-mcp-config", "--safe-mode",
    "--settings", '{"disableAllHooks": true}', "--no-session-persistence",
)  # fmt: skip
_CODEX_OFF = (
    "hooks", "shell_tool", "unified_exec", "multi_agent", "view_image", "apps", "plugins", "goals",
    "image_generation", "sleep_tool", "tool_suggest",
)  # fmt: skip
"""Features of Codex that would give the model tools or start programs; `exec` has them all by itself."""
_CODEX = (
    "codex", "exec", "--model", "{model}", "--ephemeral", "--skip-git-repo-check", "--ignore-user-config",
    "--ignore-rules", "--sandbox", "read-only",
    *(word for name in _CODEX_OFF for word in ("-c", f"features.{name}=false")),
    "-c", 'web_search="disabled"', "--output-schema", "{schema_file}", "--output-last-message",
    "{answer_file}", "-",
)  # fmt: skip

PRESETS: Mapping[str, ProviderSettings] = {
    "openai": ProviderSettings(
        "openai-compatible", "gpt-5-mini", "https://api.openai.com/v1", "OPENAI_API_KEY"
    ),
    "anthropic": ProviderSettings(
        "anthropic", "claude-sonnet-4-5", "https://api.anthropic.com", "ANTHROPIC_API_KEY"
    ),
    "openrouter": ProviderSettings(
        "openai-compatible", "", "https://openrouter.ai/api/v1", "OPENROUTER_API_KEY"
    ),
    "ollama": ProviderSettings("openai-compatible", "", "http://127.0.0.1:11434/v1"),
    "vllm": ProviderSettings("openai-compatible", "", "http://127.0.0.1:8000/v1"),
    "lmstudio": ProviderSettings("openai-compatible", "", "http://127.0.0.1:1234/v1"),
    "llamacpp": ProviderSettings("openai-compatible", "default", "http://127.0.0.1:8080/v1"),
    "claude": ProviderSettings("command", command=_CLAUDE),
    "codex": ProviderSettings("command", command=_CODEX),
    "openai-compatible": ProviderSettings("openai-compatible"),
    "command": ProviderSettings("command"),
}
"""What ``agentctx provider set NAME`` starts from; every field can be given beside it."""


def config_path(environ: Mapping[str, str] | None = None) -> Path:
    """The person's config file; it need not exist."""
    environ = os.environ if environ is None else environ
    base = environ.get("XDG_CONFIG_HOME", "")
    home = Path(base) if base and Path(base).is_absolute() else Path("~/.config").expanduser()
    return home / "agentctx" / "config.yaml"


def chosen(
    preset: str, changes: Mapping[str, Any], current: ProviderSettings | None = None
) -> ProviderSettings:
    """Settings from a preset's name and what the person gave beside it; ``current`` with the changes when it
    is what the name means, or no name is given. Raises ``InvalidInput``."""
    if current and (not preset or _is(current, preset)):
        return changed(current, changes)
    if not preset:
        preset = "command" if "command" in changes else "openai-compatible"
    if preset not in PRESETS:
        near = did_you_mean(preset, PRESETS)
        raise InvalidInput(
            f"no provider is named {preset!r}",
            f"did you mean {near}?" if near else "one of: " + ", ".join(PRESETS),
        )
    return changed(PRESETS[preset], changes)


def _is(settings: ProviderSettings, preset: str) -> bool:
    """Whether the settings may be those of a preset, whatever was given beside it."""
    meant = PRESETS.get(preset)
    return (
        meant is not None
        and meant.kind == settings.kind
        and meant.url in ("", settings.url)
        and meant.command in ((), settings.command)
    )


def changed(old: ProviderSettings, changes: Mapping[str, Any]) -> ProviderSettings:
    """``old`` with ``changes``. A key does not move to another host: its variable must be named again."""
    new = replace(old, **changes)
    hosts = (urlsplit(old.url).netloc, urlsplit(new.url).netloc)
    if old.url and hosts[0] != hosts[1] and "key_variable" not in changes:
        new = replace(new, key_variable="")
    validate(new)
    return new


def validate(settings: ProviderSettings, where: str = "the provider") -> None:
    """Raise ``InvalidInput`` for settings that cannot work, before anything is contacted."""
    if settings.kind not in KINDS:
        raise InvalidInput(f"{where}: kind {settings.kind!r} is not known", "one of: " + ", ".join(KINDS))
    if settings.kind == "command":
        if not settings.command:
            raise InvalidInput(
                f"{where}: no command is given", "agentctx provider set command --command '...'"
            )
    elif not settings.url:
        raise InvalidInput(f"{where}: no address is given", "agentctx provider set --url https://HOST/v1")
    elif not settings.model:
        raise InvalidInput(f"{where}: no model is named", "agentctx provider set --model NAME")
    else:
        from agentctx.llm.address import check_url  # sockets, which a session without a model need not load

        check_url(settings.url, settings.allow_http)
    if settings.key_variable and not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", settings.key_variable):
        # What stands there may be the key itself: it is not repeated.
        raise InvalidInput(
            f"{where}: key_variable is not the name of an environment variable",
            "name the variable, not the key: --key-variable OPENAI_API_KEY",
        )
    _insist_on_numbers(settings, where)


def _insist_on_numbers(settings: ProviderSettings, where: str) -> None:
    """Not a number, infinite, below nothing: Python reads all of them, and none can be kept to."""
    if not 0 < settings.timeout <= LONGEST:
        raise InvalidInput(f"{where}: timeout must be above zero and at most {LONGEST:g} seconds")
    for name in ("max_output_tokens", "tokens_per_sync", "tokens_per_day"):
        if getattr(settings, name) <= 0:
            raise InvalidInput(f"{where}: {name} must be above zero")
    for name in ("price_in", "price_out"):
        if not 0 <= getattr(settings, name) < math.inf:
            raise InvalidInput(f"{where}: {name} must be zero or more")


# --------------------------------------------------------------------------- the file


def read(path: Path | None = None, section: str = PROVIDER) -> ProviderSettings | None:
    """The model of a section, or None when there is none. Raises ``InvalidInput`` naming the file."""
    path = path or config_path()
    try:
        data = _bytes(path)
    except NotFound:
        return None
    # A session starts with this question: without the word there is nothing to parse.
    found = _parsed(data, path).get(section) if section.encode() in data else None
    if not found:
        return None
    settings = _built(found, path, section)
    validate(settings, f"{path}: {section}")
    return settings


def write(settings: ProviderSettings | None, path: Path | None = None, section: str = PROVIDER) -> Path:
    """Store a section (None removes it); every other byte of the file stays. Returns the file's path."""
    # Dotfile managers link config files elsewhere: the link is followed, and kept.
    path = (path or config_path()).resolve()
    if settings is not None:
        validate(settings)
    with locked(path.with_name(".config.lock")):
        try:
            before = _bytes(path)
        except NotFound:
            before = b""
        old = _parsed(before, path)
        block = _rendered(settings, section) if settings else ""
        after = _spliced(before, block.encode(), section)
        new = _parsed(after, path)
        if {**old, section: 0} != {**new, section: 0}:
            raise InvalidInput(
                f"{path} is laid out in a way that cannot be edited in place; it was left as it is",
                f"put the {section} section there by hand:\n{block}" if block else "",
            )
        write_atomic(path, after)
    return path


def _bytes(path: Path) -> bytes:
    return read_regular(path.resolve(), LIMIT)


def _parsed(data: bytes, path: Path) -> dict[str, Any]:
    import yaml

    try:
        found = yaml.load(data.decode("utf-8"), Loader=yaml.BaseLoader)
    except (yaml.YAMLError, UnicodeDecodeError, RecursionError) as error:
        mark = getattr(error, "problem_mark", None)
        line = f":{mark.line + 1}" if mark else ""
        raise InvalidInput(f"{path}{line} is not valid YAML", "mend the file, then try again") from None
    if found in (None, ""):
        return {}
    if not isinstance(found, dict):
        raise InvalidInput(f"{path} holds no table of settings", "write keys at the left margin: provider:")
    return found


def _built(found: Any, path: Path, section: str) -> ProviderSettings:
    if not isinstance(found, dict):
        raise InvalidInput(f"{path}: {section} is not a table", "agentctx provider set")
    known = {f.name for f in fields(ProviderSettings)}
    for key in found:
        if key not in known:
            near = did_you_mean(str(key), known)
            raise InvalidInput(
                f"{path}: {section}.{key} is not a known key", f"did you mean {near}?" if near else ""
            )
    typed = {key: _typed(key, value, f"{path}: {section}.{key}") for key, value in found.items()}
    return ProviderSettings(**{"kind": "", **typed})


def _typed(key: str, value: Any, where: str) -> Any:
    wanted = {f.name: str(f.type) for f in fields(ProviderSettings)}[key]
    try:
        if wanted.startswith("tuple"):
            if not isinstance(value, list):
                raise ValueError
            return tuple(str(word) for word in value)
        if not isinstance(value, str):
            raise ValueError
        if wanted == "bool":
            return {"true": True, "yes": True, "false": False, "no": False}[value.lower()]
        return {"int": int, "float": float, "str": str}[wanted](value)
    except (ValueError, KeyError):
        form = "a list of words" if wanted.startswith("tuple") else wanted
        raise InvalidInput(f"{where} is not {form}") from None


def _rendered(settings: ProviderSettings, section: str) -> str:
    lines = [f"{section}:"]
    for f in fields(ProviderSettings):
        value = getattr(settings, f.name)
        if f.name != "kind" and value == f.default:
            continue
        if isinstance(value, tuple):
            lines.append(f"  {f.name}:")
            lines += [f"    - {json.dumps(word, ensure_ascii=False)}" for word in value]
        else:
            lines.append(f"  {f.name}: {json.dumps(value, ensure_ascii=False)}")
    return "\n".join(lines) + "\n"


def _spliced(data: bytes, block: bytes, section: str) -> bytes:
    """The file with the block of a section replaced, or with the block at its end."""
    newline = b"\r\n" if b"\r\n" in data else b"\n"
    block = block.replace(b"\n", newline)
    lines = data.splitlines(keepends=True)
    head = re.compile(rb"[\"']?%s[\"']?\s*:" % section.encode())
    start = next((i for i, line in enumerate(lines) if head.match(line)), None)
    if start is None:
        gap = b"" if not data or data.endswith(b"\n") else newline
        return data + gap + block
    end = start + 1
    for i in range(start + 1, len(lines)):
        if lines[i].strip() and not lines[i].startswith((b" ", b"\t", b"- ")):
            break
        if lines[i].strip():
            end = i + 1
    return b"".join(lines[:start]) + block + b"".join(lines[end:])
