"""A stream's posts are counted as each line is whole, and no byte of it is lost or changed."""

from __future__ import annotations

import gzip
import zlib
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from governor.core.counting import Counting, Place, Records
from tests.core.counting import reference, written
from tests.fakes.posts import encoded, v1_1_status, v2_post
from tests.fakes.walkers import ALL, V2, WALKERS

POST = encoded({"data": v2_post(1), "includes": {"posts": [v2_post(2)]}, "matching_rules": []})
STATUS = encoded(v1_1_status(3))
DELETE = b'{"delete":{"status":{"id":1234,"id_str":"1234","user_id":3}}}'
ERRORS = b'{"errors":[{"title":"operational-disconnect","detail":"This stream closed"}]}'
NO_POSTS = (
    b"",
    b" \t",
    b"1953",
    DELETE,
    ERRORS,
    b'{"scrub_geo":{"user_id":1,"up_to_status_id":2}}',
    b'{"limit":{"track":1234,"timestamp_ms":"1"}}',
    b'{"status_withheld":{"id":1,"user_id":2,"withheld_in_countries":["DE"]}}',
    b'{"warning":{"code":"FALLING_BEHIND","message":"x","percent_full":60}}',
    b'{"disconnect":{"code":4,"stream_name":"x","reason":"x"}}',
)
STREAM = b"\r\n".join((b"", POST, b"", b"1953", STATUS, DELETE, b"", ERRORS, POST, b""))


def fed(records: Records, chunks: list[bytes]) -> list[tuple[bytes, int]]:
    return [line for chunk in chunks for line in records.feed(chunk)]


def count(text: bytes, counting: Counting = ALL) -> list[int]:
    return [posts for _, posts in fed(Records("", counting), [text])]


@pytest.mark.parametrize("end", [b"\n", b"\r\n"])
def test_each_line_is_counted_and_given_back_as_it_came(end: bytes) -> None:
    records = Records("", ALL)

    lines = fed(records, [POST + end + end + STATUS + end])

    assert lines == [(POST + end, 2), (end, 0), (STATUS + end, 1)]
    assert records.finish() == 0
    assert not records.is_decoded
    assert not records.drift


@pytest.mark.parametrize("line", NO_POSTS)
def test_keep_alives_lengths_and_control_lines_hold_no_post(line: bytes) -> None:
    assert count(line + b"\r\n") == [0]


def members(text: bytes) -> bytes:
    return b"".join(map(gzip.compress, text.splitlines(keepends=True)))


def flushed(text: bytes) -> bytes:
    packer = zlib.compressobj(wbits=31)
    parts = [
        packer.compress(line) + packer.flush(zlib.Z_SYNC_FLUSH)
        for line in text.splitlines(keepends=True)
    ]
    return b"".join([*parts, packer.flush()])


WAYS = {
    "plain": ("", STREAM),
    "gzip": ("gzip", gzip.compress(STREAM)),
    "members": ("x-gzip", members(STREAM)),
    "flushed": ("gzip", flushed(STREAM)),
}


@pytest.mark.parametrize("way", WAYS)
def test_no_cut_of_the_wires_bytes_changes_a_line_or_a_count(way: str) -> None:
    coding, wire = WAYS[way]
    expected = fed(Records("", ALL), [STREAM])

    assert b"".join(line for line, _ in expected) == STREAM
    for cut in range(len(wire) + 1):
        records = Records(coding, ALL)
        assert fed(records, [wire[:cut], wire[cut:]]) == expected
        assert records.decoded_bytes == len(STREAM)
        assert not records.trouble
    one_by_one = [bytes([byte]) for byte in wire]
    assert fed(Records(coding, ALL), one_by_one) == expected


@given(st.lists(written.texts(), max_size=5), st.lists(st.integers(0, 9_999), max_size=6))
def test_no_line_is_counted_lower_than_by_the_slow_counter(
    texts: list[bytes], cuts: list[int]
) -> None:
    """A record that is written in several lines is at least one post for each part of it."""
    stream = b"".join(text + b"\r\n" for text in texts)
    edges = [0, *sorted(cut % (len(stream) + 1) for cut in cuts), len(stream)]
    records = Records("", ALL)

    lines = fed(records, [stream[a:b] for a, b in pairwise(edges)])

    assert b"".join(line for line, _ in lines) == stream
    assert records.finish() == 0
    total = sum(reference.found(text).together for text in texts)
    assert sum(posts for _, posts in lines) >= total
    for line, posts in lines:
        if line.strip() and line[:-2] in texts:
            expected = reference.found(line)
            assert posts >= expected.together
            assert expected.twice or posts == expected.together


@given(st.integers(1, len(POST) - 1))
def test_a_line_that_was_cut_off_is_a_post_at_least(cut: int) -> None:
    records = Records("", ALL)

    assert fed(records, [POST + b"\n", POST[:cut]]) == [(POST + b"\n", 2)]
    assert records.finish() >= max(1, POST[:cut].count(b'"text":'))


def test_a_line_without_its_end_counts_at_the_end() -> None:
    records = Records("", ALL)
    fed(records, [POST])

    assert records.begun == POST
    assert records.finish() == 2
    deleted = Records("", ALL)
    fed(deleted, [DELETE])
    assert deleted.finish() == 1  # whether it would have gone on cannot be known


@pytest.mark.parametrize(
    ("line", "posts"),
    [
        (b"{", 1),
        (b"upstream error", 1),
        (b'{"id":"1","text":"a","text":"b"}', 2),
        (b'{"id":"1","te\\u0078t":"a","', 1),
        (POST[1:], 2),
        (b"\x00", 1),
        (b"\xef\xbb\xbf" + POST, 2),
        (b"[" * 100_000, 1),
        (POST + POST, 4),
    ],
)
def test_a_line_that_cannot_be_read_is_a_post_at_least(line: bytes, posts: int) -> None:
    """And as many as it has marks. The next line is counted as ever."""
    found = count(line + b"\n" + STATUS + b"\n")

    assert found[0] >= posts
    assert found[1] == 1


def test_a_bare_carriage_return_ends_no_line_and_hides_nothing() -> None:
    lines = fed(Records("", ALL), [POST + b"\r" + STATUS + b"\r\r\n"])

    assert lines == [(POST + b"\r" + STATUS + b"\r\r\n", 3)]


def test_the_highest_count_of_a_line_is_believed_and_the_difference_told() -> None:
    counting = Counting((V2,), WALKERS, (Place.parse("data"),))
    records = Records("", counting)

    lines = fed(records, [b'{"data":{"id":"1","body":"x"}}\n{"data":{"id":"1","text":"x"}}\n'])

    assert [posts for _, posts in lines] == [1, 1]
    assert records.drift == "0 by its own walkers, 0 by all walkers, 1 in its places"


@pytest.mark.parametrize("coding", ["br", "zstd", "deflate", "gzip, gzip"])
def test_an_unknown_coding_is_trouble_before_the_first_byte(coding: str) -> None:
    records = Records(coding, ALL)

    assert records.trouble == "its content coding is not gzip"
    assert fed(records, [POST + b"\n"]) == []


def test_lines_before_broken_gzip_are_counted_and_none_behind_it() -> None:
    packed = members(POST + b"\n" + STATUS + b"\n")
    records = Records("gzip", ALL)

    lines = fed(records, [packed + b"junk", packed])

    assert [posts for _, posts in lines] == [2, 1]
    assert records.trouble == "its gzip coding is broken"


def test_a_line_without_end_is_trouble_and_is_not_held() -> None:
    """Whether it comes at once, in parts, or out of a bomb."""
    for coding, chunks in [
        ("", [b"x" * 200]),
        ("", [b"x"] * 200),
        ("gzip", [gzip.compress(bytes(8 * 1024 * 1024))]),
    ]:
        records = Records(coding, ALL, most_bytes=100)
        assert fed(records, chunks) == []
        assert "longer than 100 bytes" in records.trouble
        assert records.decoded_bytes <= 64 * 1024
        assert records.finish() == 1
        assert fed(records, [POST + b"\n"]) == []


def test_what_is_skimmed_yields_no_lines_and_is_bounded_by_its_marks() -> None:
    """From the next piece on; a stream in no coding comes in pieces of its own."""
    records = Records("", ALL)
    assert fed(records, [POST + b"\n"]) == [(POST + b"\n", 2)]
    assert records.skimmed == 0

    records.skim()

    assert fed(records, [POST + b"\n", STATUS + b"\n"]) == []
    assert records.skimmed >= 3


def test_a_line_of_the_greatest_length_is_counted() -> None:
    records = Records("", ALL, most_bytes=len(POST))

    assert fed(records, [POST, b"\n"]) == [(POST + b"\n", 2)]
    assert not records.trouble

    longer = Records("", ALL, most_bytes=len(POST) - 1)
    assert fed(longer, [POST, b"\n"]) == []
    assert longer.trouble


def test_a_bomb_of_lines_comes_line_by_line() -> None:
    """Nothing more is inflated than was asked for."""
    records = Records("gzip", ALL)
    lines = records.feed(gzip.compress(b"{}\n" * 4_000_000))

    assert next(lines) == (b"{}\n", 0)
    assert records.decoded_bytes <= 64 * 1024
