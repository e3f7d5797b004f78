"""No wrong clock hurries ledger time, none stops it, and the alarm names the right one."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from governor.core.ledger.clocks import Clocks

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
    assert clocks.high_ms == max(clocks.time_ms, *honest, T_MS)
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


MOVES = st.lists(
    st.tuples(
        st.sampled_from([1, 20, 1_000, 10_000, FAR]),  # how much true time passes
        st.sampled_from(["", "", "", "store", "boot"]),  # who is stepped before the message
        st.sampled_from([-10 * FAR, -FAR, -TOLERANCE_MS - 1, TOLERANCE_MS + 1, FAR, 10 * FAR]),
    ),
    max_size=40,
)


@given(moves=MOVES, rates=st.tuples(st.integers(-500, 500), st.integers(-500, 500)))
def test_ledger_time_is_never_faster_than_the_slowest_honest_clock(
    moves: list[tuple[int, str, int]], rates: tuple[int, int]
) -> None:
    """Whatever is stepped, one at a time and wherever to: nothing is freed before its time.

    T may stand still for the message in which a step is found; it never runs back.
    """
    store, boot = Machine(rates[0]), Machine(rates[1])
    true_ms, slowest_ms = 0, 0
    clocks, boot_offset_ms = Clocks(T_MS, T_MS, -T_MS), -T_MS
    for passed_ms, victim, step_ms in moves:
        true_ms += passed_ms
        slowest_ms += passed_ms + passed_ms * max(rates) // 1_000_000 + 1
        machine = {"store": store, "boot": boot}.get(victim)
        if machine is not None:
            machine.stepped_ms += step_ms
        before = clocks
        clocks, boot_offset_ms, _ = read(
            clocks,
            store_ms=store.reads(true_ms),
            boot_ms=boot.reads(true_ms),
            boot_offset_ms=boot_offset_ms,
        )

        assert before.time_ms <= clocks.time_ms <= T_MS + slowest_ms
        assert clocks.time_ms <= clocks.high_ms
        assert before.high_ms <= clocks.high_ms <= clocks.time_ms + TOLERANCE_MS + passed_ms


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
