"""For owners of an agent: what its logs can teach, before anything is trained.

    python examples/learn_from_logs.py langgraph:checkpoints.sqlite [--out runs/logs] [--accept-above 0.6]

Imports the conversations, finds the moments in which a question was missing or helped, shows the surest of each kind
with its evidence, and writes the accepted lessons for TRL and as pairs of question and guess.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from sml_agents.data.export import TraceFilter, export
from sml_agents.errors import InputError
from sml_agents.mining import Moment, mine, moment_of
from sml_agents.mining.run import accept_above
from sml_agents.traces import Redactor, TraceStore
from sml_agents.traces.importers import import_logs


def main(logs: str, out: Path, confidence: float) -> None:
    out.mkdir(parents=True, exist_ok=True)
    with TraceStore.open(out / "logs.sqlite", redactor=Redactor(personal=True)) as store:
        report = import_logs(logs, store)
        print(f"{report.imported} conversations, {report.lost} records lost")
        with TraceStore.open(out / "lessons.sqlite") as lessons:
            found = mine(store.traces(), lessons)
            show_surest([moment for trace in lessons.traces() if (moment := moment_of(trace))])
            print(f"\n{accept_above(lessons, confidence)} of {found.moments} lessons accepted")
            for format in ("trl-prompt-completion", "preference"):
                try:
                    written = export(lessons.traces(), format, out / f"{format}.jsonl", TraceFilter(solved=True))
                    print(f"{written.path}: {written.rows} rows")
                except InputError as error:
                    print(f"{format}: {error}")


def show_surest(moments: list[Moment]) -> None:
    kinds = {moment.kind for moment in moments}
    for kind in sorted(kinds):
        of_kind = [moment for moment in moments if moment.kind is kind]
        best = max(of_kind, key=lambda moment: moment.confidence)
        print(f"\n{len(of_kind)} {kind}, the surest ({best.confidence:.0%}, {best.by}):")
        for evidence in best.evidence:
            print(f"  {evidence.quote!r} ({evidence.why})")
        if best.question:
            print(f"  to ask: {best.question}")


if __name__ == "__main__":
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("logs", help="FORMAT:PATH, as for `sml-agents import`")
    options.add_argument("--out", type=Path, default=Path("runs/logs"))
    options.add_argument("--accept-above", type=float, default=0.6)
    given = options.parse_args()
    main(given.logs, given.out, given.accept_above)
