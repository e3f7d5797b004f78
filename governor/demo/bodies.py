"""What the platform answers: bodies in X's shapes, each with the number of posts made into it.

The posts are counted where they are made, one by one, and never by reading the body back: that
would be the method that is under test. Shapes and page sizes are X's own (API v2 specification
2.167, and v1.1 as recorded), written down here a second time on purpose: nothing is shared with
Governor's catalog, so a mistake there shows up as a difference.

A query never runs dry: page after page comes, newest first, each post in it decided by its number
alone, so two readers of the same page get the same posts.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

Spelling = Literal["tweets", "posts"]  # X renamed includes.tweets to includes.posts in 2026
NEWEST = 1_860_000_000_000_000_000  # the first post of every query: a number like X's own
LONGEST_LIST = 100  # ids, or names, in one look-up
RETWEET_EVERY, QUOTE_EVERY, EDIT_EVERY, VIDEO_EVERY = 3, 5, 7, 11  # one post in so many


@dataclass(frozen=True, slots=True)
class Query:
    """A request as the platform reads it: the operation's name and everything it was asked."""

    path: str
    values: Mapping[str, str]

    def items(self, name: str) -> list[str]:
        """Return a comma-separated parameter as a list; absent or empty is an empty list."""
        return [item for item in self.values.get(name, "").split(",") if item]


@dataclass(frozen=True, slots=True)
class Body:
    """An answer before it is sent: its status, what will be JSON, and the posts made into it."""

    operation: str
    status: int
    content: Any
    posts: int


@dataclass(frozen=True, slots=True)
class Operation:
    """One thing that the platform serves; `pages` is its least, default and greatest page size."""

    name: str
    method: str
    path: re.Pattern[str]
    make: Callable[[Made, Query, int], Any]
    pages: tuple[int, int, int] = (1, 1, 1)
    page_parameter: str = "max_results"


class BadQueryError(Exception):
    """The platform does not answer such a request; X calls it 400."""


class Made:
    """The posts of one answer, counted as they are made."""

    def __init__(self, spelling: Spelling) -> None:
        self.posts = 0
        self.spelling = spelling
        self._word = "tweet" if spelling == "tweets" else "post"

    def post(self, number: int, references: list[tuple[str, int]] | None = None) -> dict[str, Any]:
        """Make one post of v2."""
        self.posts += 1
        made: dict[str, Any] = {
            "id": str(number),
            "text": f"Post {number}: rain in the valley, and a heron on the weir.",
            "author_id": str(number % 1_000),
            "created_at": "2026-11-23T12:00:00.000Z",
            f"edit_history_{self._word}_ids": [str(number)],
        }
        if references:
            made[f"referenced_{self.spelling}"] = [
                {"type": kind, "id": str(other)} for kind, other in references
            ]
        return made

    def status(self, number: int, nested: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """Make one post of v1.1, with others inside it."""
        self.posts += 1
        return {
            "created_at": "Mon Nov 23 12:00:00 +0000 2026",
            "id": number,
            "id_str": str(number),
            "full_text": f"Post {number}: rain in the valley, and a heron on the weir.",
            "user": {"id": number % 1_000, "id_str": str(number % 1_000), "name": "A Reader"},
            **(nested or {}),
        }

    def envelope(self, listed: Any, numbers: list[int], query: Query) -> dict[str, Any]:  # noqa: ANN401  # JSON
        """Return a v2 answer around posts already made: includes, as the expansions ask."""
        expansions = query.items("expansions")
        extra = [self.post(other) for number in numbers for other in _expanded(number, expansions)]
        included: dict[str, Any] = {self.spelling: extra} if extra else {}
        if "author_id" in expansions:
            included["users"] = [
                {"id": str(author), "name": "A Reader", "username": f"reader{author}"}
                for author in sorted({number % 1_000 for number in numbers})
            ]
        return {"data": listed, **({"includes": included} if included else {})}


def references(number: int) -> list[tuple[str, int]]:
    """Return what a post refers to: nothing, one post, or two (a reply that quotes)."""
    found = []
    if number % QUOTE_EVERY == 0:
        found.append(("quoted", number - 2_000_000))
    if number % RETWEET_EVERY == 0:
        found.append(("replied_to" if found else "retweeted", number - 1_000_000))
    return found


def _expanded(number: int, expansions: list[str]) -> list[int]:
    """Return the further posts that the expansions bring into includes for one post."""
    found: list[int] = []
    if any(name.startswith("referenced_") for name in expansions):
        found += [other for _, other in references(number)]
    if any(name.startswith("edit_history_") for name in expansions) and number % EDIT_EVERY == 0:
        found.append(number - 3_000_000)
    if "attachments.media_source_tweet" in expansions and number % VIDEO_EVERY == 0:
        found.append(number - 4_000_000)
    return found


def _numbers(text: list[str]) -> list[int]:
    """Read post numbers; the platform refuses a list that is empty, too long or not numbers."""
    if not 1 <= len(text) <= LONGEST_LIST or not all(item.isdecimal() for item in text):
        raise BadQueryError(f"ids: 1 to {LONGEST_LIST} post numbers, comma-separated")
    return [int(item) for item in text]


def page_of_posts(made: Made, query: Query, size: int) -> Any:  # noqa: ANN401  # JSON
    """Answer a v2 search or timeline: one page, and the token of the next."""
    token = query.values.get("next_token") or query.values.get("pagination_token") or "page0"
    if not re.fullmatch(r"page\d{1,9}", token):
        raise BadQueryError("next_token: not one of ours")
    page = int(token.removeprefix("page"))
    numbers = [NEWEST - page * size - place for place in range(size)]
    posts = [made.post(number, references(number)) for number in numbers]
    meta = {
        "result_count": size,
        "newest_id": str(numbers[0]),
        "oldest_id": str(numbers[-1]),
        "next_token": f"page{page + 1}",
    }
    return {**made.envelope(posts, numbers, query), "meta": meta}


def posts_by_ids(made: Made, query: Query, _: int) -> Any:  # noqa: ANN401  # JSON
    """Answer GET /2/tweets?ids: every post that was named."""
    numbers = _numbers(query.items("ids"))
    return made.envelope([made.post(one, references(one)) for one in numbers], numbers, query)


def post_by_id(made: Made, query: Query, _: int) -> Any:  # noqa: ANN401  # JSON
    """Answer GET /2/tweets/{id}."""
    number = _numbers([query.path.rsplit("/", 1)[-1]])[0]
    return made.envelope(made.post(number, references(number)), [number], query)


def users(made: Made, query: Query, _: int) -> Any:  # noqa: ANN401  # JSON
    """Answer a look-up of users: posts only where a pinned or latest one is expanded."""
    names = query.items("usernames") or query.items("ids") or [query.path.rsplit("/", 1)[-1]]
    if len(names) > LONGEST_LIST:
        raise BadQueryError(f"at most {LONGEST_LIST} users in one request")
    found = [
        {"id": str(place), "name": "A Reader", "username": name}
        for place, name in enumerate(names, start=1)
    ]
    wanted = [name for name in query.items("expansions") if name.startswith(("pinned", "most"))]
    extra = [made.post(NEWEST - place) for place in range(len(names) * len(wanted))]
    one = query.path.startswith("/2/users/") and query.path != "/2/users/by"
    included = {"includes": {made.spelling: extra}} if extra else {}
    return {"data": found[0] if one else found, **included}


def counts(_: Made, __: Query, ___: int) -> Any:  # noqa: ANN401  # JSON
    """Answer GET /2/tweets/counts/recent: numbers of posts, and no post."""
    hour = {"start": "2026-11-23T12:00:00.000Z", "end": "2026-11-23T13:00:00.000Z"}
    return {"data": [{**hour, "tweet_count": 417}], "meta": {"total_tweet_count": 417}}


def _statuses(made: Made, query: Query, size: int) -> list[dict[str, Any]]:
    newest = query.values.get("max_id", str(NEWEST))
    return [_status(made, number) for number in range(_numbers([newest])[0], 0, -1)[:size]]


def _status(made: Made, number: int) -> dict[str, Any]:
    """Make a v1.1 post; a retweet of a quote repeats the quoted post at its own level."""
    nested: dict[str, Any] = {}
    if number % QUOTE_EVERY == 0:
        nested["quoted_status"] = made.status(number - 2_000_000)
    if number % RETWEET_EVERY == 0:
        inner = {"quoted_status": made.status(number - 2_000_000)} if nested else {}
        nested["retweeted_status"] = made.status(number - 1_000_000, inner)
    return made.status(number, nested)


def search_v1(made: Made, query: Query, size: int) -> Any:  # noqa: ANN401  # JSON
    """Answer GET /1.1/search/tweets.json; the next page is older than `max_id`."""
    found = _statuses(made, query, size)
    following = f"?max_id={found[-1]['id'] - 1}&q=rain&count={size}"
    return {"statuses": found, "search_metadata": {"next_results": following, "count": size}}


def lookup_v1(made: Made, query: Query, _: int) -> Any:  # noqa: ANN401  # JSON
    """Answer statuses/lookup, GET or POST."""
    return [_status(made, number) for number in _numbers(query.items("id"))]


def show_v1(made: Made, query: Query, _: int) -> Any:  # noqa: ANN401  # JSON
    """Answer statuses/show.json?id=N."""
    return _status(made, _numbers([query.values.get("id", "")])[0])


def limits_v1(_: Made, __: Query, ___: int) -> Any:  # noqa: ANN401  # JSON
    """Answer application/rate_limit_status: no post in it."""
    search = {"limit": 450, "remaining": 450, "reset": 1_795_460_900}
    return {"resources": {"search": {"/search/tweets": search}}}


def sign_in(_: Made, __: Query, ___: int) -> Any:  # noqa: ANN401  # JSON
    """Answer oauth2/token. The word is not a secret: this platform opens to everybody."""
    return {"token_type": "bearer", "access_token": "a-token-of-the-demo"}


def _operation(
    name: str,
    path: str,
    make: Callable[[Made, Query, int], Any],
    **more: Any,  # noqa: ANN401  # passed on
) -> Operation:
    return Operation(name, more.pop("method", "GET"), re.compile(path), make, **more)


_V1_PAGES = {"page_parameter": "count"}
OPERATIONS = (
    _operation("search/recent", "/2/tweets/search/recent", page_of_posts, pages=(10, 10, 100)),
    _operation("search/all", "/2/tweets/search/all", page_of_posts, pages=(10, 10, 500)),
    _operation("counts", "/2/tweets/counts/(recent|all)", counts),
    _operation("tweets", "/2/tweets", posts_by_ids),
    _operation("tweet", r"/2/tweets/\d+", post_by_id),
    _operation("user/tweets", r"/2/users/\d+/(tweets|mentions)", page_of_posts, pages=(5, 10, 100)),
    _operation("user/liked", r"/2/users/\d+/liked_tweets", page_of_posts, pages=(5, 100, 100)),
    _operation("list/tweets", r"/2/lists/\d+/tweets", page_of_posts, pages=(1, 100, 100)),
    _operation("users", r"/2/users(/by(/username/\w+)?|/\d+)?", users),
    _operation("token", "/(2/oauth2|oauth2)/token", sign_in, method="POST"),
    _operation(
        "v1/search", r"/1\.1/search/tweets\.json", search_v1, pages=(1, 15, 100), **_V1_PAGES
    ),
    _operation(
        "v1/timeline",
        r"/1\.1/statuses/(user|home|mentions)_timeline\.json",
        _statuses,
        pages=(1, 20, 200),
        **_V1_PAGES,
    ),
    _operation("v1/lookup", r"/1\.1/statuses/lookup\.json", lookup_v1),
    _operation("v1/lookup", r"/1\.1/statuses/lookup\.json", lookup_v1, method="POST"),
    _operation("v1/show", r"/1\.1/statuses/show\.json", show_v1),
    _operation("v1/limits", r"/1\.1/application/rate_limit_status\.json", limits_v1),
)


def find(method: str, path: str) -> Operation | None:
    """Return the operation that a request is, or None: X answers those with 404."""
    for operation in OPERATIONS:
        if operation.method == method and operation.path.fullmatch(path):
            return operation
    return None


def page_size(operation: Operation, query: Query) -> int:
    """Return the page size asked for. v2 refuses one out of range; v1.1 makes it fit, as X does."""
    least, default, most = operation.pages
    text = query.values.get(operation.page_parameter, str(default))
    if not text.isdecimal():
        raise BadQueryError(f"{operation.page_parameter}: a whole number")
    if operation.page_parameter == "count":
        return max(least, min(int(text), most))
    if not least <= int(text) <= most:
        raise BadQueryError(f"{operation.page_parameter}: {least} to {most}")
    return int(text)


def problem(operation: str, status: HTTPStatus, detail: str) -> Body:
    """Return an error in X's own form (RFC 9457); there is never a post in one."""
    content = {
        "title": status.phrase,
        "status": int(status),
        "detail": detail,
        "type": "about:blank",
    }
    return Body(operation, int(status), content, posts=0)


def generate(method: str, query: Query, spelling: Spelling = "tweets") -> Body:
    """Answer a request with posts made for it."""
    operation = find(method, query.path)
    if operation is None:
        return problem("none", HTTPStatus.NOT_FOUND, f"There is no {query.path} here.")
    made = Made(spelling)
    try:
        content = operation.make(made, query, page_size(operation, query))
    except BadQueryError as error:
        return problem(operation.name, HTTPStatus.BAD_REQUEST, str(error))
    return Body(operation.name, int(HTTPStatus.OK), content, made.posts)
