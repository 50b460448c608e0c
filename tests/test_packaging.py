"""What a user gets who installs the wheel: all of it, nothing beside it, and quick to start."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tarfile
import time
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

import spatial_lalm

ROOT = Path(__file__).parents[1]
ROOMS = ("audio", "model", "train", "evaluate", "app", "kernels", "memory", "simulation")
LINKED = ("kernels", "memory", "simulation")
HEAVY = ("torch", "torchaudio", "transformers", "numba", "matplotlib", "pyroomacoustics", "spaudiopy", "soundfile")
START_LIMIT_S = 0.5


def run_python(*arguments: str, path: Path, cwd: Path) -> subprocess.CompletedProcess[str]:
    """Run Python in the folder ``cwd`` with ``path`` alone on PYTHONPATH; -P keeps the folder itself out."""
    environment = {**os.environ, "PYTHONPATH": str(path)}
    return subprocess.run(
        [sys.executable, "-P", *arguments], cwd=cwd, env=environment, capture_output=True, text=True, check=False
    )


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of what distributions are made from: building in the checkout would leave files there."""
    folder = tmp_path_factory.mktemp("source")
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, folder)
    for name in ("spatial_lalm", *LINKED):
        shutil.copytree(ROOT / name, folder / name, symlinks=True, ignore=shutil.ignore_patterns("__pycache__"))
    return folder


def build(kind: str, source: Path, out: Path) -> Path:
    """Build the distribution ``kind`` ("wheel" or "sdist") as pip and build do, with the setuptools at hand."""
    code = f"import sys; from setuptools import build_meta; print(build_meta.build_{kind}(sys.argv[1]))"
    done = run_python("-W", "ignore", "-c", code, str(out), path=source, cwd=source)
    assert done.returncode == 0, done.stderr
    return out / done.stdout.splitlines()[-1]


@pytest.fixture(scope="module")
def installed(source: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, unpacked where nothing else is."""
    wheel = build("wheel", source, tmp_path_factory.mktemp("wheel"))
    folder = tmp_path_factory.mktemp("installed")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder)
    return folder


def modules_under(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*.py")}


def test_wheel_holds_every_module(installed: Path) -> None:
    # rglob does not follow links: the linked rooms are compared one by one.
    assert modules_under(installed / "spatial_lalm") >= modules_under(ROOT / "spatial_lalm")
    for room in ROOMS:
        expected = modules_under((ROOT / "spatial_lalm" / room).resolve())
        assert "__init__.py" in expected
        assert modules_under(installed / "spatial_lalm" / room) == expected


def test_wheel_holds_nothing_beside_the_package(installed: Path) -> None:
    version = spatial_lalm.__version__
    assert {path.name for path in installed.iterdir()} == {"spatial_lalm", f"spatial_lalm-{version}.dist-info"}
    assert (installed / "spatial_lalm" / "py.typed").is_file()


def test_wheel_holds_the_shipped_model(installed: Path) -> None:
    model = installed / "spatial_lalm" / "weights" / "mini"
    assert (model / "config.json").is_file()
    assert [path for path in model.glob("*.safetensors") if path.stat().st_size > 0]


def test_wheel_holds_the_recipes(installed: Path) -> None:
    recipes = {path.name for path in (ROOT / "spatial_lalm/train/configs").glob("*.toml")}
    assert {path.name for path in (installed / "spatial_lalm/train/configs").glob("*.toml")} == recipes


def test_sdist_makes_the_same_wheel(source: Path, installed: Path, tmp_path: Path) -> None:
    with tarfile.open(build("sdist", source, tmp_path)) as archive:
        archive.extractall(tmp_path / "sdist", filter="data")
    (unpacked,) = (tmp_path / "sdist").iterdir()
    assert not [name for name in LINKED if (unpacked / name).exists()]
    with zipfile.ZipFile(build("wheel", unpacked, tmp_path)) as archive:
        names = {name for name in archive.namelist() if ".dist-info" not in name}
    assert names == {str(path.relative_to(installed)) for path in (installed / "spatial_lalm").rglob("*.*")}


@pytest.mark.parametrize("name", LINKED)
def test_no_published_name_is_shadowed(name: str, installed: Path, tmp_path: Path) -> None:
    # transformers imports a published package called kernels: ours must not be found in its place.
    code = f"from importlib.util import find_spec; print(find_spec({name!r}))"
    done = run_python("-c", code, path=installed, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert str(ROOT) not in done.stdout
    assert str(installed) not in done.stdout


SHOW_HELP = """
from spatial_lalm.app.cli import main
try:
    main(["--help"])
except SystemExit as stop:
    assert not stop.code
"""


@pytest.mark.parametrize("code", ["", SHOW_HELP], ids=["import", "help"])
def test_start_imports_nothing_heavy(code: str, installed: Path, tmp_path: Path) -> None:
    code += f"\nimport sys\nprint('heavy:', *sorted(set({HEAVY!r}) & set(sys.modules)))\nprint(spatial_lalm.__file__)"
    done = run_python("-c", f"import spatial_lalm\n{code}", path=installed, cwd=tmp_path)
    assert done.stdout.splitlines()[-2:] == ["heavy:", str(installed / "spatial_lalm" / "__init__.py")], done.stderr


@pytest.mark.parametrize("arguments", [("-c", "import spatial_lalm"), ("-m", "spatial_lalm", "--help")])
def test_start_is_quick(arguments: tuple[str, ...], installed: Path, tmp_path: Path) -> None:
    def once() -> float:
        began = time.perf_counter()
        assert run_python(*arguments, path=installed, cwd=tmp_path).returncode == 0
        return time.perf_counter() - began

    assert best_of(5, once) < START_LIMIT_S


def best_of(tries: int, measure: Callable[[], float]) -> float:
    """The best of several: a busy machine makes a process slow, never fast."""
    return min(measure() for _ in range(tries))


def test_public_names_are_listed_and_unknown_ones_refused() -> None:
    assert set(dir(spatial_lalm)) >= set(spatial_lalm.__all__) == {*spatial_lalm._MODULE_OF, "__version__"}
    with pytest.raises(AttributeError, match="has no attribute 'nothing'"):
        _ = spatial_lalm.nothing


@pytest.mark.parametrize("name", spatial_lalm.__all__)
def test_public_name_loads(name: str) -> None:
    value = getattr(spatial_lalm, name)
    assert getattr(value, "__name__", name) == name


def test_spaudiopy_is_imported_without_a_word(tmp_path: Path) -> None:
    # A sounddevice as it behaves with no PortAudio and a chatty ALSA, whatever this machine has.
    (tmp_path / "sounddevice.py").write_text(
        "import os, pathlib, sys\n"
        "pathlib.Path('imported').touch()\n"
        "print('to stdout')\n"
        "print('to stderr', file=sys.stderr)\n"
        "os.write(1, b'from C')\n"
        "os.write(2, b'from C')\n"
        "raise OSError('PortAudio library not found')\n"
    )
    code = (
        "print('before')\n"
        "from spatial_lalm.audio.quiet import import_spaudiopy\n"
        "module = import_spaudiopy()\n"
        "print('after', module.__name__, module is import_spaudiopy())\n"
    )
    done = run_python("-W", "always", "-c", code, path=Path(f"{tmp_path}{os.pathsep}{ROOT}"), cwd=tmp_path)
    assert (tmp_path / "imported").exists()
    assert (done.stdout, done.stderr) == ("before\nafter spaudiopy True\n", "")
