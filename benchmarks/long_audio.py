"""Hours of audio: speed, memory, needles, what is read for a question, crashes.

``python benchmarks/long_audio.py`` (``--quick``: small sizes).

Times are of one machine that may be shared: CPU seconds are told beside them, and ratios are of one run.
"""

from __future__ import annotations

import argparse
import multiprocessing
import re
import resource
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import soundfile
from needles import Needle, haystack, needle_at, pool
from retrieval import retrieval

from spatial_lalm.app.allocation import keep_freed_memory
from spatial_lalm.audio.presets import preset
from spatial_lalm.audio.recording import Recording
from spatial_lalm.model.analysis import VIEWS, analyse, plan_analysis
from spatial_lalm.model.loading import load_model
from spatial_lalm.model.recorded import Recorded

PARTS = ("speed", "needles", "retrieval", "crashes")
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


def _measured(path: Path, out: Path, receiver: str, views: int, pipe: Any) -> None:
    """Analyse in a process of its own: seconds of wall and CPU, peak resident bytes, and seconds of questions."""
    keep_freed_memory()
    model = load_model()
    opened = {"format": "ambix"} if receiver == "foa" else {"array": receiver}
    loaded = time.process_time()
    began = time.monotonic()
    analyse(plan_analysis(model, Recording.open(path, **opened), views), out)
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


def needles(minutes: Sequence[float], depths: Sequence[float], views: int, source: str | None) -> None:
    """Needles by length and depth."""
    model, rng = load_model(source), np.random.default_rng(0)
    distractors = pool(rng)
    found: list[Needle] = []
    print("| minutes | depth, % | found | answered | time error, s | angle, ° | tones elsewhere |")
    print("|---|---|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as folder:
        for length in minutes:
            hay = haystack(length, distractors, rng)
            for depth in depths:
                one = needle_at(model, hay, depth, Path(folder), rng, views)
                found.append(one)
                print(f"| {length:g} | {100 * depth:.0f} | {one.found} | {one.answered} | {one.time_error_s:.2f} "
                      f"| {one.angle_error_deg:.1f} | {one.false_tones} |", flush=True)  # fmt: skip
    shares = sum(one.found for one in found), sum(one.answered for one in found)
    angle = np.nanmedian([one.angle_error_deg for one in found])
    print(f"\nfound {shares[0]} and answered {shares[1]} of {len(found)}; median angle {angle:.1f}°\n")


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


def main() -> None:
    """Run the parts."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="minutes instead of hours, two depths, three crashes")
    parser.add_argument("--only", choices=PARTS, help="one part alone")
    parser.add_argument("--model", metavar="DIR", help="for needles and retrieval (default: the shipped one)")
    parser.add_argument("--views", type=int, default=VIEWS, help=f"views (default: {VIEWS})")
    args = parser.parse_args()
    quick = args.quick
    if args.only in (None, "speed"):
        foa = (4, 8) if quick else (10, 60, 240)
        cases = [("foa", minutes) for minutes in foa] + [(name, foa[0]) for name in ("tetrahedral", "em32")]
        speed(cases, 16_000 if quick else 48_000, args.views)
    if args.only in (None, "needles"):
        needles((2,) if quick else (5, 30), (0.0, 1.0) if quick else (0.0, 0.25, 0.5, 0.75, 1.0), args.views,
                args.model)  # fmt: skip
    if args.only in (None, "retrieval"):
        sizes = ((2, 10), 40, 2, 16) if quick else ((3, 6, 12, 30, 60, 96), 400, 6, 48)
        retrieval(load_model(args.model), *sizes)
    if args.only in (None, "crashes"):
        crashes(3 if quick else 20, 4.0)


if __name__ == "__main__":
    main()
