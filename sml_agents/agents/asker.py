"""The asker as a decider: `ClarifyMiddleware("asker:")`."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from langchain_core.messages import AIMessage, BaseMessage, HumanMessage

from sml_agents.agents.asking import ASK_USER, Question, Told
from sml_agents.agents.evidence import Request
from sml_agents.agents.grounding import Ground, State, ground, may_be_told
from sml_agents.agents.slots import Slot, filled, slots_of, tool_name
from sml_agents.agents.view import AgentView
from sml_agents.asker.load import Asker, load_asker
from sml_agents.asker.prompt import Argument, Said, ToolView
from sml_agents.asker.rows import Example
from sml_agents.text.values import Clock
from sml_agents.types import Role

__all__ = ["AskerDecider", "drafted", "tool_view", "ungrounded"]

_JUDGED = (State.SAID, State.ACCEPTED, State.DERIVED, State.UNKNOWN, State.CONTRADICTED)
"""What the conversation decides: it does not show what tools returned, or stands in the state."""
_SPOKEN = 12
"""Messages that the asker is shown, from the end."""


def tool_view(tool: Any) -> tuple[ToolView, dict[str, Slot]]:
    """A tool as the asker sees it, and the slot behind each of its required arguments."""
    slots = {slot.name: slot for slot in slots_of(tool)}
    required = tuple(Argument.read(name, slot.schema, True) for name, slot in slots.items())
    if isinstance(tool, Mapping):
        view = ToolView.read(tool)
        optional = tuple(one for one in view.arguments if not one.required)
        purpose = view.purpose
    else:
        properties = getattr(tool, "args", None) or {}
        known = {slot.path[0] for slot in slots.values()}
        optional = tuple(Argument.read(name, one, False) for name, one in properties.items() if name not in known)
        purpose = str(getattr(tool, "description", "") or "")
    return ToolView(tool_name(tool), purpose, (*required, *optional)), slots


class AskerDecider:
    """Reads a drafted call beside the guard's rules, or a request before a call is drafted.

    `spec`: `asker:` or `asker:FOLDER`. Of a drafted call it objects to what the rules find said where it is all but
    sure that nobody said it, which is then asked for; and where the rules find nothing and it is sure that the value
    was told, it says in which of the person's words (`Told`: the guard looks whether they stand there). Without a
    call, the tool that serves the request is chosen first, and each required argument whose P(missing) reaches the
    threshold is asked for; where no tool serves, nothing. `ask_above`: a threshold of your own for all that is asked,
    None for those stored with the weights. `drafts_only`: say nothing before a call is drafted.
    """

    def __init__(
        self, spec: str | Asker = "asker:", *, ask_above: float | None = None, drafts_only: bool = False
    ) -> None:
        self.asker = load_asker(spec) if isinstance(spec, str) else spec
        self.ask_above = ask_above
        self.drafts_only = drafts_only

    async def questions(self, view: AgentView) -> list[Question | Told]:
        """Questions and what was told, one an argument. Raises what loading the weights raises."""
        return await asyncio.to_thread(self._proposals, view)

    def _proposals(self, view: AgentView) -> list[Question | Told]:
        if self.drafts_only and not view.calls:
            return []
        found: dict[str, Question | Told] = {}
        for shown, slots, grounds, probabilities in self._read(view):
            told = self._told(view, shown, grounds, probabilities)
            for name, probability in probabilities.items():
                ground = grounds.get(name)
                if probability >= self._line(view, ground) and (ground is None or ground.state in _JUDGED):
                    understood = ground.span if ground is not None and ground.ok else ""
                    found.setdefault(name, slots[name].question(understood=understood))
                elif words := told.get(name):
                    found.setdefault(name, Told(about=name, words=words))
        return list(found.values())

    def _line(self, view: AgentView, ground: Ground | None) -> float:
        record = self.asker.record
        if self.ask_above is not None:
            return self.ask_above
        if not view.calls:
            return record.threshold
        return record.drafted if ground is None else record.grounded

    def _told(
        self, view: AgentView, tool: ToolView, grounds: Mapping[str, Ground], probabilities: Mapping[str, float]
    ) -> dict[str, str]:
        """In which words the arguments were told that the rules do not find and the asker does."""
        below = self.asker.record.told
        names = [name for name, one in grounds.items() if may_be_told(one) and probabilities.get(name, 1.0) < below]
        return self.asker.model.read(in_words(tool), said_in(view)).values(names) if names else {}

    def probabilities(self, view: AgentView) -> dict[str, float]:
        """P(missing) of each required argument of what is drafted, or else of the tool that serves the request."""
        together: dict[str, float] = {}
        for _, _, _, found in self._read(view):
            for name, probability in found.items():
                together[name] = max(probability, together.get(name, 0.0))
        return together

    def _read(self, view: AgentView) -> list[tuple[ToolView, dict[str, Slot], dict[str, Ground], dict[str, float]]]:
        """Each tool that is called, or else the one to be: its slots, their grounds and P(missing)."""
        said = said_in(view)
        if not said:
            return []
        if view.calls:
            found = []
            for call in view.calls:
                if call["name"] in view.tools:
                    shown, slots = tool_view(view.tools[call["name"]])
                    grounds = _weakest(view.grounds.get(call["id"] or "", ()))
                    probabilities = self.asker.missing(shown, said, drafted(slots, call["args"]))
                    found.append((shown, slots, grounds, probabilities))
            return found
        views = [tool_view(tool) for name, tool in view.tools.items() if name != ASK_USER]
        chosen = self.asker.choose([shown for shown, _ in views], said)
        return [(shown, slots, {}, self.asker.missing(shown, said)) for shown, slots in views if shown is chosen]


def _weakest(grounds: Sequence[Ground]) -> dict[str, Ground]:
    """One ground an argument: of several values in a list, one that has none."""
    found: dict[str, Ground] = {}
    for one in grounds:
        if one.slot.name not in found or not one.ok:
            found[one.slot.name] = one
    return found


def in_words(tool: ToolView) -> ToolView:
    """The tool as one whose values are all copied out of what was said, also those that are chosen from a list."""
    return replace(tool, arguments=tuple(replace(one, options=(), sort="") for one in tool.arguments))


def ungrounded(tool: ToolView, example: Example, clock: Clock) -> set[str]:
    """The arguments of an example's drafted call for which the guard's rules find no ground."""
    schema = {one.name: _schema(one) for one in tool.arguments}
    parameters = {"type": "object", "properties": schema, "required": [one.name for one in tool.required]}
    spoken: list[BaseMessage] = [
        HumanMessage(one.text) if one.role == "user" else AIMessage(one.text) for one in example.said
    ]
    slots = slots_of({"name": tool.name, "parameters": parameters})
    values = {name: value for name, (value, _) in example.drafts.items()}
    found = ground(values, slots, Request.read(spoken, lambda name: False), clock)
    return {one.slot.name for one in found if not one.ok}


def _schema(argument: Argument) -> dict[str, Any]:
    given = {"type": argument.sort, "description": argument.description, "enum": list(argument.options)}
    return {key: value for key, value in given.items() if value}


def drafted(slots: Mapping[str, Slot], arguments: Mapping[str, Any]) -> dict[str, str]:
    """The values of a drafted call, by required argument, as text."""
    return {one.slot.name: _text(one.value) for one in filled(list(slots.values()), arguments) if one.given}


def said_in(view: AgentView) -> list[Said]:
    """The end of the conversation, as the asker is shown it."""
    spoken = [Said("user" if role is Role.TEACHER else "assistant", text) for role, text in view.history]
    return spoken[-_SPOKEN:]


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return value if isinstance(value, str) else json.dumps(value, default=str, ensure_ascii=False)
