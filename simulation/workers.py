"""The same task over many numbers: here, on processes of this machine, or on a Ray cluster.

A task is an object with ``make(number)`` that depends on nothing but itself and the number, so results are the same
wherever it runs. A worker that dies is replaced and its number tried again; a number whose workers keep dying ends the
run with its name. A task that takes long may ``tell`` how far it is.
"""

from __future__ import annotations

import multiprocessing
import os
import pickle
import signal
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnContext
from typing import Any, Generic, Protocol, TypeVar

Made = TypeVar("Made", covariant=True)
Out = TypeVar("Out")
ATTEMPTS = 3
"""Workers that a number may cost before the run ends."""
STOPPING_S = 5.0
"""Seconds that workers have to tidy up when the run ends early."""
Name = Callable[[int], str]
Listener = Callable[[Any], object]
_LISTENER: ContextVar[Listener | None] = ContextVar("listener", default=None)


class Task(Protocol[Made]):
    """Something to do for a number; picklable."""

    def make(self, number: int) -> Made:
        """Do it."""


def tell(news: Any) -> None:
    """Called by a task: have whoever waits for its result hear of something on the way; nobody may listen."""
    listener = _LISTENER.get()
    if listener is not None:
        listener(news)


def results(
    task: Task[Out],
    numbers: Sequence[int],
    workers: int = 1,
    ray: str | None = None,
    name: Name = "task {}".format,
    listener: Listener = lambda news: None,
) -> Iterator[Out]:
    """Results of a task for all numbers, in any order; an error of the task is raised here.

    Args:
        task: What to do; it is sent to every worker once.
        numbers: What to do it for.
        workers: Processes on this machine; 1 does it in this one. With Ray the cluster's CPUs count instead.
        ray: Address of a Ray cluster (``auto``, ``HOST:PORT``, ``ray://…``), or ``local`` for one that is started on
            this machine and stopped afterwards. Paths in the task must mean the same everywhere.
        name: What a number is called when its workers keep dying.
        listener: Hears what tasks ``tell``, in this process; tasks on Ray are not heard. A number that is tried again
            tells its news again.

    Raises:
        ChildProcessError: workers died ``ATTEMPTS`` times over one number.
        InputError: Ray is not installed or the cluster does not answer.
    """
    if ray is not None:
        from spatial_lalm.simulation.cluster import on_cluster

        return on_cluster(task, numbers, workers, ray, name)
    if workers == 1 or len(numbers) < 2:
        return _here(task, numbers, listener)
    return _on_processes(task, numbers, min(workers, len(numbers)), name, listener)


def _here(task: Task[Out], numbers: Sequence[int], listener: Listener) -> Iterator[Out]:
    for number in numbers:
        with one_thread(), _heard_by(listener):
            made = task.make(number)
        yield made


@contextmanager
def _heard_by(listener: Listener) -> Iterator[None]:
    token = _LISTENER.set(listener)
    try:
        yield
    finally:
        _LISTENER.reset(token)


@contextmanager
def one_thread() -> Iterator[None]:
    """Have torch compute on one thread, and on as many as before afterwards.

    Sums in another order would change the last bits of a scene, and the engine's many small operations lose by threads.
    """
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def given_up(name: str, code: int | None = -signal.SIGKILL) -> ChildProcessError:
    """What ends the run when workers, the last one with an exit code, kept dying over a number."""
    if code == -signal.SIGKILL:
        way_out = "were killed over it, perhaps for want of memory; use fewer workers or shorter scenes"
    else:
        way_out = f"died over it with exit code {code}; render it in one process to see why"
    return ChildProcessError(f"{name}: {ATTEMPTS} workers {way_out}; the same command goes on")


# ---------------------------------------------------------------- processes


@dataclass(frozen=True)
class _News:
    """What a task told on its way to a result."""

    told: Any


class _Worker(Generic[Out]):
    """A process and the number it is busy with."""

    def __init__(self, context: SpawnContext, task: Task[Out]) -> None:
        self.pipe, theirs = context.Pipe()
        self.process = context.Process(target=_serve, args=(task, theirs), daemon=True)
        with _interrupts_held_off():
            self.process.start()
        theirs.close()
        self.number = -1

    def give(self, number: int) -> None:
        """Have a number done; a worker that has died meanwhile is noticed when its result is asked for."""
        self.number = number
        try:
            self.pipe.send(number)
        except (BrokenPipeError, ConnectionResetError):
            return

    def result(self) -> Out | _News | None:
        """The result or news on the way to it, None if the worker died; the task's own error is raised."""
        try:
            made, error = self.pipe.recv()
        except (EOFError, ConnectionResetError):
            return None
        if isinstance(made, _News):
            return made
        if error is not None:
            raise error
        result: Out = made
        return result

    def exit_code(self) -> int | None:
        """How a process that has died ended."""
        self.process.join(STOPPING_S)
        return self.process.exitcode

    def stop(self) -> None:
        """End the process and wait for it."""
        self.process.terminate()
        self.process.join(STOPPING_S)
        self.process.kill()
        self.process.join()
        self.process.close()
        self.pipe.close()


def _on_processes(task: Task[Out], numbers: Sequence[int], count: int, name: Name, listener: Listener) -> Iterator[Out]:
    """Spawned workers: no state but the task reaches them, so they make what a single process would."""
    context = multiprocessing.get_context("spawn")
    waiting, deaths = list(reversed(numbers)), dict.fromkeys(numbers, 0)
    crew: list[_Worker[Out]] = []
    try:
        while len(crew) < count:
            crew.append(_Worker(context, task))
            crew[-1].give(waiting.pop())
        busy = {worker.pipe: worker for worker in crew}
        while busy:
            for pipe in wait(list(busy)):
                worker = busy[pipe]  # type: ignore[index]
                result = worker.result()
                if isinstance(result, _News):
                    listener(result.told)
                    continue
                del busy[worker.pipe]
                if result is None:
                    deaths[worker.number] += 1
                    if deaths[worker.number] == ATTEMPTS:
                        raise given_up(name(worker.number), worker.exit_code())
                    waiting.append(worker.number)
                    worker.stop()
                    crew[crew.index(worker)] = worker = _Worker(context, task)
                if waiting:
                    worker.give(waiting.pop())
                    busy[worker.pipe] = worker
                if result is not None:
                    yield result
    finally:
        for worker in crew:
            worker.process.terminate()
        for worker in crew:
            worker.stop()


def _serve(task: Task[Any], pipe: Connection) -> None:
    """The life of a worker process: it ends with its parent, whatever happens to that. Ctrl-C is the parent's business.

    ``SIGTERM`` becomes an exception, so that files half written are removed. Like everywhere, torch has one thread:
    it is there already if the task needs it, and if it comes later it finds the variable.
    """
    os.environ["OMP_NUM_THREADS"] = "1"
    if "torch" in sys.modules:
        sys.modules["torch"].set_num_threads(1)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    threading.Thread(target=_end_with_parent, daemon=True).start()
    _LISTENER.set(lambda news: pipe.send((_News(news), None)))
    try:
        while True:
            pipe.send(_outcome(task, pipe.recv()))
    except (EOFError, BrokenPipeError, ConnectionResetError):
        return
    finally:
        # Nothing is left to remove, and an exception on the interpreter's way out would only leave a traceback.
        signal.signal(signal.SIGTERM, signal.SIG_DFL)


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    assert parent is not None
    parent.join()
    os._exit(1)


def _outcome(task: Task[Out], number: int) -> tuple[Out | None, Exception | None]:
    try:
        return task.make(number), None
    except Exception as error:
        return None, _portable(error)


def _portable(error: Exception) -> Exception:
    """An error that can go to another process, told in words where it cannot go itself."""
    try:
        pickle.loads(pickle.dumps(error))
    except Exception:
        return RuntimeError(f"{type(error).__name__}: {error}")
    return error


@contextmanager
def _interrupts_held_off() -> Iterator[None]:
    """Ignore Ctrl-C for a moment, which processes started meanwhile inherit; only the main thread can."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
