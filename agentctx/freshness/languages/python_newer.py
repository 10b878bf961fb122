"""Kinds of syntax that Python has since 3.12 or later; where the running one lacks them, the same form."""

from __future__ import annotations

import ast
from typing import Any


def _kind(name: str, base: type[ast.AST], *fields: str) -> Any:
    return getattr(ast, name, None) or type(name, (base,), {"_fields": fields})


TypeAlias = _kind("TypeAlias", ast.stmt, "name", "type_params", "value")
TypeVar = _kind("TypeVar", ast.AST, "name", "bound", "default_value")
ParamSpec = _kind("ParamSpec", ast.AST, "name", "default_value")
TypeVarTuple = _kind("TypeVarTuple", ast.AST, "name", "default_value")
TemplateStr = _kind("TemplateStr", ast.expr, "values")
Interpolation = _kind("Interpolation", ast.expr, "value", "str", "conversion", "format_spec")
