"""The guard's comparison on requests written by others: does it ask where something is missing, and only there?

    python benchmarks/guard_data.py --data FOLDER --out benchmarks/results/guard_data.json

FOLDER holds `when2call_pairs.jsonl` (NVIDIA When2Call: the same tools, a request that lacks one argument and one that
has it) and `sgd/*.jsonl` (decisions out of the Schema-Guided Dialogue data). The drafted call of both forms of a pair
is its `gold_call`; of an SGD turn that asks, the call holds another row's value for each missing argument (seed 0).
Beside the guard stand always and never asking, and a comparison by letter. 95 % Wilson intervals over requests.

With `--asker asker: --cells FILE` the guard is measured with the asker, whose readings are kept in FILE: with
`--seconds` it stops after so much time of the processor, and goes on when it is run again.
"""

from __future__ import annotations

import argparse
import asyncio
import hashlib
import json
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent))
from langchain_core.messages import BaseMessage, ToolCall
from shares import share
from tool_request_data import Decision, pairs, sgd_turns

from sml_agents.agents.asker import AskerDecider
from sml_agents.agents.asking import Question, Told
from sml_agents.agents.evidence import Request
from sml_agents.agents.grounding import Ground, as_told, ground
from sml_agents.agents.guard import questions_for
from sml_agents.agents.slots import filled, slots_of
from sml_agents.agents.verdict import still_open
from sml_agents.agents.view import AgentView
from sml_agents.asker import Asker, load_asker
from sml_agents.asker.prompt import Said, ToolView, branch, conversation, opening
from sml_agents.text.values import Clock
from sml_agents.types import stable_hash


@dataclass(frozen=True)
class Case:
    """A drafted call, and what it lacks."""

    number: int
    tool: Mapping[str, Any]
    call: Mapping[str, Any]
    said: Sequence[BaseMessage]
    missing: frozenset[str]
    clock: Clock


Rule = Callable[[Any, dict[str, Any], Sequence[BaseMessage], Clock], Sequence[Question]]
"""What would be asked."""


class KeptAsker(Asker):
    """An asker whose readings are kept in a file, so that a measurement goes on where it was cut short.

    Args:
        seconds: of the processor's time, after which the program ends; what was read until then is kept.
    """

    def __init__(self, spec: str, cells: Path, seconds: float | None = None) -> None:
        one = load_asker(spec)
        super().__init__(one.folder, one.record)
        self.cells, self.seconds = cells, seconds
        self.weights = hashlib.sha256(b"".join(path.read_bytes() for path in one.folder.glob("*.safetensors")))
        lines = cells.read_text(encoding="utf-8").splitlines() if cells.is_file() else []
        self.kept: dict[str, dict[str, float]] = dict(json.loads(line) for line in lines)

    def missing(
        self, tool: ToolView, said: Sequence[Said], drafts: Mapping[str, str] | None = None
    ) -> dict[str, float]:
        shown = [branch(one, (drafts or {}).get(one.name)) for one in tool.required]
        key = stable_hash(self.weights.hexdigest(), opening(tool), conversation(said), shown)
        if key not in self.kept:
            if self.seconds is not None and time.process_time() > self.seconds:
                raise SystemExit("The time is up: run it again to go on.")
            self.kept[key] = {name: round(p, 4) for name, p in super().missing(tool, said, drafts).items()}
            with self.cells.open("a", encoding="utf-8") as out:
                out.write(json.dumps([key, self.kept[key]]) + "\n")
        return self.kept[key]


def rules(tool: Any, arguments: dict[str, Any], messages: Sequence[BaseMessage], clock: Clock) -> Sequence[Question]:
    """The guard."""
    return asked_with(None, tool, arguments, messages, clock)


def asked_with(
    decider: AskerDecider | None, tool: Any, arguments: Mapping[str, Any], messages: Sequence[BaseMessage], clock: Clock
) -> Sequence[Question]:
    """What the guard asks, as the middleware decides it; with a decider beside the rules."""
    request, grounds = grounds_of(tool, arguments, messages, clock)
    proposed: Sequence[Question | Told] = ()
    if decider is not None:
        call = ToolCall(name=tool["name"], args=dict(arguments), id="1")
        view = AgentView(messages, (call,), True, {tool["name"]: tool}, {"1": grounds})
        proposed = asyncio.run(decider.questions(view))
        grounds = as_told(grounds, {one.about: one.words for one in proposed if isinstance(one, Told)}, request, clock)
    unknown = questions_for([one for one in grounds if not one.ok], request.asked)
    return still_open(unknown, [one for one in proposed if isinstance(one, Question)], request)


def grounds_of(
    tool: Any, arguments: Mapping[str, Any], messages: Sequence[BaseMessage], clock: Clock
) -> tuple[Request, tuple[Ground, ...]]:
    request = Request.read(messages, lambda name: name == tool["name"]).for_tool(tool["name"])
    return request, ground(arguments, slots_of(tool), request, clock)


def by_letter(
    tool: Any, arguments: dict[str, Any], messages: Sequence[BaseMessage], clock: Clock
) -> Sequence[Question]:
    """A value counts if it stands in the conversation letter by letter, whatever its case."""
    text = "\n".join(message.text for message in messages).casefold()
    fills = filled(slots_of(tool), arguments)
    lost = [fill.slot for fill in fills if not fill.given or str(fill.value).casefold() not in text]
    return [slot.question() for slot in lost]


def always(tool: Any, arguments: dict[str, Any], messages: Sequence[BaseMessage], clock: Clock) -> Sequence[Question]:
    return [slot.question() for slot in slots_of(tool)]


def never(tool: Any, arguments: dict[str, Any], messages: Sequence[BaseMessage], clock: Clock) -> Sequence[Question]:
    return []


RULES: dict[str, Rule] = {"guard": rules, "by letter": by_letter, "always": always, "never": never}


def drafted_call(decision: Decision) -> Case:
    """A decision of which there is a drafted call."""
    assert decision.draft is not None
    ((name, arguments),) = decision.draft
    tool = next(tool for tool in decision.tools if tool["name"] == name)
    return Case(0, tool, arguments, decision.messages, frozenset(decision.missing), decision.clock)


def when2call(folder: Path, rule: Rule) -> dict[str, Any]:
    """The pairs; no clock is known, so relative dates ground nothing and weekdays are compared as such."""
    asks, needless, openly, names = [], [], [], []
    for case in map(drafted_call, pairs(folder)):
        asked = rule(case.tool, dict(case.call), case.said, case.clock)
        if case.missing:
            asks.append(bool(asked))
            names.append(case.missing <= {one.about for one in asked})
        else:
            needless.append(bool(asked))
            openly.append(is_open(asked))
    return {"asks": share(asks), "needless": share(needless), OPENLY: share(openly), "names": share(names)}


OPENLY = "needless, a yes not enough"


def is_open(asked: Sequence[Question]) -> bool:
    """Whether anything is asked to which a mere yes is no answer."""
    return not all(one.understood for one in asked)


def sgd(path: Path, rule: Rule, most: int | None = None) -> dict[str, Any]:
    """First and later turns, tools with a required argument; the clock is that of the data, 1 March 2019.

    `most`: so many rows of each kind, the first ones.
    """
    hits: dict[str, list[bool]] = defaultdict(list)
    for case, turn in sgd_cases(path):
        name = f"{turn}, {'asks' if case.missing else 'needless'}"
        if most is None or len(hits[name]) < most:
            asked = rule(case.tool, dict(case.call), case.said, case.clock)
            hits[name].append(bool(asked))
            if not case.missing:
                hits[f"{turn}, {OPENLY}"].append(is_open(asked))
    return {name: share(values) for name, values in sorted(hits.items())}


def sgd_cases(path: Path) -> Iterator[tuple[Case, str]]:
    """Each decision about a tool with a required argument, and whether it is made in the first turn or a later one."""
    for first, decision in sgd_turns(path):
        yield drafted_call(decision), "first" if first else "later"


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--data", type=Path, required=True, help="folder with when2call_pairs.jsonl and sgd/")
    options.add_argument("--out", type=Path)
    options.add_argument("--asker", help="measure the guard with this asker, such as asker:, and keep the rest")
    options.add_argument("--cells", type=Path, help="file for what the asker has read")
    options.add_argument("--seconds", type=float, help="stop after so many of the processor's time")
    options.add_argument("--test", action="store_true", help="SGD's unseen services and the pairs only")
    options.add_argument("--most", type=int, help="so many of SGD's rows of each kind")
    given = options.parse_args()
    rules_too = dict(RULES)
    table: dict[str, Any] = {}
    if given.asker:
        asker = KeptAsker(given.asker, given.cells, given.seconds) if given.cells else given.asker
        decider = AskerDecider(asker, drafts_only=True)
        rules_too = {"guard, with the asker": lambda *case: asked_with(decider, *case)}
        table = json.loads(given.out.read_text(encoding="utf-8")) if given.out and given.out.is_file() else {}
    for name, rule in rules_too.items():
        table[name] = {
            "when2call_pairs": when2call(given.data, rule),
            "sgd_test_unseen_services": sgd(given.data / "sgd" / "test_unseen_services.jsonl", rule, given.most),
        }
        if not given.test:
            dev = given.data / "sgd" / "dev_seen_services.jsonl"
            table[name]["sgd_dev_seen_services"] = sgd(dev, rule, given.most)
        for data, figures in table[name].items():
            line = ", ".join(f"{key} {100 * one['value']:.0f} (n = {one['n']})" for key, one in figures.items())
            print(f"{name:10} {data:26} {line}", flush=True)
    if given.out:
        given.out.parent.mkdir(parents=True, exist_ok=True)
        given.out.write_text(json.dumps(table, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
