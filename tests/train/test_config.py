"""Recipes: the shipped one loads, and a mistake in a file is named with its field."""

from __future__ import annotations

from pathlib import Path

import pytest

from spatial_lalm.errors import InputError
from spatial_lalm.train.config import CONFIGS, Recipe, load_recipe


def recipe(tmp_path: Path, text: str) -> Recipe:
    path = tmp_path / "own.toml"
    path.write_text(text)
    return load_recipe(str(path))


def refused(tmp_path: Path, text: str) -> str:
    with pytest.raises(InputError) as caught:
        recipe(tmp_path, text)
    message = str(caught.value)
    assert str(tmp_path / "own.toml") in message
    assert "\n" not in message
    return message


@pytest.mark.parametrize("name", sorted(path.stem for path in CONFIGS.glob("*.toml")))
def test_shipped_recipes_load_and_build_their_models(name: str) -> None:
    from transformers import AutoConfig

    from spatial_lalm.model.configuration import SpatialEncoderConfig

    shipped = load_recipe(name)
    encoder = SpatialEncoderConfig(**shipped.encoder.model)
    assert set(shipped.encoder.model) <= set(SpatialEncoderConfig().to_dict())
    assert encoder.hidden_size % encoder.num_attention_heads == 0
    text = dict(shipped.language.model)
    config = AutoConfig.for_model(text.pop("model_type"))
    assert set(text) <= set(config.to_dict())


def test_mini_is_shipped() -> None:
    assert load_recipe("mini").language.model["model_type"] == "qwen3"


def test_an_empty_file_is_the_defaults(tmp_path: Path) -> None:
    assert recipe(tmp_path, "") == Recipe()


def test_fields_are_read_and_the_others_keep_their_defaults(tmp_path: Path) -> None:
    text = """
        [encoder.data]
        scenes = 12
        t60_s = [0.2, 1]
        [encoder.optimisation]
        learning_rate = 1
        bfloat16 = false
        [language.model]
        model_type = "llama"
    """
    own = recipe(tmp_path, text)
    assert own.encoder.data.scenes == 12
    assert own.encoder.data.t60_s == (0.2, 1)
    assert own.encoder.data.seed == Recipe().encoder.data.seed
    assert own.encoder.optimisation.bfloat16 is False
    assert own.language.model == {"model_type": "llama"}
    assert own.language.data == Recipe().language.data


@pytest.mark.parametrize("names", [("n_embd", "n_layer"), ("hidden_size", "num_hidden_layers")])
def test_a_language_model_may_use_the_names_of_its_own_kind(tmp_path: Path, names: tuple[str, str]) -> None:
    text = f"[language.model]\nmodel_type = 'gpt2'\n{names[0]} = 64\n{names[1]} = 2"
    assert recipe(tmp_path, text).language.model == {"model_type": "gpt2", names[0]: 64, names[1]: 2}


@pytest.mark.parametrize("kind", ["'qwen33'", "3", "['qwen3']"])
def test_kind_of_language_model_that_does_not_exist(tmp_path: Path, kind: str) -> None:
    message = refused(tmp_path, f"[language.model]\nmodel_type = {kind}")
    assert f"model_type = {kind}: not known" in message
    assert len(message) < 300


def test_unknown_name_lists_the_shipped_ones() -> None:
    with pytest.raises(InputError, match=r"maxi: no such configuration; give a \.toml file or one of: .*mini"):
        load_recipe("maxi")


def test_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such configuration"):
        load_recipe(str(tmp_path / "none.toml"))


@pytest.mark.parametrize("text", ["[encoder", "x = ", "\x00"])
def test_no_toml(tmp_path: Path, text: str) -> None:
    assert "not a TOML file" in refused(tmp_path, text)


def test_file_in_another_encoding(tmp_path: Path) -> None:
    (tmp_path / "own.toml").write_bytes(b"# caf\xe9\n")
    with pytest.raises(InputError, match="not a TOML file"):
        load_recipe(str(tmp_path / "own.toml"))


@pytest.mark.parametrize(
    ("text", "field"),
    [
        ("[encodr]", "'encodr'"),
        ("[encoder.data]\nscene = 3", "'scene'"),
        ("[encoder.loss]\nvolume = 3.0", "'volume'"),
        ("steps = 3", "'steps'"),
        ("[encoder.model]\nhiden_size = 64", "'hiden_size'"),
        ("[encoder.model]\nmodel_type = 'other'", "'model_type'"),
        ("[language.model]\nhiden_size = 64", "'hiden_size'"),
        ("[language.model]\nmodel_type = 'gpt2'\nhead_dim = 64", "'head_dim'"),
        ("[language.model]\nto_dict = 64", "'to_dict'"),
    ],
)
def test_unknown_fields_are_named_with_the_known_ones(tmp_path: Path, text: str, field: str) -> None:
    message = refused(tmp_path, text)
    assert f"unknown field {field}" in message
    assert "known: " in message


@pytest.mark.parametrize(
    ("text", "field"),
    [
        ("encoder = 3", "encoder"),
        ("[encoder.data]\nscenes = 2.5", "scenes = 2.5"),
        ('[encoder.data]\nscenes = "many"', "scenes = 'many'"),
        ("[encoder.data]\nscenes = true", "scenes = True"),
        ("[encoder.data]\nscenes = [3]", "scenes = "),
        ("[encoder.optimisation]\nbfloat16 = 1", "bfloat16 = 1"),
        ('[encoder.optimisation]\nlearning_rate = "high"', "learning_rate = 'high'"),
        ("[encoder.data]\nduration_s = 4.0", "duration_s = 4.0"),
        ("[encoder.data]\nduration_s = []", "duration_s = "),
        ('[encoder.data]\nduration_s = ["long"]', "duration_s = "),
        ("[encoder.data]\nt60_s = [0.1]", "t60_s = "),
        ("[encoder.data]\nt60_s = [0.1, 0.2, 0.3]", "t60_s = "),
        ("[encoder]\nmodel = 3", "model"),
        ("[language]\nmodel = [3]", "model"),
    ],
)
def test_wrong_types_are_named_with_their_value(tmp_path: Path, text: str, field: str) -> None:
    assert field in refused(tmp_path, text)


@pytest.mark.parametrize("text", ["[encoder.data]\nvalidation = 0", "[language.optimisation]\ncheckpoint_every = 0"])
def test_counts_are_at_least_one(tmp_path: Path, text: str) -> None:
    assert "= 0: must be at least 1" in refused(tmp_path, text)
