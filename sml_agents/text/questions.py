"""Which facts does a question name?

asked_facts(question, facts)   the facts that a question names, best match first

A rule without a model: deterministic and linear in the length of the text. What a question is says `asking`, which
words carry meaning `words`.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

from sml_agents.text.asking import Asked, find_questions
from sml_agents.text.languages import united
from sml_agents.text.words import content_words, keywords_of, plain_words, stem
from sml_agents.types import Fact

__all__ = ["asked_facts"]

# 'How far' names a distance although neither word carries meaning alone.
_HOW = {
    "long": ("hour", "minute", "day", "time", "long"),
    "far": ("mile", "kilometer", "meter", "far"),
    "old": ("old", "year"),
    "fast": ("fast", "hour"),
    "heavy": ("weigh", "pound"),
    "often": ("time", "day"),
}
_HOW_WORDS = re.compile(r"\bhow (long|far|old|fast|heavy|often)\b")


def asked_facts(question: str, facts: Sequence[Fact], heard: Sequence[str] = ()) -> tuple[Fact, ...]:
    """The facts that `question` names, best match first (ties in the order given). `heard`: what the one who knows them
    has said so far; repeating that is no question.

    A question (see `asking`) names a fact if at least half of the fact's keyword stems, rounded up, or all words of one
    of its public names (`stores`, which the person calls shops) occur in it, and at least half of its words of meaning
    are the fact's, the one that it asks for included (`the colour of the pen` does not name what a pen costs). Of
    several questions in one text at least half must name a fact, else none does: who asks for everything has named
    nothing. A fact without keywords is matched by those of its statement; one without any word of meaning is never
    named.
    """
    asked = [one for one in find_questions(question, heard) if one.kind != "solve"]
    known = [_Named.of(fact) for fact in facts]
    best: dict[int, float] = {}
    hits = 0
    for one in asked:
        scores = {k: score for k, fact in enumerate(known) if (score := fact.named_by(one))}
        hits += bool(scores)
        best |= {k: max(score, best.get(k, 0)) for k, score in scores.items()}
    if 2 * hits < len(asked):
        return ()
    return tuple(facts[k] for k in sorted(best, key=lambda k: (-best[k], k)))


class _Named(NamedTuple):
    """The words of a fact, as stems."""

    wanted: frozenset[str]
    names: tuple[frozenset[str], ...]
    """The words of each public name; all of them make it."""
    own: frozenset[str]
    kinds: frozenset[str]
    """Question words that no other may stand for: a fact that is no reason does not answer `why`."""

    @classmethod
    def of(cls, fact: Fact) -> _Named:
        wanted = frozenset(
            stem(word) for key in fact.keywords or keywords_of(fact.statement) for word in plain_words(key)
        )
        names = tuple(map(_name_words, fact.public_names))
        texts = (fact.statement, fact.question, *fact.keywords)
        own = wanted.union({stem(word) for text in texts for word in plain_words(text)}, *names)
        return cls(wanted, names, own, frozenset(_OTHER_KINDS.findall(fact.question.casefold())))

    def named_by(self, asked: Asked) -> float:
        """The share of the fact's keywords that a question has; 0 when it does not name the fact."""
        focus = asked.focus.casefold()
        if asked.kind == "fragment" and not _QUANTITY.search(focus):
            return 0.0
        if not set(_OTHER_KINDS.findall(focus[:_FIRST_WORDS])) <= self.kinds:
            return 0.0
        words = {stem(word) for word in content_words(_ASKING_WORDS.sub(" ", focus))}
        implied = {stem(word) for found in _HOW_WORDS.findall(" ".join(focus.split())) for word in _HOW[found]}
        heads = {stem(found[0] or found[1]) for found in _HEAD.findall(focus)} & words
        if not all(self._is_own(head) for head in heads):
            return 0.0
        said = words | implied | set(map(stem, plain_words(focus)))
        share = len(self.wanted & said) / len(self.wanted) if self.wanted else 0.0
        if any(name and name <= said for name in self.names):
            share = 1.0
        return share if share >= 0.5 and 2 * sum(map(self._is_own, words)) >= len(words) else 0.0

    def _is_own(self, word: str) -> bool:
        return word in self.own or (word in _MONEY and not _MONEY.isdisjoint(self.own))


def _name_words(name: str) -> frozenset[str]:
    """The words that make a name, to its first comma: `from port` is not `to port`."""
    return frozenset(map(stem, plain_words(_NAME.sub("", name))))


_NAME = re.compile(r"^\s*(?:an?|the)\s+|\s*[,;.(].*", re.IGNORECASE | re.DOTALL)
_ASKING_WORDS = re.compile(united("counts", "opens"), re.IGNORECASE)
_QUANTITY = re.compile(rf"{united('counts', 'opens', 'quantities')}|\b(?:per|each)\b", re.IGNORECASE)
_OTHER_KINDS = re.compile(r"\b(?:why|where|who|whose|whom)\b")
_FIRST_WORDS = 40
_HEAD = re.compile(
    r"(?<!at )(?<!in )(?<!on )(?<!for )(?<!by )\b(?:what|which) (\w+)|\b(?:the|its|their|his|her|a|an) (\w+) of\b"
)
_MONEY = frozenset({"cost", "dollar", "pay", "sell", "spend", "charg", "ask", "euro", "cent", "pound"})
