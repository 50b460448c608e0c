"""Phrasebooks of the places of sounds, alone and against each other; gaps are listed in ``reading``."""

from __future__ import annotations

from spatial_lalm.simulation.questions.phrasings.building import Phrasebook, book

PLACES: dict[str, Phrasebook] = {
    "octant": book(
        "in which of the eight directions is {x} | in words, where is {x} | roughly where is {x} | "
        "in which octant is {x}",
        "in which of the eight directions {x} is | roughly where {x} is",
        "in plain words, which way is {x} | which octant holds {x} | in rough terms, where is {x} | "
        "which of the eight directions fits {x} best",
    ),
    "azimuth": book(
        "what is the azimuth of {x} | at which azimuth is {x} | at what horizontal angle is {x} | "
        "how many degrees from the front is {x} in azimuth",
        "the azimuth of {x} | at which azimuth {x} is",
        "what azimuth does {x} have | {x}, at what azimuth | in the horizontal plane, at which angle is {x} | "
        "what azimuth does {x} come from",
    ),
    "elevation": book(
        "what is the elevation of {x} | at which elevation is {x} | at what vertical angle is {x} | "
        "how many degrees above or below the horizon is {x}",
        "the elevation of {x} | at which elevation {x} is",
        "what elevation does {x} have | {x}, at what elevation | at which angle above the horizon is {x} | "
        "what elevation does {x} come from",
    ),
    "distance": book(
        "what is the distance to {x} in metres | how many metres off is {x} | how many metres is it to {x} | "
        "what distance away is {x}",
        "the distance to {x} in metres | how many metres off {x} is",
        "how many metres lie between me and {x} | in metres, what is the distance to {x} | "
        "what range do you give {x} | at what range is {x}",
    ),
    "left_or_right": book(
        "is {x} to my left or to my right | which side is {x} on, left or right | left or right, where is {x} | "
        "does {x} come from the left or from the right",
        "whether {x} is to my left or to my right | on which side {x} is, left or right",
        "is it left or right that {x} comes from | {x}, is it left or right | from my left or my right, where is {x} | "
        "should I turn left or right to face {x}",
    ),
    "front_or_back": book(
        "is {x} in front of me or behind me | front or back, where is {x} | does {x} come from ahead or from behind | "
        "is {x} ahead or behind",
        "whether {x} is in front of me or behind me | whether {x} is ahead or behind",
        "{x}, is it in front or behind | is it from the front or the back that {x} comes | "
        "do I hear {x} before me or at my back | must I turn around to face {x}, or is it ahead",
    ),
    "height": book(
        "is {x} above me or below me | up or down, where is {x} | does {x} come from above or from below | "
        "is {x} higher or lower than my ears",
        "whether {x} is above me or below me | whether {x} is higher or lower than my ears",
        "{x}, is it above or below | is it from above or below that {x} comes | should I look up or down to face {x} | "
        "is {x} over or under me",
    ),
    "on_side": book(
        "which sounds are {side} | what is {side} | what can be heard {side} | what do you hear {side}",
        "which sounds are {side} | what can be heard {side}",
        "name the sounds {side} | is there anything {side}, and if so, what | what would I find {side} | "
        "{side}, what is sounding",
    ),
    "which_side": book(
        "which is further to the {rank}, {x} or {y} | which of the two is on the {rank}, {x} or {y} | "
        "which lies further {rank}, {x} or {y} | of {x} and {y}, which is further to the {rank}",
        "which is further to the {rank}, {x} or {y} | which of {x} and {y} is further {rank}",
        "{x} or {y}, which one is more to the {rank} | comparing {x} with {y}, which lies further {rank} | "
        "between {x} and {y}, which is to the {rank} | which sits more to the {rank}, {x} or {y}",
    ),
    "relation": book(
        "is {x} to the left or to the right of {y} | on which side of {y} is {x} | "
        "seen from me, is {x} left or right of {y} | to which side of {y} do you hear {x}",
        "whether {x} is to the left or to the right of {y} | on which side of {y} {x} is",
        "relative to {y}, is {x} left or right | left or right of {y}, where is {x} | "
        "compared with {y}, on which side is {x} | which side of {y} does {x} come from",
    ),
    "which_higher": book(
        "which is {rank}, {x} or {y} | which of the two sounds is {rank} in elevation, {x} or {y} | "
        "of {x} and {y}, which has the {rank} elevation | which lies {rank} in elevation, {x} or {y}",
        "which is {rank}, {x} or {y} | which of {x} and {y} has the {rank} elevation",
        "{x} or {y}, which one is {rank} | comparing {x} with {y}, which sits {rank} | "
        "between {x} and {y}, which is {rank} | by elevation, which is {rank}, {x} or {y}",
    ),
    "which_nearer": book(
        "which is {rank}, {x} or {y} | which of the two is {rank}, {x} or {y} | of {x} and {y}, which is {rank} | "
        "which lies {rank}, {x} or {y}",
        "which is {rank}, {x} or {y} | which of {x} and {y} is {rank}",
        "{x} or {y}, which one is {rank} | comparing {x} with {y}, which is {rank} | "
        "by distance, which is {rank}, {x} or "
        "{y} | between {x} and {y}, which is {rank}",
    ),
    "which_in_front": book(
        "which is {side}, {x} or {y} | of {x} and {y}, which one is {side} | which do you hear {side}, {x} or {y} | "
        "what is {side}, {x} or {y}",
        "which is {side}, {x} or {y} | which of {x} and {y} is {side}",
        "{x} or {y}, which one is {side} | between {x} and {y}, which is {side} | "
        "comparing {x} with {y}, which is {side} | "
        "which one sits {side}, {x} or {y}",
    ),
    "nearest": book(
        "which sound is {rank} | what is {rank} | which of all the sounds is {rank} | which source is {rank}",
        "which sound is {rank} | which of all the sounds is {rank}",
        "of everything here, what is {rank} | among all the sounds, which is {rank} | name the sound that is {rank} | "
        "by distance, which sound is {rank}",
    ),
    "angle_between": book(
        "what is the angle between {x} and {y} | how many degrees are {x} and {y} apart | "
        "how far apart in angle are {x} and {y} | by how many degrees do {x} and {y} differ in direction",
        "the angle between {x} and {y} | how many degrees {x} and {y} are apart",
        "what angle do {x} and {y} make | in degrees, how far is {x} from {y} | "
        "from {x} to {y}, how large is the angle | "
        "what angular distance is there between {x} and {y}",
    ),
    "what_place": book(
        "what comes from the {place} | which sound comes from the {place} | what is at the {place} | "
        "what makes the sound at the {place}",
        "what comes from the {place} | which sound comes from the {place}",
        "at the {place}, what is sounding | name the sound at the {place} | which source is at the {place} | "
        "the sound at the {place}, what is it",
    ),
}
