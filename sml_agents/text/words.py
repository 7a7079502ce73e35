"""Words that carry meaning, and their common forms.

stem(word)              one form for cost / costs / costing / price
family(word)            one form for theatre / theater / theatrical, psychology / psychologist
content_words(text)     the words that carry meaning: no stopwords, no numbers
keywords_of(statement)  the words by which a question would name a statement
plain_words(text)       every word in lower case

A rule without a model: deterministic and linear in the length of the text. It knows English word forms. In other
languages words match as written, and scripts without spaces (Chinese, Japanese, Thai, ...) match by pairs of letters.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

from sml_agents.text.numbers import NUMBER_WORDS

__all__ = ["content_words", "family", "is_number", "keywords_of", "plain_words", "stem"]

MAX_KEYWORDS = 6
"""A statement is named by at most this many words: half of a longer list would be too much to ask of one question."""

_LONGEST_WORD = 40

# Letters and digits of any script, with the combining signs that `\w` leaves out (accents, Arabic, Indic, Thai, ...).
_SIGNS = (
    r"\u0300-\u036f\u0591-\u05c7\u064b-\u065f\u0900-\u0963\u0966-\u0dff\u0e31-\u0e4e\u0eb1-\u0ece"
    r"\u102b-\u103e\u17b4-\u17d3"
)
_WORD = re.compile(rf"[\w{_SIGNS}]+(?:'[\w{_SIGNS}]+)*")
_UNSPACED = re.compile(r"[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff]+")
_PLAIN_SIGNS = str.maketrans({"\u2019": "'", "_": " "})
_VOWEL = re.compile(r"[aeiouy]")


def _words(text: str) -> list[str]:
    return text.split()


_STOPWORDS = frozenset(
    _words("""
    a an the this that these those some any each every all both either neither no not only own same such other another
    and or but nor so if then than because as while of at by for with about against between into through during before
    after above below to from up down in out on off over under again further once per here there when where why how
    what which who whom whose i me my mine myself you your yours yourself he him his himself she her hers herself it
    its itself we us our ours ourselves they them their theirs themselves one's
    am is are was were be been being have has had having do does did doing done will would shall should can could may
    might must ought let lets get gets got also just too very more most less least few much many lot lots several
    enough even still yet now well please tell give know need needs needed want ask question answer information
    problem solve find calculate compute determine help sorry thank thanks hello ok okay yes mr mrs ms dr
    number numbers amount total altogether value values exactly actually long don't doesn't didn't isn't aren't wasn't
    can't couldn't won't wouldn't i'm i'd i'll i've it's that's what's there's you're we're they're let's
    """)
)

_NUMBER_WORDS = NUMBER_WORDS.union(
    _words("double dozens half halves hundreds millions percent quarter thousands thrice triple twice")
)

# Forms that no rule reaches, then a few words that ask for the same thing.
_IRREGULAR = dict(
    pair.split(":")
    for pair in _words("""
    men:man women:woman children:child kids:child kid:child people:person feet:foot teeth:tooth mice:mouse geese:goose
    bought:buy sold:sell made:make paid:pay spent:spend gave:give given:give took:take taken:take ate:eat eaten:eat
    drove:drive driven:drive ran:run went:go gone:go goes:go came:come kept:keep left:leave lost:lose found:find
    began:begin begun:begin wrote:write written:write read:read grew:grow grown:grow won:win built:build caught:catch
    taught:teach thought:think brought:bring sent:send slept:sleep swam:swim flew:fly drew:draw drawn:draw broke:break
    broken:break stole:steal chose:choose wore:wear knew:know saw:see seen:see said:say told:tell held:hold met:meet
    fed:feed led:lead lit:light rode:ride ridden:ride threw:throw thrown:throw stood:stand worn:wear dug:dig
    hides:hid hide:hid hiding:hid hidden:hid
    price:cost prices:cost priced:cost pricing:cost pric:cost fee:cost fees:cost worth:cost expense:cost expens:cost
    money:dollar dollars:dollar cash:dollar buck:dollar bucks:dollar
    age:old ages:old aged:old older:old weight:weigh weights:weigh height:tall heights:tall taller:tall
    length:long lengths:long longer:long speed:fast speeds:fast faster:fast distance:far distances:far distanc:far
    purchase:buy purchases:buy purchased:buy purchas:buy start:begin starts:begin started:begin
    receive:get received:get receiv:get
    """)
)


@lru_cache(maxsize=1 << 16)
def stem(word: str) -> str:
    """The common form of an English word: plural, -ing, -ed, irregular forms, and a few synonyms (price, cost).

    Words in other scripts come back in lower case. `stem(stem(word)) == stem(word)`.
    """
    word = unicodedata.normalize("NFKC", word).casefold().replace("\u2019", "'").removesuffix("'s").strip("'")
    if len(word) > _LONGEST_WORD:
        return word
    while True:
        word = _IRREGULAR.get(word, word)
        shorter = _without_ending(word)
        if shorter == word:
            return word
        word = shorter


_DERIVED = re.compile(r"(?:ic(?:al|ali|ian)?|ian|ist|i?ous|i)$")
_SHORTEST_ROOT = 5


@lru_cache(maxsize=1 << 16)
def family(word: str) -> str:
    """One form for an English word and what is derived from it by -y, -ic, -ical, -ist, -ian, -ous or -ce / -tic, in
    British or American spelling; `class` and `classic` stay two.
    """
    form = stem(word)
    if not form.isascii():
        return form
    form = re.sub(r"(?<=[bt])er$", "r", form) if len(form) > _SHORTEST_ROOT else form
    form = re.sub(r"our$", "or", form) if len(form) > _SHORTEST_ROOT - 1 else form
    form = re.sub(r"nc$", "nt", form) if len(form) > _SHORTEST_ROOT else form
    for _ in range(2):
        root = _DERIVED.sub("", form)
        if len(root) < _SHORTEST_ROOT or root.endswith("ss"):
            root = re.sub(r"(?<=ic)(?:al|ali|ian)$", "", form)
        form = root
    return form


def content_words(text: str) -> tuple[str, ...]:
    """The words of `text` that carry meaning, in lower case and in order, each once: no stopwords and no numbers."""
    return tuple(dict.fromkeys(word for word, _ in _content(text)))


def keywords_of(statement: str, rest: str = "") -> tuple[str, ...]:
    """The words by which a question would name `statement`, in the order of the text, at most six.

    Words that the `rest` of the problem does not use single the statement out and come first. Where fewer than two of
    those exist, the shared words count too. Of many words, the nearest to a number stay: they say what it counts.
    """
    found = _content(statement)
    taken = {stem(word) for word in content_words(rest)}
    near = _distance_to_number(statement, found)
    own: dict[str, int] = {}
    shared: dict[str, int] = {}
    seen: set[str] = set()
    for k, (word, _) in enumerate(found):
        if (form := stem(word)) not in seen:
            seen.add(form)
            (shared if form in taken else own)[word] = k
    pool = own if len(own) >= 2 else own | shared
    best = sorted(pool, key=lambda word: (word in shared, near[pool[word]], pool[word]))[:MAX_KEYWORDS]
    return tuple(sorted(best, key=lambda word: pool[word]))


def _without_ending(word: str) -> str:
    """`word` with one ending removed or made plain; unchanged when none fits."""
    if not word.isascii() or len(word) < 3:
        return word
    if word.endswith(("ies", "ied")) and len(word) > 4:
        return word[:-2]
    if word.endswith(("sses", "xes", "zes", "ches", "shes")):
        return word[:-2]
    if word.endswith("s") and not word.endswith(("ss", "us", "is")):
        return word[:-1]
    for ending in ("ing", "ed"):
        base = word.removesuffix(ending)
        if base != word and len(base) >= 3 and _VOWEL.search(base) and not word.endswith("eed"):
            return base
    if word.endswith("e") and len(word) > 3 and _VOWEL.search(word[:-1]):
        return word[:-1]
    if word.endswith("y") and word[-2] not in "aeiou":
        return word[:-1] + "i"
    if word[-1] == word[-2] and word[-1] not in "aeious":
        return word[:-1]
    return word


def plain_words(text: str) -> list[str]:
    """Every word of `text` in lower case; runs of a script without spaces become pairs of letters."""
    words: list[str] = []
    for found in _WORD.findall(unicodedata.normalize("NFKC", text).casefold().translate(_PLAIN_SIGNS)):
        word = found.removesuffix("'s")
        if not word.isascii() and _UNSPACED.search(word):
            words.extend(_pairs(word))
        elif word:
            words.append(word)
    return words


def _pairs(word: str) -> list[str]:
    pieces: list[str] = []
    at = 0
    for run in _UNSPACED.finditer(word):
        pieces.append(word[at : run.start()])
        letters = run.group()
        pieces.extend(letters[k : k + 2] for k in range(max(1, len(letters) - 1)))
        at = run.end()
    return [piece for piece in [*pieces, word[at:]] if piece]


def _content(text: str) -> list[tuple[str, int]]:
    """The words of meaning with their place among all words."""
    return [(word, k) for k, word in enumerate(plain_words(text)) if not _is_filler(word)]


def _is_filler(word: str) -> bool:
    if word in _STOPWORDS or is_number(word):
        return True
    return word.isascii() and len(word) == 1


def is_number(word: str) -> bool:
    """Whether a word is a number, in figures or in English."""
    return word in _NUMBER_WORDS or any(letter.isnumeric() and not letter.isalpha() for letter in word)


def _distance_to_number(text: str, found: list[tuple[str, int]]) -> list[int]:
    """For each word of `found` how many words lie between it and the nearest number; all 0 when there is none."""
    numbers = [k for k, word in enumerate(plain_words(text)) if is_number(word)]
    if not numbers:
        return [0] * len(found)
    distances: list[int] = []
    at = 0
    for _, place in found:
        while at + 1 < len(numbers) and abs(numbers[at + 1] - place) <= abs(numbers[at] - place):
            at += 1
        distances.append(abs(numbers[at] - place))
    return distances
