"""The command line: frozen flags, exit codes, and one line for every mistake."""

from __future__ import annotations

import argparse
import errno
import io
import os
import subprocess
import sys
from pathlib import Path
from typing import IO

import pytest

from spatial_lalm import __version__
from spatial_lalm.app import cli
from spatial_lalm.app.progress import Progress, clock_text, rate_text
from spatial_lalm.errors import InputError

# A flag is a promise to scripts: this table changes only together with the changelog.
FLAGS = {
    "simulate": {
        *("out", "--scenes", "--seed", "--config", "--format", "--sources", "--duration"),
        *("--layout", "--workers", "--ray", "--engine", "--json", "--describe"),
    },
    "ask": {"recording", "question", "--format", "--array", "--model", "--start", "--end", "--json"},
    "analyze": {
        *("recording", "--out", "--format", "--array", "--model", "--start", "--end", "--views", "--events", "--plot"),
        *("--rate", "--channels", "--encoding", "--workers", "--ray", "--force", "--json"),
    },
    "encode": {
        *("recording", "out", "--array", "--order", "--rate", "--encoding", "--calibrate", "--force", "--json"),
    },
    "arrays": {"array", "--plot", "--order", "--rate", "--force", "--json"},
    "train": {"config", "--out", "--sources", "--stage", "--workers"},
    "evaluate": {
        *("benchmark", "--data", "--split", "--model", "--baseline", "--predictions", "--endpoint", "--controls"),
        *("--no-controls", "--official", "--workers", "--ray", "--allow-missing", "--limit", "--out"),
    },
    "score": {
        *("benchmark", "--reference", "--predictions", "--official", "--allow-missing", "--reference-unit"),
        *("--prediction-unit", "--coordinates", "--collar", "--intervals", "--json"),
    },
}


def flags_of(command: str) -> set[str]:
    parser = cli.Parser()
    cli.load_command(command).add_arguments(parser)
    actions = [action for action in parser._actions if action.dest != "help"]
    return {flag for action in actions for flag in (action.option_strings or [action.dest])}


class FakeCommand:
    """A sub-command that ends as it is told."""

    def __init__(self, outcome: int | BaseException) -> None:
        self.outcome = outcome

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("--flag")

    def run(self, args: argparse.Namespace) -> int:
        if isinstance(self.outcome, BaseException):
            raise self.outcome
        return self.outcome


def run_with(outcome: int | BaseException, monkeypatch: pytest.MonkeyPatch) -> int:
    monkeypatch.setattr(cli, "load_command", lambda name: FakeCommand(outcome))
    return cli.main(["ask", "--flag", "simulate"])


def test_every_command_is_frozen() -> None:
    assert set(FLAGS) == set(cli.COMMANDS)


@pytest.mark.parametrize("command", FLAGS)
def test_flags_are_the_promised_ones(command: str) -> None:
    assert flags_of(command) == FLAGS[command]


@pytest.mark.parametrize("command", FLAGS)
def test_help_of_a_command_explains_every_flag(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stop:
        cli.main([command, "--help"])
    assert stop.value.code == 0
    shown = capsys.readouterr().out
    assert f"usage: spatial-lalm {command}" in shown
    parser = cli.Parser()
    cli.load_command(command).add_arguments(parser)
    assert [action.dest for action in parser._actions if not action.help] == []
    assert [flag for flag in flags_of(command) if flag.startswith("--") and flag not in shown] == []


def test_help_lists_every_command_and_imports_none(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    loaded: list[str] = []
    monkeypatch.setattr(cli, "load_command", loaded.append)
    with pytest.raises(SystemExit) as stop:
        cli.main(["--help"])
    assert (stop.value.code, loaded) == (0, [])
    shown = capsys.readouterr().out
    assert all(name in shown and line in shown for name, line in cli.COMMANDS.items())


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stop:
        cli.main(["--version"])
    assert (stop.value.code, capsys.readouterr().out) == (0, f"spatial-lalm {__version__}\n")


@pytest.mark.parametrize("argv", [[], ["sing"], ["--sing"], ["ask"], ["simulate", "x", "--sead", "1"]])
def test_wrong_arguments_are_one_line_that_names_the_help(argv: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stop:
        cli.main(argv)
    shown = capsys.readouterr()
    assert (stop.value.code, shown.out) == (2, "")
    assert shown.err.startswith("spatial-lalm: error: ")
    assert shown.err.endswith("--help')\n")
    assert shown.err.count("\n") == 1


def test_flags_are_not_abbreviated(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        cli.main(["simulate", "out", "--scene", "3"])
    assert "--scene" in capsys.readouterr().err


@pytest.mark.parametrize("status", [0, 3])
def test_exit_code_is_the_commands_own(status: int, monkeypatch: pytest.MonkeyPatch) -> None:
    assert run_with(status, monkeypatch) == status


@pytest.mark.parametrize(
    ("error", "code", "line"),
    [
        (InputError("a.wav: 5 channels"), 2, "spatial-lalm: error: a.wav: 5 channels\n"),
        (KeyboardInterrupt(), 130, "spatial-lalm: interrupted\n"),
        (BrokenPipeError(errno.EPIPE, "Broken pipe"), 141, ""),
        (OSError(errno.ENOSPC, "No space left", "b.h5"), 1, "spatial-lalm: error: b.h5: No space left\n"),
        (OSError(errno.ENOSPC, "No space left"), 1, "spatial-lalm: error: No space left\n"),
        (OSError("two\n  lines"), 1, "spatial-lalm: error: two lines\n"),
        (OSError(), 1, "spatial-lalm: error: OSError\n"),
    ],
)
def test_errors_are_one_line_with_their_exit_code(
    error: BaseException,
    code: int,
    line: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.delenv("SPATIAL_LALM_DEBUG", raising=False)
    assert run_with(error, monkeypatch) == code
    assert capsys.readouterr() == ("", line)


def test_debug_shows_the_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SPATIAL_LALM_DEBUG", "1")
    with pytest.raises(InputError):
        run_with(InputError("x"), monkeypatch)


def test_a_bug_of_ours_keeps_its_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ZeroDivisionError):
        run_with(ZeroDivisionError(), monkeypatch)


BUFFERING = pytest.mark.parametrize("unbuffered", ["", "1"], ids=["buffered", "unbuffered"])


@BUFFERING
def test_a_reader_that_goes_away_is_no_complaint(unbuffered: str) -> None:
    reader, writer = os.pipe()
    os.close(reader)  # as `head` does when it has seen enough
    with open(writer, "wb") as pipe:
        done = help_into(pipe, unbuffered)
    assert (done.returncode, done.stderr) == (141, b"")


@BUFFERING
@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs the device /dev/full of Linux")
def test_a_full_disk_under_stdout_is_one_line(unbuffered: str) -> None:
    with open("/dev/full", "wb") as full:
        done = help_into(full, unbuffered)
    assert (done.returncode, done.stderr) == (1, b"spatial-lalm: error: No space left on device\n")


def help_into(stdout: IO[bytes], unbuffered: str) -> subprocess.CompletedProcess[bytes]:
    environment = {**os.environ, "PYTHONUNBUFFERED": unbuffered, "SPATIAL_LALM_DEBUG": ""}
    command = [sys.executable, "-m", "spatial_lalm", "--help"]
    return subprocess.run(command, stdout=stdout, stderr=subprocess.PIPE, env=environment, check=False)


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_progress_is_silent_in_a_pipe() -> None:
    pipe = io.StringIO()
    with Progress("scenes", pipe) as progress:
        progress(1, 2)
        progress(2, 2)
    assert pipe.getvalue() == ""


def test_progress_draws_count_rate_and_time_left() -> None:
    times = iter([0.0, 2.0, 2.05, 10.0])
    terminal = Terminal()
    with Progress("scenes", terminal, clock=lambda: next(times)) as progress:
        for done in (5, 9, 10, 25):
            progress(done, 25)
    lines = terminal.getvalue().replace("\x1b[K", "").split("\r")[1:]
    # The rate counts from the first call (a resumed run); the third call is too soon after the second to be drawn.
    assert lines == ["scenes: 5/25", "scenes: 9/25, 2.0/s, 0:08 left", "scenes: 25/25, 2.0/s, in 0:10\n"]


def test_progress_of_a_resumed_run_soon_forgets_what_was_there() -> None:
    times = iter([0.0, 1.0, 61.0, 121.0])
    terminal = Terminal()
    with Progress("scenes", terminal, clock=lambda: next(times)) as progress:
        for done in (0, 1000, 1030, 1060):
            progress(done, 1090)
    assert terminal.getvalue().endswith("scenes: 1060/1090, 30.0/min, 1:00 left\x1b[K\n")


def test_progress_ends_its_line_before_an_error() -> None:
    terminal = Terminal()

    def fail() -> None:
        with Progress("scenes", terminal) as progress:
            progress(1, 9)
            raise InputError("stop")

    with pytest.raises(InputError):
        fail()
    assert terminal.getvalue().endswith("\n")


def test_progress_never_wraps(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "12")
    terminal = Terminal()
    Progress("a long label of a long job", terminal)(1, 2)
    assert terminal.getvalue() == "\ra long labe\x1b[K"


def test_texts_of_rates_and_times() -> None:
    assert [rate_text(rate) for rate in (12.34, 1.0, 0.05)] == ["12.3/s", "1.0/s", "3.0/min"]
    assert [clock_text(s) for s in (0.4, 59.6, 61, 3600, 36_061)] == ["0:00", "1:00", "1:01", "1:00:00", "10:01:01"]
