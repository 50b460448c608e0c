"""Benchmark readers, metrics, controls and reports."""
