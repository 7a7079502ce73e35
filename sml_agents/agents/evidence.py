"""What a conversation says about the request at hand: a request, its questions and answers, and who said what.

A request begins with the person's first words after a guarded call has succeeded or they have withdrawn the one before;
answering a question does not begin one. It is read off the messages alone, so that it is the same after a restart.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, ToolCall, ToolMessage

from sml_agents.agents.asking import ASK_USER, NOT_RUN, REFUSED, Question, answers_of, asked_by, is_answer, is_own
from sml_agents.agents.pieces import Piece, returned, stretches
from sml_agents.agents.replies import (
    accepts,
    answers_nothing,
    asks_again,
    asks_for_nothing,
    confirms,
    corrections,
    declines_extra,
    is_undecided,
    refers_back,
    speaks_of_going_on,
)
from sml_agents.agents.withdrawals import may_ask_to_undo, since_withdrawn, undoes, withdraws
from sml_agents.text.sentences import sentences
from sml_agents.text.values import tokens

__all__ = ["Made", "Request"]


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
    anew: bool = False
    """It is the request before this one once more (`again please`)."""
    finished: frozenset[str] = frozenset()
    """The tools by which the request before this one succeeded."""
    last: tuple[Made, ...] = ()
    """The guarded calls of the request before this one, if this one's first words came right after they succeeded."""
    void: frozenset[int] = frozenset()
    """Messages that take back all that they say: `Send 10 to Ann. Actually, don't.`"""
    undone: int = -1
    """Where the request begins that the last words take back, if they may as well ask a tool to undo something: `My
    booking is ZX81, cancel it`; -1 without."""
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
        void: set[int] = set()
        rounds = refusals = 0
        undone = -1
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
                asked_before = " ".join(question.text for question in waiting) or _last_said(messages, at)
                about_one = any(question.about for question in waiting)
                took_back = "" if declines_extra(text, asked_before) else withdraws(text, asked_before, about_one)
                again = asks_again(text, " ".join(question.text for question in waiting))
                if took_back or not pending:
                    asks = (
                        took_back == "all" and not pending and may_ask_to_undo(text)
                    )  # `cancel it` answers no question
                    undone = (at if done else begins) if asks else -1
                if took_back or (done and not pending and is_own(message)):
                    last = tuple(made) if done and not took_back and not again else ()
                    first = earlier if again_before else begins
                    again_before = again and not took_back
                    earlier = first if done and not took_back and (again or refers_back(text)) else at
                    finished, succeeded = set() if again else succeeded, set()
                    begins, asked, settled, made, doubted = at, {}, set(), [], {}
                if again:
                    made, last = [], ()
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
                if withdrawn:
                    void.add(at)
                done, pending, waiting, refusals = False, False, (), 0
        pieces = tuple(_pieces(messages, begins, trust, void))
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
            anew=again_before,
            finished=frozenset(finished),
            last=last,
            void=frozenset(void),
            undone=undone,
            trust=trust,
        )

    def for_tool(self, name: str) -> Request:
        """The request as a tool sees it: `book it` after a search means what was found; a second booking does not, nor
        do words that ask for this tool by themselves. Where they may ask a tool to undo something, one that does hears
        no withdrawal in them."""
        if self.undone >= 0 and undoes(name):
            void = frozenset(at for at in self.void if at < self.undone or not may_ask_to_undo(self.messages[at].text))
            pieces = tuple(_pieces(self.messages, self.undone, self.trust, void))
            return replace(self, tool=name, begins=self.undone, pieces=pieces, void=void, withdrawn=False)
        if self.earlier >= self.begins or name in self.finished:
            return replace(self, tool=name)
        if not self.anew and not refers_back(self.messages[self.begins].text, name):
            return replace(self, tool=name)
        pieces = tuple(_pieces(self.messages, self.earlier, self.trust, self.void))
        return replace(self, tool=name, begins=self.earlier, pieces=pieces)

    @property
    def is_over(self) -> bool:
        """The person has asked for nothing since the calls of the request before this one succeeded."""
        spoken = [
            (at, one.text)
            for at, one in enumerate(self.messages)
            if at >= self.begins and (is_own(one) or is_answer(one))
        ]
        return bool(self.last) and all(
            asks_for_nothing(text, _last_question(_last_said(self.messages, at))) for at, text in spoken
        )

    def from_the_start(self) -> Request:
        """With all that the person said or accepted in this conversation, and nothing that a tool returned."""
        pieces = (one for one in _pieces(self.messages, 0, self.trust, self.void) if one.source in ("said", "offered"))
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


def _pieces(
    messages: Sequence[BaseMessage], begins: int, trust: Collection[str] | None, void: Collection[int]
) -> Iterator[Piece]:
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
                new = [Piece("offered", text, at) for text in stretches(message.text)]
                offers += new
                yield from new
        elif is_answer(message) or is_own(message):
            if at >= begins and at not in void:
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
                yield from returned(message, at, calls.get(message.tool_call_id, {}))


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
        for stretch, corrects in corrections(since_withdrawn(_without_echo(text, question))):
            for number, part in enumerate(stretches(stretch)):
                asked = "" if number else question
                yield Piece("said", part, at, about, correction=corrects, question=asked)


def _without_echo(text: str, question: str) -> str:
    """A reply without the sentences that only ask the agent's question back: `On 5 May? Why?`."""
    asked = {token.plain for token in tokens(question)}
    parts = sentences(text) if asked and "?" in text else []
    echoes = [one for one in parts if one.endswith("?") and {token.plain for token in tokens(one)} <= asked]
    for echo in echoes:
        text = text.replace(echo, " ", 1)
    return text
