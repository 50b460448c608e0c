"""spatial-bench: splits of our own, published as a recipe. The same seed makes the same scenes and questions.

``write_bench`` writes a split, ``verify`` tells whether this machine makes what ours made; see docs/spatial_bench.md.
"""

from spatial_lalm.simulation.bench.checks import BENCH, Verdict, record, verify
from spatial_lalm.simulation.bench.recipe import SPLITS, Bench, Subset, load_bench
from spatial_lalm.simulation.bench.writing import fill_bench, verify_folder, write_bench

__all__ = [
    "BENCH",
    "SPLITS",
    "Bench",
    "Subset",
    "Verdict",
    "fill_bench",
    "load_bench",
    "record",
    "verify",
    "verify_folder",
    "write_bench",
]
