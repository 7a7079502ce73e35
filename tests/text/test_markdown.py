"""Tables in Markdown."""

from __future__ import annotations

from sml_agents.text.markdown import markdown_table


def test_any_text_stays_in_its_cell() -> None:
    assert markdown_table(("", "n"), [("a|b\nc", 1), ("", None)]) == "| | n |\n|---|---|\n| a\\|b c | 1 |\n| | None |"
    assert markdown_table(("who",), []) == "| who |\n|---|"
