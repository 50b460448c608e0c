"""``spatial-lalm evaluate``: answer a split of a benchmark, score it, and write a report with its controls."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from spatial_lalm.errors import InputError

if TYPE_CHECKING:
    from spatial_lalm.evaluate.benchmark import Item
    from spatial_lalm.evaluate.files import FileProblem
    from spatial_lalm.evaluate.run.evaluation import Evaluation
    from spatial_lalm.evaluate.run.journal import Row
    from spatial_lalm.evaluate.run.responses import System
    from spatial_lalm.evaluate.run.runner import Batches

BASELINES = ("intensity", "music", "srp", "cascade", "text-only", "chance", "majority")
EXIT_PROBLEMS = 2
SHOWN = 10
"""Problems told one by one; the rest are counted."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of the command to its parser."""
    add = parser.add_argument
    add("benchmark", metavar="BENCHMARK", help="name of a benchmark; a wrong one lists all")
    add("--data", required=True, metavar="DIR", help="its folder, as it is published")
    add("--split", required=True, metavar="S", help="which of its splits; a wrong one lists all")
    add("--out", required=True, metavar="DIR", help="folder of the report; the same command goes on in it")
    add = parser.add_argument_group(
        "what is evaluated", "one of these; the shipped model if none is given"
    ).add_argument
    add("--model", metavar="DIR|NAME", help="a model folder, ours or any of transformers; with --endpoint the model's "
        "name there")  # fmt: skip
    add("--baseline", choices=BASELINES, help="a baseline in place of a model")
    add("--predictions", metavar="FILE", help="answers from a JSON or JSONL file with id and prediction")
    add("--endpoint", metavar="URL", help="a model behind an OpenAI-compatible address (key: OPENAI_API_KEY)")
    add = parser.add_argument_group("how it is scored").add_argument
    add("--controls", action=argparse.BooleanOptionalAction, help="run controls of the sound on all items or on none "
        "(default: on 100, none for an endpoint)")  # fmt: skip
    add("--official", action="store_true", help="score as the benchmark's own code does: choices by string match")
    add("--allow-missing", action="store_true", help="count missing and malformed items in the report and go on")
    add("--limit", type=int, metavar="N", help="the first N items only")
    add = parser.add_argument_group("where it runs").add_argument
    add("--workers", type=int, default=1, metavar="K", help="processes of this machine (default: 1)")
    add("--ray", metavar="ADDRESS", help="ask on a Ray cluster instead")


def run(args: argparse.Namespace) -> int:
    """Read the split, check it, ask, report; 2 where items have problems that were not allowed."""
    from spatial_lalm.app.progress import Progress
    from spatial_lalm.evaluate.run.evaluation import evaluate

    _check(args)
    evaluation = _evaluation(args)
    if evaluation.problems and not args.allow_missing:
        return _refuse(evaluation.problems)
    if not evaluation.plan.items:
        raise InputError(f"{args.data}: no item of {args.benchmark} {args.split} can be read: {evaluation.problems[0]}")

    def pool(task: Batches, numbers: Sequence[int]) -> Iterator[list[Row]]:
        from spatial_lalm.simulation.workers import results

        return results(task, numbers, args.workers, args.ray, "batch {}".format)

    with Progress("answers") as progress:
        document = evaluate(evaluation, Path(args.out), pool, progress)
    print(_told(document, args.out))
    return 0


def _check(args: argparse.Namespace) -> None:
    """Refuse what contradicts itself before anything is read."""
    chosen = [flag for flag in ("baseline", "predictions", "endpoint") if getattr(args, flag) is not None]
    if len(chosen) > 1:
        raise InputError(f"--{chosen[0]} and --{chosen[1]} are both given: evaluate one at a time")
    if args.model and chosen and chosen != ["endpoint"]:
        raise InputError(f"--model and --{chosen[0]} are both given: evaluate one at a time")
    if args.endpoint and not args.model:
        raise InputError("--endpoint needs --model, the model's name there")
    if Path(args.out).is_file():
        raise InputError(f"{args.out}: is a file; --out needs a folder for the report")
    for flag in ("workers", "limit"):
        value = getattr(args, flag)
        if value is not None and value < 1:
            raise InputError(f"--{flag} {value}: give 1 or more")


def _evaluation(args: argparse.Namespace) -> Evaluation:
    from spatial_lalm.evaluate.run.evaluation import SEED, Evaluation, unique
    from spatial_lalm.evaluate.run.runner import CONTROL_ITEMS, Plan, check_audio, control_sample
    from spatial_lalm.evaluate.run.systems.silent import Predictions

    if args.benchmark == "spatial-bench":
        _render(Path(args.data), args.split, args.workers)
    every, problems = _split(args.benchmark, Path(args.data), args.split)
    unique(every)
    items, refused = check_audio(every[: args.limit])
    problems += refused
    system = _system(args, items)
    if isinstance(system, Predictions):
        problems += system.problems(items, {item.name for item in every})
    wanted = False if args.controls is None and args.endpoint else args.controls
    most = None if wanted else CONTROL_ITEMS
    controlled = () if wanted is False or not system.hears else control_sample(items, most, SEED)
    plan = Plan(system, tuple(items), controlled, args.official, args.allow_missing)
    tables = len(items) - len(control_sample(items, None))
    return Evaluation(
        args.benchmark, args.split, plan, tuple(problems), _note(system, len(controlled), len(items), tables)
    )


def _render(data: Path, split: str, workers: int) -> None:
    """Make our own benchmark's scenes where they are not there yet."""
    from spatial_lalm.app.progress import Progress
    from spatial_lalm.simulation.bench import SPLITS, fill_bench

    if split in SPLITS:
        with Progress(f"scenes for {data / split}") as progress:
            fill_bench(data, split, workers, progress)


def _split(benchmark: str, data: Path, split: str) -> tuple[list[Item], list[FileProblem]]:
    from spatial_lalm.evaluate.readers import READERS

    reader = READERS.get(benchmark)
    if reader is None:
        raise InputError(f"benchmark {benchmark} is unknown; known are {', '.join(READERS)}")
    if split not in reader.splits and not reader.subfolders:
        raise InputError(f"{benchmark} has no split {split}; it has {', '.join(reader.splits)}")
    loaded = reader.read(data, split)
    return list(loaded.items), list(loaded.problems)


def _system(args: argparse.Namespace, items: Sequence[Item]) -> System:
    """What is evaluated."""
    from spatial_lalm.evaluate.run.systems import classical, silent

    match args.baseline:
        case "intensity" | "music" | "srp":
            return classical.Locator(args.baseline)
        case "cascade":
            return classical.Cascade()
        case "text-only" | "chance" | "majority":
            return silent.Blind.of(args.baseline, items)
    if args.predictions:
        return silent.Predictions.open(Path(args.predictions))
    if args.endpoint:
        from spatial_lalm.evaluate.run.systems.endpoint import Endpoint

        return Endpoint(args.endpoint, args.model)
    return _model(args.model, Path(args.out))


def _model(source: str | None, out: Path) -> System:
    """Our model, or any of transformers, by the type in the folder's configuration."""
    from spatial_lalm.evaluate.run.identity import folder_digest
    from spatial_lalm.evaluate.run.systems.foreign import Foreign, folder_type
    from spatial_lalm.evaluate.run.systems.ours import Ours
    from spatial_lalm.model.configuration import SpatialLalmConfig
    from spatial_lalm.model.loading import SHIPPED

    folder = Path(source or SHIPPED)
    if not folder.is_dir():
        raise InputError(f"{folder}: no such model folder; leave --model out for the shipped model")
    kind = folder_type(folder)
    if kind is None:
        raise InputError(f"{folder}: not a model folder (no config.json with a model_type in it)")
    digest = folder_digest(folder)
    return Ours(source, digest, out / "heard") if kind == SpatialLalmConfig.model_type else Foreign(str(folder), digest)


def _note(system: System, controlled: int, total: int, tables: int) -> str:
    """What the controls of this report were run on."""
    if not system.hears:
        return "Controls of the sound say nothing about this system: its answers were settled without asking it again."
    if tables == total:
        return "Controls of the sound are not run on tables of sources over time."
    if not controlled:
        return "Controls of the sound were not run (--controls runs them on all items)."
    left_out = f" but {tables} tables of sources" if tables else ""
    if controlled == total - tables:
        return f"Controls of the sound were run on all items{left_out}."
    return (
        f"Controls of the sound were run on {controlled} of {total} items, drawn once (--controls runs all{left_out})."
    )


def _refuse(problems: Sequence[FileProblem]) -> int:
    """One line on stderr for each of the first problems, and the count."""
    for problem in problems[:SHOWN]:
        print(f"spatial-lalm: error: {problem}", file=sys.stderr)
    left = len(problems) - SHOWN
    more = f"and {left} more; " if left > 0 else ""
    count = f"{len(problems)} problem{'s' * (len(problems) > 1)} in all"
    line = f"{more}{count}; --allow-missing answers the rest and counts these"
    print(f"spatial-lalm: error: {line}", file=sys.stderr)
    return EXIT_PROBLEMS


def _told(document: dict[str, Any], out: str) -> str:
    """The result in a few lines."""
    lines = []
    for name, one in (document["scores"].get("groups") or {}).items():
        right = one["right"]
        lines.append(
            f"{name}: {one['count']} items, right {right['value']:.3f} [{right['low']:.3f}, {right['high']:.3f}], "
            f"unread {one['unparsed']}, declined {one['declined']}, failed {one['failed']}"
        )
    for protocol, told in document["tracks"].items():
        lines.append(f"tracks {protocol}: {told.get('error') or json.dumps(told['scores'])}")
    return "\n".join([*lines, f"{out}/report.md"])
