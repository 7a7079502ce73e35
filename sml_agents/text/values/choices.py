"""What the choices that many tools offer are called elsewhere: by another word, in another language, by their use.

`Urlaub` for `vacation`, `moyenne` for `medium`, `in pieces` for `damaged`, `every day` for `daily`. A word counts for a
choice only if no other choice of the argument is called by it, too. What else a choice may be called stands best in the
argument's own description.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache

from sml_agents.text.values.words import Span, fold, is_english, listed

__all__ = ["find_choice", "is_every", "is_once"]

_CALLED = r"""
small: klein(?:e[nrs]?)?|petite?s?|pequen[oa]s?|chic[oa]s?|piccol[oaie]
medium: mittel|mittler\w*|mittelgros\w*|moyen(?:ne)?s?|median[oa]s?|medi[oa]s?
large: gross?(?:e[nrs]?)?|grande?s?
first, first class: erste[rn]?|premiere|primera|prima
second, second class: zweite[rn]?|deuxieme|seconde|segunda|seconda
spring: fruhling|fruhjahr|printemps|primavera
summer: sommer|verano|estate
autumn, fall: (?:the|this|next) fall|fall (?:term|semester|season|quarter|class\w*|courses?)
    |autumn|herbst|automne|otono|autunno
winter: hiver|invierno|inverno
vacation, annual leave, holiday: (?<!public )(?<!bank )(?<!national )holidays?|vacation|annual leave|pto
    |paid time off|urlaub|vacances|conges|vacaciones|ferie
sick, illness, sick leave: sick|illness|(?:i'?m|am|is|feel|feeling|fell|been) ill
    |(?:the|a) flu|(?:a|high) fever|unwell|under the weather
    |krank|malade|enferm[oa]|malat[oa]
savings: ahorros?|epargne|sparkonto|tagesgeldkonto|risparmi
checking, current: girokonto|(?:current|checking) account|compte courant|cuenta corriente|conto corrente
damaged, broken, defective: damaged|broken|cracked|shattered|smashed|dented
    |in (?:an? |about )*(?:hundred |thousand |million |many |two |three )?pieces
    |kaputt|beschadigt|casse\w?|rot[oa]|danad[oa]|rotto
wrong item: wrong (?:item|product|thing|one|order)
    |ordered (?:an?|the|one|two|some) [^.;!?]{2,40}?(?:you sent|sent me|got|received|came)\b|falsche\w? (?:artikel|ware)
theft, stolen: stole|stolen|nicked|pinched|theft|thief|thieves|robbed|burgled
    |gestohlen|geklaut|volee?s?|robad[oa]|robaron|rubat[oa]
round trip, return, roundtrip: round[- ]trip|there and back|return ticket|hin und zuruck|aller[- ]retour
    |ida y vuelta|andata e ritorno
one way, oneway, single: one[- ]way|single ticket|einfache fahrt|nur hin|aller simple|solo ida|solo andata
aisle: gangplatz|am gang|couloir|pasillo|corridoio
window: fenster(?:platz)?|fenetre|hublot|ventan(?:a|illa)|finestrino
delivery, home delivery: deliver(?:y|ed|ing)?
    |(?:bring|brought|drop|dropped) (?:it |them |off )*(?:to|at) (?:my|our|the) (?:place|door|house|home|flat|office)
    |liefer\w+|livr(?:er|aison|ez|ee?s?)|a domicilio
pickup, pick up, collection, takeaway, takeout: pick(?:ing)? (?:it |them |that |those )?up
    |(?:i|we)(?:'ll| will| can) (?:\w+ ){0,4}?(?:collect|fetch|pick up) (?:it|them|that|those)
    |(?:come and|to|come to|come) (?:collect|get|fetch) (?:it|them)|(?:selbst )?abhol\w*|a emporter|para llevar
black: schwarz\w*|noire?s?|negr[oa]s?|ner[oa]
white: weiss?e[nrms]?|(?<=in )weiss?|blanc(?:he)?s?|blanc[oa]s?|bianc[oa]
red: rot(?:e[nrs]?)?|rouges?|roj[oa]s?|ross[oa]
blue: blau\w*|bleue?s?|azul(?:es)?|blu
green: grun\w*|verte?s?|verdes?
yellow: gelb\w*|jaunes?|amarill[oa]s?|giall[oa]
grey, gray: gr[ae]y|grau\w*|grise?s?|grigi[oa]
dog: pupp(?:y|ies)|dogs?|hund\w?|chiens?|perr[oa]s?|cane
cat: kittens?|kitty|cats?|katze\w?|kater|gat[oa]s?|gatt[oa]
cycling, biking: cycl(?:ed|ing)|bike ride|bik(?:ed|ing)|by bike|bicycle|rode my bike|rad gefahren|bicicleta
running, run, jogging: ran(?! (?:out|into|up|over|late)\b)|run(?:ning)?(?! (?:out|into|up|over|late)\b)
    |jog(?:ged|ging)?|gelaufen|gejoggt|couru|corri
swimming: swam|swims?|swimming|geschwommen|nage|nade
cut, haircut: trim|hair ?cut|haarschnitt|corte
vaccination: (?<!it a )(?<!one )shots?(?! of\b)|jabs?|vaccin\w+|impfung|impfen|vacuna\w*
referral: referred|recommended by|word of mouth|empfohlen|recommande|recomendad[oa]
standard, normal: (?:normal|ordinary|regular|usual|standard) (?:delivery|shipping|post|speed|way)
production, prod: (?:it|this|that|them|go|goes|going) live|live (?:environment|system|site|server)|prod|production
economy: economy|(?:in|fly) coach|coach class|(?:the )?cheap(?:est)? seats?|tourist class
electric: electric|runs on (?:a )?battery\w*(?: only)?|battery only|elektrisch\w*
meals, meal, food: meals?|lunch|dinner|breakfast with
duplex: duplex|both sides|double[- ]sided|two[- ]sided|beidseitig|doppelseitig|recto[- ]verso|(?:a|por) doble cara
simplex: simplex|one side(?: only)?|single[- ]sided|einseitig|recto simple|una cara
mon, monday: mondays?|montags?|lundi|lunes|lunedi
tue, tues, tuesday: tuesdays?|dienstags?|mardi|martes|martedi
wed, weds, wednesday: wednesdays?|mittwochs?|mercredi|miercoles|mercoledi
thu, thur, thurs, thursday: thursdays?|donnerstags?|jeudi|jueves|giovedi
fri, friday: fridays?|freitags?|vendredi|viernes|venerdi
sat, saturday: saturdays?|samstags?|samedi|sabado|sabato
sun, sunday: sundays?|sonntags?|dimanche|domingo|domenica
yes, aye: in favou?r|vot(?:e|ing) for
no, nay: (?:vot(?:e|ing)|am|are|is) against|oppos(?:e|ed|ing)
urgent, critical: urgent|asap|as soon as possible|right away|immediately|dringend|sofort|urgente?
"""
"""Choice names, and a pattern of the words for it, without accents."""

_UNITS = """
mm, millimeter, millimetre, millimeters, millimetres; cm, centimeter, centimetre, centimeters, centimetres
    ; m, meter, metre, meters, metres; km, kilometer, kilometre, kilometers, kilometres; in, inch, inches
    ; ft, foot, feet; yd, yard, yards; mi, mile, miles
g, gram, gramme, grams, grammes; kg, kgs, kilo, kilogram, kilogramme, kilos, kilograms, kilogrammes; oz, ounce, ounces
    ; lb, lbs, pound, pounds
ml, milliliter, millilitre, milliliters, millilitres; l, liter, litre, liters, litres; gal, gallon, gallons
c, celsius, centigrade; f, fahrenheit
ha, hectare, hectares; ac, acre, acres
"""
"""Units, each with its names: lengths, weights, volumes, temperatures and areas, a line for what measures the same."""
_SIGN = 2
"""Letters of a unit's sign at most."""
_BEHIND = r"(?:(?<=\d)|(?<=\d )|(?<=\u00b0)|(?<=\u00b0 )|(?<=degrees )|(?<=\bin ))"
"""What a sign stands behind: `5 m`, `5kg`, `in kg`; other words may stand anywhere, or right behind a figure."""
_THINGS = frozenset(listed("meter metre foot yard"))
"""Units in whose name other things are called: `the parking meter`. They count where they measure."""
_MEASURED = re.compile(
    r"(?:\d|[:=]|(?<!\w)(?:an?|half|one|two|three|four|five|six|seven|eight|nine|ten|hundred|thousand|per|in|is|unit"
    r"|square|cubic))[ -]?$"
)
"""What stands before them there."""

_DAYS = "monday|tuesday|wednesday|thursday|friday|saturday|sunday"
_ENGLISH_TOO = frozenset(
    listed(
        "media medio medias grand grands grande prima rot rota cane corte nage corri estate noir noire rouge blanc"
        " klein gross petit petite petites primavera gris blu vert verde"
    )
)
"""Words of other languages that mean something else in English, or are names there."""
_HOW_OFTEN = {
    "once": (
        r"one[- ](?:off|time)|(?:just|only|nur|solo|juste|solamente) (?:for )?(?:this |the )?(?:once|tomorrow|today"
        r"|tonight|this (?:time|morning|evening)|morgen|heute|dieses mal|diesmal|manana|hoy|una vez|demain|cette fois"
        r"|domani|oggi)"
        r"|(?<!at )(?<!for )once(?! (?:more|again|upon|you|we|i|it|they|the|a|per|every|in)\b)|einmalig"
        r"|una (?:sola )?vez(?! (?:al|por|mas)\b)|une (?:seule )?fois(?! (?:par|de plus)\b)|una (?:sola )?volta"
    ),
    "daily": (
        r"daily|(?:every|each)(?: single)? (?:day|morning|evening|night|afternoon)|once a day|per day|taglich"
        r"|jeden (?:tag|morgen|abend)|tous les (?:jours|matins|soirs)|chaque jour|cada dia|todos los dias"
        r"|todas las mananas|ogni giorno"
    ),
    "weekdays": (
        r"(?:every |on )?(?:weekdays?|workdays?|working days?|school ?days?)"
        r"|mon(?:day)? (?:to|through|till|until|-) fri(?:day)?|werktags|unter der woche|montags? bis freitags?"
        r"|de lunes a viernes|du lundi au vendredi|en semaine"
    ),
    "weekends": (
        r"(?:every |on |at )?(?:the )?weekends?|saturdays? and sundays?|am wochenende|le week-end|los fines de semana"
    ),
    "weekly": (
        rf"weekly|(?:every|each)(?: single)? (?:week|{_DAYS})|once a week|per week|wochentlich|jede woche"
        r"|chaque semaine|toutes les semaines|cada semana|todas las semanas|ogni settimana"
    ),
    "monthly": (
        r"monthly|(?:every|each)(?: single)? month|(?:once )?(?:a|per) month|by the month|month by month|monatlich"
        r"|jeden monat|(?:chaque|tous les) mois|par mois|cada mes|al mes|ogni mese"
    ),
    "yearly": (
        r"yearly|annual(?:ly)?|(?:every|each)(?: single)? year|(?:once )?(?:a|per) year|by the year"
        r"|(?:12|twelve)[- ]months?|for (?:a|one) (?:whole|full) year|jahrlich|jedes jahr"
        r"|pro jahr|chaque annee|par an|tous les ans|cada ano|al ano|ogni anno"
    ),
}
_SAME_OFTEN = {
    "one time": "once", "single": "once", "never": "once", "none": "once", "no repeat": "once", "every day": "daily",
    "weekday": "weekdays", "workdays": "weekdays", "weekend": "weekends", "every week": "weekly",
    "every month": "monthly", "annual": "yearly", "annually": "yearly", "annum": "yearly", "every year": "yearly",
}  # fmt: skip


@lru_cache(maxsize=1)
def _patterns() -> dict[str, re.Pattern[str]]:
    found: dict[str, re.Pattern[str]] = {}
    for line in _CALLED.replace("\n    ", "").strip().splitlines():
        names, pattern = line.split(": ", 1)
        compiled = re.compile(rf"(?<!\w)(?:{pattern})(?!\w)")
        found.update({name.strip().replace("_", " "): compiled for name in names.split(",")})
    return found


@lru_cache(maxsize=8)
def _often(name: str) -> re.Pattern[str]:
    return re.compile(rf"(?<!\w)(?:{_HOW_OFTEN[name]})(?!\w)")


@lru_cache(maxsize=512)
def _plain(text: str) -> str:
    """Lower case without accents, each character in its place."""
    return "".join(sign if len(sign) == 1 else sign[:1] for sign in map(fold, text))


def _named(member: object) -> str:
    return fold(str(member)).replace("_", " ").replace("-", " ").strip()


@lru_cache(maxsize=1)
def _units() -> dict[str, tuple[int, re.Pattern[str]]]:
    """By each of its names, what a unit measures and the words for it."""
    found: dict[str, tuple[int, re.Pattern[str]]] = {}
    for measure, line in enumerate(_UNITS.replace("\n    ", "").strip().splitlines()):
        for unit in line.split(";"):
            words = [word.strip() for word in unit.split(",")]
            signs = "|".join(word for word in words if len(word) <= _SIGN) or "(?!)"
            others = "|".join(word for word in words if len(word) > _SIGN)
            pattern = re.compile(rf"(?:{_BEHIND}(?:{signs})|(?<![^\W\d_])(?:{others}))(?!\w)(?! sterling)")
            found.update({word: (measure, pattern) for word in words})
    return found


def _unit(name: str, members: Sequence[object]) -> re.Pattern[str] | None:
    """The words for a unit. A single letter is one among others of its measure alone: of sizes, `m` is no meter."""
    if name not in _units():
        return None
    measure, pattern = _units()[name]
    alike = [one for one in map(_named, members) if one in _units() and _units()[one][0] == measure]
    return pattern if len(name) > 1 or len(alike) > 1 or len(members) == 1 else None


def _measures(plain: str, span: Span) -> bool:
    """Whether what may be a unit is one there: no preposition (`2 in red`), no thing (`the parking meter`)."""
    word = plain[span.start : span.end]
    if word == "in":
        return not re.match(r"\s*\w", plain[span.end :])
    return word not in _THINGS or bool(_MEASURED.search(plain[: span.start]))


def _pattern(member: object, members: Sequence[object]) -> re.Pattern[str] | None:
    name = _named(member)
    if (unit := _unit(name, members)) is not None:
        return unit
    often = _SAME_OFTEN.get(name, name)
    if often in _HOW_OFTEN:
        known = {_SAME_OFTEN.get(_named(one), _named(one)) for one in members}
        return _often(often) if len(known & set(_HOW_OFTEN)) > 1 else None
    return _patterns().get(name)


def find_choice(member: object, members: Sequence[object], text: str) -> list[Span]:
    """Where a text says a choice by a word that it is called by elsewhere and no other of the choices is."""
    pattern = _pattern(member, members)
    if pattern is None:
        return []
    plain = _plain(text)
    spans = [Span(*found.span()) for found in pattern.finditer(plain)]
    if _named(member) in _units():
        spans = [span for span in spans if _measures(plain, span)]
    rest = [one for one in members if one != member]
    names = {_named(one) for one in rest}
    others = [other for one in rest if (other := _pattern(one, members)) is not None]
    taken = [Span(*found.span()) for other in others for found in other.finditer(plain)]
    if is_english(text):
        spans = [span for span in spans if plain[span.start : span.end] not in _ENGLISH_TOO]
    return [
        span
        for span in spans
        if plain[span.start : span.end] not in names
        and not any(one.start <= span.start and span.end <= one.end for one in taken)
    ]


def is_every(text: str, unit: str) -> list[Span]:
    """Where a text says that something happens again and again; `unit`: `daily`, `weekly`, ...; empty for any."""
    names = [unit] if unit in _HOW_OFTEN else [name for name in _HOW_OFTEN if name != "once"]
    return [Span(*found.span()) for name in names for found in _often(name).finditer(_plain(text))]


def is_once(text: str) -> list[Span]:
    """Where a text says that something happens once."""
    return [Span(*found.span()) for found in _often("once").finditer(_plain(text))]
