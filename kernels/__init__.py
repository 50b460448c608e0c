"""Attention over a segment, its window of earlier segments and a memory prefix: one contract, several backends."""

from spatial_lalm.kernels.dispatch import BACKENDS, choose_backend, segment_attention
from spatial_lalm.kernels.language_model import register_attention
from spatial_lalm.kernels.rope import rotate
from spatial_lalm.kernels.view import segment_ids

__all__ = ["BACKENDS", "choose_backend", "register_attention", "rotate", "segment_attention", "segment_ids"]
