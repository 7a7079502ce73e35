"""Recording of agents that run: a callback that writes every conversation into a trace store."""

from sml_agents.traces.recorder.callback import TraceRecorder

__all__ = ["TraceRecorder"]
