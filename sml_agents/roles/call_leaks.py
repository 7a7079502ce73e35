"""What a request to an agent with tools withholds, and how a turn of the user's gives it away.

value   a value that was not asked for: the student would have it without having asked
call    the whole call: its tool by name and every value, or the call as text

A value that is public already is no secret. Who asked for one thing may hear of one more, as people answer; in a
sharded task one is told in every turn.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from sml_agents.text.questions import asked_facts
from sml_agents.text.schemas import leaves, parameters_of, schema_at, words_of
from sml_agents.text.tools import find_calls, tool_names
from sml_agents.text.values import Clock, Mention, find, find_words, kind_of
from sml_agents.types import Role, Task
from sml_agents.verifiers.call import clock_of, said_of, values_of
from sml_agents.views import TeacherView

__all__ = ["CallSecret"]


@dataclass(frozen=True)
class CallSecret:
    """The withheld values and the accepted calls of a task, at one turn of a dialogue."""

    task: Task
    public: Sequence[str]
    untold: tuple[str, ...]
    """Names of the facts that nobody has told."""
    asked: frozenset[str] = frozenset()
    """Those of them that the student has just asked for."""
    more: int = 0
    """How many of the others may be told beside them."""

    @classmethod
    def of(cls, task: Task, view: TeacherView, public: Sequence[str], *, asked: bool = False) -> CallSecret:
        """At the turn that `view` shows. `asked`: what the student's turn asks for may be told."""
        untold = tuple(fact.name for fact in view.untold)
        if not asked:
            return cls(task, public, untold)
        heard = [text for role, text in view.history if role is Role.TEACHER]
        named = frozenset(fact.name for fact in asked_facts(view.last, view.untold, heard, view.tools))
        return cls(task, public, untold, named, 1 if named or view.one_a_turn else 0)

    def leak_in(self, text: str) -> str | None:
        """The kind of leak in a turn, or None."""
        if self._calls(text):
            return "call"
        others = [fact for fact in self.untold if fact not in self.asked and next(self._told(fact, text), None)]
        return "value" if len(others) > self.more else None

    def blank(self, text: str, mask: str) -> str:
        """`text` without the withheld values that were not asked for."""
        spans = sorted(
            {
                (one.span.start, one.span.end)
                for fact in self.untold
                if fact not in self.asked
                for one in self._told(fact, text)
            },
            reverse=True,
        )
        last = len(text)
        for start, end in spans:
            if end <= last:
                text, last = f"{text[:start]}{mask}{text[end:]}", start
        return text

    def _told(self, fact: str, text: str) -> Iterator[Mention]:
        """Where `text` says the value of a fact, unless it is public already."""
        for tool, path, value in values_of(self.task.private, fact):
            if not any(self._find(tool, path, value, known) for known in self.public):
                yield from self._find(tool, path, value, text)
        words = said_of(self.task).get(fact, "")
        if words and not any(find_words(words, known) for known in self.public):
            yield from (Mention(words, span) for span in find_words(words, text))

    def _find(self, tool: str, path: str, value: Any, text: str) -> list[Mention]:
        kind = kind_of(schema_at(parameters_of(self.task.tools).get(tool, {}), path), words_of(path), value)
        return find(kind, value, text, self._clock)

    @property
    def _clock(self) -> Clock:
        return clock_of(self.task)

    def _calls(self, text: str) -> bool:
        """Whether a turn makes an accepted call, or names its tool and says all its values."""
        serving = {call.name for call in self.task.private.calls}
        if any(name in serving for name, _ in find_calls(text, tool_names(self.task.tools)).made):
            return True
        for call in self.task.private.calls:
            values = [
                (path, value)
                for argument, accepted in call.arguments.items()
                if accepted and argument not in call.optional
                for path, value in leaves({argument: accepted[0]}).items()
            ]
            named = f"{call.name}(" in text or (not call.name.isalpha() and call.name in text)
            if named and values and all(self._find(call.name, path, value, text) for path, value in values):
                return True
        return False
