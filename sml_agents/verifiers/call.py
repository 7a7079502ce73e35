"""Tool calls: the right tool with the right arguments, by value, and nothing that nobody said.

A request's accepted calls have to be made together, in any order. Values are compared as people write them, under the
schema of the tool (`sml_agents.text.values`); an accepted argument without values may have any. A call that was refused
before it reached its tool is none, and a tool that only looks (MCP's `readOnlyHint`) may be called beside those that
serve the request.

A value that nobody had given by then is *guessed*, and a guessed call is not right even where the guess happens to be:
`Verdict.guessed` names such arguments, and the diagnosis is the same for either, so that no guess is worth a try.
`Verdict.faults` names what is wrong:

missing:ARGUMENT   a required argument is left out
guessed:ARGUMENT   nobody had given its value
wrong:ARGUMENT     it was given, and is another
extra:ARGUMENT     an optional argument that nobody asked for, or one that the tool does not take
tool:NAME          a tool that does not serve the request; `unknown:NAME` one that there is not
surplus:NAME       a call too many
incomplete         more calls are asked for
unreadable         it is no JSON, or nested beyond reason

Where no tool serves the request, plain words are the right answer, and elsewhere they are none.
"""

from __future__ import annotations

import contextlib
import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from sml_agents.text.schemas import bare_path, is_wanted, leaves, parameters_of, schema_at, words_of
from sml_agents.text.tools import NOT_RUN, find_calls, json_text, tool_names
from sml_agents.text.values import Clock, find, kind_of, same
from sml_agents.types import AcceptedCall, Outcome, Private, Task, ToolCall, Verdict
from sml_agents.verifiers.base import Attempt

__all__ = ["NO_CLOCK", "CallVerifier", "clock_of", "effective", "said_of", "serving", "usual_calls", "values_of"]

_EMPTY: tuple[Any, ...] = (None, "", [], {})
_MOST_CALLS = 50
_MOST_VALUES = 500
_LONGEST = 2_000
_SHOWN = 2_000
NO_CLOCK = Clock(dt.datetime(2000, 1, 1), known=False)
"""Where nobody says when a request is made."""

_SAYS = {
    "missing": "It leaves out {}.",
    "guessed": "The value of {} is not known yet: nobody has said it.",
    "wrong": "The value of {} is another one.",
    "extra": "Nothing was said of {}.",
    "tool": "That tool does not do what is asked for.",
    "unknown": "There is no such tool.",
    "surplus": "One call too many is made.",
    "incomplete": "More than that is asked for.",
    "unreadable": "The call cannot be read.",
}


class CallVerifier:
    """Compares the calls of a turn with those that the task accepts."""

    name = "call"

    async def verify(self, task: Task, text: str) -> Verdict:
        """The verdict on the calls that are written in `text`, made when nothing but the prompt had been said."""
        return await self.verify_attempt(task, Attempt(text, (), (task.prompt,)))

    async def verify_attempt(self, task: Task, attempt: Attempt) -> Verdict:
        """The verdict on the calls of a turn, with what had been said by then."""
        if any(call.name not in tool_names(task.tools) for call in task.private.calls):
            return Verdict(outcome=Outcome.ERROR, diagnosis="The task's own call is of a tool that it does not have.")
        found = find_calls(attempt.text, tool_names(task.tools))
        if found.broken:
            return _unreadable(attempt.text)
        written = [ToolCall(name=name, arguments=arguments) for name, arguments in found.made]
        calls = effective(task, (*attempt.calls, *written))
        if not calls:
            return _words_alone(task, attempt.text)
        shown = json_text([{"name": call.name, "arguments": call.arguments} for call in calls])
        too_much = len(calls) > _MOST_CALLS or sum(_size(call.arguments) for call in calls) > _MOST_VALUES
        if too_much:
            return _unreadable(shown)
        return _Check(task, attempt, calls).verdict(shown[:_SHOWN])


def serving(task: Task) -> frozenset[str]:
    """Names of the tools that serve the request."""
    return frozenset(call.name for call in task.private.calls)


def effective(task: Task, calls: Sequence[ToolCall]) -> tuple[ToolCall, ...]:
    """The calls that count: not those that never reached their tool, nor those that only look for something."""
    looking = frozenset(tool_names(filter(_only_looks, task.tools))) - serving(task)
    return tuple(c for c in calls if c.name not in looking and not (c.result or "").startswith(NOT_RUN))


def clock_of(task: Task) -> Clock:
    """The time at which the request is made, by which `tomorrow` is a date; it may be unknown (`Task.meta["now"]`)."""
    with contextlib.suppress(KeyError, ValueError, TypeError):
        return Clock(dt.datetime.fromisoformat(task.meta["now"]).replace(tzinfo=None))
    return NO_CLOCK


def said_of(task: Task) -> dict[str, str]:
    """How the user says the values of arguments, by path, as far as the task knows (`Task.meta["said"]`)."""
    said = task.meta.get("said")
    return {str(path): str(words) for path, words in said.items() if words} if isinstance(said, dict) else {}


def usual_calls(private: Private) -> tuple[ToolCall, ...]:
    """The accepted calls with the usual value of every argument; what may as well be left out is."""
    return tuple(
        ToolCall(name=call.name, arguments=call.usual, id=f"right_{k}") for k, call in enumerate(private.calls)
    )


def values_of(private: Private, fact: str) -> Iterator[tuple[str, str, Any]]:
    """The tool, the path and each value that an argument may have which is named as a withheld fact is."""
    for call in private.calls:
        for path, values in call.arguments.items():
            for value in values:
                for leaf, one in leaves({path: value}).items():
                    if _is_fact(fact, call.name, leaf):
                        yield call.name, leaf, one


def _is_fact(fact: str, tool: str, path: str) -> bool:
    """Whether a fact has the name of an argument, or of the object that holds it, after the tool's name or alone."""
    name, path = bare_path(fact), bare_path(path)
    return any(_is_under(one, name) for one in (path, f"{tool}.{path}"))


def _is_under(path: str, name: str) -> bool:
    bare = bare_path(path)
    return bare == name or bare.startswith(f"{name}.")


def _only_looks(tool: Mapping[str, Any]) -> bool:
    function = tool.get("function")
    places = (tool.get("annotations"), function.get("annotations") if isinstance(function, Mapping) else None)
    return any(isinstance(place, Mapping) and place.get("readOnlyHint") is True for place in places)


def _size(value: Any) -> int:
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return 1 + sum(map(_size, inner))


def _unreadable(shown: str) -> Verdict:
    return Verdict(
        outcome=Outcome.UNPARSEABLE,
        extracted=shown[:_SHOWN],
        diagnosis=_SAYS["unreadable"],
        faults=("unreadable",),
    )


def _words_alone(task: Task, text: str) -> Verdict:
    if task.private.calls or not any(letter.isalnum() for letter in text):
        return Verdict(outcome=Outcome.UNPARSEABLE, diagnosis="No tool is called.")
    return Verdict(outcome=Outcome.CORRECT, extracted=text[:200])


class _Check:
    """One attempt against one task."""

    def __init__(self, task: Task, attempt: Attempt, calls: Sequence[ToolCall]) -> None:
        self.task = task
        self.calls = calls
        self.schemas = parameters_of(task.tools)
        self.done = effective(task, attempt.done)
        self.heard = attempt.heard
        self.clock = clock_of(task)
        self.untold = [fact.name for fact in task.private.facts if fact.name not in attempt.told]
        self.guessed: list[str] = []
        self.faults: list[str] = []

    def verdict(self, shown: str) -> Verdict:
        self._match()
        faults = tuple(dict.fromkeys(self.faults))
        guessed = tuple(dict.fromkeys(self.guessed))
        if not faults:
            return Verdict(outcome=Outcome.CORRECT, extracted=shown)
        said = dict.fromkeys(self._words(*fault.split(":", 1)) for fault in faults)
        return Verdict(
            outcome=Outcome.INCORRECT, extracted=shown, diagnosis=" ".join(said), guessed=guessed, faults=faults
        )

    def _words(self, kind: str, about: str = "") -> str:
        """A fault in words. What was guessed although it had been said is wrong, to whoever said it."""
        if kind == "guessed" and not any(
            _is_fact(fact, call.name, about) for fact in self.untold for call in self.calls
        ):
            kind = "wrong"
        return _SAYS[kind].format(words_of(about) or "an argument without a name")

    def _match(self) -> None:
        """Deal the calls out to the accepted ones, each to the one that it differs from least."""
        wanted = list(self.task.private.calls)
        for call in self.done:
            right = next((one for one in wanted if not self._differences(one, call)[0]), None)
            if right is not None:
                wanted.remove(right)
        left: list[ToolCall] = []
        for call in self.calls:
            same_tool = [(self._differences(one, call), one) for one in wanted if one.name == call.name]
            if not same_tool:
                left.append(call)
                continue
            (faults, guessed), best = min(same_tool, key=lambda found: len(found[0][0]))
            wanted.remove(best)
            self.faults += faults
            self.guessed += guessed
        for call in left:
            self.guessed += self._ungrounded(call)
            known = call.name in serving(self.task)
            kind = "surplus" if known else "tool" if call.name in self.schemas else "unknown"
            self.faults.append(f"{kind}:{call.name}")
        if wanted and not left:
            self.faults.append("incomplete")

    def _differences(self, wanted: AcceptedCall, call: ToolCall) -> tuple[list[str], list[str]]:
        """What is wrong with a call of the right tool, and which of its arguments are guessed."""
        root = self.schemas[call.name]
        faults: list[str] = []
        guessed = self._guesses(wanted, call)
        for path, values in wanted.arguments.items():
            given = _at(call.arguments, path)
            if given in _EMPTY and not any(given == value for value in values):
                default = schema_at(root, path).get("default")
                if path not in wanted.optional and (default in _EMPTY or default not in values):
                    faults.append(f"missing:{path}")
            elif values and not any(self._equal(root, path, value, given) for value in values):
                faults += self._wrong(root, path, values[0], given, guessed)
        faults += [f"guessed:{path}" for path in guessed]
        for path, value in leaves(call.arguments).items():
            known = any(_is_under(path, one) for one in wanted.arguments)
            if not known and value not in _EMPTY and schema_at(root, path).get("default") != value:
                faults.append(f"extra:{bare_path(path)}")
        return faults, guessed

    def _wrong(self, root: Mapping[str, Any], path: str, wanted: Any, given: Any, guessed: Sequence[str]) -> list[str]:
        """Where a value that is not accepted differs, guesses left out."""
        mine, theirs = leaves({path: given}), leaves({path: wanted})
        if not isinstance(wanted, dict) or not isinstance(given, dict):
            return [] if path in guessed else [f"wrong:{bare_path(path)}"]
        found = []
        for leaf in dict.fromkeys([*theirs, *mine]):
            if leaf not in mine:
                found.append(f"missing:{bare_path(leaf)}")
            elif leaf not in theirs or not self._equal(root, leaf, theirs[leaf], mine[leaf]):
                found.append(f"wrong:{bare_path(leaf)}")
        return [one for one in found if one.partition(":")[2] not in guessed]

    def _guesses(self, wanted: AcceptedCall, call: ToolCall) -> list[str]:
        """Arguments of a call whose value nobody had given: of a withheld fact any, of others what was never said."""
        root = self.schemas[call.name]
        found = []
        for path, value in leaves(call.arguments).items():
            if value in _EMPTY:
                continue
            bare = bare_path(path)
            withheld = any(_is_fact(fact, call.name, path) for fact in self.untold)
            right = self._is_accepted(root, wanted, path, value)
            if (right and not withheld) or not (withheld or is_wanted(root, path, value)):
                continue
            if not self._said(root, path, value) or (withheld and not right):
                found.append(bare)
        return found

    def _ungrounded(self, call: ToolCall) -> list[str]:
        """The same of a call that serves nothing."""
        root = self.schemas.get(call.name, {})
        wanted = {path: value for path, value in leaves(call.arguments).items() if is_wanted(root, path, value)}
        return [bare_path(path) for path, value in wanted.items() if not self._said(root, path, value)]

    def _is_accepted(self, root: Mapping[str, Any], wanted: AcceptedCall, path: str, value: Any) -> bool:
        for one, values in wanted.arguments.items():
            if not values and _is_under(path, one):
                return True
            for accepted in values:
                theirs = leaves({one: accepted})
                if path in theirs and self._equal(root, path, theirs[path], value):
                    return True
        return False

    def _said(self, root: Mapping[str, Any], path: str, value: Any) -> bool:
        if len(str(value)) > _LONGEST:
            return any(str(value) in text for text in self.heard)
        kind = kind_of(schema_at(root, path), words_of(path), value)
        return any(find(kind, value, text, self.clock) for text in self.heard)

    def _equal(self, root: Mapping[str, Any], path: str, wanted: Any, given: Any) -> bool:
        """Whether a value is the wanted one, objects key by key and lists in order (in any with `uniqueItems`)."""
        if isinstance(wanted, dict):
            if not isinstance(given, dict):
                return False
            return all(
                self._equal(root, f"{path}.{name}", wanted[name], given[name])
                if name in wanted and name in given
                else self._may_lack(root, f"{path}.{name}", wanted.get(name, given.get(name)))
                for name in {*wanted, *given}
            )
        if isinstance(wanted, list | tuple):
            if not isinstance(given, list) or len(given) != len(wanted):
                return False
            if schema_at(root, path).get("uniqueItems") is True:
                left = list(given)
                for one in wanted:
                    places = [k for k, other in enumerate(left) if self._equal(root, f"{path}[0]", one, other)]
                    if not places:
                        return False
                    del left[places[0]]
                return True
            return all(self._equal(root, f"{path}[0]", one, other) for one, other in zip(wanted, given, strict=True))
        if isinstance(given, dict | list):
            return False
        if wanted is None or given is None or len(str(given)) > _LONGEST:
            return bool(wanted == given)
        return same(kind_of(schema_at(root, path), words_of(path), wanted), given, wanted, self.clock)

    def _may_lack(self, root: Mapping[str, Any], path: str, value: Any) -> bool:
        schema = schema_at(root, path)
        return value in _EMPTY or ("default" in schema and schema["default"] == value)


def _at(arguments: Any, path: str) -> Any:
    if isinstance(arguments, dict) and path in arguments:
        return arguments[path]
    for part in path.split("."):
        arguments = arguments.get(part) if isinstance(arguments, dict) else None
    return arguments
