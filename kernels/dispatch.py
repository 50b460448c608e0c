"""The contract of segment attention and the choice of its backend."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from spatial_lalm.kernels.reference import reference_attention
from spatial_lalm.kernels.sdpa import sdpa_attention

BACKENDS: dict[str, Callable[..., Tensor]] = {"reference": reference_attention, "sdpa": sdpa_attention}


def choose_backend(q_BHTD: Tensor) -> tuple[str, str]:
    """The backend for these inputs and why: ``(name, reason)``."""
    if q_BHTD.element_size() == 8:
        return "reference", "float64 asks for the truth, not for speed"
    return "sdpa", "blocked, with gradient, on every device"


def _check_companions(
    q_BHTD: Tensor, memory_k_BHMD: Tensor | None, memory_v_BHMD: Tensor | None, key_mask_BT: Tensor | None
) -> None:
    """Refuse a memory or a mask that does not fit the queries: backends would broadcast it, each in its own way."""
    batch, heads, frames, width = q_BHTD.shape
    if memory_k_BHMD is not None and memory_v_BHMD is not None:
        wanted = (batch, heads, *memory_k_BHMD.shape[2:3], width)
        if memory_k_BHMD.shape != wanted or memory_v_BHMD.shape != wanted:
            raise ValueError(
                f"memory_k and memory_v must have one shape ({batch}, {heads}, M, {width}), "
                f"got {tuple(memory_k_BHMD.shape)}, {tuple(memory_v_BHMD.shape)}"
            )
    if key_mask_BT is not None and (key_mask_BT.shape != (batch, frames) or key_mask_BT.dtype != torch.bool):
        raise ValueError(
            f"key_mask must be bool of shape ({batch}, {frames}), got {key_mask_BT.dtype} {tuple(key_mask_BT.shape)}"
        )


def segment_attention(
    q_BHTD: Tensor,
    k_BHTD: Tensor,
    v_BHTD: Tensor,
    memory_k_BHMD: Tensor | None = None,
    memory_v_BHMD: Tensor | None = None,
    *,
    segment: int,
    window: int = 0,
    causal: bool = False,
    key_mask_BT: Tensor | None = None,
    backend: str | None = None,
) -> Tensor:
    """Softmax attention in which a query sees its segment, the ``window`` segments before it and a memory prefix.

    Args:
        q_BHTD: queries ``(B, H, T, D)``; keys and values have the same shape.
        k_BHTD: keys.
        v_BHTD: values.
        memory_k_BHMD: keys ``(B, H, M, D)`` that every query sees, or None.
        memory_v_BHMD: their values.
        segment: frames of a segment; the last one may be shorter.
        window: earlier segments that a query sees.
        causal: whether a query sees only the frames up to its own (else its whole segment).
        key_mask_BT: ``(B, T)`` bool, False for padding that nobody sees.
        backend: one of ``BACKENDS``; None chooses (see ``choose_backend``).

    Returns:
        ``(B, H, T, D)``; zeros for a query that sees nothing.

    Raises:
        ValueError: shapes that do not fit each other, a mask that is not bool, ``segment < 1``, ``window < 0`` or an
            unknown backend.
    """
    if q_BHTD.ndim != 4:
        raise ValueError(f"q must have four axes (B, H, T, D), got {tuple(q_BHTD.shape)}")
    if q_BHTD.shape != k_BHTD.shape or k_BHTD.shape != v_BHTD.shape:
        raise ValueError(f"q, k, v must have one shape, got {q_BHTD.shape}, {k_BHTD.shape}, {v_BHTD.shape}")
    if (memory_k_BHMD is None) != (memory_v_BHMD is None):
        raise ValueError("memory_k and memory_v go together: give both or none")
    _check_companions(q_BHTD, memory_k_BHMD, memory_v_BHMD, key_mask_BT)
    if segment < 1 or window < 0:
        raise ValueError(f"segment must be at least 1 and window at least 0, got {segment} and {window}")
    name = backend or choose_backend(q_BHTD)[0]
    if name not in BACKENDS:
        raise ValueError(f"unknown backend {name!r}: choose one of {', '.join(BACKENDS)}")
    return BACKENDS[name](q_BHTD, k_BHTD, v_BHTD, memory_k_BHMD, memory_v_BHMD, segment, window, causal, key_mask_BT)
