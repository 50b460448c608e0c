"""Triton's interpreter made fit for these tests: it runs only where ``TRITON_INTERPRET=1`` was set from the start."""

from __future__ import annotations

import os
from typing import Any


def _mend_interpreter() -> None:
    """What the interpreter of triton 3.6 cannot do by itself, each needed by any attention kernel."""
    import numpy as np
    import torch
    from triton.language import bfloat16
    from triton.runtime import interpreter

    patch_tensor, dot = interpreter._patch_lang_tensor, interpreter.InterpreterBuilder.create_dot
    call_any = interpreter.InterpretedFunction.__call__

    def patch_and_index(tensor: Any, scope: Any) -> None:
        """A scalar as the bound of a range: numpy from 2.4 on refuses ``int`` of an array of one number."""
        patch_tensor(tensor, scope)
        scope.set_attr(tensor, "__index__", lambda scalar: int(scalar.handle.data.item()))

    def widened(handle: Any) -> Any:
        """bfloat16 as numbers: the interpreter keeps it as bits and would multiply those."""
        if handle.dtype.scalar != bfloat16:
            return handle
        numbers = torch.from_numpy(np.ascontiguousarray(handle.data).view(np.int16)).view(torch.bfloat16).float()
        return interpreter.TensorHandle(numbers.numpy(), interpreter.tl.float32)

    def dot_of_numbers(builder: Any, a: Any, b: Any, *rest: Any) -> Any:
        return dot(builder, widened(a), widened(b), *rest)

    def call(function: Any, *args: Any, **kwargs: Any) -> Any:
        """A function of ours within a kernel: the language is patched already, and doing it again takes most of the
        time."""
        ours = function.fn.__module__.startswith("spatial_lalm")
        return function.rewrite()(*args, **kwargs) if ours else call_any(function, *args, **kwargs)

    interpreter._patch_lang_tensor = patch_and_index
    interpreter.InterpreterBuilder.create_dot = dot_of_numbers
    interpreter.InterpretedFunction.__call__ = call


if os.environ.get("TRITON_INTERPRET") == "1":
    _mend_interpreter()
