"""Rooms, sources, receivers, rendering, labels, questions: spatial scenes with labels one can trust."""
