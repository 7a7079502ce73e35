"""Every figure here was worked out by hand from the definitions."""

from __future__ import annotations

import random
import tracemalloc

import numpy as np
import pytest

from sml_agents.evaluation.definitions import DEFINITIONS
from sml_agents.evaluation.metrics import Metrics, compute
from sml_agents.types import Call, Fact, Failure, Role, StopReason, Trace, Turn, Usage
from tests.evaluation.crafted import PRICE, student_turn, task, trace
from tests.pace import within


def many(*scripts: str, form: str = "underspecified") -> list[Trace]:
    return [trace(script, task(f"{form}{k}", form=form)) for k, script in enumerate(scripts)]


def values(metrics: dict[str, object]) -> list[float | None]:
    return [metric.value for metric in metrics.values()]  # type: ignore[attr-defined]


def test_nothing_to_count_is_unknown_and_not_zero() -> None:
    metrics = compute([])
    assert metrics.n == metrics.tasks == 0
    assert metrics.success_at == {}
    for name in DEFINITIONS:
        if name != "success_at":
            figure = getattr(metrics, name)
            assert (figure.value, figure.low, figure.high, figure.n) == (None, None, None, 0)


def test_success_counts_student_turns() -> None:
    metrics = compute(many("r", "1r", "q+r", "1234", "qqqq"))
    assert list(metrics.success_at) == ["1", "2", "3", "4"]
    assert values(metrics.success_at) == pytest.approx([0.2, 0.6, 0.6, 0.6])
    assert metrics.success_at["4"].n == 5


def test_success_never_falls_with_more_turns() -> None:
    generator = random.Random(1)
    traces = many(
        *("".join(generator.choices("q1", k=generator.randrange(4))) + "r" for _ in range(60)), *["1111"] * 20
    )
    shares = [share for share in values(compute(traces, resamples=50).success_at) if share is not None]
    assert shares == sorted(shares) and shares[-1] == pytest.approx(0.75)


def test_success_stops_at_the_smallest_turn_limit() -> None:
    traces = [trace("1r", task("a"), max_turns=12), trace("1111", task("b"), max_turns=4)]
    assert list(compute(traces).success_at) == ["1", "2", "3", "4"]
    assert list(compute(traces[:1]).success_at) == [str(k) for k in range(1, 11)]


def test_without_a_known_limit_the_longest_dialogue_sets_it() -> None:
    traces = [trace("1r", task("a"), max_turns=None), trace("111", task("b"), max_turns=None)]
    assert list(compute(traces).success_at) == ["1", "2", "3"]


def test_an_unscored_dialogue_is_left_out_of_success() -> None:
    metrics = compute(many("r", "1111", "1t", "n"))
    assert metrics.unscored == 2
    assert metrics.success_at["4"].value == 0.5
    assert metrics.success_at["4"].n == 2


def test_all_unscored_gives_no_success_at_all() -> None:
    metrics = compute(many("t", "t"))
    assert metrics.success_at["1"].value is None
    assert metrics.asks_when_needed.value == 0.0


def test_a_dialogue_of_questions_alone_is_not_solved_rather_than_unscored() -> None:
    metrics = compute(many("qqqq"))
    assert metrics.unscored == 0
    assert metrics.success_at["4"].value == 0.0


def test_a_dialogue_ended_by_the_leak_guard_is_not_solved() -> None:
    metrics = compute([trace("1!", stop=StopReason.LEAKED)])
    assert metrics.success_at["4"].value == 0.0
    assert metrics.leak_rate.value == 1.0


def test_failed_dialogues_are_counted_and_in_no_rate() -> None:
    failed = [
        trace("1", task("f1"), stop=StopReason.FAILED, error=Failure(type="EndpointError", message="status 500")),
        trace("", task("f2"), stop=StopReason.FAILED, error=Failure(type="EndpointError", message="status 503")),
        trace("q", task("f3"), stop=StopReason.FAILED),
    ]
    metrics = compute([*failed, *many("r")])
    assert (metrics.n, metrics.tasks, metrics.failed, metrics.unscored) == (4, 1, 3, 0)
    assert metrics.errors == {"EndpointError": 2, "unknown": 1}
    assert metrics.success_at["1"].value == 1.0
    assert metrics.asks_when_needed.n == 1


def test_asking_looks_at_the_first_turn_only() -> None:
    needed = many("q+r", "vr", "i+r", "1q+r", "d+r", "er")
    not_needed = many("r", "qr", "1q", "ir", form="full")
    metrics = compute(needed + not_needed)
    assert metrics.asks_when_needed.value == 0.5
    assert metrics.asks_when_needed.n == 6
    assert metrics.needless_questions.value == 0.5
    assert metrics.needless_questions.n == 4


def test_coverage_is_of_the_questions_asked() -> None:
    metrics = compute(many("q+r", "vr", "v1", "1q+r"))
    assert metrics.coverage.value == pytest.approx(1 / 3)
    assert metrics.coverage.n == 3
    assert compute(many("11", "1r")).coverage.value is None


def test_coverage_needs_known_facts() -> None:
    metrics = compute([trace("q+r", task(facts=()))])
    assert metrics.asks_when_needed.value == 1.0
    assert metrics.coverage.value is None


def test_with_no_missing_fact_only_needless_questions_are_defined() -> None:
    metrics = compute(many("qr", "r", form="full"))
    assert metrics.needless_questions.value == 0.5
    for name in ("asks_when_needed", "coverage", "premature_attempts", "asking_f1", "asking_gap"):
        assert getattr(metrics, name).value is None, name


def test_asking_always_is_no_way_to_a_better_score() -> None:
    selective = compute(many(*["q+r"] * 6, *["1q+r"] * 4) + many(*["r"] * 9, "qr", form="full"))
    always = compute(many(*["q+r"] * 10) + many(*["qr"] * 10, form="full"))
    never = compute(many(*["1r"] * 10) + many(*["r"] * 10, form="full"))
    # precision 6/7, recall 6/10
    assert selective.asking_f1.value == pytest.approx(12 / 17)
    assert always.asking_f1.value == pytest.approx(2 / 3) and never.asking_f1.value == 0
    assert selective.asking_f1.value > always.asking_f1.value
    assert selective.asking_gap.value == pytest.approx(0.5)
    assert always.asking_gap.value == never.asking_gap.value == 0.0


def test_more_tasks_that_need_a_question_do_not_reward_asking_always() -> None:
    always = compute(many(*["q+r"] * 90) + many(*["qr"] * 10, form="full"))
    assert always.asking_f1.value == pytest.approx(2 / 3)


def test_premature_attempts_are_those_before_the_fact_is_told() -> None:
    metrics = compute(many("1q+r", "q+r", "11"))
    assert metrics.premature_attempts.value == pytest.approx(3 / 5)
    assert metrics.premature_attempts.n == 3
    assert compute(many("1r", form="full")).premature_attempts.value is None


def test_every_withheld_fact_has_to_be_told() -> None:
    other = Fact(name="count", statement="She buys 4.", keywords=("buy",))
    sharded = task(form="sharded", facts=(*task().private.facts, other))
    assert compute([trace("q+r", sharded)]).premature_attempts.value == 1.0


def test_question_rate_counts_all_turns_that_ask() -> None:
    metrics = compute(many("q+r", "1v1q", "i", "d"))
    assert metrics.question_rate.value == pytest.approx(4 / 8)
    assert metrics.questions_per_dialogue.value == pytest.approx(4 / 4)
    assert values(metrics.question_rate_by_turn) == pytest.approx([2 / 4, 1 / 2, 0.0, 1.0])
    assert [metric.n for metric in metrics.question_rate_by_turn.values()] == [4, 2, 1, 1]


def test_informed_success_is_of_the_first_attempt_after_the_last_fact() -> None:
    metrics = compute(many("q+r", "q+1r", "r", "1q+r", "qq", "1111"))
    # right: q+r, 1q+r; wrong at first: q+1r; never informed: r (by luck), qq, 1111
    assert metrics.informed_success.value == pytest.approx(2 / 6)
    assert metrics.informed_success.n == 6
    assert metrics.success_at["4"].value == pytest.approx(4 / 6)
    full = compute(many("r", "1r", "qr", "1", form="full"))
    assert full.informed_success.value == pytest.approx(2 / 4)  # of a complete task the first attempt of all


def test_informed_success_leaves_out_what_nobody_knows() -> None:
    metrics = compute(many("q+t", "q+r", "q+1t"))
    assert metrics.informed_success.n == 1 and metrics.informed_success.value == 1.0


def test_attempts_to_solve_are_of_solved_dialogues() -> None:
    metrics = compute(many("r", "1q+2r", "111", "qqq"))
    assert metrics.attempts_to_solve.value == pytest.approx((1 + 3) / 2)
    assert metrics.attempts_to_solve.n == 2
    assert compute(many("11")).attempts_to_solve.value is None


def test_what_is_unscored_stands_beside_success() -> None:
    metrics = compute(many("r", "1111", "1t", "n"))
    assert metrics.unscored_rate.value == 0.5 and metrics.unscored_rate.n == 4
    assert metrics.unscored_rate.low is not None and metrics.success_at["4"].n == 2


@pytest.mark.parametrize(
    ("text", "covers"),
    [
        ("How much does each ticket cost?", True),
        ("What is the price of a ticket?", True),
        ("How many tickets does Ann buy, and what does each cost?", True),
        ("Ann buys 4 tickets. What does she pay?", False),
        ("Ann? Tickets? Buys? Pay? Cost?", False),
        ("How many tickets, Anns, pays, costs and buys are there?", False),
        ("Could you clarify the colour of the ticket?", False),
        ("ticket costs?", False),
        ("How are you? A ticket costs money.", False),
    ],
)
def test_a_question_covers_a_fact_only_if_it_asks_for_it(text: str, covers: bool) -> None:
    found = trace("q+r")
    turns = list(found.turns)
    turns[1] = turns[1].model_copy(update={"text": text})
    assert compute([found.model_copy(update={"turns": tuple(turns)})]).coverage.value == float(covers)


def test_correction_and_repeat_look_at_the_next_attempt() -> None:
    metrics = compute(many("1r", "11r", "1q+r", "12", "1q1", "1", "1qq"))
    # wrong attempts with a turn left: 1r: 1; 11r: 2; 1q+r: 1; 12: 1; 1q1: 1; 1: 0; 1qq: 1 (never tried again)
    assert metrics.correction.value == pytest.approx(3 / 7)
    assert metrics.repeat.value == pytest.approx(2 / 7)
    assert metrics.correction.n == 6


def test_unparseable_counts_as_wrong_and_repeats_only_its_own_words() -> None:
    metrics = compute(many("ur", "uu", "1u"))
    assert metrics.correction.value == pytest.approx(1 / 3)
    assert metrics.repeat.value == pytest.approx(1 / 3)


@pytest.mark.parametrize(("first", "second"), [("1,200", "1200.0"), ("$5", "5.00"), ("\uff17", "7"), ("A  b", "a b")])
def test_the_same_wrong_answer_in_other_writing_is_a_repeat(first: str, second: str) -> None:
    made = trace("12")
    turns = list(made.turns)
    for turn, answer in zip((1, 3), (first, second), strict=True):
        verdict = turns[turn].verdict
        assert verdict is not None
        turns[turn] = turns[turn].model_copy(update={"verdict": verdict.model_copy(update={"extracted": answer})})
    assert compute([made.model_copy(update={"turns": tuple(turns)})]).repeat.value == 1.0


def test_an_attempt_followed_by_an_unscored_one_is_not_judged() -> None:
    metrics = compute(many("1t"))
    assert metrics.correction.value is None
    assert metrics.repeat.value is None


def test_leaks_are_counted_among_teacher_turns_after_the_opening() -> None:
    metrics = compute(many("1!1q", "1m1"))
    # teacher turns after the opening: 2 in the first (one leaks), 1 in the second (masked)
    assert metrics.leak_rate.value == pytest.approx(1 / 3)
    assert metrics.leak_rate.n == 2
    assert metrics.masked_leaks == 1


def test_no_guard_means_an_unknown_leak_rate() -> None:
    assert compute([trace("11", guard="off")]).leak_rate.value is None
    assert compute([trace("1111", guard="flag")]).leak_rate.value == 0.0


def test_a_primed_question_is_the_attempt_it_replaced() -> None:
    metrics = compute(many("P+r"))
    assert metrics.asks_when_needed.value == 0.0
    assert metrics.question_rate.value == 0.0
    assert metrics.premature_attempts.value == 0.5
    assert metrics.correction.value is None


def test_seeds_are_those_found() -> None:
    assert compute(
        [trace("r", task("a"), seed=2), trace("r", task("b"), seed=1), trace("r", task("c"), seed=2)]
    ).seeds == [1, 2]


def test_samples_and_forms_of_one_problem_are_one_task() -> None:
    traces = [trace("r", task("a"), sample=k) for k in range(5)]
    traces += [trace("1", task("b", form="full", pair="x")), trace("q+r", task("c", pair="x"))]
    metrics = compute(traces)
    assert (metrics.n, metrics.tasks) == (7, 2)


def test_two_families_may_use_the_same_ids() -> None:
    assert compute([trace("r", task("a")), trace("r", task("a", family="other"))]).tasks == 2


def test_figures_are_the_same_for_the_same_seed_and_in_order() -> None:
    traces = many("r", "1r", "q+r", "1234", "v1")
    first, second, other = compute(traces), compute(iter(traces)), compute(traces, seed=1)
    assert first == second
    assert first.success_at["4"].value == other.success_at["4"].value
    for figure in (first.asks_when_needed, *first.success_at.values()):
        assert figure.low <= figure.value <= figure.high


def test_metrics_survive_json() -> None:
    metrics = compute(many("r", "1r", "q+r"))
    assert Metrics.model_validate_json(metrics.model_dump_json()) == metrics


def test_memory_is_flat_and_the_bootstrap_fast() -> None:
    """2,000 dialogues of ten long turns are read from a generator; only their counts may stay."""
    shapes = [trace(script).model_copy(update={"turns": ()}).model_dump() for script in ("1q+r", "q+r", "1111")]
    bodies = [trace(script).turns for script in ("1q+r", "q+r", "1111")]

    def stream() -> object:
        for k in range(2000):
            yield Trace.model_construct(
                **{**shapes[k % 3], "task": task(f"t{k}"), "turns": bodies[k % 3], "stop": StopReason.SOLVED}
            )

    tracemalloc.start()
    with within(16):
        metrics = compute(stream(), resamples=500)  # type: ignore[arg-type]
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert metrics.n == metrics.tasks == 2000
    assert peak < 32_000_000


def told(*names: str) -> Turn:
    return Turn(role=Role.TEACHER, text="So be it.", reveals=names)


WHO = Fact(name="who", statement="Ann comes with 3 friends.", keywords=("friends", "comes"))
QUESTION, GUESS, VAGUE = student_turn("q"), student_turn("1"), student_turn("v")


@pytest.mark.parametrize(
    ("form", "turns", "faults"),
    [
        ("underspecified", (QUESTION, told("price"), GUESS, told()), 0),
        ("underspecified", (QUESTION, told()), 1),
        ("underspecified", (GUESS, told("price")), 1),
        ("underspecified", (VAGUE, told("who")), 1),
        ("underspecified", (QUESTION, told("who")), 1),
        ("underspecified", (QUESTION, told("price", "who")), 1),
        ("underspecified", (VAGUE, told(), GUESS, told()), 0),
        ("sharded", (GUESS, told("who"), VAGUE, told("price"), GUESS, told()), 0),
        ("sharded", (GUESS, told(), VAGUE, told("price")), 1),
        ("sharded", (GUESS, told("price", "who")), 1),
    ],
)
def test_what_a_simulated_person_must_not_do(form: str, turns: tuple[Turn, ...], faults: int) -> None:
    of = task("a", form=form, facts=(PRICE, WHO))
    opening = Turn(role=Role.TEACHER, text=of.prompt)
    found = compute([trace("1", of).model_copy(update={"turns": (opening, *turns)})]).simulator_faults
    replies = sum(turn.role is Role.TEACHER for turn in turns)
    assert found.value == pytest.approx(faults / replies)


def test_nobody_is_simulated_where_nothing_is_missing() -> None:
    assert compute(many("11", form="full")).simulator_faults.n == 0


def test_what_models_cost_is_known_where_they_tell() -> None:
    usage = Usage(prompt_tokens=30, completion_tokens=12)
    paid = trace("11", task("a"))
    calls = {Role.STUDENT: Call(usage=usage), Role.TEACHER: None}
    turns = tuple(turn.model_copy(update={"call": calls[turn.role]}) for turn in paid.turns)
    metrics = compute([paid.model_copy(update={"turns": turns}), trace("111", task("b"))])
    assert (metrics.student_calls.value, metrics.student_tokens.value, metrics.student_calls.n) == (2.0, 84.0, 1)
    assert metrics.teacher_tokens.value is None


@pytest.mark.parametrize(
    ("scores", "aptitude", "unreliability"),
    [
        ("rr", 1.0, 0.0),
        ("11", 0.0, 0.0),
        ("r1", 0.9, 0.8),
        ("r111111111", 0.1, 0.1),
        ("rr11111111", 1.0, 1.0),
        ("rrrrrrrrr1", 1.0, 0.1),
    ],
)
def test_a_good_day_and_a_bad_one_are_percentiles(scores: str, aptitude: float, unreliability: float) -> None:
    found = compute([trace(letter, task("a"), sample=k, max_turns=1) for k, letter in enumerate(scores)])
    zeros = [float(letter == "r") for letter in scores]
    high, low = np.percentile(zeros, 90), np.percentile(zeros, 10)
    assert found.aptitude.value == pytest.approx(aptitude) == pytest.approx(high)
    assert found.unreliability.value == pytest.approx(unreliability) == pytest.approx(high - low)
    assert (found.aptitude.n, found.averaged_performance.value) == (1, pytest.approx(np.mean(zeros)))


def test_forms_of_a_problem_are_no_samples_of_one_task() -> None:
    pair = [trace("r", task("a", pair="p")), trace("1", task("b", form="full", pair="p"))]
    assert compute(pair).aptitude.value is None


def test_where_nobody_knows_the_answer_nothing_is_scored() -> None:
    open_task = task("a", verifier="none")
    found = compute([trace("qq", open_task), trace("dd", open_task, sample=1)])
    assert found.success_at["4"].value is None and found.unscored == 2
