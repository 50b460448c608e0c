"""Image sources of many shoebox rooms at once, as one flat list (Allen & Berkley, 1979).

Legend: P paths, N images of all paths together, B octave bands.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np
import torch
from torch import Tensor

from spatial_lalm.audio.scene import OCTAVES_HZ
from spatial_lalm.simulation.engine.paths import Path, air_rates, require_shoeboxes

NEAREST_M = 0.05
"""Sources nearer than this would be louder than any that exists."""


@dataclass(frozen=True)
class Images:
    """A flat list of image sources.

    Their path ``owner (N,)``, ``direction (N, 3)`` in the receiver's frame, ``distance (N,)`` in metres, ``amplitude
    (N, B)``: 1 / distance times what walls, air and the source's directivity leave, and which are ``direct (N,)``.
    """

    owner: Tensor
    direction: Tensor
    distance: Tensor
    amplitude: Tensor
    direct: Tensor

    def only(self, kept: Tensor) -> Images:
        """The images where ``kept (N,)`` is true."""
        return Images(*(getattr(self, field.name)[kept] for field in fields(self)))

    @classmethod
    def joined(cls, parts: Sequence[Images]) -> Images:
        """Several lists as one; their owners stay as they are."""
        return cls(*(torch.cat([getattr(part, field.name) for part in parts]) for field in fields(cls)))


@dataclass(frozen=True)
class _Lattice:
    """Candidates along the three axes of every path, ``(P, 3, A)``, padded: those beyond ``count (P, 3)`` are void."""

    offset: Tensor
    mirrored: Tensor
    loss: Tensor  # ln of the walls' amplitude factors (P, 3, A, B)
    count: Tensor


def _lattice(paths: Sequence[Path], reach_m: np.ndarray, device: torch.device) -> _Lattice:
    """Positions along each axis that lie within the reach of their path, ``reach_m (P,)``, nearest first."""
    require_shoeboxes(paths)
    size = np.array([path.room.dimensions_m for path in paths])[:, :, None]
    source = np.array([path.source for path in paths], float)[:, :, None]
    receiver = np.array([path.receiver for path in paths], float)[:, :, None]
    walls = np.array([path.room.wall_bands for path in paths]).reshape(len(paths), 3, 2, 1, len(OCTAVES_HZ))
    furthest = int(np.max(reach_m / size[:, :, 0].min(axis=1) / 2)) + 1
    rooms = np.repeat(np.arange(-furthest, furthest + 1), 2)
    mirrored = np.tile([0, 1], 2 * furthest + 1)
    offset = (1 - 2 * mirrored) * source + 2 * rooms * size - receiver  # (P, 3, A)
    order = np.argsort(np.abs(offset), axis=-1, kind="stable")
    offset = np.take_along_axis(offset, order, -1)
    count = np.maximum(np.sum(np.abs(offset) < reach_m[:, None, None], axis=-1), 1)
    kept = int(count.max())
    loss = 0.5 * np.log(np.maximum(1 - walls, 1e-12))  # (P, 3, 2, 1, B)
    at_first, at_second = np.abs(rooms - mirrored)[order], np.abs(rooms)[order]
    total = at_first[..., None] * loss[:, :, 0] + at_second[..., None] * loss[:, :, 1]
    return _Lattice(
        torch.as_tensor(offset[..., :kept], dtype=torch.float32, device=device),
        torch.as_tensor(mirrored[order][..., :kept], device=device),
        torch.as_tensor(total[:, :, :kept], dtype=torch.float32, device=device),
        torch.as_tensor(count, device=device),
    )


def image_sources(paths: Sequence[Path], reach_m: np.ndarray, device: torch.device) -> Images:
    """All images within ``reach_m (P,)`` metres of their receivers, and the direct sound in any case.

    ``InputError``: a room that is no shoebox.
    """
    lattice = _lattice(paths, reach_m, device)
    total = lattice.count.prod(dim=1)
    owner = torch.repeat_interleave(total)
    rank = torch.arange(len(owner), device=device) - torch.repeat_interleave(total.cumsum(0) - total, total)
    counts = lattice.count[owner]
    place = torch.stack(
        [rank // (counts[:, 1] * counts[:, 2]), rank // counts[:, 2] % counts[:, 1], rank % counts[:, 2]], dim=1
    )  # (N, 3)
    axis = torch.arange(3, device=device)
    vector = lattice.offset[owner[:, None], axis, place]
    distance = vector.norm(dim=1)
    near = distance < torch.as_tensor(reach_m, dtype=torch.float32, device=device)[owner]
    direct = rank == 0  # the nearest image along every axis is the source itself
    near |= direct
    owner, vector, distance, place = owner[near], vector[near], distance[near], place[near]
    loss = lattice.loss[owner[:, None], axis, place].sum(dim=1)  # (N, B)
    air = torch.as_tensor(air_rates() / 2, dtype=torch.float32, device=device)
    near_enough = distance.clamp_min(NEAREST_M)
    amplitude = (loss - distance[:, None] * air).exp() / near_enough[:, None]
    direction = vector / near_enough[:, None]
    amplitude *= _directivity(paths, owner, lattice.mirrored[owner[:, None], axis, place], direction)
    return Images(owner, _faced(paths, owner, direction), distance, amplitude, direct[near])


def _directivity(paths: Sequence[Path], owner: Tensor, mirrored: Tensor, direction: Tensor) -> Tensor:
    """Gain ``(N, B)`` of each source towards its images' receiver: the way is mirrored back into the room."""
    if all(path.aim is None for path in paths):
        return direction.new_ones(1, 1)
    aims = np.array([path.aim if path.aim is not None else (1.0, 0.0, 0.0) for path in paths], float)
    aims /= np.linalg.norm(aims, axis=1, keepdims=True)
    alphas = [path.pattern.alpha if path.aim is not None else (1.0,) * len(OCTAVES_HZ) for path in paths]
    aim = torch.as_tensor(aims, dtype=direction.dtype, device=direction.device)[owner]
    alpha = torch.as_tensor(alphas, dtype=direction.dtype, device=direction.device)[owner]
    cosine = -(direction * (1 - 2 * mirrored) * aim).sum(dim=1, keepdim=True)
    return alpha + (1 - alpha) * cosine


def _faced(paths: Sequence[Path], owner: Tensor, direction: Tensor) -> Tensor:
    """Directions in the receivers' own frames."""
    if all(path.facing is None for path in paths):
        return direction
    facing = np.array([np.eye(3) if path.facing is None else path.facing for path in paths])
    turned = torch.as_tensor(facing, dtype=direction.dtype, device=direction.device)[owner]
    return (direction[:, None] @ turned)[:, 0]
