"""Comparing values as people say them: dates, times, numbers, money, choices, codes, names.

It knows nothing of agents: a JSON schema, a text, a value and a clock go in, places in the text come out.
"""

from sml_agents.text.values.compare import find, mentions, same
from sml_agents.text.values.date_phrases import Clock, unknown_languages
from sml_agents.text.values.kinds import Kind, Mention, kind_of
from sml_agents.text.values.words import Span, find_words, fold, label, tokens

__all__ = [
    "Clock",
    "Kind",
    "Mention",
    "Span",
    "find",
    "find_words",
    "fold",
    "kind_of",
    "label",
    "mentions",
    "same",
    "tokens",
    "unknown_languages",
]
