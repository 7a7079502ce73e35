"""Whether a person takes a request back, told by their words: never mind, not now, "Send 10 to Ann, actually, don't".

These rules know English, some German, and a little French and Spanish. A sentence is read by its clauses: "cancel" in
the middle of a sentence about something else takes nothing back.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Literal

from sml_agents.text.schemas import words_of
from sml_agents.text.values import fold
from sml_agents.text.values.words import listed
from sml_agents.text.words import stem

__all__ = [
    "FILLER",
    "NO_THANKS",
    "PART",
    "asks_to_go_on",
    "clauses_of",
    "ends_of_withdrawals",
    "is_filler",
    "may_ask_to_undo",
    "since_withdrawn",
    "undoes",
    "withdraws",
]

_SENTENCE = re.compile(r"[.!?;\n]+(?=\s|$)|,(?=\s)|\s[-\u2013\u2014]\s")
_FULL_STOP = re.compile(r"[.!?;\n]+(?=\s|$)|\s[-\u2013\u2014]\s")
PART = re.compile(r":\s")
_OPENERS = (
    r"(?:(?:oh|ok|okay|no|nope|nah|actually|sorry|well|hm+|um|please|then|just|thanks?|wait|hold on|and|but|or"
    r"|on second thoughts?|ach|nein|bitte|doch|aber|non|mais|alors|si|ya|pero|ma|aspetta) )*"
)
_CLOSERS = r"(?: (?:please|then|now|yet|after all|thanks?(?: you)?|any ?more|first|bitte|doch|merci|gracias|grazie))*"
_WITHDRAWN = re.compile(
    rf"{_OPENERS}(?:(?:never ?mind|nvm)(?: that| it)?"
    r"|forget (?:it|that|about (?:it|that)|(?:all of|about) it|the (?:request|whole thing))"
    r"|scratch that|stop(?: it| that)?|abort|drop it"
    r"|leave it(?: be)?"
    r"|cancel(?: (?:it|that|this|everything|all of it|(?:the|my|this) (?:request|whole thing)))?"
    r"|do(?: not|n't) (?:bother|book|do|send|order|buy)(?: (?:it|that|anything))?|i (?:have )?changed my mind"
    r"|i do(?: not|n't) want (?:it|that|this) any ?more"
    r"|let'?s (?:not|leave it|forget it)(?: do (?:it|that))?|no,? thanks?(?: you)?|not any ?more"
    r"|vergiss (?:es|das)|lass (?:es|das|mal)(?: sein| gut sein)?|abbrechen|brich(?: das)? ab|storniere das"
    r"|doch nicht|ich hab(?:e|'?s)? (?:es )?mir(?:'s)? anders uberlegt|laisse[zs]? tomber"
    r"|annule[zs]?(?: tout| ca| cela)?"
    r"|finalement non|j'ai change d'avis|(?:no,? )?(?:olvid[ae]lo|dej[ae]lo)|cancel(?:ar?|e)(?: (?:eso|esto|todo))?"
    r"|mejor no|no importa"
    r"|he cambiado de (?:idea|opinion)|lascia perdere|annulla|cancella tutto)"
    r"(?: (?:please|then|now|instead|after all|bitte|doch))*"
)
_DONT = re.compile(
    rf"{_OPENERS}(?:do(?: not|n't)|better not|rather not|(?:on second thoughts?|actually|wait|oh|hm+|um|but) no"
    r"|i(?:'ll| will)(?: just| rather)? do (?:it|that|this) myself|i(?:'d| would) rather not|ignore (?:this|it)"
    r"|(?:i(?:'m| was) )?(?:just |only )?(?:kidding|joking)|(?:oops )?wrong (?:chat|window)|i take (?:that|it) back"
    r"|en fait non"
    r"|(?:there(?:'s| is) )?no (?:longer any )?need (?:for (?:it|that|this) )?(?:any ?more|any longer)"
    r"|lieber (?:doch )?nicht|besser nicht|tu (?:es|das) nicht|mieux vaut pas|ne (?:le )?fai(?:s|tes) pas"
    rf"|no lo hagas|meglio di no|non farlo){_CLOSERS}"
)
"""What takes a request back without a word for it."""
_SCRAPPED = re.compile(rf"{_OPENERS}(?:(?:scrap|ignore|forget|scratch) that|scrap (?:it|this)){_CLOSERS}")
"""What takes back all that was asked for as a sentence of its own, and within one only what stands before it."""
_SEQUEL = re.compile(r"(?:and|then|dann|und) .*")
"""What comes next rather than instead: `Play jazz, then stop`."""
_TURN = re.compile(
    r" (?=(?:but|or|aber|mais|pero|ma) (?!i changed)"
    r"|(?:never ?mind|nvm|actually|no,? wait|wait|no)(?: (?:wait|actually|no))*(?: (?:do(?: not|n't)|no))?$)"
)
"""Where a clause turns round: `Send 10 but not now`, `Send 10 actually don't`."""
_SUPPOSES = re.compile(r"(?:if|unless|when|in case|should|wenn|falls|si|se|quand|cuando)\b")
_BARE = re.compile(r"(?:do(?: not|n't)|leave it|cancel|stop|then).*")
"""What may be told for a case: `If they have no table, don't`."""
_REMARK = re.compile(
    r"(?:i|we|he|she|they|it|that|you)(?:'(?:s|re|ve|m|d)| is| are| was| were| have| has| had)? (?:just )?"
    r"(?:already|closed|gone|full|over|done|sold out|too|joking|kidding|found|did|paid|got|have one)\b.*"
    r"|(?:just )?(?:joking|kidding)|lol|ha(?:ha)+"
    r"|(?:sorry|thanks?|thank you|danke|merci|gracias) (?:for|a lot|so much|very much|anyway|again)\b.*"
)
"""What is said behind a withdrawal and asks for nothing: `they're closed`."""
_CONTENT = re.compile(
    r"(?:(?:please|can you|could you|and|hi|hey) )*"
    r"(?:tell|text|write|translate|message|say|post|email|reply|dictate|play|sing)\b"
)
"""A request whose end may be what is to be told, not what is wanted."""
_UNDOES = re.compile(
    rf"{_OPENERS}(?:cancel|stop|abort|drop it|i (?:have )?changed|i do(?: not|n't) want|annul|abbrechen|brich|storniere"
    r"|ich hab(?:e|'?s)? (?:es )?mir|j'ai change|he cambiado).*"
)
"""What may ask a tool to take back something as well: `My booking is ZX81, cancel it`."""
_UNDOING = frozenset(
    map(stem, listed("cancel stop refund return delete remove abort end unsubscribe undo revoke terminate storno"))
)
_SIDE = re.compile(r"(?:and |und )?(?:as for|about|was)\b.*")
_MOST_OF_A_SIDE = 3
"""Words of what a person declines beside a request: `the car, never mind`."""
_ASKS_ITSELF = re.compile(r"[.!;,\n]\s+(?:\w+\s+){0,2}\w+\?\s+[^?]*$")
"""Something beside the request, and what the person says of it: `Breakfast? Better not.`"""
_QUOTED = re.compile(r"(?:^|[\s(])[\"'\u201c\u2018\u201e\u00ab]\w[^,.;!?]*[\"'\u201d\u2019\u00bb][\s.!]*$")
_LET_ME = (
    r"(?:let me|i (?:need|have) to) (?:\w+(?: (?:about|on))?(?: (?:it|that|this|something))?"
    r"|(?:ask|check|think|talk|sleep)\b.*)"
)
_PAUSES = re.compile(
    rf"{_OPENERS}(?:hold on|not (?:(?:right )?now|yet)|(?:wait|hold on) (?:a (?:moment|minute|second|sec) )?{_LET_ME}"
    r"|hold off(?: for now| on (?:it|that|this))?|better wait|(?:maybe|perhaps) later|not yet though"
    r"|do(?: not|n't) do (?:it|that|this) (?:just )?yet|noch nicht(?: jetzt)?|jetzt (?:noch )?nicht|(?:todavia|aun) no"
    rf"|pas maintenant|ahora no|non (?:ora|adesso)){_CLOSERS}"
)
"""What puts a request off, unless the person goes on."""
_DECLINES = re.compile(
    rf"(?:{_OPENERS}(?:no|nope|nah|nein|non|wait|warte|attends|attendez|espera|aspetta|no need"
    r"|not (?:today|yet)|noch nicht|heute nicht|pas (?:encore|aujourd'hui)|(?:todavia|hoy) no|non (?:ancora|oggi)"
    r"|let me (?:think|check|look|see|sleep)(?: (?:about|on|over|into))?(?: (?:it|that|this))?)"
    rf"|no,? (?:thanks?(?: you)?)|(?:nein|non) (?:danke|merci|grazie)|no (?:gracias|grazie)){_CLOSERS}"
)
"""What says no to a question whether to go on."""
_ACTS = (
    r"(?:do|send|book|order|buy|pay|reserve|place|make|submit|confirm|transfer|schedule|delete|post|publish|run|create"
    r"|finali[sz]e|complete|execute|start)"
)
_SOON = r"(?: (?:now|then|right (?:now|away)|for you|today|like (?:this|that)|already|please))*"
_WHETHER_TO_GO_ON = re.compile(
    r"(?:(?:shall|should|may|can|could) i|(?:do|would) you (?:want|like) me to|ok(?:ay)?(?: for me)? to|ready to"
    r"|(?:is it|is that) (?:ok|okay|all right|fine) (?:if i|to)|may i)"
    rf" (?:now )?(?:(?:go (?:ahead|on)|proceed|continue)(?: with .+)?|{_ACTS}(?: (?:it|this|that|them|these|those|all"
    rf"|everything))?{_SOON}|{_ACTS} (?:the|your|this|these|\d)(?!.* (?:with|without|by|as|via|using|too|also|or)\b).+)"
    r"|(?:is|are) (?:that|this|it|these|everything|all (?:that|of that|this)) (?:all )?(?:right|correct|ok|okay|fine)"
    rf"{_SOON}|(?:all )?(?:right|correct|ok|okay)|do you confirm(?: (?:it|this|that))?|(?:please )?confirm"
    r"|(?:soll|darf|kann) ich (?:es|das|sie|ihn|dies|alles)? ?(?:jetzt |nun |so |gleich )*\w+(?:en|un)"
    r"|(?:ist|stimmt) (?:das|es|alles)(?: so)?(?: richtig| korrekt| ok| in ordnung)?"
    r"|(?:dois-je|puis-je|est-ce que je (?:dois|peux)) (?:le |la |les |l')?\w+(?: maintenant)?"
    r"|(?:je|j')(?: le| la| l')? ?\w+ maintenant|(?:est-ce|c'est)(?: bien)? (?:correct|exact|bon|ca)"
    r"|(?:debo |puedo |quieres que |quiere que )?(?:lo |la |los )\w+(?: ya| ahora)?|es (?:eso )?correcto"
    r"|(?:lo|la|los) (?:hago|envio|reservo|mando|pago|compro|confirmo)|(?:esta|es) (?:bien|correcto)(?: asi)?"
    r"|(?:devo|posso|vuoi che) (?:lo |la )?\w+(?: ora| adesso)?|(?:lo|la) \w+ (?:ora|adesso)"
    r"|e (?:giusto|corretto)|va bene(?: cosi)?"
)
_OPEN = re.compile(r"\b(?:what|which|when|where|who|whose|why|how|was|welche\w*|wann|wo|wer|wie|quand|cuando|quando)\b")
"""What asks for more than a yes or no."""
FILLER = re.compile(
    r"(?:oh|ok|okay|no|nein|nope|sorry|thanks?(?: you)?(?: anyway)?|please|well|hm+|hi|hello|danke|bitte|bye|for now"
    r"|it'?s fine|all good|that'?s all|ach|non|merci|gracias|grazie|lo siento|desolee?"
    r"|i don'?t (?:need|want) (?:it|that|this)(?: any ?more)?)?"
)
NO_THANKS = re.compile(r"\W*(?:no|nope|nein)?,? ?(?:thanks?(?: you)?|danke|merci|gracias)\b")
_CHANGED = re.compile(r"(?:please )?(?:make|change) (?:it|that|this)\b")
"""What makes a change of a withdrawal: `Cancel that. Make it Tuesday.`"""
_AROUND = re.compile(r"^\W+|\W+$")


def clauses_of(text: str) -> list[str]:
    return [clause for part in _SENTENCE.split(text) if (clause := " ".join(_AROUND.sub("", fold(part)).split()))]


def asks_to_go_on(question: str) -> bool:
    """Whether a text ends with the question whether to do what was asked for: `Shall I send it?`, `Is that right?`."""
    if not question.rstrip().endswith("?"):
        return False
    sentence = clauses_of(re.split(r"[.!?:;\n]+\s|[\u00bf\u00a1]", question.strip())[-1])
    tails = (" ".join(sentence[at:]) for at in range(len(sentence)))
    return any(_WHETHER_TO_GO_ON.fullmatch(tail) for tail in tails)


def _is_yes_or_no(question: str) -> bool:
    last = question.rstrip().rsplit("\n", 1)[-1]
    return last.endswith("?") and not _OPEN.search(fold(re.split(r"[.!?:;]\s", last)[-1]))


def is_filler(clauses: Sequence[str]) -> bool:
    return all(FILLER.fullmatch(clause) and not _WITHDRAWN.fullmatch(clause) for clause in clauses)


def _is_all(clauses: Sequence[str], kind: re.Pattern[str]) -> bool:
    """Whether clauses are of a kind, together or each but for thanks and the like."""
    found = [bool(kind.fullmatch(clause)) for clause in clauses]
    others = [clause for clause, one in zip(clauses, found, strict=True) if not one]
    return bool(kind.fullmatch(" ".join(clauses))) or (any(found) and all(map(FILLER.fullmatch, others)))


_LONGEST_TAIL = 6
"""Clauses of a withdrawal, and behind it: a message may have thousands."""


def _ends_with(text: str, kinds: Sequence[re.Pattern[str]]) -> bool:
    """Whether the last clauses take back the ones before: `Send 10 to Ann, actually, don't, sorry`. Not those of what
    is to be told or is quoted, of a case that is supposed, nor of something beside the request."""
    if _QUOTED.search(text) or (PART.search(text) and _CONTENT.match(fold(text))):
        return False
    parts = [part for clause in clauses_of(text) for part in _TURN.split(clause)]
    told = bool(parts) and bool(_CONTENT.match(parts[0]))

    def takes_back(at: int, end: int) -> bool:
        tail, before = " ".join(parts[at:end]), parts[at - 1]
        if any(one.fullmatch(tail) for one in (NO_THANKS, _SCRAPPED, _SEQUEL)):
            return False
        if (told and (_PAUSES.fullmatch(tail) or _UNDOES.fullmatch(tail))) or (
            _SUPPOSES.match(before) and _BARE.fullmatch(tail)
        ):
            return False
        short = len(before.split()) <= _MOST_OF_A_SIDE or _SIDE.match(before)
        if at > 1 and short and not (is_filler([before]) or _SUPPOSES.match(before)):
            return False
        return any(kind.fullmatch(tail) for kind in kinds)

    ends = [
        at
        for at in range(max(1, len(parts) - _LONGEST_TAIL), len(parts) + 1)
        if all(is_filler([one]) or _REMARK.fullmatch(one) for one in parts[at:])
    ]
    return any(takes_back(at, end) for end in ends for at in range(max(1, end - _LONGEST_TAIL), end))


def may_ask_to_undo(text: str) -> bool:
    """Whether the words that take a request back may ask a tool that takes something back, too: `cancel it`."""
    return any(_UNDOES.fullmatch(part) for clause in clauses_of(text) for part in _TURN.split(clause))


def undoes(tool: str) -> bool:
    """Whether a tool, by its name, takes something back: `cancel_booking`."""
    return not _UNDOING.isdisjoint(stem(word) for word in fold(words_of(tool)).split())


def withdraws(text: str, question: str = "", asked_for: bool = False) -> Literal["", "all", "part"]:
    """Whether the person takes the request back: `all`, or `part` when their words go on with something else.

    `question`: what the agent said before; a mere `no` withdraws where that asks whether to go on. `asked_for`: it asks
    for an argument, so that `hold on` leaves the question open and no more.
    """
    clauses = clauses_of(text)
    going_on = not asked_for and asks_to_go_on(question)
    if going_on and clauses and _is_all(clauses, _DECLINES):
        return "all"
    of_all = [_WITHDRAWN, _SCRAPPED] if not asked_for else []
    if going_on or not _is_yes_or_no(question):
        of_all += [_DONT] if asked_for else [_DONT, _PAUSES]
    last = next((part for one in reversed(_FULL_STOP.split(text)) if not is_filler(part := clauses_of(one))), [])
    if _ASKS_ITSELF.search(text):
        of_all = [kind for kind in of_all if kind in (_WITHDRAWN, _SCRAPPED)]
    if last and not NO_THANKS.fullmatch(" ".join(last)) and any(_is_all(last, kind) for kind in of_all):
        return "all"
    if _ends_with(text, of_all):
        return "all"
    rest = [one for one in clauses if not (_WITHDRAWN.fullmatch(one) or FILLER.fullmatch(one))]
    begun = _DONT in of_all and clauses and _DONT.fullmatch(clauses[0])
    if not begun and not any(_WITHDRAWN.fullmatch(one) for one in clauses):
        return ""
    if any(_CHANGED.match(clause) for clause in rest):
        return ""
    return "part" if rest else "all"


def ends_of_withdrawals(text: str) -> Iterator[int]:
    """Where the person goes on after they have taken back what they said: `Send 10, never mind, send 20`."""
    breaks = [(0, 0), *(found.span() for found in _SENTENCE.finditer(text)), (len(text), len(text))]
    for (_, start), (stop, end) in pairwise(breaks):
        parts = [part for one in clauses_of(text[start:stop]) for part in _TURN.split(one)] if start else []
        if end < len(text) and any(_WITHDRAWN.fullmatch(one) or _DONT.fullmatch(one) for one in parts):
            yield end


_MOST_OF_A_CORRECTION = 2
"""Words with which a person puts right what they took back, `Cancel that. 20.`; more of them ask anew."""


def since_withdrawn(text: str) -> str:
    """What the person says after they have taken back what they said before in the same text, if they ask anew."""
    start = max((at for at in ends_of_withdrawals(text) if len(text[at:].split()) > _MOST_OF_A_CORRECTION), default=0)
    return text[start:]
