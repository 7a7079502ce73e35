"""Every Python snippet of the guide runs, in order, with a scripted model in place of the provider's."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from sml_agents.traces import TraceStore
from tests.agents.travel import QUESTION, Agent, booked


def test_the_guide(
    repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    text = (repository / "docs" / "clarify.md").read_text(encoding="utf-8")
    snippets = re.findall(r"^```python\n(.*?)^```", text, re.DOTALL | re.MULTILINE)
    assert len(snippets) == 6
    names: dict[str, Any] = {"model": Agent(), "__name__": "guide"}

    def run(snippet: str) -> str:
        exec(compile(snippet.replace('"openai:gpt-5-mini"', "model"), "clarify.md", "exec", dont_inherit=True), names)
        return capsys.readouterr().out

    def said(words: str, thread: str = "9") -> Any:
        return names["agent"].invoke(
            {"messages": [{"role": "user", "content": words}]}, {"configurable": {"thread_id": thread}}
        )

    assert run(snippets[0]).splitlines() == [QUESTION, "Booked Paris for 5 May. Have a nice trip!"]
    found = {"tool": "book", "values": {"city": "Paris", "date": "5 May"}, "sources": {"city": "said", "date": "said"}}
    assert run(snippets[1]) == f"{found}\n"
    assert run(snippets[2]).splitlines() == [str({"question": QUESTION, "answer": ""})]
    assert booked(names["state"]["messages"]) == ["Booked Paris for 5 May."]
    run(snippets[3])
    assert said("Paris on 5 May.")["messages"][-1].text == "Which class? (first, second)"
    assert booked(said("Paris on 5 May, first class.")["messages"]) == ["Booked Paris for 5 May."]
    assert run(snippets[4]).startswith("date=datetime.date(")
    thread: Any = {"configurable": {"thread_id": "1"}}
    state = names["app"].invoke({"messages": [{"role": "user", "content": "Paris."}]}, thread)
    assert state["messages"][-1].text == QUESTION
    assert "()" in run(snippets[5])
    with TraceStore.open(tmp_path / "agent.sqlite", read_only=True) as store:
        assert len(list(store.traces())) == 8
