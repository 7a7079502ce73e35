"""Which arguments a person gives by their names: `zone: the herb corner` for `zone`, `6 dollars for the unit cost` for
`unit_cost`.

Such a value counts as told for certain, whatever a model makes of it. So it has to be one argument's name, the words
have to be a value of its kind and nothing else, and nothing that is said later may speak of it again.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from sml_agents.asker.pairs import words_in
from sml_agents.asker.prompt import Argument
from sml_agents.text.values import Clock, Span, find_words, label, mentions, tokens
from sml_agents.text.values.compare import as_bool
from sml_agents.text.values.forms import formed, kind_by_form
from sml_agents.text.values.named import Named, named_values
from sml_agents.text.values.words import denies, is_denied, listed
from sml_agents.text.words import content_words, stem

__all__ = ["Place", "by_name", "names"]

Place = tuple[int, Span]
"""Which message, and where in it."""
_FITS = 0.1
"""What words of the description alone are worth, to words of the name."""
_UNITS = frozenset(
    listed("""
    percent dollar dollars euro euros pound pounds people kg g mg km m cm mm l ml mol c f on at of in a an the please
    """)
)
"""Words that may stand by a number, a day or a choice and mean nothing else."""
_SMALL = frozenset(listed("of the and in on at for to a an de la"))
"""Words that have no capitals in a name."""
_SIGNS = {"email": "@", "uri": "://"}
"""What a text of a format has."""
_PEOPLE = re.compile(r"\w+(?:ish|ese|[ai]an)|french|german|greek|dutch|thai|swiss", re.IGNORECASE)
"""Words that have capitals and are no names: `the restaurant is Italian`."""
_PHRASE_ENDS = re.compile(r"\b(?:of|per|in|for|to|at|on|by|with|from|that|which|as|or)\b|[,.;:(]")


def names(text: str, argument: Argument) -> bool:
    """Whether a text names an argument, by all of its name's words that mean something: `the day is wrong`."""
    wanted = content_words(words_in(argument.name.rsplit(".", 1)[-1]))
    return bool(wanted) and set(wanted) <= set(content_words(text))


def by_name(texts: Sequence[str], arguments: Sequence[Argument], clock: Clock) -> dict[str, Place]:
    """Which words give an argument by its name, or by words of its description: the last ones, unless the name comes
    again after them; what may mean two gives neither."""
    found: dict[str, Place] = {}
    decided: set[str] = set()
    for number, text in enumerate(texts):
        for named in sorted(named_values(text), key=lambda one: one.span, reverse=True):
            fits = sorted(((_fit(named.name, one), place) for place, one in enumerate(arguments)), reverse=True)
            if fits and fits[0][0] > max([0.0, *(fit for fit, _ in fits[1:])]):
                one = arguments[fits[0][1]]
                if one.name not in decided and _is_only(one, text, named, clock):
                    decided.add(one.name)
                    if not _is_reopened(one, text, named, texts[:number]):
                        found[one.name] = (number, named.span)
    return found


def _is_only(one: Argument, text: str, named: Named, clock: Clock) -> bool:
    """Whether words are a value of an argument and nothing else: a form or a choice and its unit, or any words; of
    those that may say something else, a name in capitals or in quotation marks."""
    words = text[named.span.start : named.span.end]
    kind = kind_by_form(one.schema, one.name.rsplit(".", 1)[-1])
    if kind.sort == "bool":
        return as_bool(words) is not None
    values = mentions(kind, words, clock) if kind.sort == "enum" else formed(kind, words, clock)
    if values is None:
        whole = one.sort != "array" or text[named.span.end : named.span.end + 1] != ","
        whole = whole and _SIGNS.get(str(one.schema.get("format")), "") in words
        return whole and not denies(words) and (not named.loose or _is_name(text, named.span))
    units = {token.plain for token in tokens(f"{words_in(one.name)} {one.description}")} | _UNITS
    rest = {
        token.plain for token in tokens(words) if not any(Span(token.start, token.end).lies_in(v.span) for v in values)
    }
    return len(values) == 1 and rest <= units and not re.search(r"[~<>+\u00b1\u2248]", words)


def _is_reopened(one: Argument, text: str, named: Named, later: Sequence[str]) -> bool:
    """Whether an argument's name comes again after its value, which may take this back, or the value itself, denied."""
    rest = "\n".join([text[named.end :], *later])
    again = find_words(text[named.span.start : named.span.end], rest)
    return names(rest, one) or any(is_denied(rest, place) for place in again[:9])


def _is_name(text: str, span: Span) -> bool:
    """Whether words are in quotation marks or, within a sentence, have capitals."""
    words = text[span.start : span.end]
    inside = span.start > 0 and not re.search(r"[.!?]\s*$", text[max(0, span.start - 9) : span.start])
    capitals = words[0].isupper() and all(one.text[0].isupper() for one in tokens(words) if one.plain not in _SMALL)
    return words[0] in '"\u201c' or (inside and capitals and not _PEOPLE.fullmatch(words))


def _fit(name: str, argument: Argument) -> float:
    """How well a name in a person's words means an argument: 1 if they are its own, 0 not at all; that of which both
    speak must be one, so that `Room: 12` is no price of a room."""
    last = argument.name.rsplit(".", 1)[-1]
    if name.casefold() == words_in(last):
        return 1.0
    said, own = label(name), label(last)
    if _head(name) not in (_head(words_in(last)), _head(argument.description)) or "total" in name.casefold():
        return 0.0
    if not said or not said <= own | label(argument.description):
        return 0.0
    return (_FITS + len(said & own)) / (1 + _FITS + len(said | own))


def _head(phrase: str) -> str:
    """What a phrase speaks of: the cost of `Unit cost in dollars`, the guests of `Number of guests`. A price is no fee
    here, though their stem is one."""
    for part in _PHRASE_ENDS.split(phrase):
        if words := [word for word in content_words(part) if word not in ("name", "id")]:
            return words[-1][:2] + stem(words[-1])
    return phrase
