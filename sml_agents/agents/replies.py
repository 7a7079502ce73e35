"""What a person's reply means, told by its words: yes, no, never mind, I do not know, just go on, no, I meant Friday.

These rules know English, some German, and a little French and Spanish. A sentence is read as a whole: "cancel" in the
middle of a sentence about something else takes nothing back.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Literal

from sml_agents.text.schemas import words_of
from sml_agents.text.sentences import sentences
from sml_agents.text.values import fold
from sml_agents.text.values.numbers import find_numbers, same_unit
from sml_agents.text.values.words import listed
from sml_agents.text.words import stem

__all__ = [
    "accepts",
    "answers_nothing",
    "asks_again",
    "asks_for_nothing",
    "asks_to_go_on",
    "confirms",
    "corrections",
    "declines_extra",
    "is_undecided",
    "may_ask_to_undo",
    "only_agrees",
    "refers_back",
    "since_withdrawn",
    "speaks_of_going_on",
    "undoes",
    "withdraws",
]

_SENTENCE = re.compile(r"[.!?;\n]+(?=\s|$)|,(?=\s)|\s[-\u2013\u2014]\s")
_FULL_STOP = re.compile(r"[.!?;\n]+(?=\s|$)|\s[-\u2013\u2014]\s")
_PART = re.compile(r":\s")
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
_FILLER = re.compile(
    r"(?:oh|ok|okay|no|nein|nope|sorry|thanks?(?: you)?(?: anyway)?|please|well|hm+|hi|hello|danke|bitte|bye|for now"
    r"|it'?s fine|all good|that'?s all|ach|non|merci|gracias|grazie|lo siento|desolee?"
    r"|i don'?t (?:need|want) (?:it|that|this)(?: any ?more)?)?"
)
_DONT_KNOW = re.compile(
    r"\b(?:no idea|(?:i )?do(?: not|n't) know|dunno|not sure|no clue|can'?t say|hold on|wait a|one moment"
    r"|let me (?:check|think|look)|later"
    r"|weiss (?:es |ich )?(?:noch )?nicht|keine ahnung|moment(?: mal)?|what do you mean|why do you (?:ask|need)"
    r"|sais pas|aucune idee|un (?:moment|instant)|attend[sz]?|(?:no lo|aun no|todavia no(?: lo)?) se|ni idea|un momento"
    r"|espera|non (?:lo )?so|nessuna idea)\b"
)
_EXTRA = re.compile(
    r"\b(?:shall|should|may|can) i (?:also )?(?:add|include|throw in)\b"
    r"|\b(?:would|do) you (?:also )?(?:like|want) (?:to add|to"
    r" include|me to add|an? (?:extra|upgrade)|any extras?|insurance|breakfast)\b"
    r"|\btell me (?:whether|if)\b",
    re.IGNORECASE,
)
_NO_THANKS = re.compile(r"\W*(?:no|nope|nein)?,? ?(?:thanks?(?: you)?|danke|merci|gracias)\b")
_UNDECIDED = re.compile(
    r"\b(?:not (?:yet )?decided|undecided|haven't (?:yet )?decided|(?:think|sleep) (?:about|on) it|think it over"
    r"|nicht entschieden"
    r"|uberlege? (?:es )?mir|pas (?:encore )?decide|no (?:lo )?he decidido)\b"
)
_GO_ON = re.compile(
    r"(?:(?:ok|okay|please|and|so|but|just|no|well|then|now|oh|bitte|ach) )*"
    r"(?:(?:just )?(?:go|go on|go ahead|do it|book it|proceed|continue|start|guess|carry on)(?: (?:ahead|on|now|then"
    r"|already|please))*"
    r"|(?:just )?(?:pick|choose|decide|take) (?:one|any(?:thing)?|something|for me|whatever)(?: (?:for me"
    r"|you like))?|stop asking(?: me)?(?: (?:questions|things))?"
    r"|(?:no more|enough|do(?: not|n't) ask(?: me)?(?: any)?(?: more)?|without(?: any)?(?: more)?) questions"
    r"|do(?: not|n't) ask(?: me)?(?: (?:again|any ?more|anything))?"
    r"|you (?:decide|choose|pick)|(?:it is |it's )?up to you|i (?:do not|don't) (?:care|mind)"
    r"|use your (?:own )?(?:best )?(?:judge?ment|guess)"
    r"|whatever(?: you (?:like|want|think))?|surprise me|mach einfach|egal|such (?:es )?dir (?:etwas|was) aus)"
    r"(?: (?:please|then|now|really|for me|bitte))*"
)
_GOOD = (
    r"(?:correct|right|perfect|great|fine|good|well|ok|okay|nice|excellent|alright|all right|lovely|cool|amazing"
    r"|wonderful|awesome|fantastic|reasonable|acceptable|the one"
    r"|(?:exactly )?what i (?:want|need))"
)
_PERHAPS = r"(?:(?!(?:not|never|no|too|hardly|less|[a-z]+n't)\b)[\w']+ )"
"""A word in between that turns nothing round."""
_YES = re.compile(
    r"(?:(?:oh|ok|okay|well|and|yes|please|that'?s all|it'?s|thats) )*(?:yes|ye[ps]|yeah|yup|ues|sure|of course|exactly"
    rf"|indeed|absolutely|definitely|{_GOOD}|no (?:problem|worries)|you got (?:it|that)|(?:i )?confirm(?:ed)?"
    r"|(?:permission )?granted|please do|go ahead|do it|i agree"
    rf"|i(?:'?m| am) (?:{_PERHAPS})?{_GOOD}(?: with (?:it|that|this))?"
    rf"|(?:that|this|it|these|those|they|everything|(?:the|your|my|all|these) [\w']+)(?: {_PERHAPS}?)?"
    rf"(?:'?s|'ll be|\b ?(?:is|are|sounds?|looks?|seems?|(?:will|would|should) be)) {_PERHAPS}{{0,2}}{_GOOD}"
    rf"|(?:that|this|it|everything|the [\w']+) {_PERHAPS}?(?:works?|suits?|(?:will|would|should|'ll) (?:do|work))"
    rf"|that'?s (?:it|all)|that one|(?:sounds?|looks?|seems) {_PERHAPS}?{_GOOD}|works for me|suits me"
    r"|i(?:'ll| will| would like to|'d like to| would)? (?:take|like|love|want) (?:it|that|this|that one)"
    r"|(?:please )?(?:book|buy|reserve|get|order) (?:it|that|this|me that|them)(?: one)?|ja|genau|gerne?|passt"
    r"|stimmt|oui|d'accord|si|vale|claro)\b"
)
_AGREES = re.compile(
    rf"{_YES.pattern}(?: (?:please|thanks|bitte|genau|it (?:is|does)|that one|exactly|correct|right))*"
)
_NO = re.compile(
    r"(?:(?:oh|well|sorry|hm+) )*(?!no (?:problem|worries)\b)(?:no|nope|nah|not|neither|none|nein|non|i do(?: not|n't)"
    r"|do(?: not|n't)|something else|another|any other|what else)\b"
)
_CORRECTS = re.compile(
    r"(?:^(?:yes|yeah|yep|ok|okay|sure|fine|good|great|perfect|ja|oui|s[i\u00ed])\b[^.;!?]{0,20}?\b(?:but|only|except"
    r"|aber|mais|pero)\s)"
    r"|(?:(?<=[.,;!?\n\u2013\u2014-])\s*(?=[^.,;!?\n]{1,40}?"
    r"\b(?:(?:would|might) (?:be|work|suit me) better|(?:is|works) better|instead(?! of))\b)\S+\s)"
    r"|(?:^|(?<=[.,;!?(\n\u2013\u2014-])\s*)(?:oh,? |ach,? |ah,? |but |and )*(?:no,? wait[,.]?|no(?:pe)?,"
    r"|no\b(?= (?:on|at|to|from|make|it|the|i|let|in)\b)|wait,?|sorry,?|actually,?|i mean[t,]?|rather,?|correction:?"
    r"|(?:please )?(?:make (?:it|that)|change (?:it|that) to)|better,?|nein,?|doch lieber|lieber|ich mein\w*|besser"
    r"|instead,?|non,?|pardon,?|perd[o\u00f3]n,?|(?:je )?voulais dire"
    r"|quer[i\u00ed]a decir|mejor|plut[o\u00f4]t|scusi,?|volevo dire"
    r"|meglio)\s",
    re.IGNORECASE,
)
_RESTATES = re.compile(
    r"[\s-]?(?:(?!(?:and|or|but|with|und|oder|et|ou|y|o)\b)[^\s\d,.;:!?]{1,20})?[\s,.(\u2026\u2013\u2014-]{1,9}"
    r"(?P<how>no|e+r+m?|u+h+m?|\u00e4h+m?|hm+)\b[\s,.\u2026\u2013\u2014-]{1,9}[$\u20ac\u00a3]?",
    re.IGNORECASE,
)
"""Between a number and the one that takes its place: `19 er 18`, `21 degrees, no 20`."""
_CHANGED = re.compile(r"(?:please )?(?:make|change) (?:it|that|this)\b")
"""What makes a change of a withdrawal: `Cancel that. Make it Tuesday.`"""
_REFERS = re.compile(
    r"\b(?:it|that|this|these|those|them|there|same|one|ones|first|second|third|last|es|das|den|die|dort|ersten?"
    r"|gleiche[nrs]?)\b",
    re.IGNORECASE,
)
_POLITE = re.compile(
    r"(?:thanks?|thank you)(?: so much| very much| a lot)? for (?:it|that|this|those|the \w+)"
    r"|(?:the )?same to you(?: too)?|(?:have|make it) an? (?:good|nice|great|lovely) \w+"
)
"""What speaks of nothing, though with such a word."""
_THANKS = re.compile(
    r"(?:(?:oh|super|and|many|vielen|muchas|mille|thanks?|thank you|danke?|merci|gracias|grazie"
    rf"|cheers|so much|very much|a lot|a ton|again|schon|sehr|beaucoup|bien|{_GOOD}|(?:nice|good|great) (?:job|work)"
    r"|perfekt|prima|toll|parfait|perfecto|perfetto)(?: |$))+"
    rf"|(?:yes,? )?(?:that|this|it|all) was (?:{_PERHAPS})?{_GOOD}"
)
_INQUIRES = re.compile(
    r"(?!.*\b(?:again|more|another|possible|(?:noch ?)?mal|encore)\b)"
    r"(?:(?:and|ok|okay|thanks?|thank you|great|but|so|und)[,!.]? )*(?:when|where|why|who|how(?! about\b)|did|does|has"
    r"|have|is|are(?! you\b)|was|were|wann|wo|warum|wie|ist|hat|quand|cuando)\b[^?]*\?\s*$"
)
"""A question about what was done; one with `can you` or `once more` asks for something."""
_ANEW = (
    r"(?:again|once (?:more|again)|one more(?: time| (?:of|like) (?:it|that|them|those|this))?|another(?: one| time)?"
    r"|a second (?:one|time)|(?:noch ?(?:ein)?mal|nochmals?|noch ein\w*)|encore(?: (?:une|un)(?: fois)?)?"
    r"|otr[oa](?: vez)?|de nuevo|ancora(?: una volta)?|di nuovo)"
)
_AGAIN = re.compile(
    r"(?:(?:please|and|now|ok|okay|yes|yeah|yep|sure|then|just|(?:can|could|would) you|i want|i'?d like|i need|let'?s"
    r"|bitte|ja|oui|si) )*"
    r"(?:repeat (?:it|that|this)|(?:(?:do|try|book|buy|order|send|make|get|reserve|run|play|pay|print|add|create|mach"
    r"|buche|bestell\w*|schick\w*|sende) )?"
    r"(?:(?:it|that|this|them|me|us|(?:exactly )?the (?:very )?same(?: thing| one)?|das(?:selbe| gleiche)?|es) )*"
    rf"{_ANEW})(?: (?:please|thanks|now|for me|bitte))*"
)


_AROUND = re.compile(r"^\W+|\W+$")


def _clauses(text: str) -> list[str]:
    return [clause for part in _SENTENCE.split(text) if (clause := " ".join(_AROUND.sub("", fold(part)).split()))]


def asks_to_go_on(question: str) -> bool:
    """Whether a text ends with the question whether to do what was asked for: `Shall I send it?`, `Is that right?`."""
    if not question.rstrip().endswith("?"):
        return False
    sentence = _clauses(re.split(r"[.!?:;\n]+\s|[\u00bf\u00a1]", question.strip())[-1])
    tails = (" ".join(sentence[at:]) for at in range(len(sentence)))
    return any(_WHETHER_TO_GO_ON.fullmatch(tail) for tail in tails)


def _is_yes_or_no(question: str) -> bool:
    last = question.rstrip().rsplit("\n", 1)[-1]
    return last.endswith("?") and not _OPEN.search(fold(re.split(r"[.!?:;]\s", last)[-1]))


def _is_filler(clauses: Sequence[str]) -> bool:
    return all(_FILLER.fullmatch(clause) and not _WITHDRAWN.fullmatch(clause) for clause in clauses)


def _is_all(clauses: Sequence[str], kind: re.Pattern[str]) -> bool:
    """Whether clauses are of a kind, together or each but for thanks and the like."""
    found = [bool(kind.fullmatch(clause)) for clause in clauses]
    others = [clause for clause, one in zip(clauses, found, strict=True) if not one]
    return bool(kind.fullmatch(" ".join(clauses))) or (any(found) and all(map(_FILLER.fullmatch, others)))


def _ends_with(text: str, kinds: Sequence[re.Pattern[str]]) -> bool:
    """Whether the last clauses take back the ones before: `Send 10 to Ann, actually, don't, sorry`. Not those of what
    is to be told or is quoted, of a case that is supposed, nor of something beside the request."""
    if _QUOTED.search(text) or (_PART.search(text) and _CONTENT.match(fold(text))):
        return False
    parts = [part for clause in _clauses(text) for part in _TURN.split(clause)]
    told = bool(parts) and bool(_CONTENT.match(parts[0]))

    def takes_back(at: int, end: int) -> bool:
        tail, before = " ".join(parts[at:end]), parts[at - 1]
        if any(one.fullmatch(tail) for one in (_NO_THANKS, _SCRAPPED, _SEQUEL)):
            return False
        if (told and (_PAUSES.fullmatch(tail) or _UNDOES.fullmatch(tail))) or (
            _SUPPOSES.match(before) and _BARE.fullmatch(tail)
        ):
            return False
        short = len(before.split()) <= _MOST_OF_A_SIDE or _SIDE.match(before)
        if at > 1 and short and not (_is_filler([before]) or _SUPPOSES.match(before)):
            return False
        return any(kind.fullmatch(tail) for kind in kinds)

    ends = [
        at for at in range(1, len(parts) + 1) if all(_is_filler([one]) or _REMARK.fullmatch(one) for one in parts[at:])
    ]
    return any(takes_back(at, end) for end in ends for at in range(1, end))


def may_ask_to_undo(text: str) -> bool:
    """Whether the words that take a request back may ask a tool that takes something back, too: `cancel it`."""
    return any(_UNDOES.fullmatch(part) for clause in _clauses(text) for part in _TURN.split(clause))


def undoes(tool: str) -> bool:
    """Whether a tool, by its name, takes something back: `cancel_booking`."""
    return not _UNDOING.isdisjoint(stem(word) for word in fold(words_of(tool)).split())


def withdraws(text: str, question: str = "", asked_for: bool = False) -> Literal["", "all", "part"]:
    """Whether the person takes the request back: `all`, or `part` when their words go on with something else.

    `question`: what the agent said before; a mere `no` withdraws where that asks whether to go on. `asked_for`: it asks
    for an argument, so that `hold on` leaves the question open and no more.
    """
    clauses = _clauses(text)
    going_on = not asked_for and asks_to_go_on(question)
    if going_on and clauses and _is_all(clauses, _DECLINES):
        return "all"
    of_all = [_WITHDRAWN, _SCRAPPED] if not asked_for else []
    if going_on or not _is_yes_or_no(question):
        of_all += [_DONT] if asked_for else [_DONT, _PAUSES]
    last = next((part for one in reversed(_FULL_STOP.split(text)) if not _is_filler(part := _clauses(one))), [])
    if _ASKS_ITSELF.search(text):
        of_all = [kind for kind in of_all if kind in (_WITHDRAWN, _SCRAPPED)]
    if last and not _NO_THANKS.fullmatch(" ".join(last)) and any(_is_all(last, kind) for kind in of_all):
        return "all"
    if _ends_with(text, of_all):
        return "all"
    rest = [one for one in clauses if not (_WITHDRAWN.fullmatch(one) or _FILLER.fullmatch(one))]
    begun = _DONT in of_all and clauses and _DONT.fullmatch(clauses[0])
    if not begun and not any(_WITHDRAWN.fullmatch(one) for one in clauses):
        return ""
    if any(_CHANGED.match(clause) for clause in rest):
        return ""
    return "part" if rest else "all"


def refers_back(text: str, tool: str = "") -> bool:
    """Whether words speak of what was talked about before: `book it`, `the second one`.

    Where a part of them names the tool, that part has to: `Change this for me: pay Bob` asks for a payment by itself.
    """
    parts = [one for part in _PART.split(text) for one in _clauses(part) if not _POLITE.fullmatch(one)]
    its_words = {stem(word) for word in fold(words_of(tool)).split()}
    naming = [one for one in parts if its_words & {stem(word) for word in one.split()}]
    return any(_REFERS.search(one) for one in naming or parts)


def corrections(text: str) -> list[tuple[str, bool]]:
    """A text in the stretches between words such as `no, wait`, `I meant` and `never mind`, and whether each begins
    with them, or after the last."""
    cuts = {*(found.start() for found in _CORRECTS.finditer(text)), *_restated(text), *_taken_back(text)}
    marks = sorted({0, *cuts, len(text)})
    return [(text[start:end], start in cuts) for start, end in pairwise(marks) if text[start:end].strip()]


def _restated(text: str) -> Iterator[int]:
    """Where a number stands in place of the one before it; a `no` before what is counted otherwise denies that, and
    one before a number with a name is a house's: `Flat 3, no 12 High Street`."""
    for (_, old), (_, new) in pairwise(find_numbers(text)):
        if found := _RESTATES.fullmatch(text, old.end, max(old.end, new.start)):
            said = text[: found.start("how")]
            name = re.match(r"\s[A-Z]\w*", text[new.end :])
            houses = name is not None and name.group() not in said[old.end :]
            if found["how"].casefold() != "no" or (same_unit(said, old, text, new) and not houses):
                yield found.end("how")


def _taken_back(text: str) -> Iterator[int]:
    """Where the person goes on after they have taken back what they said: `Send 10, never mind, send 20`."""
    breaks = [(0, 0), *(found.span() for found in _SENTENCE.finditer(text)), (len(text), len(text))]
    for (_, start), (stop, end) in pairwise(breaks):
        parts = [part for one in _clauses(text[start:stop]) for part in _TURN.split(one)] if start else []
        if end < len(text) and any(_WITHDRAWN.fullmatch(one) or _DONT.fullmatch(one) for one in parts):
            yield end


_MOST_OF_A_CORRECTION = 2
"""Words with which a person puts right what they took back, `Cancel that. 20.`; more of them ask anew."""


def since_withdrawn(text: str) -> str:
    """What the person says after they have taken back what they said before in the same text, if they ask anew."""
    start = max((at for at in _taken_back(text) if len(text[at:].split()) > _MOST_OF_A_CORRECTION), default=0)
    return text[start:]


def asks_again(text: str, question: str = "") -> bool:
    """Whether the person asks for the same once more, and for nothing else: `again please`; or says yes to a question
    that offers it."""
    clauses = _clauses(text.replace("\u2019", "'"))
    rest = [clause for clause in clauses if not (_FILLER.fullmatch(clause) or _YES.fullmatch(clause))]
    if rest and all(_AGAIN.fullmatch(clause) for clause in rest):
        return True
    return accepts(text) == "yes" and bool(re.search(rf"\b{_ANEW}\b", fold(question)))


def asks_for_nothing(text: str, question: str = "") -> bool:
    """Whether words want nothing done: thanks, praise, a question about what was done; no yes to a question."""
    plain = text.replace("\u2019", "'")
    if speaks_of_going_on(text) or (question and accepts(text) == "yes"):
        return False
    clauses = [clause for one in sentences(plain) if not _INQUIRES.match(fold(one)) for clause in _clauses(one)]
    small = (_FILLER, _AGREES, _POLITE, _THANKS)
    return all(any(one.fullmatch(clause) for one in small) for clause in clauses if re.search(r"\w", clause))


def answers_nothing(text: str) -> bool:
    """Whether a reply leaves the question open: `I don't know yet`, `hold on`, a question back, no words."""
    plain = " ".join(fold(text).split())
    if not plain or plain == "(no answer)" or withdraws(text):
        return True
    return bool(_DONT_KNOW.search(plain)) or (plain.endswith("?") and len(plain.split()) < 8)


def declines_extra(text: str, question: str) -> bool:
    """Whether `no thanks` answers an offer of something more, and takes nothing back that was asked for."""
    plain = fold(text)
    declined = _NO_THANKS.match(plain)
    return bool(declined) and bool(_EXTRA.search(question)) and not withdraws(_NO_THANKS.sub("", plain, count=1))


def is_undecided(text: str) -> bool:
    """Whether a reply leaves an offer open for good: `I'm not decided on a plan`, `I'll think about it`."""
    return bool(_UNDECIDED.search(fold(text)))


def speaks_of_going_on(text: str) -> bool:
    """Whether the person says, in a sentence of its own, to go on without asking."""
    return any(_GO_ON.fullmatch(clause) for clause in _clauses(text.replace("\u2019", "'")))


def accepts(text: str) -> Literal["yes", "no", ""]:
    """Whether a reply takes or declines what was offered."""
    clauses = _clauses(text.replace("\u2019", "'"))
    if not clauses:
        return ""
    if _NO.match(clauses[0]):
        return "no"
    return "yes" if any(_YES.match(clause) for clause in clauses) else ""


def confirms(text: str, alone: bool = True) -> bool:
    """Whether a reply says yes to what was understood; unless `alone` it may go on to answer something else."""
    if alone:
        return only_agrees(text)
    clauses = [clause for clause in _clauses(text.replace("\u2019", "'")) if not _FILLER.fullmatch(clause)]
    return bool(clauses) and bool(_AGREES.fullmatch(clauses[0])) and not any(cut for _, cut in corrections(text))


def only_agrees(text: str) -> bool:
    """Whether a reply says yes and nothing else: `yes, that's right`."""
    rest = [clause for clause in _clauses(text.replace("\u2019", "'")) if not _FILLER.fullmatch(clause)]
    return accepts(text) == "yes" and all(_AGREES.fullmatch(clause) for clause in rest)
