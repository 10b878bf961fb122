"""Makes targeting data out of clones, in the form that ``bench/targeting --data`` reads.

``bench/harvest CLONE... --out DIR`` looks at the merges of each main line (first parents). A merge that
changed code and existing sections of the documentation has notes to find; one that changed code alone,
whose author changed no documentation in the next eight merges either, has none. Left out: merges named
as documentation work or reformatting, those that touch very many files or sections, and sections of which
nothing changed but white space, labels and targets of links.
"""

from __future__ import annotations

import argparse
import gzip
import json
import re
import subprocess
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from agentctx.notes import markdown, restructured
from agentctx.text import slugify

_LOG = (
    "log", "-z", "--raw", "--no-abbrev", "--first-parent", "--diff-merges=first-parent", "-M", "--no-color",
    "--format=%x01%H%x00%P%x00%ad%x00%ae%x00%s%x00%b%x02", "--date=short",
)  # fmt: skip
_CODE = re.compile(
    r"(?i)\.(py|pyi|pyx|js|jsx|mjs|cjs|ts|tsx|mts|cts|vue|svelte|go|rs|java|kt|c|h|cc|cpp|hpp|rb|php|cs|swift|sh"
    r"|toml|ya?ml|json|cfg|ini)$"
)
_DOCUMENT = re.compile(r"(?i)\.(md|mdx|rst)$")
_NO_DOCUMENT = re.compile(
    r"(?i)(^|/)(change|release|history|news|licen|contributors|authors|security|code_of_conduct|sponsor)[^/]*$"
    r"|(^|/)(changelog[^/]*|releases?|blog|news|\.github|translations)/|(^|/)docs?/(?!en/)[a-z]{2}(-[a-z]+)?/"
)
_HIDDEN = re.compile(
    r"(?i)(^|/)(vendor|third_party|node_modules|fixtures|testdata|__snapshots__|dist|build|generated)/"
    r"|\.(lock|snap|min\.js|min\.css|map)$|(^|/)(package-lock\.json|pnpm-lock\.yaml|go\.sum)$"
)
_TEST = re.compile(r"(?i)(^|/)(tests?|spec|__tests__)/|(^|/)test_|_test\.|\.(test|spec)\.")
_ABOUT_DOCUMENTS = re.compile(
    r"(?i)^(doc\b|update (the )?readme)|\b(documentation|docs|typos?|spelling|translations?)\b"
    r"|\b(reformat|black|gofmt|rustfmt|release v?\d|bump version)\b"
)
_TRAILER = re.compile(
    r"(?im)^(co-authored-by|signed-off-by|reviewed-by|change-id|pr-url)\s*:.*$|https?://\S+"
)
_NO_TEXT = re.compile(r"\.\. _|\[[^\]]+\]:\s|<!--")
_WORDS = re.compile(r"\w+")
MOST_FILES, MOST_DOCUMENTS, MOST_SECTIONS, IN_HISTORY = 60, 8, 12, 40
LONGEST_FILE, LONGEST_DIFF = 12_000, 60_000
LATER = 8
"""Merges after a change in which its author may have followed up with documentation."""


@dataclass(frozen=True)
class File:
    """One changed file of a merge, with the blobs before and after."""

    status: str
    old: str
    path: str
    before: str
    after: str

    @property
    def is_document(self) -> bool:
        return bool(_DOCUMENT.search(self.path)) and not (
            _NO_DOCUMENT.search(self.path) or _HIDDEN.search(self.path) or _TEST.search(self.path)
        )

    @property
    def is_code(self) -> bool:
        return bool(_CODE.search(self.path)) and not _HIDDEN.search(self.path)


@dataclass
class Merged:
    """One step of the main line."""

    place: int
    commit: str
    parent: str
    date: str
    author: str
    subject: str
    body: str
    files: list[File] = field(default_factory=list)

    @property
    def documents(self) -> list[File]:
        return [file for file in self.files if file.is_document]

    @property
    def code(self) -> list[File]:
        return [file for file in self.files if file.is_code]


class Source:
    """A clone, bare or not; only git is asked."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def git(self, *args: str, given: bytes = b"") -> bytes:
        done = subprocess.run(
            ["git", "-C", str(self.folder), *args], input=given, capture_output=True, check=True
        )
        return done.stdout

    def blobs(self, ids: Iterable[str]) -> dict[str, str]:
        """Texts by blob id; blobs that the clone lacks are left out."""
        wanted = sorted(set(ids))
        out = self.git("cat-file", "--batch", given="\n".join(wanted).encode() + b"\n")
        found, at = {}, 0
        for id in wanted:
            end = out.index(b"\n", at)
            head = out[at:end].split()
            at = end + 1
            if len(head) == 3:
                size = int(head[2])
                found[id] = out[at : at + size].decode("utf-8", "replace")
                at += size + 1
        return found

    def line(self, most: int) -> list[Merged]:
        """The main line, oldest first."""
        out = self.git(*_LOG, f"--max-count={most}", "HEAD").decode("utf-8", "replace")
        entries = [text for text in out.split("\x01") if text.count("\0") > 4]
        return [_entry(place, text) for place, text in enumerate(reversed(entries))]

    def diff(self, merged: Merged) -> str:
        """The code part with six lines of context, very long files cut at the border of a hunk."""
        paths = [file.path for file in merged.files if file.is_code]
        moved = [file.old for file in merged.files if file.is_code and file.old != file.path]
        out = self.git("diff", "-M", "-U6", "--no-color", merged.parent, merged.commit, "--", *paths, *moved)
        parts = re.split(r"(?m)^(?=diff --git )", out.decode("utf-8", "replace"))
        return "".join(_cut(part) for part in parts if part)[:LONGEST_DIFF]


def _cut(part: str) -> str:
    if len(part) <= LONGEST_FILE:
        return part
    border = part.rfind("\n@@ ", 0, LONGEST_FILE)
    return part[: border + 1] if border > 0 else ""


def _entry(place: int, text: str) -> Merged:
    message, _, changes = text.rpartition("\x02")
    commit, parents, date, author, subject, body = message.split("\0", 5)
    merged = Merged(place, commit, parents.split(" ")[0], date, author, subject, body)
    parts = iter(changes.split("\0"))
    for part in parts:
        fields = part.strip("\n").lstrip(":").split(" ")
        if len(fields) == 5:
            old = next(parts, "")
            new = next(parts, "") if fields[4][:1] in "RC" else old
            merged.files.append(File(fields[4][:1], old, new, fields[2], fields[3]))
    return merged


def sections(path: str, text: str) -> list[tuple[str, str, str]]:
    """(slug, heading, whole text) of every section."""
    text = text.replace("\r\n", "\n")
    read = restructured.sections if path.lower().endswith(restructured.ENDING) else markdown.sections
    seen: dict[str, int] = {}
    found = []
    for section in read(text):
        slug = slugify(section.heading) or "top"
        seen[slug] = seen.get(slug, 0) + 1
        name = slug if seen[slug] == 1 else f"{slug}-{seen[slug]}"
        found.append((name, section.heading, text[section.start : section.end]))
    return found


def _counts(line: str) -> bool:
    """Whether a line says something: no label, no target of a link, no rule, no bare number."""
    return len(_WORDS.findall(line)) > 1 and not _NO_TEXT.match(line)


def spread(found: Sequence[Merged], count: int) -> list[Merged]:
    """So many of them, evenly over time."""
    if len(found) <= count:
        return list(found)
    return [found[place * len(found) // count] for place in range(count)]


class Repository:
    """The merges of one clone with their documentation before and after."""

    def __init__(self, name: str, source: Source, most: int) -> None:
        self.name, self.source = name, source
        self.merges = source.line(most)
        documents = {f for m in self.merges for f in m.documents}
        base = self._tree(self.merges[0].parent) if self.merges and self.merges[0].parent else {}
        ids = {blob for f in documents for blob in (f.before, f.after) if blob.strip("0")}
        self.start = {path: blob for path, blob in base.items() if File("M", path, path, "", "").is_document}
        self.texts = source.blobs(ids | set(self.start.values()))
        self._cut: dict[tuple[str, str], list[tuple[str, str, str]]] = {}

    def _tree(self, commit: str) -> dict[str, str]:
        rows = self.source.git("ls-tree", "-r", "-z", commit).decode("utf-8", "replace").split("\0")
        split = (row.partition("\t") for row in rows if row)
        return {path: head.split(" ")[2] for head, _, path in split}

    def cut(self, path: str, blob: str) -> list[tuple[str, str, str]]:
        key = (path, blob)
        if key not in self._cut:
            self._cut[key] = sections(path, self.texts.get(blob, ""))
        return self._cut[key]

    def changed(self, file: File) -> list[dict[str, Any]]:
        """Sections that were there before and say something else after."""
        if file.status not in "MR" or not (file.before.strip("0") and file.after.strip("0")):
            return []
        before = {slug: text for slug, _, text in self.cut(file.old, file.before)}
        after = {slug: text for slug, _, text in self.cut(file.path, file.after)}
        found = []
        for slug, text in before.items():
            if slug not in after or _WORDS.findall(text) == _WORDS.findall(after[slug]):
                continue
            old, new = ({line.strip() for line in t.split("\n")} - {""} for t in (text, after[slug]))
            added, gone = (sum(map(_counts, lines)) for lines in (new - old, old - new))
            if added or gone:
                kind = "modify" if gone else "extend"
                found.append({"id": f"{file.old}#{slug}", "add": added, "delete": gone, "kind": kind})
        return found if len(found) <= MOST_SECTIONS else []

    def touched(self, file: File) -> list[str]:
        """Sections that are new or changed, for the history."""
        before = (
            {slug: text for slug, _, text in self.cut(file.old, file.before)}
            if file.before.strip("0")
            else {}
        )
        after = self.cut(file.path, file.after) if file.after.strip("0") else []
        return [f"{file.path}#{slug}" for slug, _, text in after if before.get(slug) != text]

    def has_notes_to_find(self, merged: Merged) -> bool:
        documents, code = merged.documents, merged.code
        plain = bool(documents and code) and not _ABOUT_DOCUMENTS.search(merged.subject)
        small = len(merged.files) <= MOST_FILES and len(documents) <= MOST_DOCUMENTS
        return plain and small and any(self.changed(file) for file in documents)

    def is_code_alone(self, merged: Merged) -> bool:
        later = self.merges[merged.place + 1 : merged.place + 1 + LATER]
        followed = any(m.author == merged.author and m.documents for m in later)
        quiet = not any(_DOCUMENT.search(file.path) for file in merged.files) and not followed
        return bool(quiet and merged.code and len(merged.files) <= MOST_FILES and merged.parent)


def harvest(repository: Repository, out: Path, count: int) -> dict[str, int]:
    """Write the files of one repository; how many merges of each kind."""
    warm = len(repository.merges) // 10  # the first merges have no history to learn from
    later = [merged for merged in repository.merges[warm:] if merged.parent]
    positive = spread([m for m in later if repository.has_notes_to_find(m)], count)
    quiet = spread([m for m in later if repository.is_code_alone(m)], count * 2 // 5)
    chosen = {m.commit: "positive" for m in positive} | {m.commit: "code_only" for m in quiet}
    cases: list[dict[str, Any]] = []
    manifest, told = dict(repository.start), dict[str, str]()
    versions: dict[tuple[str, str], None] = {}
    for merged in repository.merges:
        if merged.commit in chosen and (diff := repository.source.diff(merged)):
            known = {path: blob for path, blob in manifest.items() if blob in repository.texts}
            versions |= dict.fromkeys((blob, path) for path, blob in known.items())
            cases.append(_case(repository, merged, chosen[merged.commit], diff, told, known))
            told = known
        for file in merged.documents:
            manifest.pop(file.old, None)
            if file.after.strip("0"):
                manifest[file.path] = file.after
        for file in merged.files:
            if file.status in "RD":
                manifest.pop(file.old, None)
    _write(out, repository, cases, versions)
    return {kind: sum(case["kind"] == kind for case in cases) for kind in ("positive", "code_only")}


def _case(
    repository: Repository, merged: Merged, kind: str, diff: str, told: dict[str, str], known: dict[str, str]
) -> dict[str, Any]:
    changed = (
        [row for file in merged.documents for row in repository.changed(file)] if kind == "positive" else []
    )
    documents = sorted({row["id"].partition("#")[0] for row in changed})
    names = "|".join(re.escape(f.path.rsplit("/", 1)[-1]) for f in merged.documents)
    body = _TRAILER.sub("", re.sub(names, "", merged.body) if names else merged.body).strip()
    files = [
        {"path": f.path, "status": f.status, "role": "test" if _TEST.search(f.path) else "code"}
        | ({"old": f.old} if f.old != f.path else {})
        for f in merged.code
    ]
    return {
        "id": f"{repository.name.partition('+')[2]}-{merged.commit[:10]}",
        "repo": repository.name.replace("+", "/"), "commit": merged.commit, "parent": merged.parent,
        "date": merged.date, "kind": kind, "i": merged.place,
        "relevant_docs": [{"path": path} for path in documents], "relevant_sections": changed,
        "subject": merged.subject, "body": body, "files": files, "diff": diff,
        "docs_set": {path: blob for path, blob in known.items() if told.get(path) != blob},
        "docs_del": [path for path in told if path not in known],
    }  # fmt: skip


def _write(out: Path, repository: Repository, cases: list[Any], versions: Iterable[tuple[str, str]]) -> None:
    texts: dict[str, str] = {}
    documents = []
    for blob, path in versions:
        rows = []
        for slug, heading, text in repository.cut(path, blob):
            rows.append([slug, heading, texts.setdefault(text, f"t{len(texts)}")])
        documents.append({"v": blob, "path": path, "sections": rows})
    history = [
        {
            "c": m.commit[:12], "d": m.date, "i": m.place, "s": m.subject, "code": [f.path for f in m.code],
            "docs": [f.path for f in m.documents],
            "secs": [id for f in m.documents for id in repository.touched(f)],
            "ren": [[f.old, f.path] for f in m.files if f.status == "R"],
        }
        for m in repository.merges
        if 0 < len(m.files) <= IN_HISTORY
    ]  # fmt: skip
    kinds: dict[str, Sequence[Any]] = {
        "cases": cases, "docs": documents, "history": history,
        "sections": [{"h": id, "text": text} for text, id in texts.items()],
    }  # fmt: skip
    folder = out / "targeting"
    folder.mkdir(parents=True, exist_ok=True)
    for kind, found in kinds.items():
        with gzip.open(folder / f"{repository.name}.{kind}.jsonl.gz", "wt", encoding="utf-8") as lines:
            lines.writelines(json.dumps(row) + "\n" for row in found)


def _named(clones: Sequence[Path]) -> Iterator[tuple[str, Path]]:
    for clone in clones:
        remote = clone.resolve()
        name = remote.parent.name if remote.name == "repo" else remote.name
        yield name if "+" in name else f"local+{name}", remote


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="bench/harvest", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("clones", nargs="+", type=Path, metavar="CLONE")
    parser.add_argument("--out", type=Path, required=True, help="folder that gets targeting/")
    parser.add_argument("--count", type=int, default=150, help="merges with notes to find, per clone")
    parser.add_argument("--most", type=int, default=6000, help="merges of the main line that are looked at")
    given = parser.parse_args()
    for name, clone in _named(given.clones):
        counted = harvest(Repository(name, Source(clone), given.most), given.out, given.count)
        print(
            f"{name}: {counted['positive']} with notes to find, {counted['code_only']} with code alone",
            flush=True,
        )


if __name__ == "__main__":
    main()
