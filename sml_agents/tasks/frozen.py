"""Files of tasks as `sml-agents tasks` writes them, one JSON object a line: `tasks:PATH`.

Nothing is drawn or taken out when they are read: the same file gives the same tasks, whatever later releases generate.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice

from pydantic import ValidationError

from sml_agents.errors import complaint
from sml_agents.tasks.rows import read_rows
from sml_agents.tasks.spec import LoadReport, TaskSpec
from sml_agents.types import Task

__all__ = ["make"]


def make(spec: TaskSpec, report: LoadReport) -> Iterator[tuple[Task, ...]]:
    """The tasks of the file in its order, one at a time."""
    return islice(_tasks(spec.arg, report), spec.offset, None)


def _tasks(path: str, report: LoadReport) -> Iterator[tuple[Task, ...]]:
    for row in read_rows(path, report):
        report.read += 1
        try:
            yield (Task.model_validate(row),)
        except ValidationError as error:
            where, wrong = complaint(error)
            report.bad[f"not a task: {where}, {wrong[:1].lower()}{wrong[1:]}"] += 1
