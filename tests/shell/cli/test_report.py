"""One exchange is told to metrics and the log alike, and an overrun is said aloud."""

from __future__ import annotations

import json
from dataclasses import replace
from io import StringIO
from typing import TYPE_CHECKING, Any

from prometheus_client.parser import text_string_to_metric_families

from governor.cli.report import Reporter, TalkReporter
from governor.core.ledger.decisions import REMEDIES
from governor.core.ledger.messages import DoubtReason
from governor.core.policy import DEFAULT_JOB, Contract, Job, Limit
from governor.log import Log
from governor.metrics import Metrics
from tests.fakes.clock import FakeClock
from tests.fakes.records import SETTLED

if TYPE_CHECKING:
    from collections.abc import Callable

    from governor.core.record import ExchangeRecord

RECORD = replace(
    SETTLED,
    job=DEFAULT_JOB,
    operation="search.recent",
    price=100,
    received=100,
    charged=100,
    usage=100,
)


async def told(
    tell: Callable[[Metrics, Log], None],
) -> tuple[dict[str, float], list[dict[str, Any]]]:
    """Return what metrics and the log have after they were told."""
    stream, clock = StringIO(), FakeClock()
    metrics = Metrics(
        contracts=(Contract("x", "x", (Limit("x-24h", 1_000, 86_400_000),)),),
        jobs=(Job(DEFAULT_JOB),),
        operations={"x": ("search.recent",)},
        snapshots=list,
        clock=clock,
        ca_expires_ms=0,
        version="0",
    )
    tell(metrics, Log(stream, clock, style="json"))
    text = (await metrics.text())[1].decode()
    counted: dict[str, float] = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            counted[sample.name] = counted.get(sample.name, 0) + sample.value
    return counted, [json.loads(line) for line in stream.getvalue().splitlines()]


def exchanged(record: ExchangeRecord) -> Callable[[Metrics, Log], None]:
    return lambda metrics, log: Reporter(metrics, log)(record)


def talked(*said: Callable[[TalkReporter], None]) -> Callable[[Metrics, Log], None]:
    def tell(metrics: Metrics, log: Log) -> None:
        reporter = TalkReporter("x", metrics, log)
        for each in said:
            each(reporter)

    return tell


async def test_metrics_and_the_log_hear_of_every_exchange() -> None:
    counted, lines = await told(exchanged(RECORD))

    assert counted["governor_charged_posts_total"] == 100
    assert [(line["event"], line["charged"]) for line in lines] == [("exchange", 100)]


async def test_more_posts_than_were_priced_is_an_error_of_ours_and_said_so() -> None:
    _, lines = await told(exchanged(replace(RECORD, received=130, charged=130, overrun=30)))

    assert [line["level"] for line in lines] == ["info", "error"]
    assert (lines[1]["operation"], lines[1]["price"], lines[1]["charged"]) == (
        "search.recent",
        100,
        130,
    )


async def test_a_price_that_is_raised_is_said_once() -> None:
    """It lasts, and may be why a request is refused a year later."""
    raised = replace(RECORD, received=130, charged=130, raised=30)
    _, (_, warning) = await told(exchanged(raised))
    _, (_, error) = await told(exchanged(replace(raised, overrun=30)))

    assert (warning["level"], warning["received"], warning["raised"]) == ("warning", 130, 30)
    assert (error["level"], error["raised"]) == ("error", 30)


async def test_a_doubt_is_a_warning_with_its_remedy_and_its_end_is_told() -> None:
    _, lines = await told(
        talked(
            lambda talk: talk.doubted(DoubtReason.EVICTING),
            lambda talk: talk.doubted(None),
        )
    )

    assert [(line["level"], line["contract"]) for line in lines] == [
        ("warning", "x"),
        ("info", "x"),
    ]
    assert (lines[0]["doubt"], lines[0]["remedy"]) == (
        "evicting",
        REMEDIES[DoubtReason.EVICTING],
    )


async def test_a_step_of_a_clock_is_counted_and_said() -> None:
    counted, lines = await told(talked(lambda talk: talk.stepped("boot")))

    assert counted["governor_clock_steps_total"] == 1
    assert [(line["level"], line["clock"]) for line in lines] == [("warning", "boot")]


async def test_who_comes_and_goes_is_said() -> None:
    _, lines = await told(talked(lambda talk: talk.met(("a", "b"), ("c",))))

    assert [(line["level"], line["joined"], line["gone"]) for line in lines] == [
        ("info", "a b", "c")
    ]


async def test_every_answer_of_the_ledger_is_timed_and_none_is_logged() -> None:
    counted, lines = await told(talked(lambda talk: talk.answered(0.02)))

    assert counted["governor_ledger_seconds_count"] == 1
    assert lines == []


async def test_whom_a_closed_ledger_waits_for_is_a_warning_with_what_to_do() -> None:
    _, lines = await told(
        talked(
            lambda talk: talk.awaits(("a", "b"), word=False),
            lambda talk: talk.awaits((), word=True),
        )
    )
    members, word = lines

    assert [(line["level"], line["members"]) for line in lines] == [
        ("warning", "a b"),
        ("warning", ""),
    ]
    assert "`governor check` says how" in members["remedy"]
    assert word["remedy"].endswith("`governor restore`")
