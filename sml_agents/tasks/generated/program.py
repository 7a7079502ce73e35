"""Small programs over a problem's facts: `count * price + fee`, run to an answer and to a worked solution.

A program is an expression of fact names, whole numbers, `+ - * /` and brackets. It runs on whole numbers only: a
division that leaves a remainder, or a result that is not positive, makes the drawn numbers unfit (`Unfit`).
"""

from __future__ import annotations

import ast
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

__all__ = ["Program", "Result", "Unfit", "compile_program"]

_OPERATORS: dict[type[ast.operator], str] = {ast.Add: "+", ast.Sub: "-", ast.Mult: "*", ast.Div: "/"}


class Unfit(Exception):
    """These values make no good problem: draw others."""


@dataclass(frozen=True)
class Result:
    answer: str
    steps: tuple[str, ...]
    """What is worked out, in order, such as `4 * 3 = 12`."""
    largest: int = 0
    """The largest number that comes up."""

    @property
    def solution(self) -> str:
        """The worked solution in the students' target style: `4 * 3 = 12. 12 + 5 = 17. The answer is 17.`"""
        return " ".join([*(f"{step}." for step in self.steps), f"The answer is {self.answer}."])


@dataclass(frozen=True)
class Program:
    source: str
    names: tuple[str, ...]
    """The facts that the answer needs, in the order in which the source names them."""
    tree: ast.expr

    def run(self, values: Mapping[str, int | str]) -> Result:
        """Answer and steps for `values`. Raises Unfit where the numbers do not come out whole and positive."""
        steps: list[tuple[str, int]] = []
        answer = self._evaluate(self.tree, values, steps)
        equations = tuple(f"{left} = {value}" for left, value in steps)
        return Result(str(answer), equations, max((value for _, value in steps), default=answer))

    def _evaluate(self, node: ast.expr, values: Mapping[str, int | str], steps: list[tuple[str, int]]) -> int:
        if isinstance(node, ast.Constant):
            return int(str(node.value))
        if isinstance(node, ast.Name):
            return int(values[node.id])
        assert isinstance(node, ast.BinOp)
        left = self._evaluate(node.left, values, steps)
        right = self._evaluate(node.right, values, steps)
        sign = _OPERATORS[type(node.op)]
        if sign == "/" and (right == 0 or left % right):
            raise Unfit
        value = {"+": left + right, "-": left - right, "*": left * right, "/": left // (right or 1)}[sign]
        if value <= 0:
            raise Unfit
        steps.append((f"{left} {sign} {right}", value))
        return value


@cache
def compile_program(source: str) -> Program:
    """Read an expression. Raises ValueError when it holds anything but names, whole numbers, `+ - * /` and brackets."""
    tree = ast.parse(source, mode="eval").body
    names: list[str] = []

    def check(node: ast.expr) -> None:
        if isinstance(node, ast.BinOp) and type(node.op) in _OPERATORS:
            check(node.left)
            check(node.right)
        elif isinstance(node, ast.Name):
            if node.id not in names:
                names.append(node.id)
        elif not (isinstance(node, ast.Constant) and type(node.value) is int):
            raise ValueError(f"The program {source!r} may only hold fact names, whole numbers, + - * / and brackets.")

    check(tree)
    return Program(source, tuple(names), tree)
