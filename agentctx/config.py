"""What a team may settle, from one committed place: ``agent-context/config.yaml`` or ``[tool.agentctx]``.

Order: command-line flag > ``AGENTCTX_*`` variable > file > default. Nothing here names a command, a URL
or a key: those belong to the person (see ``llm/settings.py``), so a cloned repository can run nothing.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, is_dataclass, replace
from pathlib import Path
from reprlib import repr  # cut: a few lines of YAML can be a value of a billion words
from typing import Any, get_type_hints

from agentctx.errors import InvalidInput
from agentctx.files import read_regular
from agentctx.text import did_you_mean

DEFAULT_CONTEXT = "agent-context"
LIMIT = 256 * 1024
NESTING = 100
"""Brackets and dashes in one line of settings; YAML takes minutes over thousands."""


def _doc(default: Any, meaning: str) -> Any:
    factory = default if callable(default) else (lambda: default)
    return field(default_factory=factory, metadata={"meaning": meaning})


@dataclass(frozen=True, slots=True)
class NotesConfig:
    include: tuple[str, ...] = _doc(
        (), "Globs of existing documents whose sections count as read-only notes."
    )


@dataclass(frozen=True, slots=True)
class PrimeConfig:
    budget_bytes: int = _doc(9500, "Largest briefing in bytes; clients cut at 10,000 characters.")
    budget_tokens: int = _doc(2400, "Largest briefing in estimated tokens.")


@dataclass(frozen=True, slots=True)
class HalfLifeConfig:
    session: int = _doc(14, "Days after which a session note weighs half in ranking.")
    gotcha: int = _doc(180, "Days after which a gotcha weighs half in ranking.")
    pattern: int = _doc(365, "Days after which a pattern weighs half in ranking.")
    decision: int = _doc(730, "Days after which a decision weighs half in ranking.")
    document: int = _doc(730, "Days after which an included section weighs half in ranking.")


@dataclass(frozen=True, slots=True)
class SyncConfig:
    owner: str = _doc("local", "Who calls the model: `local` (every clone) or `ci` (clones only flag).")
    max_notes: int = _doc(20, "Most notes one sync sends to the model; the rest is listed as skipped.")


@dataclass(frozen=True, slots=True)
class CheckConfig:
    fail_on: tuple[str, ...] = _doc(("stale",), "States that make `agentctx check` exit 1.")
    targeting: str = _doc(
        "warning", "What a note found by targeting alone means: `off`, `warning` or `error`."
    )


@dataclass(frozen=True, slots=True)
class Config:
    """Every setting with its default. ``source`` is the file it came from, empty for defaults."""

    notes: NotesConfig = field(default_factory=NotesConfig)
    prime: PrimeConfig = field(default_factory=PrimeConfig)
    half_life: HalfLifeConfig = field(default_factory=HalfLifeConfig)
    sync: SyncConfig = field(default_factory=SyncConfig)
    check: CheckConfig = field(default_factory=CheckConfig)
    source: str = ""


CHOICES = {
    "sync.owner": ("local", "ci"),
    "check.targeting": ("off", "warning", "error"),
    "check.fail_on": ("stale", "suspect", "moved", "conflicted", "unknown", "unverified"),
}


def context_name(root: Path) -> str:
    """The context folder, relative to the repository: ``AGENTCTX_DIR`` or ``agent-context``."""
    name = os.environ.get("AGENTCTX_DIR", "") or DEFAULT_CONTEXT
    path = Path(name)
    if path.is_absolute():
        try:
            path = path.relative_to(root)
        except ValueError:
            raise InvalidInput(
                f"AGENTCTX_DIR={name} lies outside the repository {root}", "give a path inside the repository"
            ) from None
    if ".." in path.parts:
        raise InvalidInput(f"AGENTCTX_DIR={name} leaves the repository", "give a path inside the repository")
    return path.as_posix()


def load(root: Path, context: str) -> Config:
    """Read the one source there is; two sources, unknown keys and wrong types are errors with a remedy."""
    return parsed(_files(root, context), context)


def parsed(files: Mapping[str, bytes], context: str) -> Config:
    """The settings in the bytes of their files, by repository path: of a commit, for example."""
    found = {**_yaml_source(files, context), **_toml_source(files)}
    if len(found) == 2:
        first, second = found
        raise InvalidInput(f"settings stand in both {first} and {second}", f"move them all to {first}")
    source, data = next(iter(found.items()), ("", {}))
    config: Config = replace(_build(Config, data, source, ""), source=source)
    return _with_variables(config)


def _with_variables(config: Config) -> Config:
    """Lay ``AGENTCTX_SECTION_SETTING`` variables over the file's settings."""
    for section in (f for f in fields(Config) if f.name != "source"):
        group = getattr(config, section.name)
        for setting in fields(group):
            name = f"AGENTCTX_{section.name}_{setting.name}".upper()
            if name not in os.environ:
                continue
            hint = get_type_hints(type(group))[setting.name]
            value = _typed(hint, _from_text(hint, os.environ[name]), name, f"{section.name}.{setting.name}")
            group = replace(group, **{setting.name: value})
        config = replace(config, **{section.name: group})
    return config


def _from_text(hint: Any, text: str) -> Any:
    """A variable's text as its setting's type; what does not convert is left for ``_typed`` to refuse."""
    try:
        return hint(text) if hint in (int, float, str) else [t.strip() for t in text.split(",") if t.strip()]
    except ValueError:
        return text


def sources(context: str) -> dict[str, int]:
    """Where settings may stand: repository path -> largest size in bytes."""
    return {f"{context}/config.yaml": LIMIT, "pyproject.toml": 4 * LIMIT}


def _files(root: Path, context: str) -> dict[str, bytes]:
    places = {p: limit for p, limit in sources(context).items() if (root / p).exists()}
    return {
        p: read_regular(root / p, limit=limit, root=root)
        for p, limit in places.items()
        if not (root / p).is_dir()
    }


def _yaml_source(files: Mapping[str, bytes], context: str) -> dict[str, Any]:
    raw = files.get(f"{context}/config.yaml")
    if raw is None:
        return {}
    if not any(line.strip() and not line.lstrip().startswith(b"#") for line in raw.splitlines()):
        return {f"{context}/config.yaml": {}}
    if any(sum(map(line.count, (b"[", b"{", b"- ", b"? "))) > NESTING for line in raw.splitlines()):
        raise InvalidInput(f"{context}/config.yaml is nested too deeply", "see docs/configuration.md")
    import yaml

    try:
        return {f"{context}/config.yaml": yaml.safe_load(raw)}
    except RecursionError:
        raise InvalidInput(
            f"{context}/config.yaml is nested too deeply", "see docs/configuration.md"
        ) from None
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = f":{mark.line + 1}" if mark else ""
        raise InvalidInput(f"{context}/config.yaml{line} is not YAML: {error}", "mend that line") from None


def _toml_source(files: Mapping[str, bytes]) -> dict[str, Any]:
    raw = files.get("pyproject.toml", b"")
    if b"[tool.agentctx" not in raw:
        return {}
    import tomllib

    try:
        table = tomllib.loads(raw.decode("utf-8")).get("tool", {}).get("agentctx")
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InvalidInput(f"pyproject.toml is not TOML: {error}", "mend that line") from None
    return {} if table is None else {"pyproject.toml [tool.agentctx]": table}


def _build(kind: Any, data: Any, source: str, prefix: str) -> Any:
    if not isinstance(data, Mapping):
        raise InvalidInput(
            f"{source}: `{prefix.rstrip('.') or 'the file'}` must be a table of settings, not {repr(data)}",
            "see docs/configuration.md",
        )
    known = {f.name for f in fields(kind)} - {"source"}
    hints = get_type_hints(kind)
    values: dict[str, Any] = {}
    for raw_key, value in data.items():
        key = str(raw_key).replace("-", "_")
        if key not in known:
            near = did_you_mean(key, sorted(known))
            hint = f"did you mean `{prefix}{near}`?" if near else "see docs/configuration.md for every key"
            raise InvalidInput(f"{source}: unknown setting `{prefix}{raw_key}`", hint)
        if is_dataclass(hints[key]):
            values[key] = _build(hints[key], value, source, f"{prefix}{key}.")
        else:
            values[key] = _typed(hints[key], value, source, f"{prefix}{key}")
    return kind(**values)


def _typed(hint: Any, value: Any, source: str, key: str) -> Any:
    wanted = {int: "a whole number", float: "a number", str: "text"}.get(hint, "a list of texts")
    if hint is float and isinstance(value, int) and not isinstance(value, bool):
        value = float(value)
    if value is False and "off" in CHOICES.get(key, ()):
        value = "off"  # what YAML makes of the bare word
    shown = repr(value)
    if hint in (int, float, str):
        if not isinstance(value, hint) or isinstance(value, bool):
            raise InvalidInput(f"{source}: `{key}` must be {wanted}, not {shown}", f"write `{key}` anew")
        if hint in (int, float) and value < 0:
            raise InvalidInput(f"{source}: `{key}` must not be negative", f"write `{key}` anew")
    else:
        if not isinstance(value, list) or not all(isinstance(v, str) for v in value):
            raise InvalidInput(f"{source}: `{key}` must be {wanted}, not {shown}", "one `- item` a line")
        value = tuple(value)
    allowed = CHOICES.get(key)
    for item in value if isinstance(value, tuple) else (value,):
        if allowed and item not in allowed:
            raise InvalidInput(f"{source}: `{key}` cannot be {repr(item)}", f"one of: {', '.join(allowed)}")
    return value
