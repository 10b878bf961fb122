"""A real repository with code and one note about it, and the verdicts on the note."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from pathlib import Path

from agentctx.freshness.index import Assessor
from agentctx.freshness.verdicts import Cache
from agentctx.freshness.verify import stamps_for
from agentctx.git import Git, WorkTree
from agentctx.model import Drift, Freshness, Index
from agentctx.notes.folder import Folder
from tests.repository import TempRepo

INVOICE = '''"""Invoices."""

from src.money import round_cents

TAX = 0.19
LIMIT = 900


class Line:
    def __init__(self, price, amount):
        self.price = price
        self.amount = amount

    def total(self):
        return self.price * self.amount


class Invoice:
    """What a customer owes."""

    def __init__(self, lines):
        self.lines = lines

    def total(self, discount=0):
        """Sum of all lines with tax."""
        net = 0
        for line in self.lines:
            net += line.total()
            net -= discount
        return round_cents(net * (1 + TAX))

    def is_empty(self):
        return not self.lines


def unrelated(a, b):
    return a + b
'''

MONEY = '''"""Money."""


def round_cents(value):
    return round(value, 2)
'''


@dataclass
class Scene:
    """Files are written with ``repo``; notes and records with the methods here."""

    repo: TempRepo

    @property
    def root(self) -> Path:
        return self.repo.root

    def note(self, id: str, anchors: tuple[str, ...], body: str = "Text.", extra: str = "") -> str:
        listed = "".join(f'  - "{anchor}"\n' for anchor in anchors)
        block = f"anchors:\n{listed}" if anchors else ""
        text = f"---\ntitle: {id}\n{block}{extra}---\n{body}\n"
        path = f"agent-context/decisions/{id}.md"
        self.repo.write(path, text)
        return path

    def verify(self, *ids: str) -> None:
        """Stamp notes (all of them without ids) as ``agentctx verify`` does."""
        folder = Folder(self.root, "agent-context")
        with Git.open(self.root) as git:
            tree = WorkTree(git)
            for note in folder.read().notes:
                if not ids or note.id in ids:
                    folder.write_record(note.id, stamps_for(note, tree))

    def assess(self, cache: Cache | None = None, today: date | None = None) -> Index:
        folder = Folder(self.root, "agent-context")
        with Git.open(self.root) as git:
            assessor = Assessor(git, WorkTree(git), cache)
            return assessor.assess(folder.read(), folder.records(), today)

    def explained(self, id: str) -> Freshness:
        folder = Folder(self.root, "agent-context")
        with Git.open(self.root) as git:
            assessor = Assessor(git, WorkTree(git))
            notes = folder.read()
            index = assessor.assess(notes, folder.records())
            note = next(n for n in notes.notes if n.id == id)
            return assessor.explain(note, index.by_id()[id])

    def freshness(self, id: str = "a") -> Freshness:
        return self.assess().by_id()[id]

    def drift(self, id: str = "a") -> Drift:
        (drift,) = self.freshness(id).drifts
        return drift

    def edit(self, path: str, old: str, new: str) -> None:
        """Replace one place in a file."""
        text = (self.root / path).read_text()
        assert text.count(old) >= 1, f"{old!r} is not in {path}"
        self.repo.write(path, text.replace(old, new, 1))


def invoice_scene(repo: TempRepo, anchor: str = "src/invoice.py#Invoice.total") -> Scene:
    """The invoice code with one verified note ``a``, committed."""
    repo.write("src/invoice.py", INVOICE)
    repo.write("src/money.py", MONEY)
    scene = Scene(repo)
    scene.note("a", (anchor,))
    scene.verify()
    repo.commit("Start")
    return scene
