"""A training recipe: small dataclasses read from a TOML file, every field with its unit, unknown fields refused."""

from __future__ import annotations

import tomllib
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field, fields, is_dataclass
from pathlib import Path
from typing import Any, get_args, get_origin, get_type_hints

from spatial_lalm.errors import InputError
from spatial_lalm.train.objectives import LossWeights

CONFIGS = Path(__file__).parent / "configs"


def _at_least_one(own: Any, *names: str) -> None:
    for name in names:
        if getattr(own, name) < 1:
            raise InputError(f"{name} = {getattr(own, name)}: must be at least 1")


@dataclass(frozen=True)
class SceneData:
    """Scenes that a stage learns from."""

    scenes: int = 24_000
    validation: int = 1_000
    seed: int = 1
    duration_s: tuple[float, ...] = (4.0,)  # one of these, evenly
    t60_s: tuple[float, float] = (0.1, 2.5)
    event_s: tuple[float, float] = (0.8, 6.0)  # length of a sound, log-uniform
    counts: tuple[float, ...] = (0.04, 0.52, 0.28, 0.16)  # probability of 0, 1, 2, 3 sources
    builtin_share: float = 0.12  # of the sounds made by the generators
    speech_share: float = 0.45  # of the sounds from files
    varispeed: float = 0.12  # augmentation of dry sounds: speed
    colour_db: float = 2.0  # augmentation of dry sounds: dB an octave

    def __post_init__(self) -> None:
        _at_least_one(self, "scenes", "validation")


@dataclass(frozen=True)
class Optimisation:
    """AdamW under a linear warm-up and a cosine decay to zero."""

    steps: int = 4_000
    batch: int = 64
    learning_rate: float = 1e-3
    weight_decay: float = 0.02
    warm_up: int = 100  # steps
    clip: float = 10.0  # gradient norm
    checkpoint_every: int = 250  # steps
    seed: int = 0
    bfloat16: bool = True  # autocast of the stem and the blocks

    def __post_init__(self) -> None:
        _at_least_one(self, "steps", "batch", "checkpoint_every")


@dataclass(frozen=True)
class EncoderStage:
    """Stage 1: hearing."""

    data: SceneData = field(default_factory=SceneData)
    optimisation: Optimisation = field(default_factory=Optimisation)
    loss: LossWeights = field(default_factory=LossWeights)
    model: dict[str, Any] = field(default_factory=dict)  # fields of SpatialEncoderConfig


@dataclass(frozen=True)
class RangeStage:
    """Stage 2: distance and volume from the early response, on top of the frozen encoder."""

    data: SceneData = field(default_factory=SceneData)
    optimisation: Optimisation = field(default_factory=Optimisation)


@dataclass(frozen=True)
class LanguageStage:
    """Stage 3: answering, on top of the frozen encoder."""

    data: SceneData = field(default_factory=SceneData)
    optimisation: Optimisation = field(default_factory=Optimisation)
    questions: int = 3  # about each scene of a batch
    vocabulary: int = 2_048  # byte-level BPE tokens
    model: dict[str, Any] = field(default_factory=dict)  # fields of the text configuration, with its model_type


@dataclass(frozen=True)
class Recipe:
    """A whole training run."""

    encoder: EncoderStage = field(default_factory=EncoderStage)
    range: RangeStage = field(default_factory=RangeStage)
    language: LanguageStage = field(default_factory=LanguageStage)


def load_recipe(name: str) -> Recipe:
    """The recipe in a TOML file, or the shipped one of that name; ``InputError`` names a wrong field."""
    path = Path(name) if name.endswith(".toml") else CONFIGS / f"{name}.toml"
    if not path.is_file():
        shipped = ", ".join(sorted(p.stem for p in CONFIGS.glob("*.toml")))
        raise InputError(f"{name}: no such configuration; give a .toml file or one of: {shipped}")
    try:
        table = tomllib.loads(path.read_text())
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: not a TOML file ({error}); mend it there") from None
    recipe = _build(Recipe, table, str(path))
    assert isinstance(recipe, Recipe)
    _check_models(recipe, str(path))
    return recipe


def _check_models(recipe: Recipe, where: str) -> None:
    """Refuse fields of the two ``model`` tables that no configuration has: transformers would keep them unread."""
    if recipe.encoder.model or recipe.language.model:
        # Imported here, because reading the command line must not wait for transformers.
        from spatial_lalm.model.configuration import SpatialEncoderConfig, SpatialLalmConfig

        own = list(SpatialEncoderConfig.__annotations__)
        _refuse_unknown(recipe.encoder.model, own, f"{where}: encoder: model")
        kind = {name: value for name, value in recipe.language.model.items() if name == "model_type"}
        try:
            text: Any = SpatialLalmConfig(text_config=kind).text_config
        except (ValueError, TypeError):
            raise InputError(
                f"{where}: language: model: model_type = {kind.get('model_type')!r}: not known to transformers; "
                "name one of its causal language models, such as 'qwen3'"
            ) from None
        known = [name for name in (*text.to_dict(), *text.attribute_map) if not name.startswith("_")]
        _refuse_unknown(recipe.language.model, known, f"{where}: language: model")


def _refuse_unknown(names: Iterable[str], known: Collection[str], where: str) -> None:
    """``InputError`` for the first name that is not known."""
    for name in names:
        if name not in known:
            raise InputError(f"{where}: unknown field {name!r}; known: {', '.join(known)}")


def _build(kind: type[Any], table: Any, where: str) -> Any:
    """A dataclass from a table; lists become tuples; unknown names and wrong types are refused by name."""
    if not isinstance(table, dict):
        raise InputError(f"{where}: {table!r} must be a table of {', '.join(f.name for f in fields(kind))}")
    hints = get_type_hints(kind)
    values = {}
    _refuse_unknown(table, hints, where)
    for name, value in table.items():
        values[name] = _value(hints[name], value, f"{where}: {name}")
    try:
        return kind(**values)
    except InputError as error:
        raise InputError(f"{where}: {error}") from None


def _value(hint: Any, value: Any, where: str) -> Any:
    if is_dataclass(hint):
        return _build(hint, value, where)  # type: ignore[arg-type]
    if get_origin(hint) is tuple:
        return _numbers(hint, value, where)
    expected = {float: (int, float), int: (int,), bool: (bool,)}.get(hint, (get_origin(hint) or hint,))
    if not isinstance(value, expected) or isinstance(value, bool) != (hint is bool):
        raise InputError(f"{where} = {value!r}: must be of type {getattr(hint, '__name__', hint)}")
    return value


def _numbers(hint: Any, value: Any, where: str) -> tuple[float, ...]:
    """A tuple of numbers, as many as the hint says."""
    wanted = "at least one number" if Ellipsis in get_args(hint) else f"{len(get_args(hint))} numbers"
    numbers = isinstance(value, list) and all(type(item) in (int, float) for item in value)
    if not numbers or not value or (Ellipsis not in get_args(hint) and len(value) != len(get_args(hint))):
        raise InputError(f"{where} = {value!r}: must be a list of {wanted}")
    return tuple(value)
