"""The read line: notes on disk -> freshness -> rank -> pack -> template -> briefing.

Nothing here waits for the worker or for a model that writes. Where a person has set embeddings, the vector of
the task is asked for, and has a second. What a note says is data: it is cleaned of everything hidden, fenced
with its origin and its freshness, and never allowed to close its own fence.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

from agentctx.errors import InvalidInput
from agentctx.fence import attribute, fenced
from agentctx.flows.embeddings import nearest
from agentctx.flows.status import arrivals
from agentctx.flows.unread import unread
from agentctx.model import Briefing, BriefingItem, Freshness, Hit, Note, Query
from agentctx.project import Project
from agentctx.retrieval.fusion import fused
from agentctx.retrieval.packing import pack
from agentctx.retrieval.ranking import EXPLAINED, rank
from agentctx.retrieval.succession import is_record, retired
from agentctx.text import count_tokens, strip_hidden

OPENING = 1_900
"""Bytes in which the head and the first note stand whole: some clients show no more of a long answer."""
SHORTEST_LINE = 60
"""Bytes of the shortest line: a budget holds no more notes than it has such lines."""
LEAST_BUDGET = 200
"""Tokens below which a briefing holds little besides its head."""
STATES = ("stale", "conflicted", "moved", "suspect", "unverified", "unknown", "fresh")


def prime(project: Project, task: str = "", files: Sequence[str] = (), budget: int | None = None) -> Briefing:
    """The briefing for a task, inside both budgets. Raises ``InvalidInput`` for a tiny one."""
    if budget is not None and budget < LEAST_BUDGET:
        raise InvalidInput(
            f"a briefing does not fit into {budget} tokens", f"give {LEAST_BUDGET} or more, or leave it out"
        )
    near, without = nearest(project, task)
    notices = (*arrivals(project), *filter(None, [without]))
    hits = rank_notes(project, query_for(project, task, files), explained=0, near=near)
    hits = _retired_last(project, hits)
    settings = project.config.prime
    considered = settings.budget_bytes // SHORTEST_LINE
    items = _items(project, hits[:considered])
    page = _template()
    facts = _facts(project) | {"notices": notices}
    frame = page.head(facts) + page.tail(facts | {"left_out": len(hits)})
    shown, left_out = pack(
        items,
        task,
        budget_bytes=settings.budget_bytes - len(frame.encode()) - 2,
        budget_tokens=(budget or settings.budget_tokens) - count_tokens(frame),
        cost=lambda item: _cost(str(page.item(item)) + "\n"),
        opening_bytes=OPENING - len(frame.encode()),
    )
    return _render(project, facts, shown, (*left_out, *(hit.id for hit in hits[considered:])))


def search(project: Project, text: str, limit: int = 10) -> list[Hit]:
    """Notes that have the query's words (and those that mean it), best first; ``limit`` 0 gives all."""
    near, _ = nearest(project, text)
    explained = limit if limit > 0 and not near else EXPLAINED
    hits = rank_notes(project, Query(text=text), only_matching=True, explained=explained, near=near)
    return hits[:limit] if limit > 0 else hits


def query_for(project: Project, task: str, files: Sequence[str]) -> Query:
    """The task, and what git knows of it: changed files, the branch."""
    return Query(text=task, files=tuple(files), changed=project.changed, branch=project.branch)


def rank_notes(
    project: Project,
    query: Query,
    only_matching: bool = False,
    explained: int = EXPLAINED,
    near: Sequence[str] = (),
) -> list[Hit]:
    """The notes of the project in the order of their use for the query; all, or those that answer it.

    ``near`` has ids of notes, nearest in meaning first, and is fused with the order by words.
    """
    notes, states = project.notes.notes, project.index.by_id()
    if not notes:
        return []
    _load_ranking()
    hits = rank(query, notes, states, words=project.words, only_matching=only_matching, explained=explained)
    return fused(hits, near, notes) if near else hits


def _retired_last(project: Project, hits: Sequence[Hit]) -> list[Hit]:
    """What no longer holds stands below everything that does, pinned or not."""
    past = retired(project.notes.notes)
    return sorted(hits, key=lambda hit: hit.id in past)


@cache
def _load_ranking() -> None:
    """Load what ranking computes with, without the thread for every core that numpy would start: a tenth of
    the time of a briefing, for arrays of a few thousand numbers. Other processes keep their setting."""
    name = "OPENBLAS_NUM_THREADS"
    before = os.environ.get(name)
    os.environ[name] = before or "1"
    try:
        import rank_bm25  # noqa: F401
    finally:
        if before is None:
            del os.environ[name]


def quoted(project: Project, notes: Sequence[Note]) -> str:
    """Notes whole, in the order given, each in its fence with its freshness and its origin."""
    page = _template()
    items = _items(project, [Hit(note.id, 0.0) for note in notes])
    return strip_hidden("\n".join(str(page.item(item)).strip() for item in items)) + "\n"


def _items(project: Project, hits: Sequence[Hit]) -> list[BriefingItem]:
    notes = {n.id: n for n in project.notes.notes}
    states = project.index.by_id()
    past = retired(project.notes.notes)
    origin, new = project.origins, unread(project)
    return [
        BriefingItem(
            id=hit.id,
            path=attribute(notes[hit.id].path),
            kind="decision" if is_record(notes[hit.id]) else notes[hit.id].kind,
            title=fenced(notes[hit.id].title),
            state=states[hit.id].state,
            reasons=tuple(fenced(r) for r in reasons_of(states[hit.id])),
            text=fenced(_text(notes[hit.id])),
            shape="whole",
            trusted=origin[notes[hit.id].path].trusted,
            origin=attribute(origin[notes[hit.id].path].words),
            score=hit.score,
            anchored=notes[hit.id].anchored,
            retired=attribute(past.get(hit.id, "")),
            unread=hit.id in new,
        )
        for hit in hits
    ]


def _text(note: Note) -> str:
    """What a note says below its title: a heading at the top that repeats the title is left out."""
    first, _, rest = note.body.strip().partition("\n")
    heading = first.lstrip("#").strip() if first.startswith("#") else ""
    same = heading and (heading == note.title or note.title.endswith(f": {heading}"))
    return rest.strip() if same else note.body.strip()


def reasons_of(freshness: Freshness) -> list[str]:
    """Everything that speaks against a note, one sentence each."""
    drifts = [
        f"{d.anchor}: {d.reason or d.state}"
        for d in freshness.drifts
        if d.state not in ("unchanged", "cosmetic", "unverified")
    ]
    return [*drifts, *(m.reason for m in freshness.mentions), *freshness.reasons]


def _facts(project: Project) -> dict[str, Any]:
    index, past = project.index, retired(project.notes.notes)
    anchored = {n.id for n in project.notes.notes if n.anchored}
    states: list[tuple[bool, str]] = [(f.id in anchored, f.state) for f in index.notes if f.id not in past]
    with_code = Counter(state for tied, state in states if tied)
    others = Counter(state for tied, state in states if not tied)
    bare = others.total()
    parts = []
    if with_code:
        parts.append(f"{with_code.total()} with anchors, compared with the code: {_counted(with_code)}")
    if bare:
        del others["fresh"]
        doubts = f": {_counted(others)}" if others else ", which only people can check"
        parts.append(f"{bare} without anchors{doubts}")
    return {"head": index.head, "total": len(states), "retired": len(index.notes) - len(states),
            "counts": "; ".join(parts), "left_out": 0, "notices": ()}  # fmt: skip


def _counted(states: Mapping[str, int]) -> str:
    return ", ".join(f"{states[state]} {state}" for state in STATES if states.get(state))


def _render(
    project: Project, facts: dict[str, Any], items: Sequence[BriefingItem], left_out: Sequence[str]
) -> Briefing:
    page = _environment().get_template("briefing.md.j2")
    text = page.render(briefing=facts | {"shown": items, "left_out": len(left_out)})
    text = strip_hidden(text).rstrip() + "\n"
    return Briefing(
        head=project.index.head,
        items=tuple(items),
        left_out=tuple(left_out),
        notices=facts["notices"],
        text=text,
        bytes=len(text.encode("utf-8", "replace")),
        tokens=count_tokens(text),
    )


def _cost(text: str) -> tuple[int, int]:
    return len(text.encode("utf-8", "replace")), count_tokens(text)


def _template() -> Any:
    """The template's macros, to measure single items with."""
    return _environment().get_template("briefing.md.j2").make_module({"briefing": _EMPTY})


_EMPTY: dict[str, Any] = {
    "head": "", "total": 0, "retired": 0, "counts": "", "shown": (), "left_out": 0, "notices": ()
}  # fmt: skip


def _environment() -> Any:
    from agentctx.rendering import environment

    return environment()


def hook_answer(text: str, client: str) -> str:
    """The briefing in the words of a client's session-start hook."""
    from agentctx.integrations.dialects import session_start

    return session_start(client, text)
