"""``spatial-lalm simulate``: write a folder of simulated scenes with labels."""

from __future__ import annotations

import argparse
import json
import sys
import time

from spatial_lalm.errors import InputError

ORDERS = {"foa": 1, "hoa2": 2}
LIMITS_S = (1.0, 60.0)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of the command to its parser."""
    parser.add_argument("out", metavar="OUT", help="folder for the scenes; an unfinished one is gone on with")
    parser.add_argument("--scenes", type=int, default=10, metavar="N", help="number of scenes (default: 10)")
    parser.add_argument(
        "--seed", type=int, default=0, metavar="S", help="the same seed gives the same files (default: 0)"
    )
    parser.add_argument("--format", choices=sorted(ORDERS), default="foa", help="4 or 9 AmbiX channels (default: foa)")
    parser.add_argument(
        "--sources",
        metavar="DIR|CSV",
        help="mono sounds: a folder DIR/<class>/<file> or a CSV with the columns file,class[,split,speaker,text] "
        "(default: built-in sounds, with speech where espeak-ng is installed)",
    )
    parser.add_argument("--split", metavar="NAME", help="only the rows of the CSV whose column 'split' says NAME")
    parser.add_argument("--duration", type=float, default=10.0, metavar="SECONDS", help="1 to 60 (default: 10)")
    parser.add_argument("--workers", type=int, default=1, metavar="K", help="processes (default: 1); changes no byte")
    parser.add_argument("--json", action="store_true", help="print the summary as a JSON object")


def run(args: argparse.Namespace) -> int:
    """Make the scenes and print one line (or a JSON object); 0, or 130 when stopped by Ctrl-C."""
    _validate(args)
    from spatial_lalm.app.progress import Progress
    from spatial_lalm.simulation.dataset import make_scenes
    from spatial_lalm.simulation.library import SourceLibrary
    from spatial_lalm.simulation.sampling import SceneRecipe

    library = SourceLibrary.open(args.sources, args.split) if args.sources else SourceLibrary.builtin()
    recipe = SceneRecipe(duration_s=args.duration, order=ORDERS[args.format])
    began = time.monotonic()
    try:
        with Progress("scenes") as progress:
            made = make_scenes(args.out, recipe, library, args.scenes, args.seed, args.workers, progress)
    except KeyboardInterrupt:
        print(f"spatial-lalm: stopped; the same command goes on where {args.out} ends", file=sys.stderr)
        return 130
    rate = made.rendered / max(time.monotonic() - began, 1e-9)
    if args.json:
        summary = {
            "folder": args.out,
            "scenes": made.scenes,
            "rendered": made.rendered,
            "audio_s": made.audio_s,
            "scenes_per_s": round(rate, 3),
            "format": args.format,
            "seed": args.seed,
            "classes": list(library.classes),
        }
        print(json.dumps(summary))
    else:
        kept = f" ({made.scenes - made.rendered} were there)" if made.rendered < made.scenes else ""
        print(f"{made.scenes} scenes{kept}, {made.audio_s:g} s of audio, {rate:.1f} scenes/s, in {args.out}")
    return 0


def _validate(args: argparse.Namespace) -> None:
    """``InputError`` for a number out of its range."""
    for name, least in (("scenes", 1), ("workers", 1), ("seed", 0)):
        if getattr(args, name) < least:
            raise InputError(f"--{name} {getattr(args, name)}: must be at least {least}")
    if not LIMITS_S[0] <= args.duration <= LIMITS_S[1]:
        raise InputError(f"--duration {args.duration:g}: must be within {LIMITS_S[0]:g} and {LIMITS_S[1]:g} seconds")
    if args.split and not args.sources:
        raise InputError(f"--split {args.split}: needs --sources with a CSV list; built-in sounds have no split")
