"""The text of ``results.py``: what was measured, what the figures mean, the tables, and how to repeat it.

Nothing of it is typed by hand: every figure comes from the rows, every name from what the run depends on.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import results_tables as tables
from hearing import unlabelled_lines
from results_bench import Asked, code_digest
from results_plan import Wanted
from results_real import Heard, sections

from spatial_lalm.evaluate.run.identity import machine, versions
from spatial_lalm.evaluate.run.runner import AS_IS
from spatial_lalm.simulation.bench import SPLITS, load_bench
from spatial_lalm.simulation.bench.writing import CHECKSUMS

Blocks = Iterator[str]
SHOWN = 12
"""Digits of a hash."""
TRIAL = "**This is a quick trial of the command on a handful of items: no figure of it means anything.**"
DEV = "**These are figures of `dev`, the split that was used for choosing; report those of `test`.**"
TEST = "The split is `test`, which nothing was chosen on; `--dev` asks about the split that is for choosing."
MEANING = """\
- **Scores** are shares of right answers in percent, in brackets 95 % bootstrap intervals that draw whole recordings.
  Right is: a direction within 20°, a distance within 25 %, a time within 0.5 s, a span with an IoU of 0.5, a T60 within
  0.1 s or 20 %, DRR and C50 within 2 dB, a volume within half an octave; counts, options, yes or no and words as they
  are. *Decline*: what the audio cannot tell, and should be declined.
- **Unread** answers (they say nothing of the kind, or two things) and **declined** ones count as wrong, but where
  declining is due. A dash: the system never answers such questions.
- **model** is asked the question alone, never told the options; its sentence and evidence are compared with them.
- **chance** draws evenly among options, yes or no and directions, and numbers from the truths of these items;
  **majority** is the one answer that is right most often, or errs least, among them; **text-only** learns from the
  words of all other recordings' questions. All three know truths that the model does not.
- **intensity** (vector of active intensity), **music** and **srp** (SRP-PHAT, spaced microphones only) tell where the
  loudest sound is, whatever is asked, and nothing else. **cascade** finds sounds by their level, directions by MUSIC
  and T60 by free decays.
- **Median errors** are those of answers that could be read, so declining what is hard makes them smaller; their number
  is told where it is not all.
- Sounds and voices of spatial-bench are synthetic (docs/spatial_bench.md): a score on `talkers` says little about real
  speech."""


def report(wanted: Wanted, asked: Asked | None, heard: Sequence[Heard], meetings: Mapping[str, Any], model: Any) -> str:
    """The whole file; ``asked`` None and ``heard`` empty where those parts were not wanted."""
    parts = ["# Results", _opening(wanted), "## What the figures mean", MEANING]
    if asked is not None:
        parts += [*_bench(asked, wanted), *_controls(asked, list(wanted.sizes))]
    if heard:
        parts += [*_real(wanted, heard, meetings, model)]
    parts += ["## To repeat it", _repeat(wanted, asked, heard)]
    return "\n\n".join(parts) + "\n"


def _opening(wanted: Wanted) -> str:
    state = TRIAL if wanted.quick else DEV if wanted.dev else TEST
    return f"Made by `{wanted.command}` on {time.strftime('%Y-%m-%d')}; nothing here is typed by hand. {state}"


# ---------------------------------------------------------------- spatial-bench


def _bench(asked: Asked, wanted: Wanted) -> Blocks:
    yield f"## spatial-bench, {wanted.split}"
    yield "Everything, family by family; systems that only tell directions are in the tables below."
    yield tables.overview(asked, list(wanted.sizes))
    for name in wanted.sizes:
        part = asked.of(name)
        yield f"### {name}"
        yield tables.scores(part)
        if found := tables.errors(part):
            yield found
        if name == "arrays":
            yield (
                "Every scene through every array, the same questions. *Drop*: points that are lost against ideal "
                "first-order ambisonics, question by question; look for none."
            )
            yield tables.arrays(part)
        if name == "long":
            lengths = sorted({round(item.facts["duration_s"] / 60, 1) for item in part.items})
            minutes = " and ".join(f"{length:g}" for length in lengths)
            yield (
                f"Recordings of {minutes} minutes: analysed once, then asked through the memory, as `spatial-lalm "
                "analyze` and `ask` do. Classical systems listen to the first minute."
            )


def _controls(asked: Asked, subsets: Sequence[str]) -> Blocks:
    yield "## Controls"
    yield tables.CONTROL_RULES
    for name, rows in tables.heard_rows(asked):
        count = len({row["id"] for row in rows if row["condition"] != AS_IS})
        yield f"### Controls of {name} ({count} items)"
        yield tables.controls(rows)
    yield "## Where the model is weak"
    yield (
        "Kinds of questions, over all families, in which it is not shown to be better than the best of chance, "
        f"majority and text-only ({tables.FEWEST} items or more; the gain's interval reaches 0):"
    )
    yield tables.weak_kinds(asked)
    yield "Families and kinds of truth in which a baseline is better (the lead's interval lies above 0):"
    yield tables.beaten(asked, subsets)


# ---------------------------------------------------------------- real material


def _real(wanted: Wanted, heard: Sequence[Heard], meetings: Mapping[str, Any], model: Any) -> Blocks:
    yield "## Real material"
    yield (
        "Measured responses convolved with validation talkers and sounds, and recordings as they are. Nothing was "
        "trained on them, but they were looked at before and have no second half that was not: read them as dev. "
        "Brackets: 95 % bootstrap intervals over talkers (over clips where there is none). A clip without an event or "
        "a direction counts as 90° off, a missing distance as a ratio error of 1. *Spatial channels zeroed*: Y, Z and "
        "X silent and marked as void; *not told so*: silent but marked as trusted; look for angles of 90° and larger "
        "errors of distance. *Best constant*: the one answer that fits these very clips best. SRP-PHAT needs spaced "
        "microphones, these are ambisonics."
    )
    yield from sections(heard)
    for one in meetings.values():
        yield f"### Real meetings, one channel: who speaks when ({one.get('recordings', 'no')} recordings)"
        yield one["error"] if "error" in one else _track_table(one["scores"])
    if lines := "\n".join(unlabelled_lines(model, wanted.audio)):
        yield "### Recordings without labels, through `ask`"
        yield lines


def _track_table(scores: Mapping[str, Mapping[str, Any]]) -> str:
    keys = list(dict.fromkeys(key for row in scores.values() for key in row))
    return tables.table(["", *keys], [[name, *(_number(row.get(key)) for key in keys)] for name, row in scores.items()])


def _number(value: Any) -> str:
    return "" if value is None else f"{value:.3f}" if isinstance(value, float) else str(value)


# ---------------------------------------------------------------- how it was made


def _repeat(wanted: Wanted, asked: Asked | None, heard: Sequence[Heard]) -> str:
    bench, made_on = load_bench(), machine()
    lines = [
        ["command", f"`{wanted.command}`"],
        ["machine", f"{made_on['processor']}, {made_on['cores']} cores"],
        ["model", f"{'MODEL' if wanted.model else 'the shipped one'}, SHA-256 {wanted.model_digest}"],
        ["code that hears, reads and scores", f"SHA-256 {code_digest()}"],
        ["packages", ", ".join(f"{name} {version}" for name, version in versions().items())],
    ]
    if asked is not None:
        lines += [
            ["parser, readout", f"{asked.repeat['parser']}, {asked.repeat['system']['readout']}"],
            ["spatial-bench", f"version {bench.version}, seed {bench.seed}, {wanted.split}"],
            ["data asked about", f"SHA-256 {asked.repeat['data_sha256']}"],
        ]
        lines += [[f"scenes of {name}", _scenes(wanted, name)] for name in wanted.sizes]
    if heard:
        total = hashlib.sha256("".join(one.digest for one in heard).encode()).hexdigest()
        lines += [["clips of real material", f"{sum(len(one.clips) for one in heard)}, SHA-256 {total}"]]
    return tables.table(["what", "value"], lines)


def _scenes(wanted: Wanted, name: str) -> str:
    """How many of how many, and the checksum of the subset as written."""
    size, whole = wanted.sizes[name], load_bench().subsets[name].scenes[SPLITS.index(wanted.split)]
    sums = json.loads((wanted.folder(name) / wanted.split / name / CHECKSUMS).read_bytes())
    number = f"all {whole}" if size.scenes == whole else f"the first {size.scenes} of {whole}"
    controlled = f"controls on {size.controlled} items" if size.controlled else "no controls"
    return f"{number}; {controlled}; checksum {sums['whole'][:SHOWN]}"
