"""Where sentences begin and end."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sml_agents.text.sentences import sentence_spans, sentences
from tests.pace import within


@pytest.mark.parametrize(
    "parts",
    [
        ["Mr. Smith pays $3.50.", "He leaves at 3 p.m.", "Then e.g. he runs."],
        ["No. 5 wins!", "Yes?", "No."],
        ["See p. 39 there.", "J. R. Smith has 3 lbs. of coffee and 20 sq. ft. of floor."],
        ["He has goats in Farm X and Farm Y.", "He sold 10 from Farm X.", "How many are left?"],
        ['"Why?" he asks.', '"Because."', "(Really?)", "Yes..."],
        ["If the area is 100 m2.", "what is the length?"],
        ["\u591a\u5c11\u94b1\uff1f", "\u4e09\u5143\u3002"],
        ["كم السعر؟", "ثلاثة"],
    ],
)
def test_sentences_end_where_they_end(parts: list[str]) -> None:
    assert sentences(" ".join(parts)) == parts


def test_a_line_is_a_sentence_and_white_space_is_none() -> None:
    assert sentences("\n- one\n- two\n\n  three  \n") == ["- one", "- two", "three"]
    assert sentences(" \n\t") == [] == sentences("")


@given(st.text())
def test_spans_hold_the_text_in_order(text: str) -> None:
    spans = sentence_spans(text)
    assert all(start < end for start, end in spans)
    assert [edge for span in spans for edge in span] == sorted(edge for span in spans for edge in span)
    assert "".join("".join(sentences(text)).split()) == "".join(text.split())


@pytest.mark.parametrize("piece", ["a.", "a. ", "? ", "p.m. ", "\n", '."', "Mr. "])
def test_time_is_linear_in_the_text(piece: str) -> None:
    with within(5):
        sentence_spans(piece * (300_000 // len(piece)))
