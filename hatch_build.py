"""Puts the recipes of graphs/ and finetune/ into the wheel as data (`sml-agents recipes copy NAME`).

A hook and not hatch's `force-include`, which would also copy them into the environment of an editable install.
"""

from __future__ import annotations

from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class RecipesHook(BuildHookInterface):  # type: ignore[type-arg]
    PLUGIN_NAME = "custom"

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        if version != "editable":
            for folder in ("graphs", "finetune"):
                build_data["force_include"][folder] = f"sml_agents/recipes/{folder}"
