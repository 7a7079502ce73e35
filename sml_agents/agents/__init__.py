"""For agents that exist already: let them ask, and let them take the student's place.

ClarifyMiddleware              for `langchain.agents.create_agent` (needs the 'agents' extra)
clarify_graph, clarify_node    the same as a subgraph and as a node, for graphs built by hand
ask_user                       the tool by which an agent asks
RequiredFields, StudentDecider who decides what to ask; any callable does too
ToldReader                     a chat model that reads what rules cannot: it saves questions
DecisionDecider, DecisionModel any decision model of langchain-core as a decider, and a decider as one
Question, Told, Limits         what is asked, what a decider says was told, how much may be asked
AgentView                      what a decider sees
TraceRecorder                  a callback that records any runnable or graph into a trace store
AgentStudent                   a compiled LangGraph agent as the student of dialogues
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sml_agents.agents.asking import Limits, Question, Told
    from sml_agents.agents.deciders import DecisionDecider, DecisionModel, RequiredFields, StudentDecider, ToldReader
    from sml_agents.agents.delivery import ask_user
    from sml_agents.agents.graphs import clarify_graph, clarify_node
    from sml_agents.agents.middleware import ClarifyMiddleware
    from sml_agents.agents.student import AgentStudent
    from sml_agents.agents.view import AgentView
    from sml_agents.traces.recorder import TraceRecorder

_HOME = {
    "asking": ("Limits", "Question", "Told"),
    "view": ("AgentView",),
    "deciders": ("DecisionDecider", "DecisionModel", "RequiredFields", "StudentDecider", "ToldReader"),
    "delivery": ("ask_user",),
    "graphs": ("clarify_graph", "clarify_node"),
    "middleware": ("ClarifyMiddleware",),
    "student": ("AgentStudent",),
}
_MODULE_OF = {name: f"{__name__}.{module}" for module, names in _HOME.items() for name in names}
_MODULE_OF["TraceRecorder"] = "sml_agents.traces.recorder"

__all__ = [
    "AgentStudent",
    "AgentView",
    "ClarifyMiddleware",
    "DecisionDecider",
    "DecisionModel",
    "Limits",
    "Question",
    "RequiredFields",
    "StudentDecider",
    "Told",
    "ToldReader",
    "TraceRecorder",
    "ask_user",
    "clarify_graph",
    "clarify_node",
]


def __getattr__(name: str) -> Any:
    module = _MODULE_OF.get(name)
    if module is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = globals()[name] = getattr(import_module(module), name)
    return value
