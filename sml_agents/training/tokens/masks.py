"""Which tokens of a dialogue are the student's: rendering with a loss mask, for any chat template.

A dialogue is rendered as a whole, and once more up to each student turn with the generation prompt that the model
would have been given there. Every such rendering must be a prefix of the whole; what follows it is the student's turn.
So the mask comes from cutting text that the template itself made, never from looking for special tokens in it: a
teacher who writes `<|im_start|>assistant` gains nothing. The pieces are tokenised one by one, which is also what
happens when a model generates: a student's first token never melts into the prompt before it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from sml_agents.data.nouns import Message, Tools
from sml_agents.data.rows import tools_in_text
from sml_agents.errors import TrainingError
from sml_agents.training.tokens.nouns import RenderedDialogue, RenderedTurn
from sml_agents.types import ToolCall

__all__ = ["DialogueRenderer", "Message", "RenderedDialogue", "RenderedTurn", "render"]

_PROBE_USER, _PROBE_STUDENT = "probe of the user", "probe of the student"


@dataclass(frozen=True)
class _Piece:
    text: str
    message: int | None = None
    """The student turn that this piece is, or None for the template's and the teacher's text."""
    ids: tuple[int, ...] | None = None


class DialogueRenderer:
    """Renders dialogues with one tokenizer's chat template.

    Args:
        tokenizer: a `transformers` tokenizer that has a chat template.
        template_kwargs: further names for the template, such as `{"enable_thinking": False}`.

    Raises:
        TrainingError: when there is no chat template, or it writes assistant messages in a way that cannot be cut.
    """

    def __init__(self, tokenizer: Any, template_kwargs: Mapping[str, Any] | None = None) -> None:
        self.tokenizer = tokenizer
        self.template_kwargs = dict(template_kwargs or {})
        if not getattr(tokenizer, "chat_template", None):
            raise TrainingError(
                "this tokenizer has no chat template: give the instruction-tuned model, or set tokenizer.chat_template"
            )
        self.lead, self.end = self._around_student()
        self.end_ids = tuple(self._tokenize([self.end])[0])
        self.folds_system = not self._takes_system()
        self.takes_tools = self._takes_tools()
        """Whether the template writes tools, calls and results; else they are written as text."""
        self._safe_pieces = self._pieces_are_safe()

    # --- public -------------------------------------------------------------------------------------------------

    def render(self, messages: Iterable[Message | Mapping[str, Any]], tools: Tools = ()) -> RenderedDialogue:
        """The whole dialogue, with a mask over its trainable student turns: calls are among them, results are not.

        Raises:
            TrainingError: when the template is not prefix preserving or rewrites a student's text; the message says
                what to do.
        """
        whole = [_message(one) for one in messages]
        if any(message.thought for message in whole):
            raise TrainingError(
                "private reasoning stands before its own turn and in no later history, so such a dialogue cannot be "
                "one row: train one row per student turn (rows_as='turn')"
            )
        dialogue = self.folded(self._written(whole, tools))
        added = len(dialogue) - len(whole)
        tools = tools if self.takes_tools else ()
        text = self._text(dialogue, tools=tools)
        pieces: list[_Piece] = []
        done = 0
        for index, message in enumerate(dialogue):
            if message.role != "assistant":
                continue
            start = self._start_of(dialogue, index, text, done, tools)
            stop = start + len(self._content_at(text, start, dialogue, index, tools))
            if not text.startswith(self.end, stop):
                raise TrainingError(
                    f"the chat template does not end student turn {index} with {self.end!r} as it ends others, so its "
                    "turns cannot be cut out: use a template that ends every assistant message the same way"
                )
            pieces.append(_Piece(text[done:start]))
            if message.ended:
                stop += len(self.end)
            pieces.append(_Piece(text[start:stop], index, self._sampled(message, index)))
            done = stop
        pieces.append(_Piece(text[done:]))
        return self._assemble(dialogue, pieces, text, shift=-added)

    def render_turns(
        self, messages: Iterable[Message | Mapping[str, Any]], tools: Tools = ()
    ) -> list[RenderedDialogue]:
        """One rendering for each trainable student turn: the history as the prompt, that turn alone trained.

        This fits templates that are not prefix preserving, since each turn is rendered as it would be generated. Where
        a message holds both `prompt` and `sampled`, these ids are taken as they are.
        """
        dialogue = [_message(one) for one in messages]
        rendered = []
        for index, message in enumerate(dialogue):
            if message.role != "assistant" or not message.trainable:
                continue
            if message.prompt is not None and message.sampled is not None:
                ids = [*message.prompt, *message.sampled]
                start = len(message.prompt)
                mask = [0] * start + [1] * len(message.sampled)
                turn = RenderedTurn(index, start, len(ids), True, message.weight)
                rendered.append(RenderedDialogue(ids, mask, (turn,), self.tokenizer.decode(ids)))
                continue
            history = [replace(one, trainable=False, sampled=None, thought="") for one in dialogue[:index]]
            last = replace(message, content=message.thought + message.content, thought="")
            rendered.append(self._render_last([*history, last], tools))
        return rendered

    def fits(self, message: Message) -> bool:
        """Whether the sampled ids of `message` decode to its text (and the reasoning before it) with this tokenizer."""
        said = str(self.tokenizer.decode(list(message.sampled or ()), skip_special_tokens=True))
        return said.strip() == (message.thought + message.content).strip()

    def folded(self, messages: list[Message]) -> list[Message]:
        """Without a system message where the template has none: its text opens the first user message."""
        if not self.folds_system or not messages or messages[0].role != "system":
            return messages
        system, *rest = messages
        if not rest or rest[0].role != "user":
            raise TrainingError("this chat template has no system role, and no user message follows to carry its text")
        return [replace(rest[0], content=f"{system.content}\n\n{rest[0].content}"), *rest[1:]]

    # --- the steps ----------------------------------------------------------------------------------------------

    def _render_last(self, messages: list[Message], tools: Tools) -> RenderedDialogue:
        """The last message as the answer to all before it; earlier student turns are not looked at."""
        dialogue = self.folded(self._written(messages, tools))
        index, message = len(dialogue) - 1, dialogue[-1]
        tools = tools if self.takes_tools else ()
        text = self._text(dialogue, tools=tools)
        start = self._start_of(dialogue, index, text, 0, tools)
        stop = start + len(self._content_at(text, start, dialogue, index, tools))
        stop += len(self.end) if message.ended and text.startswith(self.end, stop) else 0
        pieces = [
            _Piece(text[:start]),
            _Piece(text[start:stop], index, self._sampled(message, index)),
            _Piece(text[stop:]),
        ]
        return self._assemble(dialogue, pieces, text, shift=len(messages) - len(dialogue))

    def _written(self, messages: list[Message], tools: Tools) -> list[Message]:
        return messages if self.takes_tools else tools_in_text(messages, tools)

    def _start_of(self, dialogue: Sequence[Message], index: int, text: str, done: int, tools: Tools) -> int:
        prompt = self._text(dialogue[:index], generation=True, tools=tools)
        if len(prompt) < done or not text.startswith(prompt):
            raise TrainingError(
                f"the chat template is not prefix preserving at message {index}: it renders a history differently "
                "once more turns follow (thinking templates drop earlier reasoning), so a mask over the whole "
                "dialogue would be wrong; train one row per student turn (rows_as='turn') or give a training "
                "template with chat_template=PATH"
            )
        return len(prompt)

    def _content_at(self, text: str, start: int, dialogue: Sequence[Message], index: int, tools: Tools) -> str:
        """The student's words as they stand in `text` (templates may trim them), or its calls, from `start` on."""
        message = dialogue[index]
        if message.calls:
            until = self._text(dialogue[: index + 1], tools=tools)
            called = until[start:].rpartition(self.end)[0]
            if until.startswith(text[:start]) and called and text.startswith(called + self.end, start):
                return called
            raise TrainingError(
                f"the chat template writes the tool call of message {index} differently once more turns follow, so it "
                "cannot be cut out: train one row per student turn (rows_as='turn')"
            )
        for content in (message.content, message.content.rstrip(), message.content.lstrip(), message.content.strip()):
            if text.startswith(f"{self.lead}{content}{self.end}", start):
                return self.lead + content
        raise TrainingError(
            f"the chat template rewrites the student's text at message {index}: it writes "
            f"{text[start : start + 40]!r} where the student said {message.content[:40]!r}; for a thinking template "
            "pass template_kwargs={'enable_thinking': False} with rows_as='turn', or give a training template with "
            "chat_template=PATH"
        )

    def _sampled(self, message: Message, index: int) -> tuple[int, ...] | None:
        if message.sampled is None:
            return None
        if not self.fits(message):
            raise TrainingError(
                f"the sampled ids of message {index} do not decode to the student's text {message.content[:40]!r}: "
                "they come from another tokenizer; leave them out (verbatim=False) to tokenise the text"
            )
        ids = tuple(message.sampled)
        closed = ids[-len(self.end_ids) :] == self.end_ids or (ids and ids[-1] in self.tokenizer.all_special_ids)
        return ids if closed or not message.ended else (*ids, *self.end_ids)

    def _assemble(
        self, dialogue: Sequence[Message], pieces: Sequence[_Piece], text: str, *, shift: int
    ) -> RenderedDialogue:
        ids: list[int] = []
        mask: list[int] = []
        turns: list[RenderedTurn] = []
        for piece, piece_ids in zip(pieces, self._piece_ids(pieces, text), strict=True):
            start = len(ids)
            ids.extend(piece_ids)
            message = None if piece.message is None else dialogue[piece.message]
            trained = message is not None and message.trainable
            mask.extend([int(trained)] * len(piece_ids))
            if piece.message is not None and message is not None:
                turns.append(RenderedTurn(piece.message + shift, start, len(ids), trained, message.weight))
        return RenderedDialogue(ids, mask, tuple(turns), text)

    def _piece_ids(self, pieces: Sequence[_Piece], text: str) -> list[list[int]]:
        if self._safe_pieces:
            tokenized = self._tokenize([piece.text for piece in pieces])
        else:
            tokenized = self._tokenize_by_offsets(pieces, text)
        return [list(piece.ids) if piece.ids is not None else ids for piece, ids in zip(pieces, tokenized, strict=True)]

    def _tokenize(self, texts: list[str]) -> list[list[int]]:
        try:
            return list(self.tokenizer(texts, add_special_tokens=False)["input_ids"])
        except (TypeError, UnicodeEncodeError) as error:
            raise TrainingError(f"a message cannot be tokenised (it may hold a lone surrogate): {error}") from error

    def _tokenize_by_offsets(self, pieces: Sequence[_Piece], text: str) -> list[list[int]]:
        """For tokenizers that put a space before every text they are given: tokenise once, deal out by position."""
        encoded = self.tokenizer(text, add_special_tokens=False, return_offsets_mapping=True)
        stops, at = [], 0
        for piece in pieces:
            at += len(piece.text)
            stops.append(at)
        dealt: list[list[int]] = [[] for _ in pieces]
        which = 0
        for token, (_, stop) in zip(encoded["input_ids"], encoded["offset_mapping"], strict=True):
            while which < len(stops) - 1 and stop > stops[which]:
                which += 1
            dealt[which].append(token)
        return dealt

    # --- what the template is like ------------------------------------------------------------------------------

    def _text(self, dialogue: Sequence[Message], *, generation: bool = False, tools: Tools = ()) -> str:
        from jinja2 import TemplateError

        try:
            return str(
                self.tokenizer.apply_chat_template(
                    [message.as_chat(arguments_as_text=False) for message in dialogue],
                    tools=list(tools) or None,
                    tokenize=False,
                    add_generation_prompt=generation,
                    **self.template_kwargs,
                )
            )
        except TemplateError as error:
            roles = ", ".join(message.role for message in dialogue) or "no message"
            raise TrainingError(f"the chat template refuses this dialogue ({roles}): {error}") from error

    def _around_student(self) -> tuple[str, str]:
        """The white space that the template puts between a generation prompt and the student's words (they are one
        token there), and what closes an assistant message, up to and with its first special token."""
        probe = [Message("user", _PROBE_USER), Message("assistant", _PROBE_STUDENT)]
        text = self._text(probe)
        head, found, tail = text.rpartition(_PROBE_STUDENT)
        if not found:
            raise TrainingError("the chat template does not write assistant messages, so there is nothing to train on")
        if not tail:
            raise TrainingError(
                "the chat template writes nothing after an assistant message, so a model trained with it would never "
                "learn to stop: end assistant messages with the end-of-sequence token in the template"
            )
        prompt = self._text(probe[:1], generation=True)
        lead = head[len(prompt) :] if head.startswith(prompt) else ""
        specials = {*self.tokenizer.all_special_tokens, *self.tokenizer.get_added_vocab()}
        places = [(tail.index(token), -len(token), token) for token in specials if token and token in tail]
        at, _, token = min(places, default=(0, 0, tail))
        return ("" if lead.strip() else lead), tail[: at + len(token)]

    def _takes_system(self) -> bool:
        probe = [Message("system", "probe of the system"), Message("user", _PROBE_USER)]
        try:
            return "probe of the system" in self._text(probe)
        except TrainingError:
            return False

    def _takes_tools(self) -> bool:
        call = ToolCall(name="probe_of_the_call", arguments={"probe": "probe of the argument"}, id="call00000")
        probe = [
            Message("user", _PROBE_USER),
            Message("assistant", "", calls=(call,)),
            Message("tool", "probe of the result", call_id=call.id),
            Message("assistant", _PROBE_STUDENT),
        ]
        function = {"name": call.name, "description": "probe of the tool", "parameters": {"type": "object"}}
        try:
            text = self._text(probe, tools=({"type": "function", "function": function},))
        except TrainingError:
            return False
        return all(told in text for told in ("probe of the tool", "probe of the argument", "probe of the result"))

    def _pieces_are_safe(self) -> bool:
        """Whether tokenising text in two pieces and joining the ids gives the text back."""
        first, second = self._tokenize(["a b", "c d"])
        return "a bc d" in str(self.tokenizer.decode([*first, *second], clean_up_tokenization_spaces=False))


def render(
    tokenizer: Any,
    messages: Iterable[Message | Mapping[str, Any]],
    *,
    template_kwargs: Mapping[str, Any] | None = None,
) -> RenderedDialogue:
    """Render one dialogue; see `DialogueRenderer`, which is cheaper for many.

    Args:
        messages: `Message` objects, or mappings with `role` and `content`, in which an assistant message is trainable
            unless it says `"trainable": False`.
    """
    return DialogueRenderer(tokenizer, template_kwargs).render(messages)


def _message(one: Message | Mapping[str, Any]) -> Message:
    if isinstance(one, Message):
        return one
    return Message(**{"trainable": one.get("role") == "assistant", **one})
