"""`sml-agents export`"""

from sml_agents.cli.result import Result


def export() -> Result:
    return Result({})
