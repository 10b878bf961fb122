"""Whether agents may write notes directly. Only the person's own configuration can say so.

``agents: {writes: direct}`` in ``~/.config/agentctx/config.yaml``; anything else means that what an agent
writes waits as a proposal (``agentctx review``). A repository cannot change it.
"""

from __future__ import annotations

from agentctx.errors import InvalidInput, NotFound
from agentctx.files import read_regular
from agentctx.llm.settings import LIMIT, config_path

CHOICES = ("propose", "direct")


def writes_directly() -> bool:
    """Has the person allowed it? Raises ``InvalidInput`` for a setting that is neither choice."""
    path = config_path()
    try:
        data = read_regular(path.resolve(), LIMIT)
    except NotFound:
        return False
    if b"agents" not in data:
        return False
    import yaml

    try:
        found = yaml.load(data.decode("utf-8"), Loader=yaml.BaseLoader)
    except (yaml.YAMLError, UnicodeDecodeError):
        return False
    section = found.get("agents") if isinstance(found, dict) else None
    choice = section.get("writes", "propose") if isinstance(section, dict) else "propose"
    if choice not in CHOICES:
        raise InvalidInput(f"{path}: agents.writes cannot be {choice!r}", f"one of: {', '.join(CHOICES)}")
    return choice == "direct"
