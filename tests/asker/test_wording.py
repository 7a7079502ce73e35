"""Requests in other words say what they are meant to say, and no more."""

from __future__ import annotations

import random

from sml_agents.asker.pairs import Complete, composed_pair, row_of
from sml_agents.asker.prompt import Argument, ToolView
from sml_agents.asker.wording import composed, in_tone, spelled

TABLE = ToolView(
    "reserveTable",
    "Reserves a table. Needs a phone.",
    (Argument("restaurant_name"), Argument("guests", "Number of guests", "integer"), Argument("cost", sort="integer")),
)
VALUES = {"restaurant_name": "Chez Nous", "guests": "2", "cost": "25000"}


def test_a_composed_request_tells_the_values_that_it_is_given_and_no_others() -> None:
    implied = spelt = 0
    for seed in range(150):
        rng = random.Random(seed)
        told = {name: value for name, value in VALUES.items() if rng.random() < 0.6}
        text, said = composed(TABLE, told, rng)
        assert list(said) != [] or not told
        assert set(said) == set(told)
        assert all(
            words.rstrip(".") in text or words.capitalize() in text or words[1:] in text for words in said.values()
        )
        assert "restaurant_name" in told or "Chez Nous" not in text
        assert "cost" in told or not ("25000" in text or "25,000" in text)
        implied += said.get("guests", "2") not in ("2", "two")
        spelt += said.get("guests") == "two"
    assert implied > 10 and spelt > 5


def test_both_sides_of_a_composed_pair_are_about_the_same_arguments() -> None:
    for seed in range(80):
        whole, lacking, *_ = composed_pair(TABLE, VALUES, random.Random(seed))
        assert not whole.missing and lacking.missing
        assert list(whole.values) == list(lacking.values) == list(VALUES)


def test_a_tone_keeps_the_values() -> None:
    text = "Can you book a table at The Old Inn for me, please?"
    found = {in_tone(text, ["The Old Inn"], random.Random(seed)) for seed in range(60)}
    assert text in found and text.lower() in found and text.rstrip("?") in found
    assert len(found) == 3, "a telegram would lose the article of the name"
    telegrams = {
        in_tone("Can you book a table at Luigi's for me, please?", ["Luigi's"], random.Random(k)) for k in range(60)
    }
    assert "book table at Luigi's for" in telegrams or any(len(one) < 28 for one in telegrams)


def test_only_small_numbers_are_spelled_and_years_stay() -> None:
    def forms(value: str) -> set[str]:
        return {spelled(value, random.Random(seed)) for seed in range(40)}

    assert forms("12") == {"12", "twelve"}
    assert forms("25000") == {"25000", "25,000"}
    assert forms("1999") == {"1999"}
    assert forms("0123") == {"0123"}
    assert forms("A12") == {"A12"}


def test_a_call_drafts_the_value_in_its_own_form() -> None:
    request = Complete(TABLE, "Chez Nous, 12 guests, 25000 in all", {**VALUES, "guests": "12"})
    drafted = set()
    for seed in range(200):
        row = row_of(request, [request], random.Random(seed))
        assert row is not None
        for example in row.examples:
            if example.values.get("guests") in ("twelve", "Twelve") and "guests" in example.drafts:
                drafted.add(example.drafts["guests"])
    assert ("12", True) in drafted
