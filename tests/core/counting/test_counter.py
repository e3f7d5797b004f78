"""The count is exact where a body can be read, and never too low where it cannot."""

from __future__ import annotations

import gzip
import json
import os
import tracemalloc
import zlib
from itertools import pairwise
from pathlib import Path
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from governor.core.counting import (
    CAP_BYTES,
    Counted,
    Counter,
    Counting,
    Place,
    Unreadable,
    Walker,
)
from tests.core.counting import reference, written
from tests.fakes.posts import encoded, graphql_post, v1_1_body, v1_1_status, v2_body, v2_post
from tests.fakes.walkers import ALL, V2, WALKERS, only

MIB = 1024 * 1024
FIXTURES = os.environ.get("GOVERNOR_FIXTURES")
recorded = pytest.mark.skipif(not FIXTURES, reason="GOVERNOR_FIXTURES names no recorded bodies")


def count(
    body: bytes,
    counting: Counting = ALL,
    coding: str = "",
    kind: str = "application/json",
    cap_bytes: int = CAP_BYTES,
) -> Counted | Unreadable:
    counter = Counter(coding, kind, counting, cap_bytes)
    counter.feed(body)
    return counter.finish()


def mixed(posts: int) -> dict[str, Any]:
    """Make a body of all three shapes, `posts` of each."""
    return {
        **v2_body([0] * posts),
        "statuses": v1_1_body(["plain"] * posts),
        "timeline": [{"result": graphql_post(number)} for number in range(posts)],
    }


def coded(body: bytes, way: str) -> tuple[str, bytes]:
    """Return a body as it may come: plain, in gzip, or in several members of it."""
    half = len(body) // 2
    members = gzip.compress(body[:half]) + gzip.compress(b"") + gzip.compress(body[half:])
    return {
        "plain": ("", body),
        "gzip": ("gzip", gzip.compress(body)),
        "members": ("gzip", members),
    }[way]


WAYS = ("plain", "gzip", "members")


def fed(coding: str, chunks: list[bytes]) -> tuple[Counted | Unreadable, int]:
    counter = Counter(coding, "application/json", ALL)
    for chunk in chunks:
        counter.feed(chunk)
    return counter.finish(), counter.at_most


def splits(body: bytes, cuts: list[int]) -> list[bytes]:
    edges = [0, *sorted(cut % (len(body) + 1) for cut in cuts), len(body)]
    return [body[a:b] for a, b in pairwise(edges)]


@pytest.mark.parametrize("way", WAYS)
def test_no_single_cut_of_the_wires_bytes_changes_the_count(way: str) -> None:
    body = encoded(mixed(1))
    coding, wire = coded(body, way)
    whole = fed(coding, [wire])

    assert whole[0] == Counted(3)
    for cut in range(len(wire) + 1):
        assert fed(coding, [wire[:cut], wire[cut:]]) == whole
    assert fed(coding, [bytes([byte]) for byte in wire]) == whole


@given(st.integers(0, 6), st.lists(st.integers(0, 10_000), max_size=8), st.sampled_from(WAYS))
def test_no_cuts_of_the_wires_bytes_change_the_count(posts: int, cuts: list[int], way: str) -> None:
    body = encoded(mixed(posts))
    coding, wire = coded(body, way)
    counter = Counter(coding, "application/json", ALL)
    for chunk in splits(wire, cuts):
        counter.feed(chunk)

    assert counter.finish() == Counted(3 * posts)
    assert counter.decoded_bytes == len(body)


@given(written.texts(), st.lists(st.integers(0, 5_000), max_size=5), st.sampled_from(WAYS))
def test_any_document_is_counted_as_by_the_slow_counter_or_unreadable(
    text: bytes, cuts: list[int], way: str
) -> None:
    """It is unreadable if it has a key twice, and then has no more posts than `at_least`."""
    expected = reference.found(text)
    coding, wire = coded(text, way)

    found, at_most = fed(coding, splits(wire, cuts))

    assert at_most >= expected.together
    if isinstance(found, Counted):
        assert not expected.twice
        assert found == Counted(expected.together)
    else:
        assert expected.twice
        assert found.at_least == at_most


def recordings(most_bytes: int) -> list[tuple[dict[str, Any], bytes]]:
    """Return recorded bodies, the longest first, up to a length."""
    place = Path(FIXTURES or "")
    index = json.loads((place / "index.json").read_text(encoding="utf-8"))
    found = [
        (each, gzip.decompress((place / each["body"]).read_bytes())) for each in index["fixtures"]
    ]
    short = [pair for pair in found if len(pair[1]) <= most_bytes and pair[0]["post_objects"]]
    return sorted(short, key=lambda pair: -len(pair[1]))


@recorded
@pytest.mark.parametrize("way", WAYS)
def test_recorded_bodies_are_counted_alike_whatever_single_cut_is_made(way: str) -> None:
    """Those short enough to cut everywhere."""
    for recording, body in recordings(2048):
        coding, wire = coded(body, way)
        whole = fed(coding, [wire])

        assert whole[0] == Counted(recording["post_objects"])
        for cut in range(len(wire) + 1):
            assert fed(coding, [wire[:cut], wire[cut:]]) == whole, (recording["body"], cut)


@recorded
@pytest.mark.deep
@pytest.mark.parametrize("way", WAYS)
def test_longer_recorded_bodies_are_counted_alike_whatever_single_cut_is_made(way: str) -> None:
    for recording, body in recordings(8192):
        coding, wire = coded(body, way)
        whole = fed(coding, [wire])

        assert whole[0] == Counted(recording["post_objects"])
        for cut in range(len(wire) + 1):
            assert fed(coding, [wire[:cut], wire[cut:]]) == whole, (recording["body"], cut)


@recorded
@pytest.mark.parametrize("way", WAYS)
def test_recorded_bodies_are_counted_alike_however_often_they_are_cut(way: str) -> None:
    """All that have posts and can be cut a dozen times each, at places drawn from a seed."""
    draws = Random(20261124)  # noqa: S311  # places to cut, no secret
    for recording, body in recordings(4 * MIB):
        coding, wire = coded(body, way)
        cuts = [draws.randrange(len(wire) + 1) for _ in range(12)]

        found, _ = fed(coding, splits(wire, cuts))

        assert found == Counted(recording["post_objects"]), (recording["body"], cuts)


@pytest.mark.parametrize("way", WAYS)
def test_a_body_that_was_cut_off_is_unreadable_and_its_posts_are_seen(way: str) -> None:
    coding, wire = coded(encoded(mixed(1)), way)
    for cut in range(1, len(wire)):
        found, _ = fed(coding, [wire[:cut]])
        seen = b"".join(_inflated(wire[:cut])) if coding else wire[:cut]

        assert isinstance(found, Unreadable)
        assert found.at_least >= seen.count(b'"text":') + seen.count(b'"full_text":')


def _inflated(wire: bytes) -> list[bytes]:
    found = []
    while wire:
        member = zlib.decompressobj(31)
        found.append(member.decompress(wire))
        wire = member.unused_data
    return found


def test_the_highest_of_the_counts_is_believed_and_the_difference_told() -> None:
    """Two posts of another shape, and three objects where posts should stand."""
    body = {"data": [v2_post(1), {"a": 1}, {"b": 2}], "statuses": [v1_1_status(1), v1_1_status(2)]}
    counting = Counting((V2,), WALKERS, (Place.parse("data[]"),))

    assert count(encoded(body), only(V2)) == Counted(1)
    assert count(encoded(body), Counting((V2,), WALKERS)) == Counted(
        3, "1 by its own walkers, 3 by all walkers"
    )
    assert count(encoded(body), counting) == Counted(
        3, "1 by its own walkers, 3 by all walkers, 3 in its places"
    )


def test_a_post_that_no_walker_knows_any_more_counts_by_its_place() -> None:
    """A platform renamed a key; what it sends is no less."""
    counting = Counting((V2,), WALKERS, (Place.parse("data[]"),))
    posts = [{"id": "1", "text": "x"}, {"id": "2", "text": "y"}]
    renamed = [{"id": "1", "body": "x"}, {"id": "2", "body": "y"}]

    assert count(encoded({"data": posts}), counting) == Counted(2)
    assert count(encoded({"data": renamed}), counting) == Counted(
        2, "0 by its own walkers, 0 by all walkers, 2 in its places"
    )


def test_a_post_where_no_place_is_counts_all_the_same() -> None:
    counting = Counting((V2,), WALKERS, (Place.parse("data[]"),))

    found = count(encoded({"data": [v2_post(1)], "new": [v2_post(2)]}), counting)

    assert found == Counted(2, "2 by its own walkers, 2 by all walkers, 1 in its places")


def test_an_empty_body_has_no_post() -> None:
    assert count(b"") == count(b"\r\n") == count(b"", coding="gzip") == Counted(0)
    assert count(gzip.compress(b""), coding="gzip") == Counted(0)
    assert count(b" ", kind="text/html") == Counted(0)


def test_a_broken_line_makes_all_of_it_unreadable() -> None:
    """The line that was cut counts too: some of its post was delivered."""
    line = encoded({"data": v2_post(1)})

    found = count(line + b"\n" + line[:40], only(V2))

    assert isinstance(found, Unreadable)
    assert found.at_least >= 2


def test_why_a_body_is_unreadable_is_told() -> None:
    assert count(b"{") == Unreadable("it is not JSON")
    assert count(b"{}", coding="br") == Unreadable("its content coding is not gzip")
    assert count(b"{}", coding="gzip") == Unreadable("its gzip coding is broken")
    cut = gzip.compress(b'{"data":[]}')[:-1]
    assert count(cut, coding="gzip") == Unreadable("the gzip coding was cut off")


def test_a_web_page_is_counted_by_the_state_in_it() -> None:
    page = "text/html; charset=utf-8"
    state = b'<script type="application/json">' + encoded(v2_body([1])) + b"</script>"

    assert count(b"<!doctype html>", kind=page) == Unreadable("it is a web page, not JSON")
    assert count(b"<html>" + state, kind="Text/HTML") == Counted(2)
    assert count(b"<html>" + state, kind="application/xhtml+xml") == Counted(2)
    assert isinstance(count(b"<html>" + state), Unreadable)


@pytest.mark.parametrize("body", [{"data": [v2_post(1)]}, [v2_post(1)]])
def test_json_that_calls_itself_a_page_is_json(body: object) -> None:
    assert count(b"\n " + encoded(body), kind="text/html") == Counted(1)


def test_a_posts_text_in_a_page_fragment_is_one_post() -> None:
    """As oEmbed sends it: a walker may ask for any key."""
    oembed = Walker("oembed", (("html",), ("author_url",)))
    body = {"html": '<blockquote class="twitter-tweet">', "author_url": "x", "width": 550}

    assert count(encoded(body), only(oembed)) == Counted(1)


@given(st.integers(0, 40), st.lists(st.integers(0, 100_000), max_size=6))
def test_a_body_beyond_the_cap_is_not_kept_but_its_posts_are_seen(
    posts: int, cuts: list[int]
) -> None:
    """Their keys are counted in what flows by, also where a cut goes through one."""
    body = encoded(v2_body([0] * posts))
    counter = Counter("", "", only(V2), cap_bytes=100)
    for chunk in splits(body, cuts):
        counter.feed(chunk)

    found = counter.finish()

    assert found == Unreadable("it is longer than 100 bytes", body.count(b'"text"'))
    assert found.at_least >= posts
    assert counter.decoded_bytes == len(body)


def test_a_body_of_exactly_the_cap_is_counted() -> None:
    body = encoded(v2_body([1]))

    assert count(body, cap_bytes=len(body)) == Counted(2)
    assert isinstance(count(body, cap_bytes=len(body) - 1), Unreadable)


def test_what_is_kept_of_a_bomb_is_bounded() -> None:
    """32 MB of zeros in 32 KB: known in length, kept nowhere."""
    bomb = gzip.compress(bytes(32 * MIB))
    counter = Counter("gzip", "application/json", ALL, cap_bytes=MIB)
    tracemalloc.start()
    counter.feed(bomb)
    peak_bytes = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()

    assert isinstance(counter.finish(), Unreadable)
    assert counter.decoded_bytes == 32 * MIB
    assert peak_bytes < 4 * MIB


@given(st.binary(max_size=400), st.sampled_from(["", "gzip", "br"]), st.sampled_from(["", "html"]))
def test_no_bytes_make_it_raise(body: bytes, coding: str, kind: str) -> None:
    assert isinstance(count(body, coding=coding, kind=f"text/{kind}"), Counted | Unreadable)


@pytest.mark.parametrize("key", [b"text", b"te\\u0078t", b"\\u0074\\u0065\\u0078\\u0074"])
def test_what_the_bytes_so_far_can_hold_is_known_before_the_end(key: bytes) -> None:
    """Never below the posts in them, however they are split and their keys are spelled."""
    counter = Counter("", "application/json", only(V2))
    for number in range(1, 4):
        counter.feed(b'{"id":"1","' + key[:3])
        counter.feed(key[3:] + b'":"a"}\n')

        assert counter.at_most >= number

    assert counter.finish() == Counted(3)


def test_a_post_is_bounded_by_one_mark() -> None:
    """However many walkers look for it: a bound of three per post would hold too much."""
    status = {"id_str": "1", "created_at": "x", "full_text": "y"}
    for post in (status, {"rest_id": "1", "legacy": status}, {"id": "1", "text": "y"}):
        counter = Counter("", "application/json", ALL)
        counter.feed(encoded(post))

        assert counter.at_most == 1
        assert counter.finish() == Counted(1)
