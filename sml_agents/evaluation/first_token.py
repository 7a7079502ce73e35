"""The decision between asking and answering, read off a model's first token: minutes in place of an evaluation's hour.

Of a student that thinks before it speaks, that is the first token after its thought, which is written by greedy choice.

    first_token({"trained": "transformers:runs/asker/model"}, ["arithmetic?form=paired&split=heldout"])

The area under the curve (AUC) is the probability that a task with a fact missing gets a higher chance of asking than a
complete one: what the model knows, whatever line is drawn. Three lines are reported side by side: `greedy` (the
likeliest token opens a question), `class mass` (asking is likelier than answering) and `threshold` (the one stored with
the model, where there is one). Beside the models stands the classifier of surface features, which reads nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from sml_agents.backends.decision import Decision
from sml_agents.backends.first_token import Kinds, first_tokens, openings_of
from sml_agents.errors import InputError
from sml_agents.evaluation.bootstrap import Floats, Metric, percentiles
from sml_agents.evaluation.surface import auc, surface_scores, youden_threshold
from sml_agents.evaluation.tally import missing_facts
from sml_agents.types import Role, Task

if TYPE_CHECKING:
    from langchain_core.language_models import BaseChatModel
    from langchain_core.messages import BaseMessage

    from sml_agents.backends.local import TransformersChatModel

__all__ = ["Decided", "FirstToken", "FirstTokens", "apart", "choose_decision", "first_token", "opening_chats"]

_CUTS = tuple(round(0.05 * step, 2) for step in range(1, 20))


class _Result(BaseModel):
    model_config = ConfigDict(frozen=True)


class Decided(_Result):
    """Where one line between asking and answering leads."""

    asks_when_needed: Metric
    needless_questions: Metric
    asking_gap: Metric


class FirstToken(_Result):
    """What one model's first tokens tell on some tasks."""

    n: int
    auc: Metric
    ordered: Metric = Metric()
    """Share of pairs whose form with the fact missing has the higher chance of asking, ties counted as half."""
    mass: float | None = None
    """Mean probability of the tokens of both kinds together: near 0, the model opens its turns otherwise."""
    threshold: float | None = None
    """The stored one."""
    lines: dict[str, Decided] = Field(default_factory=dict)
    curve: list[tuple[float, float, float]] = Field(default_factory=list)
    """Asking from this share on: asks when needed, needless questions."""
    groups: dict[str, Metric] = Field(default_factory=dict)
    """The AUC by how the tasks tell their numbers, in `words` or in `digits`."""


class FirstTokens(_Result):
    """Students and baselines by name."""

    students: dict[str, FirstToken]
    baselines: dict[str, FirstToken]
    specs: list[str]


def first_token(
    students: Mapping[str, str | BaseChatModel],
    task_specs: Sequence[str],
    *,
    seed: int = 0,
    resamples: int = 1000,
    system: str | None = None,
) -> FirstTokens:
    """Read the decision of each local model on the tasks of the specs, which must hold both kinds of task.

    Raises InputError for specs of one kind alone, and for models that do not run in this process.
    """
    from sml_agents.tasks import load_tasks

    by_spec = {spec: load_tasks(spec) for spec in dict.fromkeys(task_specs)}
    tasks = [task for found in by_spec.values() for task in found]
    _both_kinds(tasks)
    chats = opening_chats(tasks, system)
    read: dict[str, FirstToken] = {}
    for name, given in students.items():
        backend = _local(name, given)
        openings, kinds = openings_of(backend, chats)
        shares = np.array([opening.share for opening in openings])
        lines = {
            "greedy": np.array([opening.likeliest in kinds.ask for opening in openings]),
            "class mass": shares > 0.5,
        }
        decision = backend.decision
        if decision is not None:
            lines["threshold"] = shares >= decision.threshold
        read[name] = _measured(
            tasks,
            shares,
            lines,
            seed=seed,
            resamples=resamples,
            mass=float(np.mean([opening.ask + opening.answer for opening in openings])),
            threshold=None if decision is None else decision.threshold,
        )
    parts = [surface_scores(spec, found) for spec, found in by_spec.items()]
    scores = np.concatenate([part.scores for part in parts])
    asked = np.concatenate([part.asks for part in parts])
    surface = _measured(tasks, scores, {"threshold": asked}, seed=seed, resamples=resamples)
    return FirstTokens(students=read, baselines={"surface features": surface}, specs=list(by_spec))


def opening_chats(tasks: Sequence[Task], system: str | None = None) -> list[list[BaseMessage]]:
    """The conversation at the student's first turn on each task. `system` is its system prompt; None: the built-in."""
    from sml_agents.roles.prompts import render
    from sml_agents.views import chat_messages

    prompt = render("student") if system is None else system
    return [chat_messages(((Role.TEACHER, task.prompt),), Role.STUDENT, prompt) for task in tasks]


def apart(model: Any, tokenizer: Any, tasks: Sequence[Task], *, ask: str, answer: str) -> float:
    """The AUC of a model in hand, such as one in training; one half where one kind of task is absent."""
    found = auc(*_shares(model, tokenizer, tasks, Kinds((one_token(tokenizer, ask),), (one_token(tokenizer, answer),))))
    return 0.5 if found is None else found


def _shares(model: Any, tokenizer: Any, tasks: Sequence[Task], kinds: Kinds) -> tuple[Floats, Floats]:
    """For each task the chance of asking, and whether a fact is missing (1) or not (0)."""
    openings = first_tokens(model, tokenizer, opening_chats(tasks), kinds, thinks=True)
    wanted = np.array([bool(missing_facts(task)) for task in tasks], dtype=np.float64)
    return np.array([opening.share for opening in openings]), wanted


def choose_decision(
    model_of: str | BaseChatModel, task_specs: Sequence[str], *, ask: str, answer: str
) -> tuple[Decision, float | None]:
    """The decision whose threshold parts the two kinds best on the tasks of `task_specs`, and the AUC there.

    The specs must name templates that were not trained on, and none that is to be measured. `ask` and `answer` are the
    openings. Raises InputError for a model that does not run in this process, where an opening is more than one token,
    or where one kind of task is absent.
    """
    from sml_agents.backends.loading import load_model
    from sml_agents.tasks import load_tasks

    tasks = [task for spec in task_specs for task in load_tasks(spec)]
    _both_kinds(tasks)
    backend = _local("the model", model_of)
    model, tokenizer = load_model(type(backend)._place(backend.model), backend.model, backend.settings)
    kinds = Kinds((one_token(tokenizer, ask),), (one_token(tokenizer, answer),))
    shares, wanted = _shares(model, tokenizer, tasks, kinds)
    threshold = min(max(youden_threshold(shares, wanted), 1e-6), 1 - 1e-6)
    decision = Decision(ask=kinds.ask[0], answer=kinds.answer[0], threshold=threshold, chosen_on=tuple(task_specs))
    return decision, auc(shares, wanted)


def one_token(tokenizer: Any, word: str) -> int:
    """The token of `word`. Raises InputError when it takes several."""
    ids = tokenizer(word, add_special_tokens=False)["input_ids"]
    if len(ids) != 1:
        raise InputError(f"The opening {word!r} is {len(ids)} tokens of this model: choose a word that is one.")
    return int(ids[0])


def _local(name: str, given: str | BaseChatModel) -> TransformersChatModel:
    from sml_agents.backends import resolve
    from sml_agents.backends.local import TransformersChatModel
    from sml_agents.roles.make import fresh_of

    given, _ = fresh_of(given)
    backend = resolve(given) if isinstance(given, str) else given
    if not isinstance(backend, TransformersChatModel):
        raise InputError(f"{name}: the first token can be read of embedded: and transformers: models only.")
    return backend


def _both_kinds(tasks: Sequence[Task]) -> None:
    kinds = {bool(missing_facts(task)) for task in tasks}
    if len(kinds) < 2:
        raise InputError("The decision shows on tasks of both kinds: give a spec with form=paired.")


def _measured(
    tasks: Sequence[Task], shares: Floats, lines: Mapping[str, Any], *, seed: int, resamples: int, **more: Any
) -> FirstToken:
    wanted = np.array([bool(missing_facts(task)) for task in tasks])
    keys = [f"{task.family} {task.pair or task.id}" for task in tasks]
    drawn = _Drawn(keys, seed, resamples)
    told = np.array([str(task.meta.get("numbers", "")) for task in tasks])
    groups = {
        name: drawn.metric(
            lambda rows, name=name: auc(shares[rows][told[rows] == name], wanted[rows][told[rows] == name])
        )
        for name in sorted(set(told) - {""})
    }
    curve = [(cut, float((shares[wanted] >= cut).mean()), float((shares[~wanted] >= cut).mean())) for cut in _CUTS]
    return FirstToken(
        n=len(tasks),
        auc=drawn.metric(lambda rows: auc(shares[rows], wanted[rows])),
        ordered=drawn.metric(lambda rows: _ordered(shares[rows], wanted[rows], [keys[row] for row in rows])),
        lines={name: _decided(np.asarray(asked, dtype=np.float64), wanted, drawn) for name, asked in lines.items()},
        curve=curve,
        groups=groups,
        **more,
    )


def _decided(asked: Floats, wanted: Any, drawn: _Drawn) -> Decided:
    def needed(rows: Any) -> float | None:
        return _mean(asked[rows][wanted[rows]])

    def needless(rows: Any) -> float | None:
        return _mean(asked[rows][~wanted[rows]])

    def gap(rows: Any) -> float | None:
        one, other = needed(rows), needless(rows)
        return None if one is None or other is None else one - other

    return Decided(
        asks_when_needed=drawn.metric(needed), needless_questions=drawn.metric(needless), asking_gap=drawn.metric(gap)
    )


def _mean(values: Floats) -> float | None:
    return float(values.mean()) if len(values) else None


def _ordered(shares: Floats, wanted: Any, keys: Sequence[str]) -> float | None:
    """Pairs in the right order, each drawn pair once."""
    lacking: dict[str, float] = {}
    complete: dict[str, float] = {}
    for share, lacks, key in zip(shares, wanted, keys, strict=True):
        (lacking if lacks else complete)[key] = float(share)
    both = lacking.keys() & complete.keys()
    if not both:
        return None
    return float(np.mean([(lacking[key] > complete[key]) + (lacking[key] == complete[key]) / 2 for key in both]))


class _Drawn:
    """Tasks drawn with replacement, all forms of a problem together."""

    def __init__(self, keys: Sequence[str], seed: int, resamples: int) -> None:
        places: dict[str, list[int]] = {}
        for place, key in enumerate(keys):
            places.setdefault(key, []).append(place)
        groups = [np.array(found) for found in places.values()]
        generator = np.random.default_rng(seed)
        draws = generator.integers(0, len(groups), size=(resamples, len(groups)))
        self.whole = np.arange(len(keys))
        self.samples = [np.concatenate([groups[group] for group in draw]) for draw in draws]

    def metric(self, statistic: Any) -> Metric:
        """The statistic of all tasks with its 95 % interval; unknown where it is not defined."""
        value = statistic(self.whole)
        if value is None:
            return Metric(n=len(self.whole))
        drawn = np.array(
            [np.nan if found is None else found for found in map(statistic, self.samples)], dtype=np.float64
        )
        low, high = percentiles(drawn) or (value, value)
        return Metric(value=value, low=min(low, value), high=max(high, value), n=len(self.whole))
