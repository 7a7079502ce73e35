"""Training rows as token ids with labels."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from pydantic import BaseModel

from sml_agents.errors import TrainingError
from sml_agents.training.masks import DialogueRenderer, Message, RenderedDialogue

__all__ = ["DataCounts", "TokenRow", "TrainingRow", "tokenize_rows"]

IGNORED = -100
"""The label of a token without loss, as PyTorch has it."""


@dataclass(frozen=True)
class TrainingRow:
    """One dialogue to train on."""

    messages: tuple[Message, ...]
    id: str = ""
    """The trace that it comes from."""
    missing: bool | None = None
    """Whether the student lacked a fact at the start; None when unknown."""
    weight: float = 1.0
    meta: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class TokenRow:
    """Token ids with labels of the same length; `weights` only where some differ from 1."""

    input_ids: list[int]
    labels: list[int]
    weights: list[float] | None = None


class DataCounts(BaseModel):
    """What became of the rows that were given."""

    rows: int = 0
    """Rows trained on."""
    tokens: int = 0
    trained_tokens: int = 0
    """Tokens that carry loss."""
    longest: int = 0
    """Tokens of the longest row."""
    trained_turns: int = 0
    verbatim_turns: int = 0
    """Of these, turns trained on the ids that were sampled."""
    retokenized_turns: int = 0
    """Turns whose sampled ids do not belong to this tokenizer, so that their text was tokenised."""
    too_long: int = 0
    """Rows left out because they exceed `max_length`."""
    untrained: int = 0
    """Rows left out because no turn of theirs is trainable."""
    rows_as: str = "dialogue"


def tokenize_rows(
    rows: Iterable[TrainingRow],
    renderer: DialogueRenderer,
    *,
    max_length: int,
    too_long: str = "error",
    rows_as: str = "auto",
    verbatim: bool = True,
) -> tuple[list[TokenRow], DataCounts]:
    """Render and tokenise `rows`; tokens after a row's last trained one are left off.

    Raises:
        TrainingError: no row has a trainable token; a row is longer than `max_length` tokens (unless `too_long` is
            "drop"); or the chat template cannot be masked.
    """
    given = list(rows)
    as_turns = rows_as == "turn"
    if rows_as == "auto":
        as_turns = not _prefix_preserving(given, renderer)
    counts = DataCounts(rows_as="turn" if as_turns else "dialogue")
    made: list[TokenRow] = []
    for row in given:
        messages = _checked(row.messages, renderer, verbatim, counts)
        rendered = renderer.render_turns(messages) if as_turns else [renderer.render(messages)]
        rendered = [one for one in (each.trimmed() for each in rendered) if one.ids]
        counts.untrained += not rendered
        for one in rendered:
            if len(one.ids) > max_length:
                if too_long == "error":
                    raise TrainingError(
                        f"row {row.id or len(made)} has {len(one.ids)} tokens, more than the {max_length} allowed: "
                        "raise max_length (at most the model's context), or leave long rows out with too_long='drop'"
                    )
                counts.too_long += 1
                continue
            made.append(_labelled(one, row.weight))
            counts.trained_turns += sum(turn.trained for turn in one.turns)
    if not made:
        raise TrainingError(
            f"no row can be trained on: of {len(given)} given, {counts.untrained} have no trainable student turn and "
            f"{counts.too_long} are longer than {max_length} tokens"
        )
    counts.rows = len(made)
    counts.tokens = sum(len(row.input_ids) for row in made)
    counts.trained_tokens = sum(label != IGNORED for row in made for label in row.labels)
    counts.longest = max(len(row.input_ids) for row in made)
    return made, counts


def _labelled(rendered: RenderedDialogue, weight: float) -> TokenRow:
    labels = [token if kept else IGNORED for token, kept in zip(rendered.ids, rendered.mask, strict=True)]
    if weight == 1.0 and all(turn.weight == 1.0 for turn in rendered.turns):
        return TokenRow(rendered.ids, labels)
    weights = [weight] * len(rendered.ids)
    for turn in rendered.turns:
        weights[turn.start : turn.stop] = [weight * turn.weight] * (min(turn.stop, len(weights)) - turn.start)
    return TokenRow(rendered.ids, labels, weights)


def _prefix_preserving(rows: Sequence[TrainingRow], renderer: DialogueRenderer) -> bool:
    """Tried on the row with the most messages: if it can be cut, shorter ones can."""
    longest = max(rows, key=lambda row: len(row.messages), default=None)
    if longest is None:
        return True
    try:
        renderer.render([replace(message, sampled=None) for message in longest.messages])
    except TrainingError:
        return False
    return True


def _checked(
    messages: tuple[Message, ...], renderer: DialogueRenderer, verbatim: bool, counts: DataCounts
) -> list[Message]:
    """The messages with sampled ids only where they are wanted and belong to this tokenizer."""
    checked = []
    for message in messages:
        if message.sampled is not None:
            fits = verbatim and renderer.fits(message)
            counts.verbatim_turns += fits and message.trainable
            counts.retokenized_turns += verbatim and not fits and message.trainable
            if not fits:
                message = replace(message, sampled=None, prompt=None)
        checked.append(message)
    return checked
