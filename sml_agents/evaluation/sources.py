"""Where a report comes from: a trace store, or a folder with `summary.json` and the stores that it names."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING

from sml_agents.errors import InputError
from sml_agents.evaluation.compare import Comparison, Summary
from sml_agents.evaluation.dialogues import Streams, kind_of, model_name
from sml_agents.types import Trace

if TYPE_CHECKING:
    from sml_agents.traces.store import TraceStore

__all__ = ["SUMMARY", "open_source", "student_of"]

SUMMARY = "summary.json"


@contextmanager
def open_source(source: str | Path) -> Iterator[tuple[Summary, Streams]]:
    """The summary of `source` and its dialogues by student, readable while the context is open.

    Raises InputError when there is nothing to report on.
    """
    from sml_agents.traces.store import TraceStore

    is_url = "://" in str(source)
    folder = Path(source)
    with ExitStack() as stack:
        if not is_url and folder.is_dir():
            if not (folder / SUMMARY).is_file():
                raise InputError(f"{folder} holds no {SUMMARY}: name a trace store in it, or evaluate into it first.")
            summary = Summary.read(folder / SUMMARY)
            streams: dict[str, Callable[[], Iterable[Trace]]] = {}
            for student in summary.students:
                paths = [_inside(folder, name) for name in summary.stores.get(student, [])]
                stores = [stack.enter_context(TraceStore.open(path, read_only=True)) for path in paths if path.exists()]
                if stores:
                    streams[student] = partial(_all_of, stores)
            yield summary, streams
            return
        if not is_url and not folder.exists():
            raise InputError(f"There is no trace store or folder at {source}: check the path.")
        store = stack.enter_context(TraceStore.open(str(source), read_only=True))
        comparison = Comparison()
        for trace in store.traces():
            spec = str(trace.tags.get("spec") or kind_of(trace.task))
            comparison.add(student_of(trace), spec, (trace,))
        if not comparison.whole:
            raise InputError(f"{source} holds no finished dialogue yet: run some first.")
        yield comparison.summary(), {name: partial(_those_of, store, name) for name in comparison.whole}


def student_of(trace: Trace) -> str:
    """The name of the student in a trace: its tag `student`, or its model."""
    if name := trace.tags.get("student"):
        return str(name)
    student = trace.settings.get("student")
    return model_name(student.get("model")) if isinstance(student, dict) else "student"


def _inside(folder: Path, name: str) -> Path:
    """A file that a summary names; it may not lead out of the summary's folder."""
    path = (folder / name).resolve()
    if not path.is_relative_to(folder.resolve()):
        raise InputError(f"{folder / SUMMARY} names the store {name!r}, which is outside its folder.")
    return path


def _all_of(stores: list[TraceStore]) -> Iterable[Trace]:
    return chain.from_iterable(store.traces() for store in stores)


def _those_of(store: TraceStore, name: str) -> Iterable[Trace]:
    return (trace for trace in store.traces() if student_of(trace) == name)
