"""The public API, names and signatures, as `tests/contract.json` has it: a change is meant, or it is a mistake.

After a change that is meant: `python tests/test_contract.py`, a look at the difference, and a line in CHANGELOG.md.
"""

from __future__ import annotations

import inspect
import json
from enum import Enum
from importlib import import_module
from pathlib import Path
from typing import Any, is_typeddict

from pydantic import BaseModel

CONTRACT = Path(__file__).with_name("contract.json")
PACKAGES = (
    "sml_agents",
    "sml_agents.agents",
    "sml_agents.training",
    "sml_agents.errors",
    "sml_agents.testing.conformance",
)


def parameters(function: Any) -> str:
    """Names, kinds and plain defaults; annotations are the type checker's, and their words differ by version."""
    taken = inspect.signature(function).parameters.values()
    plain = [parameter.replace(annotation=inspect.Parameter.empty) for parameter in taken]
    shown = [one if isinstance(one.default, _PLAIN) else one.replace(default=...) for one in plain]
    return str(inspect.Signature(shown))


_PLAIN = (str, int, float, bool, tuple, type(None), type(inspect.Parameter.empty))


def described(thing: Any) -> Any:
    """What a user may rely on: fields of a model, members of an enumeration, parameters, public methods."""
    if not inspect.isclass(thing):
        return parameters(thing) if callable(thing) and not hasattr(thing, "args_schema") else type(thing).__name__
    if issubclass(thing, Enum):
        return [member.value for member in thing]
    if issubclass(thing, BaseModel):
        return {name: "required" if field.is_required() else "optional" for name, field in thing.model_fields.items()}
    if is_typeddict(thing):
        return sorted(thing.__annotations__)
    made = {"()": parameters(thing)} if not issubclass(thing, Exception) else {}
    own = {
        name: parameters(member)
        for name, member in inspect.getmembers(thing, inspect.isroutine)
        if not name.startswith("_") and getattr(member, "__module__", "").startswith("sml_agents")
    }
    return made | own


def contract() -> dict[str, dict[str, Any]]:
    packages = {name: import_module(name) for name in PACKAGES}
    return {
        name: {public: described(getattr(package, public)) for public in sorted(package.__all__)}
        for name, package in packages.items()
    }


def test_the_public_interface_is_what_the_contract_says() -> None:
    kept, found = json.loads(CONTRACT.read_text(encoding="utf-8")), contract()
    changed = {
        f"{package}.{name}"
        for package in kept | found
        for name in kept.get(package, {}) | found.get(package, {})
        if kept.get(package, {}).get(name) != found.get(package, {}).get(name)
    }
    assert not changed, f"changed: {', '.join(sorted(changed))}; if that is meant, run python {Path(__file__).name}"


if __name__ == "__main__":
    CONTRACT.write_text(json.dumps(contract(), indent=1, sort_keys=True) + "\n", encoding="utf-8")
