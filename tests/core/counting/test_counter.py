"""The count is exact where a body can be read, and never too low where it cannot."""

from __future__ import annotations

import gzip
import json
import tracemalloc
import zlib
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from governor.core.counting import (
    CAP_BYTES,
    Counted,
    Counter,
    Counting,
    Unreadable,
    Walker,
)
from tests.fakes.posts import encoded, graphql_post, v1_1_body, v1_1_status, v2_body, v2_post
from tests.fakes.walkers import ALL, GRAPHQL, V1_1, V2, WALKERS, only

MIB = 1024 * 1024
MANY_MEMBERS = 16 * 1024


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


@pytest.mark.parametrize(
    ("walker", "body", "posts"),
    [
        (V2, v2_body([2, 1, 0]), 6),
        (V2, v2_body([2, 1, 0], "posts"), 6),
        (V2, {"data": v2_post(1)}, 1),
        (V2, {"data": [{"id": "1", "text": "x", "event_type": "MessageCreate"}]}, 0),
        (V2, {"meta": {"result_count": 0}}, 0),
        (V1_1, v1_1_body(["plain", "quote", "retweet", "retweet of a quote"]), 9),
        (V1_1, {"id": {"1": v1_1_status(1), "2": None}}, 1),
        (V1_1, {"users": [{"id_str": "7", "created_at": "x", "status": v1_1_status(1)}]}, 1),
        (V1_1, [v1_1_status(1, recipient_id=7)], 0),
        (V1_1, [{"id": 1, "id_str": "1", "text": "x"}], 0),
        (GRAPHQL, {"result": graphql_post(1)}, 1),
        (GRAPHQL, {"result": {"tweet": graphql_post(1), "rest_id": "1"}}, 1),
        (GRAPHQL, graphql_post(1, quoted_status_result={"result": graphql_post(2)}), 2),
        (GRAPHQL, {"result": {"__typename": "Tweet", "rest_id": "1"}}, 0),
        (GRAPHQL, {"result": {"__typename": "TweetTombstone", "tombstone": {"text": "x"}}}, 0),
        (GRAPHQL, {"rest_id": "7", "legacy": {"name": "x"}}, 0),
        (GRAPHQL, {"rest_id": "7", "legacy": None}, 0),
        (GRAPHQL, {"globalObjects": {"tweets": {"1": v1_1_status(1)}}}, 0),
    ],
)
def test_each_walker_knows_its_shape(walker: Walker, body: object, posts: int) -> None:
    assert count(encoded(body), only(walker)) == Counted(posts)


@pytest.mark.parametrize("body", ["7", "null", '"text"', "[]", "{}", "[[[]]]", '["id","text"]'])
def test_json_without_a_post_has_none(body: str) -> None:
    assert count(body.encode()) == Counted(0)


@pytest.mark.parametrize("body", [b"", b"\r\n", b" \n\t"])
def test_an_empty_body_has_none(body: bytes) -> None:
    assert count(body) == count(gzip.compress(body), coding="gzip") == Counted(0)
    assert count(b"", coding="gzip") == Counted(0)


def test_posts_of_all_shapes_in_one_body_count_and_none_counts_twice() -> None:
    """A GraphQL post holds its v1.1 self; a v1.1 status has a v2 post's keys. Each is one post."""
    assert count(encoded(mixed(5))) == Counted(15)
    assert count(encoded([{"id": 1, **v1_1_status(1), "text": "x"}])) == Counted(1)


def test_no_walker_alone_finds_more_than_all_together() -> None:
    together = count(encoded(mixed(3)))

    assert isinstance(together, Counted)
    for walker in WALKERS:
        alone = count(encoded(mixed(3)), only(walker))
        assert isinstance(alone, Counted)
        assert alone.posts <= together.posts


def test_a_retweet_inside_a_graphql_post_counts() -> None:
    """It lies in the `legacy` of the other, which itself is not counted again."""
    post = graphql_post(1)
    post["legacy"]["retweeted_status_result"] = {"result": graphql_post(2)}

    assert count(encoded(post)) == Counted(2)


def splits(body: bytes, cuts: list[int]) -> list[bytes]:
    edges = [0, *sorted(cut % (len(body) + 1) for cut in cuts), len(body)]
    return [body[a:b] for a, b in pairwise(edges)]


@given(st.integers(0, 6), st.lists(st.integers(0, 10_000), max_size=8), st.sampled_from("igm"))
def test_no_split_of_the_bytes_changes_the_count(posts: int, cuts: list[int], way: str) -> None:
    """Whether plain, gzip, or gzip in several members, however the wire cuts it."""
    body = encoded(mixed(posts))
    half = len(body) // 2
    coded = {
        "i": body,
        "g": gzip.compress(body),
        "m": gzip.compress(body[:half]) + gzip.compress(b"") + gzip.compress(body[half:]),
    }[way]
    counter = Counter("" if way == "i" else "gzip", "application/json", ALL)
    for chunk in splits(coded, cuts):
        counter.feed(chunk)

    assert counter.finish() == Counted(3 * posts)
    assert counter.decoded_bytes == len(body)


@given(st.integers(1, 4), st.integers(0, 100_000), st.sampled_from(["", "gzip"]))
def test_a_cut_body_is_unreadable_and_holds_no_more_than_at_least(
    posts: int, cut: int, coding: str
) -> None:
    body = encoded(mixed(posts))
    coded = gzip.compress(body) if coding else body
    part = coded[: 1 + cut % (len(coded) - 1)]
    counter = Counter(coding, "", ALL)
    counter.feed(part)
    seen = zlib.decompressobj(31).decompress(part) if coding else part

    found = counter.finish()

    assert isinstance(found, Unreadable)
    whole = [seen.count(mark) for mark in (b'"text":', b'"full_text":')]
    assert found.at_least >= max(whole)


@pytest.mark.parametrize("end", [b"\n", b"\r\n", b"\r", b"\n\r\n\r\n"])
def test_lines_of_json_are_counted_line_by_line(end: bytes) -> None:
    lines = [encoded({"data": v2_post(n), "includes": {"posts": [v2_post(9)]}}) for n in range(4)]

    assert count(end.join([*lines, b""])) == Counted(8)
    assert count(b" \r\n" + end.join(lines)) == Counted(8)


def test_a_broken_line_makes_all_of_it_unreadable() -> None:
    """The line that was cut counts too: some of its post was delivered."""
    line = encoded({"data": v2_post(1)})

    found = count(line + b"\n" + line[:40], only(V2))

    assert isinstance(found, Unreadable)
    assert found.at_least >= 2


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b'{"data":[]', "not JSON"),
        (b'{"data":[]}{}', "not JSON"),
        (b"\xef\xbb\xbf{}", "not JSON"),
        ("{}".encode("utf-16"), "not JSON"),
        (b'{"text":"\xff"}', "not JSON"),
        (b'{"a":NaN}', "not JSON"),
        (b'{"a":1e999}', "not JSON"),
        (b"{'a':1}", "not JSON"),
        (b"data: {}\n\ndata: {}\n", "not JSON"),
        (b"[" * 100_000 + b"]" * 100_000, "nested too deeply"),
        (b'{"a":' * 100_000 + b"1" + b"}" * 100_000, "nested too deeply"),
    ],
)
def test_what_has_no_certain_meaning_is_unreadable(body: bytes, reason: str) -> None:
    found = count(body)

    assert isinstance(found, Unreadable)
    assert reason in found.reason


@pytest.mark.parametrize(
    "body",
    [
        b'{"data":[{"id":"1","text":"x"}],"data":[]}',
        b'{"data":[{"id":"1","text":"x"}] , "data" \n : []}',
        b'{"data":[{"id":"1","text":"x"}],"d\\u0061ta":[]}',
        b'{"a":":","a":":","b":[{"id":1,"text":"\\":"}]}',
        b'{"a":1}\n{"data":[],"data":[]}',
        b'{"data" :[],"data":[]}',
        b'{"a":{"event_type":1,"id":1,"text":1,"event_type":2}}',
    ],
)
def test_a_key_written_twice_hides_nothing(body: bytes) -> None:
    found = count(body)

    assert isinstance(found, Unreadable)
    assert "same key twice" in found.reason


@given(
    st.recursive(
        st.one_of(st.text(alphabet=':" \\a{}', max_size=6), st.integers(), st.none()),
        lambda inner: (
            st.lists(inner, max_size=4)
            | st.dictionaries(st.text(alphabet=':" \\ab', max_size=4), inner, max_size=4)
        ),
        max_leaves=20,
    ),
    st.sampled_from([(",", ":"), (" , ", " : "), (",", ":\t")]),
)
def test_no_text_is_taken_for_a_key_written_twice(
    document: object, separators: tuple[str, str]
) -> None:
    """Quotes and colons inside texts and keys, and any white space, leave a body readable."""
    assert isinstance(count(json.dumps(document, separators=separators).encode()), Counted)


@pytest.mark.parametrize(
    "coding", ["br", "zstd", "deflate", "compress", "gzip, gzip", "x", "gzip,"]
)
def test_another_coding_than_gzip_is_unreadable(coding: str) -> None:
    found = count(b"{}", coding=coding)

    assert found == Unreadable("its content coding is not gzip")


@pytest.mark.parametrize("coding", ["gzip", "x-gzip", " GZIP "])
def test_gzip_has_several_names(coding: str) -> None:
    assert count(gzip.compress(encoded(v2_body([1]))), coding=coding) == Counted(2)


@pytest.mark.parametrize(
    "body",
    [
        b"{}",
        gzip.compress(b"{}") + b"junk",
        gzip.compress(b"{}")[:-8] + bytes(8),
        zlib.compress(b"{}"),
    ],
    ids=["not gzip", "junk behind", "checksum wrong", "zlib"],
)
def test_broken_gzip_is_unreadable(body: bytes) -> None:
    """Junk behind a member, a wrong checksum, another format."""
    counter = Counter("gzip", "", ALL)
    counter.feed(body)
    counter.feed(b"more")

    found = counter.finish()

    assert isinstance(found, Unreadable)
    assert "gzip" in found.reason


def test_gzip_cut_at_its_checksum_is_unreadable() -> None:
    found = count(gzip.compress(b'{"data":[]}')[:-1], coding="gzip")

    assert found == Unreadable("the gzip coding was cut off")


def test_a_web_page_is_unreadable_unless_it_is_empty() -> None:
    page = "text/html; charset=utf-8"

    assert count(b"<!doctype html>", kind=page) == Unreadable("it is a web page, not JSON")
    assert count(b"", kind=page) == Counted(0)


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


def test_a_bomb_is_measured_and_never_held() -> None:
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


def test_thousands_of_tiny_members_are_no_burden() -> None:
    members = gzip.compress(b"") * MANY_MEMBERS + gzip.compress(encoded(v2_body([1])))

    assert count(members, coding="gzip") == Counted(2)


@given(st.binary(max_size=400), st.sampled_from(["", "gzip", "br"]))
def test_no_bytes_make_it_raise(body: bytes, coding: str) -> None:
    assert isinstance(count(body, coding=coding), Counted | Unreadable)


def test_no_text_of_a_post_is_in_a_reason() -> None:
    for body in (b'{"text":"secret"', b'{"secret":1,"secret":2}', b'"\xffsecret"', b"secret"):
        found = count(body)
        assert isinstance(found, Unreadable)
        assert "secret" not in found.reason


def test_what_the_bytes_so_far_can_hold_is_known_before_the_end() -> None:
    """Never below the posts in them, however they are split."""
    counter = Counter("", "application/json", only(V2))
    seen = []
    for _ in range(3):
        counter.feed(b'{"id":"1","te')
        counter.feed(b'xt":"a"}\n')
        seen.append(counter.at_most)

    assert seen == [1, 2, 3]
    assert counter.finish() == Counted(3)
