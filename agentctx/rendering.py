"""The texts we render: jinja2 over the ``templates/`` folder, strict about names, not escaped (Markdown)."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from agentctx.files import data_file

if TYPE_CHECKING:
    from jinja2 import Environment


@cache
def environment() -> Environment:
    """One environment per process; a misspelt variable is an error, not an empty string."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    return Environment(
        loader=FileSystemLoader(data_file("templates")),
        undefined=StrictUndefined,
        autoescape=False,
        keep_trailing_newline=True,
        auto_reload=False,
    )
