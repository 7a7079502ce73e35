"""One loaded model and the thread that runs it, shared by everything in the process that uses the same weights."""

from __future__ import annotations

import atexit
import contextlib
import functools
import json
import threading
import time
import weakref
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, InvalidStateError
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sml_agents.backends.settings import LocalSettings
from sml_agents.errors import BackendError, ConversationError, SmlError

__all__ = ["Completion", "Engine", "Job", "engine_for"]

_GATHER_SECONDS = 0.003
"""An idle model waits this long after the first of several calls, so that they start together."""


@dataclass(frozen=True)
class Completion:
    """What the model said, its ids as sampled (the end token included, if it was)."""

    prompt_ids: list[int]
    ids: list[int]
    text: str
    finish: str
    logprobs: list[float] | None = None
    """Of `ids`, where the job asked for them."""
    spoken: list[dict[str, Any]] | None = None
    """The same of the tokens before the end token, with the likeliest others, in OpenAI's form."""


@dataclass(eq=False)
class Job:
    """One call."""

    messages: Sequence[dict[str, Any]]
    max_tokens: int
    temperature: float = 0.0
    top_p: float = 1.0
    seed: int | None = None
    stop: tuple[str, ...] = ()
    tools: list[dict[str, Any]] | None = None
    tokens: Sequence[int] = ()
    """Of all messages up to the last reply, kept as they are; none: all messages are rendered."""
    opening: Mapping[int, float] = field(default_factory=dict)
    """Added to the logits of these tokens where the reply opens with one of them, be it after a thought; the likeliest
    is then taken, at any temperature."""
    alternatives: int | None = None
    """How many of the likeliest tokens are told at each place, with log-probabilities; None: no log-probabilities."""
    timeout: float = 300.0
    """Seconds from when the model takes it up; waiting in line, or for the weights, is not counted."""
    logprobs: bool = False
    """Tell with which probabilities the reply was sampled: those of `alternatives` are the model's own, before the
    temperature and the nucleus that it is sampled with. For temperatures above 0."""
    watch: Callable[[str], None] | None = None
    """Told, in the engine's thread, the text so far: only what no later token can change."""
    future: Future[Completion] = field(default_factory=Future)
    deadline: float = 0.0

    def done(self, completion: Completion) -> None:
        with contextlib.suppress(InvalidStateError):
            self.future.set_result(completion)

    def failed(self, error: BaseException) -> None:
        with contextlib.suppress(InvalidStateError):
            self.future.set_exception(error)


Load = Callable[[], tuple[Any, Any]]
"""Gives model and tokenizer; called in the engine's thread."""


class Engine:
    """Batches the calls of all threads and event loops into one model. Stops when nobody holds it any more."""

    def __init__(self, name: str, load: Load, settings: LocalSettings) -> None:
        self._work = _Work(name, load, settings)
        self._thread = threading.Thread(target=self._work.run, name=f"sml-agents-model-{name}", daemon=True)
        _running[self._thread] = self._work
        self._thread.start()
        weakref.finalize(self, _Work.stop, self._work)

    def submit(self, job: Job) -> Future[Completion]:
        """Queue `job`; its future may be cancelled at any time."""
        return self._work.submit(job)

    def forget(self) -> None:
        """Drop what was computed for earlier conversations; to be called when weights have changed, between calls."""
        self._work.stale = True

    def wait_loaded(self) -> None:
        """Return when the model has been loaded. Raises what made that fail, such as `BackendSpecError`."""
        self._work.loaded.result()

    @property
    def busy_seconds(self) -> float:
        """Time spent in the model so far."""
        return self._work.busy

    def stop(self, *, wait: bool = False) -> None:
        """Let go of the model; calls that still run fail. `wait` until it has been."""
        self._work.stop()
        if wait:
            self._thread.join()

    @property
    def alive(self) -> bool:
        return self._thread.is_alive() and not self._work.stopping


class _Work:
    """What the thread does; it must not hold the `Engine`, which would then never be let go."""

    def __init__(self, name: str, load: Load, settings: LocalSettings) -> None:
        self.name, self.load_model, self.settings = name, load, settings
        self.waiting: deque[Job] = deque()
        self.wake = threading.Condition()
        self.stopping = False
        self.stale = False
        self.busy = 0.0
        self.decoder: Any = None
        self.loaded: Future[None] = Future()
        self.end: BaseException | None = None
        """What ended the thread, for calls that come after: a folder may be found unusable before the first call."""

    def submit(self, job: Job) -> Future[Completion]:
        with self.wake:
            if self.stopping:
                job.failed(self.end or BackendError(f"The model {self.name} was shut down."))
            else:
                self.waiting.append(job)
                self.wake.notify()
        return job.future

    def stop(self) -> None:
        with self.wake:
            self.stopping = True
            self.wake.notify()

    def run(self) -> None:
        try:
            self.load()
            self.loaded.set_result(None)
            while self.admit():
                self.advance()
        except BaseException as error:
            self.give_up(error)
        else:
            self.give_up(BackendError(f"The model {self.name} was shut down."))
        finally:
            _running.pop(threading.current_thread(), None)

    def give_up(self, error: BaseException) -> None:
        with self.wake:
            self.stopping, self.end = True, error
            jobs = list(self.waiting)
            self.waiting.clear()
        if self.decoder is not None:
            jobs += [row.tag for row in self.decoder.rows]
            self.decoder = None  # the weights go, even while somebody still looks at this engine
        if not self.loaded.done():
            self.loaded.set_exception(error)
        for job in jobs:
            job.failed(error)

    def load(self) -> None:
        """Load model and tokenizer. Raises `BackendSpecError` when they cannot be."""
        from sml_agents.backends.threads import set_threads

        set_threads(self.settings.threads)
        from sml_agents.backends.chat_format import ChatFormat
        from sml_agents.backends.decoder import decoder_for

        model, tokenizer = self.load_model()
        self.format = ChatFormat(tokenizer, self.name)
        self.decoder = decoder_for(model, self.settings.cache_mb << 20)
        ends = model.generation_config.eos_token_id
        ends = ends if isinstance(ends, list) else [ends]
        self.ends = {end for end in [*ends, tokenizer.eos_token_id] if end is not None}
        self.context: int = getattr(model.config.get_text_config(), "max_position_embeddings", None) or 2**31

    def admit(self) -> bool:
        """Take waiting jobs into the batch, waiting for one if there is nothing to do. False: stop."""
        with self.wake:
            if not self.decoder.rows and not self.waiting:
                self.wake.wait_for(lambda: self.waiting or self.stopping)
                if not self.stopping:
                    self.wake.wait_for(lambda: self.stopping, timeout=_GATHER_SECONDS)
            if self.stopping:
                return False
            if self.stale and not self.decoder.rows:
                self.decoder.forget()
                self.stale = False
            free = self.settings.batch_size - len(self.decoder.rows)
            jobs = [self.waiting.popleft() for _ in range(min(free, len(self.waiting)))]
        rows = [row for job in jobs if (row := self.prepared(job)) is not None]
        if rows:
            self.guarded(lambda: self.decoder.add(rows), rows)
            self.settle(rows)
        return True

    def prepared(self, job: Job) -> Any:
        """A row for the decoder, or None if the job is already over."""
        from sml_agents.backends.decoder import Row
        from sml_agents.backends.sampling import Sampler

        if job.future.cancelled():
            return None
        try:
            if job.tokens:
                ids = self.format.encode_after(job.tokens, job.messages)
            else:
                ids = self.format.encode(job.messages, job.tools)
            room = self.context - len(ids)
            if room < 1:
                raise ConversationError(
                    f"The conversation has {len(ids)} tokens, {self.name} takes {self.context}: use shorter turns.",
                    too_long=True,
                )
        except Exception as error:
            job.failed(error)
            return None
        sampler = Sampler(job.temperature, job.top_p, job.seed, job.opening, [] if job.logprobs else None)
        most = min(job.max_tokens, room)
        job.deadline = time.monotonic() + job.timeout
        return Row(ids, sampler, max_tokens=most, tag=job, alternatives=job.alternatives)

    def advance(self) -> None:
        """One more token for every row."""
        if self.decoder.rows:
            rows = list(self.decoder.rows)
            self.guarded(self.decoder.step, rows)
            self.settle(rows)

    def guarded(self, work: Callable[[], None], rows: Sequence[Any]) -> None:
        """Do `work`; when the model fails, so do all the jobs in it, and the next ones start afresh."""
        began = time.perf_counter()
        try:
            work()
        except Exception as error:
            failure = error if isinstance(error, SmlError) else BackendError(f"{self.name} failed: {error}")
            for row in {id(row): row for row in [*rows, *self.decoder.rows]}.values():
                row.tag.failed(failure)
            self.decoder.reset()
        finally:
            self.busy += time.perf_counter() - began

    def settle(self, rows: Sequence[Any]) -> None:
        """Answer the jobs whose rows are finished."""
        now = time.monotonic()
        for row in rows:
            if row not in self.decoder.rows:
                continue
            job: Job = row.tag
            if job.future.cancelled():
                self.decoder.remove(row, keep=False)
            elif now > job.deadline:
                self.decoder.remove(row)
                job.failed(BackendError(f"{self.name} did not finish within {job.timeout:g} s; raise timeout."))
            elif (finished := self.finished(row, job)) is not None:
                self.decoder.remove(row)
                text, finish = finished
                told = self.told(row) if job.alternatives is not None else (row.sampler.logprobs or None, None)
                job.done(Completion(row.prompt_ids, row.ids, text, finish, *told))
            elif job.watch is not None:
                text = self.format.decode(row.ids, whole=False)
                open_end = max((len(end) - 1 for end in job.stop), default=0)
                # Half a character decodes to U+FFFD, and a stop text may have begun.
                job.watch(text.removesuffix("\ufffd")[: len(text) - open_end])

    def told(self, row: Any) -> tuple[list[float], list[dict[str, Any]]]:
        """Log-probabilities of what was sampled, as numbers and as OpenAI writes them."""
        write = self.format.likelihood
        ended = row.ids[-1] in self.ends
        spoken = [
            {**write(token, at.sampled), "top_logprobs": [write(*pair) for pair in at.likeliest]}
            for token, at in zip(row.ids[:-1] if ended else row.ids, row.likelihoods, strict=False)
        ]
        return [at.sampled for at in row.likelihoods], spoken

    def finished(self, row: Any, job: Job) -> tuple[str, str] | None:
        """Text and reason when the row is complete."""
        if row.ids[-1] in self.ends:
            return self.format.decode(row.ids), "stop"
        if job.stop:
            text = self.format.decode(row.ids)
            places = [place for end in job.stop if (place := text.find(end)) >= 0]
            if places:
                return text[: min(places)], "stop"
        if len(row.ids) >= row.max_tokens:
            return self.format.decode(row.ids), "length"
        return None


_engines: weakref.WeakValueDictionary[tuple[Any, ...], Engine] = weakref.WeakValueDictionary()
_running: dict[threading.Thread, _Work] = {}
_lock = threading.Lock()


def engine_for(name: str, locate: Callable[[], str], settings: LocalSettings) -> Engine:
    """The engine for these weights: the same one for everybody who uses them in the same way."""
    same = settings.model_dump(include={"device", "dtype", "threads", "batch_size", "cache_mb"})
    key = (name, _changed(name), json.dumps(settings.template_kwargs, sort_keys=True, default=str), *same.values())
    with _lock:
        engine = _engines.get(key)
        if engine is None or not engine.alive:
            engine = _engines[key] = Engine(name, functools.partial(_load, locate, name, settings), settings)
        return engine


def _load(locate: Callable[[], str], name: str, settings: LocalSettings) -> tuple[Any, Any]:
    from sml_agents.backends.loading import load_model

    return load_model(locate(), name, settings)


def _changed(name: str) -> int:
    """When a model's folder last changed, so that weights trained anew are loaded anew."""
    folder = Path(name)
    return max((file.stat().st_mtime_ns for file in folder.glob("*")), default=0) if folder.is_dir() else 0


@atexit.register
def _stop_all() -> None:
    # A thread inside torch while the interpreter goes away would crash it: stop all first, each after its current step.
    running = dict(_running)
    for work in running.values():
        work.stop()
    deadline = time.monotonic() + 10
    for thread in running:
        thread.join(timeout=max(0.0, deadline - time.monotonic()))
