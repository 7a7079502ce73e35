"""Inputs of public reports, each as somebody met it in a tracker of others; the name of a test says which."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.traces.importers.reading import agent, call, calls, chat, one, person, read, result, said, write

TURNS = [("person", "q"), ("agent", "done")]
F = ("f", {"n": 1}, "1")


def span(attributes: dict[str, Any], id: str = "1", parent: str = "") -> dict[str, Any]:
    return {
        "traceId": "t",
        "spanId": id,
        "parentSpanId": parent,
        "startTimeUnixNano": f"{id}0",
        "attributes": attributes,
    }


def flat(side: str, *messages: dict[str, Any]) -> dict[str, Any]:
    """Messages as OpenInference's attributes."""
    return {
        f"llm.{side}_messages.{n}.message.{key}": value for n, one in enumerate(messages) for key, value in one.items()
    }


def flat_call(id: str, name: str, **arguments: Any) -> dict[str, Any]:
    names = {"id": id, "function.name": name, "function.arguments": json.dumps(arguments)}
    return {f"tool_calls.0.tool_call.{key}": value for key, value in names.items()}


def test_openinference_2476_two_calls_of_which_the_copy_has_one(tmp_path: Path) -> None:
    """Arize-ai/openinference#2476: the conversion of a message with words and several calls keeps one of them."""
    parts = [
        {"type": "text", "content": "Let me see."},
        {"type": "tool_call", "id": "a", "name": "f", "arguments": '{"n": 1}'},
        {"type": "tool_call", "id": "b", "name": "g", "arguments": '{"n": 2}'},
    ]
    back = [{"type": "tool_call_response", "id": id, "response": text} for id, text in (("a", "1"), ("b", "2"))]
    given = [
        {"role": "user", "parts": [{"type": "text", "content": "q"}]},
        {"role": "assistant", "parts": parts},
        {"role": "user", "parts": back},
    ]
    copy = flat("input", {"role": "user", "content": "q"}, {"role": "assistant", **flat_call("b", "g", n=2)})
    own = {"gen_ai.input.messages": json.dumps(given), "gen_ai.output.messages": json.dumps([agent("done")])}
    trace = one("otel", tmp_path, span({"openinference.span.kind": "LLM", **copy, **own}))
    assert said(trace) == [("person", "q"), ("agent", "Let me see.\n\ndone")]
    assert calls(trace) == [F, ("g", {"n": 2}, "2")] and "unread" not in trace.tags


@pytest.mark.parametrize("message", [{"role": "user"}, {"role": "tool"}, {"role": "user", "content": ""}], ids=str)
def test_openinference_1109_results_that_are_left_out(message: dict[str, Any], tmp_path: Path) -> None:
    """Arize-ai/openinference#1109 and #2453: a tool's result is in the raw request alone."""
    back = {"type": "tool_result", "tool_use_id": "a", "content": [{"type": "text", "text": "1"}]}
    request = [person("q"), agent([{"type": "tool_use", "id": "a", "name": "f", "input": {"n": 1}}]), person([back])]
    told = flat("input", person("q"), {"role": "assistant", **flat_call("a", "f", n=1)}, message)
    about = {"openinference.span.kind": "LLM", **told, **flat("output", agent("done"))}
    trace = one("openinference", tmp_path, span({**about, "input.value": json.dumps({"messages": request})}))
    assert said(trace) == TURNS and calls(trace) == [F]
    (trace,), losses = read(f"openinference:{write(tmp_path / 'log.jsonl', span({**about, 'input.value': 'cut {'}))}")
    assert losses == [] and said(trace) == TURNS and calls(trace)[0][:2] == F[:2]
    assert calls(trace)[0][2] or trace.tags.get("unread") or message["role"] == "tool"


def test_litellm_30249_a_generation_that_does_not_say_so(tmp_path: Path) -> None:
    """BerriAI/litellm#30249: spans of model calls without `langfuse.observation.type`, below a proxy's own."""
    words = {
        "langfuse.observation.input": json.dumps([person("q")]),
        "langfuse.observation.output": json.dumps(agent("done")),
    }
    outer = span({"http.route": "/chat/completions"})
    assert said(one("otel", tmp_path, outer, span({**words, "gen_ai.request.model": "m"}, "2", "1"))) == TURNS
    found, _ = read(f"otel:{write(tmp_path / 'log.jsonl', outer, span(words, '2', '1'))}")
    assert found == []  # without a model it may be any step


def test_langfuse_5457_a_graph_by_openllmetry(tmp_path: Path) -> None:
    """langfuse/langfuse#5457: the words of a LangGraph run stand in `traceloop.entity.input` and `.output` alone."""

    def message(kind: str, text: str) -> dict[str, Any]:
        name = {"human": "HumanMessage", "ai": "AIMessage"}[kind]
        return {"lc": 1, "type": "constructor", "id": ["x", name], "kwargs": {"content": text, "type": kind}}

    given, answer = message("human", "q"), message("ai", "done")
    about = {
        "traceloop.span.kind": "workflow",
        "traceloop.entity.input": json.dumps({"inputs": {"messages": [given]}, "tags": [], "kwargs": {}}),
        "traceloop.entity.output": json.dumps({"outputs": {"messages": [given, answer]}, "kwargs": {}}),
    }
    assert said(one("otel", tmp_path, span(about))) == TURNS


def test_langfuse_14633_words_of_a_span_of_the_vercel_ai_sdk_7(tmp_path: Path) -> None:
    """langfuse/langfuse#14633: `gen_ai.output.messages` in the span itself, results of tools in spans of their own."""
    given = [{"role": "user", "parts": [{"type": "text", "content": "q"}]}]
    made = {"role": "assistant", "parts": [{"type": "tool_call", "id": "a", "name": "f", "arguments": {"n": 1}}]}
    back = {"role": "tool", "parts": [{"type": "tool_call_response", "id": "a", "response": "1"}]}
    done = {"role": "assistant", "parts": [{"type": "text", "content": "done"}], "finish_reason": "stop"}

    def step(id: str, messages: list[Any], answer: Any) -> dict[str, Any]:
        texts = {"gen_ai.input.messages": json.dumps(messages), "gen_ai.output.messages": json.dumps([answer])}
        return span({"gen_ai.operation.name": "chat", **texts}, id, "9")

    tool = {"gen_ai.operation.name": "execute_tool", "gen_ai.tool.call.arguments": '{"n": 1}'}
    rows = [step("1", given, made), span(tool, "2", "9"), step("3", [*given, made, back], done)]
    trace = one("otel", tmp_path, *rows)
    assert said(trace) == TURNS and calls(trace) == [F]


def test_langfuse_js_859_a_result_under_the_name_of_its_tool(tmp_path: Path) -> None:
    """langfuse/langfuse-js#859: the role of a tool's message is the tool's name, and its call is not named."""
    given = [person("q"), agent("", tool_calls=[call("f", "a", n=1)]), {"role": "f", "content": "1"}]
    trace = one("langfuse", tmp_path, {"id": "t", "type": "GENERATION", "input": given, "output": agent("done")})
    assert said(trace) == TURNS and calls(trace) == [F] and "unread" not in trace.tags
    found, losses = read(f"openai:{write(tmp_path / 'log.jsonl', {'messages': [*given[:2], {'role': 'g'}]})}")
    assert found == [] and "no role 'g'" in losses[0].why  # nobody called that


def test_opencode_observability_plugin_1_answers_without_their_input(tmp_path: Path) -> None:
    """langfuse/opencode-observability-plugin#1: the trace has the input, its generations have the answers alone."""
    answers = [agent("", tool_calls=[call("f", "a", n=1)]), "done"]
    rows = [
        {"id": f"{n}", "type": "GENERATION", "startTime": n, "input": None, "output": answer}
        for n, answer in enumerate(answers)
    ]
    trace = one("langfuse", tmp_path, {"id": "t", "input": "q", "output": None, "observations": rows[::-1]})
    assert said(trace) == TURNS and calls(trace) == [("f", {"n": 1}, None)]


def test_verifiers_547_calls_as_json_in_a_list(tmp_path: Path) -> None:
    """PrimeIntellect-ai/verifiers#547: calls that fit no table are saved as text, each for itself."""
    made = agent("", tool_calls=[json.dumps(call("f", "a", n=1))])
    row = {"example_id": 0, "prompt": [person("q")], "completion": [made, result("1", "a"), agent("done")], "reward": 1}
    trace = one("openai", tmp_path, row)
    assert said(trace) == TURNS and calls(trace) == [F]
    found, losses = read(f"openai:{write(tmp_path / 'log.jsonl', {'messages': [agent('', tool_calls=['f(1)'])]})}")
    assert found == [] and "a tool call is a text" in losses[0].why


@pytest.mark.parametrize("wrapped", [True, False])
def test_phoenix_6139_an_example_of_a_data_set_with_its_tools(wrapped: bool, tmp_path: Path) -> None:
    """Arize-ai/phoenix#6139: the tools of a call stand beside the messages of an example's input."""
    tool = {"type": "function", "function": {"name": "f", "parameters": {"type": "object"}}}
    asked, answer = person("q"), agent("done")
    messages = [{"message": asked}] if wrapped else [asked]
    row = {"input": {"messages": messages, "tools": [tool]}, "output": {"messages": [answer]}, "metadata": {"x": 1}}
    trace = one("openai", tmp_path, row)
    assert said(trace) == TURNS and list(trace.tools) == [tool]


def test_examples_of_plain_texts_are_read_whole(tmp_path: Path) -> None:
    assert said(one("openai", tmp_path, {"input": "q", "output": "done"})) == TURNS
    assert said(one("openai", tmp_path, {"input": {"question": "q"}, "output": {"answer": "done"}})) == TURNS
    trace = one("openai", tmp_path, {"instruction": "Translate.", "input": "q", "output": "done"})
    assert said(trace) == TURNS and trace.tags["unread"] == {"instruction": 1}
    for output in ("/tmp/file.txt", {"x": 1}):  # beside whole conversations it is something else
        assert said(chat(tmp_path, person("q"), agent("done"), output=output)) == TURNS


def test_swift_6467_tables_give_a_tool_the_parameters_of_others(tmp_path: Path) -> None:
    """modelscope/ms-swift#6467: a table fills in, empty, what other rows have; arguments of calls as well."""
    pyarrow, parquet = pytest.importorskip("pyarrow"), pytest.importorskip("pyarrow.parquet")

    def row(name: str, **arguments: Any) -> dict[str, Any]:
        kinds = {key: {"type": "string", "enum": ["1", "2"]} for key in arguments}
        tool = {"type": "function", "function": {"name": name, "parameters": {"type": "object", "properties": kinds}}}
        made = agent("", tool_calls=[{"id": "a", "function": {"name": name, "arguments": arguments}}])
        return {"messages": [person("q"), made, result("1", "a"), agent("done")], "tools": [tool]}

    rows = [row("f", n="1"), row("g", m="2")]
    parquet.write_table(pyarrow.Table.from_pylist(rows), tmp_path / "log.parquet")
    found, losses = read(f"openai:{tmp_path / 'log.parquet'}")
    assert losses == [] and [calls(trace)[0][:2] for trace in found] == [("f", {"n": "1"}), ("g", {"m": "2"})]
    assert [list(trace.tools) for trace in found] == [one["tools"] for one in rows]


def test_trl_6361_reasoning_whose_beginning_was_in_the_prompt(tmp_path: Path) -> None:
    """huggingface/trl#6361 and vllm-project/vllm#36207: a model's own answer carries the closing mark alone."""
    trace = chat(tmp_path, person("q"), agent("It is plain.\n</think>\n\ndone"))
    assert said(trace) == TURNS and trace.turns[1].thought == "It is plain.\n</think>\n\n"


def test_vllm_27755_reasoning_under_its_new_name(tmp_path: Path) -> None:
    """vllm-project/vllm#27755 and huggingface/transformers#44301: `reasoning`, `thinking` for `reasoning_content`."""
    for name in ("reasoning", "thinking", "reasoning_content"):
        trace = chat(tmp_path, person("q"), agent("done", **{name: "hm"}))
        assert said(trace) == TURNS and "hm" in trace.turns[1].thought and "unread" not in trace.tags
