"""What a student says for the second time, and how it is drawn again.

A model that decides greedily on the same problem says the same again when it was refused, and training on dialogues in
which nobody does helps a small one little. So a student may have others stand by, in `again`, that draw in its place,
each once, until a turn says something new.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import Any

from sml_agents.types import Reply, Role, ToolCall, Usage, stable_hash
from sml_agents.views import StudentView

__all__ = ["drawn", "repeats", "wording"]

_SIGNS = "-%/&#@"
"""Punctuation at a word's end that may be meant: `-8` is not `8`."""


def repeats(reply: Reply, view: StudentView) -> bool:
    """Whether `reply` says what the student has said in an earlier turn of the dialogue.

    Its thought, case, punctuation and space are not compared; of a turn that calls tools, the calls alone are.
    """
    made = dict(view.calls)
    said = {wording(text, made.get(at, ())) for at, (role, text) in enumerate(view.history) if role is Role.STUDENT}
    return wording(reply.text, reply.tool_calls or ()) in said


async def drawn(student: Any, view: StudentView, draw: Callable[[Any, int], Awaitable[Reply]]) -> Reply:
    """The reply of `student` to `view`: the first that says something new, or the last there is.

    `draw` asks whom it is given, the student or one of those in its `again`, for the draw of that number, from 0. What
    the reply cost is what all draws cost, and its `Call.redrawn` says how many were thrown away.
    """
    draws = [await draw(student, 0)]
    for number, other in enumerate(getattr(student, "again", ()), start=1):
        if not repeats(draws[-1], view):
            break
        draws.append(await draw(other, number))
    return _counted(draws)


def wording(text: str, calls: Iterable[ToolCall] = ()) -> tuple[str, ...]:
    """What two turns share that say the same: their calls, or else their words without case and punctuation."""
    if called := sorted(stable_hash(call.name, call.arguments) for call in calls):
        return tuple(called)
    return tuple(_bare(word) for word in unicodedata.normalize("NFKC", text).casefold().split())


def _bare(word: str) -> str:
    """A word without the punctuation around it; what is nothing else stays."""
    start, end = 0, len(word)
    while start < end and _is_mark(word[start]):
        start += 1
    while start < end and _is_mark(word[end - 1]):
        end -= 1
    return word[start:end] or word


def _is_mark(sign: str) -> bool:
    return unicodedata.category(sign).startswith("P") and sign not in _SIGNS


def _counted(draws: Sequence[Reply]) -> Reply:
    """The last of `draws`, at the cost of all."""
    kept = draws[-1]
    calls = [draw.call for draw in draws if draw.call is not None]
    if len(draws) == 1 or kept.call is None:
        return kept
    usages = [call.usage for call in calls if call.usage is not None]
    seconds = [call.seconds for call in calls if call.seconds is not None]
    usage = Usage(
        prompt_tokens=sum(usage.prompt_tokens for usage in usages),
        completion_tokens=sum(usage.completion_tokens for usage in usages),
    )
    whole = {
        "redrawn": len(draws) - 1,
        "usage": usage if usages else None,
        "started": calls[0].started,
        "seconds": round(sum(seconds), 3) if seconds else None,
    }
    return kept.model_copy(update={"call": kept.call.model_copy(update=whole)})
