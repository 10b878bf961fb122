"""What targeting leaves out: files of a change that are no evidence about notes, as the notes themselves and
what machines write, and notes that no change makes false, as logs of releases.

The weights of targeting were trained on changes without such files. A file that a note anchors always counts.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace

from agentctx.model import Change, Note
from agentctx.retrieval.asides import is_log

_WRITTEN_BY_MACHINES = re.compile(
    r"""(?xi)
    (?: ^|/ ) (?:
        (?: package-lock\.json | npm-shrinkwrap\.json | pnpm-lock\.yaml | go\.sum | [^/]*\.lockb? )
      | (?: node_modules | vendor | third_party | \.yarn ) / .*
      | [^/]* (?: \.min\.(?:js|css|mjs) | \.(?:js|css|mjs)\.map | _pb2(?:_grpc)?\.pyi? | \.pb\.(?:go|cc|h)
                | \.g\.dart | \.designer\.cs )
      | (?: zz_generated | __generated__ ) [^/]* (?: /.* )?
      | (?: change(?:s|log) | history | news | release[-_]?notes ) (?: \.(?:md|markdown|mdx|rst|txt|adoc) )?
    ) $
    """
)
"""Lock files, vendored and generated code, and change logs, which retell every change in their own words."""


def lasting(notes: Iterable[Note]) -> list[Note]:
    """Without the sections of logs of releases: those tell what was, and stay true of it."""
    return [note for note in notes if not (note.read_only and is_log(note.path))]


def telling(change: Change, notes: Iterable[Note], context: str) -> Change:
    """The change without what lies in the context folder, documents whose sections are notes, and what a
    machine wrote."""
    listed = list(notes)
    documents = {note.path for note in listed}
    anchored = {anchor.path for note in listed for anchor in note.anchors}
    kept = tuple(
        file
        for file in change.files
        if not file.path.startswith(f"{context}/")
        and (file.path in anchored or not (file.path in documents or _WRITTEN_BY_MACHINES.search(file.path)))
    )
    return replace(change, files=kept)
