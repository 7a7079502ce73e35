"""Where a text says a value: by words, not by letters.

A text counts as said when its words stand there in order, whatever case, accents and punctuation; when the first part
of "City, ST" does; by its initials (NYC); or when all of its words of meaning stand near each other, by their stems.
A mention that is denied ("not Paris", "anything but first class") is none.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection
from dataclasses import dataclass
from functools import lru_cache

from sml_agents.text.words import content_words, family, stem

__all__ = [
    "Span",
    "Token",
    "clause_of",
    "covers",
    "denied",
    "denies",
    "find_part",
    "find_phrase",
    "find_words",
    "fold",
    "free",
    "is_denied",
    "is_english",
    "label",
    "listed",
    "tokens",
]


@dataclass(frozen=True, order=True)
class Span:
    """A piece of a text: characters `start` to `end`."""

    start: int
    end: int

    def overlaps(self, other: Span) -> bool:
        return self.start < other.end and other.start < self.end

    def lies_in(self, other: Span) -> bool:
        """Whether all of it is part of another piece, or is that piece."""
        return other.start <= self.start and self.end <= other.end


@dataclass(frozen=True)
class Token:
    """A word of a text: as written, in its plain form, and where it stands."""

    text: str
    plain: str
    start: int
    end: int


_WORD = re.compile(r"[^\W_]+(?:['\u2019][^\W_]+)*")
_UNSPACED = re.compile(r"[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff]")
_ENDS = re.compile(r"[.!?](?=\s|$)|[;:\n]|,(?=\s)|\s[-\u2013\u2014]\s|\b(?:but|aber|mais|pero)\b")
_ALL = re.compile(r"\b(?:any|every|all|no)(?:thing|one|where|body)?(?: \w+)? $")
"""Before a `but` that means except."""


def listed(words: str) -> list[str]:
    """A list of words that is written as text."""
    return words.split()


_DENIALS = frozenset(
    listed("""
    not no nothing never without except excluding neither nor cannot nicht kein keine keinen
    keinem keiner ohne statt anstatt au\u00dfer ausser nie pas sans sauf jamais nunca sin excepto non senza
    niet geen zonder
    """)
)
_DENYING = re.compile(
    r"\b(?:(?:any|every|all)(?:thing|one|where|body)?(?: \w+)? but|other than|rather than|instead of|in place of"
    r"|(?:tired|sick|bored) (?:of|with)|fed up with"
    r"|(?<!n't )(?<!not )(?:forget|scrap|scratch|ignore)(?: about)?(?: the| that)?"
    r"|(?:hate|dislike|can't stand)s?"
    r"|alles au(?:\u00df|ss)er|tout sauf|au lieu de|en vez de)\b"
)
_UNFREE = re.compile(
    r"\b(?:busy|(?<!we )(?<!i )(?<!they )(?<!you )closed|unavailable|occupied|booked (?:up|out)|sold out"
    r"|out of office|(?:(?:am|are|is|be|was|were|still)|['\u2019](?:m|re|s)) away|away from"
    r"|belegt|geschlossen|ocupad[oa]|cerrad[oa]|occupee?|fermee?)\s+(?:\w+\s+){0,2}$"
)
_DENIED_AFTER = re.compile(
    r"\s+(?:(?:do|does|did|will|would|is|are|can)(?:n['\u2019]t| not)\s+(?:(?:really|quite|ever)\s+)?"
    r"(?:work|suit|fit|do|possible|good|an option|available)|won['\u2019]t (?:work|do|suit|fit)"
    r"|(?:is|are|was) (?:wrong|incorrect|outdated|invalid)"
    r"|(?:is|are|was) (?:\w+ )?(?:miles|too far)\b"
    r"|(?:is|are|was) (?:taken|full|booked|gone|too (?:late|early|soon|much|many|expensive)|impossible|out)"
    r"|(?:geht|passt|klappt) (?:\w+ )?nicht)\b",
    re.IGNORECASE,
)
_HARMLESS = re.compile(
    r"n['\u2019]t (?:forget|mind|worry|hesitate)|\bnot disturb\b|\bno(?:t)? (?:problem|only|matter|later|more|less)\b"
    r"|\b(?:not?|nothing|none|never)(?: \w+)? (?:below|under|above|over|beyond|\w+er than)\b"
)
_NAMED_SO = re.compile(r"(?<=[A-Z\u00c0-\u00de])(\w+) (?:ohne|sans|sin|senza|without) (?=[A-Z])")
"""A denial that is part of a name: `\u00c4rzte ohne Grenzen`."""
_SO = re.compile(
    r"(?<!not)(?<!n['\u2019]t)(?<!never)\s+(?:so|hence|therefore|deshalb|donc)\s+"
    r"(?=\w+ (?:only|please|it is)\b|i\b|we\b|it\b)",
    re.IGNORECASE,
)
_REACH = 4
"""A denial reaches this many words: `I do not want to leave on Monday` denies Monday."""
_CONTENT_SHARE = 0.75
"""Of four or more words of meaning this share must stand together; of fewer, all."""


def fold(text: str) -> str:
    """Lower case, no accents, one form of each sign."""
    plain = unicodedata.normalize("NFKD", unicodedata.normalize("NFKC", text).casefold().replace("\u2019", "'"))
    return "".join(sign for sign in plain if not unicodedata.combining(sign))


@lru_cache(maxsize=4096)
def tokens(text: str) -> tuple[Token, ...]:
    """The words of a text; `Tom's` and `I'm` are one word each, whose plain form has no possessive."""
    return tuple(
        Token(found.group(), fold(found.group()).removesuffix("'s"), found.start(), found.end())
        for found in _WORD.finditer(text)
    )


@lru_cache(maxsize=4096)
def label(name: str, description: str = "") -> frozenset[str]:
    """The stems of the words by which people speak of an argument: those of its name, then of its description."""
    return frozenset(stem(word) for word in content_words(f"{' '.join(split_name(name))} {description}"))


def split_name(name: str) -> list[str]:
    """The words of an argument's name, in lower case: `notBefore`, `not_before`."""
    return re.split(r"[\s_.-]+", re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", name).strip(" _.-").casefold())


def clause_of(text: str, span: Span) -> Span:
    """The clause around a span: the stretch between commas, stops and `but`."""
    start, end = 0, len(text)
    if text[span.end - 1 : span.end] in (".", "!", "?"):
        span = Span(span.start, span.end - 1)  # `7 pm.` may end a sentence
    for found in _ENDS.finditer(text):
        if found.group() == "but" and _ALL.search(text[: found.start()].lower()):
            continue
        if found.end() <= span.start:
            start = found.end()
        elif found.start() >= span.end:
            end = found.start()
            break
    return Span(start, end)


def is_denied(text: str, span: Span) -> bool:
    """Whether the words around a span, in its clause, deny it: `not Paris`, `anything but Paris`, `busy at 3 pm`, `3 pm
    does not work`."""
    clause = clause_of(text, span)
    before = fold(text[clause.start : span.start])
    if _DENYING.search(before) or _UNFREE.search(before) or _DENIED_AFTER.match(text[span.end : clause.end]):
        return True
    before = _NAMED_SO.sub(" ", text[clause.start : span.start])
    before = _HARMLESS.sub(" ", fold(_SO.split(before)[-1]))
    last = [token.plain for token in tokens(before)][-_REACH:]
    return any(word in _DENIALS or word.endswith("n't") for word in last)


def denies(words: str) -> bool:
    """Whether words name nothing, but that it is not: `no`, `nobody`."""
    return all(token.plain in _DENIALS or token.plain in ("nobody", "none", "nowhere") for token in tokens(words))


_ENGLISH = re.compile(
    r"\b(?:the|of|to|and|for|my|please|with|is|are|it|me|we|i|you|this|send|set|remind|book|order|days?|weeks?|months?"
    r"|january|february|march|april|may|june|july|august|october|december|(?:mon|tues|wednes|thurs|fri|satur|sun)day)\b",
    re.IGNORECASE,
)


@lru_cache(maxsize=256)
def is_english(text: str) -> bool:
    """Whether a text has words that only English has: then `due` and `once` are no numbers, and `set` is no month."""
    return bool(_ENGLISH.search(text))


def denied(text: str, spans: Collection[Span]) -> list[Span]:
    return [span for span in spans if is_denied(text, span)]


def free(text: str, spans: Collection[Span]) -> list[Span]:
    """Those spans that nothing denies, in order, each once."""
    return [span for span in sorted(set(spans)) if not is_denied(text, span)]


def covers(text: str, span: Span) -> bool:
    """Whether a span is a whole text but for a few signs."""
    return len(text[: span.start].strip()) + len(text[span.end :].strip()) <= 4


def find_words(value: str, text: str) -> list[Span]:
    """Every place where `text` says `value`, denied ones included."""
    wanted = tokens(value)
    if not wanted:
        at = text.find(value) if value.strip() else -1
        return [Span(at, at + len(value))] if at >= 0 else []
    if _UNSPACED.search(value):
        at = fold(text).find(fold(value))
        return [Span(at, at + len(value))] if at >= 0 else []
    if found := _in_order([token.plain for token in wanted], text):
        return found
    digits = re.sub(r"\D", "", value)
    if len(digits) >= 6 and len(digits) * 2 > len(value):
        return _digits(digits, text)
    parts = [part.strip() for part in value.split(",")]
    if len(parts) > 1 and _in_order([token.plain for token in tokens(parts[0])], text):
        return _first_part(parts, text)
    return _initials(value, text) or _shortened(wanted, text) or _nicknames(wanted, text) or _stems(value, text)


def find_phrase(words: str, text: str) -> list[Span]:
    """Where `text` has these very words in this order, denied ones included."""
    return _in_order([token.plain for token in tokens(words)], text)


def find_part(value: str, text: str, named: Collection[str]) -> list[Span]:
    """Where `text` picks out a name by its first words, `the Thunderbird` for Thunderbird Boutique Hotel, or by one
    word that no other name has.

    `named`: texts that stand before it. One of them must give the whole name, and none another one that begins alike.
    """
    whole = [token.plain for token in tokens(value)]
    if len(whole) < 2 or not any(_in_order(whole, one) for one in named):
        return []
    for n in range(len(whole) - 1, 0, -1):
        part = whole[:n]
        spans = [span for span in _in_order(part, text) if n > 1 or text[span.start].isupper()]
        if not content_words(" ".join(part)) or not (spans := free(text, spans)):
            continue
        alike = sum(len(_in_order(part, one)) for one in named)
        return spans if alike == sum(len(_in_order(whole, one)) for one in named) else []
    for token in tokens(value):  # `Zach` for Hotel Zach, `the poem` for poem.pdf
        spans = [span for span in _in_order([token.plain], text) if text[span.start].isupper() or token.text.islower()]
        if len(token.plain) < _CUT or not content_words(token.plain) or not (spans := free(text, spans)):
            continue
        if sum(len(_in_order([token.plain], one)) for one in named) == sum(len(_in_order(whole, one)) for one in named):
            return spans
    return []


def _in_order(wanted: list[str], text: str) -> list[Span]:
    said = tokens(text)
    n = len(wanted)
    if not n:
        return []
    plain = [token.plain for token in said]
    return [Span(said[k].start, said[k + n - 1].end) for k in range(len(said) - n + 1) if plain[k : k + n] == wanted]


def _digits(wanted: str, text: str) -> list[Span]:
    spans = []
    for found in re.finditer(r"\d(?:[\d\s()./-]*\d)?", text):
        if re.sub(r"\D", "", found.group()) == wanted:
            spans.append(Span(found.start(), found.end()))
    return spans


def _first_part(parts: list[str], text: str) -> list[Span]:
    """The first of "City, ST", unless another state follows in the text."""
    rest = {fold(part) for part in parts[1:]}
    spans = []
    for span in _in_order([token.plain for token in tokens(parts[0])], text):
        follows = re.match(r",?\s+([A-Z]{2})\b", text[span.end :])
        if follows and all(len(part) == 2 for part in rest) and fold(follows.group(1)) not in rest:
            continue
        spans.append(span)
    return spans


_PLACED = frozenset(listed("in at to from near around"))
_SMALL = frozenset(listed("of the and de la le du und der die das von"))


def _initials(value: str, text: str) -> list[Span]:
    """`NYC` and `NY` for New York, `LAX` and `LA` for Los Angeles, and the other way round."""
    words = [token for token in tokens(value) if token.plain not in _SMALL]
    if len(words) > 1:
        short = re.escape("".join(word.plain[0] for word in words))
        own = [
            re.escape(fold(found.group().replace(".", ""))) for found in re.finditer(r"(?<!\w)(?:[A-Z]\.){2,}", value)
        ]
        wanted = re.compile("|".join([rf"{short}\w?", *own]))
        return [
            Span(token.start, token.end)
            for before, token in zip(("", *(t.plain for t in tokens(text))), tokens(text), strict=False)
            if token.text.isalpha()
            and (token.text.isupper() or (before in _PLACED and _without_capitals(text)))
            and len(token.text) > 1
            and wanted.fullmatch(token.plain)
        ]
    letters = re.sub(r"\.", "", value)
    if len(letters) < 2 or len(letters) > 5 or not (letters.isupper() and letters.isalpha()):
        return []
    said = [token for token in tokens(text) if token.plain not in _SMALL]
    spans = []
    for short in (fold(letters), fold(letters)[:-1]):
        n = len(short)
        for k in range(len(said) - n + 1) if n > 1 else ():
            run = said[k : k + n]
            if all(w.text[0].isupper() and w.plain[0] == s for w, s in zip(run, short, strict=True)):
                spans.append(Span(run[0].start, run[-1].end))
    return spans


def _without_capitals(text: str) -> bool:
    """Whether a text gives names no capitals: it has none but at the beginning of a sentence and in `I`."""
    return not re.search(r"(?<![.!?]\s)(?<!^)\b(?!I\b)[A-Z]", text)


def _shortened(wanted: tuple[Token, ...], text: str) -> list[Span]:
    """`San Fran` for San Francisco: the last of several words cut short."""
    said = tokens(text)
    n = len(wanted)
    if n < 2:
        return []
    head, last = [token.plain for token in wanted[:-1]], wanted[-1].plain
    return [
        Span(said[k].start, said[k + n - 1].end)
        for k in range(len(said) - n + 1)
        if [token.plain for token in said[k : k + n - 1]] == head
        and len(said[k + n - 1].plain) >= 3
        and last.isalpha()
        and last.startswith(said[k + n - 1].plain)
    ]


_ARTICLES = frozenset(listed("las los la el le san santa saint st the fort mount"))
_ENDINGS = ("y", "ie", "ly", "town")
"""What a name that is cut short may end in: `Philly`, `Chi-town`."""
_CUT = 4
"""So many letters of a name must be left, three before `-town` or in capitals."""


def _nicknames(wanted: tuple[Token, ...], text: str) -> list[Span]:
    """`Vegas` for Las Vegas; `Philly`, `Chi-town` and `ATL` for a name of one word."""
    names = [token.plain for token in wanted]
    said = tokens(text)
    if len(names) == 2 and names[0] in _ARTICLES and len(names[1]) > _CUT:
        return [Span(token.start, token.end) for token in said if token.plain == names[1]]
    if len(names) != 1 or len(names[0]) <= _CUT or not wanted[0].text[0].isupper():
        return []
    (name,) = names
    spans = []
    for k, token in enumerate(said):
        before, after = said[k - 1].plain if k else "", said[k + 1] if k + 1 < len(said) else None
        if before not in _PLACED and not token.text[0].isupper():
            continue
        if token.text.isupper() and len(token.text) == 3 and name.startswith(token.plain):
            spans.append(Span(token.start, token.end))
        elif after is not None and after.plain == "town" and len(token.plain) >= 3 and name.startswith(token.plain):
            spans.append(Span(token.start, after.end))
        elif any(
            token.plain.endswith(ending) and name.startswith(cut) and len(cut) >= _CUT
            for ending in _ENDINGS
            for cut in [token.plain.removesuffix(ending)]
        ):
            spans.append(Span(token.start, token.end))
    return spans


def _stems(value: str, text: str) -> list[Span]:
    """All words of meaning of the value, near each other in any order."""
    wanted = {family(word) for word in content_words(value)}
    if not wanted or max(map(len, wanted)) < 3:
        return []
    wanted |= {token.plain for token in tokens(value) if any(sign.isdigit() for sign in token.plain)}
    need = len(wanted) if len(wanted) < 4 else max(3, round(_CONTENT_SHARE * len(wanted)))
    said = [(token, family(token.plain)) for token in tokens(text)]
    reach = 2 * len(wanted) + 3
    for k, (first, form) in enumerate(said):
        if form not in wanted:
            continue
        window = [(token, s) for token, s in said[k : k + reach] if s in wanted]
        here = {s for _, s in window}
        if len(here) >= need and not any(any(sign.isdigit() for sign in word) for word in wanted - here):
            return [Span(first.start, window[-1][0].end)]
    return []
