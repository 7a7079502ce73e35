"""The values that a text has computed, or lets its reader compute, in signs and in words.

values_said(text)          `6 * 7`, `forty minus one`, `6 boxes of 7, minus the 3`, `3 tens and 9 ones`, `half of 78`
bounded(text)              the whole number that lies alone between two bounds: `more than 38 but less than 40`
about_own(text, own)       what it says relative to the reader's own value: `Your answer is one too high.`

Calculations are rewritten into their values until none is left, so that each may go on with the one before it. A rule
for the wordings of teachers, in linear time for one pass and a bounded number of passes. Texts are folded (see
`text.letters`); a rule whose cues, the words of which it needs one, a text has not is not tried.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from fractions import Fraction
from typing import NamedTuple

from sml_agents.text.answers import evaluate, spelled_numbers
from sml_agents.text.letters import words_in
from sml_agents.text.numerals import numbers_abroad

__all__ = ["about_own", "bounded", "in_digits", "may_be_about_own", "may_calculate", "values_said"]

_MOST_PASSES = 8
_BIGGEST = 10**15
_N = r"(?=[-\d])(?<![\w.])(-?\d[\d,]*(?:\.\d+)?(?:/\d+)?)(?![\w/]|[.,]\d)"
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


class _Rule(NamedTuple):
    cues: frozenset[str]
    pattern: re.Pattern[str]
    compute: Compute


def _rule(cues: str, pattern: str, compute: Compute) -> _Rule:
    """`cues`: runs of ASCII letters, of which every text that the pattern matches has one."""
    return _Rule(frozenset(cues.split()), re.compile(pattern), compute)


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
_RULES: list[_Rule] = [
    _rule(
        " ".join(_PARTS), rf"\b({'|'.join(_PARTS)}) (?:of|as many as|as much as) {_F}{_N}", lambda p, a: a / _PARTS[p]
    ),
    _rule("of", rf"{_N} of {_F}{_N}", lambda a, b: a * b if a.denominator > 1 else None),
    _rule("of", rf"{_N} [^\W\d]+ of {_N}", lambda a, b: a * b),
    _rule("double twice doubling two", rf"\b(?:double|twice|doubling|two times) {_F}{_N}", lambda a: 2 * a),
    _rule("triple thrice tripling", rf"\b(?:triple|thrice|tripling) {_F}{_N}", lambda a: 3 * a),
    _rule("halve halving", rf"\bhalv(?:e|ing) {_F}{_N}", lambda a: a / 2),
    _rule("squared power", rf"{_N},? (?:squared|to the power of 2)\b", lambda a: a * a),
    _rule("cubed", rf"{_N},? cubed\b", lambda a: a**3),
    _rule("root", rf"\bsquare root of {_F}{_N}", _root),
    _rule("square squaring", rf"\b(?:square|squaring)(?: of)? {_F}{_N}", lambda a: a * a),
    _rule("tens", rf"{_N} tens,? (?:and |plus )?{_N} (?:ones|units)\b", lambda a, b: 10 * a + b),
    _rule(
        "dozen dozens tens hundreds thousands",
        rf"{_N} (dozens?(?: of)?|tens|hundreds|thousands)\b",
        lambda a, p: a * _PLACES[p],
    ),
    _rule("ones units", rf"{_N} (?:ones|units)\b", lambda a: a),
    _rule(" ".join(_NUMBERED), rf"{_N} ({'|'.join(_NUMBERED)})\b", lambda a, p: a * _NUMBERED[p]),
    _rule(
        "times multiplied multiply mal fois veces volte vezes keer maal por",
        rf"{_N}{_F}\b{_TIMES}\b{_F}{_N}",
        lambda a, b: a * b,
    ),
    _rule(
        "multiply multiplying multiplied",
        rf"\bmultipl(?:y|ying|ied) {_F}{_N}{_F}\b(?:by|with|and|times) {_F}{_N}",
        lambda a, b: a * b,
    ),
    _rule("product", rf"\bproduct of {_F}{_N}{_F}\b(?:and|with) {_F}{_N}", lambda a, b: a * b),
    _rule("divided over split geteilt divis", rf"{_N}{_F}\b{_OVER}\b{_F}{_N}", _divided),
    _rule("divide dividing", rf"\bdivid(?:e|ing) {_F}{_N}{_F}\b(?:by|among|between|into) {_F}{_N}", _divided),
    _rule("quotient", rf"\bquotient of {_F}{_N}{_F}\band {_F}{_N}", _divided),
    _rule("than", rf"{_N}{_F}\b(?:less|fewer|lower|smaller) than {_F}{_N}", lambda a, b: b - a),
    _rule("than", rf"{_N}{_F}\b(?:more|greater|higher|larger|above|over) than {_F}{_N}", lambda a, b: b + a),
    _rule(
        "from",
        rf"\b(?:subtract|subtracting|take|taking|deduct)(?: away)? {_F}{_N}{_F}\bfrom {_F}{_N}",
        lambda a, b: b - a,
    ),
    _rule("difference", rf"\bdifference (?:of|between) {_F}{_N}{_F}\band {_F}{_N}", lambda a, b: abs(a - b)),
    _rule("add adding", rf"\b(?:add|adding) {_F}{_N}{_F}\b(?:to|and|with) {_F}{_N}", lambda a, b: a + b),
    _rule(
        "sum total", rf"\b(?:sum|total)(?: of| up)? {_F}{_N}{_F}(?:,|\band\b|\bplus\b) ?{_F}{_N}", lambda a, b: a + b
    ),
    _rule("plus add increased added m pi mais", rf"{_N}{_F}\b{_PLUS}\b{_F}{_N}", lambda a, b: a + b),
    _rule(
        "minus less decreased reduced without moins menos meno weniger",
        rf"{_N}{_F}\b{_MINUS}\b{_F}{_N}",
        lambda a, b: a - b,
    ),
    _rule(
        "after following",
        rf"\b(?:number|integer|one|value) (?:right |just |directly )?(?:after|following) {_F}{_N}",
        lambda a: a + 1,
    ),
    _rule(
        "before preceding",
        rf"\b(?:number|integer|one|value) (?:right |just |directly )?(?:before|preceding) {_F}{_N}",
        lambda a: a - 1,
    ),
    _rule("add adding plus", rf"{_N}{_THEN}\b(?:add|adding|plus) {_F}{_N}", lambda a, b: a + b),
    _rule(
        "subtract subtracting minus take taking remove deduct less",
        rf"{_N}{_THEN}\b{_TAKE} {_F}{_N}",
        lambda a, b: a - b,
    ),
    _rule(
        "multiply times",
        rf"{_N}{_THEN}\b(?:multiply by|multiply (?:it|that|this) by|times) {_F}{_N}",
        lambda a, b: a * b,
    ),
    _rule("divide", rf"{_N}{_THEN}\bdivide (?:it |that |this )?by {_F}{_N}", _divided),
    _rule("halve", rf"{_N}{_THEN}\bhalve it\b", lambda a: a / 2),
    _rule("double", rf"{_N}{_THEN}\bdouble it\b", lambda a: 2 * a),
    _rule("and", rf"{_N} and {_N}(?= *(?:[.,;\n]|$))", lambda a, b: a + b if a >= 10 > b and a % 10 == 0 else None),
]
_OPERATES = re.compile(
    rf"\b(?:{_TIMES}|{_PLUS}|{_MINUS}|{_OVER}|{_TAKE}|of|squared|cubed|dozens?|tens|hundreds|thousands|ones|units"
    rf"|{'|'.join(_NUMBERED)}|multipl\w+|divid\w+|less|fewer|lower|smaller|more|greater|higher|larger|above|over|add"
    r"|adding|halve|double)\b"
    rf"|\b(?:{'|'.join(_PARTS)}|double|doubling|twice|triple|tripling|thrice|halv\w+|square|squaring|root|multipl\w+|product"
    r"|divid\w+|quotient|subtract\w*|tak\w+|deduct|difference|add|adding|sum|total|after|following|before|preceding)\b",
)
_TOO_BIG = r"(?:too (?:high|large|big|great|many|much)|over|above|more than (?:it|the answer|the result|that))"
_TOO_SMALL = r"(?:too (?:low|small|little|few)|short|below|under|less than (?:it|the answer|the result|that))"
_OWN = re.compile(
    r"\b(?:your|that|this) (?:last |first |own |current |previous )?"
    r"(?:answer|result|number|value|guess|attempt|total)\b"
    r"|\byours\b|\bwhat you (?:got|have|had|said|wrote|found)\b",
)
_OWN_CUES = frozenset(("your", "that", "this", "yours", "what"))
_RELATIVE: list[_Rule] = [
    _rule("too over above more", rf"{_N} (?:\w+ )?{_TOO_BIG}", lambda own, a: own - a),
    _rule("too over above more", rf"{_TOO_BIG} by {_F}{_N}", lambda own, a: own - a),
    _rule("too short below under less", rf"{_N} (?:\w+ )?{_TOO_SMALL}", lambda own, a: own + a),
    _rule("too short below under less", rf"{_TOO_SMALL} by {_F}{_N}", lambda own, a: own + a),
    _rule("off wrong differ differs away", rf"\b(?:off|wrong|differs?|away) by {_F}{_N}", lambda own, a: own + a),
    _rule("off wrong differ differs away", rf"\b(?:off|wrong|differs?|away) by {_F}{_N}", lambda own, a: own - a),
    _rule("add plus", rf"\b(?:add|plus) {_F}{_N}{_F}(?: more)?(?=[.!,]|$| and)", lambda own, a: own + a),
    _rule(
        "subtract take minus", rf"\b(?:subtract|take away|minus) {_F}{_N}{_F}(?=[.!,]|$| and)", lambda own, a: own - a
    ),
    _rule("factor", rf"\bfactor of {_F}{_N}", lambda own, a: own * a),
    _rule("factor", rf"\bfactor of {_F}{_N}", lambda own, a: own / a if a else None),
    _rule("times", rf"{_N} times (?:too|as) (?:large|big|high|much|many)", lambda own, a: own / a if a else None),
    _rule("times", rf"{_N} times (?:too|as) (?:small|low|little|few)", lambda own, a: own * a),
    _rule("twice double", r"\b(?:twice|double) (?:too|as) (?:large|big|high|much|many)", lambda own: own / 2),
    _rule("half", r"\bhalf (?:too|as|of what|what)\b", lambda own: own * 2),
]
_RELATIVE_CUES = frozenset().union(*(rule.cues for rule in _RELATIVE))
_BOUNDS = [
    (frozenset(("between",)), re.compile(rf"\bbetween {_F}{_N}{_F}\band {_F}{_N}")),
    (
        frozenset(("but", "and", "yet")),
        re.compile(
            rf"\b(?:more|greater|larger|higher|bigger|above|over|exceeds)(?: than)? {_F}{_N}{_F},? ?"
            rf"\b(?:but|and|yet)\b{_F}\b"
            rf"(?:less|smaller|lower|fewer|below|under)(?: than)? {_F}{_N}"
        ),
    ),
]
_EXPRESSION = re.compile(r"[(\d][\d.,()+\-*/^x\s]{1,200}[\d)]")
_TIMES_SIGN = re.compile(r"(?<=[\d)])\s*x\s*(?=[\d(])")
_SIGN = re.compile(r"[-+*/^]|(?<![a-z])x(?![a-z])")
_FRACTION = re.compile(r"\d+/\d+")
_SEPARATE = re.compile(r"\s{2,}|, |\n")
_DIGIT = re.compile(r"\d")
_PART_ALONE = re.compile(rf"\b(?:a|one) ({'|'.join(_PARTS)})\b")
_CALCULATES = re.compile(r"[\d)]\s*[-+*/^]")


def in_digits(folded: str) -> str:
    """A folded text with its spelled numbers in digits."""
    text = folded
    if not _PARTS.keys().isdisjoint(words_in(text)):
        text = _PART_ALONE.sub(lambda found: f"1/{_PARTS[found[1]]}", text)
    text = _replaced(text, list(spelled_numbers(text)))
    return _replaced(text, list(numbers_abroad(text)))


def values_said(folded: str) -> Iterator[Fraction]:
    """The values of the calculations in a folded text whose numbers are in digits."""
    if not _DIGIT.search(folded):
        return
    text = _TIMES_SIGN.sub(" * ", folded) if "x" in folded else folded
    if _CALCULATES.search(text):
        for found in _EXPRESSION.finditer(text):
            run = found.group().strip(" .,")
            for part in (run, *_SEPARATE.split(run)):
                if _CALCULATES.search(part) and not _FRACTION.fullmatch(part):
                    value = evaluate(part)
                    if value is not None:
                        yield value
        text = _EXPRESSION.sub(_evaluated, text)
    words = words_in(text)
    rules = [rule for rule in _RULES if not rule.cues.isdisjoint(words)]
    if not (rules and _OPERATES.search(text)):
        return
    values: list[Fraction] = []
    for _ in range(_MOST_PASSES):
        before = text
        for _, pattern, compute in rules:
            text = pattern.sub(lambda found, compute=compute: _computed(found, compute, values), text)  # type: ignore[misc]
        if text == before:
            break
    yield from values


def may_calculate(folded: str) -> bool:
    """Whether `values_said` can find something in a folded text, its spelled numbers in digits or not."""
    return _SIGN.search(folded) is not None or _OPERATES.search(folded) is not None


def bounded(folded: str) -> Iterator[Fraction]:
    """Whole numbers that lie alone between two bounds in a folded text."""
    words = words_in(folded)
    for cues, pattern in _BOUNDS:
        for low, high in pattern.findall(folded) if not cues.isdisjoint(words) else ():
            one, other = _value(low), _value(high)
            if one is not None and other is not None:
                first = int(min(one, other) // 1) + 1
                above = max(one, other)
                if first < above and above <= first + 1:
                    yield Fraction(first)


def may_be_about_own(folded: str) -> bool:
    """Whether `about_own` can find something in a folded text: cheap, and before the reader's own value is known."""
    return any(cue in folded for cue in _RELATIVE_CUES) or not _OWN_CUES.isdisjoint(words_in(folded))


def about_own(folded: str, own: Fraction) -> Iterator[Fraction]:
    """The values that a folded text gives by their relation to the reader's `own`."""
    for cues, pattern, compute in _RELATIVE:
        for found in pattern.finditer(folded) if any(cue in folded for cue in cues) else ():
            values = [_value(group) for group in found.groups()]
            if all(one is not None for one in values) and (value := compute(own, *values)) is not None:
                yield Fraction(value)
    if _OWN_CUES.isdisjoint(words_in(folded)):
        return
    named = _OWN.sub(_shown(own), folded)
    if named != folded:
        yield from values_said(named)


def _evaluated(found: re.Match[str]) -> str:
    run = found.group().strip(" .,")
    value = evaluate(run) if _CALCULATES.search(run) else None
    return found.group() if value is None else found.group().replace(run, _shown(value))


def _computed(found: re.Match[str], compute: Compute, values: list[Fraction]) -> str:
    given: list[Fraction | str | None] = [
        _value(group) if group[:1].isdigit() or group[:1] == "-" else group for group in found.groups()
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
