"""What text, numbers and sizes a trace may hold: nothing that was paid for is lost over them."""

from __future__ import annotations

import gc
import math
import tracemalloc
from pathlib import Path
from typing import Any

import pytest

from sml_agents.traces import TraceStore
from sml_agents.traces.record import MAX_DEPTH
from sml_agents.types import Call, Reply, Trace
from tests.traces.samples import make_task, make_trace


def kept(tmp_path: Path, trace: Trace) -> Trace:
    """`trace` after a way through a store that was closed and opened."""
    with TraceStore.open(tmp_path / "traces.db") as store:
        store.add(trace)
    with TraceStore.open(tmp_path / "traces.db", read_only=True) as store:
        assert store.verify() == []
        return store.get(trace.id)


def nested(depth: int) -> Any:
    value: Any = "core"
    for level in range(depth):
        value = [value] if level % 2 else {"in": value}
    return value


@pytest.mark.parametrize(
    "text",
    [
        "",
        "NUL \x00 inside",
        "e\u0301 combining, \u202eright to left\u202c, \u200bzero width",
        "line\r\nline\rline\u2028line\x85line",
        'quotes " \\ and \x01 \x1f \x7f control',
        "\U0001f600 \ufffe \uffff",
    ],
    ids=["empty", "nul", "unicode", "line ends", "control", "astral"],
)
def test_text_comes_back_as_it_was(tmp_path: Path, text: str) -> None:
    trace = make_trace(text=text, error=text, tags={text: text})
    assert kept(tmp_path, trace) == trace


def test_a_lone_surrogate_becomes_the_replacement_character(tmp_path: Path) -> None:
    trace = make_trace(text="half \ud83d of a pair", tags={"k\udc00": ["\udfff"]}, task=make_task(family="f\ud800"))
    back = kept(tmp_path, trace)
    assert back.student_turns[0].text == "half \ufffd of a pair"
    assert back.tags == {"k\ufffd": ["\ufffd"]}
    assert back.task.family == "f\ufffd"
    assert back.turns[1:] == tuple(t.model_copy(update={"text": "half \ufffd of a pair"}) for t in trace.turns[1:])


def test_a_reply_with_a_surrogate_is_kept(tmp_path: Path) -> None:
    with TraceStore.open(tmp_path / "traces.db") as store:
        store.put_reply("a\x00", "student/0", Reply(text="\ud800 5", call=Call(completion_ids=(1, 2))))
        assert store.ids_with_replies() == {"a\ufffd"}
        assert store.get_reply("a\ufffd", "student/0") == Reply(text="\ufffd 5", call=Call(completion_ids=(1, 2)))


def test_numbers_that_are_not_finite_are_unknown(tmp_path: Path) -> None:
    trace = make_trace(tags={"nan": math.nan, "inf": [-math.inf, 1.5], "big": 10**40, "deep": nested(200)})
    tags = kept(tmp_path, trace).tags
    assert (tags["nan"], tags["inf"], tags["big"]) == (None, [None, 1.5], 10**40)


@pytest.mark.parametrize("depth", [90, 180, 200, 254, 300, 3000])
def test_deep_nesting_is_cut_where_it_could_not_be_read_again(tmp_path: Path, depth: int) -> None:
    trace = make_trace(tags={"tree": nested(depth)})
    value = kept(tmp_path, trace).tags["tree"]
    levels = 0
    while isinstance(value, dict | list):
        value = value["in"] if isinstance(value, dict) else value[0]
        levels += 1
    assert levels == depth if value == "core" else levels in range(MAX_DEPTH - 3, MAX_DEPTH + 1)
    assert value == ("core" if depth <= 90 else value)


class Odd:
    def __str__(self) -> str:
        return "an odd one"


def test_objects_that_json_does_not_know_become_text(tmp_path: Path) -> None:
    back = kept(tmp_path, make_trace(tags={"path": Path("a/b"), "odd": Odd()}, settings={"set": {1}}))
    assert back.tags == {"path": "a/b", "odd": "an odd one"}
    assert back.settings == {"set": [1]}


def test_a_turn_of_a_megabyte_and_a_dialogue_of_ten_thousand_turns(tmp_path: Path) -> None:
    long = make_trace(text="x" * 1_000_000)
    assert kept(tmp_path, long) == long
    many = make_trace(1, turns=10_000)
    assert kept(tmp_path, many) == many


def test_memory_is_flat_in_the_number_and_size_of_traces(tmp_path: Path) -> None:
    with TraceStore.open(tmp_path / "traces.db", redact=False) as store:
        for number in range(60):
            store.add(make_trace(number, text="y" * 1_000_000))
        gc.collect()
        tracemalloc.start()
        assert sum(1 for _ in store.traces()) == 60
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    assert peak < 40_000_000, "a page holds some 8 MB of text, however many traces there are"
