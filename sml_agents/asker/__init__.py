"""The asker: a small model that reads a tool and a conversation and says which required argument is missing.

    asker = load_asker("asker:")                   # the weights that come with the package
    tool = ToolView.read(schema)                   # a tool in a provider's format
    asker.missing(tool, [Said("user", "A table at Luigi's, please.")])     # {"place": 0.02, "day": 0.97}

prompt       what it is shown, and where P(missing) is read
trees        prompts that branch, read in one pass
pairs, material, generated, mix     what it is trained on: by rule from function-calling data, and generated
talks        the same out of an agent's own logs
train, weights, threshold           how it is trained and stored, and where it draws the line
read, packed, load                  asking it
told                                what was said for each argument, as values of a call
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sml_agents.asker.load import Asker, load_asker
    from sml_agents.asker.prompt import Argument, Said, ToolView

_MODULE_OF = {"Asker": "load", "load_asker": "load", "Argument": "prompt", "Said": "prompt", "ToolView": "prompt"}

__all__ = ["Argument", "Asker", "Said", "ToolView", "load_asker"]


def __getattr__(name: str) -> Any:
    module = _MODULE_OF.get(name)
    if module is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = globals()[name] = getattr(import_module(f"{__name__}.{module}"), name)
    return value
