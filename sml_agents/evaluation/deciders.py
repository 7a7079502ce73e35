"""How well a decider knows when to ask, on lessons of one's own logs.

    report = measure({"mine": ModelDecider("transformers:runs/asker"), **baselines()}, lessons)

Each lesson is one decision: what had been said, the tools, and the call that the agent was about to make; whether
something was missing, and what, is known. A decider says how sure it is that it has to ask, and what it would ask.
Measure on threads that were not trained on: `mine` marks them (`split` is `heldout`).

Case           one decision
Decision       what a decider makes of it
ModelDecider   a chat model: it asks, or it does not
RuleDecider    asks for a required argument of the drafted call whose value nobody said and no tool returned
AskerJudge     the asker (`asker:`), beside that rule: `sml_agents.evaluation.asker`
CallDecider    a function of yours: from a case to a probability, a question, or both
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, SystemMessage, ToolMessage
from pydantic import BaseModel, Field

from sml_agents.backends import resolve
from sml_agents.data.arguments import Arguments, words_of
from sml_agents.data.nouns import Message, Tools
from sml_agents.data.rows import messages_of
from sml_agents.data.selection import system_of
from sml_agents.errors import EndsTheRun, InputError, one_line
from sml_agents.evaluation.bootstrap import Floats, Metric, percentiles, resample_sums, share_of
from sml_agents.roles.acts import classify
from sml_agents.roles.chat import ask_with_tools
from sml_agents.text.questions import asked_facts
from sml_agents.types import Act, Fact, Role, ToolCall, Trace, Turn

__all__ = [
    "CallDecider",
    "Case",
    "Decider",
    "DeciderReport",
    "Decision",
    "Figures",
    "ModelDecider",
    "RuleDecider",
    "baselines",
    "case_of",
    "cases_of",
    "measure",
    "unsaid",
]

RESAMPLES = 2_000


@dataclass(frozen=True)
class Case:
    """One decision of an agent: ask, or go ahead."""

    history: tuple[Turn, ...]
    missing: bool
    """Whether something was missing that only the person could tell."""
    fact: Fact | None
    """What, as a lesson has it."""
    calls: tuple[ToolCall, ...]
    """The calls that the agent was about to make."""
    tools: Tools
    system: str
    arguments: Arguments
    thread: str


@dataclass(frozen=True)
class Decision:
    """What a decider makes of a case."""

    sure: float
    """How sure it is that it has to ask, from 0 to 1."""
    question: str = ""
    about: str = ""
    """The argument that it asks for, where it names one itself."""


class Decider(Protocol):
    """Whoever decides whether to ask."""

    async def decide(self, case: Case) -> Decision: ...


def cases_of(lessons: Iterable[Trace], split: str | None = "heldout") -> list[Case]:
    """The decisions in lessons, those that were rejected left out; `split` None takes lessons of all threads.

    Raises InputError when there is none, with the reason.
    """
    found: list[Case] = []
    lessons_read = other = rejected = 0
    for trace in lessons:
        if not isinstance(trace.tags.get("moment"), dict):
            continue
        lessons_read += 1
        if split is not None and trace.task.split != split:
            other += 1
            continue
        if trace.solved is False:
            rejected += 1
            continue
        if (case := case_of(trace)) is not None:
            found.append(case)
    if not found:
        why = f"{other} are of another split than {split!r}, {rejected} were rejected"
        raise InputError(
            f"none of {lessons_read} lessons can be measured on ({why}): make a store of lessons with `sml-agents mine`"
        )
    return found


def case_of(lesson: Trace) -> Case | None:
    """The decision that a lesson is about; None where no turn of the agent's is to be learnt."""
    at = next((k for k, turn in enumerate(lesson.turns) if turn.role is Role.STUDENT and turn.trainable), None)
    if at is None:
        return None
    turn, facts = lesson.turns[at], lesson.task.private.facts
    replaced = lesson.tags.get("replaced_calls") or ()
    drafted = tuple(ToolCall.model_validate(call) for call in replaced)
    asked = Act.CLARIFICATION is turn.act and not turn.primed  # it asked by itself: there is no draft
    return Case(
        history=lesson.turns[:at],
        missing=bool(facts),
        fact=facts[0] if facts else None,
        calls=drafted or (() if asked else turn.tool_calls or ()),
        tools=lesson.tools,
        system=system_of(lesson) or "",
        arguments=Arguments(lesson),
        thread=lesson.source or lesson.task.pair or lesson.id,
    )


class ModelDecider:
    """A chat model under the agent's own prompt, with its tools. A turn that asks is a question, any other is none.

    Args:
        model: a chat model, or a backend spec.
        samples: replies to each case; the share of them that ask is how sure it is. 1 gives a plain yes or no.
        system: a system prompt in place of the agent's own.
    """

    def __init__(self, model: str | BaseChatModel, *, samples: int = 1, system: str | None = None) -> None:
        self.model = resolve(model)
        self.samples = samples
        self.system = system

    async def decide(self, case: Case) -> Decision:
        """Raises what the model raises."""
        system = case.system if self.system is None else self.system
        messages = messages_of(case.history, [False] * len(case.history), system)
        questions = []
        for seed in range(self.samples):
            reply = await ask_with_tools(self.model, _chat(messages), list(case.tools), seed=seed)
            label = classify(reply.text)
            if not reply.tool_calls and (label.act is Act.CLARIFICATION or label.by == "rule:many"):
                questions.append(reply.text)
        return Decision(len(questions) / self.samples, questions[0] if questions else "")


class RuleDecider:
    """The tolerant rule: a required argument of the drafted call is a guess if its value, compared as people say
    values, stands neither in the person's words nor in what another tool returned, and is no default. It asks for the
    first such."""

    async def decide(self, case: Case) -> Decision:
        guesses = [(call.name, path, value) for call in case.calls for path, value in unsaid(case, call).items()]
        if not guesses:
            return Decision(0.0)
        tool, path, value = guesses[0]
        return Decision(1.0, case.arguments.question(tool, [path], value), path)


def unsaid(case: Case, call: ToolCall) -> dict[str, Any]:
    """The required arguments of a drafted call whose value nobody said and no other tool returned."""
    said = [turn.text for turn in case.history if turn.role is Role.TEACHER]
    said += [made.result or "" for turn in case.history for made in turn.tool_calls or ()]
    said += [other.result or "" for other in case.calls if other.name != call.name]
    wanted = case.arguments.required(call.name, call.arguments)
    return {
        path: value
        for path, value in wanted.items()
        if not any(case.arguments.says(text, call.name, path, value) for text in said)
    }


class CallDecider:
    """`function(case)`: a probability that something is missing, a question (None for none), or a `Decision`."""

    def __init__(self, function: Callable[[Case], Any]) -> None:
        self.function = function

    async def decide(self, case: Case) -> Decision:
        given = await asyncio.to_thread(self.function, case)
        given = await given if asyncio.iscoroutine(given) else given
        if isinstance(given, Decision):
            return given
        if isinstance(given, int | float) and not isinstance(given, bool):
            return Decision(float(given))
        return Decision(float(bool(given)), given if isinstance(given, str) else "")


def baselines() -> dict[str, Decider]:
    """What every decider has to beat."""
    return {
        "tolerant rule": RuleDecider(),
        "always asks": CallDecider(lambda _: 1.0),
        "never asks": CallDecider(lambda _: 0.0),
    }


class Figures(BaseModel):
    """A decider at one threshold."""

    threshold: float = 0.5
    asks_when_needed: Metric = Metric()
    """Share of the cases with something missing in which it asks."""
    needless: Metric = Metric()
    """Share of the cases with nothing missing in which it asks."""
    f1: Metric = Metric()
    """Of asking: harmonic mean of the two shares of right questions, among all asked and among all needed."""
    names_it: Metric = Metric()
    """Share of its needed questions that ask for what was missing."""


class DeciderReport(BaseModel):
    """One decider on all cases."""

    at: Figures
    curve: list[Figures] = Field(default_factory=list)
    """At every threshold that makes a difference, from asking least to asking most."""
    failed: int = 0
    """Cases in which it failed: in no figure."""
    errors: dict[str, int] = Field(default_factory=dict)


def measure(
    deciders: Mapping[str, Decider],
    cases: Sequence[Case],
    *,
    threshold: float = 0.5,
    concurrency: int = 16,
    seed: int = 0,
    on_progress: Callable[[str, int], None] | None = None,
) -> dict[str, DeciderReport]:
    """Every decider on every case. A decider that fails in a case is left out of the figures there, and counted.

    Raises what would fail it in every case (`errors.EndsTheRun`), such as BackendSpecError for a model that is none.

    Args:
        threshold: how sure a decider has to be to ask.
        seed: of the bootstrap of F1.
    """
    return asyncio.run(_measure(deciders, cases, threshold, concurrency, seed, on_progress))


async def _measure(
    deciders: Mapping[str, Decider],
    cases: Sequence[Case],
    threshold: float,
    concurrency: int,
    seed: int,
    on_progress: Callable[[str, int], None] | None,
) -> dict[str, DeciderReport]:
    gate = asyncio.Semaphore(concurrency)
    reports: dict[str, DeciderReport] = {}
    for name, decider in deciders.items():
        done = 0

        async def one(case: Case, decider: Decider = decider, name: str = name) -> Decision | Exception:
            nonlocal done
            async with gate:
                try:
                    return await decider.decide(case)
                except EndsTheRun:  # no such model: it would fail in all cases
                    raise
                except Exception as error:  # failures are data
                    return error
                finally:
                    done += 1
                    if on_progress is not None:
                        on_progress(name, done)

        reports[name] = _report(await asyncio.gather(*(one(case) for case in cases)), cases, threshold, seed)
    return reports


def _report(made: Sequence[Decision | Exception], cases: Sequence[Case], threshold: float, seed: int) -> DeciderReport:
    pairs = [(case, one) for case, one in zip(cases, made, strict=True) if isinstance(one, Decision)]
    errors: dict[str, int] = {}
    for one in made:
        if isinstance(one, Exception):
            errors[one_line(one)] = errors.get(one_line(one), 0) + 1
    levels = sorted({decision.sure for _, decision in pairs if decision.sure > 0}, reverse=True)
    if len(levels) > 21:
        levels = [levels[round(k * (len(levels) - 1) / 20)] for k in range(21)]
    return DeciderReport(
        at=_figures(pairs, threshold, seed),
        curve=[_figures(pairs, level, seed) for level in levels] if len(levels) > 1 else [],
        failed=len(made) - len(pairs),
        errors=errors,
    )


def _figures(pairs: Sequence[tuple[Case, Decision]], threshold: float, seed: int) -> Figures:
    needed = np.array([case.missing for case, _ in pairs], dtype=float)
    asks = np.array([one.sure >= threshold and one.sure > 0 for _, one in pairs], dtype=float)
    named = np.array([_names(case, one) for case, one in pairs], dtype=float) * asks * needed
    knows = np.array([bool(one.question or one.about) for _, one in pairs], dtype=float) * asks * needed
    return Figures(
        threshold=threshold,
        asks_when_needed=_share(asks * needed, needed),
        needless=_share(asks * (1 - needed), 1 - needed),
        f1=_f1(needed, asks, [case.thread for case, _ in pairs], seed),
        names_it=_share(named, knows),
    )


def _names(case: Case, one: Decision) -> bool:
    if case.fact is None:
        return False
    return (
        one.about == case.fact.name
        or words_of(one.about) == words_of(case.fact.name)
        or bool(asked_facts(one.question, [case.fact], tools=case.tools))
    )


def _share(hits: Floats, of: Floats) -> Metric:
    return share_of(int(hits.sum()), int(of.sum()))


def _f1(needed: Floats, asks: Floats, threads: Sequence[str], seed: int) -> Metric:
    """Threads are drawn with replacement: lessons of one are not independent."""
    rows: dict[str, list[float]] = {}
    for thread, need, ask in zip(threads, needed, asks, strict=True):
        row = rows.setdefault(thread, [0.0, 0.0, 0.0])
        row[0] += need * ask
        row[1] += need
        row[2] += ask
    if not rows or not needed.sum():
        return Metric()
    table = np.array(list(rows.values()))

    def of(sums: Floats) -> Floats:
        return np.asarray(2 * sums[..., 0] / (sums[..., 1] + sums[..., 2]))

    with np.errstate(invalid="ignore", divide="ignore"):
        value, drawn = float(of(table.sum(axis=0))), of(resample_sums(table, seed=seed, resamples=RESAMPLES))
    low, high = percentiles(drawn) or (value, value)
    return Metric(value=value, low=low, high=high, n=len(needed))


def _chat(messages: Sequence[Message]) -> list[BaseMessage]:
    made: list[BaseMessage] = []
    for message in messages:
        if message.role == "system":
            made.append(SystemMessage(message.content))
        elif message.role == "user":
            made.append(HumanMessage(message.content))
        elif message.role == "tool":
            made.append(ToolMessage(message.content, tool_call_id=message.call_id))
        else:
            calls = [
                {"name": one.name, "args": one.arguments, "id": one.id, "type": "tool_call"} for one in message.calls
            ]
            made.append(AIMessage(message.content, tool_calls=calls))
    return made
