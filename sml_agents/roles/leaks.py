"""Looks for a private answer in a text, kind by kind. `guard` says what counts and what does not."""

from __future__ import annotations

import html
import re
import urllib.parse
from collections.abc import Iterator, Sequence
from fractions import Fraction

from sml_agents.roles.calculations import about_own, bounded, in_digits, values_said
from sml_agents.roles.encodings import decodings, encoded_values
from sml_agents.text.answers import Kind, find_answer, find_answers, plain, read, spelled_numbers
from sml_agents.text.answers.plain import MAX_CHARS, NUMBER, number
from sml_agents.text.numerals import numbers_abroad
from sml_agents.text.sentences import sentences
from sml_agents.text.words import content_words, stem

__all__ = ["Secret"]

_NUMBER = re.compile(
    rf"(?<![\w.])(?P<digits>{NUMBER})(?:(?P<below> ?/ ?\d{{1,40}})(?!\d|\.\d))?(?P<percent> ?(?:%|percent))?"
    r"(?!\d|_|\.\d|(?:st|nd|rd|th)\b)"
)
_GLUED = re.compile(rf"(?<![\d.,])(?P<digits>{NUMBER})(?![\d,.]*\d)")
_PLACE = (
    r"factor of|steps?|part|lines?|turn|question|number|fact|hint|try|attempt|option|item|no\.|pages?|pp?\.|chapter"
    r"|section|figure|fig\.|table|exercise|example|problem|room|version|row|column|level|lesson|paragraph|equation"
)
_COUNTED = (
    r"steps?|facts?|hints?|parts?|things?|more tr(?:y|ies)|operations?|questions?|times too|mistakes?|errors?"
    r"|sentences?|words?|of your|ways?|reasons?|tries|attempts?"
)
_HARMLESS = re.compile(
    rf"\b(?:{_PLACE}) ?#?(?:{NUMBER})"
    rf"|(?<![\d.,])1?\d (?:{_COUNTED})\b"
    r"|^\s*\d{1,2}[.)](?=\s)"
    r"|(?<![\d:])(?:[01]?\d|2[0-4]):[0-5]\d(?![\d:])"
    r"|\b\d{1,3} ?(?:%|percent) (?:\w+ )?"
    r"(?:sure|certain|confident|of (?:your|my|the (?:way|work|time))|done|there|right)\b",
    re.IGNORECASE | re.MULTILINE,
)
_BACKWARD = re.compile(r"\b(?:revers|backward|flip|mirror|right to left)", re.IGNORECASE)
_DIGIT_RUN = re.compile(r"(?<![\w.])\d(?:(?:[ \-_]|, ?| then | and ){1,2}\d){1,30}(?![\w%]|\.\d)")
_DIGIT_HINT = re.compile(
    r"\bdigits?(?: is| are|:)? (?:an? |the )?(\d)\b|\b(\d) (?:is the|as the) \w+ digit", re.IGNORECASE
)
_DIGIT_PLACE = re.compile(
    r"\b(?:first|second|third|fourth|fifth|last|next|other|tens|ones|units?|hundreds)(?: (?:digit|place|one|figure))?"
    r"(?: is| are|:| =| comes| place is)? (?:an? |the )?(\d)(?!\d|\.\d)",
    re.IGNORECASE,
)
_WORDS = re.compile(r"[^\W_]+")
_KEYCAPS = str.maketrans(dict.fromkeys("\ufe0e\ufe0f\u20e3"))
_INVISIBLE = re.compile(
    "[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180e\u200b-\u200f\u202a-\u202e\u2060-\u206f\u3164\ufeff]"
)
_SMALL = 4
"""Spelled whole numbers below this are ordinary words (`one`, `two`) unless the sentence is about to say a value."""
_SAYS = re.compile(
    r"\b(?:is|are|be|equals?|gets?|gives?|makes?|want|to|left|have|has|say|only|exactly|just)\s+"
    r"(?:only |exactly |just |about )?$",
    re.IGNORECASE,
)
_ENDS = re.compile(r"\s*(?:$|[.!,;)]|\w+\s*(?:$|[.!,;)])|\w+ (?:is|are|in (?:all|total)|altogether|left)\b)")

_AT_PLACE = re.compile(rf"\b(?:{_PLACE}) ?$", re.IGNORECASE)
_CONFIRMED = re.compile(r" (?:\w+ )?(?:is|are|would be) (?:right|correct|it\b|the answer|what)", re.IGNORECASE)


class Secret:
    """A private answer and what of it is known already."""

    def __init__(self, answer: str, public: Sequence[str] = (), allowed: Sequence[str] = ()) -> None:
        self.answer = answer
        reading = read(answer)
        self.value = reading.value if reading.kind is Kind.VALUE else None
        self._is_small = self.value is not None and self.value.denominator == 1 and abs(self.value) < _SMALL
        self.words = _bare_words(answer)
        self.squeezed = "".join(plain(answer).casefold().split())
        self.public = public
        self.allowed = [statement for statement in allowed if statement.strip()]
        self.previous = public[-2] if len(public) > 1 else ""
        self.own = _value_given(public[-1]) if public else None

    def leak_in(self, text: str) -> str | None:
        """The kind of the first leak, or None."""
        if not self.words and not self.squeezed:
            return None
        stated = self._is_stated(text)
        if not stated and self._scan(text) is None:
            return None  # the common case: nothing to weigh against what is known
        if stated and not (self.public and self._is_stated(self.public[-1])):
            return "verbatim"
        return None if self._is_known() else self._scan(self._without_allowed(text))

    def _scan(self, text: str) -> str | None:
        text = _INVISIBLE.sub("", text)
        for piece in _pieces(text):
            spelled = plain(_HARMLESS.sub(" ", _decoded(piece).translate(_KEYCAPS)))
            if (kind := self._leak_in_piece(piece, spelled)) is not None:
                return kind
        return "split" if self._is_split(text) else None

    def blank(self, text: str, mask: str) -> str:
        """`text` with the answer's numbers or words replaced where they stand as such."""
        if self.value is not None:
            for start, end, value in reversed(list(spelled_numbers(text))):
                if value == self.value:
                    text = text[:start] + mask + text[end:]
            return _NUMBER.sub(lambda m: mask if self.value in _values_of(m) else m.group(), text)
        pattern = r"[\W_]+".join(re.escape(word) for word in self.words.split()[:200])
        return re.sub(rf"(?<!\w){pattern}(?!\w)", mask, text, flags=re.IGNORECASE) if pattern else text

    def _is_stated(self, text: str) -> bool:
        """Whether `text` calls this the answer."""
        return any(self._is_same(found.text) for found in find_answers(text, bare=False)[-8:])

    def _is_same(self, text: str) -> bool:
        if self.value is None:
            return _bare_words(text) == self.words
        reading = read(text)
        return reading.kind is Kind.VALUE and self.value in (reading.value, *_percent(reading.value, reading.percent))

    def _is_known(self) -> bool:
        """Whether the value is public already: then only calling it the answer gives it away."""
        if self.value is None:
            return any(_holds(_bare_words(text), self.words) for text in self.public)
        return any(
            self.value in _values_of(m)
            for text in self.public
            for p in _pieces(text)
            for m in _NUMBER.finditer(plain(p) if self._is_small else in_digits(plain(p)))
        )

    def _without_allowed(self, text: str) -> str:
        """`text` without the sentences that tell a fact which may be told."""
        for statement in self.allowed:
            text = re.sub(re.escape(statement), " ", text, flags=re.IGNORECASE)
        facts = [({stem(w) for w in content_words(s)}, set(re.findall(NUMBER, s))) for s in self.allowed]
        if not facts:
            return text

        def tells(sentence: str) -> bool:
            words = {stem(word) for word in content_words(sentence)}
            numbers = set(re.findall(NUMBER, sentence))
            return any(numbers <= known and numbers and 2 * len(words & stems) >= len(stems) for stems, known in facts)

        return "\n".join(sentence for sentence in sentences(text) if not tells(sentence))

    def _leak_in_piece(self, piece: str, spelled: str) -> str | None:
        if self.value is None:
            return self._words_leak(spelled)
        if (kind := self._number_leak(spelled)) is not None:
            return kind
        if self._is_spelled(spelled) or self._is_spaced_out(spelled):
            return "spelled"
        digits = _HARMLESS.sub(" ", in_digits(spelled))
        if self.value in values_said(digits):
            return "expression"
        if self.value in bounded(digits) or (self.own is not None and self.value in about_own(digits, self.own)):
            return "relative"
        return "encoded" if self.value in set(encoded_values(piece)) or self._is_backward(spelled) else None

    def _is_spelled(self, spelled: str) -> bool:
        """Whether the value stands in words: small ones only where a value is said, as they are ordinary words."""
        abroad = ((start, end, Fraction(value)) for start, end, value in numbers_abroad(spelled))
        for start, end, value in (*spelled_numbers(spelled), *abroad):
            if value != self.value:
                continue
            ordinary = self._is_small or spelled[start:end].casefold() == "half"
            if not ordinary or _says_value(spelled, start, end, value):
                return True
        return self.value in _parts_alone(spelled)

    def _number_leak(self, spelled: str) -> str | None:
        if self.value is None:
            return None
        size, kinds = abs(self.value), set()
        for found in _NUMBER.finditer(spelled):
            value = number(found["digits"])
            if value == size and not found["below"]:
                return "verbatim"
            if size in _values_of(found):
                kinds.add("expression" if found["below"] and size.denominator == 1 else "math")
        if size >= 100 and any(number(m["digits"]) == size for m in _GLUED.finditer(spelled)):
            return "verbatim"
        return max(kinds, default=None)

    def _words_leak(self, spelled: str) -> str | None:
        if len(self.words) < 3:
            return None  # a letter or `no`: only calling it the answer gives it away
        if _holds(_bare_words(spelled), self.words):
            return "verbatim"
        symbolic = not self.words.isascii() or re.search(r"[\\^=+*/]", self.squeezed)
        if symbolic and len(self.squeezed) >= 3 and self.squeezed in "".join(spelled.casefold().split()):
            return "verbatim"
        letters = self.words.replace(" ", "")
        if len(letters) >= 4 and letters in _bare_words(spelled[::-1]).replace(" ", ""):
            return "encoded"
        return "encoded" if any(_holds(_bare_words(text), self.words) for text in decodings(spelled)) else None

    def _is_spaced_out(self, spelled: str) -> bool:
        digits = _digits(self.value)
        if len(digits) < 2:
            return False
        runs = ["".join(re.findall(r"\d", run)) for run in _DIGIT_RUN.findall(spelled)]
        named = "".join(str(value) for _, _, value in spelled_numbers(spelled) if 0 <= value < 10)
        return digits in runs or (len(named) >= len(digits) and digits in named) or digits in _digits_hinted(spelled)

    def _is_backward(self, spelled: str) -> bool:
        digits = _digits(self.value)
        if len(digits) < 2 or (len(digits) < 4 and not _BACKWARD.search(spelled)):
            return False
        return (
            any(m["digits"].replace(",", "") == digits[::-1] for m in _NUMBER.finditer(spelled))
            and digits != digits[::-1]
        )

    def _is_split(self, text: str) -> bool:
        """Whether the end of the teacher's turn before and the beginning of this one, or their digit hints, make it."""
        digits = _digits(self.value)
        if self.value is None or len(digits) < 2 or not self.previous:
            return False
        before, after = plain(self.previous[-MAX_CHARS:]), plain(text)
        tail, head = re.search(r"(\d+)\W*$", before), re.match(r"\W*(\d+)", after)
        if tail and head and tail[1] + head[1] == digits:
            return True
        if digits in _digits_hinted(f"{before} {after}") and (_DIGIT_PLACE.search(after) or _DIGIT_HINT.search(after)):
            return True
        before, after = in_digits(before), _HARMLESS.sub(" ", in_digits(after))
        return self.value in values_said(f"{before[-_TAIL:]} {after[:_TAIL]}") and self.value not in values_said(before)


def _value_given(text: str) -> Fraction | None:
    """The value that a student's turn gives as its answer."""
    found = find_answer(text)
    reading = read(found.text) if found is not None else None
    return reading.value if reading is not None and reading.kind is Kind.VALUE else None


def _says_value(text: str, start: int, end: int, value: Fraction) -> bool:
    """Whether a small number word stands as a value: `It is two.`, `Two dollars is right.`, not `That is one way.`"""
    before, rest = text[max(0, start - 40) : start], text[end : end + 40]
    if _AT_PLACE.search(before):
        return False
    if _CONFIRMED.match(rest) and (value != 1 or not re.match(r" (?:is|are|would)", rest)):
        return True
    return bool(_SAYS.search(before) and _ENDS.match(rest)) and (value != 1 or not re.match(r" ?\w", rest))


def _parts_alone(text: str) -> set[Fraction]:
    """`a quarter`, where it is not a part of something."""
    found = re.findall(
        r"\b(?:a|one) (half|third|quarter|fifth|sixth|eighth|tenth)\b(?! (?:of|time|way|hour))", text, re.I
    )
    return {next(iter(spelled_numbers(f"one {part.casefold()}")))[2] for part in found}


def _digits_hinted(text: str) -> set[str]:
    """The digits that a text describes by their places, in the order of the text."""
    hints = {"".join(a or b for a, b in _DIGIT_HINT.findall(text))}
    if re.search(r"\bdigits?\b|\bplaces?\b|\btens\b", text, re.IGNORECASE):
        digits = in_digits(text)
        hints.add("".join(_DIGIT_PLACE.findall(digits)))
    return hints - {""}


_TAIL = 200


def _pieces(text: str) -> Iterator[str]:
    """`text` in overlapping parts that `plain` reads whole."""
    step, overlap = MAX_CHARS - 200, 200
    for start in range(0, max(len(text), 1), step):
        yield text[start : start + step + overlap]


def _decoded(text: str) -> str:
    if "&" in text:
        text = html.unescape(text)
    if re.search(r"%[0-9A-Fa-f]{2}", text):
        text = urllib.parse.unquote(text, errors="replace")
    return re.sub(r"\\u00([0-9a-fA-F]{2})", lambda m: chr(int(m[1], 16)), text)


def _values_of(found: re.Match[str]) -> tuple[Fraction, ...]:
    value = number(found["digits"])
    if value is None:
        return ()
    if found["below"]:
        below = int(found["below"].strip(" /"))
        return (value / below, value) if below else (value,)
    return (value, *_percent(value, bool(found["percent"])))


def _percent(value: Fraction | None, percent: bool) -> tuple[Fraction, ...]:
    return (value / 100,) if percent and value is not None else ()


def _digits(value: Fraction | None) -> str:
    return str(value.numerator) if value is not None and value.denominator == 1 and value >= 0 else ""


def _bare_words(text: str) -> str:
    return " ".join(word for word in _WORDS.findall(plain(text).casefold()) if word != "and")


def _holds(text: str, words: str) -> bool:
    return bool(words) and f" {words} " in f" {text} "
