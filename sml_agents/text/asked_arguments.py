"""Which argument of a tool does a question ask for? What all of them look like is known, so the likeliest is taken.

    asked_arguments(text, find_questions(text), arguments)   (("party_size",),) for `Sure! For how many people?`

What speaks for an argument, each thing the less the more of the others share it:

- words of its name, of its description, and by which people speak of it (`the guests` of `party_size`), most of all
  the one that the question counts or chooses among: `which team are you following`,
- two or more of the values that it may have: `roses, tulips or lilies?`,
- the whole of a name of several words,
- what kind of question it is: `when` asks for a day or a time, `where` for a place, `who` for a person.

Where the question itself says nothing (`What is its name?`), the sentence before it may. What looks like no argument
asks for none, nor does what looks more like another one.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from sml_agents.text.asking import Asked
from sml_agents.text.schemas import bare_path, words_of
from sml_agents.text.sentences import sentences
from sml_agents.text.thesaurus import is_kind_of
from sml_agents.text.tools import json_text
from sml_agents.text.values.forms import kind_by_form
from sml_agents.text.words import content_words, plain_words, stem

__all__ = ["Askable", "asked_arguments"]

_NAME, _WORD, _WEAK, _FOCUS, _RELATED, _OPTIONS, _OPTION, _WHOLE = 1.5, 1.0, 0.3, 1.0, 0.5, 1.5, 0.2, 1.0
_SORT, _SORT_ALONE = 1.0, 0.5
_MOST_NAMED = 2
"""Who names more arguments than these in one turn asks for none of them."""
_LEAST = 0.6
"""What each kind of evidence counts, and how much there has to be: chosen on 165 questions for 55 arguments, of which
75 % are found; of 165 others for 55 other arguments 75 %, of 240 by another writer for 80 more 70 %."""


def _stems(words: str) -> frozenset[str]:
    return frozenset(map(stem, words.split()))


_SAYS_LITTLE = _stems("name number type kind value id code list set use one")
_PLACES = _stems(
    "city location place branch address destination station site region country state town area street venue building "
    "room floor zone port airport where district neighborhood hotel restaurant store shop depot warehouse facility"
)
_PERSONS = _stems(
    "who person player recipient patient operator contact holder passenger driver guest customer employee user author "
    "supplier vendor agent member student teacher client owner assignee manager name"
)
_TIMES, _DAYS = _stems("time hour when clock start begin"), _stems("date day when deadline month")
_SPANS = _stems("minute hour day week month year duration long night second")
_PLACE_KINDS, _PERSON_KINDS = ("location", "place", "structure", "area"), ("person",)
_SORTS: tuple[tuple[re.Pattern[str], frozenset[str]], ...] = tuple(
    (re.compile(pattern), frozenset(sorts.split()))
    for pattern, sorts in (
        (r"\b(?:when|(?:what|which) time|(?:at )?what hour|how (?:late|early|soon))\b", "time date"),
        (r"\b(?:what|which) (?:date|day)\b", "date"),
        (
            r"\bwhere\b|\b(?:which|what) (?:city|town|place|area|state|country|region|location|destination|address)\b",
            "place",
        ),
        (r"\b(?:who|whose|whom|who's)\b", "person"),
        (r"\bhow long\b", "span"),
        (
            r"\bhow (?:many|much|old|heavy|full|far|big|large|tall|wide|high|deep|hot|warm|cold|fast|strong|thick)\b",
            "number",
        ),
    )
)
_END = 0.2
_END_NAMES = {
    "first": _stems("from source start begin first min minimum earliest origin departure old current lower"),
    "last": _stems("to into target destination end until last max maximum latest arrival return new upper"),
}
_ENDS = {
    "first": re.compile(
        r"\bfrom (?:which|what|where|whom?)\b|\b(?:where|who|which|what)\b.*\bfrom\W*$"
        r"|\b(?:start|begin|first|min(?:imum)?|at least|earliest|source|origin|leav|depart|current(?:ly)?|old)"
    ),
    "last": re.compile(
        r"\b(?:in)?to (?:which|what|where|whom?)\b|\binto\b|\b(?:where|who|which|what)\b.*\b(?:in)?to\W*$"
        r"|\b(?:end(?:s|ing)?\b|until|till|last|max(?:imum)?|at most|latest"
        r"|target|destination|arriv|return|com(?:e|ing) back|new\b)"
    ),
}
"""Of what has two ends, the words that say which one: `start` and `end`, `from` and `to`, `min` and `max`."""
_CHOSEN = re.compile(
    r"\b(?:which|what|whose|how many|how much|(?:name|kind|type|sort|number) of|what's|what is|who is|who's)\s+"
    r"(?:(?:the|your|a|an|his|her|their|its|exact|specific|else|other|(?:kind|type|sort|number|name) of)\s)*"
    r"((?:[a-z'-]+\s*){1,3})"
)
_NO_NOUN = re.compile(
    r"(?:is|are|was|were|do|does|did|should|would|will|can|could|to|for|of|in|on|at|from|you|i|we|it|the|shall|must|that"
    r"|like|be|a|an|if|and|has|have|had|by|with|this|these|those|about|want|need)$"
)
_YES_OR_NO = re.compile(
    r"\W*(?:(?:and|so|also|ok|okay|sure|great|please),?\s+)*"
    r"(?:is|are|was|were|do|does|did|should|would|will|can|could|shall|may|have|has|ready)\b"
    r"(?!.*\b(?:what|which|who|whose|when|where|how|tell|give|name|list)\b)"
)


@dataclass(frozen=True)
class Askable:
    """An argument as a question may speak of it."""

    path: str
    name: frozenset[str]
    """Stems of the last part of its path."""
    words: frozenset[str]
    """These, and those of its path, its description, and what people call it."""
    options: tuple[str, ...]
    """Of an enum, the words of each member."""
    sorts: frozenset[str]
    end: str = ""
    """Which of two ends its name says: `from` of `from_currency`."""

    @staticmethod
    def read(path: str, schema: Mapping[str, Any], called: Iterable[str] = ()) -> Askable:
        """An argument out of its schema. `called`: texts by which people speak of it."""
        return _read(path, json_text(schema), tuple(called))


@lru_cache(1 << 12)
def _read(path: str, written: str, called: tuple[str, ...]) -> Askable:
    schema = json.loads(written)
    about, last = str(schema.get("description") or ""), path.rpartition(".")[2]
    name = frozenset(map(stem, plain_words(words_of(path))))
    spoken = frozenset(stem(word) for text in (about, *called) for word in content_words(text))
    above = frozenset(stem(word) for part in bare_path(path).split(".") for word in plain_words(words_of(part)))
    members = schema.get("enum")
    listed = members if isinstance(members, list) else ()
    options = tuple(filter(None, (" ".join(plain_words(str(one))) for one in listed if one is not None)))
    sort = kind_by_form(schema, last).sort
    ends = [end for end, words in _END_NAMES.items() if name & words]
    sorts = _sorts(sort, words_of(path), about, name | spoken)
    return Askable(path, name, name | spoken | above, options, sorts, ends[0] if len(ends) == 1 else "")


def _sorts(sort: str, name: str, about: str, words: frozenset[str]) -> frozenset[str]:
    """What kinds of question may ask for an argument of this sort."""
    found = {"date", "time"} if sort == "datetime" else {sort}
    said = words.union(map(stem, plain_words(about)))
    if sort == "number":
        return frozenset(found | ({"span"} if said & _SPANS else set()))
    named = _stems(name)
    if named & {"duration"}:
        found.add("span")
    if sort in ("enum", "bool"):
        return frozenset(found | ({"place"} if said & _PLACES else set()))
    if "when" in said:
        found |= {"date", "time"}
    found |= {kind for kind, those in (("time", _TIMES), ("date", _DAYS)) if named & those}
    last = name.split()[-1:]
    if said & _PLACES or any(is_kind_of(word, kind) for word in last for kind in _PLACE_KINDS):
        found.add("place")
    is_person = said & _PERSONS or any(is_kind_of(word, kind) for word in last for kind in _PERSON_KINDS)
    if is_person and sort not in ("date", "time", "datetime"):
        found.add("person")
    return frozenset(found)


def asked_arguments(
    text: str, asked: Sequence[Asked], arguments: Sequence[Askable], about: Set[str] = frozenset()
) -> tuple[tuple[str, ...], ...]:
    """For each thing that is asked for the paths of the likeliest arguments, several where they are equally likely;
    none where it looks like none.

    Args:
        text: what was said; `asked`: the questions in it (`find_questions`).
        about: stems of what this is about, the request and the tool: `When?`, which speaks of nothing, asks for none.
    """
    if not arguments:
        return ((),) * len(asked)
    plain = text.replace("\u2019", "'")
    found: list[tuple[str, ...]] = []
    for span in dict.fromkeys(one.span for one in asked):
        sentence = plain[slice(*span)].casefold()
        foci = [one.focus.casefold() for one in asked if one.span == span]
        if any(len(_offered(_spaced(sentence), one)) > 1 for one in arguments):
            foci = [sentence]  # the values between which it lets choose are no questions of their own
        for focus in foci:
            before = sentences(plain[: span[0]].casefold())[-1:]
            places = [focus, sentence, *before] if len(foci) == 1 else [focus]
            ends = _ends(places[:2])
            found.append(next(filter(None, (_likeliest(place, arguments, about, ends) for place in places)), ()))
    several = len({path for paths in found for path in paths}) > _MOST_NAMED
    return ((),) * len(found) if several else tuple(found)


def _ends(texts: Sequence[str]) -> tuple[str, ...]:
    """Which of two ends a question speaks of: `into which currency` of the second."""
    return tuple(end for end, pattern in _ENDS.items() if any(map(pattern.search, texts)))


def _likeliest(text: str, arguments: Sequence[Askable], about: Set[str], ends: Sequence[str]) -> tuple[str, ...]:
    scores = _scores(text, arguments, about, ends)
    best = max(scores)
    if best < _LEAST:
        return ()
    said = _spaced(text)
    likeliest = tuple(one.path for one, score in zip(arguments, scores, strict=True) if score >= best - 1e-9)
    return likeliest if max(len(likeliest), len(_named(said, arguments))) <= _MOST_NAMED else ()


def _named(said: str, arguments: Sequence[Askable]) -> set[str]:
    """The names of arguments that stand in a text, none that is part of another: of `return date` not `date`."""
    names = {words_of(one.path) for one in arguments}
    found = {name for name in names if f" {name} " in said and content_words(name)}
    return {name for name in found if not any(f" {name} " in f" {other} " for other in found - {name})}


def _scores(text: str, arguments: Sequence[Askable], about: Set[str], ends: Sequence[str]) -> list[float]:
    """What speaks for each argument."""
    said = _spaced(text)
    heard = frozenset(map(stem, said.split()))
    shared = Counter(word for one in arguments for word in one.words)
    sorts = frozenset[str]().union(*(sorts for pattern, sorts in _SORTS if pattern.search(text)))
    by_sort = _SORT if heard & about else _SORT_ALONE
    focus = _focus(text)
    by_name = _YES_OR_NO.match(text) is not None
    scores = []
    for one in arguments:
        score = 0.0
        for word in heard & (one.name if by_name and "bool" not in one.sorts else one.words):
            weak = (word in _SAYS_LITTLE and one.name - _SAYS_LITTLE) or not content_words(word)
            weight = (_WEAK if weak else _WORD) * (_NAME if word in one.name else 1.0) + (
                _FOCUS if word in focus else 0.0
            )
            score += weight / shared[word]
        score += _RELATED * sum(_related(word, one.name) for word in focus - one.words)
        if len(offered := _offered(said, one)) > 1:
            score += _OPTIONS + _OPTION * len(offered)
        if " " in (whole := words_of(one.path)) and f" {whole} " in said:
            score += _WHOLE
        if score and one.end:
            score += _END * sum(1 if one.end == end else -1 for end in ends)
        if f" the {whole} " in said:
            score = max(score, _LEAST)  # named, whatever the words of its name are
        scores.append(score + (by_sort if sorts & one.sorts else 0.0))
    return scores


def _offered(said: str, one: Askable) -> list[str]:
    """The values of an argument that stand in a text, one space between words and at its ends."""
    return [option for option in one.options if any(f" {option}{ending} " in said for ending in ("", "s", "d", "ed"))]


def _spaced(text: str) -> str:
    return f" {' '.join(plain_words(text))} "


def _focus(text: str) -> frozenset[str]:
    """Stems of the noun that a question counts or chooses among: `which pickup store` of pickup and store."""
    if (found := _CHOSEN.search(text)) is None:
        return frozenset()
    noun = []
    for word in found.group(1).split():
        if _NO_NOUN.match(word):
            break
        noun.append(stem(word))
    return frozenset(noun)


def _related(word: str, name: frozenset[str]) -> bool:
    """Whether a word is a kind of what a name says, or the other way round."""
    return any(
        len(word) > 2
        and len(other) > 2
        and other not in _SAYS_LITTLE
        and (is_kind_of(word, other) or is_kind_of(other, word))
        for other in name
    )
