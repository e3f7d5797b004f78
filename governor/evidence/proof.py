"""Every account's worst window or period, from all journals of its ledger together."""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from governor.evidence.dates import Dates, Ran, worst_period
from governor.evidence.reading import Read, read
from governor.evidence.spans import Limits, Spans
from governor.zones import Periods

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from governor.core.ledger.messages import Unit
    from governor.core.window import Window
    from governor.evidence.spans import Worst
    from governor.evidence.trace import Trace


@dataclass(frozen=True, slots=True)
class AccountProof:
    """One account's worst window or, with a `calendar`, its worst period.

    Times are by the wall clock, in milliseconds; None: never used.

    `asked` and `received` are posts, all else is in `unit`. `charged` is by requests; `by_word`
    what operators said was used before, or carried here from another ledger. `open` is held by
    requests that have not ended. `over` is by how much a window exceeded the limit that was in
    force; 0: none did.
    """

    contract: str
    ledger: str
    account: str
    unit: Unit
    window_ms: int
    calendar: str
    limit: int | None
    worst: int
    from_ms: int | None
    until_ms: int | None
    over: int
    requests: int
    asked: int
    received: int
    charged: int
    open: int
    orphans: int
    by_word: int


@dataclass(frozen=True, slots=True)
class Proof:
    """What the journals prove. `sound`: all are whole, and no window or period exceeded its limit.

    `missing` are the members that they name and whose journals were not given: whatever those
    collected is in no figure here.
    """

    journals: tuple[Read, ...]
    accounts: tuple[AccountProof, ...]
    missing: tuple[str, ...]

    @property
    def sound(self) -> bool:
        """Whether the answer is yes."""
        whole = not any(journal.wrong for journal in self.journals)
        return whole and not any(account.over for account in self.accounts)


def prove(paths: Sequence[Path]) -> Proof:
    """Read journals and find every account's worst window. Takes some 30 s per million records.

    A journal that is given twice is read once. Raises ConfigError for a calendar whose time zone
    this Governor does not know.
    """
    journals = tuple(read(path) for path in dict.fromkeys(path.resolve() for path in paths))
    traces = [trace for journal in journals for trace in journal.traces]
    accounts = [
        _judged(ledger, name)
        for ledger in ledgers(traces)
        for name in sorted({name for trace in ledger for name in trace.windows})
    ]
    named = {member for trace in traces for member in trace.members}
    missing = named - {journal.member for journal in journals}
    return Proof(journals, tuple(accounts), tuple(sorted(missing)))


def ledgers(traces: Iterable[Trace]) -> list[list[Trace]]:
    """Put together the traces that share a ledger: those whose identities touch, through others."""
    groups: list[list[Trace]] = []
    for trace in traces:
        near = [group for group in groups if any(_touch(trace, other) for other in group)]
        groups = [group for group in groups if group not in near]
        groups.append([*(each for group in near for each in group), trace])
    for group in groups:
        frees_ms = {member: at for trace in group for member, at in trace.frees_ms.items()}
        for trace in group:
            trace.close(frees_ms.get(trace.member))
    return groups


def _touch(one: Trace, other: Trace) -> bool:
    return one.contract == other.contract and not one.identities.isdisjoint(other.identities)


def _judged(ledger: list[Trace], account: str) -> AccountProof:
    """Find one account's worst window in one ledger's time, or its worst period by dates."""
    spans, counted = Spans(), Counter[str]()
    for trace in ledger:
        spans.extend(trace.spans.get(account, Spans()))
        counted += trace.counts.get(account, Counter())
    knows = next(trace for trace in ledger if account in trace.windows)
    window = knows.windows[account]
    calendar, limits = knows.calendars[account], _limits(ledger, account)
    if calendar:
        periods = _periods(ledger, calendar)
        worst = worst_period(spans, limits, _dates(ledger), periods)
        from_ms, until_ms = _period(worst, periods)
    else:
        worst = spans.worst(window.window_ms + window.pad_ms, limits)
        from_ms, until_ms = _window(ledger, worst, window)
    epochs = sorted(each.epoch for trace in ledger for each in trace.identities)
    return AccountProof(
        contract=ledger[0].contract,
        ledger=f"epoch {epochs[0]}" + (f" to {epochs[-1]}" if epochs[-1] > epochs[0] else ""),
        account=account,
        unit=knows.units[account],
        window_ms=window.window_ms,
        calendar=calendar,
        limit=worst.limit,
        worst=worst.posts,
        from_ms=from_ms,
        until_ms=until_ms,
        over=worst.over,
        requests=counted["requests"],
        asked=counted["asked"],
        received=counted["received"],
        charged=counted["charged"],
        open=counted["open"],
        orphans=counted["orphans"],
        by_word=counted["word"] + counted["moved"],
    )


def _dates(ledger: list[Trace]) -> Dates:
    """Return what all clocks showed: the members', and the store's as each member heard of it."""
    return Dates(
        (offsets, trace.compared_ms)
        for trace in ledger
        for offsets in (trace.offsets, trace.store_offsets)
    )


def _periods(ledger: list[Trace], calendar: str) -> Ran:
    journaled = (p for trace in ledger for p in trace.periods.get(calendar, {}).values())
    return Ran(journaled, partial(Periods(), calendar))


def _period(worst: Worst, periods: Ran) -> tuple[int | None, int | None]:
    """Return from when to when the worst period lasted, or the one that exceeded most."""
    if not worst.posts:
        return None, None
    until_ms = worst.over_ms if worst.over else worst.until_ms
    return periods(until_ms - 1).begins_ms, until_ms


def _window(ledger: list[Trace], worst: Worst, window: Window) -> tuple[int | None, int | None]:
    """Return the same of the worst window."""
    if not worst.posts:
        return None, None
    until_ms = _wall_ms(ledger, worst.over_ms if worst.over else worst.until_ms)
    return until_ms - window.window_ms, until_ms


def _limits(ledger: list[Trace], account: str) -> Limits:
    """Return from when which limit was in force, by whoever said it last."""
    said = (
        (from_ms, limits[account])
        for trace in ledger
        for from_ms, limits in trace.rules
        if account in limits
    )
    return sorted(said, key=lambda each: each[0])


def _wall_ms(ledger: list[Trace], time_ms: int) -> int:
    """Return ledger time by the wall clock that was compared with it last before that."""
    offsets = sorted(pair for trace in ledger for pair in trace.offsets)
    if not offsets:
        return time_ms
    place = bisect_right(offsets, time_ms, key=lambda pair: pair[0])
    return time_ms + offsets[max(0, place - 1)][1]
