"""``spatial-lalm arrays``: the microphone arrays that are known by name; one of them as JSON, or its quality."""

from __future__ import annotations

import argparse
import io
import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from spatial_lalm.errors import InputError

if TYPE_CHECKING:
    import numpy as np
    from matplotlib.figure import Figure
    from numpy.typing import NDArray

    from spatial_lalm.audio.arrays import MicrophoneArray

IDEAL = {"foa": 1, "hoa2": 2, "hoa3": 3}
"""Ideal ambisonics: formats, which have no capsules."""
TRUSTED = 0.8
"""A channel is heard where its quality is at least this."""


@dataclass(frozen=True)
class Row:
    """One array in the list.

    ``radius_cm`` is that of the rigid sphere, or the distance of the farthest capsule from the centre; ``order`` is the
    highest of which some channel is trusted over an octave, ``hears`` what its first order tells, ``band_hz`` where.
    """

    name: str
    microphones: int
    rigid: bool
    radius_cm: float
    order: int
    hears: str
    band_hz: tuple[int, int] | None
    summary: str


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of the command to its parser."""
    add = parser.add_argument
    add(
        "array",
        metavar="NAME|FILE",
        nargs="?",
        help="print this array as JSON, which --array reads (default: list all)",
    )
    add("--plot", metavar="PNG", help="plot the array's quality mask over frequency")
    add("--order", type=int, choices=(1, 2, 3), metavar="N", help="order of the plot (default: the highest possible)")
    add("--rate", type=int, default=48_000, metavar="HZ", help="sample rate of the plot (default: 48000)")
    add("--force", action="store_true", help="write over a plot that exists")
    add("--json", action="store_true", help="print the list as JSON")


def run(args: argparse.Namespace) -> int:
    """Print the list, or one array, or plot it."""
    if args.array is None:
        if args.plot is not None:
            raise InputError(f"--plot {args.plot}: name the array to plot")
        rows = [row_of(name) for name in _names()]
        print(json.dumps([asdict(row) for row in rows]) if args.json else table(rows))
        return 0
    array = _loaded(args.array)
    if args.plot is None:
        if array.measured is not None:
            raise InputError(
                f"{args.array}: measured responses are no JSON: give the SOFA file itself to --array, or see --plot"
            )
        print(json.dumps(array.to_dict(), indent=1))
        return 0
    _plot(args, array)
    print(f"{args.plot}: quality mask of array {array.name}")
    return 0


def _names() -> tuple[str, ...]:
    from spatial_lalm.audio.presets import preset_names

    return preset_names()


def _loaded(name: str) -> MicrophoneArray:
    """A preset, or the array of a file."""
    from spatial_lalm.audio.arrays import MicrophoneArray
    from spatial_lalm.audio.presets import preset

    if name.lower() in IDEAL:
        raise InputError(f"{name} is ideal ambisonics, which has no capsules: it is named with --format, not --array")
    if name.lower().endswith((".json", ".sofa")):
        return MicrophoneArray.load(name)
    return preset(name.lower())


# ---------------------------------------------------------------- the list


def row_of(name: str) -> Row:
    """What the list says of a preset."""
    import numpy as np

    from spatial_lalm.app.encode_steps import highest_order
    from spatial_lalm.audio.conventions import acn_orders
    from spatial_lalm.audio.encoding import encoding_quality, mel_centres
    from spatial_lalm.audio.presets import preset, preset_summary

    array = preset(name)
    highest = highest_order(array.microphones)
    quality, hertz = encoding_quality(array, highest, 48_000), mel_centres(rate=48_000)
    spans = [_octave(channel, hertz) for channel in quality]
    useful = max((int(n) for n, span in zip(acn_orders(highest), spans, strict=True) if span), default=0)
    extent = array.rigid_radius_m or float(np.linalg.norm(array.positions, axis=1).max())
    first = [span for span in spans[1:4] if span]
    band = (max(low for low, _ in first), min(high for _, high in first)) if first else None
    rigid = array.rigid_radius_m is not None
    radius = round(100 * extent, 2)
    return Row(name, array.microphones, rigid, radius, useful, _heard(spans[1:4]), band, preset_summary(name))


def _octave(quality: NDArray[np.float32], hertz: NDArray[np.float64]) -> tuple[int, int] | None:
    """From where to where a channel is trusted, if that is an octave or more."""
    trusted = hertz[quality >= TRUSTED]
    if len(trusted) == 0 or trusted.max() < 2 * trusted.min():
        return None
    return round(float(trusted.min())), round(float(trusted.max()))


def _heard(dipoles: list[tuple[int, int] | None]) -> str:
    """In words what Y, Z and X tell."""
    y, z, x = (span is not None for span in dipoles)
    if x and y:
        return "all round" if z else "azimuth"
    return "left-right" if y else "little"


def table(rows: list[Row]) -> str:
    """The list for a person."""
    lines = [f"{'NAME':<12}{'MICS':>4}  {'RADIUS':<13}{'ORDER':>5}  {'HEARS':<11}{'BAND, HZ':<13}WHAT IT IS"]
    for row in rows:
        radius = f"{row.radius_cm:g} cm{' rigid' if row.rigid else ''}"
        band = f"{row.band_hz[0]}-{row.band_hz[1]}" if row.band_hz else "none"
        lines.append(
            f"{row.name:<12}{row.microphones:>4}  {radius:<13}{row.order:>5}  {row.hears:<11}{band:<13}{row.summary}"
        )
    lines += [
        f"{name:<12}{(order + 1) ** 2:>4}  {'-':<13}{order:>5}  {'all round':<11}{'all':<13}"
        "ideal ambisonics: no array, name it with --format"
        for name, order in IDEAL.items()
    ]
    return "\n".join(lines)


# ---------------------------------------------------------------- the plot


def _plot(args: argparse.Namespace, array: MicrophoneArray) -> None:
    """Draw the quality mask into a PNG, whole or not at all."""
    from spatial_lalm.app.encode_steps import check_order, highest_order
    from spatial_lalm.simulation.writer import atomic_write

    path = Path(args.plot)
    if not args.plot.lower().endswith(".png"):
        raise InputError(f"--plot {args.plot}: the plot is a PNG: name it .png")
    if not path.parent.is_dir():
        raise InputError(f"{path}: there is no folder {path.parent}: make it first")
    if path.exists() and not args.force:
        raise InputError(f"{path}: the file exists: name another, or write over it with --force")
    if not 8_000 <= args.rate <= 192_000:
        raise InputError(f"--rate {args.rate}: must be within 8000 and 192000 Hz")
    order = args.order or highest_order(array.microphones) or 1
    check_order(array, order)
    picture = io.BytesIO()
    figure(array, order, args.rate).savefig(picture, format="png", dpi=110, metadata={"Software": None})
    atomic_write(path, picture.getvalue())


def figure(array: MicrophoneArray, order: int, rate: int) -> Figure:
    """Above the mean quality of every order over frequency, below that of every channel."""
    import numpy as np
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    from spatial_lalm.audio.conventions import acn_orders
    from spatial_lalm.audio.encoding import encoding_quality, mel_centres

    quality, hertz = encoding_quality(array, order, rate), mel_centres(rate=rate)
    drawing = Figure(figsize=(8, 6), layout="constrained")
    FigureCanvasAgg(drawing)
    above, below = drawing.subplots(2, 1, sharex=True)
    for degree in range(order + 1):
        above.plot(hertz, quality[acn_orders(order) == degree].mean(axis=0), label=f"order {degree}")
    above.set(ylabel="mean quality", ylim=(-0.02, 1.02), xscale="log", title=f"array {array.name}: trust by frequency")
    above.legend(loc="lower center", ncols=order + 1, fontsize="small")
    above.grid(alpha=0.3)
    mesh = below.pcolormesh(hertz, np.arange(len(quality)), quality, vmin=0, vmax=1, cmap="viridis", shading="nearest")
    below.set(xlabel="frequency, Hz", ylabel="channel (ACN)", xlim=(hertz[0], hertz[-1]))
    below.set_yticks(range(len(quality)))
    below.invert_yaxis()
    drawing.colorbar(mesh, ax=below, label="quality")
    return drawing
