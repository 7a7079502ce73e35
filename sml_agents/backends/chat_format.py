"""A conversation as a model's own tokens, and its tokens as text: everything that touches a tokenizer."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from sml_agents.backends.text import clean, fold_system, merge_neighbours, tools_in_text
from sml_agents.errors import BackendSpecError, ConversationError, one_line
from sml_agents.text.thinking import CLOSINGS, as_thought, split_thought

__all__ = ["ChatFormat", "bake", "control_tokens", "escape_control_tokens"]

_PROBE = "probe of an earlier reply"
_CHANNEL = "<|channel|>"


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


def bake(tokenizer: Any, template_kwargs: Mapping[str, Any]) -> None:
    """Set names such as `enable_thinking` at the head of the tokenizer's chat template.

    From there they hold for every caller, and wherever the tokenizer is saved, for every server that loads it.
    Raises ValueError for a name that the template never reads, or a value that cannot be written down.
    """
    if not template_kwargs:
        return
    given = tokenizer.chat_template
    templates: dict[str, str] = given if isinstance(given, dict) else {"": given or ""}
    for name in template_kwargs:
        if not name.isidentifier() or not any(re.search(rf"\b{name}\b", text) for text in templates.values()):
            raise ValueError(f"the chat template never reads {name!r}: leave it out of template_kwargs")
    values = json.loads(json.dumps(dict(template_kwargs), allow_nan=False))
    head = "".join(f"{{%- set {name} = {value!r} %}}\n" for name, value in values.items())
    baked = {key: head + _without(text, values) for key, text in templates.items()}
    tokenizer.chat_template = baked if isinstance(given, dict) else baked[""]


_BAKED = re.compile(r"\{%- set (\w+) = (.*) %\}\n")


def _without(template: str, names: Mapping[str, Any]) -> str:
    """`template` without what an earlier `bake` has set of `names`."""
    at = 0
    kept = ""
    while (line := _BAKED.match(template, at)) and _is_literal(line[2]):
        kept += "" if line[1] in names else line[0]
        at = line.end()
    return kept + template[at:]


def _is_literal(text: str) -> bool:
    try:
        ast.literal_eval(text)
    except (ValueError, SyntaxError):
        return False
    return True


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
        self._as_parts = False
        """Whether contents are lists of parts, as in templates of models that also see images."""
        if not self._says("USER-PROBE", {"role": "user", "content": "USER-PROBE"}):
            self._as_parts = True
            self._as_parts = self._says("USER-PROBE", {"role": "user", "content": "USER-PROBE"})
        self.has_system = self._says(
            "SYSTEM-PROBE", {"role": "system", "content": "SYSTEM-PROBE"}, {"role": "user", "content": "."}
        )
        self._arguments_as_text = False
        """Templates expect the arguments of a call as an object; of a few, DeepSeek's, they are OpenAI's JSON text."""
        function = {"name": "f", "arguments": '{"probe": "CALL-PROBE"}'}
        call = {"role": "assistant", "content": "", "tool_calls": [{"id": "call00000", "function": function}]}
        call["tool_calls"][0]["type"] = "function"  # type: ignore[index]
        if not self._says("CALL-PROBE", {"role": "user", "content": "."}, call):
            self._arguments_as_text = True
            self._arguments_as_text = self._says("CALL-PROBE", {"role": "user", "content": "."}, call)
        self.takes_tools = self._writes_tools()
        """Whether the template writes tools, calls and results; else they are written as text."""

        self._header = self._header_of_words()
        self._marked = any(token.lower() in CLOSINGS for token in self._control)
        """Whether control tokens mark its reasoning, so that it cannot be told from the words without them."""

    def _says(self, probe: str, *messages: dict[str, Any]) -> bool:
        """Whether the template renders `probe`; those that cannot raise or leave it out."""
        try:
            return probe in self.write([self._plain(message) for message in messages])
        except ConversationError:
            return False

    def encode(self, messages: Sequence[dict[str, Any]], tools: list[dict[str, Any]] | None = None) -> list[int]:
        """Token ids of the conversation (OpenAI's form) up to where the model's reply begins.

        Raises `ConversationError` for what the template cannot write: images, an odd order.
        """
        ids: list[int] = self.tokenizer(self.opened(messages, tools)[1], add_special_tokens=False)["input_ids"]
        return ids

    def opened(
        self, messages: Sequence[dict[str, Any]], tools: list[dict[str, Any]] | None = None
    ) -> tuple[list[dict[str, Any]], str]:
        """The conversation as this template takes it, and its text up to where the model's reply begins.

        Control tokens in it are escaped, a system prompt stands where it can, tools are text where the template knows
        none, and user and assistant speak in turns where the template insists on it. Raises `ConversationError`.
        """
        written = self.plain(messages if self.takes_tools else tools_in_text(messages, tools or []))
        tools = tools if self.takes_tools else None
        try:
            return written, self.write(written, tools, opened=True)
        except ConversationError:
            # Many templates insist on user and assistant in turns.
            written = merge_neighbours(written)
            return written, self.write(written, tools, opened=True)

    def plain(self, messages: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
        """Messages in OpenAI's form as the template takes them, in the order given; see `opened`."""
        written = [self._plain(message) for message in messages]
        return written if self.has_system else fold_system(written)

    def write(
        self, messages: Sequence[dict[str, Any]], tools: list[dict[str, Any]] | None = None, *, opened: bool = False
    ) -> str:
        """The text of messages that `opened` or `plain` gave; with `opened` up to where a reply begins.

        Raises `ConversationError` where the template refuses them.
        """
        if self._as_parts:
            messages = [_in_parts(message) for message in messages]
        try:
            return str(
                self.tokenizer.apply_chat_template(
                    list(messages), tools=tools or None, add_generation_prompt=opened, tokenize=False
                )
            )
        except Exception as error:  # what a template may raise is up to its author
            reason = one_line(error, 300)
            raise ConversationError(f"The chat template of {self.name} refuses this conversation: {reason}.") from None

    def encode_after(self, ids: Sequence[int], messages: Sequence[dict[str, Any]]) -> list[int]:
        """`ids`, which stand for all messages up to the last reply, kept as they are, and what follows that reply.

        What follows is cut from the template's own text: the end of a reply, the new messages, and the opening of the
        next reply. A reply that was cut short is closed; one that ended with a control token of its own is not closed
        twice. Raises `ConversationError` when nothing follows, or the template does not write replies as they are.
        """
        last = max((place for place, message in enumerate(messages) if message["role"] == "assistant"), default=-1)
        new = [self._plain(one) for one in (messages if self.takes_tools else tools_in_text(messages, []))[last + 1 :]]
        if last < 0 or not new:
            raise ConversationError("Only a conversation in which something follows the last reply can be continued.")
        earlier = [{"role": "user", "content": "."}, {"role": "assistant", "content": _PROBE}]
        text = self.write([*earlier, *new], opened=True)
        _, found, rest = text.partition(_PROBE)
        if not found:
            raise ConversationError(f"The chat template of {self.name} rewrites replies, so none can be continued.")
        following: list[int] = self.tokenizer(rest, add_special_tokens=False)["input_ids"]
        special = set(self.tokenizer.all_special_ids) | set(self.tokenizer.added_tokens_decoder)
        if ids and ids[-1] in special:
            end = next((place for place, token in enumerate(following) if token in special), -1)
            following = following[end + 1 :]
        return [*ids, *following]

    def decode(self, ids: Sequence[int], *, whole: bool = True) -> str:
        """The text of a reply, without control tokens.

        Some models name the reader of each message before it, between control tokens (gpt-oss its channel): what is
        said to others than the user is reasoning, which keeps the marks that `split_thought` knows. With `whole` False
        more tokens are to come: then the text is empty until the words to the user begin.
        """
        if self._header:
            text = str(self.tokenizer.decode(list(ids), skip_special_tokens=False))
            before, found, words = text.rpartition(self._header)
            if not found and not whole:
                return ""
            if _CHANNEL in text and "<|message|>" in text:
                return clean("".join(split_thought(text)))
            if found:
                thought = self._without_control(before).strip()
                return clean((as_thought(thought) if thought else "") + self._without_control(words))
        elif self._marked:
            text = str(self.tokenizer.decode(list(ids), skip_special_tokens=False))
            thought, words = split_thought(text)
            if thought:
                return clean(thought + self._without_control(words))
            if not whole and text.startswith(tuple(self._control)):  # the first half of a mark
                return ""
        return clean(self.tokenizer.decode(list(ids), skip_special_tokens=True))

    def likelihood(self, token: int, logprob: float) -> dict[str, Any]:
        """A token and its log-probability in OpenAI's form; `bytes` is None for a part of a character."""
        text = clean(self.tokenizer.decode([token]))
        return {"token": text, "logprob": logprob, "bytes": None if "\ufffd" in text else list(text.encode())}

    def _without_control(self, text: str) -> str:
        for token in self._control:
            text = text.replace(token, "")
        return text

    def _header_of_words(self) -> str:
        """What a model writes between the generation prompt and its words, where control tokens are among it."""
        asked = {"role": "user", "content": "."}
        try:
            prompt = self.write([asked], opened=True)
            text = self.write([asked, {"role": "assistant", "content": _PROBE}])
        except ConversationError:
            return ""
        header = text.removeprefix(prompt).partition(_PROBE)[0] if text.startswith(prompt) else ""
        return header if any(token in header for token in self._control) else ""

    def _writes_tools(self) -> bool:
        function = {"name": "f", "description": "TOOL-PROBE", "parameters": {"type": "object", "properties": {}}}
        called = {"name": "probe_of_the_call", "arguments": '{"probe": "CALL-PROBE"}'}
        call = {"id": "call00000", "type": "function", "function": called}
        talk: list[dict[str, Any]] = [
            {"role": "user", "content": "."},
            {"role": "assistant", "content": "", "tool_calls": [call]},
            {"role": "tool", "content": "RESULT-PROBE", "tool_call_id": "call00000"},
            {"role": "assistant", "content": "."},
        ]
        try:
            text = self.write([self._plain(one) for one in talk], [{"type": "function", "function": function}])
        except ConversationError:
            return False
        return all(told in text for told in ("TOOL-PROBE", "CALL-PROBE", "RESULT-PROBE"))

    def _plain(self, message: dict[str, Any]) -> dict[str, Any]:
        content = message.get("content")
        if isinstance(content, list):
            if any(not isinstance(part, dict) or part.get("type") != "text" for part in content):
                raise ConversationError(f"{self.name} reads text only, and a message holds something else.")
            content = "".join(str(part.get("text", "")) for part in content)
        plain: dict[str, Any] = {"role": message["role"], "content": self.escaped(clean(content or ""))}
        if message.get("tool_calls"):
            plain["tool_calls"] = [
                {**call, "function": self._function(call["function"])} for call in message["tool_calls"]
            ]
        if message.get("tool_call_id"):
            plain["tool_call_id"] = message["tool_call_id"]
        return plain

    def _function(self, function: dict[str, Any]) -> dict[str, Any]:
        arguments = self.escaped(json.loads(function["arguments"] or "{}"))
        return {**function, "arguments": json.dumps(arguments) if self._arguments_as_text else arguments}

    def escaped(self, value: Any) -> Any:
        """`value` with all control tokens in its texts escaped; see `escape_control_tokens`."""
        if isinstance(value, str):
            for token in self._control:
                if token in value:
                    value = value.replace(token, f"{token[0]} {token[1:]}")
            return value
        if isinstance(value, dict):
            return {self.escaped(name): self.escaped(one) for name, one in value.items()}
        return [self.escaped(one) for one in value] if isinstance(value, list) else value


def _in_parts(message: dict[str, Any]) -> dict[str, Any]:
    return {**message, "content": [{"type": "text", "text": message["content"]}]}
