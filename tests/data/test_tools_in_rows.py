"""Rows hold what an agent could call, what it called and what came back; the call is trained, the result is not."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from sml_agents.data.export import export
from sml_agents.data.pairs import PairMaker
from sml_agents.data.rows import training_rows
from sml_agents.data.selection import PRESETS, Conversation, TraceFilter
from sml_agents.errors import InputError
from sml_agents.types import Act, Outcome, Private, Role, StopReason, Task, ToolCall, Trace, Turn, Verdict
from tests.data.openai_format import faults


def tool(name: str, **arguments: str) -> dict[str, Any]:
    properties = {key: {"type": kind} for key, kind in arguments.items()}
    parameters = {"type": "object", "properties": properties, "required": list(arguments)}
    return {"type": "function", "function": {"name": name, "description": f"{name} it.", "parameters": parameters}}


PRICE, BOOK = tool("price", item="string"), tool("book", city="string", guests="integer")


def person(text: str) -> Turn:
    return Turn(role=Role.TEACHER, text=text)


def agent(text: str = "", *calls: ToolCall, **more: Any) -> Turn:
    return Turn(role=Role.STUDENT, text=text, tool_calls=calls or None, trainable=True, **more)


def call(name: str, result: str | None = "ok", id: str = "c1", **arguments: Any) -> ToolCall:
    return ToolCall(name=name, arguments=arguments, result=result, id=id)


def log(
    *turns: Turn, id: str = "a", tools: tuple[Any, ...] = (PRICE, BOOK), system: str = "You sell.", **more: Any
) -> Trace:
    prompt = turns[0].text
    task = Task(id=id, family="recorded", prompt=prompt, private=Private(answer=""), verifier="none")
    return Trace(id=id, task=task, turns=turns, stop=StopReason.RECORDED, tools=tools, system=system, **more)


SOLD = log(
    person("Price of SKU-9 times 3?"),
    agent("The answer is 6.", call("price", "2 dollars", item="SKU-9")),
    person("Book Rome for 4"),
    agent(
        "Booked.", call("price", "3 dollars", id="c2", item="room"), call("book", "ok", id="c3", city="Rome", guests=4)
    ),
)


def rows(traces: list[Trace], format: str, out: Path, filters: TraceFilter | None = None, **more: Any) -> list[Any]:
    export(traces, format, out, filters, **more)
    return [json.loads(line) for line in out.read_text(encoding="utf-8").splitlines()]


def said(messages: list[dict[str, Any]]) -> list[str]:
    """Each message as its role and text, or the call in it."""
    found = []
    for message in messages:
        calls = [f"{c['function']['name']}{c['function']['arguments']}" for c in message.get("tool_calls") or ()]
        found.append(f"{message['role']}: {' '.join(calls) or message.get('content', '')}")
    return found


WHOLE = [
    "system: You sell.",
    "user: Price of SKU-9 times 3?",
    'assistant: price{"item":"SKU-9"}',
    "tool: 2 dollars",
    "assistant: The answer is 6.",
    "user: Book Rome for 4",
    'assistant: price{"item":"room"}',
    "tool: 3 dollars",
    'assistant: book{"city":"Rome","guests":4}',
    "tool: ok",
    "assistant: Booked.",
]


def test_training_rows_hold_calls_results_tools_and_the_agents_own_prompt() -> None:
    (row,) = training_rows([SOLD], TraceFilter())
    assert said([message.as_chat() for message in row.messages]) == WHOLE
    assert row.tools == (PRICE, BOOK)
    assert [message.trainable for message in row.messages] == [line.startswith("assistant") for line in WHOLE]


@pytest.mark.parametrize("format", ["trl", "openai"])
def test_whole_dialogues(format: str, tmp_path: Path) -> None:
    (row,) = rows([SOLD], format, tmp_path / "rows.jsonl")
    assert said(row["messages"]) == WHOLE
    assert (json.loads(row["tools"]) if format == "trl" else row["tools"]) == [PRICE, BOOK]
    assert all("weight" not in message for message in row["messages"])  # calls are trained


def test_prompt_completion_has_a_row_for_each_call_and_no_result_in_a_completion(tmp_path: Path) -> None:
    made = rows([SOLD], "trl-prompt-completion", tmp_path / "rows.jsonl")
    assert [said(row["completion"]) for row in made] == [[line] for line in WHOLE if line.startswith("assistant")]
    assert [said(row["prompt"]) for row in made] == [WHOLE[:at] for at, line in enumerate(WHOLE) if line[0] == "a"]


def test_sharegpt_and_parquet(tmp_path: Path) -> None:
    (row,) = rows([SOLD], "sharegpt", tmp_path / "rows.jsonl")
    kinds = [one["from"] for one in row["conversations"]]
    assert kinds[:5] == ["system", "human", "function_call", "observation", "gpt"]
    assert json.loads(row["tools"]) == [PRICE, BOOK]
    import pyarrow.parquet as pq

    report = export([SOLD], "parquet", tmp_path / "set")
    (kept,) = pq.read_table(tmp_path / "set" / "data" / "train-00000-of-00001.parquet").to_pylist()
    assert json.loads(kept["tools"]) == [PRICE, BOOK] and kept["messages"][0]["content"] == "You sell."
    assert json.loads(kept["messages"][4]["tool_calls"][1]["arguments"]) == {"city": "Rome", "guests": 4}
    card = (tmp_path / "set" / "README.md").read_text()
    assert "1 conversations of an agent" in card and "teacher" not in card and "Leak rate" not in card
    assert report.sha256 in card and "| book | 1 |" in card


def test_a_name_that_a_model_made_up_does_not_break_the_cards_table(tmp_path: Path) -> None:
    export([log(person("Book it"), agent("", call("book|now\n# Booked")))], "parquet", tmp_path / "set")
    assert "\n| book\\|now # Booked | 1 |\n" in (tmp_path / "set" / "README.md").read_text()


def guess_and_lesson() -> Trace:
    """A lesson: the question in place of a call with a guessed date."""
    asks = agent("On which date?", act=Act.CLARIFICATION, primed=True, replaced="Booked.")
    tags = {"moment": {}, "replaced_calls": [call("book", "ok", city="Rome", guests=2).model_dump()]}
    right = Verdict(outcome=Outcome.CORRECT)
    answer = agent("Booked.", call("book", "ok", city="Rome", guests=4), act=Act.ANSWER_ATTEMPT, verdict=right)
    return log(person("Book Rome"), asks, person("For 4"), answer, tags=tags, solved=True)


@pytest.mark.parametrize("format", ["preference", "kto"])
def test_the_guessed_call_is_the_worse_side(format: str, tmp_path: Path) -> None:
    made = rows([guess_and_lesson()], format, tmp_path / "rows.jsonl")
    if format == "preference":
        (row,) = made
        assert said(row["chosen"]) == ["assistant: On which date?"]
        assert said(row["rejected"]) == ['assistant: book{"city":"Rome","guests":2}']
    else:
        row = next(one for one in made if not one["label"])
        assert said(row["completion"]) == ['assistant: book{"city":"Rome","guests":2}']
        good = [said(one["completion"]) for one in made if one["label"]]
        assert ['assistant: book{"city":"Rome","guests":4}'] in good
    assert said(row["prompt"]) == ["system: You sell.", "user: Book Rome"]
    assert json.loads(row["tools"]) == [PRICE, BOOK]


def test_a_question_that_a_tool_asked_is_text(tmp_path: Path) -> None:
    asked = agent("On which date?", call("ask_user", "On 5 May", id="q", question="On which date?"))
    trace = log(
        person("Book Rome"), asked, person("On 5 May"), agent("Booked.", call("book", "ok", city="Rome", guests=4))
    )
    (row,) = rows([trace], "trl", tmp_path / "rows.jsonl")
    assert said(row["messages"])[2:5] == [
        "assistant: On which date?",
        "user: On 5 May",
        'assistant: book{"city":"Rome","guests":4}',
    ]


def test_both_sides_answer_one_prompt_when_they_begin_alike() -> None:
    look = call("price", "3 dollars", id="p", item="room")
    asks = agent("For how many?", act=Act.CLARIFICATION, primed=True, replaced="Booked.")
    tags = {"moment": {}, "replaced_calls": [look.model_dump(), call("book", city="Rome", guests=2).model_dump()]}
    trace = log(person("Book Rome"), asks, person("4"), agent("Done."), tags=tags, solved=True)
    conversation = TraceFilter().take(trace, judging=True)
    assert isinstance(conversation, Conversation)
    (pair,) = PairMaker().add(conversation)
    from sml_agents.data.formats import pair_row

    row = pair_row(pair, None)
    assert row is not None
    assert said(row["prompt"])[-2:] == ['assistant: price{"item":"room"}', "tool: 3 dollars"]
    assert said(row["rejected"]) == ['assistant: book{"city":"Rome","guests":2}']


UNFINISHED = log(person("Book Rome"), agent("", call("book", None, city="Rome", guests=4)), id="b")
PARALLEL = log(
    person("Both"), agent("Done.", call("book", id="", city="A", guests=1), call("book", id="", city="B", guests=2))
)
TALK = log(person("Hi"), agent("Hello."), tools=(), system="")
PART = log(person("Hi"), agent("", call("price", item="x")), person("no"), agent("Sorry."), id="p").model_copy(
    update={"turns": tuple(turn.model_copy(update={"trainable": at == 3}) for at, turn in enumerate(
        (person("Hi"), agent("", call("price", item="x")), person("no"), agent("Sorry."))))}
)  # fmt: skip


def test_openai_passes_a_strict_check(tmp_path: Path) -> None:
    made = rows([SOLD, UNFINISHED, PARALLEL, TALK, PART, guess_and_lesson()], "openai", tmp_path / "rows.jsonl")
    assert len(made) == 6
    assert [faults(row) for row in made] == [[]] * 6
    weights = [m.get("weight") for row in made for m in row["messages"] if m["role"] == "assistant"]
    assert weights.count(0) == 1  # the call of the turn that is not taken


@pytest.mark.parametrize(
    "spoil",
    [
        lambda row: row.update(tools=[]),
        lambda row: row.update(id="x"),
        lambda row: row["messages"].pop(),
        lambda row: row["messages"].pop(3),
        lambda row: row["messages"][1].update(tool_calls=None),
        lambda row: row["messages"][2]["tool_calls"][0]["function"].update(arguments={"item": 1}),
        lambda row: row["messages"][2]["tool_calls"][0]["function"].update(name="other"),
        lambda row: row["messages"][4].update(weight=0.5),
        lambda row: [m.update(weight=0) for m in row["messages"] if m["role"] == "assistant"],
        lambda row: row["messages"][0].update(role="teacher"),
    ],
)
def test_the_strict_check_sees_what_is_wrong(spoil: Any, tmp_path: Path) -> None:
    (row,) = rows([SOLD], "openai", tmp_path / "rows.jsonl")
    spoil(row)
    assert faults(row)


@pytest.mark.parametrize("format", ["trl", "trl-prompt-completion", "openai", "sharegpt"])
def test_four_thousand_plain_rows_and_one_with_a_call_load(format: str, tmp_path: Path) -> None:
    import datasets

    long = "word " * 600
    plain = [log(person(f"{k} {long}"), agent("Yes."), id=str(k), tools=(), system="") for k in range(4000)]
    other = log(person("Hi"), agent("Ok.", call("other", x={"y": [1]})), id="o", tools=(tool("other", x="object"),))
    out = tmp_path / "rows.jsonl"
    made = rows([*plain, SOLD, other], format, out)
    if format != "openai":
        assert {tuple(sorted(row)) for row in made} == {tuple(sorted(made[0]))}
    loaded = datasets.load_dataset("json", data_files=str(out), split="train", cache_dir=str(tmp_path / "cache"))
    assert loaded.num_rows == len(made)
    if format == "trl":
        whole = next(row for row in loaded if row["id"] == "a")
        kept = [{key: value for key, value in message.items() if value is not None} for message in whole["messages"]]
        assert said(kept) == WHOLE and json.loads(whole["tools"]) == [PRICE, BOOK]


def test_without_tool_calls_what_was_said_remains(tmp_path: Path) -> None:
    only_calls = log(person("Go"), agent("", call("price", item="x")), id="c")
    out = tmp_path / "rows.jsonl"
    report = export([SOLD, only_calls], "trl", out, tool_calls=False)
    (row,) = [json.loads(line) for line in out.read_text().splitlines()]
    assert said(row["messages"]) == [line for line in WHOLE if not line.startswith("tool") and "{" not in line]
    assert row["tools"] is None and report.left_out == {"no student turn is taken": 1}


def graded(text: str, correct: bool) -> Turn:
    outcome = Outcome.CORRECT if correct else Outcome.INCORRECT
    return agent(text, act=Act.ANSWER_ATTEMPT, verdict=Verdict(outcome=outcome))


def ours(*turns: Turn, id: str, solved: bool) -> Trace:
    task = Task(id=id, family="arithmetic", prompt=turns[0].text, private=Private(answer="6"))
    return Trace(id=id, task=task, turns=turns, stop=StopReason.MAX_TURNS, solved=solved)


WRONG = ours(person("2*3?"), graded("5", False), person("No."), graded("7", False), id="wrong", solved=False)
EMPTY = ours(person("2*3?"), agent(""), person("Please answer."), graded("The answer is 6.", True), id="e", solved=True)


def test_wrong_attempts_and_empty_turns_are_no_targets_by_default(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="nothing is left"):
        export([WRONG], "trl", tmp_path / "rows.jsonl")
    assert len(rows([WRONG], "trl", tmp_path / "rows.jsonl", TraceFilter(wrong_attempts=True))) == 1
    made = rows([EMPTY], "openai", tmp_path / "rows.jsonl")
    assert [m.get("weight") for m in made[0]["messages"] if m["role"] == "assistant"] == [0, None]
    for name in PRESETS:
        found = PRESETS[name].take(EMPTY)
        assert isinstance(found, str) or [found.turns[at].text for at in found.targets] == ["The answer is 6."]


def test_since_and_where(tmp_path: Path) -> None:
    def one(id: str, ended: str = "", **told: Any) -> Trace:
        tags = {**({"ended": ended} if ended else {}), "run": {"tags": ["prod"], "metadata": told}}
        return log(person("Hi"), agent("Hello."), id=id, tags=tags)

    logs = [
        one("old", "2026-01-01T10:00:00+00:00", customer="acme"),
        one("new", "2026-03-01T10:00:00+00:00"),
        one("none"),
    ]

    def kept(**filters: Any) -> list[str]:
        return [trace.id for trace in logs if isinstance(TraceFilter(**filters).take(trace), Conversation)]

    assert kept(since=datetime(2026, 2, 1)) == ["new"]
    assert kept(since=datetime.fromisoformat("2026-03-01T11:00:00+01:00")) == ["new"]
    assert kept(since=datetime.fromisoformat("2026-03-01T11:00:01+01:00")) == []
    assert kept(where={"customer": "ACME"}) == ["old"]
    assert kept(where={"tag": "prod"}) == ["old", "new", "none"]
    assert kept(where={"tag": "test"}) == [] and kept(where={"nothing": "x"}) == []
    assert kept(where={"Customer": "acme"}) == ["old"], "names are compared as people write them"
    logs.append(one("both", tags="beta", user_id="u1", plan=["pro", "team"]))
    assert kept(where={"userId": "u1"}) == kept(where={"USER-ID": "u1"}) == ["both"]
    assert kept(where={"plan": "team"}) == kept(where={"plan": ("team", "pro")}) == ["both"]
    assert kept(where={"plan": ("team", "free")}) == []
