"""Packages of the repository itself that its code imports by their names: npm workspaces, crates of Cargo."""

from __future__ import annotations

import json
import posixpath
import tomllib
from collections.abc import Iterator
from typing import Any

from agentctx.freshness.code import Code

CARGO = "Cargo.toml"
_MOST = 200
"""Manifests that are read."""
_ENTRIES = ("source", "types", "module", "main")


def package_of(module: str, kind: str, code: Code) -> Iterator[tuple[str, str]]:
    """(file, import as it would stand there) for a module of another package of the tree; ``kind`` is the
    name of a manifest."""
    is_rust = kind == CARGO
    mark = "::" if is_rust else "/"
    parts = module.split(mark)
    length = 2 if module.startswith("@") else 1
    manifest = _named(kind, code).get(mark.join(parts[:length]), "")
    if not manifest:
        return
    if is_rust:
        root = posixpath.join(posixpath.dirname(manifest), "src/lib.rs")
        yield root, mark.join(["crate", *parts[1:]])
        return
    inner = "/".join(parts[length:])
    for entry in [inner, f"src/{inner}"] if inner else _entries(_read(manifest, code)):
        yield manifest, f"./{entry.removeprefix('./')}"


def _named(kind: str, code: Code) -> dict[str, str]:
    """Name of a package as code says it -> its manifest."""
    if kind not in code.packages:
        named: dict[str, str] = {}
        for path in code.paths.ending(kind)[:_MOST]:
            name = _name(_read(path, code), kind == CARGO) if "node_modules/" not in path else ""
            if name:
                named.setdefault(name, path)
        code.packages[kind] = named
    return code.packages[kind]


def _name(manifest: dict[str, Any], is_rust: bool) -> str:
    if not is_rust:
        return str(manifest.get("name", ""))
    tables = (manifest.get("lib"), manifest.get("package"))
    names = (table.get("name", "") for table in tables if isinstance(table, dict))
    return next((str(name).replace("-", "_") for name in names if name), "")


def _entries(manifest: dict[str, Any]) -> Iterator[str]:
    """Where a package of npm begins, best guess first: what is built is often not in the tree."""
    yield from (value for value in map(manifest.get, _ENTRIES) if isinstance(value, str))
    yield from ("src/index", "index")


def _read(path: str, code: Code) -> dict[str, Any]:
    data = (code.tree.read(path) or b"").decode("utf-8", "replace")
    try:
        manifest = tomllib.loads(data) if path.endswith(".toml") else json.loads(data)
    except (ValueError, RecursionError):
        return {}
    return manifest if isinstance(manifest, dict) else {}
