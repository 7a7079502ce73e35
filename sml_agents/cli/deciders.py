"""`sml-agents eval --decider`: how well a model knows when to ask, on lessons of one's own logs."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sml_agents.cli.files import open_store
from sml_agents.cli.result import DONE, FAILED, Result
from sml_agents.errors import BackendSpecError, InputError

if TYPE_CHECKING:
    from sml_agents.evaluation.bootstrap import Metric
    from sml_agents.evaluation.deciders import Decider, DeciderReport

COLUMNS = ("asks_when_needed", "needless", "f1", "names_it")


def measure_decider(
    spec: str, lessons: str, *, split: str, threshold: float, samples: int, concurrency: int, seed: int
) -> Result:
    """The decider beside the tolerant rule, always and never asking."""
    from sml_agents.evaluation.deciders import baselines, cases_of, measure

    decider = _decider(spec, samples)
    with open_store(lessons) as store:
        cases = cases_of(store.traces(), None if split == "all" else split)
    reports = measure(
        {"decider": decider, **baselines()},
        cases,
        threshold=threshold,
        concurrency=concurrency,
        seed=seed,
        on_progress=_progress(len(cases)),
    )
    payload = {
        "decider": spec,
        "lessons": lessons,
        "split": split,
        "cases": len(cases),
        "missing": sum(case.missing for case in cases),
        "deciders": {name: report.model_dump(mode="json") for name, report in reports.items()},
    }
    failed = reports["decider"].failed
    return Result(payload, lambda: _print(payload, reports), FAILED if failed else DONE)


def _decider(spec: str, samples: int) -> Decider:
    """`asker:`, a backend spec, or `module:attribute` of a function of a case or an object with `decide`."""
    from sml_agents.evaluation.deciders import CallDecider, ModelDecider

    if spec.startswith("asker:"):
        from sml_agents.evaluation.asker import AskerJudge

        return AskerJudge(spec)
    module, _, name = spec.partition(":")
    if name.isidentifier() and ("." in module or Path(f"{module}.py").exists()):  # else a backend's spec
        try:
            sys.path.insert(0, ".")
            found: Any = getattr(importlib.import_module(module), name)
        except (ImportError, AttributeError) as error:
            raise InputError(f"--decider {spec}: {error}") from error
        if hasattr(found, "decide"):
            return found() if isinstance(found, type) else found  # type: ignore[no-any-return]
        if not callable(found):
            raise InputError(f"--decider {spec} is neither a function of a case nor an object with `decide`")
        return CallDecider(found)
    try:
        return ModelDecider(spec, samples=samples)
    except BackendSpecError as error:
        reason = str(error).rstrip(".")
        raise BackendSpecError(f"{reason}; a decider may also be asker:, asker:FOLDER or MODULE:NAME") from None


def _progress(total: int) -> Any:
    def tell(name: str, done: int) -> None:
        if sys.stderr.isatty():
            print(f"\r{name}: {done:,} of {total:,}", end="\n" if done == total else "", file=sys.stderr, flush=True)

    return tell


def _print(payload: dict[str, Any], reports: dict[str, DeciderReport]) -> None:
    from rich.table import Table
    from rich.text import Text

    from sml_agents.cli.clean import clean
    from sml_agents.cli.screen import make_console

    console = make_console()
    console.print(
        Text(f"{payload['cases']:,} decisions ({payload['split']}), {payload['missing']:,} with something missing")
    )
    table = Table(box=None, pad_edge=False)
    for title in ("who asks", "when needed", "needlessly", "F1", "names it"):
        table.add_column(title, justify="left" if title == "who asks" else "right", no_wrap=True)
    for name, report in reports.items():
        table.add_row(name, *(_cell(getattr(report.at, column), column) for column in COLUMNS))
    console.print(table)
    for name, report in reports.items():
        for error, count in report.errors.items():
            console.print(Text(clean(f"{name} failed in {count:,} cases: {error}"), style="yellow"))
    curve = reports["decider"].curve
    if curve:
        console.print()
        steps = Table(box=None, pad_edge=False)
        for title in ("threshold", "when needed", "needlessly", "F1"):
            steps.add_column(title, justify="right", no_wrap=True)
        for at in curve:
            steps.add_row(f"{at.threshold:.2f}", *(_cell(getattr(at, column), column) for column in COLUMNS[:3]))
        console.print(steps)


def _cell(metric: Metric, column: str) -> str:
    if metric.value is None:
        return "-"
    low, high = metric.low or 0.0, metric.high or 0.0
    if column == "f1":
        return f".{100 * metric.value:02.0f} (.{100 * low:02.0f}-.{100 * high:02.0f})".replace(".100", "1.0")
    return f"{100 * metric.value:.0f} % ({100 * low:.0f}-{100 * high:.0f})"
