"""A choice that is told by another word: `a concert` for Music, `funny films` for Comedy.

By a dictionary, see `sml_agents.text.thesaurus`. Since most words have to do with many things, a word stands for a
choice only where it is what is chosen here, stands beside that, or answers a question about it; where it speaks of no
other choice; and where no choice is said by its own name.
"""

from __future__ import annotations

import re

from sml_agents.agents.grounding.answers import names_it
from sml_agents.agents.grounding.asides import is_statement
from sml_agents.agents.grounding.draft import Draft
from sml_agents.agents.pieces import Piece
from sml_agents.text.thesaurus import is_kind_of, is_known, speaks_of
from sml_agents.text.values import Mention, Span, find, fold, label, mentions, tokens
from sml_agents.text.values.words import is_denied, listed, split_name
from sml_agents.text.words import content_words, stem

__all__ = ["meant_by"]

_ANY_SORT = frozenset(map(stem, listed("kind type sort category genre class style")))
_SORTS = _ANY_SORT | {stem("cuisine")}
"""In the name or the description of a text: its values are sorts of things, not names."""
_NAME = re.compile(r"\d")


def meant_by(draft: Draft, k: int, piece: Piece) -> list[Mention]:
    """Where the person speaks of the value of argument `k` by another word."""
    fill, kind, text = draft.fills[k], draft.kinds[k], piece.text
    value = str(fill.value)
    a_sort = kind.sort == "enum" or (kind.sort == "text" and kind.words & _SORTS)
    if piece.source != "said" or not a_sort or not fill.given or _NAME.search(value) or _is_named(draft, k):
        return []
    others = [str(member) for member in kind.members if member != fill.value]
    topic = _topic(draft, k)
    own = label(" ".join(topic))
    answers = fill.slot.name in piece.about or names_it(kind, piece.question)
    parts = [
        (span, words)
        for span, words, beside in _words(text)
        if not label(words) & own
        and (answers or any(is_kind_of(words, one) for one in topic) or set(map(stem, beside)) & own)
        and not is_denied(text, span)
        and (answers or not is_statement(text, span))
    ]
    found = [
        Mention(fill.value, span)
        for span, words in parts
        if speaks_of(words, value) and not _is_within_another(text, span, words)
    ]
    if found and any(speaks_of(words, one) for words in {words for _, words in parts} for one in others):
        return []
    return found


def _is_named(draft: Draft, k: int) -> bool:
    """Whether a choice is said by its own name anywhere, if only to turn it down."""
    kind, value = draft.kinds[k], draft.fills[k].value
    return any(
        mentions(kind, piece.text, draft.clock) if kind.has_mentions else find(kind, value, piece.text, draft.clock)
        for _, piece in draft.said
    )


def _topic(draft: Draft, k: int) -> list[str]:
    """What is chosen, as the names of the argument and its tool and the description say."""
    slot, kind = draft.fills[k].slot, draft.kinds[k]
    named = " ".join((*split_name(slot.own_name), *split_name(draft.request.tool)))
    words = content_words(fold(f"{named} {kind.description}"))
    singular = (word[: -len("s")] for word in words if word.endswith("s"))
    return [word for word in (*words, *singular) if stem(word) not in _ANY_SORT]


def _is_within_another(text: str, span: Span, words: str) -> bool:
    """Whether a word only begins one of two words that is something else: a concert hall is no concert."""
    after = tokens(text[span.end :])[:1]
    pair = f"{words} {after[0].plain}" if after and text[span.end : span.end + after[0].start] == " " else ""
    return is_known(pair) and not is_kind_of(pair, words)


def _words(text: str) -> list[tuple[Span, str, list[str]]]:
    """Each word of meaning, and up to four that follow each other, with the words beside them."""
    meaning = set(content_words(text))
    found = tokens(text)
    parts = []
    for size in (4, 3, 2, 1):
        for at in range(len(found) - size + 1):
            some = found[at : at + size]
            if size == 1 and some[0].plain not in meaning:
                continue
            span = Span(some[0].start, some[-1].end)
            beside = [*found[max(0, at - 1) : at], *found[at + size : at + size + 1]]
            parts.append((span, " ".join(one.plain for one in some), [one.plain for one in beside]))
    return parts
