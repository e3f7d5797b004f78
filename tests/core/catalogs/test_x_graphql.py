"""GraphQL of X's web client is known by the operation's name: not by query id, host or prefix.

The lists are the operations of the clients that researchers use, as their sources name them.
"""

from __future__ import annotations

import json
import random
import string
from urllib.parse import quote as escaped

import pytest
from hypothesis import given
from hypothesis import strategies as st

from governor.core.catalog import Body
from tests.core.catalogs.platforms import catalog, counted, form_body, json_body

X = catalog("x")
EMPTY = Body("", b"")

WITH_POSTS = {
    "twscrape": "SearchTimeline ListLatestTweetsTimeline Bookmarks GenericTimelineById UserTweets"
    " UserTweetsAndReplies UserMedia CommunityTweetsTimeline TweetDetail",
    "gallery-dl": "UserTweets UserTweetsAndReplies UserHighlightsTweets UserMedia Likes Bookmarks"
    " CommunityTweetsTimeline CommunityMediaTimeline CommunitiesMainPageTimeline HomeTimeline"
    " HomeLatestTimeline ListLatestTweetsTimeline TweetDetail TweetResultByRestId SearchTimeline",
    "nitter": "UserWithProfileTweetsQueryV2 UserWithProfileTweetsAndRepliesQueryV2 UserTweets"
    " UserTweetsAndReplies UserMedia MediaTimelineV2 ConversationTimeline TweetDetail"
    " TweetResultByIdQuery TweetEditHistory SearchTimeline ListTimeline CommunityTweetsTimeline"
    " CommunityMediaTimeline CommunityHashtagsTimeline TweetResultByRestId TweetResultsByRestIds"
    " AudioSpaceById",
    "snscrape": "SearchTimeline UserTweetsAndReplies TweetDetail ModeratedTimeline"
    " CommunityTweetsTimeline",
    "twikit": "SearchTimeline SimilarPosts HomeTimeline HomeLatestTimeline Bookmarks"
    " BookmarkFolderTimeline UserTweets UserTweetsAndReplies UserMedia UserHighlightsTweets Likes"
    " ListLatestTweetsTimeline TweetDetail TweetResultByRestId TweetResultsByRestIds"
    " CommunitiesMainPageTimeline CommunityTweetSearchModuleQuery CreateTweet CreateNoteTweet"
    " CreateRetweet DeleteRetweet FetchScheduledTweets BirdwatchFetchOneNote",
    "FxEmbed": "TweetResultByRestId TweetResultsByRestIds TweetResultsByIds TweetResultsByIdsQuery"
    " TweetResultByIdQuery TweetDetail ConversationTimeline SearchTimeline ExplorePage"
    " GenericTimelineById UserTweets UserMedia UserTweetsAndReplies UserArticlesTweets"
    " ProfileTimeline ProfileArticlesTimeline ProfileWithRepliesTimeline",
    "the web client": "NotificationsTimeline BookmarkSearchTimeline ListSearchTimeline"
    " CommunitiesExploreTimeline",
}
WITHOUT_POSTS = {
    "twscrape": "AboutAccountQuery BlueVerifiedFollowers CommunityQuery Followers Following"
    " ListMembers Retweeters UserByRestId UserByScreenName UserCreatorSubscriptions"
    " membersSliceTimeline_Query moderatorsSliceTimeline_Query",
    "nitter": "UserResultByScreenNameQuery ListByRestId ListBySlug BroadcastQuery",
    "twikit": "FavoriteTweet UnfavoriteTweet CreateBookmark DeleteBookmark BookmarksAllDelete"
    " bookmarkTweetToFolder BookmarkFoldersSlice createBookmarkFolder EditBookmarkFolder"
    " DeleteBookmarkFolder DeleteTweet CreateScheduledTweet DeleteScheduledTweet CreateList"
    " UpdateList EditListBanner DeleteListBanner ListAddMember ListRemoveMember ListSubscribers"
    " ListsManagementPageTimeline Favoriters FollowersYouKnow JoinCommunity LeaveCommunity"
    " RequestToJoinCommunity CommunitiesSearchQuery AddParticipantsMutation"
    " DMMessageDeleteMutation useDMReactionMutationAddMutation"
    " useDMReactionMutationRemoveMutation",
    "FxEmbed": "UserResultByScreenName UserResultByRestId UserProfileAbout RetweetersTimeline"
    " FollowersByUserIDTimeline FollowingByUserIDTimeline",
    "snscrape": "UsersByRestIds CommunitiesFetchOneQuery",
}
HOSTS = (
    *("x.com", "api.x.com", "twitter.com", "api.twitter.com", "mobile.twitter.com"),
    *("mobile.x.com", "www.x.com", "new.x.com"),
)
PREFIXES = ("/i/api/graphql", "/graphql", "/graphql", "/i/api/2/graphql", "/new/way/to/graphql")
TIMELINE = "graphql_user_tweets"
MIXED = {  # trends, users and what others did, and posts among them
    *("ExplorePage", "ForYouExplore", "GenericTimelineById", "NotificationsTimeline"),
    *("ConnectTabTimeline", "NoteworthyAccountsPage"),
}
TOO_MANY = escaped('{"count":9999}')


def operations(by_client: dict[str, str]) -> list[str]:
    return sorted({name for names in by_client.values() for name in names.split()})


def ways(name: str) -> list[tuple[str, str, str]]:
    """Return an operation's request at every host and prefix, with query ids that nobody knows."""
    rng = random.Random(f"query ids of {name}")  # noqa: S311  # a seed, not a secret
    letters = string.ascii_letters + string.digits + "-_"
    return [
        (method, host, f"{prefix}/{''.join(rng.choices(letters, k=22))}/{name}")
        for method in ("GET", "POST")
        for host in HOSTS
        for prefix in PREFIXES
    ]


@pytest.mark.parametrize("name", operations(WITH_POSTS))
def test_an_operation_with_posts_is_known_whatever_its_query_id_host_and_prefix(name: str) -> None:
    found = {X.quote(*way, EMPTY) for way in ways(name)}
    (quote,) = found

    assert quote.operation.startswith("graphql_")
    assert quote.kind == "posts"
    assert quote.price >= quote.asked
    assert quote.price > 0


@pytest.mark.parametrize("name", operations(WITHOUT_POSTS))
def test_an_operation_without_posts_costs_nothing_and_is_counted(name: str) -> None:
    """A post in one is found all the same, and recorded as an overrun."""
    (quote,) = {X.quote(*way, EMPTY) for way in ways(name)}

    assert (quote.kind, quote.asked, quote.price) == ("posts", 0, 0)
    assert counted(quote, {"data": {"user": {"pinned": POST}}}) == 1


def test_how_many_operations_are_known() -> None:
    known = {row.request.rpartition("/")[2] for row in X.rows if "/graphql/{query}/" in row.request}
    named = {*operations(WITH_POSTS), *operations(WITHOUT_POSTS)}
    print(f"GraphQL: {len(named & known)} / {len(named)} operations of clients, {len(known)} known")  # noqa: T201  # a figure

    assert named <= known


def test_an_operation_that_nobody_named_is_unknown_and_never_free() -> None:
    quote = X.quote("GET", "x.com", "/i/api/graphql/abc/BrandNewTimeline", EMPTY)
    most = max(row.operation.most for row in X.rows if row.hosts.rank("x.com") is not None)

    assert (quote.kind, quote.price) == ("unknown", most)


def test_a_timeline_is_held_at_twice_what_was_recorded() -> None:
    """186 posts came for a list, at most 53 for any other; 20 items are what clients ask for."""
    large = ("ListLatestTweets", "ListTimeline", "ListRanked", "ListSearch", "HomeTim", "HomeLat")
    for row in X.rows:
        if row.title != "GraphQL timelines":
            continue
        name = row.request.rpartition("/")[2]
        path = f"/graphql/abc/{name}"
        plain = X.quote("GET", "x.com", path, EMPTY)
        most = X.quote("GET", "x.com", f"{path}?variables={TOO_MANY}", EMPTY)

        assert (plain.asked, most.asked) == ((0, 0) if name in MIXED else (20, 100)), name
        assert plain.price == most.price == (200 if name.startswith(large) else 100), name


def test_a_search_for_people_asks_for_no_posts() -> None:
    """Its answer is as long as one with posts, and has none: that is no drift."""
    path = "/i/api/graphql/abc/SearchTimeline"
    for product, asked in (("People", 0), ("Lists", 0), ("Latest", 20), ("people", 20)):
        variables = escaped(f'{{"product":"{product}","count":20}}')
        found = X.quote("GET", "x.com", f"{path}?variables={variables}", EMPTY)
        assert (found.asked, found.price) == (asked, 100), product


# --- Variables: a hint, read wherever they may stand ---------------------------------------------


def asked(variables: str, method: str = "GET") -> int:
    target = f"/i/api/graphql/abc/UserTweets?variables={escaped(variables)}"
    quote = X.quote(method, "x.com", target, EMPTY)
    assert quote.operation == TIMELINE
    assert not quote.has_ceiling
    assert quote.price == 100  # as calibrated, whatever is asked
    return quote.asked


@pytest.mark.parametrize(
    ("variables", "count"),
    [
        ('{"userId":"7","count":40}', 40),
        ('{"userId":"7","count":"40"}', 40),
        ('{"userId":"7"}', 20),
        ('{"userId":"7","count":40,"count":60}', 60),
        ('{"userId":"7","count":-1}', 100),
        ('{"userId":"7","count":4e1}', 100),
        ('{"userId":"7","count":1000}', 100),
        ('{"userId":"7","count":null}', 100),
        ('{"userId":"7","Count":40}', 100),
        ('{"userId":"7","count":[40]}', 100),
        ('["count",40]', 100),
        ("{", 100),
    ],
)
def test_a_count_among_the_variables_is_what_is_asked_and_no_more_than_a_hint(
    variables: str, count: int
) -> None:
    assert asked(variables) == count
    assert asked(variables, "POST") == count


def test_variables_are_read_in_json_and_forms_too() -> None:
    target = "/i/api/graphql/abc/UserTweets"
    for body, count in (
        (json_body({"variables": {"count": 40}, "features": {}}), 40),
        (form_body("variables=%7B%22count%22%3A40%7D"), 40),
        (json_body({"variables": {}}), 20),
        (Body("application/json", None), 100),
        (None, 100),
    ):
        assert X.reads_body("POST", "x.com", target)
        assert X.quote("POST", "x.com", target, body).asked == count


def test_posts_by_id_have_a_ceiling_by_the_ids_that_are_listed() -> None:
    """A repost, the post, the one it quotes, and room for one more: four objects an id."""
    variables = json.dumps({"tweetIds": ["20", "21", "22"]})
    target = f"/graphql/abc/TweetResultsByRestIds?variables={escaped(variables)}"
    quote = X.quote("GET", "api.x.com", target, EMPTY)
    one = X.quote("GET", "api.x.com", "/graphql/abc/TweetResultByRestId", EMPTY)

    assert (quote.asked, quote.ids, quote.price, quote.has_ceiling) == (3, 3, 12, True)
    assert (one.asked, one.ids, one.price, one.has_ceiling) == (1, 1, 4, True)


# --- Shapes --------------------------------------------------------------------------------------

POST = {"__typename": "Tweet", "rest_id": "20", "legacy": {"full_text": "x", "id_str": "20"}}
MOBILE = {"__typename": "Tweet", "rest_id": "20", "details": {"full_text": "x"}}
TOMBSTONE = {"__typename": "TweetTombstone", "tombstone": {"text": {"text": "gone", "rtl": False}}}
HIDDEN = {
    "__typename": "TweetWithVisibilityResults",
    "tweet": {k: POST[k] for k in ("rest_id", "legacy")},
}
REPOST = {**POST, "legacy": {"full_text": "RT", "retweeted_status_result": {"result": POST}}}
QUOTING = {
    **POST,
    "quoted_status_result": {"result": POST},
    "quotedRefResult": {"result": {"__typename": "Tweet", "rest_id": "21"}},
}
SHAPES = [(POST, 1), (MOBILE, 1), (TOMBSTONE, 0), (HIDDEN, 1), (REPOST, 2), (QUOTING, 2), (None, 0)]


@given(items=st.lists(st.sampled_from(SHAPES), max_size=30), promoted=st.booleans())
def test_a_timeline_counts_posts_by_their_text_and_by_their_place_alike(
    *, items: list[tuple[dict[str, object] | None, int]], promoted: bool
) -> None:
    """Advertisements count, references and tombstones do not; both ways agree on every mixture."""
    entries = [
        {
            "content": {
                "itemContent": {
                    "tweet_results": {"result": item} if item else {},
                    **({"promotedMetadata": {"impressionId": "7"}} if promoted else {}),
                }
            }
        }
        for item, _ in items
    ]
    answer = {"data": {"user": {"result": {"timeline": {"instructions": [{"entries": entries}]}}}}}
    quote = X.quote("GET", "x.com", "/i/api/graphql/abc/UserTweets", EMPTY)

    assert counted(quote, answer) == sum(posts for _, posts in items)


@pytest.mark.parametrize(
    ("name", "answer"),
    [
        ("CreateTweet", {"create_tweet": {"tweet_results": {"result": POST}}}),
        ("CreateNoteTweet", {"notetweet_create": {"tweet_results": {"result": POST}}}),
        ("CreateRetweet", {"create_retweet": {"retweet_results": {"result": POST}}}),
        ("DeleteRetweet", {"unretweet": {"source_tweet_results": {"result": POST}}}),
    ],
)
def test_a_write_echoes_its_post_in_a_place_of_its_own(
    name: str, answer: dict[str, object]
) -> None:
    """As twikit reads them."""
    quote = X.quote("POST", "x.com", f"/i/api/graphql/abc/{name}", EMPTY)

    assert (quote.asked, quote.price) == (1, 4)
    assert counted(quote, {"data": answer}) == 1
