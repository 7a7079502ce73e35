"""Preference pairs and judged turns of recorded dialogues, as the token ids that DPO and KTO read."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from sml_agents.data.nouns import LeftOut, Message, Tools
from sml_agents.data.pairs import Judged, Pair, PairMaker, judged_turns
from sml_agents.data.rows import decision_messages
from sml_agents.data.selection import UNJUDGED, UNPAIRED, TraceFilter
from sml_agents.errors import TrainingError
from sml_agents.training.tokens.masks import DialogueRenderer
from sml_agents.training.tokens.nouns import DataCounts
from sml_agents.types import Trace

__all__ = ["TokenSide", "alternating", "preference_examples", "rotated", "sources", "tokenize_sides"]


@dataclass(frozen=True)
class TokenSide:
    """One student turn as ids: the prompt that it answers, and the turn with its end token, which carries the loss."""

    prompt_ids: list[int]
    completion_ids: list[int]


def preference_examples(
    traces: Iterable[Trace],
    filters: TraceFilter | None = None,
    *,
    paired: bool,
    left_out: LeftOut | None = None,
) -> list[Pair] | list[Judged]:
    """All pairs (for DPO), or all turns that can be told good from bad (for KTO).

    Args:
        left_out: counts the dialogues of which there are none, by reason, in the words that `export` uses.

    Raises:
        TrainingError: there is none, with the reasons.
    """
    filters = filters or TraceFilter()
    maker = PairMaker()
    pairs: list[Pair] = []
    turns: list[Judged] = []
    left_out = Counter() if left_out is None else left_out
    for trace in traces:
        conversation = filters.take(trace, judging=True)
        if isinstance(conversation, str):
            left_out[conversation] += 1
        elif paired:
            pairs.extend(maker.add(conversation))
        else:
            judged = list(judged_turns(conversation))
            left_out[UNJUDGED] += not judged
            turns.extend(judged)
    pairs.extend(maker.rest())
    left_out[UNPAIRED] += maker.unpaired
    found: list[Pair] | list[Judged] = pairs if paired else turns
    if not found:
        reasons = ", ".join(f"{count} {reason}" for reason, count in left_out.most_common() if count)
        what = "two student turns at the same history, one better" if paired else "student turn that is good or bad"
        raise TrainingError(
            f"no dialogue holds {what}, with {filters.describe()}{f' ({reasons})' if reasons else ''}: run every task "
            "several times (run --samples 4), with tasks of both forms (form=paired)"
        )
    return found


def sources(examples: Sequence[Pair | Judged]) -> dict[str, int]:
    """How many examples came from where, the most frequent first."""
    return dict(Counter(one.source if isinstance(one, Pair) else one.reason for one in examples).most_common())


def tokenize_sides(
    examples: Sequence[Pair | Judged],
    renderer: DialogueRenderer,
    *,
    max_length: int,
    too_long: str = "error",
    system: str | None = None,
    verbatim: bool = True,
) -> tuple[list[tuple[Pair | Judged, list[TokenSide]]], DataCounts]:
    """Each example with its sides: chosen and rejected of a pair, or the one turn of a judged turn.

    Both sides of a pair have the same prompt. Sampled ids are kept where they belong to this tokenizer.

    Raises:
        TrainingError: nothing is left; an example is longer than `max_length` tokens (unless `too_long` is "drop"); or
            the chat template cannot be masked.
    """
    counts = DataCounts(rows_as="turn")
    made: list[tuple[Pair | Judged, list[TokenSide]]] = []
    for one in examples:
        turns = [one.chosen, one.rejected] if isinstance(one, Pair) else [one.turn]
        prompt, last = decision_messages(one.history, turns, one.system if system is None else system)
        sides = [_side(prompt, message, one.tools, renderer, verbatim, counts) for message in last]
        if len({tuple(side.prompt_ids) for side in sides}) > 1:
            raise TrainingError(
                f"this tokenizer melts the start of a student's turn into the prompt before it (dialogue {one.trace}), "
                "so that two answers to one prompt cannot be compared: end the generation prompt with a special token"
            )
        longest = max(len(side.prompt_ids) + len(side.completion_ids) for side in sides)
        if longest > max_length and too_long == "error":
            raise TrainingError(
                f"a turn of dialogue {one.trace} with its history has {longest} tokens, more than the {max_length} "
                "allowed: raise max_length (at most the model's context), or leave long ones out with too_long='drop'"
            )
        if longest > max_length:
            counts.too_long += 1
            continue
        alike = len(sides) > 1 and sides[0].completion_ids == sides[1].completion_ids
        if alike or not all(side.completion_ids for side in sides):  # a turn cut before its first token has none
            counts.untrained += 1
            continue
        made.append((one, sides))
        counts.trained_turns += len(sides)
        counts.tokens += sum(len(side.prompt_ids) + len(side.completion_ids) for side in sides)
        counts.trained_tokens += sum(len(side.completion_ids) for side in sides)
        counts.longest = max(counts.longest, longest)
    if not made:
        raise TrainingError(
            f"nothing can be trained on: {counts.too_long} of {len(examples)} given are longer than {max_length} "
            f"tokens, {counts.untrained} have no token to train"
        )
    counts.rows = len(made)
    return made, counts


def alternating(turns: Sequence[Judged], seed: int) -> list[Judged]:
    """Shuffled, good and bad spread evenly: KTO needs both in every batch, and reads them in the order given."""
    generator = random.Random(seed)
    sides = [[turn for turn in turns if turn.good is good] for good in (True, False)]
    places: list[tuple[float, bool, int, Judged]] = []
    for side in sides:
        generator.shuffle(side)
        places.extend((at / len(side), turn.good, at, turn) for at, turn in enumerate(side))
    return [turn for *_, turn in sorted(places, key=lambda place: place[:3])]


def rotated(completions: Sequence[list[int]], batch: int) -> list[list[int]]:
    """For each prompt the completion of its neighbour in the batch: KTO's estimate of the KL divergence (arXiv
    2402.01306) compares prompts with answers that are not theirs. One left alone in the last batch gets that of the row
    before."""
    shifted: list[list[int]] = []
    for at in range(0, len(completions), batch):
        group = completions[at : at + batch]
        shifted.extend([group[-1], *group[:-1]] if len(group) > 1 else [completions[at - 1]])
    return shifted


def _side(
    before: tuple[Message, ...],
    last: Message,
    tools: Tools,
    renderer: DialogueRenderer,
    verbatim: bool,
    counts: DataCounts,
) -> TokenSide:
    sampled = last.sampled
    if sampled is not None:
        fits = verbatim and renderer.fits(last)
        counts.verbatim_turns += fits
        counts.retokenized_turns += verbatim and not fits
        sampled = sampled if fits else None
    rendered = renderer.render_turns([*before, replace(last, sampled=sampled, prompt=None)], tools)[0]
    start, stop = rendered.turns[-1].start, rendered.turns[-1].stop
    return TokenSide(rendered.ids[:start], rendered.ids[start:stop])
