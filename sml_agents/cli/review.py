"""`sml-agents review`: a person decides which lessons are trained on."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from sml_agents.cli.files import open_store
from sml_agents.cli.result import JsonFlag, Result, kept

if TYPE_CHECKING:
    from rich.console import Console

    from sml_agents.mining import Moment
    from sml_agents.types import Trace

_LONGEST_PROMPT = 1_500
"""Characters of the agent's system prompt that are shown with a lesson."""
_KEYS = {"accept": "a", "reject": "r", "question": "q", "answer": "w", "skip": "s", "h": "?", "help": "?"}
"""Words that may be typed in place of a letter."""
_HELP = "[a]ccept  [r]eject  [q] edit the question  [w] edit the answer  [s]kip  /quit"


def review(
    store: Annotated[str, typer.Argument(metavar="STORE", help="The store that `sml-agents mine` wrote.")],
    accept_above: Annotated[
        float | None, typer.Option(min=0, max=1, metavar="C", help="Accept all that are at least this sure, unseen.")
    ] = None,
    kind: Annotated[list[str] | None, typer.Option(metavar="KIND", help="Only these, such as corrected.")] = None,
    again: Annotated[bool, typer.Option("--again", help="Also those that were decided before.")] = False,
    json: JsonFlag = False,
) -> Result:
    """Accept, reject or edit mined lessons before training.

    Shows one after the other with its evidence, the least sure first, under the agent's system prompt and tools where
    they are others than before, and reads a decision from the terminal or a pipe.
    Each decision is kept at once; end with /quit or Ctrl-D and go on later.
    """
    from sml_agents.cli.export import members
    from sml_agents.mining import Kind
    from sml_agents.mining.run import accept_above as accept

    kinds = members(Kind, kind)
    told = kept("each decision is kept, and the same command goes on")
    with told, open_store(store, write=True, create=False) as lessons:
        _refuse_other_stores(lessons, store)
        now = {"accepted": 0, "rejected": 0}
        if accept_above is not None:
            now["accepted"] = accept(lessons, accept_above, kinds)
        else:
            _ask_all(lessons, _waiting(lessons, kinds, again), now)
        counts = _count(lessons)
    return Result({"store": store, **counts, "now": now}, lambda: _print(counts, now))


def _refuse_other_stores(lessons: Any, store: str) -> None:
    from sml_agents.errors import InputError
    from sml_agents.mining import moment_of

    if lessons.finished() and not any(moment_of(trace) for trace in lessons.traces()):
        raise InputError(
            f"{store} holds dialogues and no lesson: give the store that `sml-agents mine {store} --store FILE` writes"
        )


def _waiting(lessons: Any, kinds: Any, again: bool) -> list[tuple[float, str]]:
    """Confidence and id; the traces are read one at a time."""
    from sml_agents.mining import moment_of

    found = []
    for trace in lessons.traces():
        moment = moment_of(trace)
        if moment is None or (moment.review != "open" and not again) or (kinds and moment.kind not in kinds):
            continue
        found.append((moment.confidence, trace.id))
    return sorted(found)


def _ask_all(lessons: Any, waiting: list[tuple[float, str]], now: dict[str, int]) -> None:
    """Asks about one lesson after the other, and counts up in `now` what is decided."""
    from sml_agents.cli.clean import clean
    from sml_agents.cli.screen import make_console
    from sml_agents.cli.talk import Ended, read_line
    from sml_agents.errors import InputError
    from sml_agents.mining import decide, moment_of

    console = make_console()
    agent: Any = None
    with suppress(Ended):
        for number, (_, id) in enumerate(waiting, start=1):
            version, trace = lessons.version_of(id), lessons.get(id)
            moment = moment_of(trace)
            assert moment is not None
            before, agent = agent, (trace.system, trace.tools)
            _show(trace, moment, f"{number} of {len(waiting)}", console, with_agent=agent != before)
            edits: dict[str, str] = {}
            while True:
                choice = read_line("a/r/q/w/s> ")
                if choice is None:
                    return
                try:
                    match _KEYS.get(choice.casefold(), choice.casefold()):
                        case "a" | "r" as which:
                            decision: Literal["accepted", "rejected"] = "accepted" if which == "a" else "rejected"
                            decided = decide(trace, decision, **(edits if which == "a" else {}))
                            if not lessons.replace(decided, version):
                                console.print("somebody else has decided on it: left as it is now", markup=False)
                            else:
                                now[decision] += 1
                        case "s":
                            pass
                        case "q" | "w" as which:
                            text = read_line("question> " if which == "q" else "answer> ")
                            if text is None:
                                return
                            edits["question" if which == "q" else "answer"] = text
                            continue
                        case "?":
                            console.print(_HELP, markup=False)
                            continue
                        case _:
                            console.print(f"there is no key {clean(choice)[:20]!r}; the keys are:", markup=False)
                            console.print(_HELP, markup=False)
                            continue
                except InputError as error:
                    edits.clear()
                    console.print(str(error), markup=False)
                    continue
                break


def _show(trace: Trace, moment: Moment, place: str, console: Console, *, with_agent: bool) -> None:
    from rich.text import Text

    from sml_agents.cli.clean import clean
    from sml_agents.cli.screen import print_agent, print_call, print_indented, print_turn, when
    from sml_agents.data.pairs import replaced_calls
    from sml_agents.types import Role

    console.print()
    heading = f"{place}  {moment.kind}  {moment.confidence:.0%} sure  {moment.by}, {moment.outcome_by}"
    console.print(Text(heading, style="bold"))
    if about := "  ".join(part for part in (when(trace), clean(trace.source)) if part):
        console.print(Text(about, style="dim"))
    if with_agent:
        lacks = [what for what, known in (("system prompt", trace.system), ("tools", trace.tools)) if not known]
        print_agent(trace, console, longest=_LONGEST_PROMPT)
        if lacks:
            console.print(Text(f"not known of the agent: its {' and its '.join(lacks)}", style="dim"))
    number = 0
    for turn in trace.turns[-6:]:
        number += turn.role is Role.STUDENT
        print_turn(turn, number, console, log=True)
        if turn.primed:
            print_indented(Text(clean(f"in place of: {turn.replaced}"), style="dim"), console)
            for call in replaced_calls(trace):
                print_call(call, console)
    for one in moment.evidence:
        print_indented(Text(clean(f"because: {one.quote!r} ({one.why})"), style="yellow"), console)
    console.print(_HELP, markup=False)


def _count(lessons: Any) -> dict[str, int]:
    from collections import Counter

    found = Counter(known.solved for known in lessons.finished().values())
    return {"accepted": found[True], "rejected": found[False], "open": found[None]}


def _print(counts: dict[str, int], now: dict[str, int]) -> None:
    print(f"now: {now['accepted']:,} accepted, {now['rejected']:,} rejected")
    print(f"in all: {counts['accepted']:,} accepted, {counts['rejected']:,} rejected, {counts['open']:,} open")
