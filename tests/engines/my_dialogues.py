"""An environment as a user writes it: the dialogues as they are."""

from sml_agents.integrations.verifiers import DialogueEnv, DialogueHarness, DialogueTaskset

__all__ = ["DialogueEnv", "DialogueHarness", "DialogueTaskset"]
