"""Spatial audio question answering: what sounded, where, when and in what room, for any microphone array.

The public names are loaded on first use (SPEC 1), so that ``import spatial_lalm`` costs milliseconds::

    from spatial_lalm import Recording, load_model

    answer = load_model().ask(Recording.open("meeting.wav", format="ambix"), "Where is the speaker?")
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from spatial_lalm.audio.arrays import MicrophoneArray
    from spatial_lalm.audio.recording import Recording
    from spatial_lalm.audio.scene import Scene
    from spatial_lalm.errors import InputError
    from spatial_lalm.model.answers import Answer
    from spatial_lalm.model.configuration import SpatialLalmConfig
    from spatial_lalm.model.loading import load_model
    from spatial_lalm.model.modeling import SpatialLalmForConditionalGeneration
    from spatial_lalm.model.processing import SpatialLalmProcessor
    from spatial_lalm.model.recorded import Recorded

__version__ = "0.1.0"

__all__ = [
    "Answer",
    "InputError",
    "MicrophoneArray",
    "Recorded",
    "Recording",
    "Scene",
    "SpatialLalmConfig",
    "SpatialLalmForConditionalGeneration",
    "SpatialLalmProcessor",
    "__version__",
    "load_model",
]

_MODULE_OF = {
    "Answer": "spatial_lalm.model.answers",
    "InputError": "spatial_lalm.errors",
    "MicrophoneArray": "spatial_lalm.audio.arrays",
    "Recorded": "spatial_lalm.model.recorded",
    "Recording": "spatial_lalm.audio.recording",
    "Scene": "spatial_lalm.audio.scene",
    "SpatialLalmConfig": "spatial_lalm.model.configuration",
    "SpatialLalmForConditionalGeneration": "spatial_lalm.model.modeling",
    "SpatialLalmProcessor": "spatial_lalm.model.processing",
    "load_model": "spatial_lalm.model.loading",
}


def __getattr__(name: str) -> Any:
    """Load a public name from its module on first use."""
    if name not in _MODULE_OF:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(_MODULE_OF[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
