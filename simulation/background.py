"""Ambience and own noise of any length, made piece by piece: diffuse, from one place, swelling and fading.

Legend: R rows of the receiver (an array's capsules after one of W), T samples.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from spatial_lalm.audio.conventions import acn_orders
from spatial_lalm.audio.scene import Ambience
from spatial_lalm.simulation.receivers import Receiver
from spatial_lalm.simulation.recipe import BackgroundRecipe

Floats = NDArray[np.floating[Any]]
Samples = NDArray[np.float32]

PIECE_S = 8.0
FADE_S = 0.5
"""Pieces overlap by this, each fading with constant power."""


@dataclass(frozen=True)
class Background:
    """The noise of one scene; its W has a mean power of about 1.

    ``directional`` is what the receiver hears of an impulse at the place of the steady noise source ``(R, taps)``, or
    None, and ``place`` where that is: azimuth and elevation in degrees, distance in metres.
    """

    receiver: Receiver
    rate: int
    samples: int
    seed: int
    tilt: float
    own_db: float
    own_tilt: float
    swing_db: float = 0.0
    directional: Samples | None = None
    directional_db: float = 0.0
    place: tuple[float, float, float] | None = None

    @classmethod
    def draw(
        cls, rng: np.random.Generator, recipe: BackgroundRecipe, receiver: Receiver, rate: int, samples: int
    ) -> Background:
        """Noise by a recipe, without a directional part."""
        return cls(
            receiver,
            rate,
            samples,
            int(rng.integers(2**31)),
            tilt=float(rng.uniform(*recipe.diffuse_tilt)),
            own_db=float(rng.uniform(*recipe.own_db)),
            own_tilt=float(rng.uniform(*recipe.own_tilt)),
            swing_db=float(rng.uniform(*recipe.swing_db)) if rng.random() < recipe.unsteady_share else 0.0,
            directional_db=float(rng.uniform(*recipe.directional_db)),
        )

    @property
    def label(self) -> Ambience:
        """What the scene graph says of it."""
        plain = Ambience("diffuse", not self.swing_db, self.swing_db)
        if self.directional is None or self.place is None:
            return plain
        azimuth, elevation, distance = self.place
        return Ambience("directional", plain.steady, self.swing_db, azimuth, elevation, distance, self.directional_db)

    def block(self, start: int, stop: int) -> Samples:
        """Samples ``(R, stop - start)`` of the noise."""
        hop, length = self._hop, self._length
        rows = len(self._piece(0))
        out = np.zeros((rows, stop - start), np.float32)
        for number in range(max(0, (start - length) // hop + 1), (stop - 1) // hop + 1):
            first = number * hop
            begin, end = max(start, first), min(stop, first + length)
            if begin < end:
                out[:, begin - start : end - start] += self._piece(number)[:, begin - first : end - first]
        return out * (self._scale * self._swell(np.arange(start, stop))).astype(np.float32)

    def level_db(self, start: int, stop: int) -> float:
        """Mean power in W between two samples of the scene, over that of the noise at its middle level."""
        gain = self._swell(np.linspace(start, stop, 64).astype(np.int64))
        return float(10 * np.log10(np.mean(gain**2)))

    @cached_property
    def _length(self) -> int:
        """Samples of a piece: as many pieces as are needed, alike, none longer than ``PIECE_S``."""
        fade, longest = round(FADE_S * self.rate), round(PIECE_S * self.rate)
        if self.samples <= longest:
            return self.samples
        return -(-self.samples // -(-self.samples // (longest - fade))) + fade

    @property
    def _hop(self) -> int:
        """From piece to piece; a scene of one piece has none after it."""
        return self._length - round(FADE_S * self.rate) if self._length < self.samples else self._length

    @cached_property
    def _scale(self) -> float:
        """What brings the first piece's W to a power of 1."""
        return float(1 / np.sqrt(np.mean(np.square(self._piece(0)[0])) + 1e-20))

    @cached_property
    def _kept(self) -> dict[int, Samples]:
        return {}

    def _piece(self, number: int) -> Samples:
        """Piece ``(R, length)`` with faded ends; the last two are kept."""
        if number not in self._kept:
            while len(self._kept) > 1:
                del self._kept[min(self._kept)]
            self._kept[number] = self._faded(self._make(np.random.default_rng((self.seed, number))), number)
        return self._kept[number]

    def _faded(self, piece: Samples, number: int) -> Samples:
        fade = self._length - self._hop
        rise = np.sin(np.pi / 2 * (np.arange(fade) + 0.5) / max(fade, 1)).astype(np.float32)
        if fade and number:
            piece[:, :fade] *= rise
        if fade:
            piece[:, self._length - fade :] *= rise[::-1]
        return piece

    def _make(self, rng: np.random.Generator) -> Samples:
        import scipy.fft

        size = scipy.fft.next_fast_len(self._length, real=True)
        octaves = np.maximum(scipy.fft.rfftfreq(size, 1 / self.rate), 50.0) / 1000.0
        diffuse = (octaves**-self.tilt).astype(np.float32)
        spectrum = self._ambience(rng, size, diffuse, octaves)
        if self.directional is not None:
            level = 10 ** (self.directional_db / 20) / np.sqrt(np.sum(np.square(self.directional[0])) + 1e-20)
            steady = _white(rng, 1, size) * scipy.fft.rfft(self.directional, size) * (diffuse * level)
            spectrum = spectrum + steady.astype(np.complex64)
        return np.asarray(scipy.fft.irfft(spectrum, size)[:, : self._length], dtype=np.float32)

    def _ambience(self, rng: np.random.Generator, size: int, diffuse: Samples, octaves: Floats) -> NDArray[Any]:
        """Diffuse spectrum ``(R, F)``; ideal channels hiss by themselves, alike at all orders and rising to the bass.

        An array's capsules hiss on their own account, at an absolute level (``Receiver.noise``).
        """
        import scipy.fft

        if self.receiver.array is None:
            orders = acn_orders(self.receiver.order)[:, None]
            own = np.float32(10 ** (self.own_db / 20)) * (octaves**-self.own_tilt).astype(np.float32)
            shape = np.where(orders == 0, diffuse, np.hypot(diffuse / np.sqrt(2 * orders + 1), own))
            return _white(rng, len(orders), size) * shape.astype(np.float32)
        noise = self.receiver.diffuse_noise(self.rate, int(rng.integers(2**30)), self._length).sum(axis=0)
        return np.asarray(scipy.fft.rfft(noise, size) * diffuse)

    def _swell(self, moment: NDArray[np.int64]) -> Floats:
        """Gain ``(T,)``: three slow waves of periods of 2 to 15 s, ``swing_db`` from crest to trough together."""
        if not self.swing_db:
            return np.ones(len(moment))
        rng = np.random.default_rng((self.seed, 2**20))
        periods, phases = rng.uniform(2, 15, 3), rng.uniform(0, 2 * np.pi, 3)
        waves = np.sin(2 * np.pi * moment[:, None] / self.rate / periods + phases).sum(axis=1) / 6
        gain: Floats = 10 ** (self.swing_db * waves / 20)
        return gain


def _white(rng: np.random.Generator, rows: int, size: int) -> NDArray[np.complex64]:
    """White noise in the frequency domain, ``(rows, size / 2 + 1)``."""
    parts = rng.standard_normal((rows, size // 2 + 1, 2), dtype=np.float32)
    return parts.view(np.complex64)[..., 0]
