"""Many dialogues at once: bounded, resumable, failures recorded.

run_dialogues, run_dialogues_sync  a student and a teacher over many tasks, into a store
run_graph                          the same for a dialogue graph of your own
RunOptions, RunSummary, Progress   how it is run, what came of it, where it stands
ProgressBar                        shows where it stands on standard error
dialogue_id                        which dialogue is which, across processes
"""

from sml_agents.rollout.identity import dialogue_id
from sml_agents.rollout.progress import ProgressBar
from sml_agents.rollout.run import RunOptions, run_dialogues, run_dialogues_sync, run_graph
from sml_agents.rollout.signals import run_until_signal
from sml_agents.rollout.summary import Progress, RunSummary

__all__ = [
    "Progress",
    "ProgressBar",
    "RunOptions",
    "RunSummary",
    "dialogue_id",
    "run_dialogues",
    "run_dialogues_sync",
    "run_graph",
    "run_until_signal",
]
