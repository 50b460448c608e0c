"""All results in one file: the model and every baseline on spatial-bench and on real material.

Usage: python benchmarks/results.py --audio DIR --out FOLDER [--splits NAME ...] [--model MODEL] [--scale X] [--dev]
       [--quick]

Renders the test split of spatial-bench into FOLDER (its seeds are those of the shipped recipe; how many scenes of a
subset is stated), has the evaluation runner ask every system about it, with controls, has everybody hear the real
material in DIR (``hearing.py`` says what it may hold), and writes benchmarks/RESULTS.md. Whatever is done stays in
FOLDER: the same command goes on where it was killed. ``--dev`` asks about the split for choosing and also writes
FOLDER/weak.md: wrong answers of every kind of question, the weakest kinds first. ``--quick`` is a trial of a minute and
no result. Both, and a run of some splits only, write FOLDER/results.md instead of RESULTS.md.
"""

from __future__ import annotations

import argparse
import os
import resource
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from list_sources import READERS
from results_bench import ask_everybody, ask_meetings, code_digest, write_scenes
from results_plan import REAL, SPLITS, Wanted
from results_real import hear, materials
from results_report import report
from results_tables import examples

from spatial_lalm import load_model
from spatial_lalm.errors import InputError
from spatial_lalm.sealing import whole_or_absent
from spatial_lalm.simulation.dataset import locked

RESULTS = Path(__file__).with_name("RESULTS.md")
EXAMPLES = 4
"""Wrong answers that are shown of a kind of question."""
MOST = 100.0


def main(arguments: Sequence[str] | None = None) -> int:
    """Do what is not done yet and write the report; 2 after a mistake of the user."""
    try:
        wanted = _wanted(_parser().parse_args(arguments))
        wanted.out.mkdir(parents=True, exist_ok=True)
        with locked(wanted.out):
            print(run(wanted))
    except (InputError, OSError) as error:
        print(f"results.py: error: {error}", file=sys.stderr)
        return 2
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("results.py", description=__doc__.splitlines()[0])
    add = parser.add_argument
    add("--audio", type=Path, required=True, metavar="DIR", help="folder of public corpora and measured responses")
    add("--out", type=Path, required=True, metavar="FOLDER", help="scenes and answers; the same command goes on in it")
    add("--splits", nargs="+", choices=SPLITS, default=SPLITS, metavar="NAME", help=f"some of {', '.join(SPLITS)}")
    add("--model", type=Path, metavar="MODEL", help="folder of a trained model (default: the shipped one)")
    add("--workers", type=int, default=min(2, os.cpu_count() or 1), metavar="K", help="processes (default: two)")
    add("--scale", type=float, default=1.0, metavar="X", help="so many times the scenes and clips (default: 1)")
    add("--dev", action="store_true", help="the split for choosing in place of test")
    add("--quick", action="store_true", help="a few items of everything: a trial, no result")
    return parser


def _wanted(args: argparse.Namespace) -> Wanted:
    """The run, as far as it can be refused before anything is done."""
    if not args.audio.is_dir():
        raise InputError(f"--audio {args.audio}: no such folder; give the one that holds the corpora")
    if args.model is not None and not (args.model / "config.json").is_file():
        raise InputError(f"--model {args.model}: no model folder (no config.json); leave it out for the shipped model")
    if args.workers < 1:
        raise InputError(f"--workers {args.workers}: give 1 or more")
    if not 0 < args.scale <= MOST:
        raise InputError(f"--scale {args.scale:g}: give more than 0 and at most {MOST:g}")
    splits = tuple(name for name in SPLITS if name in args.splits)
    if REAL in splits and not any((args.audio / name).is_dir() for name in READERS):
        raise InputError(f"--audio {args.audio}: holds none of {', '.join(READERS)}; name --splits without {REAL}")
    workers = 1 if args.quick else args.workers  # processes take longer to start than a trial does
    return Wanted(args.audio, args.out, splits, args.model, workers, args.dev, args.quick, args.scale)


def run(wanted: Wanted) -> Path:
    """The path of the report."""
    print(wanted.expected, flush=True)
    asked = None
    if wanted.sizes:
        with told_time("scenes"):
            write_scenes(wanted)
        with told_time("answers"):
            asked = ask_everybody(wanted)
    model, heard, meetings = None, [], {}
    if REAL in wanted.splits:
        with told_time("real material"):
            model, depends = load_model(wanted.model), wanted.model_digest + code_digest()
            found = materials(wanted.audio, wanted.real_clips, wanted.quick)
            heard = [hear(one, model, wanted.out / "heard_real", depends) for one in found]
            meetings = ask_meetings(wanted)
    path = RESULTS if wanted.whole else wanted.out / "results.md"
    with told_time("report"):
        if asked is not None and wanted.dev:  # wrong answers of the test split are for nobody's eyes
            _write(wanted.out / "weak.md", examples(asked, EXAMPLES))
        _write(path, report(wanted, asked, heard, meetings, model))
    return path


@contextmanager
def told_time(stage: str) -> Iterator[None]:
    """Print the processor time of a stage, that of its workers included."""
    began = _processor_s()
    yield
    print(f"{stage}: {_processor_s() - began:.0f} s of processor time", flush=True)


def _processor_s() -> float:
    spent = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in spent)


def _write(path: Path, text: str) -> None:
    with whole_or_absent(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
