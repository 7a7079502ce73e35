"""The guard's comparison on requests written by others: does it ask where something is missing, and only there?

    python benchmarks/guard_data.py --data FOLDER --out benchmarks/results/guard_data.json

FOLDER holds `when2call_pairs.jsonl` (NVIDIA When2Call: the same tools, a request that lacks one argument and one that
has it) and `sgd/*.jsonl` (decisions out of the Schema-Guided Dialogue data). The drafted call of both forms of a pair
is its `gold_call`; of an SGD turn that asks, the call holds another row's value for each missing argument (seed 0).
Beside the guard stand always and never asking, and a comparison by letter. 95 % Wilson intervals over requests.
"""

from __future__ import annotations

import argparse
import asyncio
import datetime as dt
import json
import random
import sys
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent))
from guard import share
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, ToolCall

from sml_agents.agents.asker import AskerDecider
from sml_agents.agents.asking import Question, Told
from sml_agents.agents.evidence import Request
from sml_agents.agents.grounding import as_told, ground
from sml_agents.agents.slots import filled, slots_of
from sml_agents.agents.view import AgentView
from sml_agents.text.values import Clock

Rule = Callable[[Any, dict[str, Any], Sequence[BaseMessage], Clock], list[str]]
"""Names of the arguments that would be asked for."""


def rules(tool: Any, arguments: dict[str, Any], messages: Sequence[BaseMessage], clock: Clock) -> list[str]:
    """The guard."""
    return asyncio.run(asked_with(None, tool, arguments, messages, clock))


async def asked_with(
    decider: AskerDecider | None, tool: Any, arguments: Mapping[str, Any], messages: Sequence[BaseMessage], clock: Clock
) -> list[str]:
    """The arguments that the guard asks for, as the middleware decides it; with a decider beside the rules."""
    request = Request.read(messages, lambda name: name == tool["name"]).for_tool(tool["name"])
    grounds = ground(arguments, slots_of(tool), request, clock)
    asked: list[str] = []
    if decider is not None:
        call = ToolCall(name=tool["name"], args=dict(arguments), id="1")
        proposed = await decider.questions(AgentView(messages, (call,), True, {tool["name"]: tool}, {"1": grounds}))
        asked = [one.about for one in proposed if isinstance(one, Question)]
        grounds = as_told(grounds, {one.about: one.words for one in proposed if isinstance(one, Told)}, request, clock)
    return [*asked, *(one.slot.name for one in grounds if not one.ok)]


def by_letter(tool: Any, arguments: dict[str, Any], messages: Sequence[BaseMessage], clock: Clock) -> list[str]:
    """A value counts if it stands in the conversation letter by letter, whatever its case."""
    text = "\n".join(message.text for message in messages).casefold()
    fills = filled(slots_of(tool), arguments)
    return [fill.slot.name for fill in fills if not fill.given or str(fill.value).casefold() not in text]


def always(tool: Any, arguments: dict[str, Any], messages: Sequence[BaseMessage], clock: Clock) -> list[str]:
    return [slot.name for slot in slots_of(tool)]


def never(tool: Any, arguments: dict[str, Any], messages: Sequence[BaseMessage], clock: Clock) -> list[str]:
    return []


RULES: dict[str, Rule] = {"guard": rules, "by letter": by_letter, "always": always, "never": never}


def rows(path: Path) -> list[Any]:
    with path.open(encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


def when2call(folder: Path, rule: Rule) -> dict[str, Any]:
    """The pairs; no clock is known, so relative dates ground nothing and weekdays are compared as such."""
    clock = Clock(dt.datetime(2023, 10, 1), known=False)
    asks, needless, names = [], [], []
    for row in rows(folder / "when2call_pairs.jsonl"):
        call = row["gold_call"]
        tool = next(tool for tool in row["tools"] if tool["name"] == call["name"])
        missing = rule(tool, call["arguments"], [HumanMessage(row["request_missing"])], clock)
        asks.append(bool(missing))
        names.append(row["missing_param"] in missing)
        needless.append(bool(rule(tool, call["arguments"], [HumanMessage(row["request_complete"])], clock)))
    return {"asks": share(asks), "needless": share(needless), "names": share(names)}


def sgd(path: Path, rule: Rule, most: int | None = None) -> dict[str, Any]:
    """First and later turns, tools with a required argument; the clock is that of the data, 1 March 2019.

    `most`: so many rows of each kind, the first ones.
    """
    clock = Clock(dt.datetime(2019, 3, 1))
    found = rows(path)
    pool = defaultdict(list)
    for row in found:
        for name, value in [*row.get("known", {}).items(), *row.get("call", {}).get("arguments", {}).items()]:
            pool[name].append(value)
    chance = random.Random(0)
    hits: dict[str, list[bool]] = defaultdict(list)
    for row in found:
        if not row["tool"]["parameters"]["required"] or row["label"] not in ("ask", "call"):
            continue
        if row["label"] == "call":
            arguments = row["call"]["arguments"]
        else:
            arguments = {**row["known"], **{name: chance.choice(pool[name] or ["x"]) for name in row["missing"]}}
        name = f"{'first' if row['first_turn'] else 'later'}, {'asks' if row['label'] == 'ask' else 'needless'}"
        if most is None or len(hits[name]) < most:
            hits[name].append(bool(rule(row["tool"], arguments, talk(row["messages"]), clock)))
    return {name: share(values) for name, values in sorted(hits.items())}


def talk(messages: Iterable[dict[str, str]]) -> list[BaseMessage]:
    return [HumanMessage(m["content"]) if m["role"] == "user" else AIMessage(m["content"]) for m in messages]


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--data", type=Path, required=True, help="folder with when2call_pairs.jsonl and sgd/")
    options.add_argument("--out", type=Path)
    options.add_argument("--asker", help="measure the guard with this asker, such as asker:, and keep the rest")
    options.add_argument("--most", type=int, help="so many of SGD's rows of each kind")
    given = options.parse_args()
    rules_too = dict(RULES)
    table: dict[str, Any] = {}
    if given.asker:
        decider = AskerDecider(given.asker, drafts_only=True)
        rules_too = {"guard, with the asker": lambda *case: asyncio.run(asked_with(decider, *case))}
        table = json.loads(given.out.read_text(encoding="utf-8")) if given.out and given.out.is_file() else {}
    for name, rule in rules_too.items():
        table[name] = {
            "when2call_pairs": when2call(given.data, rule),
            "sgd_dev_seen_services": sgd(given.data / "sgd" / "dev_seen_services.jsonl", rule, given.most),
            "sgd_test_unseen_services": sgd(given.data / "sgd" / "test_unseen_services.jsonl", rule, given.most),
        }
        for data, figures in table[name].items():
            line = ", ".join(f"{key} {100 * one['value']:.0f} (n = {one['n']})" for key, one in figures.items())
            print(f"{name:10} {data:26} {line}", flush=True)
    if given.out:
        given.out.parent.mkdir(parents=True, exist_ok=True)
        given.out.write_text(json.dumps(table, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
