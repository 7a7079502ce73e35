"""The student-teacher dialogue as a LangGraph state machine."""

from sml_agents.dialogue.graph import Cast, DialogueGraph, build_dialogue
from sml_agents.dialogue.record import dialogue_id
from sml_agents.dialogue.state import DialogueContext, DialogueInput, DialogueOutput, DialogueSettings, Journal

__all__ = [
    "Cast",
    "DialogueContext",
    "DialogueGraph",
    "DialogueInput",
    "DialogueOutput",
    "DialogueSettings",
    "Journal",
    "build_dialogue",
    "dialogue_id",
]
