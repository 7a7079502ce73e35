"""An environment as a user writes it: an agent with a tool in the student's place."""

from langchain.agents import create_agent
from langchain_core.language_models import BaseChatModel

from sml_agents.agents import AgentStudent
from sml_agents.integrations.verifiers import DialogueEnv, DialogueHarness, DialogueTaskset
from sml_agents.roles import Student
from tests.engines.talk import look_up

__all__ = ["AgentHarness", "DialogueEnv", "DialogueTaskset"]


def student(model: BaseChatModel) -> Student:
    return AgentStudent(create_agent(model, [look_up]))


class AgentHarness(DialogueHarness):
    def student(self, model: BaseChatModel) -> Student:
        return student(model)
