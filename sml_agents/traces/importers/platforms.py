"""Exports of tracing platforms: LangSmith's runs and Langfuse's traces.

`langsmith`: runs as `Client.list_runs` and the bulk export give them, one an object, in any order.
`langfuse`: traces as the API and the export give them, with their `observations` and `scores`; or observations alone.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from sml_agents.traces.importers.calls import ModelCall, chat_of, conversations, thread_in
from sml_agents.traces.importers.chat import usage_of
from sml_agents.traces.importers.lines import Row, rows
from sml_agents.traces.importers.messages import DAMAGE, BadRecord, why
from sml_agents.traces.importers.otlp import loaded
from sml_agents.traces.importers.record import Log, Loss, OnLoss, Score

__all__ = ["read_langfuse", "read_langsmith"]

_GENERATIONS = ("GENERATION", "generation")


def read_langsmith(place: str, on_loss: OnLoss) -> Iterator[Log]:
    """The conversations in LangSmith runs: those of model calls, or of the roots where no model call is there."""
    calls: dict[str, list[ModelCall]] = {}
    roots: dict[str, ModelCall] = {}
    thread_of: dict[str, str] = {}
    scores: dict[str, list[Score]] = {}
    for row in rows(place, on_loss, inside=("runs", "data")):
        run = row.value
        try:
            trace = str(run.get("trace_id") or run.get("id") or "")
            if not trace:
                raise BadRecord("it has neither id nor trace_id: it is no run")
            extra = loaded(run.get("extra"))
            metadata = extra.get("metadata") if isinstance(extra, Mapping) else None
            thread = thread_in(metadata, run.get("metadata")) or str(run.get("thread_id") or "")
            if thread:
                thread_of.setdefault(trace, thread)
            scores.setdefault(trace, []).extend(_feedback(run.get("feedback_stats")))
            kind, root = str(run.get("run_type", "")), not run.get("parent_run_id")
            if kind in ("llm", "chat_model"):
                calls.setdefault(trace, []).append(_call(run, trace, row.where))
            elif root:
                roots[trace] = _call(run, trace, row.where)
        except DAMAGE as error:
            # A root without messages is a loss only if its model calls are not there either.
            if str(run.get("run_type")) in ("llm", "chat_model") or "id" not in run:
                on_loss(Loss(row.where, why(error)))
    of_root = [one for trace, one in roots.items() if trace not in calls]
    found = [*of_root, *(call for several in calls.values() for call in several)]
    by_thread: dict[str, list[Score]] = {}
    for trace, given in scores.items():
        by_thread.setdefault(thread_of.get(trace, trace), []).extend(given)
    for call in found:
        call.thread = thread_of.get(call.thread, call.thread)
    yield from conversations(found, by_thread)


def read_langfuse(place: str, on_loss: OnLoss) -> Iterator[Log]:
    """The conversations in Langfuse traces: those of generations, or of the trace's own input and output."""
    calls: list[ModelCall] = []
    scores: dict[str, list[Score]] = {}
    for row in rows(place, on_loss, inside=("traces", "data")):
        value = row.value
        if isinstance(trace := value.get("trace"), Mapping) and "observations" in value:
            value = {**trace, "observations": value["observations"]}  # a single trace, downloaded
        observations = loaded(value.get("observations"))
        thread = str(_either(value, "sessionId", "session_id") or _either(value, "traceId", "trace_id") or "")
        thread = thread or str(value.get("id") or row.where)
        if isinstance(given := loaded(value.get("scores")), list):
            scores.setdefault(thread, []).extend(_scores(given))
        generations = [
            Row(f"{row.where} observation {number}", dict(one), b"")
            for number, one in enumerate(observations if isinstance(observations, list) else ())
            if isinstance(one, Mapping) and one.get("type") in _GENERATIONS
        ]
        if value.get("type") is not None and value.get("type") not in _GENERATIONS:
            continue  # a span or an event
        for one in generations or [row]:
            try:
                calls.append(_call(one.value, thread, one.where))
            except DAMAGE as error:
                on_loss(Loss(one.where, why(error)))
    yield from conversations(calls, scores)


def _call(value: Mapping[str, Any], thread: str, where: str) -> ModelCall:
    given = loaded(_either(value, "inputs", "input"))
    answered = loaded(_either(value, "outputs", "output"))
    said = chat_of(_without_tools(given), "user") if given not in (None, {}, []) else []
    told = chat_of(answered, "assistant") if answered not in (None, {}, []) else []
    if not said and not told:
        raise BadRecord("it holds no messages")
    if len(told) > len(said) and said and [one.text for one in told[: len(said)]] == [one.text for one in said]:
        told = told[len(said) :]  # a graph gives its whole state back
    start = _either(value, "start_time", "startTime") or value.get("timestamp")
    error = value.get("error") or (value.get("statusMessage") if value.get("level") == "ERROR" else "")
    usage = usage_of(_either(value, "usageDetails", "usage")) or usage_of(value)
    return ModelCall(thread, str(start), said, told, where, _model(value), usage, str(error or "").split("\n")[0][:500])


def _without_tools(given: Any) -> Any:
    """Langfuse's handler for LangChain writes the definitions of the tools as messages of a tool."""
    if not isinstance(given, list):
        return given
    return [one for one in given if not (isinstance(one, Mapping) and _is_definition(one.get("content")))]


def _is_definition(content: Any) -> bool:
    return isinstance(content, Mapping) and content.get("type") == "function" and "function" in content


def _model(value: Mapping[str, Any]) -> str:
    extra = loaded(value.get("extra"))
    metadata = extra.get("metadata") if isinstance(extra, Mapping) else None
    found = value.get("model") or (metadata.get("ls_model_name") if isinstance(metadata, Mapping) else "")
    return found if isinstance(found, str) else ""


def _feedback(stats: Any) -> Iterator[Score]:
    """LangSmith's `feedback_stats`: the mean of each key."""
    if isinstance(stats := loaded(stats), Mapping):
        for name, one in stats.items():
            value = one.get("avg") if isinstance(one, Mapping) else one
            if isinstance(value, int | float):
                yield Score(str(name), float(value))


def _scores(given: list[Any]) -> Iterator[Score]:
    for one in given:
        if not isinstance(one, Mapping) or not isinstance(one.get("value"), int | float):
            continue
        source = "person" if one.get("source") in ("ANNOTATION", "API", None) else "machine"
        comment = one.get("comment")
        yield Score(str(one.get("name", "")), float(one["value"]), str(comment or ""), source)  # type: ignore[arg-type]


def _either(value: Mapping[str, Any], *names: str) -> Any:
    return next((value[name] for name in names if value.get(name) is not None), None)
