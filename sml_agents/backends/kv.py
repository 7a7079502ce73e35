"""Attention states (keys and values) of many conversations of different lengths, in one buffer per layer.

Every row starts at slot 0 and writes at its own length, so rows come and go without moving the others, and nothing is
concatenated. Masks say which slots a token may look at. What a finished row leaves behind is kept in a `PrefixStore`:
the next turn of its conversation computes only what is new.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from transformers.cache_utils import Cache, CacheLayerMixin, DynamicCache, DynamicLayer, DynamicSlidingWindowLayer

__all__ = ["Place", "PrefixStore", "RowCache", "States", "can_hold"]

States = list[tuple[torch.Tensor, torch.Tensor]]
"""Of one conversation: keys and values of each layer, (heads, slots, size)."""
_SLOTS_STEP = 128


@dataclass(frozen=True)
class Place:
    """Where the tokens of one forward pass belong."""

    first: int
    """Rows `first` to `last` (exclusive) take part."""
    last: int
    length: int
    """Slots that any of them uses, the new tokens included."""
    rows: torch.Tensor
    """(N,) row of each real token, absolute; `batch` the same relative to `first`."""
    batch: torch.Tensor
    columns: torch.Tensor
    """(N,) its column in the input."""
    slots: torch.Tensor
    """(N,) the slot it is written to."""


class _RowLayer(CacheLayerMixin):
    """One layer's buffers, (rows, heads, slots, size). Unwritten slots are zero: a mask does not hide a NaN."""

    is_sliding = False
    keys: torch.Tensor
    values: torch.Tensor

    def __init__(self, cache: RowCache) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.cache = cache

    def lazy_initialization(self, key_states: torch.Tensor, value_states: torch.Tensor) -> None:
        rows, slots = self.cache.rows, self.cache.slots
        self.keys = key_states.new_zeros((rows, key_states.shape[1], slots, key_states.shape[3]))
        self.values = value_states.new_zeros((rows, value_states.shape[1], slots, value_states.shape[3]))
        self.is_initialized = True

    def update(
        self, key_states: torch.Tensor, value_states: torch.Tensor, *args: Any, **kwargs: Any
    ) -> tuple[torch.Tensor, torch.Tensor]:
        if not self.is_initialized:
            self.lazy_initialization(key_states, value_states)
        place = self.cache.place
        assert place is not None
        self.keys[place.rows, :, place.slots] = key_states[place.batch, :, place.columns]
        self.values[place.rows, :, place.slots] = value_states[place.batch, :, place.columns]
        rows = slice(place.first, place.last)
        return self.keys[rows, :, : place.length], self.values[rows, :, : place.length]

    def grow(self, rows: int, slots: int) -> None:
        if self.is_initialized:
            self.keys, self.values = _grown(self.keys, rows, slots), _grown(self.values, rows, slots)

    def get_mask_sizes(self, query_length: int) -> tuple[int, int]:
        return self.get_seq_length(), 0

    def get_seq_length(self) -> int:
        return self.cache.place.length if self.cache.place else 0

    def get_max_length(self) -> int:
        return -1


def _grown(old: torch.Tensor, rows: int, slots: int) -> torch.Tensor:
    new = old.new_zeros((rows, old.shape[1], slots, old.shape[3]))
    new[: old.shape[0], :, : old.shape[2]] = old
    return new


class RowCache(Cache):
    """A transformers cache whose rows are conversations of different lengths. Set `place` before each forward pass."""

    def __init__(self, layers: int) -> None:
        self.rows, self.slots = 1, _SLOTS_STEP
        self.place: Place | None = None
        self.row_layers = [_RowLayer(self) for _ in range(layers)]
        super().__init__(layers=list(self.row_layers))

    def reserve(self, rows: int, slots: int) -> None:
        """Make room for so many conversations of so many tokens."""
        if rows <= self.rows and slots <= self.slots:
            return
        if rows > self.rows:
            self.rows = max(rows, 2 * self.rows)
        if slots > self.slots:
            self.slots = -(-max(slots, self.slots * 5 // 4) // _SLOTS_STEP) * _SLOTS_STEP
        for layer in self.row_layers:
            layer.grow(self.rows, self.slots)

    def load(self, row: int, states: States, length: int) -> None:
        """Put the first `length` slots of `states` into `row`."""
        for layer, (keys, values) in zip(self.row_layers, states, strict=True):
            if not layer.is_initialized:
                layer.lazy_initialization(keys[None], values[None])
            layer.keys[row, :, :length] = keys[:, :length]
            layer.values[row, :, :length] = values[:, :length]

    def save(self, row: int, length: int) -> States:
        """A copy of the first `length` slots of `row`."""
        return [
            (layer.keys[row, :, :length].clone(), layer.values[row, :, :length].clone()) for layer in self.row_layers
        ]

    def move(self, source: int, target: int, length: int) -> None:
        """Let row `target` hold what row `source` holds."""
        for layer in self.row_layers:
            layer.keys[target, :, :length] = layer.keys[source, :, :length]
            layer.values[target, :, :length] = layer.values[source, :, :length]


def can_hold(config: Any) -> bool:
    """Whether all layers of such a model keep plain keys and values (not the running state of Mamba and its kin)."""
    layers = DynamicCache(config=config).layers
    return all(type(layer) in (DynamicLayer, DynamicSlidingWindowLayer) for layer in layers)


class PrefixStore:
    """States of earlier conversations by their token ids; the longest unused go first when memory is full."""

    def __init__(self, limit_bytes: int) -> None:
        self.limit = limit_bytes
        self.bytes = 0
        self._entries: OrderedDict[tuple[int, ...], tuple[States, int]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._entries)

    def longest(self, ids: Sequence[int]) -> tuple[States | None, int]:
        """The states that share the longest beginning with `ids`, and its length; at least one id is left over."""
        wanted = tuple(ids)
        best: tuple[int, ...] | None = None
        length = 0
        for entry in self._entries:
            if entry[:length] == wanted[:length] and (common := _common(entry, wanted)) > length:
                best, length = entry, common
        length = min(length, len(wanted) - 1)
        if best is None or length <= 0:
            return None, 0
        self._entries.move_to_end(best)
        return self._entries[best][0], length

    def put(self, ids: Sequence[int], states: States) -> None:
        """Keep `states` for `ids`; what they extend is dropped."""
        key = tuple(ids)
        size = sum(t.numel() * t.element_size() for pair in states for t in pair)
        if size > self.limit:
            return
        for entry in [entry for entry in self._entries if entry == key[: len(entry)]]:
            self._drop(entry)
        self._entries[key] = (states, size)
        self.bytes += size
        while self.bytes > self.limit:
            self._drop(next(iter(self._entries)))

    def has(self, ids: Sequence[int]) -> bool:
        return tuple(ids) in self._entries

    def _drop(self, entry: tuple[int, ...]) -> None:
        self.bytes -= self._entries.pop(entry)[1]


def _common(a: tuple[int, ...], b: tuple[int, ...]) -> int:
    """Length of the common beginning, by halving: slices compare faster than a loop."""
    low, high = 0, min(len(a), len(b))
    while low < high:
        middle = (low + high + 1) // 2
        if a[low:middle] == b[low:middle]:
            low = middle
        else:
            high = middle - 1
    return low
