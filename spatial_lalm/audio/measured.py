"""Measured responses of an array: what each capsule hears of an impulse from each of many directions.

Between the measured directions the responses are interpolated with their arrival times taken out: what is left varies
slowly over the sphere. The arrival times are smoothed by spherical harmonics of degree 4, the aligned spectra
interpolated by a cubic radial kernel on chords, which is exact where a direction was measured (time alignment:
Brinkmann & Weinzierl, "Comparison of head-related transfer functions pre-processing techniques for spherical harmonics
decomposition", AES AVAR 2018).

Legend: D measured directions, Q wanted directions, M microphones, N samples, F frequencies.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any, TypeVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from spatial_lalm.audio.conventions import acn_orders, harmonic_terms

AnyFloat = TypeVar("AnyFloat", bound=np.floating[Any])

DELAY_DEGREE = 4
DELAY_SMOOTHING = 1e-5
"""Penalty on the squared Laplacian of the arrival times over the sphere, against their squared errors."""
KERNEL_SLACK = 1e-9
"""Keeps the kernel matrix regular where two directions nearly coincide."""
GAP_POINTS = 480
NARROW_GAP_DEG = 10.0
HEARD_SHARE = (0.03, 0.8)
"""Share of the spectrum in which arrival times are judged."""
OVERSAMPLING = 8
DIRECTIONS_AT_ONCE = 64


@dataclass(frozen=True, eq=False)
class MeasuredResponses:
    """Impulse responses ``(D, M, N)`` at ``rate`` Hz from unit vectors ``directions (D, 3)`` towards the sources.

    ``zero`` is the sample (fractional) at which an impulse would reach the array's centre; ``notes`` say in plain
    words what was assumed or mended when they were read. Directions must differ from each other.
    """

    directions: NDArray[np.float64]
    impulses: NDArray[np.float32]
    rate: int
    zero: float = 0.0
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Freeze the arrays, so that the digest cannot go stale."""
        object.__setattr__(self, "directions", _frozen(np.asarray(self.directions, dtype=np.float64)))
        object.__setattr__(self, "impulses", _frozen(np.asarray(self.impulses, dtype=np.float32)))

    @property
    def microphones(self) -> int:
        """Number of capsules."""
        return int(self.impulses.shape[1])

    @cached_property
    def digest(self) -> str:
        """SHA-256 of everything that matters to sound, as 64 hexadecimal digits."""
        content = hashlib.sha256(f"{self.rate} {self.zero!r} {self.impulses.shape}".encode())
        content.update(np.ascontiguousarray(self.directions, dtype="<f8").tobytes())
        content.update(np.ascontiguousarray(self.impulses, dtype="<f4").tobytes())
        return content.hexdigest()

    def manifold(self, frequencies: ArrayLike, directions: ArrayLike) -> NDArray[np.complex128]:
        """Responses ``(F, M, Q)`` to plane waves from ``directions (Q, 3)``; zero above half the rate.

        The error is that of the interpolation: on a dummy head measured every 7 degrees about -38 dB at 250 Hz, -33 dB
        at 2 kHz, -22 dB at 4 kHz and -18 dB at 7.5 kHz. Directions that nobody measured near are extrapolated.
        """
        hertz = np.atleast_1d(np.asarray(frequencies, dtype=float))
        wanted = np.atleast_2d(np.asarray(directions, dtype=float))
        weights = _kept_weights(self, wanted.tobytes())
        aligned = self._spectra(hertz) * self._phase(hertz, self.delays(self.directions))
        late = self.delays(wanted) - self.zero
        mixed = (weights.astype(np.complex64) @ aligned.reshape(len(weights.T), -1)).reshape(
            len(wanted), -1, len(hertz)
        )
        heard = mixed * self._phase(hertz, late).conj() * (hertz <= self.rate / 2)
        return np.ascontiguousarray(np.moveaxis(heard, 2, 0).swapaxes(1, 2)).astype(np.complex128)

    def delays(self, directions: NDArray[np.float64]) -> NDArray[np.float64]:
        """Smoothed arrival times ``(Q, M)`` in samples from the start of the responses."""
        times: NDArray[np.float64] = _harmonics(self._delay_degree, directions) @ self._delay_terms
        return times

    @property
    def mean_delay(self) -> float:
        """Arrival time in samples at the array's centre: the mean over all directions and capsules.

        Over the whole sphere the detours of a capsule cancel: exactly in the free field, and to 4 % of the radius on a
        rigid sphere (Woodworth's path).
        """
        return float(self._delay_terms[0].mean())

    @property
    def _delay_degree(self) -> int:
        """Few directions cannot tell as much."""
        return int(np.clip(np.sqrt(len(self.directions) / 2) - 1, 0, DELAY_DEGREE))

    @cached_property
    def _delay_terms(self) -> NDArray[np.float64]:
        """Harmonics of the arrival times ``(K, M)``, by penalised least squares."""
        harmonics = _harmonics(self._delay_degree, self.directions)
        degree = acn_orders(self._delay_degree)
        penalty = DELAY_SMOOTHING * len(harmonics) * (degree * (degree + 1.0)) ** 2
        gram = harmonics.T @ harmonics + np.diag(penalty)
        return np.asarray(np.linalg.solve(gram, harmonics.T @ arrival_times(self.impulses)), dtype=np.float64)

    def _spectra(self, hertz: NDArray[np.float64]) -> NDArray[np.complex64]:
        """Spectra ``(D, M, F)`` at any frequencies."""
        time = np.arange(self.impulses.shape[2])[:, None] / self.rate
        turn = 2 * np.pi * hertz * time
        real, imaginary = (self.impulses @ wave.astype(np.float32) for wave in (np.cos(turn), -np.sin(turn)))
        return np.asarray(real + np.complex64(1j) * imaginary, dtype=np.complex64)

    def _phase(self, hertz: NDArray[np.float64], samples: NDArray[np.float64]) -> NDArray[np.complex64]:
        """e^{+jw tau} of delays ``(Q, M)`` in samples, ``(Q, M, F)``."""
        return np.asarray(np.exp(2j * np.pi / self.rate * samples[..., None] * hertz), dtype=np.complex64)

    def weights(self, wanted: NDArray[np.float64]) -> NDArray[np.float64]:
        """Interpolation weights ``(Q, D)``, which add up to one."""
        cubic, measured = self._cubic.weights(wanted), len(self.directions)
        weights: NDArray[np.float64] = cubic[:, :measured] + cubic[:, measured:] @ self._gaps[1]
        return weights

    @cached_property
    def _gaps(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Directions ``(G, 3)`` that fill the gaps between the measured, and their weights ``(G, D)``.

        A cubic kernel swings across a wide gap by many decibels; a linear one, which only averages, is used there.
        """
        from spatial_lalm.audio.encoding import fibonacci_grid  # which itself needs arrays, and they need this module

        among = self.directions @ self.directions.T - 3 * np.eye(len(self.directions))
        spacing = float(np.median(np.arccos(np.clip(among.max(axis=1), -1, 1))))
        grid = np.asarray(fibonacci_grid(GAP_POINTS), dtype=np.float64)
        nearest = np.arccos(np.clip((grid @ self.directions.T).max(axis=1), -1, 1))
        gaps = grid[nearest > max(spacing, np.radians(NARROW_GAP_DEG))]
        return gaps, KernelInterpolation(self.directions, 1).weights(gaps)

    @cached_property
    def _cubic(self) -> KernelInterpolation:
        return KernelInterpolation(np.concatenate([self.directions, self._gaps[0]]), 3)


@lru_cache(maxsize=4)
def _kept_weights(measured: MeasuredResponses, wanted: bytes) -> NDArray[np.float32]:
    """Weights of the directions in use, for the next frequencies."""
    return measured.weights(np.frombuffer(wanted).reshape(-1, 3)).astype(np.float32)


class KernelInterpolation:
    """Interpolation between values at unit vectors by a sum of |chord|^power around each, and a trend.

    Power 1 has a constant trend and averages; power 3 also reproduces what is linear in x, y, z (Duchon, 1977).
    """

    def __init__(self, nodes: NDArray[np.float64], power: int) -> None:
        """Factorise the kernel matrix of ``nodes (D, 3)``, which must differ from each other."""
        from scipy.linalg import lu_factor

        self.nodes, self.power = nodes, power
        trend = self._trend(nodes)
        kernel = self._kernel(nodes) + KERNEL_SLACK * np.eye(len(nodes))
        self._factors = lu_factor(np.block([[kernel, trend], [trend.T, np.zeros((trend.shape[1],) * 2)]]))

    def weights(self, wanted: NDArray[np.float64]) -> NDArray[np.float64]:
        """Weights ``(Q, D)`` of the nodes at ``wanted (Q, 3)``; each row adds up to one."""
        from scipy.linalg import lu_solve

        right = np.concatenate([self._kernel(wanted), self._trend(wanted).T])
        weights: NDArray[np.float64] = lu_solve(self._factors, right)[: len(self.nodes)].T
        return weights

    def _trend(self, directions: NDArray[np.float64]) -> NDArray[np.float64]:
        constant = np.ones((len(directions), 1))
        return constant if self.power == 1 else np.concatenate([constant, directions], axis=1)

    def _kernel(self, directions: NDArray[np.float64]) -> NDArray[np.float64]:
        """Powers of the chords ``(D, Q)`` from the nodes."""
        chord = np.sqrt(np.maximum(2 - 2 * self.nodes @ directions.T, 0))
        powers: NDArray[np.float64] = chord**self.power
        return powers


def _frozen(values: NDArray[AnyFloat]) -> NDArray[AnyFloat]:
    """A read-only copy."""
    copy = values.copy()
    copy.setflags(write=False)
    return copy


def _harmonics(degree: int, directions: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.stack(harmonic_terms(degree, *directions.T), axis=-1)


def arrival_times(impulses: NDArray[np.float32]) -> NDArray[np.float64]:
    """Arrival times ``(D, M)`` in samples of impulse responses ``(D, M, N)``.

    Where the response agrees best with its own minimum-phase version (Nam, Abel & Smith, "A method for estimating
    interaural time difference for binaural synthesis", AES 125, 2008).
    """
    parts = range(0, len(impulses), DIRECTIONS_AT_ONCE)
    return np.concatenate([_arrivals(impulses[start : start + DIRECTIONS_AT_ONCE]) for start in parts])


def _arrivals(impulses: NDArray[np.float32]) -> NDArray[np.float64]:
    size = 4 * int(2 ** np.ceil(np.log2(impulses.shape[2])))
    spectrum = np.fft.rfft(impulses, size, axis=-1)
    # The filters of the recording at both ends of the band have delays of their own, which are not the array's.
    low, high = (round(share * size / 2) for share in HEARD_SHARE)
    level = np.abs(spectrum)[..., np.clip(np.arange(size // 2 + 1), low, high)]
    cepstrum = np.fft.irfft(np.log(np.maximum(level, 1e-4 * level.max(axis=-1, keepdims=True) + 1e-30)), size, axis=-1)
    cepstrum[..., 1 : size // 2] *= 2
    cepstrum[..., size // 2 + 1 :] = 0
    minimum = np.exp(np.fft.rfft(cepstrum, axis=-1))
    cross = spectrum * minimum.conj()
    cross[..., :low] = cross[..., high:] = 0
    agreement = np.fft.irfft(cross, OVERSAMPLING * size, axis=-1)
    best = agreement.argmax(axis=-1) / OVERSAMPLING
    return np.asarray(np.where(best > size / 2, best - size, best), dtype=np.float64)
