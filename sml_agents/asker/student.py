"""The asker as a student: it asks for what is missing, and then writes the call, key by key.

`student_from("asker:")`. The tool is chosen among those offered, the likeliest missing argument is asked for while
P(missing) reaches the line, and each value is copied out of what was said, or is one of those that the schema allows.
What is not required is put in only if it was told. No argument is asked for twice: what was answered has to do.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import re
from collections.abc import Mapping, Sequence
from typing import Any

from sml_agents.asker.load import Asker, load_asker
from sml_agents.asker.pairs import words_in
from sml_agents.asker.prompt import Argument, Said, ToolView
from sml_agents.errors import BackendSpecError
from sml_agents.text.schemas import parameters_of, schema_at, type_of
from sml_agents.text.values import Clock, Kind, kind_of, mentions
from sml_agents.text.values.compare import as_bool
from sml_agents.text.values.dates import as_date
from sml_agents.text.values.numbers import as_number
from sml_agents.text.values.times import as_time
from sml_agents.types import Reply, Role, ToolCall
from sml_agents.views import StudentView

__all__ = ["AskerStudent", "question", "value_of"]

_TOLD = 0.5
"""What is not required counts as told below this P(missing)."""
_TRIES = 2
"""Calls that were refused, after which it makes no other: a third one would be a guess."""
_KEPT = 64
"""Conversations whose tool is remembered."""
_CLOCK = Clock(dt.datetime(2000, 1, 1), known=False)


class AskerStudent:
    """Asks, or calls. `spec`: `asker:` or `asker:FOLDER`; `line`: from which P(missing) on it asks, None for the stored
    one."""

    settings: dict[str, Any]

    def __init__(self, spec: str | Asker = "asker:", *, line: float | None = None) -> None:
        self.asker = load_asker(spec) if isinstance(spec, str) else spec
        self.line = self.asker.record.threshold if line is None else line
        self._chosen: dict[Any, dict[str | None, float]] = {}
        self.settings = {"model": spec if isinstance(spec, str) else f"asker:{spec.folder}", "line": self.line}

    async def reply(self, view: StudentView, *, seed: int) -> Reply:
        """One turn, the same for the same history. Raises what loading the weights raises, and BackendSpecError without
        tools: there is nothing to ask for."""
        if not view.tools:
            raise BackendSpecError(
                "The student asker: reads requests to tools, and this task has none: take tasks with tools, such as "
                "requests?form=paired, or another student."
            )
        return await asyncio.to_thread(self._reply, view)

    def _reply(self, view: StudentView) -> Reply:
        said = [Said("user" if role is Role.TEACHER else "assistant", text) for role, text in view.history if text]
        before = [text for role, text in view.history if role is Role.STUDENT]
        tool = self._tool(view, said, unsure=not before)
        if tool is None:
            return Reply(text="None of the tools that I have does that.")
        if len(view.calls) >= _TRIES:
            return Reply(text="I cannot get this call right.")
        reading = self.asker.model.read(tool, said)
        for argument in sorted(tool.required, key=lambda one: -reading.missing[one.name]):
            if reading.missing[argument.name] >= self.line and question(argument) not in before:
                return Reply(text=question(argument))
        told = [one.name for one in tool.arguments if one.required or reading.missing[one.name] < _TOLD]
        arguments: dict[str, Any] = {}
        for name, words in reading.values(told).items():
            schema = schema_at(parameters_of(view.tools)[tool.name], name)
            _put(arguments, name.split("."), value_of(words, schema, name.rsplit(".", 1)[-1]))
        return Reply(text="", tool_calls=(ToolCall(name=tool.name, arguments=arguments),), at_once=True)

    def _tool(self, view: StudentView, said: Sequence[Said], unsure: bool) -> ToolView | None:
        """The tool that serves what the person began with. `unsure`: none of them may be the answer."""
        tools = [ToolView.read(one) for one in view.tools]
        begun = (tuple(tools), said[0].text)
        if (shares := self._chosen.get(begun)) is None:
            self._chosen = {
                **dict(list(self._chosen.items())[-_KEPT:]),
                begun: self.asker.model.choose(tools, said[:1]),
            }
            shares = self._chosen[begun]
        names: list[str | None] = [one.name for one in tools]
        best = max([*names, None] if unsure else names, key=lambda name: shares[name])
        return next((one for one in tools if one.name == best), None)


def question(argument: Argument) -> str:
    """What to ask for an argument, by its name and its description."""
    name = words_in(argument.name)
    about = re.split(r"[.;(,\n]", argument.description.strip(), maxsplit=1)[0].strip()
    if not about or len(about) > 60 or about.casefold() in (name, f"the {name}"):
        return f"What should the {name} be?"
    return f"What should the {name} be ({about[:1].lower()}{about[1:]})?"


def value_of(words: str, schema: Mapping[str, Any], name: str = "") -> Any:
    """What was said as a value in the type of a schema; the words where they cannot be read so."""
    kind, sort = kind_of(schema, name), type_of(schema)
    if sort == "boolean":
        return words if (found := as_bool(words)) is None else found
    if sort in ("integer", "number"):
        return words if (number := _number(words, kind)) is None else number
    if sort == "array":
        return [one for one in re.split(r"\s*(?:,|;|\band\b)\s*", words) if one]
    if kind.sort == "date" and len(days := as_date(words, _CLOCK)) == 1 and re.search(r"\d{4}", words):
        return min(days).isoformat()
    if kind.sort == "time" and (at := as_time(words)) is not None:
        return f"{at:%H:%M}"
    return words


def _number(words: str, kind: Kind) -> float | int | None:
    """The first number that is said; of its readings the largest: 1,050 is a thousand and fifty."""
    found = mentions(kind, words, _CLOCK)
    longest = max((one.span for one in found if one.span.start == found[0].span.start), default=None)
    first = [one.value for one in found if one.span == longest] or [as_number(words)]
    number = max((value for one in first if (value := as_number(one)) is not None), default=None)
    return int(number) if number is not None and number == int(number) else number


def _put(arguments: dict[str, Any], path: Sequence[str], value: Any) -> None:
    for name in path[:-1]:
        arguments = arguments.setdefault(name, {})
    arguments[path[-1]] = value
