"""The guard on sentences of authors who did not know it: no worse than what docs/clarify.md says."""

from __future__ import annotations

from benchmarks.guard_sentences import measure


def test_the_guard_lets_through_and_asks_no_more_than_is_published() -> None:
    found = measure()
    told = {name: one for name, one in found.items() if name.endswith(("asks needlessly", "let through"))}
    wrong = {name: round(one["value"] * one["n"]) for name, one in told.items()}
    assert {name: one["n"] for name, one in told.items()} == {
        "set 1, asks needlessly": 70,
        "set 1, let through": 70,
        "set 2, asks needlessly": 60,
        "set 2, let through": 60,
        "set 3, asks needlessly": 65,
        "set 3, let through": 65,
        "sets 1 to 3, asks needlessly": 195,
        "sets 1 to 3, let through": 195,
    }
    assert wrong["set 1, let through"] == 0 and wrong["set 1, asks needlessly"] <= 3
    assert wrong["set 2, let through"] == 0 and wrong["set 2, asks needlessly"] <= 4
    assert wrong["set 3, let through"] <= 3 and wrong["set 3, asks needlessly"] <= 16
    assert wrong["sets 1 to 3, let through"] <= 3 and wrong["sets 1 to 3, asks needlessly"] <= 23


def test_choices_told_by_another_word_are_no_door_for_words_that_only_sound_like_them() -> None:
    found = measure(sets=(5, 6))
    wrong = {name: round(one["value"] * one["n"]) for name, one in found.items()}
    assert found["set 5, let through"]["n"] == found["set 5, asks needlessly"]["n"] == 120
    assert wrong["set 5, let through"] <= 31 and wrong["set 5, asks needlessly"] <= 75
    assert found["set 6, let through"]["n"] == found["set 6, asks needlessly"]["n"] == 100
    assert wrong["set 6, let through"] <= 32 and wrong["set 6, asks needlessly"] <= 33
