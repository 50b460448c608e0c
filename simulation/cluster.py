"""The same task over many numbers on a Ray cluster; ``workers.results`` comes here where an address is given."""

from __future__ import annotations

import logging
import os
import re
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import islice
from typing import Any, TypeVar

from spatial_lalm import __version__
from spatial_lalm.errors import InputError
from spatial_lalm.simulation.workers import ATTEMPTS, Name, Task, given_up, one_thread

Out = TypeVar("Out")
CONNECTING_S = 10.0
"""Seconds that a host has to take a connection ..."""
ANSWER_S = 60.0
"""... and a cluster to let us in: Ray itself tries for minutes."""
QUIET: dict[str, Any] = {"log_to_driver": False, "logging_level": "ERROR", "configure_logging": False}
PROBE = f"import sys, ray; ray.init(address=sys.argv[1], **{QUIET})"


def on_cluster(task: Task[Out], numbers: Sequence[int], workers: int, address: str, name: Name) -> Iterator[Out]:
    """Results of a task for all numbers, as many at a time as keep the cluster's CPUs busy; see ``workers.results``."""
    with _cluster(address, workers) as ray:
        work = ray.remote(num_cpus=1, max_retries=ATTEMPTS - 1)(_make_on_ray)
        shared, where = ray.put(task), os.getcwd()
        remaining = iter(numbers)
        running: dict[Any, int] = {}
        try:
            while True:
                places = 2 * max(1, int(ray.cluster_resources().get("CPU", 1)))
                for number in islice(remaining, max(0, places - len(running))):
                    running[work.remote(shared, number, where, __version__)] = number
                if not running:
                    return
                done, _ = ray.wait(list(running))
                for reference in done:
                    yield _from_ray(ray, reference, name(running.pop(reference)))
        finally:
            for reference in running:
                ray.cancel(reference, force=True)


def _make_on_ray(task: Task[Out], number: int, where: str, version: str) -> Out:
    """What runs in a Ray worker: in the folder of the one who asked, where relative paths mean the same."""
    if version != __version__:
        raise InputError(f"a Ray worker has spatial-lalm {__version__}, not {version}: install the same everywhere")
    os.chdir(where)
    with one_thread():
        return task.make(number)


def _from_ray(ray: Any, reference: Any, name: str) -> Any:
    """The result behind a reference; the task's own error, or ``ChildProcessError`` where its workers keep dying."""
    try:
        return ray.get(reference)
    except ray.exceptions.RayTaskError as error:
        raise (error.cause if isinstance(error.cause, Exception) else error) from None
    except (ray.exceptions.WorkerCrashedError, ray.exceptions.NodeDiedError, ray.exceptions.OutOfMemoryError):
        raise given_up(name) from None


@contextmanager
def _cluster(address: str, workers: int) -> Iterator[Any]:
    """The module ``ray``, connected; a connection that exists is used and left as it is."""
    _check_address(address)
    try:
        import ray
    except ImportError:
        raise InputError(f"--ray {address}: Ray is not installed; pip install 'spatial-lalm[cluster]'") from None
    if ray.is_initialized():
        yield ray
        return
    own: dict[str, Any] = {"include_dashboard": False, "num_cpus": workers} if address == "local" else {}
    if address != "local":
        _check_listening(address)
        _check_answering(address)
    logging.getLogger("ray").setLevel(logging.ERROR)
    try:
        ray.init(address=address, **QUIET, **own)
    except Exception as error:  # a node that does not start in time is no more than that to Ray
        raise InputError(f"--ray {address}: Ray did not start ({_line(str(error))}); leave --ray out") from None
    try:
        yield ray
    finally:
        ray.shutdown()


# ---------------------------------------------------------------- addresses


def _check_address(address: str) -> None:
    """``InputError`` for what can be no address; a token in it is not repeated."""
    if "@" in address:
        raise InputError(
            f"--ray ...@{address.rpartition('@')[2]}: a token has no place in the address; give HOST:PORT and set "
            "RAY_AUTH_MODE=token and RAY_AUTH_TOKEN"
        )
    if address in ("auto", "local"):
        return
    host, port = _host_and_port(address)
    if not host or re.search(r"[\s/]", host) or not port.isdecimal() or not 0 < int(port) < 65_536:
        raise InputError(f"--ray {address}: not an address; give HOST:PORT, ray://HOST:PORT, auto or local")


def _host_and_port(address: str) -> tuple[str, str]:
    host, _, port = address.removeprefix("ray://").rpartition(":")
    return host.removeprefix("[").removesuffix("]"), port


def _check_listening(address: str) -> None:
    """``InputError`` where nothing listens at HOST:PORT."""
    if address == "auto":
        return
    host, port = _host_and_port(address)
    began = time.monotonic()
    try:
        socket.create_connection((host, int(port)), CONNECTING_S).close()
    except OSError as error:
        raise _unanswered(address, time.monotonic() - began, error.strerror or str(error)) from None


def _check_answering(address: str) -> None:
    """``InputError`` where no cluster lets us in, tried in a process of its own.

    In this one Ray's native code would fill the screen, try for minutes and at last end the process.
    """
    began = time.monotonic()
    both: dict[str, Any] = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.STDOUT}
    try:
        probe = subprocess.run([sys.executable, "-c", PROBE, address], **both, timeout=ANSWER_S)
        told = None if probe.returncode == 0 else probe.stdout
    except subprocess.TimeoutExpired as late:
        told = late.stdout or b""
    if told is not None:
        raise _unanswered(address, time.monotonic() - began, *_reasons(told.decode(errors="replace")))


def _reasons(told: str) -> list[str]:
    """What of the many lines that Ray told says why: where it tried, and whether a token or another thing was wrong."""
    found = [f"tried {where}" for where in re.findall(r"at (?:address )?(\S+:\d+)", told)[-1:]]
    if "InvalidAuthToken" in told:
        return [*found, "it wants another token: set RAY_AUTH_MODE=token and RAY_AUTH_TOKEN"]
    errors = re.findall(r"^[\w.]*(?:Error|Exception): (.+)", told, re.MULTILINE)
    return [*found, *map(_line, errors[-1:])]


def _unanswered(address: str, seconds: float, *reasons: str) -> InputError:
    why = f" ({'; '.join(reasons)})" if reasons else ""
    return InputError(
        f"--ray {address}: no Ray cluster answered in {seconds:.0f} s{why}; see 'ray status' for the address, or leave "
        "--ray out and use --workers"
    )


def _line(text: str) -> str:
    return " ".join(text.split())[:200].rstrip(".")
