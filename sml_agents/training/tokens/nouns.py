"""The nouns of tokenised training data.

RenderedDialogue  a dialogue's token ids with a mask, and where the student's turns lie
TokenRow          what the trainer reads: ids and labels
DataCounts        what became of the rows that were given
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from pydantic import BaseModel, Field

__all__ = ["DataCounts", "RenderedDialogue", "RenderedTurn", "TokenRow"]


@dataclass(frozen=True)
class RenderedTurn:
    """Where a student turn lies: `ids[start:stop]`, its end-of-turn token included."""

    message: int
    start: int
    stop: int
    trained: bool
    weight: float = 1.0
    thought: int = 0
    """Tokens of private reasoning before what is said."""


@dataclass(frozen=True)
class RenderedDialogue:
    """`ids` and `mask` have the same length; `mask` is 1 exactly on the tokens that carry loss."""

    ids: list[int]
    mask: list[int]
    turns: tuple[RenderedTurn, ...]
    text: str = field(repr=False)
    """The dialogue as the template wrote it."""

    def trimmed(self) -> RenderedDialogue:
        """Without the tokens after the last trained one: they cost time and carry no loss."""
        stop = max((turn.stop for turn in self.turns if turn.trained), default=0)
        return replace(self, ids=self.ids[:stop], mask=self.mask[:stop])


@dataclass(frozen=True)
class TokenRow:
    """Token ids with labels of the same length; `weights` only where some differ from 1."""

    input_ids: list[int]
    labels: list[int]
    weights: list[float] | None = None
    pair: str = ""


class DataCounts(BaseModel):
    """What became of the dialogues that were read, and of the rows made of them."""

    dialogues: int | None = None
    """Dialogues read; None where rows were given. Where each of them is one row, they are `rows`, `set_aside`,
    `too_long`, `untrained` and what was `left_out`."""
    left_out: dict[str, int] = Field(default_factory=dict)
    """Dialogues that became no row, and rows or pairs that were not taken, by reason, as `export` words it."""
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
    set_aside: int = 0
    """Rows that are not trained on, to see when training stops helping."""
    rows_as: str = "dialogue"
    """What a row is: `dialogue`, `turn`, or in online RL `task`, on which dialogues are sampled while training. The
    other counts are then of the longest dialogue that there can be."""

    why_turns: str = ""
    """Why each turn is a row of its own where that was left to the chat template."""

    @property
    def sampled(self) -> str:
        """What an optimiser step counts."""
        return "dialogues" if self.rows_as == "task" else "rows"

    def in_step(self, batch: int) -> str:
        """What an optimiser step reads, in words.

        Args:
            batch: rows, or dialogues, that a step may hold.
        """
        return f"{batch if self.rows_as == 'task' else min(batch, self.rows)} {self.sampled}"

    def count_read(self, read: DataCounts | None) -> None:
        """Take over what is known of the dialogues that the rows were made of.

        Args:
            read: see `TrainingRun.counts`; None where rows were given.
        """
        if read is not None:
            self.dialogues, self.left_out = read.dialogues, read.left_out

    def count_aside(self, others: DataCounts) -> None:
        """Count in the rows that are set aside.

        Args:
            others: what became of them.
        """
        self.set_aside += others.rows
        self.too_long += others.too_long
        self.untrained += others.untrained

    @property
    def all_left_out(self) -> dict[str, int]:
        """All that is not trained on, by reason, the most frequent first."""
        rows = {"longer than max_length": self.too_long, "without a turn to train on": self.untrained}
        found = {reason: count for reason, count in {**self.left_out, **rows}.items() if count}
        return dict(sorted(found.items(), key=lambda one: -one[1]))

    def in_words(self) -> list[tuple[str, str]]:
        """Name and value of what is worth showing to a person."""
        if self.rows_as == "task":
            most = f"at most {self.longest:,} in a dialogue, of which {self.trained_tokens:,} are the student's"
            return [("Tasks", f"{self.rows:,}, dialogues are sampled while training"), ("Tokens", most)]
        told = [] if self.dialogues is None else [("Dialogues", f"{self.dialogues:,} read")]
        told += [("Left out", f"{count:,} {reason}") for reason, count in self.all_left_out.items()]
        told += [
            ("Rows", f"{self.rows:,}, {self.trained_turns:,} turns trained"),
            ("Tokens", f"{self.tokens:,}, of which {self.trained_tokens:,} carry loss; longest row {self.longest:,}"),
        ]
        if self.why_turns:
            told.append(("Rows are", f"single turns: {self.why_turns}"))
        if self.set_aside:
            told.append(("Set aside", f"{self.set_aside:,} rows, to see when training stops helping"))
        if self.verbatim_turns or self.retokenized_turns:
            ids = f"{self.verbatim_turns} turns as sampled, {self.retokenized_turns} tokenised again"
            told.append(("Ids", ids))
        return told
