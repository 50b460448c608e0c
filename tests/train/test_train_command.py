"""The command ``train``, from a recipe to a folder that answers; a run that goes on; mistakes in one line."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch

from spatial_lalm.app import cli
from spatial_lalm.audio.recording import Recording
from spatial_lalm.model import hearing
from spatial_lalm.model.loading import load_model
from spatial_lalm.train import language_stage, listening, memory_stage, scenes
from spatial_lalm.train.run import _same_run

TINY = """
[encoder.data]
scenes = 6
validation = 4
part = 2
duration_s = [1.0]
t60_s = [0.1, 0.3]
event_s = [0.4, 0.9]

[encoder.optimisation]
steps = 3
batch = 4
checkpoint_every = 2

[encoder.model]
order = 2
counting = true
stem_channels = [4, 4, 8, 8]
hidden_size = 16
num_hidden_layers = 1
num_attention_heads = 2
segment_frames = 10
range_width = 4
range_arrivals = true

[listening]
scenes = 6
validation = 4
part = 2
seed = 5
duration_s = [1.0]
t60_s = [0.1, 0.3]
event_s = [0.4, 0.9]
counts = [0.0, 1.0]

[room.optimisation]
steps = 2
batch = 4
checkpoint_every = 2

[range.optimisation]
steps = 2
batch = 4
checkpoint_every = 2

[language]
questions = 2
vocabulary = 320

[language.data]
scenes = 4
validation = 2
part = 2
seed = 3
duration_s = [1.0, 2.0]
t60_s = [0.1, 0.3]
event_s = [0.4, 0.9]

[language.optimisation]
steps = 2
batch = 2
checkpoint_every = 2

[language.model]
model_type = "qwen3"
hidden_size = 16
intermediate_size = 24
num_hidden_layers = 1
num_attention_heads = 2
num_key_value_heads = 1
head_dim = 8
max_position_embeddings = 512
tie_word_embeddings = true

[memory]
answer_every = 2
answers = 2
read_tokens = 100

[memory.data]
windows = [3, 5]
questions = 3

[memory.optimisation]
steps = 2
batch = 2
checkpoint_every = 2
bfloat16 = false

[memory.model]
size = 16
heads = 2
layers = 1
keys = 8
"""


@pytest.fixture(scope="module")
def recipe(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("recipe") / "tiny.toml"
    path.write_text(TINY)
    return path


@pytest.fixture(autouse=True)
def _small(monkeypatch: pytest.MonkeyPatch) -> None:
    shrink(monkeypatch)


def shrink(patch: pytest.MonkeyPatch) -> None:
    """A vocabulary from few texts, no program for speech."""
    patch.setattr(language_stage, "TOKENIZER_TEXTS", 100)
    patch.setattr(memory_stage, "VALIDATION_WINDOWS", (4,))
    library = scenes.SourceLibrary.builtin(espeak=False)
    # An encoder of three steps hears nothing surely and nothing in its place.
    patch.setattr(hearing, "ON", 0.0)
    patch.setattr(hearing, "SURE", 0.0)
    patch.setattr(listening, "SAME_DEG", 180.0)
    patch.setattr(scenes, "open_library", lambda *_: library)


@pytest.fixture(scope="module")
def run(recipe: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a finished run."""
    folder = tmp_path_factory.mktemp("run") / "out"
    with pytest.MonkeyPatch.context() as patch:
        shrink(patch)
        assert cli.main(["train", str(recipe), "--out", str(folder), "--workers", "1"]) == 0
    return folder


def error_of(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> str:
    assert cli.main(["train", *arguments]) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.startswith("spatial-lalm: error: ")
    assert said.err.count("\n") == 1
    return said.err


# ---------------------------------------------------------------- a whole run


def test_run_ends_with_a_model_that_answers(run: Path) -> None:
    files = {path.name for path in (run / "model").iterdir()}
    assert {"config.json", "model.safetensors", "tokenizer.json", "processor_config.json"} <= files
    model = load_model(run / "model")
    assert model.model.config.max_seconds == 2.0
    noise = np.random.default_rng(0).normal(0, 0.1, (4, 20_000))
    answer = model.ask(Recording.from_array(noise, 16_000, "ambix"), "Where is the noise?")
    assert isinstance(answer.text, str)
    json.dumps(answer.to_dict(), allow_nan=False)


def test_files_of_the_model_do_not_name_the_folder_that_it_was_trained_in(run: Path) -> None:
    told = "".join(path.read_text() for path in (run / "model").glob("*.json"))
    assert str(run) not in told


def test_encoder_of_the_model_is_the_trained_one(run: Path) -> None:
    from spatial_lalm.model.encoder import SpatialEncoder

    encoder = SpatialEncoder.from_pretrained(run / "range" / "model").state_dict()
    tower = load_model(run / "model").model.audio_tower.state_dict()
    assert encoder.keys() == tower.keys()
    assert all(encoder[name].equal(tower[name]) for name in encoder)


def test_room_stage_changes_nothing_but_the_rooms_head(run: Path) -> None:
    from spatial_lalm.model.encoder import SpatialEncoder

    paths = (run / stage / "model" for stage in ("encoder", "room"))
    before, after = (SpatialEncoder.from_pretrained(path).state_dict() for path in paths)
    changed = {name for name in before if not before[name].equal(after[name])}
    assert changed
    assert all(name.startswith("heads.room") for name in changed)


def test_logs_tell_loss_and_validation(run: Path) -> None:
    for stage, steps in (("encoder", 3), ("room", 2), ("range", 2), ("language", 2), ("memory", 2)):
        rows = [json.loads(line) for line in (run / stage / "log.jsonl").read_text().splitlines()]
        assert [row["step"] for row in rows if "loss" in row] == [steps]
        assert rows[-1]["step"] == steps
        assert rows[-1]["validation"]


def test_run_again_changes_nothing(run: Path, recipe: Path, capsys: pytest.CaptureFixture[str]) -> None:
    weights = run / "model" / "model.safetensors"
    before = weights.read_bytes()
    assert cli.main(["train", str(recipe), "--out", str(run), "--workers", "1"]) == 0
    assert capsys.readouterr().out == f"{run / 'model'}\n"
    assert weights.read_bytes() == before


def test_stages_one_by_one_give_the_same_model(
    run: Path, recipe: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    places = {stage: f"{stage}/model" for stage in ("encoder", "room", "range")}
    places |= {"language": "model", "memory": "model"}
    for stage, where in places.items():
        assert cli.main(["train", str(recipe), "--out", str(tmp_path), "--stage", stage, "--workers", "2"]) == 0
        assert capsys.readouterr().out == f"{tmp_path / where}\n"
    for name in ("encoder/checkpoint.safetensors", "model/model.safetensors", "model/tokenizer.json"):
        assert (tmp_path / name).read_bytes() == (run / name).read_bytes(), name


def test_language_goes_on_from_another_model(run: Path, tmp_path: Path) -> None:
    recipe = tmp_path / "on.toml"
    slow = TINY.replace("[language]", f"[language]\nstart = {str(run / 'model')!r}").replace(
        "[language.optimisation]", "[language.optimisation]\nlearning_rate = 1e-30"
    )
    recipe.write_text(slow)
    for stage in ("room", "range"):
        shutil.copytree(run / stage, tmp_path / "out" / stage)
    assert (
        cli.main(["train", str(recipe), "--out", str(tmp_path / "out"), "--stage", "language", "--workers", "1"]) == 0
    )
    begun, trained = (load_model(path / "model").model for path in (run, tmp_path / "out"))
    for part in ("language_model", "multi_modal_projector"):
        theirs, ours = (getattr(model, part).state_dict() for model in (begun, trained))
        assert all(torch.allclose(theirs[name], ours[name]) for name in theirs)
    assert (tmp_path / "out/model/tokenizer.json").read_bytes() == (run / "model/tokenizer.json").read_bytes()


# ---------------------------------------------------------------- mistakes


def test_another_recipe_needs_another_folder(run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    other = tmp_path / "other.toml"
    other.write_text(TINY.replace("steps = 3", "steps = 4"))
    assert "holds a run of another recipe" in error_of([str(other), "--out", str(run)], capsys)


def test_language_needs_an_encoder(recipe: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = [str(recipe), "--out", str(tmp_path / "new"), "--stage", "language"]
    assert "run the stage 'range' first" in error_of(arguments, capsys)
    assert not (tmp_path / "new").exists()  # a run of another recipe may still begin there


def test_memory_needs_a_model(recipe: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = [str(recipe), "--out", str(tmp_path / "new"), "--stage", "memory"]
    assert "run the stage 'language' first" in error_of(arguments, capsys)


def test_a_run_begun_before_a_stage_was_known_goes_on(run: Path, recipe: Path, tmp_path: Path) -> None:
    content = json.loads((run / "run.json").read_text())
    assert _same_run({**content, "recipe": {k: v for k, v in content["recipe"].items() if k != "memory"}}, content)
    assert not _same_run({**content, "recipe": content["recipe"] | {"room": {}}}, content)
    assert not _same_run(content | {"sources": "others"}, content)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["maxi"], "maxi: no such configuration"),
        (["mini", "--workers", "0"], "--workers 0: must be at least 1"),
        (["mini", "--sources", "nowhere.csv"], "nowhere.csv: no such folder or CSV list"),
    ],
)
def test_mistakes_are_one_line(arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert said in error_of(arguments, capsys)


def test_language_refuses_a_model_of_another_size(
    run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    recipe = tmp_path / "on.toml"
    wider = TINY.replace("[language]", f"[language]\nstart = {str(run / 'model')!r}")
    recipe.write_text(
        wider.replace("hidden_size = 16\nintermediate_size = 24", "hidden_size = 32\nintermediate_size = 24")
    )
    for stage in ("room", "range"):
        shutil.copytree(run / stage, tmp_path / "out" / stage)
    shutil.copytree(run / "scenes" / "language", tmp_path / "out" / "scenes" / "language")
    arguments = [str(recipe), "--out", str(tmp_path / "out"), "--stage", "language", "--workers", "1"]
    assert "a model of another size; give it the same model tables" in error_of(arguments, capsys)


def test_wrong_field_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "wrong.toml"
    path.write_text("[encoder.data]\nscenes = 'many'\n")
    assert "scenes = 'many': must be a whole number" in error_of([str(path), "--out", str(tmp_path / "new")], capsys)
    assert not (tmp_path / "new").exists()
