"""git's merge driver for notes and verification records: three files in, the merged one out.

git calls it in merges, rebases, cherry-picks and ``merge-tree``, so it reads nothing but the three files it
is given, and starts without the rest of agentctx. Whatever goes wrong, our file is as it was, and the shell
line around it (see ``integrations/mergedriver.py``) hands the three to git's own merge of lines.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from agentctx.errors import AgentctxError
from agentctx.files import NOTE_LIMIT, read_regular, write_atomic

MERGED, LEFT, CONFLICT = 0, 1, 9
"""Exit codes: merged; left alone, for git to merge by line; merged with conflicts between markers."""

RECORDS = ".verified"


def drive(base: Path, ours: Path, theirs: Path, marker: int, name: str) -> int:
    """Merge three versions of the file ``name`` into ``ours``. Raises what reading and writing raise."""
    one, two, three = (read_regular(path, NOTE_LIMIT) for path in (base, ours, theirs))
    if name.split("/")[-2:-1] == [RECORDS]:
        from agentctx.notes.merge import merge_record

        merged = merge_record(one.decode(), two.decode(), three.decode()).encode()
        write_atomic(ours, merged, durable=False)
        return MERGED
    from agentctx.notes.merge import merge

    result = merge(one, two, three, marker)
    if result.conflicts == ("file",):
        return LEFT
    write_atomic(ours, result.data, durable=False)
    return CONFLICT if result.conflicts else MERGED


def main(arguments: Sequence[str]) -> int:
    """``BASE OURS THEIRS MARKER-SIZE NAME``, as git gives them; never raises."""
    try:
        base, ours, theirs, marker, name = arguments
        return drive(Path(base), Path(ours), Path(theirs), int(marker), name)
    except (AgentctxError, OSError, ValueError, RecursionError):
        return LEFT


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
