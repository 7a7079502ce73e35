"""Text as written by people and models -> plain ASCII arithmetic, and its exact value.

plain(text)       signs, digits of any script, fractions and light LaTeX in one ASCII spelling
evaluate(text)    the exact value of plain arithmetic (`3 * (4 + 1/2)`), or None
number(text)      the exact value of one number as written (`1,250.50`, `3 1/2`, `1.5e3`), or None

Everything is bounded and linear: long digit runs, deep brackets and huge powers are refused (None), never computed.
"""

from __future__ import annotations

import re
import unicodedata
from fractions import Fraction
from functools import lru_cache

__all__ = ["MAX_CHARS", "NUMBER", "evaluate", "number", "plain"]

MAX_CHARS = 2_000
"""Longer answers are not read."""
_MAX_DIGITS = 400
_MAX_DEPTH = 24
_MAX_POWER = 128
_MAX_BITS = 4_096

NUMBER = (
    r"(?:[1-9]\d{0,2}(?:,\d{3})+(?!\d)(?:\.\d+)?|[1-9]\d{0,2}(?: \d{3})+(?![\d,])(?:\.\d+)?|\d+(?:\.\d+)?|\.\d+)"
    r"(?:[eE][+-]?\d{1,3}(?!\w))?"
)
"""One unsigned number in plain text: digits, thousands separators, decimals, exponent."""

_MINUS = "\u2010\u2011\u2012\u2013\u2014\u2015\u2212\u207b\ufe58\ufe63\uff0d"
_SIGNS = str.maketrans(
    {sign: "-" for sign in _MINUS}
    | {sign: "*" for sign in "\u00d7\u22c5\u00b7\u2217\u2715\u2a09"}
    | {sign: "/" for sign in "\u00f7\u2044\u2215"}
    | {sign: "'" for sign in "\u2018\u2019\u201b\u02bc"}
    | {sign: '"' for sign in "\u201c\u201d\u201e\u00ab\u00bb"}
    | {sign: " " for sign in "\u00a0\u2007\u2009\u200a\u202f\u3000\t\r\n"}
    | {"\u2264": "<=", "\u2265": ">=", "\u2260": "!=", "\u2248": "~", "\u00b0": " degrees ", "\u221e": "infinity"}
    | {"\u3001": ",", "\u3002": ".", "\u221a": "\\sqrt", "\u03c0": "\\pi", "\u2228": " or ", "\u00b1": "\\pm "}
)
_RANGE = re.compile(r"(?<=\d)\s?[\u2012\u2013\u2014]\s?(?=\d)")
_SUPER = re.compile("[\u2070\u00b9\u00b2\u00b3\u2074-\u2079\u207b]+")

_FRAC = re.compile(r"\\[dtc]?frac\s*(?:\{([^{}]*)\}\s*\{([^{}]*)\}|(\d)\s*(\d))")
_MIXED_FRAC = re.compile(r"(?<![\d.])(\d+)\s*\\[dtc]?frac\s*\{(\d+)\}\s*\{(\d+)\}")
_WRAPPED = re.compile(r"\\(?:text|mathrm|mathbf|textbf|mathit|mbox|boxed|fbox|operatorname)\s*\{([^{}]*)\}")
_LATEX = [
    (re.compile(r"\\(?:left|right|displaystyle|limits|bigl?|bigr?|Bigl?|Bigr?)(?![A-Za-z])"), ""),
    (re.compile(r"\{,\}|\\,(?=\d{3})"), ","),
    (re.compile(r"\\[,;:! ]|~(?=[A-Za-z])|\\q?quad(?![A-Za-z])"), " "),
    (re.compile(r"\\(?:cdot|times|ast)(?![A-Za-z])"), "*"),
    (re.compile(r"\\div(?![A-Za-z])"), "/"),
    (re.compile(r"\^\s*\{?\\circ\}?|\\degree(?![A-Za-z])"), " degrees "),
    (re.compile(r"\\leq?(?![A-Za-z])"), "<="),
    (re.compile(r"\\geq?(?![A-Za-z])"), ">="),
    (re.compile(r"\\approx(?![A-Za-z])"), "~"),
    (re.compile(r"\\([$%&#_])"), r"\1"),
    (re.compile(r"\\[()\[\]]|\$\$|\*\*(?=[\s.,]|$)|(?<![\w*])\*\*|`"), ""),
    (re.compile(r"\^\s*\{(-?\d+)\}"), r"^\1"),
]
_LATEX_HINT = re.compile(r"[\\{`]|\*\*|\$\$")
_MIXED = re.compile(r"(?<![\d.,/^*+-])(-?)\s?(\d+) (\d+)\s?/\s?(\d+)(?![\d.])")
_SPACES = re.compile(r" {2,}")


@lru_cache(maxsize=4096)
def plain(text: str) -> str:
    """`text` in one ASCII spelling where that loses nothing; unknown LaTeX and other letters stay as they are.

    A dash between two numbers that is longer than a hyphen is a range: it becomes ` to `. Cut at `MAX_CHARS` + 1.
    """
    text = text[: MAX_CHARS + 1]
    text = text.translate(_SIGNS) if text.isascii() else _ascii(text)
    if _LATEX_HINT.search(text):
        text = _without_latex(text)
    text = _MIXED.sub(lambda m: f"{m[1]}({m[2]}+{m[3]}/{m[4]})", text)
    return _SPACES.sub(" ", text).strip()


def number(text: str) -> Fraction | None:
    """The exact value of one unsigned `NUMBER` (separators and exponent included); None when it is too long."""
    if len(text) < 16 and text.isdigit():
        return Fraction(int(text))
    digits = text.replace(",", "").replace(" ", "")
    if len(digits) > _MAX_DIGITS:
        return None
    mantissa, _, exponent = digits.lower().partition("e")
    whole, _, decimals = mantissa.partition(".")
    power = int(exponent or 0) - len(decimals)
    if abs(power) > _MAX_DIGITS:
        return None
    return int(whole + decimals or 0) * Fraction(10) ** power


def evaluate(text: str) -> Fraction | None:
    """The exact value of plain arithmetic with + - * / ^ and brackets; None for anything else, or anything too big."""
    text = text.replace("**", "^")
    if len(text) > _MAX_DIGITS or _TOKEN.sub("", text).strip():
        return None
    tokens = _TOKEN.findall(text)
    try:
        return _Arithmetic(tokens).value()
    except (_Refused, ZeroDivisionError):
        return None


_TOKEN = re.compile(rf"{NUMBER}|[-+*/^()]")


class _Refused(Exception):
    pass


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
        while self._peek() in ("*", "/"):
            total = _bounded(total * self._signed() if self._take() == "*" else total / self._signed())
        return total

    def _signed(self) -> Fraction:
        sign = 1
        while self._peek() in ("+", "-"):
            sign = -sign if self._take() == "-" else sign
        return sign * self._power()

    def _power(self) -> Fraction:
        base = self._atom()
        if self._peek() != "^":
            return base
        self._take()
        self.depth += 1
        exponent = self._signed() if self.depth < _MAX_DEPTH else _refuse()
        self.depth -= 1
        if exponent.denominator != 1 or abs(exponent) > _MAX_POWER:
            raise _Refused
        size = max(base.numerator.bit_length(), base.denominator.bit_length())
        if size * abs(exponent.numerator) > _MAX_BITS:
            raise _Refused
        return Fraction(base**exponent.numerator)

    def _atom(self) -> Fraction:
        token = self._take()
        if token == "(":
            self.depth += 1
            inside = self._sum() if self.depth < _MAX_DEPTH else _refuse()
            self.depth -= 1
            if self._take() != ")":
                raise _Refused
            return inside
        found = number(token) if token and token not in "+-*/^)" else None
        return found if found is not None else _refuse()


def _refuse() -> Fraction:
    raise _Refused


def _bounded(value: Fraction) -> Fraction:
    if value.numerator.bit_length() > _MAX_BITS or value.denominator.bit_length() > _MAX_BITS:
        raise _Refused
    return value


def _ascii(text: str) -> str:
    text = _RANGE.sub(" to ", text)
    text = _SUPER.sub(lambda m: "^" + unicodedata.normalize("NFKC", m[0]).translate(_SIGNS), text)
    pieces: list[str] = []
    for letter in text:
        if letter.isascii():
            pieces.append(letter)
        elif unicodedata.decomposition(letter).startswith("<fraction>"):
            pieces.append(" " + unicodedata.normalize("NFKC", letter))
        elif unicodedata.category(letter) == "Nd":
            pieces.append(str(unicodedata.decimal(letter)))
        elif unicodedata.category(letter) not in ("Cf", "Cs"):
            pieces.append(letter)
    text = unicodedata.normalize("NFKC", "".join(pieces).translate(_SIGNS))
    return text.translate(_SIGNS)


def _fraction(found: re.Match[str]) -> str:
    above, below = (found[1] or found[3] or "").strip(), (found[2] or found[4] or "").strip()
    return f"({above}/{below})" if above.isdigit() and below.isdigit() else f"(({above})/({below}))"


def _without_latex(text: str) -> str:
    text = _MIXED_FRAC.sub(r"(\1+\2/\3)", text)
    for _ in range(3):  # inner fractions first; deeper ones are left to algebra
        text, found = _FRAC.subn(_fraction, text)
        text, wrapped = _WRAPPED.subn(r" \1 ", text)
        if not found and not wrapped:
            break
    for pattern, replacement in _LATEX:
        text = pattern.sub(replacement, text)
    return text
