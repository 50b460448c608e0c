"""A model behind an OpenAI-compatible endpoint: chat completions with the recordings as WAV beside the question."""

from __future__ import annotations

import base64
import http.client
import io
import json
import os
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from spatial_lalm.audio.recording import Recording
from spatial_lalm.errors import InputError
from spatial_lalm.evaluate.benchmark import Item
from spatial_lalm.evaluate.run.prompts import PROMPT, prompt_of
from spatial_lalm.evaluate.run.responses import Response, Unusable, part_of

KEY = "OPENAI_API_KEY"
"""Variable of the environment that holds the key; nothing of it is ever written down."""
TIMEOUT_S = 180.0
RETRIES = 5
FIRST_WAIT_S = 1.0
"""Seconds before the first retry, doubled every time; a ``Retry-After`` of the server goes before, up to a minute."""
LONGEST_WAIT_S = 60.0
LONGEST_ANSWER = 256
"""Tokens."""
_CLOSED = frozenset({401, 403, 404})
"""No question would be answered."""
_BUSY = frozenset({408, 409, 425, 429, 500, 502, 503, 504})


@dataclass(frozen=True)
class Endpoint:
    """``url`` ends before ``/chat/completions``; ``model`` is what the server calls the model."""

    url: str
    model: str
    hears: bool = True
    first_wait_s: float = FIRST_WAIT_S

    def __post_init__(self) -> None:
        """Refuse what is no address."""
        if urllib.parse.urlsplit(self.url).scheme not in ("http", "https"):
            raise InputError(f"endpoint {self.url!r} is no http address: give one such as http://localhost:8000/v1")

    @property
    def name(self) -> str:
        """The model's."""
        return self.model

    def describe(self) -> dict[str, Any]:
        """Where and how it is asked; the weights behind it are the server's affair."""
        return {"kind": "endpoint", "url": self.url, "model": self.model, "prompt": PROMPT, "temperature": 0,
                "max_tokens": LONGEST_ANSWER, "audio": "WAV, 16 bit, all channels, native rate"}  # fmt: skip

    def answer(self, item: Item, recordings: Sequence[Recording]) -> Response:
        """Ask; ``InputError`` where the server refuses or does not answer after all retries."""
        prompt = prompt_of(item)
        sounds = [
            {"type": "input_audio", "input_audio": {"data": wav_base64(one, *part_of(item, one)), "format": "wav"}}
            for one in recordings
        ]
        body = {
            "model": self.model,
            "messages": [{"role": "user", "content": [*sounds, {"type": "text", "text": prompt}]}],
            "temperature": 0,
            "max_tokens": LONGEST_ANSWER,
        }
        return Response(self._text(self._sent(json.dumps(body).encode())), prompt)

    def _sent(self, body: bytes) -> Any:
        headers = {"Content-Type": "application/json"}
        if key := os.environ.get(KEY):
            headers["Authorization"] = f"Bearer {key}"
        request = urllib.request.Request(f"{self.url.rstrip('/')}/chat/completions", body, headers)
        wait_s, reason, kind = self.first_wait_s, "", InputError
        for attempt in range(RETRIES + 1):
            try:
                with urllib.request.urlopen(request, timeout=TIMEOUT_S) as reply:
                    return json.load(reply)
            except urllib.error.HTTPError as error:
                kind = InputError
                reason, told_s = _refusal(error), error.headers.get("Retry-After", "")
                if error.code not in _BUSY:
                    kind = Unusable if error.code in _CLOSED else InputError
                    raise kind(f"{self.url}: {reason}{self._way_out(error.code)}") from None
                wait_s = max(wait_s, float(told_s)) if told_s.isdigit() else wait_s
            except (OSError, http.client.HTTPException, ValueError) as error:
                cause = getattr(error, "reason", error)
                reason = f"no answer ({cause})"
                kind = InputError if isinstance(cause, TimeoutError) else Unusable
            if attempt < RETRIES:
                time.sleep(min(wait_s, LONGEST_WAIT_S))
                wait_s *= 2
        raise kind(f"{self.url}: {reason} after {RETRIES} retries; the same command goes on")

    def _way_out(self, code: int) -> str:
        if code in (401, 403):
            return f"; set {KEY} to a key that it takes"
        return f"; is {self.model} its name there?" if code == 404 else ""

    def _text(self, reply: Any) -> str:
        try:
            content = reply["choices"][0]["message"]["content"]
        except (KeyError, IndexError, TypeError):
            raise InputError(
                f"{self.url}: its reply has no choices[0].message.content; is it OpenAI-compatible?"
            ) from None
        return content.strip() if isinstance(content, str) else ""


def _refusal(error: urllib.error.HTTPError) -> str:
    """The server's own words, in one line."""
    with error:
        words = error.read(2000).decode("utf-8", "replace")
    try:
        told = json.loads(words)["error"]
        words = str(told["message"] if isinstance(told, dict) else told)
    except (ValueError, KeyError, TypeError):
        pass
    return f"status {error.code}: {' '.join(words.split())[:200] or error.reason}"


def wav_base64(recording: Recording, start_s: float, end_s: float) -> str:
    """A part as a WAV file of 16 bit at its own rate, in base64."""
    import soundfile

    buffer = io.BytesIO()
    soundfile.write(buffer, recording.read(start_s, end_s).T, recording.rate, "PCM_16", format="WAV")
    return base64.b64encode(buffer.getvalue()).decode()
