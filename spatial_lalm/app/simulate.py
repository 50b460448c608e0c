"""``spatial-lalm simulate``: write a folder of simulated scenes with labels, or tell what scenes are drawn from.

``simulate_settings`` reads its configuration.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
import warnings
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from spatial_lalm.app.simulate_settings import CONFIGS, LAYOUTS, RunSettings, settings_of
from spatial_lalm.errors import InputError
from spatial_lalm.simulation.recipe import ENGINES, SceneRecipe

if TYPE_CHECKING:
    from spatial_lalm.simulation.dataset import Made
    from spatial_lalm.simulation.library import SourceLibrary

SHEET = "contact_sheet.png"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of the command to its parser."""
    shipped = ", ".join(sorted(path.stem for path in CONFIGS.glob("*.toml")))
    add = parser.add_argument
    add("out", metavar="OUT", nargs="?", help="folder for the scenes; an unfinished one is gone on with")
    add("--scenes", type=int, metavar="N", help="number of scenes (default: 10)")
    add("--seed", type=int, metavar="S", help="the same seed gives the same files (default: 0)")
    add("--config", metavar="NAME|FILE", help=f"what scenes are drawn from: a TOML or YAML file or one of: {shipped}")
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
    try:
        library = _library(own, recipe.rate)
        began = time.monotonic()
        made = _made(args, own, recipe, library)
        seconds = max(time.monotonic() - began, 1e-9)
        sheet = _draw_sheet(Path(args.out), own, made)
    except KeyboardInterrupt:
        print(f"spatial-lalm: stopped; the same command goes on where {args.out} ends", file=sys.stderr)
        return 130
    summary = _summary(args.out, own, recipe, made, seconds) | {"contact_sheet": str(sheet)}
    summary["left_out"] = [str(path) for path in library.left_out]
    summary["assumed"] = _assumed(recipe.receiver)
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


def _library(own: RunSettings, rate: int) -> SourceLibrary:
    """The sounds, with a line of progress where all of them must be looked through."""
    from spatial_lalm.app.progress import Progress
    from spatial_lalm.simulation.library import SourceLibrary

    if not own.sounds:
        return SourceLibrary.builtin()
    with Progress("sounds looked through") as progress, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what is left out is told in the summary
        return SourceLibrary.open(own.sounds, own.split or None, rate=rate, progress=progress)


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
    from spatial_lalm.simulation.library import left_out_text

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
    silent = [left_out_text([Path(path) for path in summary["left_out"]])] if summary["left_out"] else []
    return "; ".join([line, *summary["assumed"], *silent, *unkept])


def _assumed(receiver: str) -> list[str]:
    """What was assumed of a measured receiver, such as directions that its file does not hold."""
    from spatial_lalm.simulation.receivers import named_receiver

    if not receiver.lower().endswith(".sofa"):
        return []
    array = named_receiver(receiver).array
    return [f"assumed: array: {note}" for note in array.measured.notes] if array and array.measured else []


def _audio_text(seconds: float) -> str:
    """Length of audio in the unit that a person would choose."""
    for unit, name in ((3600, "h"), (60, "min")):
        if seconds >= 2 * unit:
            return f"{seconds / unit:.3g} {name}"
    return f"{seconds:g} s"
