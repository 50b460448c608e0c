"""The trained memory in a file: what analyze writes, which doubtful sounds it makes believed, what is read of it."""

from __future__ import annotations

import copy
from pathlib import Path

import h5py
import numpy as np
import pytest
import soundfile
import torch

from spatial_lalm.audio.recording import Recording
from spatial_lalm.audio.scene import CLASSES
from spatial_lalm.memory.store import MemoryFile, write_memory
from spatial_lalm.model.analysis import analyse, model_digest, plan_analysis
from spatial_lalm.model.loading import SpatialLalm, load_model
from spatial_lalm.model.modeling import new_memory
from spatial_lalm.model.processing import AUDIO
from spatial_lalm.model.recorded import Recorded
from spatial_lalm.model.recorded_memory import question_vector

SIZES = {"size": 16, "heads": 2, "layers": 1, "segment_tokens": 2, "chapter_segments": 4, "keys": 8, "read_tokens": 240}
RATE = 16_000
OPEN = "Tell me about it, please."


@pytest.fixture(scope="module")
def remembering(tiny_model: SpatialLalm) -> SpatialLalm:
    """The tiny model with an untrained memory."""
    lalm = copy.deepcopy(tiny_model)
    torch.manual_seed(1)
    lalm.model.config.memory_config = dict(SIZES)
    lalm.model.memory = new_memory(lalm.model.config).eval()
    return lalm


@pytest.fixture(scope="module")
def wav(sound: np.ndarray, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A minute and a half: 23 windows, 8 segments, 2 chapters."""
    path = tmp_path_factory.mktemp("long") / "long.wav"
    soundfile.write(path, np.tile(sound, 18).T, RATE)
    return path


@pytest.fixture(scope="module")
def file(remembering: SpatialLalm, wav: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("file") / "long.h5"
    analyse(plan_analysis(remembering, Recording.open(wav), views=1), out, 1)
    return out


# ---------------------------------------------------------------- what analyze writes


def test_the_levels_are_in_the_file(file: Path) -> None:
    with MemoryFile(file) as opened:
        tables = opened.tables()
        assert opened.version == 3
    assert tables["windows/hidden"].shape[:2] == (23, 10)
    assert tables["segments/tokens"].shape == (8, 2, 16)
    assert tables["segments/start_s"].tolist() == [12.0 * n for n in range(8)]
    assert tables["segments/end_s"][-1] == 90.0
    assert tables["chapters/tokens"].shape == (2, 8, 16)
    assert tables["chapters/end_s"].tolist() == [48.0, 90.0]
    assert tables["recording/tokens"].shape == (16, 16)
    for level in ("segments", "chapters"):
        np.testing.assert_allclose(np.linalg.norm(tables[f"{level}/keys"].astype(float), axis=-1), 1, atol=1e-2)


def test_threads_change_no_byte(remembering: SpatialLalm, wav: Path, file: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.h5"
    threads = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        analyse(plan_analysis(remembering, Recording.open(wav), views=1), out, 3)
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(threads)
    assert out.read_bytes() == file.read_bytes()


def test_a_model_without_memory_writes_windows_alone(tiny_model: SpatialLalm, wav: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.h5"
    analyse(plan_analysis(tiny_model, Recording.open(wav), views=1), out, 1)
    with MemoryFile(out) as opened:
        assert not any(name.startswith(("segments/", "chapters/", "recording/")) for name in opened.names)
    recorded = Recorded.open(out)
    assert not recorded.has_keys
    assert recorded.ask(OPEN, lambda: tiny_model).text


def test_a_saved_model_keeps_its_memory(remembering: SpatialLalm, tmp_path: Path) -> None:
    remembering.model.save_pretrained(tmp_path)
    remembering.processor.save_pretrained(tmp_path)
    loaded = load_model(tmp_path)
    assert model_digest(loaded) == model_digest(remembering)
    with pytest.raises(ValueError, match="memory_config has no 'length'"):
        new_memory(type(loaded.model.config)(memory_config={"length": 3}))


# ---------------------------------------------------------------- what is read


def said_with(recorded: Recorded, lalm: SpatialLalm, monkeypatch: pytest.MonkeyPatch) -> tuple[str, int]:
    """The prompt's audio part that the language model is given for an open question, and its embeddings."""
    told: list[tuple[str, int]] = []

    def say(self: SpatialLalm, question: str, audio: torch.Tensor, prompt: str) -> str:
        told.append((prompt, len(audio)))
        return "I hear speech."

    monkeypatch.setattr(SpatialLalm, "say", say)
    recorded.ask(OPEN, lambda: lalm)
    return told[0]


def test_the_language_model_reads_within_the_budget_by_time(
    file: Path, remembering: SpatialLalm, monkeypatch: pytest.MonkeyPatch
) -> None:
    prompt, tokens = said_with(Recorded.open(file), remembering, monkeypatch)
    assert prompt.count(AUDIO) == tokens
    assert prompt.startswith(AUDIO * 16)
    times = [piece[-8:] for piece in prompt.split(AUDIO) if piece]
    assert times == sorted(times)
    assert times[0] == "00:00:00"
    assert tokens + 8 * len(times) <= SIZES["read_tokens"]
    assert len(times) > 4


def test_another_model_reads_nothing(
    file: Path, remembering: SpatialLalm, tiny_model: SpatialLalm, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(SpatialLalm, "say", lambda *_: pytest.fail("tokens of another model were read"))
    Recorded.open(file).ask(OPEN, lambda: tiny_model)


def test_a_file_of_the_first_format_is_read(
    tiny_model: SpatialLalm, wav: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "old.h5"
    analyse(plan_analysis(tiny_model, Recording.open(wav), views=1), out, 1)
    with h5py.File(out, "a") as opened:
        opened.attrs["version"] = 1
        opened.move("windows", "segments")
        opened["segments/key"] = opened["segments/hidden"][:, 0]
    recorded = Recorded.open(out)
    assert not recorded.has_keys
    prompt, tokens = said_with(recorded, tiny_model, monkeypatch)
    assert tokens == prompt.count(AUDIO) == 70


# ---------------------------------------------------------------- doubtful sounds


def doubtful(
    file: Path, lalm: SpatialLalm, path: Path, question: str, cosine: float, confidence: float = 0.2
) -> Recorded:
    """The file with one event of rain at half a minute, and keys of its segment that have a cosine with a question."""
    with MemoryFile(file) as opened:
        tables, notes = opened.tables(), opened.notes
    assert lalm.model.memory is not None
    asked = question_vector(lalm, question)
    other = np.zeros_like(asked)
    other[np.argmin(np.abs(asked))] = 1.0
    other -= (other @ asked) * asked
    other /= np.linalg.norm(other)
    keys = np.tile(-asked, (8, 2, 1))
    keys[2, 0] = cosine * asked + np.sqrt(1 - cosine**2) * other
    tables["segments/keys"] = keys.astype(np.float16)
    rain = {"class": CLASSES.index("rain"), "start_s": 30.0, "end_s": 33.0, "confidence": confidence, "source": 99,
            "azimuth_deg": 90.0, "elevation_deg": 0.0, "distance_m": 2.0, "first_frame": 0, "frames": 5}  # fmt: skip
    for name in [name for name in tables if name.startswith("events/")]:
        value = rain.get(name.removeprefix("events/"), 0)
        tables[name] = np.append(tables[name], np.array(value, tables[name].dtype))
    keep = tables["events/class"] != CLASSES.index("rain")
    keep[-1] = True
    for name in [name for name in tables if name.startswith("events/")]:
        tables[name] = tables[name][keep]
    write_memory(path, tables, notes)
    return Recorded.open(path)


@pytest.mark.parametrize(
    ("question", "says"),
    [
        ("When do you hear rain?", "I am not sure, but I hear the rain from 00:00:30 to 00:00:33."),
        ("Where is the rain?", "I am not sure, but the rain comes from the left"),
        ("Is there rain in the first half?", "I am not sure, but I hear the rain from 00:00:30"),
    ],
)
def test_a_doubtful_sound_is_told_of_where_the_memory_points_to_it(
    file: Path, remembering: SpatialLalm, tmp_path: Path, question: str, says: str
) -> None:
    recorded = doubtful(file, remembering, tmp_path / "found.h5", question, 0.9)
    answer = recorded.ask(question, lambda: remembering)
    assert answer.text.startswith(says)
    assert not answer.abstained
    assert [event.confidence for event in answer.evidence] == [0.2]
    denied = recorded.ask(question)  # nobody to compare keys with
    assert denied.abstained
    assert "no rain" in denied.text


def test_a_doubtful_sound_stays_untold_where_the_memory_points_elsewhere(
    file: Path, remembering: SpatialLalm, tiny_model: SpatialLalm, tmp_path: Path
) -> None:
    question = "When do you hear rain?"
    recorded = doubtful(file, remembering, tmp_path / "elsewhere.h5", question, -0.5)
    assert recorded.ask(question, lambda: remembering).abstained
    assert doubtful(file, remembering, tmp_path / "b.h5", question, 0.9).ask(question, lambda: tiny_model).abstained


def test_what_is_sure_needs_no_memory(file: Path, remembering: SpatialLalm, tmp_path: Path) -> None:
    recorded = doubtful(file, remembering, tmp_path / "sure.h5", "When do you hear rain?", -1.0, confidence=0.8)
    answer = recorded.ask("When do you hear rain?", lambda: pytest.fail("the model was loaded"))
    assert answer.text == "I hear the rain from 00:00:30 to 00:00:33."
