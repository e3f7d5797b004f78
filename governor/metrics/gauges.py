"""What a scrape shows of each contract as it stands: limits, usage, and the talk with the ledger.

It is read from the conversations when somebody scrapes, so it is never older than the ledger's
last reply; gauges that are set as things happen were rejected, since nobody would set them while
nothing does. What is not known is not shown: before the ledger's first reply there is no usage,
rather than 0.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from prometheus_client.core import GaugeMetricFamily

from governor.core.ledger.messages import SHARE, DoubtReason
from governor.core.policy import accounts

if TYPE_CHECKING:
    from collections.abc import Iterable

    from governor.core.ledger.decisions import Snapshot
    from governor.core.policy import Contract, Damages, Job, Limit

OPEN: Final = "open"
STATES: Final = (OPEN, *(reason.value for reason in DoubtReason))
ACCOUNT: Final = ("contract", "limit", "job")


class Sums(NamedTuple):
    """How accounts stand, in one unit: a sum of posts and requests would mean nothing."""

    limit: GaugeMetricFamily
    usage: GaugeMetricFamily
    held: GaugeMetricFamily
    headroom: GaugeMetricFamily


class Gauges:
    """One scrape's gauges. The limit's own account has an empty `job`."""

    def __init__(self) -> None:
        self._posts, self._requests, self._costs = _in_posts(), _in_requests(), _in_costs()
        self._exposure = GaugeMetricFamily(
            "governor_exposure_amount",
            "Damages for the posts above the limit, a started unit counted whole.",
            labels=("contract", "currency"),
        )
        self._state = GaugeMetricFamily(
            "governor_ledger_state",
            "1 for the state that the ledger is in: open, or why nothing is sent.",
            labels=("contract", "state"),
        )
        self._skew = GaugeMetricFamily(
            "governor_clock_skew_seconds",
            "How far the fastest clock of the ledger has run ahead of the slowest.",
            labels=("contract",),
        )
        self._waiting = GaugeMetricFamily(
            "governor_waiting_exchanges", "Requests waiting for room.", labels=("contract",)
        )
        self._oldest = GaugeMetricFamily(
            "governor_oldest_hold_timestamp_seconds",
            "When the oldest hold of this Governor was granted; absent when it has none.",
            labels=("contract",),
        )

    def families(self) -> tuple[GaugeMetricFamily, ...]:
        """Return all of them."""
        sums = (*self._posts, *self._requests, *self._costs)
        return (*sums, self._exposure, self._state, self._skew, self._waiting, self._oldest)

    def accounts(self, contract: Contract, jobs: Iterable[Job], snapshot: Snapshot) -> None:
        """Show each account; of one that the ledger has not spoken of, its limit only."""
        sums_of = {limit.name: self._sums(contract, limit) for limit in contract.limits}
        for account in accounts(contract, tuple(jobs)):
            limit_name, _, job = account.name.partition(SHARE)
            sums = sums_of[limit_name]
            labels = (contract.name, limit_name, job)
            stands = snapshot.usage.get(account.name)
            limit = account.limit if stands is None else stands.limit
            if limit is not None:
                sums.limit.add_metric(labels, limit)
            if stands is None:
                continue
            usage = stands.charged + stands.pending
            sums.usage.add_metric(labels, usage)
            sums.held.add_metric(labels, stands.pending)
            if limit is not None:
                sums.headroom.add_metric(labels, max(0, limit - usage))

    def _sums(self, contract: Contract, limit: Limit) -> Sums:
        if contract.on_posts(limit):
            return self._posts
        return self._requests if limit.unit == "requests" else self._costs

    def conversation(self, snapshot: Snapshot, now_ms: int) -> None:
        """Show how the talk with the ledger goes; `now_ms` is wall time."""
        contract = snapshot.contract
        found = OPEN if snapshot.doubt is None else snapshot.doubt.value
        for state in STATES:
            self._state.add_metric((contract, state), int(state == found))
        self._waiting.add_metric((contract,), snapshot.waiting)
        self._skew.add_metric((contract,), (snapshot.high_ms - snapshot.time_ms) / 1000)
        if snapshot.oldest_hold_ms is not None:
            granted_ms = now_ms - snapshot.oldest_hold_ms
            self._oldest.add_metric((contract,), granted_ms / 1000)

    def damages(self, contract: Contract, damages: Damages, snapshot: Snapshot) -> None:
        """Show what the usage would cost, by our reading of the clause.

        "15,000 USD per 1,000,000 posts" is read as due for each started million above the limit,
        so one post too many costs as much as a million: rounding down would show a breach as 0.
        Whoever reads it as due for all posts of the window adds one unit for the limit itself. Of
        several limits on posts the one passed furthest counts, once.
        """
        limits = contract.limits_on_posts
        above = max((_above(snapshot, limit.name) for limit in limits), default=0)
        units = -(-above // damages.per_posts)
        self._exposure.add_metric((contract.name, damages.currency), units * damages.amount)


def _in_posts() -> Sums:
    return Sums(
        GaugeMetricFamily(
            "governor_limit_posts", "The most posts in any window or period.", labels=ACCOUNT
        ),
        GaugeMetricFamily(
            "governor_usage_posts", "Posts that count now, charged and held.", labels=ACCOUNT
        ),
        GaugeMetricFamily(
            "governor_held_posts", "Posts on hold for requests under way.", labels=ACCOUNT
        ),
        GaugeMetricFamily("governor_headroom_posts", "Posts left of the limit.", labels=ACCOUNT),
    )


def _in_requests() -> Sums:
    return Sums(
        GaugeMetricFamily(
            "governor_limit_requests", "The most requests in any window or period.", labels=ACCOUNT
        ),
        GaugeMetricFamily(
            "governor_usage_requests",
            "Requests that count now, sent or held.",
            labels=ACCOUNT,
        ),
        GaugeMetricFamily("governor_held_requests", "Requests under way.", labels=ACCOUNT),
        GaugeMetricFamily(
            "governor_headroom_requests", "Requests left of the limit.", labels=ACCOUNT
        ),
    )


def _in_costs() -> Sums:
    """Return those of limits in a unit of the catalog's, whose limits' names tell them apart.

    A label for the unit was rejected: a limit has one, so it would tell nothing that its name does
    not, and each unit would be another name for whoever builds a dashboard on one.
    """
    return Sums(
        GaugeMetricFamily(
            "governor_limit_costs",
            "The most in any window or period, in the limit's own unit.",
            labels=ACCOUNT,
        ),
        GaugeMetricFamily(
            "governor_usage_costs",
            "What counts now, charged and held, in the limit's own unit.",
            labels=ACCOUNT,
        ),
        GaugeMetricFamily(
            "governor_held_costs",
            "On hold for requests under way, in the limit's own unit.",
            labels=ACCOUNT,
        ),
        GaugeMetricFamily(
            "governor_headroom_costs", "Left of the limit, in its own unit.", labels=ACCOUNT
        ),
    )


def _above(snapshot: Snapshot, limit: str) -> int:
    stands = snapshot.usage.get(limit)
    if stands is None or stands.limit is None:
        return 0
    return max(0, stands.charged + stands.pending - stands.limit)
