"""The part of ``spatial-lalm encode`` that estimates an array from diffuse noise, and what is told of it."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from spatial_lalm.errors import InputError

if TYPE_CHECKING:
    from spatial_lalm.audio.calibration import Calibration
    from spatial_lalm.audio.soundfiles import Header


def calibrated_array(args: argparse.Namespace, source: Path, header: Header) -> Calibration:
    """The calibration by the recording; its array is written to ``args.calibrate``."""
    from spatial_lalm.app.encode_steps import Ticker, check_order, native_blocks
    from spatial_lalm.app.progress import Progress
    from spatial_lalm.audio.calibration import calibrate
    from spatial_lalm.simulation.writer import atomic_write, json_bytes

    with Progress("seconds calibrated by") as progress:
        tick = Ticker(progress, header.frames / header.rate)
        try:
            found = calibrate(native_blocks(source, header, tick), header.rate, Path(args.calibrate).stem)
        except InputError as error:
            raise InputError(str(error) if str(source) in str(error) else f"{source}: {error}") from None
    if args.out is not None:
        check_order(found.array, args.order)
    atomic_write(Path(args.calibrate), json_bytes(found.array.to_dict()))
    return found


def calibration_values(found: Calibration, path: str) -> dict[str, Any]:
    """Plain values; lengths in centimetres."""
    return {
        "array": path,
        "microphones": found.array.microphones,
        "confidence": found.confidence,
        "error_cm": round(100 * found.error_m, 4),
        "errors_cm": [round(100 * float(error), 4) for error in found.errors_m],
        "misfit_cm": round(100 * found.misfit_m, 4),
        "residual": round(found.residual, 4),
        "imaginary": round(found.imaginary, 4),
        "dimensions": found.dimensions,
        "hidden_cm": round(100 * found.hidden_m, 4),
        "seconds": round(found.seconds, 3),
    }


def calibration_lines(found: Calibration, path: str) -> list[str]:
    """The calibration for a person: what was found, how sure it is, what stays open."""
    shape = {1: "on a line", 2: "in a plane", 3: "in space"}[found.dimensions]
    lines = [
        f"{path}: {found.array.microphones} microphones {shape}, confidence {found.confidence}: positions within "
        f"{100 * found.error_m:.2g} cm (median standard error), distances miss the shape by "
        f"{100 * found.misfit_m:.2g} cm, the coherence misses the model by {found.residual:.2f}",
        "assumed: omni capsules in the open; the turn of the array and its mirror image are not known: microphone 1 "
        "is put in front" + ("" if found.dimensions > 1 else " (left, on a line)") + ", the widest directions level",
    ]
    if found.dimensions < 3:
        lines.append(f"assumed: {shape}; up to {100 * found.hidden_m:.2g} cm (RMS) off it would not be noticed")
    return lines
