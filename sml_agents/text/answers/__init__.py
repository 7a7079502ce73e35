"""What answer does a text give, and what is its value? Rules without a model, exact and linear in time."""

from sml_agents.text.answers.arithmetic import evaluate
from sml_agents.text.answers.extract import Found, extract_answer, find_answer, find_answers
from sml_agents.text.answers.plain import plain
from sml_agents.text.answers.reading import Kind, Reading, read
from sml_agents.text.numbers import spelled_numbers

__all__ = [
    "Found",
    "Kind",
    "Reading",
    "evaluate",
    "extract_answer",
    "find_answer",
    "find_answers",
    "plain",
    "read",
    "spelled_numbers",
]
