"""The local model: many dialogues at once beside one at a time and beside one plain batched `generate`.

    python benchmarks/local.py [--dialogues 32] [--turns 3] [--max-tokens 48] [--model embedded] [--dtype float32 ...]
                               [--threads N] [--json] [--out results.json]

Tokens/s are sampled tokens over wall time, prompts included. "plain" is transformers' own `generate` on the dialogues'
first turns in one left-padded batch, every row to the full length, which no dialogue can have: replies end when they
end, and a next turn needs the one before. Sampling at temperature 0.8, seeds fixed. Use an idle machine.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import time
from pathlib import Path
from typing import Any

from sml_agents.backends.threads import set_threads

NAMES = (
    "Ada",
    "Ben",
    "Cleo",
    "Dan",
    "Eve",
    "Finn",
    "Gus",
    "Hana",
    "Ivo",
    "Jo",
    "Kim",
    "Leo",
    "Mia",
    "Ned",
    "Ole",
    "Pia",
)
FEEDBACK = "That is not right. Look at the numbers again and explain each step."


def problem(number: int) -> str:
    name, boxes, pencils = NAMES[number % len(NAMES)], 3 + number % 7, 4 + number % 5
    return f"{name} buys {boxes} boxes of {pencils} pencils each and gives 2 away. How many pencils are left?"


async def dialogue(model: Any, number: int, turns: int) -> int:
    """Hold one; returns the sampled tokens."""
    from langchain_core.messages import HumanMessage

    messages: list[Any] = [HumanMessage(problem(number))]
    tokens = 0
    for turn in range(turns):
        reply = await model.ainvoke(messages, seed=1000 * number + turn)
        tokens += reply.usage_metadata["output_tokens"]
        messages += [reply, HumanMessage(FEEDBACK)]
    return tokens


def timed(run: Any) -> dict[str, float]:
    begin = time.perf_counter()
    tokens = run()
    seconds = time.perf_counter() - begin
    return {"tokens": tokens, "seconds": round(seconds, 2), "tokens_per_second": round(tokens / seconds, 1)}


def measure(options: argparse.Namespace, dtype: str) -> dict[str, Any]:
    from sml_agents.backends import resolve

    settings = {"temperature": 0.8, "max_tokens": options.max_tokens, "dtype": dtype, "threads": options.threads}
    model: Any = resolve(options.model, **settings)
    fresh: Any = resolve(options.model, **settings, cache_mb=0)
    model.invoke("Hi.", max_tokens=2)
    fresh.invoke("Hi.", max_tokens=2)

    async def together(model: Any, dialogues: int) -> int:
        return sum(await asyncio.gather(*[dialogue(model, n, options.turns) for n in range(dialogues)]))

    async def one_by_one() -> int:
        # Numbers of their own, so that nothing is found in the store of prefixes.
        return sum([await dialogue(fresh, 100 + n, options.turns) for n in range(options.alone)])

    decoder = model._engine._work.decoder
    results = {
        "together": timed(lambda: asyncio.run(together(model, options.dialogues))),
        "together, nothing reused": timed(lambda: asyncio.run(together(fresh, options.dialogues))),
        "one at a time": timed(lambda: asyncio.run(one_by_one())),
        "plain": timed(lambda: plain_generate(model, options)),
    }
    reused = decoder.reused_tokens / (decoder.reused_tokens + decoder.computed_tokens)
    return {"rates": results, "prompt_tokens_reused": round(reused, 3)}


def plain_generate(model: Any, options: argparse.Namespace) -> int:
    import torch

    work = model._engine._work
    tokenizer = work.format.tokenizer
    prompts = [[{"role": "user", "content": problem(n)}] for n in range(options.dialogues)]
    texts = tokenizer.apply_chat_template(prompts, add_generation_prompt=True, tokenize=False)
    batch = tokenizer(texts, padding=True, padding_side="left", return_tensors="pt", add_special_tokens=False)
    torch.manual_seed(0)
    output = work.decoder.model.generate(
        **batch,
        do_sample=True,
        temperature=0.8,
        top_k=0,
        max_new_tokens=options.max_tokens,
        min_new_tokens=options.max_tokens,
        pad_token_id=tokenizer.pad_token_id,
    )
    return int((output.shape[1] - batch["input_ids"].shape[1]) * output.shape[0])


def table(report: dict[str, Any]) -> str:
    lines = []
    for dtype, result in report["results"].items():
        rates = {name: rate["tokens_per_second"] for name, rate in result["rates"].items()}
        alone, plain = rates["one at a time"], rates["plain"]
        lines.append(f"{dtype}: {result['prompt_tokens_reused']:.0%} of the prompt tokens were not computed again")
        lines.append(f"  {'':28}{'tokens/s':>9}{'x alone':>9}{'x plain':>9}")
        for name, rate in rates.items():
            lines.append(f"  {name:28}{rate:9.1f}{rate / alone:9.1f}{rate / plain:9.2f}")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--dialogues", type=int, default=32)
    parser.add_argument("--turns", type=int, default=3)
    parser.add_argument("--max-tokens", type=int, default=48)
    parser.add_argument("--alone", type=int, default=3, help="dialogues held one at a time")
    parser.add_argument("--model", default="embedded")
    parser.add_argument("--dtype", nargs="+", default=["float32"], choices=["float32", "bfloat16"])
    parser.add_argument("--threads", type=int)
    parser.add_argument("--json", action="store_true", help="print one JSON object instead of the table")
    parser.add_argument("--out", type=Path, help="also write the JSON object to this file")
    options = parser.parse_args()
    threads = set_threads(options.threads)
    from sml_agents.backends.loading import cpu_has_bfloat16

    scenario = {name: getattr(options, name) for name in ("dialogues", "turns", "max_tokens", "model")}
    machine = {"threads": threads, "cpu_has_bfloat16": cpu_has_bfloat16(), "load_before": os.getloadavg()}
    report = {
        "scenario": scenario | machine,
        "results": {dtype: measure(options, dtype) for dtype in options.dtype},
    }
    if options.out:
        options.out.write_text(json.dumps(report, indent=1) + "\n")
    print(json.dumps(report) if options.json else table(report))


if __name__ == "__main__":
    main()
