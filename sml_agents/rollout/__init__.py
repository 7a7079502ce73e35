"""Many dialogues at once: bounded, resumable, failures recorded.

run_dialogues, run_dialogues_sync  a student and a teacher over many tasks, into a store
run_graph, run_into_store          the same for a dialogue graph of your own, and for anything that makes traces
run_all                            many dialogues at once, wherever their traces go
RunOptions, RunSummary, Progress   how it is run, what came of it, where it stands
ProgressBar                        shows where it stands on standard error
"""

from sml_agents.rollout.engine import Item, run_all
from sml_agents.rollout.progress import ProgressBar
from sml_agents.rollout.run import RunOptions, run_dialogues, run_dialogues_sync, run_graph, run_into_store
from sml_agents.rollout.signals import run_until_signal
from sml_agents.rollout.summary import Progress, RunSummary

__all__ = [
    "Item",
    "Progress",
    "ProgressBar",
    "RunOptions",
    "RunSummary",
    "run_all",
    "run_dialogues",
    "run_dialogues_sync",
    "run_graph",
    "run_into_store",
    "run_until_signal",
]
