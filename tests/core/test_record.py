"""What is remembered of an exchange names nobody and can be changed by nobody."""

from __future__ import annotations

import dataclasses

import pytest

from governor.core.record import ExchangeRecord
from tests.fakes.records import SETTLED


def test_a_record_has_no_place_for_what_a_crawler_or_a_platform_sent() -> None:
    """Adding a field is deciding to log it: this list is where that decision is seen."""
    names = {field.name for field in dataclasses.fields(ExchangeRecord)}

    assert names == {
        *("decision_id", "contract", "job", "operation", "way"),
        *("decision", "reason", "outcome", "status", "unreadable", "drift"),
        *("asked", "price", "received", "charged", "overrun", "raised", "usage"),
        *("waited_ms", "upstream_ms", "total_ms", "relayed_bytes"),
    }


def test_a_record_is_not_edited() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        SETTLED.charged = 0  # type: ignore[misc]  # what must not work


def test_equal_exchanges_have_equal_records() -> None:
    assert dataclasses.replace(SETTLED, charged=1) != SETTLED
    assert dataclasses.replace(SETTLED, charged=120) == SETTLED
