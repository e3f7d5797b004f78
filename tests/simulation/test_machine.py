"""No order of whatever can happen to a ledger lets more through in any window than its limit."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.fakes.redis import RedisServer, redis_program
from tests.simulation.homes import BookHome, RedisHome
from tests.simulation.machine import LedgerMachine

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.simulation.homes import Home

ALIKE: Final = settings(
    derandomize=True,  # the same steps in every run: what failed once fails again
    deadline=None,
    database=None,
    suppress_health_check=list(HealthCheck),
    phases=(Phase.generate, Phase.shrink),
)
DEEP: Final = settings(ALIKE, derandomize=False, print_blob=True)


@pytest.fixture
def server(tmp_path: Path) -> Iterator[RedisServer]:
    if redis_program() is None:
        pytest.skip("no redis-server on this machine")
    server = RedisServer(tmp_path / "files")
    yield server
    server.close()


def play(home_of: Callable[[], Home], how: settings) -> None:
    class Machine(LedgerMachine):
        def __init__(self) -> None:
            super().__init__(home_of)

    run_state_machine_as_test(Machine, settings=how)


def test_no_order_of_events_passes_the_limit_in_the_book() -> None:
    play(BookHome, settings(ALIKE, max_examples=800, stateful_step_count=40))


def test_no_order_of_events_passes_the_limit_in_redis(server: RedisServer) -> None:
    play(lambda: RedisHome(server), settings(ALIKE, max_examples=12, stateful_step_count=25))


@pytest.mark.deep
@pytest.mark.timeout(1_800)
def test_no_order_of_events_passes_the_limit_in_the_book_in_many_orders() -> None:
    play(BookHome, settings(DEEP, max_examples=20_000, stateful_step_count=60))


@pytest.mark.deep
@pytest.mark.timeout(1_800)
def test_no_order_of_events_passes_the_limit_in_redis_in_many_orders(server: RedisServer) -> None:
    play(lambda: RedisHome(server), settings(DEEP, max_examples=400, stateful_step_count=40))
