"""What a language's tables say about one node type, looked up once."""

from __future__ import annotations

from agentctx.freshness.languages.parts import OPEN, Plan
from agentctx.freshness.languages.tables import Tables


def plan_of(tables: Tables, kind: str) -> Plan:
    """The plan for a node type."""
    named = (tables.definitions, tables.wrappers, tables.chains, tables.imports, tables.binders)
    hidden = kind in tables.transparent
    return Plan(
        special=kind == "ERROR" or any(kind in table for table in named),
        shaped=kind in tables.shaped or kind in tables.merged,
        hidden=hidden,
        skipped=tables.skipped(kind, hidden),
        marker=OPEN + tables.marks.get(kind, ""),
        rewrites=kind in tables.rewrites,
        runs=kind in tables.sorted,
        leads=kind in tables.leading,
        wrapper=kind in tables.wrappers,
        leaf_kind=tables.leaf_definitions.get(kind, ""),
    )
