"""Quantities in words and signs: words that change a number are read as what they mean, or nothing is read.

    minus 7          -7              half of 7            1/2 * 7
    twice 7          2 * 7           7 to the 4th power   7^4
    7 and a half     7 + 1/2         the sum of 3 and 4   3 + 4
    2.5 million      2.5 * 1000000   the square root of 2 \\sqrt{2}

`phrase("about 12 red pens")` gives the arithmetic, the words before it and those after it. None when a word that
changes numbers stands where this grammar gives it no meaning (`the successor of 12`, `12 less`, `12 short of 100`).
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from sml_agents.text.answers.plain import NUMBER
from sml_agents.text.numbers import NUMBER_WORDS, ORDINALS, PARTS, SCALES, leading_number

__all__ = ["Phrase", "changes_a_number", "phrase"]


@dataclass(frozen=True)
class Phrase:
    sum: str
    """Plain arithmetic, for `evaluate` or algebra."""
    before: str
    after: str
    """The words after the number: its unit."""
    percent: bool
    literal: str
    """The number as written when it is just one, else empty."""
    glued: bool = False
    """Whether a letter touches it: B12."""


_TOKEN = re.compile(rf"{NUMBER}|\\[A-Za-z]+|[A-Za-z]+(?:'[a-z]+)?|[^\sA-Za-z\d]")
_IS_NUMBER = re.compile(r"[.\d]")
_SUMS = {"+": "+", "plus": "+", "-": "-", "minus": "-", "less": "-"}
_PRODUCTS = {"*": "*", "times": "*", "/": "/", "over": "/", "multiplied by": "*", "divided by": "/"}
_MORE = {"increased by": "+", "decreased by": "-", "reduced by": "-"}
_MULTIPLES = {"twice": "2", "double": "2", "thrice": "3", "triple": "3", "quadruple": "4"}
_POWERS = {"squared": "2", "cubed": "3"}
_OF_ONE = {"square": "({})^2", "cube": "({})^3", "factorial": "({})!", "reciprocal": "1/({})", "inverse": "1/({})"}
_OF_ONE |= {"negative": "-({})", "opposite": "-({})", "square root": "\\sqrt{{{}}}", "cube root": "\\sqrt[3]{{{}}}"}
_OF_TWO = {"sum": "+", "product": "*", "difference": "-", "quotient": "/", "ratio": "/"}
_SIZES = {"hundred": 100, "dozen": 12, "k": 1000, "K": 1000, "M": 10**6, "B": 10**9, **SCALES}
_SIZES |= {f"{word}s": size for word, size in _SIZES.items() if len(word) > 1} | {"tens": 10}
_ARTICLES = ("a", "an", "the", "one")


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_CHANGES_AFTER = _words(
    """
    minus plus less half halves twice thrice doubled tripled halved quadrupled squared cubed power powers exponent
    factorial reciprocal inverted negated modulo mod divided multiplied subtracted added increased decreased reduced
    raised except excluding without hundreds tens thousands millions dozens dozen hundred thousand million billion
    trillion backwards reversed
    """
) | {word for word in PARTS if word.endswith("s") and word != "quarters"}
"""Behind a number, these change it."""
_CHANGES = _CHANGES_AFTER | _words(
    """
    negative double triple quadruple root roots exponential inverse opposite negation complement successor predecessor
    log logarithm ln sine cosine tangent sin cos tan
    """
)
_FUNCTION_OF = re.compile(
    r"\b(?:square|cube|product|difference|quotient)s?\s+(?:of|between)\b|\b(?:short|shy) of\b", re.IGNORECASE
)
_BEFORE_CHANGES = _words(
    "than below above before after from by over under past until till versus against off following preceding"
)
_LEADS_TO = _words(
    """
    equal equals comes come came up amounts amount sums adds evaluates simplifies reduces rounds down out leads
    equivalent close due back corresponds
    """
)
_MEASURES = _words(
    """
    total amount amounts price cost costs value length area volume distance speed weight height width depth age
    number count result answer profit set group average mean median maximum minimum rate score perimeter circumference
    radius diameter angle team balance salary wage budget income size capacity population temperature sample
    probability chance consist consists kinds
    """
)
_WORD = re.compile(r"[A-Za-z]+")


def changes_a_number(words: str, *, behind: bool = False) -> bool:
    """Whether `words` beside a number (`behind` it) change it: `squared`, `short of a hundred`."""
    found = {word.lower() for word in _WORD.findall(words)}
    return not found.isdisjoint(_CHANGES_AFTER if behind else _CHANGES) or _FUNCTION_OF.search(words) is not None


def phrase(text: str) -> Phrase | None:
    """The one quantity of `text` (in plain spelling) with the words around it, or None."""
    parser = _Phrase(text)
    for start in range(min(len(parser.tokens), 40)):
        if (found := parser.at_token(start)) is not None:
            return found if _fits(found) else None
    return None


def _fits(found: Phrase) -> bool:
    if changes_a_number(found.before) or changes_a_number(found.after, behind=True):
        return False
    words = [word.lower() for word in _WORD.findall(found.before)]
    if any(word in NUMBER_WORDS - {"one"} for word in words) or _IS_NUMBER.search(found.before):
        return False
    if not words:
        return True
    if found.glued:
        return False
    if words[-1] == "to":
        return len(words) > 1 and words[-2] in _LEADS_TO
    if words[-1] == "of":
        return len(words) > 1 and words[-2] in _MEASURES
    return words[-1] not in _BEFORE_CHANGES


class _Nothing(Exception):
    pass


class _Phrase:
    """Recursive descent over tokens; each rule returns arithmetic as text."""

    def __init__(self, text: str) -> None:
        found = list(_TOKEN.finditer(text))[:200]
        self.text = text
        self.spots = [match.span() for match in found]
        self.tokens = [match.group() for match in found]
        self.lower = [token.lower() for token in self.tokens]
        self.at = 0
        self.depth = 0
        self.percent = False

    def at_token(self, start: int) -> Phrase | None:
        """The quantity that begins at a token, or None when none does."""
        self.at, self.depth, self.percent = start, 0, False
        try:
            result = self._sum()
        except _Nothing:
            return None
        begin, end = self.spots[start][0], self.spots[self.at - 1][1]
        inside = self.text[begin:end]
        literal = inside if re.fullmatch(NUMBER, inside) else ""
        return Phrase(
            result,
            self.text[:begin].strip(),
            self.text[end:].strip(),
            self.percent,
            literal,
            self.text[begin - 1 : begin].isalpha(),
        )

    def _peek(self, ahead: int = 0) -> str:
        place = self.at + ahead
        return self.lower[place] if place < len(self.lower) else ""

    def _pair(self) -> str:
        return f"{self._peek()} {self._peek(1)}"

    def _operator(self, table: dict[str, str]) -> str:
        """The sign of an operator at this place, which is passed over, if a quantity follows it."""
        for name, length in ((self._peek(), 1), (self._pair(), 2)):
            if name in table and self._begins(length):
                self.at += length
                return table[name]
        return ""

    def _begins(self, ahead: int) -> bool:
        """Whether a quantity can begin so many tokens ahead."""
        word = self._peek(ahead)
        if word in ("-", "+", "minus", "negative", "(", *_ARTICLES):
            return self._begins(ahead + 1) if word in _ARTICLES and word != "one" else True
        return bool(word) and (
            _IS_NUMBER.match(word) is not None
            or word in NUMBER_WORDS
            or word in PARTS
            or word in _MULTIPLES
            or word in _OF_ONE
            or word == "\\sqrt"
        )

    def _sum(self) -> str:
        result = self._product()
        while sign := self._operator({**_SUMS, **_MORE}):
            result = f"{result}{sign}{self._product()}"
        return result

    def _product(self) -> str:
        result = self._signed()
        while sign := self._operator(_PRODUCTS):
            result = f"{result}{sign}({self._signed()})"
        return result

    def _signed(self) -> str:
        self.depth += 1
        if self.depth > 20:
            raise _Nothing
        word = self._peek()
        if word in ("-", "minus", "negative", "+") and self._begins(1):
            self.at += 1
            result = ("" if word == "+" else "-") + self._signed()
        else:
            result = self._function() or self._multiple() or self._power()
        self.depth -= 1
        return result

    def _function(self) -> str:
        """`the square root of 7`, `the sum of 3 and 4`."""
        skip = 1 if self._peek() in ("a", "an", "the") else 0
        name, length = self._peek(skip), 1
        if f"{name} {self._peek(skip + 1)}" in _OF_ONE:
            name, length = f"{name} {self._peek(skip + 1)}", 2
        if self._peek(skip + length) not in ("of", "between") or not self._begins(skip + length + 1):
            return ""
        if name in _OF_ONE:
            self.at += skip + length + 1
            return f"({_OF_ONE[name].format(self._signed())})"
        if name in _OF_TWO:
            back, self.at = self.at, self.at + skip + length + 1
            one = self._signed()
            if self._peek() == "and" and self._begins(1):
                self.at += 1
                return f"(({one}){_OF_TWO[name]}({self._signed()}))"
            self.at = back  # a sum of 12 dollars
        return ""

    def _multiple(self) -> str:
        """`twice 7`, `double 7`, `half of 7`, `a third of 7`, `half a dozen`."""
        if self._peek() in _MULTIPLES:
            skip = 1 + (self._peek(1) == "of")
            if not self._begins(skip):
                raise _Nothing
            factor = _MULTIPLES[self._peek()]
            self.at += skip
            return f"({factor}*({self._signed()}))"
        skip = 1 if self._peek() in ("a", "an", "one") else 0
        part = self._peek(skip)
        if part not in PARTS or part.endswith("s"):
            return ""
        if self._peek(skip + 1) == "of" and self._begins(skip + 2):
            self.at += skip + 2
        elif part == "half" and self._begins(skip + 1) and self._peek(skip + 1) not in ("-", "+", "minus"):
            self.at += skip + 1
        elif part == "half" or self._peek() == "one":
            return ""
        elif skip and self._peek(skip + 1) in ("", "of"):
            self.at += skip + 1
            return f"(1/{PARTS[part]})"
        else:
            raise _Nothing
        return f"((1/{PARTS[part]})*({self._signed()}))"

    def _power(self) -> str:
        result = self._atom()
        while True:
            word, raw = self._peek(), self.tokens[self.at] if self.at < len(self.tokens) else ""
            if word in _POWERS:
                self.at, result = self.at + 1, f"({result})^{_POWERS[word]}"
            elif word in ("!", "factorial"):
                self.at, result = self.at + 1, f"({result})!"
            elif word == "^" and self._begins(1):
                self.at += 1
                result = f"({result})^({self._signed()})"
            elif raw in _SIZES and (len(raw) > 1 or self._touches()):
                self.at, result = self.at + 1, f"({result}*{_SIZES[raw]})"
            elif word in PARTS and word.endswith("s") and word != "quarters" and _IS_NUMBER.match(self._peek(-1)):
                self.at, result = self.at + 1, f"({result}/{PARTS[word]})"
            elif word == "and" and self._peek(1) in ("a", "one") and self._peek(2) in PARTS:
                self.at, result = self.at + 3, f"({result}+1/{PARTS[self._peek(2)]})"
            elif (word in ("%", "percent") or self._pair() == "per cent") and self.depth == 1:
                self.at, self.percent = self.at + (1 if word != "per" else 2), True
            elif word == "of" and self._begins(1) and (self.percent or "/" in result):
                self.at, result = self.at + 1, f"({result}{'/100' if self.percent else ''})"
                self.percent = False
                result = f"{result}*({self._signed()})"
            elif (power := self._to_the_power()) != "":
                result = f"({result})^({power})"
            else:
                return result

    def _touches(self) -> bool:
        """Whether this token follows the one before it without a space: 120k."""
        return self.at > 0 and self.spots[self.at][0] == self.spots[self.at - 1][1]

    def _to_the_power(self) -> str:
        """`to the fourth power`, `to the power of 4`, `raised to the 4th`."""
        at = self.at + (self._peek() == "raised")
        words = self.lower[at : at + 6]
        if words[:2] != ["to", "the"] or len(words) < 3:
            return ""
        if words[2:4] == ["power", "of"] and len(words) > 4:
            value, _ = leading_number(words[4:5])
            exponent, length = words[4] if words[4].isdigit() else str(value or ""), 5
        else:
            value, _ = leading_number(words[2:3])
            exponent = words[2] if words[2].isdigit() else str(ORDINALS.get(words[2], value or ""))
            length = 3
            length += len(words) > length and words[length] in ("st", "nd", "rd", "th")
            length += len(words) > length and words[length] == "power"
            if length == 3 and not exponent.isdigit():
                return ""
        if not exponent:
            return ""
        self.at = at + length
        return exponent

    def _atom(self) -> str:
        word = self._peek()
        if word == "(":
            self.at += 1
            inside = self._sum()
            if self._peek() != ")":
                raise _Nothing
            self.at += 1
            return f"({inside})"
        if _IS_NUMBER.match(word):
            self.at += 1
            return word
        skip = 1 if word in ("a", "an") and self._peek(1) in NUMBER_WORDS else 0
        words = [w for w in self.lower[self.at + skip : self.at + 24 + skip]]
        value, count = self._spelled(words)
        if value == "":
            raise _Nothing
        self.at += skip + count
        return value

    def _spelled(self, words: list[str]) -> tuple[str, int]:
        """A number in words (hyphens and `a` between them passed over) as text, and how many tokens it takes."""
        kept: list[str] = []
        places: list[int] = []
        for place, word in enumerate(words):
            if word == "-" and kept and kept[-1] in NUMBER_WORDS:
                continue
            if word == "a" and kept and kept[-1] == "and":
                continue
            if word not in NUMBER_WORDS and word not in PARTS and word not in ("and", "point"):
                break
            kept.append(word)
            places.append(place)
        value, count = leading_number(kept)
        if value is None:
            return "", 0
        return f"({value})" if value.denominator > 1 else str(value), places[count - 1] + 1
