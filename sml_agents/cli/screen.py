"""How dialogues look in a terminal. What models wrote cannot move the cursor, recolour or reorder the screen."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sml_agents.cli.clean import clean
from sml_agents.types import Role, Trace, Turn, Verdict

if TYPE_CHECKING:
    from rich.console import Console, RenderableType
    from rich.text import Text

NARROW = 20
WIDE = 100
"""Columns of text at most: longer lines are hard to read."""


def make_console() -> Console:
    """A console on the current standard output, at most `WIDE` columns."""
    from rich.console import Console

    console = Console(highlight=False)
    return Console(highlight=False, width=max(NARROW, min(WIDE, console.width)))


def outcome(trace: Trace) -> str:
    """`solved in turn 2`, `not solved (max_turns)`, `failed: ...`."""
    if trace.solved_at is not None:
        return f"solved in turn {trace.solved_at}"
    if trace.error:
        return f"{trace.stop.value}: {clean(str(trace.error))}"
    return f"{'not solved' if trace.solved is False else 'not scored'} ({trace.stop.value})"


def print_trace(trace: Trace, console: Console) -> None:
    """The whole dialogue: public turns first, all private knowledge apart, below."""
    from rich.text import Text

    task = trace.task
    console.print(Text(f"{clean(trace.id)}  {outcome(trace)}", style="bold"))
    source = [clean(task.family), task.form.value, clean(task.split)]
    console.print(Text("  ".join(part for part in source if part), style="dim"))
    number = 0
    for turn in trace.turns:
        number += turn.role is Role.STUDENT
        console.print()
        print_turn(turn, number, console)
    console.print()
    console.print(_private(trace))


def print_turn(turn: Turn, number: int, console: Console) -> None:
    """One public turn; `number` counts student turns from 1."""
    from rich.text import Text

    student = turn.role is Role.STUDENT
    title = f"student {number}" if student else "teacher"
    heading = Text(title, style="bold cyan" if student else "bold magenta")
    if notes := _notes(turn):
        heading.append(f"  {notes}", style="not bold dim")
    console.print(heading)
    print_indented(Text(clean(turn.text) or "(nothing)"), console)


def print_indented(text: Text, console: Console) -> None:
    """Prints `text` two columns in, wrapped, without trailing blanks."""
    for line in text.wrap(console, console.width - 2):
        line.rstrip()
        line.pad_left(2)
        console.print(line)


def _notes(turn: Turn) -> str:
    notes = [turn.act.value if turn.act else ""]
    if turn.verdict is not None:
        notes.append(_verdict(turn.verdict))
    notes.append("written by Q-priming" if turn.primed else "")
    notes.append(f"tells {', '.join(map(clean, turn.reveals))}" if turn.reveals else "")
    notes.append(f"gives the answer away ({clean(turn.leak)})" if turn.leak else "")
    notes.append("masked" if turn.masked else "")
    notes.append("cut off" if turn.finish == "length" else "")
    return "  ".join(note for note in notes if note)


def _verdict(verdict: Verdict) -> str:
    found = "" if verdict.extracted is None else f" ({clean(verdict.extracted)})"
    return f"{verdict.outcome.value}{found}"


def _private(trace: Trace) -> RenderableType:
    """What the student never saw."""
    from rich.panel import Panel
    from rich.text import Text

    private = trace.task.private
    told = {name for turn in trace.turns for name in turn.reveals}
    lines = [f"answer: {private.answer}"]
    lines += [f"{'told' if fact.name in told else 'untold'}: {fact.statement}" for fact in private.facts]
    if private.solution:
        lines.append(f"solution: {private.solution}")
    for number, turn in enumerate(trace.student_turns, start=1):
        if turn.verdict is not None and turn.verdict.diagnosis:
            lines.append(f"diagnosis of turn {number}: {turn.verdict.diagnosis}")
        if turn.replaced is not None:
            lines.append(f"replaced in turn {number}: {turn.replaced}")
    text = Text("\n").join(Text(clean(line)) for line in lines)
    return Panel(text, title="private: the student never saw this", title_align="left", border_style="yellow")
