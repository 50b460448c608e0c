"""Recordings, conventions, arrays, array-to-ambisonics encoding and features."""
