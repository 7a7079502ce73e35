"""What a text says in code: base64, hexadecimal, binary and other bases, roman numerals."""

from __future__ import annotations

import binascii
import re
from collections.abc import Iterator
from fractions import Fraction

from sml_agents.text.answers import spelled_numbers
from sml_agents.text.answers.plain import NUMBER, number
from sml_agents.text.letters import folded

__all__ = ["decodings", "encoded_values"]

_ROMAN = re.compile(
    r"(?<![\w])(?=[MDCLXVI]{2,15}(?!\w))M{0,3}(?:CM|CD|D?C{0,3})(?:XC|XL|L?X{0,3})(?:IX|IV|V?I{0,3})(?!\w)"
)
_ROMAN_DIGITS = {"I": 1, "V": 5, "X": 10, "L": 50, "C": 100, "D": 500, "M": 1000}
_BASE64 = re.compile(r"(?<![\w+/=])(?:[\w+/-]{4}){1,64}(?:[\w+/-]{2}==|[\w+/-]{3}=)?(?![\w+/=])|[\w+/-]{2,3}={1,2}")
_UNPADDED = re.compile(r"(?<![\w+/])(?:[\w+/-]{4}){1,64}(?![\w+/])")
_MAY_BE_ROMAN = re.compile(r"[MDCLXVI]{2}")
_STANDARD = str.maketrans("-_", "+/")
_PREFIXES = {"0x": 16, "0b": 2, "0o": 8}
_PREFIXED = re.compile(r"\b0([xbo])([0-9a-f]{1,40})\b")
_MAY_BE_BINARY = re.compile(r"[01]{4}")
_BINARY = re.compile(r"(?<![\w.,])[01]{4,64}(?![\w.,]*\d)")
_HEX_BYTES = re.compile(r"\b(?:[0-9a-f]{2}[\s:]?){2,40}\b")
_BASE = re.compile(r"\b(?:base|radix)[\s_-]?(\d{1,2})\b|\b(binary|octal|hex)")
_DIGIT = re.compile(r"\d")
_BASES = {"binary": 2, "octal": 8, "hex": 16}


def encoded_values(text: str) -> Iterator[Fraction]:
    """The numbers that a text writes in another base, in roman numerals or inside an encoding."""
    lower = folded(text)
    if any(prefix in lower for prefix in _PREFIXES):
        for kind, digits in _PREFIXED.findall(lower):
            yield from _in_base(digits, _PREFIXES[f"0{kind}"])
    if _MAY_BE_BINARY.search(text):
        for digits in _BINARY.findall(text):
            yield from _in_base(digits, 2)
    if any(cue in lower for cue in ("base", "radix", *_BASES)):
        for named, word in set(_BASE.findall(lower)):
            for token in re.findall(r"\b[0-9a-f]{1,40}\b", lower):
                yield from _in_base(token, int(named) if named else _BASES[word])
    if _MAY_BE_ROMAN.search(text):
        for roman in _ROMAN.findall(text):
            yield Fraction(_roman(roman))
    for inside in decodings(text):
        if _DIGIT.search(inside):
            yield from (value for digits in re.findall(NUMBER, inside) if (value := number(digits)) is not None)
        if len(inside) > 2:
            yield from (value for _, _, value in spelled_numbers(inside))


def _in_base(digits: str, base: int) -> Iterator[Fraction]:
    try:
        yield Fraction(int(digits, base))
    except ValueError:
        return


def _roman(letters: str) -> int:
    values = [_ROMAN_DIGITS[letter] for letter in letters]
    return sum(-v if v < max(values[k + 1 :], default=0) else v for k, v in enumerate(values))


def decodings(text: str) -> Iterator[str]:
    """What base64 and hexadecimal bytes in a text say, where they say something printable."""
    for token in (_BASE64 if "=" in text else _UNPADDED).findall(text):
        bare = token.rstrip("=").translate(_STANDARD)
        try:
            yield _printable(binascii.a2b_base64(bare + "=" * (-len(bare) % 4)))
        except (binascii.Error, ValueError):
            continue
    for token in _HEX_BYTES.findall(folded(text)):
        try:
            yield _printable(bytes.fromhex(token.replace(":", " ")))
        except ValueError:
            continue


def _printable(raw: bytes) -> str:
    text = raw.decode("utf-8", "ignore")
    return text if text.isprintable() else ""
