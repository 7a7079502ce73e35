"""`make demo`: the closed loop on the embedded model, from tasks to a measured model that asks.

requests      an asker: which argument of a tool nobody told; an agent is guarded by it in the end
arithmetic    a student of dialogues: which fact a word problem lacks, and how it goes on once it is told

One module a domain, each with a `run_demo(out, *, seed)` that leaves stores, model, `summary.json` and report in one
folder, goes on where it stopped when the same folder is given again, and returns what `summary.json` holds.
"""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import Any, Literal, get_args

from sml_agents.errors import InputError

__all__ = ["Domain", "check_pairs", "run_demo", "spec_of"]

Domain = Literal["requests", "arithmetic"]
"""What there is a demo of; the module of that name shows it."""


def run_demo(out: Path, domain: Domain = "requests", *, seed: int = 0, pairs: Path | None = None) -> dict[str, Any]:
    """Run the demo of one domain in the folder `out` and return the content of `summary.json`.

    `pairs`: of the demo of requests, a file of others' requests to measure on, too, in rows of `tools-jsonl:`, such as
    When2Call's in two forms. What came of it lies in the folder `pairs` of `out`, and under `pairs` of the result.

    Progress and the table of results go to standard error. Raises InputError for an unknown domain and for a folder
    that holds another demo, and KeyboardInterrupt when stopped: call it again with the same folder to go on.
    """
    if domain not in get_args(Domain):
        raise InputError(f"There is no demo of {domain!r}: choose one of {', '.join(get_args(Domain))}.")
    check_pairs(pairs, domain)
    given = {} if pairs is None else {"pairs": pairs}
    summary: dict[str, Any] = import_module(f"{__name__}.{domain}").run_demo(out, seed=seed, **given)
    return summary


def check_pairs(pairs: Path | None, domain: Domain = "requests") -> None:
    """Raises InputError where `run_demo` could not measure on a file, which it would only say after the training."""
    if pairs is None:
        return
    if domain != "requests":
        raise InputError(f"Pairs of requests are measured by the demo of requests, not by that of {domain}.")
    from sml_agents.tasks import LoadReport, load_tasks

    load_tasks(spec_of(pairs), report=LoadReport())  # what it leaves out is told where it is measured on


def spec_of(pairs: Path) -> str:
    """The task spec of a file of pairs."""
    return f"tools-jsonl:{pairs}?form=paired"
