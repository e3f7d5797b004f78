"""No wrong clock hurries ledger time, none stops it, and the alarm names the right one."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from governor.core.ledger.clocks import Clocks
from governor.core.window import FURTHEST_AHEAD_MS

if TYPE_CHECKING:
    from collections.abc import Iterator

Move = tuple[int, str, int]
T_MS = 1_000_000
TOLERANCE_MS = 2_000
FAR, NEAR = 3_600_000, 1_500
OFFSETS = {"store": 700, "boot": -90_000}


def read(
    clocks: Clocks, *, store_ms: int, boot_ms: int, boot_offset_ms: int | None = OFFSETS["boot"]
) -> tuple[Clocks, int, tuple[str, ...]]:
    return clocks.read(
        store_ms=store_ms,
        boot_ms=boot_ms,
        boot_offset_ms=boot_offset_ms,
        tolerance_ms=TOLERANCE_MS,
    )


def at(store: int, boot: int, high_ms: int = T_MS) -> tuple[Clocks, int, tuple[str, ...]]:
    """Read two clocks that stand so far from T, by their offsets."""
    return read(
        Clocks(T_MS, high_ms, OFFSETS["store"]),
        store_ms=T_MS + store + OFFSETS["store"],
        boot_ms=T_MS + boot + OFFSETS["boot"],
    )


# Each cell of the table: how far each clock stands from T, what T becomes, and who stepped.
CELLS = [
    (0, 0, 0, ()),
    (NEAR, NEAR, NEAR, ()),
    (FAR, FAR, FAR, ()),  # both agree: time has passed
    (FAR, FAR + NEAR, FAR, ()),
    (FAR + TOLERANCE_MS, FAR, FAR, ()),
    (FAR + TOLERANCE_MS + 1, FAR, FAR, ("store",)),
    (FAR, FAR + TOLERANCE_MS + 1, FAR, ("boot",)),
    (FAR, NEAR, NEAR, ("store",)),
    (NEAR, FAR, NEAR, ("boot",)),
    (FAR, 0, 0, ("store",)),
    (0, FAR, 0, ("boot",)),
    (-NEAR, -NEAR, 0, ()),
    (-NEAR, NEAR - NEAR, 0, ()),
    (-TOLERANCE_MS, 0, 0, ()),
    (-TOLERANCE_MS - 1, 0, 0, ("store",)),
    (0, -TOLERANCE_MS - 1, 0, ("boot",)),
    (-FAR, NEAR, 0, ("store",)),  # only the clock that stepped is re-based
    (NEAR, -FAR, 0, ("boot",)),
    (-FAR, -FAR, 0, ("store", "boot")),
    (-FAR, FAR, 0, ("store", "boot")),
    (FAR, -FAR, 0, ("store", "boot")),
]


@pytest.mark.parametrize(("store", "boot", "passed", "stepped"), CELLS)
def test_every_pair_of_clocks(store: int, boot: int, passed: int, stepped: tuple[str, ...]) -> None:
    clocks, boot_offset_ms, found = at(store, boot)

    assert (clocks.time_ms - T_MS, found) == (passed, stepped)
    readings = {"store": T_MS + store, "boot": T_MS + boot}
    honest = [reading for name, reading in readings.items() if name not in stepped]
    reads_ms = clocks.time_ms if "store" in stepped else readings["store"]
    assert clocks.high_ms == max(clocks.time_ms, *honest, T_MS, reads_ms + clocks.lead_ms)
    rebased = {
        "store": clocks.store_offset_ms - OFFSETS["store"],
        "boot": boot_offset_ms - OFFSETS["boot"],
    }
    for name, reading in readings.items():
        assert rebased[name] == (reading - clocks.time_ms if name in stepped else 0)


def test_a_clock_without_an_offset_is_anchored_at_ledger_time() -> None:
    """It has nothing to say about the past, so the other one is not believed about it either."""
    clocks = Clocks(T_MS, T_MS, OFFSETS["store"])
    found, offset_ms, stepped = read(
        clocks, store_ms=T_MS + FAR + OFFSETS["store"], boot_ms=42, boot_offset_ms=None
    )

    assert (found.time_ms, offset_ms, stepped) == (T_MS, 42 - T_MS, ("store",))


def test_h_never_goes_back() -> None:
    assert at(0, 0, high_ms=T_MS + NEAR)[0].high_ms == T_MS + NEAR


@dataclass
class Machine:
    """A clock beside true time, in milliseconds: how it runs, and what it was stepped by."""

    rate_ppm: int
    stepped_ms: int = 0

    def reads(self, true_ms: int) -> int:
        return true_ms + true_ms * self.rate_ppm // 1_000_000 + self.stepped_ms


def moves(victims: list[str], steps_ms: list[int]) -> st.SearchStrategy[list[Move]]:
    """Return schedules: how much true time passes, and who is then stepped by how much."""
    passed_ms = st.sampled_from([1, 20, 1_000, 10_000, FAR])
    victim, step_ms = st.sampled_from(["", *victims]), st.sampled_from(steps_ms)
    return st.lists(st.tuples(passed_ms, victim, step_ms), max_size=40)


def follow(schedule: list[Move], machines: dict[str, Machine]) -> Iterator[tuple[int, Clocks]]:
    """Yield true time and the ledger's, message by message; neither T nor H ever goes back."""
    true_ms = 0
    clocks, boot_offset_ms = Clocks(T_MS, T_MS, -T_MS), -T_MS
    for passed_ms, victim, step_ms in schedule:
        true_ms += passed_ms
        if victim:
            machines[victim].stepped_ms += step_ms
        before = clocks
        clocks, boot_offset_ms, _ = read(
            clocks,
            store_ms=machines["store"].reads(true_ms),
            boot_ms=machines["boot"].reads(true_ms),
            boot_offset_ms=boot_offset_ms,
        )
        yield true_ms, clocks

        assert before.time_ms <= clocks.time_ms <= clocks.high_ms
        assert before.high_ms <= clocks.high_ms


RATE = st.integers(-500, 500)
SMALL, LARGE = [-1, 1, NEAR, TOLERANCE_MS, TOLERANCE_MS + 1], [-10 * FAR, -FAR, FAR, 10 * FAR]


@pytest.mark.parametrize(("victim", "honest"), [("store", "boot"), ("boot", "store")])
@given(drawn=st.data(), rates=st.tuples(RATE, RATE))
def test_one_wrong_clock_hurries_nothing(
    drawn: st.DataObject, rates: tuple[int, int], victim: str, honest: str
) -> None:
    """Stepped as often and as far as you like: T is never ahead of the clock that was right."""
    machines = {victim: Machine(rates[0]), honest: Machine(rates[1])}
    for true_ms, clocks in follow(drawn.draw(moves([victim], SMALL + LARGE)), machines):
        assert clocks.time_ms <= T_MS + machines[honest].reads(true_ms)


@given(schedule=moves(["store", "boot"], LARGE), rates=st.tuples(RATE, RATE))
def test_steps_of_both_clocks_hurry_nothing_when_they_can_be_told(
    schedule: list[Move], rates: tuple[int, int]
) -> None:
    """Both stepped alike, within the tolerance or in one message, would be time that passed."""
    machines = {"store": Machine(rates[0]), "boot": Machine(rates[1])}
    for true_ms, clocks in follow(schedule, machines):
        fastest_ms = true_ms + true_ms * max(0, *rates) // 1_000_000 + len(schedule)
        assert clocks.time_ms <= T_MS + fastest_ms


@given(schedule=moves(["store", "boot"], SMALL + LARGE), rates=st.tuples(RATE, RATE))
def test_h_is_no_further_ahead_than_a_ring_has_room(
    schedule: list[Move], rates: tuple[int, int]
) -> None:
    machines = {"store": Machine(rates[0]), "boot": Machine(rates[1])}
    for _, clocks in follow(schedule, machines):
        assert clocks.high_ms - clocks.time_ms <= FURTHEST_AHEAD_MS


@pytest.mark.parametrize(
    ("victim", "step_ms"), list(product(["store", "boot"], [-FAR, -2 * TOLERANCE_MS, FAR]))
)
def test_a_step_freezes_nothing(victim: str, step_ms: int) -> None:
    """After the message that finds it, time runs on as before.

    A step back by little more than the tolerance looks like the other clock's step ahead.
    """
    machines = {"store": Machine(0), "boot": Machine(0)}
    clocks, boot_offset_ms = Clocks(T_MS, T_MS, -T_MS), -T_MS
    machines[victim].stepped_ms = step_ms
    found: list[tuple[str, ...]] = []
    for true_ms in range(1_000, 61_000, 1_000):
        clocks, boot_offset_ms, stepped = read(
            clocks,
            store_ms=machines["store"].reads(true_ms),
            boot_ms=machines["boot"].reads(true_ms),
            boot_offset_ms=boot_offset_ms,
        )
        found.append(stepped)

    assert found == [(victim,), *[()] * 59]
    assert clocks.time_ms >= T_MS + 59_000


def test_a_clock_that_is_silent_is_ahead_as_far_as_it_was() -> None:
    """The store's clock is late by less than is noticed; what is stamped now must not free early.

    The silent clock was right, and will have T catch up.
    """
    clocks, _, _ = at(-NEAR, 0)
    assert (clocks.time_ms, clocks.lead_ms) == (T_MS, NEAR)
    later = T_MS - NEAR + 10_000
    clocks, _, stepped = read(
        clocks, store_ms=later + OFFSETS["store"], boot_ms=later, boot_offset_ms=0
    )

    assert (clocks.time_ms, clocks.high_ms, stepped) == (later, later + NEAR, ())


def test_h_is_ahead_by_the_stores_clock_and_by_its_lead() -> None:
    """One whose clock was anchored while the store's was late holds T back; that is right again."""
    clocks, _, _ = at(-TOLERANCE_MS, 0)
    later = T_MS + 10_000
    clocks, _, stepped = read(
        clocks,
        store_ms=later + OFFSETS["store"],
        boot_ms=later - TOLERANCE_MS,
        boot_offset_ms=0,
    )

    assert (clocks.high_ms - clocks.time_ms, stepped) == (FURTHEST_AHEAD_MS, ())


@pytest.mark.parametrize(
    ("store", "boot", "lead_ms"),
    [
        pytest.param(0, 0, 0, id="together"),
        pytest.param(NEAR, 0, 0, id="the store's ahead"),
        pytest.param(0, NEAR, NEAR, id="the other ahead"),
        pytest.param(0, FAR, TOLERANCE_MS, id="the other too far ahead, and re-based"),
        pytest.param(FAR, 0, TOLERANCE_MS, id="the store's re-based"),
        pytest.param(0, -FAR, 0, id="the other late"),
    ],
)
def test_how_far_silent_clocks_may_be_ahead(store: int, boot: int, lead_ms: int) -> None:
    """As far as this one is or, where one was re-based, as far as any may be without a notice."""
    assert at(store, boot)[0].lead_ms == lead_ms
