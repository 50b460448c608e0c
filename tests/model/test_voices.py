"""Voices: the beam is a beam, sums add up, and what is shipped tells one voice from another."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from spatial_lalm.audio.conventions import spherical_harmonics, unit_vector
from spatial_lalm.audio.features import spatial_features
from spatial_lalm.errors import InputError
from spatial_lalm.model.hearing import Stretch
from spatial_lalm.model.loading import SpatialLalm
from spatial_lalm.model.streaming import WindowStream, hear_windows
from spatial_lalm.model.talkers import log_ratio
from spatial_lalm.model.voices import SHIPPED, VoiceNet, beam_spectrum, load_voices, voice_sums
from spatial_lalm.simulation.bench.voices import Voice as Talker
from spatial_lalm.simulation.source_files import AudioCache

RNG = np.random.default_rng(0)
FULL = np.ones((4, 64), np.float32)
RATE = 16_000


def features(field: np.ndarray) -> torch.Tensor:
    return spatial_features(torch.from_numpy(field.astype(np.float32))[None])[0]


def stretch(start_s: float, end_s: float, azimuth: float = 0.0) -> Stretch:
    times = np.arange(round(10 * start_s), round(10 * end_s)) / 10
    ways = np.tile(unit_vector(azimuth, 0.0), (len(times), 1))
    path = np.column_stack([times, ways, np.zeros(len(times)), np.ones(len(times))])
    return Stretch(start_s, end_s, np.ones(1), ways.sum(0), 0.0, 0.9, path)


@pytest.fixture(scope="module")
def net() -> VoiceNet:
    torch.manual_seed(0)
    return VoiceNet().eval()


# ---------------------------------------------------------------- the beam


def test_a_beam_is_that_of_the_signals() -> None:
    field, direction = RNG.normal(0, 0.1, (4, RATE)), unit_vector(40.0, 20.0)
    beam = (field[0] + 3 * direction[[1, 2, 0]] @ field[1:]) / 4  # ACN: Y, Z, X
    own = features(np.concatenate([beam[None], np.zeros((3, RATE))]))[0]
    assert torch.allclose(beam_spectrum(features(field), direction, FULL), own, atol=2e-3)


@pytest.mark.parametrize("heard", [[1, 1, 1, 1], [1, 1, 0, 1], [1, 0.5, 0.5, 0.5], [1, 0, 0, 0]])
def test_a_wave_from_there_is_heard_as_it_is(heard: list[float]) -> None:
    direction = unit_vector(-70.0, 10.0)
    sound = RNG.normal(0, 0.1, RATE)
    field = spherical_harmonics(1, direction[None]).T * sound
    beam = beam_spectrum(features(field), direction, FULL * np.array(heard)[:, None])
    assert torch.allclose(beam, features(np.concatenate([sound[None], np.zeros((3, RATE))]))[0], atol=2e-3)


def test_what_comes_from_behind_is_kept_out() -> None:
    direction = unit_vector(30.0, 0.0)
    field = spherical_harmonics(1, -direction[None]).T * RNG.normal(0, 0.1, RATE)
    there, behind = (beam_spectrum(features(field), d, FULL).mean() for d in (-direction, direction))
    assert there - behind == pytest.approx(2 * np.log(2), abs=0.01)  # -1/2 of it: 6 dB


# ---------------------------------------------------------------- sums


def test_sums_of_one_voice_add_up(net: VoiceNet) -> None:
    maps = features(RNG.normal(0, 0.1, (4, 4 * RATE)))[None]
    once = voice_sums(net, maps, FULL, [(0, 0.0, stretch(1.0, 3.0))])[0]
    one, two = net.voice(once), net.voice(2 * once)
    assert one.embedding == pytest.approx(two.embedding, abs=1e-5)
    assert 1.0 < two.variance < one.variance
    assert 0 < once[0] < 2.0


def test_what_lies_outside_a_stretch_weighs_nothing(net: VoiceNet) -> None:
    sound = RNG.normal(0, 0.1, (4, 4 * RATE))
    other = sound.copy()
    other[:, 3 * RATE :] = RNG.normal(0, 1.0, (4, RATE))
    one, two = (voice_sums(net, features(s)[None], FULL, [(0, 8.0, stretch(9.0, 10.5))])[0] for s in (sound, other))
    assert one == pytest.approx(two, rel=1e-5)


def test_two_at_once_weigh_less(net: VoiceNet) -> None:
    maps = features(RNG.normal(0, 0.1, (4, 4 * RATE)))[None].expand(2, -1, -1, -1)
    spoken = [(0, 0.0, stretch(1.0, 3.0)), (0, 0.0, stretch(2.0, 3.0, 90.0)), (1, 4.0, stretch(5.0, 7.0))]
    together, beside, alone = voice_sums(net, maps, FULL, spoken)[:, 0]
    assert beside < 0.5 * together < together < alone
    assert voice_sums(net, maps, FULL, []).shape == (0, net.sums_width)


def test_windows_bring_voices_of_speech_alone(tiny_model: SpatialLalm, net: VoiceNet, sound: np.ndarray) -> None:
    stream = WindowStream()
    windows = (stream.push(sound) + stream.flush())[:1]
    without = hear_windows(tiny_model, windows, FULL, 1)[0].stretches
    assert all(s.voice.size == 0 for s in without)
    speech = tuple(tiny_model.model.config.audio_config.classes).index("speech")
    heard = hear_windows(replace(tiny_model, voices=net), windows, FULL, 1)[0].stretches
    assert len(heard) == len(without)
    for s in heard:
        assert s.voice.shape == (net.sums_width,)
        assert (s.voice[0] > 0) == (s.classes.argmax() == speech)


# ---------------------------------------------------------------- files


def test_no_file_is_no_voices(tmp_path: Path) -> None:
    assert load_voices(tmp_path / "nothing.safetensors") is None


def test_a_broken_file_is_told_in_a_line(tmp_path: Path, net: VoiceNet) -> None:
    path = tmp_path / "voices.safetensors"
    path.write_bytes(b"a shopping list")
    with pytest.raises(InputError, match=r"voices\.safetensors: cannot be loaded as voices"):
        load_voices(path)
    save_file({"gate.weight": torch.zeros(1, 3, 1), "project.weight": torch.zeros(4, 5)}, path)
    with pytest.raises(InputError, match="direction alone"):
        load_voices(path)
    weights = {
        name: values.half() if values.is_floating_point() else values for name, values in net.state_dict().items()
    }
    save_file(weights, path)
    loaded = load_voices(path)
    assert loaded is not None
    assert loaded.digest != net.digest  # halved
    assert load_file(path).keys() == loaded.state_dict().keys()


def test_what_is_shipped_tells_voices_apart() -> None:
    """Synthetic voices (source and filter) that trained nothing, two takes each."""
    net = load_voices()
    assert net is not None
    assert SHIPPED.stat().st_size < 1_000_000
    said = [[_voice(net, speaker, take) for take in range(2)] for speaker in (1, 4, 8, 11)]
    ratio = np.array([[_ratio(net, one[0], other[1]) for other in said] for one in said])
    others = ratio[~np.eye(4, dtype=bool)]
    assert ratio.diagonal().mean() > others.mean() + 2.0, ratio
    assert ratio.diagonal().min() > 0


def _voice(net: VoiceNet, speaker: int, take: int) -> Any:
    dry = Talker(speaker).draw(np.random.default_rng(take), 5 * RATE, RATE, AudioCache()).samples
    field = np.concatenate([dry[None], np.zeros((3, len(dry)))])
    whole = features(field)
    return net.voice(voice_sums(net, whole[None], FULL, [(0, 0.0, stretch(0.0, len(dry) / RATE - 0.1))])[0])


def _ratio(net: VoiceNet, one: Any, other: Any) -> float:
    return float(log_ratio(one.embedding[None], np.array([one.variance]), other, net.variances)[0])
