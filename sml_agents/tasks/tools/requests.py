"""Requests to an agent with tools: seeded, unlimited, and split into train, dev and held-out tools.

A request tells values for arguments of one tool, which stands among others. Which arguments that tool requires is
drawn for each request, so in a pair the argument that the incomplete request lacks and the one that stands in for it
are exchangeable: the one is required, the other is optional or nothing that the tool knows, and which is which is
decided by a coin. The words of complete and incomplete requests are therefore the same in distribution, whatever is
counted in them: only who reads the schema can tell them apart. Some speak of the argument that they do not tell, in
both forms alike.

Task.meta: `tool` (its name in the bank), `said` (the words for each value, by the argument's path in the schema),
`told` (paths that the prompt tells), `missing`, `now` (the day it is, where the prompt says so), `numbers` (`words` or
`digits`), `domain`.
"""

from __future__ import annotations

import datetime as dt
import json
import random
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from sml_agents.errors import TaskSpecError
from sml_agents.tasks.generated.naming import choose_keywords
from sml_agents.tasks.spec import LoadReport, TaskSpec, choose_forms
from sml_agents.tasks.tools.bank import Argument, Bank, Tool, load_bank
from sml_agents.tasks.tools.schemas import Signature, Status, draw_signature
from sml_agents.tasks.tools.values import Manner, Said
from sml_agents.tasks.tools.wording import Voice, draw_voice, question_for, statement_of
from sml_agents.text.numbers import in_words
from sml_agents.text.schemas import public_names
from sml_agents.types import AcceptedCall, Fact, Form, Private, Task, stable_hash

__all__ = ["Request", "calls_as_text", "make"]

_GOLDEN = 0.6180339887498949
"""Its multiples lie evenly between 0 and 1, so that any run of requests has its share of spelled numbers."""
_SPELLED = 0.4
_CLOCKED = 0.4
"""Share of the requests that say which day it is, of those that a day matters to."""
_SEVERAL = (80, 17, 3)
"""Weights of one, two and three missing arguments."""
_OPTIONAL_TOLD, _FOREIGN_TOLD = 0.35, 0.12
_DISTRACTORS = (1, 3, 3, 2, 1)
"""Weights of no other tool, of one, and so on."""
_DRAWS = 60
_UNSERVED = {"mixed": 12}
"""Percent of the requests that no tool serves, by form; none elsewhere."""


@dataclass(frozen=True)
class Request:
    """One request before it is given a form."""

    bank: Bank
    signature: Signature
    missing: tuple[Argument, ...]
    stand_ins: tuple[Argument, ...]
    """One for each that is missing."""
    order: tuple[Argument | int, ...]
    """What is told, in order; a number stands for a missing argument or its stand-in."""
    values: dict[str, Said]
    voice: Voice
    manner: Manner
    tools: tuple[dict[str, Any], ...]

    def told(self, form: Form) -> list[Argument]:
        """The arguments that the request tells in a form."""
        if form is Form.SHARDED:
            return []
        side = self.missing if form is Form.FULL else self.stand_ins
        return [side[item] if isinstance(item, int) else item for item in self.order]

    def prompt(self, form: Form) -> str:
        untold = {Form.FULL: self.stand_ins, Form.UNDERSPECIFIED: self.missing}.get(form)
        return self.voice.told(self.told(form), self.values, untold[0] if untold else None)

    def is_safe(self) -> bool:
        """Whether nothing in the incomplete request tells what is missing."""
        text = self.prompt(Form.UNDERSPECIFIED)
        return not any(_tells(text, argument, self.values[argument.path]) for argument in self.missing)


def make(spec: TaskSpec, report: LoadReport) -> Iterator[tuple[Task, ...]]:
    """Tasks without end; a request that came before is passed over."""
    banks = [load_bank(split) for split in spec.splits]
    pool = [(bank, tool) for bank in banks for tool in bank.tools]
    unserved = spec.integer("unserved", 0)
    if unserved is None:
        unserved = _UNSERVED.get(spec.form, 0)
    if unserved > 100:
        raise TaskSpecError(f"unserved= in {spec.text!r} is a percentage, from 0 to 100.")
    if unserved and spec.form not in ("full", "mixed"):
        raise TaskSpecError(f"Requests that no tool serves come in the forms full and mixed, not as in {spec.text!r}.")
    most, longest = spec.integer("distractors", 0), spec.integer("arguments", 2)
    seen: set[str] = set()
    index = spec.offset
    while True:
        turn = list(range(len(pool)))
        random.Random(stable_hash("requests", spec.splits, spec.seed, index // len(pool))).shuffle(turn)
        bank, tool = pool[turn[index % len(pool)]]
        rng = random.Random(stable_hash("requests", spec.splits, spec.seed, index))
        spell = (index + spec.seed) * _GOLDEN % 1 < _SPELLED
        index += 1
        request = _draw(bank, tool, spell, rng, most)
        if request is None or (longest is not None and request.signature.size > longest):
            continue
        if rng.random() * 100 < unserved:
            tasks: tuple[Task, ...] = (_unserved(request, rng, most),)
        else:
            tasks = tuple(_task(request, form) for form in choose_forms(spec.form, tuple(Form), rng))
        if tasks[0].id not in seen:
            seen.add(tasks[0].id)
            report.read += 1
            yield tasks


def _draw(bank: Bank, tool: Tool, spell: bool, rng: random.Random, most: int | None) -> Request | None:
    """A request to one tool among others; `most`: how many others are kept, of the same request."""
    exchanges = _exchanges(tool.arguments, rng)
    fixed: dict[str, Status] = {}
    for wanted, other in exchanges:
        fixed[wanted.path] = "required"
        fixed[other.path] = "optional" if rng.random() < 0.6 else "absent"
    signature = draw_signature(tool, rng, fixed)
    missing, stand_ins = (tuple(side) for side in zip(*exchanges, strict=True))
    order: list[Argument | int] = list(range(len(exchanges)))
    for argument in tool.arguments:
        share = {"required": 1.0, "optional": _OPTIONAL_TOLD, "absent": _FOREIGN_TOLD}
        if argument.path not in fixed and rng.random() < share[signature.statuses[argument.path]]:
            order.append(argument)
    places = {argument.path: place for place, argument in enumerate(tool.arguments)}
    if rng.random() < 0.6:  # in the tool's own order; a stand-in is where the missing one would be, or the reverse
        coin = [rng.choice(pair).path for pair in exchanges]
        order.sort(key=lambda item: places[coin[item] if isinstance(item, int) else item.path])
    else:
        rng.shuffle(order)
    today = dt.date(2026, 1, 1) + dt.timedelta(rng.randrange(700)) if rng.random() < _CLOCKED else None
    concerned = [*missing, *stand_ins, *(item for item in order if isinstance(item, Argument))]
    dated = any(_is_day(argument) for argument in concerned)
    manner = Manner(spell, today if dated else None, rng.choice((2025, 2026, 2027)))
    voice = draw_voice(tool.goals, tool.arguments, bank.style, manner, rng, dated=dated)
    others = _distractors(bank, tool, rng)
    tools = [signature.schema, *others]
    rng.shuffle(tools)
    tools = [one for one in tools if one is signature.schema or one in others[:most]]
    for _ in range(_DRAWS):
        values = {argument.path: argument.kind.draw(rng, manner) for argument in tool.arguments}
        request = Request(bank, signature, missing, stand_ins, tuple(order), values, voice, manner, tuple(tools))
        if _differ(values) and _in_order(tool, values) and request.is_safe():
            return request
    return None


def _exchanges(arguments: Sequence[Argument], rng: random.Random) -> list[tuple[Argument, Argument]]:
    """Who is missing and who stands in: pairs, those of one sort more often, and which is which by a coin."""
    count = min(rng.choices((1, 2, 3), _SEVERAL)[0], len(arguments) // 2)
    left, pairs = list(arguments), []
    for _ in range(count):
        one = left.pop(rng.randrange(len(left)))
        weights = [3 if other.kind.sort == one.kind.sort else 1 for other in left]
        other = left.pop(rng.choices(range(len(left)), weights)[0])
        pairs.append((one, other) if rng.random() < 0.5 else (other, one))
    return pairs


def _distractors(bank: Bank, tool: Tool, rng: random.Random, least: int = 0) -> list[dict[str, Any]]:
    """Other tools of the split, of the same domain or of any."""
    count = max(least, rng.choices(range(len(_DISTRACTORS)), _DISTRACTORS)[0])
    others = [other for other in bank.tools if other is not tool]
    near = [other for other in others if other.domain == tool.domain]
    chosen: list[Tool] = []
    for _ in range(count):
        pool = near if near and rng.random() < 0.5 else others
        if (other := rng.choice(pool)) not in chosen:
            chosen.append(other)
    return [draw_signature(other, rng).schema for other in chosen]


def _is_day(argument: Argument) -> bool:
    return "date" in (argument.kind.sort, argument.kind.inner.sort if argument.kind.inner else "")


def _differ(values: dict[str, Said]) -> bool:
    words = [said.words.casefold() for said in values.values() if said.words]
    return not any(one in other for k, one in enumerate(words) for j, other in enumerate(words) if k != j)


def _in_order(tool: Tool, values: dict[str, Said]) -> bool:
    """Whether days follow one another as the tool's arguments do: no return before the departure."""
    days = [values[argument.path].value for argument in tool.arguments if argument.kind.sort == "date"]
    return days == sorted(days)


def _tells(text: str, argument: Argument, said: Said) -> bool:
    """Whether a text holds the value in any of its forms."""
    if argument.kind.sort == "bool":
        forms = [part.strip() for phrase in argument.phrases for part in phrase.split("//")]
    elif isinstance(said.value, list):
        forms = [said.words, *map(str, said.value)]
    else:
        forms = [said.words, str(said.value)]
        if isinstance(said.value, int) and 0 <= said.value < 10**6:
            forms += [in_words(said.value), f"{said.value:,}"]
    return any(
        re.search(rf"(?<![\w]){re.escape(form.rstrip('.'))}(?![\w])", text, re.IGNORECASE) for form in forms if form
    )


def _task(request: Request, form: Form) -> Task:
    signature, names = request.signature, request.signature.names
    told = request.told(form)
    required = signature.those("required")
    lacking = [argument for argument in required if argument not in told]
    held = [argument for argument in told if signature.statuses[argument.path] == "optional"]
    arguments = {names[a.path]: request.values[a.path].accepted for a in (*required, *held)}
    untold = {names[path]: (value,) for path, value in signature.defaults.items() if names[path] not in arguments}
    call = AcceptedCall(name=signature.name, arguments={**arguments, **untold}, optional=tuple(untold))
    facts = _facts(request, lacking)
    told_here = [names[a.path] for a in told if signature.statuses[a.path] != "absent"]
    meta = {"missing": [names[argument.path] for argument in lacking]} if lacking else {}
    said = {names[a.path]: request.values[a.path].words for a in (*required, *held)}
    return _made(request, form, request.prompt(form), request.tools, (call,), facts, {
        "said": said, "told": told_here, **meta,
    })  # fmt: skip


def _unserved(request: Request, rng: random.Random, most: int | None) -> Task:
    """The complete request, with tools of which none serves it."""
    tools = tuple(tool for tool in request.tools if tool is not request.signature.schema)
    tools = tools or tuple(_distractors(request.bank, request.signature.tool, rng, least=1))
    tools = tools if most is None else tools[: most + 1]
    return _made(request, Form.FULL, request.prompt(Form.FULL), tools, (), (), {"said": {}, "told": []})


def _made(
    request: Request,
    form: Form,
    prompt: str,
    tools: tuple[dict[str, Any], ...],
    calls: tuple[AcceptedCall, ...],
    facts: tuple[Fact, ...],
    meta: dict[str, Any],
) -> Task:
    tool, today = request.signature.tool, request.manner.today
    answer = calls_as_text(calls)
    numbers = "words" if request.manner.spell else "digits"
    meta = {"tool": tool.name, "domain": tool.domain, "numbers": numbers, **meta}
    if today is not None:
        meta["now"] = today.isoformat()
    return Task(
        id=stable_hash("requests", form.value, prompt, answer, [fact.statement for fact in facts], tools),
        family="requests",
        form=form,
        prompt=prompt,
        private=Private(answer=answer, facts=facts, calls=calls),
        tools=tools,
        verifier="call",
        split=request.bank.split,
        template=tool.name,
        pair=stable_hash("requests", "pair", request.prompt(Form.FULL), request.signature.schema),
        meta=meta,
    )


def _facts(request: Request, lacking: Sequence[Argument]) -> tuple[Fact, ...]:
    asks = request.bank.style.asks
    parameters = request.signature.schema["function"]["parameters"]
    facts = []
    for argument in lacking:
        others = tuple(other.noun for other in request.signature.tool.arguments if other is not argument)
        question = question_for(argument, asks[request.voice.phrases[argument.path] % len(asks)])
        own = (argument.noun, question) if argument.kind.sort == "bool" else (argument.noun,)
        facts.append(
            Fact(
                name=request.signature.names[argument.path],
                statement=statement_of(argument, request.values[argument.path]),
                keywords=choose_keywords(own, others),
                question=question,
                public_names=public_names(parameters, request.signature.names[argument.path]),
            )
        )
    return tuple(facts)


def calls_as_text(calls: Sequence[AcceptedCall]) -> str:
    """The usual calls, one JSON object a line."""
    return "\n".join(json.dumps({"name": call.name, "arguments": call.usual}, ensure_ascii=False) for call in calls)
