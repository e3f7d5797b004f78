"""Each guard of the twelve invariants is watched by a test that fails when the guard is gone."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Final

import pytest

from tests.mutants import calendars, ledger, process, script
from tests.mutants.mutant import ROOT, Mutant, breed, is_killed

if TYPE_CHECKING:
    from pathlib import Path

MUTANTS: Final = (*ledger.MUTANTS, *calendars.MUTANTS, *process.MUTANTS, *script.MUTANTS)
INVARIANTS: Final = range(1, 13)
EACH: Final = pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)


def test_every_invariant_has_two_mutants_and_all_have_forty() -> None:
    count = Counter(mutant.invariant for mutant in MUTANTS)

    assert set(count) == set(INVARIANTS)
    assert min(count.values()) >= 2
    assert len(MUTANTS) >= 40


@EACH
def test_a_guard_that_is_listed_is_there(mutant: Mutant) -> None:
    """Once, word for word: a list of mutants that do nothing would kill them all."""
    assert (ROOT / mutant.file).read_text("utf-8").count(mutant.old) == 1
    assert all((ROOT / file).exists() for file in mutant.tests.partition(" -k ")[0].split())


@pytest.mark.deep
@pytest.mark.timeout(900)
def test_without_a_mutation_nothing_is_killed(tmp_path: Path) -> None:
    """What kills a mutant must live without it, in the same copy and in the same way."""
    breed(Mutant(0, "nothing", "pyproject.toml", "[project]", "[project]", ""), tmp_path)

    for tests in sorted({mutant.tests for mutant in MUTANTS}):
        assert not is_killed(Mutant(0, "nothing", "", "", "", tests), tmp_path), tests


@pytest.mark.deep
@pytest.mark.timeout(200)
@EACH
def test_a_mutant_is_killed(mutant: Mutant, tmp_path: Path) -> None:
    breed(mutant, tmp_path)

    assert is_killed(mutant, tmp_path), f"nobody noticed: {mutant.name}"
