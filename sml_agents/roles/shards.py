"""The simulated person of Lost in Conversation (Laban et al., arXiv 2505.06120), by rule: no model, no chance.

It tells one shard in every turn, the one asked for if a question names one, else the next, and never says whether an
answer is right. `snowball` repeats what was told so far before each new shard; `recap` tells everything once more when
all was told. There a person is played by a language model that rewords shards and may withhold them, and so may not
come to an end.
"""

from __future__ import annotations

from typing import Any, Literal, get_args

from sml_agents.roles.acts import ASKING
from sml_agents.text.questions import asked_facts
from sml_agents.types import Reply, Role
from sml_agents.views import TeacherView

__all__ = ["SIMULATIONS", "ShardTeacher", "Simulation"]

Simulation = Literal["sharded", "recap", "snowball"]
SIMULATIONS: tuple[Simulation, ...] = get_args(Simulation)


class ShardTeacher:
    """Tells the facts of a sharded task, one in every turn. `simulation`: what it says beside them."""

    by_rule = True

    def __init__(self, simulation: Simulation = "sharded") -> None:
        self.simulation = simulation
        self.settings: dict[str, Any] = {"model": "shards", "simulation": simulation, "rules": 2}

    async def reply(self, view: TeacherView, *, seed: int = 0) -> Reply:
        """One turn. Never fails and calls no model."""
        heard = [text for role, text in view.history if role is Role.TEACHER]
        asked = asked_facts(view.last, view.untold, heard) if view.act in ASKING else ()
        new = (asked or view.untold)[:1]
        if not new:
            shards = [heard[0], *(fact.statement for fact in view.private.facts)]
            return Reply(text=f"{_RECAP}\n{_listed(shards)}\n{_FINAL}" if self.simulation == "recap" else _FINAL)
        text = new[0].statement
        if self.simulation == "snowball":
            text = f"{_SO_FAR}\n{_listed([heard[0], *(fact.statement for fact in view.told)])}\n{_NEW} {text}"
        return Reply(text=text, reveals=(new[0].name,))


_RECAP = "Here is everything once more:"
_FINAL = "That is all I can tell you. Please give your final answer."
_SO_FAR = "What I have told you so far:"
_NEW = "What is new:"


def _listed(shards: list[str]) -> str:
    return "\n".join(f"- {shard}" for shard in shards)
