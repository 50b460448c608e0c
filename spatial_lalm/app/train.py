"""``spatial-lalm train``: a model from a recipe, from nothing to a folder that ``ask --model`` takes."""

from __future__ import annotations

import argparse
from pathlib import Path

from spatial_lalm.errors import InputError


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of the command to its parser."""
    parser.add_argument("config", metavar="CONFIG", help="a TOML file, or the name of a shipped one: mini")
    parser.add_argument("--out", metavar="DIR", help="folder of the run (default: runs/CONFIG); the same resumes it")
    parser.add_argument(
        "--sources",
        metavar="DIR|CSV",
        help="mono sounds as for simulate; the CSV's column 'split' is train or validation (default: built-in sounds)",
    )
    stages = ("all", "encoder", "room", "range", "language", "memory")
    parser.add_argument("--stage", choices=stages, default="all", help="default: all")
    parser.add_argument("--workers", type=int, default=2, metavar="K", help="processes that render (default: 2)")


def run(args: argparse.Namespace) -> int:
    """Train and print where the model lies."""
    if args.workers < 1:
        raise InputError(f"--workers {args.workers}: must be at least 1")
    from spatial_lalm.app.allocation import keep_freed_memory
    from spatial_lalm.app.progress import Progress
    from spatial_lalm.train.config import load_recipe
    from spatial_lalm.train.run import STAGES, train

    recipe = load_recipe(args.config)
    folder = Path(args.out or f"runs/{Path(args.config).stem}")
    sources = Path(args.sources) if args.sources else None
    if sources is not None and not sources.exists():
        raise InputError(f"{sources}: no such folder or CSV list of sources")
    stages = STAGES if args.stage == "all" else (args.stage,)
    keep_freed_memory()
    train(recipe, sources, folder, stages, args.workers, Progress)
    print(folder / ("model" if stages[-1] in ("language", "memory") else f"{stages[-1]}/model"))
    return 0
