"""The platform's bodies hold exactly the posts that it says it made."""

from __future__ import annotations

from typing import Any

import pytest

from governor.demo.bodies import NEWEST, OPERATIONS, Body, Query, Spelling, generate

EXPANSIONS = (
    "author_id,referenced_tweets.id,edit_history_tweet_ids,attachments.media_source_tweet,"
    "pinned_tweet_id,most_recent_tweet_id"
)
REQUESTS: tuple[tuple[str, str, dict[str, str]], ...] = (
    ("GET", "/2/tweets/search/recent", {"max_results": "100"}),
    ("GET", "/2/tweets/search/all", {"max_results": "500", "next_token": "page3"}),
    ("GET", "/2/tweets/counts/recent", {}),
    ("GET", "/2/tweets", {"ids": ",".join(str(NEWEST - place) for place in range(100))}),
    ("GET", f"/2/tweets/{NEWEST - 1}", {}),
    ("GET", "/2/users/7/tweets", {"max_results": "50"}),
    ("GET", "/2/users/7/liked_tweets", {}),
    ("GET", "/2/lists/7/tweets", {}),
    ("GET", "/2/users/by", {"usernames": "ada,grace"}),
    ("GET", "/2/users/by/username/ada", {}),
    ("GET", "/2/users/7", {}),
    ("GET", "/2/users", {"ids": "1,2,3"}),
    ("POST", "/2/oauth2/token", {}),
    ("GET", "/1.1/search/tweets.json", {"count": "100"}),
    ("GET", "/1.1/statuses/user_timeline.json", {"count": "200", "max_id": "900000000"}),
    ("GET", "/1.1/statuses/lookup.json", {"id": "30000000,30000001,30000002"}),
    ("POST", "/1.1/statuses/lookup.json", {"id": "30000000"}),
    ("GET", "/1.1/statuses/show.json", {"id": "30000000"}),
    ("GET", "/1.1/application/rate_limit_status.json", {}),
)


def posts_in(content: Any) -> int:  # noqa: ANN401  # JSON
    """Count by reading: an object with a post's text and number is a post, wherever it stands."""
    if isinstance(content, list):
        return sum(posts_in(item) for item in content)
    if not isinstance(content, dict):
        return 0
    is_post = {"id", "text"} <= content.keys() or {"id_str", "full_text"} <= content.keys()
    return is_post + sum(posts_in(item) for item in content.values())


def ask(method: str, path: str, **values: str) -> Body:
    return generate(method, Query(path, values))


@pytest.mark.parametrize("spelling", ["tweets", "posts"])
@pytest.mark.parametrize("expansions", ["", EXPANSIONS])
@pytest.mark.parametrize(("method", "path", "values"), REQUESTS)
def test_as_many_posts_were_made_as_can_be_read(
    method: str, path: str, values: dict[str, str], expansions: str, spelling: Spelling
) -> None:
    body = generate(method, Query(path, {**values, "expansions": expansions}), spelling)

    assert body.status == 200
    assert body.posts == posts_in(body.content)


def test_every_operation_is_among_those_requests() -> None:
    asked = {generate(method, Query(path, values)).operation for method, path, values in REQUESTS}

    assert {operation.name for operation in OPERATIONS} - asked == set()


def test_expansions_bring_more_posts_than_the_page_size_names() -> None:
    plain = ask("GET", "/2/tweets/search/recent", max_results="100")
    full = ask("GET", "/2/tweets/search/recent", max_results="100", expansions=EXPANSIONS)

    assert plain.posts == 100
    assert 100 < full.posts <= 1200


@pytest.mark.parametrize(
    ("expansion", "most"),
    [
        ("referenced_tweets.id", 2),
        ("edit_history_tweet_ids", 5),
        ("attachments.media_source_tweet", 4),
        ("author_id", 0),
    ],
)
def test_no_post_brings_more_others_than_x_has(expansion: str, most: int) -> None:
    for place in range(200):
        body = ask("GET", f"/2/tweets/{NEWEST - place}", expansions=expansion)

        assert 1 <= body.posts <= 1 + most


@pytest.mark.parametrize("spelling", ["tweets", "posts"])
def test_posts_are_included_under_the_name_of_their_time(spelling: Spelling) -> None:
    query = Query("/2/tweets/search/recent", {"expansions": "referenced_tweets.id"})

    assert list(generate("GET", query, spelling).content["includes"]) == [spelling]


def test_a_page_goes_on_where_the_one_before_ended() -> None:
    first = ask("GET", "/2/tweets/search/recent").content
    second = ask("GET", "/2/tweets/search/recent", next_token=first["meta"]["next_token"]).content

    assert int(second["meta"]["newest_id"]) == int(first["meta"]["oldest_id"]) - 1


def test_an_old_style_page_goes_on_below_max_id() -> None:
    first = ask("GET", "/1.1/search/tweets.json", count="5").content
    after = first["search_metadata"]["next_results"].partition("max_id=")[2].partition("&")[0]
    second = ask("GET", "/1.1/search/tweets.json", count="5", max_id=after).content

    assert second["statuses"][0]["id"] == first["statuses"][-1]["id"] - 1


@pytest.mark.parametrize(
    ("path", "values"),
    [
        ("/2/tweets/search/recent", {"max_results": "101"}),
        ("/2/tweets/search/recent", {"max_results": "9"}),
        ("/2/tweets/search/recent", {"max_results": "ten"}),
        ("/2/tweets/search/recent", {"next_token": "elsewhere"}),
        ("/2/tweets", {}),
        ("/2/tweets", {"ids": ",".join(["1"] * 101)}),
        ("/2/tweets", {"ids": "one"}),
        ("/2/users/by", {"usernames": ",".join(["ada"] * 101)}),
    ],
)
def test_what_x_refuses_is_refused_and_holds_no_post(path: str, values: dict[str, str]) -> None:
    body = generate("GET", Query(path, values))

    assert (body.status, body.posts) == (400, 0)


def test_the_old_interface_makes_a_page_size_fit() -> None:
    assert len(ask("GET", "/1.1/search/tweets.json", count="900").content["statuses"]) == 100


def test_an_unknown_path_is_not_there() -> None:
    body = ask("GET", "/2/weather")

    assert (body.status, body.posts) == (404, 0)


def test_the_same_question_has_the_same_answer() -> None:
    assert ask("GET", "/2/users/7/tweets") == ask("GET", "/2/users/7/tweets")
