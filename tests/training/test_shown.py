"""Dialogues beside the curves."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from sml_agents.training.trainers.shown import show, written
from tests.traces.samples import make_task, make_trace

TRACES = [make_trace(number, task=make_task(number // 2), turns=2, text=f"words {number}") for number in range(12)]


def test_tensorboard_gets_them_as_text(tmp_path: Path) -> None:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
    from torch.utils.tensorboard import SummaryWriter

    with SummaryWriter(str(tmp_path)) as writer:
        show([SimpleNamespace(), SimpleNamespace(tb_writer=None), SimpleNamespace(tb_writer=writer)], 3, TRACES)
    events = EventAccumulator(str(tmp_path)).Reload()
    tags = [f"dialogues/{place}/text_summary" for place in range(4)]
    assert events.Tags()["tensors"] == tags
    for tag, first in zip(tags, (0, 2, 4, 6), strict=True):
        [one] = events.Tensors(tag)
        assert one.step == 3 and f"words {first}" in one.tensor_proto.string_val[0].decode(), "one of each task"


def test_trackio_gets_a_table() -> None:
    logged: list[Any] = []
    trackio = SimpleNamespace(log=logged.append, Table=lambda dataframe: dataframe)
    show([SimpleNamespace(_trackio=trackio, _initialized=False)], 1, TRACES)
    assert logged == []
    show([SimpleNamespace(_trackio=trackio, _initialized=True)], 1, TRACES)
    table = logged[0]["dialogues"]
    assert len(table) == 4 and list(table["step"]) == [1] * 4 and "words 0" in table["dialogue"][0]


@pytest.mark.parametrize("callbacks", [[], [SimpleNamespace()], [SimpleNamespace(tb_writer=None)]])
def test_nothing_is_shown_where_nothing_is_asked_for(callbacks: list[Any]) -> None:
    show(callbacks, 1, TRACES)
    show(callbacks, 1, [])


def test_what_only_the_teacher_knows_is_not_shown() -> None:
    trace = make_trace(1)
    assert trace.task.private.answer is not None
    secret = trace.model_copy(
        update={
            "task": trace.task.model_copy(
                update={"private": trace.task.private.model_copy(update={"answer": "S3CRET"})}
            )
        }
    )
    assert "S3CRET" not in written(secret)
