"""The real adapters are what an exchange needs, and what passes through it does not change."""

from __future__ import annotations

from dataclasses import FrozenInstanceError
from typing import TYPE_CHECKING

import pytest

from governor.exchange import Request

if TYPE_CHECKING:
    from governor.exchange import Downstream, Upstream
    from governor.exchange.parts import Journal
    from governor.journal import Journal as FileJournal
    from governor.proxy.downstream import Crawler
    from governor.upstream import HttpUpstream


def adapters(
    upstream: HttpUpstream, journal: FileJournal, crawler: Crawler
) -> tuple[Upstream, Journal, Downstream]:
    """Return each as what the exchange takes it for: mypy says whether it is."""
    return upstream, journal, crawler


def test_a_request_stays_as_it_was_admitted() -> None:
    """What was classified and priced is what is sent."""
    request = Request("GET", "https", "api.x.com", 443, "/", (), "j", "tunnel", has_body=False)

    with pytest.raises(FrozenInstanceError):
        request.target = "/2/tweets"  # type: ignore[misc]  # the point of the test
