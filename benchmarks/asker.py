"""What the asker reaches, beside what costs nothing: the guard's rules, a bag of words, surface features.

    python benchmarks/asker.py --data DIR                        the asker that comes with the package
    python benchmarks/asker.py --data DIR --asker asker:runs/mine --out benchmarks/results/mine.json

DIR holds When2Call, BFCL, ACEBench and SGD rows (docs/asker.md says which). P(missing) of each request is kept in
`--cells`, so that a run that was cut short goes on, and a table is made anew without the model. Nothing is chosen here:
thresholds are those stored with the asker. 95 % intervals: Wilson for shares, a bootstrap over pairs for AUC.
"""

from __future__ import annotations

import argparse
import datetime as dt
import json
import random
import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent))
import numpy as np
from guard_sentences import SENTENCES, asked_for
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage
from shares import share
from tool_request_data import rows

from sml_agents.agents.asker import tool_view
from sml_agents.agents.evidence import Request
from sml_agents.agents.grounding import ground
from sml_agents.agents.slots import slots_of
from sml_agents.asker.load import Asker, load_asker
from sml_agents.asker.prompt import Said, ToolView
from sml_agents.asker.rows import Example, Pair
from sml_agents.asker.threshold import Scores, weighed
from sml_agents.asker.told import Filled, Told, fill
from sml_agents.asker.written import OUTSIDE, read_written
from sml_agents.evaluation.bag import BagOfWords
from sml_agents.evaluation.surface import features_of
from sml_agents.text.values import Clock

CLOCK = Clock(dt.datetime(2023, 10, 1), known=False)
LATER = ("v", "w", "x", "y", "z", "aa", "bb", "ee", "hh", "ii", "cc")
"""Authors of the package's file who wrote when its weights were made; `dd` stands among those held out."""


@dataclass
class Case:
    """A conversation, the tool that serves it, and what it lacks."""

    id: str
    said: list[Said]
    tools: dict[str, Any]
    tool: str
    missing: tuple[str, ...] = ()
    call: dict[str, Any] | None = None
    group: str = ""
    names: bool = True
    """Whether it is known which argument is missing."""


@dataclass
class Cells:
    """P(missing) by case, kept in a file that is appended to."""

    path: Path
    asker: Asker
    found: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.path.is_file():
            for line in self.path.read_text(encoding="utf-8").splitlines():
                row = json.loads(line)
                self.found[row["id"]] = row["read"]

    def _kept(self, key: str, read: Callable[[], Any]) -> Any:
        if key not in self.found:
            self.found[key] = read()
            with self.path.open("a", encoding="utf-8") as file:
                file.write(json.dumps({"id": key, "read": self.found[key]}) + "\n")
        return self.found[key]

    def missing(self, case: Case, tool: str, drafted: bool = False) -> dict[str, float]:
        """P(missing) of each required argument of a tool."""
        view, _ = tool_view(case.tools[tool])
        drafts = {name: plain(value) for name, value in (case.call or {}).items()} if drafted else None
        key = f"{case.id} {tool}{' drafted' if drafted else ''}"
        return dict(self._kept(key, lambda: rounded(self.asker.missing(view, case.said, drafts))))

    def filled(self, case: Case, tool: str) -> dict[str, float]:
        """The same, weighed by whether the argument's value was found in what was said."""
        view, _ = tool_view(case.tools[tool])

        def read() -> dict[str, tuple[float, bool, bool]]:
            filled = fill(self.asker.model, view, case.said, CLOCK.now)
            told = {one.name: filled.told[one.name] for one in view.required}
            return {name: (round(filled.missing[name], 6), one.found, one.named) for name, one in told.items()}

        kept = self._kept(f"{case.id} {tool} values read", read)
        told = {name: Told(None, found, named) for name, (_, found, named) in kept.items()}
        return weighed(Filled({name: p for name, (p, _, _) in kept.items()}, told))

    def example(self, key: str, tool: ToolView, example: Example, drafts: dict[str, str] | None) -> dict[str, float]:
        """P(missing) of what an example of training's kind lacks."""
        return dict(self._kept(key, lambda: rounded(self.asker.missing(tool, example.said, drafts))))

    def chosen(self, case: Case) -> str | None:
        """The tool that the asker takes, None for none of them."""
        views = [tool_view(tool)[0] for tool in case.tools.values()]

        def read() -> str | None:
            tool = self.asker.choose(views, case.said)
            return None if tool is None else tool.name

        found = self._kept(f"{case.id} choice", read)
        return None if found is None else str(found)


def rounded(found: dict[str, float]) -> dict[str, float]:
    return {name: round(p, 6) for name, p in found.items()}


def plain(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def named(tools: Iterable[Any]) -> dict[str, Any]:
    tools = [json.loads(tool) if isinstance(tool, str) else tool for tool in tools]
    return {str(tool.get("function", tool)["name"]).strip(): tool for tool in tools}


def when2call_pairs(folder: Path) -> list[tuple[Case, Case]]:
    """Incomplete and complete."""
    made = []
    for k, row in enumerate(rows(folder / "when2call_pairs.jsonl")):
        common = {
            "tools": named(row["tools"]),
            "tool": row["tool"],
            "call": row["gold_call"]["arguments"],
            "group": "sgd_style" if row["sgd_style"] else "others",
        }
        lacks = Case(
            f"w2c-{k}-missing", [Said("user", row["request_missing"])], missing=(row["missing_param"],), **common
        )
        made.append((lacks, Case(f"w2c-{k}-complete", [Said("user", row["request_complete"])], **common)))
    return made


def bfcl_pairs(folder: Path) -> list[tuple[Case, Case]]:
    """First turns; `tools` are those of the gold calls. Rows of the same text in both forms are passed over."""
    made = []
    for k, row in enumerate(rows(folder / "bfcl_miss_param_pairs.jsonl")):
        every = named(row["tools"])
        called = [call.split("(")[0].split(".")[-1] for call in row["gold_calls_complete"]]
        tools = {name: every[name] for name in called if name in every and tool_view(every[name])[0].required}
        if row["history"] or not tools or row["request_missing"] == row["request_complete"]:
            continue
        lacks = Case(f"bfcl-{k}-missing", [Said("user", row["request_missing"])], tools, "", ("",), names=False)
        made.append((lacks, Case(f"bfcl-{k}-complete", [Said("user", row["request_complete"])], tools, "")))
    return made


def sgd(path: Path, first: bool, n: int) -> list[Case]:
    """`n` turns of each kind that ask or call, of tools that require something."""
    found: dict[str, list[Case]] = {"ask": [], "call": []}
    every = rows(path)
    random.Random(1).shuffle(every)
    for row in every:
        label = row["label"]
        if row["first_turn"] != first or label not in found or len(found[label]) >= n:
            continue
        if not row["tool"]["parameters"]["required"]:
            continue
        said = [Said(one["role"], one["content"]) for one in row["messages"]][-12:]
        missing = tuple(row["missing"]) if label == "ask" else ()
        found[label].append(Case(row["id"], said, named([row["tool"]]), row["tool"]["name"], missing))
    return [*found["ask"], *found["call"]]


def three_ways(folder: Path) -> list[tuple[Case, str]]:
    """When2Call: call, ask, or no tool fits."""
    kinds = {"tool_call": "call", "request_for_info": "ask", "cannot_answer": "none"}
    return [
        (Case(f"w2c3-{k}", [Said("user", row["question"])], named(row["tools"]), ""), kinds[row["correct_answer"]])
        for k, row in enumerate(rows(folder / "when2call.jsonl"))
    ]


def auc(lacking: Any, whole: Any) -> float:
    one, other = np.asarray(lacking)[:, None], np.asarray(whole)[None]
    return float(((one > other) + 0.5 * (one == other)).mean())


def auc_of(lacking: Any, whole: Any) -> dict[str, Any]:
    """With a 95 % bootstrap interval; pairs are drawn together where there are as many of both."""
    rng = np.random.default_rng(0)
    paired = len(lacking) == len(whole)
    one, other = np.asarray(lacking), np.asarray(whole)
    drawn = []
    for _ in range(1000):
        at = rng.integers(len(one), size=len(one))
        to = at if paired else rng.integers(len(other), size=len(other))
        drawn.append(auc(one[at], other[to]))
    low, high = np.quantile(drawn, (0.025, 0.975))
    return {
        "value": round(auc(one, other), 4),
        "low": round(float(low), 4),
        "high": round(float(high), 4),
        "n": len(one),
    }


def curve(lacking: Sequence[float], whole: Sequence[float]) -> dict[str, float]:
    """The share that is asked about where so many percent are asked needlessly."""
    ordered = sorted(whole, reverse=True)
    found = {}
    for percent in (5, 10, 20):
        line = ordered[min(len(ordered) - 1, int(percent / 100 * len(ordered)))]
        found[f"asks_at_{percent}_needless"] = round(sum(one > line for one in lacking) / len(lacking), 4)
    return found


def table(cells: Cells, lacking: Sequence[Case], whole: Sequence[Case], how: str = "plain") -> dict[str, Any]:
    """The asker on requests whose tool is given. `how`: `plain`, `drafted`, or `filled`, with the values read."""
    record = cells.asker.record
    line = {"plain": record.threshold, "drafted": record.drafted, "filled": record.line}[how]
    lacks = [_missing(cells, case, how) for case in lacking]
    has = [_missing(cells, case, how) for case in whole]
    tops = [max(one.values(), default=0.0) for one in lacks], [max(one.values(), default=0.0) for one in has]
    found = {
        "auc": auc_of(*tops),
        "asks": share(one >= line for one in tops[0]),
        "needless": share(one >= line for one in tops[1]),
        **curve(*tops),
    }
    if all(case.names for case in lacking):
        found["names"] = share(
            max(one, key=one.__getitem__) in case.missing for case, one in zip(lacking, lacks, strict=True) if one
        )
    return found


def _missing(cells: Cells, case: Case, how: str) -> dict[str, float]:
    """Of the tool that is given; of all of them where several calls serve the request."""
    names = [case.tool] if case.tool else list(case.tools)
    return {
        f"{name if not case.tool else ''}{key}": p
        for name in names
        for key, p in (
            cells.filled(case, name) if how == "filled" else cells.missing(case, name, drafted=how == "drafted")
        ).items()
    }


def by_rule(case: Case) -> set[str]:
    """The arguments of the drafted call that the guard would ask for."""
    request = Request.read(messages(case.said), lambda name: False).for_tool(case.tool)
    found = ground(case.call or {}, slots_of(case.tools[case.tool]), request, CLOCK)
    return {one.slot.name for one in found if not one.ok}


def messages(said: Sequence[Said]) -> list[BaseMessage]:
    return [HumanMessage(one.text) if one.role == "user" else AIMessage(one.text) for one in said]


def text_of(case: Case) -> str:
    return "\n".join(one.text for one in case.said if one.role == "user")


def words_and_surface(lacking: Sequence[Case], whole: Sequence[Case]) -> dict[str, Any]:
    """A bag of words and surface features, fitted on nine tenths of the pairs and read on the other, in turn."""
    texts = [*map(text_of, lacking), *map(text_of, whole)]
    truth = [True] * len(lacking) + [False] * len(whole)
    place = [k % 10 for k in range(len(lacking))] + [k % 10 for k in range(len(whole))]
    bag, surface = np.zeros(len(texts)), np.zeros(len(texts))
    counts = features_of(texts)
    counts = (counts - counts.mean(0)) / (counts.std(0) + 1e-9)
    for fold in range(10):
        train = [k for k, one in enumerate(place) if one != fold]
        test = [k for k, one in enumerate(place) if one == fold]
        if not test:
            continue
        model = BagOfWords.fit([texts[k] for k in train], [truth[k] for k in train])
        bag[test] = model.scores([texts[k] for k in test])
        wanted = np.asarray([truth[k] for k in train], dtype=float) - 0.5
        weights = np.linalg.solve(counts[train].T @ counts[train] + np.eye(counts.shape[1]), counts[train].T @ wanted)
        surface[test] = counts[test] @ weights
    cut = len(lacking)
    return {
        "bag of words": {"auc": auc_of(bag[:cut], bag[cut:])},
        "surface": {"auc": auc_of(surface[:cut], surface[cut:])},
    }


def f1(truth: Sequence[str], said: Sequence[str]) -> dict[str, Any]:
    """Macro F1 over the three kinds, with a 95 % bootstrap interval."""

    def macro(at: Sequence[int]) -> float:
        values = []
        for kind in ("call", "ask", "none"):
            hits = sum(truth[k] == said[k] == kind for k in at)
            total = sum(truth[k] == kind for k in at) + sum(said[k] == kind for k in at)
            values.append(2 * hits / total if total else 0.0)
        return sum(values) / 3

    rng = np.random.default_rng(0)
    drawn = [macro(rng.integers(len(truth), size=len(truth)).tolist()) for _ in range(1000)]
    low, high = np.quantile(drawn, (0.025, 0.975))
    value = macro(range(len(truth)))
    return {"value": round(value, 4), "low": round(float(low), 4), "high": round(float(high), 4), "n": len(truth)}


def measure(folder: Path, cells: Cells, n: int, only: Sequence[str]) -> dict[str, Any]:
    """Every table, by name."""
    found: dict[str, Any] = {}

    def wanted(name: str) -> bool:
        return not only or name in only

    pairs = when2call_pairs(folder)
    lacking, whole = [one for one, _ in pairs], [other for _, other in pairs]
    if wanted("when2call"):
        found["when2call pairs, tool given"] = table(cells, lacking, whole)
        for group in ("sgd_style", "others"):
            some = [pair for pair in pairs if pair[0].group == group]
            found[f"when2call pairs, tool given, {group}"] = table(cells, [a for a, _ in some], [b for _, b in some])
        found["when2call pairs, baselines"] = {
            **words_and_surface(lacking, whole),
            "rule on the drafted call": {
                "asks": share(bool(by_rule(case)) for case in lacking),
                "needless": share(bool(by_rule(case)) for case in whole),
                "names": share(case.missing[0] in by_rule(case) for case in lacking),
            },
        }
    if wanted("filled"):
        found["when2call pairs, tool given, values read"] = table(cells, lacking, whole, "filled")
        both = bfcl_pairs(folder)
        found["bfcl pairs, first turn, tools given, values read"] = table(
            cells, [a for a, _ in both], [b for _, b in both], "filled"
        )
        for first in (True, False):
            turns = sgd(folder / "sgd" / "test_unseen_services.jsonl", first, n)
            sides = [case for case in turns if case.missing], [case for case in turns if not case.missing]
            found[f"sgd unseen services, {'first' if first else 'later'} turn, values read"] = table(
                cells, *sides, "filled"
            )
    if wanted("chosen"):
        asked = [[_asks_about(cells, case) for case in side] for side in (lacking, whole)]
        found["when2call pairs, tool to be chosen"] = {
            "asks": share(map(bool, asked[0])),
            "needless": share(map(bool, asked[1])),
            "right tool": share(cells.chosen(case) == case.tool for case in (*lacking, *whole)),
        }
    if wanted("drafted"):
        found["when2call pairs, drafted call"] = table(cells, lacking, whole, "drafted")
        both = [[_rule_and_asker(cells, case) for case in side] for side in (lacking, whole)]
        found["when2call pairs, drafted call, rule and asker"] = {"asks": share(both[0]), "needless": share(both[1])}
    if wanted("three"):
        cases = three_ways(folder)
        said = []
        for case, _ in cases:
            tool = cells.chosen(case) if case.tools else None
            line = cells.asker.record.threshold
            top = 0.0 if tool is None else max(cells.missing(case, tool).values(), default=0.0)
            said.append("none" if tool is None else "ask" if top >= line else "call")
        truth = [kind for _, kind in cases]
        found["when2call, three ways"] = {"macro f1": f1(truth, said)} | {
            f"{kind}, right": share(one == kind for one, true in zip(said, truth, strict=True) if true == kind)
            for kind in ("call", "ask", "none")
        }
    if wanted("bfcl"):
        pairs = bfcl_pairs(folder)
        if pairs:
            found["bfcl pairs, first turn, tools given"] = table(cells, [a for a, _ in pairs], [b for _, b in pairs])
    for first in (True, False):
        if wanted("sgd"):
            turns = sgd(folder / "sgd" / "test_unseen_services.jsonl", first, n)
            sides = [case for case in turns if case.missing], [case for case in turns if not case.missing]
            found[f"sgd unseen services, {'first' if first else 'later'} turn"] = table(cells, *sides)
    if wanted("ace"):
        found |= acebench(folder, cells)
    if wanted("outside"):
        found |= outside(cells)
    if wanted("later"):
        found |= later(cells)
    if wanted("sentences"):
        found |= sentences(cells)
    if wanted("irrelevance"):
        neither = share(cells.chosen(case) is None for case in irrelevant(folder))
        found["bfcl irrelevance"] = {"neither asks nor calls": neither}
    return found


def _asks_about(cells: Cells, case: Case) -> str | None:
    """The argument that is asked for where the tool has to be chosen first."""
    tool = cells.chosen(case)
    found = {} if tool is None else cells.missing(case, tool)
    top = max(found, key=found.__getitem__, default=None)
    return top if top is not None and found[top] >= cells.asker.record.threshold else None


def _rule_and_asker(cells: Cells, case: Case) -> bool:
    """As in the middleware: the rule asks, and the asker for what the rule finds grounded."""
    found = cells.missing(case, case.tool, drafted=True)
    return bool(by_rule(case)) or any(p >= cells.asker.record.grounded for p in found.values())


def acebench(folder: Path, cells: Cells) -> dict[str, Any]:
    """Incomplete requests: whether it asks, and names all that is missing. Complete ones: needless questions."""
    line = cells.asker.record.threshold
    asks, all_named = [], []
    for k, row in enumerate(rows(folder / "acebench_special_incomplete.jsonl")):
        tools = named(_functions(row))
        for name, missing in row["possible_answer"].items():
            if name.strip() not in tools:
                continue
            case = Case(
                f"ace-{k}", [Said("user", _question(row))], tools, name.strip(), tuple(m.strip() for m in missing)
            )
            found = cells.missing(case, case.tool)
            asks.append(any(p >= line for p in found.values()))
            all_named.append(all(found.get(one, 0.0) >= line for one in case.missing))
    needless = []
    for k, row in enumerate(rows(folder / "acebench_normal_single_turn_single_function.jsonl")):
        tools = named(_functions(row))
        for name in row["possible_answer"]:
            if name.strip() in tools:
                case = Case(f"ace-n-{k}", [Said("user", _question(row))], tools, name.strip())
                needless.append(any(p >= line for p in cells.missing(case, case.tool).values()))
    return {"acebench": {"asks": share(asks), "names all": share(all_named), "needless": share(needless)}}


def outside(cells: Cells, n: int = 100) -> dict[str, Any]:
    """Written pairs of the authors who are neither trained nor chosen on, drawn by lot."""
    found = {}
    for author in OUTSIDE:
        pairs = random.Random(0).sample([one.pair for one in read_written() if one.author == author], n)
        for drafted in (False, True):
            found[f"written by author {author}{', drafted call' if drafted else ''}"] = _pairs_of(
                cells, author, pairs, drafted
            )
    return found


def later(cells: Cells, n: int = 25) -> dict[str, Any]:
    """Written pairs of the authors who came after the weights of the package, so many of each, drawn by lot."""
    pairs = [one for one in read_written() if one.author in LATER]
    some = [
        one.pair
        for author in LATER
        for one in random.Random(0).sample([one for one in pairs if one.author == author], n)
    ]
    return {
        f"written by {len(LATER)} later authors{', drafted call' if drafted else ''}": _pairs_of(
            cells, "later", some, drafted
        )
        for drafted in (False, True)
    }


def _pairs_of(cells: Cells, author: str, pairs: Sequence[Pair], drafted: bool) -> dict[str, Any]:
    read = []
    for k, pair in enumerate(pairs):
        for side in (pair.lacking, pair.whole):
            drafts = {name: value for name, (value, _) in side.drafts.items()} if drafted else None
            name = f"{'lacking' if side is pair.lacking else 'whole'}{' drafted' if drafted else ''}"
            read.append(cells.example(f"outside-{author}-{k}-{name}", pair.tool, side, drafts))
    scores = Scores(lacking=[max(one.values()) for one in read[::2]], whole=[max(one.values()) for one in read[1::2]])
    line = cells.asker.record.drafted if drafted else cells.asker.record.threshold
    return {
        "auc": auc_of(scores.lacking, scores.whole),
        "asks": share(one >= line for one in scores.lacking),
        "needless": share(one >= line for one in scores.whole),
        **curve(scores.lacking, scores.whole),
        "names": share(
            max(one, key=one.__getitem__) in pair.lacking.missing for pair, one in zip(pairs, read[::2], strict=True)
        ),
    }


def sentences(cells: Cells) -> dict[str, Any]:
    """Drafted calls by authors who knew nothing of the guard (`guard_sentences.py`, sets 1 to 3): the asker alone, and
    both."""
    record = cells.asker.record
    tops: dict[bool, list[float]] = {True: [], False: []}
    alone: dict[bool, list[bool]] = {True: [], False: []}
    both: dict[bool, list[bool]] = {True: [], False: []}
    names = []
    for k, row in enumerate(row for row in rows(SENTENCES) if row["set"] <= 3):
        said = [Said("assistant" if place % 2 else "user", text) for place, text in enumerate(row["messages"])]
        wrong, name = bool(row["missing"]), row["tool"]["name"]
        case = Case(f"sentence-{k}", said, named([row["tool"]]), name, tuple(row["missing"]), row["call"])
        found = cells.missing(case, name, drafted=True)
        lost = asked_for(row["tool"], row["call"], row["messages"])
        tops[wrong].append(max(found.values(), default=0.0))
        alone[wrong].append(any(p >= record.drafted for p in found.values()))
        both[wrong].append(bool(lost) or any(p >= record.grounded for p in found.values()))
        if wrong:
            names.append(max(found, key=found.__getitem__) in row["missing"])
    return {
        "guard's sentences, drafted call": {
            "auc": auc_of(tops[True], tops[False]),
            "asks": share(alone[True]),
            "needless": share(alone[False]),
            **curve(tops[True], tops[False]),
            "names": share(names),
        },
        "guard's sentences, rule and asker": {"asks": share(both[True]), "needless": share(both[False])},
    }


def _functions(row: Any) -> list[Any]:
    given = row.get("function") or row.get("tools")
    return list(json.loads(given) if isinstance(given, str) else given)


def _question(row: Any) -> str:
    text = row["question"]
    text = text if isinstance(text, str) else text[-1]["content"]
    return str(text).removeprefix("user:").strip()


def irrelevant(folder: Path) -> list[Case]:
    return [
        Case(f"irr-{k}", [Said("user", row["question"][0][-1]["content"])], named(row["function"]), "")
        for k, row in enumerate(rows(folder / "bfcl_irrelevance.jsonl")[:100])
    ]


_ROWS = (
    ("When2Call pairs, tool given", "when2call pairs, tool given"),
    ("of these SGD-like", "when2call pairs, tool given, sgd_style"),
    ("of these others", "when2call pairs, tool given, others"),
    ("When2Call pairs, tool to be chosen", "when2call pairs, tool to be chosen"),
    ("When2Call pairs, drafted call", "when2call pairs, drafted call"),
    ("rules and asker, drafted call", "when2call pairs, drafted call, rule and asker"),
    ("BFCL missing-parameter pairs, first turn", "bfcl pairs, first turn, tools given"),
    ("SGD unseen services, first turn", "sgd unseen services, first turn"),
    ("SGD unseen services, later turn", "sgd unseen services, later turn"),
    ("written by author e", "written by author e"),
    ("the same, drafted call with the careless guess", "written by author e, drafted call"),
    ("written by author l", "written by author l"),
    ("author l, drafted call", "written by author l, drafted call"),
    ("written by author s", "written by author s"),
    ("author s, drafted call", "written by author s, drafted call"),
    ("written by author dd", "written by author dd"),
    ("author dd, drafted call", "written by author dd, drafted call"),
    ("written by 11 later authors", "written by 11 later authors"),
    ("the same, drafted call", "written by 11 later authors, drafted call"),
    ("the guard's sentences, drafted call", "guard's sentences, drafted call"),
    ("the same, rules and asker", "guard's sentences, rule and asker"),
)
"""As docs/asker.md has them."""


def as_table(tables: dict[str, Any]) -> str:
    """The figures as docs/asker.md has them, shares in percent; what was not measured is left out."""

    def percent(one: dict[str, float] | None) -> str:
        return "" if one is None else f"{one['value']:.0%} ({one['low']:.0%} to {one['high']:.0%})".replace("%", "")

    lines = [
        "| requests | n | AUC | asks, % | needless, % | asks at 10 % needless | names it, % |",
        "|---|---|---|---|---|---|---|",
    ]
    for title, name in _ROWS:
        if row := tables.get(name):
            auc = "{value:.3f} ({low:.3f} to {high:.3f})".format_map(row["auc"]) if "auc" in row else ""
            at_ten = f"{row['asks_at_10_needless']:.0%}".rstrip("%") if "auc" in row else ""
            cells = [str(row["asks"]["n"]), auc, percent(row["asks"]), percent(row["needless"]), at_ten]
            lines.append(f"| {' | '.join([title, *cells, percent(row.get('names'))])} |")
    return "\n".join(lines)


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--data", type=Path, required=True)
    options.add_argument("--asker", default="asker:")
    options.add_argument("--n", type=int, default=60, help="turns of each kind of SGD")
    options.add_argument(
        "--only",
        action="append",
        default=[],
        help="when2call, filled, chosen, drafted, three, bfcl, sgd, ace, outside, later, sentences, irrelevance",
    )
    options.add_argument("--cells", type=Path, default=Path("benchmarks/results/asker-cells.jsonl"))
    options.add_argument("--out", type=Path, default=Path("benchmarks/results/asker.json"))
    given = options.parse_args()
    given.cells.parent.mkdir(parents=True, exist_ok=True)
    cells = Cells(given.cells, load_asker(given.asker))
    found = measure(given.data, cells, given.n, given.only)
    for name, figures in found.items():
        print(name)
        for key, one in figures.items():
            print(f"  {key:28} {json.dumps(one)}")
    record = cells.asker.record
    before = json.loads(given.out.read_text(encoding="utf-8"))["tables"] if given.only and given.out.is_file() else {}
    content = {
        "thresholds": {"plain": record.threshold, "drafted": record.drafted, "filled": record.filled},
        "tables": {**before, **found},
    }
    given.out.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
    print(as_table(content["tables"]))


if __name__ == "__main__":
    main()
