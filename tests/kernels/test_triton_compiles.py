"""Our kernels through Triton's front end for an H100, without one: the interpreter forgives more than the compiler."""

from __future__ import annotations

import os
from typing import Any

import pytest
import torch

pytest.importorskip("triton")

from triton._C.libtriton import ir
from triton.backends.compiler import GPUTarget
from triton.compiler import ASTSource
from triton.compiler.compiler import make_backend

from spatial_lalm.kernels import triton_attention, triton_backward, triton_forward

KERNELS = {
    "forward": triton_forward.forward_kernel,
    "delta": triton_backward.delta_kernel,
    "query": triton_backward.query_kernel,
    "key": triton_backward.key_kernel,
    "memory": triton_backward.memory_kernel,
}
HALF_OR_SINGLE = ("q", "k", "v", "memory_k", "memory_v", "out", "grad", "d_q", "d_k", "d_v")
TYPES = {"mask": "*u8", "scale": "fp32", "natural_scale": "fp32"}
TYPES |= dict.fromkeys(("lse", "delta"), "*fp32") | dict.fromkeys(("first", "last", "bounds"), "*i32")


def signature(kernel: Any, dtype: str, constants: dict[str, Any]) -> tuple[dict[str, str], dict[tuple[int], Any]]:
    """Types of a kernel's arguments, read off their names, and the values of those known beforehand."""
    types, values = {}, {}
    for index, name in enumerate(kernel.arg_names):
        if name.isupper():
            types[name], values[(index,)] = "constexpr", constants[name]
        else:
            types[name] = f"*{dtype}" if name in HALF_OR_SINGLE else TYPES.get(name, "i32")
    return types, values


@pytest.mark.skipif(os.environ.get("TRITON_INTERPRET") == "1", reason="here the kernels are functions of Python")
@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float32], ids=["bf16", "fp32"])
@pytest.mark.parametrize("name", KERNELS)
def test_a_kernel_passes_the_front_end(name: str, dtype: torch.dtype, masked: bool) -> None:
    tiling = triton_attention.tilings(dtype, 60)["key" if name == "memory" else "forward" if name == "delta" else name]
    constants = {"WIDTH": 60, "BLOCK_D": 64, "BLOCK_Q": tiling.block_q, "BLOCK_K": tiling.block_k}
    constants |= {"MASKED": masked, "PRECISION": "tf32x3"}
    types, values = signature(KERNELS[name], {torch.bfloat16: "bf16", torch.float32: "fp32"}[dtype], constants)
    target = GPUTarget("cuda", 90, 32)
    backend = make_backend(target)
    options = backend.parse_options({"num_warps": tiling.warps, "num_stages": tiling.stages})
    context = ir.context()
    ir.load_dialects(context)
    backend.load_dialects(context)
    module = ASTSource(KERNELS[name], types, values).make_ir(
        target, options, backend.get_codegen_implementation(options), backend.get_module_map(), context
    )
    assert ("tt.dot" in str(module)) == (name != "delta")
