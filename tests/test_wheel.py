"""What is published runs: a wheel installed outside the tree has all that it needs.

Built and installed without any registry, by the locked setuptools.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Final

import pytest

import governor

ROOT: Final = Path(__file__).parent.parent
PIP: Final = (sys.executable, "-m", "pip", "--disable-pip-version-check", "--quiet")
SOURCES: Final = ("pyproject.toml", "README.md", "LICENSE")


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build it from a copy: setuptools leaves its traces where it works."""
    copy = tmp_path_factory.mktemp("copy")
    for name in SOURCES:
        shutil.copy(ROOT / name, copy)
    shutil.copytree(
        ROOT / "governor", copy / "governor", ignore=shutil.ignore_patterns("__pycache__")
    )
    built = tmp_path_factory.mktemp("wheel")
    build = ("wheel", "--no-deps", "--no-index", "--no-build-isolation", "--wheel-dir", built, copy)
    subprocess.run([*PIP, *build], check=True)
    (found,) = built.glob("*.whl")
    return found


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Install it into a folder of its own; what it depends on is found where the tests run."""
    site = tmp_path_factory.mktemp("site")
    subprocess.run(
        [*PIP, "install", "--no-deps", "--no-index", "--target", site, wheel], check=True
    )
    return site


def test_the_wheel_has_every_file_of_the_package(wheel: Path) -> None:
    """Lua scripts, catalogs and the marker of its types included."""
    package = ROOT / "governor"
    expected = {
        f"governor/{path.relative_to(package).as_posix()}"
        for path in package.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }

    with zipfile.ZipFile(wheel) as archive:
        packed = {name for name in archive.namelist() if name.startswith("governor/")}

    assert expected == packed
    assert "governor/py.typed" in packed
    assert any(name.startswith("governor/lua/") for name in packed)
    assert any(name.startswith("governor/catalogs/") for name in packed)


def test_an_installed_governor_runs_outside_the_tree(installed: Path, tmp_path: Path) -> None:
    where = _run(installed, tmp_path, "-c", "import governor; print(governor.__file__)")
    version = _run(installed, tmp_path, str(installed / "bin" / "governor"), "--version")
    schema = _run(installed, tmp_path, str(installed / "bin" / "governor"), "config", "schema")

    assert Path(where.strip()).is_relative_to(installed)
    assert governor.__version__ in version
    assert "contract" in json.loads(schema)["properties"]


def _run(installed: Path, cwd: Path, *arguments: str) -> str:
    environment = {**os.environ, "PYTHONPATH": str(installed)}
    ended = subprocess.run(
        [sys.executable, *arguments],
        cwd=cwd,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    return ended.stdout
