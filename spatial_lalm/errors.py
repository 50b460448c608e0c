"""The one exception that means "the user can mend this": its message is a single clear line."""

from __future__ import annotations


class InputError(ValueError):
    """A mistake in what the user gave: the message names the thing, its value, the rule and the way out.

    The command line prints the message after ``spatial-lalm: error:`` and exits with status 2, without a traceback.
    """
