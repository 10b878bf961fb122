"""Writes docs/cli.md and docs/configuration.md from the commands and settings themselves (`make docs`).

A test compares the files with what this module would write, so that they cannot drift.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any, get_type_hints

import click

from agentctx.cli.main import COMMANDS, agentctx
from agentctx.config import CHOICES, Config

SHAPES = """\
## JSON

Every reader prints one document with `--json`; its top level holds `"version": 1`. These shapes are stable:

| command | shape |
|---|---|
| `status --json` | `{"version", "head", "notes": [{"id", "path", "kind", "title", "state", "drifts": [{"anchor", "state", "reason", "moved_to", "witness", "commits"}], "mentions", "reasons", "score", "unread"}], "problems", "notices"}` |
| `search --json` | `{"version", "query", "hits": [{"id", "path", "score", "reasons", "unread"}]}`; `unread`: a model wrote it and nobody has read it |
| `prime --json` | `{"version", "head", "bytes", "tokens", "items": [...], "left_out": [...], "notices"}` |
| `affected --json` | `{"version", "range", "notes": [{"id", "path", "score", "probability", "flag", "reasons"}]}`, best first |
| `check --format json` | `{"version", "base", "head", "findings": [{"note", "anchor", "state", "severity", "reason", "settle"}]}` |

States of a note: `fresh`, `moved`, `suspect`, `stale`, `conflicted`, `unverified`, `unknown`. States of an anchor:
`unchanged`, `cosmetic`, `moved`, `docstring`, `dependency`, `signature`, `body`, `gone`, `unknown`, `unverified`.

## Exit codes

0 done, 1 a check found something, 2 could not run, 3 a bug in agentctx, 130 interrupted. What git's and agents' hooks
call always exits 0.
"""


def cli_page() -> str:
    """docs/cli.md."""
    parts = ["# Commands\n", "Standard output carries data, standard error words. Written by `make docs`.\n"]
    context = click.Context(agentctx, info_name="agentctx")
    for family, commands in COMMANDS.items():
        parts.append(f"## {family}\n")
        for name in commands:
            command = agentctx.get_command(context, name)
            assert command is not None
            parts.extend(_command(command, f"agentctx {name}"))
    return "\n".join([*parts, SHAPES])


def _command(command: click.Command, name: str) -> Iterator[str]:
    with click.Context(command, info_name=name) as context:
        if isinstance(command, click.Group):
            yield f"### `{name}`\n\n{command.help}\n"
            for sub in command.list_commands(context):
                inner = command.get_command(context, sub)
                assert inner is not None
                yield from _command(inner, f"{name} {sub}")
            return
        usage = " ".join(command.collect_usage_pieces(context))
        yield f"### `{name} {usage}`\n\n{command.help}\n"
        rows = [record for p in command.get_params(context) if (record := p.get_help_record(context))]
        yield "".join(f"- `{option}` {text}\n" for option, text in rows if text and "--help" not in option)


def configuration_page() -> str:
    """docs/configuration.md."""
    lines = [
        "# Settings\n",
        "One source: `agent-context/config.yaml`, or `[tool.agentctx]` in `pyproject.toml` (both is an error).",
        "Order: command-line flag, then variable, then file, then default. Written by `make docs`.\n",
        "| setting | default | variable | meaning |",
        "|---|---|---|---|",
        *_settings(Config, Config(), ""),
        "",
        "`AGENTCTX_DIR` names another context folder, `AGENTCTX_NO_WORKER=1` keeps hooks from starting the worker,",
        "`NO_COLOR` switches colours off. The model is set per person, not per repository: see providers.md.\n",
    ]
    return "\n".join(lines)


def _settings(kind: Any, value: Any, prefix: str) -> Iterator[str]:
    hints = get_type_hints(kind)
    for f in fields(kind):
        inner = getattr(value, f.name)
        if is_dataclass(hints[f.name]):
            yield from _settings(hints[f.name], inner, f"{prefix}{f.name}.")
        elif f.metadata:
            name = f"{prefix}{f.name}"
            shown = ", ".join(inner) or "none" if isinstance(inner, tuple) else inner
            choice = f" One of: {', '.join(CHOICES[name])}." if name in CHOICES else ""
            variable = f"AGENTCTX_{name.replace('.', '_').upper()}"
            yield f"| `{name}` | `{shown}` | `{variable}` | {f.metadata['meaning']}{choice} |"


def main() -> None:
    """Write both pages into the folder given, ``docs`` by default."""
    folder = Path(sys.argv[1] if len(sys.argv) > 1 else "docs")
    (folder / "cli.md").write_text(cli_page(), encoding="utf-8")
    (folder / "configuration.md").write_text(configuration_page(), encoding="utf-8")


if __name__ == "__main__":
    main()
