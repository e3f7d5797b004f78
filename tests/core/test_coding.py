"""An answer that Governor cannot decode costs its full price, so none is asked for."""

from __future__ import annotations

import pytest

from governor.core.coding import countable

OTHERS = (("Authorization", "Bearer abc"), ("Cookie", "a=b"))


@pytest.mark.parametrize(
    ("offered", "asked"),
    [
        (("gzip, deflate, br, zstd",), "gzip"),
        (("br, GZIP;q=0.5",), "gzip"),
        (("x-gzip",), "gzip"),
        (("*",), "gzip"),
        (("br", "gzip"), "gzip"),
        (("gzip;q=0.001",), "gzip"),
        (("gzip;q=0",), "identity"),
        (("gzip; q=0.000",), "identity"),
        (("*, gzip;q=0",), "identity"),
        (("*;q=0",), "identity"),
        (("br, zstd, deflate",), "identity"),
        (("identity",), "identity"),
        (("",), "identity"),
        ((), "identity"),
    ],
)
def test_only_a_coding_that_both_can_read_is_asked_for(
    offered: tuple[str, ...], asked: str
) -> None:
    """Governor reads gzip; a client that does not is given the plain body."""
    fields = tuple(("accept-ENCODING", value) for value in offered)

    assert (*OTHERS, ("Accept-Encoding", asked)) == countable((*fields, *OTHERS))
