"""Static word problems made underspecified and sharded by rule."""

from __future__ import annotations

import json
import random
from collections import Counter

import pytest

from sml_agents.tasks.static.givens import additive_numbers, given_numbers, numbers_in, sentences
from sml_agents.tasks.static.underspecify import STYLES, Refusal, Sharded, Underspecified, shard, underspecify
from sml_agents.text.questions import asked_facts
from tests.datasets import DATA

WENG = "Weng earns $12 an hour for babysitting. Yesterday, Weng did 50 minutes of babysitting. How much did Weng earn?"
WENG_SOLUTION = "12/60 = <<12/60=0.2>>0.2 per minute. 0.2 x 50 = <<0.2*50=10>>10.\n#### 10"


def take(prompt: str, answer: str, solution: str, style: str, seed: int = 0) -> Underspecified | Refusal:
    return underspecify(
        prompt,
        answer,
        given_numbers(solution),
        random.Random(seed),
        additive=additive_numbers(solution),
        styles=(style,),
    )


def test_given_numbers_are_operands_that_no_step_computed() -> None:
    assert given_numbers(WENG_SOLUTION) == ("12", "60", "50")
    assert given_numbers("4 * 3 = 12. 12 + 5 = 17. The answer is 17.") == ("4", "3", "5")
    assert additive_numbers("<<4*3=12>> <<12+5=17>>") == {"12", "5"}


def test_sentences_keep_abbreviations_and_decimals_together() -> None:
    text = "Mr. Li has 2.5 kg of rice. He eats 1 kg. How much is left?"
    assert sentences(text) == ["Mr. Li has 2.5 kg of rice.", "He eats 1 kg.", "How much is left?"]


def test_a_sentence_is_taken_out_and_kept_as_the_fact() -> None:
    made = [take(WENG, "10", WENG_SOLUTION, "sentence", seed) for seed in range(8)]
    kept = {m.fact.statement: m for m in made if isinstance(m, Underspecified)}
    assert set(kept) <= {
        "Weng earns $12 an hour for babysitting.",
        "Yesterday, Weng did 50 minutes of babysitting.",
    }
    for m in kept.values():
        assert m.fact.statement not in m.prompt and m.prompt.endswith("How much did Weng earn?")
        assert m.full_prompt == WENG
        assert asked_facts(m.fact.question, [m.fact]) == (m.fact,)


def test_a_number_is_made_vague_or_dropped() -> None:
    prompt = "Ada has some boxes. She fills 4 boxes with 6 eggs each. How many eggs does she have?"
    vague = take(prompt, "24", "<<4*6=24>>", "vague", 1)
    dropped = take(prompt, "24", "<<4*6=24>>", "drop", 1)
    assert isinstance(vague, Underspecified) and "some" in vague.prompt.split("fills")[1]
    assert isinstance(dropped, Underspecified) and len(numbers_in(dropped.prompt)) == 1


def test_the_question_is_about_what_was_taken() -> None:
    made = take(WENG, "10", WENG_SOLUTION, "sentence", 0)
    assert isinstance(made, Underspecified)
    assert made.fact.question in (
        "Could you tell me how much Weng earns an hour for babysitting?",
        "Could you tell me how many minutes Yesterday, Weng did of babysitting?",
        "Could you tell me how many minutes Weng did of babysitting?",
    )


@pytest.mark.parametrize(
    ("prompt", "answer", "solution", "reason"),
    [
        ("How much is 3 plus 4?", "7", "<<3+4=7>>", "one sentence only"),
        ("Ada has 3 pens. Bo has 4 pens.", "7", "<<3+4=7>>", "no question found"),
        ("Ada has 3 pens. How many pens?", "3", "", "no worked solution to tell which facts are needed"),
        # only added and never spoken of again: nobody could notice that it is gone
        (
            "Cindy throws 5 dimes. Ivy then drops 60 pennies. How much is in the pond?",
            "65",
            "<<5+60=65>>",
            "no needed fact can be taken out safely",
        ),
        # the number stands twice: taking one out hides nothing
        (
            "Ada has 3 boxes. Each of the 3 boxes holds 3 eggs. How many eggs are in the boxes?",
            "9",
            "<<3*3=9>>",
            "no needed fact can be taken out safely",
        ),
    ],
)
def test_what_cannot_be_done_safely_is_refused(prompt: str, answer: str, solution: str, reason: str) -> None:
    made = take(prompt, answer, solution, "sentence")
    assert made == Refusal(reason)


def test_a_first_sentence_that_a_pronoun_leans_on_stays() -> None:
    prompt = "Ada plants 4 trees. She waters each for 3 minutes. How many minutes does she water?"
    for seed in range(6):
        made = take(prompt, "12", "<<4*3=12>>", "sentence", seed)
        assert isinstance(made, Refusal) or made.prompt.startswith("Ada")


def test_the_answer_standing_in_the_problem_is_refused() -> None:
    prompt = "Ada has 4 boxes with 6 eggs. She had 24 eggs before. How many eggs are in the boxes?"
    assert take(prompt, "24", "<<4*6=24>>", "drop") == Refusal("the answer stands in the problem")


def test_sharding_keeps_the_question_and_deals_out_the_rest_in_order() -> None:
    made = shard(WENG, "10", given_numbers(WENG_SOLUTION))
    assert isinstance(made, Sharded)
    assert made.prompt == "How much did Weng earn?"
    assert [fact.statement for fact in made.facts] == sentences(WENG)[:2]


@pytest.mark.skipif(not (DATA / "gsm8k_train.jsonl").exists(), reason="GSM8K is not here: set SML_AGENTS_DATA")
def test_real_problems_keep_their_question_and_lose_a_number_that_is_needed() -> None:
    rows = [json.loads(line) for line in (DATA / "gsm8k_train.jsonl").read_text().splitlines()[:800]]
    counts: Counter[str] = Counter()
    for index, row in enumerate(rows):
        answer, given = row["answer"].split("####")[1].strip(), given_numbers(row["answer"])
        made = underspecify(
            row["question"], answer, given, random.Random(index), additive=additive_numbers(row["answer"])
        )
        counts[made.style if isinstance(made, Underspecified) else "refused"] += 1
        if isinstance(made, Refusal):
            continue
        lost = Counter(value for _, _, value in numbers_in(made.full_prompt))
        lost.subtract(value for _, _, value in numbers_in(made.prompt))
        assert any(value in given for value, n in lost.items() if n > 0), made
        assert "?" in made.prompt and made.fact.question.endswith("?") and made.fact.statement.endswith(".")
        assert made.fact.keywords
    assert counts["refused"] < 240
    assert all(counts[style] > 10 for style in STYLES)
