"""The command ``spatial-lalm``: sub-commands, exit codes, and one clear line for what the user can mend.

Each sub-command is a module of this package with ``add_arguments(parser)`` and ``run(args)``; it is imported only when
it is the one asked for, so that ``--help`` and ``--version`` answer at once.

Exit codes: 0 success, 1 the system refused (disk full, permission), 2 the user's mistake, 130 interrupted, 141 the
reader of our output went away. ``SPATIAL_LALM_DEBUG=1`` shows the traceback instead of the line.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Collection, Sequence
from importlib import import_module
from typing import TYPE_CHECKING, NoReturn, Protocol, cast

from spatial_lalm import __version__
from spatial_lalm.errors import InputError

if TYPE_CHECKING:
    from _typeshed import SupportsWrite

COMMANDS = {
    "simulate": "make spatial scenes with labels",
    "ask": "ask a question about a recording",
    "analyze": "hear a recording of any length and keep what was heard in a file",
    "encode": "turn a recording of any microphone array into ambisonics",
    "arrays": "list, show or plot known microphone arrays",
    "train": "train a model from a configuration file",
    "score": "score predictions against references",
    "evaluate": "answer, score and report a split of a benchmark",
}
"""Sub-commands in the order of the help, with their one line."""

EXIT_SYSTEM = 1
EXIT_USER = 2
EXIT_INTERRUPTED = 130
EXIT_PIPE = 141


class Command(Protocol):
    """What the module of a sub-command provides."""

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """Add the sub-command's flags to ``parser``; cheap, no heavy imports."""

    def run(self, args: argparse.Namespace) -> int:
        """Do the work and return the exit code."""


class Parser(argparse.ArgumentParser):
    """An argument parser whose mistakes are one line, as all our errors are."""

    def error(self, message: str) -> NoReturn:
        """Print one line on stderr and exit with status 2."""
        self.exit(EXIT_USER, f"spatial-lalm: error: {message} (see '{self.prog} --help')\n")

    def _print_message(self, message: str, file: SupportsWrite[str] | None = None) -> None:
        # argparse's own swallows the failure, and a help that nobody received would count as a success.
        (sys.stderr if file is None else file).write(message)


def load_command(name: str) -> Command:
    """Return the module behind sub-command ``name``, one of ``COMMANDS``."""
    return cast(Command, import_module(f"spatial_lalm.app.{name}"))


def build_parser(chosen: Collection[str] = tuple(COMMANDS)) -> argparse.ArgumentParser:
    """Return the parser; only the ``chosen`` sub-commands are imported and have their flags, the others their line."""
    parser = Parser(
        prog="spatial-lalm",
        description="Ask any microphone array what sounded, where, when and in what room.",
        allow_abbrev=False,
    )
    parser.add_argument("--version", action="version", version=f"spatial-lalm {__version__}")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True, title="commands")
    for name, summary in COMMANDS.items():
        sub = commands.add_parser(
            name, help=summary, description=f"{summary[0].upper()}{summary[1:]}.", allow_abbrev=False
        )
        if name in chosen:
            load_command(name).add_arguments(sub)
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line ``argv`` (default: the process's own) and return the exit code.

    Raises:
        SystemExit: from ``--help``, ``--version`` and mistakes in the arguments, as argparse does.
    """
    try:
        try:
            return _run(sys.argv[1:] if argv is None else list(argv))
        finally:
            # Here rather than at the interpreter's end, where a full disk or a closed pipe can no longer be told.
            sys.stdout.flush()
    except (InputError, OSError, KeyboardInterrupt) as error:
        _drop_unwritable_output()
        if os.environ.get("SPATIAL_LALM_DEBUG") == "1" and not isinstance(error, BrokenPipeError):
            raise
        line, code = _verdict(error)
        if line:
            print(line, file=sys.stderr)
        return code


def _run(argv: list[str]) -> int:
    # Only sub-commands take values, so the first word that is no flag names the sub-command.
    first = next((word for word in argv if not word.startswith("-")), "")
    args = build_parser({first}).parse_args(argv)
    return load_command(args.command).run(args)


def _verdict(error: BaseException) -> tuple[str, int]:
    """Return what to print on stderr ("" for nothing) and the exit code."""
    match error:
        case BrokenPipeError():
            return "", EXIT_PIPE
        case KeyboardInterrupt():
            return "spatial-lalm: interrupted", EXIT_INTERRUPTED
        case InputError():
            return f"spatial-lalm: error: {_one_line(str(error))}", EXIT_USER
        case OSError(strerror=str(reason), filename=str() | bytes() as path):
            return f"spatial-lalm: error: {os.fsdecode(path)}: {reason}", EXIT_SYSTEM
        case OSError(strerror=str(reason)):
            return f"spatial-lalm: error: {_one_line(reason)}", EXIT_SYSTEM
        case _:
            return f"spatial-lalm: error: {_one_line(str(error)) or type(error).__name__}", EXIT_SYSTEM


def _one_line(text: str) -> str:
    """Join the lines of ``text``: messages from libraries may span several."""
    return " ".join(text.split())


def _drop_unwritable_output() -> None:
    """Send what stdout still holds to nowhere if it cannot be written, or the interpreter would complain at its end."""
    try:
        sys.stdout.flush()
    except OSError:
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())
        os.close(nowhere)


if __name__ == "__main__":
    sys.exit(main())
