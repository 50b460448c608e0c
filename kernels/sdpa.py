"""Segment attention through the kernels behind ``scaled_dot_product_attention``, on the CPU and on a GPU.

The public function hides the log-sum-exp that merging needs, so the operators that it calls are called here by name.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.functional import pad

from spatial_lalm.kernels.passes import Primitive, eightfold, merged_passes
from spatial_lalm.kernels.view import View

aten = torch.ops.aten
CPU_FRAMES, GPU_FRAMES = 2_048, 65_536
"""Queries computed at a time: on the CPU few enough for its caches, on a GPU enough to fill it."""


class CpuFlash:
    """The blocked kernel of the CPU (any floating-point precision)."""

    def forward(
        self, q_NHTD: Tensor, k_NHSD: Tensor, v_NHSD: Tensor, bias_NS: Tensor | None, causal: bool, scale: float
    ) -> tuple[Tensor, Tensor]:
        """See ``Primitive``."""
        bias = None if bias_NS is None else bias_NS[:, None, None]
        out, lse = aten._scaled_dot_product_flash_attention_for_cpu(
            q_NHTD, k_NHSD, v_NHSD, 0.0, causal, attn_mask=bias, scale=scale
        )
        return out, lse

    def backward(
        self, grad_NHTD: Tensor, q_NHTD: Tensor, k_NHSD: Tensor, v_NHSD: Tensor, out_NHTD: Tensor, lse_NHT: Tensor,
        bias_NS: Tensor | None, causal: bool, scale: float,
    ) -> tuple[Tensor, Tensor, Tensor]:  # fmt: skip
        """See ``Primitive``."""
        bias = None if bias_NS is None else bias_NS[:, None, None]
        found: tuple[Tensor, Tensor, Tensor] = aten._scaled_dot_product_flash_attention_for_cpu_backward(
            grad_NHTD, q_NHTD, k_NHSD, v_NHSD, out_NHTD, lse_NHT, 0.0, causal, attn_mask=bias, scale=scale
        )
        return found


class GpuEfficient:
    """The memory-efficient kernel of the GPU; it wants widths, and rows of a bias, that are multiples of 8."""

    def forward(
        self, q_NHTD: Tensor, k_NHSD: Tensor, v_NHSD: Tensor, bias_NS: Tensor | None, causal: bool, scale: float
    ) -> tuple[Tensor, Tensor]:
        """See ``Primitive``."""
        width, queries = q_NHTD.shape[-1], q_NHTD.shape[2]
        q, k, v = (eightfold(x) for x in (q_NHTD, k_NHSD, v_NHSD))
        out, lse, _, _ = aten._scaled_dot_product_efficient_attention(
            q, k, v, _spread(bias_NS, q), True, 0.0, causal, scale=scale
        )
        return out[..., :width], lse[..., :queries]

    def backward(
        self, grad_NHTD: Tensor, q_NHTD: Tensor, k_NHSD: Tensor, v_NHSD: Tensor, out_NHTD: Tensor, lse_NHT: Tensor,
        bias_NS: Tensor | None, causal: bool, scale: float,
    ) -> tuple[Tensor, Tensor, Tensor]:  # fmt: skip
        """See ``Primitive``."""
        width = q_NHTD.shape[-1]
        grad, q, k, v, out = (eightfold(x) for x in (grad_NHTD, q_NHTD, k_NHSD, v_NHSD, out_NHTD))
        lse = pad(lse_NHT, (0, -lse_NHT.shape[-1] % 32))  # the kernel lays its own out so
        seed = torch.zeros((), dtype=torch.int64, device=q.device)  # of a dropout that is not used
        d_q, d_k, d_v, _ = aten._scaled_dot_product_efficient_attention_backward(
            grad,
            q,
            k,
            v,
            _spread(bias_NS, q),
            out,
            lse,
            seed,
            seed,
            0.0,
            [True, True, True, False],
            causal,
            scale=scale,
        )
        return d_q[..., :width], d_k[..., :width], d_v[..., :width]


def _spread(bias_NS: Tensor | None, q_NHTD: Tensor) -> Tensor | None:
    """A bias for every head and query without copies, its rows laid out in eights."""
    if bias_NS is None:
        return None
    keys = bias_NS.shape[-1]
    rows = eightfold(bias_NS.to(q_NHTD.dtype))[..., :keys]
    return rows[:, None, None].expand(-1, q_NHTD.shape[1], q_NHTD.shape[2], -1)


def sdpa_attention(
    q_BHTD: Tensor,
    k_BGSD: Tensor,
    v_BGSD: Tensor,
    memory_k_BGMD: Tensor | None,
    memory_v_BGMD: Tensor | None,
    view: View,
    scale: float,
) -> Tensor:
    """Blocked attention ``(B, H, T, D)``; see ``segment_attention`` for the meaning."""
    on_gpu = q_BHTD.is_cuda
    primitive: Primitive = GpuEfficient() if on_gpu else CpuFlash()
    frames = GPU_FRAMES if on_gpu else CPU_FRAMES
    return merged_passes(q_BHTD, k_BGSD, v_BGSD, memory_k_BGMD, memory_v_BGMD, view, scale, primitive, frames)
