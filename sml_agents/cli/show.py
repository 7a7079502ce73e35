"""`sml-agents show`: read dialogues in the terminal."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Annotated, Any

import typer

from sml_agents.cli.export import members
from sml_agents.cli.files import open_store
from sml_agents.cli.result import JsonFlag, Result

if TYPE_CHECKING:
    from sml_agents.types import Trace

_OTHER_COLUMNS = 50
"""What the list of conversations takes beside requests and the ids of their log."""
_GAP = 2
_OWN = "log's id"
_SHORTEST_REQUEST = 12


def show(
    store: Annotated[str, typer.Argument(metavar="STORE", help="The store: a file or a database URL.")],
    id: Annotated[
        str | None,
        typer.Argument(metavar="ID", help="A dialogue's id, its log's own, or how one begins; without it, a list."),
    ] = None,
    solved: Annotated[bool | None, typer.Option("--solved/--unsolved", help="List only these.")] = None,
    stop: Annotated[
        list[str] | None, typer.Option(metavar="REASON", help="List dialogues that ended so, such as max_turns.")
    ] = None,
    limit: Annotated[int, typer.Option(min=1, max=1_000_000, metavar="N", help="Dialogues in the list at most.")] = 20,
    json: JsonFlag = False,
) -> Result:
    """Read dialogues in the terminal.

    With an ID, the one shown or the one that its log has for it: turns, tool calls, acts and verdicts, the private
    knowledge apart. Without one: a list. Conversations of logs are shown as those of a person and an agent.
    """
    from sml_agents.types import StopReason

    stops = members(StopReason, stop)
    with open_store(store) as traces:
        if id is not None:
            trace = traces.get(id)
            return Result({"trace": trace.model_dump(mode="json")}, lambda: _print(trace))
        counts = traces.counts()
        listed = list(islice(traces.traces(solved=solved, stop=stops), limit))
    rows = [_row(trace) for trace in listed]
    return Result({"finished": counts.finished, "dialogues": rows}, lambda: _print_list(rows, counts.finished))


def _row(trace: Trace) -> dict[str, Any]:
    from sml_agents.cli.screen import when

    return {
        "id": trace.id,
        "family": trace.task.family,
        "form": trace.task.form.value,
        "student_turns": len(trace.student_turns),
        "acts": [turn.act.value if turn.act else None for turn in trace.student_turns],
        "stop": trace.stop.value,
        "solved": trace.solved,
        "solved_at": trace.solved_at,
        "error": str(trace.error or ""),
        "log": trace.is_log,
        "source": trace.source,
        "request": trace.task.prompt,
        "started": when(trace),
        "tool_calls": sum(len(turn.tool_calls or ()) for turn in trace.turns),
    }


def _print(trace: Trace) -> None:
    from sml_agents.cli.screen import make_console, print_trace

    print_trace(trace, make_console())


def _print_list(rows: list[dict[str, Any]], finished: int) -> None:
    from rich.table import Table
    from rich.text import Text

    from sml_agents.cli.clean import clean
    from sml_agents.cli.screen import make_console

    table = Table(box=None, pad_edge=False)
    logs = all(row["log"] for row in rows)
    space = make_console().width - _OTHER_COLUMNS
    longest = max((len(clean(row["source"])) for row in rows if logs), default=0)
    own = min(longest and max(longest, len(_OWN)), max(0, space - _SHORTEST_REQUEST - _GAP))
    cut = {"request": max(_SHORTEST_REQUEST, space - (own and own + _GAP)), _OWN: own}
    titles = ("id", *((_OWN,) if own else ()), "date", "request", "turns", "calls")
    for title in titles if logs else ("id", "task", "turns", "ended"):
        right = title in ("turns", "calls")
        table.add_column(
            title,
            overflow="ellipsis" if title in cut else "fold",
            no_wrap=logs,
            justify="right" if right else "left",
            max_width=cut.get(title),
        )
    for row in rows:
        ended = f"solved in turn {row['solved_at']}" if row["solved_at"] else row["stop"]
        cells = [row["id"], f"{row['family']} {row['form']}", str(row["student_turns"]), ended]
        if logs:
            request = " ".join(row["request"].split())
            names = [row["id"], *([row["source"]] if own else ())]
            cells = [*names, row["started"], request, str(row["student_turns"]), str(row["tool_calls"])]
        table.add_row(*(Text(clean(cell)) for cell in cells))
    console = make_console()
    if rows:
        console.print(table)
    console.print(f"{len(rows)} of {finished} {'conversations' if rows and logs else 'finished dialogues'} shown")
