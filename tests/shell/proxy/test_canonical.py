"""What is classified is what is forwarded, so a path has one spelling."""

from __future__ import annotations

import pytest

from governor.errors import BadRequestError
from governor.proxy.canonical import check_canonical


@pytest.mark.parametrize(
    "target",
    [
        "/",
        "/2/tweets/search/recent?query=a//b/../c%2e%zz",
        "/a%7Cb",
        "/a;b",
        "/i/api/x..y",
        "/%C3%BC",
    ],
)
def test_an_honest_path_is_canonical(target: str) -> None:
    check_canonical(target)


@pytest.mark.parametrize(
    "path",
    [
        *("//2/tweets", "/2//tweets", "/./2", "/2/..", "/x/../2/tweets", "/..;/2", "/2/.;a=b/c"),
        *(
            "/2/%74weets",
            "/%2e%2e/2",
            "/2%2Ftweets",
            "/2%5ctweets",
            "/2%252Ftweets",
            "/%00",
            "/%0a",
        ),
        *("/%7f", "/%", "/%2", "/%zz", "/% 1", "/%+1", "/%7Euser", "/%41"),
    ],
)
def test_a_path_with_a_second_spelling_is_refused(path: str) -> None:
    with pytest.raises(BadRequestError):
        check_canonical(path)
    with pytest.raises(BadRequestError):
        check_canonical(f"{path}?a=b")
