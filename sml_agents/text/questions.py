"""Which facts does a question name?

asked_facts(question, facts)   the facts that a question names, best match first

A rule without a model: deterministic and linear in the length of the text. What a question is says `asking`, which
words carry meaning `words`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence, Set
from typing import Any, NamedTuple

from sml_agents.text.asked_arguments import Askable, asked_arguments
from sml_agents.text.asking import Asked, find_questions
from sml_agents.text.languages import united
from sml_agents.text.schemas import argument_paths, bare_path, object_of, parameters_of, schema_at, words_of
from sml_agents.text.sentences import sentences
from sml_agents.text.words import content_words, is_number, keywords_of, plain_words, stem
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


def asked_facts(
    question: str, facts: Sequence[Fact], heard: Sequence[str] = (), tools: Sequence[Mapping[str, Any]] = ()
) -> tuple[Fact, ...]:
    """The facts that `question` names, best match first (ties in the order given).

    A question (see `asking`) names a fact if at least half of the fact's keyword stems, rounded up, or all words of one
    of its public names (`stores`, which the person calls shops) occur in it, and at least half of its words of meaning
    are the fact's, the one that it asks for included (`the colour of the pen` does not name what a pen costs). Of
    several questions in one text at least half must name a fact, else none does: who asks for everything has named
    nothing. A fact without keywords is matched by those of its statement; one without any word of meaning is never
    named.

    Where a problem was heard, a question is about what it shares the rarest words with: the fact, something that was
    told, or the problem's own question. Who asks for one of these others, or says the problem's question again in other
    words, names no fact; a question that fits a fact best names it without its keywords, too.

    Facts that are arguments of a tool are also named by what is likeliest asked for among all of its arguments (see
    `asked_arguments`), and not by what is likelier asked for another.

    Args:
        heard: what the one who knows them has said so far; repeating that is no question.
        tools: in OpenAI's form, those whose arguments the facts are.

    Example: `asked_facts("How far is the village?", [Fact(name="way", statement="The village is 14 miles away.")])`
    """
    asked = [one for one in find_questions(question, heard) if one.kind != "solve"]
    known = [_Named.of(fact) for fact in facts]
    arguments = _arguments(facts, tools)
    likeliest = asked_arguments(question, asked, arguments, _stems(" ".join((*heard, *_tools_in_words(tools)))))
    best: dict[int, float] = {}
    hits = 0
    if arguments:
        places = {bare_path(fact.name): k for k, fact in enumerate(facts)}
        for paths in likeliest:
            named = [places[path] for path in paths if path in places]
            hits += bool(named)
            best |= dict.fromkeys(named, 1.0)
        return tuple(facts[k] for k in sorted(best)) if 2 * hits >= len(likeliest) else ()
    others = _Others.of(heard)
    for one in asked:
        scores = {k: score for k, fact in enumerate(known) if (score := _fit(one, fact, others))}
        hits += bool(scores)
        best |= {k: max(score, best.get(k, 0)) for k, score in scores.items()}
    if 2 * hits < len(asked):
        return ()
    return tuple(facts[k] for k in sorted(best, key=lambda k: (-best[k], k)))


def _tools_in_words(tools: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    for tool in tools:
        function = object_of(tool.get("function"))
        yield f"{words_of(str(function.get('name') or ''))} {function.get('description') or ''}"


def _arguments(facts: Sequence[Fact], tools: Sequence[Mapping[str, Any]]) -> list[Askable]:
    """The arguments of the tools whose arguments the facts are: of those that have one for each fact, or else of all
    that have one for any; none where there is a fact that is no argument."""
    called = {bare_path(fact.name): (*fact.keywords, *fact.public_names) for fact in facts}
    paths = {name: argument_paths(schema) for name, schema in parameters_of(tools).items()}
    bare = {name: set(map(bare_path, those)) for name, those in paths.items()}
    meant = [name for name in paths if called.keys() <= bare[name]] or [
        name for name in paths if called.keys() & bare[name]
    ]
    if not called.keys() <= set[str]().union(*(bare[name] for name in meant)):
        return []
    found: dict[str, Askable] = {}
    for name, schema in parameters_of(tools).items():
        for path in paths[name] if name in meant else ():
            place = bare_path(path)
            found.setdefault(place, Askable.read(place, schema_at(schema, path), called.get(place, ())))
    return list(found.values())


def _fit(asked: Asked, fact: _Named, others: _Others) -> float:
    """How well a question fits a fact: 0 where it does not name it."""
    margin = others.margin(asked, fact)
    if margin < 0:
        return 0.0
    return fact.named_by(asked) or (_BY_FIT if margin > 0 and fact.is_about(asked) else 0.0)


_BY_FIT = 0.4
"""Below what any named by its keywords has."""


class _Others(NamedTuple):
    """What else a question may be about: what was told, and what the problem asks."""

    sentences: tuple[tuple[frozenset[str], frozenset[str]], ...]
    """Their words, as stems, and those that may be what they count: of a question the one after `how many`."""

    @classmethod
    def of(cls, heard: Sequence[str]) -> _Others:
        said = [sentence for text in heard for sentence in sentences(text)][-_MOST_HEARD:]
        found = []
        for one in said:
            if (asks := one.rstrip().endswith("?")) or _tells_number(one):
                words = _stems(one)
                found.append((words, (asks and _counted(one.casefold()) & words) or words))
        return cls(tuple(found))

    def margin(self, asked: Asked, fact: _Named) -> float:
        """By how much a question fits a fact better than all of these that hold what it counts, too; 0 where nothing is
        to be compared."""
        focus = asked.focus.casefold()
        words = _stems(_ASKING_WORDS.sub(" ", focus))
        counted = _counted(focus) & words & fact.own
        rivals = [one for one, may_count in self.sentences if counted <= may_count]
        if not rivals:
            return 0.0
        known = (fact.own, *(one for one, _ in self.sentences))
        shared = {word: sum(word in one for one in known) for word in words}
        fits = [sum(1 / shared[word] for word in words & one) for one in (fact.own, *rivals)]
        margin = fits[0] - max(fits[1:])
        return 0.0 if abs(margin) < _EQUAL else margin


_MOST_HEARD, _EQUAL = 400, 1e-9


def _stems(text: str) -> frozenset[str]:
    return frozenset(map(stem, content_words(text)))


def _counted(text: str) -> frozenset[str]:
    """What is asked the number of, as stems."""
    return frozenset(map(stem, _COUNTED.findall(text)))


def _tells_number(sentence: str) -> bool:
    return any(is_number(word) for word in plain_words(sentence))


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
        words = {stem(word) for word in content_words(_ASKING_WORDS.sub(" ", focus))}
        if not self._may_be(focus, words):
            return 0.0
        implied = {stem(word) for found in _HOW_WORDS.findall(" ".join(focus.split())) for word in _HOW[found]}
        said = words | implied | set(map(stem, plain_words(focus)))
        share = len(self.wanted & said) / len(self.wanted) if self.wanted else 0.0
        if any(name and name <= said for name in self.names):
            share = 1.0
        return share if share >= 0.5 and 2 * sum(map(self._is_own, words)) >= len(words) else 0.0

    def is_about(self, asked: Asked) -> bool:
        """Whether at least half of a question's words of meaning are the fact's, what it counts or chooses included."""
        focus = asked.focus.casefold()
        words = {stem(word) for word in content_words(_ASKING_WORDS.sub(" ", focus))}
        counted = _counted(focus) & words
        return (
            asked.kind != "fragment"
            and self._may_be(focus, words)
            and all(map(self._is_own, counted))
            and 2 * sum(map(self._is_own, words)) >= max(1, len(words))
        )

    def _may_be(self, focus: str, words: Set[str]) -> bool:
        """Whether the kind of question and the thing that it asks for are not another's."""
        heads = {stem(found[0] or found[1]) for found in _HEAD.findall(focus)} & words
        return set(_OTHER_KINDS.findall(focus[:_FIRST_WORDS])) <= self.kinds and all(map(self._is_own, heads))

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
_COUNTED = re.compile(r"\b(?:how many|number of)\s+(?:(?:more|the|of)\s+)*([a-z'-]+)")
_MONEY = frozenset({"cost", "dollar", "pay", "sell", "spend", "charg", "ask", "euro", "cent", "pound"})
