"""Calls of tools carry loss, what they return does not, whether a chat template knows tools or not."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from sml_agents.cli import talk
from sml_agents.data.nouns import Message, TrainingRow
from sml_agents.roles import student_from
from sml_agents.training import DialogueRenderer
from sml_agents.training.tokens.rows import IGNORED, tokenize_rows
from sml_agents.types import ToolCall
from tests.models import small_model
from tests.training.templates import END_OF_TURN, dressed

TOOL = {
    "type": "function",
    "function": {
        "name": "book",
        "description": "Book a table.",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
    },
}
CALL = ToolCall(name="book", arguments={"city": "Rome", "note": "<|im_end|>"}, id="call00001")
TALK = (
    Message("system", "You book."),
    Message("user", "Book Rome"),
    Message("assistant", "", calls=(CALL,), trainable=True),
    Message("tool", "secret result", call_id="call00001"),
    Message("assistant", "Booked.", trainable=True),
    Message("user", "Thanks"),
    Message("assistant", "Bye.", trainable=False),
)


@pytest.fixture(params=["qwen_tools", "chatml", "llama3", "gemma", "mistral"])
def family(request: Any) -> str:
    return str(request.param)


@pytest.mark.parametrize("as_turns", [False, True])
def test_calls_are_trained_and_results_are_not(family: str, as_turns: bool, embedded_model: Any) -> None:
    tokenizer = dressed(embedded_model, family)
    renderer = DialogueRenderer(tokenizer)
    assert renderer.takes_tools == (family == "qwen_tools")
    messages = TALK
    row = TrainingRow(messages, tools=(TOOL,))
    rows_as = "turn" if as_turns else "dialogue"
    made, counts = tokenize_rows([row], renderer, max_length=2000, rows_as=rows_as)
    trained = [
        tokenizer.decode([token for token, label in zip(one.input_ids, one.labels, strict=True) if label != IGNORED])
        for one in made
    ]
    whole = "".join(trained)
    assert '"book"' in whole and '"Rome"' in whole and "Booked." in whole and whole.count("<tool_call>") == 1
    assert "secret result" not in whole and "Bye." not in whole and "Book a table" not in whole
    assert whole.count(END_OF_TURN[family]) == 2  # the one in an argument is escaped
    assert counts.trained_turns == 2
    shown = "".join(tokenizer.decode(one.input_ids) for one in made)
    assert "Book a table." in shown and "secret result" in shown


def test_a_call_that_ends_a_row_is_trained_with_its_end(embedded_model: Any) -> None:
    tokenizer = dressed(embedded_model, "qwen_tools")
    ((one,), _) = tokenize_rows([TrainingRow(TALK[:4], tools=(TOOL,))], DialogueRenderer(tokenizer), max_length=2000)
    trained = [token for token, label in zip(one.input_ids, one.labels, strict=True) if label != IGNORED]
    assert tokenizer.decode(trained).endswith("</tool_call><|im_end|>")


SAMPLED = (
    '<tool_call>\n{"name": "book", "arguments": {"city": "Rome"}}\n</tool_call>',
    '<tool_call>{"arguments":{"city":"Rome"},"name":"book"}</tool_call>',
    '<tool_call>\n{"name":"book","arguments":{"city":"Rome"}}',
    '<tool_call>\n{"name":"book", "parameters":{"city":"Rome"}}\n</tool_call>',
    'Right away. <tool_call>{"name":"book","arguments":{"city":"Rome"}}</tool_call>',
    '{"name": "book", "arguments": {"city": "Rome"}}',
)


@pytest.mark.parametrize("said", SAMPLED)
@pytest.mark.parametrize("as_turns", [False, True])
def test_a_call_is_trained_as_it_was_sampled_however_it_was_written(
    said: str, as_turns: bool, embedded_model: Any
) -> None:
    """Where the template knows no tools, a call of the dialogue is text again, and not letter by letter the same."""
    tokenizer = dressed(embedded_model, "chatml")
    rest = "Right away." if said.startswith("Right") else ""
    call = ToolCall(name="book", arguments={"city": "Rome"}, id="call00001")
    ids = tuple(tokenizer(f"{said}<|im_end|>", add_special_tokens=False)["input_ids"])
    turn = Message("assistant", rest, calls=(call,), trainable=True, sampled=ids)
    row = TrainingRow((*TALK[:2], turn, *TALK[3:]), tools=(TOOL,))
    made, counts = tokenize_rows(
        [row], DialogueRenderer(tokenizer), max_length=2000, rows_as="turn" if as_turns else "dialogue"
    )
    trained = [token for one in made for token, label in zip(one.input_ids, one.labels, strict=True) if label >= 0]
    assert tuple(trained[: len(ids)]) == ids
    assert (counts.verbatim_turns, counts.retokenized_turns) == (1, 0)


@pytest.mark.parametrize("as_turns", [False, True])
def test_ids_of_another_call_are_not_trained(as_turns: bool, embedded_model: Any) -> None:
    tokenizer = dressed(embedded_model, "chatml")
    call = ToolCall(name="book", arguments={"city": "Rome"}, id="call00001")
    for said in (SAMPLED[0].replace("Rome", "Bonn"), SAMPLED[0].replace("book", "cancel"), f"No. {SAMPLED[0]}", "Rome"):
        ids = tuple(tokenizer(f"{said}<|im_end|>", add_special_tokens=False)["input_ids"])
        turn = Message("assistant", "", calls=(call,), trainable=True, sampled=ids)
        row = TrainingRow((*TALK[:2], turn), tools=(TOOL,))
        made, counts = tokenize_rows(
            [row], DialogueRenderer(tokenizer), max_length=2000, rows_as="turn" if as_turns else "dialogue"
        )
        assert counts.retokenized_turns == 1
        assert '"book"' in tokenizer.decode(made[0].input_ids) and "Bonn" not in tokenizer.decode(made[0].input_ids)


@pytest.mark.parametrize("system", ["You book.", ""])
async def test_chat_asks_under_the_prompt_that_was_trained(
    family: str, system: str, embedded_model: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Token for token, whether a template knows tools or not: what is learnt stands after this prompt."""
    tokenizer = dressed(embedded_model, family)
    model = small_model(tokenizer, tmp_path / "model")
    lines = iter(["Book Rome", None])

    async def typed(prompt: str) -> str | None:
        return next(lines)

    monkeypatch.setattr(talk, "next_line", typed)
    student = student_from(f"transformers:{model}?max_tokens=1", system=system)
    said = await talk.talk(student, seed=0, tools=(TOOL,))
    assert said[1].call is not None and said[1].call.prompt_ids

    messages = (*((TALK[0],) if system else ()), TALK[1], Message("assistant", "For when?", trainable=True))
    ((row,), _) = tokenize_rows([TrainingRow(messages, tools=(TOOL,))], DialogueRenderer(tokenizer), max_length=2000)
    begins = next(at for at, label in enumerate(row.labels) if label != IGNORED)
    assert tokenizer.decode(said[1].call.prompt_ids) == tokenizer.decode(row.input_ids[:begins])
