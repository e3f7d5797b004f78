"""What is remembered of an exchange names nobody and can be changed by nobody."""

from __future__ import annotations

import dataclasses
from typing import Final

import pytest

from governor.core.record import ExchangeRecord

RECORD: Final = ExchangeRecord(
    decision_id="0123",
    contract="x",
    job="elections",
    operation="search",
    way="proxy",
    decision="allow",
    reason="",
    outcome="settled",
    asked=100,
    price=300,
    received=120,
    unreadable="",
    charged=120,
    overrun=0,
    usage=120,
    status=200,
    waited_ms=30,
    upstream_ms=400,
    total_ms=434,
    relayed_bytes=9_000,
)


def test_a_record_has_no_place_for_what_a_crawler_or_a_platform_sent() -> None:
    """Adding a field is deciding to log it: this list is where that decision is seen."""
    names = {field.name for field in dataclasses.fields(ExchangeRecord)}

    assert names == {
        *("decision_id", "contract", "job", "operation", "way"),
        *("decision", "reason", "outcome", "status", "unreadable"),
        *("asked", "price", "received", "charged", "overrun", "usage"),
        *("waited_ms", "upstream_ms", "total_ms", "relayed_bytes"),
    }


def test_a_record_is_not_edited() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        RECORD.charged = 0  # type: ignore[misc]  # what must not work


def test_equal_exchanges_have_equal_records() -> None:
    assert dataclasses.replace(RECORD, charged=1) != RECORD
    assert dataclasses.replace(RECORD, charged=120) == RECORD
