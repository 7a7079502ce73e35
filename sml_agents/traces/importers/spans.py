"""Spans: the OpenTelemetry GenAI conventions, old and new, and OpenInference (Phoenix).

A file holds OTLP JSON (as the collector's file exporter writes it, spans or logs), or one span an object with its
attributes (as the SDK's console exporter, Phoenix and most stores write it), flat or nested.

`otel` understands `gen_ai.input.messages` and `gen_ai.output.messages`, the events `gen_ai.user.message`,
`gen_ai.choice` and the others, `gen_ai.content.prompt`, and `gen_ai.prompt.0.content`; `openinference` understands
`llm.input_messages.0.message.content`. Spans that are no model call are passed over; a model call whose words were not
captured is a loss.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from sml_agents.traces.importers.calls import ModelCall, chat_of, conversations, thread_in
from sml_agents.traces.importers.chat import usage_of
from sml_agents.traces.importers.messages import DAMAGE, BadRecord, Said, read_message, read_messages, why
from sml_agents.traces.importers.otlp import Span, listed, loaded, merged, read_spans, under
from sml_agents.traces.importers.record import Log, Loss, OnLoss

__all__ = ["read_openinference", "read_otel"]

_EVENTS = {f"gen_ai.{role}.message": role for role in ("system", "user", "assistant", "tool")}
_MODEL_CALLS = ("chat", "text_completion", "generate_content", "completion")
_THREADS = ("gen_ai.conversation.id", "session.id", "langfuse.session.id", "gen_ai.thread.id", "thread.id")


def read_otel(place: str, on_loss: OnLoss) -> Iterator[Log]:
    """The conversations in spans (and log events) that follow the GenAI conventions."""
    spans = merged(read_spans(place, on_loss))
    yield from conversations(_calls(spans, on_loss, _is_genai, _genai))


def read_openinference(place: str, on_loss: OnLoss) -> Iterator[Log]:
    """The conversations in OpenInference spans, as Phoenix exports them."""
    spans = read_spans(place, on_loss)
    yield from conversations(_calls(spans, on_loss, _is_openinference, _openinference))


def _calls(spans: Iterator[Span], on_loss: OnLoss, is_call: Any, read: Any) -> Iterator[ModelCall]:
    for span in spans:
        if not is_call(span):
            continue
        try:
            given, answered = read(span)
            if not any(said.text or any(text for _, text in said.results) for said in (*given, *answered)):
                raise BadRecord("it holds no words: their capture was switched off")
        except DAMAGE as error:
            on_loss(Loss(span.where, why(error)))
            continue
        a = span.attributes
        metadata = loaded(a.get("metadata"))
        thread = next((str(a[name]) for name in _THREADS if a.get(name)), "") or thread_in(
            metadata, under(a, "metadata"), under(a, "traceloop.association.properties"), under(a, "langfuse")
        )
        model = next((a[name] for name in _MODEL_NAMES if isinstance(a.get(name), str)), "")
        usage = usage_of(
            {name.rpartition(".")[2]: value for name, value in a.items() if name.startswith("gen_ai.usage.")}
        ) or usage_of({"input": a.get("llm.token_count.prompt"), "output": a.get("llm.token_count.completion")})
        # The time as text sorts as a number does: nanoseconds since 1970 have 19 digits until 2286.
        yield ModelCall(thread or span.trace, span.start, given, answered, span.where, model, usage, span.error)


_MODEL_NAMES = ("gen_ai.response.model", "gen_ai.request.model", "llm.model_name")


def _is_genai(span: Span) -> bool:
    a = span.attributes
    operation = a.get("gen_ai.operation.name")
    if isinstance(operation, str):
        return operation in _MODEL_CALLS
    return bool(span.events) or any(name.startswith(("gen_ai.prompt", "gen_ai.input.messages")) for name in a)


def _genai(span: Span) -> tuple[list[Said], list[Said]]:
    sources = [span.attributes, *(attributes for _, attributes in span.events)]
    for a in sources:
        given, answered = loaded(a.get("gen_ai.input.messages")), loaded(a.get("gen_ai.output.messages"))
        if given is None and answered is None:
            nested = under(a, "gen_ai.input.messages"), under(a, "gen_ai.output.messages")
            given, answered = (listed(one) for one in nested)
        if given or answered:
            said = read_messages(given or [])
            if instructions := loaded(a.get("gen_ai.system_instructions")):
                parts = instructions if isinstance(instructions, list) else [str(instructions)]
                said.insert(0, read_message({"role": "system", "parts": parts}))
            return said, read_messages(answered or [])
    given_said: list[Said] = []
    answers: list[Said] = []
    for name, attributes in span.events:
        if name in _EVENTS:
            given_said.append(read_message({"role": _EVENTS[name], **_body(attributes)}))
        elif name == "gen_ai.choice":
            body = _body(attributes)
            message = loaded(body.get("message", body))
            answers.append(read_message({"role": "assistant", **(message if isinstance(message, Mapping) else body)}))
        elif name == "gen_ai.content.prompt":
            given_said += chat_of(loaded(attributes.get("gen_ai.prompt")), "user")
        elif name == "gen_ai.content.completion":
            answers += chat_of(loaded(attributes.get("gen_ai.completion")), "assistant")
    if given_said or answers:
        return given_said, answers
    given, answered = (listed(under(span.attributes, f"gen_ai.{side}")) for side in ("prompt", "completion"))
    return read_messages(map(_unquoted, given)), read_messages(_unquoted(one, "assistant") for one in answered)


def _unquoted(message: Any, role: str = "") -> Any:
    """OpenLLMetry wrote what is no plain text as JSON, no words at all as two quotation marks."""
    if not isinstance(message, Mapping):
        return message
    content = message.get("content")
    plain = "" if content == '""' else loaded(content) if str(content).startswith('[{"type"') else content
    return {**({"role": role} if role else {}), **message, "content": plain}


def _is_openinference(span: Span) -> bool:
    kind = span.attributes.get("openinference.span.kind")
    return str(kind).upper() == "LLM"


def _openinference(span: Span) -> tuple[list[Said], list[Said]]:
    sides = []
    for side in ("input", "output"):
        held = listed(under(span.attributes, f"llm.{side}_messages"))
        sides.append(read_messages([_plain_message(one) for one in held]))
    return sides[0], sides[1]


def _plain_message(held: Any) -> Any:
    message = held.get("message", held) if isinstance(held, Mapping) else held
    if not isinstance(message, Mapping):
        return message
    plain = dict(message)
    if "content" not in plain and (contents := listed(plain.pop("contents", None))):
        parts = [one.get("message_content", one) if isinstance(one, Mapping) else one for one in contents]
        plain["content"] = parts
    calls = listed(plain.get("tool_calls"))
    plain["tool_calls"] = [one.get("tool_call", one) if isinstance(one, Mapping) else one for one in calls]
    if plain.get("function_call_name"):
        call = {"name": plain["function_call_name"], "arguments": plain.get("function_call_arguments_json")}
        plain["function_call"] = call
    return plain


def _body(attributes: Mapping[str, Any]) -> Mapping[str, Any]:
    body = loaded(attributes.get("body"))
    if isinstance(body, Mapping) and body:
        return body
    return {key: loaded(value) if key in ("message", "tool_calls") else value for key, value in attributes.items()}
