"""Scoring folders of predictions against folders of references: one report for every benchmark that has files.

=============== ============================================== =====================================================
benchmark       files, of the same names on both sides         scores
=============== ============================================== =====================================================
dcase2022..2025 ``.csv``, see ``seld_tables``                  ``macro/...`` and ``micro/...``, see ``seld``
dcase2026       ``.json``, maps of energy                      ``mAP``, ``AP50``, ``r``, ``RDE``
l3das22, 23     ``.csv``, see ``readers.l3das``                ``F``, ``precision``, ``recall`` at 1.75 m
tracking        ``.csv`` as of dcase2022; a track is a class   means over recordings, see ``tracking``
                and a source
rttm            ``.rttm``                                      ``DER``, ``missed``, ``false_alarm``, ``confusion``
events          ``.txt``, rows ``onset<TAB>offset<TAB>label``  ``F1``, ``precision``, ``recall``
rooms           ``.csv``, see ``rooms``                        of every property ``bias``, ``MAE``, ``MSE``, ``rho``
transcripts     ``.txt``, the words said                       ``WER``, ``MER``, ``WIL``, ``CER``
choices         ``.json`` or ``.jsonl``, see ``items``         ``accuracy``, ``chance``, ``unparsed`` (share)
=============== ============================================== =====================================================
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from spatial_lalm.errors import InputError
from spatial_lalm.evaluate import folder_scores
from spatial_lalm.evaluate.folder_report import FolderOptions, FolderReport
from spatial_lalm.evaluate.folder_scores import COLLAR_S
from spatial_lalm.evaluate.seld import PROTOCOLS
from spatial_lalm.evaluate.seld_tables import UNITS

BENCHMARKS: dict[str, Callable[[str, Path, Path, FolderOptions], FolderReport]] = {
    **dict.fromkeys(PROTOCOLS, folder_scores.score_seld),
    "dcase2026": folder_scores.score_energy_maps,
    **dict.fromkeys(("l3das22", "l3das23"), folder_scores.score_locations),
    "tracking": folder_scores.score_tracking,
    "rttm": folder_scores.score_rttm,
    "events": folder_scores.score_events,
    "rooms": folder_scores.score_rooms,
    "transcripts": folder_scores.score_transcripts,
    "choices": folder_scores.score_choices,
}


def score_folders(
    benchmark: str, reference: Path, predictions: Path, options: FolderOptions | None = None
) -> FolderReport:
    """Score a folder; whoever calls decides whether ``problems`` are to be borne.

    What could not be read counts against the prediction (see ``pair_folders``) and stands in ``problems``.

    Raises:
        InputError: an unknown benchmark, an option that it does not have, a folder without files, nothing to score.
    """
    if benchmark not in BENCHMARKS:
        raise InputError(f"benchmark {benchmark} is unknown; known are {', '.join(BENCHMARKS)}")
    options = options or FolderOptions()
    _refuse_idle_options(benchmark, options)
    return BENCHMARKS[benchmark](benchmark, reference, predictions, options)


def _refuse_idle_options(benchmark: str, options: FolderOptions) -> None:
    polar = benchmark in PROTOCOLS and benchmark != "dcase2025"
    idle = {
        "official": options.official and benchmark in (*COLLAR_S, "rooms"),
        "reference unit": options.reference_unit is not None and benchmark not in UNITS,
        "prediction unit": options.prediction_unit is not None and benchmark not in UNITS,
        "coordinates": options.coordinates != "polar" and not polar and benchmark != "tracking",
        "collar": options.collar_s is not None and benchmark not in COLLAR_S,
        "intervals": options.intervals and benchmark not in (*PROTOCOLS, "rooms", "choices"),
    }
    for name, given in idle.items():
        if given:
            raise InputError(f"{name}: {benchmark} has no such variant; leave it out")
