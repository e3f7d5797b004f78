"""Bodies in the shapes of X, made to order, for tests that know how many posts they hold."""

from __future__ import annotations

import json
from typing import Any


def encoded(body: object) -> bytes:
    """Return a body as the platform would send it."""
    return json.dumps(body, separators=(",", ":")).encode()


def v2_post(number: int) -> dict[str, Any]:
    """Make a v2 post with what is easily taken for another one inside."""
    return {
        "id": str(number),
        "text": f'"text": "id": {number} \\ "',
        "author_id": "7",
        "entities": {"mentions": [{"id": "7", "username": "text"}]},
        "referenced_tweets": [{"type": "quoted", "id": "8"}],
    }


def v2_body(gained: list[int], includes: str = "tweets") -> dict[str, Any]:
    """Make a page of one post per number, each bringing so many more in the includes."""
    return {
        "data": [v2_post(number) for number in range(len(gained))],
        "includes": {
            includes: [v2_post(1000 + number) for number in range(sum(gained))],
            "users": [{"id": "7", "name": "text", "username": "id"}],
            "media": [{"media_key": "3_1", "type": "photo"}],
        },
        "errors": [{"value": "9", "detail": "not found", "resource_id": "9"}],
        "meta": {"result_count": len(gained)},
    }


def v1_1_status(number: int, **nested: object) -> dict[str, Any]:
    """Make a v1.1 status with its author, who has an id_str and a created_at too."""
    return {
        "created_at": "Wed Oct 10 20:19:24 +0000 2018",
        "id": number,
        "id_str": str(number),
        "full_text": "hello",
        "entities": {"hashtags": [{"text": "id_str", "indices": [0, 1]}]},
        "user": {"id_str": "7", "created_at": "Wed Oct 10 20:19:24 +0000 2018"},
        **nested,
    }


def v1_1_body(kinds: list[str]) -> list[dict[str, Any]]:
    """Make statuses of these kinds, nested as X nests them."""
    quoted = {"quoted_status": v1_1_status(2)}
    nested: dict[str, dict[str, Any]] = {
        "plain": {},
        "quote": quoted,
        "retweet": {"retweeted_status": v1_1_status(3)},
        "retweet of a quote": {"retweeted_status": v1_1_status(3, **quoted), **quoted},
    }
    return [v1_1_status(number, **nested[kind]) for number, kind in enumerate(kinds)]


def graphql_post(number: int, **nested: object) -> dict[str, Any]:
    """Make a GraphQL post with its v1.1 self, and its long text, inside."""
    note = {"id": "n", "text": "long", "entity_set": {}}
    return {
        "__typename": "Tweet",
        "rest_id": str(number),
        "core": {"user_results": {"result": {"rest_id": "7", "legacy": {"name": "text"}}}},
        "legacy": v1_1_status(number),
        "note_tweet": {"note_tweet_results": {"result": note}},
        "quotedRefResult": {"result": {"__typename": "Tweet", "rest_id": "8"}},
        **nested,
    }
