"""What is remembered of a recording: segments of frames in a few tokens each, and the file that keeps it all."""

from spatial_lalm.memory.segments import SegmentSummary, summary_size

__all__ = ["SegmentSummary", "summary_size"]
