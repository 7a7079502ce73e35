"""Which rows of a GRPO step go together, and which are left out."""

from __future__ import annotations

from typing import Any

import torch
from hypothesis import given
from hypothesis import strategies as st

from sml_agents.training.trainers.batches import alike_together, informative, rows_that_matter

WIDTH = 12
ROWS = st.lists(
    st.tuples(st.integers(1, WIDTH), st.integers(1, WIDTH), st.sampled_from([0.0, -1.0, 0.5])), min_size=1, max_size=5
).map(lambda rows: rows * 4)


def batches_of(rows: list[tuple[int, int, float]], parts: int) -> list[dict[str, Any]]:
    """Prompts padded on the left, completions on the right, as TRL has them; a row's ids are its number."""
    prompt_mask = torch.tensor([[0] * (WIDTH - prompt) + [1] * prompt for prompt, _, _ in rows])
    completion_mask = torch.tensor([[1] * done + [0] * (WIDTH - done) for _, done, _ in rows])
    ids = torch.arange(1, len(rows) + 1)[:, None]
    whole = {
        "prompt_ids": prompt_mask * ids,
        "prompt_mask": prompt_mask,
        "completion_ids": completion_mask * ids,
        "completion_mask": completion_mask,
        "advantages": torch.tensor([advantage for _, _, advantage in rows]),
    }
    size = len(rows) // parts
    cut = [{name: value[at : at + size] for name, value in whole.items()} for at in range(0, len(rows), size)]
    return [{**batch, "num_items_in_batch": torch.tensor(7), "nothing": None} for batch in cut]


@given(rows=ROWS, parts=st.sampled_from([1, 2, 4]))
def test_every_row_is_kept_whole(rows: list[tuple[int, int, float]], parts: int) -> None:
    dealt = alike_together(batches_of(rows, parts))
    assert len(dealt) == parts
    seen = sorted(int(row.max()) for batch in dealt for row in batch["prompt_ids"])
    assert seen == list(range(1, len(rows) + 1))
    for batch in dealt:
        assert (int(batch["num_items_in_batch"]), batch["nothing"]) == (7, None)
        for prompt, done, advantage in zip(
            batch["prompt_ids"], batch["completion_ids"], batch["advantages"], strict=True
        ):
            number = int(prompt.max())
            assert rows[number - 1] == (int((prompt > 0).sum()), int((done == number).sum()), float(advantage))


@given(rows=ROWS, parts=st.sampled_from([2, 4]))
def test_rows_that_change_nothing_come_last(rows: list[tuple[int, int, float]], parts: int) -> None:
    order = [bool(advantage) for batch in alike_together(batches_of(rows, parts)) for advantage in batch["advantages"]]
    assert order == sorted(order, reverse=True)


def test_less_padding_is_computed() -> None:
    def computed(batches: list[dict[str, Any]]) -> int:
        kept = [informative(batch)[0] for batch in batches]
        return sum(one["prompt_ids"].numel() + one["completion_ids"].numel() for one in kept)

    given_order = batches_of([(4, 2, 1.0), (4, 12, -1.0), (4, 2, 1.0), (4, 3, 0.0)] * 4, 4)
    assert computed(given_order) == 4 * 3 * (4 + 12)
    assert computed(alike_together(given_order)) == 4 * (4 + 12) + 8 * (4 + 2) + (4 + 3)


@given(rows=ROWS, at_least=st.integers(1, 20))
def test_so_many_rows_are_kept_as_another_process_needs(rows: list[tuple[int, int, float]], at_least: int) -> None:
    [batch] = batches_of(rows, 1)
    needed = sum(advantage != 0 for *_, advantage in rows)
    assert rows_that_matter(batch) == needed
    kept, share = informative(batch, at_least=at_least)
    assert len(kept["advantages"]) == min(len(rows), max(needed, at_least))
    assert int((kept["advantages"] != 0).sum()) == needed
    assert round(share * len(rows), 4) == len(kept["advantages"])
    rest = sorted(done for _, done, advantage in rows if not advantage)
    filled = sorted(
        int(mask.sum()) for mask, one in zip(kept["completion_mask"], kept["advantages"], strict=True) if not one
    )
    assert filled == rest[: len(filled)]
