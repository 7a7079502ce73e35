"""Logs of published experiments: MINT, Lost in Conversation, and Inspect.

`mint`: MINT's outputs (Wang et al., arXiv 2309.10691), `state.history` with the task and whether it was solved.
`lost-in-conversation`: simulation logs of Laban et al. (arXiv 2505.06120), with the acts that they labelled.
`inspect`: evaluation logs of Inspect (UK AISI), `.eval` or `.json`, one conversation a sample and epoch.
"""

from __future__ import annotations

import io
import struct
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from sml_agents.errors import MissingExtra, one_line
from sml_agents.traces.importers.about import About, about
from sml_agents.traces.importers.chat import content_key
from sml_agents.traces.importers.chats import usage_of
from sml_agents.traces.importers.json_text import read_json
from sml_agents.traces.importers.lines import Row, files_at, rows
from sml_agents.traces.importers.messages import DAMAGE, read_message, read_messages, why
from sml_agents.traces.importers.parts import BadRecord, Said, text_of
from sml_agents.traces.importers.record import Log, Loss, OnLoss, Score
from sml_agents.traces.importers.unpack import MOST_TIMES, SMALL, unpacked_zstd

__all__ = ["read_inspect", "read_lost", "read_mint"]

_LETTERS = {"C": 1.0, "P": 0.5, "I": 0.0, "N": 0.0}
_LARGEST_SAMPLE = 256 << 20
_ZSTANDARD = 93


def read_mint(place: str, on_loss: OnLoss) -> Iterator[Log]:
    """MINT's outputs: one dialogue a row, solved or not as MINT found."""
    for row in rows(place, on_loss):
        try:
            state, task = _part(row.value, "state"), row.value.get("task")
            task = task if isinstance(task, Mapping) else {}
            success = state.get("success")
            yield Log(
                content_key(row),
                read_messages(state.get("history")),
                row.where,
                source=f"{task.get('task_name', 'mint')}-{task.get('task_id', row.where)}",
                solved=success if isinstance(success, bool) else None,
                answer=text_of(task.get("reference", "")),
                usage=usage_of(state.get("token_counter")),
                error=str(state.get("error") or ""),
                meta={"terminate_reason": state.get("terminate_reason")},
            )
        except DAMAGE as error:
            on_loss(Loss(row.where, why(error)))


def read_lost(place: str, on_loss: OnLoss) -> Iterator[Log]:
    """Lost in Conversation's simulation logs: the `trace` of each, without its `log` entries."""
    for row in rows(place, on_loss):
        value = row.value
        try:
            if not isinstance(value.get("trace"), list):
                raise BadRecord(
                    "it has no `trace`: for the tasks of the set use the task spec lost-in-conversation:PATH"
                )
            correct = value.get("is_correct")
            score = value.get("score")
            yield Log(
                str(value.get("conv_id") or content_key(row)),
                _with_acts(value["trace"]),
                row.where,
                source=str(value.get("task_id", "")),
                model=str(value.get("assistant_model", "")),
                solved=correct if isinstance(correct, bool) else None,
                scores=[Score("score", float(score), source="machine")] if isinstance(score, int | float) else [],
                meta={"conv_type": value.get("conv_type"), "task": value.get("task")},
            )
        except DAMAGE as error:
            on_loss(Loss(row.where, why(error)))


def _with_acts(entries: list[Any]) -> list[Said]:
    """The messages, with the acts that the entries between them tell."""
    said: list[Said] = []
    for number, entry in enumerate(entries, start=1):
        if not isinstance(entry, Mapping) or entry.get("role") != "log":
            try:
                said.append(read_message(entry))
            except BadRecord as error:
                raise BadRecord(f"message {number}: {error}") from None
            continue
        content = entry.get("content")
        response = content.get("response") if isinstance(content, Mapping) else None
        if said and isinstance(response, Mapping) and isinstance(response.get("response_type"), str):
            said[-1].act = response["response_type"]
    return said


def read_inspect(place: str, on_loss: OnLoss) -> Iterator[Log]:
    """The samples of Inspect's logs: a `.json` or `.eval` file, or a folder of them."""
    for file in _inspect_files(place):
        if zipfile.is_zipfile(file):
            yield from _archive(file, on_loss)
        else:
            yield from _samples(rows(str(file), on_loss, inside=("samples",)), file.stem, on_loss, About())


def _inspect_files(place: str) -> list[Path]:
    return files_at(place, ".eval", ".json")


def _archive(file: Path, on_loss: OnLoss) -> Iterator[Log]:
    with zipfile.ZipFile(file) as archive:
        of_log = _of_log(archive)
        for entry in archive.infolist():
            if not entry.filename.startswith("samples/") or not entry.filename.endswith(".json"):
                continue
            where = f"{file.name} {entry.filename}"
            try:
                value = read_json(_unpacked(archive, entry))
                if not isinstance(value, dict):
                    raise BadRecord("it is not a JSON object")
            except (BadRecord, ValueError, OSError, EOFError, zlib.error, zipfile.BadZipFile, struct.error) as error:
                on_loss(Loss(where, f"the sample cannot be read ({error})"))
            except MissingExtra:
                raise
            except (NotImplementedError, RuntimeError) as error:  # a compression or a password of its own
                on_loss(Loss(where, f"the sample cannot be unpacked ({error})"))
            else:
                yield from _samples(iter([Row(where, value, b"")]), file.stem, on_loss, of_log)


def _of_log(archive: zipfile.ZipFile) -> About:
    """What the header of an archive says about all of its samples."""
    try:
        told = read_json(_unpacked(archive, archive.getinfo("header.json")))["eval"]
        return about(times=[told.get("created")], tags=told.get("tags"), metadata=[told.get("metadata")])
    except Exception:  # a log without a header, or a damaged one, costs the header alone
        return About()


def _unpacked(archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> bytes:
    """A sample as JSON; newer logs are packed with Zstandard, which this Python's `zipfile` does not know."""
    bomb = entry.file_size > SMALL and entry.file_size > MOST_TIMES * entry.compress_size
    if entry.file_size > _LARGEST_SAMPLE or bomb:
        raise BadRecord(f"it is larger than {_LARGEST_SAMPLE >> 20} MB, or unpacks to far more than its size")
    if entry.compress_type != _ZSTANDARD:
        return archive.read(entry)
    packed = archive.fp
    if packed is None:
        raise BadRecord("the archive is closed")
    packed.seek(entry.header_offset)
    name, extra = struct.unpack("<HH", packed.read(30)[26:])
    packed.seek(name + extra, 1)
    with unpacked_zstd(io.BytesIO(packed.read(entry.compress_size))) as stream:
        return stream.read(_LARGEST_SAMPLE)


def _samples(found: Iterator[Row], log: str, on_loss: OnLoss, of_log: About) -> Iterator[Log]:
    for row in found:
        value = row.value
        try:
            given = value.get("scores")
            scores = [
                Score(str(name), number, source="machine")
                for name, one in (given.items() if isinstance(given, Mapping) else ())
                if isinstance(one, Mapping) and (number := _number(one.get("value"))) is not None
            ]
            said: list[Said] = read_messages(value.get("messages"))
            error = value.get("error")
            output = value.get("output")
            name = f"{value.get('id', row.where)}-{value.get('epoch', 1)}"
            target = value.get("target")
            yield Log(
                f"{log}/{name}",
                said,
                row.where,
                source=name,
                model=str(output.get("model", "")) if isinstance(output, Mapping) else "",
                scores=scores,
                solved=all(score.value == 1 for score in scores) if scores else None,
                answer=target if isinstance(target, str) else "",
                error=one_line(error.get("message", "failed")) if isinstance(error, Mapping) else "",
                about=_of_sample(value, of_log),
            )
        except DAMAGE as error:
            on_loss(Loss(row.where, why(error)))


def _of_sample(value: Mapping[str, Any], of_log: About) -> About:
    """When it ran: as it says, else between the first and the last event. What the log says is said of it, too."""
    events = value.get("events")
    ends = (events[0], events[-1]) if isinstance(events, list) and events else ()
    times = [value.get("started_at"), value.get("completed_at")]
    times += [one.get("timestamp") for one in ends if isinstance(one, Mapping)]
    return about(times=times, metadata=[value.get("metadata"), of_log.metadata]).within(replace(of_log, metadata={}))


def _number(value: Any) -> float | None:
    if isinstance(value, str):
        return _LETTERS.get(value)
    return float(value) if isinstance(value, bool | int | float) else None


def _part(value: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    found = value.get(name)
    if not isinstance(found, Mapping):
        raise BadRecord(f"it has no `{name}`")
    return found
