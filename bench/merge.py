"""How often two people's edits of one note conflict: real `git merge`, with agentctx's driver and without it.

    bench/merge [--notes 1000] [--seed 1] [--json]

Every note is edited one to three times on each of two branches, the way people and agents edit notes: a tag
or an anchor more, another status or title, a word or a sentence changed, a paragraph, list item or section
more, verified anew. All are merged by one `git merge`. Every edit adds a word that occurs nowhere else, so
one that is missing afterwards is counted as lost.
"""

from __future__ import annotations

import argparse
import json
import random
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from agentctx.errors import InvalidInput
from agentctx.integrations import mergedriver
from agentctx.model import Stamp
from agentctx.notes.records import parse_record, render_record
from agentctx.notes.splice import NoteFile, open_note, set_field

CONTEXT = "agent-context"
PROSE = (
    "token signs the request because a gateway keeps no state and every retry costs money so callers wait "
    "for an answer before they write again while old rows stay readable until nobody asks for them any more"
)
WORDS = PROSE.split()


@dataclass(frozen=True)
class Side:
    """One version of a note and its record, and which words its edits added and took away."""

    note: bytes
    record: str
    added: frozenset[str] = frozenset()
    removed: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Case:
    """Three versions of one note."""

    name: str
    base: Side
    ours: Side
    theirs: Side


@dataclass(frozen=True)
class Result:
    """What one way of merging did to all notes."""

    notes: int
    conflicts: int
    """Notes (or records) that git left unmerged."""
    words_lost: int
    markers_in_front_matter: int
    unreadable: int
    """Front matter that is no YAML with unique keys any more."""


# --------------------------------------------------------------------------- edits


class Author:
    """Makes random edits; every new word is its own."""

    def __init__(self, chance: random.Random, name: str) -> None:
        self.chance, self.name, self.count = chance, name, 0

    def word(self) -> str:
        self.count += 1
        return f"{self.name}{self.count}x"

    def edited(self, base: Side) -> Side:
        side = base
        for _ in range(self.chance.choice((1, 1, 2, 3))):
            edit = self.chance.choices(list(EDITS), weights=list(EDITS.values()))[0]
            side = edit(self, side)
        return side


def _with(side: Side, note: bytes, added: Sequence[str] = (), removed: Sequence[str] = ()) -> Side:
    kept = side.added - set(removed)
    return replace(side, note=note, added=kept | set(added), removed=side.removed | set(removed))


def _list_item(key: str, form: str) -> Callable[[Author, Side], Side]:
    def edit(author: Author, side: Side) -> Side:
        word = author.word()
        before = open_note(side.note).values()[key]
        assert isinstance(before, tuple)
        return _with(side, set_field(side.note, key, (*map(str, before), form.format(word))), [word])

    return edit


def _tag_removed(author: Author, side: Side) -> Side:
    tags = [str(tag) for tag in open_note(side.note).values()["tags"]]
    if len(tags) < 2:
        return side
    gone = author.chance.choice(tags)
    return _with(side, set_field(side.note, "tags", tuple(t for t in tags if t != gone)), removed=[gone])


def _status(author: Author, side: Side) -> Side:
    return replace(side, note=set_field(side.note, "status", author.chance.choice(("archived", "active"))))


def _review_by(author: Author, side: Side) -> Side:
    day = f"2027-{author.chance.randint(1, 12):02}-{author.chance.randint(1, 28):02}"
    return replace(side, note=set_field(side.note, "review_by", day))


def _title(author: Author, side: Side) -> Side:
    word = author.word()
    own = [old for old in str(open_note(side.note).values()["title"]).split() if old in side.added]
    return _with(side, set_field(side.note, "title", f"Why {word}"), [word], own)


def _in_body(change: Callable[[Author, list[str]], tuple[list[str], list[str]]]) -> Callable[..., Side]:
    """``change`` edits the body's paragraphs in place and returns the words it added and removed."""

    def edit(author: Author, side: Side) -> Side:
        file: NoteFile = open_note(side.note)
        parts = file.body.rstrip("\n").split("\n\n")
        added, removed = change(author, parts)
        return _with(side, file.with_body("\n\n".join(parts) + "\n").encode(), added, removed)

    return edit


def _prose(parts: Sequence[str]) -> list[int]:
    return [at for at, text in enumerate(parts) if not text.startswith(("#", "- "))]


def _word_changed(author: Author, parts: list[str]) -> tuple[list[str], list[str]]:
    at = author.chance.choice(_prose(parts))
    words = parts[at].split(" ")
    which, new = author.chance.randrange(len(words)), author.word()
    old = [words[which]] if words[which].rstrip(".").endswith("x") else []
    words[which] = new
    parts[at] = " ".join(words)
    return [new], [word.rstrip(".") for word in old]


def _sentence_added(author: Author, parts: list[str]) -> tuple[list[str], list[str]]:
    at, new = author.chance.choice(_prose(parts)), author.word()
    parts[at] += f" Also {new} matters."
    return [new], []


def _paragraph_added(author: Author, parts: list[str]) -> tuple[list[str], list[str]]:
    headings = [at for at, text in enumerate(parts) if text.startswith("#")]
    at, new = author.chance.choice([*headings[1:], len(parts)]), author.word()
    parts.insert(at, f"Since then {new} holds as well.")
    return [new], []


def _item_added(author: Author, parts: list[str]) -> tuple[list[str], list[str]]:
    lists = [at for at, text in enumerate(parts) if text.startswith("- ")]
    at, new = author.chance.choice(lists), author.word()
    parts[at] += f"\n- {new} too"
    return [new], []


def _section_added(author: Author, parts: list[str]) -> tuple[list[str], list[str]]:
    heading, new = author.word(), author.word()
    parts += [f"## About {heading}", f"It is {new}."]
    return [heading, new], []


def _verified(author: Author, side: Side) -> Side:
    stamps = parse_record(side.record)
    anchor = author.chance.choice(sorted(stamps))
    stamps[anchor] = Stamp(sig=f"{author.chance.getrandbits(64):016x}", body=f"{author.count:016x}")
    return replace(side, record=render_record(stamps))


EDITS: dict[Callable[[Author, Side], Side], int] = {
    _list_item("tags", "{}"): 12,
    _list_item("anchors", "src/{}.py"): 10,
    _tag_removed: 2,
    _status: 5,
    _review_by: 4,
    _title: 2,
    _in_body(_word_changed): 20,
    _in_body(_sentence_added): 8,
    _in_body(_paragraph_added): 12,
    _in_body(_item_added): 6,
    _in_body(_section_added): 6,
    _verified: 13,
}


def _new_note(chance: random.Random, number: int) -> Side:
    def prose(words: int) -> str:
        return " ".join(chance.choice(WORDS) for _ in range(words)).capitalize() + "."

    tags = "".join(f"  - tag{number}{c}x\n" for c in "abc"[: chance.randint(1, 3)])
    paths = [f"src/part{number}{c}.py#run" for c in "abc"[: chance.randint(1, 3)]]
    anchors = "".join(f"  - {path}\n" for path in paths)
    body = [prose(chance.randint(8, 40)) for _ in range(2)]
    for heading in ("Why", "Consequences", "Alternatives")[: chance.randint(2, 3)]:
        body += [f"## {heading}", *(prose(chance.randint(8, 40)) for _ in range(chance.randint(1, 3)))]
        if heading != "Alternatives":
            body.append("\n".join(f"- {prose(5)}" for _ in range(chance.randint(2, 4))))
    head = f"---\ntitle: Note {number}\ntags:\n{tags}status: active\nanchors:\n{anchors}---\n"
    stamps = {path: Stamp(sig=f"{chance.getrandbits(64):016x}", body="0" * 16) for path in paths}
    return Side((head + "\n\n".join(body) + "\n").encode(), render_record(stamps))


def cases(number: int, seed: int) -> list[Case]:
    """Random notes, each in the versions of two people who started from the same one."""
    found = []
    for at in range(number):
        chance = random.Random(f"{seed} {at}")
        base = _new_note(chance, at)
        ours, theirs = (Author(chance, f"{who}{at}n").edited(base) for who in ("our", "their"))
        found.append(Case(f"note-{at:04}", base, ours, theirs))
    return found


# --------------------------------------------------------------------------- real git


class Scratch:
    """A repository with three branches that hold the three versions of every note."""

    def __init__(self, root: Path, found: Sequence[Case]) -> None:
        self.root, self.cases = root, found
        subprocess.run(["git", "init", "-q", "-b", "main", str(root)], check=True)
        for key, value in (("user.name", "Ada"), ("user.email", "ada@example.org"), ("gc.auto", "0")):
            self.git("config", key, value)
        mergedriver.add_attributes(root, CONTEXT)
        self._commit("base")
        for branch in ("theirs", "ours"):
            self.git("switch", "-q", "-c", branch, "main")
            self._commit(branch)

    def git(self, *args: str, check: bool = True) -> str:
        done = subprocess.run(["git", *args], cwd=self.root, capture_output=True, text=True, check=False)
        if check and done.returncode:
            raise RuntimeError(f"git {args[0]}: {done.stdout}{done.stderr}")
        return done.stdout

    def _commit(self, version: str) -> None:
        for case in self.cases:
            side: Side = getattr(case, version)
            for path, data in ((self.note(case), side.note), (self.record(case), side.record.encode())):
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(data)
        self.git("add", "-A")
        self.git("commit", "-q", "-m", version)

    def note(self, case: Case) -> Path:
        return self.root / CONTEXT / "decisions" / f"{case.name}.md"

    def record(self, case: Case) -> Path:
        return self.root / CONTEXT / ".verified" / case.name

    def merge(self, driver: str) -> Result:
        """Merge once with a driver command (empty: git's own merge of lines), look, and go back."""
        if driver:
            self.git("config", "merge.agentctx.driver", driver)
        start = self.git("rev-parse", "HEAD").strip()  # a merge without conflicts moves the branch
        self.git("merge", "-q", "-m", "merged", "theirs", check=False)
        unmerged = {
            line.rpartition("/")[2].removesuffix(".md")
            for line in self.git("diff", "--name-only", "--diff-filter=U").splitlines()
        }
        looked = [self._look(case) for case in self.cases]
        self.git("merge", "--abort", check=False)
        self.git("reset", "-q", "--hard", start)
        self.git("config", "--remove-section", "merge.agentctx", check=False)
        lost, markers, unreadable = (sum(column) for column in zip(*looked, strict=True))
        return Result(len(self.cases), len(unmerged), lost, markers, unreadable)

    def _look(self, case: Case) -> tuple[int, int, int]:
        """Words lost, markers in front matter (0 or 1), unreadable (0 or 1) of one merged note."""
        text = self.note(case).read_text()
        # What one side added and nobody took away must be there.
        gone = case.ours.removed | case.theirs.removed
        wanted = (case.ours.added | case.theirs.added) - gone
        head = text.split("\n---\n")[0]
        try:
            open_note(text.encode())
            unreadable = 0
        except InvalidInput:
            unreadable = 1
        return sum(word not in text for word in wanted), int("<<<<<<<" in head), unreadable


def measure(number: int, seed: int) -> dict[str, Result]:
    """Both ways of merging, by name."""
    with tempfile.TemporaryDirectory(prefix="merge-") as folder:
        scratch = Scratch(Path(folder) / "repo", cases(number, seed))
        return {"driver": scratch.merge(mergedriver.command()), "plain git": scratch.merge("")}


def main(arguments: list[str] | None = None) -> int:
    """Print the table; exit code 1 when the driver misses its bounds."""
    parser = argparse.ArgumentParser(prog="bench/merge", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--notes", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args(arguments)
    found = measure(options.notes, options.seed)
    if options.json:
        print(json.dumps({name: vars(result) for name, result in found.items()}, indent=1))
    else:
        print("             notes  conflicts  words lost  markers in fm  unreadable")
        for name, r in found.items():
            share = f"{r.conflicts / r.notes:.1%}"
            print(
                f"{name:10} {r.notes:6} {share:>10} {r.words_lost:11}"
                f" {r.markers_in_front_matter:14} {r.unreadable:11}"
            )
    driver, plain = found["driver"], found["plain git"]
    bad = driver.words_lost + driver.markers_in_front_matter + driver.unreadable
    return int(bool(bad) or driver.conflicts > 0.05 * driver.notes or plain.conflicts > 0.25 * plain.notes)


if __name__ == "__main__":
    sys.exit(main())
