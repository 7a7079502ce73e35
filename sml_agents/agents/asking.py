"""What may be asked now: questions, limits, and the ledger of what a conversation has asked already.

The ledger is read off the messages. A message that asks carries its questions in `response_metadata["clarify"]`, which
no provider is sent; a call of `ask_user` carries them as its arguments. So a thread may pass from one process, graph or
delivery to another and nothing is asked twice.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, ToolCall, ToolMessage
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from sml_agents.text.questions import content_words, stem
from sml_agents.types import Role
from sml_agents.views import History

__all__ = [
    "ASK_USER",
    "MARK",
    "AgentView",
    "Ledger",
    "Limits",
    "Question",
    "answer_message",
    "as_questions",
    "asked_by",
    "person_spoke",
]

MARK = "clarify"
"""Key in `response_metadata`: the questions of a message that asks, True on an answer, False on what is none."""
ASK_USER = "ask_user"
"""Name of the tool by which an agent asks."""


class Question(BaseModel):
    """One question to the person."""

    model_config = ConfigDict(frozen=True)

    text: str = Field(min_length=1)
    about: str = ""
    """What it asks for, such as a field's name: two questions about one thing count as the same question."""
    options: tuple[str, ...] = ()
    """Answers to choose from, if there are only these."""

    def __str__(self) -> str:
        return f"{self.text} ({', '.join(self.options)})" if self.options else self.text

    @property
    def keys(self) -> tuple[str, ...]:
        """Two questions that share a key ask the same: about one thing, or with the same words of meaning."""
        kind = _WH.search(self.text.casefold())
        words = sorted({*(stem(word) for word in content_words(self.text)), *re.findall(r"\d+", self.text)})
        wh = kind.group().replace("which", "what") if kind else ""
        text = " ".join([wh, *words]) if words else " ".join(self.text.casefold().split())
        return (text, f"{_ABOUT}{self.about}") if self.about else (text,)


_ABOUT = "about: "
_WH = re.compile(r"\b(?:what|which|when|where|who|whose|why|how)\b")

_JUST_GO = (
    r"(?:^|[.,;:!?\n]\s*|\b(?:please|and|so|but|just|no|ok|okay)\s+)"
    r"(?:just (?:go|do it|book it|proceed|continue|start|guess|pick|choose|decide)\b|go ahead\b|stop asking\b"
    r"|(?:no more|enough|don'?t ask(?: me)?(?: any)?(?: more)?|without(?: any)?(?: more)?) questions\b"
    r"|don'?t ask(?: me)?\b|you (?:decide|choose|pick)\b|(?:it'?s )?up to you\b|i (?:don'?t|do not) care\b"
    r"|use your (?:own )?(?:best )?(?:judge?ment|guess)\b|whatever you (?:like|want|think)\b|surprise me\b)"
)


class Limits(BaseModel):
    """When to stop asking. Nothing is ever asked twice in a thread, whatever the limits."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    per_thread: int = Field(default=10, ge=0)
    """Questions in the whole thread at most."""
    per_run: int = Field(default=3, ge=0)
    """Questions at most since the person last spoke without being asked through an interrupt or the tool."""
    just_go: str = _JUST_GO
    """Regular expression, case ignored: while the person's last words match it, nothing is asked."""


@dataclass(frozen=True)
class AgentView:
    """What a decider sees."""

    messages: Sequence[BaseMessage]
    """The conversation, the system prompt left out."""
    calls: tuple[ToolCall, ...] = ()
    """Tool calls that the agent is about to make."""
    acting: bool = False
    """False when the person has just spoken; True when the agent is about to act."""

    @property
    def history(self) -> History:
        """What the two said to each other, the person as the teacher: no tool calls but questions and their answers."""
        said: list[tuple[Role, str]] = []
        for message in self.messages:
            if isinstance(message, HumanMessage) or _is_answer(message):
                said.append((Role.TEACHER, message.text))
            elif isinstance(message, AIMessage):
                text = message.text.strip() or " ".join(map(str, asked_by(message)))
                if text:
                    said.append((Role.STUDENT, text))
        return tuple(said)

    @property
    def told(self) -> str:
        """Everything that the person has said, a line each."""
        return "\n".join(text for role, text in self.history if role is Role.TEACHER)


def asked_by(message: BaseMessage) -> tuple[Question, ...]:
    """The questions that a message asks the person."""
    if not isinstance(message, AIMessage):
        return ()
    try:
        if isinstance(marked := message.response_metadata.get(MARK), list):
            return tuple(Question.model_validate(question) for question in marked)
        calls = [call["args"].get("questions", []) for call in message.tool_calls if call["name"] == ASK_USER]
        texts = [text for given in calls for text in ([given] if isinstance(given, str) else given)]
        return tuple(Question(text=text) for text in texts if text)
    except (TypeError, ValidationError):  # somebody else's mark, or arguments that the tool will refuse
        return ()


def answer_message(text: str) -> HumanMessage:
    """The person's answer to an interrupt, as a message."""
    return HumanMessage(text, response_metadata={MARK: True})


def _is_answer(message: BaseMessage) -> bool:
    if isinstance(message, ToolMessage):
        return message.name == ASK_USER and message.response_metadata.get(MARK) is not False
    return isinstance(message, HumanMessage) and message.response_metadata.get(MARK) is True


def person_spoke(messages: Sequence[BaseMessage]) -> bool:
    """Whether the last word is the person's."""
    return bool(messages) and (isinstance(messages[-1], HumanMessage) or _is_answer(messages[-1]))


@dataclass(frozen=True)
class Ledger:
    """What was asked, and how much more may be."""

    asked: tuple[str, ...]
    """Keys of the questions of the thread."""
    left: int
    """How many more may be asked now."""

    @classmethod
    def read(cls, messages: Sequence[BaseMessage], limits: Limits, before: Iterable[str] = ()) -> Ledger:
        """The ledger of a conversation; `before` holds keys that the messages may no longer show."""
        asked = [key for message in messages for question in asked_by(message) for key in question.keys]
        known = tuple(dict.fromkeys([*before, *asked]))
        began = max((k for k, message in enumerate(messages) if _is_own(message)), default=0)
        run = sum(len(asked_by(message)) for message in messages[began:])
        left = max(0, min(limits.per_thread - sum(not key.startswith(_ABOUT) for key in known), limits.per_run - run))
        spoken = [message for message in messages if isinstance(message, HumanMessage) or _is_answer(message)]
        if spoken and re.search(limits.just_go, spoken[-1].text.replace("\u2019", "'"), re.IGNORECASE):
            left = 0
        return cls(known, left)

    def allowed(self, questions: Iterable[Question]) -> tuple[Question, ...]:
        """Those that are new, as many as the limits leave."""
        new: list[Question] = []
        known = set(self.asked)
        for question in questions:
            if known.isdisjoint(question.keys):
                new.append(question)
                known.update(question.keys)
        return tuple(new[: self.left])

    def with_asked(self, questions: Collection[Question]) -> list[str]:
        """All keys after `questions` were asked."""
        return list(dict.fromkeys([*self.asked, *(key for question in questions for key in question.keys)]))


def _is_own(message: BaseMessage) -> bool:
    return isinstance(message, HumanMessage) and not _is_answer(message)


def as_questions(given: Any) -> tuple[Question, ...]:
    """What a decider returned (None, a text, a Question, or several) as questions. Raises TypeError for the rest."""
    if not given:
        return ()
    if isinstance(given, str | Question):
        given = (given,)
    if not isinstance(given, Iterable):
        raise TypeError(f"a decider returns None, a question or several, not {type(given).__name__}")
    return tuple(one if isinstance(one, Question) else Question(text=one) for one in given)
