"""Training rows as token ids with labels."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from functools import partial

from sml_agents.data.nouns import Message, TrainingRow
from sml_agents.errors import TrainingError
from sml_agents.training.tokens.masks import DialogueRenderer, NotOneRow
from sml_agents.training.tokens.nouns import DataCounts, RenderedDialogue, TokenRow

__all__ = ["tokenize_rows"]

IGNORED = -100
"""The label of a token without loss, as PyTorch has it."""


def tokenize_rows(
    rows: Iterable[TrainingRow],
    renderer: DialogueRenderer,
    *,
    max_length: int,
    too_long: str = "error",
    rows_as: str = "auto",
    verbatim: bool = True,
    first_token_weight: float = 1.0,
) -> tuple[list[TokenRow], DataCounts]:
    """Render and tokenise `rows`; tokens after a row's last trained one are left off.

    Left to itself (`rows_as="auto"`), each turn becomes a row of its own where the template cannot write a dialogue in
    one; `DataCounts.why_turns` then says why.

    Raises:
        TrainingError: no row has a trainable token; a row is longer than `max_length` tokens (unless `too_long` is
            "drop"); or the chat template cannot be masked.
    """
    given = list(rows)
    make = partial(
        _tokenized,
        given,
        renderer,
        max_length=max_length,
        too_long=too_long,
        verbatim=verbatim,
        first_token_weight=first_token_weight,
    )
    if rows_as != "auto":
        return make(DataCounts(rows_as=rows_as))
    try:
        return make(DataCounts(rows_as="dialogue"))
    except NotOneRow as error:
        return make(DataCounts(rows_as="turn", why_turns=error.why))


def _tokenized(
    given: Sequence[TrainingRow],
    renderer: DialogueRenderer,
    counts: DataCounts,
    *,
    max_length: int,
    too_long: str,
    verbatim: bool,
    first_token_weight: float,
) -> tuple[list[TokenRow], DataCounts]:
    as_turns = counts.rows_as == "turn"
    made: list[TokenRow] = []
    for row in given:
        messages = _checked(row.messages, renderer, verbatim, counts)
        rendered = renderer.render_turns(messages, row.tools) if as_turns else [renderer.render(messages, row.tools)]
        rendered = [one for one in (each.trimmed() for each in rendered) if any(one.mask)]
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
            made.append(_labelled(one, row.weight, first_token_weight, row.pair))
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


def _labelled(rendered: RenderedDialogue, weight: float, first_token_weight: float, pair: str) -> TokenRow:
    labels = [token if kept else IGNORED for token, kept in zip(rendered.ids, rendered.mask, strict=True)]
    if weight == first_token_weight == 1.0 and all(turn.weight == 1.0 for turn in rendered.turns):
        return TokenRow(rendered.ids, labels, pair=pair)
    weights = [weight] * len(rendered.ids)
    for turn in rendered.turns:
        weights[turn.start : turn.stop] = [weight * turn.weight] * (min(turn.stop, len(weights)) - turn.start)
        first = turn.start + turn.thought
        if turn.trained and turn.stop > first:  # a turn that was cut before its first token has none
            weights[first] *= first_token_weight
    return TokenRow(rendered.ids, labels, weights, pair)


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
