"""A mutant: the product with one guard taken away, and the tests that must notice.

It is killed when one of its tests fails in a copy of the tree that differs in that one place. Only
tests of behaviour count: none of them reads source text, and each passes on the tree as it is.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[2]
COPIED: Final = ("governor", "tests", "pyproject.toml")
TOO_LONG_S: Final = 100  # a mutant that makes its tests hang is killed too
FAILED, NOTHING_RAN = 1, 5  # pytest's exit codes


@dataclass(frozen=True, slots=True)
class Mutant:
    """One guard of an invariant of design section 3, and how it is removed: `old` becomes `new`.

    `tests` are pytest's arguments: files, and where a file is long `-k` with an expression.
    """

    invariant: int
    guard: str
    file: str
    old: str
    new: str
    tests: str

    @property
    def name(self) -> str:
        """Return what to call it in a list."""
        return f"I{self.invariant}: {self.guard} ({Path(self.file).name})"


def breed(mutant: Mutant, into: Path) -> None:
    """Copy the tree there, without that guard."""
    for part in COPIED:
        source = ROOT / part
        if source.is_dir():
            shutil.copytree(source, into / part, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source, into / part)
    file = into / mutant.file
    text = file.read_text("utf-8")
    assert text.count(mutant.old) == 1, f"{mutant.name}: its guard is not there, or not alone"
    file.write_text(text.replace(mutant.old, mutant.new), "utf-8")


def is_killed(mutant: Mutant, tree: Path) -> bool:
    """Run its tests in the copy; say whether one of them failed. Nothing ran: an error."""
    command = [sys.executable, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider", "--timeout=30"]
    try:
        done = subprocess.run(
            [*command, *_arguments(mutant)],
            cwd=tree,
            env=os.environ | {"PYTHONPATH": str(tree)},
            capture_output=True,
            text=True,
            timeout=TOO_LONG_S,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return True
    assert done.returncode in (0, FAILED), f"{mutant.name}: no test ran\n{done.stdout[-2_000:]}"
    return done.returncode == FAILED


def _arguments(mutant: Mutant) -> list[str]:
    files, _, chosen = mutant.tests.partition(" -k ")
    return [*files.split(), *(("-k", chosen) if chosen else ())]
