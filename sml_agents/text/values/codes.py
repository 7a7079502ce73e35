"""Codes that stand for what people call by its name: `PL` for Poland, `CHF` for Swiss francs, `da` for Danish.

Names are CLDR's, by Babel, in the languages that most requests are in.
"""

from __future__ import annotations

import re
from functools import lru_cache
from itertools import chain

from babel import Locale
from babel.core import get_global
from babel.numbers import get_currency_name

from sml_agents.text.values.kinds import Kind
from sml_agents.text.values.words import Span, find_phrase, listed, tokens
from sml_agents.text.words import stem

__all__ = ["find_code", "is_of_codes"]

_LOCALES = listed("en de fr es it pt nl")
_COUNTRIES = frozenset(map(stem, listed("country nation nationality citizenship territory market alpha 3166")))
_LANGUAGES = frozenset(map(stem, listed("language lang locale tongue translate translation 639")))
_NO_COUNTRY = frozenset(map(stem, listed("state province county")))
_ALSO = {
    "GB": listed("uk britain england scotland wales british"),
    "US": listed("usa america american"),
    "TR": ["turkey"],
    "CZ": ["czech republic"],
    "NL": listed("holland dutch"),
    "DK": ["danish"],
}
"""What a country is called beside its name in CLDR."""
_ELSEWHERE = "".join(rf"(?<!{one} )" for one in ("canadian", "australian", "aussie", "singapore", "kong", "zealand"))
_MONEY = {
    "EUR": r"\beuros?\b|\u20ac",
    "USD": rf"\b(?:us |{_ELSEWHERE})dollars?\b|\bbucks\b|\$",
    "CAD": r"\bcanadian dollars?\b",
    "AUD": r"\b(?:australian|aussie) dollars?\b",
    "GBP": r"\b(?:british )?pounds?\b|\bquid\b|\u00a3",
    "CHF": r"\b(?:swiss )?francs?\b|\bfranken\b",
    "JPY": r"\byen\b|\u00a5",
    "INR": r"\brupees?\b|\u20b9",
}
"""Everyday words of money, which CLDR has with the country alone."""
_SHARED = ("ar", "en", "pt")
"""Languages that name no one country."""


def is_of_codes(kind: Kind) -> bool:
    """Whether an argument's words say that it is a country, a part of one, or a language: then `us` may be a code."""
    return bool(kind.words & (_COUNTRIES | _LANGUAGES) or kind.name & (_NO_COUNTRY | {stem("code")}))


def find_code(kind: Kind, value: str, text: str) -> list[Span]:
    """Where a text calls by its name what a code stands for. Empty for what is no code, and where the argument does not
    say that it is one of a country or a language: three capital letters are a currency's wherever they stand."""
    if not re.fullmatch(r"[A-Za-z]{2,3}", value):
        return []
    spans: list[Span] = []
    if len(value) == 3 and (names := _currency(value.upper())):
        spans += chain.from_iterable(find_phrase(name, text) for name in names)
        if said := _MONEY.get(value.upper()):
            spans += (Span(*found.span()) for found in re.finditer(said, text, re.IGNORECASE))
    elif kind.words & _LANGUAGES:
        spans += chain.from_iterable(find_phrase(name, text) for name in _language(value.lower()))
    elif kind.words & _COUNTRIES and not kind.name & _NO_COUNTRY:
        names, people, money = _country(value.upper())
        spans += chain.from_iterable(find_phrase(name, text) for name in names)
        for span in chain.from_iterable(find_phrase(name, text) for name in people):
            after = tokens(text[span.end : span.end + 30])[:1]
            if not (after and stem(after[0].plain) in money):  # Swiss francs are no Switzerland
                spans.append(span)
    return sorted(set(spans))


@lru_cache(maxsize=512)
def _currency(code: str) -> tuple[str, ...]:
    names = (get_currency_name(code, count=count, locale=one) for one in _LOCALES for count in (1, 2))
    return tuple(dict.fromkeys(name for name in names if name.upper() != code))


@lru_cache(maxsize=512)
def _language(code: str) -> tuple[str, ...]:
    names = (_locale(one).languages.get(code, "") for one in _LOCALES)
    return tuple(dict.fromkeys(name for name in names if len(name) > 3))


@lru_cache(maxsize=512)
def _country(code: str) -> tuple[tuple[str, ...], tuple[str, ...], frozenset[str]]:
    """Names of a country, words for what is of it, and the stems of its money."""
    code = next(iter(get_global("territory_aliases").get(code, [code])))
    names = [name for one in _LOCALES if len(name := _locale(one).territories.get(code, "")) > 3]
    english = _locale("en")
    people = [
        name
        for language, likely in get_global("likely_subtags").items()
        if likely.endswith(f"_{code}") and language.isalpha() and language not in _SHARED
        and (name := english.languages.get(language))
    ]  # fmt: skip
    money: set[str] = set()
    for currency, _, ended, tender in get_global("territory_currencies").get(code, ()):
        if tender and ended is None and " " in (name := english.currencies.get(currency, "")):
            of_it, coin = name.rsplit(" ", 1)
            people += [of_it] if len(of_it) > len(code) else []
            money |= {stem(coin.casefold()), *(stem(word) for word in listed("dollar dollars peso pesos"))}
    return tuple(dict.fromkeys((*names, *_ALSO.get(code, ())))), tuple(dict.fromkeys(people)), frozenset(money)


@lru_cache(maxsize=16)
def _locale(name: str) -> Locale:
    return Locale(name)
