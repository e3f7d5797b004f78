"""What is counted and timed of exchanges, ledger and journal, and how all of it is shown.

An exchange is recorded once, at its end, from its record. Counters are there from the start, at 0:
a rate over a counter that appears with its first post would miss that post.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from itertools import product
from typing import TYPE_CHECKING, Final

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    Info,
    disable_created_metrics,
)
from prometheus_client.exposition import choose_encoder
from prometheus_client.registry import Collector

from governor.core.catalog.matching import UNKNOWN
from governor.core.ledger.records import Outcome
from governor.metrics.gauges import Gauges

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping

    from prometheus_client import Metric
    from prometheus_client.core import GaugeMetricFamily
    from prometheus_client.metrics import MetricWrapperBase

    from governor.clock import Clock
    from governor.core.ledger.decisions import Snapshot
    from governor.core.policy import Contract, Job
    from governor.core.record import ExchangeRecord

OTHER: Final = "other"
REASONS: Final = (
    *("limit", "job_cap", "price_above_limit", "doubt", "operation", "expired"),
    OTHER,
)
CLOCKS: Final = ("store", "boot")  # as a reply names those that were stepped
OUTCOMES: Final = (*(outcome.value for outcome in Outcome), "free", "refused", "shadow", OTHER)
FIRST_ERROR_STATUS: Final = 400

# An exchange's clock counts whole milliseconds, so no boundary is finer; 5 ms is what two writes to
# a good disk take, and beyond 250 ms a crawler notices.
OVERHEAD_S: Final = (0.001, 0.002, 0.005, 0.010, 0.025, 0.050, 0.100, 0.250)
# 4 s is the default max_wait, 5 s the shortest timeout of a crawler; few wait beyond a minute.
THROTTLE_S: Final = (0.010, 0.050, 0.100, 0.250, 0.500, 1, 2, 4, 5, 10, 30, 60)
# X answers in 0.1 to 2 s; 60 s is the longest silence that read_timeout allows by default.
UPSTREAM_S: Final = (0.050, 0.100, 0.250, 0.500, 1, 2, 5, 10, 30, 60)
# In process well under 1 ms, a Redis that syncs each write a few; after 2 s it counts as away.
LEDGER_S: Final = (0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.010, 0.025, 0.050, 0.100, 0.250, 1, 2)
# One group commit: 0.5 ms on a good disk, 10 ms on a turning one; a second is a disk in trouble.
JOURNAL_S: Final = (0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.010, 0.025, 0.050, 0.100, 0.250, 1)


class Metrics:
    """Every metric of one Governor, in a registry of its own.

    `operations` names the operations of each contract's catalog. `snapshots` is called at each
    scrape, in the event loop, and returns what is known of each contract then.
    """

    def __init__(
        self,
        *,
        contracts: tuple[Contract, ...],
        jobs: tuple[Job, ...],
        operations: Mapping[str, Iterable[str]],
        snapshots: Callable[[], Iterable[Snapshot]],
        clock: Clock,
        ca_expires_ms: int,
        version: str,
    ) -> None:
        # The library has no other switch than this one for the whole process, and no type for it.
        disable_created_metrics()  # type: ignore[no-untyped-call]  # see above
        self._registry = CollectorRegistry()
        self._contracts = {contract.name: contract for contract in contracts}
        self._jobs = {job.name: job for job in jobs}
        self._snapshots, self._clock = snapshots, clock
        self._operations = {
            name: frozenset((*operations.get(name, ()), UNKNOWN)) for name in self._contracts
        }
        self._count_exchanges()
        self._time_exchanges()
        self._count_posts()
        expiry = Gauge(
            "governor_ca_expiry_timestamp_seconds",
            "When the CA's certificate expires.",
            registry=self._registry,
        )
        expiry.set(ca_expires_ms / 1000)
        build = Info("governor_build", "The version that runs.", registry=self._registry)
        build.info({"version": version})

    def _count_exchanges(self) -> None:
        self._exchanges = Counter(
            "governor_exchanges_total",
            "Governed requests, by how the hold of each ended, or why there was none.",
            ("contract", "job", "outcome"),
            registry=self._registry,
        )
        self._refusals = Counter(
            "governor_refusals_total",
            "Governed requests that were refused.",
            ("contract", "job", "reason"),
            registry=self._registry,
        )
        self._unreadable = Counter(
            "governor_unreadable_responses_total",
            "Answers that could not be counted and were charged in full.",
            ("contract",),
            registry=self._registry,
        )
        self._error_charged = Counter(
            "governor_error_charged_posts_total",
            "Posts charged for requests that were answered by an error.",
            ("contract",),
            registry=self._registry,
        )
        self._drift = Counter(
            "governor_schema_drift_total",
            "Answers that were not as the catalog says; charged the higher count.",
            ("contract", "operation"),
            registry=self._registry,
        )
        self._steps = Counter(
            "governor_clock_steps_total",
            "Steps of a clock that ledger time did not follow: the store's, or this machine's.",
            ("contract", "source"),
            registry=self._registry,
        )
        jobs = (*self._jobs, OTHER)
        _create(self._steps, self._contracts, CLOCKS)
        _create(self._exchanges, self._contracts, jobs, OUTCOMES)
        _create(self._refusals, self._contracts, jobs, REASONS)
        _create(self._unreadable, self._contracts)
        _create(self._error_charged, self._contracts)

    def _time_exchanges(self) -> None:
        self._throttle = Histogram(
            "governor_throttle_seconds",
            "Time that a request waited for room under the limit.",
            ("contract",),
            buckets=THROTTLE_S,
            registry=self._registry,
        )
        self._overhead = Histogram(
            "governor_overhead_seconds",
            "Time that Governor itself took for a request, its ledger and its journal included.",
            ("contract",),
            buckets=OVERHEAD_S,
            registry=self._registry,
        )
        self._upstream = Histogram(
            "governor_upstream_seconds",
            "Time from sending a request to the last byte of its answer.",
            ("contract",),
            buckets=UPSTREAM_S,
            registry=self._registry,
        )
        self._ledger = Histogram(
            "governor_ledger_seconds",
            "Time from a message to the ledger to its reply.",
            ("contract",),
            buckets=LEDGER_S,
            registry=self._registry,
        )
        self._journal = Histogram(
            "governor_journal_seconds",
            "Time until what was given to the journal was on disk.",
            buckets=JOURNAL_S,
            registry=self._registry,
        )
        for histogram in (self._throttle, self._overhead, self._upstream, self._ledger):
            _create(histogram, self._contracts)

    def _count_posts(self) -> None:
        labels = ("contract", "job", "operation")
        self._asked = Counter(
            "governor_asked_posts_total",
            "Posts that the requests sent to the platform named.",
            labels,
            registry=self._registry,
        )
        self._received = Counter(
            "governor_received_posts_total",
            "Posts found in the answers that could be counted.",
            labels,
            registry=self._registry,
        )
        self._charged = Counter(
            "governor_charged_posts_total",
            "Posts charged against the contract.",
            labels,
            registry=self._registry,
        )
        self._overrun = Counter(
            "governor_overrun_posts_total",
            "Posts charged beyond a price: an error of the catalog.",
            labels,
            registry=self._registry,
        )
        for contract in self._contracts:
            operations = (*self._operations[contract], OTHER)
            _create(self._drift, (contract,), operations)
            for counter in (self._asked, self._received, self._charged, self._overrun):
                _create(counter, (contract,), (*self._jobs, OTHER), operations)

    def exchange(self, record: ExchangeRecord) -> None:
        """Count one governed request, after its end."""
        contract = _known(record.contract, self._contracts)
        job = _known(record.job, self._jobs)
        self._exchanges.labels(contract, job, _outcome(record)).inc()
        if record.decision == "refuse":
            self._refusals.labels(contract, job, _known(record.reason, REASONS)).inc()
        if record.unreadable:
            self._unreadable.labels(contract).inc()
        if record.status is not None and record.status >= FIRST_ERROR_STATUS:
            self._error_charged.labels(contract).inc(record.charged)
        posts = (contract, job, _known(record.operation, self._operations.get(contract, ())))
        if record.decision != "refuse" and record.outcome != Outcome.VOID:
            self._asked.labels(*posts).inc(record.asked)
        self._received.labels(*posts).inc(record.received or 0)
        self._charged.labels(*posts).inc(record.charged)
        self._overrun.labels(*posts).inc(record.overrun)
        if record.drift:
            self._drift.labels(contract, posts[-1]).inc()

        own_ms = record.total_ms - record.waited_ms - record.upstream_ms
        self._throttle.labels(contract).observe(record.waited_ms / 1000)
        self._overhead.labels(contract).observe(max(0, own_ms) / 1000)
        if record.upstream_ms:
            self._upstream.labels(contract).observe(record.upstream_ms / 1000)

    def ledger(self, contract: str, seconds: float) -> None:
        """Note how long the ledger took for one reply."""
        self._ledger.labels(_known(contract, self._contracts)).observe(seconds)

    def clock_stepped(self, contract: str, clock: str) -> None:
        """Count a step of one of a ledger's clocks."""
        self._steps.labels(_known(contract, self._contracts), _known(clock, CLOCKS)).inc()

    def journal(self, seconds: float) -> None:
        """Note how long it took until one append was durable."""
        self._journal.observe(seconds)

    async def text(self, accept: str = "") -> tuple[str, bytes]:
        """Return all metrics in the format that an Accept header prefers, its media type first.

        The gauges are read here and now; the rest is written in a thread, because ten jobs make
        4,000 lines, which would hold up every exchange for 30 ms.
        """
        encode, media_type = choose_encoder(accept)
        scrape = Scrape(self._registry, self._gauges())
        return media_type, await asyncio.to_thread(encode, scrape)

    def _gauges(self) -> tuple[GaugeMetricFamily, ...]:
        gauges, now_ms = Gauges(), self._clock.wall_ms()
        for snapshot in self._snapshots():
            if (contract := self._contracts.get(snapshot.contract)) is not None:
                gauges.accounts(contract, self._jobs.values(), snapshot)
                gauges.conversation(snapshot, now_ms)
                if contract.damages is not None:
                    gauges.damages(contract, contract.damages, snapshot)
        return gauges.families()


@dataclass(frozen=True, slots=True)
class Scrape(Collector):
    """What one scrape shows: what was counted, and the gauges as they stood when it began."""

    counted: CollectorRegistry
    gauges: tuple[GaugeMetricFamily, ...]

    def collect(self) -> Iterable[Metric]:
        """Return all families."""
        yield from self.counted.collect()
        yield from self.gauges


def _outcome(record: ExchangeRecord) -> str:
    match record.decision:
        case "refuse":
            return "refused"
        case "shadow":
            return "shadow"
        case _:
            return _known(record.outcome, OUTCOMES)


def _known(name: str, names: Collection[str]) -> str:
    return name if name in names else OTHER


def _create(metric: MetricWrapperBase, *values: Iterable[str]) -> None:
    """Make a labelled metric's children, so that each is there before it counts."""
    for labels in product(*values):
        metric.labels(*labels)
