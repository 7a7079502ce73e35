"""What a student writes before it decides: what the question needs, each thing looked up in what was told.

    <think>
    How long is the board? unknown
    How many inches does a shelf take? 4
    </think>

    Question. How long is the board?

What is needed follows from the question and is the same whether it was told or not; whether it was told is looked up
thing by thing. So the decision is no guess at the first token, a question in vain is seen for one before it is asked,
and a calculation has its numbers at hand, in their order. It is self-ask (Press et al., arXiv 2210.03350), written by
rule from what the task knows. The thought is private, and in no later history.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

from sml_agents.text.thinking import as_thought
from sml_agents.types import Act, Need, Role, Trace, Turn

__all__ = ["UNKNOWN", "inventory", "with_inventories"]

UNKNOWN = "unknown"
_DECIDES = (Act.CLARIFICATION, Act.INTERROGATION, Act.ANSWER_ATTEMPT)


def inventory(needs: Sequence[Need], untold: Collection[str] = ()) -> str:
    """Each of `needs` as a question and its answer; `untold` names those that nobody has told yet."""
    return "\n".join(f"{need.question} {UNKNOWN if need.name in untold else need.value}" for need in needs)


def with_inventories(trace: Trace) -> Trace:
    """The trace with an inventory as the thought of every student turn that asks or answers.

    Its own thought stays where that is what an inventory says; in place of another one, what was sampled is dropped.
    """
    private = trace.task.private
    untold = {fact.name for fact in private.facts}
    turns = list[Turn]()
    for turn in trace.turns:
        untold -= set(turn.reveals)
        if turn.role is Role.STUDENT and turn.act in _DECIDES:
            found = inventory(private.needs, untold)
            thought = as_thought(found) if found else ""
            if thought.strip() != turn.thought.strip():
                turn = turn.model_copy(update={"thought": thought, "call": None})
        turns.append(turn)
    return trace.model_copy(update={"turns": tuple(turns)})
