"""Any audio language model of transformers, from a folder: processor, chat template with audio, greedy answers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from spatial_lalm.audio.recording import Recording
from spatial_lalm.evaluate.benchmark import Item
from spatial_lalm.evaluate.run.controls import mono
from spatial_lalm.evaluate.run.prompts import PROMPT, prompt_of
from spatial_lalm.evaluate.run.responses import Response, Unusable, part_of
from spatial_lalm.model.loading import quiet_transformers

LONGEST_ANSWER = 128
"""Tokens."""


def folder_type(folder: str | Path) -> str | None:
    """The ``model_type`` in a folder's configuration; None where it has none that can be read."""
    import json

    try:
        told = json.loads((Path(folder) / "config.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    kind = told.get("model_type") if isinstance(told, dict) else None
    return kind if isinstance(kind, str) else None


@lru_cache(maxsize=1)
def loaded(folder: str) -> tuple[Any, Any]:
    """Model and processor of a folder, once a process.

    The class is the one that the folder's configuration names, or what transformers takes for its type.
    """
    import torch
    import transformers

    try:
        with quiet_transformers():
            config = transformers.AutoConfig.from_pretrained(folder)
            processor = transformers.AutoProcessor.from_pretrained(folder)
            named = getattr(transformers, (getattr(config, "architectures", None) or [""])[0], None)
            kind = named or transformers.AutoModelForMultimodalLM
            model = kind.from_pretrained(folder, dtype="auto", use_safetensors=True)
    except Exception as error:  # whatever a foreign or broken folder makes transformers raise
        reason = " ".join(str(error).split())[:200]
        raise Unusable(f"{folder}: cannot be loaded as an audio language model ({reason})") from error
    if not getattr(processor, "chat_template", None) or not hasattr(processor, "feature_extractor"):
        raise Unusable(f"{folder}: its processor has no chat template or takes no audio; give a chat model for audio")
    return model.eval().to("cuda" if torch.cuda.is_available() else "cpu"), processor


@dataclass(frozen=True)
class Foreign:
    """A model in a folder. It hears one channel: the omnidirectional one of ambisonics, an array's first capsule."""

    folder: str
    digest: str
    hears: bool = True

    @property
    def name(self) -> str:
        """The folder's."""
        return Path(self.folder).name

    def describe(self) -> dict[str, Any]:
        """What it is and how it is asked."""
        return {
            "kind": "transformers",
            "model_type": folder_type(self.folder),
            "model_sha256": self.digest,
            "prompt": PROMPT,
            "channels": "one",
            "sampling": "greedy",
            "max_new_tokens": LONGEST_ANSWER,
        }

    def answer(self, item: Item, recordings: Sequence[Recording]) -> Response:
        """Ask with every recording of the item as one audio part; says in ``evidence`` where the model cuts one."""
        import torch

        model, processor = loaded(self.folder)
        rate = int(processor.feature_extractor.sampling_rate)
        sounds = [one_channel(recording, *part_of(item, recording), rate) for recording in recordings]
        parts = [{"type": "audio"} for _ in sounds] + [{"type": "text", "text": prompt_of(item)}]
        prompt = processor.apply_chat_template([{"role": "user", "content": parts}], add_generation_prompt=True)
        inputs = processor(text=prompt, audio=sounds, sampling_rate=rate, return_tensors="pt").to(model.device)
        with torch.inference_mode():
            tokens = model.generate(**inputs, max_new_tokens=LONGEST_ANSWER, do_sample=False)
        text = processor.batch_decode(tokens[:, inputs["input_ids"].shape[1] :], skip_special_tokens=True)[0].strip()
        longest = getattr(processor.feature_extractor, "chunk_length", None)
        cut = longest is not None and any(len(sound) > longest * rate for sound in sounds)
        return Response(text, prompt, evidence={"cut_to_s": longest} if cut else None)


def one_channel(recording: Recording, start_s: float, end_s: float, rate: int) -> NDArray[np.float32]:
    """One channel ``(samples,)`` of a part at a rate in Hz."""
    import soxr

    signal = mono(recording, recording.read(start_s, end_s))
    return np.asarray(soxr.resample(signal, recording.rate, rate), np.float32)
