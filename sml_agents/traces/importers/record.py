"""The shape that every importer makes of its format, and the one way from there to a trace.

A conversation becomes a dialogue between the person (the teacher's side) and the agent (the student's): all that the
agent did between two messages of the person is one student turn, with the tools it used and what they gave back.
System messages go to `task.meta["system"]`. Nobody knows yet whether it ended well: `solved` is None unless the log
says so, and mining (`sml_agents.mining`) looks for the evidence.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple

from sml_agents.traces.importers.messages import BadRecord, Said
from sml_agents.types import (
    Act,
    Call,
    Failure,
    Private,
    Role,
    StopReason,
    Task,
    ToolCall,
    Trace,
    Turn,
    Usage,
    stable_hash,
)

__all__ = ["Log", "Loss", "OnLoss", "Score", "trace_of"]


class Loss(NamedTuple):
    """A record that could not be read."""

    where: str
    """Its position: `line 7`, `thread 12`, `span 00f1`."""
    why: str


_ACTS = frozenset(Act)

OnLoss = Callable[[Loss], None]


class Score(NamedTuple):
    """What somebody thought of the conversation, or of one answer in it."""

    name: str
    value: float
    """1 good, 0 bad; other scales are brought to this one where their range is known, else left as they are."""
    comment: str = ""
    source: Literal["person", "machine"] = "person"


@dataclass(slots=True)
class Log:
    """One conversation of a log."""

    key: str
    """Names it within its format: importing the same key again replaces the trace."""
    said: Sequence[Said]
    where: str
    source: str = ""
    """Its own name in the log: a thread, a run, a row's id."""
    model: str = ""
    scores: Sequence[Score] = ()
    solved: bool | None = None
    answer: str = ""
    """A reference answer, if the log has one: private."""
    usage: Usage | None = None
    error: str = ""
    meta: dict[str, Any] = field(default_factory=dict)


def trace_of(log: Log, format: str) -> Trace:
    """The trace of a conversation. Raises BadRecord when nobody says anything in it."""
    turns, system = _turns(log)
    if not turns:
        raise BadRecord("nobody says anything in it")
    opening = next((turn.text for turn in turns if turn.role is Role.TEACHER), "")
    meta = {"source": log.source, "system": system, **log.meta}
    id = stable_hash("log", format, log.key)
    tags: dict[str, Any] = {"imported": format}
    if log.scores:
        tags["scores"] = [score._asdict() for score in log.scores]
    if log.usage is not None:
        tags["usage"] = log.usage.model_dump()
    return Trace(
        id=id,
        task=Task(
            id=f"{format}/{log.source or id}",
            family=format,
            prompt=opening,
            private=Private(answer=log.answer),
            verifier="",
            meta={name: value for name, value in meta.items() if value},
        ),
        turns=tuple(turns),
        stop=StopReason.FAILED if log.error else StopReason.RECORDED,
        solved=log.solved,
        error=Failure(boundary="log", message=log.error) if log.error else None,
        tags=tags,
    )


def _turns(log: Log) -> tuple[list[Turn], str]:
    turns: list[Turn] = []
    system: list[str] = []
    person: list[str] = []
    agent: list[str] = []
    calls: list[ToolCall] = []
    spoke = False
    model, act = log.model, ""

    def end_person() -> None:
        if person:
            turns.append(Turn(role=Role.TEACHER, text="\n\n".join(person)))
            person.clear()

    def end_agent() -> None:
        if spoke:
            text = "\n\n".join(agent)
            used = tuple(calls) or None
            turns.append(
                Turn(
                    role=Role.STUDENT,
                    text=text,
                    act=Act(act) if act in _ACTS else None,
                    act_by="llm" if act in _ACTS else "",
                    call=Call(model=model) if model else None,
                    tool_calls=used,
                    trainable=bool(text.strip()),
                )
            )
            agent.clear()
            calls.clear()

    for said in log.said:
        if said.results:
            _settle(calls, turns, said.results)
        if said.speaker == "system":
            system.append(said.text)
        elif said.speaker == "user":
            if not said.text and said.results:
                continue
            end_agent()
            spoke = False
            person.append(said.text)
        elif said.speaker == "assistant":
            if not spoke and not said.text and not said.calls:
                continue
            end_person()
            spoke, model, act = True, said.model or log.model, said.act
            if said.text:
                agent.append(said.text)
            for call in said.calls:
                calls.append(ToolCall(name=call.name, arguments=call.arguments, result=None, id=call.id))
    end_person()
    end_agent()
    return turns, "\n\n".join(system)


def _settle(calls: list[ToolCall], turns: list[Turn], results: Sequence[tuple[str, str]]) -> None:
    """Put results to their calls: by id, else to the first call that waits for one.

    A tool that asked the person gives its result after their turn: its call stands in an earlier one.
    """
    for id, text in results:
        if _fill(calls, id, text):
            continue
        for at in range(len(turns) - 1, -1, -1):
            earlier = list(turns[at].tool_calls or ())
            if id and _fill(earlier, id, text):
                turns[at] = turns[at].model_copy(update={"tool_calls": tuple(earlier)})
                break


def _fill(calls: list[ToolCall], id: str, text: str) -> bool:
    for at, call in enumerate(calls):
        if call.result is None and (not id or call.id == id):
            calls[at] = call.model_copy(update={"result": text})
            return True
    return False
