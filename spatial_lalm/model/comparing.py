"""Answers to questions that set sounds or talkers against each other: the one entry to their four kinds."""

from __future__ import annotations

from dataclasses import replace

from spatial_lalm.audio.scene import Scene
from spatial_lalm.audio.wording import Spatial
from spatial_lalm.model.claim_answers import either, verdict
from spatial_lalm.model.plain_answers import Told, absence, nothing, referred, sounds
from spatial_lalm.model.question import Asked
from spatial_lalm.model.selected_answers import selected
from spatial_lalm.model.talker_answers import tell_talker


def tell_compared(scene: Scene, asked: Asked, spatial: Spatial, where: str) -> Told | None:
    """The sentence for a claim, a pair of sides, a talker or a selection; None for any other question.

    ``where`` is the part of the recording that the scene is: "in this recording", "between 0.0 s and 5.0 s".
    """
    if not (asked.claim or asked.pair or asked.talker or asked.selection):
        return None
    if not scene.events:
        return nothing(where), True
    for reference in asked.ordinals:
        event = referred(scene, reference)
        alike = [one for one in scene.events if one.label == reference.label]
        if event is None and alike:
            return f"I hear only {sounds(len(alike), reference.label)}.", True
        scene = replace(scene, events=tuple(one for one in scene.events if one is event or one not in alike))
    if asked.claim:
        return verdict(scene, asked.claim, spatial, where)
    if asked.pair:
        return either(scene, asked.pair, spatial, where)
    if asked.talker:
        if all(event.label != "speech" for event in scene.events):
            return absence("speech", where), True
        return tell_talker(scene, asked.talker, asked.side, spatial)
    assert asked.selection is not None
    return selected(scene, asked.selection, spatial, where)
