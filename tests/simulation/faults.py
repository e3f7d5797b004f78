"""What goes wrong, each as a coroutine: it happens, lasts a while, and is mended.

Mended, because a world that is broken for good shows nothing more; and whatever a person must do
(say a word, declare a machine dead) is done as the runbooks say, truthfully: the promise stands on
that. `duration_ms` draws crowd at short spans and reach beyond the window.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from tests.simulation.hosts import MOST_DRIFT_PPM
from tests.simulation.plan import MINUTE_MS

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from tests.simulation.world import World

HOUR_MS: Final = 60 * MINUTE_MS
SPANS_MS: Final = (0, 1, 20, 500, 3_000, 9_000, 11_000, 30_000, 70_000, 200_000)


def lasts_ms(world: World) -> int:
    """Return how long something lasts: mostly short, at times a good part of a window."""
    random = world.random
    if random.random() < 1 / 8:
        return random.randint(0, world.plan.window_ms // 4)
    return random.randint(0, random.choice(SPANS_MS))


async def crash(world: World) -> None:
    site = world.any_site()
    site.kill()
    await site.restart(lasts_ms(world))


async def leave(world: World) -> None:
    site = world.any_site()
    if await site.close():
        await site.restart(lasts_ms(world))


async def freeze(world: World) -> None:
    governor = world.any_site().governor
    if governor is None or not governor.can_freeze:
        return
    governor.frozen = True
    await world.loop.sleep_ms(lasts_ms(world))
    if not governor.host.suspended:
        governor.thaw(world.loop)


async def suspend(world: World) -> None:
    host = world.any_site().host
    if host.suspended:
        return
    host.suspend()
    await world.loop.sleep_ms(lasts_ms(world))
    host.resume()


async def reboot(world: World) -> None:
    site = world.any_site()
    if site.host.suspended:
        return
    site.kill()
    site.host.reboot()
    await site.restart(lasts_ms(world))


async def join(world: World) -> None:
    if not world.plan.named:
        world.found_site()


async def destroy(world: World) -> None:
    """Lose a machine with its disk; after a while an operator declares it dead."""
    site = world.any_site()
    if len(world.sites) == 1:
        return
    site.destroy()
    await world.loop.sleep_ms(lasts_ms(world))
    await world.operator.bury(site.disk.member)
    if not world.plan.named:
        world.found_site()


async def restore_disk(world: World) -> None:
    """Put a state directory back from a backup, as who has not read the runbook does."""
    site = world.any_site()
    backup = site.disk.copy()
    await world.loop.sleep_ms(lasts_ms(world))
    if site in world.sites:
        site.kill()
        site.disk.records, site.disk.kept = backup.records, backup.kept
        await site.restart(lasts_ms(world))


async def step_wall(world: World) -> None:
    host = world.any_site().host
    host.step_wall(step_ms(world))
    await world.loop.sleep_ms(lasts_ms(world))
    host.correct_wall()


async def step_boot(world: World) -> None:
    host = world.any_site().host
    host.step_boot(max(step_ms(world), -host.boot_ms()))


async def step_store(world: World) -> None:
    host = world.server.host
    host.step_wall(step_ms(world))
    if world.random.random() < 1 / 2:
        await world.loop.sleep_ms(lasts_ms(world))
        host.correct_wall()


def step_ms(world: World) -> int:
    """Return a step: near what is tolerated, or hours, either way."""
    span_ms = world.random.choice((1_000, 2_500, MINUTE_MS, 6 * HOUR_MS, 40 * HOUR_MS))
    return world.random.randint(-span_ms, span_ms)


async def drift(world: World) -> None:
    ppm = world.random.choice((-MOST_DRIFT_PPM, -100, 0, 100, MOST_DRIFT_PPM))
    host = world.server.host if world.random.random() < 1 / 3 else world.any_site().host
    host.drift(ppm)


async def cut(world: World) -> None:
    governor = world.any_site().governor
    if governor is None:
        return
    governor.line.cut = True
    await world.loop.sleep_ms(lasts_ms(world))
    governor.line.cut = False


async def storm(world: World) -> None:
    weather, random = world.weather, world.random
    weather.slow_ms = random.choice((0, 50, 1_500, 5_000))
    weather.lost_ppm = random.choice((0, 20_000, 300_000))
    await world.loop.sleep_ms(lasts_ms(world))
    weather.slow_ms = weather.lost_ppm = 0


async def pause_store(world: World) -> None:
    if not world.server.up:
        return
    world.server.pause()
    await world.loop.sleep_ms(lasts_ms(world))
    if world.server.paused:
        world.server.resume()


async def restart_store(world: World) -> None:
    await _bring_back(world, lambda: None)


async def lose_store(world: World) -> None:
    await _bring_back(world, world.server.flush)


async def flush_store(world: World) -> None:
    if world.server.up and not world.server.paused:
        world.server.flush()


async def roll_back_store(world: World) -> None:
    """Put back an older append-only file, or promote a replica that lagged."""
    older = world.server.copy()
    await world.loop.sleep_ms(lasts_ms(world))
    promoted = world.random.random() < 1 / 2
    await _bring_back(world, lambda: world.server.put_back(older, promoted=promoted))


async def _bring_back(world: World, change: Callable[[], None]) -> None:
    """Kill the store, change what it keeps, and start it again."""
    if not world.server.up:
        return
    world.server.kill()
    await world.loop.sleep_ms(lasts_ms(world))
    change()
    world.server.start()


async def slow_disk(world: World) -> None:
    disk = world.any_site().disk
    disk.stalls_ms = world.random.choice((200, 3_000, 8_000, 90_000))
    await world.loop.sleep_ms(lasts_ms(world))
    disk.stalls_ms = 0


async def full_disk(world: World) -> None:
    site = world.any_site()
    site.disk.full = True
    await world.loop.sleep_ms(lasts_ms(world))
    site.disk.full = False
    if site in world.sites:
        site.kill()
        await site.restart(0)


FAULTS: Final[dict[str, Callable[[World], Awaitable[None]]]] = {
    each.__name__: each
    for each in (
        *(crash, leave, freeze, suspend, reboot, join, destroy, restore_disk),
        *(step_wall, step_boot, step_store, drift, cut, storm),
        *(pause_store, restart_store, lose_store, flush_store, roll_back_store),
        *(slow_disk, full_disk),
    )
}
