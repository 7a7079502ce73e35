"""Where the asker draws the line: chosen on tools that training never saw, stored beside the weights."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from sml_agents.asker.mix import OWN_KINDS, Pair
from sml_agents.asker.prompt import ToolView
from sml_agents.asker.read import AskerModel
from sml_agents.asker.rows import Example
from sml_agents.errors import InputError, complaint
from sml_agents.files import write_whole

__all__ = ["RECORD", "AskerRecord", "Scores", "chosen_on", "line", "scores_of"]

RECORD = "asker.json"
NEEDLESS = 0.1
"""Share of complete requests that may be asked about, at the threshold that is chosen."""
_FEW = 0.06
"""Share of complete calls that a rule lets through and that may be asked about all the same."""
_HARDLY = 0.01
"""Share of incomplete calls that a rule asks about and that may be let through all the same."""


class AskerRecord(BaseModel):
    """Content of `asker.json`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    version: int = 1
    threshold: float = Field(gt=0, lt=1)
    """Ask where P(missing) of a required argument is at least this large."""
    drafted: float = Field(gt=0, lt=1)
    """The same where a call is drafted, whose values are then read."""
    grounded: float = Field(default=0.99, gt=0, lt=1)
    unknown: float = Field(default=0.5, gt=0, lt=1)
    """The same beside a rule: for arguments in whose value it finds a ground, and for the others."""
    told: float = Field(default=0.0, ge=0, lt=1)
    """Below this P(missing) a value that a rule does not find counts as told, if the words that it was told in can be
    shown; 0: never."""
    chosen_on: dict[str, int] = Field(default_factory=dict)
    """Pairs by source, of tools that were held out of training."""
    figures: dict[str, dict[str, float]] = Field(default_factory=dict)
    """What it reaches on these: by source, without and with a drafted call."""

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
            raise InputError(f"{path} is no record of an asker ({complaint(error)[1]}): train it anew.") from error

    def write(self, folder: Path) -> None:
        write_whole(folder / RECORD, self.model_dump_json(indent=2) + "\n")


class Scores(BaseModel):
    """Of pairs: the highest P(missing) of each side, and whether the argument that was taken out is the likeliest."""

    lacking: list[float] = []
    whole: list[float] = []
    named: list[bool] = []

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
        found.lacking.append(max(lacking.values()))
        found.whole.append(max(whole.values()))
        found.named.append(max(lacking, key=lacking.__getitem__) in pair.lacking.missing)
    return found


def _read(
    model: AskerModel, pairs: Sequence[Pair], drafted: bool
) -> Iterator[tuple[Pair, dict[str, float], dict[str, float]]]:
    for pair in pairs:
        sides = [{name: value for name, (value, _) in side.drafts.items()} for side in (pair.lacking, pair.whole)]
        if drafted and not all(sides):
            continue
        lacking = model.missing(pair.tool, pair.lacking.said, sides[0] if drafted else None)
        whole = model.missing(pair.tool, pair.whole.said, sides[1] if drafted else None)
        if lacking and whole:
            yield pair, lacking, whole


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


Rule = Callable[[ToolView, Example], Collection[str]]
"""The required arguments of a drafted call for whose values a rule finds no ground."""
_Side = list[tuple[float, bool]]
"""Of each required argument: P(missing), and whether the rule finds no ground for it."""


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
        read = list(_read(model, some, drafted=True))
        drafted[name] = Scores(
            lacking=[max(one.values()) for _, one, _ in read],
            whole=[max(one.values()) for _, _, one in read],
            named=[max(one, key=one.__getitem__) in pair.lacking.missing for pair, one, _ in read],
        )
        if rule is not None and read:
            sides.append(_beside(read, rule))
        if progress is not None:
            progress(name)
    plain, drafted = ({name: one for name, one in table.items() if one.lacking} for table in (plain, drafted))
    if not plain:
        raise InputError("There is no pair of a held-out tool to choose the threshold on: give more data.")
    threshold = line(plain)
    above = line(drafted) if drafted else threshold
    grounded, unknown, told = _together(sides) if sides else (above, above, 0.0)
    figures = {name: one.figures(threshold) for name, one in plain.items()}
    figures |= {f"{name}, drafted": one.figures(above) for name, one in drafted.items()}
    return AskerRecord(
        threshold=threshold,
        drafted=above,
        grounded=grounded,
        unknown=unknown,
        told=told,
        chosen_on={name: len(one.lacking) for name, one in plain.items()},
        figures=figures,
    )


def _beside(
    read: Sequence[tuple[Pair, dict[str, float], dict[str, float]]], rule: Rule
) -> tuple[list[_Side], list[_Side]]:
    """Incomplete and complete sides of drafted calls."""
    found: tuple[list[_Side], list[_Side]] = ([], [])
    for pair, *sides in read:
        for place, (side, probabilities) in enumerate(zip((pair.lacking, pair.whole), sides, strict=True)):
            unknown = rule(pair.tool, side)
            found[place].append([(p, name in unknown) for name, p in probabilities.items()])
    return found


def _together(sources: Sequence[tuple[list[_Side], list[_Side]]]) -> tuple[float, float, float]:
    """`grounded`, `unknown` and `told`, on the mean of the sources.

    What the rule finds is asked for from the lowest one that asks about few of the complete calls that pass it. What it
    does not find is asked for where incomplete calls are told best from complete ones; it counts as told below the
    highest one that lets hardly an incomplete call through more.
    """
    grid = [0.001, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.98, 0.99, 0.995, 0.999]

    def share(place: int, hit: Callable[[_Side], bool], of: Callable[[_Side], bool] = bool) -> float:
        sides = [[side for side in source[place] if of(side)] for source in sources]
        return sum(sum(map(hit, some)) / max(1, len(some)) for some in sides) / len(sides)

    def passes(side: _Side) -> bool:
        return not any(lost for _, lost in side)

    def needless(grounded: float) -> float:
        return share(1, lambda side: any(p >= grounded for p, _ in side), passes)

    def apart(unknown: float) -> float:
        shares = [share(k, lambda side: any(p >= (unknown if lost else grounded) for p, lost in side)) for k in (0, 1)]
        return shares[0] - shares[1]

    def let_through(told: float) -> float:
        return share(0, lambda side: not passes(side) and not any(lost and p >= told for p, lost in side))

    grounded = min([one for one in grid if needless(one) <= _FEW] or [grid[-1]])
    unknown = max([one for one in grid if one <= grounded], key=apart)
    told = max([one for one in grid if let_through(one) <= _HARDLY] or [0.0])
    return grounded, unknown, told
