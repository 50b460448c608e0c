"""What ``spatial-lalm simulate`` is told: a configuration (TOML or YAML) and the flags that go before its fields.

A configuration holds the fields of ``SceneRecipe`` and, beside them, those of ``RunSettings``.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any, Literal, TypeVar, get_args

from spatial_lalm.errors import InputError
from spatial_lalm.settings import build, check, find_toml, read_toml, refuse_unknown, setting
from spatial_lalm.simulation.recipe import SceneRecipe

T = TypeVar("T")

CONFIGS = Path(__file__).parent.parent / "simulation" / "configs"
LIMITS_S = (1.0, 4 * 3600.0)
"""Shortest and longest scene in seconds."""
Layout = Literal["files", "hdf5", "starss22", "starss23", "dcase2024", "dcase2025"]
LAYOUTS: tuple[str, ...] = get_args(Layout)
RUN_FLAGS = {"scenes": "scenes", "seed": "seed", "sources": "sounds", "layout": "layout"}
"""Flags that are fields of ``RunSettings``."""
RECIPE_FLAGS = {"format": "receiver", "duration": "duration_s", "engine": "engine"}
"""Flags that are fields of ``SceneRecipe``."""


@dataclass(frozen=True)
class RunSettings:
    """How many scenes are made, of which sounds, and how they lie on disk."""

    scenes: int = setting(10, "number of scenes", least=1)
    seed: int = setting(0, "the same seed gives the same files", least=0)
    sounds: str = setting("", "folder or CSV of mono sounds, as for --sources; empty for built-in sounds")
    split: str = setting("", "only the rows of the CSV whose column 'split' says so; empty for all")
    layout: Layout = setting("files", "how scenes lie on disk")


def settings_of(args: argparse.Namespace, config: str | None) -> tuple[RunSettings, SceneRecipe]:
    """The configuration with the flags before it; ``InputError`` for what is out of range or contradicts itself."""
    if args.workers < 1:
        raise InputError(f"--workers {args.workers}: must be at least 1")
    own, recipe = load_settings(config)
    own = _with_flags(own, args, RUN_FLAGS)
    recipe = _with_flags(recipe, args, RECIPE_FLAGS)
    _refuse_duration(recipe.duration_s, "--duration" if args.duration is not None else f"{config}: duration_s")
    _refuse_contradictions(own, recipe)
    return own, recipe


def load_settings(config: str | None) -> tuple[RunSettings, SceneRecipe]:
    """The settings in a TOML or YAML file or in the shipped one of that name; the defaults where none is named.

    Names of files in it are relative to its folder. ``InputError`` names file and field.
    """
    if config is None:
        return RunSettings(), SceneRecipe()
    path, table = _table(config)
    ours = [field.name for field in fields(RunSettings)]
    refuse_unknown(table, [*ours, *(field.name for field in fields(SceneRecipe))], str(path))
    own = build(RunSettings, {name: value for name, value in table.items() if name in ours}, str(path))
    recipe = build(SceneRecipe, {name: value for name, value in table.items() if name not in ours}, str(path))
    if own.sounds:
        own = replace(own, sounds=str(path.parent / own.sounds))
    if recipe.receiver.endswith((".json", ".sofa")):
        recipe = replace(recipe, receiver=str(path.parent / recipe.receiver))
    return own, recipe


def _table(config: str) -> tuple[Path, dict[str, Any]]:
    """A configuration's file and its tables."""
    path = Path(config)
    if path.suffix not in (".yaml", ".yml"):
        path = find_toml(config, CONFIGS)
        return path, read_toml(path)
    if not path.is_file():
        raise InputError(f"{config}: no such configuration; give a .toml or .yaml file or a shipped one's name")
    return path, read_yaml(path)


def read_yaml(path: Path) -> dict[str, Any]:
    """The tables of a YAML file; ``InputError`` where it cannot be read as one."""
    import yaml  # type: ignore[import-untyped]  # comes with transformers

    try:
        table = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror})") from None
    except (yaml.YAMLError, ValueError) as error:
        told = " ".join(str(error).split())
        raise InputError(f"{path}: not a YAML file ({told}); mend it there") from None
    if table is None:
        return {}
    if not isinstance(table, dict) or not all(isinstance(name, str) for name in table):
        raise InputError(f"{path}: must hold fields with their values, such as 'scenes: 10'")
    return table


def _with_flags(settings: T, args: argparse.Namespace, flags: dict[str, str]) -> T:
    """Settings with the flags that were given in place of their fields; ``InputError`` names the flag."""
    for flag, name in flags.items():
        value = getattr(args, flag)
        if value is None:
            continue
        try:
            settings = replace(settings, **{name: value})  # type: ignore[type-var]
            check(settings)
        except InputError as error:
            raise InputError(f"--{flag} {value}: {str(error).partition(': ')[2]}") from None
    return settings


def _refuse_duration(seconds: float, name: str) -> None:
    if not LIMITS_S[0] <= seconds <= LIMITS_S[1]:
        raise InputError(f"{name} {seconds:g}: must be within {LIMITS_S[0]:g} and {LIMITS_S[1]:g} seconds")


def _refuse_contradictions(own: RunSettings, recipe: SceneRecipe) -> None:
    """``InputError`` for settings that are each possible and together not."""
    from spatial_lalm.simulation.impossible import refuse_impossible
    from spatial_lalm.simulation.receivers import named_receiver

    refuse_impossible(recipe)
    if own.split and not own.sounds:
        raise InputError(f"split {own.split!r}: needs --sources with a CSV list; built-in sounds have no split")
    if recipe.receiver != "random":
        named_receiver(recipe.receiver)
    if own.layout == "dcase2025" and recipe.receiver != "foa":
        raise InputError(f"--layout dcase2025: its stereo is made from foa, not {recipe.receiver}; use --format foa")
    if own.layout in ("starss22", "starss23", "dcase2024") and not _fits_starss(recipe.receiver):
        raise InputError(
            f"--layout {own.layout}: holds foa or the four capsules of starss_mic, not {recipe.receiver}; "
            "use one of these, or --layout files"
        )


def _fits_starss(receiver: str) -> bool:
    """Whether a receiver is one of the two that STARSS holds."""
    from spatial_lalm.audio.arrays import MicrophoneArray
    from spatial_lalm.audio.presets import preset

    if receiver.endswith(".json"):
        return MicrophoneArray.load(receiver) == preset("starss_mic")
    return receiver in ("foa", "starss_mic")
