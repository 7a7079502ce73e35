"""What each metric means, in words: the one place that the tables, the report and the documentation take them from.

Sources: Cook et al., "Learning to Learn from Language Feedback with Social Meta-Learning", arXiv 2602.16488 (success@k,
questions, premature attempts); Laban et al., "LLMs Get Lost in Multi-Turn Conversation", arXiv 2505.06120 (the acts).
Averaged performance, aptitude and unreliability are the latter's, too. Needless questions, coverage, informed success,
the F1 and the gap of asking are this library's own, so that asking more cannot pass for asking better.
"""

from __future__ import annotations

from typing import Any, Literal, NamedTuple

from sml_agents.types import Act

__all__ = ["ASKING", "DEFINITIONS", "WHERE_KNOWN", "Definition", "asking_f1"]

ASKING = frozenset({Act.CLARIFICATION, Act.INTERROGATION})
"""Acts that ask the teacher something."""


class Definition(NamedTuple):
    label: str
    meaning: str
    better: Literal["higher", "lower", "neither"]
    unit: Literal["share", "gap", "mean"] = "share"
    """`share`: from 0 to 1. `gap`: difference of two shares, from -1 to 1. `mean`: a count, not bounded by 1."""


DEFINITIONS: dict[str, Definition] = {
    "success_at": Definition(
        "Success",
        "Share of dialogues solved within k student turns. k runs to the smallest turn limit of the dialogues, 10 at "
        "most. A dialogue that ended without an attempt counts as not solved; an unscored one is left out.",
        "higher",
    ),
    "informed_success": Definition(
        "Informed success",
        "Share of dialogues whose first answer attempt after the last missing fact was told is right: on fully "
        "specified tasks the first attempt of all. No such attempt counts as not solved. What repeated guessing gains "
        "is not in it.",
        "higher",
    ),
    "attempts_to_solve": Definition(
        "Attempts to solve",
        "Mean number of answer attempts in solved dialogues, the right one included.",
        "lower",
        "mean",
    ),
    "unscored_rate": Definition(
        "Unscored",
        "Share of dialogues of which nobody knows whether they were solved, because of the reference or the machine; "
        "they are in no success figure.",
        "neither",
    ),
    "asks_when_needed": Definition(
        "Asks when needed",
        "On tasks with a fact missing: share of dialogues whose first student turn asks (clarification or "
        "interrogation).",
        "higher",
    ),
    "needless_questions": Definition(
        "Needless questions",
        "On fully specified tasks: share of dialogues whose first student turn asks.",
        "lower",
    ),
    "asking_gap": Definition(
        "Asking gap",
        "Asks when needed minus needless questions (Youden's J). Asking always, never or at random all give 0.",
        "higher",
        "gap",
    ),
    "asking_f1": Definition(
        "F1 of asking",
        "How well the first turn tells tasks that need a question from those that do not, as a decision between two: "
        "the F1 of asking, 2a / (1 + a + b), with a the share that asks when needed and b when not; both kinds of task "
        "weigh alike. Asking always scores 2/3, at random 1/2, never 0: read it beside the gap.",
        "higher",
    ),
    "coverage": Definition(
        "Coverage",
        "Of first turns that ask on tasks with a fact missing: share that name a missing fact. Words that belong to no "
        "missing fact count against a question, and of several questions half must name one: a list of nouns or the "
        "problem repeated names nothing.",
        "higher",
    ),
    "names_missing": Definition(
        "Names what is missing",
        "On tasks with a fact missing: share of dialogues whose first turn asks and names a missing fact, of a request "
        "the argument.",
        "higher",
    ),
    "ask_f1": Definition(
        "Ask-F1",
        "Over whole dialogues, the harmonic mean of how many of the things asked for were missing, and how many of the "
        "missing facts were asked for by name (HiL-Bench).",
        "higher",
    ),
    "guessed_arguments": Definition(
        "Guessed arguments",
        "Of turns that call a tool: share with a required argument whose value nobody had given by then.",
        "lower",
    ),
    "exact_call": Definition(
        "Exact call",
        "Of turns that call a tool when nothing was missing: share with the right tools and every argument right.",
        "higher",
    ),
    "wrong_tool": Definition(
        "Wrong tool",
        "Of turns that call a tool: share that call one that does not serve the request, or that there is not.",
        "lower",
    ),
    "premature_attempts": Definition(
        "Premature attempts",
        "On tasks with a fact missing: share of answer attempts made while a required fact is still unrevealed.",
        "lower",
    ),
    "question_rate": Definition(
        "Question rate",
        "Share of student turns that ask (clarification or interrogation).",
        "neither",
    ),
    "questions_per_dialogue": Definition(
        "Questions per dialogue",
        "Mean number of turns of a dialogue that ask (clarification or interrogation).",
        "neither",
        "mean",
    ),
    "correction": Definition(
        "Correction",
        "Of wrong attempts after which the student had another turn: share whose next attempt is right.",
        "higher",
    ),
    "repeat": Definition(
        "Repeat",
        "Of wrong attempts after which the student had another turn: share whose next attempt gives the same wrong "
        "answer.",
        "lower",
    ),
    "leak_rate": Definition(
        "Leak rate",
        "Share of teacher turns after the opening from which the answer can be read off, as the guard sees it; what "
        "the guard masked is not a leak. Not scored where the guard was off.",
        "lower",
    ),
    "averaged_performance": Definition(
        "Averaged performance",
        "Share of dialogues solved, however long they were.",
        "higher",
    ),
    "aptitude": Definition(
        "Aptitude",
        "Of tasks with several dialogues: the mean over tasks of the 90th percentile of their scores (0 or 1): what "
        "the student can do on a good day (Laban et al.).",
        "higher",
    ),
    "unreliability": Definition(
        "Unreliability",
        "Of tasks with several dialogues: the mean over tasks of the 90th minus the 10th percentile of their scores: "
        "how far a good day and a bad one lie apart (Laban et al.).",
        "lower",
    ),
    "simulator_faults": Definition(
        "Simulator faults",
        "On tasks with a fact missing, requests to agents with tools apart: share of teacher turns that break the "
        "rules of the simulated person. It tells one missing fact at most; the one asked for, none unasked, or on "
        "sharded tasks one in every turn. Leaks are not among them.",
        "lower",
    ),
    **{
        f"{role}_{cost}": Definition(
            f"{role.capitalize()} {cost}",
            f"Mean number of {meaning} of the {role} in a dialogue, of dialogues in which it is a model that tells.",
            "neither",
            "mean",
        )
        for role in ("student", "teacher")
        for cost, meaning in (("calls", "model calls"), ("tokens", "tokens read and written"))
    },
}


WHERE_KNOWN = (
    "guessed_arguments",
    "exact_call",
    "wrong_tool",
    "aptitude",
    "unreliability",
    "simulator_faults",
    "student_calls",
    "student_tokens",
    "teacher_calls",
    "teacher_tokens",
)
"""Figures of some dialogues alone: those with tools, with several samples, with a simulated person, with models."""


def asking_f1(asks: Any, needless: Any) -> Any:
    """The F1 of asking from the shares of tasks that it asks on: of those that need it, and of those that do not."""
    return 2 * asks / (1 + asks + needless)
