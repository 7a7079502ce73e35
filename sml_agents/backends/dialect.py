"""How one server wants its requests, and what to change when it refuses one.

"OpenAI-compatible" is a family of dialects: servers refuse fields they do not know, insist on other names, roles or
turns. A `Dialect` rewrites a request; `after` reads from a refusal (HTTP 400 or 422) what would be accepted in its
place. Only what a reply can do without is left out: never the conversation, the tools, or the form of the answer.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from langchain_core.messages import AIMessage, BaseMessage

from sml_agents.backends.retries import Refusal
from sml_agents.backends.settings import ServedSettings
from sml_agents.backends.text import REASONING_FIELDS, fold_system, merge_neighbours, sent_reasoning

__all__ = ["NO_REPLY", "Change", "Dialect"]

NO_REPLY = "(no reply)"
"""Stands for an empty turn where the server refuses those and nothing else was set."""

_NEEDED = {"model", "messages", "input", "stream", "tools", "tool_choice", "response_format", "text"}
_NEEDED |= {"return_token_ids", "max_output_tokens"}
_NEEDED_IN_MESSAGES = {"role", "content", "tool_calls", "tool_call_id", *REASONING_FIELDS}
_LENGTHS = {"max_tokens": "max_completion_tokens", "max_completion_tokens": "max_tokens"}

_BAD_VALUE = re.compile(
    r"\b(between|ranges?|too (large|small|long|high|low|many)|at (most|least)|less than|greater than|exceeds?"
    r"|maximum|minimum)\b|[<>]=",
    re.IGNORECASE,
)
"""The field is known and its value is not possible: the user's to mend, and nothing to leave out."""
_WANTED = re.compile(r"\b(missing|must (be|have|include|contain)|pass(ed)? back|required?|expected|provide)\b", re.I)
_ALTERNATE = re.compile(r"\b(alternat\w*|consecutive|in a row|same role)\b", re.IGNORECASE)
_EMPTY = re.compile(r"\b(content|empty|non-?empty|blank|at least (1|one) character|string_too_short)\b", re.IGNORECASE)
_SYSTEM = re.compile(r"\b(system|developer)\b", re.IGNORECASE)
_ROLE = re.compile(r"\b(roles?|messages?|instructions?|prompts?)\b", re.IGNORECASE)
_WORD = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_QUOTED = re.compile(r"""['"`\u2018\u201c]([A-Za-z_][A-Za-z0-9_]*)['"`\u2019\u201d]""")
_PATH = re.compile(r"\bmessages\b[\w.\[\]]*[.\]]([A-Za-z_]\w*)")


@dataclass(frozen=True)
class Dialect:
    """What to change in every request to one server; without arguments nothing is."""

    omit: frozenset[str] = frozenset()
    rename: dict[str, str] = field(default_factory=dict)
    system_role: str = "system"
    empty_text: str = ""
    alternate: bool = False
    reasoning: str = "tools"
    refused_lengths: frozenset[str] = frozenset()
    """Spellings of the bound on a reply's length that were tried; the bound itself is never given up."""

    @classmethod
    def of(cls, settings: ServedSettings) -> Dialect:
        return cls(
            omit=frozenset(settings.omit),
            rename=settings.rename,
            system_role=settings.system_role,
            empty_text=settings.empty_text,
            alternate=settings.alternate,
            reasoning=settings.reasoning,
        )

    def write(self, payload: dict[str, Any], messages: Sequence[BaseMessage]) -> dict[str, Any]:
        """`payload`, whose `messages` were made of `messages` one by one, as this server wants it."""
        pairs = zip(payload["messages"], messages, strict=True)
        entries = [self._entry(entry, message) for entry, message in pairs]
        if self.system_role == "user":
            entries = fold_system(entries)
        if self.alternate:
            entries = merge_neighbours(entries)
        kept = {name: value for name, value in payload.items() if name not in self.omit}
        return {self.rename.get(name, name): value for name, value in kept.items()} | {"messages": entries}

    def _entry(self, entry: dict[str, Any], message: BaseMessage) -> dict[str, Any]:
        entry = {name: value for name, value in entry.items() if name not in self.omit}
        if entry["role"] == "system" and self.system_role == "developer":
            entry["role"] = "developer"
        if isinstance(message, AIMessage) and self.reasoning != "tools":
            for name in REASONING_FIELDS:
                entry.pop(name, None)
            if self.reasoning == "always":
                entry.update(sent_reasoning(message) or {"reasoning_content": ""})
        if self.empty_text and _is_empty(entry):
            # Beside tool calls OpenAI's own form has null.
            entry["content"] = None if entry.get("tool_calls") else self.empty_text
        return entry

    def after(self, refusal: Refusal, sent: dict[str, Any], entries: Sequence[dict[str, Any]]) -> Change | None:
        """What may be accepted in place of the refused request `sent`, with the messages `entries`; None: nothing."""
        return next(self._changes(refusal, sent, entries), None)

    def _changes(self, refusal: Refusal, sent: dict[str, Any], entries: Sequence[dict[str, Any]]) -> Iterator[Change]:
        texts = list(_texts(refusal.answer))
        said = "\n".join(text for _, text in texts) or str(refusal)
        pointed = {word for by, text in texts if by for word in _WORD.findall(text)} | set(_PATH.findall(said))
        quoted, words = set(_QUOTED.findall(said)), set(_WORD.findall(said))
        bad_value = _BAD_VALUE.search(said) is not None
        for names in (pointed, quoted):
            if not bad_value:
                yield from self._without(sent, names)
            for name in dict.fromkeys(name for entry in entries for name in entry if name in names):
                if name not in _NEEDED_IN_MESSAGES:
                    yield Change(replace(self, omit=self.omit | {name}), f"{name} of messages is left out")
        yield from self._other_turns(said, words, entries)
        if not bad_value:
            yield from self._without(sent, words)

    def _without(self, sent: dict[str, Any], names: set[str]) -> Iterator[Change]:
        for name in sent:
            if name not in names or name in _NEEDED:
                continue
            ours = next((ours for ours, theirs in self.rename.items() if theirs == name), name)
            other = _LENGTHS.get(name)
            if other is None:
                yield Change(replace(self, omit=self.omit | {ours, name}), f"{name} is left out")
            elif other not in self.refused_lengths:
                rename = {**self.rename, ours: other}
                refused = self.refused_lengths | {name}
                yield Change(replace(self, rename=rename, refused_lengths=refused), f"{name} is sent as {other}")

    def _other_turns(self, said: str, words: set[str], entries: Sequence[dict[str, Any]]) -> Iterator[Change]:
        if words & set(REASONING_FIELDS) and any(entry["role"] == "assistant" for entry in entries):
            if self.reasoning == "tools" and _WANTED.search(said):
                yield Change(replace(self, reasoning="always"), "earlier reasoning goes back with each turn")
            elif self.reasoning != "never" and any(name in entry for entry in entries for name in REASONING_FIELDS):
                yield Change(replace(self, reasoning="never"), "earlier reasoning does not go back")
        if not self.alternate and _ALTERNATE.search(said):
            yield Change(replace(self, alternate=True), "neighbouring messages of one role are sent as one")
        if not self.empty_text and _EMPTY.search(said) and any(map(_is_empty, entries)):
            yield Change(replace(self, empty_text=NO_REPLY), f"an empty turn is sent as {NO_REPLY!r}")
        has_system = any(entry["role"] in ("system", "developer") for entry in entries)
        if self.system_role != "user" and has_system and _SYSTEM.search(said) and _ROLE.search(said):
            yield Change(replace(self, system_role="user"), "system prompts are sent as the user's words")


@dataclass(frozen=True)
class Change:
    """What a refusal taught."""

    dialect: Dialect
    words: str
    """What is different now, for the log."""


def _is_empty(entry: dict[str, Any]) -> bool:
    content = entry.get("content")
    return entry["role"] != "tool" and (not content or (isinstance(content, str) and not content.strip()))


def _texts(answer: Any, key: str = "") -> Iterator[tuple[str, str]]:
    """All texts in a refusal; those that point at a field (`param`, `loc`) with the name of what points."""
    if isinstance(answer, str):
        yield key, answer
    elif isinstance(answer, list):
        for item in answer:
            yield from _texts(item, key)
    elif isinstance(answer, dict):
        for name, item in answer.items():
            if name != "input":  # the request itself, given back
                yield from _texts(item, name if name in ("param", "loc") else key)
