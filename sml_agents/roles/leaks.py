"""Looks for a private answer in a text, kind by kind. `guard` says what counts and what does not."""

from __future__ import annotations

import html
import re
import urllib.parse
from collections.abc import Iterator, Sequence
from fractions import Fraction
from functools import cached_property

from sml_agents.roles.calculations import about_own, bounded, in_digits, may_be_about_own, may_calculate, values_said
from sml_agents.roles.encodings import decodings, encoded_values
from sml_agents.text.answers import Kind, find_answer, find_answers, plain, read, spelled_numbers
from sml_agents.text.answers.plain import MAX_CHARS, NUMBER, number
from sml_agents.text.letters import folded, words_in
from sml_agents.text.numbers import PARTS
from sml_agents.text.numerals import numbers_abroad
from sml_agents.text.sentences import sentences
from sml_agents.text.words import content_words, stem

__all__ = ["Secret"]

_NUMBER = re.compile(
    rf"(?=[\d.])(?<![\w.])(?P<digits>{NUMBER})(?:(?P<below> ?/ ?\d{{1,40}})(?!\d|\.\d))?(?P<percent> ?(?:%|percent))?"
    r"(?!\d|_|\.\d|(?:st|nd|rd|th)\b)"
)
_GLUED = re.compile(rf"(?<![\d.,])(?P<digits>{NUMBER})(?![\d,.]*\d)")
_PLACES = (
    *("step", "steps", "part", "line", "lines", "turn", "question", "number", "fact", "hint", "try", "attempt"),
    *("option", "item", "page", "pages", "chapter", "section", "figure", "table", "exercise", "example", "problem"),
    *("room", "version", "row", "column", "level", "lesson", "paragraph", "equation"),
)
_PLACE = rf"factor of|no\.|pp?\.|fig\.|{'|'.join(_PLACES)}"
_COUNTED = (
    *("step", "steps", "fact", "facts", "hint", "hints", "part", "parts", "thing", "things", "operation", "operations"),
    *("question", "questions", "mistake", "mistakes", "error", "errors", "sentence", "sentences", "word", "words"),
    *("way", "ways", "reason", "reasons", "attempt", "attempts", "tries"),
)
_HARMLESS = re.compile(
    rf"\b(?:{_PLACE}) ?#?(?:{NUMBER})"
    r"|^\s*\d{1,2}[.)](?=\s)|(?=\d)(?:"
    rf"(?<![\d.,])1?\d (?:more tr(?:y|ies)|times too|of your|{'|'.join(_COUNTED)})\b"
    r"|(?<![\d:])(?:[01]?\d|2[0-4]):[0-5]\d(?![\d:])"
    r"|\b\d{1,3} ?(?:%|percent) (?:\w+ )?"
    r"(?:sure|certain|confident|of (?:your|my|the (?:way|work|time))|done|there|right)\b)",
    re.MULTILINE,
)
_HARMLESS_CUES = frozenset((*_PLACES, *_COUNTED, "factor", "no", "p", "pp", "fig", "more", "times", "your", "percent"))
_HARMLESS_SIGNS = re.compile(r"[:%]|\d[.)]\s")
_DIGIT = re.compile(r"\d")
_SEPARATORS = str.maketrans(dict.fromkeys(",.' "))
_BACKWARD = re.compile(r"\b(?:revers|backward|flip|mirror|right to left)")
_DIGIT_RUN = re.compile(r"(?<![\w.])\d(?:(?:[ \-_]|, ?| then | and ){1,2}\d){1,30}(?![\w%]|\.\d)")
_DIGIT_HINT = re.compile(r"\bdigits?(?: is| are|:)? (?:an? |the )?(\d)\b|\b(\d) (?:is the|as the) \w+ digit")
_DIGIT_PLACE = re.compile(
    r"\b(?:first|second|third|fourth|fifth|last|next|other|tens|ones|units?|hundreds)(?: (?:digit|place|one|figure))?"
    r"(?: is| are|:| =| comes| place is)? (?:an? |the )?(\d)(?!\d|\.\d)",
)
_PART = (
    r"(?: off| up)?(?: with| in| on| by| as)? (?:an? |the )?(?:digits? |numbers? |figures? )?[\"']?(\d{1,20})"
    r"(?!\d|\.\d|,\d|%)"
)
_BEGINS_WITH = re.compile(rf"\b(?:begins|starts|beginning|starting){_PART}")
_ENDS_WITH = re.compile(rf"\b(?:ends|finishes|ending|finishing){_PART}")
_HINTS = (_DIGIT_PLACE, _DIGIT_HINT, _BEGINS_WITH, _ENDS_WITH)
_MOST_HINTS = 4
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
)
_ENDS = re.compile(r"\s*(?:$|[.!,;)]|\w+\s*(?:$|[.!,;)])|\w+ (?:is|are|in (?:all|total)|altogether|left)\b)")

_AT_PLACE = re.compile(rf"\b(?:{_PLACE}) ?$")
_CONFIRMED = re.compile(r" (?:\w+ )?(?:is|are|would be) (?:right|correct|it\b|the answer|what)")


class Secret:
    """A private answer and what of it is known already."""

    def __init__(self, answer: str, public: Sequence[str] = (), allowed: Sequence[str] = ()) -> None:
        self.answer = answer
        reading = read(answer)
        self.value = reading.value if reading.kind is Kind.VALUE else None
        self.digits = _digits(self.value)
        self.figures = _figures(self.value)
        self._is_small = self.value is not None and self.value.denominator == 1 and abs(self.value) < _SMALL
        self.words = _bare_words(answer)
        self.squeezed = "".join(plain(answer).casefold().split())
        self.public = public
        self.allowed = [statement for statement in allowed if statement.strip()]
        self.previous = public[-2] if len(public) > 1 else ""

    @cached_property
    def own(self) -> Fraction | None:
        """The value that the student has just given as its answer."""
        return _value_given(self.public[-1]) if self.public else None

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
        if not text.isascii():
            text = _INVISIBLE.sub("", text)
        for piece in _pieces(text):
            spelled = plain(_without_harmless(_decoded(piece)))
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
            for m in _NUMBER.finditer(plain(p) if self._is_small else in_digits(folded(plain(p))))
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
        lower = folded(spelled)
        named = list(spelled_numbers(lower))
        if self._is_spelled(lower, named) or self._is_spaced_out(lower, named):
            return "spelled"
        digits = _without_harmless(in_digits(lower))
        if self.value in values_said(digits):
            return "expression"
        if self.value in bounded(digits):
            return "relative"
        if may_be_about_own(digits) and self.own is not None and self.value in about_own(digits, self.own):
            return "relative"
        return "encoded" if self.value in encoded_values(piece) or self._is_backward(lower) else None

    def _is_spelled(self, lower: str, named: Sequence[tuple[int, int, Fraction]]) -> bool:
        """Whether the value stands in words: small ones only where a value is said, as they are ordinary words."""
        said: list[tuple[int, int, Fraction | int]] = [*named, *numbers_abroad(lower)]
        for start, end, value in said:
            if value != self.value:
                continue
            ordinary = self._is_small or lower[start:end] == "half"
            if not ordinary or _says_value(lower, start, end, Fraction(value)):
                return True
        return self.value in _parts_alone(lower)

    def _number_leak(self, spelled: str) -> str | None:
        if self.value is None:
            return None
        if self.figures not in spelled.translate(_SEPARATORS) and "/" not in spelled and spelled.isascii():
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

    def _is_spaced_out(self, lower: str, named: Sequence[tuple[int, int, Fraction]]) -> bool:
        if len(self.digits) < 2:
            return False
        if self.digits in "".join(str(value) for _, _, value in named if 0 <= value < 10):
            return True
        runs = _DIGIT_RUN.findall(lower) if all(digit in lower for digit in self.digits) else ()
        return any(self.digits == "".join(_DIGIT.findall(run)) for run in runs) or self.digits in _digits_hinted(lower)

    def _is_backward(self, lower: str) -> bool:
        backward = self.digits[::-1]
        if len(backward) < 2 or backward == self.digits or (len(backward) < 4 and not _BACKWARD.search(lower)):
            return False
        return any(found["digits"].replace(",", "") == backward for found in _NUMBER.finditer(lower))

    def _is_split(self, text: str) -> bool:
        """Whether the end of the teacher's turn before and the beginning of this one, or their digit hints, make it."""
        if self.value is None or len(self.digits) < 2 or not self.previous:
            return False
        before, after = folded(plain(self.previous[-MAX_CHARS:])), folded(plain(text))
        head = re.match(r"\W*(\d+)", after)
        tail = re.search(r"(\d+)\W*$", before) if head else None
        if tail and head and tail[1] + head[1] == self.digits:
            return True
        hinted = _digits_hinted(f"{before} {after}")
        if self.digits in hinted and any(hint.search(in_digits(after)) for hint in _HINTS):
            return True
        if not (may_calculate(before) or may_calculate(after)):
            return False
        before, after = in_digits(before), _without_harmless(in_digits(after))
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
    if PARTS.keys().isdisjoint(words_in(text)):
        return set()
    found = re.findall(r"\b(?:a|one) (half|third|quarter|fifth|sixth|eighth|tenth)\b(?! (?:of|time|way|hour))", text)
    return {Fraction(1, PARTS[part]) for part in found}


def _digits_hinted(text: str) -> set[str]:
    """The digits that a text describes: by their places, in the order of the text, or by how the number begins and
    ends."""
    if not any(cue in text for cue in ("digit", "place", "tens", "begin", "start")):
        return set()
    hints = {"".join(a or b for a, b in _DIGIT_HINT.findall(text))}
    digits = in_digits(text)
    if re.search(r"\bdigits?\b|\bplaces?\b|\btens\b", text):
        hints.add("".join(_DIGIT_PLACE.findall(digits)))
    for begin in _BEGINS_WITH.findall(digits)[-_MOST_HINTS:]:
        for end in _ENDS_WITH.findall(digits)[-_MOST_HINTS:]:
            hints.add(begin + end)
            if begin.endswith("0" * len(end)):
                hints.add(begin[: -len(end)] + end)  # thirty and nine
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
    if "%" in text and re.search(r"%[0-9A-Fa-f]{2}", text):
        text = urllib.parse.unquote(text, errors="replace")
    if "\\" in text:
        text = re.sub(r"\\u00([0-9a-fA-F]{2})", lambda m: chr(int(m[1], 16)), text)
    return text if text.isascii() else text.translate(_KEYCAPS)


def _without_harmless(text: str) -> str:
    """`text` with a space for every number that says no quantity: `step 2`, `2 hints`, `2.` of a list, `2:30`."""
    if not _DIGIT.search(text):
        return text
    lower = folded(text)
    if _HARMLESS_CUES.isdisjoint(words_in(lower)) and not _HARMLESS_SIGNS.search(lower):
        return text
    parts, at = [], 0
    for found in _HARMLESS.finditer(lower):
        parts += [text[at : found.start()], " "]
        at = found.end()
    return "".join([*parts, text[at:]])


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


def _figures(value: Fraction | None) -> str:
    """The figures that stand side by side, separators left out, wherever a value is written without a fraction bar,
    be it with an exponent or as a percentage; all that is certain of 2/3 is that there is none: a bar."""
    if value is None:
        return ""
    tenths = value.denominator
    for prime in (2, 5):
        while tenths % prime == 0:
            tenths //= prime
    return (
        str(abs(value.numerator) * 10 ** value.denominator.bit_length() // value.denominator).strip("0")
        if tenths == 1
        else "/"
    )


def _bare_words(text: str) -> str:
    return " ".join(word for word in _WORDS.findall(plain(text).casefold()) if word != "and")


def _holds(text: str, words: str) -> bool:
    return bool(words) and f" {words} " in f" {text} "
