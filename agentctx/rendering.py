"""What we render: jinja2 over ``templates/``, strict about names; HTML is escaped, Markdown is not."""

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
        autoescape=lambda name: name is not None and name.endswith(".html.j2"),
        keep_trailing_newline=True,
        auto_reload=False,
    )
