"""The picture in the README: one request before and after training, out of a finished demo.

    python docs/picture.py demo-out docs/before-after.svg [ID]

ID is the `pair` of a task; without one, the first is drawn in which the base model did not ask in its first turn, and
the trained one asked for the missing fact, was told it and solved the task.
"""

from __future__ import annotations

import io
import re
import sys
from collections.abc import Iterator
from pathlib import Path

from rich.console import Console
from rich.rule import Rule

from sml_agents.cli.screen import print_turn
from sml_agents.evaluation.compare import Summary
from sml_agents.traces import TraceStore
from sml_agents.types import Act, Form, Trace

WIDTH = 76


def traces_of(folder: Path, student: str) -> Iterator[Trace]:
    for name in Summary.read(folder / "summary.json").stores[student]:
        with TraceStore.open(folder / name, read_only=True) as store:
            yield from store.traces(form=Form.UNDERSPECIFIED)


def tells_the_story(before: Trace, after: Trace) -> bool:
    asked = after.student_turns[0].act is Act.CLARIFICATION and bool(after.turns[2].reveals)
    return before.student_turns[0].act is not Act.CLARIFICATION and asked and after.solved_at == 2


def draw(before: Trace, after: Trace, out: Path) -> None:
    console = Console(record=True, width=WIDTH, file=io.StringIO(), force_terminal=True, color_system="truecolor")
    print_turn(before.turns[0], 0, console)
    for title, trace in (("before training", before), ("after training", after)):
        console.print()
        console.print(Rule(title, style="bold"))
        students = 0
        for turn in trace.turns[1:4]:
            students += turn.role == "student"
            print_turn(turn, students, console)
    out.parent.mkdir(parents=True, exist_ok=True)
    picture = console.export_svg(title="the same model, the same request")
    out.write_text(re.sub(r"@font-face \{.*?\}", "", picture, flags=re.DOTALL), encoding="utf-8")  # loads nothing


def main() -> int:
    folder, out = Path(sys.argv[1]), Path(sys.argv[2])
    wanted = sys.argv[3] if len(sys.argv) > 3 else None
    before = {trace.task.pair: trace for trace in traces_of(folder, "base")}
    for after in traces_of(folder, "trained"):
        pair = after.task.pair
        if pair in before and (pair == wanted if wanted else tells_the_story(before[pair], after)):
            draw(before[pair], after, out)
            print(f"{out}: pair {pair}")
            return 0
    print(f"no pair in {folder} shows it", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
