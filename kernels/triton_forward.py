# mypy: allow-untyped-defs, allow-incomplete-defs, allow-untyped-calls, allow-untyped-decorators
# mypy: disable-error-code="import-untyped"
"""The fused forward kernel: memory prefix, then the window, in one online softmax.

A program owns a block of queries of one head. What it sees of the window is one run of keys (``View.ranges``): the keys
that all its queries see are taken without a mask, those at the two ends with one, all others are never touched. Scores
are in powers of two. Shapes as in ``triton_attention``; ``stride_*`` are (batch, head, frame), widths lie side by side.
"""

from __future__ import annotations

import triton
import triton.language as tl

FREE = tl.constexpr(0)
"""Every key counts, and the run is a whole number of blocks."""
BOUNDED = tl.constexpr(1)
"""Keys count up to the end of the run."""
RANGED = tl.constexpr(2)
"""Keys count where the query's own range says so."""


@triton.jit
def load_rows(base, at, end, stride, WIDTH: tl.constexpr, BLOCK_D: tl.constexpr, EDGE: tl.constexpr):
    """Rows ``at`` of a matrix, ``(len(at), BLOCK_D)``: zeros beyond ``end`` unless EDGE is FREE, and beyond WIDTH."""
    column = tl.arange(0, BLOCK_D)
    where = base + at.to(tl.int64)[:, None] * stride + column[None, :]
    if EDGE == FREE:
        if WIDTH == BLOCK_D:
            return tl.load(where)
        return tl.load(where, mask=(column < WIDTH)[None, :], other=0.0)
    return tl.load(where, mask=(at < end)[:, None] & (column < WIDTH)[None, :], other=0.0)


@triton.jit
def hide(score_QK, at_K, end, first_Q, last_Q, mask, EDGE: tl.constexpr, MASKED: tl.constexpr):
    """Minus infinity for the keys that a query may not see."""
    if EDGE == RANGED:
        seen = (at_K[None, :] >= first_Q[:, None]) & (at_K[None, :] < last_Q[:, None])
        score_QK = tl.where(seen, score_QK, float("-inf"))
    elif EDGE == BOUNDED:
        score_QK = tl.where((at_K < end)[None, :], score_QK, float("-inf"))
    if MASKED:
        shown = tl.load(mask + at_K, mask=at_K < end, other=0) != 0
        score_QK = tl.where(shown[None, :], score_QK, float("-inf"))
    return score_QK


@triton.jit
def _take(
    sum_QD, top_Q, total_Q, q_QD, keys, values, mask, begin, end, first_Q, last_Q, stride_k, stride_v, scale,
    WIDTH: tl.constexpr, BLOCK_K: tl.constexpr, BLOCK_D: tl.constexpr,
    EDGE: tl.constexpr, MASKED: tl.constexpr, PRECISION: tl.constexpr,
):  # fmt: skip
    """Take keys ``[begin, end)`` into the running softmax: weighted sum, largest score, sum of weights."""
    for start in range(begin, end, BLOCK_K):
        at_K = start + tl.arange(0, BLOCK_K)
        k_KD = load_rows(keys, at_K, end, stride_k, WIDTH, BLOCK_D, EDGE)
        score_QK = tl.dot(q_QD, tl.trans(k_KD), input_precision=PRECISION) * scale
        score_QK = hide(score_QK, at_K, end, first_Q, last_Q, mask, EDGE, MASKED)
        new_top_Q = tl.maximum(top_Q, tl.max(score_QK, 1))
        base_Q = tl.where(new_top_Q == float("-inf"), 0.0, new_top_Q)  # nothing seen yet: no difference of infinities
        weight_QK = tl.exp2(score_QK - base_Q[:, None])
        shrink_Q = tl.exp2(top_Q - base_Q)
        total_Q = total_Q * shrink_Q + tl.sum(weight_QK, 1)
        v_KD = load_rows(values, at_K, end, stride_v, WIDTH, BLOCK_D, EDGE)
        sum_QD = sum_QD * shrink_Q[:, None]
        sum_QD = tl.dot(weight_QK.to(v_KD.dtype), v_KD, sum_QD, input_precision=PRECISION)
        top_Q = new_top_Q
    return sum_QD, top_Q, total_Q


@triton.jit
def middle(begin, free_begin, free_end, BLOCK: tl.constexpr):
    """Bounds of the part of a run, in whole blocks from its beginning, that needs no mask."""
    low = begin + tl.cdiv(tl.maximum(free_begin - begin, 0), BLOCK) * BLOCK
    return low, low + tl.maximum(free_end - low, 0) // BLOCK * BLOCK


@triton.jit
def forward_kernel(
    q, k, v, memory_k, memory_v, mask, first, last, out, lse,
    q_b, q_h, q_t, k_b, k_g, k_s, v_b, v_g, v_s, mk_b, mk_g, mk_m, mv_b, mv_g, mv_m, out_b, out_h, out_t,
    mask_b, range_b, heads, share, queries, memory, scale,
    WIDTH: tl.constexpr, BLOCK_Q: tl.constexpr, BLOCK_K: tl.constexpr, BLOCK_D: tl.constexpr,
    MASKED: tl.constexpr, PRECISION: tl.constexpr,
):  # fmt: skip
    """Outputs and log-sum-exps (base 2; infinity for a query that sees nothing) of a block of queries."""
    row = tl.program_id(1)
    batch, head = (row // heads).to(tl.int64), (row % heads).to(tl.int64)
    group = head // share
    start = tl.program_id(0) * BLOCK_Q
    at_Q = start + tl.arange(0, BLOCK_Q)
    first_Q = tl.load(first + batch * range_b + at_Q, mask=at_Q < queries, other=0)
    last_Q = tl.load(last + batch * range_b + at_Q, mask=at_Q < queries, other=0)
    q_QD = load_rows(q + batch * q_b + head * q_h, at_Q, queries, q_t, WIDTH, BLOCK_D, BOUNDED)
    sum_QD = tl.zeros((BLOCK_Q, BLOCK_D), tl.float32)
    top_Q = tl.full((BLOCK_Q,), float("-inf"), tl.float32)
    total_Q = tl.zeros((BLOCK_Q,), tl.float32)

    keys, values = memory_k + batch * mk_b + group * mk_g, memory_v + batch * mv_b + group * mv_g
    whole = memory // BLOCK_K * BLOCK_K
    sum_QD, top_Q, total_Q = _take(sum_QD, top_Q, total_Q, q_QD, keys, values, mask, 0, whole, first_Q, last_Q,
                                   mk_m, mv_m, scale, WIDTH, BLOCK_K, BLOCK_D, FREE, False, PRECISION)  # fmt: skip
    sum_QD, top_Q, total_Q = _take(sum_QD, top_Q, total_Q, q_QD, keys, values, mask, whole, memory, first_Q, last_Q,
                                   mk_m, mv_m, scale, WIDTH, BLOCK_K, BLOCK_D, BOUNDED, False, PRECISION)  # fmt: skip

    keys, values = k + batch * k_b + group * k_g, v + batch * v_b + group * v_g
    mask_of_row = mask + batch * mask_b
    end_query = tl.minimum(start + BLOCK_Q, queries) - 1
    begin, free_begin = tl.load(first + batch * range_b + start), tl.load(first + batch * range_b + end_query)
    free_end, end = tl.load(last + batch * range_b + start), tl.load(last + batch * range_b + end_query)
    low, high = middle(begin, free_begin, free_end, BLOCK_K)
    sum_QD, top_Q, total_Q = _take(sum_QD, top_Q, total_Q, q_QD, keys, values, mask_of_row, begin, tl.minimum(low, end),
                                   first_Q, last_Q, k_s, v_s, scale,
                                   WIDTH, BLOCK_K, BLOCK_D, RANGED, MASKED, PRECISION)  # fmt: skip
    sum_QD, top_Q, total_Q = _take(sum_QD, top_Q, total_Q, q_QD, keys, values, mask_of_row, low, high,
                                   first_Q, last_Q, k_s, v_s, scale,
                                   WIDTH, BLOCK_K, BLOCK_D, FREE, MASKED, PRECISION)  # fmt: skip
    sum_QD, top_Q, total_Q = _take(sum_QD, top_Q, total_Q, q_QD, keys, values, mask_of_row, high, end,
                                   first_Q, last_Q, k_s, v_s, scale,
                                   WIDTH, BLOCK_K, BLOCK_D, RANGED, MASKED, PRECISION)  # fmt: skip

    blind_Q = total_Q == 0.0
    total_Q = tl.where(blind_Q, 1.0, total_Q)
    column = tl.arange(0, BLOCK_D)
    where = out + batch * out_b + head * out_h + at_Q.to(tl.int64)[:, None] * out_t + column[None, :]
    stored = (at_Q < queries)[:, None] & (column < WIDTH)[None, :]
    tl.store(where, (sum_QD / total_Q[:, None]).to(out.dtype.element_ty), mask=stored)
    lse_Q = tl.where(blind_Q, float("inf"), top_Q + tl.log2(total_Q))
    tl.store(lse + row.to(tl.int64) * queries + at_Q, lse_Q, mask=at_Q < queries)
