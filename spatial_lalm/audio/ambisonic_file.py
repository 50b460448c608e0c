"""AmbiX files that say what they are: a WAV or FLAC file with the convention in its title, and its quality beside it.

The quality mask of ``OUT.wav`` lies in ``OUT.wav.json``: ``convention``, ``order``, ``rate``, ``array`` (name),
``array_hash`` (SHA-256 of the acoustics that were encoded), ``left_out`` (capsules, from 1), ``bands_hz (B,)``,
``quality (C, B)`` in [0, 1] in ACN order, ``notes`` and ``generator``.
"""

from __future__ import annotations

from pathlib import Path
from types import TracebackType
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from spatial_lalm.audio.conventions import channel_count
from spatial_lalm.errors import InputError

Encoding = Literal["float", "pcm24"]
ENCODINGS: tuple[str, ...] = get_args(Encoding)
CONVENTION = "AmbiX ACN/SN3D"
FLAC_CHANNELS = 8
WAV_BYTES = 4 * 10**9
"""Above this a WAV file's own sizes overflow, and RF64 is written, which the same programs read."""
_SUBTYPES = {"float": "FLOAT", "pcm24": "PCM_24"}


def sidecar_path(path: Path) -> Path:
    """Where the quality mask of a file lies: ``OUT.wav.json`` for ``OUT.wav``."""
    return path.with_name(path.name + ".json")


def check_name(path: Path, order: int, encoding: Encoding | None = None) -> Encoding:
    """The encoding of the samples of a file of that name; ``InputError`` where the name allows none."""
    ending = path.suffix.lower()
    if ending not in (".wav", ".flac"):
        raise InputError(f"{path}: the ending says the format: name it .wav or .flac")
    if ending == ".wav":
        return encoding or "float"
    if channel_count(order) > FLAC_CHANNELS:
        raise InputError(
            f"{path}: FLAC holds {FLAC_CHANNELS} channels, order {order} has {channel_count(order)}: name it .wav"
        )
    if encoding == "float":
        raise InputError(f"{path}: FLAC holds no floating-point samples: use pcm24, or name it .wav")
    return "pcm24"


class AmbisonicWriter:
    """Writes AmbiX signals of an order to ``target`` block by block, in the format that ``name`` ends in.

    Counts the largest magnitude (``peak``), and the samples beyond full scale, which PCM cuts off (``cut``).
    """

    def __init__(self, target: Path, name: Path, rate: int, order: int, frames: int, encoding: Encoding) -> None:
        """Begin a file of about ``frames`` samples a channel."""
        import soundfile

        width = 4 if encoding == "float" else 3
        large = frames * channel_count(order) * width > WAV_BYTES
        container = "FLAC" if name.suffix.lower() == ".flac" else "RF64" if large else "WAV"
        self.peak, self.cut, self._pcm = 0.0, 0, encoding != "float"
        try:
            self._file = soundfile.SoundFile(
                target, "w", rate, channel_count(order), _SUBTYPES[encoding], format=container
            )
        except soundfile.LibsndfileError as error:
            raise OSError(f"{name}: cannot be written ({error.error_string})") from None
        self._file.title = f"{CONVENTION} order {order}"
        self._file.comment = f"ambisonics: {channel_count(order)} channels in ACN order with SN3D weights"

    def __enter__(self) -> AmbisonicWriter:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the file."""
        self._file.close()

    def write(self, signals: NDArray[np.float32]) -> None:
        """Append signals ``(C, T)``; ``OSError`` where the disk is full."""
        import soundfile

        level = np.abs(signals)
        self.peak = max(self.peak, float(level.max(initial=0.0)))
        self.cut += int(np.count_nonzero(level > 1)) if self._pcm else 0
        try:
            self._file.write(signals.T)
        except (soundfile.LibsndfileError, AssertionError) as error:  # the latter where the disk took a part
            raise OSError(f"{self._file.name}: cannot be written to its end ({error})") from None


def sidecar(
    order: int, rate: int, bands_hz: NDArray[np.floating], quality: NDArray[np.float32], **about: Any
) -> dict[str, Any]:
    """The content of a sidecar file as plain JSON values; ``about`` is added as it is."""
    return {
        "convention": CONVENTION,
        "order": order,
        "rate": rate,
        **about,
        "bands_hz": np.round(bands_hz, 2).tolist(),
        "quality": np.round(quality.astype(float), 4).tolist(),
    }
