"""Importing a library that talks: spaudiopy prints and warns when the machine has no PortAudio, which we never use."""

from __future__ import annotations

import io
import os
import sys
import warnings
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, redirect_stderr, redirect_stdout, suppress
from importlib import import_module
from types import ModuleType


def import_spaudiopy() -> ModuleType:
    """Import spaudiopy without a word on stdout, on stderr or as a warning, and return it.

    The first import silences the whole process for about a second; later calls cost nothing.

    Raises:
        ImportError: if spaudiopy or something it needs is not installed.
    """
    loaded = sys.modules.get("spaudiopy")
    if loaded is not None:
        return loaded
    with warnings.catch_warnings(), silence():
        warnings.simplefilter("ignore")
        return import_module("spaudiopy")


@contextmanager
def silence() -> Iterator[None]:
    """Discard what is written to stdout and stderr, by Python and by C libraries (ALSA, JACK) alike."""
    with ExitStack() as stack:
        stack.enter_context(redirect_stdout(io.StringIO()))
        stack.enter_context(redirect_stderr(io.StringIO()))
        for descriptor in (1, 2):
            stack.enter_context(_descriptor_to_nowhere(descriptor))
        yield


@contextmanager
def _descriptor_to_nowhere(descriptor: int) -> Iterator[None]:
    for stream in (sys.__stdout__, sys.__stderr__):
        with suppress(AttributeError, OSError, ValueError):  # what stood in the buffer before must still come out
            stream.flush()  # type: ignore[union-attr]
    try:
        saved = os.dup(descriptor)
    except OSError:  # a service may have closed it: then nothing can be written there anyway
        yield
        return
    nowhere = os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, descriptor)
        yield
    finally:
        os.dup2(saved, descriptor)
        os.close(saved)
        os.close(nowhere)
