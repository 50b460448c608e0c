"""Make ``examples/talker.flac``: a talker on the left, then an alarm behind on the right, in a living room.

Made by our own simulator; the words come from espeak-ng. Run: ``python examples/make_talker.py`` (needs espeak-ng).
The truth is written beside it, in ``examples/talker.json``.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import soundfile
from scipy.signal import oaconvolve

from spatial_lalm.audio.conventions import angles
from spatial_lalm.audio.scene import Room
from spatial_lalm.simulation.acoustics import measure
from spatial_lalm.simulation.engine.paths import Path as SoundPath
from spatial_lalm.simulation.engine.render import render_responses
from spatial_lalm.simulation.library import SourceLibrary
from spatial_lalm.simulation.receivers import ambisonic_receiver

RATE, SECONDS, SNR_DB, SEED = 16_000, 10.0, 25.0, 7
ROOM = Room((5.2, 4.1, 2.6), (0.17, 0.2, 0.15, 0.22, 0.25, 0.14), 0.15)
RECEIVER = np.array([2.4, 1.7, 1.2])
PLACES = (
    ("speech", np.array([3.3, 3.0, 1.5]), 0.8, 4.6),
    ("tone", np.array([1.2, 0.5, 1.0]), 6.2, 2.2),
)
"""Class, position in metres, onset and length in seconds."""


def main() -> None:
    """Render, write the recording and its truth."""
    rng = np.random.default_rng(SEED)
    library = SourceLibrary.builtin(espeak=True)
    mixture = np.zeros((4, int(SECONDS * RATE)), np.float32)
    events = []
    for label, place, onset_s, length_s in PLACES:
        dry = library.draw(rng, int(length_s * RATE), RATE, label)
        response = render_responses([SoundPath(ROOM, place, RECEIVER, seed=SEED)], ambisonic_receiver(1), RATE)[0]
        wet = oaconvolve(dry.samples[None], response.taps, axes=1)
        start = int(onset_s * RATE)
        stop = min(start + wet.shape[1], mixture.shape[1])
        mixture[:, start:stop] += (wet[:, : stop - start] / wet[0].std()).astype(np.float32)
        azimuth, elevation = angles(place - RECEIVER)
        arrival_s = onset_s + response.direct_sample / RATE
        events.append(
            {
                "label": label,
                "start_s": round(arrival_s, 2),
                "end_s": round(arrival_s + len(dry.samples) / RATE, 2),
                "azimuth_deg": round(float(azimuth), 1),
                "elevation_deg": round(float(elevation), 1),
                "distance_m": round(float(np.linalg.norm(place - RECEIVER)), 2),
                "t60_s": round(measure(response.omni, response.direct_sample, RATE).t60_s, 3),
            }
        )
    noise = rng.standard_normal(mixture.shape) * np.sqrt([[1], [1 / 3], [1 / 3], [1 / 3]])
    mixture += (noise * mixture[0].std() * 10 ** (-SNR_DB / 20)).astype(np.float32)
    folder = Path(__file__).parent
    soundfile.write(folder / "talker.flac", (0.5 * mixture / np.abs(mixture).max()).T, RATE, subtype="PCM_16")
    truth = {"convention": "ambix ACN/SN3D", "volume_m3": round(ROOM.volume_m3, 1), "events": events}
    (folder / "talker.json").write_text(json.dumps(truth, indent=2) + "\n")


if __name__ == "__main__":
    main()
