"""A crawler on Scrapy, with its own settings: it never reads Retry-After, so it must be held."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import scrapy
from scrapy.crawler import CrawlerProcess
from scrapy.http import Response, TextResponse

if TYPE_CHECKING:
    from collections.abc import Iterator

URL = "https://api.x.com/2/tweets/search/recent?query=rain&max_results=100"


class Searching(scrapy.Spider):
    """Follows the search from page to page."""

    name = "searching"
    start_urls = [URL]  # noqa: RUF012  # scrapy wants a list
    pages = 0
    posts = 0

    def parse(self, response: Response, *_: Any, **__: Any) -> Iterator[scrapy.Request]:  # noqa: ANN401  # scrapy's
        """Count a page and go on to the next."""
        assert isinstance(response, TextResponse)
        page = response.json()
        type(self).posts += len(page["data"])
        type(self).pages -= 1
        if self.pages:
            yield scrapy.Request(f"{URL}&next_token={page['meta']['next_token']}")


def main(pages: int) -> None:
    Searching.pages = pages
    process = CrawlerProcess({"LOG_LEVEL": "WARNING"})
    process.crawl(Searching)
    process.start()
    sys.stdout.write(f"{Searching.posts} 0\n")


main(int(sys.argv[1]))
