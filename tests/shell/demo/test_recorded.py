"""Recorded bodies are given out only where they fit, with the posts that their index counts."""

from __future__ import annotations

import gzip
import json
from typing import TYPE_CHECKING, Any

import pytest

from governor.demo.bodies import Query
from governor.demo.recorded import Recordings
from tests.fakes.platform import recordings

if TYPE_CHECKING:
    from pathlib import Path

SEARCH = "/2/tweets/search/recent"
EXPANDED = f"https://api.x.com{SEARCH}?max_results=100&expansions=referenced_tweets.id"


def entry(
    name: str, url: str | None, posts: int, primary: int | None, **more: object
) -> dict[str, Any]:
    return {
        "body": f"{name}.gz",
        "method": "GET",
        "url": url,
        "status": 200,
        "request_body": None,
        "post_objects": posts,
        "primary": primary,
        **more,
    }


def collection(directory: Path, *entries: dict[str, Any]) -> Recordings:
    for one in entries:
        content = gzip.compress(json.dumps({"name": one["body"]}).encode())
        (directory / one["body"]).write_bytes(content)
    (directory / "index.json").write_text(json.dumps({"fixtures": entries}))
    return Recordings(directory)


def given(found: Recordings, **values: str) -> str | None:
    body = found.answer("GET", SEARCH, Query(SEARCH, values))
    return str(body.content["name"]) if body else None


def test_a_request_that_was_recorded_word_for_word_gets_its_own_answer(tmp_path: Path) -> None:
    found = collection(tmp_path, entry("own", EXPANDED, 150, 100))
    target = EXPANDED.removeprefix("https://api.x.com")
    body = found.answer("GET", target, Query(SEARCH, {}))

    assert body is not None
    assert (body.operation, body.posts, body.content) == (
        "search/recent",
        150,
        {"name": "own.gz"},
    )


def test_a_recording_with_more_posts_than_the_page_is_not_given(tmp_path: Path) -> None:
    found = collection(tmp_path, entry("long", f"https://api.x.com{SEARCH}?query=a", 60, 60))

    assert given(found, max_results="50") is None
    assert given(found, max_results="60") == "long.gz"


def test_what_an_expansion_brought_is_given_only_to_who_expands(tmp_path: Path) -> None:
    found = collection(tmp_path, entry("expanded", EXPANDED, 150, 100))

    assert given(found, max_results="100") is None
    assert given(found, max_results="100", expansions="referenced_tweets.id") == "expanded.gz"


def test_recordings_that_fit_are_given_in_turn(tmp_path: Path) -> None:
    url = f"https://api.x.com{SEARCH}?query="
    found = collection(tmp_path, entry("a", url + "a", 9, 9), entry("b", url + "b", 8, 8))

    assert [given(found, max_results="10") for _ in range(3)] == ["a.gz", "b.gz", "a.gz"]


def test_a_look_up_is_never_answered_with_another_ones_posts(tmp_path: Path) -> None:
    found = collection(tmp_path, entry("ids", "https://api.x.com/2/tweets?ids=1,2", 2, 2))

    assert found.answer("GET", "/2/tweets?ids=3", Query("/2/tweets", {"ids": "3"})) is None


def test_errors_and_bodies_without_their_question_are_left_out(tmp_path: Path) -> None:
    url = f"https://api.x.com{SEARCH}"
    found = collection(
        tmp_path,
        entry("error", url, 0, 0, status=429),
        entry("lost", None, 5, 5),
        entry("form", url, 5, 5, request_body="id=1"),
    )

    assert found.all == ()


@pytest.mark.parametrize("family", ["/2/", "/1.1/"])
def test_the_real_collection_can_be_read(family: str) -> None:
    found = [one for one in recordings().all if one.query.path.startswith(family)]

    assert len(found) > 20
    assert all(one.content() is not None for one in found[:20])
