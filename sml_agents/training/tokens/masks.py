"""Which tokens of a dialogue are the student's: rendering with a loss mask, for any chat template.

A row is one turn or a whole dialogue. The prompt of a turn is the text that `ChatFormat` writes for the model in use,
byte for byte, control tokens escaped; what the model is to say to it follows, with the token that ends its turn. Any
template can do that.

A whole dialogue is rendered at once, and once more up to each student turn with the generation prompt that the model
would have been given there. Every such rendering must be a prefix of the whole; what follows it is the student's turn.
Templates that write a turn otherwise once more turns follow are refused. The mask comes from cutting text that the
template itself made, never from looking for special tokens in it. The pieces are tokenised one by one, which is also
what happens when a model generates: a student's first token never melts into the prompt before it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from sml_agents.backends.chat_format import ChatFormat, bake, control_tokens
from sml_agents.data.nouns import Message, Tools
from sml_agents.data.rows import tools_in_text
from sml_agents.errors import BackendError, TrainingError
from sml_agents.text.thinking import closing_of, reasoning_in, split_thought
from sml_agents.text.tools import find_calls
from sml_agents.training.tokens.nouns import RenderedDialogue, RenderedTurn
from sml_agents.types import ToolCall

__all__ = ["DialogueRenderer", "Message", "NotOneRow", "RenderedDialogue", "RenderedTurn", "render"]

_PROBE_USER, _PROBE_STUDENT = "probe of the user", "probe of the student"
_THOUGHT_FIELDS = ("reasoning_content", "thinking", "reasoning")
"""Where templates look for the reasoning of a message; of the rest some take it apart from the text."""


class NotOneRow(TrainingError):
    """A dialogue cannot be one row with this chat template; its turns can be rows. `why` says it without the advice."""

    def __init__(self, why: str) -> None:
        super().__init__(f"{why}; train one row per student turn (rows_as='turn')")
        self.why = why


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
        template_kwargs: names to set in its template, such as `{"enable_thinking": False}`; the tokenizer keeps them.

    Raises:
        TrainingError: when there is no chat template, or it writes assistant messages in a way that cannot be cut.
    """

    def __init__(self, tokenizer: Any, template_kwargs: Mapping[str, Any] | None = None) -> None:
        self.tokenizer = tokenizer
        if not getattr(tokenizer, "chat_template", None):
            raise TrainingError(
                "this tokenizer has no chat template: give the instruction-tuned model, or set tokenizer.chat_template"
            )
        try:
            bake(tokenizer, template_kwargs or {})
        except (TypeError, ValueError) as error:
            raise TrainingError(str(error)) from error
        self.format = ChatFormat(tokenizer, "the model")
        self._control = control_tokens(tokenizer) or sorted(tokenizer.get_added_vocab(), key=len, reverse=True)
        self.folds_system = not self.format.has_system
        self.lead, self.end, self._tail = self._around_student()
        self.end_ids = tuple(self._tokenize([self.end])[0])
        self.takes_tools = self.format.takes_tools
        """Whether the template writes tools, calls and results; else they are written as text."""
        self._call_end = call_end = self._end_of_calls() if self.takes_tools else self.end
        self.stops = tuple(dict.fromkeys(stop for stop in map(self._stop_of, (self.end, call_end)) if stop))
        """The tokens that end a turn in training: in use they have to end generation."""
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
            raise NotOneRow(
                "private reasoning stands before its own turn and in no later history, so such a dialogue cannot be "
                "one row"
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
                raise NotOneRow(
                    f"the chat template does not end student turn {index} with {self.end!r} as it ends others, so its "
                    "turns cannot be cut out of one row"
                )
            pieces.append(_Piece(text[done:start]))
            if message.ended:
                stop += len(self.end)
            pieces.append(_Piece(text[start:stop], index, self._sampled(message, index)))
            done = stop
        pieces.append(_Piece(text[done:]))
        return self._assemble(dict(enumerate(dialogue)), pieces, text, shift=-added)

    def render_turns(
        self, messages: Iterable[Message | Mapping[str, Any]], tools: Tools = ()
    ) -> list[RenderedDialogue]:
        """One rendering for each trainable student turn: the history as the prompt, that turn alone trained.

        This fits every template, since each turn is rendered as it would be generated. Where a message holds both
        `prompt` and `sampled`, these ids are taken as they are.
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
                turn = RenderedTurn(
                    index, start, len(ids), True, message.weight, self._thought_in(message, ids[start:])
                )
                rendered.append(RenderedDialogue(ids, mask, (turn,), self.tokenizer.decode(ids)))
                continue
            rendered.append(self._render_turn(dialogue[:index], message, index, tools))
        return rendered

    def fits(self, message: Message) -> bool:
        """Whether the sampled ids of `message` decode with this tokenizer to its text, reasoning and calls."""
        said = str(self.tokenizer.decode(list(message.sampled or ()), skip_special_tokens=True))
        if message.calls:
            found = find_calls(said, {call.name for call in message.calls})
            made = [(call.name, call.arguments) for call in message.calls]
            return list(found.made) == made and found.rest == (message.thought + message.content).strip()
        words = (message.thought + message.content).strip()
        if said.strip() == words:
            return True
        # A call in the text: the model may have spaced it otherwise, or left its end open.
        ours = find_calls(words)
        return bool(ours.made) and find_calls(said, {name for name, _ in ours.made}) == ours

    def folded(self, messages: list[Message]) -> list[Message]:
        """Without a system message where the template has none: its text opens the first user message."""
        if not self.folds_system or not messages or messages[0].role != "system":
            return messages
        system, *rest = messages
        if not rest or rest[0].role != "user":
            raise NotOneRow("this chat template has no system role, and no user message follows to carry its text")
        texts = [text for text in (system.content, rest[0].content) if text]
        return [replace(rest[0], content="\n\n".join(texts)), *rest[1:]]

    # --- the steps ----------------------------------------------------------------------------------------------

    def _render_turn(self, history: Sequence[Message], message: Message, index: int, tools: Tools) -> RenderedDialogue:
        """`message`, which is number `index`, as the answer to all before it."""
        before, asked = [message.as_chat() for message in self._written(list(history), tools)], message
        if not self.takes_tools:
            asked, tools = tools_in_text([message], ())[0], ()
        try:
            arranged, prompt = self.format.opened(before, list(tools) or None)
            body, end = self._reply(arranged, prompt, asked, tools)
        except BackendError as error:
            raise TrainingError(f"message {index} cannot be trained: {error}") from error
        said = body + end if message.ended else body
        pieces = [_Piece(prompt), _Piece(said, index, self._sampled(message, index))]
        return self._assemble({index: message}, pieces, prompt + said, shift=0)

    def _reply(self, arranged: list[dict[str, Any]], prompt: str, message: Message, tools: Tools) -> tuple[str, str]:
        """What the model says to `prompt`, from its first token on, and what ends its turn.

        As the template writes it, where that continues the prompt. Where it would write a last turn otherwise than it
        is generated (some leave its reasoning out, which their prompt has opened), thought and words are put together.
        """
        message = replace(message, thought=self.format.escaped(message.thought))
        reasoning = reasoning_in(message.thought)
        for fields in self._ways(message, reasoning):
            [said] = self.format.plain([replace(message, thought="").as_chat() | fields])
            said |= {name: value for name, value in fields.items() if name in _THOUGHT_FIELDS}
            try:
                text = self.format.write([*arranged, said], list(tools))
            except BackendError:
                continue
            rest = text.removeprefix(prompt) if text.startswith(prompt) else ""
            if (cut := self._cut(rest, said["content"], message, reasoning)) is not None:
                return cut
        close = closing_of(prompt)
        thought = f"{reasoning}\n{close}\n\n" if close else message.thought
        if not message.calls:
            [said] = self.format.plain([{"role": "assistant", "content": message.content}])
            lead = "" if thought else self.lead
            words: str = said["content"]
            return lead + thought + words, self.end
        return self._call_after(prompt, message, thought)

    def _ways(self, message: Message, reasoning: str) -> list[dict[str, Any]]:
        """How a template may be given a message with its reasoning."""
        if not message.thought:
            return [{}]
        apart = [{name: reasoning} for name in _THOUGHT_FIELDS]
        return [*apart, {"content": message.thought + message.content}]

    def _cut(self, rest: str, content: str, message: Message, reasoning: str) -> tuple[str, str] | None:
        """`rest`, what the template writes after the prompt, as the model's words and what ends them; None where it
        does not hold them as they were said."""
        if message.calls:
            end = self._closing(rest)
            body = rest[: len(rest.rstrip()) - len(end)] if end else rest.rstrip()
            whole = all(call.name in body for call in message.calls) and reasoning in body
            return (body, end or self._call_end) if whole else None
        if not rest.endswith(self._tail):
            return None
        body = rest.removesuffix(self._tail)
        for said in (content, content.rstrip(), content.lstrip(), content.strip()):
            if body.endswith(said):
                before = body[: len(body) - len(said)]
                if self._reads_as(body, said, reasoning) if message.thought else before == self.lead:
                    return body, self.end
        return None

    def _reads_as(self, body: str, said: str, reasoning: str) -> bool:
        """Whether `body` is in use taken apart into this reasoning and these words."""
        thought, words = split_thought(self.format.decode(self._tokenize([body])[0]))
        return words.strip() == said.strip() and reasoning in thought

    def _call_after(self, prompt: str, message: Message, thought: str) -> tuple[str, str]:
        """A call where the template writes this history otherwise once it is answered: as it writes it elsewhere."""
        elsewhere = self.format.plain([{"role": "user", "content": "."}])
        [said] = self.format.plain([replace(message, thought="").as_chat()])
        opened, text = self.format.write(elsewhere, opened=True), self.format.write([*elsewhere, said])
        shared = next((at for at, (a, b) in enumerate(zip(opened, text, strict=False)) if a != b), len(opened))
        rest = text[shared:]
        before, closed, after = rest.partition(closing_of(prompt) or "\0")
        if closed and not any(call.name in before for call in message.calls):  # an empty reasoning
            rest = after.lstrip("\n")
        if not all(call.name in rest for call in message.calls):
            raise TrainingError(
                "the chat template writes no call of a tool: give one that does with chat_template=PATH, or train on "
                "dialogues without tools"
            )
        end = self._closing(rest)
        body = rest[: len(rest.rstrip()) - len(end)] if end else rest.rstrip()
        return thought + body, end or self._call_end

    def _closing(self, text: str) -> str:
        """The control tokens at the end of `text`, without the white space after them."""
        rest = text.rstrip()
        while token := next((token for token in self._control if rest.endswith(token)), ""):
            rest = rest.removesuffix(token)
        return text.rstrip()[len(rest) :]

    def _stop_of(self, end: str) -> str:
        """The control token with which `end` ends; "" for plain text, at which no generation can stop."""
        return next((token for token in self._control if end.endswith(token)), "")

    def _written(self, messages: list[Message], tools: Tools) -> list[Message]:
        return messages if self.takes_tools else tools_in_text(messages, tools)

    def _start_of(self, dialogue: Sequence[Message], index: int, text: str, done: int, tools: Tools) -> int:
        prompt = self._text(dialogue[:index], generation=True, tools=tools)
        if len(prompt) < done or not text.startswith(prompt):
            raise NotOneRow(
                f"the chat template is not prefix preserving at message {index}: it renders a history differently "
                "once more turns follow (thinking templates drop earlier reasoning), so a mask over the whole "
                "dialogue would be wrong"
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
            raise NotOneRow(
                f"the chat template writes the tool call of message {index} differently once more turns follow, so it "
                "cannot be cut out"
            )
        [said] = self.format.plain([{"role": "assistant", "content": message.content}])
        words = str(said["content"])
        for content in (words, words.rstrip(), words.lstrip(), words.strip()):
            if text.startswith(f"{self.lead}{content}{self.end}", start):
                return self.lead + content
        raise NotOneRow(
            f"the chat template rewrites the student's text at message {index} (a thinking template does so with all "
            f"turns but the last): it writes {text[start : start + 40]!r} where the student said "
            f"{message.content[:40]!r}"
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
        self, dialogue: Mapping[int, Message], pieces: Sequence[_Piece], text: str, *, shift: int
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
                thought = self._thought_in(message, piece_ids)
                turns.append(RenderedTurn(piece.message + shift, start, len(ids), trained, message.weight, thought))
        return RenderedDialogue(ids, mask, tuple(turns), text)

    def _thought_in(self, message: Message, ids: Sequence[int]) -> int:
        """How many of a turn's tokens come before its words: those of its thought, be it an empty one that the template
        writes; 0 where there is none, or nothing is said."""
        text, said = str(self.tokenizer.decode(list(ids))), message.content.strip()
        before = text.rfind(said) if said else 0
        if before <= 0 or not text[:before].strip():
            return 0
        lengths = (len(str(self.tokenizer.decode(list(ids[: at + 1])))) for at in range(len(ids)))
        return next((at for at, length in enumerate(lengths) if length > before), 0)

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
        try:
            written = self.format.plain([message.as_chat() for message in dialogue])
            return self.format.write(written, list(tools), opened=generation)
        except BackendError as error:
            roles = ", ".join(message.role for message in dialogue) or "no message"
            raise NotOneRow(f"the chat template refuses this dialogue ({roles}): {error}") from error

    def _around_student(self) -> tuple[str, str, str]:
        """What the template puts between a generation prompt and the student's words (white space, which is one token
        with them, or an empty reasoning); what ends a student's turn: the first control tokens after its words; and all
        that follows the words of a last turn."""
        probe = [Message("user", _PROBE_USER), Message("assistant", _PROBE_STUDENT)]
        text = self._text(probe)
        head, found, tail = text.rpartition(_PROBE_STUDENT)
        if not found:
            raise TrainingError("the chat template does not write assistant messages, so there is nothing to train on")
        prompt = self._text(probe[:1], generation=True)
        lead = head[len(prompt) :] if head.startswith(prompt) else ""
        return lead, self._first_control(tail) or self._opening_of_next(probe) or self._plain_end(tail), tail

    def _first_control(self, text: str) -> str:
        """`text` up to and with the first control tokens in it, those that stand together; "" where there is none."""
        places = [(text.index(token), -len(token)) for token in self._control if token in text]
        if not places:
            return ""
        at, size = min(places)
        stop = at - size
        while token := next((token for token in self._control if text.startswith(token, stop)), ""):
            stop += len(token)
        return text[:stop]

    def _opening_of_next(self, probe: list[Message], follower: str = "user") -> str:
        """For a template that ends no turn: the control token that opens the next one, which the model then says."""
        after = Message("user", "probe of what follows")
        if follower == "tool":
            after = Message("tool", after.content, call_id=probe[-1].calls[0].id)
        try:
            closed = self._text(probe)
            text = self._text([*probe, after])
        except TrainingError:
            return ""
        gap = text[len(closed) :].partition(after.content)[0] if text.startswith(closed) else ""
        place = next((token for token in self._control if gap.lstrip().startswith(token)), "")
        return place

    def _plain_end(self, tail: str) -> str:
        if not tail:
            raise TrainingError(
                "the chat template writes nothing after an assistant message, so a model trained with it would never "
                "learn to stop: end assistant messages with the end-of-sequence token in the template"
            )
        return tail

    def _end_of_calls(self) -> str:
        """What ends a turn that calls a tool."""
        call = ToolCall(name="probe_of_the_call", arguments={"probe": "probe of the argument"}, id="call00000")
        asked = [Message("user", _PROBE_USER), Message("assistant", "", calls=(call,))]
        try:
            return self._closing(self._text(asked)) or self._opening_of_next(asked, "tool") or self.end
        except TrainingError:
            return self.end

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
