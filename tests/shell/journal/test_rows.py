"""One row: its body is read as exactly one record, and its link binds all that it holds."""

from __future__ import annotations

from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from governor.core.calendar import Period
from governor.core.ledger.messages import MOST_POSTS, Account, Identity, RowValue
from governor.core.ledger.records import Adopted, Record, Stamped, Used
from governor.errors import JournalError, SchemaError
from governor.journal.rows import Link, Row, decode, encode, forge, genesis, kind_of, seal

KINDS: tuple[type[Record], ...] = get_args(Record)
texts = st.text(st.characters(exclude_categories=["Cs"]))
numbers = st.integers(-(2**63), 2**63 - 1)
counts = st.integers(0, 2**63 - 1)
accounts = st.builds(
    Account,
    name=texts,
    limit=st.none() | st.integers(0, MOST_POSTS),
    window_ms=st.integers(1_000, 2**53),
    unit=texts,
    calendar=texts,
)
periods = st.tuples(numbers, st.integers(-(2**62), 0), st.integers(1, 2**62)).map(
    lambda ends: Period(*ends)
)
values = st.builds(RowValue, pending=counts, charged=counts, lingered=counts)
for _type, _strategy in (
    (str, texts),
    (int, numbers),
    (Account, accounts),
    (Period, periods),
    (RowValue, values),
):
    st.register_type_strategy(_type, _strategy)
records: st.SearchStrategy[Record] = st.one_of(*(st.from_type(kind) for kind in KINDS))
START = genesis("00ff")


def row_of(record: Record) -> Row:
    return forge(START, 0, kind_of(record), encode(record))


@given(records)
def test_every_record_comes_back_as_it_was(record: Record) -> None:
    """Types too: a tuple stays a tuple, and an outcome an outcome."""
    back = decode(row_of(record))

    assert back == record
    assert repr(back) == repr(record)


def test_the_kinds_are_the_records_of_the_core() -> None:
    """A name here is on every disk: it is never changed."""
    kinds = {kind_of(kind) for kind in KINDS}

    assert {"started", "adopted", "used", "claimed", "resolved", "stamped"} <= kinds
    assert len(kinds) == len(KINDS)


def test_a_body_is_written_in_one_way() -> None:
    record = Used("x", (("x-24h", 130), ("x-24h/elections", 0)))

    assert encode(record) == (b'{"contract":"x","amounts":[["x-24h",130],["x-24h/elections",0]]}')


def test_an_unknown_kind_is_a_newer_governors() -> None:
    with pytest.raises(SchemaError, match=r"Record 1 .*'merged'.* newer Governor"):
        decode(forge(START, 0, "merged", b"{}"))


@pytest.mark.parametrize(
    ("body", "complaint"),
    [
        (b"{}", "cannot be read"),
        (b"", "cannot be read"),
        (b'{"contract":"\xb5","amounts":[]}', "cannot be read"),
        (b'{"contract":"x","amounts":[["x-24h","5"]]}', "cannot be read"),
        (b'{"contract":"x","amounts":[["x-24h",5.5]]}', "cannot be read"),
        (b'{"contract":"x","amounts":[["x-24h",5]]} ', "not as Governor writes"),
        (b'{"amounts":[["x-24h",5]],"contract":"x"}', "not as Governor writes"),
        (b'{"contract":"x","amounts":[["x-24h",5]],"note":1}', "not as Governor writes"),
        (b'{"contract":"x","amounts":[["x-24h",5]],"contract":"x"}', "not as Governor writes"),
    ],
)
def test_a_body_that_could_be_read_in_two_ways_is_not_read(body: bytes, complaint: str) -> None:
    with pytest.raises(JournalError, match=complaint):
        decode(forge(START, 0, "used", body))


def test_what_an_earlier_governor_wrote_is_read() -> None:
    """A record that has gained a field since: what is not there has its default."""
    body = (
        b'{"contract":"x","seq":1,"spread":[],"time_ms":2,"high_ms":3,"store_offset_ms":4,'
        b'"boot_offset_ms":5}'
    )

    assert decode(forge(START, 0, "stamped", body)) == Stamped("x", 1, (), 2, 3, 4, 5, None)
    with pytest.raises(JournalError, match="not as Governor writes"):
        decode(forge(START, 0, "stamped", body.replace(b'"x",', b'"x", ')))


def test_what_stands_within_a_record_may_have_gained_a_field_too() -> None:
    body = (
        b'{"contract":"x","home":"embedded","identity":{"epoch":1,"run_id":"r",'
        b'"replication_id":""},"accounts":[{"name":"a","limit":5,"window_ms":1000},'
        b'{"name":"b","limit":null,"window_ms":1000}],"time_ms":2,"boot_ms":3}'
    )
    accounts = (Account("a", 5, 1_000), Account("b", None, 1_000, "posts"))
    record = Adopted("x", "embedded", Identity(1, "r", ""), accounts, 2, 3)

    assert decode(forge(START, 0, "adopted", body)) == record
    for two_ways in (
        body.replace(b'"limit":5,', b'"limit":5,"limit":5,'),
        body.replace(b'"limit":5,', b'"limit":5,"note":1,'),
        body.replace(b'"name":"b","limit":null', b'"limit":null,"name":"b"'),
    ):
        with pytest.raises(JournalError, match="not as Governor writes"):
            decode(forge(START, 0, "adopted", two_ways))


def test_the_link_depends_on_everything_in_the_row() -> None:
    before = Link(7, b"\1" * 32)
    chains = {
        forge(before, 5, "used", b"{}").chain,
        forge(Link(8, b"\1" * 32), 5, "used", b"{}").chain,
        forge(Link(7, b"\2" * 32), 5, "used", b"{}").chain,
        forge(before, 6, "used", b"{}").chain,
        forge(before, -5, "used", b"{}").chain,
        forge(before, 5, "use", b"{}").chain,
        forge(before, 5, "used", b"{ }").chain,
    }

    assert len(chains) == 7


def test_each_member_begins_a_chain_of_its_own() -> None:
    assert genesis("a") != genesis("b")
    assert genesis("a").id == 0


def test_a_seal_binds_a_state_to_the_row_it_covers() -> None:
    assert (
        len({seal(Link(i, c), s) for i in (1, 2) for c in (b"a", b"b") for s in (b"", b"x")}) == 8
    )
