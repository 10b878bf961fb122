"""Code that much of a repository uses: that it changed tells next to nothing about each of its users.

A class that is made in fifty files gains a parameter every week; fifty notes would ask to be read each time.
"""

from __future__ import annotations

import re

from agentctx.freshness.code import Code
from agentctx.freshness.history import History
from agentctx.freshness.languages import language_of
from agentctx.model import Anchor

MANY = 10
"""Files that use a definition by the name under which a symbol uses it, from which on it is commonplace."""
_MOST_READ = 300
"""Files with the word in them that are looked at."""
_DEFINING = r"\b(?:def|class|function\*?|func|fn|struct|enum|trait|type|interface|const|let|var|static) +"


class Commonplace:
    """Counts users in one tree, as far as a text can tell them."""

    def __init__(self, code: Code, history: History, context: str) -> None:
        self._code = code
        self._history = history
        self._context = context
        self._known: dict[tuple[str, str, str], bool] = {}

    def holds(self, user: Anchor, reference: str, target: Anchor) -> bool:
        """Do many files use ``target`` by the same words as ``user`` does?"""
        language = language_of(user.path)
        if language is None or language.receiver(user.symbol, reference) is not None:
            return False  # its own class's members
        near = () if "." in reference or "::" in reference else language.visible(user.path, self._code.paths)
        key = (reference, str(target), near[0].rpartition("/")[0] if near else "")
        if key not in self._known:
            self._known[key] = self._is_used(reference, target, near)
        return self._known[key]

    def _is_used(self, reference: str, target: Anchor, near: tuple[str, ...]) -> bool:
        word = re.split(r"[.:]+", reference)[-1]
        language = language_of(target.path)
        listed = near or self._history.files_naming(word, self._context)
        files = [path for path in listed if language_of(path) is language][:_MOST_READ]
        if len(files) < MANY:
            return False
        used = re.compile(rf"(?<![\w.$:]){re.escape(reference)}(?!\w)".encode())
        own = re.compile(f"{_DEFINING}{re.escape(word)}\\b".encode())
        count = 0
        for path in files:
            text = self._code.tree.read(path) or b""
            is_free = bool(near) or own.search(text) is None  # of a definition of that name
            count += is_free and path != target.path and used.search(text) is not None
            if count == MANY:
                return True
        return False
