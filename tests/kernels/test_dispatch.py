"""Which backend is chosen, and what is refused in one line."""

from __future__ import annotations

import os
from typing import Any

import pytest
import torch
from torch import Tensor

from spatial_lalm.kernels import choose_backend, segment_attention
from spatial_lalm.kernels.dispatch import BACKENDS

BATCH = 2


def draw(frames: int) -> list[Tensor]:
    """Queries, keys and values in float64."""
    return list(torch.randn(3, BATCH, 2, frames, 8, generator=torch.Generator().manual_seed(0), dtype=torch.float64))


def test_double_precision_asks_for_the_reference_and_single_for_speed() -> None:
    double = torch.randn(2, 2, 7, 8, dtype=torch.float64)
    assert choose_backend(double)[0] == "reference"
    assert choose_backend(double.float())[0] == "sdpa"
    assert all(choose_backend(x)[1] for x in (double, double.float()))


def test_a_gpu_is_given_the_best_that_is_there(monkeypatch: pytest.MonkeyPatch) -> None:
    class OnGpu:
        """Queries as the choice sees them."""

        is_cuda = True

        def __init__(self, dtype: torch.dtype, width: int) -> None:
            self.dtype, self.shape = dtype, (1, 1, 1, width)

        def element_size(self) -> int:
            return self.dtype.itemsize

    installed = {"triton", "xformers"}
    monkeypatch.setattr("spatial_lalm.kernels.dispatch.find_spec", lambda name: name in installed or None)
    half, single = OnGpu(torch.bfloat16, 64), OnGpu(torch.float32, 64)
    assert choose_backend(half)[0] == choose_backend(single)[0] == "triton"  # type: ignore[arg-type]
    installed.discard("triton")
    assert choose_backend(half)[0] == "xformers"  # type: ignore[arg-type]
    assert choose_backend(half, torch.ones(1, 1))[0] == choose_backend(single)[0] == "sdpa"  # type: ignore[arg-type]
    installed.add("flash_attn")
    assert choose_backend(OnGpu(torch.float16, 256))[0] == "flash_attn"  # type: ignore[arg-type]


def test_unasked_the_chosen_backend_answers() -> None:
    for inputs in (draw(63), [x.float() for x in draw(63)]):
        chosen = segment_attention(*inputs, segment=16, backend=choose_backend(inputs[0])[0])
        assert torch.equal(segment_attention(*inputs, segment=16), chosen)
        assert chosen.dtype == inputs[0].dtype


def test_what_a_backend_cannot_do_is_refused() -> None:
    inputs = draw(7)
    for name in ("flash_attn", "xformers"):
        with pytest.raises(ValueError, match=f"backend '{name}' needs"):
            segment_attention(*inputs, segment=4, backend=name)
    leaves = [x.float().requires_grad_() for x in inputs]
    with pytest.raises(ValueError, match="no gradient on the CPU"):
        segment_attention(*leaves, segment=4, backend="flex")
    if os.environ.get("TRITON_INTERPRET") != "1":
        with pytest.raises(ValueError, match="needs a GPU"):
            segment_attention(*leaves, segment=4, backend="triton")


ZEROS = {length: torch.zeros(BATCH, 2, length, 8) for length in (3, 4, 6, 7)}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"k_BGSD": ZEROS[6]}, "S at least 7"),
        ({"v_BGSD": torch.zeros(BATCH, 2, 7, 4)}, "must have one shape"),
        ({"q_BHTD": torch.zeros(1, 2, 7, 8)}, "must have one shape"),
        ({"q_BHTD": torch.zeros(BATCH, 3, 7, 8)}, "a divisor of 3"),
        ({"q_BHTD": torch.zeros(BATCH, 2, 7, 8).half()}, "one precision"),
        ({"memory_k_BGMD": ZEROS[3]}, "go together"),
        ({"memory_v_BGMD": ZEROS[3]}, "go together"),
        ({"memory_k_BGMD": ZEROS[3], "memory_v_BGMD": ZEROS[4]}, "memory_k"),
        ({"memory_k_BGMD": ZEROS[3][:1], "memory_v_BGMD": ZEROS[3][:1]}, "memory_k and"),
        ({"memory_k_BGMD": ZEROS[3][:, :1], "memory_v_BGMD": ZEROS[3][:, :1]}, "memory_k and"),
        ({"memory_k_BGMD": ZEROS[3].half(), "memory_v_BGMD": ZEROS[3].half()}, "memory_k and"),
        ({"memory_k_BGMD": torch.zeros(3, 8), "memory_v_BGMD": torch.zeros(3, 8)}, "memory_k and memory_v must have"),
        ({"key_mask_BS": torch.ones(BATCH, 8, dtype=torch.bool)}, "key_mask must be bool of shape"),
        ({"key_mask_BS": torch.ones(1, 7, dtype=torch.bool)}, "key_mask must be bool of shape"),
        ({"key_mask_BS": torch.ones(BATCH, 7)}, "key_mask must be bool of shape"),
        ({name: torch.zeros(7, 8) for name in ("q_BHTD", "k_BGSD", "v_BGSD")}, "four axes"),
        ({"segment": 0}, "segment must be at least 1"),
        ({"window": -1}, "window at least 0"),
        ({"window": -1, "segment": torch.arange(7)}, "window must be at least 0"),
        ({"segment": torch.arange(6)}, "segment must be a length or whole-numbered ids"),
        ({"segment": torch.arange(7.0)}, "segment must be a length or whole-numbered ids"),
        ({"segment": torch.arange(7).flip(0)}, "must not fall"),
        ({"positions": torch.arange(6)}, "positions must be whole numbers"),
        ({"positions": torch.arange(7.0)}, "positions must be whole numbers"),
        (
            {"positions": torch.arange(7), "memory_k_BGMD": ZEROS[3], "memory_v_BGMD": ZEROS[3]},
            "need memory_positions",
        ),
        ({"backend": "magic"}, "unknown backend 'magic': choose one of reference, sdpa"),
    ],
)
def test_what_does_not_fit_is_refused(change: dict[str, Any], message: str) -> None:
    arguments: dict[str, Any] = dict.fromkeys(("q_BHTD", "k_BGSD", "v_BGSD"), ZEROS[7]) | {"segment": 4} | change
    with pytest.raises(ValueError, match=message):
        segment_attention(**arguments)


def test_every_backend_is_tested_somewhere() -> None:
    assert set(BACKENDS) == {"reference", "sdpa", "flex", "triton", "flash_attn", "xformers"}
