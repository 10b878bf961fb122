"""Writing down what anchored code looks like now, and refusing anchors that mean nothing."""

from __future__ import annotations

from agentctx.errors import InvalidInput
from agentctx.freshness.anchors import look, suggestion
from agentctx.freshness.answers import CONDITIONS, MENTIONS
from agentctx.freshness.code import Code, Memory
from agentctx.freshness.languages import language_of
from agentctx.freshness.mentions import sworn
from agentctx.freshness.reviews import Reviews
from agentctx.freshness.score import asks_for_review
from agentctx.freshness.tree import Tree
from agentctx.globs import select
from agentctx.model import Anchor, Note, Stamp


def stamps_for(note: Note, tree: Tree, code: Code | None = None) -> dict[str, Stamp]:
    """The stamps to record for a note, by anchor text; globs and what cannot be seen have none.

    What the text mentions is among them, under a name that is no anchor (``answers.is_entry``). ``code`` is
    the tree as definitions, for whoever verifies many notes.
    """
    code = code or Code(tree, Memory())
    found = {str(a): look(a, code).stamp for a in note.anchors if not a.is_glob}
    found[MENTIONS] = sworn(note, code)
    found[CONDITIONS] = Reviews(tree).stamp(note) if asks_for_review(note) else None
    return {anchor: stamp for anchor, stamp in found.items() if stamp is not None}


def checked_anchor(anchor: Anchor, tree: Tree) -> Anchor:
    """An anchor that means exactly one thing now.

    A symbol given by the end of its name is completed when only one symbol ends so. Raises
    ``InvalidInput`` with the candidates when there is none or more than one, or when the file is not there.
    """
    code = Code(tree, Memory())
    if anchor.is_glob and not code.exists(anchor.path):
        if not select(anchor.path, tree.paths()):
            raise InvalidInput(f"no file matches `{anchor.path}`", "quote the glob; `**` crosses folders")
        return anchor
    if not code.exists(anchor.path):
        near = suggestion(anchor, code)
        hint = f"did you mean `{near}`?" if near else "paths are given from the top of the repository"
        raise InvalidInput(f"there is no file `{anchor.path}`", hint)
    return _checked_symbol(anchor, code) if anchor.symbol else anchor


def _checked_symbol(anchor: Anchor, code: Code) -> Anchor:
    sight = look(anchor, code, deep=False)
    if sight.error:
        hint = f"anchor the whole file: `{anchor.path}`" if language_of(anchor.path) is None else ""
        raise InvalidInput(sight.error, hint)
    if not sight.is_gone:
        return anchor
    file = code.file(anchor.path)
    names = list(file.names) if file else []
    ending = [n for n in names if n.endswith((f".{anchor.symbol}", f"::{anchor.symbol}"))]
    if len(ending) == 1:
        return Anchor(anchor.path, ending[0])
    where = f"`{anchor.symbol}` in `{anchor.path}`"
    if ending:
        listed = ", ".join(f"`{name}`" for name in ending[:8])
        raise InvalidInput(f"{where} could mean {listed}", f"type for example `{anchor.path}#{ending[0]}`")
    near = suggestion(anchor, code)
    if near:
        raise InvalidInput(f"there is no {where}", f"did you mean `{near}`?")
    listed = ", ".join(f"`{name}`" for name in names[:8])
    raise InvalidInput(f"there is no {where}", f"it defines {listed}" if names else "it defines no symbols")
