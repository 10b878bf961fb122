"""What the chance that a note needs an edit is made of: its place in the order, the look of the change."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Any

from agentctx.proposals.change_words import ChangeWords

_OUTWARD_TEXT = """
    feat feature add adds support supports allow implement introduce new rename remove deprecate default
    option config flag setting promote expose enable disable document change drop make
"""
_OUTWARD = frozenset(_OUTWARD_TEXT.split())
"""Title words of changes that users notice."""
_INWARD_TEXT = """
    fix refactor test tests ci chore bump cleanup clean lint typo format internal upgrade dependency deps
    simplify move flaky perf build release version revert avoid style extract unused
"""
_INWARD = frozenset(_INWARD_TEXT.split())


def look_of(words: ChangeWords, values: Mapping[str, Any]) -> dict[str, float]:
    """The change as a whole: numbers that are the same for every note."""
    size = words.size
    title = set(re.findall(r"[a-z]+", words.subject.lower()))
    return {
        "outward_title": float(bool(title & _OUTWARD)),
        "inward_title": float(bool(title & _INWARD)),
        "code_lines": math.log1p(size.code_lines),
        "test_lines": math.log1p(size.test_lines),
        "comment_lines": math.log1p(size.comment_lines),
        "files": math.log1p(size.files),
        "new_names": math.log1p(len(words.added_chunks)),
        "top_all": math.log1p(20 * float(values["all"].max())),
        "top_all_bm25": math.log1p(float(values["all_bm25"].max())),
        "top_with_files": math.log1p(20 * float(values["document_with_files"].max())),
    }


def standing_of(scores: Any) -> dict[str, Any]:
    """Each note among the others, by the scores of the order; equal scores stand equal.

    ``rivals`` is one number for all: the logarithm of how many notes share the lead.
    """
    import numpy as np

    rank = np.searchsorted(np.sort(-scores), -scores, side="left")
    shares = np.exp(scores - scores.max())
    return {
        "score": scores,
        "below_top": scores - scores.max(),
        "share": np.log(shares / shares.sum() + 1e-6),
        "rank": np.log1p(rank),
        "rivals": -math.log(float(((shares / shares.sum()) ** 2).sum())),
    }
