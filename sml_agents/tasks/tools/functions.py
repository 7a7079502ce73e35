"""Function-calling data of others as requests: `tools-jsonl:PATH`.

A row is a request, tools, and the call that serves it: OpenAI's `messages` with `tools` (the gold call is the first
answer's), BFCL's `question` and `function` (its answers in a file of their own: `answers=PATH`), a `query` with `tools`
and `answers`, or a `question` with a `call`. `unserved=100`: no row has a call, since no tool serves it.

A gap is made by rule: a required argument whose value stands literally once in the request is taken out, with the words
that lead to it. The other form of a pair is the same request with another value taken out in the same way: that of an
argument that may be left out, or, where none is told, of one that is made optional for this pair (`meta["relaxed"]`).
So both are shorter by a value and equally odd to read; which of the two arguments is required is decided by a coin
where the schema allows either. `balance=no` takes out the one value alone, and the other form is the request as it is.

A row may bring both forms itself, as somebody wrote them: `request_complete` and `request_missing`, with the name of
what the second lacks in `missing_param` (or several, as a list), and the `tools` and the call as above.
"""

from __future__ import annotations

import json
import random
import re
from collections.abc import Iterator, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass
from itertools import islice
from typing import Any

from sml_agents.errors import TaskSpecError
from sml_agents.tasks.generated.naming import choose_keywords
from sml_agents.tasks.rows import read_rows
from sml_agents.tasks.spec import LoadReport, TaskSpec, choose_forms
from sml_agents.tasks.tools.foreign import (
    Unusable,
    argument_in,
    calls_of,
    check_length,
    loaded,
    read_call,
    read_tools,
    required_paths,
    text_of,
    whole,
)
from sml_agents.tasks.tools.gaps import without
from sml_agents.tasks.tools.requests import calls_as_text
from sml_agents.text.schemas import public_names
from sml_agents.types import AcceptedCall, Fact, Form, Private, Task, stable_hash

__all__ = ["Served", "fact_of", "make", "read_served", "request_task"]

_FORMS = (Form.FULL, Form.UNDERSPECIFIED)
_MOST_TOLD = 40
"""Arguments of a call, each of which is looked for in what is left without each other one."""


@dataclass(frozen=True)
class Served:
    """A request with its tools, and the calls that serve it."""

    text: str
    tools: tuple[dict[str, Any], ...]
    calls: tuple[AcceptedCall, ...]
    id: str = ""
    lacking: str = ""
    """The same request without the values of `missing`, where somebody wrote it so."""
    missing: tuple[str, ...] = ()


def make(spec: TaskSpec, report: LoadReport) -> Iterator[tuple[Task, ...]]:
    """The tasks of the file in its order; rows that cannot be used are counted as bad, gaps that cannot be made as
    refused."""
    unserved, balance = spec.extra.get("unserved", "0"), spec.extra.get("balance", "yes")
    if unserved not in ("0", "100") or balance not in ("yes", "no"):
        raise TaskSpecError(f"In {spec.text!r}, unserved= is 0 or 100 and balance= is yes or no.")
    if unserved == "100" and spec.form not in ("full", "mixed"):
        raise TaskSpecError(f"Requests that no tool serves come in the form full alone, not as in {spec.text!r}.")
    answers = _answers(spec.extra["answers"]) if "answers" in spec.extra else None
    rows = islice(read_rows(spec.arg, report), spec.offset, None)
    for row in rows:
        report.read += 1
        try:
            whole(row)
            served = read_served(row, answers, called=unserved == "0")
        except Unusable as reason:
            report.bad[str(reason)] += 1
            continue
        rng = random.Random(stable_hash(spec.family, spec.seed, served.text, served.tools))
        forms = choose_forms(spec.form, _FORMS, rng) if served.calls else (Form.FULL,)
        try:
            yield tuple(_in_forms(served, forms, spec, balance == "yes", rng))
        except Unusable as reason:
            report.refused[str(reason)] += 1


def _answers(path: str) -> dict[str, Any]:
    report = LoadReport()
    found = {str(row.get("id")): row.get("ground_truth", row.get("answers")) for row in read_rows(path, report)}
    if not found:
        raise TaskSpecError(f"The file {path!r} holds no answers: each line is an object with id and ground_truth.")
    return found


def read_served(row: Mapping[str, Any], answers: Mapping[str, Any] | None = None, *, called: bool = True) -> Served:
    """A row of function-calling data. `called` False: there is no call to look for. Raises Unusable."""
    tools = read_tools(next((row[key] for key in ("tools", "functions", "function") if row.get(key)), None))
    text, call = _request(row)
    if not text:
        raise Unusable("no request")
    check_length(text)
    if not called:
        return Served(text, tools, (), str(row.get("id", "")))
    if answers is not None:
        call = answers.get(str(row.get("id")))
    if call is None:
        call = next((row[key] for key in ("answers", "calls", "call", "gold_call", "ground_truth") if key in row), None)
    call = loaded(call, "calls")
    if call is None:
        raise Unusable("no gold call")
    calls = tuple(read_call(one, tools) for one in (call if isinstance(call, list) else [call]))
    return Served(text, tools, calls, str(row.get("id", "")), *_other_form(row, calls))


def _other_form(row: Mapping[str, Any], calls: Sequence[AcceptedCall]) -> tuple[str, tuple[str, ...]]:
    """What the row says of its own incomplete form: the request, and the arguments that it lacks."""
    if "request_missing" not in row:
        return "", ()
    lacking, named = row["request_missing"], row.get("missing_param")
    missing = tuple(named) if isinstance(named, list) else (named,)
    if not isinstance(lacking, str) or not lacking.strip():
        raise Unusable("no request")
    check_length(lacking)
    if not missing or not all(
        isinstance(one, str) and len(calls) == 1 and one in calls[0].arguments for one in missing
    ):
        raise Unusable("a missing argument that the call does not have")
    return lacking.strip(), missing


def _request(row: Mapping[str, Any]) -> tuple[str, Any]:
    """What is asked for, and the call that the row's own messages hold for it."""
    given = next(
        (row[key] for key in ("request_complete", "messages", "question", "query", "prompt") if row.get(key)), None
    )
    if isinstance(given, list) and given and isinstance(given[0], list):
        if len(given) > 1:
            raise Unusable("more than one turn")
        given = given[0]
    if isinstance(given, str):
        return given.strip(), None
    if not isinstance(given, list) or not all(isinstance(one, Mapping) for one in given):
        return "", None
    said = [one for one in given if one.get("role") not in ("system", "developer")]
    if not said or said[0].get("role") != "user":
        return "", None
    if len(said) > 1 and said[1].get("role") != "assistant":
        raise Unusable("more than one turn")
    return text_of(said[0]), calls_of(said[1]) if len(said) > 1 else None


def _in_forms(
    served: Served, forms: Sequence[Form], spec: TaskSpec, balance: bool, rng: random.Random
) -> Iterator[Task]:
    pair = stable_hash(spec.family, "pair", served.text, served.tools)
    if forms == (Form.FULL,):
        yield request_task(spec.family, served, Form.FULL, pair)
        return
    cut = _written(served) if served.lacking else _cut(served, rng, balance)
    for form in forms:
        if form is Form.UNDERSPECIFIED:
            facts = tuple(fact_of(cut.served.tools, cut.served.calls[0], name) for name in cut.missing)
            lacking = Served(cut.lacking, cut.served.tools, (cut.call_lacking,), served.id)
            yield request_task(spec.family, lacking, form, pair, facts, cut.meta)
        else:
            complete = Served(cut.complete, cut.served.tools, (cut.call_complete,), served.id)
            yield request_task(spec.family, complete, form, pair, (), cut.meta)


@dataclass(frozen=True)
class _Cut:
    """A request in two forms, of which one lacks the values of `missing`."""

    served: Served
    missing: tuple[str, ...]
    lacking: str
    complete: str
    call_lacking: AcceptedCall
    call_complete: AcceptedCall
    meta: dict[str, Any]


def _written(served: Served) -> _Cut:
    """The two forms that the row itself has."""
    if served.lacking == served.text:
        raise Unusable("two forms of one text")
    (call,) = served.calls
    return _Cut(served, served.missing, served.lacking, served.text, call, call, {})


def _cut(served: Served, rng: random.Random, balance: bool) -> _Cut:
    if len(served.calls) > 1:
        raise Unusable("several calls")
    call = served.calls[0]
    if len(call.arguments) > _MOST_TOLD:
        raise Unusable(f"a call of more than {_MOST_TOLD} arguments")
    schema = next(tool["function"]["parameters"] for tool in served.tools if tool["function"]["name"] == call.name)
    required = set(required_paths(schema))
    texts: dict[str, str] = {}
    for path, values in call.arguments.items():
        others = [one[0] for name, one in call.arguments.items() if name != path and one]
        if values[0] not in others and (text := without(served.text, path.split(".")[-1], values[0], others)):
            texts[path] = text
    wanted = [path for path in texts if path in required]
    if not wanted:
        raise Unusable("no required value that stands once and can be taken out")
    rng.shuffle(wanted)
    missing = wanted[0]
    spare = [path for path in texts if path not in required]
    if not balance:
        return _Cut(served, (missing,), texts[missing], served.text, call, call, {})
    if spare:
        other = rng.choice(spare)
        return _Cut(served, (missing,), texts[missing], texts[other], call, _less(call, other), {"stand_in": other})
    if len(wanted) > 1:
        relaxed = wanted[1]
        easier = Served(served.text, _relaxed(served.tools, call.name, relaxed), served.calls, served.id)
        meta = {"stand_in": relaxed, "relaxed": relaxed}
        return _Cut(easier, (missing,), texts[missing], texts[relaxed], call, _less(call, relaxed), meta)
    return _Cut(served, (missing,), texts[missing], served.text, call, call, {})


def _less(call: AcceptedCall, path: str) -> AcceptedCall:
    """The call of the request that does not tell an argument that may be left out."""
    kept = {name: values for name, values in call.arguments.items() if name != path}
    return call.model_copy(update={"arguments": kept, "optional": tuple(one for one in call.optional if one != path)})


def _relaxed(tools: Sequence[Mapping[str, Any]], name: str, path: str) -> tuple[dict[str, Any], ...]:
    """The tools, with one argument of one of them no longer required."""
    made = deepcopy(list(tools))
    at: Any = next(tool["function"]["parameters"] for tool in made if tool["function"]["name"] == name)
    *parents, last = path.split(".")
    for parent in parents:
        at = at["properties"][parent]
    at["required"] = [one for one in at["required"] if one != last]
    return tuple(dict(tool) for tool in made)


def fact_of(tools: Sequence[Mapping[str, Any]], call: AcceptedCall, path: str) -> Fact:
    """An argument's value as what the person can tell."""
    schema = next(tool["function"]["parameters"] for tool in tools if tool["function"]["name"] == call.name)
    noun = _noun(path)
    others = tuple(_noun(other) for other in required_paths(schema) if other != path)
    described = str((argument_in(schema, path) or {}).get("description", ""))
    value = call.arguments[path][0]
    told = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    own = (noun, described) if 0 < len(described) <= 80 else (noun,)
    return Fact(
        name=path,
        statement=f"The {noun} is {told}.",
        keywords=choose_keywords(own, others) or (noun,),
        question=f"What is the {noun}?",
        public_names=public_names(schema, path),
    )


def _noun(path: str) -> str:
    name = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", path.split(".")[-1])
    return " ".join(re.sub(r"[_\W]+", " ", name).split()).lower() or path


def request_task(
    family: str,
    served: Served,
    form: Form,
    pair: str,
    facts: tuple[Fact, ...] = (),
    meta: Mapping[str, Any] | None = None,
) -> Task:
    """A request as a task; `facts` are what it lacks."""
    answer = calls_as_text(served.calls)
    return Task(
        id=stable_hash(family, form.value, served.text, answer, [fact.statement for fact in facts], served.tools),
        family=family,
        form=form,
        prompt=served.text,
        private=Private(answer=answer, facts=facts, calls=served.calls),
        tools=served.tools,
        verifier="call",
        pair=pair,
        meta={
            **({"row": served.id} if served.id else {}),
            **({"missing": [fact.name for fact in facts]} if facts else {}),
            **(meta or {}),
        },
    )
