"""``spatial-lalm analyze``: a recording of any length to a memory file, which ``ask`` answers from.

The run may be killed at any moment: the same command goes on with the minute that was in flight.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from spatial_lalm.app.allocation import keep_freed_memory
from spatial_lalm.app.event_files import SUFFIXES
from spatial_lalm.app.raw_input import ENCODINGS
from spatial_lalm.errors import InputError

if TYPE_CHECKING:
    from spatial_lalm.model.loading import SpatialLalm

EXIT_FAILED = 2
SOUNDS = (".wav", ".rf64", ".w64", ".flac", ".caf", ".ogg", ".oga", ".aif", ".aiff", ".au", ".mp3")
"""Names that a folder's recordings end in."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of the command to its parser."""
    add = parser.add_argument
    add("recording", metavar="RECORDING|DIR|-", help="a sound file of any length, a folder of them, - for raw PCM")
    add("--out", required=True, metavar="FILE.h5|DIR", help="the memory file; for a folder of recordings a folder")
    add("--format", metavar="NAME", help="ambix, foa, hoa2, hoa3, n3d, fuma, binaural or mono (default: by channels)")
    add("--array", metavar="NAME|FILE", help="the microphone array: a preset, a JSON or a SOFA file")
    add("--model", metavar="DIR|ID", help="a trained model (default: the shipped one)")
    add("--start", type=float, default=0.0, metavar="S", help="hear from this second on (default: 0)")
    add("--end", type=float, metavar="S", help="hear up to this second (default: the end)")
    add("--views", type=int, choices=(1, 2, 4, 8, 16), metavar="N",
        help="views that hearing is averaged over, 1 to 16: time for accuracy (default: 4)")  # fmt: skip
    add("--events", nargs="+", choices=tuple(SUFFIXES), metavar="KIND",
        help="write the events beside FILE.h5: csv, json, rttm (talkers), starss (10 frames a second)")  # fmt: skip
    add("--plot", metavar="PNG", help="draw the timeline: directions, distances, classes, the room over time")
    add("--rate", type=int, metavar="HZ", help="of raw PCM on standard input")
    add("--channels", type=int, metavar="N", help="of raw PCM on standard input, interleaved")
    add("--encoding", choices=tuple(ENCODINGS), help="of raw PCM on standard input, little-endian (default: s16)")
    add("--workers", type=int, default=2, metavar="K",
        help="threads that hear, for a folder processes (default: 2); changes no byte")  # fmt: skip
    add("--ray", metavar="ADDRESS", help="analyse the recordings of a folder on a Ray cluster")
    add("--force", action="store_true", help="write over a file that another analysis wrote")
    add("--json", action="store_true", help="print the summary as a JSON object (for a folder a list of them)")


@dataclass(frozen=True)
class Wish:
    """What is wanted of every recording."""

    format: str | None
    array: str | None
    model: str | None
    start_s: float
    end_s: float | None
    views: int | None
    events: tuple[str, ...]
    force: bool


def run(args: argparse.Namespace) -> int:
    """Analyse, print what was assumed (stderr) and a summary (stdout)."""
    _refuse_contradictions(args)
    keep_freed_memory()
    events = tuple(args.events or ())
    wish = Wish(args.format, args.array, args.model, args.start, args.end, args.views, events, args.force)
    if args.recording != "-" and Path(args.recording).is_dir():
        return _run_folder(args, wish)
    out = checked_out(Path(args.out))
    from spatial_lalm.model.loading import load_model

    with _recording(args, out) as path:
        summary = _analysed(path, out, wish, load_model(wish.model), args.workers)
    if args.plot:
        from spatial_lalm.app.analyze_plot import draw_timeline
        from spatial_lalm.model.recorded import Recorded

        draw_timeline(Recorded.open(out), Path(args.plot))
        summary["plot"] = args.plot
    for note in summary["assumed"]:
        print(f"assumed: {note}", file=sys.stderr)
    print(json.dumps(summary, allow_nan=False) if args.json else summary_text(summary))
    return 0


def _refuse_contradictions(args: argparse.Namespace) -> None:
    if args.workers < 1:
        raise InputError(f"--workers {args.workers}: must be at least 1")
    if args.recording == "-":
        for name in ("rate", "channels"):
            if getattr(args, name) is None:
                raise InputError(f"standard input: raw PCM says nothing of itself: --{name} is missing")
        return
    for name in ("rate", "channels", "encoding"):
        if getattr(args, name) is not None:
            raise InputError(f"--{name} {getattr(args, name)}: belongs to raw PCM on standard input (RECORDING is -)")
    if args.ray is not None and not Path(args.recording).is_dir():
        raise InputError(f"--ray {args.ray}: spreads the recordings of a folder, but {args.recording} is none")


def checked_out(out: Path) -> Path:
    """The memory file's path; ``InputError`` where it cannot be one."""
    from spatial_lalm.memory.store import SUFFIXES as ENDINGS

    if out.suffix.lower() not in ENDINGS:
        raise InputError(f"--out {out}: the memory file is HDF5: name it .h5")
    if not out.parent.is_dir():
        raise InputError(f"--out {out}: there is no folder {out.parent}: make it first")
    return out


@contextmanager
def _recording(args: argparse.Namespace, out: Path) -> Iterator[Path]:
    """The recording's file; what comes through a pipe is kept in one meanwhile."""
    if args.recording != "-":
        yield Path(args.recording)
        return
    from spatial_lalm.app.raw_input import kept_input
    from spatial_lalm.audio.soundfiles import check_channels, check_rate

    check_rate("standard input", args.rate)
    check_channels("standard input", args.channels)
    with kept_input(sys.stdin.buffer, out, args.rate, args.channels, args.encoding or "s16") as path:
        yield path


def _analysed(
    path: Path, out: Path, wish: Wish, model: SpatialLalm, workers: int, progress: Callable[..., object] | None = None
) -> dict[str, Any]:
    """Analyse one recording, or keep the file that is there of the same plan; the summary."""
    from spatial_lalm.app.progress import Progress
    from spatial_lalm.audio.recording import Recording
    from spatial_lalm.memory.store import MemoryFile
    from spatial_lalm.model.analysis import VIEWS, analyse, plan_analysis
    from spatial_lalm.model.recorded import Recorded

    began = time.monotonic()
    recording = Recording.open(path, format=wish.format, array=wish.array)
    plan = plan_analysis(model, recording, wish.views or VIEWS, wish.start_s, wish.end_s)
    kept = False
    if out.exists() and not wish.force:
        with MemoryFile(out) as file:
            kept = file.notes.get("plan") == plan.digest
        if not kept:
            raise InputError(
                f"{out}: holds another analysis (of another sound, format or model): name another file, or --force"
            )
    if not kept:
        with Progress("heard", seconds=True) as shown:
            analyse(plan, out, workers, progress or shown)
    recorded = Recorded.open(out)
    summary = summarise(recorded, out) | {"seconds_taken": round(time.monotonic() - began, 2), "kept": kept}
    if wish.events:
        from spatial_lalm.app.event_files import write_events

        summary["events_files"] = [str(write_events(recorded, out, kind)) for kind in wish.events]
    return summary


# ---------------------------------------------------------------- folders


@dataclass(frozen=True)
class _FolderTask:
    """Analyse the n-th recording of a folder; for ``simulation.workers``."""

    files: tuple[Path, ...]
    outs: tuple[Path, ...]
    wish: Wish

    def make(self, number: int) -> dict[str, Any]:
        """The summary of a recording, or its error."""
        from spatial_lalm.model.loading import load_model

        path, out = self.files[number], self.outs[number]
        try:
            out.parent.mkdir(parents=True, exist_ok=True)
            model = load_model(self.wish.model)
            return _analysed(path, out, self.wish, model, 1, lambda done, total: None)
        except InputError as error:
            return {"recording": str(path), "error": str(error)}


def _run_folder(args: argparse.Namespace, wish: Wish) -> int:
    from spatial_lalm.app.progress import Progress
    from spatial_lalm.simulation.workers import results

    if args.plot:
        raise InputError(f"--plot {args.plot}: draws one recording, but {args.recording} is a folder")
    folder, out = Path(args.recording), Path(args.out)
    files = tuple(sorted(path for path in folder.rglob("*") if path.suffix.lower() in SOUNDS and path.is_file()))
    if not files:
        raise InputError(f"{folder}: no recordings in it ({', '.join(SOUNDS)})")
    outs = tuple(out / path.relative_to(folder).with_name(f"{path.name}.h5") for path in files)
    task = _FolderTask(files, outs, wish)
    made: list[dict[str, Any]] = []
    with Progress("recordings") as progress:
        progress(0, len(files))
        for summary in results(task, range(len(files)), args.workers, args.ray, lambda n: str(files[n])):
            made.append(summary)
            progress(len(made), len(files))
    made.sort(key=lambda summary: str(summary["recording"]))
    failed = [summary for summary in made if "error" in summary]
    for summary in failed:
        print(f"spatial-lalm: {summary['error']}", file=sys.stderr)
    if args.json:
        print(json.dumps(made, allow_nan=False))
    else:
        hours = sum(summary.get("duration_s", 0.0) for summary in made) / 3600
        print(f"{len(made) - len(failed)} of {len(made)} recordings, {hours:.2f} h, in {out}")
    return EXIT_FAILED if failed else 0


# ---------------------------------------------------------------- summary


MOST_LISTED = 5


def summarise(recorded: Any, out: Path) -> dict[str, Any]:
    """What was heard, as plain values."""
    from spatial_lalm.model.recorded import loudest_places, sounding_s
    from spatial_lalm.model.recorded_answers import BY_DIRECTION, BY_VOICE

    sure = recorded.spoken
    labels = dict.fromkeys(event.label for event in sure)
    times = {label: round(sounding_s([e for e in sure if e.label == label]), 1) for label in labels}
    talk = {
        f"talker {number}": round(sounding_s([e for e in sure if e.talker == number]), 1) for number in recorded.talkers
    }
    rooms = [
        {"start_s": round(p.start_s, 1), "end_s": round(p.end_s, 1), "t60_s": round(p.room.t60_s.value, 3),
         "volume_m3": round(p.room.volume_m3.value, 1)}
        for p in recorded.rooms
    ]  # fmt: skip
    return {
        "recording": recorded.notes["audio"]["name"],
        "out": str(out),
        "duration_s": round(recorded.end_s - recorded.start_s, 3),
        "events": len(sure),
        "sources": len({event.source for event in sure}),
        "sounds_s": dict(sorted(times.items(), key=lambda item: -item[1])),
        "talk_s": dict(sorted(talk.items(), key=lambda item: -item[1])),
        "loudest": loudest_places(recorded, MOST_LISTED),
        "rooms": rooms,
        "assumed": [*recorded.notes["assumed"], *([BY_VOICE if recorded.by_voice else BY_DIRECTION] if talk else [])],
    }


def summary_text(summary: dict[str, Any]) -> str:
    """The summary for a person."""
    from spatial_lalm.model.recorded_words import clock, length_text

    def listed(times: dict[str, float]) -> str:
        shown = [f"{name} {length_text(seconds)}" for name, seconds in list(times.items())[:MOST_LISTED]]
        return ", ".join(shown + [f"{len(times) - MOST_LISTED} more"] * (len(times) > MOST_LISTED)) or "none"

    speed = "was there already" if summary["kept"] else (
        f"{summary['duration_s'] / max(summary['seconds_taken'], 1e-9):.3g} times real time"
    )  # fmt: skip
    rooms = "; ".join(
        f"{clock(room['start_s'])} to {clock(room['end_s'])} T60 {room['t60_s']:.2f} s, {room['volume_m3']:.0f} m³"
        for room in summary["rooms"]
    )
    lines = [
        f"{summary['out']}: {clock(summary['duration_s'])} of {summary['recording']}, {speed}",
        f"sounds: {summary['events']} events of {summary['sources']} sources; {listed(summary['sounds_s'])}",
        f"talkers: {len(summary['talk_s'])}; {listed(summary['talk_s'])}",
        f"loudest: {'; '.join(place['text'] for place in summary['loudest']) or 'nothing'}",
        f"rooms: {rooms or 'none heard'}",
    ]
    lines += [f"events: {path}" for path in summary.get("events_files", ())]
    return "\n".join(lines + [f"plot: {summary['plot']}"] * ("plot" in summary))
