"""The same task over many numbers on a Ray cluster; ``workers.results`` comes here where an address is given."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import islice
from typing import Any, TypeVar

from spatial_lalm import __version__
from spatial_lalm.errors import InputError
from spatial_lalm.simulation.workers import ATTEMPTS, Name, Task, given_up, one_thread

Out = TypeVar("Out")
CONNECTING_S = 10.0
"""Seconds that a cluster has to answer."""


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
    try:
        import ray
    except ImportError:
        raise InputError(f"--ray {address}: Ray is not installed; pip install 'spatial-lalm[cluster]'") from None
    if ray.is_initialized():
        yield ray
        return
    _check_listening(address)
    own: dict[str, Any] = {"include_dashboard": False, "num_cpus": workers} if address == "local" else {}
    quiet: dict[str, Any] = {"log_to_driver": False, "logging_level": "ERROR", "configure_logging": False}
    try:
        ray.init(address=address, **quiet, **own)
    except (ConnectionError, ValueError, RuntimeError) as error:
        told = " ".join(str(error).split())[:200]
        raise InputError(f"--ray {address}: no Ray cluster answers there ({told}); see 'ray status'") from None
    try:
        yield ray
    finally:
        ray.shutdown()


def _check_listening(address: str) -> None:
    """``InputError`` where nothing listens at HOST:PORT: Ray itself tries for minutes and then ends the process."""
    host, _, port = address.rpartition("//")[2].rpartition(":")
    if not port.isdigit():
        return
    try:
        socket.create_connection((host, int(port)), CONNECTING_S).close()
    except OSError as error:
        raise InputError(
            f"--ray {address}: nothing answers there ({error}); see 'ray status' for the address"
        ) from None
