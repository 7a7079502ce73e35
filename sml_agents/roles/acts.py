"""What a student turn does, by rule: one of the seven acts of Lost in Conversation (Laban et al., arXiv 2505.06120).

The first rule that applies decides; `ActLabel.by` names it.

rule:empty      missing          nothing but white space and punctuation
rule:code       answer_attempt   of a code task, in place of the four rules below: a program, unless the turn asks and
                                 what it holds does not define the function asked for
rule:boxed      answer_attempt   a final answer with a mark (see `text.answers`), whatever else the turn says:
rule:marked                      `The answer is 12. How many apples are there?` is an attempt
rule:bare       answer_attempt   a turn that ends with a result (`4 * 3 = 12`), unless the token limit cut it off;
                                 questions before it were the student's own steps
rule:list       answer_attempt   nothing but a list of words or numbers
rule:solve      interrogation    asks the teacher for the answer or to solve it, and for nothing else
rule:many       interrogation    three questions or more
rule:question   clarification    asks for something: a question, or a request such as `please tell me`, `I need to know`
rule:hedge      hedge            several candidate answers, `it depends`, answers for one case and another
rule:refuse     refuse           will not or cannot answer, and asks for nothing
rule:else       discussion

A question that the student answers itself with a calculation, one that repeats the task (`The question is ...?`) and
polite ones (`Does that help?`) do not count as asking.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from langchain_core.language_models import BaseChatModel
from langchain_core.messages import HumanMessage

from sml_agents.roles.chat import ask_model
from sml_agents.roles.guard import neutralise
from sml_agents.roles.prompts import load, render
from sml_agents.text.answers import find_answer
from sml_agents.text.answers.code import defines, find_code
from sml_agents.types import Act

__all__ = ["ActLabel", "LLMClassifier", "classify"]


@dataclass(frozen=True)
class ActLabel:
    """An act and why."""

    act: Act
    by: str
    """`rule:<name>`, `llm` or `human`."""
    span: tuple[int, int] | None = None
    """Start and end, in characters, of what decided."""


_MANY = 3
_TAIL = 4
"""A question followed by this many sentences is a step of the student's own thinking."""


def _any(*patterns: str) -> re.Pattern[str]:
    return re.compile("|".join(patterns), re.IGNORECASE | re.DOTALL)


_END = r"[.!?\u3002\uff1f\uff01\u061f]"
_SENTENCE = re.compile(rf"[^.!?\n\u3002\uff1f\uff01\u061f]*(?:{_END}+(?=[\s\"')*_]|$)|\n|$|[.!?])")
_QUESTION_MARK = re.compile(r"[?\uff1f\u061f][\"')*_\s]*$")
_ASKS = _any(
    r"\b(?:could|can|would|will) you (?:please |kindly |also )?"
    r"(?:tell|give|provide|share|specify|clarify|explain|let|say|state|confirm)",
    r"\bplease (?:also )?(?:tell|give|provide|share|specify|clarify|confirm|state|let me know|say)",
    r"\b(?:i|we) (?:still |also |first |really )?(?:need|want|would need|would like|'d like|'d need)"
    r" (?:to know|to ask|to be told|(?:some |a bit )?more (?:information|details))",
    r"\b(?:i|we) (?:still |also )?need (?:the|your|some|one more|another|that|this|you to (?:tell|give|provide))\b",
    r"\b(?:just )?tell me\b|\bmay i (?:know|ask)\b|\bi(?:'d| would) (?:like|have) to (?:know|ask)\b",
    r"\blet me know (?:what|how|the|which|when|where|whether|if there)\b",
    r"\bmore information (?:is|would be) (?:needed|required)\b|\bi am asking\b|\bi(?:'m| am) missing\b",
    r"\bi wonder (?:what|how|which)\b",
)
_BEGINS = re.compile(
    r"[\s\"'*_>-]*(?:(?:so|and|but|ok|okay|sorry|hi|hello|wait|first|also|then),? )?"
    r"(?:how (?:many|much|long|far|old|fast|often|big|tall|heavy)|what(?:'s| is| are| was| were| does| do| did| time)"
    r"|which|whose|when (?:is|does|did|do|was)|where (?:is|does|did|do|was)|who (?:is|are|has|was))\b",
    re.IGNORECASE,
)
_SOLVE = _any(
    r"what(?:'s| is| would be| should be) (?:the|your) (?:final |correct |right )?(?:answer|solution|result)\b",
    r"(?:tell|give|show|send) me the (?:final |correct |right |full )?(?:answer|solution|result)",
    r"(?:could|can|would|will) you (?:please |just |kindly )?"
    r"(?:solve|answer|do|calculate|compute|work|find|help me (?:solve|with))",
    r"please (?:solve|answer|calculate|compute|do|work|find)",
    r"(?:solve|do) (?:it|this|that)(?: problem)? (?:for me|yourself)",
    r"how (?:do|can|should|would) (?:i|we|you) (?:solve|do|approach|calculate|find|start|begin|answer)",
    r"what (?:should|do|can) i do\b|do you know (?:how|the answer)|can you guess|what do you think",
)
_POLITE = _any(
    r"(?:does|did) (?:that|this|it) (?:help|make sense|answer)|is (?:that|this|it) (?:clear|right|correct|ok|okay)\b",
    r"(?:do|would|are) you (?:understand|like me|want me|ready|have any|agree|follow)|(?:isn't|doesn't|aren't) it\?",
    r"(?:can|may|could|how can|shall|should) i help|anything else|\bany (?:other |more |further )?questions",
    r"(?:^\s*|, )(?:right|see|ready|ok|okay|why not)\?$|shall we|should (?:i|we) (?:continue|go on)",
)
_RESTATES = _any(
    r"(?:the|your|this) (?:question|problem|task) (?:is|asks|was|wants|says)|we (?:can )?ask(?: ourselves)?\b",
    r"(?:we|i) (?:need|want|have|are asked|must|are trying) to (?:find|figure|determine|calculate|compute|work)",
    r"^\W*(?:question|problem|q|step \d+)\s*\d*[:.)]",
)
_CALCULATION = re.compile(r"=\s?-?[$\u20ac\u00a3]?\s?\d|\d\s?[-+*/x\u00d7\u00f7]\s?\d")
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


def classify(text: str, finish: str | None = None, *, entry: str | None = None) -> ActLabel:
    """The act of a student turn.

    `finish` is the model's finish reason: `length` means that the turn was cut off. `entry` is not None in a code task:
    the function asked for, empty for a whole program.
    """
    if not any(letter.isalnum() for letter in text):
        return ActLabel(Act.MISSING, "rule:empty")
    if entry is not None:
        program = find_code(text, entry)
        asking = None if program is None or defines(program, entry) else _asking(text)
        if program is not None and asking is None:
            return ActLabel(Act.ANSWER_ATTEMPT, "rule:code")
        return asking or _asking(text) or _other(text)
    text = text.replace("\u2019", "'")
    found = find_answer(text, bare=finish != "length")
    if found is not None:
        return ActLabel(Act.ANSWER_ATTEMPT, f"rule:{found.rule}", found.span)
    if len(text) <= 2_000 and "\n" not in text.strip() and _LIST.fullmatch(text):
        return ActLabel(Act.ANSWER_ATTEMPT, "rule:list", (0, len(text)))
    return _asking(text) or _other(text)


def _asking(text: str) -> ActLabel | None:
    sentences = [found.span() for found in _SENTENCE.finditer(text) if found.group().strip()]
    asked: list[tuple[int, int]] = []  # the last one first
    solve: tuple[int, int] | None = None
    told_after = 0
    for start, end in reversed(sentences):
        sentence = text[start:end]
        if not _is_question(sentence):
            told_after += len(sentence.split()) > 1
            if told_after >= _TAIL or _CALCULATION.search(sentence):
                break  # whatever was asked before this, the student goes on to answer itself
        elif _SOLVE.search(sentence):
            solve = (start, end)
        else:
            asked.append((start, end))
    if len(asked) >= _MANY:
        return ActLabel(Act.INTERROGATION, "rule:many", (asked[-1][0], asked[0][1]))
    if asked:
        return ActLabel(Act.CLARIFICATION, "rule:question", asked[0])
    return ActLabel(Act.INTERROGATION, "rule:solve", solve) if solve else None


def _is_question(sentence: str) -> bool:
    if _POLITE.search(sentence) or _RESTATES.search(sentence):
        return False
    marked = _QUESTION_MARK.search(sentence) is not None
    return (
        marked
        or _ASKS.search(sentence) is not None
        or _BEGINS.match(sentence) is not None
        or _SOLVE.search(sentence) is not None
    )


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
        prompt = render("act", text=neutralise(text[:_LONGEST]), acts=[act.value for act in Act])
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
