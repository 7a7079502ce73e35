"""Several trainings by GRPO in one process: prints the memory and the models that each of them leaves behind, as JSON.

python tests/training/many_trainings.py SETTINGS_AS_JSON FOLDER COUNT
"""

from __future__ import annotations

import gc
import json
import sys
from pathlib import Path

import psutil

from sml_agents.training.grpo import train_grpo
from sml_agents.training.settings import GRPOSettings


def main(settings: str, folder: str, count: str) -> None:
    from transformers import PreTrainedModel

    import sml_agents.training.trainers.grpo  # noqa: F401  # all libraries

    gc.freeze()  # what they leave costs each training two looks at all of it
    made = GRPOSettings(**json.loads(settings))
    for number in range(int(count)):
        train_grpo(made, Path(folder) / str(number))
        # The leftovers of the training alone: nothing is collected here.
        gc.disable()
        models = sum(isinstance(one, PreTrainedModel) for one in gc.get_objects())
        gc.enable()
        print(json.dumps({"memory": psutil.Process().memory_info().rss, "models": models}), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
