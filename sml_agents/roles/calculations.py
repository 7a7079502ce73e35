"""The values that a text has computed, or lets its reader compute, in signs and in words.

values_said(text)          `6 * 7`, `forty minus one`, `6 boxes of 7, minus the 3`, `3 tens and 9 ones`, `half of 78`
bounded(text)              the whole number that lies alone between two bounds: `more than 38 but less than 40`
about_own(text, own)       what it says relative to the reader's own value: `Your answer is one too high.`

Calculations are rewritten into their values until none is left, so that each may go on with the one before it. A rule
for the wordings of teachers, in linear time for one pass and a bounded number of passes.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from fractions import Fraction

from sml_agents.text.answers import evaluate, spelled_numbers
from sml_agents.text.numerals import numbers_abroad

__all__ = ["about_own", "bounded", "in_digits", "values_said"]

_MOST_PASSES = 8
_BIGGEST = 10**15
_N = r"(?<![\w.])(-?\d[\d,]*(?:\.\d+)?(?:/\d+)?)(?![\w/]|[.,]\d)"
_F = r"(?:[^\d.!?;:\n]{0,30}?(?<![\w/]))?"
"""Few words between."""
_THEN = r"[^\d!?\n]{0,30}?[,.;:]?\s*(?:(?:and|then|now|next|after that|afterwards|finally|first|but|you)[\s,]+){0,3}"
_PARTS = {"half": 2, "third": 3, "quarter": 4, "fourth": 4, "fifth": 5, "sixth": 6, "eighth": 8, "tenth": 10}
_PLACES = {"tens": 10, "hundreds": 100, "thousands": 1000, "dozens": 12, "dozen": 12, "dozen of": 12}
_NUMBERED = {
    **{"twos": 2, "threes": 3, "fours": 4, "fives": 5, "sixes": 6, "sevens": 7, "eights": 8, "nines": 9},
    **{"elevens": 11, "twelves": 12, "twenties": 20},
}

Compute = Callable[..., Fraction | int | None]


def _rule(pattern: str, compute: Compute) -> tuple[re.Pattern[str], Compute]:
    return re.compile(pattern, re.IGNORECASE), compute


def _divided(a: Fraction, b: Fraction) -> Fraction | None:
    return a / b if b else None


def _root(a: Fraction) -> Fraction | None:
    value = Fraction(round(float(a) ** 0.5)) if 0 <= a < _BIGGEST else None
    return value if value is not None and value * value == a else None


_TIMES = r"(?:times|multiplied by|multiply (?:it |that |this )?by|mal|fois|veces|volte|vezes|keer|maal|por)"
_PLUS = r"(?:plus|and add|increased by|added to|m\u00e1s|pi\u00f9|mais)"
_MINUS = r"(?:minus|less(?! than)|decreased by|reduced by|without|moins|menos|meno|weniger)"
_OVER = r"(?:divided by|over|split (?:by|among|between|into)|geteilt durch|divis\u00e9 par)"
_TAKE = r"(?:subtract|subtracting|minus|take away|taking away|take off|remove|deduct|less)(?! than)"
_RULES: list[tuple[re.Pattern[str], Compute]] = [
    _rule(rf"\b({'|'.join(_PARTS)}) (?:of|as many as|as much as) {_F}{_N}", lambda p, a: a / _PARTS[p]),
    _rule(rf"{_N} of {_F}{_N}", lambda a, b: a * b if a.denominator > 1 else None),
    _rule(rf"{_N} [^\W\d]+ of {_N}", lambda a, b: a * b),
    _rule(rf"\b(?:double|twice|doubling|two times) {_F}{_N}", lambda a: 2 * a),
    _rule(rf"\b(?:triple|thrice|tripling) {_F}{_N}", lambda a: 3 * a),
    _rule(rf"\bhalv(?:e|ing) {_F}{_N}", lambda a: a / 2),
    _rule(rf"{_N},? (?:squared|to the power of 2)\b", lambda a: a * a),
    _rule(rf"{_N},? cubed\b", lambda a: a**3),
    _rule(rf"\bsquare root of {_F}{_N}", _root),
    _rule(rf"\b(?:square|squaring)(?: of)? {_F}{_N}", lambda a: a * a),
    _rule(rf"{_N} tens,? (?:and |plus )?{_N} (?:ones|units)\b", lambda a, b: 10 * a + b),
    _rule(rf"{_N} (dozens?(?: of)?|tens|hundreds|thousands)\b", lambda a, p: a * _PLACES[p.casefold()]),
    _rule(rf"{_N} (?:ones|units)\b", lambda a: a),
    _rule(rf"{_N} ({'|'.join(_NUMBERED)})\b", lambda a, p: a * _NUMBERED[p.casefold()]),
    _rule(rf"{_N}{_F}\b{_TIMES}\b{_F}{_N}", lambda a, b: a * b),
    _rule(rf"\bmultipl(?:y|ying|ied) {_F}{_N}{_F}\b(?:by|with|and|times) {_F}{_N}", lambda a, b: a * b),
    _rule(rf"\bproduct of {_F}{_N}{_F}\b(?:and|with) {_F}{_N}", lambda a, b: a * b),
    _rule(rf"{_N}{_F}\b{_OVER}\b{_F}{_N}", _divided),
    _rule(rf"\bdivid(?:e|ing) {_F}{_N}{_F}\b(?:by|among|between|into) {_F}{_N}", _divided),
    _rule(rf"\bquotient of {_F}{_N}{_F}\band {_F}{_N}", _divided),
    _rule(rf"{_N}{_F}\b(?:less|fewer|lower|smaller) than {_F}{_N}", lambda a, b: b - a),
    _rule(rf"{_N}{_F}\b(?:more|greater|higher|larger|above|over) than {_F}{_N}", lambda a, b: b + a),
    _rule(rf"\b(?:subtract|subtracting|take|taking|deduct)(?: away)? {_F}{_N}{_F}\bfrom {_F}{_N}", lambda a, b: b - a),
    _rule(rf"\bdifference (?:of|between) {_F}{_N}{_F}\band {_F}{_N}", lambda a, b: abs(a - b)),
    _rule(rf"\b(?:add|adding) {_F}{_N}{_F}\b(?:to|and|with) {_F}{_N}", lambda a, b: a + b),
    _rule(rf"\b(?:sum|total)(?: of| up)? {_F}{_N}{_F}(?:,|\band\b|\bplus\b) ?{_F}{_N}", lambda a, b: a + b),
    _rule(rf"{_N}{_F}\b{_PLUS}\b{_F}{_N}", lambda a, b: a + b),
    _rule(rf"{_N}{_F}\b{_MINUS}\b{_F}{_N}", lambda a, b: a - b),
    _rule(rf"\b(?:number|integer|one|value) (?:right |just |directly )?(?:after|following) {_F}{_N}", lambda a: a + 1),
    _rule(rf"\b(?:number|integer|one|value) (?:right |just |directly )?(?:before|preceding) {_F}{_N}", lambda a: a - 1),
    _rule(rf"{_N}{_THEN}\b(?:add|adding|plus) {_F}{_N}", lambda a, b: a + b),
    _rule(rf"{_N}{_THEN}\b{_TAKE} {_F}{_N}", lambda a, b: a - b),
    _rule(rf"{_N}{_THEN}\b(?:multiply by|multiply (?:it|that|this) by|times) {_F}{_N}", lambda a, b: a * b),
    _rule(rf"{_N}{_THEN}\bdivide (?:it |that |this )?by {_F}{_N}", _divided),
    _rule(rf"{_N}{_THEN}\bhalve it\b", lambda a: a / 2),
    _rule(rf"{_N}{_THEN}\bdouble it\b", lambda a: 2 * a),
    _rule(rf"{_N} and {_N}(?= *(?:[.,;\n]|$))", lambda a, b: a + b if a >= 10 > b and a % 10 == 0 else None),
]
_OPERATES = re.compile(
    rf"\b(?:{_TIMES}|{_PLUS}|{_MINUS}|{_OVER}|{_TAKE}|of|squared|cubed|dozens?|tens|hundreds|thousands|ones|units"
    rf"|{'|'.join(_NUMBERED)}|multipl\w+|divid\w+|less|fewer|lower|smaller|more|greater|higher|larger|above|over|add"
    r"|adding|halve|double)\b"
    rf"|\b(?:{'|'.join(_PARTS)}|double|doubling|twice|triple|tripling|thrice|halv\w+|square|squaring|root|multipl\w+|product"
    r"|divid\w+|quotient|subtract\w*|tak\w+|deduct|difference|add|adding|sum|total|after|following|before|preceding)\b",
    re.IGNORECASE,
)
_TOO_BIG = r"(?:too (?:high|large|big|great|many|much)|over|above|more than (?:it|the answer|the result|that))"
_TOO_SMALL = r"(?:too (?:low|small|little|few)|short|below|under|less than (?:it|the answer|the result|that))"
_OWN = re.compile(
    r"\b(?:your|that|this) (?:last |first |own |current |previous )?"
    r"(?:answer|result|number|value|guess|attempt|total)\b"
    r"|\byours\b|\bwhat you (?:got|have|had|said|wrote|found)\b",
    re.IGNORECASE,
)
_RELATIVE: list[tuple[re.Pattern[str], Compute]] = [
    _rule(rf"{_N} (?:\w+ )?{_TOO_BIG}", lambda own, a: own - a),
    _rule(rf"{_TOO_BIG} by {_F}{_N}", lambda own, a: own - a),
    _rule(rf"{_N} (?:\w+ )?{_TOO_SMALL}", lambda own, a: own + a),
    _rule(rf"{_TOO_SMALL} by {_F}{_N}", lambda own, a: own + a),
    _rule(rf"\b(?:off|wrong|differs?|away) by {_F}{_N}", lambda own, a: own + a),
    _rule(rf"\b(?:off|wrong|differs?|away) by {_F}{_N}", lambda own, a: own - a),
    _rule(rf"\b(?:add|plus) {_F}{_N}{_F}(?: more)?(?=[.!,]|$| and)", lambda own, a: own + a),
    _rule(rf"\b(?:subtract|take away|minus) {_F}{_N}{_F}(?=[.!,]|$| and)", lambda own, a: own - a),
    _rule(rf"\bfactor of {_F}{_N}", lambda own, a: own * a),
    _rule(rf"\bfactor of {_F}{_N}", lambda own, a: own / a if a else None),
    _rule(rf"{_N} times (?:too|as) (?:large|big|high|much|many)", lambda own, a: own / a if a else None),
    _rule(rf"{_N} times (?:too|as) (?:small|low|little|few)", lambda own, a: own * a),
    _rule(r"\b(?:twice|double) (?:too|as) (?:large|big|high|much|many)", lambda own: own / 2),
    _rule(r"\bhalf (?:too|as|of what|what)\b", lambda own: own * 2),
]
_BOUNDS = [
    re.compile(rf"\bbetween {_F}{_N}{_F}\band {_F}{_N}", re.IGNORECASE),
    re.compile(
        rf"\b(?:more|greater|larger|higher|bigger|above|over|exceeds)(?: than)? {_F}{_N}{_F},? ?"
        rf"\b(?:but|and|yet)\b{_F}\b"
        rf"(?:less|smaller|lower|fewer|below|under)(?: than)? {_F}{_N}",
        re.IGNORECASE,
    ),
]
_EXPRESSION = re.compile(r"[(\d][\d.,()+\-*/^x\s]{1,200}[\d)]")
_TIMES_SIGN = re.compile(r"(?<=[\d)])\s*x\s*(?=[\d(])")
_FRACTION = re.compile(r"\d+/\d+")
_PART_ALONE = re.compile(rf"\b(?:a|one) ({'|'.join(_PARTS)})\b", re.IGNORECASE)


def in_digits(text: str) -> str:
    """`text` with its spelled numbers in digits."""
    text = _PART_ALONE.sub(lambda m: f"1/{_PARTS[m[1].casefold()]}", text)
    text = _replaced(text, list(spelled_numbers(text)))
    return _replaced(text, list(numbers_abroad(text)))


def values_said(text: str) -> Iterator[Fraction]:
    """The values of the calculations in a text whose numbers are in digits."""
    text = _TIMES_SIGN.sub(" * ", text)
    for found in _EXPRESSION.finditer(text):
        run = found.group().strip(" .,")
        for part in (run, *re.split(r"\s{2,}|, |\n", run)):
            if re.search(r"[\d)]\s*[-+*/^]", part) and not _FRACTION.fullmatch(part):
                value = evaluate(part)
                if value is not None:
                    yield value
    text = _EXPRESSION.sub(_evaluated, text)
    if not (_OPERATES.search(text) and re.search(r"\d", text)):
        return
    values: list[Fraction] = []
    for _ in range(_MOST_PASSES):
        before = text
        for pattern, compute in _RULES:
            text = pattern.sub(lambda found, compute=compute: _computed(found, compute, values), text)  # type: ignore[misc]
        if text == before:
            break
    yield from values


def bounded(text: str) -> Iterator[Fraction]:
    """Whole numbers that lie alone between two bounds."""
    for pattern in _BOUNDS:
        for low, high in pattern.findall(text):
            one, other = _value(low), _value(high)
            if one is not None and other is not None:
                first = int(min(one, other) // 1) + 1
                above = max(one, other)
                if first < above and above <= first + 1:
                    yield Fraction(first)


def about_own(text: str, own: Fraction) -> Iterator[Fraction]:
    """The values that a text gives by their relation to the reader's `own`."""
    for pattern, compute in _RELATIVE:
        for found in pattern.finditer(text):
            values = [_value(group) for group in found.groups()]
            if all(one is not None for one in values) and (value := compute(own, *values)) is not None:
                yield Fraction(value)
    named = _OWN.sub(_shown(own), text)
    if named != text:
        yield from values_said(named)


def _evaluated(found: re.Match[str]) -> str:
    run = found.group().strip(" .,")
    value = evaluate(run) if re.search(r"[\d)]\s*[-+*/^]", run) else None
    return found.group() if value is None else found.group().replace(run, _shown(value))


def _computed(found: re.Match[str], compute: Compute, values: list[Fraction]) -> str:
    given: list[Fraction | str | None] = [
        _value(group) if group[:1].isdigit() or group[:1] == "-" else group.casefold() for group in found.groups()
    ]
    value = compute(*given) if all(one is not None for one in given) else None
    if value is None or abs(Fraction(value)) > _BIGGEST or Fraction(value).denominator > _BIGGEST:
        return found.group()
    values.append(Fraction(value))
    return _shown(Fraction(value))


def _value(text: str) -> Fraction | None:
    try:
        return Fraction(text.replace(",", "")) if len(text) < 30 else None
    except (ValueError, ZeroDivisionError):
        return None


def _shown(value: Fraction) -> str:
    return str(value)


def _replaced(text: str, spans: list[tuple[int, int, Fraction | int]]) -> str:
    pieces, at = [], 0
    for start, end, value in spans:
        pieces += [text[at:start], str(value)]
        at = end
    return "".join([*pieces, text[at:]])
