"""How a question reaches the person: the interrupt's payload, the answer that resumes it, and the tool `ask_user`.

The payload is the request of LangChain's HumanInTheLoopMiddleware, one action a question, because that is the one form
that agent-chat-ui shows as something to fill in: the person edits `answer`.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Annotated, Any, Literal

from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, ToolMessage
from langchain_core.tools import BaseTool, StructuredTool
from langgraph.types import interrupt
from pydantic import AfterValidator, BaseModel, BeforeValidator, Field, model_validator

from sml_agents.agents.asking import ASK_USER, MARK, Question

__all__ = ["Answers", "Delivery", "answered", "ask_user", "pause", "payload", "repaired", "spoken"]

Delivery = Literal["end_turn", "interrupt", "tool"]
"""`end_turn`: plain text that ends the run, the person answers with their next message. `interrupt`: the run pauses and
goes on with the answer. `tool`: a call of `ask_user`, whose result is the answer."""

DECLINED = "(no answer)"


def payload(questions: Sequence[Question]) -> dict[str, Any]:
    """What an interrupt shows. JSON-able."""
    return {
        "action_requests": [
            {"name": ASK_USER, "args": {"question": str(question), "answer": ""}, "description": str(question)}
            for question in questions
        ],
        "review_configs": [{"action_name": ASK_USER, "allowed_decisions": ["edit", "respond", "reject"]}],
    }


def _decided(decision: Any) -> str:
    """The answer that one decision of a front end holds."""
    kind = decision.get("type") if isinstance(decision, dict) else None
    if kind == "edit":
        args = (decision.get("edited_action") or {}).get("args") or {}
        answer = args.get("answer")
        if not isinstance(answer, str):
            raise ValueError("an edited question needs its `answer` as text")
        return answer.strip() or DECLINED
    if kind == "respond":
        return str(decision.get("message") or DECLINED)
    if kind == "reject":
        return str(decision.get("message") or DECLINED)
    raise ValueError('a decision here is {"type": "respond", "message": ...}, an edit of `answer`, or a rejection')


class Answers(BaseModel):
    """What resumes an interrupt: one answer a question, in order.

    Also understood: a text, `{"answer": text}`, and `{"decisions": [...]}` of front ends.
    """

    answers: list[Annotated[str, Field(min_length=1)]]

    @model_validator(mode="before")
    @classmethod
    def _read(cls, given: Any) -> Any:
        if isinstance(given, str):
            return {"answers": [given]}
        if isinstance(given, list):
            return {"answers": given}
        if isinstance(given, dict) and isinstance(decisions := given.get("decisions"), list):
            return {"answers": [_decided(decision) for decision in decisions]}
        if isinstance(given, dict) and "answer" in given:
            return {"answers": [given["answer"]]}
        return given


def _one_each(answers: Answers, count: int) -> Answers:
    if len(answers.answers) != count:
        raise ValueError(f"{count} questions were asked and {len(answers.answers)} answers given")
    return answers


def pause(questions: Sequence[Question]) -> tuple[str, ...]:
    """Interrupt the run until the person answers. An answer that does not fit is refused and may be given again."""
    schema: Any = Annotated[Answers, AfterValidator(partial(_one_each, count=len(questions)))]
    given: Answers = interrupt(payload(questions), response_schema=schema)
    return tuple(given.answers)


def spoken(questions: Sequence[Question]) -> str:
    """The questions as plain text: one as it is, several as a list."""
    if len(questions) == 1:
        return str(questions[0])
    return "\n".join(f"- {question}" for question in questions)


def answered(questions: Sequence[Question], answers: Sequence[str]) -> str:
    """The answers as plain text: one as it is, several behind their questions."""
    if len(answers) == 1:
        return answers[0]
    return "\n".join(f"{question.text} {answer}" for question, answer in zip(questions, answers, strict=True))


class AskUser(BaseModel):
    """Arguments of `ask_user`."""

    questions: Annotated[
        list[str], BeforeValidator(lambda given: [given] if isinstance(given, str) else given), Field(min_length=1)
    ] = Field(description="Short questions, each about one thing.")


def _ask_user(questions: list[str]) -> str:
    asked = [Question(text=text) for text in questions]
    return answered(asked, pause(asked))


ask_user: BaseTool = StructuredTool.from_function(
    func=_ask_user,
    name=ASK_USER,
    description="Ask the person for what you need to know and cannot find out yourself. Returns their answers.",
    args_schema=AskUser,
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
                text = "The person answered with their next message." if asked else "Not run: the person went on."
                metadata = {MARK: False}
                whole.append(ToolMessage(text, name=call["name"], tool_call_id=call["id"], response_metadata=metadata))
    return whole if len(whole) > len(messages) else None
