"""What is asked and answered: questions, limits, the marks by which both are found.

A message that asks carries its questions in `response_metadata["clarify"]`, which no provider is sent; a call of
`ask_user` carries them as its arguments. An answer carries which question each reply belongs to. So a thread may pass
from one process, graph or delivery to another.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, ToolMessage
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from sml_agents.text.tools import NOT_RUN as NOT_RUN
from sml_agents.text.words import content_words, stem

__all__ = [
    "ASK_USER",
    "MARK",
    "Limits",
    "Question",
    "Told",
    "answer_message",
    "answers_of",
    "as_proposals",
    "asked_by",
    "is_answer",
    "is_own",
    "person_spoke",
]

MARK = "clarify"
"""Key in `response_metadata`: the questions of a message that asks, the replies of an answer, False on what is none."""
ASK_USER = "ask_user"
"""Name of the tool by which an agent asks."""

REFUSED = "clarify_refused"
"""Key in `response_metadata` of a tool's message: the call was not run. Its text begins with `NOT_RUN`."""


class Question(BaseModel):
    """One question to the person."""

    model_config = ConfigDict(frozen=True)

    text: str = Field(min_length=1)
    about: str = ""
    """What it asks for, such as an argument's name: two questions about one thing count as the same question."""
    options: tuple[str, ...] = ()
    """Answers to choose from, if there are only these."""
    understood: str = ""
    """The value that was understood, where one was: a mere yes confirms it, any other answer takes the place of all
    that was said of it before."""

    between: bool = False
    """Whether it holds against each other what was said and what the call has: undecided, neither counts."""

    def __str__(self) -> str:
        return f"{self.text} ({', '.join(self.options)})" if self.options else self.text

    @property
    def keys(self) -> tuple[str, ...]:
        """Two questions that share a key ask the same: about one thing, or with the same words of meaning."""
        kind = _WH.search(self.text.casefold())
        words = sorted({*(stem(word) for word in content_words(self.text)), *re.findall(r"\d+", self.text)})
        wh = kind.group().replace("which", "what") if kind else ""
        text = " ".join([wh, *words]) if words else " ".join(self.text.casefold().split())
        return (text, f"about: {self.about}") if self.about else (text,)


class Told(BaseModel):
    """A decider's word that the person has given an argument in words that no rule reads as its value."""

    model_config = ConfigDict(frozen=True)

    about: str = Field(min_length=1)
    """The argument's name."""
    words: str | None
    """The person's own, letter by letter: they count only if they stand in what was said, and no words count for
    nothing. None: the decider answers for it alone, which it should only where it was measured."""


_WH = re.compile(r"\b(?:what|which|when|where|who|whose|why|how)\b")


class Limits(BaseModel):
    """When to stop asking. What is unknown then is not guessed: see `on_limit` of ClarifyMiddleware."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    per_request: int = Field(default=2, ge=0)
    """How often the person is asked about one request at most; one time may hold several questions."""
    per_run: int = Field(default=3, ge=0)
    """Questions asked at one time at most; 0: never ask."""
    per_thread: int | None = Field(default=None, ge=0)
    """Questions in the whole thread at most; None: as many as its requests need."""


def asked_by(message: BaseMessage) -> tuple[Question, ...]:
    """The questions that a message asks the person."""
    if not isinstance(message, AIMessage):
        return ()
    try:
        if isinstance(marked := message.response_metadata.get(MARK), list):
            return tuple(Question.model_validate(question) for question in marked)
        calls = [call["args"] for call in message.tool_calls if call["name"] == ASK_USER]
        return tuple(question for given in calls for question in questions_in(given))
    except (TypeError, ValidationError):  # somebody else's mark, or arguments that the tool will refuse
        return ()


def questions_in(arguments: Any) -> tuple[Question, ...]:
    """The questions of a call of `ask_user`, however the model wrote them. Raises TypeError, ValidationError."""
    given = arguments
    if isinstance(arguments, Mapping):
        given = next((arguments[key] for key in ("questions", "question", "text") if arguments.get(key)), ())
    if isinstance(given, str | Mapping):
        given = [given]
    found = []
    for one in given:
        if isinstance(one, Mapping):
            text = next((one[key] for key in ("text", "question", "prompt") if isinstance(one.get(key), str)), "")
            options = one.get("options") or one.get("choices") or ()
            found.append(Question(text=text, options=tuple(map(str, options)) if isinstance(options, list) else ()))
        elif one:
            found.append(Question(text=str(one)))
    return tuple(found)


def answer_message(replies: Sequence[str], questions: Sequence[Question] = ()) -> HumanMessage:
    """The person's answer to an interrupt, as a message of their words alone; the questions stand in its metadata."""
    text = "\n".join(reply for reply in replies if reply)
    return HumanMessage(text or NO_ANSWER, response_metadata={MARK: paired(replies, questions)})


NO_ANSWER = "(no answer)"


def paired(replies: Sequence[str], questions: Sequence[Question]) -> dict[str, Any]:
    """Which reply belongs to which question; one reply to several questions belongs to all of them together."""
    if len(replies) != len(questions):
        return {"answers": []}
    return {
        "answers": [
            {"about": question.about, "question": question.text, "answer": reply}
            for question, reply in zip(questions, replies, strict=True)
        ]
    }


def answers_of(message: BaseMessage) -> list[tuple[str, str]]:
    """The replies of an answer with what each is about; empty when they are not told apart."""
    mark = message.response_metadata.get(MARK)
    if not isinstance(mark, Mapping):
        mark = getattr(message, "artifact", None)
    if not isinstance(mark, Mapping) or not isinstance(mark.get("answers"), list):
        return []
    return [(str(one.get("about", "")), str(one.get("answer", ""))) for one in mark["answers"]]


def is_answer(message: BaseMessage) -> bool:
    """Whether a message holds the person's answer to an interrupt or to `ask_user`."""
    mark = message.response_metadata.get(MARK)
    if isinstance(message, ToolMessage):
        return message.name == ASK_USER and mark is not False and message.status != "error"
    return isinstance(message, HumanMessage) and (mark is True or isinstance(mark, Mapping))


def is_own(message: BaseMessage) -> bool:
    """Whether a message holds words of the person that no interrupt asked for; a summary is written by a model."""
    if not isinstance(message, HumanMessage) or is_answer(message):
        return False
    return message.additional_kwargs.get("lc_source") != "summarization"


def words_of(message: BaseMessage) -> str:
    replies = [reply for _, reply in answers_of(message) if reply]
    return "\n".join(replies) if replies else message.text


def person_spoke(messages: Sequence[BaseMessage]) -> bool:
    """Whether the last word is the person's."""
    return bool(messages) and (isinstance(messages[-1], HumanMessage) or is_answer(messages[-1]))


def as_proposals(given: Any) -> tuple[Question | Told, ...]:
    """What a decider returned (None, a text, a Question, what was Told, or several). Raises TypeError for the rest."""
    if not given:
        return ()
    if isinstance(given, str | Question | Told):
        given = (given,)
    if not isinstance(given, Iterable):
        raise TypeError(f"a decider returns None, a question or several, not {type(given).__name__}")
    return tuple(one if isinstance(one, Question | Told) else Question(text=one) for one in given)
