"""Segment attention from half a minute to an hour: time and peak memory beside dense causal attention and flex.

Usage: python benchmarks/kernels.py [--quick] [--backend NAME ...] [--json FILE]

8 heads of width 64, segments of 128 frames (5 s at 25 Hz), a window of one more, 16 memory tokens; float32 on the CPU,
bfloat16 on a GPU. A backend's tests run first, and without them passing it gets no figures. Every figure comes from a
process of its own: the best of several runs, memory beyond what the inputs take. On a GPU there are also triton, the
installed libraries, passes of ``torch.nn.attention.varlen`` merged by log-sum-exp (forward only), and TFLOP/s on the
tiles that are visited, beside those of dense flash attention on its own. Prints Markdown.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from importlib.util import find_spec
from pathlib import Path

import torch
from torch import Tensor
from torch.nn.functional import scaled_dot_product_attention

from spatial_lalm.app.allocation import keep_freed_memory
from spatial_lalm.kernels import segment_attention
from spatial_lalm.kernels.passes import merge

HEADS, WIDTH, SEGMENT, WINDOW, MEMORY = 8, 64, 128, 1, 16
FRAME_RATE = 25
FRAMES = (1_024, 2_048, 4_096, 8_192, 16_384, 36_000, 90_000)
QUICK_FRAMES = (1_024, 4_096, 8_192, 16_384)
QUICK_DENSE = 8_192
DENSE = "dense causal"
LONGEST = {"cpu": {DENSE: 36_000, "flex": 36_000}, "cuda": {}}
"""Beyond these a competitor takes minutes a run."""
TILE_Q, TILE_K = 128, 64
RUNS, SECONDS = 7, 3.0
Attention = Callable[[Tensor, Tensor, Tensor, Tensor, Tensor], Tensor]
TESTS = Path(__file__).parent.parent / "tests" / "kernels"
KIND = "cuda" if torch.cuda.is_available() else "cpu"


@dataclass(frozen=True)
class Figure:
    """Of one competitor at one length; None where there is no gradient."""

    name: str
    frames: int
    forward_s: float
    both_s: float | None
    forward_mib: float
    both_mib: float | None


def varlen(q: Tensor, k: Tensor, v: Tensor, memory_k: Tensor, memory_v: Tensor) -> Tensor:
    """Two passes of torch's kernel for packed sequences: windows, which must be copied out, and the memory."""
    from torch.nn.attention.varlen import AuxRequest, varlen_attn

    frames = q.shape[2]
    starts = torch.arange(0, frames, SEGMENT, device=q.device)
    ends = (starts + SEGMENT).clamp(max=frames)
    widths = ends - (starts - WINDOW * SEGMENT).clamp(min=0)
    bounds_q, bounds_k = (torch.nn.functional.pad(x.cumsum(0), (1, 0)).int() for x in (ends - starts, widths))
    within = torch.arange(int(widths.sum()), device=q.device) - bounds_k[:-1].repeat_interleave(widths)
    taken = (ends - widths).repeat_interleave(widths) + within
    rows, keys, values = (x[0].transpose(0, 1).contiguous() for x in (q, k, v))
    whole = [torch.tensor([0, n], device=q.device, dtype=torch.int32) for n in (frames, MEMORY)]
    longest, aux = int(widths.max()), AuxRequest(lse=True)
    seen = varlen_attn(rows, keys[taken], values[taken], bounds_q, bounds_k, SEGMENT, longest, return_aux=aux)
    remembered = [x[0].transpose(0, 1).contiguous() for x in (memory_k, memory_v)]
    recalled = varlen_attn(rows, *remembered, *whole, frames, MEMORY, return_aux=aux)
    outs = [out.transpose(0, 1) for out, _ in (seen, recalled)]
    lses = [lse if lse.shape[0] == HEADS else lse.T for _, lse in (seen, recalled)]
    return merge(outs, lses)[0][None]


def competitor(name: str) -> Attention:
    """A function of queries, keys, values and the memory's keys and values."""
    if name == DENSE:
        return lambda q, k, v, *memory: scaled_dot_product_attention(q, k, v, is_causal=True)
    if name == "varlen":
        return varlen
    return lambda *inputs: segment_attention(*inputs, segment=SEGMENT, window=WINDOW, backend=name)


def inputs_of(frames: int) -> list[Tensor]:
    """Queries, keys and values, and the memory's keys and values."""
    dtype = torch.bfloat16 if KIND == "cuda" else torch.float32
    lengths = [frames] * 3 + [MEMORY] * 2
    return [torch.randn(1, HEADS, n, WIDTH, device=KIND, dtype=dtype) for n in lengths]


def peak_mib() -> float:
    """The most memory that was in use so far, MiB."""
    if KIND == "cuda":
        return torch.cuda.max_memory_allocated() / 2**20
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**10


def in_use_mib() -> float:
    """Memory in use now, MiB."""
    if KIND == "cuda":
        return torch.cuda.memory_allocated() / 2**20
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize() / 2**20


def best_time(run: Callable[[], object]) -> float:
    """Seconds of the fastest of several runs after one to warm up."""

    def once() -> float:
        begin = time.perf_counter()
        run()
        if KIND == "cuda":
            torch.cuda.synchronize()
        return time.perf_counter() - begin

    times, until = [once()], time.perf_counter() + SECONDS
    while len(times) < 2 or (len(times) <= RUNS and time.perf_counter() < until):
        times.append(once())
    return min(times[1:])


def measure(name: str, frames: int) -> Figure:
    """Forward, then forward and backward, in this process."""
    torch.manual_seed(0)
    attend, inputs = competitor(name), inputs_of(frames)
    if name == "flex":  # what the compiler takes is not the kernel's
        with torch.no_grad():
            attend(*inputs)
    before = in_use_mib()
    with torch.no_grad():
        forward_s = best_time(lambda: attend(*inputs))
    forward_mib = peak_mib() - before
    if name == "varlen" or (name == "flex" and KIND == "cpu"):
        return Figure(name, frames, forward_s, None, forward_mib, None)
    leaves = [x.requires_grad_() for x in (inputs[:3] if name == DENSE else inputs)]
    weight = torch.ones_like(inputs[0])
    both_s = best_time(lambda: torch.autograd.grad(attend(*inputs), leaves, weight))
    return Figure(name, frames, forward_s, both_s, forward_mib, peak_mib() - before)


def measure_apart(name: str, frames: int) -> Figure:
    """The same in a fresh process, whose peak of memory is nobody else's."""
    command = [sys.executable, __file__, "--measure", name, str(frames)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return Figure(**json.loads(done.stdout.splitlines()[-1]))


def tests_pass(name: str) -> bool:
    """Whether all tests that name this backend pass; dense attention and varlen are torch's own."""
    if name in (DENSE, "varlen"):
        return True
    command = [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", "-k", name, str(TESTS)]
    environment = os.environ | ({"COMPILE_FLEX": "1"} if name == "flex" else {})
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    print(f"tests of {name}: {done.stdout.splitlines()[-1] if done.stdout else done.stderr}", file=sys.stderr)
    return done.returncode == 0


def names(quick: bool) -> list[str]:
    """Who is measured on this machine."""
    if KIND == "cpu":
        return ["sdpa", DENSE] + ["flex"] * (not quick)
    libraries = [name for name in ("flash_attn", "xformers") if find_spec(name)]
    return ["triton", "sdpa", *libraries, "flex", "varlen", DENSE]


def visited_pairs(name: str, frames: int) -> float:
    """Pairs of query and key in the tiles that are computed."""
    if name == DENSE:
        return frames * (frames + TILE_K) / 2
    pairs = 0.0
    for start in range(0, frames, TILE_Q):
        begin = max(0, (start // SEGMENT - WINDOW) * SEGMENT)
        end = min(frames, (min(start + TILE_Q, frames) - 1) // SEGMENT * SEGMENT + SEGMENT)
        pairs += TILE_Q * TILE_K * (-((begin - end) // TILE_K) - (-MEMORY // TILE_K))
    return pairs


def tflops(one: Figure) -> float:
    """Forward TFLOP/s on the visited tiles: two products of matrices."""
    return 4 * visited_pairs(one.name, one.frames) * HEADS * WIDTH / one.forward_s / 1e12


def table(figures: list[Figure]) -> str:
    """A row a figure; the last columns beside dense attention of the same length."""
    dense = {one.frames: one for one in figures if one.name == DENSE}
    head = ["", "frames", "audio", "forward, ms", "µs a frame", "MiB", "with backward, ms", "µs a frame", "MiB"]
    head += ["times dense", "with backward"] + ["TFLOP/s, visited", "of dense"] * (KIND == "cuda")
    rows = []
    for one in figures:
        cells = [one.name, f"{one.frames:,}", f"{one.frames / FRAME_RATE / 60:.1f} min"]
        for seconds, mib in ((one.forward_s, one.forward_mib), (one.both_s, one.both_mib)):
            shown = seconds is not None and mib is not None
            cells += [f"{seconds * 1e3:.1f}", f"{seconds / one.frames * 1e6:.1f}", f"{mib:.0f}"] if shown else [""] * 3
        other = dense.get(one.frames)
        cells.append(f"{other.forward_s / one.forward_s:.1f}" if other else "")
        both = other is not None and other.both_s is not None and one.both_s is not None
        cells.append(f"{other.both_s / one.both_s:.1f}" if both else "")
        if KIND == "cuda":
            cells += [f"{tflops(one):.0f}", f"{tflops(one) / tflops(other):.0%}" if other else ""]
        rows.append(cells)
    rule = [["---"] * len(head)]
    return "\n".join("| " + " | ".join(cells) + " |" for cells in [head, *rule, *rows])


def growth(figures: list[Figure], name: str, shortest: int = 8_192) -> str:
    """How evenly time and memory grow from ``shortest`` on: the largest value a frame over the smallest."""
    mine = [one for one in figures if one.name == name and one.frames >= shortest]
    parts = []
    for label, value in (("forward", "forward_s"), ("with backward", "both_s"), ("peak memory", "both_mib")):
        each = [getattr(one, value) / one.frames for one in mine if getattr(one, value)]
        if len(each) > 1:
            parts.append(f"{label} {max(each) / min(each) - 1:.0%}")
    return f"{name}, a frame, {mine[0].frames:,} to {mine[-1].frames:,}: spread of {', '.join(parts)}" if parts else ""


def main() -> int:
    """Test, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="to 16,384 frames, without flex, below a minute")
    parser.add_argument("--backend", action="append", help="measure this one (several: repeat); default all")
    parser.add_argument("--json", type=Path, help="write the figures here too")
    parser.add_argument("--measure", nargs=2, metavar=("NAME", "FRAMES"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.measure:
        keep_freed_memory()  # as the commands do: page faults are no part of a kernel
        print(json.dumps(asdict(measure(options.measure[0], int(options.measure[1])))))
        return 0
    figures, failed = [], []
    for name in options.backend or names(options.quick):
        if not tests_pass(name):
            failed.append(name)
            continue
        longest = QUICK_DENSE if options.quick and name == DENSE else LONGEST[KIND].get(name, max(FRAMES))
        for frames in QUICK_FRAMES if options.quick else FRAMES:
            if frames <= longest:
                figures.append(measure_apart(name, frames))
                print(f"{name}, {frames:,} frames: {figures[-1].forward_s:.3f} s", file=sys.stderr)
    print(table(figures))
    for name in dict.fromkeys(one.name for one in figures if one.name != DENSE):
        print(f"\n{growth(figures, name)}")
    if options.json:
        options.json.write_text(json.dumps([asdict(one) for one in figures], indent=1))
    for name in failed:
        print(f"{name}: its tests do not pass, so it gets no figures", file=sys.stderr)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
