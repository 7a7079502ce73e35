"""A user's own data: `jsonl:PATH` and `hf:NAME_OR_PATH`, with the columns that the user names.

Keys: prompt and answer (needed), solution (a worked solution: lets the rules find which numbers are needed, so the
other forms need it), verifier (`math`). `a.b` names a nested column. hf also takes subset and split; it reads local
.jsonl, .json, .csv and .parquet files and saved data set folders as well as names on the hub, always as a stream.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from sml_agents.errors import MissingExtra, TaskSpecError, one_line
from sml_agents.tasks.rows import column, read_rows, text_in
from sml_agents.tasks.spec import LoadReport, TaskSpec
from sml_agents.tasks.static.gsm8k import compact_solution, final_answer
from sml_agents.tasks.static.problems import StaticProblem, make_tasks, no_column
from sml_agents.types import Task

__all__ = ["make"]

_FORMATS = {".jsonl": "json", ".json": "json", ".csv": "csv", ".parquet": "parquet"}


def make(spec: TaskSpec, report: LoadReport) -> Iterator[tuple[Task, ...]]:
    rows = _counted(read_rows(spec.arg, report) if spec.family == "jsonl" else _dataset(spec), report)
    return make_tasks(_problems(rows, spec, report), spec, report)


def _counted(rows: Iterable[Mapping[str, Any]], report: LoadReport) -> Iterator[Mapping[str, Any]]:
    for row in rows:
        report.read += 1
        yield row


def _problems(rows: Iterable[Mapping[str, Any]], spec: TaskSpec, report: LoadReport) -> Iterator[StaticProblem]:
    prompt_column, answer_column = spec.extra["prompt"], spec.extra["answer"]
    solution_column = spec.extra.get("solution", "")
    split = spec.extra.get("split", "")
    for index, row in enumerate(rows):
        if index == 0 and (missing := [name for name in (prompt_column, answer_column) if column(row, name) is None]):
            raise no_column(spec.family, missing, row)
        prompt, answer = text_in(row, prompt_column), text_in(row, answer_column)
        if not prompt or not answer:
            report.bad["no prompt or no answer"] += 1
            continue
        worked = text_in(row, solution_column) if solution_column else ""
        if short := final_answer(answer):
            worked, answer = worked or answer, short
        solution = compact_solution(worked, answer) if "<<" in worked else worked
        verifier = spec.extra.get("verifier", "math")
        yield StaticProblem(prompt, answer, solution, worked, verifier=verifier, split=split)


def _dataset(spec: TaskSpec) -> Iterable[Mapping[str, Any]]:
    try:
        import datasets
    except ImportError as error:
        raise MissingExtra("hf: task specs", "tasks") from error
    name, subset, split = spec.arg, spec.extra.get("subset"), spec.extra.get("split", "train")
    path = Path(name).expanduser()
    try:
        if path.is_file() and path.suffix in _FORMATS:
            found = datasets.load_dataset(_FORMATS[path.suffix], data_files=str(path), split="train", streaming=True)
        elif (path / "dataset_dict.json").is_file():
            found = datasets.load_from_disk(str(path))[split]
        elif (path / "state.json").is_file():
            found = datasets.load_from_disk(str(path))
        else:
            found = datasets.load_dataset(name, subset, split=split, streaming=True)
    except (OSError, ValueError, KeyError, RuntimeError) as error:
        reason = one_line(error, 200) or type(error).__name__
        raise TaskSpecError(f"The data set {name!r} (split {split!r}) cannot be loaded: {reason}") from error
    rows: Iterable[Mapping[str, Any]] = found
    return rows
