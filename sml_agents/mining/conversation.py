"""A recorded conversation as it was held: a thought is not said, and what a tool asked the person is a question."""

from __future__ import annotations

from collections.abc import Iterator

from sml_agents.text.thinking import split_thought
from sml_agents.text.tools import ASKING_TOOL
from sml_agents.traces.recorder.words import asked_words
from sml_agents.types import Role, ToolCall, Trace, Turn

__all__ = ["as_held"]


def as_held(trace: Trace) -> Trace:
    """`trace` with the reasoning of each agent turn in `thought`, and each call of a tool that asks the person
    (`ask_user`) as a turn that asks and one that answers, if the log does not have them so."""
    turns: list[Turn] = []
    for at, turn in enumerate(trace.turns):
        if turn.role is Role.TEACHER:
            turns.append(turn)
            continue
        thought, words = split_thought(turn.text)
        said = turn.model_copy(update={"thought": turn.thought + thought, "text": words}) if thought else turn
        after = trace.turns[at + 1].text if at + 1 < len(trace.turns) else ""
        turns += _unfolded(said, after)
    return trace.model_copy(update={"turns": tuple(turns)})


def _unfolded(turn: Turn, after: str) -> Iterator[Turn]:
    calls = list(turn.tool_calls or ())
    while calls:
        at = next((k for k, call in enumerate(calls) if _asks(call) and (call.result or "").strip()), None)
        if at is None or _is_told(calls[at].result or "", after):
            break
        asking, calls = calls[: at + 1], calls[at + 1 :]
        question = asked_words(asking[-1].arguments)
        act = {"act": None, "act_by": "", "act_span": None}
        yield turn.model_copy(update={"text": question, "tool_calls": tuple(asking), **act})
        yield Turn(role=Role.TEACHER, text=_answer(asking[-1].result or "", question))
    yield turn.model_copy(update={"tool_calls": tuple(calls) or None}) if turn.tool_calls else turn


def _is_told(result: str, after: str) -> bool:
    """Whether the person's next turn is the answer that a call brought; the call may have the question before it."""
    lines = [line.strip() for line in after.splitlines() if line.strip()]
    return result.strip() in after or (bool(lines) and all(line in result for line in lines))


def _answer(result: str, question: str) -> str:
    """The answer without the questions that stand before its parts: an example in a question was not said."""
    for line in question.splitlines():
        result = result.replace(line.strip(), "") if line.strip() else result
    return "\n".join(line.strip() for line in result.splitlines() if line.strip())


def _asks(call: ToolCall) -> bool:
    return ASKING_TOOL.search(call.name) is not None
