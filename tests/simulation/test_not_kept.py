"""What a rendered scene tells of settings that it does not keep."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pytest
from numpy.typing import NDArray

from spatial_lalm.audio.scene import Scene
from spatial_lalm.simulation.bench.voices import Voice
from spatial_lalm.simulation.library import DrySource, GeneratedSound, SourceLibrary
from spatial_lalm.simulation.recipe import SceneRecipe, SourceRecipe, still_scenes
from spatial_lalm.simulation.sampling import FULL_SCALE, render_blocks
from spatial_lalm.simulation.source_files import AudioCache

Samples = NDArray[np.float32]


@dataclass(frozen=True)
class Snap:
    """A second of faint noise with one sample 40 dB above it."""

    label: str = "snap"
    speaker: str | None = None
    identity: tuple[str, ...] = ("snap",)

    def draw(
        self, rng: np.random.Generator, samples: int, rate: int, cache: AudioCache, speaker: str | None = None
    ) -> DrySource:
        noise = rng.normal(0, 0.01, rate).astype(np.float32)
        noise[rate // 2] = 1.0
        return DrySource(self.label, noise)


SNAPS = SourceLibrary.of([Snap()])
CLICKS = SourceLibrary.of([GeneratedSound("click")])
NOISE = SourceLibrary.of([GeneratedSound("noise")])
PLAIN = still_scenes(2.0, t60_s=(0.2, 0.4), snr_db=(60.0, 60.0), counts=(0.0, 1.0), event_s=(0.3, 1.0))


def rendered(recipe: SceneRecipe, library: SourceLibrary, seed: int = 0) -> tuple[Samples, Scene, tuple[str, ...]]:
    labels, blocks = render_blocks(recipe, library, seed)
    samples = np.concatenate(list(blocks), axis=1)
    return samples, labels(), labels.not_kept


def level_db(samples: Samples) -> float:
    return float(10 * np.log10(np.mean(samples[0].astype(float) ** 2)))


def test_level_below_what_was_asked_for_because_of_the_peak_is_told() -> None:
    """And nothing else is untrue then: all labels are relative."""
    loud, soft = replace(PLAIN, level_db=(-10.0, -9.0)), replace(PLAIN, level_db=(-60.0, -59.0))
    held, told, names = rendered(loud, CLICKS)
    assert "level_db" in names
    assert np.abs(held).max() == pytest.approx(FULL_SCALE, rel=1e-5)
    assert level_db(held) < -10.1
    kept, quiet, others = rendered(soft, CLICKS)
    assert "level_db" not in others
    assert -60.0 <= level_db(kept) <= -59.0
    assert (told.events, told.snr_db) == (quiet.events, quiet.snr_db)
    np.testing.assert_allclose(held / np.abs(held).max(), kept / np.abs(kept).max(), atol=1e-5)


def test_level_within_what_was_asked_for_is_kept_though_the_peak_was_held() -> None:
    held, _, names = rendered(replace(PLAIN, level_db=(-60.0, 0.0)), CLICKS, seed=2)
    assert np.abs(held).max() == pytest.approx(FULL_SCALE, rel=1e-5)
    assert "level_db" not in names


def long_scene(**changes: float | tuple[float, float]) -> SceneRecipe:
    sources = replace(PLAIN.sources, window_s=31.0, level_spread_db=0.0)
    return replace(PLAIN, duration_s=61.0, sources=sources, **changes)  # type: ignore[arg-type]


def test_sound_of_a_long_scene_whose_peak_was_held_is_told() -> None:
    """At -26 dB a snap's peak would be above full scale, at -60 dB it is not."""
    for level, held in ((-26.0, True), (-60.0, False)):
        assert ("sources.level_spread_db" in rendered(long_scene(level_db=(level, level)), SNAPS)[2]) == held


def test_clipping_of_a_long_scene_is_told() -> None:
    recipe = long_scene(level_db=(-26.0, -26.0))
    noisy = replace(recipe, background=replace(recipe.background, snr_db=(-30.0, -30.0)))
    samples, _, names = rendered(noisy, NOISE)
    assert np.abs(samples).max() == 1.0
    assert "level_db" in names
    assert "level_db" not in rendered(recipe, NOISE)[2]


def library_of_voices(count: int) -> SourceLibrary:
    return SourceLibrary.of([Voice(number) for number in range(count)])


TALK = replace(PLAIN, duration_s=20.0, sources=SourceRecipe(conversation_share=1.0, moving_share=0.0))


@pytest.mark.parametrize(("voices", "kept"), [(1, False), (12, True)])
def test_conversation_of_too_few_voices_is_told(voices: int, kept: bool) -> None:
    assert ("sources.conversation_share" not in rendered(TALK, library_of_voices(voices))[2]) == kept


def test_conversation_without_time_for_two_is_told() -> None:
    assert "sources.conversation_share" in rendered(replace(TALK, duration_s=1.0), library_of_voices(12))[2]
