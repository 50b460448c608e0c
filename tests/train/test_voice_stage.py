"""Voices in training: rooms on mel power, folded normalisations, calibrated ratios, and a whole small run."""

from __future__ import annotations

import csv
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch
from torch.nn import functional as nnf

from spatial_lalm.errors import InputError
from spatial_lalm.model.voices import load_voices
from spatial_lalm.train import voice_stage
from spatial_lalm.train.voice_augmentation import band_centres, in_rooms, played
from spatial_lalm.train.voice_stage import PLAN, Trainee, angular_loss, fit_errors, fit_space, main, train_voices

RNG = np.random.default_rng(0)


# ---------------------------------------------------------------- rooms


def test_a_burst_decays_and_nothing_comes_before_it() -> None:
    power = np.full((50, 100, 64), 1e-9)
    power[:, 40] = 1.0
    heard = np.log(in_rooms(np.random.default_rng(1), power, power)).mean((0, 2))
    assert heard[40] > heard[39] + 2
    assert heard[41:45].mean() > heard[50:60].mean() > heard[80:].mean() - 0.1
    assert heard[:39].mean() == pytest.approx(heard[90:].mean(), abs=0.5)  # the noise alone


def test_one_room_is_the_same_for_all() -> None:
    power = RNG.gamma(5, 1, (200, 50, 64))
    colours = [
        np.log(in_rooms(np.random.default_rng(2), power, power, one_room).mean(1)).std(0).mean()
        for one_room in (True, False)
    ]
    assert colours[0] < 0.75 * colours[1]


def test_who_is_played_faster_is_smaller_and_sooner_done() -> None:
    centres = band_centres()
    tone = np.tile(-np.square(np.log(centres / 1000)), (90, 1))
    fast = played(tone, 1.15)
    assert fast.shape == (78, 64)
    assert centres[fast.mean(0).argmax()] == pytest.approx(1150, rel=0.05)
    assert played(tone, 1.0) == pytest.approx(tone, abs=1e-5)


# ---------------------------------------------------------------- the network


def test_folding_changes_no_embedding() -> None:
    torch.manual_seed(0)
    trainee, heard = Trainee(5), torch.randn(16, 80, 64)
    for _ in range(20):
        trainee(heard)  # moments of the normalisations
    with torch.no_grad():
        trainee.pooled_norm.weight.uniform_(0.5, 2)
        trainee.pooled_norm.bias.normal_()
        cosines = trainee.eval()(heard)
        net = trainee.folded()
        directions = nnf.normalize(net.readout(net.pooled(net.sums(heard, torch.ones(16, 80)))))
    assert torch.allclose(directions @ nnf.normalize(trainee.speakers).T, cosines, atol=1e-4)


def test_a_margin_makes_the_right_angle_count_less() -> None:
    cosines, speaker = torch.tensor([[0.9, 0.5, -0.2]]), torch.tensor([0])
    plain = nnf.cross_entropy(voice_stage.SCALE * cosines, speaker)
    assert torch.allclose(angular_loss(cosines, speaker, 0.0), plain, atol=1e-4)
    assert angular_loss(cosines, speaker, 0.3) > 2 * plain


def test_errors_are_calibrated() -> None:
    torch.manual_seed(0)
    net = Trainee(2).folded()
    said = [RNG.normal(0, 0.5, (300, 64)) + 2 * RNG.normal(size=64) for _ in range(40)]
    fit_space(net, said[:25])
    assert (net.between.diff() <= 1e-6).all()
    before = net.errors.clone()
    fit_errors(net, said[25:])
    assert (net.errors >= voice_stage.LEAST).all()
    assert not torch.equal(net.errors, before)


# ---------------------------------------------------------------- the run


def listed(folder: Path, speakers: int, seconds: float = 4.6) -> Path:
    rows = [("file", "class", "split", "speaker", "text")]
    for number in range(speakers):
        path = folder / f"{number:02d}.wav"
        tilt = np.convolve(RNG.normal(0, 0.1, round(16_000 * seconds)), RNG.normal(size=20), mode="same")
        soundfile.write(path, np.clip(tilt / 4, -1, 1), 16_000)
        rows.append((str(path), "speech", "train", f"s{number:02d}", ""))
    (folder / "list.csv").write_text("")
    with (folder / "list.csv").open("w", newline="") as handle:
        csv.writer(handle).writerows(rows)
    return folder / "list.csv"


def test_a_run_leaves_voices_and_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(voice_stage, "HELD_BACK", 4)
    monkeypatch.setattr(voice_stage, "TAKES", 2)
    sources = listed(tmp_path, 9, seconds=5.2)
    plan = replace(PLAN, steps=4, batch=4, checkpoint_every=2)
    train_voices(sources, tmp_path / "whole", plan)
    tell = voice_stage._tell
    monkeypatch.setattr(voice_stage, "_tell", lambda done, steps: interrupt() if done == 3 else None)
    with pytest.raises(KeyboardInterrupt):
        train_voices(sources, tmp_path / "parts", plan)
    monkeypatch.setattr(voice_stage, "_tell", tell)
    train_voices(sources, tmp_path / "parts", plan)
    whole, parts = ((tmp_path / name / "model.safetensors").read_bytes() for name in ("whole", "parts"))
    assert whole == parts
    assert load_voices(tmp_path / "whole" / "model.safetensors") is not None


def interrupt() -> None:
    raise KeyboardInterrupt


def test_too_few_speakers_are_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(listed(tmp_path, 3)), str(tmp_path / "out")]) == 2
    told = capsys.readouterr().err
    assert told.startswith("error:")
    assert "3 speakers" in told
    assert "50 are needed" in told
    with pytest.raises(InputError, match="no such"):
        train_voices(tmp_path / "nowhere.csv", tmp_path / "out")
