"""A file of lines that is read more than once."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path
from typing import BinaryIO


class Lines:
    """The lines of a UTF-8 file, from the first one each time they are asked for.

    What comes through a pipe is kept in a temporary file first.
    """

    def __init__(self, source: Path | BinaryIO) -> None:
        self._path = source if isinstance(source, Path) and source.is_file() else None
        if self._path is None:
            self._kept = tempfile.NamedTemporaryFile(prefix="agentctx-")  # noqa: SIM115 - it lives as we do
            with source.open("rb") if isinstance(source, Path) else nullcontext(source) as once:
                shutil.copyfileobj(once, self._kept)
            self._kept.flush()
            self._path = Path(self._kept.name)

    def __iter__(self) -> Iterator[str]:
        assert self._path is not None
        with self._path.open(encoding="utf-8-sig") as lines:
            yield from lines
