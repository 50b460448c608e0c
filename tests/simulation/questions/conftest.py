"""Random scene graphs for tests of questions, and scenes made by hand."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from spatial_lalm.audio.scene import Acoustics, Room, Scene, SourceEvent

Place = tuple[float, float, float]


@pytest.fixture(scope="session")
def event() -> Callable[..., SourceEvent]:
    """Make an event: label, onset, offset and one place, or the two ends of a path."""

    def make(
        label: str, onset_s: float, offset_s: float, *path: Place, speaker: str | None = None, drr_db: float = 2.0
    ) -> SourceEvent:
        frames = round(10 * (offset_s - onset_s))
        shares = np.linspace(0, 1, frames) if len(path) > 1 else [0.0]
        track = tuple(
            tuple(float(a + (b - a) * share) for a, b in zip(path[0], path[-1], strict=True)) for share in shares
        )
        own = Acoustics(0.5, (0.5,) * 6, drr_db, 10.0, 0.48, (0.5,) * 6, 0.7)
        return SourceEvent(label, onset_s, offset_s, track, (True,) * frames, speaker=speaker, acoustics=own)  # type: ignore[arg-type]

    return make


@pytest.fixture(scope="session")
def scene_of() -> Callable[..., Scene]:
    """Make a scene of 12 s in a room of 5 x 6 x 3 m with a T60 of 0.5 s, or outdoors."""

    def make(*events: SourceEvent, outdoors: bool = False) -> Scene:
        walls = (1.0, 1.0, 1.0, 1.0, 0.2, 1.0) if outdoors else (0.3,) * 6
        measured = Acoustics(0.5, (0.4, 0.45, 0.5, 0.55, 0.6, 0.65), 2.0, 10.0, 0.48, (0.5,) * 6, 0.7)
        scene = Scene(12.0, 16_000, 1, Room((5.0, 6.0, 3.0), walls), (1.0, 1.0, 1.0), events, measured, 20.0, 0)
        return replace(scene, acoustics=replace(measured, t60_s=float("nan"))) if outdoors else scene

    return make
