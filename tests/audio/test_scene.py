"""The scene graph as JSON: what is written is read back, files of before, open air."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from spatial_lalm.audio.scene import Ambience, Room, Scene, SourceEvent

ROOM = Room((5.0, 4.0, 3.0), (0.3,) * 6)
EVENT = SourceEvent("rain", 0.5, 2.0, ((30.0, 0.0, 2.0),), (True,) * 15)
SCENE = Scene(4.0, 16_000, 1, ROOM, (2.0, 2.0, 1.2), (EVENT,), None, 12.0, 7)
PLACED = Ambience("directional", False, 6.0, 40.0, -5.0, 2.5, -3.0)


@pytest.mark.parametrize("room", [ROOM, Room.open_air(0.1), Room.open_air(), replace(ROOM, tilt=0.2, scattering=0.5)])
@pytest.mark.parametrize("background", [Ambience(), PLACED])
def test_scenes_survive_json(room: Room, background: Ambience) -> None:
    scene = replace(SCENE, room=room, background=background)
    content = json.loads(json.dumps(scene.to_json()))
    assert Scene.from_json(content) == scene
    assert content["room"]["outdoors"] == room.outdoors
    assert content["background"]["steady"] == background.steady


def test_open_air_has_no_sizes() -> None:
    content = replace(SCENE, room=Room.open_air(0.1)).to_json()["room"]
    assert content == {"outdoors": True, "ground_absorption": 0.1, "tilt": 0.0}


@pytest.mark.parametrize(
    ("words", "read"),
    [
        ("diffuse", Ambience()),
        ("diffuse unsteady", Ambience(steady=False)),
        ("diffuse directional", Ambience("directional")),
    ],
)
def test_older_files_are_read(words: str, read: Ambience) -> None:
    """They tell the background in words and hold a box for open air."""
    content = SCENE.to_json() | {"background": words}
    content["room"] = {"dimensions_m": [160.0, 160.0, 80.0], "absorption": [1.0, 1.0, 1.0, 1.0, 0.1, 1.0], "tilt": 0.0}
    scene = Scene.from_json(content)
    assert scene.background == read
    assert scene.room == Room.open_air(0.1)
    del content["background"]
    assert Scene.from_json(content).background == Ambience()
