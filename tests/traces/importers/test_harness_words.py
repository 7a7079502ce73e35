"""What an agent's harness wrote as if the person had said it is not imported as the person's words."""

from __future__ import annotations

from typing import Any

import pytest
from langchain_core.load import dumpd
from langchain_core.messages import AIMessage, HumanMessage, add_notification_metadata, message_to_dict

from sml_agents.traces.importers.checkpoints import plain_message
from sml_agents.traces.importers.messages import read_messages

SUMMARY = add_notification_metadata(HumanMessage("Here is a summary of the conversation"), source="summarization")
SAID = [SUMMARY, AIMessage("r2"), HumanMessage("three")]


@pytest.mark.parametrize("form", [plain_message, message_to_dict, dumpd], ids=["checkpoint", "dict", "lc"])
def test_a_summary_is_nobodys_words(form: Any) -> None:
    assert [(one.speaker, one.text) for one in read_messages([form(message) for message in SAID])] == [
        ("assistant", "r2"),
        ("user", "three"),
    ]


@pytest.mark.parametrize("extra", [{}, {"lc_source": 3}, {"lc_data": {"x": 1}}, {"name": "lc_source"}])
def test_what_a_person_said_stays(extra: dict[str, Any]) -> None:
    said = read_messages([{"type": "human", "content": "hello", "additional_kwargs": extra}])
    assert [one.text for one in said] == ["hello"]
