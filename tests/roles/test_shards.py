"""The simulated person of Lost in Conversation."""

from __future__ import annotations

import pytest

from sml_agents.errors import InputError
from sml_agents.roles import ShardTeacher, teacher_from
from sml_agents.testing.conformance import TeacherConformance
from sml_agents.types import Act, Fact, Private, Role
from sml_agents.views import TeacherView

TICKETS = Fact(name="shard2", statement="Ann buys 4 tickets.", keywords=("tickets", "buys"))
PRICE = Fact(name="shard3", statement="A ticket costs 7 dollars.", keywords=("ticket", "costs"))


class TestShards(TeacherConformance):
    def make_teacher(self) -> ShardTeacher:
        return ShardTeacher()


def view(last: str, act: Act, untold: tuple[Fact, ...], told: tuple[Fact, ...] = ()) -> TeacherView:
    history = ((Role.TEACHER, "What does Ann pay?"), (Role.STUDENT, last))
    return TeacherView(
        history=history,
        private=Private(answer="28", facts=(TICKETS, PRICE)),
        act=act,
        verdict=None,
        untold=untold,
        told=told,
        one_a_turn=True,
    )


@pytest.mark.parametrize(
    ("last", "act", "told"),
    [
        ("The answer is 3.", Act.ANSWER_ATTEMPT, "shard2"),
        ("", Act.MISSING, "shard2"),
        ("Tell me more?", Act.CLARIFICATION, "shard2"),
        ("How much does a ticket cost?", Act.CLARIFICATION, "shard3"),
        ("How many tickets does Ann buy?", Act.CLARIFICATION, "shard2"),
    ],
)
async def test_it_tells_what_was_asked_for_else_what_is_next(last: str, act: Act, told: str) -> None:
    reply = await ShardTeacher().reply(view(last, act, (TICKETS, PRICE)))
    assert reply.reveals == (told,)
    assert reply.text == {"shard2": TICKETS, "shard3": PRICE}[told].statement


async def test_snowball_repeats_and_recap_repeats_at_the_end() -> None:
    snowball = await ShardTeacher("snowball").reply(view("Hm.", Act.DISCUSSION, (PRICE,), (TICKETS,)))
    assert all(text in snowball.text for text in ("What does Ann pay?", TICKETS.statement, PRICE.statement))
    recap = ShardTeacher("recap")
    assert (await recap.reply(view("Hm.", Act.DISCUSSION, (PRICE,), (TICKETS,)))).text == PRICE.statement
    last = await recap.reply(view("Hm.", Act.DISCUSSION, (), (TICKETS, PRICE)))
    assert all(text in last.text for text in ("What does Ann pay?", TICKETS.statement, PRICE.statement))
    assert not last.reveals and not last.stop


def test_it_is_named_by_a_spec() -> None:
    assert teacher_from("shards?simulation=snowball").simulation == "snowball"
    assert teacher_from("shards").settings["simulation"] == "sharded"
    for wrong in ("shards?simulation=half", "shards:x", "shards?speed=2"):
        with pytest.raises(InputError, match=r"shards|simulation"):
            teacher_from(wrong)
