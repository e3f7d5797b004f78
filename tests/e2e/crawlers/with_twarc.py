"""A crawler on twarc2: it reads X's rate limit headers itself, and waits at least ten seconds."""

from __future__ import annotations

import logging
import sys
from itertools import islice

from twarc.client2 import Twarc2  # type: ignore[import-untyped]  # it ships none


class Refusals(logging.Handler):
    """Counts the waits that twarc logs."""

    count = 0

    def emit(self, record: logging.LogRecord) -> None:
        """Count one."""
        self.count += record.getMessage().startswith("rate limit exceeded")


def main(pages: int) -> None:
    refusals = Refusals()
    logging.getLogger("twarc").addHandler(refusals)
    client = Twarc2(bearer_token="a-token-of-the-demo", metadata=False)  # noqa: S106  # no secret
    found = islice(client.search_recent("rain", expansions="author_id"), pages)
    sys.stdout.write(f"{sum(len(page['data']) for page in found)} {refusals.count}\n")


main(int(sys.argv[1]))
