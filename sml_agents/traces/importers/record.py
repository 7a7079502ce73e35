"""The shape that every importer makes of its format, and the one way from there to a trace.

A conversation becomes a dialogue between the person (the teacher's side) and the agent (the student's): all that the
agent did between two messages of the person is one student turn, with its reasoning, the tools it used and what they
gave back. System messages go to `task.meta["system"]`, the tools that the agent had to `Trace.tools`, and what the
record holds besides to `tags["unread"]`, counted by name. Nobody knows yet whether it ended well: `solved` is None
unless the log says so, and mining (`sml_agents.mining`) looks for the evidence.
"""

from __future__ import annotations

from collections import Counter, OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple

from sml_agents.text.tools import is_unparsed
from sml_agents.traces.importers.about import UNTOLD, About
from sml_agents.traces.importers.parts import BadRecord, Call, Result, Said
from sml_agents.types import Act, Role, StopReason, Trace, Usage, stable_hash

__all__ = ["Log", "Loss", "OnLoss", "Score", "trace_of"]

NO_CALL = "tool result that fits no call"


class Loss(NamedTuple):
    """A record that could not be read."""

    where: str
    """Its position: `line 7`, `thread 12`, `span 00f1`; what is counted is counted from 1."""
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
    tools: Sequence[dict[str, Any]] = ()
    """What the agent could call, as OpenAI's API has it."""
    unread: Sequence[str] = ()
    """What the record holds beside its messages and this does not, by name."""
    meta: dict[str, Any] = field(default_factory=dict)
    about: About = UNTOLD
    """When it was, and the tags and metadata of its run."""


def trace_of(log: Log, format: str) -> Trace:
    """The trace of a conversation. Raises BadRecord when nobody says anything in it."""
    turns, system, unread = _Turns(log).made()
    if not any(turn["text"].strip() or "thought" in turn or "tool_calls" in turn for turn in turns):
        raise BadRecord(f"nobody says anything in it{f', only {_listed(unread)}' if unread else ''}")
    opening = next((turn["text"] for turn in turns if turn["role"] is Role.TEACHER), "")
    meta = {"source": log.source, "system": system, **log.meta}
    id = stable_hash("log", format, log.key)
    tags: dict[str, Any] = {"imported": format, **(log.about.as_tags() if log.about is not UNTOLD else {})}
    if log.scores:
        tags["scores"] = [score._asdict() for score in log.scores]
    if log.usage is not None:
        tags["usage"] = log.usage.model_dump()
    if unread:
        tags["unread"] = dict(Counter(unread))
    # Checked once as a whole: a model made of models costs half as much again.
    return Trace.model_validate(
        {
            "id": id,
            "task": {
                "id": f"{format}/{log.source or id}",
                "family": format,
                "prompt": opening,
                "private": {"answer": log.answer},
                "verifier": "none",
                "meta": {name: value for name, value in meta.items() if value},
            },
            "turns": turns,
            "stop": StopReason.FAILED if log.error else StopReason.RECORDED,
            "solved": log.solved,
            "error": {"boundary": "log", "message": log.error} if log.error else None,
            "tags": tags,
            "tools": tuple(log.tools),
            "system": system,
        }
    )


def _listed(unread: Sequence[str]) -> str:
    return ", ".join(f"{count} x {name}" for name, count in Counter(unread).most_common(5))


@dataclass(slots=True, eq=False)
class _Made:
    """A call, and what came back."""

    call: Call
    result: str | None = None


class _Turns:
    """Turns out of messages."""

    def __init__(self, log: Log) -> None:
        self.log = log
        self.turns: list[dict[str, Any]] = []
        """What each turn is made of; its calls apart, whose results may come later."""
        self.system: list[str] = []
        self.unread: list[str] = list(log.unread)
        self.person: list[str] = []
        self.agent: list[Said] = []
        """What the agent said since the person did; empty messages apart."""
        self.thought = ""
        self.calls: list[_Made] = []
        self.waiting, self.older = _Waiting(), _Waiting()

    def made(self) -> tuple[list[dict[str, Any]], str, list[str]]:
        """The turns (what each is made of), the system prompt, and what was not read, by name."""
        for said in self.log.said:
            self.unread += said.unread
            if said.speaker == "assistant":
                self._agent(said)
            if said.results:
                self._results(said.results)
            if said.speaker == "system":
                if said.text not in self.system:
                    self.system.append(said.text)
            elif said.speaker == "user" and (said.text or not said.results):
                self._end_agent()
                self.person.append(said.text)
        self._end_person()
        self._end_agent()
        return self._finished(), "\n\n".join(self.system), self.unread

    def _agent(self, said: Said) -> None:
        self.thought += said.thought
        if not self.agent and not said.text and not said.calls:
            return
        self._end_person()
        self.agent.append(said)
        for call in said.calls:
            made = _Made(call)
            self.calls.append(made)
            self.waiting.add(made)

    def _results(self, results: Sequence[Result]) -> None:
        """Put results to their calls: by id, else by the tool's name, else to the first call that waits for one.

        A tool that asked the person gives its result after their turn: its call stands in an earlier one.
        """
        for result in results:
            made = self.waiting.take(result) or self.older.take(result, first=False)
            if made is None:
                self.unread.append(NO_CALL)
            else:
                made.result = result.text

    def _end_person(self) -> None:
        if self.person:
            self.turns.append({"role": Role.TEACHER, "text": "\n\n".join(self.person)})
            self.person.clear()

    def _end_agent(self) -> None:
        if not self.agent:
            if self.thought:
                self.unread.append("reasoning without words")
                self.thought = ""
            return
        spoken = [said for said in self.agent if said.text]
        text = "\n\n".join([said.text for said in spoken])
        marked = spoken or self.agent
        left_out = any([said.trained is False for said in marked])
        if left_out and any([said.trained is not False for said in marked]):
            self.unread.append("weights that differ within a turn")
        last = self.agent[-1]
        turn: dict[str, Any] = {"role": Role.STUDENT, "text": text, "trainable": not left_out}
        if not text.strip() and not self.calls:
            turn["trainable"] = False
        if self.thought:
            turn["thought"], self.thought = self.thought, ""
        if last.act in _ACTS:
            turn["act"], turn["act_by"] = Act(last.act), "llm"
        if model := last.model or self.log.model:
            turn["call"] = {"model": model}
        if broken := sum(is_unparsed(made.call.arguments) for made in self.calls):
            self.unread += [_BROKEN] * broken
            turn["trainable"] = False
        if self.calls:
            turn["tool_calls"], self.calls = self.calls, []
            if self.waiting.all:
                self.older.extend(self.waiting)
            self.waiting = _Waiting()
        self.turns.append(turn)
        self.agent = []

    def _finished(self) -> list[dict[str, Any]]:
        for turn in self.turns:
            if "tool_calls" in turn:
                turn["tool_calls"] = [
                    {
                        "name": made.call.name,
                        "arguments": made.call.arguments,
                        "result": made.result,
                        "id": made.call.id,
                    }
                    for made in turn["tool_calls"]
                ]
        return self.turns


_BROKEN = "arguments of a call that are no JSON"


class _Waiting:
    """Calls without a result, in their order, found by id and by name in constant time."""

    __slots__ = ("all", "by_id", "by_name")

    def __init__(self) -> None:
        self.all: OrderedDict[int, _Made] = OrderedDict()
        self.by_id: dict[str, OrderedDict[int, _Made]] = {}
        self.by_name: dict[str, OrderedDict[int, _Made]] = {}

    def add(self, made: _Made) -> None:
        key = id(made)
        self.all[key] = made
        self.by_id.setdefault(made.call.id, OrderedDict())[key] = made
        self.by_name.setdefault(made.call.name, OrderedDict())[key] = made

    def extend(self, others: _Waiting) -> None:
        for made in others.all.values():
            self.add(made)

    def take(self, result: Result, *, first: bool = True) -> _Made | None:
        """The call that `result` belongs to, which waits no more; the last one that fits if not the `first`."""
        named = self.by_name.get(result.name) if result.name else None
        fitting: OrderedDict[int, _Made] | None
        if result.id and result.id in self.by_id:
            fitting = self.by_id[result.id]
        elif result.id and named and (len(named) == 1 or not next(iter(named.values())).call.id):
            fitting = named  # ids were written anew, or not at all
        elif result.id:
            # Only a call without an id can be the one; which, the name has to say if there are several.
            fitting = None if result.name else self.by_id.get("")
        else:
            fitting = named or (None if result.name or not first else self.all)
        if not fitting:
            return None
        key = next(iter(fitting) if first else reversed(fitting))
        made = self.all.pop(key)
        for index, name in ((self.by_id, made.call.id), (self.by_name, made.call.name)):
            del index[name][key]
            if not index[name]:
                del index[name]
        return made
