"""Our part of a JSON file that belongs to a client: elements of its lists and members of its objects."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from agentctx.errors import AgentctxError
from agentctx.integrations.base import MARK, Installed, read_text, write_text
from agentctx.integrations.jsonfile import (
    NotStrictJson,
    add_element,
    add_member,
    elements_at,
    member_at,
    remove_elements,
    remove_member,
)


@dataclass(frozen=True, slots=True)
class Element:
    """One element of a list, known again by the command in it."""

    at: tuple[str, ...]
    value: Any

    def put(self, text: str) -> str:
        """``text`` with the element in it, current; unchanged when it is."""
        found = [e for e in (elements_at(text, self.at) if text.strip() else []) if self._ours(e)]
        if found == [self.value]:
            return text
        return add_element(remove_elements(text, self.at, self._ours) if found else text, self.at, self.value)

    def take(self, text: str) -> str:
        """``text`` without it."""
        return remove_elements(text, self.at, self._ours)

    def present(self, text: str) -> bool:
        """Is any form of it there?"""
        return any(map(self._ours, elements_at(text, self.at)))

    def example(self) -> Any:
        """What a person would write."""
        return [self.value]

    def _ours(self, element: Any) -> bool:
        return MARK in json.dumps(element)


@dataclass(frozen=True, slots=True)
class Member:
    """One member of an object. Somebody else's value under the same key is left as it is."""

    at: tuple[str, ...]
    key: str
    value: Any
    mark: str = ""
    """In the JSON of every value of ours; empty: only exactly this value is ours."""

    def put(self, text: str) -> str:
        """See ``Element``."""
        there = member_at(text, self.at, self.key) if text.strip() else None
        if there == self.value or (there is not None and not self._ours(there)):
            return text
        cleared = remove_member(text, self.at, self.key) if there is not None else text
        return add_member(cleared, self.at, self.key, self.value)

    def take(self, text: str) -> str:
        """See ``Element``."""
        return remove_member(text, self.at, self.key) if self.present(text) else text

    def present(self, text: str) -> bool:
        """See ``Element``."""
        there = member_at(text, self.at, self.key)
        return there is not None and self._ours(there)

    def example(self) -> Any:
        """See ``Element``."""
        return {self.key: self.value}

    def _ours(self, value: Any) -> bool:
        return self.mark in json.dumps(value) if self.mark else bool(value == self.value)


@dataclass(frozen=True, slots=True)
class Frame:
    """What a new file of a client must hold besides (a format version). A file that is there has its own."""

    key: str
    value: Any

    def put(self, text: str) -> str:
        """See ``Element``."""
        return text if text.strip() else self._alone()

    def take(self, text: str) -> str:
        """Nothing is left when only the frame is."""
        return "" if text == self._alone() else text

    def _alone(self) -> str:
        return add_member("", (), self.key, self.value)

    def present(self, text: str) -> bool:
        """A frame alone is not ours."""
        return False

    def example(self) -> Any:
        """See ``Element``."""
        return {self.key: self.value}

    @property
    def at(self) -> tuple[str, ...]:
        """The document itself."""
        return ()


@dataclass(frozen=True, slots=True)
class JsonPart:
    """Our entries in one JSON file."""

    path: str
    entries: tuple[Element | Member | Frame, ...]

    def install(self, root: Path, dry_run: bool = False) -> Installed:
        """See ``base.Part``."""
        try:
            before = read_text(root, self.path)
            if before is not None and not before.strip():
                raise NotStrictJson("it is empty")
            after = before or ""
            for entry in self.entries:
                after = entry.put(after)
            had = before is not None and self._any(before)
        except (NotStrictJson, AgentctxError) as error:
            reason = f"it is not plain JSON ({error}), so it stays untouched"
            return Installed(self.path, "refused", reason, self._by_hand())
        if after == (before or ""):
            return Installed(self.path, "present")
        if not dry_run:
            write_text(root, self.path, after)
        return Installed(self.path, "created" if before is None else "updated" if had else "added")

    def uninstall(self, root: Path, dry_run: bool = False) -> Installed:
        """See ``base.Part``."""
        try:
            before = read_text(root, self.path)
            if before is None or not before.strip() or not self._any(before):
                return Installed(self.path, "absent")
            after = before
            for entry in reversed(self.entries):
                after = entry.take(after) if after else after
        except (NotStrictJson, AgentctxError) as error:
            return self._unparsed(root, f"it is not plain JSON ({error}); remove our part by hand")
        if not dry_run:
            write_text(root, self.path, after or None)
        return Installed(self.path, "removed")

    def status(self, root: Path) -> Installed:
        """See ``base.Part``."""
        try:
            text = read_text(root, self.path)
            if text is None or not text.strip() or not self._any(text):
                return Installed(self.path, "absent")
            current = all(entry.put(text) == text for entry in self.entries)
        except (NotStrictJson, AgentctxError) as error:
            return self._unparsed(root, f"it is not plain JSON ({error})")
        return Installed(self.path, "present" if current else "updated", "" if current else "not current")

    def _unparsed(self, root: Path, reason: str) -> Installed:
        """A file that cannot be read as JSON: without our name in it there is nothing of ours."""
        try:
            ours = "agentctx" in (read_text(root, self.path) or "")
        except AgentctxError:
            ours = True
        return Installed(self.path, "refused", reason) if ours else Installed(self.path, "absent")

    def _any(self, text: str) -> bool:
        return any(entry.present(text) for entry in self.entries)

    def _by_hand(self) -> str:
        """All entries as one document to merge by hand."""
        document: dict[str, Any] = {}
        for entry in self.entries:
            inner = document
            *above, last = entry.at or ("",)
            for key in above:
                inner = inner.setdefault(key, {})
            if not last:
                inner.update(entry.example())
            elif isinstance(entry, Element):
                inner.setdefault(last, []).extend(entry.example())
            else:
                inner.setdefault(last, {}).update(entry.example())
        return json.dumps(document, indent=2, ensure_ascii=False)
