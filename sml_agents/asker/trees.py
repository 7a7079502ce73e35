"""Prompts that branch, as one sequence: what several branches have in common is read once.

A node sees itself and the nodes above it. Positions count along the path from the root, so a branch stands where it
would if it were alone, and what it gives does not depend on the others (up to rounding).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

__all__ = ["Tree", "side_by_side"]


@dataclass
class Tree:
    """Token ids of all nodes, one after the other, and what each position sees."""

    before: int = 0
    """Tokens that were read before, and that all nodes see."""
    ids: list[int] = field(default_factory=list)
    positions: list[int] = field(default_factory=list)
    targets: list[tuple[int, int, float]] = field(default_factory=list)
    """Of tokens that are trained: the place from which it is predicted, its id, its weight."""
    _nodes: list[tuple[int, int, int | None]] = field(default_factory=list)
    """Start and stop of each node, and the node above it."""

    def add(
        self,
        ids: Sequence[int],
        above: int | None = None,
        *,
        target: Sequence[int] = (),
        weight: float = 1.0,
        rest: float = 1.0,
    ) -> int:
        """Append a node; gives its number.

        Args:
            ids: its tokens.
            above: the node that it hangs on; None for a root.
            target: tokens that follow, and are trained: all but the last become part of the node.
            weight: of the first token's loss; `rest`: of the further ones'.
        """
        depth = self.before if above is None else self.positions[self._nodes[above][1] - 1] + 1
        start = len(self.ids)
        written = [*ids, *target[:-1]]
        self.ids += written
        self.positions += range(depth, depth + len(written))
        first = start + len(ids) - 1
        self.targets += [(first + k, token, rest if k else weight) for k, token in enumerate(target)]
        self._nodes.append((start, len(self.ids), above))
        return len(self._nodes) - 1

    def last(self, node: int) -> int:
        """The place of a node's last token."""
        return self._nodes[node][1] - 1

    def inputs(self, dtype: Any, device: Any = "cpu") -> dict[str, Any]:
        """`input_ids` and `position_ids` (1, T), and an additive `attention_mask` (1, 1, T, before + T)."""
        import torch

        size = len(self.ids)
        sees_TT = torch.zeros(size, size, dtype=torch.bool)
        for start, stop, above in self._nodes:
            if above is not None:
                sees_TT[start:stop] = sees_TT[self.last(above)]
            sees_TT[start:stop, start:stop] = torch.ones(stop - start, stop - start, dtype=torch.bool).tril()
        mask_TT = torch.zeros(size, size, dtype=dtype).masked_fill(~sees_TT, torch.finfo(dtype).min)
        mask_TS = torch.nn.functional.pad(mask_TT, (self.before, 0))
        return {
            "input_ids": torch.tensor([self.ids], device=device),
            "position_ids": torch.tensor([self.positions], device=device),
            "attention_mask": mask_TS[None, None].to(device),
        }


def side_by_side(trees: Sequence[Tree], dtype: Any, device: Any = "cpu") -> dict[str, Any]:
    """The same of several trees, `before` which nothing was read: (B, T), and (B, 1, T, T). Shorter ones are filled up
    at their end with tokens that see themselves alone."""
    import torch

    size = max(len(tree.ids) for tree in trees)
    alone_TT = torch.full((size, size), torch.finfo(dtype).min, dtype=dtype).fill_diagonal_(0.0)
    inputs = {
        "input_ids": torch.zeros(len(trees), size, dtype=torch.long),
        "position_ids": torch.zeros(len(trees), size, dtype=torch.long),
        "attention_mask": alone_TT.repeat(len(trees), 1, 1, 1),
    }
    for row, tree in enumerate(trees):
        for name, one in tree.inputs(dtype).items():
            inputs[name][row][tuple(slice(end) for end in one[0].shape)] = one[0]
    return {name: one.to(device) for name, one in inputs.items()}
