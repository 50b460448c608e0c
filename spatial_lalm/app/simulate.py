"""``spatial-lalm simulate``: write a folder of simulated scenes with labels, or tell what scenes are drawn from.

A configuration (TOML) holds the fields of ``SceneRecipe`` and, beside them, those of ``RunSettings``; a flag given on
the command line goes before the field of the configuration.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeVar, get_args

from spatial_lalm.errors import InputError
from spatial_lalm.settings import build, check, find_toml, read_toml, refuse_unknown, setting
from spatial_lalm.simulation.recipe import ENGINES, SceneRecipe

if TYPE_CHECKING:
    from spatial_lalm.simulation.dataset import Made
    from spatial_lalm.simulation.library import SourceLibrary

T = TypeVar("T")

CONFIGS = Path(__file__).parent.parent / "simulation" / "configs"
LIMITS_S = (1.0, 4 * 3600.0)
"""Shortest and longest scene in seconds."""
Layout = Literal["files", "hdf5", "starss22", "starss23", "dcase2024", "dcase2025"]
LAYOUTS: tuple[str, ...] = get_args(Layout)
SHEET = "contact_sheet.png"
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


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of the command to its parser."""
    shipped = ", ".join(sorted(path.stem for path in CONFIGS.glob("*.toml")))
    add = parser.add_argument
    add("out", metavar="OUT", nargs="?", help="folder for the scenes; an unfinished one is gone on with")
    add("--scenes", type=int, metavar="N", help="number of scenes (default: 10)")
    add("--seed", type=int, metavar="S", help="the same seed gives the same files (default: 0)")
    add("--config", metavar="NAME|FILE.toml", help=f"what scenes are drawn from: a TOML file or one of: {shipped}")
    add(
        "--format",
        metavar="NAME|FILE",
        help="what records: foa, hoa2 or hoa3 (4, 9, 16 AmbiX channels), binaural, an array's name, its .json or its "
        ".sofa file (default: foa)",
    )
    add(
        "--sources",
        metavar="DIR|CSV",
        help="mono sounds: a folder DIR/<class>/<file> or a CSV with the columns file,class[,split,speaker,text] "
        "(default: built-in sounds, with speech where espeak-ng is installed); the configuration's field 'split' "
        "chooses rows",
    )
    add("--duration", type=float, metavar="SECONDS", help="of a scene, 1 to 14400 (default: 10)")
    add("--layout", choices=LAYOUTS, help="how scenes lie on disk (default: files)")
    add("--workers", type=int, default=1, metavar="K", help="processes (default: 1); changes no byte")
    add("--ray", metavar="ADDRESS", help="render on a Ray cluster; changes no byte")
    add("--engine", choices=ENGINES, help="what renders (default: images)")
    add("--json", action="store_true", help="print the summary as a JSON object")
    add(
        "--describe",
        nargs="?",
        const="",
        metavar="CONFIG",
        help="print what the default or given configuration draws from, and what came of 200 draws; makes nothing",
    )


def run(args: argparse.Namespace) -> int:
    """Make the scenes and print one line (or a JSON object); 0, or 130 when stopped by Ctrl-C."""
    if args.describe is not None:
        return _describe(args)
    if args.out is None:
        raise InputError("OUT, the folder for the scenes, is missing (see 'spatial-lalm simulate --help')")
    own, recipe = settings_of(args, args.config)
    library = _library(own)
    began = time.monotonic()
    try:
        made = _made(args, own, recipe, library)
    except KeyboardInterrupt:
        print(f"spatial-lalm: stopped; the same command goes on where {args.out} ends", file=sys.stderr)
        return 130
    seconds = max(time.monotonic() - began, 1e-9)
    sheet = _draw_sheet(Path(args.out), own, made)
    summary = _summary(args.out, own, recipe, made, seconds) | {"contact_sheet": str(sheet)}
    print(json.dumps(summary | {"classes": list(library.classes)}) if args.json else summary_line(summary, recipe))
    return 0


def _made(args: argparse.Namespace, own: RunSettings, recipe: SceneRecipe, library: SourceLibrary) -> Made:
    """Make the scenes, with a line of progress: of scenes, or of seconds where a scene takes long."""
    from spatial_lalm.app.progress import Progress
    from spatial_lalm.simulation.dataset import make_scenes
    from spatial_lalm.simulation.sampling import WHOLE_S

    total_s = own.scenes * recipe.duration_s
    in_seconds = recipe.duration_s > WHOLE_S and args.ray is None  # tasks on Ray are not heard before they end
    with Progress("rendered", seconds=True) if in_seconds else Progress("scenes") as progress:
        progress(0, total_s if in_seconds else own.scenes)  # shown at once: the first scene may take its time
        told: dict[str, Any] = {"progress": progress}
        if in_seconds:
            told = {"seconds": lambda done_s: progress(min(done_s, total_s), total_s)}
        return make_scenes(
            args.out,
            recipe,
            library,
            own.scenes,
            own.seed,
            workers=args.workers,
            layout=own.layout,
            ray=args.ray,
            **told,
        )


def _describe(args: argparse.Namespace) -> int:
    """Print the distributions of a configuration."""
    if args.out is not None:
        raise InputError(f"OUT {args.out}: --describe makes nothing; leave one of the two out")
    if args.describe and args.config:
        raise InputError(f"--describe {args.describe}: --config {args.config} names another; leave one of them out")
    own, recipe = settings_of(args, args.describe or args.config)
    from spatial_lalm.app.describe import measured, sections_of, text

    draws = measured(recipe)
    if args.json:
        print(json.dumps({"settings": asdict(own) | asdict(recipe), "measured": [asdict(row) for row in draws]}))
    else:
        print(text(sections_of(own, recipe), draws))
    return 0


# ---------------------------------------------------------------- settings


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
    """The settings in a TOML file or in the shipped one of that name; the defaults where none is named.

    Names of files in it are relative to its folder. ``InputError`` names file and field.
    """
    if config is None:
        return RunSettings(), SceneRecipe()
    path = find_toml(config, CONFIGS)
    table = read_toml(path)
    ours = [field.name for field in fields(RunSettings)]
    refuse_unknown(table, [*ours, *(field.name for field in fields(SceneRecipe))], str(path))
    own = build(RunSettings, {name: value for name, value in table.items() if name in ours}, str(path))
    recipe = build(SceneRecipe, {name: value for name, value in table.items() if name not in ours}, str(path))
    if own.sounds:
        own = replace(own, sounds=str(path.parent / own.sounds))
    if recipe.receiver.endswith((".json", ".sofa")):
        recipe = replace(recipe, receiver=str(path.parent / recipe.receiver))
    return own, recipe


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
    from spatial_lalm.simulation.keeping import refuse_impossible
    from spatial_lalm.simulation.receivers import named_receiver

    refuse_impossible(recipe)
    if own.split and not own.sounds:
        raise InputError(f"split {own.split!r}: needs --sources with a CSV list; built-in sounds have no split")
    if recipe.receiver != "random":
        named_receiver(recipe.receiver)
    if recipe.rooms.polygon_share > 0 and recipe.engine != "pyroomacoustics":
        raise InputError(
            f"rooms.polygon_share {recipe.rooms.polygon_share:g}: engine {recipe.engine} knows rectangles only; "
            "use --engine pyroomacoustics"
        )
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


def _library(own: RunSettings) -> SourceLibrary:
    from spatial_lalm.simulation.library import SourceLibrary

    return SourceLibrary.open(own.sounds, own.split or None) if own.sounds else SourceLibrary.builtin()


# ---------------------------------------------------------------- what is told afterwards


def _draw_sheet(folder: Path, own: RunSettings, made: Made) -> Path:
    """The contact sheet of the folder, drawn anew where scenes came to it."""
    path = folder / SHEET
    if made.rendered or not path.exists():
        from spatial_lalm.app.contact_sheet import draw_sheet
        from spatial_lalm.app.sheet_rows import read_rows

        names, rows = read_rows(folder, own.layout)
        draw_sheet(rows, path, names)
    return path


def _summary(folder: str, own: RunSettings, recipe: SceneRecipe, made: Made, seconds: float) -> dict[str, Any]:
    """What was made, and how fast, as plain values."""
    rate = made.rendered / seconds
    return {
        "folder": folder,
        "scenes": made.scenes,
        "rendered": made.rendered,
        "audio_s": made.audio_s,
        "scenes_per_s": round(rate, 3),
        "real_time_factor": round(rate * recipe.duration_s, 2),
        "format": recipe.receiver,
        "layout": own.layout,
        "seed": own.seed,
        "not_kept": dict(made.not_kept),
    }


def summary_line(summary: dict[str, Any], recipe: SceneRecipe) -> str:
    """The summary for a person, with the settings of the recipe that some scenes do not keep."""
    from spatial_lalm.app.describe import asked
    from spatial_lalm.app.progress import rate_text
    from spatial_lalm.simulation.keeping import REASONS

    scenes, rendered = summary["scenes"], summary["rendered"]
    there = scenes - rendered
    kept = f" ({there} {'was' if there == 1 else 'were'} there)" if there else ""
    speed = ""
    if rendered:
        speed = f"{rate_text(summary['scenes_per_s'])}, {summary['real_time_factor']:.3g} times real time, "
    noun = "scene" if scenes == 1 else "scenes"
    line = f"{scenes} {noun}{kept}, {_audio_text(summary['audio_s'])} of audio, {speed}in {summary['folder']}"
    unkept = [
        f"{count} of {scenes} {noun} {'does' if count == 1 else 'do'} not keep {asked(recipe, name)} ({REASONS[name]})"
        for name, count in summary["not_kept"].items()
    ]
    return "; ".join([line, *unkept])


def _audio_text(seconds: float) -> str:
    """Length of audio in the unit that a person would choose."""
    for unit, name in ((3600, "h"), (60, "min")):
        if seconds >= 2 * unit:
            return f"{seconds / unit:.3g} {name}"
    return f"{seconds:g} s"
