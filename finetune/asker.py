"""Train an asker: a small model that reads tools and a conversation and says which required argument is missing.

    python finetune/asker.py --out runs/asker
    python finetune/asker.py --out runs/asker --data bfcl_simple_python.jsonl --data bfcl_multiple.jsonl
    python finetune/asker.py --out runs/own --start asker: --tools tools.json --logs openai:logs.jsonl --steps 40
    python finetune/asker.py --out runs/mine --lessons lessons.sqlite --generated 0 --start asker: --steps 40
    python finetune/asker.py --out runs/both --mean runs/one --mean runs/other --data bfcl_simple_python.jsonl

Without --data, --logs or --lessons it trains on generated tool requests and on the written ones that come with the
package. With --data, also on pairs that are made by rule from complete requests, and on requests in which people marked
what was told (docs/asker.md says which files are published where). --logs takes what people asked your
agent, and what was missing then: a fifth of the conversations chooses the threshold, another measures the result
(docs/own/asker.md). --lessons takes what `sml-agents mine` made of your logs: every second row is then one of theirs,
of the threads that are for training. A run that was cut short goes on with --resume. The threshold is chosen on tools,
or conversations, that were held out of training, and stored with the weights. --mean trains nothing: it takes the mean
of runs that went on from the same weights with other --seed, and chooses the threshold of that.
"""

from __future__ import annotations

import argparse
import datetime as dt
import json
import os
import sys
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sml_agents.asker.talks import Talk
    from sml_agents.evaluation.asker import LessonRows


def _count(text: str) -> int:
    if (number := int(text)) < 0:
        raise argparse.ArgumentTypeError(f"it cannot be negative: {text}")
    return number


def main() -> int:
    """Train, choose the threshold, and say what came out."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--out", type=Path, required=True, help="new folder for the weights")
    options.add_argument("--data", type=Path, action="append", default=[], help="a file of function-calling data")
    options.add_argument("--logs", action="append", default=[], help="your agent's logs: FORMAT:PLACE, as for import")
    options.add_argument("--tools", type=Path, help="JSON list of your tools, for logs that do not hold them")
    options.add_argument("--lessons", metavar="STORE", help="lessons of your own logs")
    options.add_argument(
        "--start", default="", help="weights to go on from: asker: for those of the package, or a folder"
    )
    options.add_argument(
        "--mean", type=Path, action="append", default=[], help="a run to take the mean of, in place of training"
    )
    options.add_argument("--base", default="embedded:", help="the model to start from: embedded: or a folder")
    options.add_argument("--generated", type=_count, default=3000, help="pairs of generated requests (0: none)")
    options.add_argument(
        "--written",
        action=argparse.BooleanOptionalAction,
        help="the written requests that come with the package (default: unless --logs or --lessons is given)",
    )
    options.add_argument("--method", choices=("lora", "full"), default="lora")
    options.add_argument("--steps", type=int, default=400)
    options.add_argument("--rows", type=int, default=8, help="rows in one step")
    options.add_argument("--rate", type=float, help="learning rate (default: 2e-3, full: 4e-4)")
    options.add_argument("--warmup", type=float, default=20, help="steps in which the learning rate rises")
    options.add_argument("--seed", type=int, default=0)
    options.add_argument("--dev", type=_count, default=60, help="held-out pairs of each source, calls of logs")
    options.add_argument("--device", default="auto", help="of torch; auto takes a GPU if there is one")
    options.add_argument("--resume", action="store_true", help="go on with a run that was cut short")
    given = options.parse_args()
    if given.written is None:
        given.written = not (given.logs or given.lessons)

    from sml_agents.errors import SmlError

    try:
        return train(given)
    except SmlError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2


def read_lessons(path: str) -> LessonRows:
    """The lessons of a store that are for training."""
    from sml_agents.evaluation.asker import LessonRows
    from sml_agents.evaluation.deciders import cases_of
    from sml_agents.traces import TraceStore

    with TraceStore.open(path, read_only=True) as store:
        return LessonRows(cases_of(store.traces(), "train"))


def train(given: argparse.Namespace) -> int:
    from sml_agents.asker.train import STATE
    from sml_agents.asker.weights import mean_of
    from sml_agents.errors import InputError
    from sml_agents.training.runtime import model_path, settle_threads

    if given.mean and (given.start or given.resume):
        raise InputError("--mean trains nothing: leave out --start and --resume.")
    settle_threads()
    parts = read_parts(given)
    lessons = read_lessons(given.lessons) if given.lessons else None
    base = Path(model_path(given.base))
    if given.mean:
        mean_of(given.mean, given.out)
    else:
        learn(given, base, parts, lessons)
    choose(given, base, parts, lessons)
    (given.out / STATE).unlink(missing_ok=True)
    return 0


def learn(given: argparse.Namespace, base: Path, parts: dict[str, list[Talk]], lessons: LessonRows | None) -> None:
    """Say what there is to learn from, and train on it."""
    from pydantic import ValidationError

    from sml_agents.asker.load import load_asker
    from sml_agents.asker.mix import Mix
    from sml_agents.asker.talks import completes_of, thinned
    from sml_agents.asker.train import AskerSettings, Step, train_asker
    from sml_agents.backends.memory import freed_memory_kept
    from sml_agents.errors import InputError, complaint

    mix = Mix.read(
        given.data,
        given.generated,
        given.seed,
        written=given.written,
        own=completes_of(parts["train"]),
        talks=[partial(thinned, talk) for talk in parts["train"]],
    )
    kinds = {id(one): len(one) for one in mix.ready}
    print(
        f"{sum(map(len, mix.files))} requests from {len(mix.files)} files, {len(mix.generated)} generated pairs, "
        f"{sum(kinds.values())} that make rows by themselves"
    )
    if given.logs:
        print("calls in the logs: " + ", ".join(f"{len(some)} to {part}" for part, some in parts.items()))
    if lessons is not None:
        print(f"{len(lessons)} decisions in lessons")
    if not (given.data or given.logs or given.lessons or given.generated or given.written):
        raise InputError("There is nothing to train on: give --data, --logs or --lessons, or leave out --generated 0.")
    if not (given.data or given.logs or given.lessons):
        print("No --data: training on generated requests" + (" and written ones." if given.written else " alone."))
    start = load_asker(given.start).folder if given.start.startswith("asker:") else given.start
    rate = (2e-3 if given.method == "lora" else 4e-4) if given.rate is None else given.rate
    try:
        settings = AskerSettings(
            method=given.method,
            steps=given.steps,
            rows=given.rows,
            warmup=given.warmup,
            learning_rate=rate,
            seed=given.seed,
            start=str(start),
        )
    except ValidationError as error:
        field, fault = complaint(error)
        raise InputError(f"--{'rate' if field == 'learning_rate' else field}: {fault}") from error
    losses: list[float] = []

    def progress(step: Step) -> None:
        losses.append(step.loss)
        if step.step % 10 == 0:
            recent = losses[-10:]
            print(
                f"step {step.step} of {settings.steps}, loss {sum(recent) / len(recent):.3f}, {step.tokens} tokens",
                flush=True,
            )

    with freed_memory_kept():
        row_of = mix if lessons is None else lessons.mixed_with(mix if mix.files or mix.generated else None)
        train_asker(
            base,
            row_of,
            settings,
            given.out,
            resume=given.resume,
            save_every=25,
            progress=progress,
            device=given.device,
        )


def read_parts(given: argparse.Namespace) -> dict[str, list[Talk]]:
    """The calls in the logs, by the part that their conversation belongs to."""
    from sml_agents.asker.talks import PARTS, part_of, talks_in
    from sml_agents.errors import InputError
    from sml_agents.traces.importers import read_logs

    tools = read_json(given.tools) if given.tools else []
    found: dict[str, list[Talk]] = {part: [] for part in PARTS}
    lost: list[Any] = []
    for spec in given.logs:
        for trace in read_logs(spec, lost.append):
            found[part_of(trace)] += talks_in(trace, tools)
    if lost:
        print(f"{len(lost)} conversations could not be read, the first at {lost[0].where}: {lost[0].why}")
    if given.logs and not all(found.values()):
        raise InputError(
            "The logs hold too few calls of known tools to train, choose and measure on: give more conversations, or "
            "the tools with --tools if the logs do not hold them."
        )
    return found


def read_json(path: Path) -> list[Any]:
    from sml_agents.errors import InputError

    try:
        read = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InputError(f"Cannot read the tools in {path} as JSON: {error}") from error
    return read if isinstance(read, list) else [read]


def choose(given: argparse.Namespace, base: Path, parts: dict[str, list[Talk]], lessons: LessonRows | None) -> None:
    """Choose the thresholds, and with logs, measure beside the asker that the run began with."""
    from sml_agents.agents.asker import ungrounded
    from sml_agents.asker.load import load_asker
    from sml_agents.asker.mix import Mix
    from sml_agents.asker.read import AskerModel
    from sml_agents.asker.talks import pairs_of, scores_on
    from sml_agents.asker.threshold import chosen_on
    from sml_agents.text.values import Clock

    clock = Clock(dt.datetime(2026, 1, 1), known=False)
    if given.logs:
        pairs = pairs_of(parts["choose"], given.dev, given.seed)
    else:
        pairs = Mix.heldout_pairs(
            given.data, given.dev if given.generated else 0, given.dev, given.seed, written=given.written
        )
    if lessons is not None:
        pairs["lessons"] = lessons.pairs()[: given.dev]
    model = AskerModel.load(given.out, base, device=given.device)
    record = chosen_on(
        model,
        pairs,
        lambda tool, example: ungrounded(tool, example, clock),
        lambda name: print(f"read held-out pairs of {name}", flush=True),
    )
    record.write(given.out)
    print(json.dumps(record.model_dump(), indent=2))
    if not given.logs:
        return
    askers = {f"asker:{given.out}": (model, record)}
    if given.start.startswith("asker:"):
        began = load_asker(given.start)
        askers[given.start] = (began.model, began.record)
    print("\nOn conversations that were neither trained on nor chosen on, at each asker's own threshold:")
    for spec, (one, its) in askers.items():
        for kind, scores in scores_on(one, parts["measure"][: given.dev]).items():
            figures = scores.figures(its.threshold)
            print(
                f"  {spec}, {kind}, {len(scores.lacking)} that lack something and {len(scores.whole)} that do not: "
                f"AUC {figures['auc']:.2f}, asks {figures['asks']:.0%}, needless {figures['needless']:.0%}, names the "
                f"argument {figures['names']:.0%}"
            )


if __name__ == "__main__":
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    sys.exit(main())
