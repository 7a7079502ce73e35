"""Traces for tests of what is kept."""

from __future__ import annotations

from typing import Any

from sml_agents.types import (
    Act,
    Call,
    Fact,
    Form,
    Outcome,
    Private,
    Role,
    StopReason,
    Task,
    Trace,
    Turn,
    Usage,
    Verdict,
)


def make_task(number: int = 0, *, family: str = "arithmetic", form: Form = Form.UNDERSPECIFIED, **more: Any) -> Task:
    fact = Fact(name="price", statement="A pencil costs 3 dollars.", keywords=("cost", "price"))
    private = Private(answer=str(number), facts=(fact,))
    prompt = f"Ada buys {number} pencils. What does she pay?"
    return Task(id=f"{family}/{number}", family=family, form=form, prompt=prompt, private=private, **more)


def make_trace(
    number: int = 0,
    *,
    text: str = "The answer is 4.",
    turns: int = 1,
    stop: StopReason = StopReason.SOLVED,
    asked: bool = False,
    **more: Any,
) -> Trace:
    """A dialogue of `turns` student turns whose id is its number; `asked` makes the first a question."""
    task = more.pop("task", None) or make_task(number)
    said = [Turn(role=Role.TEACHER, text=task.prompt)]
    for turn in range(turns):
        act = Act.CLARIFICATION if asked and turn == 0 else Act.ANSWER_ATTEMPT
        verdict = Verdict(outcome=Outcome.CORRECT, extracted="4") if act is Act.ANSWER_ATTEMPT else None
        usage = Usage(prompt_tokens=20, completion_tokens=5)
        said.append(
            Turn(
                role=Role.STUDENT,
                text=text,
                act=act,
                verdict=verdict,
                trainable=True,
                call=Call(usage=usage, model="m"),
            )
        )
    solved = {StopReason.SOLVED: True, StopReason.MAX_TURNS: False}.get(stop)
    return Trace(id=f"{number:016x}", task=task, turns=tuple(said), stop=stop, solved=solved, **more)
