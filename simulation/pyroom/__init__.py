"""The second engine: geometry by pyroomacoustics, for rooms of any floor and to check our own engine against."""

from spatial_lalm.simulation.pyroom.hybrid import reference_moving, reference_responses
from spatial_lalm.simulation.pyroom.reference import MAX_IMAGE_ORDER, image_order, reference_response

__all__ = ["MAX_IMAGE_ORDER", "image_order", "reference_moving", "reference_response", "reference_responses"]
