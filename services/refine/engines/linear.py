"""Linear layers, which are nearly all of sampling's time and half of training's.

torch multiplies float32 matrices with MKL, which takes twice as long as it could on processors that are not Intel's.
oneDNN, which torch carries too, is fast on all of them and just as precise, but knows no gradient.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

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
