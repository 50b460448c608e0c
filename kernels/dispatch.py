"""The contract of segment attention and the choice of its backend: the one file that knows all of them.

Legend: B batch, H query heads, G key heads (H a multiple), T queries, S keys (T <= S), M memory, D width.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from importlib.util import find_spec

import torch
from torch import Tensor

from spatial_lalm.errors import InputError
from spatial_lalm.kernels.rope import rotate
from spatial_lalm.kernels.view import make_view

BACKENDS: dict[str, str] = {
    "reference": "reference:reference_attention",
    "sdpa": "sdpa:sdpa_attention",
    "triton": "triton_attention:triton_attention",
    "flex": "flex:flex_segment_attention",
    "flash_attn": "installed:flash_attn_attention",
    "xformers": "installed:xformers_attention",
}
"""Where each backend lives, imported when first used: some need libraries that are not always there."""

HALF = (torch.float16, torch.bfloat16)
TRITON_WIDEST = 128


def choose_backend(q_BHTD: Tensor, key_mask_BS: Tensor | None = None) -> tuple[str, str]:
    """The backend for these inputs and why: ``(name, reason)``.

    Args:
        q_BHTD: the queries ``(B, H, T, D)``: their device, precision and width decide.
        key_mask_BS: the mask of the call, if any.

    Returns:
        a key of ``BACKENDS`` and one phrase that can be printed.
    """
    if q_BHTD.element_size() == 8:
        return "reference", "float64 asks for the truth, not for speed"
    if not q_BHTD.is_cuda:
        return "sdpa", "on the CPU: blocked, with gradient, no mask in memory"
    if find_spec("triton") and q_BHTD.shape[-1] <= TRITON_WIDEST:
        return "triton", "on a GPU: one kernel over window and memory"
    for name in ("flash_attn", "xformers"):
        if find_spec(name) and key_mask_BS is None and q_BHTD.dtype in HALF:
            return name, f"on a GPU without triton, or wider than {TRITON_WIDEST}: {name} is installed"
    return "sdpa", f"on a GPU without triton, or wider than {TRITON_WIDEST}: blocked, with gradient"


def load_backend(name: str) -> Callable[..., Tensor]:
    """The function of a backend, imported here.

    Raises:
        InputError: a name that is not in ``BACKENDS``, or a library that is not installed.
    """
    if name not in BACKENDS:
        raise InputError(f"unknown backend {name!r}: choose one of {', '.join(BACKENDS)}")
    if name in ("flash_attn", "xformers", "triton") and not find_spec(name):
        raise InputError(f"backend {name!r} needs the package {name}, which is not installed: leave the backend out")
    module, function = BACKENDS[name].split(":")
    found: Callable[..., Tensor] = getattr(import_module(f"spatial_lalm.kernels.{module}"), function)
    return found


def _check_inputs(q_BHTD: Tensor, k_BGSD: Tensor, v_BGSD: Tensor) -> None:
    """Refuse queries, keys and values that do not belong together."""
    if q_BHTD.ndim != 4:
        raise ValueError(f"q must have four axes (B, H, T, D), got {tuple(q_BHTD.shape)}")
    batch, heads, queries, width = q_BHTD.shape
    fit = k_BGSD.ndim == 4 and k_BGSD.shape == v_BGSD.shape and k_BGSD.shape[0] == batch and k_BGSD.shape[3] == width
    if not fit or not k_BGSD.shape[1] or heads % k_BGSD.shape[1] or queries > k_BGSD.shape[2]:
        raise ValueError(
            f"k and v must have one shape ({batch}, G, S, {width}) with G a divisor of {heads} and S at least "
            f"{queries}, got {tuple(k_BGSD.shape)} and {tuple(v_BGSD.shape)} for q {tuple(q_BHTD.shape)}"
        )
    if len({x.dtype for x in (q_BHTD, k_BGSD, v_BGSD)}) > 1:
        raise ValueError(f"q, k, v must have one precision, got {q_BHTD.dtype}, {k_BGSD.dtype}, {v_BGSD.dtype}")


def _check_companions(
    k_BGSD: Tensor, memory_k_BGMD: Tensor | None, memory_v_BGMD: Tensor | None, key_mask_BS: Tensor | None
) -> None:
    """Refuse a memory or a mask that does not fit the keys: backends would broadcast it, each in its own way."""
    batch, groups, keys, width = k_BGSD.shape
    if (memory_k_BGMD is None) != (memory_v_BGMD is None):
        raise ValueError("memory_k and memory_v go together: give both or none")
    if memory_k_BGMD is not None and memory_v_BGMD is not None:
        wanted = (batch, groups, *memory_k_BGMD.shape[2:3], width)
        same = memory_k_BGMD.dtype == memory_v_BGMD.dtype == k_BGSD.dtype
        if memory_k_BGMD.shape != wanted or memory_v_BGMD.shape != wanted or not same:
            raise ValueError(
                f"memory_k and memory_v must have one shape ({batch}, {groups}, M, {width}) and be {k_BGSD.dtype}, "
                f"got {tuple(memory_k_BGMD.shape)}, {tuple(memory_v_BGMD.shape)} and {memory_k_BGMD.dtype}"
            )
    if key_mask_BS is not None and (key_mask_BS.shape != (batch, keys) or key_mask_BS.dtype != torch.bool):
        raise ValueError(
            f"key_mask must be bool of shape ({batch}, {keys}), got {key_mask_BS.dtype} {tuple(key_mask_BS.shape)}"
        )


def _turned(
    q_BHTD: Tensor, k_BGSD: Tensor, memory_k_BGMD: Tensor | None, positions: Tensor, memory_positions: Tensor | None,
    base: float,
) -> tuple[Tensor, Tensor, Tensor | None]:  # fmt: skip
    """Queries, keys and memory keys with their rotary positions."""
    batch, _, queries, width = q_BHTD.shape
    known = [("positions", positions, k_BGSD.shape[2])]
    if memory_k_BGMD is not None:
        if memory_positions is None:
            raise ValueError("positions with a memory need memory_positions: where do its keys stand?")
        known.append(("memory_positions", memory_positions, memory_k_BGMD.shape[2]))
    for name, one, length in known:
        if one.shape not in ((length,), (1, length), (batch, length)) or one.is_floating_point() or width % 2:
            raise ValueError(
                f"{name} must be whole numbers of shape ({length},) or ({batch}, {length}), and the width even, "
                f"got {one.dtype} {tuple(one.shape)} and width {width}"
            )
    q_BHTD = rotate(q_BHTD, positions[..., positions.shape[-1] - queries :], base)
    if memory_k_BGMD is not None and memory_positions is not None:
        memory_k_BGMD = rotate(memory_k_BGMD, memory_positions, base)
    return q_BHTD, rotate(k_BGSD, positions, base), memory_k_BGMD


def segment_attention(
    q_BHTD: Tensor,
    k_BGSD: Tensor,
    v_BGSD: Tensor,
    memory_k_BGMD: Tensor | None = None,
    memory_v_BGMD: Tensor | None = None,
    *,
    segment: int | Tensor,
    window: int = 0,
    causal: bool = False,
    key_mask_BS: Tensor | None = None,
    positions: Tensor | None = None,
    memory_positions: Tensor | None = None,
    rope_base: float = 10_000.0,
    scale: float | None = None,
    backend: str | None = None,
) -> Tensor:
    """Softmax attention in which a query sees its segment, the ``window`` segments before it and a memory prefix.

    Args:
        q_BHTD: queries ``(B, H, T, D)``: the last T of the S frames (all of them, but when decoding with a cache).
        k_BGSD: keys ``(B, G, S, D)``, H a multiple of G: query head h reads key head ``h // (H / G)``.
        v_BGSD: values, shaped like the keys.
        memory_k_BGMD: keys ``(B, G, M, D)`` that every query sees, or None; M may be 0.
        memory_v_BGMD: their values.
        segment: frames of a segment (the last one may be shorter), or the segment id of every frame, whole numbers
            ``(S,)`` or ``(B, S)`` that never fall; ``segment_ids`` makes them from boundaries.
        window: earlier segments that a query sees: those whose id is at most ``window`` below its own.
        causal: whether a query sees only the frames up to its own (else its whole segment).
        key_mask_BS: ``(B, S)`` bool, False for padding that nobody sees.
        positions: whole numbers ``(S,)`` or ``(B, S)``: queries and keys are turned by them (``rope.rotate``); None
            leaves them as they are.
        memory_positions: ``(M,)`` or ``(B, M)``, where the memory's keys stand; needed with ``positions`` and a memory.
        rope_base: of the rotary positions.
        scale: factor of the scores, ``D ** -0.5`` where None.
        backend: one of ``BACKENDS``; None chooses (see ``choose_backend``).

    Returns:
        ``(B, H, T, D)``; zeros for a query that sees nothing.

    Raises:
        ValueError: shapes or precisions that do not fit each other, a mask that is not bool, ``segment < 1``, ids that
            fall, ``window < 0``, an unknown backend, or one that is not installed or cannot do what is asked.
    """
    _check_inputs(q_BHTD, k_BGSD, v_BGSD)
    _check_companions(k_BGSD, memory_k_BGMD, memory_v_BGMD, key_mask_BS)
    batch, _, queries, width = q_BHTD.shape
    view = make_view(segment, queries, k_BGSD.shape[2], batch, window, causal, key_mask_BS, q_BHTD.device)
    if positions is not None:
        q_BHTD, k_BGSD, memory_k_BGMD = _turned(q_BHTD, k_BGSD, memory_k_BGMD, positions, memory_positions, rope_base)
    scale = width**-0.5 if scale is None else scale
    run = load_backend(backend or choose_backend(q_BHTD, key_mask_BS)[0])
    return run(q_BHTD, k_BGSD, v_BGSD, memory_k_BGMD, memory_v_BGMD, view, scale)
