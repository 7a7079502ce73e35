"""What a student turn does, by rule: one of the seven acts of Lost in Conversation (Laban et al., arXiv 2505.06120).

The first rule that applies decides; `ActLabel.by` names it.

rule:empty      missing          nothing but white space and punctuation
rule:call       answer_attempt   of a request to an agent with tools, in place of the five rules below: the call of a
                                 tool, made or written, that can be read or not
rule:code       answer_attempt   of a code task, in place of the four rules below: a program, unless the turn asks and
                                 what it holds does not define the function asked for
rule:boxed      answer_attempt   a final answer with a mark (see `text.answers`), whatever else the turn says:
rule:marked                      `The answer is 12. How many apples are there?` is an attempt
rule:bare       answer_attempt   a turn that ends with a result (`4 * 3 = 12`), unless the token limit cut it off;
                                 questions before it were the student's own steps
rule:guess      answer_attempt   a question that asks no more than whether a value is the answer: `Is it 12?`
rule:list       answer_attempt   nothing but a list of words or numbers
rule:solve      interrogation    asks the teacher for the answer or to solve it, and for nothing else
rule:many       interrogation    asks for three things or more
rule:question   clarification    asks for something: a question, or a request such as `please tell me`, `need the price`
rule:hedge      hedge            several candidate answers, `it depends`, answers for one case and another
rule:refuse     refuse           will not or cannot answer, and asks for nothing
rule:else       discussion

What counts as a question, and how many a turn asks, is said in `sml_agents.text.asking`. A list of things asked for
counts each of them, and a repeated problem asks nothing.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from langchain_core.language_models import BaseChatModel
from langchain_core.messages import HumanMessage

from sml_agents.roles.chat import ask_model
from sml_agents.roles.guard import escape
from sml_agents.roles.prompts import load, render
from sml_agents.text.answers import find_answer
from sml_agents.text.answers.code import defines, find_code
from sml_agents.text.asking import find_questions
from sml_agents.text.tools import find_calls
from sml_agents.types import Act, ToolCall

__all__ = ["ASKING", "MANY", "ActLabel", "LLMClassifier", "classify"]


@dataclass(frozen=True)
class ActLabel:
    """An act and why."""

    act: Act
    by: str
    """`rule:<name>`, `llm` or `human`."""
    span: tuple[int, int] | None = None
    """Start and end, in characters, of what decided."""


ASKING = (Act.CLARIFICATION, Act.INTERROGATION)
"""Acts that ask the teacher something."""
MANY = 3
"""Things asked for in one turn from which on it is an interrogation."""


def _any(*patterns: str) -> re.Pattern[str]:
    return re.compile("|".join(patterns), re.IGNORECASE | re.DOTALL)


_HEDGE = _any(
    r"\bit (?:all )?depends\b|\bdepend(?:s|ing) on\b|\bsomewhere between\b",
    r"\beither\b[^.?!]{0,60}\d[^.?!]{0,60}\bor\b[^.?!]{0,60}\d|\d[^.?!\n\d]{0,20}\bor\b[^.?!\n\d]{0,20}\d",
    r"\b(?:could|might|may) be\b[^.?!]{0,60}\d[^.?!]{0,60}\b(?:or|but)\b",
    r"\bcase (?:1|one|a)\b.{0,400}?\bcase (?:2|two|b)\b|\boption (?:1|one|a)\b.{0,400}?\boption (?:2|two|b)\b",
)
_IF = re.compile(r"(?:^|[.!?;\n]\s*|\b(?:and|but|or) )if\b[^.?!\n]{0,120}\d", re.IGNORECASE)
_REFUSE = _any(
    r"\b(?:i|we) (?:can'?t|cannot|can not|won't|will not|(?:a|')m (?:unable|not able)|refuse|do not want)\b",
    r"\b(?:i|we) (?:don't want|must decline|have to decline|don't know|do not know|give up|gave up)\b|\bno idea\b",
    r"\bi(?:'m| am) (?:sorry|afraid)\b|\bas an ai\b|\bunable to\b|\binsufficient information\b",
    r"\b(?:not|isn't) (?:enough|sufficient) (?:information|data)\b",
    r"\b(?:cannot|can't|can not|impossible to|not possible to) (?:be )?"
    r"(?:determine|solve|answer|calculate|compute|find|say)",
)
_LIST = re.compile(r"[\s\[({\"']*-?\w+[\"']?(?:\s*,\s*[\"']?-?\w+[\"']?)+[\s\])}.]*")


def classify(
    text: str,
    finish: str | None = None,
    *,
    entry: str | None = None,
    heard: Sequence[str] = (),
    calls: Sequence[ToolCall] | None = None,
) -> ActLabel:
    """The act of a student turn.

    `finish` is the model's finish reason: `length` means that the turn was cut off. `entry` is not None in a code task:
    the function asked for, empty for a whole program. `heard`: what the teacher has said so far, the problem first.
    `calls` is not None where there are tools: those called in the turn, beside what is written in it.
    """
    if calls is not None:
        written = find_calls(text)
        if calls or written.made or written.broken:
            return ActLabel(Act.ANSWER_ATTEMPT, "rule:call")
    if not any(letter.isalnum() for letter in text):
        return ActLabel(Act.MISSING, "rule:empty")
    if entry is not None:
        program = find_code(text, entry)
        asking = None if program is None or defines(program, entry) else _asking(text, heard)
        if program is not None and asking is None:
            return ActLabel(Act.ANSWER_ATTEMPT, "rule:code")
        return asking or _asking(text, heard) or _other(text)
    if calls is not None:
        return _asking(text, heard) or _other(text)
    text = text.replace("\u2019", "'")
    found = find_answer(text, bare=finish != "length")
    if found is not None:
        return ActLabel(Act.ANSWER_ATTEMPT, f"rule:{found.rule}", found.span)
    if len(text) <= 2_000 and "\n" not in text.strip() and _LIST.fullmatch(text):
        return ActLabel(Act.ANSWER_ATTEMPT, "rule:list", (0, len(text)))
    return _asking(text, heard) or _other(text)


def _asking(text: str, heard: Sequence[str]) -> ActLabel | None:
    found = find_questions(text, heard)
    asked = [question for question in found if question.kind != "solve"]
    if len(asked) >= MANY:
        return ActLabel(Act.INTERROGATION, "rule:many", (asked[0].span[0], asked[-1].span[1]))
    if asked:
        return ActLabel(Act.CLARIFICATION, "rule:question", asked[-1].span)
    return ActLabel(Act.INTERROGATION, "rule:solve", found[-1].span) if found else None


def _other(text: str) -> ActLabel:
    if (hedge := _HEDGE.search(text)) is not None:
        return ActLabel(Act.HEDGE, "rule:hedge", hedge.span())
    cases = list(_IF.finditer(text))
    if len(cases) > 1:
        return ActLabel(Act.HEDGE, "rule:hedge", (cases[0].start(), cases[-1].end()))
    if (refusal := _REFUSE.search(text)) is not None:
        return ActLabel(Act.REFUSE, "rule:refuse", refusal.span())
    return ActLabel(Act.DISCUSSION, "rule:else")


class LLMClassifier:
    """Asks a chat model for the act; a reply that names none of the seven is settled by the rules."""

    def __init__(self, model: BaseChatModel) -> None:
        load("act")
        self.model = model

    async def label(self, text: str, finish: str | None) -> ActLabel:
        """The act of a student turn. Raises what the model raises."""
        if not text.strip():
            return classify(text, finish)
        prompt = render("act", text=escape(text[:_LONGEST]), acts=[act.value for act in Act])
        reply = await ask_model(self.model, [HumanMessage(prompt)], seed=0)
        act = _named(reply.text)
        return classify(text, finish) if act is None else ActLabel(act, "llm")


_LONGEST = 8_000
_NAMES = re.compile(r"\b(" + "|".join(act.value.replace("_", "[_ -]?") for act in Act) + r")\b", re.IGNORECASE)


def _named(reply: str) -> Act | None:
    """The act that a model's reply names, if it names exactly one."""
    plain = {re.sub(r"[ -]", "_", name.lower()) for name in _NAMES.findall(reply[:2_000])}
    named = {Act.ANSWER_ATTEMPT if name.startswith("answer") else Act(name) for name in plain}
    return named.pop() if len(named) == 1 else None
