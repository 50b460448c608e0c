# mypy: allow-untyped-defs, allow-incomplete-defs, allow-untyped-calls, allow-untyped-decorators
# mypy: disable-error-code="import-untyped"
"""The backward kernels: a program owns the gradient of a block of queries, or of keys, and adds up all that reaches it.

So nothing is added atomically and a run repeats bit by bit. What keys are to a block of queries, queries are to a
block of keys: those that see one of its keys are one run too. The memory's keys are seen by all queries: their programs
take a share of the queries each and leave partial sums. ``delta`` is the dot product of every output and its gradient.
"""

from __future__ import annotations

import triton
import triton.language as tl

from spatial_lalm.kernels.triton_forward import BOUNDED, FREE, RANGED, hide, load_rows, middle


@triton.jit
def delta_kernel(
    out, grad, delta, out_b, out_h, out_t, grad_b, grad_h, grad_t, heads, queries,
    WIDTH: tl.constexpr, BLOCK_Q: tl.constexpr, BLOCK_D: tl.constexpr,
):  # fmt: skip
    """``delta`` of a block of queries."""
    row = tl.program_id(1)
    batch, head = (row // heads).to(tl.int64), (row % heads).to(tl.int64)
    at_Q = tl.program_id(0) * BLOCK_Q + tl.arange(0, BLOCK_Q)
    out_QD = load_rows(out + batch * out_b + head * out_h, at_Q, queries, out_t, WIDTH, BLOCK_D, BOUNDED)
    grad_QD = load_rows(grad + batch * grad_b + head * grad_h, at_Q, queries, grad_t, WIDTH, BLOCK_D, BOUNDED)
    delta_Q = tl.sum(out_QD.to(tl.float32) * grad_QD.to(tl.float32), 1)
    tl.store(delta + row.to(tl.int64) * queries + at_Q, delta_Q, mask=at_Q < queries)


@triton.jit
def _pull(
    d_q_QD, q_QD, grad_QD, lse_Q, delta_Q, keys, values, mask, begin, end, first_Q, last_Q, stride_k, stride_v, scale,
    WIDTH: tl.constexpr, BLOCK_K: tl.constexpr, BLOCK_D: tl.constexpr,
    EDGE: tl.constexpr, MASKED: tl.constexpr, PRECISION: tl.constexpr,
):  # fmt: skip
    """Add to the queries' gradient what keys ``[begin, end)`` say."""
    for start in range(begin, end, BLOCK_K):
        at_K = start + tl.arange(0, BLOCK_K)
        k_KD = load_rows(keys, at_K, end, stride_k, WIDTH, BLOCK_D, EDGE)
        v_KD = load_rows(values, at_K, end, stride_v, WIDTH, BLOCK_D, EDGE)
        score_QK = tl.dot(q_QD, tl.trans(k_KD), input_precision=PRECISION) * scale
        score_QK = hide(score_QK, at_K, end, first_Q, last_Q, mask, EDGE, MASKED)
        weight_QK = tl.exp2(score_QK - lse_Q[:, None])
        d_weight_QK = tl.dot(grad_QD, tl.trans(v_KD), input_precision=PRECISION)
        d_score_QK = weight_QK * (d_weight_QK - delta_Q[:, None])
        d_q_QD = tl.dot(d_score_QK.to(k_KD.dtype), k_KD, d_q_QD, input_precision=PRECISION)
    return d_q_QD


@triton.jit
def query_kernel(
    q, k, v, memory_k, memory_v, mask, first, last, grad, lse, delta, d_q,
    q_b, q_h, q_t, k_b, k_g, k_s, v_b, v_g, v_s, mk_b, mk_g, mk_m, mv_b, mv_g, mv_m, grad_b, grad_h, grad_t,
    mask_b, range_b, heads, share, queries, memory, scale, natural_scale,
    WIDTH: tl.constexpr, BLOCK_Q: tl.constexpr, BLOCK_K: tl.constexpr, BLOCK_D: tl.constexpr,
    MASKED: tl.constexpr, PRECISION: tl.constexpr,
):  # fmt: skip
    """Gradient of a block of queries; ``d_q`` is contiguous."""
    row = tl.program_id(1)
    batch, head = (row // heads).to(tl.int64), (row % heads).to(tl.int64)
    group = head // share
    start = tl.program_id(0) * BLOCK_Q
    at_Q = start + tl.arange(0, BLOCK_Q)
    first_Q = tl.load(first + batch * range_b + at_Q, mask=at_Q < queries, other=0)
    last_Q = tl.load(last + batch * range_b + at_Q, mask=at_Q < queries, other=0)
    q_QD = load_rows(q + batch * q_b + head * q_h, at_Q, queries, q_t, WIDTH, BLOCK_D, BOUNDED)
    grad_QD = load_rows(grad + batch * grad_b + head * grad_h, at_Q, queries, grad_t, WIDTH, BLOCK_D, BOUNDED)
    flat = row.to(tl.int64) * queries
    lse_Q = tl.load(lse + flat + at_Q, mask=at_Q < queries, other=float("inf"))
    delta_Q = tl.load(delta + flat + at_Q, mask=at_Q < queries, other=0.0)
    d_q_QD = tl.zeros((BLOCK_Q, BLOCK_D), tl.float32)

    keys, values = memory_k + batch * mk_b + group * mk_g, memory_v + batch * mv_b + group * mv_g
    whole = memory // BLOCK_K * BLOCK_K
    d_q_QD = _pull(d_q_QD, q_QD, grad_QD, lse_Q, delta_Q, keys, values, mask, 0, whole, first_Q, last_Q,
                   mk_m, mv_m, scale, WIDTH, BLOCK_K, BLOCK_D, FREE, False, PRECISION)  # fmt: skip
    d_q_QD = _pull(d_q_QD, q_QD, grad_QD, lse_Q, delta_Q, keys, values, mask, whole, memory, first_Q, last_Q,
                   mk_m, mv_m, scale, WIDTH, BLOCK_K, BLOCK_D, BOUNDED, False, PRECISION)  # fmt: skip

    keys, values = k + batch * k_b + group * k_g, v + batch * v_b + group * v_g
    mask_of_row = mask + batch * mask_b
    end_query = tl.minimum(start + BLOCK_Q, queries) - 1
    begin, free_begin = tl.load(first + batch * range_b + start), tl.load(first + batch * range_b + end_query)
    free_end, end = tl.load(last + batch * range_b + start), tl.load(last + batch * range_b + end_query)
    low, high = middle(begin, free_begin, free_end, BLOCK_K)
    d_q_QD = _pull(d_q_QD, q_QD, grad_QD, lse_Q, delta_Q, keys, values, mask_of_row, begin, tl.minimum(low, end),
                   first_Q, last_Q, k_s, v_s, scale, WIDTH, BLOCK_K, BLOCK_D, RANGED, MASKED, PRECISION)  # fmt: skip
    d_q_QD = _pull(d_q_QD, q_QD, grad_QD, lse_Q, delta_Q, keys, values, mask_of_row, low, high,
                   first_Q, last_Q, k_s, v_s, scale, WIDTH, BLOCK_K, BLOCK_D, FREE, MASKED, PRECISION)  # fmt: skip
    d_q_QD = _pull(d_q_QD, q_QD, grad_QD, lse_Q, delta_Q, keys, values, mask_of_row, high, end,
                   first_Q, last_Q, k_s, v_s, scale, WIDTH, BLOCK_K, BLOCK_D, RANGED, MASKED, PRECISION)  # fmt: skip

    column = tl.arange(0, BLOCK_D)
    where = d_q + (flat + at_Q)[:, None] * WIDTH + column[None, :]
    stored = (at_Q < queries)[:, None] & (column < WIDTH)[None, :]
    tl.store(where, (d_q_QD * natural_scale).to(d_q.dtype.element_ty), mask=stored)


@triton.jit
def _push(
    d_k_KD, d_v_KD, k_KD, v_KD, at_K, shown_K, q, grad, lse, delta, first, last, begin, end, q_t, grad_t, scale,
    WIDTH: tl.constexpr, BLOCK_Q: tl.constexpr, BLOCK_D: tl.constexpr,
    EDGE: tl.constexpr, MASKED: tl.constexpr, PRECISION: tl.constexpr,
):  # fmt: skip
    """Add to the gradients of a block of keys what queries ``[begin, end)`` of one head say."""
    for start in range(begin, end, BLOCK_Q):
        at_Q = start + tl.arange(0, BLOCK_Q)
        q_QD = load_rows(q, at_Q, end, q_t, WIDTH, BLOCK_D, EDGE)
        grad_QD = load_rows(grad, at_Q, end, grad_t, WIDTH, BLOCK_D, EDGE)
        lse_Q = tl.load(lse + at_Q, mask=at_Q < end, other=float("inf"))
        delta_Q = tl.load(delta + at_Q, mask=at_Q < end, other=0.0)
        score_KQ = tl.dot(k_KD, tl.trans(q_QD), input_precision=PRECISION) * scale
        if EDGE == RANGED:
            first_Q = tl.load(first + at_Q, mask=at_Q < end, other=0)
            last_Q = tl.load(last + at_Q, mask=at_Q < end, other=0)
            seen = (at_K[:, None] >= first_Q[None, :]) & (at_K[:, None] < last_Q[None, :])
            score_KQ = tl.where(seen, score_KQ, float("-inf"))
        if MASKED:
            score_KQ = tl.where(shown_K[:, None], score_KQ, float("-inf"))
        weight_KQ = tl.exp2(score_KQ - lse_Q[None, :])
        d_v_KD = tl.dot(weight_KQ.to(grad_QD.dtype), grad_QD, d_v_KD, input_precision=PRECISION)
        d_weight_KQ = tl.dot(v_KD, tl.trans(grad_QD), input_precision=PRECISION)
        d_score_KQ = weight_KQ * (d_weight_KQ - delta_Q[None, :])
        d_k_KD = tl.dot(d_score_KQ.to(q_QD.dtype), q_QD, d_k_KD, input_precision=PRECISION)
    return d_k_KD, d_v_KD


@triton.jit
def key_kernel(
    q, k, v, mask, first, last, bounds, grad, lse, delta, d_k, d_v,
    q_b, q_h, q_t, k_b, k_g, k_s, v_b, v_g, v_s, grad_b, grad_h, grad_t,
    mask_b, range_b, bounds_b, groups, share, queries, keys, scale, natural_scale,
    WIDTH: tl.constexpr, BLOCK_Q: tl.constexpr, BLOCK_K: tl.constexpr, BLOCK_D: tl.constexpr,
    MASKED: tl.constexpr, PRECISION: tl.constexpr,
):  # fmt: skip
    """Gradients of a block of keys and values, over all heads that share them; ``d_k`` and ``d_v`` are contiguous.

    ``bounds`` holds four numbers a block: the run of queries that see any of it, and within it that of those who see
    all.
    """
    row = tl.program_id(1)
    batch, group = (row // groups).to(tl.int64), (row % groups).to(tl.int64)
    at_K = tl.program_id(0) * BLOCK_K + tl.arange(0, BLOCK_K)
    k_KD = load_rows(k + batch * k_b + group * k_g, at_K, keys, k_s, WIDTH, BLOCK_D, BOUNDED)
    v_KD = load_rows(v + batch * v_b + group * v_g, at_K, keys, v_s, WIDTH, BLOCK_D, BOUNDED)
    shown_K = at_K < keys
    if MASKED:
        shown_K = tl.load(mask + batch * mask_b + at_K, mask=at_K < keys, other=0) != 0
    mine = bounds + batch * bounds_b + tl.program_id(0) * 4
    begin, free_begin = tl.load(mine), tl.load(mine + 1)
    free_end, end = tl.load(mine + 2), tl.load(mine + 3)
    low, high = middle(begin, free_begin, free_end, BLOCK_Q)
    first_of_row, last_of_row = first + batch * range_b, last + batch * range_b
    d_k_KD = tl.zeros((BLOCK_K, BLOCK_D), tl.float32)
    d_v_KD = tl.zeros((BLOCK_K, BLOCK_D), tl.float32)
    for one in range(0, share):
        head = group * share + one
        q_of_head, grad_of_head = q + batch * q_b + head * q_h, grad + batch * grad_b + head * grad_h
        flat = (batch * groups * share + head) * queries
        d_k_KD, d_v_KD = _push(d_k_KD, d_v_KD, k_KD, v_KD, at_K, shown_K, q_of_head, grad_of_head, lse + flat,
                               delta + flat, first_of_row, last_of_row, begin, tl.minimum(low, end), q_t, grad_t, scale,
                               WIDTH, BLOCK_Q, BLOCK_D, RANGED, MASKED, PRECISION)  # fmt: skip
        d_k_KD, d_v_KD = _push(d_k_KD, d_v_KD, k_KD, v_KD, at_K, shown_K, q_of_head, grad_of_head, lse + flat,
                               delta + flat, first_of_row, last_of_row, low, high, q_t, grad_t, scale,
                               WIDTH, BLOCK_Q, BLOCK_D, FREE, MASKED, PRECISION)  # fmt: skip
        d_k_KD, d_v_KD = _push(d_k_KD, d_v_KD, k_KD, v_KD, at_K, shown_K, q_of_head, grad_of_head, lse + flat,
                               delta + flat, first_of_row, last_of_row, high, end, q_t, grad_t, scale,
                               WIDTH, BLOCK_Q, BLOCK_D, RANGED, MASKED, PRECISION)  # fmt: skip
    column = tl.arange(0, BLOCK_D)
    where = (row.to(tl.int64) * keys + at_K)[:, None] * WIDTH + column[None, :]
    stored = (at_K < keys)[:, None] & (column < WIDTH)[None, :]
    tl.store(d_k + where, (d_k_KD * natural_scale).to(d_k.dtype.element_ty), mask=stored)
    tl.store(d_v + where, d_v_KD.to(d_v.dtype.element_ty), mask=stored)


@triton.jit
def memory_kernel(
    q, k, v, grad, lse, delta, d_k, d_v,
    q_b, q_h, q_t, k_b, k_g, k_m, v_b, v_g, v_m, grad_b, grad_h, grad_t,
    groups, share, queries, memory, portion, scale, natural_scale,
    WIDTH: tl.constexpr, BLOCK_Q: tl.constexpr, BLOCK_K: tl.constexpr, BLOCK_D: tl.constexpr, PRECISION: tl.constexpr,
):  # fmt: skip
    """What a portion of the queries adds to the gradients of a block of the memory: ``(portions, B * G, M, D)``."""
    row = tl.program_id(1)
    batch, group = (row // groups).to(tl.int64), (row % groups).to(tl.int64)
    at_K = tl.program_id(0) * BLOCK_K + tl.arange(0, BLOCK_K)
    k_KD = load_rows(k + batch * k_b + group * k_g, at_K, memory, k_m, WIDTH, BLOCK_D, BOUNDED)
    v_KD = load_rows(v + batch * v_b + group * v_g, at_K, memory, v_m, WIDTH, BLOCK_D, BOUNDED)
    begin = tl.program_id(2) * portion
    end = tl.minimum(begin + portion, queries)
    whole = begin + (end - begin) // BLOCK_Q * BLOCK_Q
    shown_K = at_K < memory
    d_k_KD = tl.zeros((BLOCK_K, BLOCK_D), tl.float32)
    d_v_KD = tl.zeros((BLOCK_K, BLOCK_D), tl.float32)
    for one in range(0, share):
        head = group * share + one
        q_of_head, grad_of_head = q + batch * q_b + head * q_h, grad + batch * grad_b + head * grad_h
        flat = (batch * groups * share + head) * queries
        d_k_KD, d_v_KD = _push(d_k_KD, d_v_KD, k_KD, v_KD, at_K, shown_K, q_of_head, grad_of_head, lse + flat,
                               delta + flat, lse, lse, begin, whole, q_t, grad_t, scale,
                               WIDTH, BLOCK_Q, BLOCK_D, FREE, False, PRECISION)  # fmt: skip
        d_k_KD, d_v_KD = _push(d_k_KD, d_v_KD, k_KD, v_KD, at_K, shown_K, q_of_head, grad_of_head, lse + flat,
                               delta + flat, lse, lse, whole, end, q_t, grad_t, scale,
                               WIDTH, BLOCK_Q, BLOCK_D, BOUNDED, False, PRECISION)  # fmt: skip
    column = tl.arange(0, BLOCK_D)
    slot = tl.program_id(2).to(tl.int64) * tl.num_programs(1) + row
    where = (slot * memory + at_K)[:, None] * WIDTH + column[None, :]
    stored = (at_K < memory)[:, None] & (column < WIDTH)[None, :]
    tl.store(d_k + where, d_k_KD * natural_scale, mask=stored)
    tl.store(d_v + where, d_v_KD, mask=stored)
