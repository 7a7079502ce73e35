"""Train a student by reinforcement learning on whole dialogues: MT-RL, or ST-RL with one turn (GRPO).

    python finetune/grpo.py --config finetune/grpo_cpu.yaml --dry-run
    python finetune/grpo.py --config finetune/grpo_cpu.yaml
    python finetune/grpo.py --config finetune/grpo_cpu.yaml --max_turns 1 --curriculum true --epsilon_high 0.28

Start from a model that already solves some of the tasks, or there is nothing to learn from: `make demo`, or Q-primed
SFT with finetune/sft.py. Settings on the command line win over the file: those of the run (`TrainingRun`), of
`GRPOSettings`, and every field of TRL's `GRPOConfig`. A run that was cut short goes on with `--resume true`.

    grpo_cpu.yaml       two cores, a model made from the embedded 135M one, full fine-tuning; measured
    grpo_gpu.yaml       one GPU with 24 GB, a 1.5B model, LoRA in bf16
    grpo_gpu_80gb.yaml  one GPU with 80 GB, a 7B model, vLLM beside the trainer
    grpo_gpus.yaml      several GPUs, a copy of the model and of vLLM on each: accelerate launch finetune/grpo.py ...

The three for GPUs were written from the documentation of TRL, peft and vLLM and have never been run on a GPU.
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
from sml_agents.training import ProgressLine, TrainingRun, load_run, preview_run, train_run


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--config", required=True, help="a YAML file, see those beside this one")
    parser.add_argument("--dry-run", action="store_true", help="check everything, show an example, train nothing")
    options, rest = parser.parse_known_args(arguments)
    if len(rest) % 2 or not all(name.startswith("--") for name in rest[::2]):
        parser.error(f"settings are given as '--name value': {' '.join(rest)}")
    given = {name.removeprefix("--"): value for name, value in zip(rest[::2], rest[1::2], strict=True)}
    try:
        run = load_run(options.config, {"recipe": "grpo", **given})
        show_plan(run)
        return 0 if options.dry_run else train(run)
    except SmlError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2


def show_plan(run: TrainingRun) -> None:
    """What will be trained, and the example of a dialogue with the student's tokens in brackets."""
    plan = preview_run(run)
    millions, trained = plan.parameters / 1e6, plan.trained_parameters / 1e6
    print(f"model      {plan.settings.model}, {millions:.0f}M parameters, {trained:.1f}M of them trained")
    print(f"device     {plan.device}, {plan.precision}, about {plan.memory_gb} GB")
    print(f"tasks      {plan.data.rows}; a dialogue has at most {plan.data.longest} tokens, and the teacher's words")
    print(f"steps      {plan.steps} of {plan.settings.batch_size} dialogues")
    print(
        f"\nA dialogue whose student was told what to say, with what would be trained in brackets:\n\n{plan.marked()}\n"
    )


def train(run: TrainingRun) -> int:
    result = train_run(run, ProgressLine())
    notes, solved = result.notes, [point["solved"] for point in result.curve if "solved" in point]
    if result.stopped == "time":
        print(f"stopped after {result.steps} of {result.planned_steps} steps: max_seconds is used up")
    print(f"solved     {solved[0]:.0%} -> {solved[-1]:.0%} of a step's dialogues, in {result.steps} steps")
    print(
        f"groups     {notes['groups']}, of which {notes['flat_groups']} taught nothing: all their dialogues ended alike"
    )
    seconds = ", ".join(f"{name} {value:.0f}" for name, value in notes["seconds"].items())
    print(f"seconds    {seconds}")
    print(f"\nRead the dialogues:  sml-agents show {run.out / 'dialogues.sqlite'}")
    baseline = f"--baseline {run.settings.model}"
    print(f"Measure it:  sml-agents eval --student transformers:{result.path} {baseline} --tasks SPEC")
    return 0


if __name__ == "__main__":
    sys.exit(main())
