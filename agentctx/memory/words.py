"""The words under which episodes and facts are found, in every engine the same."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from agentctx.memory.engine import Session
from agentctx.memory.rows import EPISODES, FACTS, Row, Table
from agentctx.retrieval.tokens import tokenize

MOST = 4_000
"""Different words of one text that are indexed: far more than prose has, few enough for any index entry."""
_LONGEST = 128
_READ = 200_000
"""Characters of a text that are read for its words."""


def words_of(text: str) -> list[str]:
    """The different words of a text in order of appearance, within the bounds of an index entry."""
    return [word for word in dict.fromkeys(tokenize(text[:_READ])) if len(word) <= _LONGEST][:MOST]


def index_rows(session: Session, rows: Mapping[Table, Sequence[Row]]) -> None:
    """Put the rows of ``episodes`` and ``facts`` among ``rows`` into the search index."""
    for table, names in ((EPISODES, ("content",)), (FACTS, ("entity", "property", "statement"))):
        lines = rows.get(table, ())
        if lines:
            places = [table.columns.index(name) for name in names]
            texts = [(str(row[0]), " ".join(str(row[at]) for at in places)) for row in lines]
            session.index([(owner, words_of(text)) for owner, text in texts])
