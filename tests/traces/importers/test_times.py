"""Times are compared as times, whatever a log writes them as."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from sml_agents.traces.importers.times import moment
from tests.traces.importers.reading import agent, one, person, said

SECOND = 1_740_823_210
"""2025-03-01T10:00:10Z"""
SAME = [
    "2025-03-01T10:00:10Z",
    "2025-03-01T10:00:10+00:00",
    "2025-03-01T12:00:10.000+02:00",
    "2025-03-01 10:00:10",
    "2025-03-01 10:00:10.000000 UTC",
    "2025-03-01T05:30:10-0430",
    "2025-03-01T10:00:10,000000000Z",
    "2025-03-01T10:00:10.000Z[UTC]",
    "Sat, 01 Mar 2025 10:00:10 GMT",
    SECOND,
    float(SECOND),
    SECOND * 1000,
    SECOND * 10**6,
    SECOND * 10**9,
    str(SECOND),
    f"{SECOND}.0",
    str(SECOND * 1000),
    str(SECOND * 10**9),
    "1.740823210e9",
    Decimal(SECOND),
    datetime(2025, 3, 1, 10, 0, 10),
    datetime(2025, 3, 1, 11, 0, 10, tzinfo=timezone(timedelta(hours=1))),
    {"seconds": SECOND, "nanos": 0},
    {"seconds": str(SECOND)},
    [SECOND, 0],
]


@pytest.mark.parametrize("value", SAME, ids=str)
def test_one_moment_in_every_form(value: Any) -> None:
    assert moment(value) == SECOND * 10**9


@pytest.mark.parametrize(
    ("earlier", "later"),
    [
        ("2025-03-01T10:00:10Z", "2025-03-01T10:00:10.250Z"),
        ("2025-03-01T10:00:10.9Z", "2025-03-01T10:00:10.91Z"),
        ("2025-03-01T10:00:10.000000001Z", "2025-03-01T10:00:10.000000002Z"),
        ("2025-03-01T10:00:10+01:00", "2025-03-01T09:30:00Z"),
        ("999", "1000"),
        (999_999_999_999, "1000000000000"),
        (1740823210123456789, "1740823210123456790"),
        ("2025-03-01", "2025-03-01T00:00:01"),
    ],
)
def test_the_earlier_one_comes_first(earlier: Any, later: Any) -> None:
    first, second = moment(earlier), moment(later)
    assert first is not None and second is not None and first < second


@pytest.mark.parametrize(
    "value", [None, "", "soon", True, [], [1], {}, "2025-13-01", "2025-03-01T10:00:10+99:99x", "nan"]
)
def test_what_is_no_time(value: Any) -> None:
    assert moment(value) is None


def test_any_moment_is_read_back() -> None:
    draw = random.Random(1)
    for _ in range(500):
        at = datetime.fromtimestamp(draw.uniform(0, 4e9), UTC)
        zone = timezone(timedelta(minutes=draw.randrange(-720, 721, 15)))
        whole = int(at.timestamp()) * 10**9 + at.microsecond * 1000
        assert moment(at.isoformat()) == moment(at.astimezone(zone).isoformat()) == whole


STARTS = [
    ("2025-03-01T10:00:10Z", "2025-03-01T10:00:10.250Z"),
    ("2025-03-01T10:00:10.5Z", "2025-03-01T10:00:10.51Z"),
    ("2025-03-01T12:00:10+02:00", "2025-03-01T10:00:11Z"),
    ("2025-03-01 10:00:09.99", "2025-03-01 10:00:10"),
    (999_999_999, 1_000_000_000),
    ("1740823210000", "1740823210000.5"),
]
FIRST = [person("Book a table.")]
SECOND_CALL = [*FIRST, agent("For when?"), person("Friday.")]


@pytest.mark.parametrize(("first", "second"), STARTS)
@pytest.mark.parametrize("format", ["langsmith", "langfuse", "otel", "openinference"])
def test_two_calls_of_a_conversation_are_one(format: str, first: Any, second: Any, tmp_path: Path) -> None:
    rows = [made(format, second, SECOND_CALL, "Booked."), made(format, first, FIRST, "For when?")]
    trace = one(format, tmp_path, *rows)
    assert said(trace) == [
        ("person", "Book a table."),
        ("agent", "For when?"),
        ("person", "Friday."),
        ("agent", "Booked."),
    ]


def made(format: str, start: Any, given: list[Any], answer: str) -> dict[str, Any]:
    """A model call as a platform exports it."""
    id = str(len(given))
    if format == "langsmith":
        about: dict[str, Any] = {"id": id, "trace_id": "t" + id, "run_type": "llm", "start_time": start}
        about["extra"] = {"metadata": {"thread_id": "7"}}
        return {**about, "inputs": {"messages": given}, "outputs": {"messages": [agent(answer)]}}
    if format == "langfuse":
        about = {"id": id, "traceId": "t" + id, "sessionId": "7", "type": "GENERATION", "startTime": start}
        return {**about, "input": given, "output": agent(answer)}
    if format == "otel":
        parts = [{"role": one["role"], "parts": [{"type": "text", "content": one["content"]}]} for one in given]
        attributes = {"gen_ai.operation.name": "chat", "gen_ai.conversation.id": "7", "gen_ai.input.messages": parts}
        attributes["gen_ai.output.messages"] = [{"role": "assistant", "parts": [{"type": "text", "content": answer}]}]
    else:
        attributes = {"openinference.span.kind": "LLM", "session.id": "7"}
        for side, messages in (("input", given), ("output", [agent(answer)])):
            for number, message in enumerate(messages):
                for name, value in message.items():
                    attributes[f"llm.{side}_messages.{number}.message.{name}"] = value
    return {"trace_id": "t" + id, "span_id": id, "start_time": start, "attributes": attributes}
