"""Hours of audio: speed, memory, where the time goes, needles, what is read for a question, crashes.

``python benchmarks/long_audio.py`` (``--quick``: small sizes).

Times are of one machine that may be shared: CPU seconds are told beside them, and ratios are of one run.
"""

from __future__ import annotations

import argparse
import math
import multiprocessing
import re
import resource
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import soundfile
from budgets import INDEX, Budget, Held
from cpu_shares import CpuShares
from needle_map import CLIP, Outcome, draw_map, outcome, outcomes, print_tables
from needles import Haystack, cut_clip, haystack, open_needles
from retrieval import retrieval

from spatial_lalm.app.allocation import keep_freed_memory
from spatial_lalm.audio.presets import preset
from spatial_lalm.audio.recording import Recording
from spatial_lalm.model.analysis import VIEWS, analyse, plan_analysis
from spatial_lalm.model.loading import SpatialLalm, load_model
from spatial_lalm.model.recorded import Recorded

PARTS = ("speed", "profile", "needles", "retrieval", "crashes")
RECORDINGS = {5.0: 11, 30.0: 6, 60.0: 6, 240.0: 2}
"""Recordings with needles by their minutes: 18 hours in all."""
LEAST_MINUTES = 1.0
"""Recordings with needles are longer: the simulator sets levels beforehand from there on."""
QUESTIONS = ("When do you hear speech?", "Where is the first click?", "What happened after the last tone?",
             "How many talkers are there?", "How reverberant is the room?")  # fmt: skip


def write_long(path: Path, minutes: float, rate: int, channels: int, seed: int = 0) -> None:
    """Bursts of noise from changing directions over a quiet floor, in 16 bit, in flat memory."""
    rng = np.random.default_rng(seed)
    with soundfile.SoundFile(path, "w", rate, channels, "PCM_16", format="RF64") as file:
        for _ in range(round(60 * minutes / 5)):
            block = rng.normal(0, 0.001, (5 * rate, channels))
            gains = rng.normal(0, 1, channels) / np.sqrt(3)
            gains[0] = 1.0
            burst = slice(int(rng.integers(rate)), int(rng.integers(2 * rate, 4 * rate)))
            block[burst] += rng.normal(0, 0.05, (burst.stop - burst.start, 1)) * gains
            file.write(block)


def peak_bytes() -> int:
    """The most that this process has had resident; ``ru_maxrss`` would tell that of the process before ``exec``."""
    status = Path("/proc/self/status")
    if not status.exists():
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    found = re.search(r"VmHWM:\s+(\d+) kB", status.read_text())
    assert found is not None
    return int(found[1]) * 1024


def _opening(receiver: str) -> dict[str, str]:
    """How a recording of a receiver is opened."""
    return {"format": "ambix"} if receiver == "foa" else {"array": receiver}


def _measured(path: Path, out: Path, receiver: str, views: int, pipe: Any) -> None:
    """Analyse in a process of its own: seconds of wall and CPU, peak resident bytes, and seconds of questions."""
    keep_freed_memory()
    model = load_model()
    loaded = time.process_time()
    began = time.monotonic()
    analyse(plan_analysis(model, Recording.open(path, **_opening(receiver)), views), out)
    took, cpu = time.monotonic() - began, time.process_time() - loaded
    peak = peak_bytes()
    began = time.process_time()
    recorded = Recorded.open(out)
    for question in QUESTIONS:
        recorded.ask(question)
    pipe.send((took, cpu, peak, (time.process_time() - began) / len(QUESTIONS)))


def speed(cases: Sequence[tuple[str, float]], rate: int, views: int) -> None:
    """Real-time factor, memory and questions by receiver and minutes."""
    print(
        "| receiver | minutes | wall, s | CPU, s | times real time, a core | peak MiB | file MiB | a question, CPU ms |"
    )
    print("|---|---|---|---|---|---|---|---|")
    context = multiprocessing.get_context("spawn")
    peaks = []
    with tempfile.TemporaryDirectory() as folder:
        for receiver, length in cases:
            path, out = Path(folder) / "long.wav", Path(folder) / "long.h5"
            out.unlink(missing_ok=True)
            write_long(path, length, rate, 4 if receiver == "foa" else preset(receiver).microphones)
            ours, theirs = context.Pipe()
            process = context.Process(target=_measured, args=(path, out, receiver, views, theirs))
            process.start()
            took, cpu, peak, question = ours.recv()
            process.join()
            if receiver == "foa":
                peaks.append(peak)
            print(f"| {receiver} | {length:g} | {took:.1f} | {cpu:.1f} | {60 * length / cpu:.0f} | {peak / 2**20:.0f} "
                  f"| {out.stat().st_size / 2**20:.1f} | {1000 * question:.0f} |", flush=True)  # fmt: skip
    print(f"\npeak memory of foa, longest over shortest: {peaks[-1] / peaks[0]:.3f}\n")


def profile(receivers: Sequence[str], minutes: float, rate: int, views: int) -> None:
    """Shares of the CPU time of an analysis by stage (``cpu_shares``), beside each other for several receivers."""
    model = load_model()
    shares: list[dict[str, float]] = []
    with tempfile.TemporaryDirectory() as folder:
        for receiver in receivers:
            path, out = Path(folder) / "long.wav", Path(folder) / "long.h5"
            write_long(path, minutes, rate, 4 if receiver == "foa" else preset(receiver).microphones)
            opened = Recording.open(path, **_opening(receiver))
            began = time.process_time()
            with CpuShares() as looks:
                analyse(plan_analysis(model, opened, views), out, workers=1)
            print(f"{receiver}, {minutes:g} min at {rate} Hz, {views} views: {time.process_time() - began:.1f} CPU s")
            shares.append(looks.shares())
            out.unlink()
    stages = sorted({stage for one in shares for stage in one}, key=lambda stage: -shares[0].get(stage, 0.0))
    print(f"\n| share of CPU time, % | {' | '.join(receivers)} |\n|{'---|' * (1 + len(receivers))}")
    for stage in stages:
        print(f"| {stage} | {' | '.join(f'{100 * one.get(stage, 0.0):.1f}' for one in shares)} |")
    print(flush=True)


def needles(
    model: SpatialLalm, recordings: Mapping[float, int], audio: Path | None, views: int, chart: Path | None
) -> None:
    """Needles by length, depth and way: ``recordings`` of so many minutes, eleven needles each (``needles``)."""
    sources = open_needles(audio)
    memory = "no trained memory" if model.model.memory is None else "a trained memory"
    print(f"needles: {sources.words}; {model.name}, {memory}, {views} views\n")
    found: list[Outcome] = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for minutes, count in recordings.items():
            for number in range(count):
                hay = haystack(folder / "hay.wav", minutes, number, sources)
                there = hidden_in(model, hay, minutes, views, folder)
                own = [one.found for one in there if one.way == INDEX]
                print(f"{minutes:g} min, recording {number}: {sum(own)} of {len(own)} found", flush=True)
                found += there
    print()
    print_tables(found)
    if chart is not None:
        draw_map(found, chart, f"Needles: {sources.words}\n{model.name}, {memory}")


def hidden_in(model: SpatialLalm, hay: Haystack, minutes: float, views: int, folder: Path) -> list[Outcome]:
    """What becomes of the needles of a recording by every way, and in clips of their own."""
    budget = Budget(_recorded(model, hay.path, folder / "hay.h5", views), model)
    found = []
    for number, needle in enumerate(hay.needles):
        found += outcomes(budget, needle, minutes, hay.scene.seed + number)
        begins_s = cut_clip(hay, needle, folder / "clip.wav")
        clip = _recorded(model, folder / "clip.wav", folder / "clip.h5", views)
        held = Held([(clip.start_s, clip.end_s)], clip.events)
        found.append(outcome(clip, held, needle, minutes, CLIP, model, begins_s))
    return found


def _recorded(model: SpatialLalm, path: Path, out: Path, views: int) -> Recorded:
    analyse(plan_analysis(model, Recording.open(path, format="ambix"), views), out)
    return Recorded.open(out)


def _killed_after(path: Path, out: Path, after_s: float) -> bool:
    """Analyse in another process, which is killed after a time; whether it was not through."""
    process = multiprocessing.get_context("spawn").Process(target=_analyse, args=(path, out))
    process.start()
    process.join(after_s)
    process.kill()
    process.join()
    return not out.exists()


def _analyse(path: Path, out: Path) -> None:
    analyse(plan_analysis(load_model(), Recording.open(path, format="ambix"), 1), out)


def crashes(points: int, minutes: float) -> None:
    """Kill at random points, go on, and compare the bytes."""
    rng = np.random.default_rng(0)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        path = folder / "long.wav"
        write_long(path, minutes, 16_000, 4)
        began = time.monotonic()
        _killed_after(path, folder / "whole.h5", 3600.0)
        takes_s, whole = time.monotonic() - began, (folder / "whole.h5").read_bytes()
        interrupted = differing = 0
        for point in range(points):
            out = folder / f"{point}.h5"
            interrupted += _killed_after(path, out, float(rng.uniform(0, takes_s)))
            _killed_after(path, out, 3600.0)
            differing += out.read_bytes() != whole
            out.unlink()
    print(f"killed {points} times, {interrupted} before the end: {differing} files differ from an uninterrupted one")


def _counted(text: str) -> tuple[float, int]:
    """Minutes and a number of recordings, as in ``30:6``."""
    minutes, _, count = text.partition(":")
    try:
        found = float(minutes), int(count or 1)
    except ValueError:
        found = 0.0, 0
    if not LEAST_MINUTES < found[0] < math.inf or found[1] < 1:
        raise argparse.ArgumentTypeError(f"{text!r}: give MINUTES:N, more than {LEAST_MINUTES:g} minutes, as in 30:6")
    return found


def main() -> None:
    """Run the parts."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="minutes instead of hours, three crashes")
    parser.add_argument("--only", choices=PARTS, help="one part alone")
    parser.add_argument("--audio", type=Path, metavar="DIR", help="corpora for needles (see list_sources.py)")
    parser.add_argument(
        "--recordings", type=_counted, nargs="+", metavar="MINUTES:N", help="so many recordings of a length for needles"
    )
    parser.add_argument("--map", type=Path, metavar="PNG", help="heat map of needles by length and depth")
    parser.add_argument("--model", metavar="DIR", help="for needles and retrieval (default: the shipped one)")
    parser.add_argument("--views", type=int, default=VIEWS, help=f"views (default: {VIEWS})")
    args = parser.parse_args()
    quick = args.quick
    if args.only in (None, "speed"):
        foa = (4, 8) if quick else (10, 60, 240)
        cases = [("foa", minutes) for minutes in foa] + [(name, foa[0]) for name in ("tetrahedral", "em32")]
        speed(cases, 16_000 if quick else 48_000, args.views)
    if args.only in (None, "profile"):
        profile(("foa", "em32"), 1.0 if quick else 10.0, 16_000 if quick else 48_000, args.views)
    if args.only in (None, "needles"):
        recordings = dict(args.recordings or ()) or ({3.0: 1} if quick else RECORDINGS)
        needles(load_model(args.model), recordings, args.audio, args.views, args.map)
    if args.only in (None, "retrieval"):
        sizes = ((2, 10), 40, 2, 16) if quick else ((3, 6, 12, 30, 60, 96), 400, 6, 48)
        retrieval(load_model(args.model), *sizes)
    if args.only in (None, "crashes"):
        crashes(3 if quick else 20, 4.0)


if __name__ == "__main__":
    main()
