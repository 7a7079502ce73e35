"""Which settings make a run what it is, and which a user may change when going on with it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sml_agents.errors import SettingsMismatch

__all__ = ["HARMLESS", "essential", "refuse_changes"]

HARMLESS = frozenset(
    {
        "command",
        "concurrency",
        "json",
        "lease",
        "max_retries",
        "progress",
        "progress_every",
        "quiet",
        "resume",
        "retry_failed",
        "timeout",
    }
)
"""Names, at any depth, that do not change what a dialogue says: how it was asked for, and how fast, how patiently, how
loudly it is run."""


def essential(settings: Mapping[str, Any]) -> dict[str, Any]:
    """`settings` without the `HARMLESS` ones, at any depth; the input is not changed."""
    kept = {str(name): value for name, value in settings.items() if name not in HARMLESS}
    return {name: essential(value) if isinstance(value, Mapping) else value for name, value in kept.items()}


def refuse_changes(stored: Mapping[str, Any], given: Mapping[str, Any], *, where: str) -> None:
    """Raise SettingsMismatch, naming each setting in which two JSON-able settings differ.

    Both are compared as they are: pass them through `essential` and JSON first. `where` names the store.
    """
    before, now = _flat(stored), _flat(given)
    changed = [name for name in sorted({*before, *now}) if before.get(name, "absent") != now.get(name, "absent")]
    if not changed:
        return
    shown = ", ".join(f"{name} ({_short(before, name)} before, {_short(now, name)} now)" for name in changed[:8])
    more = f" and {len(changed) - 8} more" if len(changed) > 8 else ""
    raise SettingsMismatch(
        f"{where} was started with other settings: {shown}{more}; give the same ones, or another store for the new run"
    )


def _flat(settings: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for name, value in settings.items():
        if isinstance(value, Mapping) and value:
            flat.update(_flat(value, f"{prefix}{name}."))
        else:
            flat[f"{prefix}{name}"] = value
    return flat


def _short(settings: Mapping[str, Any], name: str) -> str:
    text = repr(settings[name]) if name in settings else "absent"
    return text if len(text) <= 60 else f"{text[:57]}..."
