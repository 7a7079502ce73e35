"""Makes the samples beside this file with the libraries whose formats they are. Not run by the tests.

    python -m venv v && v/bin/pip install langchain langchain-openai openai langsmith langfuse inspect-ai \
        openinference-instrumentation-langchain opentelemetry-instrumentation-langchain \
        opentelemetry-instrumentation-openai-v2 opentelemetry-sdk opentelemetry-exporter-otlp-proto-http \
        deepagents langgraph-checkpoint-sqlite 'pydantic-ai-slim[openai]'
    v/bin/python tests/traces/importers/make_samples.py [NAME ...]
    python -m venv a && a/bin/pip install google-adk opentelemetry-sdk opentelemetry-exporter-otlp-proto-http
    a/bin/python tests/traces/importers/make_samples.py adk_spans adk_events adk_legacy
    python -m venv p && p/bin/pip install 'pydantic-ai-slim[openai]<1.20' opentelemetry-sdk \
        opentelemetry-exporter-otlp-proto-http
    p/bin/python tests/traces/importers/make_samples.py pydantic_ai_1 pydantic_ai_2

Each sample is the same conversation with a model behind a server on loopback: a person books a table, the agent guesses
the day, is corrected, and books again. Every sample is made in a process of its own.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar

FOLDER = Path(__file__).parent / "samples"
SAID = ("Book a table at Luigi's for 4.", "No, I meant Saturday.")
SYSTEM = "You book tables."


class Model(BaseHTTPRequestHandler):
    """Calls `book` with the day that was told, or with a guess; then says so. Keeps what LangSmith posts."""

    posted: ClassVar[list[Any]] = []

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("content-length", 0)))
        if "/chat/completions" in self.path:
            answer = self.answer(json.loads(body))
        else:
            Model.posted.append(("POST", self.path, body))
            answer = {}
        self.reply(answer)

    def do_PATCH(self) -> None:
        Model.posted.append(("PATCH", self.path, self.rfile.read(int(self.headers.get("content-length", 0)))))
        self.reply({})

    def do_GET(self) -> None:
        self.reply({"version": "0", "instance_flags": {}, "batch_ingest_config": None})

    def answer(self, request: dict[str, Any]) -> dict[str, Any]:
        messages = request["messages"]
        told = " ".join(str(message.get("content")) for message in messages if message["role"] == "user")
        day = "Saturday" if "Saturday" in told else "Friday"
        message: dict[str, Any] = {"role": "assistant", "content": f"Booked for {day}."}
        if messages[-1]["role"] == "user":
            arguments = json.dumps({"place": "Luigi's", "guests": 4, "day": day})
            call = {"id": f"call_{day}", "type": "function", "function": {"name": "book", "arguments": arguments}}
            message = {"role": "assistant", "content": None, "tool_calls": [call]}
        usage = {"prompt_tokens": 20, "completion_tokens": 5, "total_tokens": 25}
        choice = {"index": 0, "message": message, "finish_reason": "tool_calls" if "tool_calls" in message else "stop"}
        return {
            "id": "chatcmpl-1",
            "object": "chat.completion",
            "created": 0,
            "model": "small-1",
            "choices": [choice],
            "usage": usage,
        }

    def reply(self, value: dict[str, Any]) -> None:
        data = json.dumps(value).encode()
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_: Any) -> None:
        pass


def serve() -> str:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Model)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return f"http://127.0.0.1:{server.server_port}"


def agent(url: str) -> Any:
    from langchain.agents import create_agent
    from langchain_openai import ChatOpenAI
    from langgraph.checkpoint.memory import InMemorySaver

    def book(place: str, guests: int, day: str) -> str:
        """Book a table."""
        return f"ok: {place}, {guests}, {day}"

    model = ChatOpenAI(model="small-1", base_url=f"{url}/v1", api_key="none", max_retries=0)
    return create_agent(model, [book], system_prompt=SYSTEM, checkpointer=InMemorySaver())


def talk(url: str, **config: Any) -> None:
    talking = agent(url)
    for text in SAID:
        talking.invoke({"messages": [("user", text)]}, {"configurable": {"thread_id": "thread-7"}, **config})


def tracer() -> tuple[Any, Any]:
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import SimpleSpanProcessor
    from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

    exporter, provider = InMemorySpanExporter(), TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    return provider, exporter


def logger() -> tuple[Any, Any]:
    from opentelemetry.sdk._logs import LoggerProvider
    from opentelemetry.sdk._logs.export import InMemoryLogRecordExporter, SimpleLogRecordProcessor

    logs, records = LoggerProvider(), InMemoryLogRecordExporter()
    logs.add_log_record_processor(SimpleLogRecordProcessor(records))
    return logs, records


def otlp_logs(records: Any) -> str:
    from google.protobuf.json_format import MessageToDict
    from opentelemetry.exporter.otlp.proto.common._log_encoder import encode_logs

    found = records.get_finished_logs()
    return json.dumps(with_hex_ids(MessageToDict(encode_logs(found)))) + "\n" if found else ""


def otlp(spans: Any) -> str:
    from google.protobuf.json_format import MessageToDict
    from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans

    return json.dumps(with_hex_ids(MessageToDict(encode_spans(spans)))) + "\n"


def with_hex_ids(value: Any) -> Any:
    """OTLP's JSON has ids in hexadecimal, protobuf's in base64."""
    import base64

    if isinstance(value, dict):
        names = ("traceId", "spanId", "parentSpanId")
        return {
            name: base64.b64decode(inner).hex() if name in names else with_hex_ids(inner)
            for name, inner in value.items()
        }
    return [with_hex_ids(inner) for inner in value] if isinstance(value, list) else value


def otel_langchain() -> None:
    """OpenLLMetry's instrumentation of LangChain, as OTLP JSON; `otel_langchain_old` is by its release 0.47.3."""
    from opentelemetry.instrumentation.langchain import LangchainInstrumentor

    provider, exporter = tracer()
    LangchainInstrumentor().instrument(tracer_provider=provider)
    talk(serve(), metadata={"session_id": "thread-7"})
    (FOLDER / "otel_langchain.otlp.jsonl").write_text(otlp(exporter.get_finished_spans()))


def openai_calls(url: str) -> None:
    from openai import OpenAI

    client = OpenAI(base_url=f"{url}/v1", api_key="none")
    messages: list[Any] = [{"role": "system", "content": SYSTEM}]
    tools: Any = [{"type": "function", "function": {"name": "book", "parameters": {"type": "object"}}}]
    for text in SAID:
        messages.append({"role": "user", "content": text})
        while True:
            answer = client.chat.completions.create(model="small-1", messages=messages, tools=tools)
            message = answer.choices[0].message
            messages.append(message.model_dump(exclude_none=True))
            if not message.tool_calls:
                break
            for call in message.tool_calls:
                messages.append({"role": "tool", "tool_call_id": call.id, "content": "ok"})


def _otel_openai(name: str, **environment: str) -> None:
    os.environ.update(environment)
    from opentelemetry.instrumentation.openai_v2 import OpenAIInstrumentor

    provider, exporter = tracer()
    logs, records = logger()
    OpenAIInstrumentor().instrument(tracer_provider=provider, logger_provider=logs)
    with provider.get_tracer("app").start_as_current_span("one conversation"):
        openai_calls(serve())
    (FOLDER / f"{name}.otlp.jsonl").write_text(otlp(exporter.get_finished_spans()) + otlp_logs(records))


def otel_openai_events() -> None:
    """The OpenTelemetry project's instrumentation with the older conventions: messages as events."""
    _otel_openai("otel_openai_events", OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT="true")


def otel_openai_no_content() -> None:
    """The same as it is by default: without the words."""
    _otel_openai("otel_openai_no_content")


def openinference_langchain() -> None:
    """OpenInference's instrumentation of LangChain, as the SDK's console exporter prints spans."""
    from openinference.instrumentation import using_session
    from openinference.instrumentation.langchain import LangChainInstrumentor

    provider, exporter = tracer()
    LangChainInstrumentor().instrument(tracer_provider=provider)
    with using_session("thread-7"):
        talk(serve())
    text = "\n".join(span.to_json() for span in exporter.get_finished_spans())
    (FOLDER / "openinference_langchain.json").write_text(text + "\n")


def langsmith_runs() -> None:
    """LangSmith's own client: what it posts, put together to runs."""
    url = serve()
    os.environ.update(LANGSMITH_TRACING="true", LANGSMITH_API_KEY="none", LANGSMITH_ENDPOINT=url)
    from langchain_core.tracers.langchain import LangChainTracer
    from langsmith import Client

    client = Client(api_url=url, api_key="none", auto_batch_tracing=False)
    talk(url, callbacks=[LangChainTracer(client=client)])
    client.flush()
    runs: dict[str, dict[str, Any]] = {}
    for method, path, body in Model.posted:
        if "runs" in path and body:
            run = json.loads(body)
            id = run.get("id") or path.rsplit("/", 1)[-1]
            known = runs.setdefault(id, {"id": id})
            known.update({name: value for name, value in run.items() if value is not None or method == "POST"})
    lines = [json.dumps({name: run[name] for name in run if name != "serialized"}) for run in runs.values()]
    (FOLDER / "langsmith_runs.jsonl").write_text("\n".join(lines) + "\n")


def langfuse_traces() -> None:
    """Langfuse's own client and callback; the server's part, from spans to its API's JSON, is done here by hand."""
    from langfuse import Langfuse
    from langfuse.langchain import CallbackHandler
    from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

    exporter = InMemorySpanExporter()
    client = Langfuse(public_key="pk-lf-1", secret_key="sk-lf-1", base_url="http://127.0.0.1:9", span_exporter=exporter)
    talk(serve(), callbacks=[CallbackHandler()], metadata={"langfuse_session_id": "thread-7"})
    client.flush()
    spans = exporter.get_finished_spans()
    (FOLDER / "langfuse_traces.jsonl").write_text(langfuse_api(spans))


def langfuse_api(spans: Any) -> str:
    """The spans as the server's API gives them back."""
    traces: dict[str, list[Any]] = {}
    for span in spans:
        traces.setdefault(f"{span.context.trace_id:032x}", []).append(span)
    lines = []
    for id, of_trace in traces.items():
        observations = [
            {
                "id": f"{span.context.span_id:016x}",
                "traceId": id,
                "type": str(span.attributes.get("langfuse.observation.type", "span")).upper(),
                "name": span.name,
                "startTime": span.start_time // 1_000_000,
                "model": span.attributes.get("langfuse.observation.model.name"),
                "input": json.loads(span.attributes.get("langfuse.observation.input") or "null"),
                "output": json.loads(span.attributes.get("langfuse.observation.output") or "null"),
                "usageDetails": json.loads(span.attributes.get("langfuse.observation.usage_details") or "{}"),
                "level": "DEFAULT",
            }
            for span in of_trace
        ]
        score = {
            "id": "s1",
            "name": "thumbs",
            "value": 1,
            "dataType": "NUMERIC",
            "source": "ANNOTATION",
            "comment": "ok",
        }
        trace = {"id": id, "sessionId": "thread-7", "name": "agent", "observations": observations, "scores": [score]}
        lines.append(json.dumps(trace))
    return "\n".join(lines) + "\n"


def inspect_log() -> None:
    """An evaluation by Inspect, in both of its file formats."""
    import shutil
    import tempfile

    from inspect_ai import Task, eval
    from inspect_ai.dataset import Sample
    from inspect_ai.model import ModelOutput, get_model
    from inspect_ai.scorer import includes

    samples = [Sample(input="What is 2 + 2?", target="4"), Sample(input="And 3 + 3?", target="6")]
    for suffix in ("json", "eval"):
        outputs = [ModelOutput.from_content("mockllm/model", "The answer is 4.") for _ in samples]
        model = get_model("mockllm/model", custom_outputs=outputs)
        with tempfile.TemporaryDirectory() as folder:
            task = Task(dataset=samples, scorer=includes())
            eval(task, model=model, log_dir=folder, log_format=suffix, display="none", max_samples=1)
            shutil.copyfile(next(Path(folder).glob(f"*.{suffix}")), FOLDER / f"inspect.{suffix}")


def deepagents_checkpoints() -> None:
    """A deep agent's checkpointer, whose messages are stored as deltas."""
    import sqlite3

    from deepagents import create_deep_agent
    from langchain_openai import ChatOpenAI
    from langgraph.checkpoint.sqlite import SqliteSaver

    def book(place: str, guests: int, day: str) -> str:
        """Book a table."""
        return f"ok: {place}, {guests}, {day}"

    model = ChatOpenAI(model="small-1", base_url=f"{serve()}/v1", api_key="none", max_retries=0)
    path = FOLDER / "deepagents.db"
    path.unlink(missing_ok=True)
    with SqliteSaver.from_conn_string(str(path)) as saver:
        deep = create_deep_agent(model=model, tools=[book], system_prompt=SYSTEM, checkpointer=saver)
        for text in SAID:
            deep.invoke({"messages": [("user", text)]}, {"configurable": {"thread_id": "thread-7"}})
    with sqlite3.connect(path) as connection:
        connection.execute("PRAGMA journal_mode = DELETE")
        connection.execute("VACUUM")


def pydantic_ai(version: int) -> None:
    """Pydantic-AI's own instrumentation, as OTLP JSON; version 1 keeps messages as events."""
    from pydantic_ai import Agent
    from pydantic_ai.models.instrumented import InstrumentationSettings, InstrumentedModel
    from pydantic_ai.models.openai import OpenAIChatModel
    from pydantic_ai.providers.openai import OpenAIProvider

    provider, exporter = tracer()
    model = OpenAIChatModel("small-1", provider=OpenAIProvider(base_url=f"{serve()}/v1", api_key="none"))
    settings = InstrumentationSettings(tracer_provider=provider, version=version)
    booker = Agent(InstrumentedModel(model, settings), instructions=SYSTEM)

    @booker.tool_plain
    def book(place: str, guests: int, day: str) -> str:
        """Book a table."""
        return f"ok: {place}, {guests}, {day}"

    history: Any = []
    with provider.get_tracer("app").start_as_current_span("one conversation"):
        for text in SAID:
            history = booker.run_sync(text, message_history=history).all_messages()
    (FOLDER / f"pydantic_ai_{version}.otlp.jsonl").write_text(otlp(exporter.get_finished_spans()))


def pydantic_ai_1() -> None:
    pydantic_ai(1)


def pydantic_ai_2() -> None:
    pydantic_ai(2)


def pydantic_ai_6() -> None:
    """The newest, with release 2."""
    pydantic_ai(6)


def adk(name: str, **environment: str) -> None:
    """Google's Agent Development Kit, with a model of its own kind that answers as the server does."""
    import asyncio

    os.environ.update(environment)

    from google.adk.agents import LlmAgent
    from google.adk.models.base_llm import BaseLlm
    from google.adk.models.llm_response import LlmResponse
    from google.adk.runners import InMemoryRunner
    from google.genai import types
    from opentelemetry import _logs, trace

    class Small(BaseLlm):
        async def generate_content_async(self, llm_request: Any, stream: bool = False) -> Any:
            last = llm_request.contents[-1].parts[-1]
            told = " ".join(part.text or "" for one in llm_request.contents for part in one.parts)
            day = "Saturday" if "Saturday" in told else "Friday"
            part = types.Part(text=f"Booked for {day}.")
            if last.function_response is None:
                arguments = {"place": "Luigi's", "guests": 4, "day": day}
                part = types.Part(function_call=types.FunctionCall(name="book", args=arguments))
            yield LlmResponse(content=types.Content(role="model", parts=[part]))

    def book(place: str, guests: int, day: str) -> str:
        """Book a table."""
        return f"ok: {place}, {guests}, {day}"

    async def hold() -> None:
        runner = InMemoryRunner(LlmAgent(name="booker", model=Small(model="small-1"), instruction=SYSTEM, tools=[book]))
        session = await runner.session_service.create_session(app_name=runner.app_name, user_id="u")
        for text in SAID:
            message = types.Content(role="user", parts=[types.Part(text=text)])
            async for _ in runner.run_async(user_id="u", session_id=session.id, new_message=message):
                pass

    provider, exporter = tracer()
    trace.set_tracer_provider(provider)
    logs, records = logger()
    _logs.set_logger_provider(logs)
    asyncio.run(hold())
    (FOLDER / f"{name}.otlp.jsonl").write_text(otlp(exporter.get_finished_spans()) + otlp_logs(records))


def adk_spans() -> None:
    """By the newest conventions, the messages in the spans."""
    adk(
        "adk_spans",
        OTEL_SEMCONV_STABILITY_OPT_IN="gen_ai_latest_experimental",
        OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT="SPAN_ONLY",
    )


def adk_events() -> None:
    """By the stable ones, the messages as log records."""
    adk("adk_events", OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT="true")


def adk_legacy() -> None:
    """As all releases before 2 do it: a whole request and response in one attribute each."""
    adk("adk_legacy", ADK_TELEMETRY_SCHEMA_VERSION_OPT_IN="1", ADK_CAPTURE_MESSAGE_CONTENT_IN_SPANS="true")


MAKERS = (
    deepagents_checkpoints,
    pydantic_ai_1,
    pydantic_ai_2,
    pydantic_ai_6,
    adk_spans,
    adk_events,
    adk_legacy,
    otel_langchain,
    otel_openai_events,
    otel_openai_no_content,
    openinference_langchain,
    langsmith_runs,
    langfuse_traces,
    inspect_log,
)

if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    makers = {maker.__name__: maker for maker in MAKERS}
    if len(sys.argv) == 2:
        makers[sys.argv[1]]()
    else:
        for name in sys.argv[1:] or makers:
            done = subprocess.run([sys.executable, __file__, name])
            print(name, "made" if done.returncode == 0 else "FAILED")
