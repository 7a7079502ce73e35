"""Token by token, what each recipe trains: exactly the turns that it promises, in every chat template."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from sml_agents.data.pairs import Pair
from sml_agents.data.selection import PRESETS, TraceFilter
from sml_agents.errors import TrainingError
from sml_agents.training import DialogueRenderer, Message, TrainingRow, training_rows
from sml_agents.training.tokens.pairs import tokenize_sides
from sml_agents.training.tokens.rows import IGNORED, tokenize_rows
from sml_agents.types import Call, Role, Turn
from tests.training.templates import END_OF_TURN
from tests.training.test_masks import FAMILIES, TEXT, rendered_content
from tests.training.test_rows import AGAIN, CANARY, TELLS, ask, attempt, teacher, trace

DIALOGUE = trace(attempt(False), AGAIN, ask(), TELLS, attempt(True), teacher("Right."), id="d")
PROPERTY = settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)


def decoded(renderer: DialogueRenderer, labels: list[int]) -> list[str]:
    """The text of each run of trained tokens."""
    runs: list[list[int]] = [[]]
    for label in labels:
        if label == IGNORED:
            runs.append([])
        else:
            runs[-1].append(label)
    return [str(renderer.tokenizer.decode(run)).removeprefix(" ") for run in runs if run]


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("select", list(PRESETS))
def test_supervised_recipes_train_the_selected_turns_alone(
    family: str, select: str, renderer_of: Callable[[str], DialogueRenderer]
) -> None:
    renderer = renderer_of(family)
    traces = [DIALOGUE, trace(attempt(True), id="at once")]
    rows = training_rows(traces, PRESETS[select])
    made, _ = tokenize_rows(rows, renderer, max_length=512)
    for row, tokens in zip(rows, made, strict=True):
        assert len(tokens.labels) == len(tokens.input_ids)
        wanted = [message.content + END_OF_TURN[family] for message in row.messages if message.trainable]
        assert decoded(renderer, tokens.labels) == wanted
        assert all(label in (IGNORED, token) for label, token in zip(tokens.labels, tokens.input_ids, strict=True))


@pytest.mark.parametrize("family", FAMILIES)
def test_the_world_model_trains_the_teachers_turns_on_the_public_history(
    family: str, renderer_of: Callable[[str], DialogueRenderer]
) -> None:
    renderer = renderer_of(family)
    student, world = training_rows([DIALOGUE], "mt_sft", world_model=True)
    assert [message.content for message in world.messages if message.trainable] == [AGAIN.text, TELLS.text, "Right."]
    made, _ = tokenize_rows([student, world], renderer, max_length=512)
    ends = END_OF_TURN[family]
    assert decoded(renderer, made[1].labels) == [AGAIN.text + ends, TELLS.text + ends, "Right." + ends]
    text = renderer.tokenizer.decode(made[1].input_ids)
    assert CANARY not in text
    assert DIALOGUE.task.prompt in text
    assert [message.role for message in world.messages[1:]] == ["user", "assistant"] * 3


@pytest.mark.parametrize("family", FAMILIES)
@given(texts=st.lists(TEXT, min_size=3, max_size=7), cut=st.booleans())
@PROPERTY
def test_preference_sides_are_the_turn_and_its_end(
    family: str, texts: list[str], cut: bool, renderer_of: Callable[[str], DialogueRenderer]
) -> None:
    renderer = renderer_of(family)
    chosen, rejected, *before = texts
    assume(rendered_content(family, chosen) != rendered_content(family, rejected))
    before = before if len(before) % 2 else before[:-1]
    assume(before)
    history = tuple(Turn(role=(Role.TEACHER, Role.STUDENT)[at % 2], text=text) for at, text in enumerate(before))
    sides = [Turn(role=Role.STUDENT, text=chosen), Turn(role=Role.STUDENT, text=rejected)]
    if cut:
        sides[1] = sides[1].model_copy(update={"call": Call(finish="length")})
        assume(rendered_content(family, rejected))
        # a cut turn that spells out the template's own end says what an empty whole one says
        assume(rendered_content(family, rejected) != rendered_content(family, chosen) + END_OF_TURN[family])
    [(_, (good, bad))], counts = tokenize_sides([Pair(history, *sides, "primed", "t")], renderer, max_length=4096)
    assert good.prompt_ids == bad.prompt_ids
    decode = renderer.tokenizer.decode
    found = [str(decode(side.completion_ids)) for side in (good, bad)]
    if family == "mistral":
        found = [text.removeprefix(" ") for text in found]
    ends, escaped = END_OF_TURN[family], renderer.format.escaped
    assert found == [
        escaped(rendered_content(family, chosen)) + ends,
        escaped(rendered_content(family, rejected)) + ("" if cut else ends),
    ]
    assert counts.trained_tokens == len(good.completion_ids) + len(bad.completion_ids)


def test_a_turn_cut_before_its_first_token_trains_nothing(renderer_of: Callable[[str], DialogueRenderer]) -> None:
    renderer = renderer_of("chatml")
    cut = (Message("user", "u"), Message("assistant", "", trainable=True, ended=False))
    with pytest.raises(TrainingError, match="1 have no trainable student turn"):
        tokenize_rows([TrainingRow(cut)], renderer, max_length=64)
    whole = TrainingRow((Message("user", "u"), Message("assistant", "Four.", trainable=True), *cut))
    [row], counts = tokenize_rows([whole], renderer, max_length=64, first_token_weight=20)
    assert decoded(renderer, row.labels) == ["Four.<|im_end|>"]
    assert counts.rows == 1


def test_discount_and_filters_are_settings_of_one_recipe() -> None:
    [row] = training_rows([DIALOGUE], TraceFilter(solved=True, last_turn=3), discount=0.5)
    assert row.weight == 0.25
