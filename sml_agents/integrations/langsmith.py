"""Lessons as a data set of LangSmith, to measure any agent on what was learnt from one's logs.

    with TraceStore.open("lessons.sqlite", read_only=True) as lessons:
        upload(lessons.traces(), "lessons")

An example's inputs are what had been said when the agent had to decide, and its tools; its reference says whether
something was `missing`, what, and how the conversation went on as it should have. The evaluators of
`sml_agents.integrations.evaluators` read both. Lessons that were rejected are left out. The langsmith package comes
with the core.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from sml_agents.data.rows import messages_of
from sml_agents.errors import InputError, MissingExtra
from sml_agents.evaluation.deciders import case_of
from sml_agents.files import write_whole
from sml_agents.mining import moment_of
from sml_agents.text.tools import json_text
from sml_agents.types import Trace

if TYPE_CHECKING:
    from langsmith import Client

__all__ = ["Uploaded", "examples", "upload", "write_examples"]

_BATCH = 200


class Uploaded(NamedTuple):
    """What became of the lessons."""

    dataset: str
    """The data set's id."""
    created: int
    known: int
    """Lessons that the data set had already: left as they are there."""


def examples(lessons: Iterable[Trace], dataset: str = "") -> Iterator[dict[str, Any]]:
    """Each lesson as what `langsmith.Client.create_examples` takes; traces that are no lessons are passed over.

    Ids are made of the data set's name and the lesson's id, so that the same lesson is the same example again.
    """
    for lesson in lessons:
        moment = moment_of(lesson)
        case = case_of(lesson) if moment is not None and lesson.solved is not False else None
        if moment is None or case is None:
            continue
        whole = [one.as_chat() for one in messages_of(lesson.turns, [False] * len(lesson.turns), case.system)]
        told = len(messages_of(case.history, [False] * len(case.history), case.system))
        yield {
            "id": str(uuid.uuid5(uuid.NAMESPACE_URL, f"sml-agents:{dataset}:{lesson.id}")),
            "inputs": {"messages": whole[:told], "tools": list(case.tools)},
            "reference_outputs": {
                "missing": case.missing,
                "fact": case.fact.name if case.fact is not None else None,
                "question": case.fact.question if case.fact is not None else None,
                "messages": whole[told:],
            },
            "metadata": {
                "lesson": lesson.id,
                "conversation": case.thread,
                "kind": moment.kind.value,
                "review": moment.review,
                "confidence": moment.confidence,
            },
            "split": lesson.task.split or "train",
        }


def write_examples(lessons: Iterable[Trace], path: str | Path) -> int:
    """The examples as JSON Lines, with `outputs` for the reference, as LangSmith imports them; returns how many.

    Raises InputError when there is no lesson, or the file cannot be written.
    """
    lines = []
    for example in examples(lessons):
        example["outputs"] = example.pop("reference_outputs")
        lines.append(f"{json_text(example)}\n")
    if not lines:
        raise InputError(_NONE)
    write_whole(Path(path).expanduser(), "".join(lines))
    return len(lines)


def upload(lessons: Iterable[Trace], name: str, *, client: Client | None = None, description: str = "") -> Uploaded:
    """Put lessons into the data set `name`, which is made if there is none. Again, only what is new is added.

    Args:
        client: None takes one that is configured by the environment (`LANGSMITH_API_KEY`, ...).

    Raises:
        InputError: there is no lesson.
        MissingExtra: langsmith is too old to take references.
        langsmith.utils.LangSmithError: the server refused, or was not reached.
    """
    from langsmith import Client
    from langsmith.schemas import ExampleCreate

    if "reference_outputs" not in ExampleCreate.model_fields:  # it would drop them without a word
        raise MissingExtra("Uploading lessons", "openevals")
    made = list(examples(lessons, name))
    if not made:
        raise InputError(_NONE)
    client = client or Client()
    if client.has_dataset(dataset_name=name):
        dataset = client.read_dataset(dataset_name=name)
        there = {str(example.id) for example in client.list_examples(dataset_id=dataset.id)}
    else:
        dataset = client.create_dataset(name, description=description or "Lessons mined from logs by sml-agents")
        there = set()
    new = [example for example in made if example["id"] not in there]
    for start in range(0, len(new), _BATCH):
        client.create_examples(dataset_id=dataset.id, examples=new[start : start + _BATCH])
    return Uploaded(str(dataset.id), len(new), len(made) - len(new))


_NONE = "there is no lesson that was not rejected: make a store of them with `sml-agents mine`"
