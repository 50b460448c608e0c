"""Attention over a segment, its window of earlier segments and a memory prefix: one contract, several backends."""

from spatial_lalm.kernels.dispatch import choose_backend, segment_attention

__all__ = ["choose_backend", "segment_attention"]
