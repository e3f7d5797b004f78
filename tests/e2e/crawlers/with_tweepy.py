"""A crawler on `tweepy.Client`, as its documentation shows it: it waits on rate limits itself."""

from __future__ import annotations

import logging
import sys

import tweepy  # type: ignore[import-untyped]  # it ships none


class Refusals(logging.Handler):
    """Counts the waits that tweepy logs."""

    count = 0

    def emit(self, record: logging.LogRecord) -> None:
        """Count one."""
        self.count += record.getMessage().startswith("Rate limit exceeded")


def main(pages: int) -> None:
    refusals = Refusals()
    logging.getLogger("tweepy.client").addHandler(refusals)
    client = tweepy.Client("a-token-of-the-demo", wait_on_rate_limit=True)
    found = tweepy.Paginator(
        client.search_recent_tweets, "rain", max_results=100, limit=pages
    ).flatten()
    sys.stdout.write(f"{sum(1 for _ in found)} {refusals.count}\n")


main(int(sys.argv[1]))
