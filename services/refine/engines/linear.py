"""Linear layers and what is built of them, which is nearly all of sampling's time and half of training's.

torch multiplies float32 matrices with MKL, which takes twice as long as it could on processors that are not Intel's.
oneDNN, which torch carries too, is fast on all of them and just as precise, but knows no gradient.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.functional import silu

_ONEDNN = torch._C._has_mkldnn and hasattr(torch.ops.mkldnn, "_linear_pointwise")


def linear(x: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """Returns x @ weight.T + bias, (n, out) for x (n, in): with oneDNN where that can be, else as torch does it."""
    if not _ONEDNN or x.device.type != "cpu" or not x.numel() or torch.is_grad_enabled():
        return functional.linear(x, weight, bias)
    product: Tensor = torch.ops.mkldnn._linear_pointwise(x, weight, bias, "none", [], "")
    return product


class Linear(nn.Linear):
    """A linear layer that samples and validates faster than it is trained."""

    def forward(self, x: Tensor) -> Tensor:
        return linear(x, self.weight, self.bias)


class Body(nn.Module):
    """An input layer and residual SiLU layers."""

    def __init__(self, inputs: int, width: int, depth: int) -> None:
        super().__init__()
        self.enter = Linear(inputs, width)
        self.hidden = nn.ModuleList(Linear(width, width) for _ in range(depth - 1))

    def forward(self, *inputs: Tensor) -> Tensor:
        given = [part for part in inputs if part.shape[1]] or [inputs[0]]  # a table without states has no conditions
        h = silu(self.enter(given[0] if len(given) == 1 else torch.cat(given, 1)))
        for layer in self.hidden:
            h = h + silu(layer(h))
        return h
