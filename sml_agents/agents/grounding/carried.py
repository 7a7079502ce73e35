"""What holds for the next call without being said again: `the same for the tulips`, `sorry, I meant 12`.

Right after a call has succeeded, words that do nothing but put a value in the place of another leave the other
arguments as they were. Each word must be a value of the drafted call or one of the few that such a change is made
with; a word more (`but later`, `if he agrees`, `now book`), or a value that was spoken of before, and nothing is
carried over. What is carried over is what the call before had, if the person had said it.
"""

from __future__ import annotations

from collections.abc import Mapping

from sml_agents.agents.grounding.draft import Draft
from sml_agents.agents.slots import Filled
from sml_agents.text.values import Span, find, same, tokens
from sml_agents.text.values.words import listed
from sml_agents.text.words import stem

__all__ = ["carried_over"]

_FIRST = frozenset(listed("no nope wait nein doch non oh ah ach oops ok okay hm hmm well yes ja oui si"))
"""Before a change; behind it they take it back."""
_CHANGES = frozenset(
    listed(
        "sorry actually meant mean said make change same instead too also likewise rather better correction typo"
        " entschuldigung meinte gleiche dasselbe auch lieber meme aussi pardon plutot mismo tambien perdon mejor"
        " stesso anche"
    )
)
"""That something is to be otherwise."""
_SMALL = frozenset(
    listed(
        "i the it that this to for at on in with from of and but please thing do exactly as well let again"
        " my mistake thanks ich das die der fur mit am um im aber und bitte es noch nochmal la le les chose pour avec"
        " mais et je lo el para con pero y il per ma e"
    )
)


def carried_over(draft: Draft, before: Mapping[tuple[str | int, ...], Filled]) -> list[int]:
    """The arguments of a call that the person's words leave as they were in the call before."""
    message = draft.request.messages[draft.request.begins]
    alike = [
        (old := before.get(fill.place)) is not None
        and old.given
        and fill.given
        and same(draft.kinds[k], old.value, fill.value, draft.clock)
        for k, fill in enumerate(draft.fills)
    ]
    new = [k for k, fill in enumerate(draft.fills) if fill.given and not alike[k]]
    earlier = [one.text for one in draft.request.from_the_start().pieces if one.at < draft.request.begins]
    if any(find(draft.kinds[k], draft.fills[k].value, text, draft.clock) for k in new for text in earlier):
        return []
    return [k for k, kept in enumerate(alike) if kept] if _only_changes(draft, new, message.text) else []


def _only_changes(draft: Draft, new: list[int], text: str) -> bool:
    """Whether a text only puts the new values in the place of others, and says of none whose it is not."""
    if "?" in text or not new:
        return False
    values = {k: [one.span for one in find(draft.kinds[k], fill.value, text, draft.clock)] for k, fill in _given(draft)}
    if not all(values.get(k) for k in new) or not all(_is_its_own(draft, k, text) for k in new):
        return False
    spans = [span for some in values.values() for span in some]
    names = {word for k in new for word in draft.kinds[k].words}
    told, leads, changes = False, True, text.lstrip().casefold().startswith(("and ", "und ", "et ", "y "))
    for token in tokens(text):
        if any(span.overlaps(Span(token.start, token.end)) for span in spans):
            told = True
        elif token.plain in _CHANGES or (token.plain in _FIRST and leads and not told):
            changes = True
        elif token.plain not in _SMALL and not (told and stem(token.plain) in names):
            return False
        leads = leads and token.plain in _FIRST | _CHANGES
    return told and changes


def _given(draft: Draft) -> list[tuple[int, Filled]]:
    return [(k, fill) for k, fill in enumerate(draft.fills) if fill.given and fill.slot.in_call]


def _is_its_own(draft: Draft, k: int, text: str) -> bool:
    """Whether a value can be of argument `k` alone: of two numbers, days, or ends of a way its name must tell."""
    kind = draft.kinds[k]
    rivals = [j for j in draft.rivals(k) if draft.kinds[j].sort == kind.sort]
    if kind.sort == "text":
        rivals = [j for j in rivals if not (draft.kinds[j].name | kind.name).isdisjoint(_ENDS)]
    if not rivals:
        return True
    own = kind.name - frozenset().union(*(draft.kinds[j].name for j in rivals))
    return bool({stem(token.plain) for token in tokens(text)} & own)


_ENDS = frozenset(
    map(stem, listed("from to origin destination start end source target departure arrival sender receiver recipient"))
)
