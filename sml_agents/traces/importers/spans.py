"""Spans: the OpenTelemetry GenAI conventions, old and new, OpenInference (Phoenix), and what others write into spans.

`otel` and `openinference` read the same, each span by the first of these that it has something of:

    gen_ai.input.messages, gen_ai.output.messages   attributes, or those of an event; `gen_ai.system_instructions`
    gen_ai.user.message, gen_ai.choice, ...         events: in the span, apart from it as log records, in Azure's
                                                    `gen_ai.event.content`, or in Pydantic-AI's attribute `events`
    gen_ai.content.prompt, gen_ai.content.completion  events
    llm.input_messages.0.message.content            OpenInference
    gen_ai.prompt.0.content, llm.prompts.0.content  OpenLLMetry (Traceloop), new and old
    ai.prompt.messages, ai.response.text            the Vercel AI SDK
    gcp.vertex.agent.llm_request and others         a whole request and response as JSON: ADK, MLflow, Langfuse, Logfire

Spans that are no model call are passed over, except that the outermost of an agent counts where no model call of its
trace is there. A model call whose words were not captured is a loss.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from sml_agents.traces.importers.about import About, about
from sml_agents.traces.importers.calls import Gathered, ModelCall, thread_in
from sml_agents.traces.importers.chats import chat_of, tools_in, usage_of
from sml_agents.traces.importers.json_text import loaded
from sml_agents.traces.importers.messages import DAMAGE, read_message, read_messages, why
from sml_agents.traces.importers.otlp import Span, listed, merged, read_spans, under
from sml_agents.traces.importers.parts import BadRecord, Said
from sml_agents.traces.importers.record import Log, Loss, OnLoss

__all__ = ["read_openinference", "read_otel"]

_EVENTS = {f"gen_ai.{role}.message": role for role in ("system", "user", "assistant", "tool")}
_MODEL_CALLS = ("chat", "text_completion", "generate_content", "completion", "responses")
_WHOLES = ("invoke_agent", "invoke_workflow", "AGENT", "CHAIN")
_THREADS = (
    *("gen_ai.conversation.id", "session.id", "gcp.vertex.agent.session_id", "langfuse.session.id", "gen_ai.thread.id"),
    *("thread.id", "mlflow.trace.session", "ai.telemetry.metadata.sessionId"),
)
_METADATA = (
    *("metadata", "traceloop.association.properties", "langfuse", "ai.telemetry.metadata"),
    *("langfuse.trace.metadata", "langfuse.observation.metadata"),
)
_TAGS = ("tag.tags", "langfuse.trace.tags", "langfuse.tags")
_BESIDE = {
    "user_id": ("user.id", "enduser.id", "langfuse.user.id"),
    "session_id": ("session.id", "langfuse.session.id"),
    "environment": ("deployment.environment.name", "deployment.environment", "langfuse.environment"),
    "release": ("langfuse.release",),
    "version": ("langfuse.version",),
}
"""Metadata that has attributes of its own."""
_MODEL_NAMES = (
    *("gen_ai.response.model", "gen_ai.request.model", "llm.model_name", "llm.response.model", "llm.request.model"),
    *("ai.response.model", "ai.model.id", "langfuse.observation.model.name"),
)
_PAIRS = (
    ("gcp.vertex.agent.llm_request", "gcp.vertex.agent.llm_response"),
    ("mlflow.spanInputs", "mlflow.spanOutputs"),
    ("langfuse.observation.input", "langfuse.observation.output"),
    ("request_data", "response_data"),
    ("traceloop.entity.input", "traceloop.entity.output"),
    ("input.value", "output.value"),
)
"""Attributes that hold all that a model was given, and all that it answered."""
_MARKS = (
    *("gen_ai.input.messages", "gen_ai.output.messages", "gen_ai.prompt", "gen_ai.completion", "llm.prompts"),
    *("llm.completions", "llm.input_messages", "gcp.vertex.agent.llm_request", "ai.prompt.messages"),
)
"""A span with one of these is a model call, if it does not say that it is something else."""


@dataclass
class _Chat:
    """What a span tells of a model call."""

    given: list[Said] = field(default_factory=list)
    answered: list[Said] = field(default_factory=list)
    tools: list[dict[str, Any]] = field(default_factory=list)

    def __bool__(self) -> bool:
        return bool(self.given or self.answered)


def read_otel(place: str, on_loss: OnLoss) -> Iterator[Log]:
    """The conversations in spans (and log events) that follow the GenAI conventions, or another known one."""
    found = Gathered()
    told: dict[tuple[str, str], Span] = {}
    """Calls of models whose words are there."""
    others: list[tuple[Span, Loss]] = []
    for span in merged(read_spans(place, on_loss)):
        _gather(span, found, told, others)
    # Two instrumentations of one call nest: what the outer one tells is not told again, nor lost, by the inner one.
    inner = {span.where for (trace, _), span in told.items() if (trace, span.parent) in told}
    found.calls = [(trace, call) for trace, call in found.calls if call.where not in inner]
    around = {(trace, span.parent) for (trace, _), span in told.items()}
    for span, loss in others:
        if (span.trace, span.parent) not in told and (span.trace, span.id) not in around:
            found.lost.add(span.trace)
            on_loss(loss)
    yield from found.conversations(on_loss)


read_openinference = read_otel


def _gather(span: Span, found: Gathered, told: dict[tuple[str, str], Span], others: list[tuple[Span, Loss]]) -> None:
    a = span.attributes
    found.belongs(span.trace, _thread(a))
    told_of = _about(span)
    if not span.parent:
        found.tells(span.trace, told_of)
    is_call = _is_call(span)
    if not is_call and not (not span.parent or _says(a) in _WHOLES):
        return
    try:
        chat = _read(span)
        if not any(_has_words(said) for said in (*chat.given, *chat.answered)):
            raise BadRecord("it holds no words under a name known here: perhaps their capture was switched off")
    except DAMAGE as error:
        if is_call:
            others.append((span, Loss(span.where, why(error))))
        elif any(name in a for pair in _PAIRS for name in pair):
            found.wholes.setdefault(span.trace, Loss(span.where, why(error)))
        return
    model = next((a[name] for name in _MODEL_NAMES if isinstance(a.get(name), str)), "")
    sides = (chat.given, chat.answered)
    call = ModelCall("", span.start, *sides, span.where, model, _usage(a), span.error, chat.tools, told_of)
    if is_call:
        found.calls.append((span.trace, call))
        told[span.trace, span.id or span.where] = span
    elif not span.parent or not isinstance(found.wholes.get(span.trace), ModelCall):
        found.wholes[span.trace] = call


_ELIDED = frozenset({"", "<elided>", "[REDACTED]", "<redacted>"})
"""What instrumentations write in place of words that they may not."""


def _has_words(said: Said) -> bool:
    return said.text not in _ELIDED or any(one.text not in _ELIDED for one in said.results)


def _thread(a: Mapping[str, Any]) -> str:
    named = next((str(a[name]) for name in _THREADS if a.get(name)), "")
    return named or thread_in(*(holder for name in _METADATA for holder in (loaded(a.get(name)), under(a, name))))


def _about(span: Span) -> About:
    a = span.attributes
    beside = {name: next((a[key] for key in keys if a.get(key)), None) for name, keys in _BESIDE.items()}
    held = [holder for name in _METADATA for holder in (a.get(name), under(a, name))]
    tags = next((found for name in _TAGS if (found := a.get(name) or listed(under(a, name)))), None)
    return about(times=[span.start, span.end], tags=tags, metadata=[*held, beside])


def _usage(a: Mapping[str, Any]) -> Any:
    for prefix in ("gen_ai.usage.", "llm.usage.", "ai.usage."):
        if usage := usage_of({name.removeprefix(prefix): a[name] for name in a if name.startswith(prefix)}):
            return usage
    return usage_of({"input": a.get("llm.token_count.prompt"), "output": a.get("llm.token_count.completion")})


def _says(a: Mapping[str, Any]) -> str:
    """What a span says that it is, in the words of its convention."""
    names = ("gen_ai.operation.name", "openinference.span.kind", "mlflow.spanType", "langfuse.observation.type")
    said = next((a[name] for name in names if isinstance(a.get(name), str)), "").strip('"')
    operation = str(a.get("ai.operationId", ""))
    return operation.rpartition(".")[2] if operation and not said else said


def _is_call(span: Span) -> bool:
    a, says = span.attributes, _says(span.attributes)
    if says:
        calls = (*_MODEL_CALLS, "LLM", "CHAT_MODEL", "generation", "GENERATION", "doGenerate", "doStream")
        return says in calls or a.get("gcp.vertex.agent.llm_request", "{}") != "{}"  # of a tool it is empty
    if span.events or ("events" in a and str(a["events"]).startswith("[") and "gen_ai." in str(a["events"])):
        return True
    if "langfuse.observation.input" in a and any(a.get(name) for name in _MODEL_NAMES):
        return True
    return any(name == mark or name.startswith(f"{mark}.") for name in a for mark in _MARKS)


def _read(span: Span) -> _Chat:
    """What the first of the known conventions finds in a span; nothing when none does."""
    return next((chat for read in _CONVENTIONS if (chat := read(span))), _Chat())


def _by_messages(span: Span) -> _Chat:
    for a in (span.attributes, *(attributes for _, attributes in span.events)):
        sides = []
        for name in ("gen_ai.input.messages", "gen_ai.output.messages"):
            sides.append(loaded(a.get(name)) or listed(under(a, name)))
        if any(sides):
            given, answered = (read_messages(one if isinstance(one, list) else [one]) for one in sides)
            chat = _Chat(given, answered)
            instructions = loaded(a.get("gen_ai.system_instructions")) or listed(under(a, "gen_ai.system_instructions"))
            if instructions:
                parts = instructions if isinstance(instructions, list) else [str(instructions)]
                chat.given.insert(0, read_message({"role": "system", "parts": parts}))
            definitions = a.get("gen_ai.tool.definitions") or listed(under(a, "gen_ai.tool.definitions"))
            chat.tools = tools_in({"tools": definitions})
            return chat
    return _Chat()


def _by_events(span: Span) -> _Chat:
    events = span.events
    given = loaded(span.attributes.get("events"))
    nested = given if isinstance(given, list) else listed(under(span.attributes, "events"))
    if not events:
        events = [(str(one.get("event.name", "")), dict(one)) for one in nested if isinstance(one, Mapping)]
    chat = _Chat()
    for name, attributes in events:
        if name in _EVENTS:
            chat.given.append(_said(_EVENTS[name], _body(attributes)))
        elif name == "gen_ai.choice":
            body = _body(attributes)
            message = loaded(body.get("message", body))
            if isinstance(message, list):
                message = {"content": message}
            chat.answered.append(_said("assistant", message if isinstance(message, Mapping) else body))
        elif name == "gen_ai.content.prompt":
            chat.given += chat_of(loaded(attributes.get("gen_ai.prompt")), "user")
        elif name == "gen_ai.content.completion":
            chat.answered += chat_of(loaded(attributes.get("gen_ai.completion")), "assistant")
    return chat


def _said(role: str, body: Mapping[str, Any]) -> Said:
    return read_message({**_unquoted(body), "role": body.get("role") or role})


def _body(attributes: Mapping[str, Any]) -> Mapping[str, Any]:
    for name in ("body", "gen_ai.event.content"):
        body = loaded(attributes.get(name))
        if isinstance(body, Mapping) and body:
            return body
    nested: dict[str, Any] = {}
    for name, value in attributes.items():  # flattened, and its calls with it
        if name != "body" and not name.startswith(("gen_ai.", "event.")):
            head = name.partition(".")[0]
            nested[head] = value if head == name else listed(under(attributes, head)) or under(attributes, head)
    return {key: loaded(value) if key in ("message", "tool_calls") else value for key, value in nested.items()}


def _by_openinference(span: Span) -> _Chat:
    a = span.attributes
    sides = [listed(under(a, f"llm.{side}_messages")) for side in ("input", "output")]
    given, answered = (read_messages([_plain_message(one) for one in side]) for side in sides)
    chat = _Chat(given, answered)
    if chat:
        chat.tools = tools_in({"tools": listed(under(a, "llm.tools"))})
    if any(not (one.text or one.calls or any(result.text for result in one.results)) for one in given):
        chat.given = _whole_given(span, given)  # what is no text, such as results, was left out of the messages
    return chat


def _whole_given(span: Span, told: list[Said]) -> list[Said]:
    """What the request itself says, where it has the messages that were `told` of it; else those that say something."""
    try:
        whole = _by_whole(span).given
    except DAMAGE:
        whole = []
    if len(whole) >= len(told):
        return whole
    for one in told:
        if one.speaker == "user" and not one.text and not one.results:
            one.speaker = "tool"
            one.left("message without content")
    return told


def _plain_message(held: Any) -> Any:
    message = held.get("message", held) if isinstance(held, Mapping) else held
    if not isinstance(message, Mapping):
        return message
    plain = dict(message)
    if "content" not in plain and (contents := listed(plain.pop("contents", None))):
        plain["content"] = [one.get("message_content", one) if isinstance(one, Mapping) else one for one in contents]
    plain["tool_calls"] = listed(plain.get("tool_calls"))
    if plain.pop("function_call_name", None):
        arguments = plain.pop("function_call_arguments_json", None)
        plain["function_call"] = {"name": message["function_call_name"], "arguments": arguments}
    return plain


def _by_numbers(span: Span) -> _Chat:
    a = span.attributes
    for given, answered in (("gen_ai.prompt", "gen_ai.completion"), ("llm.prompts", "llm.completions")):
        sides = listed(under(a, given)), listed(under(a, answered))
        if any(sides):
            chat = _Chat(
                read_messages(map(_unquoted, sides[0])), read_messages(_unquoted(one, "assistant") for one in sides[1])
            )
            chat.tools = tools_in({"tools": listed(under(a, "llm.request.functions"))})
            return chat
    return _Chat()


def _unquoted(message: Any, role: str = "") -> Any:
    """OpenLLMetry and Strands write what is no plain text as JSON; the former no words as two quotation marks."""
    if not isinstance(message, Mapping):
        return message
    content = message.get("content")
    if content == '""':
        content = ""
    elif isinstance(content, str) and content.startswith("[{"):
        parts = loaded(content)
        if isinstance(parts, list) and all(isinstance(one, Mapping) and _PART_NAMES & one.keys() for one in parts):
            content = parts
    return {**({"role": role} if role else {}), **message, "content": content}


_PART_NAMES = frozenset({"type", "text", "toolUse", "toolResult", "reasoningContent", "functionCall"})


def _by_vercel(span: Span) -> _Chat:
    a = span.attributes
    given = a.get("ai.prompt.messages") or a.get("ai.prompt")
    if given is None:
        return _Chat()
    chat = _Chat(chat_of(loaded(given), "user"))
    parts: list[Any] = []
    for names, kind in ((("reasoning",), "reasoning"), (("text", "object"), "text")):
        found = (a.get(f"ai.{where}.{name}") for where in ("response", "result") for name in names)
        if text := next((one for one in found if one), None):
            parts.append({"type": kind, "text": text})
    made = loaded(a.get("ai.response.toolCalls") or a.get("ai.result.toolCalls"))
    for one in made if isinstance(made, list) else ():
        parts.append({**one, "type": "tool-call"})
    if parts:
        chat.answered = read_messages([{"role": "assistant", "content": parts}])
    definitions = loaded(a.get("ai.prompt.tools"))
    chat.tools = tools_in({"tools": definitions or listed(under(a, "ai.prompt.tools"))})
    return chat


def _by_whole(span: Span) -> _Chat:
    a = span.attributes
    for given, answered in _PAIRS:
        if given in a or answered in a:
            held = loaded(a.get(given))
            chat = _Chat()
            if held not in (None, "", {}, []):
                chat.given = chat_of(held, "user", chat.tools)
            answer = loaded(a.get(answered))
            if answer not in (None, "", {}, []):
                chat.answered = chat_of(answer, "assistant")
            if len(chat.answered) > len(chat.given) > 0 and all(
                one.text == other.text for one, other in zip(chat.given, chat.answered, strict=False)
            ):
                chat.answered = chat.answered[len(chat.given) :]  # a graph gives its whole state back
            return chat
    return _Chat()


_CONVENTIONS: tuple[Callable[[Span], _Chat], ...] = (
    _by_messages,
    _by_events,
    _by_openinference,
    _by_numbers,
    _by_vercel,
    _by_whole,
)
