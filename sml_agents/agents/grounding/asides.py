"""Values that are said and not meant: what others said, one of several that are left open, how things stand now, what
is told beside the request."""

from __future__ import annotations

import re
from collections.abc import Iterator

from sml_agents.agents.pieces import Piece
from sml_agents.text.sentences import sentence_spans, sentences
from sml_agents.text.values import Clock, Kind, Mention, Span, find, mentions
from sml_agents.text.values.words import clause_of, listed
from sml_agents.text.words import stem

__all__ = ["is_aside", "is_how_it_stands", "is_in_passing", "is_left_behind", "is_one_of_several", "is_statement"]

_QUOTED = re.compile(
    r"(?<!\bI )(?<!\bich )(?<!\bwe )\b(?:wrote|writes|said|says|told me|texted"
    r"|shouted|yelled|replied|answered|insisted|claimed|called it|schrieb|sagte|sagt"
    r"|meinte|dijo|dice|escribi[o\u00f3]|a dit|dit|a \u00e9crit|ha detto|ha scritto)\b[:,]?\s*"
    r"[\"'\u201c\u201e\u2018\u00ab]\s*(?P<words>[^\"\u201d\u201c\u2019\u00bb]{8,}?)"
    r"[\"'\u201d\u201c\u2019\u00bb](?!\w)",
    re.IGNORECASE,
)
_OR_MORE = re.compile(
    r"(?:\s*,[^,.;:?!\n]{1,40}){0,4},?\s*\b(?:or|oder|ou|o|oppure)\s+(?!(?:do|would|should|shall|can|could|is|are|will|did|not|no"
    r"|another|some|any|else|maybe|how|what|when|where|which|if|m\u00f6cht\w*|soll\w*|woll\w*|etwas|quiere\w*|pr\u00e9f\w*)\w*\b)\w",
    re.IGNORECASE,
)
_OR_BEFORE = re.compile(r"\b(?:or|oder|ou|o|oppure)\s+(?:\w+\s+){0,2}$", re.IGNORECASE)
_THE_HOUR = re.compile(
    r"\b(?:it is|it['\u2019]s|es ist|son las|es la|il est|sono le)\s+(?:now |already |only |jetzt |schon |erst |ya )?$",
    re.IGNORECASE,
)


_OR = r"\b(?:or|oder|ou|o|oppure)\b"
_RATHER = rf"{_OR}\s+(?:rather|better|actually|besser|lieber|eher|plut\u00f4t|mejor)\b"
_OTHERWISE = re.compile(
    r"\W*(?:so|similar|else|something|anything|nothing|another|not|no|more|less|fewer|later|earlier|above|below"
    r"|\w+er\b|\u00e4hnlich\w*|i|we|you|he|she|they|it|the other|just|at|on|in|maybe|if|call|send|tell|let|any\w*)\b",
    re.IGNORECASE,
)
_WHICHEVER = re.compile(
    r"\b(?:either(?! (?:\S+ ){1,3}or\b)|whichever|whatever|any of|do(?:es)?n['\u2019]?t (?:matter|mind|care)"
    r"|no preference|up to you|you (?:choose|decide|pick)|egal|peu importe|da igual)\b",
    re.IGNORECASE,
)
_HERE = re.compile(
    r"\b(?:it is|it['\u2019]s|it was|es ist|il fait|hace|estamos a)\s+(?:now |only |about |around |currently |already "
    r"|at |jetzt |schon |nur )*$"
    r"|\b(?:is|are) (?:now |currently |set )*(?:at|on|to)\s+$"
    r"|\b(?:currently|right now|at the moment|momentan|gerade|zurzeit)\s+(?:at |on |bei |it is |it['\u2019]s )*$",
    re.IGNORECASE,
)
_TO_BE_CHANGED = re.compile(
    r"\b(?:warmer|cooler|colder|hotter|higher|lower|louder|quieter|brighter|darker|faster|slower|raise|increase"
    r"|dim|a bit|slightly|baja|sube|baisse\w*|monte\w*|augmente\w*"
    r"|decrease|reduce|turn (?:\w+ ){0,3}(?:up|down)|too \w+"
    r"|w\u00e4rmer|k\u00e4lter|h\u00f6her|lauter|leiser|heller|dunkler)\b",
    re.IGNORECASE,
)
_KEPT = re.compile(
    r"\s*(?:[^\W\d_]+\s+)?(?:left|remaining|so far|already|\u00fcbrig"
    r"|(?:they|we|i|you) (?:already |now |currently )?have)\b",
    re.IGNORECASE,
)
_HOURS = re.compile(
    r"\b(?:closes?|closing|opens?|opening|shuts?|schlie\u00dft|\u00f6ffnet|cierra|abre|ferme|ouvre)\s+"
    r"(?:at |by |um |a las |\u00e0 )?$",
    re.IGNORECASE,
)


_OPENINGS = frozenset(map(stem, listed("open opens opening close closes closing")))
_BEFORE_NOW = re.compile(
    r"\b(?:when (?:i|we|he|she|they|my \w+) (?:last |first )?(?:was|were|went|had|did|stayed|tried|ordered)"
    r"|last time|the other (?:day|time)|previously|formerly|used to"
    r"|in the past(?! (?:\w+ ){0,2}(?:minute|hour|day|week|month|year)s?\b)"
    r"|my (?:last|previous|old) \w+ (?:was|were|had|came|cost)"
    r"|(?:last|previous) (?:year|month|week|summer|winter|spring|autumn|night)"
    r"(?= (?:[^\s.,;!?]+ ){1,4}?(?:was|were|had|gave|paid|got|took|used|bought|ordered|went|stayed|needed)\b)"
    r"|la vez pasada|l['\u2019]autre fois|(?:das|beim) letzten? mal"
    r"|letztes jahr(?= (?:war|hatte))|letztes mal|fr\u00fcher"
    r"|la derni\u00e8re fois|la \u00faltima vez|l'ultima volta)\b",
    re.IGNORECASE,
)
_THAT_DAY = re.compile(
    r"\b(?:yesterday|the day before|earlier|gestern|ayer|hier|ieri"
    r"|\w+ (?:years?|months?|weeks?|days?) ago|in (?:19|20)\d\d"
    r"|last (?:year|month|week|summer|winter|spring|autumn|night|time))\b",
    re.IGNORECASE,
)
_DID = re.compile(
    r"\b(?:was|were|had|got|took|gave|went|did|sent|heard|saw|ate|drank|bought|paid|made|met|chose|flew|drove|wore|came"
    r"|war|hatte|\w{2,}ed)\b",
    re.IGNORECASE,
)
_THIS_TIME = re.compile(
    r"\b(?:this (?:time|week|weekend|month|evening|year)|today|tonight|tomorrow|instead|diesmal|esta vez|cette fois"
    r"|questa volta)\b",
    re.IGNORECASE,
)
_NO_MORE = re.compile(r"(?:used to|formerly|previously|fr\u00fcher)\b", re.IGNORECASE)
_SAME = re.compile(r"\b(?:again|there|same)\b", re.IGNORECASE)
_NOW_OTHER = re.compile(r"\b(?:another|different|other|instead|else|elsewhere|somewhere)\b", re.IGNORECASE)
_OLD = re.compile(
    r",?\s*(?:(?:which|that) (?:is|was)\s+|is\s+|was\s+)?(?:my|the|our|his|her|their|[A-Z]\w+(?:\s[A-Z]\w+)?['\u2019]s)"
    r"\s+(?:(?P<gone>old|previous|former|wrong|ex)|current|present|existing)\b(?! \w+ was wrong)"
)
_OLD_TOO = frozenset(map(stem, listed("old previous former current existing present from")))
_NEW = frozenset(map(stem, listed("new to target")))
_NEITHER = re.compile(
    r"\b(?:neither|none|not (?:either|any)) of (?:those|them|these|the two|both)\b"
    r"|\bkein\w* (?:von|der) (?:beiden|denen)\b",
    re.IGNORECASE,
)
_AS = re.compile(
    r"\b(?:(?:some|any)(?:thing|one|body|where) like|similar to|(?:the )?same (?:\w+ )?as(?: (?:in|for|on|at|with|to))?"
    r"|just like|already (?:has|have|had|got|own)(?: an?)?|been to|\u00e4hnlich wie|so wie)"
    r"\s+(?:the |in |for |on |at )*$",
    re.IGNORECASE,
)
_OTHERS = re.compile(
    r"(?:\b\w+ (?:me )?|(?<=[.!?] ))(?:(?:everything|everyone|anything) else|(?:all )?(?:the )?others"
    r"|the (?:other|new|newer|previous|next) (?:one|ones)|the (?:one|ones) (?:before|after))\b",
    re.IGNORECASE,
)
_MORE = re.compile(
    r"\b(?:more|another|additional|the rest|(?:scale|turn|crank|bump|ramp) (?:\w+ ){0,3}(?:up|down)"
    r"|increase|reduce|mehr|double|triple|halve|half|twice|add|verdopp\w*|halbier\w*)\b",
    re.IGNORECASE,
)
_HAS = re.compile(
    r"\b(?:(?:i|we|they|you)(?:['\u2019]ve)? (?:have|own|had|got|hold)"
    r"|(?:has|owns|had|holds|runs(?: on)?|is (?:running )?(?:on|at))|already \w+|habe)"
    r"\s+(?:only |just |got )?$",
    re.IGNORECASE,
)
_STANDS = re.compile(r"\b(?:is|are) (?:already|currently|now) (?:set )?(?:to|at|on) $", re.IGNORECASE)
_IN_STORE = re.compile(r"(?:\s+\w+)?\s+(?:in|on) (?:my |the |our )?\w+", re.IGNORECASE)
_INQUIRY = re.compile(
    r"\s*(?:and |but |so )?(?:how (?:much|expensive|long|far|big|good)|why|who)\b[^?]*\?", re.IGNORECASE
)

_WAS_DONE = re.compile(
    r"\W*(?:(?:and|so|but|wait|sorry|hi|hello|hey|also|btw|by the way)\b[,!]?\s+)*"
    r"(?:(?:did|have|had)(?:n['\u2019]t)? (?:i|we)|(?:habe?|hatte) ich|ha(?:ben|tten) wir)\b"
    r"(?! (?:to|mention\w*|sa(?:y|id)|t(?:ell|old)|forg[eo]t\w*)\b)[^?]*\?",
    re.IGNORECASE,
)
"""`Did I send 50 euros to Ann?`: whether something was done, which is no wish to do it."""
_SUBJECT_FIRST = re.compile(
    r"\W*(?:(?:and|but|so|oh|well|sorry|hi|hello|hey|as|since|because|now|also|then)\b\W*)*"
    r"(?:(?:i|we|he|she|they|it|you|this|that|there)(?:['\u2019](?:m|s|ve|re))?\b"
    r"|(?:my|our|the|his|her|their|your) \w+|one of \w+|\w+(?:['\u2019]s)?(?= (?:is|has|was)\b))",
    re.IGNORECASE,
)
_WISHES = re.compile(
    r"\?|['\u2019](?:d|ll)\b|\bso \w+ (?:it|that|them|there|me|us)\b|\b(?:wants?|wanna|needs?|likes?|loves?|prefer\w*"
    r"|fancy|mood|hungry|interested|looking|please|would|could|can|let|should|will|going to|gonna|hop(?:e|ing)|wish"
    r"|must|ha(?:ve|s) to|trying|ready|plan(?:ning)?|wonder\w*|ask\w*)\b",
    re.IGNORECASE,
)
_IS = re.compile(
    r"(?:['\u2019](?:s|m|re)|\b(?:is|am|are))\s+(?:(?:an?|the|very|quite|rather|really|so|pretty)\s+)*$", re.IGNORECASE
)
_ENDS = re.compile(r"\W*$|\s*[.,;:!)]")
_STATES = frozenset(
    map(
        stem,
        listed("reason cause source issue problem symptom incident complaint damage condition status state topic"),
    )
)
"""Arguments that are told by saying how things are."""


def is_aside(kind: Kind, piece: Piece, span: Span, looks_up: bool = False) -> bool:
    """Whether a value stands in what the person quotes of others, tells of the past, likens something to or asks about
    by the way, or in an offer of several that a mere yes leaves open. `looks_up`: the tool is there to be asked."""
    if piece.source == "said":
        text = piece.text
        if any(one.start("words") <= span.start < one.end("words") for one in _QUOTED.finditer(text)):
            return True
        if _AS.search(text[: span.start]) or _is_past(kind, text, span):
            return True
        return not looks_up and any(
            one.start() <= span.start < one.end()
            for sentence in sentences(text)
            for at in [text.find(sentence)]
            for one in _inquiries(text, at, at + len(sentence))
        )
    if piece.source == "offered":
        return bool(_OR_MORE.match(piece.text, span.end) or _OR_BEFORE.search(piece.text[: span.start]))
    return False


def _inquiries(text: str, start: int, end: int) -> Iterator[re.Match[str]]:
    """Questions by the way in a sentence, and the question whether something was done, even if nothing else is said."""
    yield from (one for one in _INQUIRY.finditer(text, start, end) if len(one.group().strip()) < len(text.strip()))
    if found := _WAS_DONE.match(text, start, end):
        yield found


def _is_past(kind: Kind, text: str, span: Span) -> bool:
    """`Last time we were four`; a name may be meant all the same: `Anna paid last week, send her 75`."""
    clause = clause_of(text, span)
    told = _BEFORE_NOW.search(text, clause.start, clause.end)
    if told is None and _is_report(text, span):
        rest = f"{text[: clause.start]} {text[clause.end :]}"
        told = _THAT_DAY.search(text, clause.start, clause.end) if _THIS_TIME.search(rest) else None
    if told is None or re.search(r"\bas $", text[: told.start()]):
        return False
    if kind.sort != "text" or _NO_MORE.match(text, told.start()):
        return True
    rest = f"{text[: clause.start]} {text[clause.end :]}"
    return bool(_NOW_OTHER.search(rest) and not _SAME.search(rest))


def _is_report(text: str, span: Span) -> bool:
    """Whether the clause around a span says what was done some day: `We were four yesterday`."""
    clause = clause_of(text, span)
    return bool(_THAT_DAY.search(text, clause.start, clause.end) and _DID.search(text, clause.start, clause.end))


def is_statement(text: str, span: Span) -> bool:
    """Whether the sentence around a span only says how things are or were: `My son is at a concert`."""
    return _is_report(text, span) or _states(text, _sentence(text, span))


def is_in_passing(kind: Kind, text: str, span: Span) -> bool:
    """Whether a choice stands in a statement beside a request that is made in another sentence: `I'm a big fan of it!
    Now do the study, please` sets no fan. What a statement is there to tell counts: a reason, a state, what somebody or
    something is said to be (`It's urgent`, `I'm a student`)."""
    if kind.sort != "enum" or kind.words & _STATES:
        return False
    own = _sentence(text, span)
    if _IS.search(text, own[0], span.start) and _ENDS.match(text, span.end, own[1]):
        return False
    return _states(text, own) and any(one != own and not _states(text, one) for one in sentence_spans(text))


def _sentence(text: str, span: Span) -> tuple[int, int]:
    return next((one for one in sentence_spans(text) if one[1] > span.start), (0, len(text)))


def _states(text: str, sentence: tuple[int, int]) -> bool:
    return bool(_SUBJECT_FIRST.match(text, *sentence)) and not _WISHES.search(text, *sentence)


def is_how_it_stands(kind: Kind, piece: Piece, span: Span, message: str) -> bool:
    """`It is 8 pm here`, `It is 18 degrees, make it warmer`, `I have 200 left`, `it closes at 7`: no wish, unless it
    answers a question. `message`: all that the person said in that turn."""
    if piece.question or kind.sort not in ("number", "time", "datetime"):
        return False
    before = piece.text[: span.start]
    if kind.sort != "number":
        return bool(_THE_HOUR.search(before) or (_HOURS.search(before) and not kind.words & _OPENINGS))
    if _KEPT.match(piece.text, span.end) or _STANDS.search(before):
        return True
    if _HAS.search(before) and (_MORE.search(message) or _IN_STORE.match(piece.text, span.end)):
        return True
    return bool(_HERE.search(before) and _TO_BE_CHANGED.search(message))


def _is_behind_another(kind: Kind, text: str, span: Span) -> bool:
    """`The ticket that blocks OPS-77`."""
    return kind.sort == "pattern" and bool(
        re.search(r"\b(?:that|which) \w+s (?:by |on )?$", text[: span.start], re.IGNORECASE)
    )


def _is_old(kind: Kind, text: str, span: Span) -> bool:
    """`3 Station Road, my old address`; what is current is no new one either."""
    found = _OLD.match(text, span.end)
    if found is None or kind.sort not in ("text", "pattern", "number") or kind.name & _OLD_TOO:
        return False
    return bool(found["gone"] or kind.name & _NEW)


def is_left_behind(kind: Kind, text: str, span: Span) -> bool:
    """The value that the request turns away from: `from staging` to production, the one that is to stay while
    everything else goes."""
    if _is_behind_another(kind, text, span) or _is_old(kind, text, span):
        return True
    coded = bool(re.search(r"[\d/._-]", text[span.start : span.end]))
    if coded and kind.sort in ("text", "pattern", "number") and _NEITHER.search(text, span.end):
        return True
    others = [one for one in _OTHERS.finditer(text) if one.start() > span.end]
    if others and coded and kind.sort in ("text", "pattern"):
        return not clause_of(text, span).overlaps(Span(*others[0].span()))
    if kind.sort not in ("enum", "number") or not re.search(
        r"\b(?:from|von|de)\s+$", text[: span.start], re.IGNORECASE
    ):
        return False
    return bool(re.match(r"(?:\s+\S+){0,2}?\s+(?:to|nach|auf|a)\s+\S", text[span.end :], re.IGNORECASE))


def is_one_of_several(kind: Kind, piece: Piece, mention: Mention, clock: Clock) -> bool:
    """`Blue or red, I cannot decide`: a value among others that the person leaves open, unless any of them will do, or
    the one behind `or rather`."""
    text, span = piece.text, mention.span
    if kind.sort == "bool" or _WHICHEVER.search(text):
        return False
    clause = clause_of(text, span)
    if re.search(rf"{_RATHER}\W*(?:\w+\W+)?$", text[clause.start : span.start], re.IGNORECASE):
        return False
    after = re.match(rf"(?:\s[^\W\d_]+)?\W*{_OR}\s+", text[span.end :], re.IGNORECASE)
    before = re.search(
        rf"(?P<one>[^\s,.;!?]+)\W*{_OR}\s+(?:on |at |in |for |the |a |am |um )*$", text[: span.start], re.IGNORECASE
    )
    if kind.sort in ("text", "pattern"):
        capital = text[span.start : span.end][:1].isupper()
        names = []
        if after and not _OTHERWISE.match(text, span.end + after.end()):
            names.append(text[span.end + after.end() : clause.end])
        if before:
            names.append(before["one"])
        return any(name[:1].isupper() == capital and not find(kind, mention.value, name, clock) for name in names)
    others = [one.span for one in mentions(kind, text, clock) if not one.span.overlaps(span)]
    if after and any(0 <= other.start - (span.end + after.end()) <= 10 for other in others):
        return True
    if not before:
        return False
    at = before.start("one")
    return any(other.end >= at - 1 and other.start < span.start for other in others) or (
        kind.sort in ("date", "time", "datetime") and bool(re.fullmatch(r"\d{1,2}(?:st|nd|rd|th|\.)?", before["one"]))
    )
