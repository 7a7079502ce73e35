"""Where the asker draws the line: chosen on tools that training never saw, stored beside the weights."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Annotated, Any, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from sml_agents.asker.mix import OWN_KINDS, Pair
from sml_agents.asker.prompt import ToolView
from sml_agents.asker.read import AskerModel
from sml_agents.asker.rows import Example
from sml_agents.asker.told import Filled, Told, fill
from sml_agents.backends.threads import available_cpus
from sml_agents.errors import InputError, complaint
from sml_agents.files import write_whole
from sml_agents.text.values.kinds import Sort

__all__ = [
    "RECORD",
    "UNFOUND",
    "AskerRecord",
    "Scores",
    "Side",
    "beside",
    "chosen_on",
    "let_through",
    "line",
    "scores_of",
    "values_of",
    "weighed",
    "with_values",
]

_Found = TypeVar("_Found")
Share = Annotated[float, Field(ge=0, le=1)]
RECORD = "asker.json"
NEEDLESS = 0.1
"""Share of complete requests that may be asked about, at the threshold that is chosen."""
_GUESS = 2
"""How many needless questions weigh as much as a call on a guess."""
UNFOUND = 10.0
"""By how much the odds that a value is missing grow where it is not found in what was said: of 1 to 1000 that with
which the package's asker tells pairs of held-out tools apart best (`benchmarks/asker_lines.py`)."""
_HARDLY = (0.0, 0.02, 0.04, 0.06, 0.08, 0.1)
"""Shares of the missing values of a kind that may count as told, which are tried."""


class AskerRecord(BaseModel):
    """Content of `asker.json`."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    version: int = Field(default=3, ge=1, le=3)
    threshold: float = Field(gt=0, lt=1)
    """Ask where P(missing) of a required argument is at least this large."""
    drafted: float = Field(gt=0, lt=1)
    """The same where a call is drafted, whose values are then read."""
    filled: float | None = Field(default=None, gt=0, lt=1)
    """The same where the values were read, too, and P(missing) is `weighed` by whether they were found. None: of an
    asker that was trained before; then `threshold` is taken."""
    grounded: float = Field(default=0.99, gt=0, lt=1)
    """The same beside a rule, for arguments in whose value it finds a ground."""
    told: dict[Sort, Share] = Field(default_factory=dict)
    """Below this P(missing), by kind of value (`enum`, `text`, `number`, `bool`), one that a rule does not find counts
    as told; a kind that is not here never does. Training leaves it empty: what no rule finds is then asked, so that a
    yes is enough. Who fills it in gets fewer questions and some calls on guesses."""
    chosen_on: dict[str, int] = Field(default_factory=dict)
    """Pairs by source, of tools that were held out of training."""
    figures: dict[str, dict[str, float]] = Field(default_factory=dict)
    """What it reaches on these: by source, without and with a drafted call."""

    @model_validator(mode="before")
    @classmethod
    def _of_before(cls, given: Any) -> Any:
        """Version 1 had two lines that nobody reads any more, of which `told` was for what could be quoted; version 2
        weighed P(missing) by two shares, where a value was found, too."""
        if not isinstance(given, dict) or given.get("version", 3) == 3:
            return given
        names = ("unknown", "told") if given.get("version") == 1 else ("unfound", "filled")
        return {name: value for name, value in given.items() if name not in names}

    @classmethod
    def read(cls, folder: Path) -> AskerRecord:
        """Raises InputError where there is none, or one that cannot be understood."""
        path = folder / RECORD
        try:
            return cls.model_validate_json(path.read_bytes())
        except OSError:
            raise InputError(
                f"{folder} holds no asker: {RECORD} is not there. Give a folder that finetune/asker.py has written, or "
                "asker: alone for the one that comes with the package."
            ) from None
        except ValidationError as error:
            where, said = complaint(error)
            fault = f"{where}: {said}" if where else said
            raise InputError(f"{path} is no record of an asker ({fault}): train it anew.") from error

    @property
    def line(self) -> float:
        """From which P(missing) on to ask, where the values were read, too."""
        return self.filled or self.threshold

    def write(self, folder: Path) -> None:
        write_whole(folder / RECORD, self.model_dump_json(indent=2) + "\n")


def weighed(filled: Filled, unfound: float = UNFOUND) -> dict[str, float]:
    """P(missing) by argument, higher where the value is not found in what was said; none where the person gives it by
    the argument's name."""

    def p(name: str, told: Told) -> float:
        missing, odds = filled.missing[name], 1.0 if told.found else unfound
        return 0.0 if told.named else missing * odds / (missing * odds + 1 - missing)

    return {name: p(name, told) for name, told in filled.told.items()}


class Scores(BaseModel):
    """Of pairs: the highest P(missing) of each side, and whether the argument that was taken out is the likeliest."""

    lacking: list[float] = []
    whole: list[float] = []
    named: list[bool] = []

    def add(self, lacking: Mapping[str, float], whole: Mapping[str, float], missing: Collection[str]) -> None:
        """The probabilities of one pair, by argument; `missing`: what its incomplete side lacks."""
        self.lacking.append(max(lacking.values()))
        self.whole.append(max(whole.values()))
        self.named.append(max(lacking, key=lacking.__getitem__) in missing)

    def auc(self) -> float:
        """How often the incomplete one of two requests has the higher score."""
        wins = sum((one > other) + 0.5 * (one == other) for one in self.lacking for other in self.whole)
        return wins / (len(self.lacking) * len(self.whole))

    def asks(self, threshold: float) -> float:
        return sum(one >= threshold for one in self.lacking) / len(self.lacking)

    def needless(self, threshold: float) -> float:
        return sum(one >= threshold for one in self.whole) / len(self.whole)

    def figures(self, threshold: float) -> dict[str, float]:
        return {
            "auc": round(self.auc(), 4),
            "asks": round(self.asks(threshold), 4),
            "needless": round(self.needless(threshold), 4),
            "names": round(sum(self.named) / len(self.named), 4),
        }


def scores_of(model: AskerModel, pairs: Sequence[Pair], drafted: bool = False) -> Scores:
    """Both sides of each pair read by the asker; with `drafted`, the pairs of which both sides have a drafted call."""
    found = Scores()
    for pair, lacking, whole in _read(model, pairs, drafted):
        found.add(lacking, whole, pair.lacking.missing)
    return found


def _read(
    model: AskerModel, pairs: Sequence[Pair], drafted: bool
) -> list[tuple[Pair, dict[str, float], dict[str, float]]]:

    def read(pair: Pair) -> tuple[Pair, dict[str, float], dict[str, float]] | None:
        sides = [{name: value for name, (value, _) in side.drafts.items()} for side in (pair.lacking, pair.whole)]
        if drafted and not all(sides):
            return None
        lacking = model.missing(pair.tool, pair.lacking.said, sides[0] if drafted else None)
        whole = model.missing(pair.tool, pair.whole.said, sides[1] if drafted else None)
        return (pair, lacking, whole) if lacking and whole else None

    return [one for one in _at_once(read, pairs) if one is not None]


def _at_once(function: Callable[[Pair], _Found], some: Sequence[Pair]) -> list[_Found]:
    """As `map`, on all cores."""
    with ThreadPoolExecutor(available_cpus()) as pool:
        return list(pool.map(function, some))


def line(scores: Mapping[str, Scores], needless: float = NEEDLESS) -> float:
    """The lowest threshold at which the share of needless questions is small enough: the mean over generated, written
    and other requests, of which several files may be given, all of them with values that stand there literally."""
    kinds: dict[str, list[Scores]] = {}
    for name, one in scores.items():
        kinds.setdefault(name if name in OWN_KINDS else "", []).append(one)

    def share(threshold: float) -> float:
        means = [sum(one.needless(threshold) for one in some) / len(some) for some in kinds.values()]
        return sum(means) / len(means)

    every = {score for one in scores.values() for score in (*one.whole, *one.lacking)}
    for candidate in sorted(min(max(score, 1e-4), 1 - 1e-4) for score in every):
        if share(candidate) <= needless:
            return round(candidate, 4)
    return 0.9999


Rule = Callable[[ToolView, Example], Mapping[str, str]]
"""The required arguments of a drafted call for whose values a rule finds no ground, each with the kind of its value;
empty for what a person has to say in words that the rule knows."""
Side = Sequence[tuple[float, str | None, bool]]
"""Of each required argument: P(missing); where the rule finds no ground for it, the kind of its value; whether it is
missing indeed."""


def chosen_on(
    model: AskerModel,
    pairs: Mapping[str, Sequence[Pair]],
    rule: Rule | None = None,
    progress: Callable[[str], None] | None = None,
) -> AskerRecord:
    """The record of an asker, its thresholds chosen on `pairs` by source.

    Args:
        rule: with it, thresholds for the asker beside this rule are chosen, too.

    Raises InputError where there is no pair to choose on.
    """
    plain, drafted, sides = {}, {}, []
    for name, some in pairs.items():
        plain[name] = scores_of(model, some)
        read = _read(model, some, drafted=True)
        drafted[name] = Scores()
        for pair, lacking, whole in read:
            drafted[name].add(lacking, whole, pair.lacking.missing)
        if rule is not None and read:
            sides.append(_beside(read, rule))
        if progress is not None:
            progress(name)
    plain, drafted = ({name: one for name, one in table.items() if one.lacking} for table in (plain, drafted))
    if not plain:
        raise InputError("There is no pair of a held-out tool to choose the threshold on: give more data.")
    threshold = line(plain)
    above = line(drafted) if drafted else threshold
    filled = with_values(values_of(model, pairs, progress))
    grounded, told = beside(sides) if sides else (above, {})
    figures = {name: one.figures(threshold) for name, one in plain.items()}
    figures |= {f"{name}, drafted": one.figures(above) for name, one in drafted.items()}
    above_filled = line(filled)
    figures |= {f"{name}, values read": one.figures(above_filled) for name, one in filled.items()}
    return AskerRecord(
        threshold=threshold,
        drafted=above,
        filled=above_filled,
        grounded=grounded,
        told=told,
        chosen_on={name: len(one.lacking) for name, one in plain.items()},
        figures=figures,
    )


Read = Sequence[tuple[Pair, Filled, Filled]]
"""Pairs, and what was told in each of their sides."""


def values_of(
    model: AskerModel, pairs: Mapping[str, Sequence[Pair]], progress: Callable[[str], None] | None = None
) -> dict[str, Read]:
    """Both sides of each pair read with their values."""

    def both(one: Pair) -> tuple[Pair, Filled, Filled]:
        return one, fill(model, one.tool, one.lacking.said), fill(model, one.tool, one.whole.said)

    read: dict[str, Read] = {}
    for name, some in pairs.items():
        if kept := [one for one in some if one.tool.required]:
            read[name] = _at_once(both, kept)
        if progress is not None:
            progress(f"{name}, values read")
    return read


def with_values(read: Mapping[str, Read], unfound: float = UNFOUND) -> dict[str, Scores]:
    """Each pair's scores where the values were read, too; `unfound`: as the constant."""
    scores = {name: Scores() for name in read}
    for name, sides in read.items():
        for pair, *filled in sides:
            required = [argument.name for argument in pair.tool.required]
            lacking, whole = ({arg: p for arg, p in weighed(one, unfound).items() if arg in required} for one in filled)
            scores[name].add(lacking, whole, pair.lacking.missing)
    return scores


def _beside(
    read: Sequence[tuple[Pair, dict[str, float], dict[str, float]]], rule: Rule
) -> tuple[list[Side], list[Side]]:
    """Incomplete and complete sides of drafted calls."""
    found: tuple[list[Side], list[Side]] = ([], [])
    for pair, *sides in read:
        for place, (side, probabilities) in enumerate(zip((pair.lacking, pair.whole), sides, strict=True)):
            lost = rule(pair.tool, side)
            found[place].append([(p, lost.get(name), name in side.missing) for name, p in probabilities.items()])
    return found


_GRID = (0.3, 0.4, 0.5, 0.6, 0.65, 0.7, 0.75, 0.8, 0.85, 0.9, 0.95, 0.98, 0.99, 0.999)
_TOLD = (0.02, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5)
"""Lines that are tried; what is more likely missing than told never counts as told."""


def let_through(side: Side, grounded: float, told: Mapping[str, float]) -> bool:
    """Whether a drafted call passes a rule with the asker beside it."""
    return not any(p >= (grounded if kind is None else told.get(kind, 0.0)) for p, kind, _ in side)


def beside(
    sources: Sequence[tuple[Sequence[Side], Sequence[Side]]], *, reading: bool = False
) -> tuple[float, dict[str, float]]:
    """`grounded` and `told`, on the mean of the sources, each of incomplete and complete calls.

    Those with the least harm, of which a call on a guess does as much as two needless questions. Without `reading`
    nothing counts as told by the asker's word alone.
    """

    def share(place: int, grounded: float, told: Mapping[str, float]) -> float:
        shares = [sum(let_through(side, grounded, told) for side in one[place]) / len(one[place]) for one in sources]
        return sum(shares) / len(shares)

    missing: dict[str, list[float]] = {}
    for one in sources:
        for p, kind, lacks in (value for side in one[0] for value in side):
            if lacks and kind:
                missing.setdefault(kind, []).append(p)
    shares = _HARDLY if reading else _HARDLY[:1]
    tried = [(grounded, _told(missing, most)) for grounded in _GRID for most in shares]
    return max(tried, key=lambda lines: (round(share(1, *lines) - _GUESS * share(0, *lines), 6), lines[0]))


def _told(missing: Mapping[str, Sequence[float]], most: float) -> dict[str, float]:
    """By kind, the highest line below which at most a share of missing values is expected to lie."""
    found: dict[str, float] = {}
    for kind, some in missing.items():
        fit = [one for one in _TOLD if (sum(p < one for p in some) + 1) / (len(some) + 2) <= most]
        found |= {kind: max(fit)} if fit else {}
    return found
