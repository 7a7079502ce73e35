"""The exact value of plain arithmetic: `3 * (4 + 1/2)`, `52!/2^54`, `\\binom{10}{3}`, `\\sqrt{16}`.

Bounded and quick: deep brackets and values of more than `_MAX_BITS` bits are refused (None) before they are computed.
"""

from __future__ import annotations

import math
import re
from fractions import Fraction

from sml_agents.text.answers.plain import NUMBER, number

__all__ = ["evaluate"]

_MAX_CHARS = 400
_MAX_DEPTH = 24
_MAX_BITS = 10_000
_MAX_FACTORIAL = 1_000
_TOKEN = re.compile(rf"{NUMBER}|[-+*/^(){{}}!]|\\binom|\\sqrt(?!\[)")
_CLOSED_BY = {"(": ")", "{": "}"}


class _Refused(Exception):
    pass


def evaluate(text: str) -> Fraction | None:
    """The value of arithmetic with + - * / ^ !, binomials, roots that come out even, and brackets; else None."""
    text = text.replace("**", "^")
    if len(text) > _MAX_CHARS or _TOKEN.sub("", text).strip():
        return None
    try:
        return _Arithmetic(_TOKEN.findall(text)).value()
    except (_Refused, ZeroDivisionError):
        return None


class _Arithmetic:
    """Recursive descent over a token list, in exact fractions."""

    def __init__(self, tokens: list[str]) -> None:
        self.tokens = tokens
        self.at = 0
        self.depth = 0

    def value(self) -> Fraction:
        result = self._sum()
        if self.at != len(self.tokens):
            raise _Refused
        return result

    def _peek(self) -> str:
        return self.tokens[self.at] if self.at < len(self.tokens) else ""

    def _take(self) -> str:
        token = self._peek()
        self.at += 1
        return token

    def _sum(self) -> Fraction:
        total = self._product()
        while self._peek() in ("+", "-"):
            total = _bounded(total + self._product() if self._take() == "+" else total - self._product())
        return total

    def _product(self) -> Fraction:
        total = self._signed()
        while (sign := self._peek()) in ("*", "/", "(", "\\binom", "\\sqrt"):
            if sign in "*/":
                self._take()
            factor = self._signed()
            total = _bounded(total / factor if sign == "/" else total * factor)
        return total

    def _signed(self) -> Fraction:
        sign = 1
        while self._peek() in ("+", "-"):
            sign = -sign if self._take() == "-" else sign
        return sign * self._power()

    def _power(self) -> Fraction:
        base = self._atom()
        while self._peek() == "!":
            self._take()
            base = _factorial(base)
        if self._peek() != "^":
            return base
        self._take()
        self._deeper()
        exponent = self._signed()
        self.depth -= 1
        if exponent.denominator != 1:
            raise _Refused
        size = max(base.numerator.bit_length(), base.denominator.bit_length())
        if size * abs(exponent.numerator) > _MAX_BITS:
            raise _Refused
        return Fraction(base**exponent.numerator)

    def _atom(self) -> Fraction:
        token = self._take()
        if token in _CLOSED_BY:
            self._deeper()
            inside = self._sum()
            self.depth -= 1
            if self._take() != _CLOSED_BY[token]:
                raise _Refused
            return inside
        if token == "\\binom":
            return _binomial(self._braced(), self._braced())
        if token == "\\sqrt":
            return _root(self._braced())
        found = number(token) if token and token not in "+-*/^)}!" else None
        if found is None:
            raise _Refused
        return found

    def _braced(self) -> Fraction:
        if self._peek() != "{":
            raise _Refused
        return self._atom()

    def _deeper(self) -> None:
        self.depth += 1
        if self.depth >= _MAX_DEPTH:
            raise _Refused


def _bounded(value: Fraction) -> Fraction:
    if value.numerator.bit_length() > _MAX_BITS or value.denominator.bit_length() > _MAX_BITS:
        raise _Refused
    return value


def _factorial(value: Fraction) -> Fraction:
    if value.denominator != 1 or not 0 <= value <= _MAX_FACTORIAL:
        raise _Refused
    return Fraction(math.factorial(int(value)))


def _binomial(above: Fraction, below: Fraction) -> Fraction:
    if above.denominator != 1 or below.denominator != 1 or not 0 <= below <= above <= _MAX_FACTORIAL:
        raise _Refused
    return Fraction(math.comb(int(above), int(below)))


def _root(value: Fraction) -> Fraction:
    if value < 0:
        raise _Refused
    root = Fraction(math.isqrt(value.numerator), math.isqrt(value.denominator))
    if root * root != value:
        raise _Refused
    return root
