"""The generator families: every problem is solved again, from its facts alone, by other code than made it."""

from __future__ import annotations

import random
import re
import subprocess
import sys
from collections import Counter
from fractions import Fraction
from itertools import combinations, islice

import pytest

from sml_agents.errors import TaskSpecError
from sml_agents.roles.inventory import _numbers
from sml_agents.tasks import load_tasks
from sml_agents.tasks.generated.arithmetic import ARITHMETIC
from sml_agents.tasks.generated.lists import LISTS
from sml_agents.tasks.generated.plan import hiding_styles
from sml_agents.tasks.generated.problems import Family, Problem
from sml_agents.tasks.generated.program import Unfit
from sml_agents.tasks.generated.schemas import Schema, load_bank
from sml_agents.tasks.generated.standins import fitting_asides
from sml_agents.text.numbers import in_words
from sml_agents.text.questions import asked_facts
from sml_agents.types import Form
from sml_agents.verifiers import get_verifier

FAMILIES = [ARITHMETIC, LISTS]
SPLITS = ["train", "dev", "heldout"]


def problems(family: Family, split: str, rounds: int = 8) -> list[tuple[Problem, random.Random]]:
    schemas = len(load_bank(family.name, split).schemas)
    count = max(schemas, rounds * min(schemas, 40))
    return list(islice(family.problems(splits=(split,), seed=5), count))


def numbers_told(statement: str) -> list[int]:
    """The numbers in a statement, `twice` being 2."""
    return [int(word) for word in re.findall(r"\d+", statement.replace("twice", "2 times"))]


def other_values(problem: Problem, name: str, family: Family) -> list[dict[str, int | str]]:
    """The problem's values with another one drawn for `name`."""
    rng = random.Random(name)
    bank = load_bank(family.name, problem.schema.split)
    drawn = (family.draw_value(problem.schema.facts[name], bank, rng) for _ in range(60))
    return [{**problem.values, name: value} for value in drawn if value != problem.values[name]]


def exact_answer(problem: Problem, values: dict[str, int | str]) -> object:
    """The answer for other values, fractions allowed; None where an operation on lists makes no sense."""
    if problem.schema in load_bank("arithmetic", problem.schema.split).schemas:
        fractions = {name: Fraction(value) for name, value in values.items()}
        return eval(problem.schema.answer, {"__builtins__": {}}, fractions)
    try:
        return problem.program.run(values).answer
    except Unfit:
        return None


def phrases(schema: Schema) -> set[str]:
    """Every sentence template of a schema, whatever its slots are called."""
    found = {*schema.scene, *schema.given, *schema.question, *schema.lead, *schema.noise}
    for fact in schema.facts.values():
        found |= {*fact.say, *fact.vague, *fact.ask, fact.tail}
    return {re.sub(r"\{[^n][^{}]*\}", "{}", phrase) for phrase in found} - {""}


@pytest.mark.parametrize("split", SPLITS)
def test_arithmetic_answers_follow_from_the_statements(split: str) -> None:
    for problem, _ in problems(ARITHMETIC, split):
        task = ARITHMETIC.task(problem, Form.SHARDED)
        told = {fact.name: numbers_told(fact.statement) for fact in task.private.facts}
        value = eval(problem.schema.answer, {"__builtins__": {}}, {name: found[0] for name, found in told.items()})
        assert value == int(task.private.answer), (task.template, told)
        assert all(len(found) == 1 for found in told.values()), task.private.facts


@pytest.mark.parametrize("split", SPLITS)
def test_solutions_are_true_equations_that_end_in_the_answer(split: str) -> None:
    for problem, _ in problems(ARITHMETIC, split, rounds=3):
        *steps, last = problem.result.solution.rstrip(".").split(". ")
        assert last == f"The answer is {problem.result.answer}"
        assert 1 <= len(steps) <= 5
        for step in steps:
            left, right = step.split(" = ")
            assert eval(left) == int(right), step
        assert steps[-1].endswith(f"= {problem.result.answer}")


@pytest.mark.parametrize("split", SPLITS)
@pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.name)
def test_the_answer_needs_every_fact(family: Family, split: str) -> None:
    for problem, _ in problems(family, split, rounds=1):
        for name in problem.facts:
            answer = exact_answer(problem, dict(problem.values))
            others = {exact_answer(problem, values) for values in other_values(problem, name, family)}
            assert others - {answer, None}, f"{problem.schema.id}: {name} never changes the answer"


@pytest.mark.parametrize("split", SPLITS)
@pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.name)
def test_the_prompt_lacks_the_missing_fact_and_nothing_else(family: Family, split: str) -> None:
    ordinals = ["zeroth", "first", "second", "third", "fourth"]

    def tells(prompt: str, value: int | str) -> bool:
        spellings = {str(value), re.sub(r"\d+", lambda found: in_words(int(found.group())), str(value))}
        if isinstance(value, int):
            spellings |= {"twice"} if value == 2 else set()
            spellings |= {ordinals[value]} if value < 5 else set()
        alone = r"(?<![\w-])(?<!hundred and ){}(?![\w-]| hundred)"
        return any(re.search(alone.format(re.escape(word)), prompt, re.IGNORECASE) for word in spellings)

    for problem, _ in problems(family, split):
        exchange = problem.plan.exchange
        missing, stand_in = problem.values[problem.missing], problem.values[exchange.stand_in]
        full = family.task(problem, Form.FULL).prompt
        cut = family.task(problem, Form.UNDERSPECIFIED)
        for name in problem.facts:
            assert tells(full, problem.values[name]), (problem.schema.id, name, full)
            if name != problem.missing:
                assert tells(cut.prompt, problem.values[name]), (problem.schema.id, name, cut.prompt)
        assert tells(cut.prompt, stand_in), (problem.schema.id, exchange, cut.prompt)
        fixed = " ".join(
            [*problem.schema.given, *problem.schema.scene, *problem.schema.question, *problem.schema.noise]
        )
        told = (fixed, *problem.plan.vary.values())
        if not any(tells(text, missing) for text in told) and missing not in (1, 2):
            assert not tells(cut.prompt, missing), (problem.schema.id, problem.missing, cut.prompt)
        if not any(tells(text, stand_in) for text in told) and stand_in not in (1, 2):
            assert not tells(full, stand_in), (problem.schema.id, exchange, full)
        assert [fact.name for fact in cut.private.facts] == [problem.missing]
        assert cut.prompt != full
        assert cut.pair == family.task(problem, Form.FULL).pair


@pytest.mark.parametrize("split", SPLITS)
@pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.name)
def test_prompts_are_clean_english(family: Family, split: str) -> None:
    for problem, _ in problems(family, split, rounds=25):
        for form in Form:
            prompt = family.task(problem, form).prompt
            assert not re.search(r"[{}]|\s\s|\s[.,?!]|\.\.|,\.|\bNone\b", prompt), prompt
            assert prompt[0].isupper() or prompt[0].isdigit()
            assert all(part[0].isupper() or part[0].isdigit() for part in re.split(r"(?<=[.?!]) ", prompt)), prompt
            assert not re.search(r"\b(for|from|of|with|to|by|than|takes?) (he|she)\b", prompt), prompt
            assert not re.search(r"\b(\w\w+) \1\b", prompt), prompt
            assert not re.search(r"\b(is|are|by|at|than)[.?]", prompt), prompt


@pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.name)
def test_splits_share_no_template(family: Family) -> None:
    for one, other in combinations((load_bank(family.name, split) for split in SPLITS), 2):
        assert not {schema.setting for schema in one.schemas} & {schema.setting for schema in other.schemas}
        shared = set.union(*map(phrases, one.schemas)) & set.union(*map(phrases, other.schemas))
        assert len(shared) <= (0 if "heldout" in (one.split, other.split) else 10), shared
        assert not {say for aside in one.asides for say in (*aside.say, *aside.vague)} & {
            say for aside in other.asides for say in (*aside.say, *aside.vague)
        }
        for kind in ("people", "vague", "vague_money", "words"):
            assert not set(getattr(one, kind)) & set(getattr(other, kind))


def test_the_bank_is_large_and_varied() -> None:
    train, _, heldout = (load_bank("arithmetic", split).schemas for split in SPLITS)
    assert len(train) + len(heldout) >= 80 and len({schema.setting for schema in (*train, *heldout)}) >= 20
    for schema in (*train, *heldout):
        assert len(schema.question) >= 2, schema.id
        needed = ARITHMETIC.compile(schema.answer).names
        assert len(needed) >= 2 and set(needed) <= set(schema.facts), schema.id
        for name in needed:
            fact = schema.facts[name]
            assert len(fact.say) >= 2 and fact.ask and hiding_styles(fact), (schema.id, name)


def test_few_steps_dominate_and_answers_stay_small() -> None:
    tasks = load_tasks("arithmetic?split=all&n=890")
    steps = Counter(task.meta["steps"] for task in tasks)
    assert (steps[1] + steps[2]) / len(tasks) > 0.7
    assert sum(int(task.private.answer) < 200 for task in tasks) / len(tasks) > 0.93


@pytest.mark.parametrize("split", SPLITS)
def test_limits_keep_to_easy_problems_of_several_schemas(split: str) -> None:
    tasks = load_tasks(f"arithmetic?form=full&split={split}&steps=1&largest=20&n=65")
    for task in tasks:
        numbers = [int(number) for number in re.findall(r"\d+", f"{task.prompt} {task.private.solution}")]
        assert task.meta["steps"] == 1 and max(numbers) <= 20, task
    signs = {sign for task in tasks for sign in "+-*/" if f" {sign} " in task.private.solution}
    templates = {task.template for task in tasks}
    assert signs == set("+-*/") and len(templates) >= (50 if split == "train" else 12)


def test_limits_that_leave_nothing_are_refused() -> None:
    with pytest.raises(TaskSpecError, match=r"No problem of arithmetic has largest=2: allow more steps or larger"):
        load_tasks("arithmetic?largest=2")
    with pytest.raises(TaskSpecError, match=r"steps='0' in a task spec must be a whole number of at least 1"):
        load_tasks("arithmetic?steps=0")
    with pytest.raises(TaskSpecError, match=r"n='9{40}' in a task spec is too large"):
        load_tasks(f"arithmetic?n={'9' * 400}")


def test_facts_are_kept_back_in_every_style() -> None:
    tasks = load_tasks("arithmetic?form=paired&n=320")
    styles = Counter(task.meta["hidden"] for task in tasks if task.form is Form.UNDERSPECIFIED)
    assert set(styles) == {"omit", "reword", "vague", "drop"} and min(styles.values()) > 30


def test_a_stand_in_shares_no_name_with_a_fact_of_the_problem() -> None:
    """Else the words of the one would be told with the number of the other."""
    shared = 0
    for split in SPLITS:
        bank = load_bank("arithmetic", split)
        for schema in bank.schemas:
            asides = {aside.name for kind in ("number", "money") for aside in fitting_asides(schema, bank, kind)}
            assert not asides & set(schema.facts), schema.id
            shared += bool({aside.name for aside in bank.asides} & set(schema.facts))
    assert shared >= 5


@pytest.mark.parametrize("split", SPLITS)
@pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.name)
def test_the_two_forms_differ_by_two_clauses_and_keep_their_counts(family: Family, split: str) -> None:
    """What was taken out and what stands in: as many sentences and numbers, and the same text everywhere else."""

    differences: Counter[int] = Counter()
    for problem, _ in problems(family, split, rounds=6):
        full, cut = problem.prompt(Form.FULL), problem.prompt(Form.UNDERSPECIFIED)
        ends = [len(re.findall(r"[.?!](?: |$)", prompt)) for prompt in (full, cut)]
        assert ends[0] == ends[1], (full, cut)
        exchange = problem.plan.exchange
        told = {"omit": 1, "reword": 2, "vague": 2, "drop": 2}[exchange.style]
        one, other = (re.split(r"(?<=[.?!]) ", prompt) for prompt in (full, cut))
        changed = sum(left.split() != right.split() for left, right in zip(one, other, strict=True))
        assert told <= changed, (full, cut)
        differences[changed - told] += 1
        if all(isinstance(problem.values[name], int) for name in (problem.missing, exchange.stand_in)):
            differences["numbers", len(_numbers(full)) == len(_numbers(cut))] += 1  # type: ignore[index]
    assert differences["numbers", True] > 4 * differences["numbers", False]  # type: ignore[index]
    assert differences[0] > 3 * (differences[1] + differences[2] + differences[3]), differences


@pytest.mark.parametrize("spec", ["arithmetic?split=heldout&steps=1&largest=20", "arithmetic?", "lists?split=heldout"])
def test_numbers_are_spelled_in_three_eighths_of_the_problems(spec: str) -> None:
    tasks = load_tasks(f"{spec}&form=full&n=240".replace("?&", "?"))
    share = sum(task.meta["numbers"] == "words" for task in tasks) / len(tasks)
    assert 0.35 <= share <= 0.40


def test_numbers_are_spelled_as_people_write_them() -> None:
    told = {0: "zero", 13: "thirteen", 20: "twenty", 42: "forty-two", 100: "one hundred", 105: "one hundred and five"}
    told |= {999: "nine hundred and ninety-nine", 1000: "one thousand", 1001: "one thousand and one"}
    told |= {2350: "two thousand three hundred and fifty", 40_000: "forty thousand"}
    assert {value: in_words(value) for value in told} == told


@pytest.mark.parametrize("split", SPLITS)
@pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.name)
def test_a_facts_question_names_it_before_any_other(family: Family, split: str) -> None:
    asked = named = 0
    for problem, _ in problems(family, split, rounds=4):
        for name, fact in problem.facts.items():
            found = asked_facts(fact.question, list(problem.facts.values()))
            assert name in [other.name for other in found], (problem.schema.id, fact)
            asked += 1
            named += found[0].name == name
    assert named / asked > 0.97


@pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.name)
async def test_the_verifier_takes_the_solution_and_no_wrong_answer(family: Family) -> None:
    for problem, _ in problems(family, "train", rounds=1):
        task = family.task(problem, Form.FULL)
        verifier = get_verifier(task.verifier)
        right = await verifier.verify(task, task.private.solution)
        assert right.correct is True, task
        wrong = await verifier.verify(task, "The answer is 987654321.")
        assert wrong.correct is False, task


def test_the_same_spec_gives_the_same_tasks_in_another_process() -> None:
    script = (
        "from sml_agents.tasks import load_tasks\n"
        "for spec in ('arithmetic?form=mixed&n=40&seed=3&split=all', 'lists?form=paired&n=20&split=all'):\n"
        "    print([task.id for task in load_tasks(spec)])"
    )
    runs = {
        subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout
        for _ in range(2)
    }
    assert len(runs) == 1


@pytest.mark.parametrize("family", ["arithmetic", "lists"])
def test_offset_passes_over_problems_and_ids_are_unique(family: str) -> None:
    whole = load_tasks(f"{family}?n=60&form=paired&split=all&seed=2")
    later = load_tasks(f"{family}?n=20&form=paired&split=all&seed=2&offset=40")
    assert [task.id for task in whole[80:]] == [task.id for task in later]
    assert len({task.id for task in whole}) == 120
    assert {task.id for task in whole}.isdisjoint(
        task.id for task in load_tasks(f"{family}?n=60&form=paired&split=all&seed=4")
    )


def test_sharded_prompts_hold_no_fact_and_deal_out_all_of_them() -> None:
    for family in FAMILIES:
        for problem, _ in problems(family, "train", rounds=2):
            task = family.task(problem, Form.SHARDED)
            assert "?" in task.prompt or "." in task.prompt
            assert [fact.name for fact in task.private.facts] == list(problem.facts)
            assert len(task.private.facts) >= 2
            for fact in task.private.facts:
                assert fact.statement not in task.prompt
                assert fact.statement.endswith(".") and fact.question.endswith("?")
                assert not re.match(r"(He|She|They|His|Her)\b", fact.statement) or "They" in fact.statement


def test_private_knowledge_is_only_what_the_prompt_lacks() -> None:
    for task in load_tasks("arithmetic?form=paired&n=100"):
        assert bool(task.private.facts) is (task.form is Form.UNDERSPECIFIED)
