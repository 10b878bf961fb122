"""The symbols of one file that was read with a grammar, each written down when it is first asked for."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING

from agentctx.freshness.languages.base import SELF, fingerprint
from agentctx.freshness.languages.parts import CLOSE, OPEN
from agentctx.model import Stamp, Symbol

if TYPE_CHECKING:
    from agentctx.freshness.languages.parts import Found
    from agentctx.freshness.languages.reading import Reader
    from agentctx.freshness.languages.tables import Tables

OWNER = "\x00owner"
"""Stands for the names of the enclosing classes inside a member's normal form."""
RECEIVER = "\x00receiver"
"""Stands for the name by which a method calls what it belongs to."""
_JOIN = "\x1f"
_COUNTED = re.compile(r"(?:iota=([0-9]+) iota|([0-9]+)?)(?:\+([0-9]+))?(?<=.)")


class Definitions(Mapping[str, Symbol]):
    """Qualified name -> symbol; the empty name is the file. Other spellings of a name find it as well."""

    def __init__(self, grammar: Tables, reader: Reader) -> None:
        self._grammar = grammar
        self._reader = reader
        self._parts: dict[str, list[Found]] = {}
        self._aliases: dict[str, list[Found]] = {}
        for found in reader.found:
            self._parts.setdefault(found.name, []).append(found)
        for found in reader.found:
            for alias in found.named.aliases:
                if alias not in self._parts:
                    self._aliases.setdefault(alias, []).append(found)
        self._known: dict[str, Symbol] = {}
        self._whole = True
        noted = (reader.references, reader.members, reader.bindings, reader.docs)
        self._positions = {id(items): [at for at, _ in items] for items in noted}

    def without(self, names: Iterable[str]) -> None:
        """Forget definitions that cannot be judged."""
        for name in names:
            self._parts.pop(name, None)
        gone = set(names)
        self._whole = "" not in gone
        for alias in [a for a, parts in self._aliases.items() if any(p.name in gone for p in parts)]:
            del self._aliases[alias]

    def aliases(self) -> dict[str, str]:
        """Other spellings that mean one symbol -> its name."""
        return {alias: self._name(parts) for alias, parts in self._aliases.items() if self._meant(alias)}

    def candidates(self, alias: str) -> tuple[str, ...]:
        """The names that a spelling may mean, when it is not one of them itself."""
        return tuple(sorted({f.name for f in self._aliases.get(alias, ())}))

    def _meant(self, name: str) -> list[Found] | None:
        parts = self._parts.get(name)
        if parts is None and name in self._aliases:
            parts = self._aliases[name]
            if len({p.name for p in parts}) > 1:
                return None
        return parts

    def __getitem__(self, name: str) -> Symbol:
        if name not in self._known:
            parts = self._meant(name) if name else None
            if parts is None and (name or not self._whole):
                raise KeyError(name)
            self._known[name] = self._symbol(name, parts) if parts else self._module()
        return self._known[name]

    def __contains__(self, name: object) -> bool:
        if name == "":
            return self._whole
        return isinstance(name, str) and self._meant(name) is not None

    def __iter__(self) -> Iterator[str]:
        return iter(self._parts)

    def __len__(self) -> int:
        return len(self._parts)

    def _name(self, parts: list[Found]) -> str:
        """The name under which these are listed; of one overload, with its parameters."""
        name = parts[0].name
        if len(parts) == len(self._parts[name]):
            return name
        return parts[0].named.aliases[0] if len(parts) == 1 and parts[0].named.aliases else name

    # ------------------------------------------------------------------ writing

    def _symbol(self, name: str, parts: list[Found]) -> Symbol:
        first = parts[0]
        name = self._name(parts) or name
        written = sorted(self._write(part) for part in parts)
        value = (self._value(first) or _counted(first.named.extra)) if len(parts) == 1 else ""
        own = first.named.name
        references, members = set[str](), set[str]()
        for part in parts:
            others = _others(part)
            references |= self._references(part.lead, part.end, part.named.receiver, others)
            members.update(self._between(self._reader.members, part.lead, part.end, others))
        return Symbol(
            name=name,
            kind=first.named.kind,
            stamp=Stamp(
                scheme=self._grammar.scheme,
                sig=fingerprint("\n".join(sig for sig, _ in written)),
                body=fingerprint("\n".join(body for _, body in written)),
                doc=fingerprint(" ".join(d for p in parts for d in self._docs(_lead(p), p.end))),
            ),
            start_line=min(p.first_row for p in parts) + 1,
            end_line=max(p.last_row for p in parts) + 1,
            references=tuple(sorted(r for r in references if r != own)),
            value=value,
            members=tuple(sorted(members.union(r for r in references if "." not in r))),
        )

    def _write(self, found: Found) -> tuple[str, str]:
        """(signature, body) of one definition, its own name and its owners' replaced."""
        tokens = self._reader.tokens
        names = {o.named.name: OWNER for o in _owners(found) if o.named.kind in self._grammar.members_of}
        if found.named.within:
            names[found.named.within] = OWNER
        if found.named.receiver:
            names[found.named.receiver] = RECEIVER
        names[found.named.name] = SELF
        bodies = sorted(found.bodies)
        together = found.together or [found]
        labels = {at for part in together for at in part.labels}
        labels |= {at for part in together if part is not found for span in part.own for at in range(*span)}
        sig: list[str] = []
        for start, end in found.prefix:
            sig += tokens[start:end]
        at = found.lead
        for start, end in [*sorted({b for p in together for b in p.bodies}), (found.end, found.end)]:
            sig += [t for i, t in enumerate(tokens[at:start], at) if i not in labels]
            at = max(at, end)
        body = [text for text in (found.named.extra, found.named.directives) if text]
        for start, end in bodies:
            body += self._unordered(start, end, found.members)
        return _text(sig, names), _text(body, names)

    def _unordered(self, start: int, end: int, members: Iterable[Found]) -> list[str]:
        """The tokens of a range with the functions directly in it taken out and put behind, sorted."""
        tokens = self._reader.tokens
        kept: list[str] = []
        taken: list[list[str]] = []
        at = start
        for member in members:
            outer = _lead(member)
            if member.named.kind in ("function", "method") and at <= outer and member.outer_end <= end:
                kept += tokens[at:outer]
                taken.append(tokens[outer : member.outer_end])
                at = member.outer_end
        kept += tokens[at:end]
        for part in sorted(taken):
            kept += part
        return kept

    def _module(self) -> Symbol:
        reader = self._reader
        top = [f for f in reader.found if f.owner is None]
        sig = sorted(f"{f.name}{_JOIN}{self._write(f)[0]}" for f in top)
        body = self._unordered(0, len(reader.tokens), top)
        body += sorted(f"{f.name} {f.named.directives}" for f in reader.found if f.named.directives)
        return Symbol(
            name="",
            kind="module",
            stamp=Stamp(
                scheme=self._grammar.scheme,
                sig=fingerprint("\n".join(sig)),
                body=fingerprint(_text(body, {})),
                doc=fingerprint(" ".join(d for _, d in reader.docs)),
            ),
            start_line=1,
            end_line=max(1, reader.source.count(b"\n") + (not reader.source.endswith(b"\n"))),
            references=tuple(sorted(self._references(0, len(reader.tokens)))),
        )

    def _value(self, found: Found) -> str:
        node = found.named.value
        if node is None or len(found.bodies) != 1:
            return ""
        start, end = found.bodies[0]
        inner = [t for t in self._reader.tokens[start:end] if t[:1] not in (OPEN, CLOSE)]
        if len(inner) == 2 and inner[0] == "-":
            return "-" + inner[1] if inner[1][:1].isdigit() else ""
        while node.named_child_count == 1 and node.type not in self._grammar.atoms:
            node = node.named_children[0]
        return self._grammar.literal(node.type, inner[0]) if len(inner) == 1 else ""

    def _references(self, start: int, end: int, receiver: str = "", others: Collection[int] = ()) -> set[str]:
        bound = set(self._between(self._reader.bindings, start, end)) - {receiver}
        names = set()
        for name in self._between(self._reader.references, start, end, others):
            first, dot, rest = name.partition(".")
            if first == receiver and dot:
                names.add(f"this.{rest}")
            elif first not in bound and first != receiver:
                names.add(name)
        return names

    def _docs(self, start: int, end: int) -> list[str]:
        return self._between(self._reader.docs, start, end)

    def _between(
        self, items: list[tuple[int, str]], start: int, end: int, others: Collection[int] = ()
    ) -> list[str]:
        positions = self._positions[id(items)]
        inside = items[bisect_left(positions, start) : bisect_left(positions, end)]
        return [text for at, text in inside if at not in others]


def _counted(extra: str) -> str:
    """The value that a constant has by its place, where that is a plain number; else empty."""
    found = _COUNTED.fullmatch(extra)
    return str(sum(int(part) for part in found.groups() if part)) if found else ""


def _others(found: Found) -> Collection[int]:
    """Tokens that are about the other names of the same statement alone."""
    if len(found.together) < 2:
        return ()
    ours = {at for span in found.bodies for at in range(*span)}
    theirs = [part for part in found.together if part is not found]
    spans = [span for part in theirs for span in (*part.bodies, *part.own)]
    return {at for part in theirs for at in part.labels} | {at for s in spans for at in range(*s)} - ours


def _lead(found: Found) -> int:
    """Where its doc comment stands: before the statement around it, when it is the first in that."""
    at = found.lead
    for start, end in reversed(found.prefix):
        if end != at:
            break
        at = start
    return at


def _owners(found: Found) -> Iterator[Found]:
    owner = found.owner
    while owner is not None:
        yield owner
        owner = owner.owner


def _text(tokens: Iterable[str], names: Mapping[str, str]) -> str:
    return _JOIN.join([names.get(t, t) for t in tokens] if names else tokens)
