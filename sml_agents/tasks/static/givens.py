"""Reading word problems: sentences, the numbers in them, and which of these the worked solution takes as given."""

from __future__ import annotations

import re

__all__ = ["additive_numbers", "given_numbers", "number_value", "numbers_in", "sentences"]

_NUMBER = re.compile(r"(?<![\w.])\$?\d+(?:,\d{3})*(?:\.\d+)?(?![\d/]|,\d|\.\d)%?")
_WORDS = {
    "one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8, "nine": 9, "ten": 10,
    "eleven": 11, "twelve": 12, "fifteen": 15, "twenty": 20, "thirty": 30, "forty": 40, "fifty": 50,
}  # fmt: skip
_WORD_NUMBER = re.compile(r"\b(?:" + "|".join(w for w in _WORDS if w != "one") + r")\b", re.IGNORECASE)
_OPERAND = re.compile(r"\d+(?:,\d{3})*(?:\.\d+)?|\.\d+")
_ANNOTATION = re.compile(r"<<([^<>=]*)=([^<>]*)>>")
_SENTENCE_END = re.compile(r"(?<=[.!?])[\"')]*\s+(?=[\"'(]*[A-Z0-9$])")
_ABBREVIATION = re.compile(r"(?:\b(?:Mr|Mrs|Ms|Dr|St|vs|etc|a\.m|p\.m|No)\.)$")


def sentences(text: str) -> list[str]:
    """Split at sentence ends; abbreviations and decimal points do not count."""
    parts: list[str] = []
    for piece in _SENTENCE_END.split(" ".join(text.split())):
        if parts and _ABBREVIATION.search(parts[-1]):
            parts[-1] += " " + piece
        else:
            parts.append(piece)
    return [part for part in parts if part]


def number_value(token: str) -> str:
    """The number a token stands for, as digits without currency, separators or trailing zeros."""
    token = token.lower().strip("$%").replace(",", "")
    if token in _WORDS:
        return str(_WORDS[token])
    return token.rstrip("0").rstrip(".") if "." in token else token.lstrip("0") or "0"


def numbers_in(text: str) -> list[tuple[int, int, str]]:
    """(start, end, value) of every number written in digits or as a word."""
    found = [(m.start(), m.end(), number_value(m.group())) for m in _NUMBER.finditer(text)]
    found += [(m.start(), m.end(), number_value(m.group())) for m in _WORD_NUMBER.finditer(text)]
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
