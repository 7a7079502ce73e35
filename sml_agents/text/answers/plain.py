"""Text as written by people and models -> one plain ASCII spelling, and the exact value of a number in it.

plain(text)       signs, digits of any script, fractions and LaTeX in one ASCII spelling
number(text)      the exact value of one number as written (`1,250.50`, `1.234,5`, `1.5e3`), or None

Everything is bounded and linear: long digit runs are refused (None), never computed.
"""

from __future__ import annotations

import re
import unicodedata
from fractions import Fraction
from functools import lru_cache

from sml_agents.text.answers.latex import without_latex

__all__ = ["MAX_CHARS", "NUMBER", "number", "plain"]

MAX_CHARS = 2_000
"""Longer answers are not read."""
_MAX_DIGITS = 400

NUMBER = (
    r"(?:[1-9]\d{0,2}(?:\.\d{3})+,\d+|[1-9]\d{0,2}(?:\.\d{3}){2,}(?![\d.])"  # 1.234,5 and 1.234.567
    r"|[1-9]\d?(?:,\d{2})+,\d{3}(?![\d,])(?:\.\d+)?"  # 12,34,567
    r"|[1-9]\d{0,2}(?:,\d{3})+(?!\d)(?:\.\d+)?|[1-9]\d{0,2}(?:'\d{3})+(?!\d)(?:\.\d+)?"
    r"|[1-9]\d{0,2}(?: \d{3})+(?![\d,])(?:\.\d+)?|\d+(?:\.\d+)?|\.\d+)"
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
    | {"\u3001": ",", "\u3002": ".", "\u221a": "\\sqrt ", "\u03c0": "\\pi ", "\u2228": " or ", "\u00b1": "\\pm "}
)
_RANGE = re.compile(r"(?<=\d)\s?[\u2012\u2013\u2014]\s?(?=\d)")
_SUPER = re.compile("[\u2070\u00b9\u00b2\u00b3\u2074-\u2079\u207b]+")
_SUB = re.compile("[\u2080-\u2089]+")

_MARKUP = re.compile(r"\*\*(?=[\s.,]|$)|(?<![\w*)])\*\*|`|\$\$")
_LATEX_HINT = re.compile(r"[\\{`]|\*\*|\$\$")
_MIXED = re.compile(r"(?<![\d.,/^*+-])(-?)\s?(\d+) (\d+)\s?/\s?(\d+)(?![\d.])")
_TIMES = re.compile(r"(?<=\d) x (?=\d)|(?<=\d) ?x ?(?=10\^)")
_ROOT_OF = re.compile(r"(?:\u221a|(?<![\\A-Za-z])sqrt)\s?(\d+(?:\.\d+)?)")
_REPEATED = re.compile("((?:\\d\u0305)+)")
_SPACES = re.compile(r" {2,}")


@lru_cache(maxsize=4096)
def plain(text: str) -> str:
    """`text` in one ASCII spelling where that loses nothing; unknown LaTeX and other letters stay as they are.

    A dash between two numbers that is longer than a hyphen is a range: it becomes ` to `. Cut at `MAX_CHARS` + 1.
    """
    text = _ROOT_OF.sub(r"\\sqrt{\1}", text[: MAX_CHARS + 1]).replace("\u2026", "...")
    text = text.translate(_SIGNS) if text.isascii() else _ascii(text)
    if _LATEX_HINT.search(text):
        text = without_latex(_MARKUP.sub("", text))
    text = _TIMES.sub("*", text)
    text = _MIXED.sub(lambda m: f"{m[1]}({m[2]}+{m[3]}/{m[4]})", text)
    return _SPACES.sub(" ", text).strip()


def number(text: str) -> Fraction | None:
    """The exact value of one unsigned `NUMBER` (separators and exponent included); None when it is too long."""
    if len(text) < 16 and text.isdigit():
        return Fraction(int(text))
    if text.count(".") > 1 or ("." in text and "," in text[text.rindex(".") :]):
        text = text.replace(".", "").replace(",", ".")  # 1.234,5 and 1.234.567
    digits = text.replace(",", "").replace(" ", "").replace("'", "")
    if len(digits) > _MAX_DIGITS:
        return None
    mantissa, _, exponent = digits.lower().partition("e")
    whole, _, decimals = mantissa.partition(".")
    power = int(exponent or 0) - len(decimals)
    if abs(power) > _MAX_DIGITS:
        return None
    return int(whole + decimals or 0) * Fraction(10) ** power


def _ascii(text: str) -> str:
    text = _SUB.sub(lambda m: "_" + unicodedata.normalize("NFKC", m[0]), text)
    text = _REPEATED.sub(lambda m: "\\overline{" + m[1].replace("\u0305", "") + "}", text)
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
