"""The only door to git: one hardened runner, and short questions with values for answers.

``Git.open(start)`` finds the repository; ``WorkTree`` and ``RevTree`` are its files at two moments.
Everything is read with ``-z`` and kept as text with ``surrogateescape``, so any file name survives.
"""

from __future__ import annotations

from agentctx.git.repository import Git
from agentctx.git.trees import RevTree, WorkTree

__all__ = ["Git", "RevTree", "WorkTree"]
