"""One contract's metrics, and each sample as a Prometheus would read it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from prometheus_client.parser import text_string_to_metric_families as prometheus_text

from governor.core.ledger.decisions import Snapshot
from governor.core.policy import Contract, Damages, Job, Limit
from governor.metrics import Metrics
from tests.fakes.clock import MIDNIGHT_MS, FakeClock

if TYPE_CHECKING:
    from collections.abc import Iterable

JOB: Final = {"contract": "x", "job": "elections"}
POSTS: Final = JOB | {"operation": "search"}
Labels = tuple[tuple[str, str], ...]

DAY_MS: Final = 86_400_000
CONTRACT: Final = Contract(
    "x",
    "x",
    (Limit("x-24h", 1_000_000, DAY_MS),),
    damages=Damages(15_000, "USD", 1_000_000),
)
JOBS: Final = (Job("elections", posts=300_000), Job("health"))
QUIET: Final = Snapshot(
    contract="x",
    doubt=None,
    usage={},
    time_ms=0,
    high_ms=0,
    waiting=0,
    holds=0,
    oldest_hold_ms=None,
    stepped=(),
)


def made(snapshots: Iterable[Snapshot] = (), contract: Contract = CONTRACT) -> Metrics:
    return Metrics(
        contracts=(contract,),
        jobs=JOBS,
        operations={"x": ("search", "lookup")},
        snapshots=lambda: snapshots,
        clock=FakeClock(),
        ca_expires_ms=MIDNIGHT_MS + DAY_MS,
        version="1.2.3",
    )


async def shown(metrics: Metrics) -> dict[tuple[str, Labels], float]:
    """Return every sample, by its name and its sorted labels, as a Prometheus would read it."""
    _, body = await metrics.text()
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in prometheus_text(body.decode())
        for sample in family.samples
    }


async def value(metrics: Metrics, name: str, **labels: str) -> float | None:
    return (await shown(metrics)).get((f"governor_{name}", tuple(sorted(labels.items()))))
