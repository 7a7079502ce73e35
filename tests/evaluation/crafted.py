"""Dialogues written by hand, in one line each, for tests whose expected figures are worked out on paper.

A script is a string of student turns, one letter each, with the teacher's turns between them:
    q asks for the price, v asks something vague, i interrogates, d discusses, e leaves nothing,
    r a right attempt, 1 2 3 wrong attempts with that answer, u an unparseable attempt,
    t an attempt whose check times out, n an attempt that nobody verified,
    P a question that Q-priming put in place of an attempt;
and after a letter `+` makes the teacher tell the missing fact, `!` makes it leak, `m` makes it leak behind a mask.
"""

from __future__ import annotations

from typing import Any

from sml_agents.types import Act, Fact, Failure, Form, Outcome, Private, Role, StopReason, Task, Trace, Turn, Verdict

PRICE = Fact(name="price", statement="Each ticket costs 7 dollars.", keywords=("ticket", "cost"))
TEXTS = {
    "q": "How much does each ticket cost?",
    "v": "Could you tell me more?",
    "i": "What is the price? How many days? Who pays?",
    "d": "Tickets are interesting.",
    "e": "",
}
ACTS = {
    "q": Act.CLARIFICATION,
    "v": Act.CLARIFICATION,
    "P": Act.CLARIFICATION,
    "i": Act.INTERROGATION,
    "d": Act.DISCUSSION,
    "e": Act.MISSING,
}


def task(id: str = "t1", *, form: str = "underspecified", **fields: Any) -> Task:
    given: dict[str, Any] = {
        "family": "crafted",
        "prompt": "Ann buys 4 tickets. What does she pay?",
        "pair": "",
    } | fields
    facts = given.pop("facts", () if form == "full" else (PRICE,))
    return Task(id=id, form=Form(form), private=Private(answer="28", facts=facts), **given)


def student_turn(letter: str) -> Turn:
    if letter in ACTS:
        primed = letter == "P"
        text = TEXTS["q" if primed else letter]
        return Turn(
            role=Role.STUDENT,
            text=text,
            act=ACTS[letter],
            primed=primed,
            replaced="The answer is 1." if primed else None,
        )
    verdict: Verdict | None
    match letter:
        case "r":
            verdict = Verdict(outcome=Outcome.CORRECT, extracted="28")
        case "u":
            verdict = Verdict(outcome=Outcome.UNPARSEABLE, diagnosis="No number was found.")
        case "t":
            verdict = Verdict(outcome=Outcome.TIMEOUT)
        case "n":
            verdict = None
        case _:
            verdict = Verdict(outcome=Outcome.INCORRECT, extracted=letter, diagnosis="It is not a multiple of 7.")
    extracted = verdict.extracted if verdict else None
    return Turn(role=Role.STUDENT, text=f"The answer is {extracted}.", act=Act.ANSWER_ATTEMPT, verdict=verdict)


def trace(
    script: str,
    of: Task | None = None,
    *,
    sample: int = 0,
    stop: StopReason | None = None,
    max_turns: int | None = 4,
    seed: int = 0,
    guard: str = "flag",
    error: Failure | str | None = None,
    student: str = "base",
) -> Trace:
    of = of or task()
    turns = [Turn(role=Role.TEACHER, text=of.prompt)]
    for letter in script:
        if letter == "+":
            turns[-1] = turns[-1].model_copy(update={"reveals": ("price",), "text": PRICE.statement})
        elif letter in "!m":
            turns[-1] = turns[-1].model_copy(update={"leak": "verbatim", "masked": letter == "m"})
        else:
            turns += [student_turn(letter), Turn(role=Role.TEACHER, text="Think again.")]
    if turns[-1].role is Role.TEACHER and len(turns) > 1 and not turns[-1].reveals and turns[-1].leak is None:
        turns.pop()
    solved: bool | None = "r" in script
    if not solved and not any(turn.verdict is not None and turn.verdict.correct is not None for turn in turns):
        solved = None
    if stop is None:
        stop = StopReason.SOLVED if solved else StopReason.UNSCORED if "t" in script else StopReason.MAX_TURNS
    settings: dict[str, Any] = {"seed": seed, "student": {"model": student}, "dialogue": {"guard": guard}}
    if max_turns is not None:
        settings["dialogue"]["max_turns"] = max_turns
    return Trace(
        id=f"{student}-{of.id}-{sample}-{script}",
        task=of,
        sample=sample,
        turns=tuple(turns),
        stop=stop,
        solved=None if stop is StopReason.FAILED else solved,
        error=error,
        settings=settings,
    )
