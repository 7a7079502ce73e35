"""A model's matrices in a byte a weight, which halves the memory of one that is only asked.

Each row is kept as whole numbers from -127 to 127 and one scale, and is multiplied as it is: whole numbers of that size
are exact in bfloat16 and float32, so what is lost is the rounding to 254 steps a row, and no more.
"""

from __future__ import annotations

from typing import Any

import torch

__all__ = ["pack"]


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
        y_TO = torch.nn.functional.linear(x_TI, self.rows.bytes_OI.to(x_TI.dtype)) * self.rows.scale_O
        return y_TO if self.bias_O is None else y_TO + self.bias_O


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
