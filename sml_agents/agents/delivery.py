"""How a question reaches the person: the interrupt's payload, the answer that resumes it, and the tool `ask_user`.

The payload is the request of LangChain's HumanInTheLoopMiddleware, one action a question, because that is the one form
that agent-chat-ui shows as something to fill in: the person edits `answer`. Beside it stand the questions as data.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, ToolMessage
from langchain_core.tools import BaseTool, StructuredTool
from langgraph.types import interrupt
from pydantic import BaseModel, Field, ValidationError, model_validator

from sml_agents.agents.asking import ASK_USER, MARK, NO_ANSWER, NOT_RUN, REFUSED, Question, paired, questions_in

__all__ = ["PAYLOAD_VERSION", "Answers", "Delivery", "answered", "ask_user", "pause", "payload", "repaired", "spoken"]

Delivery = Literal["end_turn", "interrupt", "tool"]
"""`end_turn`: plain text that ends the run, the person answers with their next message. `interrupt`: the run pauses and
goes on with the answer. `tool`: a call of `ask_user`, whose result is the answer."""

PAYLOAD_VERSION = 1
"""Of what an interrupt shows; a change that a front end could stumble over makes it grow."""


def payload(questions: Sequence[Question], problem: str = "") -> dict[str, Any]:
    """What an interrupt shows. JSON-able. `problem`: why the last answer could not be taken."""
    shown = [f"{problem}\n\n{question}" if problem and not k else str(question) for k, question in enumerate(questions)]
    return {
        "type": "clarify",
        "version": PAYLOAD_VERSION,
        "questions": [
            {
                "type": "choice" if question.options else "text",
                "text": question.text,
                "field": question.about.rsplit(".", 1)[-1],
                "path": question.about,
                "options": list(question.options),
            }
            for question in questions
        ],
        "prose": spoken(questions),
        "problem": problem,
        "action_requests": [
            {"name": ASK_USER, "args": {"question": str(question), "answer": ""}, "description": text}
            for question, text in zip(questions, shown, strict=True)
        ],
        "review_configs": [{"action_name": ASK_USER, "allowed_decisions": ["edit", "respond", "reject"]}],
    }


def _decided(decision: Any) -> str:
    """The answer that one decision of a front end holds; empty for none."""
    kind = decision.get("type") if isinstance(decision, dict) else None
    if kind == "edit":
        action = decision.get("edited_action")
        args = action.get("args") if isinstance(action, dict) else None
        answer = args.get("answer") if isinstance(args, dict) else None
        if not isinstance(answer, str):
            raise ValueError("an edited question needs its `answer` as text")
        return answer.strip()
    if kind in ("respond", "reject"):
        message = decision.get("message")
        return message.strip() if isinstance(message, str) else ""
    raise ValueError('a decision here is {"type": "respond", "message": ...}, an edit of `answer`, or a rejection')


class Answers(BaseModel):
    """What resumes an interrupt: one answer a question, in order, or one text that answers them together.

    Also understood: a text, `{"answer": text}`, `{"answers": {path: text}}`, and `{"decisions": [...]}` of front ends.
    An empty answer leaves its question open.
    """

    answers: list[str] | dict[str, str] = Field(min_length=1)

    @model_validator(mode="before")
    @classmethod
    def _read(cls, given: Any) -> Any:
        if isinstance(given, str):
            given = given.strip()
            if not given:
                raise ValueError("the answer is empty")
            return {"answers": [given]}
        if isinstance(given, list):
            return {"answers": given}
        if isinstance(given, dict) and isinstance(decisions := given.get("decisions"), list):
            return {"answers": [_decided(decision) for decision in decisions]}
        if isinstance(given, dict) and "answer" in given:
            return {"answers": [given["answer"]]}
        return given

    def each(self, questions: Sequence[Question]) -> tuple[str, ...]:
        """One reply a question, or one reply to all. Raises ValueError when the count or a name does not fit."""
        if isinstance(self.answers, dict):
            names = {name: reply for name, reply in self.answers.items()}
            known = [question.about or question.text for question in questions]
            if wrong := sorted(set(names) - set(known)):
                raise ValueError(f"no question is about {', '.join(wrong)}: they are about {', '.join(known)}")
            return tuple(names.get(name, "") for name in known)
        if len(self.answers) not in (1, len(questions)):
            raise ValueError(f"{len(questions)} questions were asked and {len(self.answers)} answers given")
        return tuple(self.answers)


def pause(questions: Sequence[Question]) -> tuple[str, ...]:
    """Interrupt the run until the person answers. One that does not fit pauses again, with the reason in the
    payload."""
    problem = ""
    while True:
        given = interrupt(payload(questions, problem), response_schema=Answers.model_json_schema())
        try:
            return Answers.model_validate(given).each(questions)
        except ValidationError as error:
            problem = _reason(error)
        except ValueError as error:
            problem = str(error)
        problem = f"That answer cannot be used: {problem}. Give a text, or one answer for each question."


def _reason(error: ValidationError) -> str:
    first = error.errors()[0]
    if first["type"] == "value_error":
        return str(first["msg"]).removeprefix("Value error, ").rstrip(".")
    return "there is no answer in it" if first["type"] in ("too_short", "missing") else "an answer in it is no text"


def spoken(questions: Sequence[Question]) -> str:
    """The questions as plain text: one as it is, several as a list."""
    if len(questions) == 1:
        return str(questions[0])
    return "\n".join(f"- {question}" for question in questions)


def answered(questions: Sequence[Question], answers: Sequence[str]) -> str:
    """The answers as a tool's result: one as it is, several behind their questions."""
    if len(answers) == 1:
        return answers[0] or NO_ANSWER
    pairs = zip(questions, answers, strict=True)
    return "\n".join(f"{question.text} {answer or NO_ANSWER}" for question, answer in pairs)


class AskUser(BaseModel):
    """Arguments of `ask_user`."""

    questions: list[str] = Field(min_length=1, description="Short questions, each about one thing.")

    @model_validator(mode="before")
    @classmethod
    def _read(cls, given: Any) -> Any:
        try:
            found = questions_in(given)
        except (TypeError, ValidationError):
            return given
        return {"questions": [str(question) for question in found]} if found else given


def _ask_user(questions: list[str]) -> tuple[str, dict[str, Any]]:
    asked = [Question(text=text) for text in questions]
    replies = pause(asked)
    return answered(asked, replies), paired(replies, asked)


ask_user: BaseTool = StructuredTool.from_function(
    func=_ask_user,
    name=ASK_USER,
    description="Ask the person for what you need to know and cannot find out yourself. Returns their answers.",
    args_schema=AskUser,
    response_format="content_and_artifact",
)
"""The tool by which an agent asks: it interrupts the run, so the graph needs a checkpointer. Or let
HumanInTheLoopMiddleware answer it: `interrupt_on={"ask_user": {"allowed_decisions": ["respond"]}}`."""


def question_message(questions: Sequence[Question], delivery: Delivery, call_id: str) -> AIMessage:
    """The message by which an agent asks `questions`."""
    mark = {MARK: [question.model_dump(mode="json") for question in questions]}
    if delivery != "tool":
        return AIMessage(spoken(questions), response_metadata=mark)
    call = {"name": ASK_USER, "args": {"questions": [str(question) for question in questions]}, "id": call_id}
    return AIMessage("", tool_calls=[call], response_metadata=mark)


def repaired(messages: Sequence[BaseMessage]) -> list[BaseMessage] | None:
    """The conversation with a result for every tool call that has none; None when nothing is missing.

    Calls are left hanging when the person writes a new message instead of resuming. Providers refuse such histories.
    """
    done = {message.tool_call_id for message in messages if isinstance(message, ToolMessage)}
    whole: list[BaseMessage] = []
    for k, message in enumerate(messages):
        whole.append(message)
        if not isinstance(message, AIMessage):
            continue
        said = any(isinstance(later, HumanMessage) for later in messages[k + 1 :])
        for call in message.tool_calls:
            if said and call["id"] is not None and call["id"] not in done:
                asked = call["name"] == ASK_USER
                text = "The person answered with their next message." if asked else f"{NOT_RUN}the person went on."
                metadata = {MARK: False, REFUSED: not asked}
                whole.append(ToolMessage(text, name=call["name"], tool_call_id=call["id"], response_metadata=metadata))
    return whole if len(whole) > len(messages) else None
