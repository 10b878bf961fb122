"""The only door to git: one hardened runner, and short questions with values for answers.

``Git.open(start)`` finds the repository; ``WorkTree``, ``IndexTree`` and ``RevTree`` are its files.
Everything is read with ``-z`` and kept as text with ``surrogateescape``, so any file name survives.
"""

from __future__ import annotations

from agentctx.git.repository import Git
from agentctx.git.trees import IndexTree, RevTree, WorkTree

__all__ = ["Git", "IndexTree", "RevTree", "WorkTree"]
