"""The lenient platform makes something of what others would refuse."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.fakes.lenient import Lenient
from tests.fakes.shooting import Shot, fire

if TYPE_CHECKING:
    from pathlib import Path

FOLLOWING = "/2/users/12/following"
PINNED = "max_results=900&expansions=pinned_tweet_id"


@pytest.mark.parametrize(
    ("shot", "posts"),
    [
        (Shot(), 100),
        (Shot(query=""), 10),
        (Shot(query="max_results=5&max_results=60"), 60),
        (Shot(query="max_results=5;max%255Fresults=%D9%A6%D9%A0"), 60),
        (Shot(query="Max-Results[]=0x10"), 16),
        (Shot(query="max_results=1e2"), 100),
        (Shot("/2/tweets", "ids=1,2,3"), 3),
        (Shot("/x/..;a/2//tweets/./search%2frecent%00.css"), 100),
        (Shot("/2%5CTWEETS/search/recent;a=b/"), 100),
        (Shot("/a/%c0%ae%c0%ae/2/tweets/search/recent"), 100),
        (Shot(FOLLOWING, PINNED), 900),
        (Shot(FOLLOWING, PINNED, method="POST"), 0),
        (Shot(FOLLOWING, f"{PINNED}&_method=get", method="POST"), 900),
        (Shot(FOLLOWING, PINNED, method="POST", body="%5Fmethod=GET"), 900),
        (Shot(FOLLOWING, PINNED, method="POST", fields=("X-HTTP-Method: GET",)), 900),
        (Shot("/2/nothing"), 0),
        (Shot(method="HEAD"), 0),
    ],
    ids=range(17),
)
async def test_it_serves_the_most_that_can_be_read(tmp_path: Path, shot: Shot, posts: int) -> None:
    async with Lenient.serving(tmp_path) as platform:
        statuses = await fire(shot, "straight", platform.port)

        assert platform.delivered == [posts]
    assert statuses == [200 if posts or shot.method == "HEAD" else 404]
