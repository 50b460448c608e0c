"""The training loop that every stage shares: seeded by step, logged to JSONL, checkpointed atomically, resumed exactly.

All randomness of step n follows from (seed, n), so a checkpoint needs no random state: the weights, the optimiser's
moments and the step are all there is to restore, and a resumed run is bit-identical to one that was never stopped.
"""

from __future__ import annotations

import json
import math
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from safetensors import safe_open
from safetensors.torch import save_file
from torch import Tensor, nn

from spatial_lalm.train.config import Optimisation

StepFunction = Callable[[int, torch.Generator], tuple[Tensor, dict[str, float]]]


def learning_rate(step: int, plan: Optimisation) -> float:
    """Linear warm-up, then cosine to zero."""
    if step < plan.warm_up:
        return plan.learning_rate * (step + 1) / plan.warm_up
    progress = (step - plan.warm_up) / max(1, plan.steps - plan.warm_up)
    return plan.learning_rate * 0.5 * (1 + math.cos(math.pi * min(1.0, progress)))


def make_optimiser(model: nn.Module, plan: Optimisation) -> torch.optim.AdamW:
    """AdamW that decays matrices and kernels only, not biases and norms."""
    parameters = [p for p in model.parameters() if p.requires_grad]
    groups = [
        {"params": [p for p in parameters if p.ndim >= 2], "weight_decay": plan.weight_decay},
        {"params": [p for p in parameters if p.ndim < 2], "weight_decay": 0.0},
    ]
    return torch.optim.AdamW(groups, lr=plan.learning_rate, betas=(0.9, 0.98))


def fit(
    model: nn.Module,
    plan: Optimisation,
    step_function: StepFunction,
    folder: Path,
    validate: Callable[[], dict[str, float]] | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> None:
    """Train ``model`` for ``plan.steps`` steps, going on from ``folder/checkpoint.safetensors`` where there is one.

    ``step_function(step, generator)`` returns the loss and a report; its randomness must come from the generator or
    from torch's global one, both seeded for the step.
    """
    optimiser = make_optimiser(model, plan)
    folder.mkdir(parents=True, exist_ok=True)
    checkpoint = folder / "checkpoint.safetensors"
    start = load_checkpoint(checkpoint, model, optimiser) if checkpoint.exists() else 0
    began = time.monotonic()
    for step in range(start, plan.steps):
        model.train()
        seed = plan.seed * 1_000_003 + step
        torch.manual_seed(seed)
        for group in optimiser.param_groups:
            group["lr"] = learning_rate(step, plan)
        loss, report = step_function(step, torch.Generator().manual_seed(seed))
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        norm = nn.utils.clip_grad_norm_(model.parameters(), plan.clip)
        optimiser.step()
        done = step + 1
        if done % 25 == 0 or done == plan.steps:
            seconds = (time.monotonic() - began) / (done - start)
            row = {"step": done, "loss": float(loss.detach()), "norm": float(norm), "step_s": seconds, **report}
            append_row(folder / "log.jsonl", row)
        if progress:
            progress(done, plan.steps)
        if done % plan.checkpoint_every == 0 or done == plan.steps:
            save_checkpoint(checkpoint, model, optimiser, done)
            if validate:
                model.eval()
                append_row(folder / "log.jsonl", {"step": done, "validation": validate()})


def append_row(path: Path, row: dict[str, Any]) -> None:
    """Append one JSON line, numbers rounded to what can be read."""
    text = json.dumps(row, default=str)
    with path.open("a") as file:
        file.write(json.dumps(json.loads(text, parse_float=lambda s: float(f"{float(s):.5g}"))) + "\n")


def save_checkpoint(path: Path, model: nn.Module, optimiser: torch.optim.Optimizer, step: int) -> None:
    """Weights and moments in one safetensors file, sealed by a rename."""
    # Cloned, because tied weights share memory and the file format wants each tensor to have its own.
    tensors = {f"model.{name}": value.clone().contiguous() for name, value in model.state_dict().items()}
    for index, state in optimiser.state_dict()["state"].items():
        tensors |= {
            f"moment.{index}.{name}": torch.as_tensor(value).clone().contiguous() for name, value in state.items()
        }
    temporary = path.with_suffix(".partial")
    save_file(tensors, temporary, metadata={"step": str(step)})
    with temporary.open("rb+") as file:
        os.fsync(file.fileno())
    os.replace(temporary, path)


def load_checkpoint(path: Path, model: nn.Module, optimiser: torch.optim.Optimizer) -> int:
    """Restore what ``save_checkpoint`` wrote; the step to go on from."""
    state: dict[int, dict[str, Tensor]] = {}
    weights: dict[str, Tensor] = {}
    with safe_open(path, framework="pt") as file:
        step = int(file.metadata()["step"])
        for key in file.keys():  # noqa: SIM118 - not a dict
            kind, rest = key.split(".", 1)
            if kind == "model":
                weights[rest] = file.get_tensor(key)
            else:
                index, name = rest.split(".", 1)
                state.setdefault(int(index), {})[name] = file.get_tensor(key)
    model.load_state_dict(weights)
    optimiser.load_state_dict({"state": state, "param_groups": optimiser.state_dict()["param_groups"]})
    return step
