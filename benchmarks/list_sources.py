"""Write the list of dry sources (``file,class,split,speaker,text``) of the corpora the shipped model is trained on.

Usage: python benchmarks/list_sources.py AUDIO_DIR OUT.csv

AUDIO_DIR holds esc10/ (ESC-10 with clips.csv), librispeech/ (one file a speaker), fsdd/ and music_and_nature/; a folder
that is absent is left out. Splits share no recording and no speaker: ESC-10 by its folds (1 and 2 train, 3 validation),
LibriSpeech by speaker (the last 25 by name validate), music by piece; the spoken digits only train.
"""

from __future__ import annotations

import argparse
import csv
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from spatial_lalm.audio.scene import CLASSES

Row = tuple[Path, str, str, str, str]
ESC10_SPLITS = {"1": "train", "2": "train", "3": "validation"}
VALIDATION_SPEAKERS = 25
SHORTEST_DIGIT_S = 0.25
DIGITS = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"]
MUSIC = {"Vibe_Ace": "train", "Hungarian": "train", "Sugar_Plum": "train"} | {
    "Karissa_Hobbs": "validation",
    "piano_mono": "validation",
}


def esc10(folder: Path) -> Iterator[Row]:
    """Environmental sounds with the class and fold of clips.csv; a clip of a class we do not know is an error."""
    with (folder / "clips.csv").open(newline="", encoding="utf-8") as handle:
        for row in csv.DictReader(handle):
            label = row["class"].strip().lower().replace(" ", "_")
            if label not in CLASSES:
                raise SystemExit(f"{folder}/clips.csv: unknown class {row['class']!r}")
            if row["fold"] in ESC10_SPLITS:
                yield folder / row["file"], label, ESC10_SPLITS[row["fold"]], "", ""


def librispeech(folder: Path) -> Iterator[Row]:
    """Read speech; a file is called SPEAKER-CHAPTER-UTTERANCE.flac."""
    files = sorted(folder.glob("*.flac"))
    held_out = set(sorted({path.name.split("-")[0] for path in files})[-VALIDATION_SPEAKERS:])
    for path in files:
        speaker = path.name.split("-")[0]
        yield path, "speech", "validation" if speaker in held_out else "train", speaker, ""


def digits(folder: Path) -> Iterator[Row]:
    """Spoken digits, DIGIT_SPEAKER_TAKE.wav; clipped takes that last less than a quarter second are left out."""
    import soundfile

    for path in sorted(folder.glob("*.wav")):
        digit, speaker, _ = path.stem.split("_")
        if soundfile.info(str(path)).duration >= SHORTEST_DIGIT_S:
            yield path, "speech", "train", speaker, DIGITS[int(digit)]


def music(folder: Path) -> Iterator[Row]:
    """Music, by piece."""
    for path in sorted(folder.iterdir()):
        for name, split in MUSIC.items():
            if name in path.name and path.suffix in {".ogg", ".flac"}:
                yield path, "music", split, "", ""


READERS = {"esc10": esc10, "librispeech": librispeech, "fsdd": digits, "music_and_nature": music}


def main() -> int:
    """Write the list and print the counts by class and split."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("audio_dir", type=Path)
    parser.add_argument("out", type=Path)
    args = parser.parse_args()
    folders = [args.audio_dir.resolve() / name for name in READERS]
    rows = [row for folder in folders if folder.is_dir() for row in READERS[folder.name](folder)]
    if not rows:
        print(f"{args.audio_dir}: none of {', '.join(READERS)} in it", file=sys.stderr)
        return 2
    with args.out.open("w", newline="", encoding="utf-8") as handle:
        writer = csv.writer(handle)
        writer.writerow(("file", "class", "split", "speaker", "text"))
        writer.writerows(rows)
    for (label, split), count in sorted(Counter((row[1], row[2]) for row in rows).items()):
        print(f"{label:16} {split:10} {count:5}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
