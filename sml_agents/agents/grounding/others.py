"""Values that are said of another person, another thing or another event than the call is about.

`My sister leaves on 5 May; book Paris for me`, `it should go with my red shoes`, `the show starts at 19:30`. What is
said of somebody counts where the request is for them: where the call names them, or where the person goes on to speak
of them (`book her a room`).
"""

from __future__ import annotations

import re

from sml_agents.agents.grounding.draft import Draft
from sml_agents.agents.pieces import Piece
from sml_agents.agents.replies import asks_for_nothing
from sml_agents.text.sentences import sentence_spans
from sml_agents.text.values import Span, find, fold, label, tokens
from sml_agents.text.values.lengths import UNITS
from sml_agents.text.values.words import clause_of, listed, split_name
from sml_agents.text.words import stem

__all__ = ["is_of_another"]

_MALE = "brother|husband|son|father|dad|grandpa|grandfather|uncle|nephew|boyfriend"
_FEMALE = "sister|wife|daughter|mother|mum|mom|grandma|grandmother|aunt|niece|girlfriend"
_ANYBODY = (
    "cousin|partner|boss|manager|colleague|coworker|co-worker|friend|neighbou?r|roommate|flatmate|teammate|client"
    "|competitor|landlord|assistant|predecessor|teacher|parent|kid|child|children|buddy|mate"
)
_RELATION = rf"(?:{_MALE}|{_FEMALE}|{_ANYBODY})s?"
_OWNER = r"(?:my|our|his|her|their|the|a|one of (?:my|our))"
_LEAD = (
    r"\W*(?:(?i:and|but|so|because|since|as|though|while|whereas|hi|hey|hello|ok|well|oh|also|fyi|btw|by the way)"
    r",?\s+)*"
)
_SUBJECT = (
    rf"{_LEAD}(?P<who>(?i:{_OWNER})\s+(?:[a-z-]+\s+){{0,2}}?"
    rf"(?i:(?P<male>(?:{_MALE})s?)|(?P<female>(?:{_FEMALE})s?)|(?:{_ANYBODY})s?)\b"
    r"(?:\s+(?P<called>[A-Z]\w+))?(?:['\u2019]s?\s+(?P<thing>\w+))?"
    r"|(?P<name>(?!(?:I|We|You|It|He|She|They|This|That|There|These|Those|The|What|Who|My|Our)\b)"
    r"[A-Z][^\W\d_]+)(?:\s[A-Z][^\W\d_]+)?|(?P<pronoun>(?i:he|she|they)))(?=\s|['\u2019])"
)
_SAYS_OF = re.compile(
    rf"{_SUBJECT}(?P<verb>\s+(?:(?:always|usually|normally|often|also|just|only|both|still|already|once)\s+)*"
    r"(?:[a-z]+n['\u2019]t\s+)?(?P<word>[a-z]+)|['\u2019](?:s|re|ll|d|ve)\b)"
)
_OF_PERSONS = re.compile(
    r"\s+(?:(?:is|are|was|were|will be)\s+(?:off|away|out|on|travell?ing|going|flying|busy|taking|leaving|paying|an?"
    r"|already)\b"
    r"|(?:always|usually|normally|often|never|also|already)\s|(?:has|had|goes|went|gets|got|bought|ordered|booked|paid|pays"
    r"|wears|drives|flies|flew|uses|used|likes|loves|chose|picked|earns|works|sent|owes|took)\b)"
)
"""Of a name alone: `Rob is off`, not `Size is M`."""
_WISHES = frozenset(
    listed(
        "need needs want wants would could should must asks asked prefers prefer wishes wish can may said says told"
        " tells thinks suggested recommended love loves like likes enjoy enjoys and or who whom to for in at on with"
        " but"
    )
)
_ARRIVES = frozenset(listed("arrive arrives land lands come comes coming visit visits arriving visiting turns"))
_BODY = frozenset(map(stem, listed("age old height tall weight weigh birth birthday dob email phone mobile name")))
_SELF = re.compile(
    r"\b(?:i|i['\u2019](?:m|d|ll|ve)|me|mine|myself|we|we['\u2019](?:re|d|ll|ve)|us|ours|too|also|as well|instead"
    r"|another)\b",
    re.IGNORECASE,
)
_CONTRAST = re.compile(r"\b(?:too|also|as well|instead|another|different|other|something|myself|mine)\b", re.IGNORECASE)
_BACK = r"(?<!\bthan )(?<!\bas )(?<!\bafter )(?<!\bbefore )(?<!\blike )(?<!\bwith )(?<!\bfrom )(?<!\bwithout )"
_HIM = re.compile(rf"{_BACK}\b(?:he|him|his)\b", re.IGNORECASE)
_HER = re.compile(rf"{_BACK}\b(?:she|her)\b", re.IGNORECASE)
_THEM = re.compile(rf"{_BACK}\b(?:he|him|his|she|her|they|them|their)\b", re.IGNORECASE)

_TELLS = re.compile(
    r"\s+(?:(?:just|also|has|already)\s+)*(?:told\s+(?:me|us)|said|says|mentioned|reminded\s+(?:me|us)|thinks|reckons|claims"
    r"|recommend\w*|reported|noticed|complained|wrote\s+(?:me|us|that)|asked\s+me\s+(?:whether|if|what|when))\b"
)
_TOLD_BY = re.compile(
    r"\b(?:according to|heard (?:it |this |that )?from|(?:recommended|suggested|reported) by)\s+$", re.IGNORECASE
)
_TELLERS = frozenset(map(stem, listed("reporter source author referrer reported recommended requester requested by")))
_I_AM = re.compile(r"\b(?:this is|my name is|my name['\u2019]s|i am|i['\u2019]m|it['\u2019]s)\s+$", re.IGNORECASE)
_HERE = re.compile(r"\s+(?:here|speaking)\b", re.IGNORECASE)
_FOR_ANOTHER = re.compile(
    rf"\b(?:for|up|on behalf of)\s+(?:my|our)\s+(?:\w+\s+)?{_RELATION}\b"
    rf"|\b(?:my|our)\s+(?:\w+\s+)?{_RELATION}(?:\s[A-Z]\w+)?\s+(?:needs|wants|has to|would|must|is)\b",
    re.IGNORECASE,
)
_SPEAKERS = frozenset(
    map(
        stem,
        listed(
            "caller contact reporter requester sender from booker payer parent guardian owner account customer holder"
        ),
    )
)

_BESIDE = re.compile(
    r"\b(?:(?:goes|wears?|pairs?|looks? \w+|(?<!\bi )(?<!\bi'll )(?<!\bi'd )(?<!\bwe )(?<!\bwe'll )(?<!\blet's )go)"
    r"\s+(?:\w+\s+)?(?:with|under|over)|match(?:es|ing)?|suits?|complements?|next to|beside|in front of)"
    r"\s+(?:my|her|his|our|their|the|your|this|these|a|an)\s+(?:\w+\s+)?$",
    re.IGNORECASE,
)
_FEARED = re.compile(
    r"\b(?:scared|afraid|frightened|terrified|allergic|jealous|wary)\s+(?:of|to)\s+(?:\w+['\u2019]?s?['\u2019]?\s+){0,2}$",
    re.IGNORECASE,
)
_FEARS = frozenset(map(stem, listed("allergy allergies allergen fear phobia")))
_EXCUSED = re.compile(
    r"\b(?:sorry|apologies|excuse me|forgive me)\s+(?:to|for|that|about|if)\b[^.,;!?]*$", re.IGNORECASE
)
_TRIP = re.compile(
    r"[\s-]*(?:minutes?|mins?|hours?|hrs?)\s*to (?:drive|get|walk|go|travel|reach|come|cycle)\b"
    r"|\s*to (?:drive|walk|cycle)\b"
    r"|[\s-]*(?:minutes?|mins?|hours?|hrs?)?\s*(?:(?:drive|walk|ride) (?:from|to|away)\b|from (?:here|home|there)\b)"
    r"|[\s-]*(?:minutes?|mins?|hours?|hrs?|days?|km|kilomet\w+|miles?|met(?:er|re)s?) away\b",
    re.IGNORECASE,
)
_TRIPS = frozenset(map(stem, listed("drive walk ride travel trip commute away distance")))

_EVENT = (
    "show|concert|movie|film|play|game|match|flight|plane|train|bus|ferry|boat|meeting|class|lecture|party|dinner|lunch"
    "|wedding|ceremony|performance|doors?|hours|shop|store|office|appointment|exam|course|school|work|shift|service|opera"
    "|conference|interview|call|date"
)
_HAPPENS = "start|begin|end|finish|open|close|leave|depart|land|arrive|board|take off|get in|is over"
_EVENT_AT = re.compile(
    rf"\b(?:the|my|our|his|her|their|visiting|opening|office)\s+(?:\w+\s+)?(?P<event>{_EVENT})\s+"
    rf"(?:only |already |actually )?(?:{_HAPPENS})s?\s+(?:at |on |from |by |until )?(?:about |around )?(?:the )?$",
    re.IGNORECASE,
)
_ROUTINE = re.compile(
    r"\b(?:i|we)(?:['\u2019](?:m|re|ll|ve))?\s+(?:am |are |will |usually |always |have to )*"
    r"(?P<event>going to bed|go to bed|go to sleep|(?:get off|finish|leave|start) (?:work|school|the office)|work"
    rf"|have (?:an?|another|my|our) (?:\w+ )?(?:{_EVENT}))\s+"
    r"(?:(?:only|already|today|tonight|that day|here)\s+)?(?:at|until|till|from)\s+(?:about |around )?$",
    re.IGNORECASE,
)
_HAVE_AT = re.compile(
    r"(?<!can )(?<!could )(?<!may )(?<!should )\b(?:I|we)(?:['\u2019]ve got| already have| have)"
    r" (?:an?|another|my|our|the)"
    r" (?P<event>(?:\w+ ){1,3}?)(?:at|from|until) (?:about |around )?$"
)
_THEN = re.compile(
    r"\b(?:then|at that time|in time for (?:it|that)|by then|when it (?:starts|begins|ends))\b", re.IGNORECASE
)
_AM_MYSELF = re.compile(r"\bI(?:['\u2019]m| am| have| use| drive| own)\b[^.;,!?]*$")


_STATES = re.compile(
    rf"{_LEAD}(?:(?i:on|in|at|for) the \w+,? )?"
    r"(?:(?i:my|our|his|her|their|the|this|that|most|some|one of (?:my|our|the))\s+"
    r"(?P<subject>(?:[\w'\u2019-]+\s+){0,3}?[\w'\u2019-]+)"
    r"|(?P<name>(?!(?:I|We|You|It|He|She|They|There|What|Who)\b)[A-Z]\w+))"
    r",?\s+(?:(?:who|which|that)\s+)?(?:(?:always|usually|already|also|just|only|still|never)\s+)?"
    r"(?P<verb>is|are|was|were|has|have|had|gets?|got|takes?|took|wears?|wore|goes|went|runs?|ran|costs?|lasts?|starts?"
    r"|begins?|ends?|leaves?|lands?|arrives?|works?|lives?|loves?|likes?|hates?|uses?|plays?|eats?|drinks?|drives?|flies|flew|pays?|paid"
    r"|earns?|gives?|gave|comes?|came|said|says|sells?|sold|weighs?|stays?|spent|sits?|stands?|closes?|opens?|swears?|marked)\b"
)
"""A sentence that says how something is: `My car is blue`, `The conference takes three nights`."""
_IS_PERSON = re.compile(rf"\b{_RELATION}\b", re.IGNORECASE)
_OURSELVES = re.compile(
    r"\b(?:my|our) (?:\w+ )?(?:family|group|team|party|company|class|crew|office|club)\b", re.IGNORECASE
)
_PLANS = re.compile(r"\s+(?:planning|looking|hoping|thinking|trying|travell?ing|going|about|supposed|meant|to)\b")
_WHO = re.compile(r",\s+(?:who|which)\s")
_TAKES = frozenset(map(stem, listed("takes took lasts runs")))
_FACTS = frozenset(
    map(
        stem,
        listed(
            "reason description note title cause type kind category incident issue condition status severity"
            " species activity problem symptom"
        ),
    )
)
"""Of arguments that are told by how things are."""
_THAT_DAY = re.compile(
    r"\b(?:that (?:day|date|time|week|evening)|the same (?:day|time)|for (?:it|that)|there)\b", re.IGNORECASE
)


def _of_a_sibling(draft: Draft, k: int, text: str, span: Span) -> bool:
    """`17 points for Essay 1` where the call is about Essay 2."""
    clause = clause_of(text, span)
    around = f"{text[clause.start : span.start]}\ufffc{text[span.end : clause.end]}"
    for j, fill in enumerate(draft.fills):
        if j == k or not isinstance(fill.value, str) or not re.fullmatch(r"[^\W\d]+ \d+", fill.value):
            continue
        alike = re.findall(rf"\b{re.escape(fill.value.split()[0])} \d+\b", around, re.IGNORECASE)
        if alike and fold(fill.value) not in map(fold, alike):
            return True
    return False


def is_of_another(draft: Draft, k: int, piece: Piece, span: Span) -> bool:
    """Whether words that hold a value of argument `k` say it of somebody or something that the call is not about."""
    if piece.source != "said":
        return False
    return (
        _of_another_person(draft, k, piece, span)
        or _of_who_speaks(draft, k, piece.text, span)
        or _of_another_thing(draft, k, piece.text, span)
        or _of_another_event(draft, k, piece.text, span)
        or _of_the_world(draft, k, piece, span)
        or _of_a_sibling(draft, k, piece.text, span)
        or _of_the_one_before(draft, k, piece.text, span)
        or _was_done(draft, piece.text, span)
    )


_SOMETHING = (
    r"(?:something|some(?: money| cash| more)?|less|more|a (?:bit|little|(?:different|smaller|larger) (?:amount|sum))"
    r"|etwas|quelque chose|algo|qualcosa)"
    r"(?: (?:too|also|auch))?"
)
_GIVEN_TO = re.compile(rf"\b{_SOMETHING}\s+(?:\w+\s+){{0,2}}$", re.IGNORECASE)
_GETS = re.compile(rf"\s+{_SOMETHING}\b", re.IGNORECASE)


def _of_the_one_before(draft: Draft, k: int, text: str, span: Span) -> bool:
    """`10 to Ann, and something to Ben`, of a call for Ben."""
    if draft.kinds[k].sort != "number":
        return False
    for j, fill in enumerate(draft.fills):
        if j != k and draft.kinds[j].sort == "text" and fill.given:
            found = [one.span for one in find(draft.kinds[j], fill.value, text, draft.clock)]
            left = [at for at in found if _GIVEN_TO.search(text[: at.start]) or _GETS.match(text, at.end)]
            if found and left == found and span.end <= min(at.start for at in left):
                return True
    return False


_I_DID = re.compile(
    r"\b(?:i|we)(?:['\u2019](?:ve|d)| have| had)?\s+(?:(?:already|just|also|only|once)\s+)?(?P<verb>[a-z]+)",
    re.IGNORECASE,
)
_ONCE_MORE = re.compile(r"\b(?:again|same|too|also|as well|another|more|once|repeat|likewise|instead)\b", re.IGNORECASE)


def _was_done(draft: Draft, text: str, span: Span) -> bool:
    """`Yesterday I sent 50 to Bob` of a tool that sends: it has been done, and nobody asks for it, or for another."""
    verb, clause = split_name(draft.request.tool)[:1], clause_of(text, span)
    rest = f"{text[: clause.start]} {text[clause.end :]}"
    if not verb or draft.looks_up or _ONCE_MORE.search(rest):
        return False
    done = any(
        stem(found) == stem(verb[0]) and found not in verb and not found.endswith(("ing", "s"))
        for found in (fold(one["verb"]) for one in _I_DID.finditer(text, clause.start, clause.end))
    )
    return done and (asks_for_nothing(rest) or any(token.plain in verb for token in tokens(rest)))


def _rest(text: str, span: Span) -> str:
    return f"{text[: span.start]} \u2026 {text[span.end :]}"


def _of_another_person(draft: Draft, k: int, piece: Piece, span: Span) -> bool:
    """`Rob is off from 7 May. I'd like some vacation, too.`"""
    text, clause = piece.text, clause_of(piece.text, span)
    found = _SAYS_OF.match(text, clause.start, clause.end)
    kind = draft.kinds[k]
    if found is None or found.end("who") > span.start or kind.words & _BODY:
        return False
    if found["name"] and not _OF_PERSONS.match(text, found.end("who")):
        return False
    verb = fold(found["word"] or "")
    rest = _rest(text, clause)
    if verb in _WISHES or (found["pronoun"] and not found["thing"] and not _speaks_of_another(draft, text, clause)):
        return False
    if _is_in_call(draft, found["called"] or found["name"] or ""):
        return False
    if found["called"] and re.search(rf"\b{re.escape(found['called'])}\b", rest):
        return False
    if found["name"] and re.search(rf"\b{re.escape(found['name'])}\b", rest):
        return False
    if kind.sort == "text" and not _CONTRAST.search(rest):
        return False
    if _THEN.search(text, span.end) or _THAT_DAY.search(text, span.end):
        return False
    back = _HIM if found["male"] else _HER if found["female"] else _THEM
    if not found["pronoun"] and back.search(rest):
        return False
    return verb not in _ARRIVES or bool(_SELF.search(rest))


def _speaks_of_another(draft: Draft, text: str, clause: Span) -> bool:
    """Whether `he` is somebody that the sentences before speak of, and the call does not."""
    before = [one for one in _SAYS_OF.finditer(text[: clause.start]) if one["male"] or one["female"]]
    return bool(before) and not _is_in_call(draft, before[-1]["called"] or "")


def _is_in_call(draft: Draft, name: str) -> bool:
    """Whether the call holds a name."""
    values = [fill.value for fill in draft.fills if fill.given and isinstance(fill.value, str)]
    return bool(name) and any(fold(name) == token.plain for value in values for token in tokens(value))


def _of_who_speaks(draft: Draft, k: int, text: str, span: Span) -> bool:
    """`Anna told me to pay the plumber`, `Susan Clark here, it is for my son`."""
    kind, before = draft.kinds[k], text[: span.start]
    if kind.sort != "text" or not text[span.start : span.end][:1].isupper():
        return False
    clause = clause_of(text, span)
    tells = (
        _TELLS.match(text, span.end) and not before[clause.start :].strip(" \"'").lower().endswith(" to")
    ) or _TOLD_BY.search(before)
    if tells and not kind.words & _TELLERS:
        return not _THEM.search(text[span.end :])
    if kind.words & _SPEAKERS or not _FOR_ANOTHER.search(text):
        return False
    return bool(_I_AM.search(before) or _HERE.match(text, span.end))


def _of_another_thing(draft: Draft, k: int, text: str, span: Span) -> bool:
    """`It should go with my red shoes`, `she is scared of dogs`, `it takes me 40 minutes to drive there`."""
    kind, before = draft.kinds[k], text[: span.start]
    if kind.sort == "number":
        last = tokens(text[span.start : span.end])[-1:]  # with its unit where it is a length
        end = span.start + last[0].start if last and last[0].plain in UNITS else span.end
        return not kind.words & _TRIPS and bool(_TRIP.match(text, end))
    if kind.sort in ("enum", "text") and _BESIDE.search(before) and re.match(r"\s+[^\W\d_]{3,}", text[span.end :]):
        return True
    if kind.sort == "enum" and _EXCUSED.search(before):
        return True
    if (
        kind.sort in ("enum", "text")
        and _AM_MYSELF.search(before)
        and re.match(r"[^.;,!?]{0,15}\bmyself\b", text[span.end :])
    ):
        return True
    return kind.sort in ("enum", "text") and not kind.words & _FEARS and bool(_FEARED.search(before))


def _of_another_event(draft: Draft, k: int, text: str, span: Span) -> bool:
    """`The show starts at 19:30` of a taxi to it, `I'm going to bed at 22:30` of an alarm."""
    if draft.kinds[k].sort not in ("time", "datetime"):
        return False
    before = text[: span.start]
    found = _EVENT_AT.search(before) or _ROUTINE.search(before) or _HAVE_AT.search(before)
    if found is None or _THEN.search(text, span.end):
        return False
    about = {word for j, kind in enumerate(draft.kinds) for word in kind.name | label(str(draft.fills[j].value or ""))}
    return not label(found["event"]) & about


def _of_the_world(draft: Draft, k: int, piece: Piece, span: Span) -> bool:
    """`The conference takes three nights`: how something is that the call does not speak of, beside a request."""
    kind, text = draft.kinds[k], piece.text
    a_word = kind.sort == "text" and re.fullmatch(r"[a-z]+", text[span.start : span.end])
    if piece.question or not (a_word or kind.sort in ("number", "date", "time", "datetime", "enum")):
        return False
    if kind.words & _FACTS:
        return False
    whole = next((Span(*one) for one in sentence_spans(text) if one[0] <= span.start < one[1]), None)
    if whole is None or whole.end - whole.start >= len(text.strip()):
        return False
    found = _STATES.match(text, whole.start, whole.end)
    if found is None or found.end() > span.start:
        return False
    if found["name"] and not _OF_PERSONS.match(text, found.end("name")):
        return False  # `Size is M`
    if _OURSELVES.search(found.group()) or _PLANS.match(text, found.end()):
        return False
    if _IS_PERSON.search(found.group()) and not _WHO.search(found.group()):
        return False  # see `_of_another_person`
    clause = clause_of(text, span)
    if kind.sort == "date" and found["verb"] in _ARRIVES:
        return False
    if clause.start > found.end() or _THEN.search(text, span.end) or _THAT_DAY.search(text, span.end):
        return False
    words = {word for one in draft.kinds for word in one.words}
    values = {word for j, fill in enumerate(draft.fills) if j != k and fill.given for word in label(str(fill.value))}
    if label(found["subject"] or found["name"]) & (words | values):
        return False
    near = label(text[clause.start : span.start] + " " + text[span.end : clause.end])
    return bool(found["name"]) or stem(found["verb"]) in _TAKES or not near & kind.words
