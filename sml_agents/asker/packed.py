"""A model's matrices in a byte a weight, which halves the memory of one that is only asked.

Each row is kept as whole numbers from -127 to 127 and one scale, and is multiplied as it is: whole numbers of that size
are exact in bfloat16 and float32, so what is lost is the rounding to 254 steps a row, and no more.
"""

from __future__ import annotations

from typing import Any

import torch

__all__ = ["pack"]


_FEW = 8
"""Rows of an input that torch multiplies by bytes as they are: more than a value that is written token by token has.
With a core that has AMX it takes 0.3 ms at 8 rows, where widening the matrix first takes 0.5 to 0.8, and at 30 rows 1.1
to 1.5 in place of 0.9."""
_AT_ONCE = 2**20
"""Numbers of a matrix that are widened at once: as many as stay near the core. A vocabulary of 28 million in one go is
new pages each time, and takes twice as long in bfloat16, three times in float32."""


class _Rows(torch.nn.Module):
    """A matrix by its rows: `linear` multiplies by it, `embedding` looks rows up."""

    def __init__(self, weight_OI: torch.Tensor) -> None:
        super().__init__()
        scale_O = weight_OI.float().abs().amax(1).clamp_min(1e-12) / 127
        self.register_buffer("bytes_OI", (weight_OI.float() / scale_O[:, None]).round().to(torch.int8))
        self.register_buffer("scale_O", scale_O.to(weight_OI.dtype))

    bytes_OI: torch.Tensor
    scale_O: torch.Tensor


class _Linear(torch.nn.Module):
    def __init__(self, rows: _Rows, bias_O: torch.Tensor | None) -> None:
        super().__init__()
        self.rows, self.bias_O = rows, bias_O

    def forward(self, x_TI: torch.Tensor) -> torch.Tensor:
        y_TO = _product(x_TI, self.rows.bytes_OI, self.rows.scale_O)
        return y_TO if self.bias_O is None else y_TO + self.bias_O


def _product(x_TI: torch.Tensor, bytes_OI: torch.Tensor, scale_O: torch.Tensor) -> torch.Tensor:
    outputs, inputs = bytes_OI.shape
    parts = bytes_OI.split(max(1, _AT_ONCE // inputs))
    if len(parts) == 1 and x_TI.numel() <= _FEW * inputs and x_TI.device.type == "cpu":
        return torch._weight_int8pack_mm(x_TI.reshape(-1, inputs), bytes_OI, scale_O).reshape(*x_TI.shape[:-1], outputs)
    return torch.cat([torch.nn.functional.linear(x_TI, part_PI.to(x_TI.dtype)) for part_PI in parts], -1) * scale_O


class _Embedding(torch.nn.Module):
    def __init__(self, rows: _Rows) -> None:
        super().__init__()
        self.rows = rows

    def forward(self, ids_T: torch.Tensor) -> torch.Tensor:
        scale_T1 = self.rows.scale_O[ids_T, None]
        return self.rows.bytes_OI[ids_T].to(scale_T1.dtype) * scale_T1


def pack(model: Any) -> None:
    """Pack all matrices and embeddings of `model`, in place; a matrix that has two uses is packed once."""
    packed: dict[int, _Rows] = {}
    for parent in list(model.modules()):
        for name, child in list(parent.named_children()):
            if not isinstance(child, torch.nn.Linear | torch.nn.Embedding):
                continue
            key = child.weight.data_ptr()
            rows = packed[key] = packed.get(key) or _Rows(child.weight.detach())
            setattr(parent, name, _Linear(rows, child.bias) if isinstance(child, torch.nn.Linear) else _Embedding(rows))
