"""Which words stand in the code of a tree. Prose and the notes themselves are no code.

Words are looked up in whole contents, each read once, however many words and trees are asked about.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING

from agentctx.freshness.tree import Tree

if TYPE_CHECKING:
    from agentctx.git import Git

_PROSE = re.compile(r"(?i)\.(?:md|mdx|markdown|rst|txt|adoc|po|pot)$|(?:^|/)(?:changelog|news|changes)$")
_BINARY = re.compile(
    r"(?i)\.(?:png|jpe?g|gif|ico|webp|pdf|zip|gz|tgz|xz|bz2|jar|war|class|so|dll|exe|woff2?|ttf|otf|eot|mp[34]"
    r"|mov|wasm|bin|parquet|sqlite|db|pyc|o|a)$"
)
_FOREIGN = re.compile(
    r"(?i)(?:^|/)(?:node_modules|vendor|third_party|site-packages|dist|fixtures|testdata|__snapshots__)/"
    r"|\.lock$|[-.]lock\.(?:json|ya?ml)$|(?:^|/)go\.sum$|\.(?:min\.js|snap|svg|map)$"
)
_SEPARATORS = bytes(
    byte if byte > 127 or byte == ord("_") or chr(byte).isalnum() else ord(" ") for byte in range(256)
)
_WITH_DASHES = _SEPARATORS[: ord("-")] + b"-" + _SEPARATORS[ord("-") + 1 :]


class Vocabulary:
    """Looks for words in trees of one repository. ``context`` is the folder of the notes."""

    def __init__(self, git: Git, context: str) -> None:
        self._git = git
        self._context = f"{context}/"

    def places(self, tree: Tree, words: Collection[str]) -> dict[str, str]:
        """Word -> one file of the tree in which it stands."""
        files = {path: tree.key(path) for path in tree.paths() if self._is_code(path)}
        left = _Wanted(words)
        found: dict[str, str] = {}
        for path, data in self._contents(tree, files):
            for word in left.inside(data):
                found[word] = path
            left.forget(found)
            if not left:
                break
        return found

    def stood(self, tree: Tree, words: Collection[str], now: Tree) -> dict[str, list[str]]:
        """Word -> those of the repository's own files of an old tree in which it stood.

        None of the words stands in ``now``, so a content that is still there is not read.
        """
        known = {now.key(path) for path in now.paths()}
        keys = {path: tree.key(path) for path in tree.paths() if not _FOREIGN.search(path)}
        files = {path: key for path, key in keys.items() if key not in known and self._is_code(path)}
        wanted = _Wanted(words)
        found: dict[str, list[str]] = {}
        for path, data in self._contents(tree, files):
            for word in wanted.inside(data):
                found.setdefault(word, []).append(path)
        return found

    def _is_code(self, path: str) -> bool:
        return not (_PROSE.search(path) or _BINARY.search(path) or path.startswith(self._context))

    def _contents(self, tree: Tree, files: Mapping[str, str]) -> Iterator[tuple[str, bytes]]:
        clean = {path: key for path, key in files.items() if not key.startswith("w:")}
        for path in files.keys() - clean.keys():
            yield path, tree.read(path) or b""
        for path, (_, data) in zip(clean, self._git.read_blobs(clean.values()), strict=True):
            yield path, data or b""


class _Wanted:
    """Words to look for; those with a dash in them are cut out of a text in another way."""

    def __init__(self, words: Iterable[str]) -> None:
        encoded = {word.encode(): word for word in words}
        self._plain = {raw: word for raw, word in encoded.items() if b"-" not in raw}
        self._dashed = {raw: word for raw, word in encoded.items() if b"-" in raw}

    def __bool__(self) -> bool:
        return bool(self._plain or self._dashed)

    def inside(self, data: bytes) -> list[str]:
        """Those that stand in a text as whole words."""
        found = []
        for wanted, separators in ((self._plain, _SEPARATORS), (self._dashed, _WITH_DASHES)):
            if wanted:
                there = wanted.keys() & frozenset(data.translate(separators).split())
                found += [wanted[raw] for raw in there]
        return found

    def forget(self, words: Iterable[str]) -> None:
        """Look for these no more."""
        for word in words:
            self._plain.pop(word.encode(), None)
            self._dashed.pop(word.encode(), None)
