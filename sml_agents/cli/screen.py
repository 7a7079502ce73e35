"""How dialogues look in a terminal. What models wrote cannot move the cursor, recolour or reorder the screen."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from sml_agents.cli.clean import clean
from sml_agents.text.schemas import parameters_of, properties_of, required_of
from sml_agents.types import Role, ToolCall, Trace, Turn, Verdict

if TYPE_CHECKING:
    from rich.console import Console, RenderableType
    from rich.text import Text

NARROW = 20
LONGEST_RESULT = 400
"""Characters of what a tool returned that are shown."""
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
    """The whole dialogue: public turns first, all private knowledge apart, below. A log has none."""
    from rich.text import Text

    task, log = trace.task, trace.is_log
    console.print(Text(f"{clean(trace.id)}  {_ended(trace) if log else outcome(trace)}", style="bold"))
    source = [clean(task.family), "" if log else task.form.value, clean(task.split)]
    if log:
        source += [when(trace), clean(trace.source)]
    console.print(Text("  ".join(part for part in source if part), style="dim"))
    if trace.system or trace.tools:
        console.print()
        print_agent(trace, console)
    number = 0
    for turn in trace.turns:
        number += turn.role is Role.STUDENT
        console.print()
        print_turn(turn, number, console, log=log)
    for review in trace.tags.get("reviews", ()) if log else ():
        console.print()
        print_indented(Text(clean(_reviewed(review)), style="yellow"), console)
    if not log:
        console.print()
        console.print(_private(trace))


def print_agent(trace: Trace, console: Console, *, longest: int | None = None) -> None:
    """The system prompt and the tools of the agent: what it knew before a word was said.

    Args:
        trace: a dialogue of the agent's; what it does not know of the two has no line.
        longest: characters of the prompt that are shown; None for all.
    """
    from rich.text import Text

    if trace.system:
        console.print(Text("system", style="bold green"))
        cut = len(trace.system) - (longest or len(trace.system))
        more = f" ... ({cut:,} more characters: sml-agents show STORE {trace.id})" if cut > 0 else ""
        print_indented(Text(clean(trace.system[:longest] + more)), console)
    if trace.tools:
        console.print(Text("tools", style="bold green"))
        for name, schema in parameters_of(trace.tools).items():
            print_indented(Text(clean(f"{name}({_signature(schema)})"), style="dim"), console)


def _signature(schema: Mapping[str, Any]) -> str:
    """The arguments of a tool: `day, guests?`, where a mark says that it may be left out."""
    needed = required_of(schema)
    return ", ".join(name if name in needed else f"{name}?" for name in properties_of(schema))


def when(trace: Trace) -> str:
    """When a recorded conversation began, to the minute; empty when that is not known."""
    return str(trace.tags.get("started") or "").replace("T", " ")[:16]


def _ended(trace: Trace) -> str:
    return clean(str(trace.error)) if trace.error else ""


def _reviewed(review: Any) -> str:
    words = f", saying {review['words']!r}" if review.get("words") else ""
    drafted = f", drafted as {arguments(review['proposed'])}" if review.get("decision") == "edit" else ""
    return f"a reviewer's decision on {review.get('name')}: {review.get('decision')}{drafted}{words}"


def print_turn(turn: Turn, number: int, console: Console, *, log: bool = False) -> None:
    """One public turn with its tool calls; `number` counts student turns from 1. In a `log` person and agent speak."""
    from rich.text import Text

    student = turn.role is Role.STUDENT
    title = ("agent" if log else "student") + f" {number}" if student else ("person" if log else "teacher")
    heading = Text(title, style="bold cyan" if student else "bold magenta")
    if notes := _notes(turn, log):
        heading.append(f"  {notes}", style="not bold dim")
    console.print(heading)
    for call in turn.tool_calls or ():
        print_call(call, console)
    if turn.text or not turn.tool_calls:
        print_indented(Text(clean(turn.text) or "(nothing)"), console)


def print_call(call: ToolCall, console: Console) -> None:
    """A tool call with its arguments, and what came back."""
    from rich.text import Text

    print_indented(Text(clean(f"{call.name}({arguments(call.arguments)})"), style="blue"), console)
    if call.result is not None:
        told = call.result if len(call.result) <= LONGEST_RESULT else f"{call.result[:LONGEST_RESULT]} ..."
        print_indented(Text(clean(f"-> {told}"), style="dim"), console)


def arguments(given: Mapping[str, Any]) -> str:
    """Arguments as a call has them: `city="Rome", guests=4`."""
    return ", ".join(f"{name}={json.dumps(value, ensure_ascii=False, default=str)}" for name, value in given.items())


def print_indented(text: Text, console: Console) -> None:
    """Prints `text` two columns in, wrapped, without trailing blanks."""
    for line in text.wrap(console, console.width - 2):
        line.rstrip()
        line.pad_left(2)
        console.print(line)


def _notes(turn: Turn, log: bool) -> str:
    notes = [turn.act.value if turn.act else ""]
    if log:
        return "  ".join([*(note for note in notes if note), *(["put here by mining"] if turn.primed else [])])
    if turn.verdict is not None:
        notes.append(_verdict(turn.verdict, read=not turn.tool_calls))
    notes.append("written by Q-priming" if turn.primed else "")
    notes.append(f"tells {', '.join(map(clean, turn.reveals))}" if turn.reveals else "")
    notes.append(f"gives the answer away ({clean(turn.leak)})" if turn.leak else "")
    notes.append("masked" if turn.masked else "")
    notes.append("cut off" if turn.finish == "length" else "")
    return "  ".join(note for note in notes if note)


def _verdict(verdict: Verdict, read: bool) -> str:
    """With the answer that was read, unless that is the calls, which are shown anyway."""
    found = f" ({clean(verdict.extracted)})" if read and verdict.extracted is not None else ""
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
