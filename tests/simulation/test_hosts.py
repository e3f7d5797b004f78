"""Each clock of a simulated machine fails in its own way."""

from __future__ import annotations

from tests.simulation.hosts import EPOCH_MS, UP_MS, Host
from tests.simulation.loop import Process, VirtualLoop

HOUR_MS = 3_600_000


def host_on(loop: VirtualLoop) -> Host:
    return Host(loop, "host")


def virtual() -> VirtualLoop:
    return VirtualLoop()  # type: ignore[abstract]  # of sockets and threads it knows nothing


def test_clocks_drift_from_the_instant_on_at_which_they_are_told_to() -> None:
    loop = virtual()
    host = host_on(loop)
    loop.now_ms = HOUR_MS
    host.drift(500)
    loop.now_ms = 2 * HOUR_MS

    assert host.wall_ms() - EPOCH_MS == 2 * HOUR_MS + 1_800
    assert host.boot_ms() - UP_MS == host.monotonic_ms() - UP_MS == 2 * HOUR_MS + 1_800
    assert not host.synchronised()
    host.correct_wall()
    assert host.synchronised()


def test_a_suspend_stops_the_monotonic_clock_and_every_process() -> None:
    loop, process = virtual(), Process()
    host = host_on(loop)
    host.processes.append(process)
    host.suspend()
    loop.now_ms = HOUR_MS

    assert (host.boot_ms(), host.monotonic_ms()) == (UP_MS + HOUR_MS, UP_MS)
    assert process.frozen
    host.resume()
    assert not process.frozen


def test_a_reboot_begins_a_boot_clock_of_another_name() -> None:
    loop = virtual()
    host, before = host_on(loop), host_on(loop).boot_id()
    loop.now_ms = HOUR_MS
    host.reboot()

    assert (host.boot_ms(), host.monotonic_ms()) == (0, 0)
    assert host.wall_ms() == EPOCH_MS + HOUR_MS
    assert host.boot_id() != before


def test_a_sleep_is_measured_by_the_machines_own_clock() -> None:
    """A suspend makes it longer; a slow crystal too."""
    loop = virtual()
    host = host_on(loop)
    host.drift(-500)

    async def work() -> None:
        loop.at(1_000, host.suspend)
        loop.at(5_000, host.resume)
        await host.sleep_ms(100_000)

    loop.run(work())

    assert host.monotonic_ms() - UP_MS >= 100_000
    assert 104_050 <= loop.now_ms <= 104_060
