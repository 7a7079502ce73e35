"""How an answer is meant: supposed or denied, taken back, followed by another, or followed by mere politeness."""

from __future__ import annotations

import re

from sml_agents.text.numbers import spelled_numbers

__all__ = ["is_courtesy", "is_supposed", "is_taken_back", "multiplies", "with_alternative"]

_SENTENCE_END = re.compile(r"[.!?](?=\s|$)|[\u3002\uff01\uff1f]|\n")
_OPENING = " \n\t*_:$\\([{"
_BOX = re.compile(r"[\s$(\\]*(?:\\(?:boxed|fbox)\s*\{?)?\s*$")
_SUPPOSED = re.compile(
    r"\b(?:suppos(?:e|ed|ing)|imagine|pretend(?:ing)?|let us say|let's say|assume(?: that)?)\b"
    r"|\b(?:if|unless|whether|assuming)(?:\s+[\w']+){0,5}\W*$"
    r"|(?:\b(?:doubt|den(?:y|ies)|not|never|cannot|nobody|hardly|wrong|false|incorrect|previous|earlier)\b|n't\b)"
    r"(?:\s+[\w']+){0,8}\W*$"
    r"|\b(?:twice|thrice|half|double|triple|minus|plus|times|of) (?:of )?(?:(?:the|my|your|this|that) )?"
    r"(?:final )?answer\b",
    re.IGNORECASE | re.DOTALL,
)
"""Anywhere before in the sentence; in the words right before, of which the mark itself is some; or of the answer."""
_MULTIPLIES = re.compile(
    r"\b(?:twice|thrice|double|triple|minus|negative|half"
    r"|(?:half|third|quarter|root|square|cube|factorial|reciprocal|inverse|opposite|negative|double|triple) of)"
    r"[\s$\\(]*$",
    re.IGNORECASE,
)
_TURN = re.compile(r"\b(?:but|so|then|therefore|thus|hence)\b", re.IGNORECASE)
_WRONG = (
    r"(?:wrong|incorrect|false|mistaken|impossible|absurd"
    r"|not (?:\w+ )?(?:right|correct|true|possible|it\b|(?:the|my) answer))"
)
_TAKEN_BACK = re.compile(
    r"[\s?!.*)}$]*(?:(?:wait|hmm+|oh|oops|ah|sorry)\b[,.! ]*)*no\b(?=[,.!;:\u2014\u2013-]|$|\n)"
    r"|[^\d]*?(?:"
    r"\b(?:that|this|it|which|(?:the|my) (?:answer|above|result))(?:'s| is| was| must be| cannot be| can't be| seems)?"
    rf"(?: \w+)? {_WRONG}(?=\s*(?:[.,;:!?)\u2026]|$)|\s+(?:so|because|since|as|and|sorry|though)\b)"
    r"|\bI(?:'m| am| was) (?:wrong|mistaken)|\bI (?:have )?made an? (?:mistake|error)|\bscratch that|\bnever ?mind"
    r"|\bdisregard\b|\bignore that|\btake (?:that|it) back"
    r"|\b(?:do not|don't) know\b(?! (?:if|whether|how|why|what else))|\bcontradiction\b)",
    re.IGNORECASE,
)
_ALSO = re.compile(
    r"(?:[\s\u2013\u2014;,(}$*-]*(?:\bor\b|\b(?:and |or )?(?:maybe|perhaps|possibly|alternatively|otherwise)\b"
    r"|\b(?:it|this|that)?\s?(?:could|might|may)(?: also| well)* be\b)|[.\s]*\b(?:or|alternatively)\b)[^.!?\n]{0,60}",
    re.IGNORECASE,
)
_COURTESY = re.compile(
    r"(?:i |we )?(?:hope|trust) .*|(?:please )?(?:let me know|feel free|have a|enjoy|thank|good luck|take care).*"
    r"|(?:a |an |what an? |that was an? )?(?:great|nice|good|fun|lovely|interesting|cool|neat)(?: \w+){0,3} ?!*"
    r"|(?:i'm |i am )?(?:happy|glad|pleased) to .*|you(?:'re| are) welcome.*|cheers.*|done|that(?:'s| is) (?:it|all).*"
    r"|any (?:other |more |further )?questions.*|does that (?:help|make sense).*|is there anything else.*",
    re.IGNORECASE,
)


def is_supposed(before: str) -> bool:
    """Whether the words `before` an answer suppose or deny it: `if the answer is`, `I doubt that it is`."""
    before = _BOX.sub("", before[-300:])
    stops = list(_SENTENCE_END.finditer(before.rstrip(_OPENING)))
    sentence = before[stops[-1].end() :] if stops else before
    said = _SUPPOSED.search(sentence)
    return said is not None and not _TURN.search(sentence, said.start())


def multiplies(before: str) -> bool:
    """Whether the words right before a number change it: `half of`, `minus`, `the square root of`."""
    return _MULTIPLIES.search(before[-60:]) is not None


def is_taken_back(text: str, end: int) -> bool:
    """Whether the words behind an answer that ends at `end` withdraw it, before they give another number."""
    return _TAKEN_BACK.match(text[end : end + 400]) is not None


def with_alternative(text: str, end: int, limit: int) -> int:
    """The end of an answer that ends at `end`, moved behind an alternative that follows: `12 (or 13)`."""
    also = _ALSO.match(text, end, min(limit, end + 200))
    if also is None or not (re.search(r"\d", also[0]) or next(spelled_numbers(also[0]), None)):
        return end
    return also.end()


def is_courtesy(sentence: str) -> bool:
    """Whether a sentence is mere politeness: `I hope that helps.`, `Great problem!`"""
    return len(sentence) <= 200 and _COURTESY.fullmatch(sentence.strip(" \n*_.!?)")) is not None
