"""The asker as a student: values in the schema's types, questions that name, calls that are written side by side."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from sml_agents.asker.load import Asker
from sml_agents.asker.prompt import Argument, Said, ToolView, branch, conversation, opening
from sml_agents.asker.read import AskerModel
from sml_agents.asker.student import AskerStudent, question
from sml_agents.asker.threshold import AskerRecord
from sml_agents.errors import InputError
from sml_agents.roles import student_from
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


async def test_it_asks_for_each_argument_once_and_gives_up_after_two_calls_in_vain(model: AskerModel) -> None:
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
    for reply in turns[3:5]:
        (call,) = reply.tool_calls or ()
        assert call.name == "ring" and set(call.arguments) == {"person", "line", "loud"}
        assert call.arguments["line"]["kind"] in ("home", "work") and call.arguments["loud"] in (True, False)
    assert turns[5].tool_calls is None and "cannot" in turns[5].text


async def test_it_calls_at_once_where_nothing_is_missing(model: AskerModel) -> None:
    student = AskerStudent(asker(model, 1 - 1e-9))
    reply = await student.reply(StudentView(((Role.TEACHER, "Ring up Ann"),), tools=(TOOL,)), seed=0)
    assert reply.tool_calls and not reply.text and reply.at_once


def test_it_is_named_by_a_spec(tmp_path: Path) -> None:
    student = student_from("asker:")
    assert isinstance(student, AskerStudent) and student.settings["model"] == "asker:"
    assert 0 < student.line < 1
    with pytest.raises(InputError, match="holds no asker"):
        student_from(f"asker:{tmp_path}")
    with pytest.raises(InputError, match="no asker"):
        student_from("asker:?temperature=0")
