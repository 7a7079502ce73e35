"""The asker on the decisions of one's own agent: as a decider that is measured, and as rows to train one on.

AskerJudge   the asker as it ships, or one of your own, on lessons
LessonRows   rows for `train_asker` out of lessons, and pairs to choose its thresholds on
"""

from __future__ import annotations

import asyncio
import json
import random
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from sml_agents.asker.load import Asker, load_asker
from sml_agents.asker.mix import Pair
from sml_agents.asker.pairs import stands_once
from sml_agents.asker.prompt import Argument, Said, ToolView
from sml_agents.asker.rows import Choice, Example, Row
from sml_agents.errors import InputError
from sml_agents.evaluation.deciders import Case, Decision, unsaid
from sml_agents.text.schemas import schema_at
from sml_agents.types import Role, ToolCall, stable_hash

__all__ = ["AskerJudge", "LessonRows"]

_SPOKEN = 12
"""Messages that the asker is shown, from the end, as in an agent."""
_ASIDE = 8
"""One thread in so many is not trained on: thresholds are chosen on it."""


_Lesson = tuple[ToolView, Example]
_RowOf = Callable[[random.Random], Row | Choice | None]


class AskerJudge:
    """Reads a drafted call beside the tolerant rule, by the thresholds that an agent's guard has for it.

    A value that the rule finds is asked for from `grounded` on; one that it does not find is asked for unless it counts
    as told: below the line of its kind in `told`. `spec`: `asker:` or `asker:FOLDER`. Where nothing is drafted, the
    tool that serves the request is chosen first. How sure it is to ask is laid so that the stored threshold is 0.5.
    """

    def __init__(self, spec: str | Asker = "asker:") -> None:
        self.asker = load_asker(spec) if isinstance(spec, str) else spec

    async def decide(self, case: Case) -> Decision:
        """Raises what loading the weights raises."""
        return await asyncio.to_thread(self._decide, case)

    def _decide(self, case: Case) -> Decision:
        sure, tool, path, value = max(self._read(case), key=lambda one: one[0], default=(0.0, "", "", None))
        return Decision(sure, case.arguments.question(tool, [path], value) if sure else "", path)

    def _read(self, case: Case) -> Iterator[tuple[float, str, str, Any]]:
        """How sure each argument is to be asked for, with its tool, its name and the drafted value."""
        said, record = _said(case), self.asker.record
        for call in case.calls:
            values, lost = case.arguments.required(call.name, call.arguments), unsaid(case, call)
            for path, p in self.asker.missing(_view(case, call), said, _drafted(case, call)).items():
                kind = case.arguments.kind(call.name, path, values[path]).sort
                line = record.told.get(kind, 0.0) if path in lost else record.grounded
                yield _laid(p, line), call.name, path, values[path]
        if not case.calls and (tool := self.asker.choose([ToolView.read(one) for one in case.tools], said)):
            for path, p in self.asker.missing(tool, said).items():
                yield _laid(p, record.threshold), tool.name, path, None


class LessonRows:
    """Draws rows out of lessons: conversations about one tool, in which something was missing and in which nothing was.

    Raises InputError where no lesson has both a drafted call and an argument of it.
    """

    def __init__(self, cases: Iterable[Case]) -> None:
        self._by_tool: dict[str, tuple[list[_Lesson], list[_Lesson]]] = defaultdict(lambda: ([], []))
        self._aside: list[_Lesson] = []
        for case in cases:
            aside = int(stable_hash("aside", case.thread)[:6], 16) % _ASIDE == 0
            for lesson in _lessons(case):
                if aside:
                    self._aside.append(lesson)
                else:
                    self._by_tool[lesson[0].name][not case.missing].append(lesson)
        if not self._by_tool:
            raise InputError(
                "no lesson holds a call that was drafted: a log without tool calls teaches an asker nothing"
            )

    def __len__(self) -> int:
        return sum(len(one) for sides in self._by_tool.values() for one in sides)

    def __call__(self, rng: random.Random) -> Row:
        """Up to two conversations of each kind about one tool, each tool as often as it has lessons."""
        tools = list(self._by_tool)
        lacking, whole = self._by_tool[rng.choices(tools, [sum(map(len, self._by_tool[one])) for one in tools])[0]]
        taken = [*rng.sample(lacking, min(2, len(lacking))), *rng.sample(whole, min(2, len(whole)))]
        names = max((view for view, _ in taken), key=lambda view: len(view.arguments))
        known = {one.name for one in names.arguments}
        return Row(names, tuple(example for view, example in taken if known >= {one.name for one in view.arguments}))

    def mixed_with(self, other: _RowOf | None) -> _RowOf:
        """Every second row from `other`; None: lessons alone."""
        return self if other is None else lambda rng: self(rng) if rng.random() < 0.5 else other(rng)

    def pairs(self) -> list[Pair]:
        """Of the threads that are not trained on: conversations of one tool that lack something, with others that do
        not."""
        found = []
        for name in sorted({view.name for view, _ in self._aside}):
            lacking, whole = (
                [one for one in self._aside if one[0].name == name and bool(one[1].missing) is side]
                for side in (True, False)
            )
            found += [Pair(view, example, other) for (view, example), (_, other) in zip(lacking, whole, strict=False)]
        return found


def _lessons(case: Case) -> Iterator[_Lesson]:
    """What a decision teaches of each call that was drafted: which of its values was given, and which was not."""
    said = _said(case)
    told = " ".join(one.text for one in said if one.role == "user")
    for call in case.calls:
        lost, missing = unsaid(case, call), case.fact.name if case.fact else ""
        drafted = _drafted(case, call)
        if not drafted or (case.missing and missing not in drafted):
            continue
        # Of what else nobody said in a conversation that lacks something, the lesson tells nothing.
        drafts = {
            path: (text, path != missing)
            for path, text in drafted.items()
            if path == missing or not case.missing or path not in lost
        }
        values: dict[str, str | None] = {
            path: text for path, (text, given) in drafts.items() if given and stands_once(text, told)
        }
        yield _view(case, call), Example(said, {**values, **({missing: None} if case.missing else {})}, drafts)


def _view(case: Case, call: ToolCall) -> ToolView:
    """The tool of a call as the asker sees it: what its schema requires, or all of the call where none is known."""
    functions = [tool.get("function") or {} for tool in case.tools]
    purpose = next((str(one.get("description") or "") for one in functions if one.get("name") == call.name), "")
    schema = case.arguments.schemas.get(call.name, {})
    wanted = case.arguments.required(call.name, call.arguments)
    return ToolView(call.name, purpose, tuple(Argument.read(path, schema_at(schema, path), True) for path in wanted))


def _drafted(case: Case, call: ToolCall) -> dict[str, str]:
    return {path: _text(value) for path, value in case.arguments.required(call.name, call.arguments).items()}


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return value if isinstance(value, str) else json.dumps(value, default=str, ensure_ascii=False)


def _said(case: Case) -> tuple[Said, ...]:
    spoken = [Said("user" if one.role is Role.TEACHER else "assistant", one.text) for one in case.history if one.text]
    return tuple(spoken[-_SPOKEN:])


def _laid(probability: float, line: float) -> float:
    """A probability laid so that `line` comes to 0.5."""
    if probability < line:
        return 0.5 * probability / line
    return 0.5 + 0.5 * (probability - line) / (1 - line)
