"""The protocol holds in every state that spin can reach, and no guard of it is idle.

A slice runs with every `make test` where spin and gcc are installed; `make deep` installs them and
searches everything.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import pytest

from tests.model.checking import (
    GOALS,
    LIMITS,
    MOST_SECONDS,
    MUTANTS,
    REMEDY,
    SAFE,
    check,
    missing_tools,
)

if TYPE_CHECKING:
    from pathlib import Path

SLICE: Final = ("M_HOLD_EXPIRES", "M_NO_RUN")
pytestmark = [
    pytest.mark.skipif(
        bool(missing_tools()), reason=f"not on PATH: {', '.join(missing_tools())} (see .ci/spin)"
    ),
    pytest.mark.timeout(MOST_SECONDS),
]


def test_no_window_passes_its_limit_in_a_small_world(tmp_path: Path) -> None:
    assert check("-DT=3 -DR=2 -DCRASH=1 -DABORT=1", tmp_path).errors == 0


@pytest.mark.parametrize("mutant", SLICE)
def test_a_guard_that_is_removed_is_missed(mutant: str, tmp_path: Path) -> None:
    assert check(f"{MUTANTS[mutant]} -D{mutant}", tmp_path).errors == 1


def test_a_search_that_does_not_end_shows_nothing(tmp_path: Path) -> None:
    """An unknown word, as any defect of the model, is an error and not a scope without errors."""
    with pytest.raises(RuntimeError, match=r"pan|spin|gcc"):
        check("-DT=no_number", tmp_path)


@pytest.mark.deep
@pytest.mark.parametrize("scope", SAFE.values(), ids=SAFE.keys())
def test_no_window_passes_its_limit(scope: str, tmp_path: Path) -> None:
    """Whatever of this scope's faults happens, in whatever order."""
    assert check(scope, tmp_path).errors == 0


@pytest.mark.deep
@pytest.mark.parametrize("mutant", MUTANTS)
def test_every_guard_is_missed_when_it_is_removed(mutant: str, tmp_path: Path) -> None:
    assert check(f"{MUTANTS[mutant]} -D{mutant}", tmp_path).errors == 1


@pytest.mark.deep
@pytest.mark.parametrize("scope", GOALS.values(), ids=GOALS.keys())
def test_a_lost_ledger_serves_again(scope: str, tmp_path: Path) -> None:
    """Spin finds the way to a post that is counted after the loss."""
    assert check(scope, tmp_path).errors == 1


@pytest.mark.deep
@pytest.mark.parametrize("scope", LIMITS.values(), ids=LIMITS.keys())
def test_the_limits_of_the_protocol_are_where_we_say(scope: str, tmp_path: Path) -> None:
    """Nobody can know of a member that nobody knows; named ones are waited for (README.md)."""
    (tmp_path / "as it is").mkdir()
    (tmp_path / "remedied").mkdir()

    assert check(scope, tmp_path / "as it is").errors == 1
    assert check(f"{scope} {REMEDY}", tmp_path / "remedied").errors == 0
