"""What a value is bounded, changed or multiplied by, which is not the value: `at least 200`, `3 degrees warmer`.

A limit leaves open what is wanted within it, unless the argument is that limit itself (`max_price`, `deadline`; `over
200` is no maximum), or the person leaves the choice to the agent (`any time after 3 pm`). A change tells nothing of
what it leads to.
"""

from __future__ import annotations

import re

from sml_agents.text.values import Kind, Span, fold
from sml_agents.text.values.lengths import UNITS
from sml_agents.text.values.words import listed, tokens
from sml_agents.text.words import stem

__all__ = ["is_change", "is_limit"]

_CHANGES = frozenset(
    map(stem, listed("change delta difference increase decrease adjustment offset step shift by raise"))
)
_MONEY = r"\s*[$\u20ac\u00a3]?\s*$"
_LESS = r"(?:less|fewer|lower) than|under|below"
_MORE_THAN = (
    r"(?:more|higher|greater) than|(?<!hand )(?<!handing )(?<!take )(?<!taking )(?<!roll )(?<!left )over"
    r"|above|exceeding"
)
_NOT = r"(?:not|nothing|none|no|never|nobody)(?: \w+)?"
_NOR = r"(?<!\bnot )(?<!\bno )(?<!\bnothing )(?<!\bnone )(?<!\bnever )(?<!\bnobody )"
_LEAST = (
    rf"at least|{_NOR}(?:{_MORE_THAN})|{_NOT} (?:{_LESS})"
    r"|min(?:imum)?(?: of)?|min(?:imum)?(?: \w+)? is"
    r"|mindestens|minimal|mehr als|au moins|plus de|al menos|como minimo|mas de"
)
_MOST = (
    rf"at most|{_NOR}(?:{_LESS})|{_NOT} (?:{_MORE_THAN})"
    r"|max(?:imum)?(?: of)?|(?:limit|max(?:imum)?)(?: \w+)? is"
    r"|(?<!\bit )(?<!them )(?<!turn )(?<!bump )(?<!scale )(?<!go )(?<!car )(?<!battery )(?<!charge )up to"
    r"|as (?:many|much) as|hochstens|maximal|bis zu|weniger als|au plus|moins de|jusqu'a|como maximo|menos de|hasta"
)
_NOT_BEFORE = r"after|(?:no|not) earlier than|(?<!no )(?<!not )later than|nach|fruhestens|apres|despues de"
_NOT_AFTER = r"before|until|till|(?:no|not) later than|(?<!no )(?<!not )earlier than|vor|spatestens|avant|antes de"
_THE = r"(?:the |dem |den |der |le |la |las |el )?"
_AMOUNT = re.compile(rf"(?:\b(?:{_LEAST}|{_MOST})\s|[<>\u2264\u2265]=?){_MONEY}")
_MOMENT = re.compile(rf"\b(?:{_NOT_BEFORE}|{_NOT_AFTER})\s+{_THE}$")
_OTHER = {
    "lower": re.compile(rf"\b(?:{_MOST}|{_NOT_AFTER})\s+{_THE}{_MONEY}"),
    "upper": re.compile(rf"\b(?:{_LEAST}|{_NOT_BEFORE})\s+{_THE}{_MONEY}"),
}
"""Before a value that is said as the other limit than an argument is."""
_THAN = re.compile(rf"\b(?!other\b|rather\b)(?:[a-z]{{2,}}er|more|less) than{_MONEY}")
_BETWEEN = re.compile(
    rf"\b(?:between|zwischen|entre)\s+(?:[^\s,.;]+\s+){{0,4}}?(?:and\s+|und\s+|et\s+|y\s+|[$\u20ac\u00a3])?{_MONEY}"
)
_TO_MORE = re.compile(
    r"\s*(?:-|\u2013|\bto\b|\bbis\b)\s*[$\u20ac\u00a3]?\d|\s+(?:or|and|oder|und)\s+(?:more|up|mehr|above|below|less)\b"
)
_FROM_LESS = re.compile(rf"(?<![\w-])[$\u20ac\u00a3]?\d+\s*(?:-|\u2013|\bto\b|\bbis\b){_MONEY}")
_FROM = re.compile(rf"\b(?:from|von|de|desde)\s+[$\u20ac\u00a3]?(?:\d+\s*(?:-|\u2013|to|bis|a)\s*)?{_MONEY}")
_BOUND = re.compile(
    r"\s*(?:[^\W\d_]+\s+)?(?:would be|will be|is|are|being)\s+(?:the|our|my|about the)?\s*(?:very |absolute )?"
    r"(?:most|maximum|max|limit|upper limit|ceiling|least|minimum|min)\b",
    re.IGNORECASE,
)
_AIMED = re.compile(
    rf"\b(?:goal|target|record|personal best|average|budget|allowance|balance|ziel|objetivo|objectif)\b"
    rf"(?: \w+){{0,3}}? (?:is|was|of|ist|es|est)"
    rf"(?: \w+)?{_MONEY}"
)
_AIMS = frozenset(map(stem, listed("goal target record best average aim budget allowance balance")))
_OVER = re.compile(r"(?<!\bfor )(?<!\btakes )(?<!\bis )(?<!\bwell )(?<!\bare )\bover\s$")
_LEFT_OPEN = re.compile(r"\b(?:any|some) ?(?:time|day|date)?\b[^.,;]*$|\bwhenever\b|\bwhatever\b")
_MORE = (
    r"(?:warmer|cooler|colder|hotter|higher|lower|louder|quieter|softer|brighter|darker|bigger|larger|smaller|wider"
    r"|narrower|deeper|faster|slower|cheaper|heavier|lighter|w\u00e4rmer|k\u00e4lter|h\u00f6her|lauter|leiser|heller|dunkler)"
)
_COMPARED = re.compile(rf"\s*(?:\u00b0\s?[cf]?|%|[^\W\d_]+)?\s*{_MORE}\b", re.IGNORECASE)
_PLUS = re.compile(
    r"[^\d.;!?]{0,40}\b(?:plus|minus)\s+(?!\d)"
    r"|\s+\w+ (?:to|on top of) (?:the|their|our|my|its|your) (?:\d|existing|current|present)",
    re.IGNORECASE,
)
_MOVED_BY = re.compile(
    r"\b(?:raise|lower|increase|decrease|reduce|cut|up|down|grow|shrink|drop|boost|erhohe\w*|senke\w*|steiger\w*)\b[^.;,]*"
    rf"\b(?:by|um){_MONEY}"
)
_TIMES = re.compile(rf"\b(?:twice|double|triple|thrice|half|halb|doppelt|half of)\s{_MONEY}")


_PASSED = frozenset(map(stem, listed("level threshold trigger price rate value limit stop target alert")))
_CROSSES = re.compile(
    r"\b(?:drops?|falls?|goes|gets|rises?|climbs?|dips?|sinks?|moves|breaks|crosses|trades)"
    rf"(?: back)? (?:under|below|over|above|past){_MONEY}"
)


def is_limit(kind: Kind, text: str, span: Span) -> bool:
    """Whether a value is a bound of what is wanted, or an end of a range."""
    before = fold(text[: span.start])
    if kind.sort == "bool":
        return False
    if kind.limits:
        other = _OTHER.get(kind.limits)
        return kind.sort in ("number", "date", "time", "datetime") and bool(other and other.search(before))
    if _THAN.search(before):
        return True
    if kind.sort not in ("number", "date", "time", "datetime"):
        return False
    if _LEFT_OPEN.search(before):
        return False
    if _BETWEEN.search(before):
        return True
    if kind.sort != "number":
        return bool(_MOMENT.search(before))
    if kind.words & _PASSED and _CROSSES.search(before):
        return False  # `tell me when it drops under 1.05`: what it has to pass
    if _BOUND.match(text, span.end) or (_AMOUNT.search(before) and not _is_a_period(text, before, span)):
        return True
    if _AIMED.search(before) and not kind.words & _AIMS:
        return True
    return not _FROM.search(before) and bool(_TO_MORE.match(text, span.end) or _FROM_LESS.search(before))


def _is_a_period(text: str, before: str, span: Span) -> bool:
    """`Over 12 years`, `in three parts over two months`: how long; `for over 12 years` is a limit."""
    own, after = tokens(text[span.start : span.end])[-1:], tokens(text[span.end : span.end + 20])[:1]
    return any(one.plain in UNITS for one in (*own, *after)) and bool(_OVER.search(before))


def is_change(kind: Kind, text: str, span: Span) -> bool:
    """Whether a number says by how much something is to change, or how often to take what follows it."""
    if kind.sort != "number" or kind.unit is not None or kind.words & _CHANGES:
        return False
    before = fold(text[: span.start])
    return bool(
        _COMPARED.match(text, span.end)
        or _PLUS.match(text, span.end)
        or _MOVED_BY.search(before)
        or _TIMES.search(before)
    )
