# ruff: noqa: E501  (lists of words)
"""Whole numbers from 0 to 99 as the words of other languages than English: `neununddreißig`, `trente-neuf`.

numbers_abroad(text)   every such number with its place in `text`
one_word_numbers()     those that are a single word, with their other forms: `eine`, `zwo`, `hundert`

German, Dutch, French, Spanish, Italian and Portuguese. English words (`once`, `seize`) are left out.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache

from sml_agents.text.letters import words_in

__all__ = ["numbers_abroad", "one_word_numbers"]

ENGLISH_TOO = frozenset(
    {"once", "seize", "elf", "six", "due", "sei", "dix", "sept", "tien", "dos", "tres", "tre", "sette"}
)
_DE = "null eins zwei drei vier fünf sechs sieben acht neun zehn elf zwölf dreizehn vierzehn fünfzehn sechzehn siebzehn achtzehn neunzehn"
_DE_TENS = "zwanzig dreißig vierzig fünfzig sechzig siebzig achtzig neunzig"
_NL = "nul een twee drie vier vijf zes zeven acht negen tien elf twaalf dertien veertien vijftien zestien zeventien achttien negentien"
_NL_TENS = "twintig dertig veertig vijftig zestig zeventig tachtig negentig"
_FR = "zéro un deux trois quatre cinq six sept huit neuf dix onze douze treize quatorze quinze seize dix-sept dix-huit dix-neuf"
_FR_TENS = "vingt trente quarante cinquante soixante soixante quatre-vingt quatre-vingt"
_ES = "cero uno dos tres cuatro cinco seis siete ocho nueve diez once doce trece catorce quince dieciséis diecisiete dieciocho diecinueve"
_ES_TENS = "veinte treinta cuarenta cincuenta sesenta setenta ochenta noventa"
_IT = "zero uno due tre quattro cinque sei sette otto nove dieci undici dodici tredici quattordici quindici sedici diciassette diciotto diciannove"
_IT_TENS = "venti trenta quaranta cinquanta sessanta settanta ottanta novanta"
_PT = "zero um dois três quatro cinco seis sete oito nove dez onze doze treze catorze quinze dezesseis dezessete dezoito dezenove"
_PT_TENS = "vinte trinta quarenta cinquenta sessenta setenta oitenta noventa"
_FORMS = {
    "eins ein eine einen einer un une uno una": 1, "zwo": 2, "hundert": 100, "tausend": 1000, "dutzend": 12, "paar": 2,
}  # fmt: skip
_OTHER_WORDS = frozenset({"um", "een", "six", "seize", "quince", "doze"})
"""English or far more often something else: `um acht`, `een tafel`."""
_LETTERS = re.compile(r"[^\W\d_]+(?:[-\u2010-\u2015][^\W\d_]+)*")
_DASH = re.compile(r"[-\u2010-\u2015]")
_JOINING = ("y", "e", "et")


def numbers_abroad(text: str) -> Iterator[tuple[int, int, int]]:
    """Start, end and value of every number from 2 to 99 in words of these languages, in linear time."""
    known, first = _values(), _first_words()
    if text.isascii() and first.isdisjoint(words_in(text.lower())):
        return
    words = list(_LETTERS.finditer(text))
    at = 0
    while at < len(words):
        if _DASH.split(words[at].group().casefold(), maxsplit=1)[0] not in first:
            at += 1
            continue
        for count in (3, 2, 1):
            run = words[at : at + count]
            said = " ".join(word.group() for word in run).casefold()
            if len(run) == count and (value := known.get(_DASH.sub("-", said))) is not None:
                yield run[0].start(), run[-1].end(), value
                at += count
                break
        else:
            at += 1


@cache
def one_word_numbers() -> dict[str, int]:
    """Word, in lower case, and value of the numbers from 1 on that are one word."""
    below = {word: value for table in (_DE, _NL, _FR, _ES, _IT, _PT) for value, word in enumerate(table.split())}
    tens = {
        word: 10 * value
        for table in (_DE_TENS, _NL_TENS, _FR_TENS, _ES_TENS, _IT_TENS, _PT_TENS)
        for value, word in enumerate(table.split(), 2)
        if "-" not in word and not (word == "soixante" and value > 6)
    }
    forms = {word: value for words, value in _FORMS.items() for word in words.split()}
    found = {**below, **tens, **forms}
    return {word: value for word, value in found.items() if value and "-" not in word and word not in _OTHER_WORDS}


@cache
def _first_words() -> frozenset[str]:
    return frozenset(_DASH.split(spelled.replace(" ", "-"), maxsplit=1)[0] for spelled in _values())


@cache
def _values() -> dict[str, int]:
    found: dict[str, int] = {}
    for value in range(2, 100):
        for word in _words(value):
            for spelled in {word, word.replace("-", " "), word.replace("ß", "ss")}:
                if spelled not in ENGLISH_TOO:
                    found.setdefault(spelled.casefold(), value)
    return found


def _words(value: int) -> Iterator[str]:
    tens, ones = divmod(value, 10)
    if value < 20:
        yield from (table.split()[value] for table in (_DE, _NL, _FR, _ES, _IT, _PT))
        yield from {16: ["dezasseis"], 17: ["dezassete"], 19: ["dezanove"]}.get(value, [])
        return
    de, nl, fr, es, it, pt = (
        table.split()[tens - 2] for table in (_DE_TENS, _NL_TENS, _FR_TENS, _ES_TENS, _IT_TENS, _PT_TENS)
    )
    if not ones:
        yield from (de, nl, es, it, pt)
    else:
        yield ("ein" if ones == 1 else _DE.split()[ones]) + "und" + de
        yield _NL.split()[ones] + ("ën" if ones in (2, 3) else "en") + nl
        one = _ES.split()[ones]
        yield f"{es} y {one}" if tens > 2 else "veinti" + {2: "dós", 3: "trés", 6: "séis"}.get(ones, one)
        yield (it[:-1] if ones in (1, 8) else it) + ("tré" if ones == 3 else _IT.split()[ones])
        yield f"{pt} e {_PT.split()[ones]}"
    below = value - {7: 60, 9: 80}.get(tens, 10 * tens)
    if not below:
        yield fr + "s" * (tens == 8)
    else:
        yield f"{fr} et {_FR.split()[below]}" if below in (1, 11) and tens < 8 else f"{fr}-{_FR.split()[below]}"
