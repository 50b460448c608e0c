"""The curriculum: objectives, stages and data feeding."""
