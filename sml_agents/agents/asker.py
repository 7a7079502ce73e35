"""The asker as a decider: `ClarifyMiddleware("asker:")`."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping, Sequence
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

__all__ = ["JUDGED", "AskerDecider", "drafted", "tool_view", "ungrounded"]

JUDGED = (State.SAID, State.ACCEPTED, State.DERIVED)
"""What the conversation decides: it does not show what tools returned, or stands in the state."""
_SPOKEN = 12
"""Messages that the asker is shown, from the end."""


def tool_view(tool: Any) -> tuple[ToolView, dict[str, Slot]]:
    """A tool as the asker sees it, and the slot behind each of its required arguments."""
    slots = {slot.name: slot for slot in slots_of(tool) if slot.path}
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
    sure that nobody said it. Where the rules find nothing and it is not all but sure that nobody said it, the value
    that was understood is asked for so that a yes is enough; below the lines `told` of its record, of which the
    package's has none, it counts as told without one.

    Without a call, the tool that serves the request is chosen first, and each required argument whose P(missing)
    reaches the threshold is asked for; where no tool serves, nothing. `ask_above`: a threshold of your own for all that
    is asked, None for those stored with the weights. `drafts_only`: say nothing before a call is drafted.
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
        for slots, drafts, grounds, probabilities in self._read(view):
            for name, probability in probabilities.items():
                if one := self._proposal(slots[name], drafts.get(name, ""), grounds.get(name), probability):
                    found.setdefault(name, one)
        return list(found.values())

    def _proposal(self, slot: Slot, draft: str, ground: Ground | None, probability: float) -> Question | Told | None:
        record, above = self.asker.record, self.ask_above
        if ground is None:
            line = (record.drafted if draft else record.threshold) if above is None else above
            return slot.question() if probability >= line else None
        if ground.ok:
            objects = ground.state in JUDGED and probability >= (record.grounded if above is None else above)
            return slot.question(understood=draft) if objects else None
        if may_be_told(ground) and probability < record.told.get(ground.slot.kind(ground.value).sort, 0.0):
            return Told(about=slot.name, words=None)
        may_be = ground.state is State.UNKNOWN and probability < record.grounded
        return slot.question(understood=draft) if may_be else None

    def probabilities(self, view: AgentView) -> dict[str, float]:
        """P(missing) of each required argument of what is drafted, or else of the tool that serves the request."""
        together: dict[str, float] = {}
        for *_, found in self._read(view):
            for name, probability in found.items():
                together[name] = max(probability, together.get(name, 0.0))
        return together

    def _read(
        self, view: AgentView
    ) -> list[tuple[dict[str, Slot], dict[str, str], dict[str, Ground], dict[str, float]]]:
        """Each tool that is called, or else the one to be: its slots, their drafted values, grounds and P(missing)."""
        said = said_in(view)
        if not said:
            return []
        if view.calls:
            found = []
            for call in view.calls:
                if call["name"] in view.tools:
                    shown, slots = tool_view(view.tools[call["name"]])
                    grounds = _weakest(view.grounds.get(call["id"] or "", ()))
                    drafts = drafted(slots, call["args"])
                    found.append((slots, drafts, grounds, self.asker.missing(shown, said, drafts)))
            return found
        views = [tool_view(tool) for name, tool in view.tools.items() if name != ASK_USER]
        chosen = self.asker.choose([shown for shown, _ in views], said)
        return [(slots, {}, {}, self.asker.missing(shown, said)) for shown, slots in views if shown is chosen]


def _weakest(grounds: Sequence[Ground]) -> dict[str, Ground]:
    """One ground an argument: of several values in a list, one that has none."""
    found: dict[str, Ground] = {}
    for one in grounds:
        if one.slot.name not in found or not one.ok:
            found[one.slot.name] = one
    return found


def ungrounded(tool: ToolView, example: Example, clock: Clock) -> dict[str, str]:
    """The arguments of an example's drafted call for which the guard's rules find no ground, each with the kind of its
    value; empty where nobody but the rules may find one."""
    schema = {one.name: _schema(one) for one in tool.arguments}
    parameters = {"type": "object", "properties": schema, "required": [one.name for one in tool.required]}
    spoken: list[BaseMessage] = [
        HumanMessage(one.text) if one.role == "user" else AIMessage(one.text) for one in example.said
    ]
    slots = slots_of({"name": tool.name, "parameters": parameters})
    values = {name: value for name, (value, _) in example.drafts.items()}
    found = ground(values, slots, Request.read(spoken, lambda name: False).for_tool(tool.name), clock)
    return {one.slot.name: one.slot.kind(one.value).sort if may_be_told(one) else "" for one in found if not one.ok}


def _schema(argument: Argument) -> dict[str, Any]:
    given = {"type": argument.sort, "description": argument.description, "enum": list(argument.options)}
    return {key: value for key, value in given.items() if value}


def drafted(slots: Mapping[str, Slot], arguments: Mapping[str, Any]) -> dict[str, str]:
    """The values of a drafted call, by required argument, as text; several of one argument in a row."""
    found: dict[str, list[str]] = {}
    for one in filled(list(slots.values()), arguments):
        if one.given:
            found.setdefault(one.slot.name, []).append(_text(one.value))
    return {name: ", ".join(texts) for name, texts in found.items()}


def said_in(view: AgentView) -> list[Said]:
    """The end of the conversation, as the asker is shown it."""
    spoken = [Said("user" if role is Role.TEACHER else "assistant", text) for role, text in view.history]
    return spoken[-_SPOKEN:]


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return value if isinstance(value, str) else json.dumps(value, default=str, ensure_ascii=False)
