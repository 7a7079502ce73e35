"""Reading word problems: sentences, the numbers in them, and which of these the worked solution takes as given."""

from __future__ import annotations

import ast
import re
from collections.abc import Collection, Mapping
from fractions import Fraction

from sml_agents.text.numbers import spelled_numbers

__all__ = ["additive_numbers", "follows_from", "given_numbers", "is_needed", "number_value", "numbers_in"]

_NUMBER = re.compile(r"(?<![\w.])\$?\d+(?:,\d{3})*(?:\.\d+)?(?![\d/]|,\d|\.\d)%?")
_OPERAND = re.compile(r"\d+(?:,\d{3})*(?:\.\d+)?|\.\d+")
_ANNOTATION = re.compile(r"<<([^<>=]*)=([^<>]*)>>")


def number_value(token: str) -> str:
    """The number a token stands for, as digits without currency, separators or trailing zeros."""
    if (spelled := next(spelled_numbers(token), None)) is not None:
        return str(spelled[2])
    token = token.lower().strip("$%").replace(",", "")
    return token.rstrip("0").rstrip(".") if "." in token else token.lstrip("0") or "0"


def numbers_in(text: str) -> list[tuple[int, int, str]]:
    """(start, end, value) of every number written in digits, and of every whole number from 2 on in words."""
    found = [(m.start(), m.end(), number_value(m.group())) for m in _NUMBER.finditer(text)]
    spelled = spelled_numbers(text)
    found += [(start, end, str(value)) for start, end, value in spelled if value > 1 and value.denominator == 1]
    return sorted(found)


def given_numbers(solution: str) -> tuple[str, ...]:
    """The numbers that a worked solution takes from the problem: operands that no earlier step computed.

    Reads GSM8K's `<<expression=result>>` annotations, or `expression = result` equations where there are none.
    """
    steps = _ANNOTATION.findall(solution) or re.findall(
        r"([\d.,$%+\-*/x\u00d7\u00f7() ]*\d[^=\n.]*)=\s*\$?([\d.,]+)", solution
    )
    computed: set[str] = set()
    given: list[str] = []
    for expression, result in steps:
        for operand in _OPERAND.findall(expression):
            value = number_value(operand)
            if value not in computed and value not in given:
                given.append(value)
        computed.add(number_value(result.strip().strip("$%").rstrip(".")))
    return tuple(given)


def additive_numbers(solution: str) -> frozenset[str]:
    """The given numbers that the solution only adds or subtracts."""
    added: set[str] = set()
    other: set[str] = set()
    for expression, _ in _ANNOTATION.findall(solution):
        for match in _OPERAND.finditer(expression):
            around = expression[: match.start()].rstrip("( $")[-1:] + expression[match.end() :].lstrip(") %")[:1]
            (other if set(around) & set("*/x") else added).add(number_value(match.group()))
    return frozenset(added - other)


_CONVERSIONS = {
    "2": r"twice|double|pair|couple|both|half",
    "3": r"triple|thrice|yards?|feet",
    "4": r"quarters?|weeks?|months?|seasons?",
    "5": r"nickels?|weekdays?|workdays?",
    "7": r"weeks?|weekly|days?|daily",
    "10": r"dimes?|decades?|percent|%",
    "12": r"dozens?|years?|months?|monthly|annual(?:ly)?|inch(?:es)?|feet|foot",
    "16": r"pounds?|ounces?",
    "24": r"hours?|days?|daily",
    "25": r"quarters?",
    "30": r"months?|monthly|days?",
    "36": r"yards?|inch(?:es)?",
    "52": r"weeks?|years?|weekly",
    "60": r"minutes?|hours?|seconds?|hourly",
    "100": r"percent|%|cents?|dollars?|centuries|century|meters?|centimeters?",
    "365": r"days?|years?|daily",
    "1000": r"kilograms?|grams?|kilometers?|meters?|liters?|kg|km|ml|thousands?",
}
"""Numbers that anybody can tell who knows the units: a problem that speaks of these does not need them told."""


def follows_from(value: str, rest: str) -> bool:
    """Whether `value` can be had from what the `rest` of a problem tells: stated in other words, a conversion of units,
    or one of the four operations on two numbers that are told. The problem without it would then be complete.
    """
    if value in _CONVERSIONS and re.search(rf"\b(?:{_CONVERSIONS[value]})(?!\w)", rest, re.IGNORECASE):
        return True
    told = {Fraction(number) for *_, number in numbers_in(rest)}
    wanted = Fraction(value)
    others = [(a, b) for a in told for b in told if a != b]
    return any(wanted in (a + b, a - b, a * b) or (b and a / b == wanted) for a, b in others)


def is_needed(value: str, solution: str) -> bool:
    """Whether the answer of an annotated solution changes with this given number: not when it is multiplied by zero,
    cancels out, or stands in a step on which nothing rests. A solution that cannot be computed needs every number."""
    steps = _ANNOTATION.findall(solution)
    if not steps:
        return True
    try:
        usual = _computed(steps, {})
        changed = [_computed(steps, {value: Fraction(value) * factor + 1}) for factor in (1, 3)]
    except (ValueError, SyntaxError, ZeroDivisionError, ArithmeticError, KeyError):
        return True
    return any(other != usual for other in changed)


def _computed(steps: Collection[tuple[str, str]], instead: Mapping[str, Fraction]) -> Fraction:
    """The result of the last step with other numbers in place of those named, carried through all steps."""
    known: dict[str, Fraction] = {}
    last = Fraction(0)
    for expression, result in steps:

        def operand(match: re.Match[str]) -> str:
            value = number_value(match.group())
            found = known.get(value, instead.get(value, Fraction(value)))
            return f"({found.numerator}/{found.denominator})"

        plain = re.sub(r"[$,\s]", "", expression).replace("x", "*").replace("%", "/100")
        last = _value(ast.parse(_OPERAND.sub(operand, plain), mode="eval").body)
        known[number_value(result.strip().strip("$%"))] = last
    return last


def _value(node: ast.expr) -> Fraction:
    if isinstance(node, ast.Constant) and isinstance(node.value, int | float):
        return Fraction(str(node.value))
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        return -_value(node.operand)
    if isinstance(node, ast.BinOp):
        left, right = _value(node.left), _value(node.right)
        match node.op:
            case ast.Add():
                return left + right
            case ast.Sub():
                return left - right
            case ast.Mult():
                return left * right
            case ast.Div():
                return left / right
    raise ValueError("not an expression of + - * /")
