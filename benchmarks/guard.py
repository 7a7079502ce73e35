"""The guard against a model that fills in what it was not told: 300 scripted conversations over 12 tools.

    python benchmarks/guard.py --seed 31 --out benchmarks/results/guard.json      seeds stand beside one another
    python benchmarks/guard.py --n 60 --delivery interrupt --sync
    python benchmarks/guard.py --seed 33 --share               each setting holds a part of the conversations
    python benchmarks/guard.py --delivery none --sync          the same agent without the guard

Every conversation runs through `create_agent` with a real chat model client, an OpenAI-compatible server on the
loopback and an SQLite checkpointer that is closed and opened again, with a new agent, before each of the person's
turns; with `--restart` the turns are held by processes of their own. What is counted does not use the guard's
comparison: each script knows the true value of each argument, and whether the person has told it.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import tempfile
from collections import Counter
from collections.abc import Iterable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent))
from typing import NotRequired

from guard_scripts import HOME, NOW, RAN, Request, Script, reply, scripts, served, tools_for
from langchain.agents import create_agent
from langchain.agents.middleware import AgentState
from langgraph.checkpoint.sqlite import SqliteSaver
from langgraph.checkpoint.sqlite.aio import AsyncSqliteSaver
from langgraph.types import Command
from shares import share

from sml_agents.agents import ClarifyMiddleware
from sml_agents.agents.asking import asked_by
from sml_agents.backends import resolve

DELIVERIES = ("end_turn", "interrupt", "tool")
MOST_TURNS = 6
DECIDER: list[str | None] = [None]
"""Who asks beside the guard: `asker:`, or nobody but the model itself."""


class Profile(AgentState[Any]):
    profile: NotRequired[dict[str, Any]]


@dataclass
class Outcome:
    """What became of one request."""

    kind: str
    tool: str
    complete: bool
    cancelled: bool
    ran: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    right: bool = False
    wrong: bool = False
    """A guarded call ran that is not the true one, or ran although the person had withdrawn."""
    questions: int = 0
    log: list[str] = field(default_factory=list)


def build(script: Script, url: str, delivery: Any, saver: Any) -> Any:
    read_only = ["find_contact", "find_order"]
    if delivery == "none":
        guard = []
    else:
        guard = [ClarifyMiddleware(DECIDER[0], delivery=delivery, read_only=read_only, now=NOW)]
    return create_agent(
        resolve(f"openai:stubborn@{url}"),
        tools_for(script.name),
        system_prompt=f"You are an assistant. Conversation {script.name}.",
        middleware=guard,
        state_schema=Profile,
        checkpointer=saver,
    )


def step(script: Script, url: str, delivery: str, asynchronous: bool, path: str, given: Any) -> dict[str, Any]:
    """One turn of the person, on an agent and a checkpointer of its own."""
    config: Any = {"configurable": {"thread_id": script.name}, "recursion_limit": 60}

    async def held() -> Any:
        async with AsyncSqliteSaver.from_conn_string(path) as saver:
            return await build(script, url, delivery, saver).ainvoke(given, config)

    if asynchronous:
        state = asyncio.run(held())
    else:
        with SqliteSaver.from_conn_string(path) as saver:
            state = build(script, url, delivery, saver).invoke(given, config)
    pauses = [pause.value for pause in state.get("__interrupt__", ())]
    asked = [question.about for question in asked_by(state["messages"][-1])]
    return {"pauses": pauses, "asked": asked, "ran": RAN.pop(script.name, []), "last": state["messages"][-1].text}


def talk(script: Script, url: str, delivery: str, asynchronous: bool, path: str, pool: Any = None) -> list[Outcome]:
    """Hold one conversation."""
    outcomes = []
    for request in script.requests:
        outcome = Outcome(script.kind, request.tool, request.complete, request.cancels)
        given: Any = {"messages": [{"role": "user", "content": request.text()}], "profile": {"address": HOME}}
        withdrawn = False
        for _ in range(MOST_TURNS):
            arguments = (script, url, delivery, asynchronous, path, given)
            done = step(*arguments) if pool is None else pool.submit(step, *arguments).result()
            said = given.resume if isinstance(given, Command) else given["messages"][0]["content"]
            outcome.log.append(f"{said} -> {done['last']} {done['asked']} {done['ran']}")
            outcome.ran += done["ran"]
            outcome.wrong |= withdrawn and bool(done["ran"])
            if not done["asked"]:
                break
            outcome.questions += 1
            words = reply(request, done["asked"], outcome.questions)
            withdrawn = withdrawn or request.cancels
            given = resumed(words, done, delivery)
        truth = request.truth()
        outcome.right = any(right(request, truth, one) for one in outcome.ran)
        outcome.wrong |= any(not right(request, truth, one) for one in outcome.ran)
        outcomes.append(outcome)
    return outcomes


def resumed(words: Any, done: dict[str, Any], delivery: str) -> Any:
    """The person's answer as the delivery takes it."""
    if delivery == "end_turn":
        text = words if isinstance(words, str) else ", ".join(words.values())
        return {"messages": [{"role": "user", "content": text}]}
    if isinstance(words, str):
        return Command(resume=words)
    paths = [question["path"] for question in done["pauses"][0]["questions"]]
    if not any(paths):  # `ask_user` knows its questions by their text
        return Command(resume=[words.get(path, "") for path in done["asked"]])
    return Command(resume={"answers": words})


def right(request: Request, truth: dict[str, Any], ran: tuple[str, dict[str, Any]]) -> bool:
    name, arguments = ran
    return name == request.tool and all(plain(arguments.get(key)) == plain(value) for key, value in truth.items())


def plain(value: Any) -> str:
    """One form for the ways in which a tool gets a date: the text, and pydantic's object as text."""
    text = json.dumps(value, sort_keys=True, default=str)
    return text.replace("T", " ").casefold()


def figures(outcomes: Iterable[Outcome]) -> dict[str, Any]:
    """Shares with 95 % Wilson intervals."""
    found = list(outcomes)
    complete = [one for one in found if one.complete]
    lacking = [one for one in found if not one.complete and not one.cancelled]
    return {
        "requests": len(found),
        "wrong_calls": sum(one.wrong for one in found),
        "complete_right": share(one.right for one in complete),
        "incomplete_right": share(one.right for one in lacking),
        "needless": share(one.questions > 0 for one in complete),
        "most_questions": max((one.questions for one in found), default=0),
        "cancelled_and_run": sum(bool(one.ran) for one in found if one.cancelled),
        "by_kind": dict(Counter(one.kind for one in found if not one.cancelled and not one.right)),
    }


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--n", type=int, default=300)
    options.add_argument("--seed", type=int, default=0)
    options.add_argument("--delivery", choices=(*DELIVERIES, "none"), action="append")
    options.add_argument("--sync", action="store_true", help="synchronous runs only")
    options.add_argument("--share", action="store_true", help="each setting holds a part of the conversations")
    options.add_argument("--restart", action="store_true", help="each turn in a process of its own")
    options.add_argument("--decider", help="who asks beside the guard, such as asker:")
    options.add_argument("--out", type=Path)
    options.add_argument("--show", type=int, default=0, help="print so many conversations that went wrong")
    given = options.parse_args()
    DECIDER[0] = given.decider
    made = scripts(given.n, given.seed)
    table: dict[str, Any] = {}
    ways = (False,) if given.sync else (False, True)
    settings = [(delivery, asynchronous) for delivery in given.delivery or DELIVERIES for asynchronous in ways]
    everything: list[Outcome] = []
    with served(made) as url, tempfile.TemporaryDirectory() as folder:
        for number, (delivery, asynchronous) in enumerate(settings):
            name = f"{delivery} {'async' if asynchronous else 'sync'}"
            path = str(Path(folder, f"{name}.sqlite"))
            outcomes: list[Outcome] = []
            size = -(-len(made) // len(settings))
            for script in made[number * size : (number + 1) * size] if given.share else made:
                if given.restart:
                    with ProcessPoolExecutor(1) as pool:
                        outcomes += talk(script, url, delivery, asynchronous, path, pool)
                else:
                    outcomes += talk(script, url, delivery, asynchronous, path)
            table[name] = figures(outcomes)
            everything += outcomes
            print(name, json.dumps(table[name]), flush=True)
            bad = [
                one
                for one in outcomes
                if one.wrong or (not one.right and not one.cancelled) or (one.complete and one.questions)
            ]
            for one in bad[: given.show]:
                print(
                    f"  {one.kind} {one.tool} wrong={one.wrong} complete={one.complete}\n    " + "\n    ".join(one.log)
                )
    if given.share:
        table["together"] = figures(everything)
        print("together", json.dumps(table["together"]), flush=True)
    if given.out:
        given.out.parent.mkdir(parents=True, exist_ok=True)
        kept = json.loads(given.out.read_text(encoding="utf-8")) if given.out.is_file() else {}
        kept[f"seed {given.seed}"] = {"conversations": given.n, **table}
        given.out.write_text(json.dumps(dict(sorted(kept.items())), indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
