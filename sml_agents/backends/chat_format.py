"""A conversation as a model's own tokens, and its tokens as text: everything that touches a tokenizer."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import Any

from jinja2 import TemplateError

from sml_agents.backends.text import clean, fold_system, merge_neighbours
from sml_agents.errors import BackendError, BackendSpecError

__all__ = ["ChatFormat", "escape_control_tokens"]

_PROBE = "probe of an earlier reply"

_TOOL_CALL = re.compile(r"<tool_call>\s*(\{.*?\})\s*</tool_call>", re.DOTALL)


def escape_control_tokens(tokenizer: Any, text: str) -> str:
    """`text` with a space inside everything that the tokenizer would read as a control token.

    What a person or another model writes is data: `<|im_end|>` in it must not end the turn.
    """
    for token in control_tokens(tokenizer):
        if token in text:
            text = text.replace(token, f"{token[0]} {token[1:]}")
    return text


def control_tokens(tokenizer: Any) -> list[str]:
    """Texts that the tokenizer turns into a token with a meaning of its own, such as `<|im_end|>`."""
    added = getattr(tokenizer, "added_tokens_decoder", {}).values()
    found = {token.content for token in added if token.special and len(token.content) > 1}
    return sorted(found, key=len, reverse=True)


class ChatFormat:
    """How one model wants a conversation written, by its chat template. Used by one thread only."""

    def __init__(self, tokenizer: Any, name: str) -> None:
        if not getattr(tokenizer, "chat_template", None):
            raise BackendSpecError(
                f"{name} has no chat template, so it cannot hold a conversation: take an instruct model."
            )
        self.tokenizer = tokenizer
        self.name = name
        self._control = control_tokens(tokenizer)
        self._has_system = self._says("SYSTEM-PROBE", [{"role": "system", "content": "SYSTEM-PROBE"}])
        template = tokenizer.chat_template
        self._takes_tools = "tools" in (template if isinstance(template, str) else json.dumps(template))

    def _says(self, probe: str, messages: list[dict[str, Any]]) -> bool:
        """Whether the template renders `probe`; those without a system role raise or leave it out."""
        try:
            text = self.tokenizer.apply_chat_template([*messages, {"role": "user", "content": "."}], tokenize=False)
        except Exception:
            return False
        return probe in text

    def encode(self, messages: Sequence[dict[str, Any]], tools: list[dict[str, Any]] | None = None) -> list[int]:
        """Token ids of the conversation (OpenAI's form) up to where the model's reply begins.

        Raises `BackendError` for what the template cannot write: images, tools it knows nothing of, an odd order.
        """
        if tools and not self._takes_tools:
            raise BackendError(
                f"The chat template of {self.name} knows no tools; use a model that was trained for them."
            )
        written = [self._plain(message) for message in messages]
        if not self._has_system:
            written = fold_system(written)
        try:
            return self._render(written, tools)
        except TemplateError:
            # Many templates insist on user and assistant in turns.
            try:
                return self._render(merge_neighbours(written), tools)
            except TemplateError as error:
                raise BackendError(f"The chat template of {self.name} refuses this conversation: {error}.") from None

    def _render(self, messages: list[dict[str, Any]], tools: list[dict[str, Any]] | None) -> list[int]:
        ids: list[int] = self.tokenizer(self._text(messages, tools), add_special_tokens=False)["input_ids"]
        return ids

    def _text(self, messages: list[dict[str, Any]], tools: list[dict[str, Any]] | None) -> str:
        return str(
            self.tokenizer.apply_chat_template(messages, tools=tools, add_generation_prompt=True, tokenize=False)
        )

    def encode_after(self, ids: Sequence[int], messages: Sequence[dict[str, Any]]) -> list[int]:
        """`ids`, which stand for all messages up to the last reply, kept as they are, and what follows that reply.

        What follows is cut from the template's own text: the end of a reply, the new messages, and the opening of the
        next reply. A reply that was cut short is closed; one that ended with a control token of its own is not closed
        twice. Raises `BackendError` when nothing follows, or the template does not write replies as they are.
        """
        last = max((place for place, message in enumerate(messages) if message["role"] == "assistant"), default=-1)
        new = [self._plain(message) for message in messages[last + 1 :]]
        if last < 0 or not new:
            raise BackendError("Only a conversation in which something follows the last reply can be continued.")
        earlier = [{"role": "user", "content": "."}, {"role": "assistant", "content": _PROBE}]
        try:
            text = self._text([*earlier, *new], None)
        except TemplateError as error:
            raise BackendError(f"The chat template of {self.name} refuses this conversation: {error}.") from None
        _, found, rest = text.partition(_PROBE)
        if not found:
            raise BackendError(f"The chat template of {self.name} rewrites replies, so none can be continued.")
        following: list[int] = self.tokenizer(rest, add_special_tokens=False)["input_ids"]
        special = set(self.tokenizer.all_special_ids) | set(self.tokenizer.added_tokens_decoder)
        if ids and ids[-1] in special:
            end = next((place for place, token in enumerate(following) if token in special), -1)
            following = following[end + 1 :]
        return [*ids, *following]

    def decode(self, ids: Sequence[int]) -> str:
        """The text of a reply, without control tokens."""
        return clean(self.tokenizer.decode(list(ids), skip_special_tokens=True))

    def tool_calls(self, text: str) -> tuple[str, list[dict[str, Any]]]:
        """Calls in the form `<tool_call>{"name": ..., "arguments": {...}}</tool_call>`, and the text beside them.

        The only form that is understood; whatever does not parse stays in the text.
        """
        calls: list[dict[str, Any]] = []

        def take(match: re.Match[str]) -> str:
            try:
                call = json.loads(match[1])
            except ValueError:
                return match[0]
            arguments = call.get("arguments", {})
            if not isinstance(call.get("name"), str) or not isinstance(arguments, dict):
                return match[0]
            calls.append({"name": call["name"], "args": arguments, "id": f"call_{len(calls)}", "type": "tool_call"})
            return ""

        return _TOOL_CALL.sub(take, text).strip(), calls

    def _plain(self, message: dict[str, Any]) -> dict[str, Any]:
        content = message.get("content")
        if isinstance(content, list):
            if any(not isinstance(part, dict) or part.get("type") != "text" for part in content):
                raise BackendError(f"{self.name} reads text only, and a message holds something else.")
            content = "".join(str(part.get("text", "")) for part in content)
        text = clean(content or "")
        for token in self._control:
            if token in text:
                text = text.replace(token, f"{token[0]} {token[1:]}")
        plain: dict[str, Any] = {"role": message["role"], "content": text}
        if message.get("tool_calls"):
            # Templates expect arguments as an object, OpenAI's form has them as a JSON string.
            plain["tool_calls"] = [
                {
                    **call,
                    "function": {**call["function"], "arguments": json.loads(call["function"]["arguments"] or "{}")},
                }
                for call in message["tool_calls"]
            ]
        return plain
