"""The person's own choice of a store: a section of ``~/.config/agentctx/config.yaml``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from agentctx.errors import InvalidInput, NotFound
from agentctx.files import read_regular
from agentctx.text import did_you_mean

LIMIT = 256 * 1024


def config_file(environ: Mapping[str, str]) -> Path:
    """The person's config file; it need not exist."""
    base = environ.get("XDG_CONFIG_HOME", "")
    home = Path(base) if base and Path(base).is_absolute() else Path(environ.get("HOME", "~")) / ".config"
    return home.expanduser() / "agentctx" / "config.yaml"


def section(name: str, keys: Sequence[str], environ: Mapping[str, str]) -> dict[str, str]:
    """The texts of one section; empty when there is none. Raises ``InvalidInput`` naming file and key."""
    path = config_file(environ)
    try:
        data = read_regular(path.resolve(), LIMIT)
    except NotFound:
        return {}
    if name.encode() not in data:
        return {}
    import yaml

    try:
        found = yaml.load(data.decode("utf-8"), Loader=yaml.BaseLoader)
    except (yaml.YAMLError, UnicodeDecodeError, RecursionError):
        raise InvalidInput(f"{path} is not valid YAML", "mend the file, then try again") from None
    chosen = found.get(name) if isinstance(found, dict) else None
    if chosen in (None, ""):
        return {}
    if not isinstance(chosen, dict):
        raise InvalidInput(f"{path}: {name} is not a table", f"write its keys indented below {name}:")
    for key, value in chosen.items():
        if key not in keys:
            near = did_you_mean(str(key), keys)
            hint = f"did you mean {near}?" if near else f"one of: {', '.join(keys)}"
            raise InvalidInput(f"{path}: {name}.{key} is not a known key", hint)
        if not isinstance(value, str):
            raise InvalidInput(f"{path}: {name}.{key} is not a text")
    return chosen
