"""Static problems made underspecified by a language model, for texts that the rules in `underspecify` refuse.

The model's word is not taken for it. Its change is accepted when, by count, the new prompt lacks a number that the
worked solution needs, the fact tells just that number, and nothing else came or went; otherwise it is refused, with a
reason. Problems without a worked solution are refused at once, since nobody could check that the answer needs the fact.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import AsyncIterator, Iterable
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING

from sml_agents.tasks.spec import LoadReport
from sml_agents.tasks.static.givens import given_numbers, numbers_in
from sml_agents.tasks.static.underspecify import Refusal
from sml_agents.text.words import keywords_of
from sml_agents.types import Fact, Form, Private, Task, stable_hash

if TYPE_CHECKING:
    from jinja2 import Template
    from langchain_core.language_models import BaseChatModel

__all__ = ["check_change", "make_interactive"]

_OBJECT = re.compile(r"\{.*\}", re.DOTALL)
_WORD = re.compile(r"[^\W\d_]+(?:'[^\W\d_]+)?")
_MOST_NEW_WORDS = 4
"""Words that are not in the original, `some` and `a few` among them."""


async def make_interactive(
    tasks: Iterable[Task], model: BaseChatModel, *, report: LoadReport | None = None
) -> AsyncIterator[Task]:
    """The underspecified form of each fully specified task, as `model` writes it.

    Tasks keep their `pair`. Refused ones are left out and counted in `report`. Raises what the model raises.
    """
    counts = LoadReport() if report is None else report
    for task in tasks:
        counts.read += 1
        made = await _ask(task, model)
        if isinstance(made, Refusal):
            counts.refused[made.reason] += 1
        else:
            counts.made += 1
            yield made


async def _ask(task: Task, model: BaseChatModel) -> Task | Refusal:
    if task.form is not Form.FULL:
        return Refusal("not a fully specified problem")
    if not given_numbers(task.private.solution):
        return Refusal("no worked solution to tell which facts are needed")
    request = _template().render(prompt=task.prompt, solution=task.private.solution)
    reply = await model.ainvoke([("user", request)])
    return check_change(task, str(reply.text))


def check_change(task: Task, reply: str) -> Task | Refusal:
    """The task with the change that `reply`, a JSON object of `prompt`, `fact` and `question`, makes to its prompt."""
    found = _OBJECT.search(reply)
    try:
        change = json.loads(found.group()) if found else None
    except ValueError:
        change = None
    parts = [change.get(key) for key in ("prompt", "fact", "question")] if isinstance(change, dict) else []
    if len(parts) != 3 or not all(isinstance(part, str) and part.strip() for part in parts):
        return Refusal("the model's reply is not the JSON object asked for")
    prompt, statement, question = (" ".join(str(part).split()) for part in parts)
    if reason := _objection(task, prompt, statement, question):
        return Refusal(reason)
    fact = Fact(name="missing", statement=statement, keywords=keywords_of(statement, prompt), question=question)
    private = task.private
    return task.model_copy(
        update={
            "id": stable_hash(task.family, "model", prompt, private.answer, statement),
            "form": Form.UNDERSPECIFIED,
            "prompt": prompt,
            "private": Private(answer=private.answer, facts=(fact,), solution=private.solution),
            "meta": {**task.meta, "hidden": "model"},
        }
    )


def _objection(task: Task, prompt: str, statement: str, question: str) -> str:
    """Why the change cannot be trusted; empty when it can."""
    before, after, told = (
        Counter(value for *_, value in numbers_in(text)) for text in (task.prompt, prompt, statement)
    )
    missing = before - after
    if after - before or told - before:
        return "the model brought in a number"
    if not missing or not set(missing) <= set(told):
        return "the fact does not tell the number that is missing"
    if any(value in after for value in missing):
        return "the missing number still stands in the problem"
    if not set(missing) & set(given_numbers(task.private.solution)):
        return "the solution does not need the fact"
    if set(after) & {task.private.answer} or set(told) & {task.private.answer}:
        return "the answer stands in the problem"
    if not question.endswith("?") or any(value in missing for *_, value in numbers_in(question)):
        return "the question does not ask for the fact"
    if "?" in task.prompt and "?" not in prompt:
        return "the problem lost its question"
    old, new = ({word.lower() for word in _WORD.findall(text)} for text in (task.prompt, prompt))
    if len(new - old) > _MOST_NEW_WORDS:
        return "the model rewrote the problem"
    return ""


@cache
def _template() -> Template:
    from jinja2 import Environment, StrictUndefined

    source = (files("sml_agents.tasks") / "prompts" / "underspecify.j2").read_text("utf-8")
    return Environment(undefined=StrictUndefined, autoescape=False).from_string(source)
