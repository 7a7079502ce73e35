"""Values that are named and not settled: asked about in passing, supposed, or of what the person does not know yet."""

from __future__ import annotations

import re

from sml_agents.agents.grounding.draft import Draft
from sml_agents.agents.pieces import Piece
from sml_agents.text.sentences import sentence_spans
from sml_agents.text.values import Kind, Span, find, label, mentions
from sml_agents.text.values.words import clause_of

__all__ = ["is_unsettled"]

_VALUE = "\ufffc"
"""Stands for the value in a sentence."""
_AS_WISHED = (
    r"(?:free|available|possible|works?|working|suits?|ok|okay|fine|good|alright|all right|left|open|doable|on|still"
    r"|einen?|frei|m\u00f6glich|libre|disponible|posible|possible)\b"
)
_ABOUT_IT = re.compile(
    rf"(?:\b(?:is|are|was|does|do|did|will|would|isn['\u2019]t|doesn['\u2019]t)\s+(?:an?\s|the\s|size\s|on\s)?{_VALUE}"
    rf"(?!\s+(?:\w+\s+){{0,2}}?{_AS_WISHED})\s+\w"
    r"|\bwhat(?:['\u2019]?s| is| are| was| does| do)\s+(?:(?:it|that|the \w+)\s+(?:\w+\s+)*?)?"
    rf"(?:like|cost|mean|include|difference|price|weather|view)\b[^?]*{_VALUE}"
    rf"|\bwhat (?:does|do)\s+(?:an?\s|the\s)?{_VALUE}"
    rf"|^\W*(?:they|it|you|there|the \w+)\s[^?]*{_VALUE}[^?]*,"
    r"\s*(?:right|correct|or not|\w+n['\u2019]t (?:it|they|you|there))\s*\?"
    rf"|\bwhat(?:['\u2019]?s| is| are| was)\s+(?:my|our|the)\s[^?]*{_VALUE}\s*\?"
    rf"|\bhow (?:is|are|do|does|good|bad|long does|far is)\b(?! about)[^?]*{_VALUE}"
    rf"|\u00bf[^?]*{_VALUE}\s+(?:es|son|est\u00e1|queda)\b(?!\s+(?:\w+\s+)?{_AS_WISHED})"
    rf"|\b(?:ist|sind|f\u00e4llt)\s+(?:das |die |der |ein |eine )?{_VALUE}(?!\s+(?:\w+\s+){{0,2}}?{_AS_WISHED})\s+\w"
    rf"|\best-ce que\s[^?]*{_VALUE}\s+(?:est|sont|taille)\b(?!\s+(?:\w+\s+)?{_AS_WISHED}))",
    re.IGNORECASE,
)
_ELSE = re.compile(r"\b(?:else|help|assist)\b", re.IGNORECASE)

_WOULD_HAVE = re.compile(
    r"\b(?:would|could|might)(?:n['\u2019]t)?(?:['\u2019]ve| have)\s+(?!liked|loved)"
    r"(?:\w+ed|taken|gone|been|had|chosen|flown|bought|paid|made|done)\b"
    r"|\b(?:almost|nearly)\s+(?:took|chose|went|got|\w+ed)\b|\b(?:was|were) (?:going|about) to\b"
    r"|\bwish (?:i|we) (?:could|had|were)\b|\b(?:dreamt|dreamed|dreaming|dream) of\b"
    r"|\bh\u00e4tte[n]? (?:\w+ )*?(?:genommen|gebucht|gew\u00e4hlt|bezahlt)\b",
    re.IGNORECASE,
)
_TURNED_DOWN = re.compile(r"\b(?:thought (?:about|of)|considered|looked at)\s+(?:\w+\s+)?$", re.IGNORECASE)
_BUT_NOT = re.compile(r"[^.!?]*\b(?:but|no good|not|\w+n['\u2019]t|decided against|too \w+)\b", re.IGNORECASE)
_WERE = re.compile(
    r"\b(?:if|suppose|supposing|imagine) (?:i|we|he|she|they|it|you|the \w+|my \w+)(?:['\u2019]d)? (?:only )?"
    r"(?:were|was|had|could|won|lived|knew|did)\b",
    re.IGNORECASE,
)
_WOULD = re.compile(r"\b(?:would|could|might)\b|['\u2019]d\b", re.IGNORECASE)
_IF = re.compile(
    r"\W*(?:(?:and|but|so|or|only)\s+)?(?:if|wenn|falls)\s+(?!(?:possible|available|needed|necessary|so|not|ok|okay|you|there|that|it"
    r"(?:['\u2019]s| is| works| fits)|m\u00f6glich|es geht|ihr|sie|noch)\b)",
    re.IGNORECASE,
)

_RECKONS = re.compile(
    r"\b(?:what(?! (?:about|else|if)\b)|how (?:much|many|long|far|big|fast|likely|old|high))\b[^?]*\?", re.IGNORECASE
)
"""Behind a supposition that is to be reckoned with: `If I save 200 a month, what is it after a year?`"""

_UNKNOWN = re.compile(
    r"\b(?:no idea|no clue|(?:do|does)n['\u2019]t (?:really |quite |even )?(?:know|remember)|not (?:\w+ )?sure|unsure"
    r"|undecided|can['\u2019]t (?:say|tell)|have(?:n['\u2019]t| not) (?:\w+ )?(?:decided|figured out)"
    r"|(?:i|we)(?:['\u2019]ll| will) (?:let you know|tell you|ask|check|find out|decide|see)"
    r"|(?:need|have) to (?:ask|check|find out|decide|think about)"
    r"|wei\u00df (?:noch |gar )?nicht|keine ahnung|ni idea|no s\u00e9|aucune id\u00e9e|sais pas)\b[^.;!?]{0,30}?"
    r"\b(?P<wh>how many|how much|how far|how long|what time|(?:which|what) day|when|which|what|wie viele?|wie lange"
    r"|wann|welche\w*|cu\u00e1nt[oa]s?|cu\u00e1ndo|combien|quand)\b(?P<rest>[^.;!?,]*)",
    re.IGNORECASE,
)
_AFTERWARDS = re.compile(r"\b(?:next|later|afterwards|after that|in the future)\b", re.IGNORECASE)
_SAY = re.compile(
    r"\b(?:let['\u2019]?s (?:say|take|do|go with|make it)|say|make it|maybe|perhaps|probably|go for|take|call it|assume"
    r"|start with|sagen wir|disons|digamos)\s+(?:\w+\s+)?$",
    re.IGNORECASE,
)


def is_unsettled(draft: Draft, k: int, piece: Piece, span: Span) -> bool:
    """Whether words hold a value of argument `k` only in a question by the way, in what is supposed, or where the
    person says that they do not know it."""
    if piece.source != "said":
        return False
    text = piece.text
    later = [one.text for _, one in draft.said if one.at == piece.at]
    rest = "".join(later[later.index(text) + 1 :]) if text in later else ""
    if _is_retracted(draft, k, f"{text}{rest}", span) or _is_doubted(text, span):
        return True
    return draft.kinds[k].sort != "bool" and (
        (not draft.looks_up and _is_asked_about(piece, span))
        or _is_supposed(draft.kinds[k], text, span)
        or any(_is_unknown(draft, k, text, span, one) for one in _UNKNOWN.finditer(text))
    )


_THAT = r"(?:that|those|these|(?:that |the )(?:number|date|day|time|name|last)\b)(?: (?:one|last|number|part))*"
_RETRACTS = re.compile(
    rf"(?:(?:oh|no|wait|sorry|hm+|well|so|but|and|then|actually|please|ah|ach|i(?:['\u2019]ll| will)?|we|just),? )*"
    rf"(?:(?:forget|scrap|scratch|strike)\s+(?:{_THAT}|it\b|them\b)|(?:delete|ignore|drop|skip|undo)\s+{_THAT}"
    rf"|cross\s+(?:{_THAT}|it|them) out\b|(?:which )?i take (?:(?:{_THAT}|it|them) )?back\b|not {_THAT}(?!\w)"
    r"|(?:no|wait),? (?:that['\u2019]s|that is|that was|it['\u2019]s) (?!all\b|it\b|fine\b|right\b|ok\w*\b|good\b)"
    r"|(?:that|it)(?:['\u2019]s| is| was)(?: now)? (?:off|out|wrong|obsolete|gone)\b|that no longer\b"
    r"|(?:vergiss|streich|streiche) (?:das|es)\b|oubliez? (?:\u00e7a|cela)\b|olv\u00edda(?:lo|te)\b)",
    re.IGNORECASE,
)
_NOT_SURE = re.compile(
    r"(?:[.!?,;(\n]|\.{2,}|\s[-\u2013\u2014]\s|\s(?=(?:but|and|though)\b))\s*"
    r"(?:(?:but|and|though|hm+|well|honestly|actually|still|yet),? )*(?:(?:i['\u2019]?m|i am|we['\u2019]?re|i|we) )?"
    r"(?:(?:still |really )*)"
    r"(?:not (?:[\w%]+ ){0,2}(?:sure|certain)|unsure|undecided|(?:don['\u2019]?t|do not) (?:\w+ )?know|dunno|idk"
    r"|(?:have )?no (?:idea|clue)|tbc|tbd|to be confirmed|can(?:['\u2019]?t|not) (?:say|tell|decide)"
    r"|have(?:n['\u2019]?t| not) (?:\w+ )?decided|(?:ich )?wei\u00df (?:es )?(?:\w+ )?nicht(?: genau)?"
    r"|(?:(?:ich )?bin (?:mir )?(?:\w+ )?)?(?:nicht sicher|unsicher)|keine ahnung|(?:je )?(?:ne )?sais pas(?: trop)?"
    r"|pas s\u00fbre?|no (?:lo )?s\u00e9|no estoy segur[oa]|non (?:lo )?so)"
    r"(?: (?:yet|though|really|honestly|for sure|tbh|lol|about (?:it|that)|to be honest))*"
    r"(?:,? (?:sorry|honestly|you (?:tell me|decide)))?\s*(?:[.!?;)\n]|:[/(]|$)",
    re.IGNORECASE,
)
"""Behind a value: they do not know, and nothing more particular."""
_STRETCHES = re.compile(r"(?P<end>[.!?;\n]+|,|\.{2,}|\s[-\u2013\u2014]+\s)\s*")


def _is_retracted(draft: Draft, k: int, text: str, span: Span) -> bool:
    """`32 minutes, delete that`: the last value that is taken back in the same sentence, or by the first words of the
    next one."""
    ended = 0
    for found in _STRETCHES.finditer(text, span.end):
        ended += found["end"] != ","
        if ended > 1:
            return False
        if _RETRACTS.match(text, found.end()):
            between = text[span.end : found.start()]
            others = [(draft.kinds[j], fill.value) for j, fill in enumerate(draft.fills) if j != k and fill.given]
            return not any(
                find(kind, value, between, draft.clock)
                or (kind.sort == "number" and mentions(kind, between, draft.clock))
                for kind, value in others
            )
    return False


def _is_doubted(text: str, span: Span) -> bool:
    """`10 lager? Not sure.`: all values of the stretch of words right before are in doubt."""
    said = _NOT_SURE.search(text, span.end)
    return said is not None and not _STRETCHES.search(text, span.end, said.start())


def _sentence(text: str, span: Span) -> Span:
    return next((Span(*one) for one in sentence_spans(text) if one[0] <= span.start < one[1]), Span(0, len(text)))


def _is_asked_about(piece: Piece, span: Span) -> bool:
    """`Is M very tight?`, `What's the view like from the stalls?`: asked, unless the question is all that is said."""
    text, whole = piece.text, _sentence(piece.text, span)
    asked = f"{text[whole.start : span.start]}{_VALUE}{text[span.end : whole.end]}".strip()
    if not asked.endswith("?") or not _ABOUT_IT.search(asked):
        return False
    alone = whole.end - whole.start >= len(text.strip())
    return not alone or bool(piece.question and not _ELSE.search(piece.question))


def _is_supposed(kind: Kind, text: str, span: Span) -> bool:
    """`If I were rich I'd fly business`, `I almost took M`, `if they are full at 7`."""
    clause, whole = clause_of(text, span), _sentence(text, span)
    if (were := _WERE.search(text, whole.start, whole.end)) and (
        clause.start <= were.start() < span.start or _WOULD.search(text, clause.start, span.start)
    ):
        return True
    if _WOULD_HAVE.search(text, clause.start, span.start):
        return True
    if _TURNED_DOWN.search(text[: span.start]) and _BUT_NOT.match(text, span.end):
        return True
    supposed = _IF.match(text, clause.start, clause.end)
    if supposed is None or supposed.end() > span.start or kind.sort == "text":
        return False
    if kind.sort == "number" and _RECKONS.search(text, clause.end, whole.end):
        return False
    return not re.match(rf"\s+(?:\w+\s+)?{_AS_WISHED}", text[span.end : clause.end], re.IGNORECASE)


def _is_unknown(draft: Draft, k: int, text: str, span: Span, said: re.Match[str]) -> bool:
    """Whether `no idea how many we need` speaks of argument `k`, and its value is not proposed all the same."""
    kind, about = draft.kinds[k], label(said["rest"])
    if _AFTERWARDS.search(said["rest"]) or _SAY.search(text[: span.start]) or span.overlaps(Span(*said.span())):
        return False
    sorts = _sorts(said["wh"].casefold())
    if kind.sort not in sorts or (kind.sort in ("enum", "text", "pattern") and not about & kind.words):
        return False
    if "far" in said["wh"].casefold():
        return bool(label("distance") & kind.words)
    if about & kind.words:
        return True
    return not draft.rivals(k) and not _counts_what_it_counts(kind, text, span)


def _sorts(wh: str) -> tuple[str, ...]:
    if wh.startswith(("how", "wie", "cu\u00e1nt", "combien")):
        return ("number",)
    if wh in ("what time",):
        return ("time", "datetime")
    if wh.endswith("day"):
        return ("date", "datetime")
    return (
        ("time", "date", "datetime") if wh in ("when", "wann", "cu\u00e1ndo", "quand") else ("enum", "text", "pattern")
    )


def _counts_what_it_counts(kind: Kind, text: str, span: Span) -> bool:
    """`A table for 4, no idea how many chairs`: the number stands by what its argument counts."""
    around = label(text[max(0, span.start - 25) : span.start] + " " + text[span.end : span.end + 25])
    return bool(around & kind.name)
