"""Array to ambisonics beside its peers: ``python benchmarks/encoding.py`` (``--quick``: three arrays, few frequencies).

For every array, order and octave band: the relative mean squared error over 1,997 directions (other ones than any was
designed on) with the noise of sensors 25 dB below a plane wave, and the level in a diffuse field. Peers: pyshroom's
"ambisonics signal matching" (``pip install pyshroom``; left out where it is missing) on the same manifold, and for
capsules on a rigid sphere spaudiopy's spherical harmonic transform with radial filters.

The omni channel is compared at equal level: ours is brought to full level in a diffuse field on purpose, which costs
squared error where a spaced array cannot hear an omni at all. Higher orders are left as the least squares have them:
they fade, and the mask says so, where raising them to full level (as SE-ASM does) would raise noise. Exit code 1 where
ours is worse in any cell.
"""

from __future__ import annotations

import argparse
import json
from typing import Any

import numpy as np
from encoders import DESIGN_POINTS, Encoder, Filters, design_seconds, encoders, encoding_seconds
from numpy.typing import NDArray

from spatial_lalm.app.encode_steps import highest_order
from spatial_lalm.audio.arrays import MicrophoneArray
from spatial_lalm.audio.conventions import acn_orders, spherical_harmonics
from spatial_lalm.audio.encoding import SENSOR_SNR_DB, fibonacci_grid
from spatial_lalm.audio.presets import preset
from spatial_lalm.simulation.array_sampling import sample_array

BANDS_HZ = (125, 250, 500, 1000, 2000, 4000)
HIGHEST_HZ = 7500.0
GRID = fibonacci_grid(1997)
SLACK = 1.002
"""Ours may be this many times theirs, for the finite length of its filters."""
PRESETS = ("em32", "zylia", "tetrahedral", "respeaker4", "respeaker6", "glasses", "binaural")


def arrays(quick: bool) -> list[tuple[MicrophoneArray, int]]:
    """The arrays with the orders that they are encoded to."""
    names = ("zylia", "tetrahedral", "respeaker4") if quick else PRESETS
    chosen = [preset(name) for name in names]
    tetrahedron = np.array([[1, 1, 1], [1, -1, -1], [-1, 1, -1], [-1, -1, 1]]) * 0.025 / np.sqrt(3)
    chosen.append(MicrophoneArray("open tetrahedron", tetrahedron))
    if not quick:
        rng = np.random.default_rng(7)
        chosen += [sample_array(rng) for _ in range(4)]
    return [(array, highest_order(array.microphones)) for array in chosen]


def band_frequencies(centre: float, count: int) -> NDArray[np.float64]:
    """Frequencies of an octave, evenly in the logarithm, up to what the rate holds."""
    edges = np.array([centre / np.sqrt(2), min(centre * np.sqrt(2), HIGHEST_HZ)])
    return np.geomspace(*edges, 2 * count + 1)[1::2]


# ---------------------------------------------------------------- errors


def errors(filters: Filters, manifold: NDArray[np.complex128], order: int) -> tuple[NDArray, NDArray]:
    """Relative squared error ``(F, C)`` with sensor noise, and power in a diffuse field over the ideal ``(F, C)``."""
    target = spherical_harmonics(order, GRID).T
    power = np.mean(target**2, axis=1)
    noise = np.mean(np.abs(manifold) ** 2, axis=(1, 2)) * 10 ** (-SENSOR_SNR_DB / 10)
    heard = filters @ manifold
    own = noise[:, None] * np.sum(np.abs(filters) ** 2, axis=2)
    return (np.mean(np.abs(heard - target) ** 2, axis=2) + own) / power, np.mean(np.abs(heard) ** 2, axis=2) / power


def levelled(filters: Filters, level: NDArray) -> Filters:
    """Filters whose omni channel is at full level in a diffuse field."""
    out = filters.copy()
    out[:, 0] /= np.sqrt(np.maximum(level[:, 0], 1e-6))[:, None]
    return out


def measured(encoder: Encoder, array: MicrophoneArray, order: int, count: int) -> dict[str, NDArray] | None:
    """``error`` and ``level`` in dB, each ``(orders, bands)``, and ``omni`` at equal level; ``None`` if it cannot."""
    if not encoder.fits(array, order):
        return None
    hertz = np.concatenate([band_frequencies(band, count) for band in BANDS_HZ])
    manifold = array.manifold(hertz, GRID)
    best: dict[str, NDArray] | None = None
    for design in encoder.variants:
        filters = design(array, order, hertz)
        error, level = errors(filters, manifold, order)
        omni, _ = errors(levelled(filters, level), manifold, order)
        level_db = 10 * np.log10(np.maximum(level, 1e-9))
        found = {
            "error": _by_order(error, order),
            "level_db": _by_order(np.abs(level_db), order),
            "omni": omni[:, 0].reshape(len(BANDS_HZ), -1).mean(axis=1),
        }
        best = found if best is None else {key: np.minimum(best[key], found[key]) for key in best}
    return best


def _by_order(values: NDArray, order: int) -> NDArray:
    """Means over the channels of an order and the frequencies of a band, ``(orders, bands)``."""
    by_band = values.reshape(len(BANDS_HZ), -1, values.shape[1]).mean(axis=1)  # (B, C)
    return np.stack([by_band[:, acn_orders(order) == n].mean(axis=1) for n in range(order + 1)])


def compared(quick: bool) -> list[dict[str, Any]]:
    """A row for every array and order, with one entry a program."""
    rows: list[dict[str, Any]] = []
    for array, highest in arrays(quick):
        results = {one.name: measured(one, array, highest, 2 if quick else 6) for one in encoders()}
        for order in range(highest + 1):
            row: dict[str, Any] = {"array": array.name, "order": order, "programs": {}}
            for name, found in results.items():
                if found is not None:
                    error = found["omni"] if order == 0 else found["error"][order]
                    entry = {"error": error, "plain_error": found["error"][order], "level_db": found["level_db"][order]}
                    row["programs"][name] = {key: values.tolist() for key, values in entry.items()}
            rows.append(row)
    return rows


def worse(rows: list[dict[str, Any]]) -> list[str]:
    """Cells in which another program's error is smaller than ours."""
    found = []
    for row in rows:
        ours = row["programs"]["ours"]["error"]
        for name, theirs in row["programs"].items():
            for band, (our, their) in enumerate(zip(ours, theirs["error"], strict=True)):
                if our > their * SLACK + 1e-5:
                    found.append(
                        f"{row['array']} order {row['order']} {BANDS_HZ[band]} Hz: {our:.4g}, {name} {their:.4g}"
                    )
    return found


# ---------------------------------------------------------------- tables


def print_errors(rows: list[dict[str, Any]]) -> None:
    """The errors as a Markdown table, a line for every array, order and program."""
    print("\nRelative mean squared error by octave band, sensor noise included (order 0 at equal level):\n")
    print(f"| array | order | program | {' | '.join(f'{band} Hz' for band in BANDS_HZ)} | diffuse level off by, dB |")
    print(f"|---|---|---|{'---|' * (len(BANDS_HZ) + 1)}")
    for row in rows:
        for name, found in row["programs"].items():
            cells = " | ".join(f"{value:.3f}" if value < 100 else f"{value:.0e}" for value in found["error"])
            levels = f"{np.mean(found['level_db']):.1f} (most {np.max(found['level_db']):.1f})"
            print(f"| {row['array']} | {row['order']} | {name} | {cells} | {levels} |")


def speed(quick: bool) -> dict[str, Any]:
    """Design times as ratios, and real-time factors of encoding an em32 at 48 kHz."""
    print("\nProcessor time to design 64 ms filters at 16 kHz (others: a few frequencies, scaled):\n")
    print("| array | order | ours, ms | pyshroom ASM, times ours |\n|---|---|---|---|")
    programs = {one.name: one for one in encoders()}
    designs = []
    for array, order in arrays(quick):
        ours = design_seconds(programs["ours"], array, order)
        row = {"array": array.name, "order": order, "ours_ms": 1e3 * ours}
        if "pyshroom ASM" in programs:
            row["pyshroom"] = design_seconds(programs["pyshroom ASM"], array, order) / ours
        designs.append(row)
        told = f"{row['pyshroom']:.0f}" if "pyshroom" in row else ""
        print(f"| {array.name} | {order} | {row['ours_ms']:.0f} | {told} |", flush=True)
    print(
        "\nSeconds of an em32 recording at 48 kHz encoded in a second of one processor:\n\n| order | | |\n|---|---|---|"
    )
    factors: dict[str, dict[str, float]] = {}
    seconds = 2.0 if quick else 5.0
    for order in (1, 3):
        spent = encoding_seconds(preset("em32"), order, 48_000, seconds)
        factors[str(order)] = {name: seconds / one for name, one in spent.items()}
        for name, factor in factors[str(order)].items():
            print(f"| {order} | {name} | {factor:.2f} |", flush=True)
    return {"design": designs, "real_time_factor": factors}


def main() -> int:
    """Print the tables; 1 where ours is worse."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="three arrays, few frequencies")
    parser.add_argument("--json", metavar="FILE", help="write all figures to a file")
    parser.add_argument("--only", choices=("errors", "speed"), help="one part")
    args = parser.parse_args()
    result: dict[str, Any] = {"design_points": DESIGN_POINTS, "snr_db": SENSOR_SNR_DB, "bands_hz": BANDS_HZ}
    found: list[str] = []
    if args.only != "speed":
        result["errors"] = compared(args.quick)
        print_errors(result["errors"])
        found = result["worse"] = worse(result["errors"])
        cells = sum(len(row["programs"]) - 1 for row in result["errors"]) * len(BANDS_HZ)
        print(f"\nOurs is worse in {len(found)} of {cells} cells.", *found, sep="\n")
    if args.only != "errors":
        result |= speed(args.quick)
    if args.json:
        with open(args.json, "w", encoding="utf-8") as file:
            json.dump(result, file, indent=1)
    return int(bool(found))


if __name__ == "__main__":
    raise SystemExit(main())
