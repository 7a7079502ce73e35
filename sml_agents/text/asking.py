"""What does a text ask for? The one rulebook by which every turn is read, a student's, an agent's and one in a log.

find_questions(text, heard)   the questions and requests that a text puts to the other side, in order

A question is one thing asked for: `How many pens are there, and what does each cost?` holds two, `How many pens,
rulers and cards are there?` three. A request counts without a question mark (`Need the price.`), in the languages of
`languages`. Not asked of the other side are

- questions that the speaker answers itself (`Why? Because ...`, `How many? 3 * 4 = 12.`), in quotation marks, that
  repeat what was `heard`, and that speak of the task's own question (`We have to find how many ...`),
- polite ones (`Does that help?`, `How are you?`), and requests for entertainment,
- guesses: they are answers, and judged as such.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from functools import cached_property
from typing import Literal, NamedTuple

from sml_agents.text.answers.guesses import guess_in
from sml_agents.text.languages import ENGLISH, OTHERS, united
from sml_agents.text.sentences import sentence_spans

__all__ = ["Asked", "asks_yes_or_no", "find_questions"]


class Asked(NamedTuple):
    """One question or request."""

    span: tuple[int, int]
    """Start and end of its sentence, in characters."""
    focus: str
    """The part that says what is asked for: from the question word or after `please tell me` on."""
    kind: Literal["question", "fragment", "solve"]
    """`fragment`: marked as a question by its sign alone (`sheet holds?`); `solve`: asks for the answer."""


def _any(*patterns: str) -> re.Pattern[str]:
    return re.compile("|".join(patterns), re.IGNORECASE)


_MARKED = re.compile(r"[?\uff1f\u061f][\"'`\u201d\u2019\u00bb)\]*_\s]*(?:</\w{1,20}>)?[.!]*\s*$")
_COUNTS = united("counts")
_WH = _any(united("counts", "opens"))
_REQUEST = _any(united("requests"))
_SOLVE = _any(united("solves"))
_RESTATES = _any(united("restates"))
_AUXILIARY = (
    r"(?:is|are|was|were|does|do|did|has|have|had|can|could|will|would|should|may|must|shall)(?:n't)?(?![^\W_])"
)
_FILLERS = r"(?:(?:so|and|but|ok|okay|sorry|hi|hello|hey|wait|first|also|then|well|now|hmm|please|thanks|next),?\s+)*"
_LEADING = r"^[\s\"'*_>#\u00bf(-]*(?:\d{1,2}[.)]\s+)?" + _FILLERS
_OPENS = _any(rf"{_LEADING}(?:{_WH.pattern})", rf"{_LEADING}{_AUXILIARY}")
_COUNTED = _any(rf"{_LEADING}(?:{_COUNTS})")
_FINITE = r"(?:is|are|was|were|does|did|has|had|can|will|would|should|doesn't|isn't)(?![^\W_])"
_NO_NOUN = rf"(?:{_AUXILIARY}|(?:i|we|you|he|she|it|they|that|who)\b)"
_INVERTED = _any(
    rf"{_LEADING}(?:(?:{united('counts', languages=(ENGLISH,))}|what|which|whose)(?:\s(?!{_NO_NOUN})[^\s,.]+){{0,6}}?"
    rf"|who|whom|when|where|why|how)\s{_AUXILIARY}(?!\s(?:why|because|how|what)\b)(?!.*\s{_FINITE})",
    rf"{_LEADING}what's\s",
)
_ENGLISH_WH = _any(rf"{_LEADING}(?:{united('counts', 'opens', languages=(ENGLISH,))})")
_ENGLISH_WH_ANYWHERE = _any(united("counts", "opens", languages=(ENGLISH,)))
_POLITE = _any(
    r"(?:does|did|will) (?:that|this|it) (?:help|make sense|answer|work)"
    r"|is (?:that|this|it|everything) (?:clear|ok|okay|all right|alright)\b",
    r"(?:do|would|are) you (?:understand|like me|want me|ready|have any|agree|follow|there|a |an )",
    r"(?:isn't|doesn't|aren't) it\?",
    r"(?:can|may|could|how can|shall|should) i help|anything else|\bany (?:other |more |further )?questions",
    r"(?:^\s*|, )(?:right|see|ready|ok|okay|why not|really|yes|no)\?$|shall we|should (?:i|we) (?:continue|go on)",
    r"how are you|how(?:'s| is) (?:it going|life)|how do you do\b|what's up\b|who are you\b|what can i (?:do|help)",
    r"\b(?:tell|write|sing|give|recite|know)\b[^.?!]{0,20}\b(?:a|any) (?:joke|story|poem|song|riddle|fun fact)",
    r"\bwho knows\?",
    r"isn't (?:this|that) (?:fun|nice|great|easy|interesting)",
)
_CALCULATION = re.compile(r"=\s?-?[$\u20ac\u00a3]?\s?\d|\d\s?[-+*/x\u00d7\u00f7]\s?\d")
_ANSWERS = _any(
    r"^\W*(?:because|since|let'?s|let us|simple|easy|easily|obviously|by|denn|weil|parce que|porque|perch\u00e9)\b",
    r"^\W*we (?:know|have|can|are given|start|first|multiply|add|subtract|divide|see|just|simply)\b",
    r"^\W*(?:there (?:is|are|were)|it(?:'s| is| was| costs?| takes?)|that(?:'s| is)|they|he|she|each|well)\b"
    r"(?!.*\b(?:not|n't|no|missing|unknown|unclear|need)\b|.*n't).*\d",
)
_QUOTED = re.compile(
    r"\"[^\"\n]{1,400}\"|\u201c[^\u201d\n]{1,400}\u201d|\u00ab[^\u00bb\n]{1,400}\u00bb|\u201e[^\u201c\n]{1,400}\u201c|\u300c[^\u300d\n]{1,400}\u300d"
)
_QUOTED_LINE = re.compile(r"^[ \t]*>.*$", re.MULTILINE)
_CLAUSE = _any(
    rf"(?:\s*[,;:]\s*|\s+)(?:(?:and|or|but|und|oder|et|ou|y|o|e|en|of|i)(?: also)?\s+)(?={_WH.pattern})",
    rf"\s*[,;]\s*(?={_COUNTS}|how\b|what\b)",
)
_PURPOSE = _any(
    r",? (?:so (?:that|i|we)|in order to|to (?:solve|calculate|find|compute|go on|continue|work|finish|answer|proceed"
    r"|determine|get on|move on|help)|because|since i|before i|please|thanks|thank you)\b.*$"
)
_ITEM = re.compile(r"\s*(?:[,;/&]|\b(?:and|or)\b)\s*(?:(?:and|or)\b)?\s*", re.IGNORECASE)
_NO_ITEM = re.compile(
    r"(?:in|at|on|for|with|from|per|by|if|when|then|so|as|after|before|respectively|etc|too|sir|each)\b|$",
    re.IGNORECASE,
)
_UNSPACED_WH = _any(united("counts", "opens", languages=tuple(words for words in OTHERS.values() if words.unspaced)))
_ALTERNATIVES = _any(
    r"\b(?:which|what)\b[^,;]*,\s[^,;]+\bor\b[^,;]+$",
    rf"\b{_AUXILIARY}(?!.*\b(?:how|(?:and|or) (?:which|what))\b)[^;]*,\s[^;]+\bor\b[^;]+$",
    r"\b(?:whether|if)\b(?!.*\b(?:how|which|what)\b)[^;]*,\s[^;]+\bor\b[^;]+$",
    r":\s[^:;]+,\s[^:;]+\bor\b[^:;]+$",
)
"""`Which comes first, the smallest or the largest?` asks for one thing and offers two answers, `Is it for one day, a
week, or longer?` three."""
_OFFERED = re.compile(r"[^,;/]+(?:,\s[^,;]+)+,?\s+or\s[^,;]+|[^\s,;/]+(?:\s?/\s?[^\s,;/]+)+", re.IGNORECASE)
"""Nothing but values to choose from: `Red, green or blue?`"""
_ASIDE = re.compile(
    r"\([^()]*\)|\[[^\[\]]*\]|\b(?:e\.g\.|for example|for instance|such as)(?![^\W_]).*$", re.IGNORECASE
)
"""What stands in brackets, and examples, ask for nothing more."""
_LISTED = re.compile(r"\s*(?:[-*\u2022]|\d{1,2}[.)])\s+")
_INTRODUCES = re.compile(r":\W*$|\bfollowing\b[^:]*$", re.IGNORECASE)
_FIGURE = re.compile(r"\d")
_GAP = re.compile(r"\s{8,}")
"""A model gone astray writes nothing but spaces: patterns that may begin at each of them would take the square."""
_LONGEST_CHOICE = 400
"""Characters: what is longer is no choice, and would take long to look at."""
_SHORT = 15
_MANY_ITEMS = 3
_MANY_WORDS = 4
_WORDS = re.compile(r"[^\W_]+(?:'[^\W_]+)*")
_SAME = 0.9
_MOST_HEARD = 400
_MOST = 200
"""Questions of one text that are looked at, the last ones; nobody asks as much."""


def find_questions(text: str, heard: Sequence[str] = ()) -> list[Asked]:
    """The questions that `text` asks, in order. `heard`: what the other side has said so far, whose sentences are no
    questions when they are repeated. Linear in the length of the texts.
    """
    plain = _without_quotes(text.replace("\u2019", "'"))
    plain = _GAP.sub(lambda gap: gap.group()[0] + "\0" * (len(gap.group()) - 2) + gap.group()[-1], plain)
    known = _Known(heard)
    asked: list[list[Asked]] = []
    following = ""
    spans = sentence_spans(plain)
    items, above = _lists(plain, spans)
    for start, end in reversed(spans):
        sentence = plain[start:end]
        kind = _kind(sentence) or ("question" if (start, end) in items else None)
        if (start, end) in above:
            continue
        if kind is None or known.holds(sentence) or guess_in(sentence) is not None:
            if _CALCULATION.search(sentence):
                break  # whatever was asked before this, the speaker goes on to answer itself
        elif not (following and _ANSWERS.search(following)):
            asked.append([Asked((start, end), focus, kind) for focus in _clauses(sentence, kind)])
            if len(asked) >= _MOST:
                break
        following = sentence
    return [one for found in reversed(asked) for one in found]


def _lists(plain: str, spans: Sequence[tuple[int, int]]) -> tuple[set[tuple[int, int]], set[tuple[int, int]]]:
    """The lines of lists of what is asked for, `I need the following:` above them, and these sentences, which ask for
    nothing more. A line with a figure tells something, unless it is a question.
    """
    items, intros = set(), set()
    above = None
    for start, end in spans:
        sentence = plain[start:end]
        if not any(letter.isalpha() for letter in sentence):
            continue  # the number of a line
        if above is not None and _LISTED.match(plain, plain.rfind("\n", 0, start) + 1, end) is not None:
            tells = _FIGURE.search(_LISTED.sub("", sentence)) is not None or len(sentence) > _LONGEST_CHOICE
            if _kind(sentence) or not tells:
                items.add((start, end))
                intros.add(above)
        else:
            introduces = _INTRODUCES.search(sentence) is not None and _kind(sentence) in ("question", "fragment")
            above = (start, end) if introduces else None
    return items, intros


def asks_yes_or_no(sentence: str) -> bool:
    """Whether a sentence is marked as a question and has no question word: `Should I use 7 pm?`, `7 pm, okay?`"""
    return _MARKED.search(sentence) is not None and _WH.search(sentence) is None


def _without_quotes(text: str) -> str:
    """`text` with what stands in quotation marks blanked out, unless that is all there is."""
    stripped = text.strip()
    if _QUOTED.fullmatch(stripped) or all(line.lstrip().startswith(">") for line in stripped.splitlines()):
        return text
    blanked = _QUOTED.sub(lambda found: " " * len(found.group()), text)
    return _QUOTED_LINE.sub(lambda found: " " * len(found.group()), blanked)


def _kind(sentence: str) -> Literal["question", "fragment", "solve"] | None:
    """What kind of question a sentence is by itself, if it is one."""
    if _POLITE.search(sentence) or _RESTATES.search(sentence):
        return None
    if _SOLVE.search(sentence):
        return "solve"
    if _REQUEST.search(sentence):
        return "question"
    if _MARKED.search(sentence):
        return "question" if _OPENS.match(sentence) or _WH.search(sentence) else "fragment"
    return "question" if _asks_unmarked(sentence) else None


def _asks_unmarked(sentence: str) -> bool:
    """A question that its sign does not mark: `how far is the village`, not `What is left is easy.`"""
    if _ENGLISH_WH.match(sentence):
        return _INVERTED.match(sentence) is not None
    if not _WH.search(sentence):
        return False
    return _UNSPACED_WH.search(sentence) is not None or (
        _OPENS.match(sentence) is not None
        and not re.match(rf"{_LEADING}{_AUXILIARY}", sentence, re.IGNORECASE)
        and (_COUNTED.match(sentence) is not None or not sentence.endswith((".", "!", ":")))
        and len(sentence.split()) <= _SHORT
    )


def _clauses(sentence: str, kind: str) -> Iterator[str]:
    """What a question asks for, one thing at a time."""
    request = _REQUEST.search(sentence)
    start = 0
    if request is not None:
        start = request.end() - (len("whether") if request.group().casefold().endswith("whether") else 0)
    if request is None and (opening := _ENGLISH_WH_ANYWHERE.search(sentence)) is not None:
        start = opening.start()  # other languages may put it last
    if start >= len(sentence.rstrip(" .?!")):
        start = 0
    focus = sentence[start:]
    at = 0
    parts = []
    for joint in _CLAUSE.finditer(focus):
        if joint.start() > at:
            parts.append(focus[at : joint.start()])
            at = joint.end()
    parts.append(focus[at:])
    for part in parts:
        part = _PURPOSE.sub("", part).strip(" \n.,;:?!") or part.strip()
        main = _ASIDE.sub("", part) if len(part) <= _LONGEST_CHOICE else part
        offers = len(part) <= _LONGEST_CHOICE and (
            _ALTERNATIVES.search(main) is not None or (kind == "fragment" and _OFFERED.fullmatch(main) is not None)
        )
        items = [item for item in _ITEM.split(main) if item.strip()] if not offers else []
        things = [item for item in items if not _NO_ITEM.match(item)]
        named = [item for k, item in enumerate(things) if k in (0, len(things) - 1) or len(item.split()) <= _MANY_WORDS]
        if len(named) >= _MANY_ITEMS:
            yield from named
        else:
            yield part


class _Known:
    """What the other side has said, to tell a repetition by."""

    def __init__(self, heard: Sequence[str]) -> None:
        self.heard = heard

    @cached_property
    def said(self) -> list[Counter[str]]:
        """The words of each sentence heard: counted when the first question is looked at, as most turns ask none."""
        return [
            words
            for text in self.heard
            for start, end in sentence_spans(text)
            for part in (text[start:end], _from_question_word(text[start:end]))
            if (words := _counted_words(part))
        ][-_MOST_HEARD:]

    def holds(self, sentence: str) -> bool:
        """Whether `sentence`, or its part from the question word on, says a heard sentence again: no word of its own,
        and most of the words of that one.
        """
        for part in (sentence, _from_question_word(sentence)):
            words = _counted_words(part)
            size = words.total()
            for known in self.said:
                total = size + known.total()
                if words and 2 * (words & known).total() >= _SAME * total and words.keys() <= known.keys():
                    return True
        return False


def _from_question_word(sentence: str) -> str:
    found = _WH.search(sentence)
    return sentence[found.start() :] if found else sentence


def _counted_words(text: str) -> Counter[str]:
    return Counter(_WORDS.findall(text.casefold().replace("\u2019", "'")))
