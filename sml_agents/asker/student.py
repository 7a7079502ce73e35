"""The asker as a student: it asks for what is missing, and then writes the call, key by key.

`student_from("asker:")`. The tool is chosen among those offered, the likeliest missing argument is asked for while
P(missing) reaches the line, and each value is copied out of what was said, or is one of those that the schema allows.
What is not required is put in only if it was told, and what was told before an answer stays told after it. No argument
is asked for twice: what was answered has to do.

No call is made again after it was refused. If what the person said of it changes nothing, the argument that they name
is asked for, else the likeliest one that was not asked for yet, below the line, too. If they say that the tool is the
wrong one, the likeliest of the others is taken, once: to go through all of them would be to guess.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import re
from collections.abc import Collection, Sequence
from typing import Any

from sml_agents.asker.by_name import names
from sml_agents.asker.likeness import stems
from sml_agents.asker.load import Asker, load_asker
from sml_agents.asker.pairs import words_in
from sml_agents.asker.prompt import Argument, Said, ToolView
from sml_agents.asker.told import Filled, kept
from sml_agents.errors import BackendSpecError
from sml_agents.types import Reply, Role, ToolCall
from sml_agents.views import StudentView

__all__ = ["AskerStudent", "question"]

_TOLD = 0.5
"""What is not required counts as told below this P(missing)."""
_TRIES = 2
"""Calls of a tool that were refused, after which it makes no other: a third one would be a guess."""
_OF_TOOLS = stems("tool function")
_KEPT = 64
"""Conversations whose tool, and what was told so far, is remembered."""

_GIVEN_UP = Reply(text="I cannot get this call right.")
_NO_TOOL = Reply(text="None of the tools that I have does that.")


class AskerStudent:
    """Asks, or calls.

    Args:
        spec: `asker:` or `asker:FOLDER`.
        line: from which P(missing) on it asks; None: the stored one.
        now: what `tomorrow` is counted from, where nobody says what day it is; None: the time by this machine.
    """

    settings: dict[str, Any]

    def __init__(
        self, spec: str | Asker = "asker:", *, line: float | None = None, now: dt.datetime | None = None
    ) -> None:
        self.asker = load_asker(spec) if isinstance(spec, str) else spec
        self.line = self.asker.record.line if line is None else line
        self.now = now
        self._chosen: dict[Any, dict[str | None, float]] = {}
        self._read: dict[Any, Filled] = {}
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
        said = _said(view)
        before = [text for role, text in view.history if role is Role.STUDENT]
        tool = self._tool(view, said, unsure=not before)
        if tool is None:
            return _NO_TOOL
        if sum(made[-1].name == tool.name for _, made in view.calls) >= _TRIES:
            return _GIVEN_UP
        filled = self._filled(tool, said)
        refusal = next((one.text for one in reversed(said) if one.refuses is not None), "")
        named = {one.name for one in tool.arguments if names(refusal, one)}
        call = _call(tool, filled, named)
        refused = [(one.name, one.arguments) for _, made in view.calls for one in made]
        in_vain = (call.name, call.arguments) in refused
        for one in sorted(tool.arguments, key=lambda one: (one.name not in named, -filled.missing[one.name])):
            lacks = one.required and filled.missing[one.name] >= self.line
            may_be_wrong = in_vain and (one.required or one.name in named)
            if (lacks or may_be_wrong) and question(one) not in before:
                return Reply(text=question(one))
        return _GIVEN_UP if in_vain else Reply(text="", tool_calls=(call,), at_once=True)

    def _filled(self, tool: ToolView, said: Sequence[Said]) -> Filled:
        """What was told so far, with what had been told before the person's latest message."""
        today = (self.now or dt.datetime.now()).date()  # what `tomorrow` means
        key = (tool, today, tuple((one.role, one.text, repr(one.refuses)) for one in said))
        if key not in self._read:
            found = self.asker.fill(tool, said, self.now)
            before = max((place + 1 for place, one in enumerate(said[:-1]) if one.role == "user"), default=0)
            if before:
                found = kept(self._filled(tool, said[:before]), found, tool, said[-1].text)
            self._read = {**dict(list(self._read.items())[-_KEPT:]), key: found}
        return self._read[key]

    def _tool(self, view: StudentView, said: Sequence[Said], unsure: bool) -> ToolView | None:
        """The tool that serves what the person began with, but for one that they have said is wrong. `unsure`: none of
        them may be the answer."""
        tools = [ToolView.read(one) for one in view.tools]
        begun = (tuple(tools), said[0].text)
        if (shares := self._chosen.get(begun)) is None:
            self._chosen = {
                **dict(list(self._chosen.items())[-_KEPT:]),
                begun: self.asker.model.choose(tools, said[:1]),
            }
            shares = self._chosen[begun]
        wrong = _wrong_tools(view, tools)
        left: list[str | None] = [one.name for one in tools if one.name not in wrong]
        if len(wrong) > 1 or not left:
            return None
        best = max([*left, None] if unsure or wrong else left, key=lambda name: shares[name])
        return next((one for one in tools if one.name == best), None)


def _said(view: StudentView) -> list[Said]:
    """The conversation in words. What follows a call refuses it, or the dialogue would be over."""
    called = {place: made[-1].arguments for place, made in view.calls}
    return [
        Said("user", text, called.get(place - 1)) if role is Role.TEACHER else Said("assistant", text)
        for place, (role, text) in enumerate(view.history)
        if text
    ]


def _wrong_tools(view: StudentView, tools: Sequence[ToolView]) -> set[str]:
    """The tools that a person said are the wrong ones: what they say of a call names none of its arguments, but speaks
    of tools, or says the words by which another tool's name differs."""
    found = set()
    for place, made in view.calls:
        called = next((one for one in tools if one.name == made[-1].name), None)
        answer = " ".join(text for role, text in view.history[place + 1 : place + 2] if role is Role.TEACHER)
        if called is None or any(names(answer, one) for one in called.arguments):
            continue
        heard = stems(answer)
        others = [stems(one.name) - stems(called.name) for one in tools]
        if heard & _OF_TOOLS or any(words and words <= heard for words in others):
            found.add(called.name)
    return found


def _call(tool: ToolView, filled: Filled, named: Collection[str]) -> ToolCall:
    """The call as it was told; `named`: what the person spoke of when they refused the last one, required or not."""
    arguments: dict[str, Any] = {}
    for one in tool.arguments:
        told = filled.told[one.name]
        if one.required or filled.missing[one.name] < _TOLD or (one.name in named and told.found):
            _put(arguments, one.name.split("."), told.value)
    return ToolCall(name=tool.name, arguments=arguments)


def question(argument: Argument) -> str:
    """What to ask for an argument, by its name and its description."""
    name = words_in(argument.name)
    about = re.split(r"[.;(,\n]", argument.description.strip(), maxsplit=1)[0].strip()
    if not about or len(about) > 60 or about.casefold() in (name, f"the {name}"):
        return f"What should the {name} be?"
    begins = about[:1] if about[:2].isupper() else about[:1].lower()
    return f"What should the {name} be ({begins}{about[1:]})?"


def _put(arguments: dict[str, Any], path: Sequence[str], value: Any) -> None:
    for name in path[:-1]:
        arguments = arguments.setdefault(name, {})
    arguments[path[-1]] = value
