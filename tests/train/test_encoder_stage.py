"""The stage of hearing: going on from a trained encoder, and refusing one of another size."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from spatial_lalm.errors import InputError
from spatial_lalm.model.configuration import SpatialEncoderConfig
from spatial_lalm.model.encoder import SpatialEncoder
from spatial_lalm.train.config import EncoderStage, Optimisation, SceneData
from spatial_lalm.train.encoder_stage import prepare, train_encoder

TINY = {
    "stem_channels": [4, 4, 8, 8], "hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2,
    "segment_frames": 10, "range_width": 4,
}  # fmt: skip


def stage(start: str = "", learning_rate: float = 1e-3, **model: object) -> EncoderStage:
    return EncoderStage(
        SceneData(scenes=2, validation=3, duration_s=(1.0,), t60_s=(0.1, 0.3), event_s=(0.4, 0.9)),
        Optimisation(steps=1, batch=2, warm_up=0, learning_rate=learning_rate, weight_decay=0.0),
        model={**TINY, **model},
        start=start,
    )


@pytest.fixture(scope="module")
def scenes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("scenes")
    prepare(stage(), None, folder, 1, None)
    return folder


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("trained")
    torch.manual_seed(7)
    SpatialEncoder(SpatialEncoderConfig(**TINY)).save_pretrained(folder)
    return folder


def test_training_goes_on_from_the_weights_of_another_run(scenes: Path, trained: Path, tmp_path: Path) -> None:
    wanted = SpatialEncoder.from_pretrained(trained).state_dict()
    ours = train_encoder(stage(str(trained), 1e-30), scenes, tmp_path / "on").state_dict()
    fresh = train_encoder(stage("", 1e-30), scenes, tmp_path / "anew").state_dict()
    names = [name for name in wanted if "running" not in name and wanted[name].is_floating_point()]
    assert all(torch.allclose(ours[name], wanted[name]) for name in names)
    assert not all(torch.allclose(fresh[name], wanted[name]) for name in names)


def test_an_encoder_of_another_size_is_refused(scenes: Path, trained: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"an encoder of another size \(.*\); give it the same model table"):
        train_encoder(stage(str(trained), hidden_size=32), scenes, tmp_path)


def test_a_folder_without_weights_is_refused(scenes: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"start = .*: no model\.safetensors there"):
        train_encoder(stage(str(tmp_path)), scenes, tmp_path / "out")
