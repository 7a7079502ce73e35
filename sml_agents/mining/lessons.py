"""A moment as a dialogue to train on, and what a reviewer decides about it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, Literal

from sml_agents.data.arguments import leaves, words_of
from sml_agents.data.nouns import json_text
from sml_agents.errors import InputError
from sml_agents.mining.conversation import as_held
from sml_agents.mining.find import label
from sml_agents.mining.moments import Kind, Moment
from sml_agents.mining.signals import without_apology, without_marker
from sml_agents.types import (
    Act,
    Fact,
    Form,
    Outcome,
    Private,
    Role,
    StopReason,
    Task,
    ToolCall,
    Trace,
    Turn,
    Verdict,
    stable_hash,
)

__all__ = ["HELDOUT", "decide", "lesson", "moment_of", "split_of"]

HELDOUT = 0.2
"""Share of the threads that are kept out of training, to measure on."""


def lesson(trace: Trace, moment: Moment, *, heldout: float = HELDOUT) -> Trace:
    """The dialogue as it should have gone, made of the recorded words, with the agent's own prompt and tools.

    `corrected`, `late_fact`: the question takes the place of the premature answer (`primed`, as Q-priming does it), the
    person's words answer it, and the right call ends it. `asked`, `answered`: as it was. `mistake`: the right call
    comes at once. What went before is context and not trained on. Where an answer took back another one, what makes
    sense after the other alone is left out of it; see `_without_mistake`.

    Args:
        trace: the recorded conversation.
        moment: one that was found in it.
        heldout: share of the threads whose lessons are not for training (`Task.split`).
    """
    trace = as_held(trace)
    turns = trace.turns
    context = [turn.model_copy(update={"trainable": False}) for turn in turns[: moment.at]]
    while context and context[0].role is Role.STUDENT:  # a greeting: a dialogue begins with the person
        del context[0]
    answer = _answer(_without_mistake(turns, moment))
    said = [*context]
    facts: tuple[Fact, ...] = ()
    if moment.told is not None or moment.answered:
        told = turns[moment.told].text if moment.told is not None else moment.answered
        asked_for_real = moment.kind is Kind.ASKED
        statement = told if asked_for_real else without_marker(told)
        words = words_of(moment.fact).split()
        facts = (
            Fact(
                name=moment.fact,
                statement=statement,
                keywords=tuple(dict.fromkeys(word.casefold() for word in words))[:6],
                question=moment.question,
            ),
        )
        said.append(_question(turns[moment.at], moment.question, primed=not asked_for_real))
        said.append(Turn(role=Role.TEACHER, text=statement, reveals=(moment.fact,)))
    said.append(answer)
    opening = next((turn.text for turn in said if turn.role is Role.TEACHER), "")
    meta = {name: value for name, value in trace.task.meta.items() if name in ("system", "source")}
    tags: dict[str, Any] = {"moment": moment.model_dump(mode="json")}
    tags |= {name: trace.tags[name] for name in ("run", "started", "ended") if name in trace.tags}
    if (guessed := _guessed(trace, moment)) and facts and said[-3].primed:
        tags["replaced_calls"] = [call.model_dump(mode="json") for call in guessed]
    task = Task(
        id=f"{trace.task.id}#{moment.at}",
        family=trace.task.family,
        form=Form.UNDERSPECIFIED if facts else Form.FULL,
        prompt=opening,
        private=Private(answer=answer.text, facts=facts),
        verifier="none",
        split=trace.task.split or split_of(trace, heldout),
        pair=trace.task.pair or trace.id,
        meta={**meta, "trace": trace.id},
    )
    return Trace(
        id=stable_hash("lesson", trace.id, moment.at, moment.kind.value),
        task=task,
        turns=tuple(said),
        stop=StopReason.RECORDED,
        tags=tags,
        tools=trace.tools,
        system=trace.system or str(trace.task.meta.get("system") or ""),
    )


def split_of(trace: Trace, heldout: float) -> str:
    """`heldout` for that share of the threads, by a hash of the thread, else `train`: all lessons of a thread stay
    together, and mining again deals them alike."""
    thread = trace.source or trace.id
    return "heldout" if int(stable_hash("split", thread), 16) / 16**16 < heldout else "train"


def _guessed(trace: Trace, moment: Moment) -> tuple[ToolCall, ...]:
    """The calls of the turn in whose place the question stands, as the agent made them."""
    calls = trace.turns[moment.at].tool_calls or ()
    drafted = {
        str(one.get("call")): one.get("proposed") for one in trace.tags.get("reviews", ()) if isinstance(one, dict)
    }
    return tuple(
        call.model_copy(update={"arguments": drafted[call.id]}) if isinstance(drafted.get(call.id), dict) else call
        for call in calls
    )


def moment_of(trace: Trace) -> Moment | None:
    """The moment that a lesson was made of; None for any other trace."""
    found = trace.tags.get("moment")
    return Moment.model_validate(found) if isinstance(found, dict) else None


def decide(
    trace: Trace,
    decision: Literal["accepted", "rejected"],
    *,
    question: str | None = None,
    answer: str | None = None,
) -> Trace:
    """The lesson after a decision; an accepted one is `solved`, and so taken for training.

    `question`, `answer`: the reviewer's own words in place of those there. Raises InputError for a trace that is no
    lesson, and for an empty text.
    """
    moment = moment_of(trace)
    if moment is None:
        raise InputError(f"{trace.id} is no lesson: make a store of them with `sml-agents mine`")
    for name, text in (("question", question), ("answer", answer)):
        if text is not None and not text.strip():
            raise InputError(f"the new {name} is empty: reject the lesson instead")
    turns = list(trace.turns)
    last = max(at for at, turn in enumerate(turns) if turn.role is Role.STUDENT)
    if answer is not None:
        turns[last] = turns[last].model_copy(update={"text": answer, "act_by": "human"})
    task = trace.task
    if question is not None:
        asked = next((at for at, turn in enumerate(turns) if turn.trainable and turn.act is Act.CLARIFICATION), None)
        if asked is None:
            raise InputError("nothing is asked in this lesson: edit its answer, or reject it")
        turns[asked] = turns[asked].model_copy(update={"text": question, "act_by": "human", "primed": True})
        facts = tuple(fact.model_copy(update={"question": question}) for fact in task.private.facts)
        task = task.model_copy(update={"private": task.private.model_copy(update={"facts": facts})})
        moment = moment.model_copy(update={"question": question})
    moment = moment.model_copy(update={"review": decision})
    return trace.model_copy(
        update={
            "task": task,
            "turns": tuple(turns),
            "solved": decision == "accepted",
            "tags": {**trace.tags, "moment": moment.model_dump(mode="json")},
        }
    )


def _question(turn: Turn, question: str, *, primed: bool) -> Turn:
    if not primed:
        found = label(turn)
        return turn.model_copy(
            update={"act": Act.CLARIFICATION, "act_by": found.by, "act_span": found.span, "trainable": True}
        )
    return Turn(
        role=Role.STUDENT,
        text=question,
        act=Act.CLARIFICATION,
        act_by="rule:mined",
        trainable=True,
        primed=True,
        replaced=turn.text,
        call=turn.call,
    )


def _without_mistake(turns: Sequence[Turn], moment: Moment) -> Turn:
    """The right answer, as the agent would have given it had it not gone wrong before.

    Where it made calls, its words are left out ("Fixed.", "Sorry, now for 3 people."), and so are its thoughts, and
    calls that take back what was done: they name what a call of the wrong answer alone had returned, such as the number
    of a booking. Where it made none, the sentences that apologise are left out. With nothing left it is not trained on.
    """
    answer, gone = turns[moment.answer], turns[moment.at : moment.answer]
    if not gone:
        return answer
    changed: dict[str, Any] = {"thought": "", "call": None}  # a call has the tokens of the words
    if not answer.tool_calls:
        return answer.model_copy(update={**changed, "text": without_apology(answer.text)})
    undone = [call for turn in gone for call in turn.tool_calls or ()]
    returned = "\n".join(call.result or "" for call in undone)
    known = [turn.text for turn in turns[: moment.answer] if turn.role is Role.TEACHER]
    known += [call.result or "" for turn in turns[: moment.at] for call in turn.tool_calls or ()]
    known += [json_text(call.arguments) for call in undone]
    calls = []
    for call in answer.tool_calls:
        named = [str(value) for value in leaves(call.arguments).values() if _is_name(value)]
        if not any(_names(returned, name) and not any(_names(text, name) for text in known) for name in named):
            calls.append(call)
        known.append(call.result or "")
    return answer.model_copy(update={**changed, "text": "", "tool_calls": tuple(calls) or None})


def _is_name(value: Any) -> bool:
    """Whether a value may be what a tool calls something: two letters or figures, or a number of two figures."""
    return isinstance(value, str | int) and not isinstance(value, bool) and len(str(value)) > 1


def _names(text: str, name: str) -> bool:
    return re.search(rf"(?<!\w){re.escape(name)}(?!\w)", text, re.IGNORECASE) is not None


def _answer(turn: Turn) -> Turn:
    found = label(turn)
    verdict = Verdict(outcome=Outcome.CORRECT, extracted=None)
    return turn.model_copy(
        update={
            "act": Act.ANSWER_ATTEMPT,
            "act_by": found.by if found.act is Act.ANSWER_ATTEMPT else "rule:told",
            "act_span": found.span,
            "trainable": bool(turn.text.strip() or turn.tool_calls),
            "verdict": verdict,
        }
    )
