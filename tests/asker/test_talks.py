"""What an agent's own logs teach: what was said before each call, and what was missing then."""

from __future__ import annotations

import json
import random
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from sml_agents.asker.mix import Mix
from sml_agents.asker.rows import Row
from sml_agents.asker.talks import Talk, completes_of, pairs_of, part_of, talks_in, thinned
from sml_agents.traces.importers import read_logs
from sml_agents.types import Trace

TOOL = {
    "name": "swap_item",
    "description": "Replace an item.",
    "parameters": {
        "type": "object",
        "properties": {
            "hire_no": {"type": "string"},
            "count": {"type": "integer"},
            "day": {"type": "string", "format": "date"},
            "note": {"type": "string"},
        },
        "required": ["hire_no", "count", "day"],
    },
}
CALL = {"hire_no": "H-2207", "count": 2, "day": "2026-05-06"}


def traces(path: Path, *threads: list[Any]) -> list[Trace]:
    """Each thread: what was said in turn, and calls as dictionaries."""
    rows = []
    for number, thread in enumerate(threads):
        messages: list[dict[str, Any]] = []
        for one in thread:
            if isinstance(one, dict):
                call = {"id": "c", "type": "function", "function": {"name": "swap_item", "arguments": json.dumps(one)}}
                messages.append({"role": "assistant", "content": "", "tool_calls": [call]})
                messages.append({"role": "tool", "tool_call_id": "c", "content": "done"})
            else:
                spoken = sum(message["role"] == "user" for message in messages)
                asked = messages and messages[-1]["role"] == "user"
                messages.append({"role": "assistant" if asked and spoken else "user", "content": one})
        rows.append(json.dumps({"id": f"t{number}", "messages": messages}))
    path.write_text("\n".join(rows) + "\n", encoding="utf-8")
    lost: list[Any] = []
    found = list(read_logs(f"openai:{path}", lost.append))
    assert not lost
    return found


def missing(talk: Talk) -> list[tuple[str, ...]]:
    return [example.missing for example in talk.examples]


@pytest.mark.parametrize(
    ("thread", "expected"),
    [
        (["Swap two on H-2207, 6 May.", CALL], [()]),
        (["Swap two.", "Which hire, and when?", "on May 6, hire H-2207", CALL], [("hire_no", "day"), ()]),
        (["Swap some.", "Hire?", "H-2207", "How many?", "2", "When?", "6 May", CALL],
         [("hire_no", "count", "day"), ("count", "day"), ("day",), ()]),
        (["Hello.", "How can I help?", "H-2207: 2 items, 6 May", CALL], [("hire_no", "count", "day"), ()]),
        (["The usual for H-2207.", "Again a couple on the sixth?", "Right.", CALL], [(), ()]),
    ],
)  # fmt: skip
def test_what_was_missing_when(thread: list[Any], expected: list[tuple[str, ...]], tmp_path: Path) -> None:
    (trace,) = traces(tmp_path / "log.jsonl", thread)
    (talk,) = talks_in(trace, [TOOL])
    assert missing(talk) == expected
    for example in talk.examples:
        person = " ".join(one.text for one in example.said if one.role == "user")
        for name, words in example.values.items():
            assert words is None or words in person
            assert example.drafts[name][1] is (words is not None)


def test_words_that_nobody_read_as_the_value_are_left_out(tmp_path: Path) -> None:
    (trace,) = traces(tmp_path / "log.jsonl", ["The usual for H-2207.", "A couple, on the sixth?", "Right.", CALL])
    (talk,) = talks_in(trace, [TOOL])
    assert [set(example.values) for example in talk.examples] == [{"hire_no"}, {"hire_no"}]


def test_each_call_of_a_conversation_has_the_messages_since_the_one_before(tmp_path: Path) -> None:
    later = {**CALL, "hire_no": "H-9"}
    (trace,) = traces(tmp_path / "log.jsonl", ["On 6 May swap 2 on H-2207.", CALL, "And H-9 likewise", later])
    first, second = talks_in(trace, [TOOL])
    assert [len(talk.examples) for talk in (first, second)] == [1, 1]
    assert second.examples[0].values == {"hire_no": "H-9", "count": "2", "day": "6 May"}


def test_calls_of_unknown_tools_teach_nothing(tmp_path: Path) -> None:
    (trace,) = traces(tmp_path / "log.jsonl", ["On 6 May swap 2 on H-2207.", CALL])
    assert not list(talks_in(trace))
    assert not list(talks_in(trace, [{**TOOL, "name": "other"}]))
    assert not list(talks_in(trace, [{"name": ""}]))


def test_rows_and_pairs_out_of_the_example_of_the_guide(repository: Path) -> None:
    folder = repository / "examples" / "own_asker"
    tools = json.loads((folder / "tools.json").read_text(encoding="utf-8"))
    lost: list[Any] = []
    logs = list(read_logs(f"openai:{folder / 'logs.jsonl'}", lost.append))
    assert not lost
    parts: dict[str, list[Talk]] = {"train": [], "choose": [], "measure": []}
    for trace in logs:
        parts[part_of(trace)] += talks_in(trace, tools)
    everything = [talk for some in parts.values() for talk in some]
    assert len(everything) == len(logs) and len({talk.tool.name for talk in everything}) == 12
    assert len(parts["train"]) > 50 and min(len(some) for some in parts.values()) > 12
    unread = Counter(
        argument.name
        for talk in everything
        for argument in talk.tool.required
        if talk.examples[-1].values.get(argument.name) is None
    )
    assert sum(unread.values()) <= 6, unread
    mix = Mix.read([], 0, own=completes_of(parts["train"]), talks=[lambda rng: thinned(parts["train"][0], rng)])
    rows = [mix(random.Random(seed)) for seed in range(60)]
    assert any(isinstance(row, Row) and row.tool == parts["train"][0].tool for row in rows)
    pairs = pairs_of(parts["measure"], 60)
    assert set(pairs) == {"asked in the logs", "by rule"}
    for pair in (pair for some in pairs.values() for pair in some):
        assert pair.lacking.missing and not pair.whole.missing
        assert len(pair.whole.values) == len(pair.tool.required)
