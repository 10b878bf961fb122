"""Which dependencies a repository names, in which versions: lock files first, then manifests.

One small reader a format, one table. What cannot be read names nothing.
"""

from __future__ import annotations

import json
import posixpath
import re
import tomllib
from collections.abc import Callable, Iterator, Mapping
from typing import Any

Named = Iterator[tuple[str, str]]
"""(name, version) pairs; an empty version where none is said."""

_REQUIREMENT = re.compile(r"\s*([A-Za-z0-9][\w.-]*)\s*(?:\[[^\]]*\])?\s*(.*)")
_PINNED = re.compile(r"(?:===?|~=|>=|\^|~|>|v)?\s*v?(\d[\w.+-]*)")
_GO = re.compile(r"^\s*(?:require\s+)?([\w.~-]+(?:/[\w.~-]+)+)\s+v([\w.+-]+)", re.MULTILINE)
_YARN = re.compile(r'^"?(@?[^@\s"]+)@[^\n]*:\n\s+version:? "?([\w.+-]+)', re.MULTILINE)
_PNPM = re.compile(r"^\s{2,}'?/?(@?[\w.-]+(?:/[\w.-]+)?)[@/](\d[\w.+-]*)[^\n]*:\s*$", re.MULTILINE)
_GRADLE = re.compile(r"""["']([\w.-]+:[\w.-]+):([\w.+-]+)["']""")
_POM = re.compile(r"<dependency>(.*?)</dependency>", re.DOTALL)
_GEM = re.compile(r"^    ([\w.-]+) \(([\w.+-]+)\)", re.MULTILINE)


def dependencies(path: str, data: bytes) -> dict[str, str]:
    """Name -> version of what one file names, names folded as ``folded`` does; empty for other files."""
    reader = _reader(path)
    if reader is None:
        return {}
    try:
        text = data.decode("utf-8", "replace")
        return {folded(name): version for name, version in reader(text) if name}
    except (ValueError, TypeError, AttributeError, KeyError, RecursionError):
        return {}


def is_manifest(path: str) -> bool:
    """Does this file name dependencies?"""
    return _reader(path) is not None


def is_lock(path: str) -> bool:
    """Does it say the versions that are installed, not those that would do?"""
    return posixpath.basename(path) in _LOCKS


def folded(name: str) -> str:
    """A name as package indexes compare them: case, ``-``, ``_`` and ``.`` of Python names aside."""
    return name.lower() if "/" in name or ":" in name else re.sub(r"[-_.]+", "-", name).lower()


def version_key(version: str) -> tuple[tuple[int, ...], int]:
    """Versions in order; what is marked as a preview comes before its release."""
    numbers = re.match(r"v?(\d+(?:\.\d+)*)", version)
    parts = [int(part) for part in numbers[1].split(".")] if numbers else [0]
    while len(parts) > 1 and parts[-1] == 0:
        parts.pop()
    rest = version[numbers.end() :] if numbers else version
    is_preview = re.match(r"[-.]?(?:a|b|c|rc|alpha|beta|dev|pre|next|snapshot|m)[\d.-]*", rest, re.IGNORECASE)
    return tuple(parts), 0 if is_preview and rest[:1] != "+" else 1


def _reader(path: str) -> Callable[[str], Named] | None:
    name = posixpath.basename(path)
    if re.fullmatch(r"(?:requirements|constraints)[\w.-]*\.(?:txt|in)", name):
        return _requirements
    return _LOCKS.get(name) or _MANIFESTS.get(name)


def _requirements(text: str) -> Named:
    for line in text.splitlines():
        if line.strip() and not line.lstrip().startswith(("#", "-")):
            yield _requirement(line.split("#")[0].split(";")[0])


def _requirement(text: str) -> tuple[str, str]:
    found = _REQUIREMENT.match(text)
    return (found[1], _stated(found[2])) if found else ("", "")


def _stated(specification: str) -> str:
    """The version that a specification starts from; empty when it only says what it must be below."""
    for part in re.split(r"[,|]|\s(?=[<>=~^])", specification.strip().strip("()")):
        found = _PINNED.match(part.strip())
        if found:
            return found[1].removesuffix(".")
    return ""


def _pyproject(text: str) -> Named:
    data = tomllib.loads(text)
    project = data.get("project", {})
    listed = [*project.get("dependencies", []), *data.get("build-system", {}).get("requires", [])]
    groups = [*project.get("optional-dependencies", {}).values(), *data.get("dependency-groups", {}).values()]
    for entry in [*listed, *(entry for group in groups for entry in group)]:
        if isinstance(entry, str):
            yield _requirement(entry.split(";")[0])
    poetry = data.get("tool", {}).get("poetry", {})
    more = [group.get("dependencies", {}) for group in poetry.get("group", {}).values()]
    for table in (poetry.get("dependencies", {}), poetry.get("dev-dependencies", {}), *more):
        yield from _table(table)


def _table(table: Mapping[str, Any]) -> Named:
    """``name = "1.2"`` or ``name = {version = "1.2"}``."""
    for name, value in table.items():
        said = value.get("version", "") if isinstance(value, Mapping) else value
        yield name, _stated(said) if isinstance(said, str) else ""


def _cargo(text: str) -> Named:
    data = tomllib.loads(text)
    places = [data, data.get("workspace", {}), *data.get("target", {}).values()]
    for place in places:
        for key in ("dependencies", "dev-dependencies", "build-dependencies"):
            yield from _table(place.get(key, {}))


def _packages(text: str) -> Named:
    for package in tomllib.loads(text).get("package", []):
        yield package["name"], package.get("version", "")


def _package_json(text: str) -> Named:
    data = json.loads(text)
    for key in ("dependencies", "devDependencies", "peerDependencies", "optionalDependencies"):
        yield from _table(data.get(key, {}))


def _package_lock(text: str) -> Named:
    data = json.loads(text)
    for name, package in data.get("dependencies", {}).items():
        yield name, package.get("version", "")
    for place, package in data.get("packages", {}).items():
        if place.count("node_modules/") == 1:
            yield place.partition("node_modules/")[2], package.get("version", "")


def _pipfile_lock(text: str) -> Named:
    data = json.loads(text)
    for key in ("default", "develop"):
        yield from _table(data.get(key, {}))


def _go(text: str) -> Named:
    yield from _GO.findall(text)


def _pom(text: str) -> Named:
    properties = dict(re.findall(r"<([\w.-]+)>([^<>]+)</\1>", text))
    for block in _POM.findall(text):
        fields = dict(re.findall(r"<(groupId|artifactId|version)>\s*([^<]+?)\s*</", block))
        version = fields.get("version", "")
        version = properties.get(version[2:-1], "") if version.startswith("${") else version
        yield f"{fields.get('groupId', '')}:{fields['artifactId']}", version


def _found(pattern: re.Pattern[str]) -> Callable[[str], Named]:
    return lambda text: iter(pattern.findall(text))


_LOCKS: Mapping[str, Callable[[str], Named]] = {
    "uv.lock": _packages,
    "poetry.lock": _packages,
    "pdm.lock": _packages,
    "Cargo.lock": _packages,
    "Pipfile.lock": _pipfile_lock,
    "package-lock.json": _package_lock,
    "npm-shrinkwrap.json": _package_lock,
    "yarn.lock": _found(_YARN),
    "pnpm-lock.yaml": _found(_PNPM),
    "Gemfile.lock": _found(_GEM),
}
_MANIFESTS: Mapping[str, Callable[[str], Named]] = {
    "pyproject.toml": _pyproject,
    "package.json": _package_json,
    "go.mod": _go,
    "Cargo.toml": _cargo,
    "pom.xml": _pom,
    "build.gradle": _found(_GRADLE),
    "build.gradle.kts": _found(_GRADLE),
}
