"""Readers of benchmarks as they are published: folders into items, and one problem for all that cannot be read.

``READERS`` holds them by name; what is heavy (audio, Parquet) is loaded when a split is read.
``docs/benchmarks.md`` tells how each lies on disk, in which units, and its traps.
"""

from __future__ import annotations

from spatial_lalm.evaluate.benchmark import Reader
from spatial_lalm.evaluate.readers.audio_marathon import AUDIO_MARATHON
from spatial_lalm.evaluate.readers.choice_tables import CHOICE_READERS
from spatial_lalm.evaluate.readers.energy_maps import DCASE2026
from spatial_lalm.evaluate.readers.free_tables import LONG_AUDIO, SO_BENCH
from spatial_lalm.evaluate.readers.l3das import L3DAS_READERS
from spatial_lalm.evaluate.readers.locata import LOCATA
from spatial_lalm.evaluate.readers.own import SPATIAL_BENCH
from spatial_lalm.evaluate.readers.rttm import RTTM
from spatial_lalm.evaluate.readers.spatial_librispeech import SPATIAL_LIBRISPEECH
from spatial_lalm.evaluate.readers.spatial_scene_qa import SPATIAL_SCENE_QA
from spatial_lalm.evaluate.readers.spatial_sound_qa import SPATIAL_SOUND_QA
from spatial_lalm.evaluate.readers.starss import STARSS_READERS

READERS: dict[str, Reader] = {
    reader.name: reader
    for reader in (
        SPATIAL_BENCH,
        SPATIAL_SOUND_QA,
        *STARSS_READERS,
        DCASE2026,
        *CHOICE_READERS,
        SO_BENCH,
        SPATIAL_SCENE_QA,
        *L3DAS_READERS,
        LOCATA,
        SPATIAL_LIBRISPEECH,
        LONG_AUDIO,
        AUDIO_MARATHON,
        RTTM,
    )
}
