"""Spans in every form that exporters write, by every convention that is in use."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import pytest

from sml_agents.traces import TraceStore
from sml_agents.traces.importers import import_logs
from tests.traces.importers.reading import agent, call, calls, one, person, read, result, said, write

Q, CALLED, OK = person("q"), agent("", tool_calls=[call("book", "c", day="Fri")]), result("ok", "c")
TURNS = [("person", "q"), ("agent", "done")]
BOOK = ("book", {"day": "Fri"}, "ok")
PARTS = [
    {"role": "user", "parts": [{"type": "text", "content": "q"}]},
    {"role": "assistant", "parts": [{"type": "tool_call", "id": "c", "name": "book", "arguments": {"day": "Fri"}}]},
    {"role": "tool", "parts": [{"type": "tool_call_response", "id": "c", "response": "ok"}]},
]
DONE = [{"role": "assistant", "parts": [{"type": "text", "content": "done"}], "finish_reason": "stop"}]
NEW = {
    "gen_ai.operation.name": "chat",
    "gen_ai.input.messages": json.dumps(PARTS),
    "gen_ai.output.messages": json.dumps(DONE),
}
SYSTEM = {"role": "system", "content": "Be brief."}


def value(plain: Any) -> dict[str, Any]:
    """OTLP's AnyValue."""
    if isinstance(plain, list):
        return {"arrayValue": {"values": [value(one) for one in plain]}}
    if isinstance(plain, dict):
        return {"kvlistValue": {"values": [{"key": key, "value": value(one)} for key, one in plain.items()]}}
    kind = {bool: "boolValue", int: "intValue", float: "doubleValue"}.get(type(plain), "stringValue")
    return {kind: str(plain) if kind == "intValue" else plain}


def pairs(attributes: dict[str, Any]) -> list[dict[str, Any]]:
    return [{"key": key, "value": value(one)} for key, one in attributes.items()]


def span(attributes: Any, **more: Any) -> dict[str, Any]:
    about = {"traceId": "0af7651916cd43dd8448eb211c80319c", "spanId": "b7ad6b7169203331", "startTimeUnixNano": "1"}
    return {**about, "name": "chat", "attributes": attributes, **more}


OTLP = span(pairs(NEW))
SNAKE = {
    "trace_id": OTLP["traceId"],
    "span_id": OTLP["spanId"],
    "start_time_unix_nano": 1,
    "attributes": [{"key": key, "value": {"string_value": text}} for key, text in NEW.items()],
}
GO = {**OTLP, "attributes": [{"key": key, "value": {"Value": {"StringValue": text}}} for key, text in NEW.items()]}
IN_BASE64 = {
    **OTLP,
    "traceId": base64.b64encode(bytes.fromhex(OTLP["traceId"])).decode(),
    "spanId": base64.b64encode(bytes.fromhex(OTLP["spanId"])).decode(),
}
HOLDERS: dict[str, Any] = {
    "otlp": {"resourceSpans": [{"resource": {}, "scopeSpans": [{"scope": {}, "spans": [OTLP]}]}]},
    "otlp, snake case": {"resource_spans": [{"scope_spans": [{"spans": [SNAKE]}]}]},
    "otlp, older": {
        "resourceSpans": [{"instrumentationLibrarySpans": [{"instrumentationLibrary": {}, "spans": [OTLP]}]}]
    },
    "otlp, as Go prints it": {"resourceSpans": [{"scopeSpans": [{"spans": [GO]}]}]},
    "otlp, ids in base64": {"resourceSpans": [{"scopeSpans": [{"spans": [IN_BASE64]}]}]},
    "tempo": {"batches": [{"resource": {}, "scopeSpans": [{"spans": [IN_BASE64]}]}]},
    "tempo, older": {"batches": [{"instrumentationLibrarySpans": [{"spans": [OTLP]}]}]},
    "tempo, version 2": {"trace": {"resourceSpans": [{"scopeSpans": [{"spans": [OTLP]}]}]}},
    "jaeger": {
        "data": [
            {
                "traceID": "0af7",
                "spans": [
                    {
                        "traceID": "0af7",
                        "spanID": "b7ad",
                        "operationName": "chat",
                        "references": [],
                        "startTime": 1_740_823_210_000_000,
                        "tags": [{"key": key, "type": "string", "value": text} for key, text in NEW.items()],
                        "logs": [],
                    }
                ],
                "processes": {"p1": {"serviceName": "x", "tags": []}},
            }
        ]
    },
    "zipkin": [{"traceId": "0af7", "id": "b7ad", "timestamp": 1_740_823_210_000_000, "tags": NEW}],
    "a console": span(NEW, context={"trace_id": "0xaf7", "span_id": "0xb7"}),
    "attributes nested": span(
        {"gen_ai": {"operation": {"name": "chat"}, "input": {"messages": PARTS}, "output": {"messages": DONE}}}
    ),
    "attributes as text": span(json.dumps(NEW)),
    "attributes structured": span(
        pairs({"gen_ai.operation.name": "chat", "gen_ai.input.messages": PARTS, "gen_ai.output.messages": DONE})
    ),
    "a table's columns": {
        "context.trace_id": "0af7",
        "context.span_id": "b7",
        "start_time": "2025-03-01T10:00:10.250Z",
        **{f"attributes.{name}": text for name, text in NEW.items()},
    },
    "spans and logs in one object": {
        "resourceSpans": [{"scopeSpans": [{"spans": [span(pairs({"gen_ai.operation.name": "chat"}))]}]}],
        "resourceLogs": [
            {
                "scopeLogs": [
                    {
                        "logRecords": [
                            {
                                "traceId": OTLP["traceId"],
                                "spanId": OTLP["spanId"],
                                "eventName": name,
                                "body": value(body),
                            }
                            for name, body in (
                                ("gen_ai.user.message", {"content": "q"}),
                                ("gen_ai.assistant.message", {"tool_calls": [call("book", "c", day="Fri")]}),
                                ("gen_ai.tool.message", {"content": "ok", "id": "c"}),
                                ("gen_ai.choice", {"index": 0, "message": {"role": "assistant", "content": "done"}}),
                            )
                        ]
                    }
                ]
            }
        ],
    },
}


@pytest.mark.parametrize("name", HOLDERS)
@pytest.mark.parametrize("format", ["otel", "openinference"])
def test_one_call_in_every_form(name: str, format: str, tmp_path: Path) -> None:
    trace = one(format, tmp_path, json.dumps(HOLDERS[name]))
    assert said(trace) == TURNS and calls(trace) == [BOOK]


def events(*given: tuple[str, Any]) -> list[dict[str, Any]]:
    return [{"name": name, "attributes": attributes} for name, attributes in given]


def flat(prefix: str, messages: list[Any]) -> dict[str, Any]:
    return {f"{prefix}.{n}.{key}": one for n, message in enumerate(messages) for key, one in message.items()}


CALL = {"id": "c", "name": "book", "arguments": '{"day": "Fri"}'}
GEMINI = {
    "model": "g",
    "config": {
        "system_instruction": "Be brief.",
        "tools": [{"function_declarations": [{"name": "book", "parameters": {"type": "OBJECT"}}]}],
    },
    "contents": [
        {"role": "user", "parts": [{"text": "q"}]},
        {"role": "model", "parts": [{"function_call": {"id": "c", "name": "book", "args": {"day": "Fri"}}}]},
        {"role": "user", "parts": [{"function_response": {"id": "c", "name": "book", "response": "ok"}}]},
    ],
}
CORE = [
    SYSTEM,
    {"role": "user", "content": [{"type": "text", "text": "q"}]},
    agent([{"type": "tool-call", "toolCallId": "c", "toolName": "book", "args": {"day": "Fri"}}]),
    {"role": "tool", "content": [{"type": "tool-result", "toolCallId": "c", "toolName": "book", "result": "ok"}]},
]
CONVENTIONS: dict[str, dict[str, Any]] = {
    "new": span({**NEW, "gen_ai.system_instructions": json.dumps([{"type": "text", "content": "Be brief."}])}),
    "new, in an event": span(
        {"gen_ai.operation.name": "chat"},
        events=[
            {
                "name": "gen_ai.client.inference.operation.details",
                "attributes": pairs(
                    {
                        "gen_ai.input.messages": PARTS,
                        "gen_ai.output.messages": DONE,
                        "gen_ai.system_instructions": [{"type": "text", "content": "Be brief."}],
                    }
                ),
            }
        ],
    ),
    "events": span(
        {"gen_ai.system": "openai"},
        events=events(
            ("gen_ai.system.message", {"content": "Be brief."}),
            ("gen_ai.user.message", {"content": "q"}),
            ("gen_ai.assistant.message", {"tool_calls": json.dumps([call("book", "c", day="Fri")])}),
            ("gen_ai.tool.message", {"content": "ok", "id": "c"}),
            ("gen_ai.choice", {"message": json.dumps({"content": "done"}), "finish_reason": "stop"}),
        ),
    ),
    "azure": span(
        {"gen_ai.system": "az.ai.inference", "gen_ai.operation.name": "chat"},
        events=events(
            *(
                (name, {"gen_ai.system": "az.ai.inference", "gen_ai.event.content": json.dumps(body)})
                for name, body in (
                    ("gen_ai.system.message", SYSTEM),
                    ("gen_ai.user.message", Q),
                    ("gen_ai.assistant.message", {"tool_calls": [call("book", "c", day="Fri")]}),
                    ("gen_ai.tool.message", {"content": "ok", "id": "c"}),
                    ("gen_ai.choice", {"message": {"content": "done"}, "finish_reason": "stop", "index": 0}),
                )
            )
        ),
    ),
    "pydantic-ai": span(
        {
            "gen_ai.operation.name": "chat",
            "events": json.dumps(
                [
                    {**SYSTEM, "event.name": "gen_ai.system.message", "gen_ai.message.index": 0},
                    {**Q, "event.name": "gen_ai.user.message", "gen_ai.message.index": 0},
                    {**CALLED, "event.name": "gen_ai.assistant.message"},
                    {**OK, "id": "c", "name": "book", "event.name": "gen_ai.tool.message"},
                    {"index": 0, "message": agent("done"), "event.name": "gen_ai.choice"},
                ]
            ),
        }
    ),
    "strands": span(
        {"gen_ai.operation.name": "chat"},
        events=events(
            ("gen_ai.system.message", {"content": json.dumps([{"text": "Be brief."}])}),
            ("gen_ai.user.message", {"content": json.dumps([{"text": "q"}])}),
            (
                "gen_ai.assistant.message",
                {"content": json.dumps([{"toolUse": {"toolUseId": "c", "name": "book", "input": {"day": "Fri"}}}])},
            ),
            (
                "gen_ai.tool.message",
                {"content": json.dumps([{"toolResult": {"toolUseId": "c", "content": [{"text": "ok"}]}}])},
            ),
            ("gen_ai.choice", {"message": json.dumps([{"text": "done"}]), "finish_reason": "end_turn"}),
        ),
    ),
    "openllmetry": span(
        {
            **flat("gen_ai.prompt", [SYSTEM, Q, {"role": "assistant"}, {**OK}]),
            **{f"gen_ai.prompt.2.tool_calls.0.{key}": one for key, one in CALL.items()},
            **flat("gen_ai.completion", [agent("done")]),
        }
    ),
    "openllmetry, older": span(
        {
            "llm.request.type": "chat",
            **flat("llm.prompts", [SYSTEM, Q, {"role": "assistant"}, {**OK}]),
            **{f"llm.prompts.2.tool_calls.0.{key}": one for key, one in CALL.items()},
            **flat("llm.completions", [agent("done")]),
        }
    ),
    "vercel": span(
        {
            "ai.operationId": "ai.generateText.doGenerate",
            "ai.prompt.messages": json.dumps(CORE),
            "ai.response.text": "done",
            "ai.response.reasoning": "hm",
            "ai.model.id": "m",
        }
    ),
    "vercel, version 7": span(
        {
            "gen_ai.operation.name": "chat",
            "gen_ai.system_instructions": json.dumps([{"type": "text", "content": "Be brief."}]),
            "gen_ai.input.messages": json.dumps(
                [
                    {"role": "user", "parts": [{"type": "text", "content": "q"}]},
                    {
                        "role": "assistant",
                        "parts": [
                            {"type": "tool-call", "toolCallId": "c", "toolName": "book", "input": '{"day": "Fri"}'}
                        ],
                    },
                    {
                        "role": "tool",
                        "parts": [
                            {"type": "tool-result", "toolCallId": "c", "output": {"type": "text", "value": "ok"}}
                        ],
                    },
                ]
            ),
            "gen_ai.output.messages": json.dumps(DONE),
        }
    ),
    "adk": span(
        {
            "gen_ai.system": "gcp.vertex.agent",
            "gcp.vertex.agent.llm_request": json.dumps(GEMINI),
            "gcp.vertex.agent.llm_response": json.dumps({"content": {"parts": [{"text": "done"}], "role": "model"}}),
        }
    ),
    "adk, under the operation's name": span(
        {
            "gen_ai.operation.name": "generate_content",
            "gcp.vertex.agent.llm_request": json.dumps(GEMINI),
            "gcp.vertex.agent.llm_response": json.dumps({"content": {"parts": [{"text": "done"}], "role": "model"}}),
        }
    ),
    "mlflow": span(
        {
            "mlflow.spanType": '"CHAT_MODEL"',
            "mlflow.spanInputs": json.dumps({"model": "m", "messages": [SYSTEM, Q, CALLED, OK]}),
            "mlflow.spanOutputs": json.dumps({"choices": [{"message": agent("done")}]}),
        }
    ),
    "langfuse": span(
        {
            "langfuse.observation.type": "generation",
            "langfuse.observation.input": json.dumps([SYSTEM, Q, CALLED, OK]),
            "langfuse.observation.output": json.dumps(agent("done")),
        }
    ),
    "openinference": span(
        {
            "openinference.span.kind": "LLM",
            **flat(
                "llm.input_messages", [{f"message.{k}": v for k, v in m.items()} for m in (SYSTEM, Q, agent(""), OK)]
            ),
            "llm.input_messages.2.message.tool_calls.0.tool_call.id": "c",
            "llm.input_messages.2.message.tool_calls.0.tool_call.function.name": "book",
            "llm.input_messages.2.message.tool_calls.0.tool_call.function.arguments": '{"day": "Fri"}',
            "llm.output_messages.0.message.role": "assistant",
            "llm.output_messages.0.message.contents.0.message_content.type": "text",
            "llm.output_messages.0.message.contents.0.message_content.text": "done",
            "llm.tools.0.tool.json_schema": json.dumps({"type": "function", "function": {"name": "book"}}),
        }
    ),
    "openinference, whole": span(
        {
            "openinference.span.kind": "LLM",
            "input.value": json.dumps({"messages": [SYSTEM, Q, CALLED, OK]}),
            "output.value": json.dumps({"choices": [{"message": agent("done")}]}),
        }
    ),
    "the agent's span alone": span(
        {
            "openinference.span.kind": "AGENT",
            "input.value": json.dumps({"messages": [SYSTEM, Q, CALLED, OK]}),
            "output.value": "done",
        }
    ),
}


@pytest.mark.parametrize("name", CONVENTIONS)
def test_every_convention(name: str, tmp_path: Path) -> None:
    trace = one("otel", tmp_path, CONVENTIONS[name])
    assert said(trace) == TURNS and calls(trace) == [BOOK]
    assert trace.task.meta["system"] == "Be brief."
    assert "unread" not in trace.tags
    if name.startswith("adk") or name == "openinference":
        assert trace.tools[0]["function"]["name"] == "book"
    if name == "vercel":
        assert "hm" in trace.turns[1].thought


def test_the_agents_span_is_not_told_twice(tmp_path: Path) -> None:
    outer = span(
        {"ai.operationId": "ai.generateText", "ai.prompt": json.dumps({"prompt": "q"}), "ai.response.text": "done"}
    )
    inner = {**CONVENTIONS["vercel"], "spanId": "2", "parentSpanId": outer["spanId"]}
    assert said(one("otel", tmp_path, outer, inner)) == TURNS
    assert said(one("otel", tmp_path, outer)) == TURNS


@pytest.mark.parametrize(
    "row",
    [
        span({"gen_ai.operation.name": "chat", "gen_ai.request.model": "m"}),
        span({"openinference.span.kind": "LLM"}),
        span({"ai.operationId": "ai.streamText.doStream", "ai.model.id": "m"}),
        span({"gen_ai.system": "gcp.vertex.agent", "gcp.vertex.agent.llm_request": "{}"}),
        span({"http.method": "GET"}),
        {"resourceMetrics": [{"scopeMetrics": []}]},
        {"traceId": "1"},
    ],
    ids=str,
)
def test_a_file_that_brings_nothing_says_so(row: Any, tmp_path: Path) -> None:
    with TraceStore.open(tmp_path / "s.sqlite") as store:
        report = import_logs(f"otel:{write(tmp_path / 'log.jsonl', row)}", store)
    assert (report.imported, report.lost) == (0, 1) and report.losses[0].why


def test_one_damaged_span_costs_itself(tmp_path: Path) -> None:
    bad = span([7])
    batch = {"resourceSpans": [{"scopeSpans": [{"spans": [bad, OTLP, "x"]}]}]}
    found, losses = read(f"otel:{write(tmp_path / 'log.jsonl', batch)}")
    assert [said(trace) for trace in found] == [TURNS] and len(losses) == 2


def responses_call(number: int, given: list[Any], answer: list[Any], tokens: int | None = None) -> dict[str, Any]:
    """A call of the Responses API as it is recorded where items without a role are dropped."""
    about: dict[str, Any] = {
        "gen_ai.operation.name": "chat",
        "gen_ai.input.messages": json.dumps(given),
        "gen_ai.output.messages": json.dumps([{"role": "assistant", "parts": answer}]),
    }
    if tokens is not None:
        about["gen_ai.usage.input_tokens"] = tokens
    return span(pairs(about), spanId=f"{number:016x}", startTimeUnixNano=str(number))


def asks(text: str) -> list[Any]:
    return [{"role": "user", "parts": [{"type": "text", "content": text}]}]


def called(name: str, id: str) -> list[Any]:
    return [{"type": "tool_call", "id": id, "name": name, "arguments": {"n": id}}]


WORDS = [{"type": "text", "content": "done"}]


class TestCallsThatTheNextCallIsNotTold:
    """https://github.com/open-telemetry/opentelemetry-python-genai/issues/651"""

    @pytest.mark.parametrize("tokens", [(10, 30, 50, 70), (None, None, None, None), (10, None, 50, None)])
    @pytest.mark.parametrize("rounds", [1, 2, 3])
    def test_are_one_turn_whose_results_are_not_known(
        self, tmp_path: Path, rounds: int, tokens: tuple[int | None, ...]
    ) -> None:
        names = [("f", f"c{at}") for at in range(rounds)]
        spans = [responses_call(at + 1, asks("q"), called(*name), tokens[at]) for at, name in enumerate(names)]
        spans.append(responses_call(9, asks("q"), WORDS, tokens[rounds]))
        trace = one("otel", tmp_path, *spans)
        assert said(trace) == TURNS
        assert calls(trace) == [("f", {"n": id}, None) for _, id in names]

    def test_and_the_conversation_goes_on(self, tmp_path: Path) -> None:
        after = [*asks("q"), {"role": "assistant", "parts": WORDS}, *asks("more")]
        trace = one(
            "otel",
            tmp_path,
            responses_call(1, asks("q"), called("f", "c"), 10),
            responses_call(2, asks("q"), WORDS, 30),
            responses_call(3, after, called("g", "d"), 40),
            responses_call(4, after, [{"type": "text", "content": "all"}], 60),
        )
        assert said(trace) == [*TURNS, ("person", "more"), ("agent", "all")]
        assert [name for name, *_ in calls(trace)] == ["f", "g"]

    @pytest.mark.parametrize(
        ("first", "second"),
        [
            (responses_call(1, asks("q"), called("f", "c"), 10), responses_call(2, asks("q"), WORDS, 10)),
            (responses_call(1, asks("q"), WORDS, 10), responses_call(2, asks("q"), WORDS, 30)),
            (responses_call(1, asks("q"), called("f", "c"), 10), responses_call(2, asks("other"), WORDS, 30)),
        ],
        ids=["a second try", "words before", "another question"],
    )
    def test_what_only_looks_like_it_stays_apart(self, tmp_path: Path, first: Any, second: Any) -> None:
        found, losses = read(f"otel:{write(tmp_path / 'log.jsonl', first, second)}")
        assert losses == [] and len(found) == 2
