"""`sml-agents train`"""

from sml_agents.cli.result import Result


def train() -> Result:
    return Result({})
