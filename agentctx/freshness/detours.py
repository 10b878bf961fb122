"""Where a name leads that scopes and imports alone do not explain.

What is found here has a digest of its own (``Dependencies.far``): records from before it was followed stay as
they are.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import reduce

from agentctx.freshness.code import File
from agentctx.freshness.walk import DEEPEST, Walk, owner_of
from agentctx.freshness.workspaces import package_of
from agentctx.model import Anchor


def detours(walk: Walk, user: Anchor, reference: str, target: Anchor | None) -> Iterator[Anchor]:
    """Definitions that ``reference`` inside ``user`` means, beside ``target`` that it leads to directly."""
    words = reference.split(".")
    file = walk.file(user.path)
    if file is None:
        return
    if target is None and words[0] == "super" and len(words) > 1:
        inherited = walk.member(user.path, owner_of(user.symbol), words[1], True, DEEPEST)
        if inherited:
            yield inherited
    if target is None and words[0].startswith("{"):
        constant = walk.resolve(user.path, user.symbol, reference.strip("{}"))
        if constant:
            yield constant
    if target is None:
        yield from _members_of_everything(walk, user.path, file, words)
        yield from _by_path(walk, user.path, words)
        yield from _of_a_package(walk, file, words)
    elif target == Anchor(user.path, words[0]) and words[0] in file.imports:  # const t = require("./tax")
        there = walk.imported(user.path, reference, DEEPEST)
        if there:
            yield there


def _members_of_everything(walk: Walk, path: str, file: File, words: list[str]) -> Iterator[Anchor]:
    """``import static shop.Tax.*``: all members of a class without its name."""
    for module, name in file.imports.values():
        if name != "*":
            continue
        owner = module.rpartition(".")[2]
        for place in walk.language.targets(path, module, walk.code.paths):
            found = walk.member(place, owner, words[0], False, DEEPEST)
            if found:
                yield found
                return


def _of_a_package(walk: Walk, file: File, words: list[str]) -> Iterator[Anchor]:
    """``import { addTax } from "@acme/tax"``, where that is another package of the repository."""
    local = next(
        (".".join(words[:n]) for n in range(len(words), 0, -1) if ".".join(words[:n]) in file.imports), ""
    )
    module, name = file.imports.get(local, ("", ""))
    if not module or module.startswith(".") or not walk.language.manifest:
        return
    rest = words[local.count(".") + 1 :]
    for place, inner in package_of(module, walk.language.manifest, walk.code):
        walk.found.used.add(place)
        found = walk.through(place, (inner, name), rest, DEEPEST)
        if found:
            yield found
            return


def _by_path(walk: Walk, path: str, words: list[str]) -> Iterator[Anchor]:
    """``super::tax::add``: a module named in the middle of the code (Rust)."""
    language = walk.language
    for cut in range(len(words) - 1, 0, -1) if language.paths_in_code else ():
        module = reduce(language.submodule, words[:cut])
        name = reduce(language.member, words[cut:])
        for place in language.targets(path, module, walk.code.paths):
            file = walk.file(place)
            if file is not None and name in file.names:
                yield Anchor(place, name)
                return
