"""Recipes take the turns that they promise, and only what the student could see reaches a row."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from sml_agents.data.selection import TraceFilter
from sml_agents.errors import InputError, TrainingError
from sml_agents.training import DialogueRenderer, TrainingRow, balanced, training_rows
from sml_agents.training.tokens.rows import tokenize_rows
from sml_agents.types import Act, Call, Fact, Form, Outcome, Private, Role, StopReason, Task, Trace, Turn, Verdict

CANARY = "CANARY-5d1e"
FACT = Fact(name="price", statement="A pen costs 3 dollars.", keywords=("cost",))


def teacher(text: str, **more: Any) -> Turn:
    return Turn(role=Role.TEACHER, text=text, **more)


def ask(**more: Any) -> Turn:
    return Turn(role=Role.STUDENT, text="What does a pen cost?", act=Act.CLARIFICATION, trainable=True, **more)


def attempt(correct: bool, **more: Any) -> Turn:
    verdict = Verdict(outcome=Outcome.CORRECT if correct else Outcome.INCORRECT, diagnosis=CANARY)
    text = "The answer is 12." if correct else "The answer is 4."
    return Turn(role=Role.STUDENT, text=text, act=Act.ANSWER_ATTEMPT, trainable=True, verdict=verdict, **more)


TELLS = teacher(FACT.statement, reveals=("price",))
AGAIN = teacher("No. Try again.")


def trace(*turns: Turn, id: str = "a", form: Form = Form.UNDERSPECIFIED, pair: str = "") -> Trace:
    private = Private(answer=CANARY, facts=() if form is Form.FULL else (FACT,), solution=CANARY)
    task = Task(id=f"task-{id}", family="arithmetic", form=form, prompt="Pens?", private=private, pair=pair)
    solved = any(turn.verdict is not None and turn.verdict.correct for turn in turns)
    stop = StopReason.SOLVED if solved else StopReason.MAX_TURNS
    return Trace(id=id, task=task, turns=(teacher("Pens?"), *turns), stop=stop, solved=solved)


def trained(rows: list[TrainingRow]) -> list[list[str]]:
    return [[message.content for message in row.messages if message.trainable] for row in rows]


QUESTION, RIGHT, WRONG = "What does a pen cost?", "The answer is 12.", "The answer is 4."


class TestRecipes:
    TRACES = (
        trace(attempt(False), AGAIN, ask(), TELLS, attempt(True), id="asked late"),
        trace(attempt(True), id="at once", form=Form.FULL),
        trace(attempt(False), AGAIN, attempt(True), id="lucky"),
        trace(attempt(False), AGAIN, ask(), id="unsolved"),
        trace(ask(), teacher("I told you all."), attempt(True), id="needless", form=Form.FULL),
    )

    @pytest.mark.parametrize(
        ("recipe", "expected"),
        [
            ("st_sft", [[RIGHT]]),
            ("mt_sft", [[WRONG, QUESTION, RIGHT], [RIGHT], [WRONG, RIGHT], [QUESTION, RIGHT]]),
            ("q_primed", [[QUESTION, RIGHT], [RIGHT], [RIGHT]]),
            (TraceFilter(acts=(Act.CLARIFICATION,)), [[QUESTION], [QUESTION], [QUESTION]]),
        ],
    )
    def test_trained_turns(self, recipe: Any, expected: list[list[str]]) -> None:
        assert trained(training_rows(self.TRACES, recipe, system="")) == expected

    def test_turns_that_are_not_trained_stay_in_the_history(self) -> None:
        (row,) = training_rows(self.TRACES[:1], "q_primed", system="")
        assert [message.role for message in row.messages] == ["user", "assistant"] * 3
        assert [message.content for message in row.messages][1] == WRONG
        assert row.missing is True

    def test_what_follows_the_last_trained_turn_is_left_off(self) -> None:
        (row,) = training_rows([trace(ask(), TELLS, attempt(False))], TraceFilter(acts=(Act.CLARIFICATION,)), system="")
        assert len(row.messages) == 2

    def test_nothing_left_says_why(self) -> None:
        with pytest.raises(TrainingError, match=r"solved: true.*: 1 not solved"):
            training_rows([trace(ask())], "mt_sft")
        with pytest.raises(TrainingError, match="no trace was given"):
            training_rows([])
        with pytest.raises(InputError, match="no selection 'grpo': choose one of st_sft"):
            training_rows(self.TRACES, "grpo")  # type: ignore[arg-type]

    def test_the_system_prompt_is_the_students(self) -> None:
        from langchain_core.language_models.fake_chat_models import FakeListChatModel

        from sml_agents.roles import ChatStudent

        (row,) = training_rows(self.TRACES[1:2])
        student = ChatStudent(FakeListChatModel(responses=["x"]))
        assert (row.messages[0].role, row.messages[0].content) == ("system", student.system)
        (own,) = training_rows(self.TRACES[1:2], system="Be short.")
        assert own.messages[0].content == "Be short."

    def test_discounted_return(self) -> None:
        rows = training_rows(self.TRACES, "mt_sft", discount=0.7)
        assert [row.weight for row in rows] == pytest.approx([0.7**2, 1.0, 0.7, 0.7])


class TestPrivacy:
    def test_nothing_private_reaches_the_token_ids(self, embedded_model: Path) -> None:
        from transformers import AutoTokenizer

        tokenizer = AutoTokenizer.from_pretrained(embedded_model)
        secret = tuple(tokenizer(f"The answer is {CANARY}. Write a question.")["input_ids"])
        question = (*tokenizer(QUESTION)["input_ids"], tokenizer.eos_token_id)
        primed = ask(primed=True, replaced=WRONG, call=Call(prompt_ids=secret, completion_ids=question))
        rows = training_rows([trace(primed, TELLS, attempt(True))], "q_primed")
        for rows_as in ("dialogue", "turn"):
            made, counts = tokenize_rows(rows, DialogueRenderer(tokenizer), max_length=500, rows_as=rows_as)
            assert counts.verbatim_turns == 1
            assert all(CANARY not in tokenizer.decode(row.input_ids) for row in made)


class TestBalanced:
    def rows(self, missing: int, complete: int, pairs: int = 0) -> list[TrainingRow]:
        kinds = [(True, f"m{number}") for number in range(missing)] + [(False, f"c{n}") for n in range(complete)]
        kinds += [(kind, f"p{number}") for number in range(pairs) for kind in (True, False)]
        return [TrainingRow((), f"{pair}{kind}", kind, pair=pair) for kind, pair in kinds]

    @pytest.mark.parametrize(
        ("have", "missing", "limit", "expected"),
        [
            ((100, 30), 0.5, None, (30, 30)),
            ((30, 100), 0.5, None, (30, 30)),
            ((100, 30), 0.25, None, (10, 30)),
            ((100, 100), 0.5, 50, (25, 25)),
            ((1, 1), 0.9, None, (1, 1)),
        ],
    )
    def test_shares(self, have: tuple[int, int], missing: float, limit: int | None, expected: tuple[int, int]) -> None:
        kept = balanced(self.rows(*have), missing=missing, limit=limit)
        assert (sum(row.missing is True for row in kept), sum(row.missing is False for row in kept)) == expected
        assert len({row.id for row in kept}) == len(kept)

    def test_problems_with_both_kinds_stay_whole(self) -> None:
        kept = balanced(self.rows(40, 40, pairs=20), limit=40)
        assert {row.pair for row in kept} == {f"p{number}" for number in range(20)}
        kept = balanced(self.rows(40, 40, pairs=20), limit=20, seed=3)
        assert len({row.pair for row in kept}) == 10

    def test_the_seed_decides(self) -> None:
        rows = self.rows(50, 50)
        assert balanced(rows, limit=20) == balanced(rows, limit=20) != balanced(rows, limit=20, seed=1)

    def test_rows_that_are_alone_get_a_mate_of_the_other_kind(self) -> None:
        """Or batches of rows of like length would hold questions alone, and answers alone."""
        kept = balanced(self.rows(6, 6))
        mates: dict[str, set[bool | None]] = {}
        for row in kept:
            mates.setdefault(row.pair, set()).add(row.missing)
        assert len(mates) == 6 and all(kinds == {True, False} for kinds in mates.values())
        paired = balanced(self.rows(40, 40, pairs=20), limit=40)
        assert not any(row.pair.startswith("mates") for row in paired)

    def test_one_kind_alone_is_refused(self) -> None:
        with pytest.raises(TrainingError, match="no row with nothing missing among 3"):
            balanced(self.rows(3, 0))
        with pytest.raises(TrainingError, match="no row with a fact missing"):
            balanced(self.rows(0, 3))
        with pytest.raises(InputError, match="between 0 and 1"):
            balanced(self.rows(3, 3), missing=1.0)
