"""Ask, call, or say that no tool fits: baselines and deciders on every set of tool requests, in one table.

    python benchmarks/tool_requests.py                    the baselines, the asker and the embedded model
    python benchmarks/tool_requests.py --decider mine=asker:runs/asker --most 100     an asker of your own
    python benchmarks/tool_requests.py --plan             how much there is to do; runs nothing

always, never        what no decision costs
surface, bag         fourteen counts, and words with pairs of words: fitted on the set itself, each fold (of 5, whole
                     pairs) scored by a fit on the others; `bag, other data` was fitted on training material instead
rule                 the guard's comparison. With a drafted call: a required argument whose value nobody said. Without
                     one: of the tool that shares most words with the request (or is given), a required argument of
                     whose kind of value nothing is said
--decider            `asker:` and `asker:FOLDER`, or a student's spec: a model with the tools at hand

The published sets lie in `tools` of the folder SML_AGENTS_DATA, or in `--data`. What a model makes of a request is kept
in `--kept` at once: the same command goes on after an interruption, and other weights are asked anew.

Intervals: Wilson's 95 % for shares, a bootstrap over groups for AUC and F1.
"""

from __future__ import annotations

import argparse
import asyncio
import hashlib
import json
import os
import re
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Protocol

sys.path.insert(0, str(Path(__file__).resolve().parent))
import numpy as np
import tool_request_data as data
from shares import share
from tool_request_data import Decision, Truth

from sml_agents.agents.asker import tool_view
from sml_agents.agents.deciders import asks
from sml_agents.agents.evidence import Request
from sml_agents.agents.grounding import ground
from sml_agents.agents.slots import slots_of
from sml_agents.asker import Said, load_asker
from sml_agents.dialogue.referee import with_calls
from sml_agents.evaluation.bag import BagOfWords
from sml_agents.evaluation.surface import SurfaceClassifier, auc
from sml_agents.roles import student_from
from sml_agents.tasks import LoadReport, load_tasks
from sml_agents.text.markdown import markdown_table
from sml_agents.text.words import content_words, stem
from sml_agents.types import Fact, Form, Private, Role, Task, stable_hash
from sml_agents.views import StudentView

FOLDS = 5
SPOKEN = 12
AT_ONCE = 16
RESAMPLES = 500
KINDS: tuple[Truth, ...] = ("ask", "call", "none")


@dataclass(frozen=True)
class Judgement:
    """What a decider makes of a request."""

    act: Truth
    sure: float
    """How sure it is that it has to ask, from 0 to 1."""
    about: tuple[str, ...] = ()
    """The arguments that it asks for, the likeliest first."""


class Judge(Protocol):
    def __call__(self, decisions: Sequence[Decision], drafted: bool, given: bool) -> list[Judgement | None]:
        """One judgement for each; None where it needs a draft that is not there. `given`: the tool is known."""


def each(judge: Callable[[Decision, bool, bool], Judgement | None]) -> Judge:
    """A judge of one decision at a time; what belongs to several sets is judged once."""
    made: dict[Any, Judgement | None] = {}

    def all_of(decisions: Sequence[Decision], drafted: bool, given: bool) -> list[Judgement | None]:
        keys = [(one.id, one.said, drafted, given) for one in decisions]
        for key, one in zip(keys, decisions, strict=True):
            if key not in made:
                made[key] = judge(one, drafted, given)
        return [made[key] for key in keys]

    return all_of


def always(decision: Decision, drafted: bool, given: bool) -> Judgement:
    tool = tool_of(decision, given)
    return Judgement("ask", 1.0, tuple(slot.name for slot in slots_of(tool)) if tool else ())


def never(decision: Decision, drafted: bool, given: bool) -> Judgement:
    return Judgement("call", 0.0)


def rule(decision: Decision, drafted: bool, given: bool) -> Judgement | None:
    """The guard's comparison."""
    request = Request.read(decision.messages, lambda name: False)
    if drafted:
        if decision.draft is None:
            return None
        tools = {tool["name"]: tool for tool in decision.tools}
        if any(name not in tools for name, _ in decision.draft):
            return Judgement("none", 0.0)
        found = [
            one
            for n, arguments in decision.draft
            for one in ground(arguments, slots_of(tools[n]), request.for_tool(n), decision.clock)
        ]
    else:
        tool = tool_of(decision, given)
        if tool is None:
            return Judgement("none", 0.0)
        slots = [replace(slot, in_call=False) for slot in slots_of(tool)]
        found = list(ground({}, slots, request, decision.clock))
    missing = tuple(dict.fromkeys(one.slot.name for one in found if not one.ok))
    return Judgement("ask" if missing else "call", float(bool(missing)), missing)


def tool_of(decision: Decision, given: bool) -> dict[str, Any] | None:
    """The tool that is known to serve the request, or the one that shares most words with it."""
    if given and decision.target:
        return next(tool for tool in decision.tools if tool["name"] == decision.target)
    wanted = {stem(word) for word in content_words(decision.text)}
    best: tuple[float, dict[str, Any]] | None = None
    for tool in decision.tools:
        words = content_words(f"{tool['name'].replace('_', ' ').replace('.', ' ')} {tool.get('description', '')}")
        own = {stem(word) for word in words}
        score = len(own & wanted) / max(1, len(own)) ** 0.5
        if score and (best is None or score > best[0]):
            best = score, tool
    return best[1] if best else None


def as_task(text: str, lacks: bool, tools: tuple[dict[str, Any], ...] = ()) -> Task:
    fact = (Fact(name="x", statement="x"),) if lacks else ()
    form = Form.UNDERSPECIFIED if lacks else Form.FULL
    return Task(id=text, family="bench", form=form, prompt=text, private=Private(answer="", facts=fact), tools=tools)


Fit = Callable[[Sequence[str], Sequence[bool]], Callable[[Sequence[str]], np.ndarray[Any, Any]]]


def surface_fit(texts: Sequence[str], wanted: Sequence[bool]) -> Callable[[Sequence[str]], Any]:
    found = SurfaceClassifier.fit([as_task(text, lacks) for text, lacks in zip(texts, wanted, strict=True)])
    return lambda others: found.scores_of(others) - (sum(wanted) / len(wanted))


def bag_fit(texts: Sequence[str], wanted: Sequence[bool]) -> Callable[[Sequence[str]], Any]:
    found = BagOfWords.fit(texts, wanted)
    return lambda others: found.scores(others) - found.threshold


def folded(fit: Fit) -> Judge:
    """Fitted on the set itself, each fold scored by the others."""

    def judge(decisions: Sequence[Decision], drafted: bool, given: bool) -> list[Judgement | None]:
        texts, truths = [one.text for one in decisions], [one.truth for one in decisions]
        kinds = [kind for kind in KINDS if kind in truths]
        if len(kinds) < 2:
            return [None] * len(texts)
        fold = np.array([int(stable_hash("fold", one.group), 16) % FOLDS for one in decisions])
        scores = np.zeros((len(kinds), len(texts)))
        for k, kind in enumerate(kinds):
            for number in range(FOLDS):
                here, rest = np.flatnonzero(fold == number), np.flatnonzero(fold != number)
                wanted = [truths[place] == kind for place in rest]
                if len(here) and any(wanted) and not all(wanted):
                    scores[k, here] = fit([texts[p] for p in rest], wanted)([texts[p] for p in here])
        made: list[Judgement | None] = []
        for place in range(len(texts)):
            act = kinds[int(np.argmax(scores[:, place]))]
            sure = float(scores[kinds.index("ask"), place]) + 0.5 if "ask" in kinds else 0.0
            made.append(Judgement(act, sure))
        return made

    return judge


def trained_bag(folder: Path) -> Judge:
    """Fitted on training material: generated pairs, pairs by rule, and SGD's training turns."""
    tasks = load_tasks("requests?form=paired&n=400", report=LoadReport())
    for name in ("bfcl_simple_python", "bfcl_multiple"):
        spec = f"tools-jsonl:{folder / name}.jsonl?form=paired&balance=no&answers={folder / name}_answers.jsonl"
        tasks += load_tasks(spec, report=LoadReport())
    tasks += load_tasks(f"sgd:{folder / 'sgd' / 'train_decisions.jsonl'}?n=900", report=LoadReport())
    bag = BagOfWords.fit([task.prompt for task in tasks], [bool(task.private.facts) for task in tasks])

    def judge(decisions: Sequence[Decision], drafted: bool, given: bool) -> list[Judgement | None]:
        scores = bag.scores([one.text for one in decisions])
        return [Judgement("ask" if score >= bag.threshold else "call", float(score)) for score in scores]

    return judge


class Kept:
    """What a model made of what it was shown, in a file if there is one: a run that was cut short goes on, and a table
    of what was read before takes no time."""

    def __init__(self, path: Path | None) -> None:
        self.path = path
        text = path.read_text(encoding="utf-8") if path is not None and path.is_file() else ""
        whole = text[: text.rfind("\n") + 1]
        if path is not None and whole != text:  # a line that was cut short
            path.write_text(whole, encoding="utf-8")
        self.known: dict[str, Any] = dict(map(json.loads, whole.splitlines()))

    def put(self, key: str, found: Any) -> Any:
        self.known[key] = found
        if self.path is not None:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with self.path.open("a", encoding="utf-8") as file:
                file.write(json.dumps([key, found]) + "\n")
        return found


class Readings(Kept):
    """What an asker reads, by all that it is shown; other weights read anew."""

    def __init__(self, spec: str, path: Path | None) -> None:
        super().__init__(path)
        self.asker = load_asker(spec)
        weights = b"".join(file.read_bytes() for file in sorted(self.asker.folder.glob("*.safetensors")))
        self.weights = hashlib.sha256(weights).hexdigest()[:16]

    def key(self, *shown: Any) -> str:
        return stable_hash(self.weights, *shown)

    def _kept(self, key: str, read: Callable[[], Any]) -> Any:
        return self.known[key] if key in self.known else self.put(key, read())

    def missing(self, decision: Decision, tool: dict[str, Any], values: dict[str, str]) -> dict[str, float]:
        """P(missing) of each required argument."""

        def read() -> dict[str, float]:
            shares = self.asker.missing(tool_view(tool)[0], heard(decision), values or None)
            return {name: round(share, 6) for name, share in shares.items()}

        return dict(self._kept(self.key(decision.said, tool, values), read))

    def chosen(self, decision: Decision) -> str | None:
        """The name of the tool that serves the request."""

        def read() -> str | None:
            tool = self.asker.choose([tool_view(tool)[0] for tool in decision.tools], heard(decision))
            return None if tool is None else tool.name

        found = self._kept(self.key(decision.said, decision.tools), read)
        return None if found is None else str(found)


def heard(decision: Decision) -> list[Said]:
    """What the asker is shown of a conversation: as much as in an agent."""
    return [Said("user" if role == "user" else "assistant", text) for role, text in decision.said][-SPOKEN:]


def asker(spec: str, path: Path | None) -> Judge:
    """An asker: P(missing) of each required argument against its stored threshold."""
    readings = Readings(spec, path)
    record = readings.asker.record

    def judge(decision: Decision, drafted: bool, given: bool) -> Judgement | None:
        tools = {tool["name"]: tool for tool in decision.tools}
        drafts: list[tuple[str, dict[str, str]]]
        if drafted:
            if decision.draft is None:
                return None
            drafts = [(name, flat(arguments)) for name, arguments in decision.draft]
        else:
            chosen = decision.target if given and decision.target else readings.chosen(decision)
            drafts = [] if chosen is None else [(chosen, {})]
        if not drafts or any(name not in tools for name, _ in drafts):
            return Judgement("none", 0.0)
        line = record.drafted if drafted else record.threshold
        shares: dict[str, float] = {}
        for tool, values in drafts:
            for name, p in readings.missing(decision, tools[tool], values).items():
                shares[name] = max(p, shares.get(name, 0.0))
        likely = sorted(shares, key=lambda name: -shares[name])
        sure = max(shares.values(), default=0.0)
        about = tuple(name for name in likely if shares[name] >= line) or tuple(likely[:1])
        return Judgement("ask" if sure >= line else "call", sure, about)

    return each(judge)


def flat(arguments: Any, above: str = "") -> dict[str, str]:
    """The values of a call as text, by path."""
    made: dict[str, str] = {}
    for name, value in arguments.items():
        if isinstance(value, dict):
            made |= flat(value, f"{above}{name}.")
        elif isinstance(value, bool):
            made[f"{above}{name}"] = "yes" if value else "no"
        else:
            made[f"{above}{name}"] = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return made


def student(spec: str, path: Path | None) -> Judge:
    """A model with the tools at hand, or with the one that is known: it asks, calls, or says something else."""
    speaker, kept = student_from(spec), Kept(path)

    async def act(decision: Decision, given: bool, line: asyncio.Semaphore) -> Truth:
        tools = [tool for tool in decision.tools if not (given and decision.target) or tool["name"] == decision.target]
        key = stable_hash(spec, decision.said, tools)
        if key not in kept.known:
            roles = {"user": Role.TEACHER, "assistant": Role.STUDENT}
            task = as_task(decision.text, False, tuple({"type": "function", "function": tool} for tool in tools))
            history = tuple((roles[role], text) for role, text in decision.said)
            async with line:
                reply = with_calls(task, await speaker.reply(StudentView(history, tools=task.tools), seed=0))
            kept.put(key, "call" if reply.tool_calls else "ask" if asks(reply.text) else "none")
        return kept.known[key]  # type: ignore[no-any-return]

    async def acts(decisions: Sequence[Decision], given: bool) -> list[Truth]:
        line = asyncio.Semaphore(AT_ONCE)
        return list(await asyncio.gather(*(act(one, given, line) for one in decisions)))

    def judge(decisions: Sequence[Decision], drafted: bool, given: bool) -> list[Judgement | None]:
        if drafted:
            return [None] * len(decisions)
        return [Judgement(found, float(found == "ask")) for found in asyncio.run(acts(decisions, given))]

    return judge


def resampled(decisions: Sequence[Decision], figure: Callable[[np.ndarray[Any, Any]], float | None]) -> dict[str, Any]:
    """A figure of chosen rows, with a bootstrap over groups."""
    places: dict[str, list[int]] = {}
    for place, one in enumerate(decisions):
        places.setdefault(one.group, []).append(place)
    groups, generator = list(places.values()), np.random.default_rng(0)
    drawn = []
    for _ in range(RESAMPLES):
        chosen = [groups[k] for k in generator.integers(0, len(groups), len(groups))]
        value = figure(np.array([place for group in chosen for place in group]))
        if value is not None:
            drawn.append(value)
    low, high = np.percentile(drawn, (2.5, 97.5)) if drawn else (None, None)
    value = figure(np.arange(len(decisions)))
    return {"value": value, "low": low, "high": high, "n": len(decisions)}


def figures(decisions: Sequence[Decision], found: Sequence[Judgement | None]) -> dict[str, Any]:
    """The figures of one decider on one set, whatever its rows call for."""
    kept = [(one, made) for one, made in zip(decisions, found, strict=True) if made is not None]
    if not kept:
        return {}
    rows, made = [one for one, _ in kept], [one for _, one in kept]
    truths = {one.truth for one in rows}
    table: dict[str, Any] = {}
    if "ask" in truths:
        table["asks"] = share([m.act == "ask" for one, m in kept if one.truth == "ask"])
    if "call" in truths:
        table["needless"] = share([m.act == "ask" for one, m in kept if one.truth == "call"])
    if any(one.about for one in made) and (named := [(one, m) for one, m in kept if one.missing]):
        table["names it"] = share([m.act == "ask" and names(m.about, one.missing) for one, m in named])
    if "none" in truths:
        table["neither"] = share([m.act == "none" for one, m in kept if one.truth == "none"])
    if {"ask", "call"} <= truths:
        wanted = np.array([one.truth == "ask" for one in rows])
        scores = np.array([one.sure for one in made])
        asked_about = np.array([one.truth != "none" for one in rows])

        def area(places: np.ndarray[Any, Any]) -> float | None:
            places = places[asked_about[places]]
            return auc(scores[places], wanted[places])

        table["AUC"] = resampled(rows, area)
    if len(truths) == len(KINDS):
        acts, right = np.array([one.act for one in made]), np.array([one.truth for one in rows])
        table["macro F1"] = resampled(rows, lambda places: macro_f1(acts[places], right[places]))
    return table


def names(about: Sequence[str], missing: Sequence[str]) -> bool:
    """Whether all that is missing is asked for; an argument within an object or a list goes by any part of its path."""
    return set(missing) <= {*about, *(part for path in about for part in re.split(r"[.\[\]]+", path))}


def macro_f1(acts: np.ndarray[Any, Any], right: np.ndarray[Any, Any]) -> float:
    found = []
    for kind in KINDS:
        hits, said, true = ((acts == kind) & (right == kind)).sum(), (acts == kind).sum(), (right == kind).sum()
        found.append(2 * hits / (said + true) if said + true else 0.0)
    return float(np.mean(found))


@dataclass(frozen=True)
class Bench:
    """A set of decisions, and what is known when they are taken."""

    name: str
    decisions: tuple[Decision, ...]
    drafted: bool = False
    given: bool = True


def benches(folder: Path, n: int) -> list[Bench]:
    incomplete = (*data.acebench(folder, "special_incomplete", "ask"),
                  *data.acebench(folder, "normal_single_turn_single_function", "call"))  # fmt: skip
    pairs, turns, made = tuple(data.pairs(folder)), tuple(data.missing_turns(folder)), tuple(data.generated(n))
    style = {kind: tuple(one for one in pairs if f" {kind} " in one.id) for kind in ("sgd", "other")}
    first = tuple(one for one in turns if len(one.said) == 1)
    found = [
        Bench("generated, held-out tools", made),
        Bench("generated, held-out tools, drafted", made, drafted=True),
        Bench("When2Call pairs", pairs),
        Bench("When2Call pairs, sgd_style", style["sgd"]),
        Bench("When2Call pairs, others", style["other"]),
        Bench("When2Call pairs, tool to be chosen", pairs, given=False),
        Bench("When2Call pairs, drafted", pairs, drafted=True),
        Bench("When2Call three-way", tuple(data.three_way(folder)), given=False),
        Bench("BFCL missing parameter", turns),
        Bench("BFCL missing parameter, first turns", first),
        Bench("BFCL missing parameter, drafted", turns, drafted=True),
        Bench("BFCL irrelevance", tuple(data.irrelevance(folder)), given=False),
        Bench("ACEBench incomplete", incomplete),
        Bench("ACEBench irrelevant", tuple(data.acebench(folder, "special_irrelevant", "none")), given=False),
        Bench("ACEBench wrong value", tuple(data.acebench(folder, "special_error_param", "ask")), given=False),
    ]
    every = list(data.sgd_turns(folder / "sgd" / "test_unseen_services.jsonl"))
    for first_turn in (True, False):
        unseen = tuple(one for first, one in every if first is first_turn)
        name = f"SGD unseen, {'first' if first_turn else 'later'} turns"
        found += [Bench(name, unseen), Bench(f"{name}, drafted", unseen, drafted=True)]
    return found


def fewer(bench: Bench, most: int) -> Bench:
    """The set cut to about so many decisions, by lot, both forms of a pair together."""
    groups = sorted({one.group for one in bench.decisions}, key=lambda group: stable_hash("few", group))
    size = max(1, len(bench.decisions) // len(groups))
    kept = set(groups[: max(1, most // size)])
    return replace(bench, decisions=tuple(one for one in bench.decisions if one.group in kept))


def judges_drafts(spec: str | None) -> bool:
    """Whether a decider judges calls that others drafted; a student writes its own."""
    return spec is None or spec.startswith("asker:")


def judges(folder: Path, deciders: Mapping[str, str], kept: Path | None) -> dict[str, Judge]:
    made = {"always": each(always), "never": each(never), "surface": folded(surface_fit), "bag": folded(bag_fit)}
    made |= {"bag, other data": trained_bag(folder), "rule": each(rule)}
    for name, spec in deciders.items():
        made[name] = student(spec, kept) if not judges_drafts(spec) else asker(spec, kept)
    return made


BASELINES = ("always", "never", "surface", "bag", "bag, other data", "rule")
DRAFTED = ", drafted"
"""How the name of a set ends in which deciders are shown a call."""
SURE = ("always", "never")
"""Deciders whose figures are the same everywhere."""
WITHOUT_DRAFT = ("always", "never", "surface", "bag", "bag, other data")
"""To these a drafted call makes no difference: they stand in the rows without one."""


def limit(given: str) -> tuple[str, int]:
    """`NAME=N` or `N`."""
    name, _, number = given.rpartition("=")
    return name, int(number)


HERE = Path(__file__).resolve().parent
READY = {"asker:": 100, "base=embedded:?max_tokens=48": 12}
"""Deciders that stand beside the baselines where none is named, and how many decisions of each set they take."""


def named(decider: str) -> tuple[str, str]:
    """Name and spec of `[NAME=]SPEC`."""
    name, sign, spec = decider.partition("=")
    return (name, spec) if sign and ":" not in name and "?" not in name else (decider, decider)


class Pace:
    """Says how much of a decider's decisions is taken, and for how long it will still be busy."""

    def __init__(self, name: str, total: int) -> None:
        self.name, self.total, self.done, self.began = name, total, 0, time.monotonic()

    def step(self, decisions: int) -> None:
        self.done += decisions
        seconds = time.monotonic() - self.began
        left = seconds * (self.total - self.done) / max(1, self.done)
        print(f"{self.name}: {self.done} of {self.total} decisions, {seconds:.0f} s, {left / 60:.0f} min left",
              file=sys.stderr, flush=True)  # fmt: skip


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--data", type=Path, default=Path(os.environ.get("SML_AGENTS_DATA", "data")) / "tools")
    options.add_argument("--out", type=Path, default=HERE / "results" / "tool_requests.json")
    options.add_argument(
        "--decider", action="append", metavar="[NAME=]SPEC",
        help=f"instead of {' and '.join(READY)}, which take {' and '.join(map(str, READY.values()))} of each set",
    )  # fmt: skip
    options.add_argument("--pairs", type=int, default=300, help="generated held-out pairs")
    options.add_argument(
        "--most", action="append", default=[], metavar="[NAME=]N", type=limit,
        help="decisions of each set that a --decider, or all of them, take (all); the others take no time",
    )  # fmt: skip
    options.add_argument("--kept", type=Path, default=Path("runs/tool_requests.jsonl"), help="keeps what a model made")
    options.add_argument("--sets", nargs="*", default=[""], help="beginnings of the names of sets to judge (all)")
    options.add_argument("--only", nargs="*", default=[], help="names of deciders to run")
    options.add_argument("--plan", action="store_true", help="say how many decisions there are, and end")
    given = options.parse_args()
    if not (given.data / "when2call_pairs.jsonl").is_file():
        options.error(f"{given.data} does not hold the published sets: name their folder with --data")
    most = dict(given.most) or ({named(one)[0]: few for one, few in READY.items()} if not given.decider else {})
    deciders = dict(map(named, READY if given.decider is None else given.decider))
    sets = [bench for bench in benches(given.data, given.pairs) if bench.name.startswith(tuple(given.sets))]
    plan: dict[str, list[Bench]] = {}
    for name in [one for one in (*BASELINES, *deciders) if one in given.only or not given.only]:
        few = None if name in BASELINES else most.get(name, most.get(""))
        drafts = name not in WITHOUT_DRAFT and judges_drafts(deciders.get(name))
        shows = [one for one in sets if drafts or not one.drafted]
        plan[name] = [fewer(one, few) for one in shows] if few else shows
    sizes = {name: sum(len(one.decisions) for one in some) for name, some in plan.items()}
    print(", ".join(f"{name}: {size} decisions" for name, size in sizes.items()), file=sys.stderr)
    print("An asker takes a fifth of a second or so for each, a small model 3 s, the baselines together a minute on a "
          "core", file=sys.stderr)  # fmt: skip
    if given.plan:
        return
    table: dict[str, Any] = {bench.name: {} for bench in sets}
    made = judges(given.data, deciders, given.kept)
    for name, some in plan.items():
        pace = Pace(name, sizes[name])
        for bench in some:
            if found := figures(bench.decisions, made[name](bench.decisions, bench.drafted, bench.given)):
                table[bench.name][name] = found
            pace.step(len(bench.decisions))
    for set_name, deciders in table.items():
        print(f"\n{set_name}")
        for name, row in deciders.items():
            print(f"  {name:18} " + "  ".join(f"{key} {_shown(one)}" for key, one in row.items()))
    print(f"\n{markdown(table)}")
    if given.out:
        given.out.parent.mkdir(parents=True, exist_ok=True)
        rounded = json.loads(json.dumps(table), parse_float=lambda number: round(float(number), 4))
        given.out.write_text(json.dumps(rounded, indent=1) + "\n", encoding="utf-8")


def markdown(table: dict[str, dict[str, Any]]) -> str:
    """The table as a page shows it: asks / needless / AUC in percent, a decider with a drafted call beside itself."""
    plain = [name for name in table if not name.endswith(DRAFTED)]
    known = dict.fromkeys(name for row in table.values() for name in row if name not in SURE)
    columns = [
        (name, end) for name in known for end in ("", DRAFTED) if any(name in table.get(s + end, ()) for s in plain)
    ]
    lines = []
    for one in plain:
        cells = (table.get(one + end, {}).get(name) for name, end in columns)
        lines.append((f"{one} ({_size(table[one])})", *(cell(row) if row else "-" for row in cells)))
    return markdown_table(("set", *(f"{name}{end and ', drafted call'}" for name, end in columns)), lines)


def cell(row: dict[str, Any]) -> str:
    def percent(name: str) -> str:
        return "-" if row[name]["value"] is None else f"{100 * row[name]['value']:.0f}"

    decided = [name for name in ("asks", "needless", "AUC") if name in row]
    shown = [" / ".join(map(percent, decided)) if len(decided) == 3 else f"asks {percent('asks')}"] if decided else []
    return ", ".join([*shown, *(f"{name} {percent(name)}" for name in ("neither", "macro F1") if name in row)])


def _size(row: dict[str, Any]) -> str:
    """Decisions of a set: those that should ask, and those that should not."""
    figures = next(iter(row.values()))
    return " and ".join(str(figures[name]["n"]) for name in ("asks", "needless", "neither") if name in figures)


def _shown(figure: dict[str, Any]) -> str:
    if figure["value"] is None:
        return "-"
    return f"{100 * figure['value']:.0f} ({100 * figure['low']:.0f}-{100 * figure['high']:.0f}, n={figure['n']})"


if __name__ == "__main__":
    main()
