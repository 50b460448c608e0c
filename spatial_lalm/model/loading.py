"""The three public verbs: load a model, hear a sound field, ask a recording."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from spatial_lalm.audio.recording import Recording
from spatial_lalm.audio.wording import Spatial, spoken_name
from spatial_lalm.errors import InputError
from spatial_lalm.model.answers import Answer, Evidence

if TYPE_CHECKING:
    from torch import Tensor

    from spatial_lalm.model.hearing import Heard
    from spatial_lalm.model.modeling import SpatialLalmForConditionalGeneration
    from spatial_lalm.model.processing import SpatialLalmProcessor
    from spatial_lalm.model.voices import VoiceNet

Samples = NDArray[np.float32]

SHIPPED = Path(__file__).parent.parent / "weights" / "mini"
LONGEST_ANSWER = 128
"""Tokens."""
LONGEST_QUESTION = 400
"""Characters."""
DOUBTED = 0.5
"""Factor of the confidence in events of channels that do not look like their format."""
_LIMITS = {
    "none": "one channel carries no direction",
    "lateral": "the channels tell left from right only, so the evidence names a side and no angles",
    "planar": "the microphones lie in a plane; elevation is not told",
}


@dataclass(frozen=True)
class SpatialLalm:
    """A loaded model with its processor; ``name`` is what answers call it.

    ``voices`` tells talkers of long recordings apart; without it their directions alone do.
    """

    model: SpatialLalmForConditionalGeneration
    processor: SpatialLalmProcessor
    name: str
    voices: VoiceNet | None = None

    def hear(self, signals: Samples, quality: Samples | None = None) -> Heard:
        """Events and room of a sound field ``(4 or 9, T)``, AmbiX ACN/SN3D at 16 kHz.

        ``quality`` has as many rows, of bands, and says how far each channel can be trusted (default: all); see
        ``audio.encoding``.
        """
        heard, _, _ = self._listen(signals, quality)
        return heard

    def ask(
        self,
        recording: Recording | str | Path,
        question: str,
        start_s: float = 0.0,
        end_s: float | None = None,
        progress: Callable[[float, float], object] | None = None,
    ) -> Answer:
        """Answer a question about a recording (or a sound file), or its part from ``start_s`` to ``end_s`` seconds.

        What is longer than the model hears at once (its configuration's ``max_seconds``) is analysed first, with the
        seconds done and in all told to ``progress``; to ask an hour several questions, ``spatial-lalm analyze`` it once
        and ask ``Recorded.open(FILE.h5)``. Times in the answer count from the start of the recording. ``InputError``
        for what is no recording or no question, for an empty or overlong question.
        """
        from spatial_lalm.model.grounding import Part, during, ground
        from spatial_lalm.model.question import read_question

        recording = _opened(recording)
        question = one_question(question)
        if not self._heard_at_once(recording, start_s, end_s):
            from spatial_lalm.model.analysis import ask_long

            return ask_long(self, recording, question, start_s, end_s, progress or (lambda done, total: None))
        signals, quality = recording.ambisonics(start_s, end_s, self.order_read(recording))
        doubt = recording.doubt
        if doubt is not None and doubt.flat:
            quality[1:] = 0.0
        heard, audio, starts = self._listen(signals, quality, start_s)
        stop_s = recording.duration_s if end_s is None else end_s
        whole = start_s == 0.0 and abs(stop_s - recording.duration_s) < 1 / recording.rate
        part = Part(start_s, stop_s, whole, doubt)
        said = self.say(question, audio, self.processor.audio_prompt([start_s + s for s in starts]))
        text, declined = ground(said, question, heard, part)
        deaf = doubt is not None and doubt.deaf
        shown = () if deaf else during(heard, read_question(question), part).events
        return Answer(
            text=text,
            evidence=_by_relevance(tuple(_told(e, heard.spatial, doubt is not None) for e in shown), question, text),
            room=heard.room if heard.events and not deaf else None,
            abstained=declined,
            assumed=(*recording.assumed, *_limits(recording, heard, self.order_read(recording))),
            model=self.name,
        )

    def order_read(self, recording: Recording) -> int:
        """The ambisonic order that the model reads of a recording: the second where both have it."""
        known = recording.format.order if recording.format.array is None else (1, 2)[recording.channels >= 9]
        return max(1, min(known, int(self.model.config.audio_config.order)))

    def _heard_at_once(self, recording: Recording, start_s: float, end_s: float | None) -> bool:
        """Whether a part is no longer than what the model was trained on; ``InputError`` for one that is too short."""
        from spatial_lalm.model.processing import SHORTEST_S

        length = (recording.duration_s if end_s is None else min(end_s, recording.duration_s)) - start_s
        if 0 < length < SHORTEST_S:
            raise InputError(f"{recording.name}: {length:.2g} s are to be heard; at least {SHORTEST_S:g} s are needed")
        return length <= float(self.model.config.max_seconds) + 0.1

    def _listen(
        self, signals: Samples, quality: Samples | None, offset_s: float = 0.0
    ) -> tuple[Heard, Tensor, list[float]]:
        """What was heard, the audio embeddings ``(tokens, width)`` and the windows' starts in the given signals."""
        import torch

        from spatial_lalm.model.hearing import read_scene, spatial_kind
        from spatial_lalm.model.ranging import listen_again

        inputs = self.processor.listen(signals, quality)
        starts: list[float] = inputs["start_s"].tolist()
        with torch.inference_mode():
            output = self.model.hear(inputs["input_features"], inputs["quality"])
            summary = self.model.remember(output, inputs["quality"], inputs["start_s"] + offset_s)
            audio = self.model.multi_modal_projector(summary).flatten(0, 1)
        spatial = spatial_kind(inputs["quality"][0].numpy())
        classes = tuple(self.model.config.audio_config.classes)
        heard = read_scene(output, [offset_s + s for s in starts], spatial, classes)
        first = None if quality is None else quality[:4]
        heard = listen_again(self.model.audio_tower.range_head, heard, signals[:4], first, offset_s)
        return heard, audio, starts

    def say(self, question: str, audio: Tensor, audio_prompt: str) -> str:
        """What the language model alone says to audio embeddings ``(tokens, width)``, before it is grounded.

        ``audio_prompt`` has a placeholder for each, and the times between them.
        """
        import torch

        from spatial_lalm.model.processing import AUDIO

        tokenizer = self.processor.tokenizer
        # Special tokens that a user types stay text: only the template's own are tokens.
        typed = question.replace("<|", "< |")
        parts = [{"type": "audio"}, {"type": "text", "text": typed}]
        prompt = self.processor.apply_chat_template([{"role": "user", "content": parts}], add_generation_prompt=True)
        prompt = prompt.replace(AUDIO, audio_prompt, 1)
        ids = torch.tensor([tokenizer.encode(prompt)])
        with torch.inference_mode():
            embeddings = self.model.insert_audio(ids, audio)
            tokens = self.model.language_model.generate(
                inputs_embeds=embeddings,
                attention_mask=torch.ones_like(ids),
                max_new_tokens=LONGEST_ANSWER,
                do_sample=False,
                pad_token_id=tokenizer.pad_token_id,
                eos_token_id=tokenizer.eos_token_id,
            )[0].tolist()
        return str(tokenizer.decode(tokens, skip_special_tokens=True)).strip()


def _opened(recording: object) -> Recording:
    """A recording as it is, or opened from the path of its file."""
    if isinstance(recording, str | Path):
        return Recording.open(recording)
    if not isinstance(recording, Recording):
        raise InputError(
            f"{type(recording).__name__} is no recording: give a path, Recording.open(path) or "
            "Recording.from_array(samples, rate)"
        )
    return recording


def one_question(question: object) -> str:
    """The question in one line."""
    if not isinstance(question, str):
        raise InputError(f'the question is {question!r}: it must be text, something like "Where is the speaker?"')
    question = " ".join(question.split())
    if not question:
        raise InputError('the question is empty: ask something like "Where is the speaker?"')
    if len(question) > LONGEST_QUESTION:
        raise InputError(f"the question has {len(question)} characters: the limit is {LONGEST_QUESTION}; shorten it")
    return question


def _limits(recording: Recording, heard: Heard, used: int) -> tuple[str, ...]:
    """What the channels cannot tell, and which of them are not used."""
    order = recording.format.order
    unused = f"order {order} is read, but this model uses order {used} (channels 1 to {(used + 1) ** 2}) only"
    flat = recording.doubt is not None and recording.doubt.flat  # which says already that no direction is told
    limit = None if flat else _LIMITS.get(heard.spatial)
    return (*((limit,) if limit else ()), *((unused,) if order > used else ()))


def _told(event: Evidence, spatial: Spatial, doubted: bool) -> Evidence:
    """An event as evidence: without angles that these channels cannot tell, and less sure where they are doubted."""
    confidence = event.confidence * (DOUBTED if doubted else 1.0)
    if spatial == "lateral":  # the azimuth is the angle to the median plane, of which the side alone can be told
        return replace(event, azimuth_deg=None, elevation_deg=None, confidence=confidence, trajectory=None)
    return replace(event, confidence=confidence)


def _by_relevance(events: tuple[Evidence, ...], question: str, text: str) -> tuple[Evidence, ...]:
    """Events whose class the question or the answer names come first; salience decides within."""
    named = f"{question} {text}".lower()
    return tuple(sorted(events, key=lambda event: spoken_name(event.label) not in named))


def load_model(source: str | Path | None = None) -> SpatialLalm:
    """The shipped model, or one from a folder (or a hub's name) that ``save_pretrained`` wrote.

    ``InputError`` when there is none, when it is not ours, or when its files are broken.
    """
    path = Path(source) if source is not None else SHIPPED
    if path.exists() and not (path / "config.json").is_file():
        raise InputError(f"{path}: not a model folder (no config.json in it); give the folder that training wrote")
    if not path.exists() and (source is None or len(Path(source).parts) != 2 or os.path.isabs(source)):
        raise InputError(f"{path}: no such model folder; leave --model out for the shipped model")
    with quiet_transformers():
        model, processor = _from_pretrained(str(source) if source and not path.exists() else str(path))
    from spatial_lalm.model.voices import load_voices

    model.eval()
    return SpatialLalm(model, processor, f"spatial-lalm {path.name}", load_voices())


def _from_pretrained(name: str) -> tuple[Any, Any]:
    from spatial_lalm.model.configuration import SpatialLalmConfig
    from spatial_lalm.model.modeling import SpatialLalmForConditionalGeneration
    from spatial_lalm.model.processing import SpatialLalmProcessor

    try:
        config = SpatialLalmConfig.get_config_dict(name)[0]
        if config.get("model_type") is None:
            raise InputError(f"{name}: its config.json names no model_type; give a folder that training wrote")
        if config.get("model_type") != SpatialLalmConfig.model_type:
            raise InputError(f"{name}: a model of type {config.get('model_type')!r}; {SpatialLalmConfig.model_type!r} "
                             "is needed")  # fmt: skip
        # Without its file the processor would take defaults, and cut windows that the model was not trained on.
        settings = SpatialLalmProcessor.get_processor_dict(name)[0]
        if lacking := sorted({"window_frames", "window_tokens"} - settings.keys()):
            raise InputError(
                f"{name}: no processor_config.json that tells {lacking[0]}; give a folder that training wrote"
            )
        model, told = SpatialLalmForConditionalGeneration.from_pretrained(
            name, use_safetensors=True, output_loading_info=True
        )
        # transformers would fill the gaps with random numbers.
        if missing := sorted(told["missing_keys"]):
            raise InputError(f"{name}: the weights lack {missing[0]}; give a folder that training wrote")
        return model, SpatialLalmProcessor.from_pretrained(name)
    except InputError:
        raise
    except Exception as error:
        # Whatever a foreign or broken folder makes transformers raise, the user can only give another one.
        reason = " ".join(str(error).split())[:200]
        raise InputError(
            f"{name}: cannot be loaded as a model ({reason}); give a folder that training wrote"
        ) from error


@contextlib.contextmanager
def quiet_transformers() -> Iterator[None]:
    """No progress bars and advice from transformers while it loads."""
    from transformers.utils import logging

    level = logging.get_verbosity()
    logging.set_verbosity_error()
    bars = logging.is_progress_bar_enabled()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        logging.set_verbosity(level)
        if bars:
            logging.enable_progress_bar()
