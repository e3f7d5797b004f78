"""A stream's hold leads its count by what may be on its way unseen."""

from __future__ import annotations

from governor.core.catalog import Flow
from governor.core.leading import GZIP_RATIO, UNREAD_BYTES, lead


def test_a_lead_is_what_our_buffers_contain_and_a_second_of_the_rate() -> None:
    assert lead(Flow(rate=250, record_bytes=138, each=1)) == 475 + 250
    assert 475 * 138 >= UNREAD_BYTES > 474 * 138


def test_each_record_that_waits_may_hold_all_that_one_may() -> None:
    assert lead(Flow(rate=250, record_bytes=138, each=3)) == 3 * 475 + 250


def test_a_coded_stream_may_hold_more_in_as_many_bytes() -> None:
    flow = Flow(rate=1, record_bytes=UNREAD_BYTES, each=1)

    assert lead(flow, coded=True) == GZIP_RATIO + 1
