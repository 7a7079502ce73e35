"""Whether what the asker is trained on has eight words in a row in common with what it is measured on.

    python benchmarks/asker_overlap.py --data FILE --data FILE --tests DIR

Requests and turns are compared, not signatures. Generated and written requests are always read.
"""

from __future__ import annotations

import argparse
import json
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from sml_agents.asker.generated import generated_pairs
from sml_agents.asker.marked import requests_in
from sml_agents.asker.material import marked_in, read_requests
from sml_agents.asker.mix import set_aside
from sml_agents.asker.written import read_written

WORDS = 8
TESTS = (
    "when2call*.jsonl",
    "bfcl_miss_param_pairs.jsonl",
    "bfcl_parallel.jsonl",
    "bfcl_irrelevance.jsonl",
    "acebench_*.jsonl",
    "sgd/test_unseen_services.jsonl",
)
SPOKEN = {"question", "request_missing", "request_complete", "answer", "content", "reply"}


def runs(text: str) -> set[str]:
    words = re.findall(r"\w+", text.casefold())
    return {" ".join(words[at : at + WORDS]) for at in range(len(words) - WORDS + 1)}


def spoken(value: Any, inside: bool = False) -> Iterator[str]:
    """What somebody says in a row of a test file."""
    if isinstance(value, str):
        if inside:
            yield value
    elif isinstance(value, dict):
        for key, inner in value.items():
            yield from spoken(inner, key in SPOKEN or (inside and key not in ("tools", "tool", "role")))
    elif isinstance(value, list):
        for inner in value:
            yield from spoken(inner, inside)


def trained_on(files: Iterable[Path]) -> dict[str, list[str]]:
    """Texts by source."""
    found = {
        "generated": [task.prompt for pair in generated_pairs("train", 3000) for task in pair],
        "written": [
            said.text
            for one in read_written()
            if not set_aside(one)
            for side in (one.pair.lacking, one.pair.whole)
            for said in side.said
        ],
    }
    for path in files:
        content = marked_in(path)
        found[path.name] = (
            [one.text for one in read_requests(path)] if content is None else [one.text for one in requests_in(content)]
        )
    return found


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--data", type=Path, action="append", default=[], help="as for finetune/asker.py")
    options.add_argument("--tests", type=Path, required=True, help="folder of the files that benchmarks/asker.py reads")
    given = options.parse_args()
    tested: dict[str, str] = {}
    for path in sorted(path for pattern in TESTS for path in given.tests.glob(pattern)):
        for line in path.read_text(encoding="utf-8").splitlines():
            for text in spoken(json.loads(line)):
                tested |= dict.fromkeys(runs(text), path.name)
    print(f"{len(tested)} runs of {WORDS} words in what is measured on")
    for source, texts in trained_on(given.data).items():
        hits = [(text, run) for text in texts for run in sorted(runs(text) & set(tested))[:1]]
        print(f"{source}: {len(hits)} of {len(texts)} texts share a run")
        for text, run in hits[:5]:
            print(f"  {tested[run]}: {run!r} in {text[:100]!r}")


if __name__ == "__main__":
    main()
