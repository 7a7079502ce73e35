"""What the dictionary says, and that nothing which it does not have is made up."""

from __future__ import annotations

import lzma
import tracemalloc

import pytest

from sml_agents.text.thesaurus import WORDS, is_kind_of, speaks_of


@pytest.mark.parametrize(
    ("word", "value"),
    [
        ("concert", "Music"),
        ("concerts", "music"),
        ("rock concert", "Music"),
        ("games", "Sports"),
        ("funny", "Comedy"),
        ("pizza", "Italian"),
        ("lobster", "Seafood"),
        ("Cantonese", "Chinese"),
        ("oriental", "Asian"),
        ("ramen", "Japanese"),
        ("rom-com", "Romance"),
    ],
)
def test_a_word_speaks_of_what_it_is_or_is_defined_by(word: str, value: str) -> None:
    assert speaks_of(word, value)


@pytest.mark.parametrize(
    ("word", "value"),
    [
        ("concert", "Theater"),
        ("pizza", "Thai"),
        ("fun", "Sports"),
        ("find", "Music"),
        ("blorf", "Music"),
        ("concert", "blorf"),
        ("concert", ""),
        ("", ""),
        ("caf\u00e9\t", "\n"),
        ("kitten", "small"),
        ("rooms", "suite"),
        ("Oslo", "city"),
    ],
)
def test_a_word_does_not_speak_of_what_the_dictionary_does_not_say(word: str, value: str) -> None:
    assert not speaks_of(word, value)


def test_kinds_go_all_the_way_up() -> None:
    assert is_kind_of("games", "event") and is_kind_of("lobster", "food") and is_kind_of("pizza", "dish")
    assert not is_kind_of("event", "games") and not is_kind_of("meeting", "food") and not is_kind_of("blorf", "event")


def test_every_line_has_its_three_parts_and_is_found() -> None:
    lines = lzma.decompress(WORDS.read_bytes()).decode("ascii").splitlines()
    words = [line.split("\t")[0] for line in lines]
    assert words == sorted(words) and all(line.count("\t") == 2 for line in lines)
    assert all(is_kind_of(word.replace("_", " "), word.replace("_", " ")) for word in words[::997])


def test_it_takes_little_memory() -> None:
    tracemalloc.start()
    lines = lzma.decompress(WORDS.read_bytes()).splitlines()
    size, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert len(lines) > 80_000 and size < 40e6
