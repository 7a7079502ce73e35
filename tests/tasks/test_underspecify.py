"""Static word problems made underspecified and sharded by rule."""

from __future__ import annotations

import json
import random
from collections import Counter

import pytest

from sml_agents.tasks.static.givens import (
    additive_numbers,
    follows_from,
    given_numbers,
    is_needed,
    numbers_in,
)
from sml_agents.tasks.static.surgery import indirect_question
from sml_agents.tasks.static.underspecify import STYLES, Refusal, Sharded, Underspecified, shard, underspecify
from sml_agents.text.questions import asked_facts
from sml_agents.text.sentences import sentences
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
        solution=solution,
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
    prompt = "Ada has some boxes. She fills 4 boxes. A box holds 6 eggs. How many eggs does she have?"
    vague = take(prompt, "24", "<<4*6=24>>", "vague", 1)
    dropped = take(prompt, "24", "<<4*6=24>>", "drop", 1)
    assert isinstance(vague, Underspecified) and "some" in vague.prompt.split("boxes.", 1)[1]
    assert isinstance(dropped, Underspecified) and len(numbers_in(dropped.prompt)) == 1


def test_the_question_is_about_what_was_taken() -> None:
    made = take(WENG, "10", WENG_SOLUTION, "sentence", 0)
    assert isinstance(made, Underspecified)
    assert made.fact.question in (
        "Could you tell me how much Weng earns an hour for babysitting?",
        "Could you tell me how many minutes of babysitting Weng did?",
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
    prompt = "Ada buys 4 boxes. A box holds 6 eggs. She eats 3 eggs. She has 21 hens. How many eggs does she have left?"
    made = take(prompt, "21", "<<4*6=24>><<24-3=21>>", "drop")
    assert made == Refusal("the answer stands in the problem")


@pytest.mark.parametrize(
    ("prompt", "answer", "solution"),
    [
        # times zero, cancelled, or in a step on which nothing rests
        ("Ada buys 4 pens. She buys 3 more. She throws the 3 away. How many pens has Ada?", "4", "<<4+0=4>>"),
        ("Bo has 5 coins. He has 0 hats. Each hat holds 9 coins. How many coins has Bo?", "5", "<<9*0=0>><<5+0=5>>"),
        ("Cy has 8 cats. Cy pays 2 men. How many cats does Cy have?", "8", "<<2*1=2>><<8*1=8>>"),
        # what follows from the rest of the problem
        ("We are 20 children. There are 12 girls. There are 8 boys. How many shoes have the boys?", "16", "<<8*2=16>>"),
        ("A week has 7 days. Dot runs 3 miles each day of the week. How far does Dot run?", "21", "<<3*7=21>>"),
        ("Eve works 60 minutes. She works an hour. She packs 5 bags a minute. How many bags?", "300", "<<60*5=300>>"),
        ("Fay buys 12 eggs. A dozen eggs are heavy. An egg costs 3 dollars. What does Fay pay?", "36", "<<12*3=36>>"),
    ],
)  # fmt: skip
def test_a_removal_that_leaves_a_complete_problem_is_refused(prompt: str, answer: str, solution: str) -> None:
    for seed in range(6):
        for style in STYLES:
            made = take(prompt, answer, solution, style, seed)
            if isinstance(made, Underspecified):
                assert is_needed(lost_number(made), solution) and not follows_from(lost_number(made), made.prompt), made


def lost_number(made: Underspecified) -> str:
    lost = Counter(value for _, _, value in numbers_in(made.full_prompt))
    lost.subtract(value for _, _, value in numbers_in(made.prompt))
    return next(value for value, n in lost.items() if n > 0)


@pytest.mark.parametrize(
    ("value", "solution", "needed"),
    [
        ("3", "<<4*3=12>>", True),
        ("9", "<<9*0=0>><<5+0=5>>", False),
        ("5", "<<9*0=0>><<5+0=5>>", True),
        ("2", "<<2*3=6>><<8-1=7>>", False),
        ("2", "<<2*3=6>><<8-6=2>>", True),
        ("20", "<<20/100*50=10>><<50-10=40>>", True),
        ("7", "no annotations: 7 - 7 = 0", True),
    ],
)
def test_a_number_is_needed_if_the_answer_changes_with_it(value: str, solution: str, needed: bool) -> None:
    assert is_needed(value, solution) is needed


@pytest.mark.parametrize(
    ("value", "rest", "follows"),
    [
        ("8", "A class has 20 children and 12 girls.", True),
        ("8", "A class has 20 children and 11 girls.", False),
        ("6", "Two hats cost 3 dollars each.", True),
        ("7", "She runs every day of the week.", True),
        ("7", "She runs along the river.", False),
        ("60", "He works for 3 hours.", True),
        ("2", "Tim has twice as many.", True),
        ("12", "She buys a dozen eggs.", True),
    ],
)
def test_what_follows_from_the_rest(value: str, rest: str, follows: bool) -> None:
    assert follows_from(value, rest) is follows


@pytest.mark.parametrize(
    ("sentence", "number", "question"),
    [
        ("Yesterday, Weng did 50 minutes of babysitting.", "50", "how many minutes of babysitting Weng did"),
        ("Tom buys a heating pad for $30.", "$30", "how much Tom buys a heating pad for"),
        ("At lunchtime, Carla had 8 apples.", "8", "how many apples Carla had"),
        ("She pays 18% of this amount.", "18%", "what percent she pays of this amount"),
        # garbled: refused
        ("He buys 60 packs of baseball cards.", "60", ""),
        ("The gazelle can run for speeds of up to 40 miles per hour.", "40", ""),
        ("The second box contains cards that cost $1.75 each.", "$1.75", ""),
        ("He walked 1 less than two miles to the store.", "1", ""),
        ("A club with 30 members ordered juice.", "30", ""),
        ("She fills 4 boxes with 6 eggs each.", "6", ""),
    ],
)
def test_questions_read_or_are_refused(sentence: str, number: str, question: str) -> None:
    start = sentence.index(number)
    asked = indirect_question(sentence, start, start + len(number))
    assert asked == (f"Could you tell me {question}?" if question else "")


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
            row["question"],
            answer,
            given,
            random.Random(index),
            additive=additive_numbers(row["answer"]),
            solution=row["answer"],
        )
        counts[made.style if isinstance(made, Underspecified) else "refused"] += 1
        if isinstance(made, Refusal):
            continue
        lost = Counter(value for _, _, value in numbers_in(made.full_prompt))
        lost.subtract(value for _, _, value in numbers_in(made.prompt))
        assert any(value in given for value, n in lost.items() if n > 0), made
        assert "?" in made.prompt and made.fact.question.endswith("?") and made.fact.statement.endswith(".")
        assert made.fact.keywords
    assert counts["refused"] < 600
    assert all(counts[style] > 3 for style in STYLES)
