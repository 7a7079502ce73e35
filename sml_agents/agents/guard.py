"""Which calls are guarded, and what each of their arguments is grounded in.

`Guard` holds the builder's choices and nothing of a conversation: one serves any number of threads.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from langchain_core.messages import ToolCall
from pydantic import BaseModel

from sml_agents.agents.asking import ASK_USER, Question
from sml_agents.agents.evidence import Request
from sml_agents.agents.grounding import Ground, State, ground, ground_together
from sml_agents.agents.pieces import Piece, pieces_of_data
from sml_agents.agents.slots import WRITTEN, Names, Slot, is_read_only, slots_of, tool_name
from sml_agents.errors import InputError
from sml_agents.text.values import Clock, unknown_languages

__all__ = ["Fields", "Guard", "Guarding", "Now", "questions_for"]

Fields = type[BaseModel] | Mapping[Any, type[BaseModel]]
Now = dt.datetime | Callable[[], dt.datetime]
_OURS = ("messages", "jump_to", "structured_response")


@dataclass(frozen=True)
class Guarding:
    """What a builder says about a guard; see ClarifyMiddleware for each."""

    tools: Sequence[Any] | None
    read_only: Sequence[Any]
    written: Collection[str] | None
    guessable: Collection[str]
    trust: Sequence[Any] | None
    given: Any
    store_namespace: tuple[str, ...] | None
    now: Now | None
    time_zone: dt.tzinfo | None
    languages: Sequence[str]
    optional: Names = False

    def __post_init__(self) -> None:
        if any(isinstance(one, str) for one in (self.tools, self.read_only, self.trust)):
            raise InputError("guard, read_only and trust are lists of tools or of their names, not one text.")
        if isinstance(self.optional, str):
            raise InputError("optional is a list of arguments' names, or True for all of them, not one text.")
        if not isinstance(self.time_zone, dt.tzinfo | None):
            raise InputError(f"time_zone is a tzinfo, such as zoneinfo.ZoneInfo('Europe/Berlin'): {self.time_zone!r}")
        if not (self.now is None or callable(self.now) or isinstance(self.now, dt.datetime)):
            raise InputError(f"now is a datetime, or a function that returns one: {self.now!r}")
        if isinstance(self.languages, str) or (unknown := unknown_languages(self.languages)):
            named = self.languages if isinstance(self.languages, str) else ", ".join(map(str, unknown))
            raise InputError(f"languages is a list of codes that dateparser knows, such as ['en', 'de']: {named!r}")


class Guard:
    """The rules of one agent. Raises InputError for what cannot be a list of tools."""

    def __init__(self, fields: Fields | None, wanted: Guarding) -> None:
        self.wanted = wanted
        self.tools = None if wanted.tools is None else frozenset(map(tool_name, wanted.tools))
        self.read_only = frozenset(map(tool_name, wanted.read_only))
        self.trust = None if wanted.trust is None else frozenset(map(tool_name, wanted.trust))
        self.written = WRITTEN if wanted.written is None else frozenset(wanted.written)
        self.guessable = frozenset(wanted.guessable)
        self.for_all = fields if isinstance(fields, type) else None
        self.by_tool = {tool_name(tool): model for tool, model in fields.items()} if isinstance(fields, Mapping) else {}
        self._known: dict[str, tuple[Any, tuple[Slot, ...]]] = {}

    def check(self, tools: Mapping[str, Any]) -> None:
        """Raises InputError for a name that no tool, or no argument of theirs, has."""
        named = (self.tools or frozenset()) | self.read_only | (self.trust or frozenset()) | set(self.by_tool)
        if unknown := sorted(named - set(tools)):
            have = ", ".join(sorted(set(tools) - {ASK_USER})) or "none"
            raise InputError(f"No tool is named {', '.join(unknown)}: the agent's tools are {have}.")
        slots = [slot for name in tools if self.guards(name, tools) for slot in self.slots(name, tools[name])]
        if unknown := sorted(self.guessable - {known for slot in slots for known in (slot.name, slot.own_name)}):
            have = ", ".join(dict.fromkeys(slot.name for slot in slots)) or "nothing"
            raise InputError(f"No guarded tool requires {', '.join(unknown)} (guessable): they require {have}.")
        if isinstance(self.wanted.optional, bool):
            return
        within = [slot.path[:end] for slot in slots if slot.optional for end in range(1, len(slot.path) + 1)]
        known = {name for path in within for name in (path[-1], Slot(path).name)}
        if unknown := sorted(set(self.wanted.optional) - known):
            raise InputError(
                f"No guarded tool has an argument {', '.join(unknown)} that it does not require (optional)."
            )

    def slots(self, name: str, tool: Any) -> tuple[Slot, ...]:
        """What a tool needs."""
        known = self._known.get(name)
        if known is None or known[0] is not tool:
            refine = self.by_tool.get(name, self.for_all)
            known = self._known[name] = (tool, slots_of(tool, refine, self.guessable, self.wanted.optional))
        return known[1]

    def guards(self, name: str, tools: Mapping[str, Any]) -> bool:
        """Whether calls of a tool are guarded. One that the agent does not have is left to the agent to refuse."""
        if name == ASK_USER or name not in tools:
            return False
        if self.tools is not None:
            return name in self.tools
        return name not in self.read_only and not is_read_only(tools[name]) and bool(self.slots(name, tools[name]))

    def may_guard(self, name: str) -> bool:
        """Whether calls of a tool may be guarded, told by its name alone."""
        return name != ASK_USER and (name in self.tools if self.tools is not None else name not in self.read_only)

    def clock(self) -> Clock:
        """What relative dates are counted from."""
        wanted = self.wanted
        now = wanted.now() if callable(wanted.now) else wanted.now
        now = now or dt.datetime.now(wanted.time_zone).replace(microsecond=0, second=0)
        return Clock(now, languages=tuple(wanted.languages))

    def outside(
        self, system: str, state: Mapping[str, Any], context: Any, stored: Sequence[Any] = ()
    ) -> tuple[Piece, ...]:
        """What stands outside of the conversation: system prompt, state, context, what is stored, and `given`."""
        kept = {
            name: value for name, value in state.items() if name not in _OURS and not name.startswith(("clarify", "_"))
        }
        found = [*pieces_of_data(system), *pieces_of_data(kept), *pieces_of_data(context)]
        found.extend(pieces_of_data(list(stored)))
        if (given := self.wanted.given) is not None:
            found.extend(pieces_of_data(given() if callable(given) else given))
        return tuple(found)

    def grounds(self, call: ToolCall, tool: Any, request: Request, given: Sequence[Piece]) -> tuple[Ground, ...]:
        """Where each required argument of a call comes from."""
        slots = self.slots(call["name"], tool)
        return ground(call["args"], slots, request.for_tool(call["name"]), self.clock(), given, self.written)

    def grounds_of(
        self, calls: Sequence[ToolCall], tools: Mapping[str, Any], request: Request, given: Sequence[Piece]
    ) -> dict[str, tuple[Ground, ...]]:
        """The same of all calls that are drafted together, by their ids."""
        found: dict[str, tuple[Ground, ...]] = {}
        for name in dict.fromkeys(call["name"] for call in calls):
            some = [call for call in calls if call["name"] == name]
            slots, arguments = self.slots(name, tools[name]), [call["args"] for call in some]
            each = ground_together(arguments, slots, request.for_tool(name), self.clock(), given, self.written)
            found |= {call["id"] or "": one for call, one in zip(some, each, strict=True)}
        return found


def questions_for(grounds: Sequence[Ground], asked: Mapping[str, int]) -> tuple[Question, ...]:
    """One question for each argument that is not grounded: in other words where it was asked before."""
    found: dict[str, Question] = {}
    for one in grounds:
        if not one.ok and one.slot.name not in found:
            either = (one.span, str(one.value)) if one.state is State.CONTRADICTED and one.span else None
            found[one.slot.name] = one.slot.question(again=bool(asked.get(one.slot.name)), either=either)
    return tuple(found.values())
