"""What a trial of faults is: so many rounds, each with its own chance, that count what they saw."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path


@dataclass
class Round:
    """What one round (or a batch of them) saw. ``wrong`` says in words what must never happen and did."""

    number: int
    count: int = 1
    seen: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)

    @property
    def chance(self) -> random.Random:
        """The round's own: it plays out alike in whatever order rounds are run."""
        return random.Random(f"fault {self.number}")

    def expect(self, holds: bool, what: str) -> None:
        """Complain unless it holds."""
        if not holds:
            self.wrong.append(f"round {self.number}: {what}")


Play = Callable[[Round], None]


@dataclass(frozen=True)
class Trial:
    """One fault, played often. ``begin(folder, size)`` lays the scene and gives the function of a round."""

    name: str
    size: int
    """Rounds of the full measurement."""
    wanted: str
    """What has to come out, in words."""
    begin: Callable[[Path, int], AbstractContextManager[Play]]
    batch: int = 1
    """Rounds that one call plays."""
    shows: tuple[str, ...] = ()
    """What is counted, in the order of the table."""
    most: Mapping[str, float] = field(default_factory=dict)
    """At most so many per round; ``least``: at least."""
    least: Mapping[str, float] = field(default_factory=dict)

    def missed(self, rounds: int, seen: Mapping[str, int], wrong: int) -> list[str]:
        """The bounds that the counts miss, in words."""
        over = [
            f"{name} {seen.get(name, 0)} > {share:.0%}"
            for name, share in self.most.items()
            if seen.get(name, 0) > share * rounds
        ]
        under = [
            f"{name} {seen.get(name, 0)} < {share:.0%}"
            for name, share in self.least.items()
            if seen.get(name, 0) < int(share * rounds)
        ]
        return [*over, *under, *([f"{wrong} went wrong"] if wrong else [])]
