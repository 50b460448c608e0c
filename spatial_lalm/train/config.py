"""A training recipe: small dataclasses read from a TOML file, every field with its unit, unknown fields refused."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from spatial_lalm.errors import InputError
from spatial_lalm.settings import build, check, find_toml, read_toml, refuse_unknown, setting
from spatial_lalm.train.objectives import LossWeights

if TYPE_CHECKING:
    from spatial_lalm.model.configuration import SpatialEncoderConfig

CONFIGS = Path(__file__).parent / "configs"


@dataclass(frozen=True)
class SceneData:
    """Scenes that a stage learns from."""

    scenes: int = setting(24_000, "scenes to learn from", least=1)
    validation: int = setting(1_000, "scenes to validate on", least=1)
    seed: int = 1
    part: int = setting(500, "scenes of one length and kind, rendered together and sealed", least=1)
    duration_s: tuple[float, ...] = (4.0,)  # one of these, evenly
    t60_s: tuple[float, float] = (0.1, 2.5)
    event_s: tuple[float, float] = (0.8, 6.0)  # length of a sound, log-uniform
    counts: tuple[float, ...] = (0.04, 0.52, 0.28, 0.16)  # probability of 0, 1, 2, 3 sources
    builtin_share: float = 0.12  # of the sounds made by the generators
    speech_share: float = 0.45  # of the sounds from files
    snr_db: tuple[float, float] = (5.0, 40.0)  # typical source over the background
    lively_share: float = setting(0.0, "share of scenes with movers, directed talkers, open air", least=0, most=1)
    array_share: float = setting(0.0, "share of scenes through random arrays, encoded", least=0, most=1)
    spoiled_share: float = setting(0.0, "share of scenes that the recorder clips or codes", least=0, most=1)
    varispeed: float = 0.12  # augmentation of dry sounds: speed
    colour_db: float = 2.0  # augmentation of dry sounds: dB an octave

    def __post_init__(self) -> None:
        check(self)


@dataclass(frozen=True)
class Optimisation:
    """AdamW under a linear warm-up and a cosine decay to zero."""

    steps: int = setting(4_000, "batches to learn from", least=1)
    batch: int = setting(64, "scenes at a time", least=1)
    learning_rate: float = 1e-3
    weight_decay: float = 0.02
    warm_up: int = 100  # steps
    clip: float = 10.0  # gradient norm
    checkpoint_every: int = setting(250, "between two checkpoints", "steps", least=1)
    seed: int = 0
    bfloat16: bool = True  # autocast of the stem and the blocks

    def __post_init__(self) -> None:
        check(self)


@dataclass(frozen=True)
class EncoderStage:
    """Stage 1: hearing."""

    data: SceneData = field(default_factory=SceneData)
    optimisation: Optimisation = field(default_factory=Optimisation)
    loss: LossWeights = field(default_factory=LossWeights)
    model: dict[str, Any] = field(default_factory=dict)  # fields of SpatialEncoderConfig
    start: str = ""  # folder of a trained encoder to go on from, empty: random weights

    def configuration(self) -> SpatialEncoderConfig:
        """The encoder's configuration."""
        from spatial_lalm.model.configuration import SpatialEncoderConfig

        return SpatialEncoderConfig(**self.model)


@dataclass(frozen=True)
class RoomStage:
    """Stage 2: the room's head once more, on the scenes of ``listening``."""

    optimisation: Optimisation = field(default_factory=Optimisation)


@dataclass(frozen=True)
class RangeStage:
    """Stage 3: distance and volume from the early response, on the scenes of ``listening``."""

    optimisation: Optimisation = field(default_factory=Optimisation)


@dataclass(frozen=True)
class LanguageStage:
    """Stage 4: answering, on top of the frozen encoder."""

    data: SceneData = field(default_factory=SceneData)
    optimisation: Optimisation = field(default_factory=Optimisation)
    questions: int = 3  # about each scene of a batch
    vocabulary: int = 2_048  # byte-level BPE tokens
    model: dict[str, Any] = field(default_factory=dict)  # fields of the text configuration, with its model_type
    start: str = ""  # folder of a trained model whose words and answering to go on from; empty: random weights


@dataclass(frozen=True)
class MemoryData:
    """Long recordings that the memory learns from, laid of the language stage's scenes."""

    windows: tuple[int, ...] = (15, 30, 45, 60)  # of 4 s; one of these for every batch
    rooms: int = setting(4, "most rooms in a recording", least=1)
    takes: int = setting(1, "times that every scene is heard, turned and dirtied anew", least=1)
    questions: int = setting(24, "about each recording", least=1)

    def __post_init__(self) -> None:
        check(self)
        if min(self.windows) < 1:
            raise InputError(f"windows = {list(self.windows)}: each must be at least 1")


@dataclass(frozen=True)
class MemoryStage:
    """Stage 5: the memory of long recordings, everything else frozen."""

    data: MemoryData = field(default_factory=MemoryData)
    optimisation: Optimisation = field(
        default_factory=lambda: Optimisation(
            steps=1_000, batch=12, learning_rate=1.5e-3, checkpoint_every=100, bfloat16=False
        )
    )
    answer_every: int = setting(4, "steps of which one also learns to be read by the language model; 0: none", least=0)
    answers: int = setting(8, "answers that such a step learns from", least=1)
    read_tokens: int = setting(280, "read for each of these", "tokens", least=60)
    model: dict[str, Any] = field(default_factory=dict)  # fields of memory.hierarchy.MemoryConfig


@dataclass(frozen=True)
class Recipe:
    """A whole training run."""

    encoder: EncoderStage = field(default_factory=EncoderStage)
    listening: SceneData = field(default_factory=SceneData)  # that the frozen encoder hears, for the next two stages
    room: RoomStage = field(default_factory=RoomStage)
    range: RangeStage = field(default_factory=RangeStage)
    language: LanguageStage = field(default_factory=LanguageStage)
    memory: MemoryStage = field(default_factory=MemoryStage)


def load_recipe(name: str) -> Recipe:
    """The recipe in a TOML file, or the shipped one of that name; ``InputError`` names a wrong field."""
    path = find_toml(name, CONFIGS)
    recipe = build(Recipe, read_toml(path), str(path))
    _check_models(recipe, str(path))
    return recipe


def _check_models(recipe: Recipe, where: str) -> None:
    """Refuse fields of the ``model`` tables that no configuration has: transformers would keep them unread."""
    if recipe.memory.model:
        from spatial_lalm.memory.hierarchy import MemoryConfig

        build(MemoryConfig, recipe.memory.model, f"{where}: memory: model")
    if recipe.encoder.model or recipe.language.model:
        # Imported here, because reading the command line must not wait for transformers.
        from spatial_lalm.model.configuration import SpatialEncoderConfig, SpatialLalmConfig

        own = list(SpatialEncoderConfig.__annotations__)
        refuse_unknown(recipe.encoder.model, own, f"{where}: encoder: model")
        kind = {name: value for name, value in recipe.language.model.items() if name == "model_type"}
        try:
            text: Any = SpatialLalmConfig(text_config=kind).text_config
        except (ValueError, TypeError):
            raise InputError(
                f"{where}: language: model: model_type = {kind.get('model_type')!r}: not known to transformers; "
                "name one of its causal language models, such as 'qwen3'"
            ) from None
        known = [name for name in (*text.to_dict(), *text.attribute_map) if not name.startswith("_")]
        refuse_unknown(recipe.language.model, known, f"{where}: language: model")
