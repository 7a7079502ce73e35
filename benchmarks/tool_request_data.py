"""Published sets of requests to agents with tools, as decisions: ask, call, or no tool fits.

    pairs(folder)          When2Call's pairs: the same tools, a request that lacks one argument and one that has it
    three_way(folder)      When2Call's own rows: call, ask for information, cannot be answered
    missing_turns(folder)  BFCL: multi-turn requests that miss a parameter, and the same with it
    irrelevance(folder)    BFCL: no tool fits
    acebench(folder)       ACEBench: incomplete requests among ordinary ones; none fits; a value in a wrong form
    sgd_turns(path)        SGD: first and later turns
    generated(n)           held-out pairs of this package

`folder` holds the files as `docs/tool-requests.md` names them. The drafted call of a request that lacks something is
that of its complete form; of an SGD turn it holds another row's value for each missing slot (seed 0).
"""

from __future__ import annotations

import ast
import datetime as dt
import json
import random
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from langchain_core.messages import AIMessage, BaseMessage, HumanMessage

from sml_agents.tasks import LoadReport, load_tasks
from sml_agents.text.values import Clock

Truth = Literal["ask", "call", "none"]
UNKNOWN_DAY = Clock(dt.datetime(2023, 10, 1), known=False)
Draft = tuple[tuple[str, dict[str, Any]], ...]


@dataclass(frozen=True)
class Decision:
    """One decision of an agent, and what it should be."""

    id: str
    group: str
    """The same for both forms of a pair."""
    said: tuple[tuple[str, str], ...]
    """Role and text of each message so far."""
    tools: tuple[dict[str, Any], ...]
    """Name, description and parameters each."""
    truth: Truth
    target: str = ""
    """The tool that serves the request, if one does."""
    missing: tuple[str, ...] = ()
    draft: Draft | None = None
    """Calls that a model that does not ask would make; None where the set has none."""
    clock: Clock = UNKNOWN_DAY

    @property
    def text(self) -> str:
        """All that the person has said."""
        return "\n".join(text for role, text in self.said if role == "user")

    @property
    def messages(self) -> list[BaseMessage]:
        return [HumanMessage(text) if role == "user" else AIMessage(text) for role, text in self.said]


def rows(path: Path) -> list[Any]:
    with path.open(encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


def pairs(folder: Path) -> Iterator[Decision]:
    for row in rows(folder / "when2call_pairs.jsonl"):
        call = row["gold_call"]
        draft = ((call["name"], call["arguments"]),)
        for key, truth in (("request_missing", "ask"), ("request_complete", "call")):
            missing = (row["missing_param"],) if truth == "ask" else ()
            said = (("user", row[key]),)
            name = f"{row['id']} {'sgd' if row['sgd_style'] else 'other'} {truth}"
            yield Decision(name, row["id"], said, tuple(row["tools"]), truth, call["name"], missing, draft)  # type: ignore[arg-type]


def three_way(folder: Path) -> Iterator[Decision]:
    truths: dict[str, Truth] = {"tool_call": "call", "request_for_info": "ask", "cannot_answer": "none"}
    for row in rows(folder / "when2call.jsonl"):
        tools = tuple(json.loads(tool) for tool in row["tools"])
        target = json.loads(row["target_tool"])["name"] if row["target_tool"] else ""
        said = (("user", row["question"]),)
        yield Decision(row["uuid"], row["uuid"], said, tools, truths[row["correct_answer"]], target)


def missing_turns(folder: Path) -> Iterator[Decision]:
    for row in rows(folder / "bfcl_miss_param_pairs.jsonl"):
        if row["request_missing"] == row["request_complete"]:
            continue
        before = [("user", turn["user"]) for turn in row["history"]]
        draft = tuple(map(_parsed, row["gold_calls_complete"]))
        for key, truth in (("request_missing", "ask"), ("request_complete", "call")):
            said = (*before, ("user", row[key]))
            target = draft[0][0] if draft else ""
            yield Decision(f"{row['id']} {truth}", row["id"], said, tuple(row["tools"]), truth, target, (), draft)  # type: ignore[arg-type]


def _parsed(call: str) -> tuple[str, dict[str, Any]]:
    """`cd(folder='documents')` as a name and arguments."""
    node = ast.parse(call, mode="eval").body
    assert isinstance(node, ast.Call)
    return ast.unparse(node.func), {str(word.arg): ast.literal_eval(word.value) for word in node.keywords}


def irrelevance(folder: Path) -> Iterator[Decision]:
    for row in rows(folder / "bfcl_irrelevance.jsonl"):
        said = tuple((message["role"], message["content"]) for message in row["question"][0])
        yield Decision(row["id"], row["id"], said, tuple(row["function"]), "none")


def acebench(folder: Path, file: str, truth: Truth) -> Iterator[Decision]:
    for row in rows(folder / f"acebench_{file}.jsonl"):
        answer = row["possible_answer"]
        target, missing, draft = "", (), None
        if truth == "call":
            ((target, arguments),) = answer.items()
            draft = ((target.strip(), arguments),)
        elif file == "special_incomplete":
            ((target, lacking),) = answer.items()
            missing = tuple(name.strip() for name in lacking)
        text = row["question"].removeprefix("user:").strip()
        said = (("user", f"{row['time']} {text}".strip()),)
        tools = tuple({**tool, "name": tool["name"].strip()} for tool in row["function"])
        yield Decision(row["id"], row["id"], said, tools, truth, target.strip(), missing, draft)


def sgd_turns(path: Path) -> Iterator[tuple[bool, Decision]]:
    """Turns of tools with a required argument, and whether they are the first; the clock is that of the data,
    1 March 2019."""
    found = rows(path)
    pool = defaultdict(list)
    for row in found:
        for name, value in [*row.get("known", {}).items(), *row.get("call", {}).get("arguments", {}).items()]:
            pool[name].append(value)
    chance = random.Random(0)
    for row in found:
        if not row["tool"]["parameters"]["required"] or row["label"] not in ("ask", "call"):
            continue
        missing: tuple[str, ...] = ()
        if row["label"] == "call":
            arguments = row["call"]["arguments"]
        else:
            missing = tuple(row["missing"])
            arguments = {**row["known"], **{slot: chance.choice(pool[slot] or ["x"]) for slot in missing}}
        said = tuple((message["role"], message["content"]) for message in row["messages"])
        name = row["tool"]["name"]
        clock = Clock(dt.datetime(2019, 3, 1))
        draft = ((name, arguments),)
        decision = Decision(row["id"], row["id"], said, (row["tool"],), row["label"], name, missing, draft, clock)
        yield bool(row["first_turn"]), decision


def generated(n: int, split: str = "heldout", seed: int = 0) -> Iterator[Decision]:
    """Both forms of `n` requests; the drafted call of both is that of the one that lacks nothing more."""
    tasks = load_tasks(f"requests?form=paired&split={split}&n={n}&seed={seed}", report=LoadReport())
    for lacking, complete in zip(tasks[::2], tasks[1::2], strict=True):
        for task, truth in ((lacking, "ask"), (complete, "call")):
            call = task.private.calls[0]
            tools = tuple(tool["function"] for tool in task.tools)
            missing = tuple(fact.name for fact in task.private.facts)
            now = task.meta.get("now")
            clock = Clock(dt.datetime.fromisoformat(now)) if now else UNKNOWN_DAY
            said = (("user", task.prompt),)
            draft = ((call.name, call.usual),)
            yield Decision(task.id, task.pair, said, tools, truth, call.name, missing, draft, clock)  # type: ignore[arg-type]
