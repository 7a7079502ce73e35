"""The asker as a decider: `ClarifyMiddleware("asker:")`."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from typing import Any

from langchain_core.messages import AIMessage, BaseMessage, HumanMessage

from sml_agents.agents.asking import ASK_USER, Question
from sml_agents.agents.evidence import Request
from sml_agents.agents.grounding import ground
from sml_agents.agents.slots import Slot, filled, slots_of, tool_name
from sml_agents.agents.view import AgentView
from sml_agents.asker.load import Asker, load_asker
from sml_agents.asker.prompt import Argument, Said, ToolView
from sml_agents.asker.rows import Example
from sml_agents.text.values import Clock
from sml_agents.types import Role

__all__ = ["AskerDecider", "drafted", "tool_view", "ungrounded"]

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
    """Asks for each required argument whose P(missing) reaches the asker's threshold.

    `spec`: `asker:` or `asker:FOLDER`. When the person has just spoken, the tool that serves the request is chosen
    first; where none does, nothing is asked. When a call is drafted, its values are read beside what the rules found:
    an argument that they find grounded is asked for only if the asker is all but sure. `ask_above`: a threshold of
    your own, None for those stored with the weights. `drafts_only`: say nothing before a call is drafted.
    """

    def __init__(
        self, spec: str | Asker = "asker:", *, ask_above: float | None = None, drafts_only: bool = False
    ) -> None:
        self.asker = load_asker(spec) if isinstance(spec, str) else spec
        self.ask_above = ask_above
        self.drafts_only = drafts_only

    async def questions(self, view: AgentView) -> list[Question]:
        """One question an argument. Raises what loading the weights raises."""
        return await asyncio.to_thread(self._questions, view)

    def _questions(self, view: AgentView) -> list[Question]:
        if self.drafts_only and not view.calls:
            return []
        asked: dict[str, Question] = {}
        grounds = {one.slot.name: one.ok for found in view.grounds.values() for one in found}
        for slots, found in self._read(view):
            for name, probability in found.items():
                if probability >= self._line(view, grounds.get(name)):
                    asked.setdefault(name, slots[name].question())
        return list(asked.values())

    def _line(self, view: AgentView, grounded: bool | None) -> float:
        record = self.asker.record
        if self.ask_above is not None:
            return self.ask_above
        if not view.calls:
            return record.threshold
        return record.drafted if grounded is None else record.grounded if grounded else record.unknown

    def probabilities(self, view: AgentView) -> dict[str, float]:
        """P(missing) of each required argument of what is drafted, or else of the tool that serves the request."""
        together: dict[str, float] = {}
        for _, found in self._read(view):
            for name, probability in found.items():
                together[name] = max(probability, together.get(name, 0.0))
        return together

    def _read(self, view: AgentView) -> list[tuple[dict[str, Slot], dict[str, float]]]:
        said = said_in(view)
        if not said:
            return []
        if view.calls:
            made = [(view.tools[call["name"]], call["args"]) for call in view.calls if call["name"] in view.tools]
            found = []
            for tool, arguments in made:
                shown, slots = tool_view(tool)
                found.append((slots, self.asker.missing(shown, said, drafted(slots, arguments))))
            return found
        views = [tool_view(tool) for name, tool in view.tools.items() if name != ASK_USER]
        chosen = self.asker.choose([shown for shown, _ in views], said)
        return [(slots, self.asker.missing(shown, said)) for shown, slots in views if shown is chosen]


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
