"""Dry mono sounds for the simulator: files of a folder or a CSV list, and the built-in generators.

Drawing is in three steps: the class (speech with a fixed share, all others evenly), then the group (a speaker, or a
single file where no speaker is known, so that one speaker with many files does not drown the rest), then the excerpt.
"""

from __future__ import annotations

import hashlib
import warnings
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from spatial_lalm.audio.scene import CLASSES
from spatial_lalm.errors import InputError
from spatial_lalm.simulation.excerpts import active_frames, excerpt, levelled, trimmed
from spatial_lalm.simulation.source_files import AudioCache, FileEntry, read_folder, read_list
from spatial_lalm.simulation.source_survey import Progress, surveyed

Samples = NDArray[np.float32]


@dataclass(frozen=True)
class DrySource:
    """One dry sound: ``samples`` is ``(n,)`` float32 with RMS ``ACTIVE_RMS`` over its sounding part."""

    label: str
    samples: Samples
    speaker: str | None = None
    text: str = ""


class Entry(Protocol):
    """Something that can be drawn from: a file or a generator."""

    @property
    def label(self) -> str:
        """Class of the sound."""

    @property
    def speaker(self) -> str | None:
        """Who speaks, where known."""

    @property
    def identity(self) -> tuple[str, ...]:
        """What tells this sound from others, wherever its file lies."""

    def draw(
        self, rng: np.random.Generator, samples: int, rate: int, cache: AudioCache, speaker: str | None = None
    ) -> DrySource:
        """A sound of at most ``samples`` samples, not yet trimmed or normalised."""


@dataclass(frozen=True)
class RecordedSound:
    """A sound that lies in a mono file."""

    file: FileEntry

    @property
    def label(self) -> str:
        """Class of the sound."""
        return self.file.label

    @property
    def speaker(self) -> str | None:
        """Who speaks, where the list says."""
        return self.file.speaker

    @property
    def identity(self) -> tuple[str, ...]:
        """Name, rate, length and text of the file, and the SHA-256 of its bytes."""
        file = self.file
        return (file.path.name, str(file.rate), str(file.frames), file.text, file.sha256)

    def draw(
        self, rng: np.random.Generator, samples: int, rate: int, cache: AudioCache, speaker: str | None = None
    ) -> DrySource:
        """A random excerpt that sounds; ``InputError`` where the file cannot be decoded or is silent throughout."""
        audio = cache.read(self.file, rng, samples, rate)
        active = active_frames(audio, rate)
        if not active.any():
            raise InputError(f"{self.file.path}: silent throughout; remove it from the sources")
        return DrySource(self.label, excerpt(audio, active, rng, samples, rate), self.speaker, self.file.text)


@dataclass(frozen=True)
class GeneratedSound:
    """A sound that a built-in generator makes."""

    label: str
    speaker: str | None = None

    @property
    def identity(self) -> tuple[str, ...]:
        """The generator's name."""
        return (self.label,)

    def draw(
        self, rng: np.random.Generator, samples: int, rate: int, cache: AudioCache, speaker: str | None = None
    ) -> DrySource:
        """A newly made sound, speech in a given voice where one is named."""
        from spatial_lalm.simulation import generators

        if self.label == "speech":
            line = generators.speak(rng, samples, rate, speaker)
            return DrySource(self.label, line.samples, line.speaker, line.text)
        return DrySource(self.label, generators.GENERATORS[self.label](rng, samples, rate))


# ---------------------------------------------------------------- the library


def left_out_text(silent: Sequence[Path]) -> str:
    """What is told of files that are silent and were left out."""
    names = ", ".join(path.name for path in silent[:4]) + (", ..." if len(silent) > 4 else "")
    return f"{len(silent)} {'sound is' if len(silent) == 1 else 'sounds are'} silent throughout and left out: {names}"


Group = tuple[Entry, ...]


def _grouped(entries: Iterable[Entry]) -> dict[str, tuple[Group, ...]]:
    """Entries by class, and in a class by speaker; an entry without a speaker is a group of its own."""
    classes: dict[str, dict[str, list[Entry]]] = {}
    for number, entry in enumerate(entries):
        key = f"s{entry.speaker}" if entry.speaker else f"n{number}"
        classes.setdefault(entry.label, {}).setdefault(key, []).append(entry)
    return {label: tuple(tuple(group) for group in classes[label].values()) for label in sorted(classes)}


@dataclass(frozen=True)
class SourceLibrary:
    """Sounds to draw from; picklable (the cache of decoded files stays behind) and cheap to fork.

    ``parts`` are (weight, sounds by class); ``speech_share`` is the share of draws that are speech where a part has
    speech and anything else. ``left_out`` are files that were listed and are silent.
    """

    parts: tuple[tuple[float, dict[str, tuple[Group, ...]]], ...]
    speech_share: float = 0.3
    cache: AudioCache = field(default_factory=AudioCache, compare=False, repr=False)
    left_out: tuple[Path, ...] = ()

    @classmethod
    def of(cls, entries: Sequence[Entry], speech_share: float = 0.3) -> SourceLibrary:
        """A library of the given entries."""
        return cls(((1.0, _grouped(entries)),), speech_share)

    @classmethod
    def builtin(cls, espeak: bool | None = None, speech_share: float = 0.3) -> SourceLibrary:
        """The generators, and speech by espeak-ng: when installed (None), always or ``InputError`` (True), never."""
        from spatial_lalm.simulation import generators

        if espeak and not generators.espeak_installed():
            raise InputError("espeak-ng is not installed: install it or leave built-in speech out")
        entries = [GeneratedSound(label) for label in generators.GENERATORS]
        if espeak or (espeak is None and generators.espeak_installed()):
            entries.append(GeneratedSound("speech"))
        return cls.of(entries, speech_share)

    @classmethod
    def open(
        cls,
        path: str | Path,
        split: str | None = None,
        speech_share: float = 0.3,
        rate: int = 16_000,
        progress: Progress = lambda done, total: None,
    ) -> SourceLibrary:
        """A folder ``PATH/<class>/…`` of mono audio, or a CSV ``file,class[,split,speaker,text]``.

        All files are looked through now, unless that is known from before (``source_survey``). Those that are silent
        are left out, with a warning.

        Args:
            path: The folder or the CSV.
            split: Keeps the rows of a CSV whose ``split`` column says so.
            speech_share: Share of draws that are speech.
            rate: Sample rate in Hz at which sounds will be drawn and must sound.
            progress: Told how many files of how many were looked through.

        Raises:
            InputError: Nothing there, no audio, missing columns; files that are missing, unreadable, empty, cut short,
                shorter than 20 ms, hold NaN or more than one channel; a class without a sound.
        """
        path = Path(path)
        files = read_folder(path, split) if path.is_dir() else read_list(path, split)
        sounding, silent = surveyed(files, path, rate, progress)
        if silent:
            warnings.warn(f"{path}: {left_out_text(silent)}", stacklevel=2)
        return replace(cls.of([RecordedSound(file) for file in sounding], speech_share), left_out=tuple(silent))

    @classmethod
    def mixed(cls, files: SourceLibrary, builtin: SourceLibrary, share_builtin: float = 0.2) -> SourceLibrary:
        """Draws from ``builtin`` with the given probability, else from ``files`` (whose speech share it keeps)."""
        if not 0.0 <= share_builtin <= 1.0:
            raise InputError(f"share of built-in sounds {share_builtin}: must be within 0 and 1")
        weighted = ((1.0 - share_builtin, files), (share_builtin, builtin))
        parts = tuple((share * weight, sounds) for share, library in weighted for weight, sounds in library.parts)
        return cls(parts, files.speech_share, left_out=files.left_out + builtin.left_out)

    @property
    def labels(self) -> frozenset[str]:
        """The classes that can be drawn."""
        return frozenset(label for weight, sounds in self.parts if weight > 0 for label in sounds)

    def shares(self) -> dict[str, float]:
        """How often a drawn sound is of each class."""
        total = sum(weight for weight, _ in self.parts)
        found: dict[str, float] = {}
        for weight, sounds in self.parts:
            others = [label for label in sounds if label != "speech"]
            speech = (self.speech_share if others else 1.0) if "speech" in sounds else 0.0
            for label in sounds:
                share = speech if label == "speech" else (1 - speech) / len(others)
                found[label] = found.get(label, 0.0) + weight / total * share
        return found

    @property
    def classes(self) -> tuple[str, ...]:
        """The class list of written scenes: ``CLASSES``, then the library's other classes in sorted order."""
        return (*CLASSES, *sorted(self.labels - set(CLASSES)))

    def counts(self) -> dict[str, int]:
        """Entries of each class."""
        total: dict[str, int] = {}
        for _, sounds in self.parts:
            for label, groups in sounds.items():
                total[label] = total.get(label, 0) + sum(map(len, groups))
        return total

    def fingerprint(self) -> str:
        """SHA-256 of what decides the draws: shares, classes, speakers, names and content of files, in draw order."""
        entries = [
            (weight, label, number, entry.speaker, entry.identity)
            for weight, sounds in self.parts
            for label, groups in sounds.items()
            for number, group in enumerate(groups)
            for entry in group
        ]
        return hashlib.sha256(repr((self.speech_share, entries)).encode()).hexdigest()

    def draw(
        self,
        rng: np.random.Generator,
        samples: int,
        rate: int = 16000,
        label: str | None = None,
        speaker: str | None = None,
    ) -> DrySource:
        """A sound of at most ``samples`` samples that starts and ends sounding, at ``ACTIVE_RMS``.

        ``label`` asks for a class, ``speaker`` for somebody who was drawn before. ``InputError`` names a file that
        cannot be decoded, holds NaN or is silent.
        """
        if samples < 1:
            raise InputError(f"a source of {samples} samples was asked for: at least 1 is needed")
        parts = [part for part in self.parts if part[0] > 0 and (label is None or label in part[1])]
        if not parts:
            raise InputError(f"no sound of class {label!r} in the sources: they hold {', '.join(sorted(self.labels))}")
        weights = np.array([weight for weight, _ in parts])
        sounds = parts[int(rng.choice(len(parts), p=weights / weights.sum()))][1]
        groups = sounds[label or self._draw_class(rng, sounds)]
        groups = tuple(group for group in groups if speaker and group[0].speaker == speaker) or groups
        group = groups[int(rng.integers(len(groups)))]
        dry = group[int(rng.integers(len(group)))].draw(rng, samples, rate, self.cache, speaker)
        return replace(dry, samples=levelled(trimmed(dry.samples, rate), rate))

    def _draw_class(self, rng: np.random.Generator, sounds: dict[str, Any]) -> str:
        labels = [label for label in sounds if label != "speech"]
        if "speech" in sounds and (not labels or rng.random() < self.speech_share):
            return "speech"
        return labels[int(rng.integers(len(labels)))]

    def preload(self, rate: int = 16000) -> None:
        """Decode all files now, as far as the cache holds them, so that forked workers share one copy."""
        for _, sounds in self.parts:
            for groups in sounds.values():
                for entry in (entry for group in groups for entry in group):
                    if isinstance(entry, RecordedSound):
                        self.cache.preload(entry.file, rate)
