"""Requests from task to trained row to figures, for a test and for whoever wants more dialogues:

python -m tests.e2e.requests_whole_way OUT [MODEL [REQUESTS [STEPS]]]

The same command again takes what is finished as it is, and goes on after it.
"""

from __future__ import annotations

import json
import sys
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

from sml_agents.data.export import FORMATS, export
from sml_agents.data.rows import training_rows
from sml_agents.data.selection import PRESETS, TraceFilter
from sml_agents.dialogue import DialogueSettings
from sml_agents.evaluation.run import evaluate
from sml_agents.roles import GuessingStudent, OraclePrimer, OracleTeacher
from sml_agents.rollout import run_dialogues_sync
from sml_agents.tasks import load_tasks
from sml_agents.traces import TraceStore
from sml_agents.training import (
    GRPOSettings,
    PreferenceSettings,
    SFTSettings,
    TrainResult,
    train_dpo,
    train_grpo,
    train_sft,
)
from sml_agents.training.folder import RECORD
from sml_agents.training.tokens.pairs import preference_examples


def whole_way(
    out: Path,
    model: str,
    requests: int,
    *,
    steps: int,
    batch: int,
    limits: str,
    grpo: int = 4,
    turn_tokens: int = 48,
    longest: int | None = None,
) -> dict[str, Any]:
    """Dialogues, exports in every format, SFT, DPO, two steps of GRPO, and the figures; what each left behind.

    `longest`: rows of more tokens are not trained on. What is printed first is the processor's time so far.
    """
    told: dict[str, Any] = {}

    def tell(name: str, value: Any) -> None:
        told[name] = value
        print(f"{time.process_time():6.0f} s  {name}: {value}", flush=True)

    tasks = load_tasks(f"requests?form=paired&n={requests // 2}&seed=11")
    with TraceStore.open(out / "dialogues.sqlite") as store:
        settings = DialogueSettings(max_turns=4, q_priming=1.0)
        primer = OraclePrimer(demonstrate=True)
        student = GuessingStudent(questions=0.3)
        run_dialogues_sync(tasks, student, OracleTeacher(), store, settings=settings, primer=primer, resume=True)
        traces = list(store.traces())
    tell("dialogues", Counter(f"{trace.task.form}: {trace.stop}" for trace in traces))
    for format in FORMATS:
        filters = TraceFilter() if format in ("preference", "kto") else PRESETS["q_primed"]
        report = export(traces, format, out / f"rows-{format}", filters)
        tell(f"export {format}", f"{report.rows} rows {report.sources or ''} left out {report.left_out}")
    common: dict[str, Any] = {"max_steps": steps, "batch_size": batch, "micro_batch_size": batch, "too_long": "drop"}
    common |= {"max_length": longest, "checkpoint_seconds": 120, "resume": True}
    imitation = SFTSettings(model=model, learning_rate=1e-4, **common)
    sft = finished(out / "sft", lambda to: train_sft(training_rows(traces, "q_primed"), imitation, to))
    tell("sft", f"loss {sft.first_loss:.2f} -> {sft.last_loss:.2f}, {sft.data.trained_turns} turns")
    pairs = preference_examples(traces, paired=True)
    preference = PreferenceSettings(model=str(sft.path), **common)
    dpo = finished(out / "dpo", lambda to: train_dpo(pairs, preference, to))
    tell("dpo", f"loss {dpo.first_loss:.3f} -> {dpo.last_loss:.3f}, {dpo.notes}")
    reward = GRPOSettings(
        model=str(dpo.path),
        tasks=(f"requests?form=paired&n={grpo}&seed=12",),
        max_steps=2,
        group=2,
        batch_size=grpo,
        micro_batch_size=2,
        max_turns=2,
        max_tokens=turn_tokens,
        needless_question_cost=0.1,
        checkpoint_seconds=120,
        resume=True,
    )
    online = finished(out / "grpo", lambda to: train_grpo(reward, to))
    tell("grpo", f"{online.steps} steps, {online.notes}")
    with TraceStore.open(out / "grpo" / "dialogues.sqlite", read_only=True) as store:
        tell("grpo calls", Counter(str(turn.act) for trace in store.traces() for turn in trace.student_turns))
    students = {"base": f"{model}{limits}", "trained": f"transformers:{online.path}{limits}"}
    spec = f"requests?form=paired&split=heldout&n={max(2, requests // 50)}&seed=13"
    summary = evaluate(students, [spec], out / "evaluation", max_turns=2, resume=True, baselines=requests >= 100)
    for name, one in {**summary.students, **summary.baselines}.items():
        figures = {n: m.value for n, m in one.metrics.items() if hasattr(m, "value") and m.value is not None}
        tell(f"figures {name}", json.dumps({n: round(v, 2) for n, v in figures.items()}))
    return told


def finished(out: Path, train: Callable[[Path], TrainResult]) -> TrainResult:
    """What was trained into a folder; trained now if that was not done, or not to its end."""
    if not (out / RECORD).is_file():
        return train(out)
    return TrainResult.model_validate_json((out / RECORD).read_bytes())


if __name__ == "__main__":
    out, model, requests, steps = (*sys.argv[1:], *("embedded:", "200", "6")[len(sys.argv) - 2 :])
    limits = "?temperature=0&max_tokens=64&dtype=fast"
    whole_way(
        Path(out), model, int(requests), steps=int(steps), batch=2, limits=limits, grpo=2, turn_tokens=64, longest=400
    )
