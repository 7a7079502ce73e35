"""The asker as a student: values in the schema's types, questions that name, calls that are written side by side."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from sml_agents.asker.load import Asker
from sml_agents.asker.prompt import Argument, Said, ToolView, branch, conversation, opening
from sml_agents.asker.read import AskerModel
from sml_agents.asker.student import AskerStudent, question
from sml_agents.asker.threshold import AskerRecord
from sml_agents.errors import InputError
from sml_agents.roles import student_from
from sml_agents.tasks import load_tasks
from sml_agents.text.questions import asked_facts
from sml_agents.types import Fact, Reply, Role, ToolCall
from sml_agents.views import StudentView


@pytest.mark.parametrize(
    ("argument", "fact"),
    [
        (Argument("serialNumber", "Serial number."), Fact(name="serialNumber", statement="The serial number is 7.")),
        (Argument("max_rent", "Highest rent"), Fact(name="max_rent", statement="The highest rent is 900.")),
        (Argument("day"), Fact(name="day", statement="The day is Friday.")),
        (
            Argument("moveIn", "When to move in, YYYY-MM-DD"),
            Fact(name="moveIn", statement="The move-in date is May 5."),
        ),
        (Argument("q", "City"), Fact(name="q", statement="The city is Oslo.", keywords=("city",))),
    ],
)
def test_a_question_names_its_argument_and_no_other(argument: Argument, fact: Fact) -> None:
    other = Fact(name="colour", statement="The colour is blue.")
    assert asked_facts(question(argument), (other, fact)) == (fact,)


@pytest.mark.parametrize("split", ["train", "dev", "heldout"])
def test_the_person_of_every_request_knows_what_it_is_asked_for(split: str) -> None:
    for task in load_tasks(f"requests?form=underspecified&split={split}&n=80&seed=3"):
        tools = {tool.name: tool for tool in map(ToolView.read, task.tools)}
        arguments = {one.name: one for one in tools[task.private.calls[0].name].arguments}
        for fact in task.private.facts:
            asked = asked_facts(question(arguments[fact.name]), task.private.facts, (task.prompt,), task.tools)
            assert asked[:1] == (fact,), question(arguments[fact.name])


@pytest.fixture(scope="module")
def model(tiny: Path) -> AskerModel:
    return AskerModel.load(tiny)


TOOL: dict[str, Any] = {
    "type": "function",
    "function": {
        "name": "ring",
        "description": "Ring somebody up.",
        "parameters": {
            "type": "object",
            "properties": {
                "person": {"type": "string"},
                "line": {"type": "object", "properties": {"kind": {"enum": ["home", "work"]}}, "required": ["kind"]},
                "loud": {"type": "boolean"},
            },
            "required": ["person", "line", "loud"],
        },
    },
}
VIEW = ToolView.read(TOOL)
SAID = [Said("user", "Ring Ann at home, loudly")]


def test_values_that_are_written_side_by_side_are_those_that_each_would_be_alone(model: AskerModel) -> None:
    import torch

    many = (Argument("person"), Argument("minute", "When"), Argument("a_long_name", "Of what comes last"))
    tool = ToolView("ring", "Ring somebody up.", many)
    reading = model.read(tool, SAID)
    assert reading.missing == pytest.approx(model.missing(tool, SAID))
    together = reading.values([one.name for one in many])
    assert together == {one.name: reading.values([one.name])[one.name] for one in many}
    assert reading.values([]) == {}
    (question_mark,), (line_end,) = model._ids(" ?"), model._ids("\n")
    for one in many:
        ids = model._ids(opening(tool)) + model._ids(conversation(SAID)) + model._ids(branch(one))
        written: list[int] = []
        while len(written) < 14 and line_end not in written:
            logits = model.model(torch.tensor([[*ids, *written]])).logits[0, -1].float()
            if not written:
                logits[[question_mark, line_end]] = -torch.inf
            written.append(int(logits.argmax()))
        assert together[one.name] == model.tokenizer.decode(written, skip_special_tokens=True).split("\n")[0].strip()


def test_of_an_enum_and_a_yes_or_no_a_member_is_written(model: AskerModel) -> None:
    found = model.read(VIEW, SAID).values(["line.kind", "loud"])
    assert set(found) == {"line.kind", "loud"}
    assert found["line.kind"] in ("home", "work") and found["loud"] in ("yes", "no")
    alone = {name: model.read(VIEW, SAID).values([name])[name] for name in found}
    assert found == alone
    assert model.read(ToolView("now"), SAID).missing == {}


def asker(model: AskerModel, line: float) -> Asker:
    return Asker(Path("none"), AskerRecord(threshold=line, drafted=line), model)


async def test_it_asks_for_each_argument_once_and_makes_no_call_twice(model: AskerModel) -> None:
    student = AskerStudent(asker(model, 1e-9))
    history = [(Role.TEACHER, "Ring somebody up")]
    turns: list[Reply] = []
    calls: list[tuple[int, tuple[ToolCall, ...]]] = []
    for _ in range(6):
        reply = await student.reply(StudentView(tuple(history), tuple(calls), tools=(TOOL,)), seed=0)
        turns.append(reply)
        if reply.tool_calls:
            calls.append((len(history), reply.tool_calls))
        history += [(Role.STUDENT, reply.text), (Role.TEACHER, "No, not like that.")]
    assert len({reply.text for reply in turns[:3]}) == 3 and all("?" in reply.text for reply in turns[:3])
    (call,) = turns[3].tool_calls or ()
    assert call.name == "ring" and set(call.arguments) == {"person", "line", "loud"}
    assert call.arguments["line"]["kind"] in ("home", "work") and call.arguments["loud"] in (True, False)
    made = [one.arguments for reply in turns for one in reply.tool_calls or ()]
    assert 1 <= len(made) <= 2 and not any(one in made[:k] for k, one in enumerate(made))
    assert turns[5].tool_calls is None and "cannot" in turns[5].text


class Copies:
    """In place of a model: of each argument P(missing), and the first of some words that the person's last message with
    any of them holds."""

    def __init__(self, missing: Mapping[str, float], words: Mapping[str, tuple[str, ...]]) -> None:
        self.missing, self.words = missing, words

    def read(self, tool: ToolView, said: list[Said]) -> Any:
        texts = [one.text for one in said if one.role == "user"][::-1]
        copied = {
            name: next((one for text in texts for one in words if one in text), "it")
            for name, words in self.words.items()
        }
        return SimpleNamespace(missing=self.missing, values=lambda names: {name: copied[name] for name in names})

    def choose(self, tools: list[ToolView], said: list[Said]) -> dict[str | None, float]:
        return {one.name: 0.5**place for place, one in enumerate(tools, 1)} | {None: 0.01}


TABLE: dict[str, Any] = {
    "name": "book_table",
    "parameters": {
        "type": "object",
        "properties": {
            "place": {"type": "string"},
            "day": {"type": "string"},
            "people": {"type": "integer"},
            "note": {"type": "string"},
        },
        "required": ["place", "day", "people"],
    },
}


CANCEL = {**TABLE, "name": "cancel_table"}
MOVE = {**TABLE, "name": "move_table"}


async def turns_of(
    *answers: str,
    tools: tuple[dict[str, Any], ...] = (TABLE,),
    request: str = "A table by the window at Luigi's on Friday, for two",
) -> list[Reply]:
    """What the student says to a request, and to each of these answers."""
    words = {
        "place": ("Mario's", "Luigi's"),
        "day": ("Saturday", "Friday"),
        "people": ("six", "two"),
        "note": ("window",),
    }
    model: Any = Copies({"place": 0.1, "day": 0.2, "people": 0.3, "note": 0.9}, words)
    student = AskerStudent(asker(model, 0.5))
    history: list[tuple[Role, str]] = []
    calls: list[tuple[int, tuple[ToolCall, ...]]] = []
    turns: list[Reply] = []
    for text in (request, *answers):
        history.append((Role.TEACHER, text))
        turns.append(await student.reply(StudentView(tuple(history), tuple(calls), tools=tools), seed=0))
        if turns[-1].tool_calls:
            calls.append((len(history), turns[-1].tool_calls))
        history.append((Role.STUDENT, turns[-1].text))
    return turns


def called(reply: Reply) -> dict[str, Any]:
    (call,) = reply.tool_calls or ()
    return call.arguments


AS_TOLD = {"place": "Luigi's", "day": "Friday", "people": 2}


async def test_a_refused_call_is_not_made_again_but_asked_about() -> None:
    first, *rest = await turns_of("No, not like that.", "Go ahead.", "Go ahead.", "Go ahead.")
    assert called(first) == AS_TOLD
    asked = ["What should the people be?", "What should the day be?", "What should the place be?"]
    assert [one.text for one in rest] == [*asked, "I cannot get this call right."]
    assert not any(one.tool_calls for one in rest)


async def test_what_a_refusal_names_is_asked_for_first_and_the_answer_is_taken_up() -> None:
    _, asked, call = await turns_of("The day is wrong.", "On Saturday.")
    assert asked.text == "What should the day be?"
    assert called(call) == AS_TOLD | {"day": "Saturday"}


async def test_what_is_not_required_is_put_in_where_the_refusal_names_it() -> None:
    first, call = await turns_of("It leaves out the note.")
    assert called(first) == AS_TOLD
    assert called(call) == AS_TOLD | {"note": "window"}


async def test_a_value_that_comes_with_the_refusal_is_taken_up_at_once() -> None:
    _, call, asked = await turns_of("No, the party is of six people.", "Still wrong.")
    assert called(call) == AS_TOLD | {"people": 6}
    assert asked.text == "I cannot get this call right.", "two calls in vain"


@pytest.mark.parametrize("wrong", ["That tool does not do what is asked for.", "No, I want to cancel it."])
async def test_a_tool_that_is_said_to_be_the_wrong_one_is_left_for_the_likeliest_of_the_others(wrong: str) -> None:
    first, second, nothing = await turns_of(wrong, "This tool is not the one either.", tools=(TABLE, CANCEL, MOVE))
    assert [one.tool_calls[0].name for one in (first, second) if one.tool_calls] == ["book_table", "cancel_table"]
    assert nothing.text == "None of the tools that I have does that.", "all of them in turn would be a guess"


async def test_who_names_an_argument_does_not_speak_of_the_tool() -> None:
    of_places = {**TABLE, "name": "book_place"}
    _, second = await turns_of("No, the place is Mario's.", tools=(TABLE, of_places))
    assert [one.name for one in second.tool_calls or ()] == ["book_table"]
    assert called(second) == AS_TOLD | {"place": "Mario's"}


async def test_without_another_tool_none_is_left() -> None:
    _, nothing = await turns_of("That tool does not do what is asked for.")
    assert nothing.text == "None of the tools that I have does that."


async def test_it_calls_at_once_where_nothing_is_missing() -> None:
    (call,) = await turns_of()
    assert called(call) == AS_TOLD and not call.text and call.at_once


async def test_what_was_told_before_an_answer_stays_told_after_it() -> None:
    asked, call = await turns_of("The people are two, and so are their names.", request="A table at Luigi's on Friday")
    assert asked.text == "What should the people be?"
    assert called(call) == AS_TOLD
    asked, call = await turns_of("The people are two, but on Saturday.", request="A table at Luigi's on Friday")
    assert called(call) == AS_TOLD | {"day": "Saturday"}


async def test_tomorrow_is_another_day_the_day_after() -> None:
    schema = {"type": "string", "format": "date"}
    tool = {"name": "remind", "parameters": {"type": "object", "properties": {"day": schema}, "required": ["day"]}}
    model: Any = Copies({"day": 0.1}, {"day": ("tomorrow",)})
    student = AskerStudent(asker(model, 0.5))
    days = []
    for day in (1, 2):
        student.now = dt.datetime(2026, 12, day)
        reply = await student.reply(StudentView(((Role.TEACHER, "Remind me tomorrow"),), tools=(tool,)), seed=0)
        days.append(called(reply)["day"])
    assert days == ["2026-12-02", "2026-12-03"], "what was read is remembered for a day at most"


def test_it_is_named_by_a_spec(tmp_path: Path) -> None:
    student = student_from("asker:")
    assert isinstance(student, AskerStudent) and student.settings["model"] == "asker:"
    assert 0 < student.line < 1
    with pytest.raises(InputError, match="holds no asker"):
        student_from(f"asker:{tmp_path}")
    with pytest.raises(InputError, match="no asker"):
        student_from("asker:?temperature=0")
