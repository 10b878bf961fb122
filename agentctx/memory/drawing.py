"""Facts out of texts by rules, without a model: key-value lines, front matter, trailers, manifests.

A rule that fires too often is worse than none: what it finds is a proposal with the rule's confidence, and a
text gives at most ``MOST`` of them.
"""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from agentctx.model import Episode

MOST = 50
MANIFESTS = ("requirements.txt", "package.json", "pyproject.toml", "Cargo.toml", "go.mod")
"""Names of files that ``manifest`` understands."""
_LINE = re.compile(
    r"^[ \t]*(?:[-*] )?([A-Za-z][\w./-]{0,60}(?: [\w./-]{1,30}){0,2})(:\s+| = )(\S.{0,300}?)[ \t]*$"
)
_FRONT = re.compile(r"\A---[ \t]*\n(.*?)\n---[ \t]*(?:\n|\Z)", re.DOTALL)
_TRAILER = re.compile(r"^([A-Z][a-z]+(?:-[A-Za-z]+)+|Fixes|Closes|Refs): (\S.*)$")
_FENCE = re.compile(r"^(```|~~~).*?^\1[^\n]*$", re.DOTALL | re.MULTILINE)
_PIN = re.compile(r"^([A-Za-z0-9][\w.-]*)(?:\[[^\]]*\])?\s*([=~<>!]=?[^;#\s][^;#]*)")
_GO = re.compile(r"^\s*(?:require\s+)?([\w.-]+\.[\w.-]+/\S+)\s+(v\S+)")
_PERSONAL = frozenset({"signed-off-by", "co-authored-by"})
_PROSE = frozenset({"note", "warning", "todo", "example", "http", "https", "e.g", "i.e", "error", "hint"})


@dataclass(frozen=True, slots=True)
class Drawn:
    """A fact that a text seems to state."""

    entity: str
    property: str
    value: str
    rule: str
    confidence: float


def draw(episode: Episode) -> list[Drawn]:
    """What an episode states, each key once; the last mention counts."""
    name = episode.git_path.rpartition("/")[2]
    if name in MANIFESTS:
        return manifest(name, episode.content)
    about = _about(episode)
    text = episode.content
    found: list[Drawn] = []
    front = _FRONT.match(text)
    if front:
        about = next((v for k, v in _pairs(front[1]) if k == "title"), about)
        found += [Drawn(about, k, v, "front matter", 0.8) for k, v in _pairs(front[1]) if k != "title"]
        text = text[front.end() :]
    if episode.kind == "commit":
        found += trailers(episode.git_commit, text) if episode.git_commit else []
    else:
        found += [_keyed(about, key, value) for key, value in _pairs(_FENCE.sub("", text))]
    return list({(d.entity, d.property): d for d in found}.values())[:MOST]


def _about(episode: Episode) -> str:
    space = episode.namespace.rpartition("/")[2]
    return (
        str(episode.metadata.get("title") or "")
        or episode.subject_id
        or episode.git_path
        or space
        or "project"
    )


def _pairs(text: str) -> Iterator[tuple[str, str]]:
    for line in text.splitlines():
        match = _LINE.match(line)
        if match and match[1].lower() not in _PROSE and not match[3].startswith(("//", "#")):
            yield match[1], match[3].strip("'\"")


def _keyed(about: str, key: str, value: str) -> Drawn:
    entity, dot, name = key.rpartition(".")
    return Drawn(entity if dot else about, name if dot else key, value, "key-value line", 0.6)


def trailers(commit: str, text: str) -> list[Drawn]:
    """What the last paragraph of the message of a commit says of it, save who wrote and signed it."""
    about = f"commit {commit[:12]}"
    last = text.rstrip().rpartition("\n\n")[2]
    pairs = [match.groups() for line in last.splitlines() if (match := _TRAILER.match(line))]
    return [Drawn(about, k, v, "commit trailer", 0.9) for k, v in pairs if k.lower() not in _PERSONAL]


def manifest(name: str, text: str) -> list[Drawn]:
    """The dependencies of a manifest with their versions; empty when it cannot be read."""
    try:
        found = list(_READERS[name](text))
    except (ValueError, AttributeError, TypeError, RecursionError):
        return []
    return [Drawn(f"dependency {of}", "version", version, "manifest", 0.95) for of, version in found]


def _requirements(text: str) -> Iterator[tuple[str, str]]:
    for line in text.splitlines():
        match = _PIN.match(line.strip())
        if match:
            yield match[1].lower(), match[2].strip()


def _package(text: str) -> Iterator[tuple[str, str]]:
    data = json.loads(text)
    for part in ("dependencies", "devDependencies"):
        yield from ((of, version) for of, version in data.get(part, {}).items() if isinstance(version, str))


def _pyproject(text: str) -> Iterator[tuple[str, str]]:
    yield from _requirements("\n".join(tomllib.loads(text).get("project", {}).get("dependencies", [])))


def _cargo(text: str) -> Iterator[tuple[str, str]]:
    for of, told in tomllib.loads(text).get("dependencies", {}).items():
        version: Any = told.get("version") if isinstance(told, dict) else told
        if isinstance(version, str):
            yield of, version


def _go_mod(text: str) -> Iterator[tuple[str, str]]:
    yield from ((m[1], m[2]) for line in text.splitlines() if (m := _GO.match(line)))


_READERS = {
    "requirements.txt": _requirements,
    "package.json": _package,
    "pyproject.toml": _pyproject,
    "Cargo.toml": _cargo,
    "go.mod": _go_mod,
}
