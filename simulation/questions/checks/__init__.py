"""Answers derived a second time, from vectors and frames, by none of the code that made them."""
