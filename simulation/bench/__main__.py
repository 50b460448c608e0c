"""``python -m spatial_lalm.simulation.bench``: write a split, check this machine, check a folder, keep checksums."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from spatial_lalm.errors import InputError
from spatial_lalm.simulation.bench import BENCH, SPLITS, record, verify, verify_folder, write_bench


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one of the commands; 1 where something differs, 2 for a user's mistake."""
    try:
        return _run(_parser().parse_args(arguments))
    except (InputError, OSError) as error:
        print(f"spatial-bench: error: {error}", file=sys.stderr)
        return 2


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("spatial-bench", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    write = commands.add_parser("write", help="write a split into a folder; the same command goes on")
    write.add_argument("folder", type=Path)
    write.add_argument("--split", choices=SPLITS, required=True)
    write.add_argument("--subset", action="append", metavar="NAME", help="only this one; may be given again")
    write.add_argument("--sources", metavar="CSV", help="real sounds; rows of split validation (dev) or test")
    write.add_argument(
        "--length", type=float, action="append", default=[], metavar="S", help="long scenes, seconds each"
    )
    write.add_argument("--workers", type=int, default=1, metavar="K")
    folder = commands.add_parser("verify-folder", help="whether written subsets are as their checksums say")
    folder.add_argument("folder", type=Path)
    commands.add_parser("verify", help="whether this machine makes what the shipped checksums say")
    commands.add_parser("record", help=f"make the checksums anew on this machine ({BENCH.name})")
    return parser


def _run(args: argparse.Namespace) -> int:
    if args.command == "write":
        told = write_bench(
            args.folder, args.split, args.subset, args.sources, args.workers, _tell, lengths_s=args.length
        )
        print(told)
    elif args.command == "verify-folder":
        whole = verify_folder(args.folder)
        for name, same in whole.items():
            print(f"{name}: {'whole' if same else 'differs'}")
        return 0 if all(whole.values()) else 1
    elif args.command == "record":
        record(progress=_tell)
        print(BENCH)
    else:
        verdicts = verify(progress=_tell)
        for one in verdicts:
            word = "identical" if one.identical else "same within tolerance" if one.same else "differs"
            print(f"{one.subset}: {word} (words {one.words}, numbers {one.number:.2g}, levels {one.level_db:.2g} dB)")
        return 0 if all(one.same for one in verdicts) else 1
    return 0


def _tell(done: int, total: int) -> None:
    if sys.stderr.isatty():
        print(f"\r{done} of {total} scenes", end="" if done < total else "\n", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
