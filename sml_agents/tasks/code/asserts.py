"""Assertions read as cases: `assert f([1, 2]) == 3` is the case `[1, 2]` -> `3`.

A case is better than a suite: its value is compared where no test code runs, and a diagnosis can name it. What cannot
be read as cases (loops, tolerances, helpers) stays a suite.
"""

from __future__ import annotations

import ast
from collections.abc import Sequence

from sml_agents.types import Case

__all__ = ["cases_in", "read_asserts"]


def read_asserts(source: str, names: Sequence[str]) -> tuple[tuple[Case, ...], bool]:
    """The cases in `source` for a function called by one of `names`, and whether they are all that it tests.

    Looks into a function `check(candidate)` as well. Raises SyntaxError for what is no Python.
    """
    cases: list[Case] = []
    whole = True
    for statement in _statements(ast.parse(source)):
        case = _case(statement, names)
        if case is not None:
            cases.append(case)
        elif not _is_empty(statement):
            whole = False
    return tuple(dict.fromkeys(cases)), whole


def cases_in(source: str, names: Sequence[str]) -> tuple[Case, ...]:
    """The cases in `source`; none where it cannot be read."""
    try:
        return read_asserts(source, names)[0]
    except (SyntaxError, ValueError, RecursionError):
        return ()


def _statements(tree: ast.Module) -> list[ast.stmt]:
    found: list[ast.stmt] = []
    for statement in tree.body:
        inside = isinstance(statement, ast.FunctionDef) and statement.name == "check"
        found += statement.body if inside and isinstance(statement, ast.FunctionDef) else [statement]
    return found


def _case(statement: ast.stmt, names: Sequence[str]) -> Case | None:
    if not isinstance(statement, ast.Assert):
        return None
    test = statement.test
    if not (isinstance(test, ast.Compare) and len(test.ops) == 1 and isinstance(test.ops[0], ast.Eq | ast.Is)):
        return None
    call, expected = test.left, test.comparators[0]
    if not (isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id in names):
        return None
    if call.keywords or not all(map(_is_literal, (*call.args, expected))):
        return None
    return Case(given=", ".join(map(ast.unparse, call.args)), expected=ast.unparse(expected))


def _is_literal(node: ast.expr) -> bool:
    try:
        ast.literal_eval(node)
    except (ValueError, TypeError):
        return False
    return True


def _is_empty(statement: ast.stmt) -> bool:
    """A statement that tests nothing: a constant assertion, a text, data about the test, the call of `check`."""
    if isinstance(statement, ast.Assert):
        return isinstance(statement.test, ast.Constant)
    if isinstance(statement, ast.Expr):
        value = statement.value
        return isinstance(value, ast.Constant) or (
            isinstance(value, ast.Call) and isinstance(value.func, ast.Name) and value.func.id in ("check", "print")
        )
    if isinstance(statement, ast.Assign):
        return isinstance(statement.targets[0], ast.Name) and statement.targets[0].id == "METADATA"
    return isinstance(statement, ast.Pass)
