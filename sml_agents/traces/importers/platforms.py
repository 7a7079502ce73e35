"""Exports of tracing platforms: LangSmith's runs and Langfuse's traces.

`langsmith`: runs as `Client.list_runs` and the bulk export (Parquet) give them, one an object, in any order.
`langfuse`: traces as the API and the export give them, with their `observations` and `scores`; or a folder of the blob
export (Parquet, JSON Lines), whose observations, traces and scores are rows of their own.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from sml_agents.errors import one_line
from sml_agents.traces.importers.about import About, about
from sml_agents.traces.importers.calls import Gathered, ModelCall, thread_in
from sml_agents.traces.importers.chats import chat_of, model_in, tools_in, usage_of
from sml_agents.traces.importers.json_text import loaded
from sml_agents.traces.importers.lines import rows
from sml_agents.traces.importers.messages import DAMAGE, why
from sml_agents.traces.importers.parts import BadRecord
from sml_agents.traces.importers.record import Log, Loss, OnLoss, Score

__all__ = ["read_langfuse", "read_langsmith"]

_MODEL_RUNS = ("llm", "chat_model")
_TIMES = ("start_time", "startTime", "timestamp", "end_time", "endTime")
_OF_SCORES = ("value", "stringValue", "string_value")
_WORDS = {"true": 1.0, "yes": 1.0, "good": 1.0, "correct": 1.0, "false": 0.0, "no": 0.0, "bad": 0.0, "incorrect": 0.0}


def read_langsmith(place: str, on_loss: OnLoss) -> Iterator[Log]:
    """The conversations in LangSmith runs: those of model calls, or of the roots where no model call is there."""
    found = Gathered()
    for row in rows(place, on_loss, inside=("runs", "data")):
        run = row.value
        trace = str(run.get("trace_id") or run.get("id") or "")
        is_call = str(run.get("run_type", "")) in _MODEL_RUNS
        try:
            if not trace:
                raise BadRecord("it has neither id nor trace_id: it is no run")
            extra = _mapping(run.get("extra"))
            metadata = _mapping(extra.get("metadata"))
            itself = {"thread_id": run.get("thread_id")}  # its `session_id` is the project's
            found.belongs(trace, thread_in(metadata, _mapping(run.get("metadata")), itself))
            if not is_call and not run.get("parent_run_id"):
                found.tells(trace, _about(run))
            found.scores += [(trace, score) for score in _feedback(run.get("feedback_stats"))]
            if is_call:
                found.calls.append((trace, _call(run, row.where)))
            elif not run.get("parent_run_id"):
                found.wholes[trace] = _call(run, row.where)
        except DAMAGE as error:
            loss = Loss(row.where, why(error))
            if is_call or not trace:
                found.lost.add(trace)
                on_loss(loss)
            elif not run.get("parent_run_id"):
                found.wholes[trace] = loss
    yield from found.conversations(on_loss)


def read_langfuse(place: str, on_loss: OnLoss) -> Iterator[Log]:
    """The conversations in Langfuse traces: those of generations, or of the trace's own input and output."""
    found = Gathered()
    for row in rows(place, on_loss, inside=("traces", "data")):
        value = row.value
        if isinstance(trace := value.get("trace"), dict) and "observations" in value:
            value = {**trace, "observations": value["observations"], "scores": trace.get("scores", value.get("scores"))}
        if any(name in value for name in _OF_SCORES) and "name" in value and "type" not in value:
            about = _either(value, "traceId", "trace_id") or _either(value, "sessionId", "session_id")
            found.scores += [(str(about), score) for score in _scores([value])]
        elif value.get("type") is not None:
            _observation(value, row.where, found, on_loss)
        else:
            _trace(value, row.where, found, on_loss)
    yield from found.conversations(on_loss)


def _observation(value: Mapping[str, Any], where: str, found: Gathered, on_loss: OnLoss, trace: str = "") -> None:
    trace = trace or str(_either(value, "traceId", "trace_id") or value.get("id") or where)
    found.belongs(trace, _session(value))
    is_call = str(value["type"]).upper() == "GENERATION"
    if not is_call and _either(value, "parentObservationId", "parent_observation_id"):
        return  # a step of an agent
    if not is_call:
        found.tells(trace, _about(value))
        if trace in found.wholes:
            return
    try:
        call = _call(value, where)
    except DAMAGE as error:
        if is_call:
            found.lost.add(trace)
            on_loss(Loss(where, why(error)))
        elif value.get("input") or value.get("output"):
            found.wholes[trace] = Loss(where, why(error))
    else:
        if is_call:
            found.calls.append((trace, call))
        else:
            found.wholes[trace] = call


def _trace(value: Mapping[str, Any], where: str, found: Gathered, on_loss: OnLoss) -> None:
    trace = str(value.get("id") or _either(value, "traceId", "trace_id") or where)
    found.belongs(trace, _session(value))
    found.tells(trace, _about(value))
    if isinstance(given := loaded(value.get("scores")), list):
        found.scores += [(trace, score) for score in _scores(given)]
    try:
        found.wholes[trace] = _call(value, where)
    except DAMAGE as error:
        found.wholes[trace] = Loss(where, why(error))
    observations = loaded(value.get("observations"))
    for number, one in enumerate(observations if isinstance(observations, list) else (), start=1):
        if isinstance(one, dict) and one.get("type") is not None:
            _observation(one, f"{where} observation {number}", found, on_loss, trace)


def _session(value: Mapping[str, Any]) -> str:
    return str(_either(value, "sessionId", "session_id") or "")


def _call(value: Mapping[str, Any], where: str) -> ModelCall:
    given = loaded(_either(value, "inputs", "input"))
    answered = loaded(_either(value, "outputs", "output"))
    extra = _mapping(value.get("extra"))
    metadata = _mapping(extra.get("metadata")) or _mapping(value.get("metadata"))
    tools = tools_in(extra.get("invocation_params"), extra, _tools_as_messages(given), value)
    said = chat_of(_without_tools(given), "user", tools) if given not in (None, {}, [], "") else []
    told = chat_of(answered, "assistant") if answered not in (None, {}, [], "") else []
    if not said and not told:
        raise BadRecord("it holds no messages")
    if len(told) > len(said) and said and [one.text for one in told[: len(said)]] == [one.text for one in said]:
        told = told[len(said) :]  # a graph gives its whole state back
    start = _either(value, "start_time", "startTime") or value.get("timestamp")
    error = value.get("error") or (_either(value, "statusMessage", "status_message") if _failed(value) else "")
    usage = usage_of(_either(value, "usageDetails", "usage_details", "usage")) or usage_of(value)
    model = model_in(value, metadata, extra.get("invocation_params"))
    return ModelCall("", start, said, told, where, model, usage, one_line(error or ""), tools, _about(value))


def _about(value: Mapping[str, Any]) -> About:
    """What a run, a trace or an observation says about itself; the fields beside its metadata are some, too."""
    beside = {
        "user_id": _either(value, "userId", "user_id"),
        "session_id": None if "run_type" in value else _session(value),  # of a run it is the project's
        **{name: value.get(name) for name in ("environment", "release", "version")},
    }
    return about(
        times=[value.get(name) for name in _TIMES],
        tags=value.get("tags"),
        metadata=[_mapping(value.get("extra")).get("metadata"), value.get("metadata"), beside],
    )


def _failed(value: Mapping[str, Any]) -> bool:
    return str(value.get("level")).upper() == "ERROR"


def _without_tools(given: Any) -> Any:
    """Langfuse's handler for LangChain writes the definitions of the tools as messages of a tool."""
    if not isinstance(given, list):
        return given
    return [one for one in given if not (isinstance(one, dict) and _is_definition(one.get("content")))]


def _tools_as_messages(given: Any) -> dict[str, Any]:
    definitions = [one.get("content") for one in given if isinstance(one, dict)] if isinstance(given, list) else []
    return {"tools": [one for one in definitions if _is_definition(one)]}


def _is_definition(content: Any) -> bool:
    return isinstance(content, dict) and content.get("type") == "function" and "function" in content


def _mapping(value: Any) -> Mapping[str, Any]:
    value = loaded(value)
    return value if isinstance(value, dict) else {}


def _feedback(stats: Any) -> Iterator[Score]:
    """LangSmith's `feedback_stats`: the mean of each key."""
    for name, one in _mapping(stats).items():
        value = one.get("avg") if isinstance(one, dict) else one
        if isinstance(value, int | float):
            yield Score(str(name), float(value))


def _scores(given: list[Any]) -> Iterator[Score]:
    for one in given:
        if not isinstance(one, dict):
            continue
        value = one.get("value")
        if not isinstance(value, int | float):
            text = next((one[name] for name in _OF_SCORES if isinstance(one.get(name), str)), "")
            value = _WORDS.get(text.lower())
        if value is None:
            continue
        source = "person" if one.get("source") in ("ANNOTATION", "API", None) else "machine"
        yield Score(str(one.get("name", "")), float(value), str(one.get("comment") or ""), source)  # type: ignore[arg-type]


def _either(value: Mapping[str, Any], *names: str) -> Any:
    return next((value[name] for name in names if value.get(name) is not None), None)
