"""What a conversation says about the request at hand: a request, its questions and answers, and who said what.

A request begins with the person's first words after a guarded call has succeeded or they have withdrawn the one before;
answering a question does not begin one. It is read off the messages alone, so that it is the same after a restart.
"""

from __future__ import annotations

import datetime as dt
import json
import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, ToolCall, ToolMessage

from sml_agents.agents.asking import ASK_USER, NOT_RUN, REFUSED, Question, answers_of, asked_by, is_answer, is_own
from sml_agents.agents.replies import (
    accepts,
    answers_nothing,
    asks_again,
    confirms,
    corrections,
    declines_extra,
    is_undecided,
    refers_back,
    speaks_of_going_on,
    withdraws,
)
from sml_agents.text.sentences import sentence_spans, sentences
from sml_agents.text.values import Clock, Kind, Span, find, fold, kind_of, tokens
from sml_agents.text.words import content_words, stem

__all__ = ["Made", "Piece", "Request", "pieces_of_data"]

Source = Literal["said", "offered", "returned", "given"]
_LONG = 1500
"""Characters of a text that is looked at as a whole."""


@dataclass(frozen=True)
class Piece:
    """A stretch of text that may hold values."""

    source: Source
    text: str
    at: int
    """Index of its message; -1 for what stands outside of the conversation."""
    about: frozenset[str] = frozenset()
    """Names of the arguments that it answers a question about, or confirms."""
    key: str = ""
    """In structured data: the keys above the value."""
    correction: bool = False
    """It takes back something that was said before."""
    accepted: bool = False
    """An offer that the person took."""
    question: str = ""
    """The agent's question in its own words that the person's words follow."""
    echoes: tuple[str, ...] = ()
    """In a tool's result: the words that only repeat its call's own arguments. They are no source."""

    def tells(self, kind: Kind, value: Any, span: Span) -> bool:
        """Whether a value says more than the call that this came of: `Anna Kowalski`, found for `Anna`. It begins a
        line or an item, and what it has more is a name, and not what the argument is (`Flight LX318`)."""
        if not self.echoes:
            return True
        words = self.text[span.start : span.end]
        for echo in self.echoes:
            words = words.replace(echo, " ")
        more = [token for token in tokens(words) if token.text[:1].isupper() and stem(token.plain) not in kind.words]
        rest = fold(str(value))
        for echo in self.echoes:
            rest = rest.replace(fold(echo), " ")
        begins = re.search(r"(?:^|[\n,;|(\u2022]|[-:]\s)\s*$", self.text[: span.start])
        return bool(more and content_words(rest) and begins)


@dataclass(frozen=True)
class Made:
    """A guarded call that was made."""

    tool: str
    arguments: Mapping[str, Any]
    result: str | None = None
    """What it came back with; None while it has not."""


@dataclass(frozen=True)
class Request:
    """What the person wants now, and how far the talk about it has come."""

    messages: Sequence[BaseMessage]
    begins: int
    pieces: tuple[Piece, ...]
    """Said, offered and returned, in order."""
    asked: Mapping[str, int]
    """Names of arguments, and how often each was asked for."""
    rounds: int
    """How often the person was asked since they last spoke of their own accord."""
    withdrawn: bool
    """The last words take the request back."""
    went_on: bool
    """The last words say to go on without asking."""
    refusals: int
    """Calls refused since the person last spoke."""
    settled: frozenset[str]
    """Keys of questions that got an answer."""
    done: bool
    """A guarded call has succeeded since the person last spoke."""
    made: tuple[Made, ...] = ()
    """The guarded calls that have succeeded since the request began, or since the person asked for them again."""
    doubted: Mapping[str, int] = field(default_factory=dict)
    """Names of arguments that the person was asked whether they had been understood rightly, and the message of the
    answer that did not say yes: what was said of them before it counts no more."""
    earlier: int = 0
    """Where the request before this one begins, if the person refers back to it (`book it`); else as `begins`."""
    finished: frozenset[str] = frozenset()
    """The tools by which the request before this one succeeded."""
    last: tuple[Made, ...] = ()
    """The guarded calls of the request before this one, if this one's first words came right after they succeeded."""
    trust: Collection[str] | None = None
    tool: str = ""
    """The tool that sees it, once one does."""

    @classmethod
    def read(
        cls,
        messages: Sequence[BaseMessage],
        guarded: Callable[[str], bool],
        trust: Collection[str] | None = None,
        before: Sequence[Mapping[str, Any]] = (),
    ) -> Request:
        """The request at the end of a conversation.

        `guarded`: whether the tool of a name is. `trust`: tools whose results count; None for all. `before`: what
        `kept` gave earlier, for a conversation that was cut since.
        """
        messages = [_in_words(message) for message in messages]
        begins, done, pending = 0, False, False
        earlier, again_before = 0, False
        last: tuple[Made, ...] = ()
        finished: set[str] = set()
        succeeded: set[str] = set()
        asked: dict[str, int] = {}
        settled: set[str] = set()
        doubted: dict[str, int] = {}
        waiting: tuple[Question, ...] = ()
        calls: dict[str | None, ToolCall] = {}
        made: list[Made] = []
        rounds = refusals = 0
        withdrawn = went_on = False
        for at, message in enumerate(messages):
            if isinstance(message, AIMessage):
                calls.update({call["id"]: call for call in message.tool_calls})
            if questions := asked_by(message):
                waiting, pending, done = questions, True, False
                rounds += 1
                for question in questions:
                    if question.about:
                        asked[question.about] = asked.get(question.about, 0) + 1
            elif isinstance(message, ToolMessage) and not is_answer(message):
                if _is_refusal(message):
                    refusals += 1
                elif message.status != "error" and guarded(message.name or ""):
                    done = True
                    succeeded.add(message.name or "")
                    if call := calls.get(message.tool_call_id):
                        made.append(Made(call["name"], call["args"], message.text))
            elif is_own(message) or is_answer(message):
                text = message.text
                took_back = "" if declines_extra(text, _last_said(messages, at)) else withdraws(text)
                again = asks_again(text, " ".join(question.text for question in waiting))
                if took_back or (done and not pending and is_own(message)):
                    last = tuple(made) if done and not took_back and not again else ()
                    first = earlier if again_before else begins
                    again_before = again and not took_back
                    earlier = first if done and not took_back and (again or refers_back(text)) else at
                    finished, succeeded = set() if again else succeeded, set()
                    begins, asked, settled, made, doubted = at, {}, set(), [], {}
                if again:
                    made = []
                if not (pending and not took_back):
                    rounds = 0
                if pending:
                    for question, reply in _replies(message, waiting):
                        if not answers_nothing(reply):
                            settled.update(question.keys)
                        undecided = question.between and (answers_nothing(reply) or accepts(reply) == "no")
                        if undecided or (question.understood and not _is_confirmed(reply, waiting)):
                            doubted[question.about] = at
                withdrawn, went_on = took_back == "all", speaks_of_going_on(text)
                done, pending, waiting, refusals = False, False, (), 0
        pieces = tuple(_pieces(messages, begins, trust))
        here = {message.id for message in messages}
        lost = [one for one in before if one.get("id") not in here] if not begins else []
        early = tuple(
            Piece("said", one["text"], -1, frozenset(one["about"]), correction=one["correction"]) for one in lost
        )
        return cls(
            messages=messages,
            begins=begins,
            pieces=early + pieces,
            asked=asked,
            rounds=rounds,
            withdrawn=withdrawn,
            went_on=went_on,
            refusals=refusals,
            settled=frozenset(settled),
            done=done,
            made=tuple(made),
            doubted=doubted,
            earlier=earlier,
            finished=frozenset(finished),
            last=last,
            trust=trust,
        )

    def for_tool(self, name: str) -> Request:
        """The request as a tool sees it: `book it` after a search means what was found; a second booking does not."""
        if self.earlier >= self.begins or name in self.finished:
            return replace(self, tool=name)
        pieces = tuple(_pieces(self.messages, self.earlier, self.trust))
        return replace(self, tool=name, begins=self.earlier, pieces=pieces)

    def from_the_start(self) -> Request:
        """With all that the person said or accepted in this conversation, and nothing that a tool returned."""
        pieces = (one for one in _pieces(self.messages, 0, self.trust) if one.source in ("said", "offered"))
        return replace(self, begins=0, pieces=tuple(pieces), last=())

    def kept(self) -> list[dict[str, Any]]:
        """What the person said about this request, and confirmed, as plain data."""
        found = []
        for piece in self.pieces:
            if piece.source == "said" or (piece.accepted and piece.about):
                id = self.messages[piece.at].id if piece.at >= 0 else None
                found.append(
                    {"id": id, "text": piece.text, "about": sorted(piece.about), "correction": piece.correction}
                )
        return found

    @property
    def told(self) -> str:
        return "\n".join(piece.text for piece in self.pieces if piece.source == "said")


def _in_words(message: BaseMessage) -> BaseMessage:
    """What a person says around a picture as one text of several lines: LangChain glues them, `Book Romeon 5 May`."""
    if not isinstance(message, HumanMessage) or isinstance(message.content, str):
        return message
    blocks = (block if isinstance(block, dict) else {"type": "text", "text": block} for block in message.content)
    texts = [str(block.get("text") or "") for block in blocks if block.get("type") == "text"]
    return message.model_copy(update={"content": "\n".join(texts)}) if len(texts) > 1 else message


def _pieces(messages: Sequence[BaseMessage], begins: int, trust: Collection[str] | None) -> Iterator[Piece]:
    calls: dict[str, Mapping[str, Any]] = {}
    waiting: tuple[Question, ...] = ()
    offers: list[Piece] = []
    question = ""
    for at, message in enumerate(messages):
        if isinstance(message, AIMessage):
            calls.update({call["id"] or "": call["args"] for call in message.tool_calls})
            if questions := asked_by(message):
                waiting = questions
            question = _last_question(message.text)
            by_rule = bool(waiting) and any(question.about for question in waiting)
            if at >= begins and message.text.strip() and not by_rule:
                new = [Piece("offered", text, at) for text in _stretches(message.text)]
                offers += new
                yield from new
        elif is_answer(message) or is_own(message):
            if at >= begins:
                verdict = accepts(message.text)
                if verdict == "yes":
                    yield from (Piece("offered", offer.text, at, accepted=True) for offer in offers)
                if (
                    verdict == "yes"
                    or is_undecided(message.text)
                    or (verdict == "no" and len(message.text.split()) <= 3)
                ):
                    offers = []  # a longer no changes part of what was offered
                yield from _said(message, at, waiting, question)
                for one, reply in _replies(message, waiting):
                    if one.understood and _is_confirmed(reply, waiting):
                        yield Piece("offered", one.understood, at, frozenset({one.about}), accepted=True)
            waiting, question = (), ""
        elif isinstance(message, ToolMessage):
            if message.name == ASK_USER or _is_refusal(message) or message.status == "error":
                continue
            if trust is None or message.name in trust:
                yield from _returned(message, at, calls.get(message.tool_call_id, {}))


def _replies(message: BaseMessage, waiting: Sequence[Question]) -> list[tuple[Question, str]]:
    """The questions that a message answers, each with its reply; one text answers all of them."""
    replies = [reply for _, reply in answers_of(message)] or [message.text] * len(waiting)
    return list(zip(waiting, replies, strict=False))


def _is_confirmed(reply: str, waiting: Sequence[Question]) -> bool:
    """Whether a reply confirms what was understood; where more was asked, it may go on: `yes, on 5 May`."""
    return confirms(reply, alone=all(one.understood for one in waiting))


def _last_said(messages: Sequence[BaseMessage], at: int) -> str:
    """What the agent said right before a message."""
    return messages[at - 1].text if at and isinstance(messages[at - 1], AIMessage) else ""


def _is_refusal(message: ToolMessage) -> bool:
    return bool(message.response_metadata.get(REFUSED)) or message.text.startswith(NOT_RUN)


def _last_question(text: str) -> str:
    """The sentence with which a text ends, if it is a question."""
    return sentences(text)[-1] if text.rstrip().endswith("?") else ""


def _said(message: BaseMessage, at: int, waiting: tuple[Question, ...], question: str) -> Iterator[Piece]:
    replies = [text for _, text in answers_of(message)]
    if not replies and len(waiting) == 1:
        replies = [message.text]
    if replies and len(replies) == len(waiting):  # the tool's own answer knows its questions by their text alone
        pairs = [(question.about, text) for question, text in zip(waiting, replies, strict=True)]
    else:
        pairs = [("", text) for text in replies or [message.text]]
    for name, text in pairs:
        about = frozenset({name}) if name else frozenset()
        for stretch, corrects in corrections(_without_echo(text, question)):
            for number, part in enumerate(_stretches(stretch)):
                asked = "" if number else question
                yield Piece("said", part, at, about, correction=corrects, question=asked)


def _stretches(text: str) -> Iterator[str]:
    """A long text in parts that end with a sentence, or else with a word: what a value means is told near it, and to
    look at all of the text for each of its values would take minutes."""
    if len(text) <= _LONG:
        yield text
        return
    start = end = 0
    for _, stop in sentence_spans(text):
        if stop - start > _LONG and end > start:
            yield text[start:end]
            start = end
        while stop - start > _LONG:
            cut = text.rfind(" ", start, start + _LONG)
            cut = cut if cut > start else start + _LONG
            yield text[start:cut]
            start = cut
        end = stop
    if text[start:].strip():
        yield text[start:]


def _without_echo(text: str, question: str) -> str:
    """A reply without the sentences that only ask the agent's question back: `On 5 May? Why?`."""
    asked = {token.plain for token in tokens(question)}
    parts = sentences(text) if asked and "?" in text else []
    echoes = [one for one in parts if one.endswith("?") and {token.plain for token in tokens(one)} <= asked]
    for echo in echoes:
        text = text.replace(echo, " ", 1)
    return text


def _returned(message: ToolMessage, at: int, arguments: Mapping[str, Any]) -> Iterator[Piece]:
    """A tool's result, without what only repeats the call's own arguments: an echo is no source."""
    echoes = [value for value in _values(arguments) if str(value).strip()]
    clock = Clock(dt.datetime.min, known=False)
    missed = bool(_NOT_THERE.search(message.text))
    for key, text in _flat(_data(message.text)):
        spans = [one.span for value in echoes for one in find(kind_of({}, "", value), value, text, clock)]
        spans = [one for one in spans if not _within_a_word(text, one)]
        if missed:  # `ORD-4711 not found`, looked for as 4711
            sought = [str(value).casefold() for value in echoes]
            words = (Span(*word.span()) for word in re.finditer(r"[^\s,;:()]+", text))
            spans += [one for one in words if any(echo in text[one.start : one.end].casefold() for echo in sought)]
        repeated = _apart(spans)
        whole = text
        for span in repeated:
            text = f"{text[: span.start]} \u2026 {text[span.end :]}"
        if text.strip(" \u2026"):
            yield from (Piece("returned", part, at, key=key) for part in _stretches(text))
            own = tuple(dict.fromkeys(whole[span.start : span.end] for span in repeated))
            if own and not _FOUND_NOTHING.search(message.text):
                yield from (Piece("returned", part, at, key=key, echoes=own) for part in _stretches(whole))


_FOUND_NOTHING = re.compile(
    r"\b(?:no|not|none|nobody|nothing|neither|unknown|0|zero|invalid|error|failed|left|former|nicht|kein\w*|aucun\w*"
    r"|ning\w+)\b|n['\u2019]t\b|\[\]",
    re.IGNORECASE,
)
"""A result that says that there is no such thing, with the words of the call around it."""


_NOT_THERE = re.compile(
    r"\b(?:not found|no such|unknown|does(?:n['\u2019]t| not) exist|nobody|no (?:match\w*|results?|entr\w+)|invalid"
    r"|nicht gefunden|unbekannt)\b",
    re.IGNORECASE,
)
"""A result that says that what was looked for is not there: nothing in it that holds a word of the call is a find."""


def _apart(spans: Iterable[Span]) -> list[Span]:
    """The last first, of overlapping ones the longest."""
    kept: list[Span] = []
    for span in sorted(spans, key=lambda one: one.start - one.end):
        if not any(span.overlaps(other) for other in kept):
            kept.append(span)
    return sorted(kept, key=lambda one: -one.start)


def _within_a_word(text: str, span: Span) -> bool:
    """Whether a span is part of something longer, as a name is of an address."""
    around = text[span.start - 1 : span.start] + text[span.end : span.end + 2]
    return bool(re.search(r"[@/_-]|[.:]\w", around)) and not re.fullmatch(r"\s?[.:,]?\s?", around)


def _values(at: Any) -> Iterator[Any]:
    if isinstance(at, Mapping):
        for value in at.values():
            yield from _values(value)
    elif isinstance(at, list | tuple):
        for value in at:
            yield from _values(value)
    elif at is not None and not isinstance(at, bool):
        yield at


def _data(text: str) -> Any:
    if text[:1] in "[{":
        try:
            return json.loads(text)
        except ValueError:
            return text
    return text


_MOST_LEAVES = 2000


def _flat(data: Any, key: str = "") -> Iterator[tuple[str, str]]:
    """The values of structured data with the keys above them."""
    stack: list[tuple[str, Any]] = [(key, data)]
    seen = 0
    while stack and seen < _MOST_LEAVES:
        path, at = stack.pop()
        if isinstance(at, Mapping):
            stack.extend((f"{path} {name}".strip(), value) for name, value in at.items())
        elif isinstance(at, list | tuple | set | frozenset):
            stack.extend((path, value) for value in at)
        elif isinstance(at, str) or (at is not None and not callable(at)):
            seen += 1
            text = at.isoformat() if hasattr(at, "isoformat") else str(at)
            yield (path, text)


def pieces_of_data(data: Any) -> tuple[Piece, ...]:
    """What stands outside of the conversation: a text, or structured data such as the state."""
    if hasattr(data, "model_dump"):
        data = data.model_dump()
    elif hasattr(data, "__dataclass_fields__"):
        data = {name: getattr(data, name) for name in data.__dataclass_fields__}
    return tuple(Piece("given", text, -1, key=key) for key, text in _flat(data) if text.strip())
