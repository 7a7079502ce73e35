"""What a dialogue is worth, and how much of it each turn gets.

Every student turn earns a reward r_k, nearly always 0: 1 for the turn that solves the task, and whatever the optional
terms say. The return of turn j is G_j = sum over k >= j of gamma^(k-j) r_k, so the reward of a dialogue solved in turn
k is G_1 = gamma^(k-1) (Cook et al., arXiv 2602.16488, where gamma = 0.7).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence

from sml_agents.roles.repeats import wording
from sml_agents.text.asking import find_questions
from sml_agents.text.questions import asked_facts
from sml_agents.types import Act, Fact, Form, Role, Trace, Turn

__all__ = ["TERMS", "dialogue_reward", "turn_advantages", "turn_returns", "turn_rewards"]

_EPSILON = 1e-4
"""Added to the standard deviation, as in TRL."""


def success(trace: Trace) -> list[float]:
    """1 for the turn that solved the task."""
    return [float(k == trace.solved_at) for k in range(1, len(trace.student_turns) + 1)]


def informed_success(trace: Trace) -> list[float]:
    """1 for the turn that solved the task, unless a fact was missing still: right by luck is worth nothing."""
    earned = success(trace)
    for k, (_, missing, _) in enumerate(_with_missing(trace)):
        earned[k] *= not missing
    return earned


def needless_question(trace: Trace) -> list[float]:
    """-1 for each thing asked for that brought no missing fact, whatever the form of the task and the turn's act."""
    return [-float(max(0, asked - brought)) for asked, brought in _asked(trace)]


def fact_asked_for(trace: Trace) -> list[float]:
    """1 for each missing fact that the turn asked for and the teacher then told."""
    return [float(brought) for _, brought in _asked(trace)]


def _asked(trace: Trace) -> Iterator[tuple[int, int]]:
    """How many things each student turn asks for, and how many missing facts were told for it."""
    heard = [trace.task.prompt]
    for turn, missing, answer in _with_missing(trace):
        is_program = turn.act is Act.ANSWER_ATTEMPT and trace.task.private.code is not None
        asked = 0 if is_program else len(find_questions(turn.text, heard))
        asked = max(asked, turn.act in (Act.CLARIFICATION, Act.INTERROGATION))  # whoever labelled it
        named = {fact.name for fact in asked_facts(turn.text, missing, heard, trace.task.tools)} if asked else set()
        yield asked, len(named & set(answer.reveals)) if answer is not None else 0
        heard.append(answer.text if answer is not None else "")


def _with_missing(trace: Trace) -> Iterator[tuple[Turn, list[Fact], Turn | None]]:
    """Each student turn with the facts missing when it was said, and the teacher's turn after it, if any."""
    missing = [] if trace.task.form is Form.FULL else list(trace.task.private.facts)
    turns = trace.turns
    for at, turn in enumerate(turns):
        if turn.role is Role.TEACHER:
            missing = [fact for fact in missing if fact.name not in turn.reveals]
            continue
        answer = turns[at + 1] if at + 1 < len(turns) and turns[at + 1].role is Role.TEACHER else None
        yield turn, missing, answer


def repeated_turn(trace: Trace) -> list[float]:
    """-1 for each turn that says what the student has said before in the dialogue, or makes the same calls."""
    said: set[tuple[str, ...]] = set()
    earned: list[float] = []
    for turn in trace.student_turns:
        words = wording(turn.text, turn.tool_calls or ())
        earned.append(-float(words in said))
        said.add(words)
    return earned


def leak(trace: Trace) -> list[float]:
    """-1 for each turn to which the teacher answered with the solution."""
    earned: list[float] = []
    for turn in trace.turns:
        if turn.role is Role.STUDENT:
            earned.append(0.0)
        elif turn.role is Role.TEACHER and turn.leak is not None and earned:
            earned[-1] = -1.0
    return earned


TERMS: dict[str, Callable[[Trace], list[float]]] = {
    "success": success,
    "informed_success": informed_success,
    "needless_question": needless_question,
    "fact_asked_for": fact_asked_for,
    "repeated_turn": repeated_turn,
    "leak": leak,
}
"""Reward terms by name: what each student turn of a dialogue earned, before weights."""


def turn_rewards(trace: Trace, weights: dict[str, float]) -> list[float]:
    """r_k for each student turn: the weighted sum of the terms named in `weights`."""
    earned = [0.0] * len(trace.student_turns)
    for name, weight in weights.items():
        earned = [total + weight * part for total, part in zip(earned, TERMS[name](trace), strict=True)]
    return earned


def turn_returns(rewards: Sequence[float], gamma: float) -> list[float]:
    """G_j for each turn."""
    returns: list[float] = []
    ahead = 0.0
    for reward in reversed(rewards):
        ahead = reward + gamma * ahead
        returns.append(ahead)
    return returns[::-1]


def dialogue_reward(trace: Trace, term: str, gamma: float) -> float | None:
    """G_1 of one term alone; None when the dialogue could not be scored."""
    if trace.solved is None:
        return None
    return sum(gamma**k * earned for k, earned in enumerate(TERMS[term](trace)))


def turn_advantages(group: Sequence[Sequence[float] | None], gamma: float, *, scale: bool = True) -> list[list[float]]:
    """The advantage of every turn of one group of dialogues on the same task, from their returns G_j.

    Turn j of dialogue i gets (G_ij - m / gamma^(j-1)) / s, where m and s are mean and standard deviation of the
    dialogues' rewards G_i1: it is held against the group's mean dialogue, as that would be worth seen from turn j.
    Nothing is normalised by turn index, which would be a hidden price on taking another turn, since the student decides
    when to stop (verl#7244). A group whose rewards are all the same teaches nothing. None: a dialogue without a score.
    """
    rewards = [returns[0] for returns in group if returns]
    mean = sum(rewards) / len(rewards) if rewards else 0.0
    spread = math.sqrt(sum((reward - mean) ** 2 for reward in rewards) / max(1, len(rewards) - 1))
    if spread < 1e-8:
        return [[0.0] * len(returns or ()) for returns in group]
    divisor = spread + _EPSILON if scale else 1.0
    return [[(value - mean / gamma**j) / divisor for j, value in enumerate(returns or ())] for returns in group]
