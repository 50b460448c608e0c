"""The same task here, on processes and on a Ray cluster; workers that die, tasks that fail, Ctrl-C."""

from __future__ import annotations

import importlib
import importlib.util
import multiprocessing
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from spatial_lalm.errors import InputError
from spatial_lalm.simulation import cluster
from spatial_lalm.simulation.dataset import make_scenes
from spatial_lalm.simulation.library import SourceLibrary
from spatial_lalm.simulation.recipe import SceneRecipe
from spatial_lalm.simulation.workers import ATTEMPTS, results

LIBRARY = SourceLibrary.builtin(espeak=False)
RECIPE = SceneRecipe(duration_s=1.0)
HAS_RAY = importlib.util.find_spec("ray") is not None
needs_ray = pytest.mark.skipif(not HAS_RAY, reason="ray is not installed")
NOTHING: Any = None  # a task that is never done
PLACES = [None, pytest.param("local", marks=needs_ray)]


def tree(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


TASKS = """
import os, signal, sys
from dataclasses import dataclass
from pathlib import Path
from spatial_lalm.errors import InputError


@dataclass(frozen=True)
class Square:
    '''Squares a number; some numbers kill their worker, some only the first so many of them, some fail.'''

    folder: Path
    deadly: tuple[int, ...] = ()
    deaths: int = 10**6
    failing: tuple[int, ...] = ()
    quits: tuple[int, ...] = ()

    def make(self, number):
        if number in self.failing:
            raise InputError(f"number {number}: refused")
        if number in self.quits:
            os._exit(7)
        if number in self.deadly:
            before = len(list(self.folder.iterdir()))
            if before < self.deaths:
                (self.folder / str(before)).touch()
                os.kill(os.getpid(), signal.SIGKILL)
        return number * number


class Odd(Exception):
    def __init__(self, one, two):
        super().__init__(f"{one} and {two}")


class Strange:
    def make(self, number):
        raise Odd(number, "more")
"""


@pytest.fixture(scope="module")
def tasks(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """A module of tasks that worker processes can import, unlike this one."""
    folder = tmp_path_factory.mktemp("tasks")
    (folder / "tasks_for_workers.py").write_text(TASKS)
    sys.path.insert(0, str(folder))
    yield importlib.import_module("tasks_for_workers")
    sys.path.remove(str(folder))
    del sys.modules["tasks_for_workers"]


@pytest.fixture(scope="module")
def _cluster(tasks: Any) -> Iterator[None]:
    """One two-worker Ray for all tests; ``results`` uses a connection that exists and leaves it."""
    if not HAS_RAY:
        yield
        return
    import ray
    from ray import cloudpickle

    cloudpickle.register_pickle_by_value(tasks)
    quiet = {"include_dashboard": False, "log_to_driver": False, "logging_level": "ERROR", "configure_logging": False}
    ray.init("local", num_cpus=2, **quiet)  # not a cluster that somebody else has on this machine
    yield
    ray.shutdown()


# ---------------------------------------------------------------- the same everywhere


@pytest.mark.usefixtures("_cluster")
@pytest.mark.parametrize("ray", PLACES)
def test_every_number_is_done_once(tasks: Any, tmp_path: Path, ray: str | None) -> None:
    assert sorted(results(tasks.Square(tmp_path), range(20), 2, ray)) == [number**2 for number in range(20)]
    assert list(results(tasks.Square(tmp_path), [], 2, ray)) == []
    assert not multiprocessing.active_children()


@pytest.mark.usefixtures("_cluster")
@pytest.mark.parametrize(
    ("layout", "size", "ray"),
    [
        ("hdf5", 2, None),
        *(pytest.param(*layout, "local", marks=needs_ray) for layout in (("hdf5", 2), ("files", None))),
    ],
)
def test_scenes_have_the_same_bytes(tmp_path: Path, layout: str, size: int | None, ray: str | None) -> None:
    for out, workers, where in (("one", 1, None), ("two", 2, ray)):
        make_scenes(tmp_path / out, RECIPE, LIBRARY, 5, 3, workers, layout=layout, shard_scenes=size, ray=where)
    assert tree(tmp_path / "one") == tree(tmp_path / "two")


# ---------------------------------------------------------------- what goes wrong


@pytest.mark.usefixtures("_cluster")
@pytest.mark.parametrize("ray", PLACES)
def test_number_of_a_lost_worker_is_tried_again(tasks: Any, tmp_path: Path, ray: str | None) -> None:
    task = tasks.Square(tmp_path, deadly=(3,), deaths=ATTEMPTS - 1)
    assert sorted(results(task, range(6), 2, ray)) == [0, 1, 4, 9, 16, 25]
    assert len(list(tmp_path.iterdir())) == ATTEMPTS - 1


@pytest.mark.usefixtures("_cluster")
@pytest.mark.parametrize("ray", PLACES)
def test_number_that_keeps_killing_its_workers_is_named(tasks: Any, tmp_path: Path, ray: str | None) -> None:
    with pytest.raises(ChildProcessError, match=r"^scene 3: 3 workers were killed over it") as caught:
        list(results(tasks.Square(tmp_path, deadly=(3,)), range(6), 2, ray, name="scene {}".format))
    assert len(str(caught.value).splitlines()) == 1
    assert len(list(tmp_path.iterdir())) == ATTEMPTS
    assert not multiprocessing.active_children()


@pytest.mark.usefixtures("_cluster")
@pytest.mark.parametrize("ray", PLACES)
def test_error_of_the_task_is_raised_as_it_is(tasks: Any, tmp_path: Path, ray: str | None) -> None:
    with pytest.raises(InputError, match=r"^number 2: refused$"):
        list(results(tasks.Square(tmp_path, failing=(2,)), range(6), 2, ray))
    assert not multiprocessing.active_children()


def test_worker_that_ends_otherwise_is_told_apart(tasks: Any, tmp_path: Path) -> None:
    with pytest.raises(ChildProcessError, match=r"^task 1: 3 workers died over it with exit code 7; render it in one"):
        list(results(tasks.Square(tmp_path, quits=(1,)), range(2), 2))


def test_error_that_cannot_travel_is_told_in_words(tasks: Any) -> None:
    with pytest.raises(RuntimeError, match=r"^Odd: \d and more$"):
        list(results(tasks.Strange(), range(2), 2))


def test_cluster_that_does_not_answer_and_ray_that_is_missing(
    tasks: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(InputError, match=r"--ray auto: Ray is not installed; pip install 'spatial-lalm\[cluster\]'"):
        list(results(tasks.Square(tmp_path), range(2), ray="auto"))


def refusal(address: str) -> str:
    with pytest.raises(InputError) as caught:
        next(results(NOTHING, [1], ray=address))
    assert len(str(caught.value).splitlines()) == 1
    assert str(caught.value).startswith("--ray ")
    return str(caught.value)


@pytest.mark.parametrize(
    "address",
    ["nonsense", "http://127.0.0.1:8265", "127.0.0.1:99999", "127.0.0.1:0", ":6379", "a b:6379", "ray://auto", ""],
)
def test_what_is_no_address_is_refused_whether_there_is_ray_or_not(address: str) -> None:
    assert refusal(address).endswith(": not an address; give HOST:PORT, ray://HOST:PORT, auto or local")


def test_token_in_an_address_is_refused_and_not_repeated() -> None:
    for address in ("secret@127.0.0.1:6379", "ray://me:secret@127.0.0.1:6379"):
        told = refusal(address)
        assert "secret" not in told
        assert told.startswith(
            "--ray ...@127.0.0.1:6379: a token has no place in the address; give HOST:PORT and set RAY_"
        )


@needs_ray
def test_address_where_nothing_listens_is_refused_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ray.is_initialized", lambda: False)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{free.getsockname()[1]}"
        for where in (address, f"ray://{address}"):
            assert refusal(where).startswith(
                f"--ray {where}: no Ray cluster answered in 0 s (Connection refused); see "
            )


NOISE = (
    "import sys; print(20 * '[W 1 1] rpc_client.h:153: Failed to connect to GCS at address 10.0.0.7:6379 within 5\\n')"
)
SILENT = "; sys.stdout.flush(); import time; time.sleep(60)"
TOKEN = "; sys.exit('ray.exceptions.AuthenticationError: RPC error: InvalidAuthToken: token is missing. Ensure that')"
OTHER = "; raise RuntimeError('Version mismatch: the cluster was started with Ray 2.1')"


@needs_ray
@pytest.mark.parametrize(
    ("probe", "why"),
    [
        (SILENT, r"tried 10\.0\.0\.7:6379"),
        (TOKEN, r"tried 10\.0\.0\.7:6379; it wants another token: set RAY_AUTH_MODE=token and RAY_AUTH_TOKEN"),
        (OTHER, r"tried 10\.0\.0\.7:6379; Version mismatch: the cluster was started with Ray 2\.1"),
    ],
)
def test_cluster_that_does_not_let_us_in_is_told_in_a_line_without_its_noise(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], probe: str, why: str
) -> None:
    monkeypatch.setattr("ray.is_initialized", lambda: False)
    monkeypatch.setattr(cluster, "PROBE", NOISE + probe)
    monkeypatch.setattr(cluster, "ANSWER_S", 1.0 if probe == SILENT else 30.0)
    told = refusal("auto")
    assert re.fullmatch(
        rf"--ray auto: no Ray cluster answered in \d s \({why}\); see 'ray status' for the address, or leave --ray out "
        "and use --workers",
        told,
    )
    assert capfd.readouterr() == ("", "")


# ---------------------------------------------------------------- ends of runs


def default_interrupt() -> None:
    """A process begun in the background ignores Ctrl-C, and so would its children."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


RUN = """
import sys
from pathlib import Path
from spatial_lalm.simulation.workers import results
sys.path.insert(0, sys.argv[2])
from slow import Slow
if __name__ == "__main__":
    try:
        for made in results(Slow(Path(sys.argv[1])), range(1000), 2):
            pass
    except KeyboardInterrupt:
        sys.exit(130)
"""
SLOW = """
import os, time
from dataclasses import dataclass
from pathlib import Path

@dataclass
class Slow:
    folder: Path

    def make(self, number):
        (self.folder / str(os.getpid())).touch()
        try:
            time.sleep(60)
        finally:
            (self.folder / f"{os.getpid()} tidy").touch()
"""


def alive(pid: int) -> bool:
    """Whether a process runs (one that waits to be reaped does not)."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_workers_end_with_the_run(tmp_path: Path, number: int) -> None:
    """Ctrl-C lets them tidy up and the run ends quietly; if the run is killed, workers do not write on without it."""
    (tmp_path / "run.py").write_text(RUN)
    (tmp_path / "slow.py").write_text(SLOW)
    marks = tmp_path / "marks"
    marks.mkdir()
    command = [sys.executable, str(tmp_path / "run.py"), str(marks), str(tmp_path)]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, preexec_fn=default_interrupt)
    limit = time.monotonic() + 60
    while len(list(marks.iterdir())) < 2:
        assert process.poll() is None
        assert time.monotonic() < limit
        time.sleep(0.02)
    pids = [int(path.name) for path in marks.iterdir()]
    process.send_signal(number)
    _, errors = process.communicate(timeout=30)
    assert process.returncode == (130 if number == signal.SIGINT else -signal.SIGKILL)
    assert errors == ""
    limit = time.monotonic() + 10
    while any(map(alive, pids)):
        assert time.monotonic() < limit
        time.sleep(0.02)
    assert len(list(marks.glob("* tidy"))) == (2 if number == signal.SIGINT else 0)
