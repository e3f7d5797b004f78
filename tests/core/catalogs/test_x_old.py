"""X API v1.1: statuses, users with their latest post, echoes and ids, at all of its hosts.

Numbers are written out a second time, as X's documents and the recorded bodies have them, so that a
slip in the catalog shows up as a difference.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from governor.core.catalog import Body
from tests.core.catalogs.platforms import catalog, counted, form_body, json_body
from tests.fakes.posts import v1_1_body, v1_1_status

if TYPE_CHECKING:
    from governor.core.catalog import Quote

X = catalog("x")
EMPTY = Body("", b"")
# Where it is served: by itself, and to the web client.
OLD = [("api.x.com", "/1.1"), ("api.twitter.com", "/1.1"), ("x.com", "/i/api/1.1")]


def old(path: str, method: str = "GET", body: Body | None = EMPTY) -> Quote:
    """Return the quote of a request, the same wherever it is served."""
    (found,) = {X.quote(method, host, base + path, body) for host, base in OLD}
    return found


@pytest.mark.parametrize(
    ("path", "default", "most"),
    [
        ("/search/tweets.json", 15, 100),
        ("/statuses/user_timeline.json", 20, 200),
        ("/statuses/home_timeline.json", 20, 200),
        ("/statuses/mentions_timeline.json", 20, 200),
        ("/favorites/list.json", 20, 200),
        ("/lists/statuses.json", 20, 200),
        ("/statuses/retweets_of_me.json", 20, 100),
        ("/statuses/retweets/20.json", 100, 100),
        ("/collections/entries.json", 20, 200),
    ],
)
def test_a_page_of_statuses_brings_up_to_four_objects_each(
    path: str, default: int, most: int
) -> None:
    for query, items in (("", default), ("count=1", 1), (f"count={most}", most), ("count=0", most)):
        found = old(f"{path}?{query}&trim_user=true&tweet_mode=extended")
        assert (found.asked, found.price, found.has_ceiling) == (items, 4 * items, True)


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/statuses/show.json?id=20"),
        ("GET", "/statuses/show/20.json"),
        ("POST", "/statuses/update.json"),
        ("POST", "/statuses/destroy/20.json"),
        ("POST", "/statuses/retweet/20.json"),
        ("POST", "/statuses/unretweet/20.json"),
        ("POST", "/favorites/create.json"),
        ("POST", "/favorites/destroy.json"),
    ],
)
def test_one_status_and_the_echo_of_a_write(method: str, path: str) -> None:
    found = old(path, method)

    assert (found.kind, found.asked, found.price) == ("posts", 1, 4)
    assert counted(found, v1_1_status(1, quoted_status=v1_1_status(2))) == 2


def test_statuses_are_looked_up_by_the_ids_of_the_query_or_the_form() -> None:
    path = "/statuses/lookup.json"
    for found, ids in (
        (old(f"{path}?id=1,2,3&map=true"), 3),
        (old(path, "POST", form_body("id=1%2C2%2C3&map=true")), 3),
        (old(f"{path}?id=1", "POST", form_body("id=2,3")), 3),
        (old(path, "POST", form_body("id=1,2&id=3")), 3),
        (old(path, "POST", form_body("id=1,,2")), 100),
        (old(path, "POST", json_body({"id": "1,2"})), 100),
        (old(path, "POST", None), 100),
    ):
        assert (found.asked, found.ids, found.price) == (ids, ids, 4 * ids)
    assert counted(old(path), {"id": {"1": v1_1_status(1), "2": None}}) == 1


@pytest.mark.parametrize(
    ("method", "path", "default", "most"),
    [
        ("GET", "/users/lookup.json", 100, 100),
        ("GET", "/users/show.json", 1, 1),
        ("GET", "/users/search.json", 20, 20),
        ("GET", "/followers/list.json", 20, 200),
        ("GET", "/friends/list.json", 20, 200),
        ("GET", "/lists/members.json", 20, 5000),
        ("GET", "/lists/subscribers.json", 20, 5000),
        ("GET", "/blocks/list.json", 20, 5000),
        ("GET", "/account/verify_credentials.json", 1, 1),
        ("POST", "/friendships/create.json", 1, 1),
        ("POST", "/friendships/destroy.json", 1, 1),
        ("POST", "/blocks/create.json", 1, 1),
        ("POST", "/account/update_profile.json", 1, 1),
    ],
)
def test_users_come_with_their_latest_post(method: str, path: str, default: int, most: int) -> None:
    """The post, what it reposts, and what that quotes, unless skip_status says otherwise."""
    assert (old(path, method).asked, old(path, method).price) == (0, 3 * default)
    assert old(f"{path}?count=99999", method).price == 3 * (most if most > 100 else default)
    for said in ("true", "t", "1"):
        assert old(f"{path}?skip_status={said}", method).price == 0
    for said in ("false", "TRUE", "0", "", "true&skip_status=false", "true%00"):
        assert old(f"{path}?skip_status={said}", method).price == 3 * default
    user = {"id_str": "7", "created_at": "now", "status": v1_1_body(["retweet"])[0]}
    assert counted(old(path, method), {"users": [user, {"id_str": "8"}]}) == 2


@pytest.mark.parametrize(
    "path",
    [
        *("/friends/ids.json", "/followers/ids.json", "/statuses/retweeters/ids.json"),
        *("/trends/place.json", "/friendships/show.json", "/geo/id/df51dec6f4ee2b2c.json"),
        *("/application/rate_limit_status.json", "/help/languages.json", "/account/settings.json"),
    ],
)
def test_ids_and_settings_of_old_are_free_with_the_reason(path: str) -> None:
    found = old(path)

    assert (found.kind, found.price) == ("free", 0)
    assert "no post" in found.reason


def test_lists_and_messages_of_old_cost_nothing_and_are_counted() -> None:
    for path in (
        "/lists/list.json",
        "/lists/memberships.json",
        "/direct_messages/events/list.json",
    ):
        assert (old(path).kind, old(path).price) == ("posts", 0)


def test_a_direct_message_of_old_is_no_post() -> None:
    found = old("/direct_messages.json")

    assert counted(found, [v1_1_status(1, recipient_id=7)]) == 0


def test_a_collection_keeps_its_posts_by_id() -> None:
    answer = {"objects": {"tweets": {"1": v1_1_status(1)}, "users": {"7": {}}}, "response": {}}

    assert counted(old("/collections/entries.json"), answer) == 1


def test_a_message_to_the_web_client_is_no_post_but_the_one_that_it_shares_is() -> None:
    """It shows the shared post whole, so some are held for whoever reads messages."""
    found = X.quote("GET", "x.com", "/i/api/1.1/dm/inbox_initial_state.json")
    said = {"id": "1", "time": "1", "text": "hi", "sender_id": "2", "recipient_id": "3"}
    shared = {**said, "attachment": {"tweet": {"id": "9", "status": v1_1_status(9)}}}

    assert (found.asked, found.price, found.has_ceiling) == (0, 20, False)
    assert counted(found, {"entries": [{"message": {"message_data": said}}]}) == 0
    assert counted(found, {"entries": [{"message": {"message_data": shared}}]}) == 1


def test_users_may_be_named_both_ways_at_once() -> None:
    for method in ("GET", "POST"):
        assert old("/users/lookup.json?user_id=1,2", method).price == 6
        assert old("/users/lookup.json?screen_name=a,b&user_id=1", method).price == 300
    form = form_body("user_id=1&screen_name=a,b")
    assert old("/users/lookup.json", "POST", form).price == 300
