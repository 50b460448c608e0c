"""Backends of libraries that may be installed beside a GPU: their kernels as passes, merged by log-sum-exp.

Both know neither segments nor a memory prefix; their inner functions take and return the log-sum-exp, forward and
backward, and that is all that ``passes.py`` needs.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

import torch
from torch import Tensor

from spatial_lalm.errors import InputError
from spatial_lalm.kernels.passes import eightfold, merged_passes
from spatial_lalm.kernels.view import View

FRAMES = 65_536
"""Queries computed at a time."""


class FlashAttn:
    """flash-attn 2 (tried against the signatures of 2.8); widths are filled up to multiples of 8."""

    def __init__(self) -> None:
        self.library: Any = import_module("flash_attn.flash_attn_interface")

    def forward(
        self, q_NHTD: Tensor, k_NHSD: Tensor, v_NHSD: Tensor, bias_NS: Tensor | None, causal: bool, scale: float
    ) -> tuple[Tensor, Tensor]:
        """See ``Primitive``."""
        q, k, v = (eightfold(x).transpose(1, 2) for x in (q_NHTD, k_NHSD, v_NHSD))
        out, lse, *_ = self.library._flash_attn_forward(q, k, v, 0.0, scale, causal, -1, -1, 0.0, None, False)
        return out.transpose(1, 2)[..., : q_NHTD.shape[-1]], lse

    def backward(
        self, grad_NHTD: Tensor, q_NHTD: Tensor, k_NHSD: Tensor, v_NHSD: Tensor, out_NHTD: Tensor, lse_NHT: Tensor,
        bias_NS: Tensor | None, causal: bool, scale: float,
    ) -> tuple[Tensor, Tensor, Tensor]:  # fmt: skip
        """See ``Primitive``."""
        grad, q, k, v, out = (
            eightfold(x).transpose(1, 2).contiguous() for x in (grad_NHTD, q_NHTD, k_NHSD, v_NHSD, out_NHTD)
        )
        found = [torch.empty_like(x) for x in (q, k, v)]
        self.library._flash_attn_backward(
            grad, q, k, v, out, lse_NHT.contiguous(), *found, 0.0, scale, causal, -1, -1, 0.0, None, False
        )
        d_q, d_k, d_v = (x.transpose(1, 2)[..., : q_NHTD.shape[-1]] for x in found)
        return d_q, d_k, d_v


class Xformers:
    """Memory-efficient attention of xformers, by its functions for those who keep the log-sum-exp themselves."""

    def __init__(self) -> None:
        self.library: Any = import_module("xformers.ops.fmha")

    def _bias(self, causal: bool) -> Any:
        return self.library.attn_bias.LowerTriangularMask() if causal else None

    def forward(
        self, q_NHTD: Tensor, k_NHSD: Tensor, v_NHSD: Tensor, bias_NS: Tensor | None, causal: bool, scale: float
    ) -> tuple[Tensor, Tensor]:
        """See ``Primitive``."""
        q, k, v = (eightfold(x).transpose(1, 2) for x in (q_NHTD, k_NHSD, v_NHSD))
        out, lse = self.library.memory_efficient_attention_forward_requires_grad(
            q, k, v, self._bias(causal), scale=scale
        )
        return out.transpose(1, 2)[..., : q_NHTD.shape[-1]], lse[..., : q_NHTD.shape[2]]

    def backward(
        self, grad_NHTD: Tensor, q_NHTD: Tensor, k_NHSD: Tensor, v_NHSD: Tensor, out_NHTD: Tensor, lse_NHT: Tensor,
        bias_NS: Tensor | None, causal: bool, scale: float,
    ) -> tuple[Tensor, Tensor, Tensor]:  # fmt: skip
        """See ``Primitive``."""
        grad, q, k, v, out = (
            eightfold(x).transpose(1, 2).contiguous() for x in (grad_NHTD, q_NHTD, k_NHSD, v_NHSD, out_NHTD)
        )
        found = self.library.memory_efficient_attention_backward(
            grad, out, lse_NHT.contiguous(), q, k, v, self._bias(causal), scale=scale
        )
        d_q, d_k, d_v = (x.transpose(1, 2)[..., : q_NHTD.shape[-1]] for x in found)
        return d_q, d_k, d_v


def _check(name: str, q_BHTD: Tensor, view: View) -> None:
    """Refuse what these libraries cannot do."""
    if not q_BHTD.is_cuda or q_BHTD.dtype not in (torch.float16, torch.bfloat16) or view.key_mask_BS is not None:
        raise InputError(f"backend {name!r} needs fp16 or bf16 on a GPU and no key mask: leave the backend out")


def flash_attn_attention(
    q_BHTD: Tensor, k_BGSD: Tensor, v_BGSD: Tensor, memory_k_BGMD: Tensor | None, memory_v_BGMD: Tensor | None,
    view: View, scale: float,
) -> Tensor:  # fmt: skip
    """Attention ``(B, H, T, D)`` by flash-attn; see ``segment_attention`` for the meaning."""
    _check("flash_attn", q_BHTD, view)
    return merged_passes(q_BHTD, k_BGSD, v_BGSD, memory_k_BGMD, memory_v_BGMD, view, scale, FlashAttn(), FRAMES)


def xformers_attention(
    q_BHTD: Tensor, k_BGSD: Tensor, v_BGSD: Tensor, memory_k_BGMD: Tensor | None, memory_v_BGMD: Tensor | None,
    view: View, scale: float,
) -> Tensor:  # fmt: skip
    """Attention ``(B, H, T, D)`` by xformers; see ``segment_attention`` for the meaning."""
    _check("xformers", q_BHTD, view)
    return merged_passes(q_BHTD, k_BGSD, v_BGSD, memory_k_BGMD, memory_v_BGMD, view, scale, Xformers(), FRAMES)
