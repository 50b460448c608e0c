"""The training loop: a stopped run goes on bit by bit as if it had never been stopped."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from spatial_lalm.train.config import Optimisation
from spatial_lalm.train.loop import append_row, fit, learning_rate, load_checkpoint, make_optimiser, save_checkpoint

PLAN = Optimisation(steps=6, batch=4, warm_up=2, checkpoint_every=3, learning_rate=1e-2, seed=7)


class Small(nn.Module):
    """Everything that a checkpoint must keep: weights, tied weights, running means, dropout."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.into = nn.Linear(5, 8)
        self.norm = nn.BatchNorm1d(8)
        self.dropout = nn.Dropout(0.5)
        self.out = nn.Linear(8, 8)
        self.tied = nn.Linear(8, 8)
        self.tied.weight = self.out.weight
        self.frozen = nn.Parameter(torch.ones(3), requires_grad=False)

    def forward(self, x: Tensor) -> Tensor:
        hidden: Tensor = self.dropout(self.norm(self.into(x)))
        return torch.as_tensor(self.tied(self.out(hidden)))


def loss_of(model: nn.Module) -> Callable[[int, torch.Generator], tuple[Tensor, dict[str, float]]]:
    def step(number: int, generator: torch.Generator) -> tuple[Tensor, dict[str, float]]:
        x = torch.randn(PLAN.batch, 5, generator=generator)
        return (model(x) - x.sum(1, keepdim=True)).square().mean(), {"number": number}

    return step


def trained(folder: Path, stops_at: int | None = None) -> Small:
    """A run of ``PLAN`` that is killed before the step ``stops_at``, if there is one."""
    model = Small()
    step = loss_of(model)

    def until(number: int, generator: torch.Generator) -> tuple[Tensor, dict[str, float]]:
        if number == stops_at:
            raise KeyboardInterrupt
        return step(number, generator)

    fit(model, PLAN, until, folder)
    return model


def same(first: nn.Module, second: nn.Module) -> bool:
    pairs = zip(first.state_dict().items(), second.state_dict().items(), strict=True)
    return all(a == b and x.equal(y) for (a, x), (b, y) in pairs)


@pytest.mark.parametrize("stop", [1, 3, 4, 5])
def test_resumed_run_is_bit_identical(tmp_path: Path, stop: int) -> None:
    straight = trained(tmp_path / "straight")
    with pytest.raises(KeyboardInterrupt):
        trained(tmp_path / "stopped", stop)
    resumed = trained(tmp_path / "stopped")
    assert same(straight, resumed)
    assert not same(straight, Small())
    files = [(tmp_path / name / "checkpoint.safetensors").read_bytes() for name in ("straight", "stopped")]
    assert files[0] == files[1]


def test_finished_run_is_loaded_and_not_trained_further(tmp_path: Path) -> None:
    straight = trained(tmp_path)
    assert same(straight, trained(tmp_path, stops_at=0))


def test_randomness_outside_does_not_count(tmp_path: Path) -> None:
    first = trained(tmp_path / "first")
    torch.manual_seed(12345)
    assert same(first, trained(tmp_path / "second"))


def test_checkpoint_is_whole_or_absent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Killed while writing: the last good one stays, and what was half written is ignored and replaced."""
    model = Small()
    optimiser = make_optimiser(model, PLAN)
    path = tmp_path / "checkpoint.safetensors"
    save_checkpoint(path, model, optimiser, 3)
    good = path.read_bytes()

    def killed(tensors: object, target: Path, metadata: object) -> None:
        Path(target).write_bytes(b"half a file")
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("spatial_lalm.train.loop.save_file", killed)
        with pytest.raises(KeyboardInterrupt):
            save_checkpoint(path, model, optimiser, 6)
    assert path.read_bytes() == good
    assert load_checkpoint(path, model, optimiser) == 3
    save_checkpoint(path, model, optimiser, 6)
    assert [file.name for file in tmp_path.iterdir()] == ["checkpoint.safetensors"]


def test_partial_file_of_a_killed_run_is_ignored(tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "checkpoint.partial").write_bytes(b"half a file")
    assert same(trained(tmp_path / "run"), trained(tmp_path / "clean"))
    assert not (tmp_path / "run" / "checkpoint.partial").exists()


def test_checkpoint_restores_the_moments(tmp_path: Path) -> None:
    model = Small()
    optimiser = make_optimiser(model, PLAN)
    model(torch.randn(4, 5)).square().mean().backward()
    optimiser.step()
    save_checkpoint(tmp_path / "c.safetensors", model, optimiser, 1)
    other = Small()
    fresh = make_optimiser(other, PLAN)
    assert load_checkpoint(tmp_path / "c.safetensors", other, fresh) == 1
    before, after = optimiser.state_dict()["state"], fresh.state_dict()["state"]
    assert before.keys() == after.keys()
    assert all(before[i][name].equal(after[i][name]) for i in before for name in before[i])


def test_learning_rate_rises_then_falls_to_zero() -> None:
    plan = Optimisation(steps=100, warm_up=10, learning_rate=1.0)
    rates = [learning_rate(step, plan) for step in range(101)]
    assert rates[0] == pytest.approx(0.1)
    assert max(rates) == pytest.approx(1.0) == rates[9]
    assert rates[55] == pytest.approx(0.5)
    assert rates[100] == pytest.approx(0.0, abs=1e-9)
    assert all(a > b for a, b in pairwise(rates[10:]))


def test_biases_and_norms_do_not_decay_and_frozen_weights_do_not_move(tmp_path: Path) -> None:
    model = Small()
    groups = make_optimiser(model, PLAN).param_groups
    assert [{p.ndim for p in group["params"]} for group in groups] == [{2}, {1}]
    assert [group["weight_decay"] for group in groups] == [PLAN.weight_decay, 0.0]
    assert trained(tmp_path).frozen.eq(1).all()


def test_progress_validation_and_log(tmp_path: Path) -> None:
    model, seen, modes = Small(), [], []

    def validate() -> dict[str, float]:
        modes.append(model.training)
        return {"error": 0.123456789}

    fit(model, PLAN, loss_of(model), tmp_path, validate, lambda done, total: seen.append((done, total)))
    assert seen == [(step, 6) for step in range(1, 7)]
    assert modes == [False, False]
    rows = [json.loads(line) for line in (tmp_path / "log.jsonl").read_text().splitlines()]
    assert [row["step"] for row in rows] == [3, 6, 6]
    assert rows[0]["validation"] == {"error": 0.12346}
    assert rows[1]["number"] == 5
    assert all(math.isfinite(rows[1][name]) for name in ("loss", "norm", "step_s"))


def test_rows_are_json_also_where_a_number_is_none(tmp_path: Path) -> None:
    append_row(tmp_path / "log.jsonl", {"step": 1, "loss": 0.1234567})
    append_row(tmp_path / "log.jsonl", {"step": 2, "loss": float("nan")})
    first, second = (json.loads(line) for line in (tmp_path / "log.jsonl").read_text().splitlines())
    assert first == {"step": 1, "loss": 0.12346}
    assert math.isnan(second["loss"])
