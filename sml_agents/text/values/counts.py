"""The numbers of a text that may be an argument's: no part of a date, no name of a thing, in its own unit."""

from __future__ import annotations

import re

from sml_agents.text.values.date_phrases import Clock, find_months
from sml_agents.text.values.dates import find_dates
from sml_agents.text.values.kinds import PARTS, PEOPLE, Kind, Mention
from sml_agents.text.values.lengths import UNITS
from sml_agents.text.values.numbers import find_numbers
from sml_agents.text.values.times import find_times
from sml_agents.text.values.words import Span, clause_of, fold, listed, tokens
from sml_agents.text.words import stem

__all__ = ["CURRENCIES", "MEASURES", "counts_in", "find_counts", "names_a_thing"]


def find_counts(kind: Kind, text: str, clock: Clock) -> list[Mention]:
    """Numbers that are no part of a date or a time, and `a` before a word of the argument's name."""
    dates = find_dates(text, clock)
    taken = [m.span for m in dates] + _hours(text)
    found: list[Mention] = []
    if kind.part == "hour":
        for time in find_times(text):
            hours = {time.at.hour, (time.at.hour + 12) % 24} if time.halves else {time.at.hour}
            found.extend(Mention(float(hour), time.span) for hour in sorted(hours) if not time.at.minute)
    elif kind.part:  # of a date that is said in words; each part has a place of its own in it
        at = PARTS.index(kind.part)
        spans = [Span(m.span.start + at, min(m.span.start + at + 1, m.span.end)) for m in dates]
        found.extend(Mention(float(getattr(m.day, kind.part)), span) for m, span in zip(dates, spans, strict=True))
    if kind.part == "month":
        named = [(number, span) for number, span in find_months(text, clock) if not any(map(span.overlaps, taken))]
        found.extend(Mention(float(number), span) for number, span in named)
    if kind.words & _RATINGS:
        rated = [Mention(float(one["given"]), Span(*one.span())) for one in _RATED.finditer(text)]
        found.extend(rated)
        taken += [one.span for one in rated]
    if kind.counts_people:
        for match in _WITH_ME.finditer(text):
            for number in find_numbers(match["others"]):
                found.extend(Mention(value + 1, Span(*match.span())) for value in number.values)
        found.extend(Mention(2.0, Span(*one.span())) for one in _COUPLE.finditer(text))
    if kind.counts_people or kind.name & _ANY_COUNT:
        found.extend(Mention(2.0, Span(*one.span())) for one in _US_BOTH.finditer(text))
    if kind.counts_people:
        party = _party(text)
        found.extend(party)
        taken += [one.span for one in party]
    if kind.words & _PERCENTS:
        for one in _FRACTION.finditer(text):
            size = _FRACTIONS[one["part"].casefold().removesuffix("s")]
            if one["many"] or size in (2, 4):  # a `fifth` by itself is one in a row
                part = _PARTS[(one["many"] or "a").casefold()] / size
                found.append(Mention(100 * part, Span(*one.span()), derived=True))
    if "celsius" in kind.words:
        for one in _FAHRENHEIT.finditer(text):
            found.append(Mention(round((float(one["n"]) - 32) / 1.8, 1), Span(*one.span()), derived=True))
            taken.append(Span(*one.span()))
    found.extend(
        Mention(float(_ORDINALS[one["word"].casefold()] if one["word"] else int(one["n"])), Span(*one.span()))
        for one in _NTH_OF.finditer(text)
        if stem(one["what"]) in kind.name
    )
    for mention in find_numbers(text):
        if any(mention.span.overlaps(span) for span in taken):
            continue
        after = tokens(text[mention.span.end : mention.span.end + 40])
        if after and re.match(r"\s*[,;.!?:]", text[mention.span.end :]):
            after = ()  # `truck 77, nights`
        unit = UNITS.get(after[0].plain) if after else None
        often = after and after[0].plain in _OFTEN and not (kind.words & _RATINGS and after[0].plain in _STARS)
        counts_other = kind.unit is None and (unit is not None or often)
        if counts_other and stem(after[0].plain) not in kind.words and not (unit == UNITS["year"] and _is_age(kind)):
            continue  # three nights are no three guests, four times no four stars
        if _is_of_another_unit(kind, text, mention.span):
            continue
        if names_a_thing(kind, text, mention.span) or _SHARE.match(text, mention.span.end):
            continue
        if kind.counts_things and not kind.words & _PRICES and _is_money(text, mention.span):
            continue
        factor = _factor(kind, text, mention.span)
        if kind.words >= _MINOR and _is_money(text, mention.span) and not _CENTS.match(text, mention.span.end):
            factor = 100.0
        if _PERCENT.match(text, mention.span.end):
            found.extend(Mention(value / 100, mention.span, derived=True) for value in sorted(mention.values))
        if factor is not None:
            found.extend(Mention(value * factor, mention.span, derived=factor != 1) for value in sorted(mention.values))
    found.extend(
        Mention(0.0, Span(*one.span()), derived=True)
        for one in _NONE_OF.finditer(text)
        if stem(fold(one["what"])) in kind.name
    )
    if "night" in kind.name:
        found.extend(Mention(1.0, Span(*one.span())) for one in _TONIGHT.finditer(text))
    for match in re.finditer(
        r"\b(?:an?|just (?:me|myself)|only (?:me|myself)|single (?:person|passenger|traveller|guest)|by myself"
        r"|on my own|alone|solo|alleine?|tout seul|seule?)\b",
        text,
        re.IGNORECASE,
    ):
        word = tokens(text[match.end() : match.end() + 30])
        alone = match.group().casefold() not in ("a", "an")
        if (alone and kind.counts_people) or (not alone and word and stem(word[0].plain) in kind.words):
            found.append(Mention(1.0, Span(*match.span())))
    return found


def _hours(text: str) -> list[Span]:
    """Where times stand; the bare number of `set it to 21` is none where its clause holds no other."""
    times = [mention.span for mention in find_times(text)]

    def is_bare(span: Span, after: str) -> bool:
        return text[span.start : span.end].isdigit() and bool(re.search(rf"\b(?:{after}) $", text[: span.start]))

    def is_time(span: Span) -> bool:
        if not is_bare(span, "from|to"):
            return True
        clause = clause_of(text, span)
        here = [other for other in times if other != span and other.overlaps(clause)]
        if _CHANGES.search(text, clause.start, clause.end):
            return not all(is_bare(other, "from|to") for other in here)
        return bool(here) or not is_bare(span, "to")

    return [span for span in times if is_time(span)]


_CHANGES = re.compile(
    r"\b(?:scale|change|set|increase|raise|lower|reduce|decrease|move|turn|bump|up|down)\b", re.IGNORECASE
)
_PERCENT = re.compile(r"\s?(?:%|percent\b|per cent\b|prozent\b|pour cent\b|por ?cien)", re.IGNORECASE)
_SHARE = re.compile(r"\s(?:out )?of \d(?!\d{3}\b)")
_STARS = frozenset(listed("star stars sterne etoiles"))
_OFTEN = frozenset(listed("times mal fois veces volte")) | _STARS
_MONEY_BEFORE = re.compile(
    r"(?:[$\u20ac\u00a3]|\b(?:limit|price|budget|cost|fee|worth|value)(?: (?:of|at|is))?)\s*$", re.IGNORECASE
)
_MONEY_AFTER = re.compile(
    r"\s*(?:[$\u20ac\u00a3]|(?:dollars?|bucks?|euros?|usd|eur|gbp|chf|pounds?|francs?|cents?)\b)", re.IGNORECASE
)
MEASURES = {
    word: (family, size)
    for family, size, words in (
        ("weight", 1e-3, "mg milligram milligrams"),
        ("weight", 1.0, "g gram grams gramm"),
        ("weight", 1e3, "kg kilo kilos kilogram kilograms kilogramm"),
        ("weight", 1e6, "t tonne tonnes"),
        ("weight", 453.59237, "lb lbs pound pounds"),
        ("weight", 28.349523125, "oz ounce ounces"),
        ("length", 1e-3, "mm"),
        ("length", 1e-2, "cm"),
        ("length", 1.0, "m meter meters metre metres"),
        ("length", 1e3, "km kilometer kilometers kilometre kilometres"),
        ("length", 0.0254, "inch inches"),
        ("length", 0.3048, "ft foot feet"),
        ("length", 0.9144, "yard yards"),
        ("length", 1609.344, "mile miles"),
        ("volume", 1e-3, "ml milliliter milliliters millilitre millilitres"),
        ("volume", 1e-2, "cl centiliter centiliters centilitre centilitres"),
        ("volume", 1.0, "l liter liters litre litres"),
        ("volume", 3.785411784, "gallon gallons"),
    )
    for word in words.split()
}
"""Units of what is weighed and measured, by their words: in grams, metres and litres."""
_MEASURES_BY_STEM = {stem(word): measure for word, measure in MEASURES.items()}
CURRENCIES = {
    "USD": "$ usd dollar buck",
    "EUR": "\u20ac eur euro",
    "GBP": "\u00a3 gbp quid",
    "CHF": "chf franc",
    "JPY": "\u00a5 jpy yen",
}
"""Words of what is paid in, by its code."""
_CURRENCIES_BY_STEM = {stem(word): code for code, words in CURRENCIES.items() for word in words.split()}
_PRICES = frozenset(map(stem, listed("price cost budget fee amount pay payment salary rent rate wage")))
_DEGREES = frozenset(map(stem, listed("degree degrees celsius fahrenheit grad")))
_IN_TIME = re.compile(
    rf"\b(?:in|of|many) (?:whole |full )?(?:{'|'.join(word for word in UNITS if len(word) > 1)})\b", re.IGNORECASE
)
_NO_THING = frozenset(listed("works does suits sounds seems is was has yes thanks always this its as us perhaps"))


def _is_age(kind: Kind) -> bool:
    return stem("age") in kind.words


def _own_sort(kind: Kind) -> str:
    """What an argument that says its unit counts: `time`, `money`, `temperature`, or a family of measures."""
    if kind.words & _PRICES or kind.words & _CURRENCIES_BY_STEM.keys():
        return "money"
    if any(len(word) > 1 and stem(word) in kind.name for word in UNITS) or _IN_TIME.search(kind.description):
        return "time"
    if kind.words & _DEGREES:
        return "temperature"
    return next((_MEASURES_BY_STEM[word][0] for word in sorted(kind.words) if word in _MEASURES_BY_STEM), "")


def counts_in(kind: Kind, word: str) -> bool:
    """Whether an argument counts in what a word behind a number says: money, degrees; a mere `amount` in money."""
    one = stem(word)
    if one in _CURRENCIES_BY_STEM:
        return not kind.name or _own_sort(kind) == "money"
    return one in _DEGREES and bool(kind.words & (_DEGREES | {stem("temp"), stem("temperature")}))


def _is_of_another_unit(kind: Kind, text: str, span: Span) -> bool:
    """Whether a number is said with a unit that is not the argument's: hours, degrees or roses are no minutes. What
    can be told in its unit is found in another way (`2 hours` are 120 minutes)."""
    if not (own := _own_sort(kind)):
        return False
    after = tokens(text[span.end : span.end + 40])[:1]
    word = after[0].plain if after and not text[span.end : span.end + after[0].start].strip(" -") else ""
    currency = _currency(text, span, word)
    if own == "money":
        wanted = {_CURRENCIES_BY_STEM[one] for one in kind.words & _CURRENCIES_BY_STEM.keys()}
        return bool(currency and wanted and currency not in wanted)
    if own == "time" and word in UNITS:
        return kind.unit is not None and UNITS[word] != kind.unit and stem(word) not in kind.name
    if own != "temperature" and stem(word) in _DEGREES:
        return True
    if own in ("time", "temperature") and (currency or (word in MEASURES and word not in ("m", "t", "l", "g"))):
        return True
    things = len(word) > 3 and word.endswith("s") and word not in _NO_THING and stem(word) not in kind.words
    return own == "time" and things and word not in UNITS and word not in _OFTEN


def _currency(text: str, span: Span, after: str) -> str:
    """The currency of an amount; empty where none is said."""
    before = text[: span.start].rstrip()[-1:]
    return (
        _CURRENCIES_BY_STEM.get(before)
        or _CURRENCIES_BY_STEM.get(stem(after))
        or _CURRENCIES_BY_STEM.get(text[span.end : span.end + 2].strip()[:1], "")
    )


_MINOR = frozenset(map(stem, listed("minor units")))
_CENTS = re.compile(r"\s?(?:cents?|pence|pennies|rappen|centimes?|centimos|p)\b", re.IGNORECASE)
"""`Minor units`: 45 dollars are 4500."""


def _is_money(text: str, span: Span) -> bool:
    return bool(_MONEY_BEFORE.search(text[: span.start]) or _MONEY_AFTER.match(text, span.end))


def _factor(kind: Kind, text: str, span: Span) -> float | None:
    """What a number is multiplied by to stand in the argument's own unit; None where its unit is of another sort."""
    thousands = "k" if "km" in kind.words else "K" if stem("kelvin") in kind.words else None
    if thousands and re.search(rf"\d\s?{thousands}$", text[span.start : span.end]):
        return 1e-3  # `ran 8 k`, `at 300 K`
    after = re.match(r"\s?([^\W\d_]+)", text[span.end :])
    said = MEASURES.get(fold(after[1])) if after else None
    if text[span.start : span.end].endswith("m"):
        said = MEASURES["m"]
    own = next(
        (
            _MEASURES_BY_STEM[word]
            for words in (kind.name, kind.words)
            for word in sorted(words)
            if word in _MEASURES_BY_STEM
        ),
        None,
    )
    if said is None or own is None:
        return 1.0
    return said[1] / own[1] if said[0] == own[0] else None


_PERCENTS = frozenset(map(stem, listed("percent percentage pct")))
_PARTS = {"a": 1, "one": 1, "two": 2, "three": 3, "four": 4, "1": 1, "2": 2, "3": 3, "4": 4}
_FRACTIONS = {"half": 2, "halve": 2, "third": 3, "quarter": 4, "fifth": 5, "tenth": 10}
_NOT_A_SHARE = "and first second third fourth last next other this that every each per my our your his her their"
_FRACTION = re.compile(
    rf"{''.join(f'(?<!{word} )' for word in (*_NOT_A_SHARE.split(), *_PARTS))}\b(?:(?P<many>{'|'.join(_PARTS)}) )?"
    rf"(?P<part>{'|'.join(f'{word}s?' for word in _FRACTIONS)})\b"
    r"(?=\W*$|[.,;:!?)]"
    r"| (?:of (?!an? )|off|full|speed|power|volume|brightness|price|strength|intensity|capacity|charged?|less|more|up"
    r"|down|for|in|on|by|and|now|please|as)\b)",
    re.IGNORECASE,
)
"""`A fifth`, `four fifths`, `half`: parts of a hundred where per cent are asked for."""
_ANY_COUNT = frozenset(map(stem, listed("count quantity tickets seats")))
_US_BOTH = re.compile(
    r"\b(?:us both|both of us|the two of us|(?:him|her) and me|me and (?:him|her)|uns beide|nous deux)\b", re.IGNORECASE
)
_FAHRENHEIT = re.compile(
    r"(?<![\w.])(?P<n>-?\d+(?:\.\d+)?)\s?(?:\u00b0\s?f\b|degrees? f(?:ahrenheit)?\b|fahrenheit\b|f\b)", re.IGNORECASE
)
_ORDINALS = {
    word: n
    for n, word in enumerate(
        listed("first second third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth"), 1
    )
}
_NTH_OF = re.compile(
    rf"\b(?:(?P<n>\d{{1,2}})(?:st|nd|rd|th)|(?P<word>{'|'.join(_ORDINALS)}))[ -](?P<what>[a-z]+)\b", re.IGNORECASE
)
_KIN = (
    r"(?:my|our) (?:\w+ )?(?:wife|husband|partner|girlfriend|boyfriend|friend|brother|sister|son|daughter"
    r"|mother|father|mum|mom|dad|boss|colleague|cousin|kid)\b"
)
_ONE_OF_US = rf"(?:{_KIN}|me|myself|i\b|(?:my|our) (?P<n{{}}>two|three|four|five|\d) \w+s\b)"
_PARTY = re.compile(
    rf"\b{_ONE_OF_US.format(0)}, {_ONE_OF_US.format(1)}(?:, {_ONE_OF_US.format(2)})?,? (?:and|und) "
    rf"{_ONE_OF_US.format(3)}",
    re.IGNORECASE,
)


def _party(text: str) -> list[Mention]:
    """`My wife, me and our three kids` are five."""
    found = []
    for one in _PARTY.finditer(text):
        several = [find_numbers(one[f"n{k}"])[0].values for k in range(4) if one[f"n{k}"]]
        people = len(re.split(r",? (?:and|und) |, ", one.group()))
        found.append(Mention(people - len(several) + sum(map(min, several)), Span(*one.span())))
    return found


_NONE_OF = re.compile(
    r"\b(?:no|without(?: any)?|zero|keine?n?|ohne|sans|sin|senza|pas de|geen)\s+(?P<what>[^\W\d_]+)\b"
    r"(?! (?:more|other|less|fewer))",
    re.IGNORECASE,
)
_TONIGHT = re.compile(r"\b(?:(?:just|only) (?:for )?|for )tonight\b", re.IGNORECASE)
_RATINGS = frozenset(map(stem, listed("star rating rate score grade mark point")))
_RATED = re.compile(r"(?<![\w/.])(?P<given>\d{1,3})\s?(?:/|(?:out )?of)\s?(?:5|10|100)(?![\w/])")
_COUPLE = re.compile(
    r"\b(?:(?:meine?|ma|mon|mi|mia|mio) (?!\w+s (?:und|et|y|e) )\w+ (?:und|et|y|e) (?:ich|moi|yo|io)"
    r"|my (?!\w+s and|children|family|people)[a-z]+ and (?:i|me|myself)"
    r"|(?:me|i|myself) and (?:my|an?) (?!\w+s\b|children|family|people|few|couple|bunch)[a-z]+)\b"
    r"(?!,? (?:and|with|plus)\b)",
    re.IGNORECASE,
)
"""Two persons: `my wife and I`."""
_WITH_ME = re.compile(r"\b(?:me|i|myself) (?:and|plus|with) (?:my |our )?(?P<others>\w+) \w+", re.IGNORECASE)
"""`Me plus my two kids`."""
_LABELS = frozenset(
    map(
        stem,
        listed(
            "invoice ticket case room gate flight bus line number no nr apartment flat platform booking"
            " reservation card pin code zip postcode id ref reference page chapter season episode bestellung auftrag"
            " rechnung zimmer flug linie nummer hausnummer pedido factura habitacion vuelo numero commande facture"
            " chambre vol"
        ),
    )
)
"""Words before a number that make a name of it: `order 4711`."""
_IDENTITY = frozenset(map(stem, listed("number no nr id code ref reference")))
"""Those that stand for one another."""
_STREET = re.compile(
    r"\s+(?:\w+\s+){0,2}(?:street|st|road|rd|avenue|ave|lane|drive|boulevard|blvd|square(?!\s+(?:m|k|f|y|i))|way|rue)\b"
    r"|\s+(?-i:[A-Z]\w+\s+){1,2}(?-i:Crescent|Terrace|Close|Rise|Row|Court|Grove|Gardens|Mews|Parade|Alley|Quay|Wharf)\b",
    re.IGNORECASE,
)
_PHONE = re.compile(r"\+?\d[\d\s()/-]{5,}\d")


def names_a_thing(kind: Kind, text: str, span: Span) -> bool:
    """Whether a number tells nothing that is counted: `order 4711`, `4 Elm Street`, a part of `555 0199`."""
    if not text[span.start : span.end].isdigit():
        return False
    before, after = tokens(text[: span.start])[-1:], tokens(text[span.end : span.end + 40])[:1]
    short = span.end - span.start < 3
    counts = after and (after[0].plain.endswith("s") or stem(after[0].plain) in kind.words | PEOPLE)
    labels = _LABELS if short else _LABELS | {"order"}  # to order 2 pizza
    if before and before[0].plain in ("turns", "turned", "turning", "aged") and "age" not in kind.words:
        return True
    if "identity" in kind.words:
        labels = labels - _IDENTITY
    if before and stem(before[0].plain) in labels - kind.words and not (short and counts):
        return not text[before[0].end : span.start].strip(" #.:")
    counted = after and (after[0].plain in UNITS.keys() | MEASURES.keys() or stem(after[0].plain) in kind.words)
    if _STREET.match(text, span.end) and not counted:
        return True
    return any(
        Span(*one.span()).overlaps(span) and len(re.findall(r"\d+", one.group())) > 1 for one in _PHONE.finditer(text)
    )
