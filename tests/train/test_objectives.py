"""The encoder's loss: blind to the order of sources, near zero for the truth, finite for empty scenes."""

from __future__ import annotations

import math
from dataclasses import asdict, replace
from itertools import permutations

import pytest
import torch
from torch import Tensor

from spatial_lalm.model.encoder import EncoderOutput
from spatial_lalm.train.objectives import LossWeights, chord, encoder_loss, room_loss

BATCH, FRAMES, TRACKS, LABELS = 3, 20, 3, 5
TRACKED = ("activity", "direction", "log_distance", "label")


def generator() -> torch.Generator:
    return torch.Generator().manual_seed(0)


def targets(sources: int = 3) -> dict[str, Tensor]:
    source = generator()
    direction = torch.nn.functional.normalize(torch.randn(BATCH, TRACKS, 1, 3, generator=source), dim=-1)
    active = torch.zeros(BATCH, TRACKS, FRAMES, dtype=torch.bool)
    for slot in range(sources):
        active[:, slot, 2 * slot : 10 + 3 * slot] = True
    label = torch.randint(0, LABELS, (BATCH, TRACKS), generator=source)
    label[:, sources:] = -1
    return {
        "active": active,
        "direction": direction.repeat(1, 1, FRAMES, 1),
        "log_distance": torch.randn(BATCH, TRACKS, 1, generator=source).repeat(1, 1, FRAMES),
        "label": label,
        "room": torch.randn(BATCH, 10, generator=source),
    }


def guess(seed: int = 1) -> EncoderOutput:
    source = torch.Generator().manual_seed(seed)

    def random(*shape: int) -> Tensor:
        return torch.randn(BATCH, *shape, generator=source)

    return EncoderOutput(
        hidden=random(FRAMES, 4),
        activity=random(FRAMES, TRACKS),
        direction=random(FRAMES, TRACKS, 3),
        log_distance=random(FRAMES, TRACKS),
        label=random(FRAMES, TRACKS, LABELS),
        room=random(10),
        room_scale=random(10).exp(),
        count=random(TRACKS + 1),
    )


def truth(target: dict[str, Tensor]) -> EncoderOutput:
    """The output that says what the target says, sure of it."""
    active = target["active"].float().transpose(1, 2)
    classes = torch.nn.functional.one_hot(target["label"].clamp_min(0), LABELS).float()
    return EncoderOutput(
        hidden=torch.zeros(BATCH, FRAMES, 4),
        activity=40 * active - 20,
        direction=target["direction"].transpose(1, 2).clone(),
        log_distance=target["log_distance"].transpose(1, 2).clone(),
        label=20 * classes[:, None].repeat(1, FRAMES, 1, 1),
        room=target["room"].nan_to_num(),
        room_scale=torch.full((BATCH, 10), math.exp(-5)),
        count=20 * torch.nn.functional.one_hot((target["label"] >= 0).sum(1), TRACKS + 1).float(),
    )


def loss_of(output: EncoderOutput, target: dict[str, Tensor], weights: LossWeights | None = None) -> float:
    return float(encoder_loss(output, target, weights or LossWeights())[0])


# ---------------------------------------------------------------- permutations


@pytest.mark.parametrize("order", list(permutations(range(TRACKS))))
@pytest.mark.parametrize("sources", [0, 2, 3])
def test_order_of_sources_and_tracks_does_not_count(order: tuple[int, ...], sources: int) -> None:
    target, output = targets(sources), guess()
    expected = loss_of(output, target)
    slots = {name: value if name == "room" else value[:, order] for name, value in target.items()}
    assert loss_of(output, slots) == pytest.approx(expected, rel=1e-5)
    tracks = replace(output, **{name: getattr(output, name)[:, :, order] for name in TRACKED})
    assert loss_of(tracks, target) == pytest.approx(expected, rel=1e-5)


def test_loss_is_that_of_the_best_order() -> None:
    """No order of the tracks, kept for all clips, is better than the one that is chosen clip by clip."""
    target = targets()
    output = replace(guess(), room=truth(target).room)
    single = {name: value[:1] for name, value in target.items()}
    row = replace(output, **{name: getattr(output, name)[:1] for name in (*TRACKED, "room", "room_scale", "count")})
    only = LossWeights(**{name: float(name == "direction") for name in asdict(LossWeights())})
    share = single["active"][0].float() / single["active"][0].sum(-1, keepdim=True)
    pooled = torch.einsum("tkc,nt->knc", row.direction[0], share)
    apart = (torch.nn.functional.normalize(pooled, dim=-1) - single["direction"][0, :, 0]).norm(dim=-1)
    cheapest = min(sum(apart[k, n].item() for k, n in enumerate(order)) for order in permutations(range(TRACKS)))
    assert loss_of(row, single, only) == pytest.approx(cheapest, rel=1e-3)


# ---------------------------------------------------------------- movers and counting


def test_a_mover_is_judged_frame_by_frame() -> None:
    """What follows it is better than what stays at its middle, which is all that the pooled term could tell."""
    target = targets(1)
    angle = torch.linspace(0, 2.0, FRAMES)
    way = torch.stack([angle.cos(), angle.sin(), 0 * angle], dim=-1)
    target["direction"][:, 0] = way
    follows, stays = truth(target), truth(target)
    stays.direction[:, :, 0] = way[target["active"][0, 0]].mean(0)
    _, good = encoder_loss(follows, target, LossWeights())
    _, poor = encoder_loss(stays, target, LossWeights())
    assert good["frame_direction"] < 0.01
    assert poor["frame_direction"] > 0.1
    assert abs(good["direction"] - poor["direction"]) < 0.05


def test_counting_is_learned_only_where_it_is_told() -> None:
    target, right = targets(2), truth(targets(2))
    wrong, silent = replace(right, count=right.count.flip(-1)), replace(right, count=right.count[:, :0])
    only = LossWeights(**{name: float(name == "count") for name in asdict(LossWeights())})
    assert loss_of(right, target, only) < 1e-3
    assert loss_of(wrong, target, only) > 10
    assert loss_of(silent, target, only) == 0


# ---------------------------------------------------------------- truth


def test_the_truth_has_almost_no_loss() -> None:
    _, report = encoder_loss(truth(targets()), targets(), LossWeights())
    assert report["direction"] < 0.01
    assert report["frame_direction"] < 0.01
    assert report["distance"] < 1e-5
    assert report["label"] < 1e-3
    assert report["activity"] < 1e-3
    assert report["room"] == pytest.approx(-5.0, abs=1e-3)


@pytest.mark.parametrize("name", ["activity", "direction", "log_distance", "label", "room"])
def test_every_error_costs(name: str) -> None:
    target = targets()
    right = truth(target)
    wrong = replace(right, **{name: getattr(guess(), name)})
    assert loss_of(wrong, target) > loss_of(right, target) + 0.1


def test_length_of_a_direction_does_not_count_where_it_is_constant() -> None:
    target = targets()
    output = replace(guess(), direction=truth(target).direction + 0.3)
    longer = replace(output, direction=7 * output.direction)
    assert loss_of(longer, target) == pytest.approx(loss_of(output, target), rel=1e-4)


@pytest.mark.parametrize("angle", [0.0, 10.0, 90.0, 180.0])
def test_chord_is_twice_the_sine_of_half_the_angle(angle: float) -> None:
    radians = math.radians(angle)
    vector = 3 * torch.tensor([math.cos(radians), math.sin(radians), 0.0])
    expected = 2 * math.sin(radians / 2)
    assert float(chord(vector, torch.tensor([1.0, 0.0, 0.0]))) == pytest.approx(expected, abs=5e-3)


# ---------------------------------------------------------------- what is not known


def test_empty_slots_ask_for_silence_alone() -> None:
    target = targets(1)
    other = {name: value.clone() for name, value in target.items()}
    other["direction"][:, 1:] = torch.tensor([0.0, 0.0, 1.0])
    other["log_distance"][:, 1:] = 9.0
    assert loss_of(guess(), target) == loss_of(guess(), other)
    louder = truth(target)
    louder = replace(louder, activity=louder.activity.clamp_min(0.0))
    assert loss_of(louder, target) > loss_of(truth(target), target) + 0.1


def test_unknown_room_quantities_are_left_out() -> None:
    output = guess()
    room = torch.full((BATCH, 10), float("nan"))
    assert float(room_loss(output, room)) == 0.0
    room[1, 4] = 0.7
    expected = abs(float(output.room[1, 4]) - 0.7) / output.room_scale[1, 4] + output.room_scale[1, 4].log()
    assert float(room_loss(output, room)) == pytest.approx(float(expected), rel=1e-5)


@pytest.mark.parametrize("known", [True, False])
@pytest.mark.parametrize("sources", [0, 1, 3])
def test_gradients_are_finite(sources: int, known: bool) -> None:
    """Also where the encoder says nothing at all, and where it is exactly right or exactly wrong."""
    target = targets(sources)
    if not known:
        target["room"][:] = float("nan")
    silent = replace(guess(), **{name: torch.zeros_like(getattr(guess(), name)) for name in TRACKED})
    opposite = replace(truth(target), direction=-truth(target).direction)
    for output in (silent, truth(target), opposite, guess()):
        leaves = {
            name: getattr(output, name).clone().requires_grad_() for name in (*TRACKED, "room", "room_scale", "count")
        }
        loss, report = encoder_loss(replace(output, **leaves), target, LossWeights())
        loss.backward()
        assert math.isfinite(float(loss.detach()))
        assert all(math.isfinite(value) for value in report.values())
        assert all(leaf.grad is not None and leaf.grad.isfinite().all() for leaf in leaves.values())
