"""Fine-tune a student on its own turns of recorded dialogues (Q-primed, multi-turn or single-turn SFT).

    python finetune/sft.py --config finetune/sft_cpu.yaml --dry-run
    python finetune/sft.py --config finetune/sft_cpu.yaml
    python finetune/sft.py --config finetune/sft_cpu.yaml --epochs 1 --lora.r 8 --neftune_noise_alpha 5

The dialogues come from `sml-agents run` (or `make demo`); the result is a folder to use as `transformers:FOLDER`.
Settings on the command line win over the file: those of the run (`SFTRun`), of training (`SFTSettings`), and every
field of TRL's `SFTConfig`. A run that was cut short goes on with `--resume true`.

    sft_cpu.yaml    two cores, the embedded 135M model, full fine-tuning; measured
    sft_gpu.yaml    one GPU with 24 GB, a 7-8B model, LoRA in bf16; written from the documentation, never measured
    sft_from_logs.yaml    LoRA on the embedded model with lessons mined from logs: docs/from-logs.md
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence

# Before torch is imported: idle threads that spin slow a busy machine down.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
os.environ.setdefault("KMP_BLOCKTIME", "0")

from sml_agents.errors import SmlError
from sml_agents.training import ProgressLine, SFTRun, load_run, preview, train_sft
from sml_agents.training.config import rows_of
from sml_agents.training.nouns import TrainingRow


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--config", required=True, help="a YAML file, see those beside this one")
    parser.add_argument("--dry-run", action="store_true", help="check everything, show an example, train nothing")
    options, rest = parser.parse_known_args(arguments)
    try:
        run = load_run(options.config, named_values(parser, rest))
        rows = rows_of(run)
        show_plan(run, rows)
        return 0 if options.dry_run else train(run, rows)
    except SmlError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2


def named_values(parser: argparse.ArgumentParser, rest: Sequence[str]) -> dict[str, str]:
    """`--name value` pairs, for settings that the parser does not know one by one."""
    if len(rest) % 2 or not all(name.startswith("--") for name in rest[::2]):
        parser.error(f"settings are given as '--name value': {' '.join(rest)}")
    return {name.removeprefix("--"): value for name, value in zip(rest[::2], rest[1::2], strict=True)}


def show_plan(run: SFTRun, rows: Sequence[TrainingRow]) -> None:
    """What will be trained: checks the chat template's masks and every row on the way."""
    plan = preview(rows, run.sft)
    data = plan.data
    missing = sum(row.missing is True for row in rows)
    millions, trained = plan.parameters / 1e6, plan.trained_parameters / 1e6
    print(f"model      {run.sft.model}, {millions:.0f}M parameters, {trained:.1f}M of them trained")
    print(f"device     {plan.device}, {plan.precision}, about {plan.memory_gb} GB")
    print(f"rows       {data.rows}, from {missing} dialogues with a fact missing and {len(rows) - missing} with none")
    print(f"tokens     {data.tokens:,}, of which {data.trained_tokens:,} carry loss; longest row {data.longest}")
    if data.too_long or data.untrained:
        print(f"left out   {data.too_long} too long, {data.untrained} without a trainable turn")
    print(f"steps      {plan.steps} of {run.sft.batch_size} rows")
    print("\nThe first row, with what is trained in brackets:\n")
    print(plan.marked() + "\n")


def train(run: SFTRun, rows: Sequence[TrainingRow]) -> int:
    result = train_sft(rows, run.sft, run.out, progress=ProgressLine())
    if result.stopped == "time":
        print(f"stopped after {result.steps} of {result.planned_steps} steps: max_seconds is used up")
    print(f"loss       {result.first_loss:.3f} -> {result.last_loss:.3f} in {result.steps} steps")
    print(f"speed      {result.tokens_per_second:,.0f} tokens/s over {result.seconds:.0f} s")
    print(f"\nTalk to it:  sml-agents chat --student transformers:{result.path}")
    print(f"Measure it:  sml-agents eval --student transformers:{result.path} --baseline {run.sft.model} --tasks SPEC")
    return 0


if __name__ == "__main__":
    sys.exit(main())
