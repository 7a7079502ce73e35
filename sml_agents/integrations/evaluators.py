"""Does an agent ask when it should? Evaluators for LangSmith's `evaluate()`, openevals and agentevals.

    client.evaluate(target, data="lessons", evaluators=[asks_when_needed, needless, guessed_arguments])

asks_when_needed    share of the agent's turns in which something was missing that ask for it
needless            share of its turns in which nothing was missing that ask
guessed_arguments   share of its turns with tool calls in which a required argument has a value that nobody had given

The figures are those of `sml_agents.evaluation.definitions` and `evaluation.deciders`, of every turn of the agent's or
of the one that `turn` names. Whether something was missing at a turn is known, in this order, from the data set's
reference (`missing`, or a reference conversation that asks there or does not), from what the person says next (a
correction, or a fact told late: `sml_agents.mining`), and from the call that the agent made or came to after its
question, by the tolerant rule (`evaluation.deciders.unsaid`). Where nobody knows, the turn is in neither of the first
two figures, and a figure without any turn is None, never 0.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, NamedTuple, TypedDict

from langchain_core.messages import BaseMessage

from sml_agents.data.arguments import Arguments
from sml_agents.errors import InputError
from sml_agents.evaluation.deciders import Case, unsaid
from sml_agents.evaluation.definitions import ASKING
from sml_agents.mining import Kind, Moment, find_moments
from sml_agents.mining.conversation import as_held
from sml_agents.mining.find import label
from sml_agents.text.tools import ASKING_TOOL
from sml_agents.traces.importers.chats import chat_of, tools_in
from sml_agents.traces.importers.checkpoints import plain_message
from sml_agents.traces.importers.messages import DAMAGE, why
from sml_agents.traces.importers.parts import BadRecord, Said
from sml_agents.traces.importers.record import Log, trace_of
from sml_agents.traces.recorder.reading import schema_of
from sml_agents.traces.recorder.words import asked_words
from sml_agents.types import Role, ToolCall, Trace, Turn

__all__ = ["Feedback", "asks_when_needed", "guessed_arguments", "needless"]


_DEEPEST = 100
"""Levels of lists and objects in what is judged."""


class Feedback(TypedDict):
    """What an evaluator returns, as the libraries read it."""

    key: str
    score: float | None
    """From 0 to 1; None where there was nothing to judge."""
    comment: str
    metadata: dict[str, Any] | None


def asks_when_needed(
    inputs: Any = None,
    outputs: Any = None,
    reference_outputs: Any = None,
    run: Any = None,
    *,
    turn: int | None = None,
    tools: Sequence[Any] | None = None,
    now: dt.datetime | None = None,
) -> Feedback:
    """Of the agent's turns in which something was missing: the share that asks. 1 is best.

    A turn that acts on a guess does not ask, whatever it says beside the call.

    Args:
        inputs: what the agent was given: messages, or whatever holds them (`{"messages": [...], "tools": [...]}`,
            `{"question": "..."}`, a text).
        outputs: what it made of it, in the same forms: its reply, or the whole conversation; `__interrupt__` is read.
        reference_outputs: `missing` (whether something is, at the first turn), or a reference conversation.
        run: LangSmith's; its start is today.
        turn: of the agent's turns after `inputs` the one to judge, from 1, or from -1 at the end; None: all of them.
            Its key then ends in `@` and the number.
        tools: what the agent may call, as functions, LangChain tools or schemas; None: what stands in `inputs` and
            `outputs` under that name. Without schemas every argument counts as required.
        now: what "tomorrow" is counted from; None: the run's start, or this moment.

    Raises:
        InputError: there are no messages, or `turn` is 0.
    """
    judged = _judged(inputs, outputs, reference_outputs, run, turn, tools, now)
    needed = [(one.asks, f"{one.why}: {_asked(one)}", one) for one in judged if one.needed]
    return _feedback("asks_when_needed", turn, needed, "nothing is known to have been missing")


def needless(
    inputs: Any = None,
    outputs: Any = None,
    reference_outputs: Any = None,
    run: Any = None,
    *,
    turn: int | None = None,
    tools: Sequence[Any] | None = None,
    now: dt.datetime | None = None,
) -> Feedback:
    """Of the agent's turns in which nothing was missing: the share that asks all the same. 0 is best.

    Arguments and errors are those of `asks_when_needed`.
    """
    judged = _judged(inputs, outputs, reference_outputs, run, turn, tools, now)
    complete = [(one.asks, f"{one.why}: {_asked(one)}", one) for one in judged if one.needed is False]
    return _feedback("needless", turn, complete, "no turn is known in which nothing was missing")


def guessed_arguments(
    inputs: Any = None,
    outputs: Any = None,
    reference_outputs: Any = None,
    run: Any = None,
    *,
    turn: int | None = None,
    tools: Sequence[Any] | None = None,
    now: dt.datetime | None = None,
) -> Feedback:
    """Of the agent's turns that call a tool: the share with a required argument whose value nobody had given by then,
    neither the person nor another tool. 0 is best.

    Arguments and errors are those of `asks_when_needed`.
    """
    judged = _judged(inputs, outputs, None, run, turn, tools, now)
    calling = [(bool(one.guesses), _words(one.guesses) or "no guess", one) for one in judged if one.calls]
    return _feedback("guessed_arguments", turn, calling, "no tool is called")


class _Guess(NamedTuple):
    """An argument of a call whose value nobody had given."""

    tool: str
    path: str
    value: Any


@dataclass(frozen=True)
class _Judged:
    """One turn of the agent's."""

    number: int
    """From 1, after what it was given."""
    asks: bool
    needed: bool | None
    """Whether something was missing; None: nobody knows."""
    why: str
    """How that is known."""
    calls: tuple[ToolCall, ...]
    guesses: list[_Guess]


def _feedback(name: str, turn: int | None, counted: list[tuple[bool, str, _Judged]], nothing: str) -> Feedback:
    return Feedback(
        key=name if turn is None else f"{name}@{turn}",
        score=sum(hit for hit, _, _ in counted) / len(counted) if counted else None,
        comment="; ".join(f"turn {one.number}: {words}" for _, words, one in counted) or f"{nothing}.",
        metadata=None,
    )


def _asked(one: _Judged) -> str:
    return "it asked" if one.asks else "it did not ask"


def _words(found: Iterable[_Guess]) -> str:
    return ", ".join(f"{one.tool}: {one.path} = {one.value!r} was a guess" for one in found)


def _judged(
    inputs: Any,
    outputs: Any,
    reference: Any,
    run: Any,
    turn: int | None,
    tools: Sequence[Any] | None,
    now: dt.datetime | None,
) -> list[_Judged]:
    if turn == 0:
        raise InputError("turn counts from 1, or from -1 at the end: there is no turn 0")
    began = now or getattr(run, "start_time", None) or dt.datetime.now()
    trace, first = _conversation(inputs, outputs, tools, began)
    found = _turns(as_held(trace), first, _needed_by(reference))
    if turn is None:
        return found
    at = turn - 1 if turn > 0 else len(found) + turn
    return found[at : at + 1] if at >= 0 else []


def _turns(held: Trace, first: int, reference: Sequence[bool]) -> list[_Judged]:
    """The agent's turns from number `first` of the whole conversation on."""
    arguments = Arguments(held)
    hindsight = {moment.at: moment for moment in find_moments(held)}
    own = [at for at, turn in enumerate(held.turns) if turn.role is Role.STUDENT]
    judged = []
    for place, at in enumerate(own[first:]):
        calls = _acting(held.turns[at])
        guessed = _guesses(held.turns[:at], calls, arguments)
        asks = not guessed and _asks(held.turns[at])
        moment = hindsight.get(at)
        needed: bool | None
        if place < len(reference):
            needed, why = reference[place], "by the reference"
        elif asks:
            then = next((later for k in own if k > at and (later := _acting(held.turns[k]))), ())
            known = [*held.turns[:at], held.turns[at].model_copy(update={"tool_calls": calls})]
            needed, why = _was_unknown(_guesses(known, then, arguments), then, moment)
        else:
            needed, why = _was_missing(guessed, calls, moment)
        judged.append(_Judged(place + 1, asks, needed, why, calls, guessed))
    return judged


def _guesses(history: Iterable[Turn], calls: tuple[ToolCall, ...], arguments: Arguments) -> list[_Guess]:
    """The arguments of `calls` that are guesses after `history`."""
    case = Case(
        tuple(history), missing=False, fact=None, calls=calls, tools=(), system="", arguments=arguments, thread=""
    )
    return [_Guess(call.name, path, value) for call in calls for path, value in unsaid(case, call).items()]


def _was_unknown(unknown: list[_Guess], then: tuple[ToolCall, ...], moment: Moment | None) -> tuple[bool | None, str]:
    """Whether a question was needed, by the call that the agent came to; without one, by its having been answered."""
    if not then:
        return (True, "by the person's answer") if moment is not None and moment.kind is Kind.ASKED else (None, "")
    names = ", ".join(one.path for one in unknown)
    return (True, f"{names} not known yet") if unknown else (False, "all was known")


def _was_missing(guessed: list[_Guess], calls: tuple[ToolCall, ...], moment: Moment | None) -> tuple[bool | None, str]:
    """Whether a question would have been needed where none was asked."""
    if moment is not None and moment.kind in (Kind.CORRECTED, Kind.LATE_FACT, Kind.MISTAKE):
        return moment.kind is not Kind.MISTAKE, f"by the person's next words ({moment.kind.value})"
    if calls:
        return bool(guessed), _words(guessed) or "no guess"
    if moment is not None and moment.outcome_by != "rule:no_complaint":
        return False, "by how it ended"
    return None, ""


def _acting(turn: Turn) -> tuple[ToolCall, ...]:
    """The calls of a turn but those that ask the person."""
    return tuple(call for call in turn.tool_calls or () if not ASKING_TOOL.search(call.name))


def _asks(turn: Turn) -> bool:
    waiting = any(ASKING_TOOL.search(call.name) for call in turn.tool_calls or ())
    return waiting or label(turn).act in ASKING


def _needed_by(reference: Any) -> list[bool]:
    """Whether something is missing, turn by turn, as far as a reference says so."""
    said = _said(_plain(reference), "assistant", optional=True)
    turns = as_held(_trace(said, (), None)).turns if said else ()
    told = [_asks(turn) for turn in turns if turn.role is Role.STUDENT]
    missing = reference.get("missing") if isinstance(reference, Mapping) else None
    return [missing, *told[1:]] if isinstance(missing, bool) else told


def _conversation(inputs: Any, outputs: Any, tools: Sequence[Any] | None, now: dt.datetime) -> tuple[Trace, int]:
    """The whole conversation, and how many of the agent's turns in it were given."""
    before, after = _plain(inputs), _plain(outputs)
    given, made = _said(before, "user", optional=True), _said(after, "assistant")
    whole, told = made, len(given)
    if not given or [_key(one) for one in made[:told]] != [_key(one) for one in given]:
        if given and (made[0].speaker != "user" or given[-1].speaker != "user"):
            whole = [*given, *made]
        else:
            told = 0  # a conversation of its own, which words what it was given anew
    offered = tools if tools is not None else tools_in(before) or tools_in(after)
    schemas = [schema_of(tool) for tool in offered]
    if None in schemas:
        raise InputError(
            f"{offered[schemas.index(None)]!r:.100} is no tool: give functions, LangChain tools or schemas"
        )
    return _trace(whole, tuple(schemas), now), _ended_turns(whole[: told + 1])


def _key(said: Said) -> tuple[Any, ...]:
    return said.speaker, said.text.strip(), said.calls


def _ended_turns(said: Sequence[Said]) -> int:
    """How many of the agent's turns the person has answered."""
    turns = [one.speaker for one in said if one.speaker in ("user", "assistant")]
    return sum(here == "assistant" and then == "user" for here, then in pairwise(turns))


def _trace(said: Sequence[Said], tools: Sequence[Any], now: dt.datetime | None) -> Trace:
    try:
        trace = trace_of(Log("evaluated", said, "outputs", tools=tools), "evaluated")
    except DAMAGE as error:
        raise InputError(f"the conversation cannot be read: {why(error)}") from None
    return trace if now is None else trace.model_copy(update={"tags": {"started": now.isoformat()}})


def _said(value: Any, speaker: str, *, optional: bool = False) -> list[Said]:
    """The messages in plain data but for the system's; an interrupt's question is the agent's last words."""
    pauses = value.pop("__interrupt__", None) if isinstance(value, dict) else None
    try:
        said = [one for one in chat_of(value, speaker) if one.speaker != "system"]
        for pause in pauses or ():
            if words := asked_words(pause.get("value") if isinstance(pause, dict) else getattr(pause, "value", None)):
                said.append(Said("assistant", words))
        if not said and not optional:
            raise BadRecord("nobody says anything in them")
    except DAMAGE as error:
        if optional:
            return []
        raise InputError(f"the outputs hold no messages of the agent's: {why(error)}") from None
    return said


def _plain(value: Any, depth: int = 0) -> Any:
    """Messages of LangChain, and objects of clients' packages, as plain data."""
    if depth > _DEEPEST:
        raise InputError(f"the conversation is nested more than {_DEEPEST} deep: give its messages")
    if isinstance(value, BaseMessage):
        return plain_message(value)
    if isinstance(value, Mapping):
        return {name: _plain(inner, depth + 1) for name, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(inner, depth + 1) for inner in value]
    dump: Callable[..., Any] | None = getattr(value, "model_dump", None)
    return dump(exclude_none=True) if callable(dump) else value
