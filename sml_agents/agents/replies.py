"""What a person's reply means, told by its words: yes, no, I do not know, just go on, no, I meant Friday.

These rules know English, some German, and a little French and Spanish. What takes a request back is told by
`sml_agents.agents.withdrawals`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import pairwise
from typing import Literal

from sml_agents.agents.withdrawals import (
    FILLER,
    NO_THANKS,
    PART,
    clauses_of,
    ends_of_withdrawals,
    withdraws,
)
from sml_agents.text.schemas import words_of
from sml_agents.text.sentences import sentences
from sml_agents.text.values import fold
from sml_agents.text.values.numbers import find_numbers, same_unit
from sml_agents.text.words import stem

__all__ = [
    "accepts",
    "answers_nothing",
    "asks_again",
    "asks_for_nothing",
    "confirms",
    "corrections",
    "declines_extra",
    "is_undecided",
    "only_agrees",
    "refers_back",
    "speaks_of_going_on",
]
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


def refers_back(text: str, tool: str = "") -> bool:
    """Whether words speak of what was talked about before: `book it`, `the second one`.

    Where a part of them names the tool, that part has to: `Change this for me: pay Bob` asks for a payment by itself.
    """
    parts = [one for part in PART.split(text) for one in clauses_of(part) if not _POLITE.fullmatch(one)]
    its_words = {stem(word) for word in fold(words_of(tool)).split()}
    naming = [one for one in parts if its_words & {stem(word) for word in one.split()}]
    return any(_REFERS.search(one) for one in naming or parts)


def corrections(text: str) -> list[tuple[str, bool]]:
    """A text in the stretches between words such as `no, wait`, `I meant` and `never mind`, and whether each begins
    with them, or after the last."""
    cuts = {*(found.start() for found in _CORRECTS.finditer(text)), *_restated(text), *ends_of_withdrawals(text)}
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


def asks_again(text: str, question: str = "") -> bool:
    """Whether the person asks for the same once more, and for nothing else: `again please`; or says yes to a question
    that offers it."""
    clauses = clauses_of(text.replace("\u2019", "'"))
    rest = [clause for clause in clauses if not (FILLER.fullmatch(clause) or _YES.fullmatch(clause))]
    if rest and all(_AGAIN.fullmatch(clause) for clause in rest):
        return True
    return accepts(text) == "yes" and bool(re.search(rf"\b{_ANEW}\b", fold(question)))


def asks_for_nothing(text: str, question: str = "") -> bool:
    """Whether words want nothing done: thanks, praise, a question about what was done; no yes to a question."""
    plain = text.replace("\u2019", "'")
    if speaks_of_going_on(text) or (question and accepts(text) == "yes"):
        return False
    clauses = [clause for one in sentences(plain) if not _INQUIRES.match(fold(one)) for clause in clauses_of(one)]
    small = (FILLER, _AGREES, _POLITE, _THANKS)
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
    declined = NO_THANKS.match(plain)
    return bool(declined) and bool(_EXTRA.search(question)) and not withdraws(NO_THANKS.sub("", plain, count=1))


def is_undecided(text: str) -> bool:
    """Whether a reply leaves an offer open for good: `I'm not decided on a plan`, `I'll think about it`."""
    return bool(_UNDECIDED.search(fold(text)))


def speaks_of_going_on(text: str) -> bool:
    """Whether the person says, in a sentence of its own, to go on without asking."""
    return any(_GO_ON.fullmatch(clause) for clause in clauses_of(text.replace("\u2019", "'")))


def accepts(text: str) -> Literal["yes", "no", ""]:
    """Whether a reply takes or declines what was offered."""
    clauses = clauses_of(text.replace("\u2019", "'"))
    if not clauses:
        return ""
    if _NO.match(clauses[0]):
        return "no"
    return "yes" if any(_YES.match(clause) for clause in clauses) else ""


def confirms(text: str, alone: bool = True) -> bool:
    """Whether a reply says yes to what was understood; unless `alone` it may go on to answer something else."""
    if alone:
        return only_agrees(text)
    clauses = [clause for clause in clauses_of(text.replace("\u2019", "'")) if not FILLER.fullmatch(clause)]
    return bool(clauses) and bool(_AGREES.fullmatch(clauses[0])) and not any(cut for _, cut in corrections(text))


def only_agrees(text: str) -> bool:
    """Whether a reply says yes and nothing else: `yes, that's right`."""
    rest = [clause for clause in clauses_of(text.replace("\u2019", "'")) if not FILLER.fullmatch(clause)]
    return accepts(text) == "yes" and all(_AGREES.fullmatch(clause) for clause in rest)
