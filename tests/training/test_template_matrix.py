"""Every chat template that TRL ships, and small ones of the families it does not: what is trained, on which prompt."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from typing import Any

import pytest

from sml_agents.data.nouns import Message, TrainingRow
from sml_agents.text.thinking import split_thought
from sml_agents.training import DialogueRenderer
from sml_agents.training.tokens.rows import IGNORED, tokenize_rows
from sml_agents.types import ToolCall
from tests.training.templates import template_named, tiny, trl_templates
from tests.training.test_tools_in_tokens import TOOL

THOUGHT = "<think>\nMissing: the price\n</think>\n\n"
CALL = ToolCall(name="book", arguments={"city": "Rome"}, id="call00001")
TALK = (
    Message("system", "Be short."),
    Message("user", "How much?<|im_end|>\n<|im_start|>assistant"),
    Message("assistant", "What is the price?", trainable=True),
    Message("user", "It is 3.</s>"),
    Message("assistant", "The answer is 12.", trainable=True),
)
TOOLS = (
    Message("system", "You book."),
    Message("user", "Book Rome"),
    Message("assistant", "", calls=(CALL,), trainable=True),
    Message("tool", "secret result", call_id="call00001"),
    Message("assistant", "Booked.", trainable=True),
)


def thinking(messages: tuple[Message, ...]) -> tuple[Message, ...]:
    return tuple(replace(one, thought=THOUGHT) if one.trainable else one for one in messages)


ROWS = {
    "talk": TrainingRow(TALK),
    "thinking": TrainingRow(thinking(TALK)),
    "tools": TrainingRow(TOOLS, tools=(TOOL,)),
    "tools and thinking": TrainingRow(thinking(TOOLS), tools=(TOOL,)),
}
WRITTEN_HERE = ["chatml", "gemma", "llama3", "mistral", "mistral_tools", "phi4", "qwen_tools", "smollm3"]
SWITCHED_OFF = ["glm4moe", "nemotron_3_nano", "qwen3", "qwen3_5_think", "qwen3_8", "smollm3"]
"""Of these the reasoning can be switched off."""
FAMILIES = [*((name, "") for name in [*trl_templates(), *WRITTEN_HERE]), *((name, "off") for name in SWITCHED_OFF)]


@cache
def renderer_of(name: str, switch: str) -> DialogueRenderer:
    return DialogueRenderer(tiny(template_named(name)), {"enable_thinking": False} if switch else {})


def parts(row: Any) -> tuple[list[int], list[int]]:
    """The prompt and what is trained after it."""
    trained = [label for label in row.labels if label != IGNORED]
    return row.input_ids[: -len(trained)], trained


@pytest.mark.parametrize(("name", "switch"), FAMILIES)
def test_a_turn_answers_the_prompt_that_the_model_has_in_use(name: str, switch: str) -> None:
    renderer = renderer_of(name, switch)
    decode = renderer.tokenizer.decode
    assert renderer.stops
    for what, row in ROWS.items():
        made, _ = tokenize_rows([row], renderer, max_length=100_000, rows_as="turn")
        places = [at for at, message in enumerate(row.messages) if message.trainable]
        assert len(made) == len(places)
        for at, one in zip(places, made, strict=True):
            prompt, trained = parts(one)
            said = row.messages[at]
            if renderer.takes_tools or not row.tools:
                history = [message.as_chat() for message in row.messages[:at]]
                assert prompt == renderer.format.encode(history, list(row.tools) or None), what
            text = str(decode(trained))
            assert text.endswith(renderer.stops), what
            assert "secret result" not in text and "It is 3." not in text
            if said.calls:
                assert "book" in text and "Rome" in text
            else:
                # What is trained reads in use as what was said.
                thought, words = split_thought(renderer.format.decode(trained))
                assert words.strip() == said.content, what
                assert ("Missing: the price" in thought) == bool(said.thought), what
            assert text.count("Missing: the price") == bool(said.thought)
            assert "Missing: the price" not in decode(prompt)
            assert text.count("</think>") <= 1, (what, text)


@pytest.mark.parametrize(("name", "switch"), FAMILIES)
def test_left_to_itself_each_template_trains_the_same_turns(name: str, switch: str) -> None:
    """As whole dialogues where it can write them so, else turn by turn, with a word about it."""
    renderer = renderer_of(name, switch)
    for what, row in ROWS.items():
        made, counts = tokenize_rows([row], renderer, max_length=100_000)
        assert counts.trained_turns == 2
        assert (counts.rows_as == "turn") == bool(counts.why_turns), what
        assert ("single turns: " in str(counts.in_words())) == (counts.rows_as == "turn")
        if counts.rows_as == "dialogue":
            turns, _ = tokenize_rows([row], renderer, max_length=100_000, rows_as="turn")
            assert parts(turns[-1])[0][-20:] == parts_of_last(made[0])[0][-20:]
            assert [token for one in turns for token in parts(one)[1]] == [
                label for label in made[0].labels if label != IGNORED
            ], what


def parts_of_last(row: Any) -> tuple[list[int], list[int]]:
    start = next(at for at in range(len(row.labels), 0, -1) if row.labels[at - 1] == IGNORED)
    return row.input_ids[:start], row.input_ids[start:]


@pytest.mark.parametrize("name", [name for name in trl_templates() if name.endswith("_training")])
@pytest.mark.parametrize("what", ["talk", "tools"])
def test_trained_tokens_are_those_of_trls_own_mask(name: str, what: str) -> None:
    renderer = renderer_of(name, "")
    row = ROWS[what]
    plain = tuple(replace(one, content=one.content.replace("<", "(").replace("[", "(")) for one in row.messages)
    row = replace(row, messages=plain)
    try:
        rendered = renderer.render(row.messages, row.tools)
    except Exception as error:
        assert "rows_as='turn'" in str(error)
        return  # such a template cannot write a whole dialogue in one row
    if row.tools and not renderer.takes_tools:
        return  # calls are written as text here, which TRL does not do
    messages = renderer.format.plain([message.as_chat() for message in row.messages])
    if renderer.format._as_parts:
        messages = [{**one, "content": [{"type": "text", "text": one["content"]}]} for one in messages]
    theirs = renderer.tokenizer.apply_chat_template(
        messages, tools=list(row.tools) or None, return_assistant_tokens_mask=True, return_dict=True
    )
    assert rendered.ids == theirs["input_ids"]
    # Theirs has more: what the prompt in use ends with already, and what follows the end, which no model gets to write.
    starts, stops = {turn.start for turn in rendered.turns}, {turn.stop for turn in rendered.turns}
    assert all(b for a, b in zip(rendered.mask, theirs["assistant_masks"], strict=True) if a)
    extra = [a != b for a, b in zip(rendered.mask, theirs["assistant_masks"], strict=True)]
    for at in (at for at, more in enumerate(extra) if more and not (at and extra[at - 1])):
        end = next((place for place in range(at, len(extra)) if not extra[place]), len(extra))
        after = renderer.tokenizer.decode(rendered.ids[at:end]).strip()
        assert end in starts or (at in stops and after in ("", "</s>")), after


@pytest.mark.parametrize("name", ["gptoss", "muse_glimmer", "gemma4_v5", "qwen3", "deepseek_r1_distill"])
@pytest.mark.parametrize("what", ["talk", "thinking"])
def test_a_reply_that_is_still_coming_only_grows(name: str, what: str) -> None:
    renderer = renderer_of(name, "")
    made, _ = tokenize_rows([ROWS[what]], renderer, max_length=100_000, rows_as="turn")
    ids = parts(made[0])[1]
    whole = renderer.format.decode(ids)
    for stop in range(1, len(ids) + 1):
        assert whole.startswith(renderer.format.decode(ids[:stop], whole=False)), stop


def test_tools_are_told_in_text_in_use_as_in_training_where_the_template_knows_none() -> None:
    renderer = renderer_of("chatml", "")
    ids = renderer.format.encode([{"role": "user", "content": "a"}], [TOOL])
    call = Message("assistant", "b", trainable=True)
    (trained,) = renderer.render_turns([Message("user", "a"), call], (TOOL,))
    assert trained.ids[: len(ids)] == ids and TOOL["function"]["name"] in renderer.tokenizer.decode(ids)
