"""``spatial-lalm encode``: a recording of any microphone array as AmbiX, with a mask that says how far to trust it.

The whole recording is looked through first: capsules that are silent, copies of one another or clipped are told by
number; the silent, and copies where enough others remain, are left out of the least-squares fit.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from spatial_lalm.errors import InputError

if TYPE_CHECKING:
    from spatial_lalm.app.encode_steps import Plan, Ticker
    from spatial_lalm.audio.ambisonic_file import Encoding
    from spatial_lalm.audio.arrays import MicrophoneArray
    from spatial_lalm.audio.channel_health import ChannelHealth
    from spatial_lalm.audio.soundfiles import Header


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of the command to its parser."""
    add = parser.add_argument
    add("recording", metavar="IN", help="a sound file with one channel for every microphone")
    add(
        "out",
        metavar="OUT",
        nargs="?",
        help="the AmbiX file, .wav or .flac; its quality mask lies in OUT.json, such as out.wav.json",
    )
    add("--array", metavar="NAME|FILE", help="what recorded it: a preset (see 'arrays'), a .json or a .sofa file")
    add("--order", type=int, choices=(1, 2, 3), default=1, metavar="N", help="ambisonic order, 1 to 3 (default: 1)")
    add("--rate", type=int, metavar="HZ", help="sample rate of OUT, 8000 to 192000 (default: that of IN)")
    add(
        "--encoding",
        choices=("float", "pcm24"),
        help="samples of OUT: 32-bit float or 24-bit PCM (default: float, for FLAC pcm24)",
    )
    add(
        "--calibrate",
        metavar="ARRAY.json",
        help="estimate where the microphones are from IN, diffuse noise (needs no --array), and write that file; "
        "OUT may be left out",
    )
    add("--force", action="store_true", help="write over files that exist")
    add("--json", action="store_true", help="print the summary as a JSON object")


def run(args: argparse.Namespace) -> int:
    """Calibrate, encode or both; results go to stdout, warnings to stderr."""
    from spatial_lalm.app.calibrate import calibrated_array, calibration_lines, calibration_values
    from spatial_lalm.audio.soundfiles import read_header

    source = Path(args.recording)
    _refuse_contradictions(args)
    encoding = _checked_outputs(args)
    header = read_header(source)
    summary: dict[str, Any] = {"in": str(source)}
    if args.calibrate is None:
        array = _named_array(args, header)
    else:
        found = calibrated_array(args, source, header)
        array = found.array
        summary["calibration"] = calibration_values(found, args.calibrate)
        if not args.json:
            print("\n".join(calibration_lines(found, args.calibrate)))
    if args.out is not None:
        assert encoding is not None
        summary |= _encoded(args, source, header, array, encoding)
    if args.json:
        print(json.dumps(summary, allow_nan=False))
    elif args.out is not None:
        print(summary_line(summary))
    return 0


# ---------------------------------------------------------------- checks


def _refuse_contradictions(args: argparse.Namespace) -> None:
    if args.out is None and args.calibrate is None:
        raise InputError("OUT, the file to write, is missing (see 'spatial-lalm encode --help')")
    if args.array is not None and args.calibrate is not None:
        raise InputError(f"--array {args.array}: --calibrate estimates the array from IN; leave one of them out")
    if args.rate is not None and not 8_000 <= args.rate <= 192_000:
        raise InputError(f"--rate {args.rate}: must be within 8000 and 192000 Hz")


def _checked_outputs(args: argparse.Namespace) -> Encoding | None:
    """The encoding of OUT; ``InputError`` for names that cannot be written or are there already."""
    from spatial_lalm.audio.ambisonic_file import check_name, sidecar_path

    encoding, targets = None, []
    if args.out is not None:
        out = Path(args.out)
        encoding = check_name(out, args.order, args.encoding)
        targets += [out, sidecar_path(out)]
    if args.calibrate is not None:
        if not args.calibrate.lower().endswith(".json"):
            raise InputError(f"--calibrate {args.calibrate}: the array is written as JSON: name it .json")
        targets.append(Path(args.calibrate))
    source = Path(args.recording)
    for target in targets:
        _check_target(target, source, args.force)
    return encoding


def _check_target(target: Path, source: Path, force: bool) -> None:
    if not target.parent.is_dir():
        raise InputError(f"{target}: there is no folder {target.parent}: make it first")
    if target.is_dir():
        raise InputError(f"{target}: this is a folder: name a file")
    if target.exists():
        if source.exists() and target.samefile(source):
            raise InputError(f"{target}: this is the recording itself: name another file")
        if not force:
            raise InputError(f"{target}: the file exists: name another, or write over it with --force")


def _named_array(args: argparse.Namespace, header: Header) -> MicrophoneArray:
    """The array of ``--array``, with as many microphones as there are channels."""
    from spatial_lalm.app.encode_steps import check_order
    from spatial_lalm.audio.formats import parse_format
    from spatial_lalm.audio.presets import preset, preset_names

    if args.array is None:
        fitting = [name for name in preset_names() if preset(name).microphones == header.channels]
        known = f" (known with {header.channels} microphones: {', '.join(fitting)})" if fitting else ""
        raise InputError(
            f"{args.recording}: a file does not say which microphones recorded it: name the array with --array "
            f"NAME, FILE.json or FILE.sofa{known}, or estimate it from diffuse noise with --calibrate ARRAY.json"
        )
    try:
        array = parse_format(None, args.array, header.channels)[0].array
    except InputError as error:
        raise InputError(f"{args.recording}: {error}") from None
    assert array is not None
    check_order(array, args.order)
    return array


# ---------------------------------------------------------------- encoding


def _encoded(
    args: argparse.Namespace, source: Path, header: Header, array: MicrophoneArray, encoding: Encoding
) -> dict[str, Any]:
    """Look through, plan, encode, and write OUT and its sidecar; the summary's values."""
    from spatial_lalm.app.encode_steps import Plan, Ticker, capsules_left_out, look_through
    from spatial_lalm.app.progress import Progress

    began = time.monotonic()
    seconds = header.frames / header.rate
    with Progress("seconds encoded") as progress:
        tick = Ticker(progress, 2 * seconds)
        health = look_through(source, header, tick)
        left_out = capsules_left_out(health, array, args.order)
        plan = Plan.of(array, left_out, args.order, args.rate or header.rate, header.rate)
        notes = _notes(args, header, array, health, left_out, plan)
        peak, cut = _write(Path(args.out), source, header, plan, encoding, left_out, notes, tick)
    if cut:
        notes.append(f"{cut} samples are beyond full scale and cut off: write --encoding float to a .wav")
    assumed = [f"array: {note}" for note in array.measured.notes] if array.measured else []
    for line in [f"assumed: {note}" for note in assumed] + [f"warning: {note}" for note in notes]:
        print(line, file=sys.stderr)
    return {
        "out": args.out,
        "mask": f"{args.out}.json",
        "array": array.name,
        "array_hash": plan.array.digest,
        "order": args.order,
        "channels": len(plan.quality),
        "rate": plan.rate,
        "seconds": round(seconds, 3),
        "left_out": list(left_out),
        "dead": {str(channel): round(share, 4) for channel, share in health.dead.items()},
        "copies": [list(group) for group in health.copies],
        "clipped": {str(channel): count for channel, count in health.clipped.items()},
        "peak": round(peak, 6),
        "assumed": assumed,
        "warnings": notes,
        "real_time_factor": round(seconds / max(time.monotonic() - began, 1e-9), 2),
    }


def _notes(
    args: argparse.Namespace,
    header: Header,
    array: MicrophoneArray,
    health: ChannelHealth,
    left_out: tuple[int, ...],
    plan: Plan,
) -> list[str]:
    """Everything that the user should know about the recording and the array."""
    from spatial_lalm.app.encode_steps import void_notes

    notes = health.notes()
    if left_out:
        told = ", ".join(map(str, left_out))
        notes.append(
            f"encoded without channel{'s' * (len(left_out) > 1)} {told}: the fit is over the other microphones"
        )
    elif not health.silent and not health.copies and (swapped := _doubt(args, header, array)):
        notes.append(swapped)
    if array.measured is not None and plan.rate > array.measured.rate:
        top = array.measured.rate / 2000
        notes.append(f"array {array.name} is known up to {top:g} kHz: above, the channels are silent")
    return notes + void_notes(plan.array, plan.quality)


def _doubt(args: argparse.Namespace, header: Header, array: MicrophoneArray) -> str | None:
    """Whether the first half minute behaves like this array: swapped or missing channels show there."""
    if args.array is None:  # a calibrated array was made to fit
        return None
    from spatial_lalm.audio.plausibility import LONGEST_S
    from spatial_lalm.audio.recording import Recording

    recording = Recording.open(args.recording, array=args.array)
    recording.ambisonics(0.0, min(LONGEST_S, recording.duration_s))
    return None if recording.doubt is None else str(recording.doubt)


def _write(
    out: Path,
    source: Path,
    header: Header,
    plan: Plan,
    encoding: Encoding,
    left_out: tuple[int, ...],
    notes: list[str],
    tick: Ticker,
) -> tuple[float, int]:
    """OUT and its sidecar, both or none; the largest magnitude, and how many samples PCM cut off."""
    from spatial_lalm import __version__
    from spatial_lalm.app.encode_steps import encoded_blocks, output_frames
    from spatial_lalm.audio.ambisonic_file import AmbisonicWriter, sidecar, sidecar_path
    from spatial_lalm.audio.encoding import mel_centres
    from spatial_lalm.sealing import whole_or_absent
    from spatial_lalm.simulation.writer import atomic_write, json_bytes

    mask = sidecar(
        plan.order,
        plan.rate,
        mel_centres(rate=plan.rate),
        plan.quality,
        array=plan.array.name,
        array_hash=plan.array.digest,
        left_out=list(left_out),
        notes=notes,
        generator=f"spatial-lalm {__version__}",
    )
    frames = output_frames(header, plan.rate)
    with whole_or_absent(out) as temporary:
        with AmbisonicWriter(temporary, out, plan.rate, plan.order, frames, encoding) as writer:
            for block in encoded_blocks(source, header, plan, tick):
                writer.write(block)
        atomic_write(sidecar_path(out), json_bytes(mask))
    return writer.peak, writer.cut


def summary_line(summary: dict[str, Any]) -> str:
    """The summary for a person."""
    return (
        f"{summary['out']}: AmbiX order {summary['order']} ({summary['channels']} channels, ACN/SN3D) at "
        f"{summary['rate']} Hz, {summary['seconds']:g} s, {summary['real_time_factor']:.3g} times real time, from "
        f"array {summary['array']}; quality mask in {summary['mask']}"
    )
