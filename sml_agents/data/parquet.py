"""A folder that `datasets.load_dataset` reads: Parquet with a dataset card."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

from sml_agents.errors import InputError, MissingExtra
from sml_agents.files import whole_file
from sml_agents.text.markdown import markdown_table

__all__ = ["check_folder", "dataset_card", "write_rows"]

DATA = Path("data") / "train-00000-of-00001.parquet"
_MADE_BY = "<!-- written by sml-agents -->"
_BATCH = 2000


def check_folder(folder: Path) -> None:
    """Refuse a file, and a folder whose card somebody else wrote.

    Raises:
        InputError: naming what is in the way.
    """
    if folder.suffix in (".parquet", ".jsonl") or folder.is_file():
        raise InputError(f"{folder}: the parquet format writes a folder (data and a dataset card); give a folder name")
    card = folder / "README.md"
    if card.exists() and _MADE_BY not in card.read_text(encoding="utf-8", errors="replace"):
        raise InputError(f"{card} was not written by an export and would be lost; give another folder")


def write_rows(rows: Iterable[dict[str, Any]], folder: Path, card: Callable[[], str]) -> int:
    """Write `rows`, then the text of `card()`, to `folder`; returns the number of rows.

    Nothing appears in the folder until all rows have been read; with no row nothing appears at all.
    """
    try:
        import pyarrow as pa
        import pyarrow.parquet as pq
    except ImportError as error:
        raise MissingExtra("Writing Parquet", "parquet") from error
    text = pa.string()
    message = pa.struct(
        {
            "role": text,
            "content": text,
            "act": text,
            "outcome": text,
            "taken": pa.bool_(),
            "primed": pa.bool_(),
            # Arguments as a JSON text: those of unlike tools have no schema in common.
            "tool_calls": pa.list_(pa.struct(dict.fromkeys(("id", "name", "arguments", "result"), text))),
        }
    )
    schema = pa.schema(
        {
            "id": text,
            "task": text,
            "sample": pa.int32(),
            "family": text,
            "form": text,
            "split": text,
            "solved": pa.bool_(),
            "solved_at": pa.int32(),
            "stop": text,
            "tools": text,  # a JSON text, as arguments are
            "messages": pa.list_(message),
        }
    )
    written = 0
    remaining = iter(rows)
    with whole_file(folder / DATA) as partial:
        with pq.ParquetWriter(partial, schema, compression="zstd") as writer:
            while batch := list(islice(remaining, _BATCH)):
                writer.write_table(pa.Table.from_pylist(batch, schema=schema))
                written += len(batch)
        if not written:
            raise EOFError
        with whole_file(folder / "README.md") as readme:
            readme.write_text(card(), encoding="utf-8")
    return written


def dataset_card(
    *,
    name: str,
    licence: str,
    rows: int,
    tables: dict[str, dict[str, int]],
    leaks: tuple[int, int],
    filters: str,
    logs: int = 0,
    times: Sequence[str] = (),
    sha256: str = "",
) -> str:
    """The README.md of the folder.

    Args:
        tables: heading to counts, such as `{"Turn acts": {"clarification": 12}}`.
        leaks: teacher turns from which the answer can be read off, and all teacher turns.
        logs: how many of the rows are conversations of agents with persons.
        times: when the first of these began and the last ended.
        sha256: of the rows.
    """
    leaking, teacher_turns = leaks
    rate = f"{leaking / teacher_turns:.2%} ({leaking} of {teacher_turns})" if teacher_turns else "unknown"
    dialogues = rows - logs
    about = []
    if logs:
        about.append(
            f"{logs:,} conversations of an agent (`assistant`) with a person (`user`), recorded or imported from logs"
            f"{f' between {times[0]} and {times[-1]}' if times else ''}. Known patterns of secrets were taken out as "
            "they were stored; whatever else persons said is in the data."
        )
    if dialogues:
        about.append(
            f"{dialogues:,} dialogues between a student (`assistant`) and a teacher (`user`) who knows more than the "
            "student is told. The teacher's private knowledge is not in the data."
        )
    about.append(
        "A message with `taken` was selected for training by the filter; its `tool_calls` are what was called before "
        "it was said, and `tools` is a JSON text of what could be called."
    )
    facts = [f"- Filter: {filters}", f"- SHA-256 of the rows as JSON lines: {sha256}"]
    if dialogues:
        facts.append(f"- Leak rate (share of teacher turns from which the answer can be read off): {rate}")
    from huggingface_hub import DatasetCardData

    about_data = DatasetCardData(
        pretty_name=name,
        license=licence,
        task_categories=["text-generation"],
        tags=["social-meta-learning", "clarifying-questions", "multi-turn"],
        configs=[{"config_name": "default", "data_files": [{"split": "train", "path": "data/*.parquet"}]}],
    )
    lines = [
        "---",
        about_data.to_yaml(),
        "---",
        _MADE_BY,
        "",
        f"# {name}",
        "",
        " ".join(about),
        "",
        *facts,
        "",
    ]
    for heading, counts in tables.items():
        ordered = sorted(counts.items(), key=lambda one: -one[1])
        lines += [f"## {heading}", "", markdown_table(("", "n"), [(label, f"{n:,}") for label, n in ordered]), ""]
    return "\n".join(lines)
