"""What becomes of a draft that calls guarded tools: its calls run, the person is asked, or the calls are refused.

made already, asked for once         not again: the model is told what came back
grounded, nothing open               they run together
the draft has unguarded calls, too   those run first, since they may bring what is missing
taken back by the person             the model is told, without a question
somebody may still be asked          the question takes the draft's place
else                                 each call gets a result that says what is unknown, and does not run
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from langchain.agents.middleware import ExtendedModelResponse, ModelResponse
from langchain_core.messages import AIMessage, ToolCall, ToolMessage
from langgraph.types import Command

from sml_agents.agents.asking import ASK_USER, NOT_RUN, REFUSED, Question
from sml_agents.agents.delivery import Delivery, question_message
from sml_agents.agents.drafts import calls_left, draft_of, with_calls
from sml_agents.agents.evidence import Request
from sml_agents.agents.grounding import Ground, State
from sml_agents.agents.guard import Guard, questions_for
from sml_agents.agents.turn import Terms, Turn
from sml_agents.types import stable_hash

__all__ = ["CHECKED", "Guarded", "asking", "judged", "not_again", "refusal", "still_open", "why_not"]

CHECKED = "clarify_checked"
"""Key in `response_metadata`: the ids of the calls that the guard has let through."""
_MOST_REFUSALS = 2
"""A model that repeats a refused call is refused this often; then its turn ends with what is missing."""
_MOST_SHOWN = 2000
"""Characters of what a call came back with that a model which repeats it is shown again."""

Answer = ModelResponse[Any] | ExtendedModelResponse[Any]


@dataclass(frozen=True)
class Guarded:
    """A draft with guarded calls in it, and what was found about them."""

    response: Any
    calls: tuple[ToolCall, ...]
    """All that are about to be made, but for repeated ones."""
    guarded: tuple[ToolCall, ...]
    grounds: Mapping[str, tuple[Ground, ...]]
    """By the call's id."""
    proposed: tuple[Question, ...] = ()
    """What deciders would ask."""
    failure: Exception | None = None
    """Why a decider could not say."""
    repeated: tuple[tuple[ToolCall, str | None], ...] = ()
    """Calls that were made already, with what came back; see `sml_agents.agents.repeats`."""

    @property
    def unknown(self) -> list[Ground]:
        return [one for call in self.guarded for one in self.grounds[call["id"] or ""] if not one.ok]


def judged(draft: Guarded, turn: Turn, terms: Terms, guard: Guard) -> Answer:
    """Lets the guarded calls of a draft run together, asks, or refuses them."""
    if draft.repeated and not draft.calls and turn.talk.refusals >= _MOST_REFUSALS:
        words = f"This is done already. {_shown(draft.repeated[-1][1])}".strip()
        return _replaced(draft.response, with_calls(draft_of(draft.response), (), words))
    unknown, talk = draft.unknown, turn.talk
    withdrawn, messages = _is_withdrawn(draft, turn), turn.request.messages
    wanted = still_open(questions_for(unknown, talk.asked), draft.proposed, talk)
    failed = draft.failure is not None and terms.on_error == "block"
    if terms.when_unknown == "let_go" or not (unknown or wanted or withdrawn or failed):
        return _let_through(draft)
    first = calls_left(draft.calls, draft.guarded, messages)
    if first and not withdrawn:
        made = draft_of(draft.response)
        return _replaced(draft.response, with_calls(made, first, made.text))
    if unknown and all(one.corrected for one in unknown) and not draft.proposed and not talk.refusals:
        return _refused(draft, wanted, turn, terms, guard)  # the person has said it: no question
    asks = bool(wanted) and terms.when_unknown == "ask" and terms.somebody_answers
    undone = talk.withdrawn and bool(draft.guarded) and not withdrawn  # `cancel it`, of a tool that cancels
    may_ask = terms.left(replace(talk, withdrawn=False), messages) if undone else turn.may_ask
    if asks and may_ask:
        return asking(wanted[:may_ask], turn, terms.delivery)
    if asks and not withdrawn and terms.on_limit == "let_go" and draft.failure is None:
        return _let_through(draft)
    return _refused(draft, wanted, turn, terms, guard)


def _is_withdrawn(draft: Guarded, turn: Turn) -> bool:
    """Whether the person has taken back what one of the calls is for."""
    return any(turn.talk.for_tool(call["name"]).withdrawn for call in draft.guarded)


def still_open(unknown: Sequence[Question], proposed: Sequence[Question], talk: Request) -> tuple[Question, ...]:
    """Each question once: the guard's, and those of deciders that the person has not answered.

    Where a decider has understood what the guard asks for, it is asked so the first time that a yes is enough.
    """
    found: list[Question] = []
    known: set[str] = set()
    closed = {one.about: one for one in proposed if one.understood and not talk.asked.get(one.about)}
    for question in (
        *(closed.get(one.about, one) for one in unknown),
        *(one for one in proposed if talk.settled.isdisjoint(one.keys)),
    ):
        if known.isdisjoint(question.keys):
            found.append(question)
            known.update(question.keys)
    return tuple(found)


def asking(due: Sequence[Question], turn: Turn, delivery: Delivery) -> ModelResponse[Any]:
    """A decider's or the guard's questions as the agent's turn."""
    call_id = f"call_{stable_hash([question.text for question in due], len(turn.request.messages))}"
    return ModelResponse(result=[question_message(due, delivery, call_id)])


def refusal(call: ToolCall, reason: str, advice: str) -> ToolMessage:
    """The result of a call that did not run."""
    return ToolMessage(
        f"{NOT_RUN}{reason} {advice}",
        name=call["name"],
        tool_call_id=call["id"] or "",
        status="error",
        response_metadata={REFUSED: True},
    )


def why_not(
    unknown: Sequence[Ground], withdrawn: bool, wanted: Sequence[Question] = (), failure: Exception | None = None
) -> str:
    """Why a call does not run, as a sentence for the model and the person."""
    if withdrawn:
        return "the person has withdrawn the request."
    parts = []
    for one in unknown:
        if one.state is State.CONTRADICTED:
            parts.append(f"`{one.slot.name}` is not what the person said ({one.span})")
        else:
            parts.append(f"nobody has given `{one.slot.name}`")
    if not parts and wanted:
        parts.append(f"this is open: {' '.join(question.text for question in wanted)}")
    if not parts and failure is not None:
        parts.append("what it needs could not be checked")
    return f"{'; '.join(dict.fromkeys(parts))}."


def not_again(call: ToolCall, result: str | None) -> ToolMessage:
    """The result of a call that was made already and does not run again. It is no error: what it asks for is done."""
    reason = "the same call stands before it, and is made once."
    if result is not None:
        reason = f"this is done already, and came back with: {_shown(result) or 'nothing.'}"
    return ToolMessage(
        f"{NOT_RUN}{reason} Do not make it again unless the person asks for it.",
        name=call["name"],
        tool_call_id=call["id"] or "",
        response_metadata={REFUSED: True},
    )


def _shown(result: str | None) -> str:
    return (result or "")[:_MOST_SHOWN].strip()


def _let_through(draft: Guarded) -> Answer:
    made = draft_of(draft.response)
    mark = {CHECKED: [call["id"] for call in draft.calls]}
    made = made.model_copy(update={"response_metadata": {**made.response_metadata, **mark}})
    response = _replaced(draft.response, made)
    response.result.extend(not_again(*one) for one in draft.repeated)
    if not draft.guarded:
        return response
    last = draft.guarded[-1]
    sources = {one.slot.name: one.state.value for one in draft.grounds[last["id"] or ""]}
    values = {"tool": last["name"], "values": dict(last["args"]), "sources": sources}
    return _extended(response, {"clarify_values": values, "clarify_missing": []})


def _refused(draft: Guarded, wanted: Sequence[Question], turn: Turn, terms: Terms, guard: Guard) -> Answer:
    """The calls with a result that says why they did not run; a model that repeats them ends its turn."""
    withdrawn, unknown = _is_withdrawn(draft, turn), draft.unknown
    reason = why_not(unknown, withdrawn, wanted, draft.failure)
    tool = draft.guarded[0]["name"]
    missing = [
        {"tool": tool, "path": one.slot.name, "state": one.state.value, "question": str(one.slot.question())}
        for one in unknown
    ]
    update = {"clarify_missing": missing}
    made = draft_of(draft.response)
    if terms.on_unanswered == "end" or turn.talk.refusals >= (1 if withdrawn else _MOST_REFUSALS):
        words = "All right, I have left it." if withdrawn else f"I have not done this: {reason}"
        return _extended(_replaced(draft.response, with_calls(made, (), words)), update)
    kept = with_calls(made, draft.guarded, made.text)
    tries = _could_tell(turn, guard) if terms.on_unanswered == "refuse" and unknown else ""
    advice = f"Do not guess and do not call it again like this.{tries}"
    return _extended(ModelResponse(result=[kept, *(refusal(call, reason, advice) for call in draft.guarded)]), update)


def _could_tell(turn: Turn, guard: Guard) -> str:
    """Tools that change nothing and were not asked yet."""
    called = {message.name for message in turn.request.messages if isinstance(message, ToolMessage)}
    free = [name for name in turn.tools if name not in (*called, ASK_USER) and not guard.guards(name, turn.tools)]
    return f" These may tell: {', '.join(free)}." if free else ""


def _replaced(response: Any, draft: AIMessage) -> ModelResponse[Any]:
    """The response with another draft in it."""
    inner = response.model_response if isinstance(response, ExtendedModelResponse) else response
    if isinstance(inner, AIMessage):
        return ModelResponse(result=[draft])
    old = draft_of(inner)
    result = [draft if message is old else message for message in inner.result]
    return ModelResponse(result=result, structured_response=inner.structured_response)


def _extended(response: ModelResponse[Any], update: dict[str, Any]) -> ExtendedModelResponse[Any]:
    return ExtendedModelResponse(response, Command(update=update))
