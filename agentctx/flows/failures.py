"""What failed where nobody looks, kept for ``status`` and ``doctor`` to tell."""

from __future__ import annotations


def remember(name: str, failure: Exception) -> None:
    """Keep the last failure of a hook where ``status`` and ``doctor`` can tell it."""
    from agentctx.project import Project

    try:
        with Project.open() as project:
            project.state.set_failure(f"hook {name}: {failure}")
    except Exception:
        return
