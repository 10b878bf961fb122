"""The words under which episodes and facts are found, in every engine the same."""

from __future__ import annotations

from collections.abc import Sequence

from agentctx.memory.engine import Session
from agentctx.memory.tables import EPISODES, FACTS, Row, Table
from agentctx.retrieval.tokens import vocabulary

MOST = 4_000
"""Different words of one text that are indexed: far more than prose has, few enough for any index entry."""
_LONGEST = 128
_READ = 200_000
"""Characters of a text that are read for its words."""
_PAGE = 2_000


def words_of(text: str) -> list[str]:
    """The different words of a text in order of appearance, within the bounds of an index entry."""
    found = vocabulary(text[:_READ])
    if not text.isascii():  # the tokenizer bounds the others
        found = [word for word in found if len(word) <= _LONGEST]
    return found[:MOST]


_TEXTS = {EPISODES: ("content",), FACTS: ("entity", "property", "statement")}
_PLACES = {table: [table.columns.index(name) for name in names] for table, names in _TEXTS.items()}


def searched_by_words(table: Table) -> bool:
    """Whether the rows of ``table`` have words in the search index."""
    return table in _TEXTS


def add_rows(session: Session, table: Table, rows: Sequence[Row], conflict: str = "") -> None:
    """Insert rows of ``episodes`` or ``facts``, to be found by their words."""
    session.add(table, rows, words_of_rows(table, rows), conflict)


def wordless(session: Session) -> bool:
    """Whether rows are there that are not in the search index."""
    return any(session.wordless(table, 1) for table in _TEXTS)


def index_wordless(session: Session) -> None:
    """Put some rows that are there into the search index; when ``wordless`` says no more, all are."""
    for table in _TEXTS:
        rows = session.wordless(table, _PAGE)
        owners = [str(row[0]) for row in rows]
        session.index(table, zip(owners, words_of_rows(table, rows), strict=True))


def words_of_rows(table: Table, rows: Sequence[Row]) -> list[list[str]]:
    """The words of each row of ``episodes`` or ``facts``."""
    places = _PLACES[table]
    return [words_of(" ".join(str(row[at]) for at in places)) for row in rows]
