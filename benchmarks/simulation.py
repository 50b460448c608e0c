"""Speed and fidelity of the simulator: ``python benchmarks/simulation.py`` (``--quick``: below a minute).

Ratios are of one run on one machine. Peers: pyroomacoustics (installed with the package) and pyshroom (``pip install
pyshroom``; left out where it is missing).
"""

from __future__ import annotations

import argparse
import json
import math
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from crash import crashes
from engines import engines, seconds_a_response
from fidelity import QUANTITIES, coherence, differences, pairs, plot_decays
from numpy.typing import NDArray

from spatial_lalm.app.progress import Progress
from spatial_lalm.evaluate.metrics import bootstrap_interval, median

Item = TypeVar("Item")

PARTS = ("speed", "fidelity", "scenes", "long", "crashes")
ORDERS = {"FOA": 1, "HOA2": 2}
QUICK_IMAGES = 1e6
"""Rooms of more images than this take seconds each: --quick leaves them out."""
FEW = 30
"""Rooms from which on a spread is told: one in twenty is too rare to be seen in fewer."""
TOLD_S = 15.0
"""Seconds between two counts where stderr is no terminal."""
SHOWN = 8
"""Rooms whose decay curves are plotted."""
SCENE = """
duration_s = 10.0
[rooms]
outdoors_share = 0.0
[sources]
counts = [0.0, 0.0, 0.0, 1.0]
moving_share = 0.3333
conversation_share = 0.0
"""


def speed(times_s: tuple[float, ...], orders: dict[str, int]) -> list[dict[str, Any]]:
    """Milliseconds a response of every engine in one room, and how many times as long as ours it takes."""
    rows = []
    print(f"\n{'responses, 6 x 5 x 3 m':36}{'T60':>5}{'':>7}{'ms':>10}{'x ours':>9}")
    for t60_s in times_s:
        for name, order in orders.items():
            ours = 0.0
            for engine in engines():
                seconds = seconds_a_response(engine, t60_s, order)
                ours = ours or seconds
                rows.append({"engine": engine.name, "t60_s": t60_s, "format": name, "ms": 1e3 * seconds})
                rows[-1]["ratio"] = seconds / ours
                print(f"{engine.name:36}{t60_s:5.1f}{name:>7}{1e3 * seconds:10.2f}{seconds / ours:9.0f}", flush=True)
    return rows


def fidelity(rooms: int, plot: Path | None, quick: bool = False) -> dict[str, Any]:
    """Medians and 95th percentiles of the differences to the image-source model, and the late field's coherence."""
    shown, rows = [], []
    for pair in counted("rooms", pairs(rooms, most_images=QUICK_IMAGES if quick else float("inf")), rooms):
        rows.append(differences(pair))
        if len(shown) < SHOWN:
            shown.append(pair)
    table = np.array(rows)
    result: dict[str, Any] = {name: spread(column) for name, column in zip(QUANTITIES, table.T, strict=True)}
    print(f"\n{f'against all images, {rooms} rooms':36}{'median':>10}{'its 95 % interval':>20}{'95 %':>10}{'rooms':>7}")
    for name, found in result.items():
        print(spread_line(name, found))
    if quick:
        print("  of the smaller and drier rooms alone: other figures than the README's, which are without --quick")
    noises = 1 if quick else 4
    largest, chance, power = coherence(noises)
    result["late field"] = {"coherence": largest, "chance": chance, "power_db": float(np.abs(power).max())}
    print(f"late field, order 3, {noises} of one room: largest mean coherence of two channels {largest:.3f}")
    print(f"  (chance {chance:.3f}), power of every channel within {np.abs(power).max():.2f} dB of 1 / (2 n + 1)")
    if plot is not None:
        plot_decays(shown, plot)
        print(f"energy decay curves: {plot}")
    return result


def spread(differences_of_rooms: NDArray[np.float64]) -> dict[str, Any]:
    """Median with its bootstrap interval, 95th percentile and count of what could be measured of rooms ``(N,)``."""
    known = differences_of_rooms[np.isfinite(differences_of_rooms)]
    if not len(known):
        return {"median": math.nan, "interval": [math.nan, math.nan], "p95": math.nan, "n": 0}
    found = bootstrap_interval(known, median)
    p95 = float(np.percentile(known, 95))
    return {"median": found.value, "interval": [found.low, found.high], "p95": p95, "n": len(known)}


def spread_line(name: str, found: dict[str, Any]) -> str:
    """A row of the table: of few rooms neither the interval nor the 95th percentile means anything."""
    line = f"{name:36}{found['median']:10.3f}"
    if found["n"] < FEW:
        return f"{line}{'few rooms':>20}{'':10}{found['n']:7}"
    low, high = found["interval"]
    return f"{line}{f'{low:.3f} to {high:.3f}':>20}{found['p95']:10.3f}{found['n']:7}"


def counted(label: str, items: Iterable[Item], total: int) -> Iterator[Item]:
    """The items, with their count on stderr: a line drawn over itself, or one every ``TOLD_S`` into a file or pipe."""
    told = time.monotonic()
    with Progress(label) as progress:
        progress(0, total)
        for done, item in enumerate(items, 1):
            yield item
            progress(done, total)
            if not sys.stderr.isatty() and time.monotonic() - told >= TOLD_S:
                told = time.monotonic()
                print(f"{label}: {done}/{total}", file=sys.stderr, flush=True)


# ---------------------------------------------------------------- whole scenes


def _measured(arguments: list[str]) -> tuple[float, float]:
    """Seconds and peak resident megabytes (the largest of its processes) of a run of the command line."""
    began = time.perf_counter()
    # ru_maxrss of a process itself outlives exec and so holds what this one took; that of its workers does not.
    code = (
        "import re, resource, sys; from spatial_lalm.app.cli import main; code = main(sys.argv[1:]); "
        "own = int(re.search(r'VmHWM:\\s+(\\d+)', open('/proc/self/status').read())[1]);"
        "print(max(own, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)); sys.exit(code)"
    )
    done = subprocess.run([sys.executable, "-c", code, *arguments], capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"simulation.py: error: {done.stderr.strip()}")
    return time.perf_counter() - began, float(done.stdout.split()[-1]) / 1024


def scenes(count: int) -> dict[str, float]:
    """Whole scenes a second by two processes, start included, and their peak memory."""
    with tempfile.TemporaryDirectory() as folder:
        config = Path(folder) / "scene.toml"
        config.write_text(SCENE)
        common = ["simulate", f"{folder}/out", "--config", str(config), "--workers", "2"]
        seconds, megabytes = _measured([*common, "--scenes", str(count)])
    print(f"\n10 s scenes, 3 sources (one moves), noise, FOA, 2 processes: {count / seconds:.1f} scenes/s,")
    print(f"  {10 * count / seconds:.0f} x real time, {megabytes:.0f} MB a process, {count} scenes in {seconds:.1f} s")
    return {"scenes_per_s": count / seconds, "peak_mb": megabytes}


def long_scenes(durations_s: tuple[float, ...]) -> list[dict[str, float]]:
    """Time and peak memory of single long scenes."""
    rows = []
    print(f"\n{'one long scene (config hour)':36}{'seconds':>10}{'peak MB':>10}")
    for duration_s in durations_s:
        with tempfile.TemporaryDirectory() as folder:
            arguments = ["simulate", f"{folder}/out", "--config", "hour", "--scenes", "1"]
            seconds, megabytes = _measured([*arguments, "--duration", str(duration_s)])
        rows.append({"duration_s": duration_s, "seconds": seconds, "peak_mb": megabytes})
        print(f"{f'{duration_s / 60:g} min':36}{seconds:10.1f}{megabytes:10.0f}", flush=True)
    return rows


def killed(points: int) -> list[dict[str, Any]]:
    """Runs that are killed at random points: files that broke, and folders that came out different."""
    rows = []
    print(f"\n{'killed at random points':36}{'runs':>6}{'cut short':>11}{'broken':>8}{'different':>11}")
    for layout in ("files", "hdf5"):
        told = crashes(layout, points)
        rows.append(asdict(told))
        print(f"{layout:36}{told.runs:6}{told.interrupted:11}{told.broken:8}{told.differing:11}", flush=True)
    return rows


def main() -> int:
    """Print the tables; write them as JSON where asked."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--quick", action="store_true", help="fewer and drier rooms, T60 0.3 s and first order only, no hour"
    )
    parser.add_argument("--json", type=Path, help="write the figures here, too")
    parser.add_argument("--plot", type=Path, help="write energy decay curves to this PNG")
    parser.add_argument("--rooms", type=int, metavar="N", help="rooms for the fidelity (default: 200, or 6)")
    parser.add_argument("--only", nargs="+", choices=PARTS, help="these parts alone")
    args = parser.parse_args()
    print(f"{os.cpu_count()} cores")
    quick = args.quick
    parts: dict[str, Callable[[], Any]] = {
        "speed": lambda: speed((0.3,) if quick else (0.3, 0.5, 0.8), {"FOA": 1} if quick else ORDERS),
        "fidelity": lambda: fidelity(args.rooms or (6 if quick else 200), args.plot, quick),
        "scenes": lambda: scenes(10 if quick else 200),
        "long": lambda: long_scenes((120.0,) if quick else (600.0, 3600.0)),
        "crashes": lambda: killed(2 if quick else 20),
    }
    results = {name: parts[name]() for name in args.only or parts}
    if args.json is not None:
        args.json.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
