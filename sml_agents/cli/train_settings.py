"""Where the settings of `sml-agents train` come from: a file, and words on the command line."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from sml_agents.errors import InputError


class DataSettings(BaseModel):
    """Which dialogues are trained on, and where the result goes; in the file beside the settings of training."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    store: str | tuple[str, ...]
    """One trace store or several."""
    out: Path
    """Folder for the trained model."""
    recipe: Literal["st_sft", "mt_sft", "q_primed"] = "mt_sft"
    """See `sml_agents.training.rows`."""
    missing: float | None = Field(None, gt=0, lt=1)
    """Balance the rows so that this share of them lacked a fact at the start; None takes them as they are."""
    limit: int | None = Field(None, ge=1)
    """Rows at most, with `missing`."""
    discount: float | None = Field(None, gt=0, le=1)
    """Weight dialogues solved in student turn k by discount^(k-1)."""
    system: str | None = None
    """System prompt of the student; None takes the built-in one."""

    @property
    def stores(self) -> tuple[str, ...]:
        return (self.store,) if isinstance(self.store, str) else self.store


def read_file(path: Path) -> dict[str, Any]:
    try:
        values = yaml.safe_load(path.read_text(encoding="utf-8")) or {}
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"cannot read {path}: {getattr(error, 'strerror', None) or 'it is not text'}") from error
    except yaml.YAMLError as error:
        raise InputError(f"{path} is not YAML: {error}") from error
    if not isinstance(values, dict) or not all(isinstance(name, str) for name in values):
        raise InputError(f"{path} must hold settings as 'name: value' lines")
    return values


def overrides(words: list[str], file: dict[str, Any]) -> dict[str, Any]:
    """`--key value`, `--key=value` and `--section.key value`, with values as YAML reads them."""
    found: dict[str, Any] = {}
    rest = list(words)
    while rest:
        word = rest.pop(0)
        if not word.startswith("--") or word == "--":
            raise InputError(f"{word!r} is not expected here; settings are given as --key value")
        name, equals, text = word[2:].partition("=")
        if not equals:
            if not rest or rest[0].startswith("--"):
                raise InputError(f"--{name} needs a value, such as --{name} VALUE")
            text = rest.pop(0)
        try:
            value = yaml.safe_load(text)
        except yaml.YAMLError as error:
            raise InputError(f"the value of --{name} cannot be read: {text!r}") from error
        section, dot, key = name.replace("-", "_").partition(".")
        if dot:
            before = found.get(section, file.get(section))
            found[section] = {**(before if isinstance(before, dict) else {}), key: value}
        else:
            found[section] = value
    return found


def data_settings(values: dict[str, Any], config: Path) -> DataSettings:
    try:
        return DataSettings(**values)
    except ValidationError as error:
        first = error.errors()[0]
        name = str(first["loc"][0])
        if first["type"] == "missing":
            raise InputError(f"{config} has no {name!r}; add it there, or give --{name} on the command line") from error
        raise InputError(f"setting {name!r}: {first['msg']}") from error
