"""The bag of words finds what words tell, and finds nothing where they tell nothing."""

from __future__ import annotations

import random

import pytest

from sml_agents.errors import InputError
from sml_agents.evaluation.bag import BagOfWords
from sml_agents.evaluation.surface import auc

WORDS = ["lamp", "river", "seven", "quiet", "under", "north", "paper", "green", "table", "moves"]


def texts(count: int, seed: int) -> list[str]:
    rng = random.Random(seed)
    return [" ".join(rng.choices(WORDS, k=8)) for _ in range(count)]


@pytest.mark.parametrize(
    "lacks",
    [
        lambda text: "lamp" in text,
        lambda text: "river north" in text or "north river" in text,
        lambda text: text.split().count("green") == 0,
    ],
    ids=["a word", "a pair of words", "the lack of a word"],
)
def test_what_words_tell_is_found(lacks: object) -> None:
    train, other = texts(400, 0), texts(200, 1)
    missing = [bool(lacks(text)) for text in train]  # type: ignore[operator]
    bag = BagOfWords.fit(train, missing)
    reached = auc(bag.scores(other), [bool(lacks(text)) for text in other])  # type: ignore[operator]
    assert reached is not None and reached > 0.95


def test_where_words_tell_nothing_it_is_at_chance() -> None:
    train, other = texts(400, 0), texts(400, 1)
    coin = random.Random(2)
    bag = BagOfWords.fit(train, [coin.random() < 0.5 for _ in train])
    reached = auc(bag.scores(other), [coin.random() < 0.5 for _ in other])
    assert reached is not None and 0.4 < reached < 0.6


def test_it_asks_from_the_score_of_a_text_that_tells_nothing() -> None:
    train = texts(200, 0)
    bag = BagOfWords.fit(train, ["lamp" in text for text in train])
    assert bag.scores(["quite unknown"])[0] == pytest.approx(bag.threshold)
    assert bag.asks("lamp lamp lamp") and not bag.asks("river river river")


@pytest.mark.parametrize("missing", [[True, True], [False, False]])
def test_one_kind_alone_cannot_be_told_from_another(missing: list[bool]) -> None:
    with pytest.raises(InputError):
        BagOfWords.fit(["a", "b"], missing)
