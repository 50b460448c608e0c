"""Speed and fidelity of the simulator: ``python benchmarks/simulation.py`` (``--quick``: below a minute).

Ratios are of one run on one machine. Peers: pyroomacoustics (installed with the package) and pyshroom (``pip install
pyshroom``; left out where it is missing).
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from crash import crashes
from engines import engines, seconds_a_response
from fidelity import QUANTITIES, coherence, differences, pairs, plot_decays

PARTS = ("speed", "fidelity", "scenes", "long", "crashes")
ORDERS = {"FOA": 1, "HOA2": 2}
QUICK_IMAGES = 1e6
"""Rooms of more images than this take seconds each: --quick leaves them out."""
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
    """Milliseconds a response of every engine, and how many times as long as ours it takes."""
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
    for pair in pairs(rooms, most_images=QUICK_IMAGES if quick else float("inf")):
        rows.append(differences(pair))
        if len(shown) < SHOWN:
            shown.append(pair)
    table = np.array(rows)
    result: dict[str, Any] = {}
    print(f"\n{f'against all images, {rooms} rooms':36}{'median':>10}{'95 %':>10}")
    for name, column in zip(QUANTITIES, table.T, strict=True):
        known = column[np.isfinite(column)]
        result[name] = {"median": float(np.median(known)), "p95": float(np.percentile(known, 95)), "n": len(known)}
        print(f"{name:36}{result[name]['median']:10.3f}{result[name]['p95']:10.3f}")
    largest, chance, power = coherence(1 if quick else 4)
    result["late field"] = {"coherence": largest, "chance": chance, "power_db": float(np.abs(power).max())}
    print(f"late field, order 3: largest mean coherence of two channels {largest:.3f} (chance {chance:.3f}),")
    print(f"  power of every channel within {np.abs(power).max():.2f} dB of 1 / (2 n + 1)")
    if plot is not None:
        plot_decays(shown, plot)
        print(f"energy decay curves: {plot}")
    return result


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
