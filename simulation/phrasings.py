"""The place where the basic phrasings used to be found; they live in ``simulation.questions.phrasings``."""

from spatial_lalm.simulation.questions.phrasings import ALIASES, BOOKS, GENERIC_ALL, GENERIC_ONE, fill, templates

__all__ = ["ALIASES", "BOOKS", "GENERIC_ALL", "GENERIC_ONE", "fill", "templates"]
