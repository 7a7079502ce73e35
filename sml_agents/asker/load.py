"""`asker:` and `asker:FOLDER`, on a GPU `asker:?device=cuda`: an asker, ready to be asked."""

from __future__ import annotations

import datetime as dt
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path

from sml_agents.asker.prompt import Said, ToolView
from sml_agents.asker.read import AskerModel
from sml_agents.asker.threshold import AskerRecord, weighed
from sml_agents.asker.told import Filled, fill
from sml_agents.errors import InputError, MissingExtra, one_line
from sml_agents.specs import read_spec

__all__ = ["READY", "Asker", "load_asker"]

READY = Path(__file__).parent / "ready"
"""The weights that come with the package."""


@dataclass
class Asker:
    """An asker and its thresholds. The weights are loaded when it is first asked."""

    folder: Path
    record: AskerRecord
    _model: AskerModel | None = field(default=None, repr=False)
    device: str = field(default="cpu", kw_only=True)
    """Of torch: where the weights are loaded to."""
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    @property
    def model(self) -> AskerModel:
        with self._lock:
            if self._model is None:
                self._model = _weights(self.folder, self.device)
            return self._model

    def missing(
        self, tool: ToolView, said: Sequence[Said], drafts: Mapping[str, str] | None = None
    ) -> dict[str, float]:
        """P(missing) of each required argument; see `AskerModel.missing`."""
        return self.model.missing(tool, said, drafts)

    def fill(self, tool: ToolView, said: Sequence[Said], now: dt.datetime | None = None) -> Filled:
        """What a conversation gives for a call, P(missing) of each argument weighed by whether its value was found; see
        `sml_agents.asker.told.fill`."""
        filled = fill(self.model, tool, said, now)
        return replace(filled, missing=weighed(filled))

    def choose(self, tools: Sequence[ToolView], said: Sequence[Said]) -> ToolView | None:
        """The tool that serves the request, None where none does."""
        if not tools:
            return None
        shares = self.model.choose(tools, said)
        best = max(shares, key=lambda name: shares[name])
        return next((tool for tool in tools if tool.name == best), None)


@lru_cache(maxsize=8)
def load_asker(spec: str) -> Asker:
    """The asker behind a spec: `asker:` for the one of this package, `asker:FOLDER` for one of your own. It is read on
    the processor unless `?device=cuda` (`cuda:1`, `auto`) says otherwise: next to an agent's model it is small.

    Raises:
        InputError: no asker there.
        MissingExtra: torch and transformers are not installed.
    """
    _, name, arg, values = read_spec(spec)
    if name != "asker" or set(values) - {"device"}:
        raise InputError(f"{spec!r} is no asker: give asker: or asker:FOLDER, with no other setting than device.")
    if any(find_spec(one) is None for one in ("torch", "transformers")):
        raise MissingExtra("An asker", "local")
    folder = Path(arg).expanduser() if arg else READY
    return Asker(folder, AskerRecord.read(folder), device=values.get("device", "cpu"))


@lru_cache(maxsize=2)
def _weights(folder: Path, device: str) -> AskerModel:
    from safetensors import SafetensorError

    from sml_agents.backends.embedded import embedded_path
    from sml_agents.backends.loading import resolved_device
    from sml_agents.backends.threads import set_threads

    set_threads(None)
    device = resolved_device(device)
    try:
        return AskerModel.load(folder, embedded_path(), device=device)
    except (OSError, ValueError, KeyError, RuntimeError, TypeError, SafetensorError) as error:
        raise InputError(
            f"The weights in {folder} cannot be loaded: {one_line(error, 200)}. A run's folder holds either "
            "adapter_config.json and adapter_model.safetensors, or a whole model with its tokenizer."
        ) from error
