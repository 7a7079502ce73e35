"""How an answer in mathematics is put together: a list, a set, an interval, a matrix, a relation, or one expression.

shape_of("\\{1, 2\\}")        Shape(SET, ("1", "2"))
shape_of("[0, 1)")           Shape(ROW, ("0", "1"), "[)")
shape_of("x = 3 or x = 4")   Shape(LIST, ("3", "4"))
shape_of("1 < x <= 2")       Shape(ROW, ("1", "2"), "(]")
shape_of("y = 2x + 3")       Shape(ONE, ("2x + 3",)): a name on the left is a label
shape_of("x^2 = 12")         Shape(RELATION, ("x^2", "12"), "=")

Texts are in the spelling of `plain`. Linear in their length.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum

__all__ = ["Form", "Shape", "shape_of"]


class Form(StrEnum):
    ONE = "one"
    """One expression; `detail` is the name that stood before it."""
    LIST = "list"
    """In any order."""
    SET = "set"
    ROW = "row"
    """A tuple, a point or an interval: in this order, between these brackets."""
    UNION = "union"
    MATRIX = "matrix"
    """By rows; `detail` is the number of columns and how it is framed."""
    RELATION = "relation"
    """An equation or inequality; `detail` holds its signs."""


@dataclass(frozen=True)
class Shape:
    form: Form
    parts: tuple[str, ...]
    detail: str = ""


_NAME = r"(?:\\?[A-Za-z]{1,8}(?:_\w|_\{\w{1,8}\})?'{0,2}(?:\(\w{1,3}(?:, ?\w{1,3}){0,2}\))?)"
_LABEL = re.compile(rf"(?:[A-Za-z][A-Za-z' ]*[A-Za-z]|{_NAME}) ?= ?(?![=\s])")
_MEMBER = re.compile(rf"{_NAME} ?\\in(?![A-Za-z]) ?")
_VARIABLE = re.compile(r"\\?[A-Za-z]+(?:_\w)?")
_MATRIX = re.compile(r"\\begin\{([a-zA-Z]*)matrix\}(.*)\\end\{\1matrix\}", re.DOTALL)
_SIGN = re.compile(r"<=|>=|!=|<|>|(?<![:=])=(?!=)")
_COMMA = re.compile(r", |,(?!\d{3}(?!\d))|;")
_JOINT = re.compile(r" (?:and|or) |,? (?:and|or) ")
_SETS = re.compile(r" ?\\cup(?![A-Za-z]) ?")
_PLUS_MINUS = re.compile(r"\\pm(?![A-Za-z]) ?|\+/-|\+-")
_OPEN, _CLOSED = "([{", ")]}"
_MOST = 64
_CONSTANTS = ("\\pi", "\\infty", "e")
_TURNED = {"<": ">", "<=": ">=", ">": "<", ">=": "<=", "=": "=", "!=": "!="}


def shape_of(text: str) -> Shape:
    """The shape of `text`."""
    text = text.strip()
    text = _MEMBER.sub("", text, count=1) if _MEMBER.match(text) else text
    if (matrix := _MATRIX.fullmatch(text)) is not None:
        rows = [[entry.strip() for entry in row.split("&")] for row in matrix[2].split("\\\\") if row.strip()]
        frame = matrix[1] if matrix[1] in ("v", "V") else ""
        return Shape(Form.MATRIX, tuple(entry for row in rows for entry in row)[:_MOST], f"{len(rows)}{frame}")
    if len(sets := _split(text, _SETS)) > 1:
        return Shape(Form.UNION, tuple(sets))
    if text.startswith("\\{") and text.endswith("\\}") and "|" not in text and ":" not in text:
        inside = _listed(text[2:-2])
        return Shape(Form.SET, tuple(inside))
    if text[:1] in ("(", "[", "{") and text[-1:] in (")", "]", "}") and _closes_at_end(text):
        inside = _split(text[1:-1], _COMMA)
        if len(inside) > 1:
            return (
                Shape(Form.SET, tuple(inside)) if text[0] == "{" else Shape(Form.ROW, tuple(inside), text[0] + text[-1])
            )
    if len(items := _listed(text)) > 1:
        return Shape(Form.LIST, tuple(items))
    if len(ends := _PLUS_MINUS.split(text)) == 2:
        name = _LABEL.match(ends[0])
        before = ends[0][name.end() if name else 0 :].strip()
        return Shape(Form.LIST, (f"{before}+{ends[1]}" if before else ends[1], f"{before}-{_operand(ends[1])}"))
    return _relation(text)


def _operand(text: str) -> str:
    return f"({text})" if re.search(r"[-+]", text) else text


def _relation(text: str) -> Shape:
    label = _LABEL.match(text)
    if label is not None and not _SIGN.search(text, label.end()):
        return Shape(Form.ONE, (text[label.end() :].strip(),), label.group().strip(" ="))
    signs = [found for found in _SIGN.finditer(text) if _depth(text[: found.start()]) == 0]
    if not signs:
        return Shape(Form.ONE, (text,))
    cuts = [0, *(end for found in signs for end in found.span()), len(text)]
    sides = [text[start:end].strip() for start, end in zip(cuts[::2], cuts[1::2], strict=True)]
    names = [found.group() for found in signs]
    if names[0] in (">", ">="):
        sides, names = sides[::-1], [_TURNED[name] for name in names[::-1]]
    if set(names) <= {"<", "<="} and (interval := _interval(sides, names)) is not None:
        return interval
    return Shape(Form.RELATION, tuple(sides), " ".join(names))


def _interval(sides: list[str], names: list[str]) -> Shape | None:
    """`1 < x <= 2` as the interval that it says, for a lone variable."""
    variables = [place for place, side in enumerate(sides) if _VARIABLE.fullmatch(side) and side not in _CONSTANTS]
    if len(variables) != 1:
        return None
    place = variables[0]
    if len(sides) == 3 and place == 1:
        brackets = ("[" if names[0] == "<=" else "(") + ("]" if names[1] == "<=" else ")")
        return Shape(Form.ROW, (sides[0], sides[2]), brackets)
    if len(sides) != 2:
        return None
    if place == 0:
        return Shape(Form.ROW, ("-\\infty", sides[1]), "(" + ("]" if names[0] == "<=" else ")"))
    return Shape(Form.ROW, (sides[0], "\\infty"), ("[" if names[0] == "<=" else "(") + ")")


def _listed(text: str) -> list[str]:
    """The entries of a list, each without the name before it (`x = 3`)."""
    items = [piece for part in _split(text, _COMMA) for piece in _split(part, _JOINT)]
    items = [re.sub(r"^(?:and|or) ", "", item.strip()) for item in items if item.strip()]
    return (
        [item[label.end() :] if (label := _LABEL.match(item)) else item for item in items] if len(items) > 1 else items
    )


def _split(text: str, at: re.Pattern[str]) -> list[str]:
    """`text` in parts, at the places outside of brackets that match; the last part keeps what is too much."""
    parts: list[str] = []
    start, depth, seen = 0, 0, 0
    for found in at.finditer(text):
        depth += _depth(text[seen : found.start()])
        seen = found.start()
        if depth == 0 and len(parts) < _MOST:
            parts.append(text[start : found.start()].strip())
            start = found.end()
    return [part for part in (*parts, text[start:].strip()) if part]


def _depth(text: str) -> int:
    return sum(text.count(sign) for sign in _OPEN) - sum(text.count(sign) for sign in _CLOSED)


def _closes_at_end(text: str) -> bool:
    """Whether the first bracket is closed by the last letter."""
    depth = 0
    for place, letter in enumerate(text):
        depth += (letter in _OPEN) - (letter in _CLOSED)
        if depth == 0:
            return place == len(text) - 1
    return False
