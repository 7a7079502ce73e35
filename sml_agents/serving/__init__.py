"""Chat models behind an OpenAI-compatible server: `/v1/models` and `/v1/chat/completions`, whole and streamed.

    sml-agents serve runs/asker

Requests that come together are generated together by the package's own batched engine, and a model that was trained
to ask decides at its stored threshold, as it does in this process. `openai:NAME@http://127.0.0.1:8000/v1` makes a
student, teacher or decider of it again. What is served is any chat model of LangChain (`application`, `serve`), so an
agent or a decider with that face can stand behind it, too.
"""

from sml_agents.serving.server import application, serve
from sml_agents.serving.settings import ServingSettings

__all__ = ["ServingSettings", "application", "serve"]
