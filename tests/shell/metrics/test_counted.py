"""What Prometheus is told is what happened, under names and labels that nobody else can choose."""

from __future__ import annotations

import shutil
import subprocess
from dataclasses import replace

import pytest
from prometheus_client import REGISTRY
from prometheus_client.openmetrics.parser import (
    text_string_to_metric_families as open_metrics,
)

from governor.core.ledger.messages import Usage
from governor.metrics import OUTCOMES, REASONS
from tests.fakes.clock import MIDNIGHT_MS
from tests.fakes.records import SETTLED
from tests.shell.metrics.conftest import (
    DAY_MS,
    JOB,
    POSTS,
    QUIET,
    made,
    shown,
    value,
)


async def test_an_exchange_is_counted_under_its_contract_job_and_operation() -> None:
    metrics = made()
    metrics.exchange(replace(SETTLED, overrun=7))

    assert await value(metrics, "asked_posts_total", **POSTS) == 100
    assert await value(metrics, "received_posts_total", **POSTS) == 120
    assert await value(metrics, "charged_posts_total", **POSTS) == 120
    assert await value(metrics, "overrun_posts_total", **POSTS) == 7
    assert await value(metrics, "exchanges_total", **JOB, outcome="settled") == 1


async def test_an_exchanges_time_is_parted_into_waiting_the_platform_and_governor() -> None:
    """434 ms in all: 30 waiting, 400 on the platform, so 4 of our own."""
    metrics = made()
    metrics.exchange(SETTLED)

    assert await value(metrics, "throttle_seconds_sum", contract="x") == 0.030
    assert await value(metrics, "upstream_seconds_sum", contract="x") == 0.400
    assert await value(metrics, "overhead_seconds_sum", contract="x") == 0.004
    assert await value(metrics, "overhead_seconds_bucket", contract="x", le="0.002") == 0
    assert await value(metrics, "overhead_seconds_bucket", contract="x", le="0.005") == 1


async def test_a_refused_request_counts_as_refused_and_asks_the_platform_for_nothing() -> None:
    metrics = made()
    metrics.exchange(
        replace(
            SETTLED,
            decision="refuse",
            reason="job_cap",
            outcome="void",
            received=None,
            charged=0,
            status=429,
            upstream_ms=0,
        )
    )

    assert await value(metrics, "refusals_total", **JOB, reason="job_cap") == 1
    assert await value(metrics, "exchanges_total", **JOB, outcome="refused") == 1
    assert await value(metrics, "asked_posts_total", **POSTS) == 0
    assert await value(metrics, "upstream_seconds_count", contract="x") == 0


async def test_what_shadow_mode_would_have_refused_is_not_a_refusal() -> None:
    """It was sent and is charged, so its posts count; its outcome says shadow."""
    metrics = made()
    metrics.exchange(replace(SETTLED, decision="shadow", reason="limit"))

    assert await value(metrics, "exchanges_total", **JOB, outcome="shadow") == 1
    assert await value(metrics, "refusals_total", **JOB, reason="limit") == 0
    assert await value(metrics, "charged_posts_total", **POSTS) == 120


async def test_a_request_of_which_nothing_was_sent_asked_for_nothing() -> None:
    metrics = made()
    metrics.exchange(replace(SETTLED, decision="left", outcome="void", charged=0, received=None))

    assert await value(metrics, "asked_posts_total", **POSTS) == 0


async def test_what_could_not_be_read_and_what_an_error_cost_are_told() -> None:
    metrics = made()
    metrics.exchange(
        replace(SETTLED, outcome="orphaned", unreadable="cut off", received=None, charged=300)
    )
    metrics.exchange(replace(SETTLED, status=503, charged=30))

    assert await value(metrics, "unreadable_responses_total", contract="x") == 1
    assert await value(metrics, "error_charged_posts_total", contract="x") == 30


async def test_an_answer_that_is_not_as_the_catalog_says_is_told_by_its_operation() -> None:
    metrics = made()
    metrics.exchange(SETTLED)
    metrics.exchange(replace(SETTLED, drift="own 4, every 5"))
    metrics.exchange(replace(SETTLED, operation="nobody's", drift="zero"))

    for operation, told in (("search", 1), ("lookup", 0), ("other", 1)):
        labels = {"contract": "x", "operation": operation}
        assert await value(metrics, "schema_drift_total", **labels) == told


async def test_labels_come_from_closed_sets_only() -> None:
    """Whatever a record holds, no new series comes of it; what nobody named is "other"."""
    metrics = made()
    before = (await shown(metrics)).keys()
    evil = 'a"\n{}\\ http://u:p@x'
    metrics.exchange(replace(SETTLED, contract=evil))
    metrics.exchange(replace(SETTLED, job=evil))
    metrics.exchange(replace(SETTLED, operation=evil))
    metrics.exchange(replace(SETTLED, outcome=evil))
    metrics.exchange(replace(SETTLED, decision="refuse", reason=evil))
    metrics.ledger(evil, 0.1)
    strange = {key for key in await shown(metrics) if "http" in str(key)}
    new = (await shown(metrics)).keys() - before

    assert strange == set()
    assert {labels for _, pairs in new for name, labels in pairs if name == "contract"} == {"other"}
    assert (
        await value(metrics, "exchanges_total", contract="x", job="other", outcome="settled") == 1
    )
    assert await value(metrics, "charged_posts_total", **JOB, operation="other") == 120
    assert await value(metrics, "refusals_total", **JOB, reason="other") == 1


async def test_every_counter_is_there_before_it_counts() -> None:
    """A rate over a counter that appears with its first post would miss that post."""
    metrics = made()

    for job in ("elections", "health", "other"):
        for operation in ("search", "lookup", "unknown", "other"):
            labels = {"contract": "x", "job": job, "operation": operation}
            for name in ("asked", "received", "charged", "overrun"):
                assert await value(metrics, f"{name}_posts_total", **labels) == 0
        for outcome in OUTCOMES:
            assert (
                await value(metrics, "exchanges_total", contract="x", job=job, outcome=outcome) == 0
            )
        for reason in REASONS:
            assert await value(metrics, "refusals_total", contract="x", job=job, reason=reason) == 0


async def test_the_times_of_ledger_and_journal_are_told() -> None:
    metrics = made()
    metrics.ledger("x", 0.0004)
    metrics.journal(0.003)

    assert await value(metrics, "ledger_seconds_bucket", contract="x", le="0.0005") == 1
    assert await value(metrics, "journal_seconds_bucket", le="0.0025") == 0
    assert await value(metrics, "journal_seconds_bucket", le="0.005") == 1


async def test_a_step_of_a_clock_is_counted_by_the_clock() -> None:
    metrics = made()

    assert await value(metrics, "clock_steps_total", contract="x", source="store") == 0

    metrics.clock_stepped("x", "boot")

    assert await value(metrics, "clock_steps_total", contract="x", source="boot") == 1


async def test_version_and_expiry_are_told() -> None:
    metrics = made()

    assert await value(metrics, "build_info", version="1.2.3") == 1
    assert await value(metrics, "ca_expiry_timestamp_seconds") == (MIDNIGHT_MS + DAY_MS) / 1000


async def test_two_governors_in_one_process_share_nothing() -> None:
    """And the library's own registry, which is global, has nothing of Governor's."""
    first, second = made(), made()
    first.exchange(SETTLED)
    totals = [
        await value(each, "exchanges_total", **JOB, outcome="settled") for each in (first, second)
    ]

    assert totals == [1, 0]
    assert [family.name for family in REGISTRY.collect() if "governor" in family.name] == []


async def test_both_formats_say_the_same() -> None:
    metrics = made([replace(QUIET, usage={"x-24h": Usage(5, 1, 10, None)})])
    metrics.exchange(SETTLED)
    media_type, body = await metrics.text("application/openmetrics-text; version=1.0.0")
    plain_type, _ = await metrics.text("text/html")
    opened = {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in open_metrics(body.decode())  # type: ignore[no-untyped-call]  # theirs
        for sample in family.samples
    }

    assert media_type.startswith("application/openmetrics-text; version=1.0.0")
    assert plain_type.startswith("text/plain; version=0.0.4")
    assert opened == await shown(metrics)
    assert b"_created" not in body


async def test_promtool_has_no_complaint() -> None:
    """Names, units and help texts keep Prometheus' own conventions."""
    if shutil.which("promtool") is None:
        pytest.skip("promtool is not installed: it comes with the Debian package prometheus")
    _, body = await made([replace(QUIET, usage={"x-24h": Usage(5, 1, 10, None)})]).text()

    assert promtool(body) == (0, b"")


def promtool(body: bytes) -> tuple[int, bytes]:
    """Return the exit code of its check and what it complains of."""
    ended = subprocess.run(
        ["promtool", "check", "metrics"], input=body, capture_output=True, check=False
    )
    return ended.returncode, ended.stderr
