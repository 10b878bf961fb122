"""The files of a repository that an import of Python may mean."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator

from agentctx.freshness.tree import Paths

_ROOTS = ("", "src", "lib", "python")


def files_of(path: str, module: str, paths: Paths) -> tuple[str, ...]:
    """Files behind an absolute or relative import in the file ``path``, best first; folders that are no
    packages count as roots."""
    level = len(module) - len(module.lstrip("."))
    inner = module[level:].replace(".", "/")
    if level:
        folder = posixpath.dirname(path)
        for _ in range(level - 1):
            folder = posixpath.dirname(folder)
        return _files(folder, inner, paths)
    for root in [*_ROOTS, *_script_folders(path, paths)]:
        files = _files(root, inner, paths)
        if files:
            return files
    if "/" not in inner:
        return ()
    found = paths.ending(f"{inner}.py") or paths.ending(f"{inner}/__init__.py")
    return found if len(found) == 1 else ()


def _files(root: str, inner: str, paths: Paths) -> tuple[str, ...]:
    base = posixpath.join(root, inner) if inner else root
    names = [f"{base}.py", f"{base}/__init__.py", f"{base}.pyi"] if inner else [f"{base}/__init__.py"]
    return tuple(name for name in (n.lstrip("/") for n in names) if name in paths)


def _script_folders(path: str, paths: Paths) -> Iterator[str]:
    """Folders above a file that are no packages: what lies in them is imported by its plain name."""
    folder = posixpath.dirname(path)
    while folder:
        if f"{folder}/__init__.py" not in paths:
            yield folder
        folder = posixpath.dirname(folder)
