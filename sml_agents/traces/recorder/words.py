"""A pause of a graph, and what it is resumed with, as the words that they mean.

A pause is a question (a text, or a payload that holds one), or asks a reviewer about tool calls (LangChain's
HumanInTheLoopMiddleware and agent inboxes); a call of a tool that asks the person is a question, too. What resumes it
is what the person said, or what the reviewer decided about each call.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal, NamedTuple

from sml_agents.text.tools import ASKING_TOOL
from sml_agents.traces.importers.parts import text_of

__all__ = ["Decided", "Request", "asked_words", "decisions", "requests_in"]

Decision = Literal["approve", "edit", "reject", "respond"]
_DECISIONS: dict[str, Decision] = {
    "approve": "approve",
    "accept": "approve",
    "edit": "edit",
    "reject": "reject",
    "ignore": "reject",
    "respond": "respond",
    "response": "respond",
}
"""By the names that LangChain's middleware and agent inboxes have for them."""
_QUESTIONS = ("questions", "question", "prose", "message", "text", "prompt", "description", "title", "content")
_ANSWERS = ("answers", "answer", "response", "message", "text", "value", "content", "feedback", "reason", "input")


class Request(NamedTuple):
    """A tool call that waits for a decision."""

    name: str
    args: dict[str, Any]
    call: str = ""
    """The call's id; empty when the pause does not tell it."""
    description: str = ""

    @property
    def asks(self) -> bool:
        """Whether it is a question to the person."""
        return ASKING_TOOL.search(self.name) is not None


class Decided(NamedTuple):
    """What one pause, or one request in it, was resumed with."""

    words: str
    """What was said; empty for a decision without words."""
    request: Request | None = None
    decision: Decision | None = None
    """About `request`; None where the pause was a plain question."""
    name: str = ""
    args: dict[str, Any] | None = None
    """Of an edit: the tool and arguments that ran instead."""


def requests_in(value: Any) -> list[Request]:
    """The tool calls that a pause asks a reviewer about; none when it is a question."""
    if isinstance(value, list | tuple):
        return [one for part in value for one in requests_in(part)]
    if not isinstance(value, Mapping):
        return []
    if value.get("type") == "tool_approval":
        return [_request(value, str(value.get("tool_call_id") or ""))]
    given = value.get("action_requests") or value.get("action_request")
    given = [given] if isinstance(given, Mapping) else given
    if not isinstance(given, list | tuple):
        return []
    said = str(value.get("description") or "")
    return [_request({"description": said, **one}, "") for one in given if isinstance(one, Mapping)]


def asked_words(value: Any) -> str:
    """What a pause asks the person; empty when it asks a reviewer about a tool call."""
    if isinstance(value, list | tuple):
        return "\n".join(words for one in value if (words := asked_words(one)))
    if requests := requests_in(value):
        return "\n".join(_question(one) for one in requests if one.asks)
    if isinstance(value, Mapping):
        found = next((value[name] for name in _QUESTIONS if value.get(name)), None)
        return asked_words(found) if found is not None else _form(value)
    return _plain(value)


def decisions(value: Any, pauses: Mapping[str, Any]) -> list[Decided]:
    """What `value`, given to resume, means for each of `pauses` (values by interrupt id) or the requests in them."""
    if isinstance(value, Mapping) and value and all(key in pauses for key in value):
        return [one for id, pause in pauses.items() if id in value for one in _decided_all(value[id], pause)]
    return _decided_all(value, list(pauses.values()))


def _decided_all(value: Any, pause: Any) -> list[Decided]:
    waiting = requests_in(pause)
    given = value.get("decisions", value) if isinstance(value, Mapping) else value
    given = [given] if isinstance(given, Mapping) else given
    if isinstance(given, list | tuple) and given and all(_kind(one) for one in given):
        pairs = [*waiting, *[None] * len(given)]
        return [_decided(one, request) for one, request in zip(given, pairs, strict=False)]
    return [Decided(_answer(value))]


def _kind(given: Any) -> Decision | None:
    kind = given.get("type") if isinstance(given, Mapping) else None
    return _DECISIONS.get(kind) if isinstance(kind, str) else None


def _decided(given: Mapping[str, Any], request: Request | None) -> Decided:
    kind = _kind(given)
    args = given.get("args")
    if kind == "edit":
        action = given.get("edited_action") or args or {}
        inner = action.get("args") if isinstance(action, Mapping) else None
        inner = dict(inner) if isinstance(inner, Mapping) else {}
        if request is not None and request.asks:  # a form in which the answer is filled in
            return Decided(_answer(inner.get("answer", inner)), request, "respond")
        name = str(action.get("name") or action.get("action") or (request.name if request else ""))
        return Decided("", request, "edit", name, inner)
    words = "" if kind == "approve" else _answer(given.get("message") or args or "")
    return Decided(words, request, kind)


def _answer(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list | tuple):
        return "\n".join(words for one in value if (words := _answer(one)))
    if isinstance(value, Mapping):
        found = next((value[name] for name in _ANSWERS if value.get(name) is not None), None)
        if found is None and len(value) == 1:
            found = next(iter(value.values()))
        return _answer(found) if found is not None else _form(value)
    return _plain(value)


def _form(value: Mapping[str, Any]) -> str:
    return "\n".join(f"{name}: {_plain(part)}" for name, part in value.items() if part not in (None, "", [], {}))


def _plain(value: Any) -> str:
    if hasattr(value, "model_dump"):
        content = getattr(value, "content", None)
        return text_of(content) if content is not None else _answer(value.model_dump())
    return text_of(value)


def _request(given: Mapping[str, Any], call: str) -> Request:
    args = given.get("args")
    name = given.get("name") or given.get("action") or ""
    return Request(
        str(name), dict(args) if isinstance(args, Mapping) else {}, call, str(given.get("description") or "")
    )


def _question(request: Request) -> str:
    """The words of a call that asks: its question, not what the middleware says about the call."""
    found: Sequence[Any] = [request.args[name] for name in _QUESTIONS if request.args.get(name)]
    return asked_words(found[0]) if found else request.description
