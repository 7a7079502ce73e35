"""Train a student on recorded dialogues, by any recipe (sft, dpo, kto, sdft, ...), on one machine or several GPUs.

    python finetune/train.py --config finetune/train_cpu.yaml --dry-run
    python finetune/train.py --config finetune/train_cpu.yaml
    python finetune/train.py --config finetune/train_cpu.yaml --recipe dpo --beta 0.2 --lora.r 8 --adam_beta2 0.99
    accelerate launch --config_file finetune/train_fsdp.yaml finetune/train.py --config finetune/train_multi_gpu.yaml

The dialogues come from `sml-agents run` (or `sml-agents demo --domain arithmetic`); the result is a folder to use as
`transformers:FOLDER`.
Settings on the command line win over the file: those of the run (`TrainingRun`), of the recipe (`SFTSettings`,
`PreferenceSettings`, ...), and every field of its TRL config. A run that was cut short goes on with `--resume true`;
`--report_to tensorboard` (or trackio) keeps its curves. The same without accelerate: `sml-agents train --config FILE`.

    train_cpu.yaml        two cores, the embedded 135M model, full fine-tuning; measured
    train_gpu_24gb.yaml   one consumer GPU, a 7-8B model, LoRA in bf16; never run
    train_gpu_80gb.yaml   one 80 GB GPU, a 7-8B model, LoRA in bf16 on long rows; never run
    train_from_logs.yaml  LoRA on the embedded model with lessons mined from logs: docs/from-logs.md
    train_multi_gpu.yaml  several GPUs, full fine-tuning, with train_fsdp.yaml or train_deepspeed.yaml; never run
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
from sml_agents.training import ProgressLine, TrainingRun, load_run, named_values, preview_run, train_run
from sml_agents.training.dry_run import describe
from sml_agents.training.processes import is_main_process


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--config", required=True, help="a YAML file, see those beside this one")
    parser.add_argument("--dry-run", action="store_true", help="check everything, show an example, train nothing")
    options, rest = parser.parse_known_args(arguments)
    try:
        run = load_run(options.config, named_values(rest))
        if options.dry_run:
            print(describe(preview_run(run)))
            return 0
        return train(run)
    except SmlError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2


def train(run: TrainingRun) -> int:
    result = train_run(run, ProgressLine())
    if not is_main_process():
        return 0
    if result.stopped == "time":
        print(f"stopped after {result.steps} of {result.planned_steps} steps: max_seconds is used up")
    print(f"{result.recipe}: loss {result.first_loss} -> {result.last_loss} in {result.steps} steps")
    for name, count in result.notes.get("sources", {}).items():
        print(f"  {count} {name}")
    print(f"\nTalk to it:  sml-agents chat --student transformers:{result.path}")
    baseline = f"--baseline {run.settings.model}"
    print(f"Measure it:  sml-agents eval --student transformers:{result.path} {baseline} --tasks SPEC")
    return 0


if __name__ == "__main__":
    sys.exit(main())
