"""What recorders do to sound on its way to a file: overload and lossy coding, the same on every channel."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Samples = NDArray[np.float32]

CLIPPED_AT = (0.2, 0.8)
"""Share of the highest peak at which an overloaded recorder stops."""
CUTOFF_HZ = (3_000.0, 7_000.0)
LEVELS = 255
"""Of the companded quantisation (mu-law, ITU-T G.711), per channel group: noise that follows the signal."""


def spoiled(samples: Samples, rate: int, seed: int, share: float) -> Samples:
    """Samples ``(channels, T)`` as they are, or in ``share`` of all seeds clipped or coded, half each."""
    rng = np.random.default_rng([seed, len("spoiled")])  # apart from the scene's own draws
    if rng.random() >= share or not samples.any():
        return samples
    return clipped(samples, rng.uniform(*CLIPPED_AT)) if rng.random() < 0.5 else coded(samples, rate, rng)


def clipped(samples: Samples, at: float) -> Samples:
    """All channels cut off at a share of the highest peak."""
    limit = np.float32(at * np.abs(samples).max())
    return np.clip(samples, -limit, limit)


def coded(samples: Samples, rate: int, rng: np.random.Generator) -> Samples:
    """No treble above a random cutoff (no phase shift), and quantised on a logarithmic scale."""
    from scipy.signal import butter, sosfiltfilt

    cutoff = min(float(np.exp(rng.uniform(*np.log(CUTOFF_HZ)))), 0.45 * rate)
    dull = sosfiltfilt(butter(4, cutoff, fs=rate, output="sos"), samples, axis=1)
    peak = np.abs(dull).max()
    companded = np.sign(dull) * np.log1p(LEVELS * np.abs(dull) / peak) / np.log1p(LEVELS)
    coarse = np.round(companded * (LEVELS // 2)) / (LEVELS // 2)
    expanded = np.sign(coarse) * np.expm1(np.abs(coarse) * np.log1p(LEVELS)) / LEVELS
    return np.asarray(peak * expanded, dtype=np.float32)
