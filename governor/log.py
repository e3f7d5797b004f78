"""What Governor writes: one canonical line per exchange, and what an operator must know.

JSON for machines, console for people; RFC 3339 in UTC. A line is made of names and numbers that
Governor made itself (core/record.py), so nothing of a request can reach it; what libraries say goes
through the same renderer, shortened and without control characters, and never with a traceback.

A line that cannot be written is lost, and nothing else is: the journal is the record of what was
collected, and a full disk or a closed pipe behind standard error must not end an exchange.
"""

from __future__ import annotations

import contextlib
import logging
import re
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, Final, Literal

import structlog

from governor.clock import utc

if TYPE_CHECKING:
    from collections.abc import Callable, MutableMapping
    from typing import TextIO

    from governor.clock import Clock
    from governor.core.record import ExchangeRecord

LONGEST: Final = 400  # characters of one value; our own sentences are shorter
# Controls, and what makes a terminal show text in another order or on another line than it is.
CONTROL: Final = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]")
QUIET: Final = {"reason", "unreadable", "drift", "raised"}  # left out of a line when empty
LEVELS: Final = {"debug": 10, "info": 20, "warning": 30, "error": 40}


class Log:
    """Governor's log on one stream."""

    def __init__(
        self,
        stream: TextIO,
        clock: Clock,
        *,
        style: Literal["auto", "json", "console"] = "auto",
        level: str = "info",
    ) -> None:
        as_json = style == "json" or (style == "auto" and not stream.isatty())
        self._logger = structlog.wrap_logger(
            _Lines(stream),
            processors=[
                _stamp(clock),
                _tame,
                structlog.processors.JSONRenderer()
                if as_json
                else structlog.dev.ConsoleRenderer(colors=stream.isatty()),
            ],
            wrapper_class=structlog.make_filtering_bound_logger(LEVELS[level]),
            cache_logger_on_first_use=True,
        )
        root = logging.getLogger()
        root.handlers[:] = [_Forward(self)]
        root.setLevel(logging.WARNING)

    def exchange(self, record: ExchangeRecord) -> None:
        """Write the one line of an exchange, and a warning if its answer was not as expected."""
        facts = {
            name: value for name, value in asdict(record).items() if value or name not in QUIET
        }
        self._logger.info("exchange", **facts)
        if record.drift:
            self.warning(
                "schema drift",
                contract=record.contract,
                operation=record.operation,
                found=record.drift,
                charged=record.charged,
            )

    def info(self, event: str, **facts: object) -> None:
        """Write what an operator may want to know."""
        self._logger.info(event, **facts)

    def warning(self, event: str, **facts: object) -> None:
        """Write what an operator should look at."""
        self._logger.warning(event, **facts)

    def error(self, event: str, **facts: object) -> None:
        """Write what an operator must act on."""
        self._logger.error(event, **facts)

    def task_failed(self, name: str, error: BaseException) -> None:
        """Write that a background task died: by its type, since a message may quote a request."""
        self._logger.error("task failed", task=name, error=type(error).__name__)


class _Lines:
    """One stream of whole lines. Each level has its method, as structlog calls them."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def msg(self, line: str) -> None:
        """Write one line, at once; lose it if the stream is gone."""
        with contextlib.suppress(OSError, ValueError):  # ValueError: it was closed here
            self._stream.write(line + "\n")
            self._stream.flush()

    debug = info = warning = error = msg


class _Forward(logging.Handler):
    """What libraries log, by the same renderer."""

    def __init__(self, log: Log) -> None:
        super().__init__()
        self._log = log

    def emit(self, record: logging.LogRecord) -> None:
        kind = record.exc_info[0] if record.exc_info else None
        facts = {"error": kind.__name__} if kind else {}
        # The template and not its arguments, and its first line only, because asyncio adds the
        # failed task in others: either may hold what a crawler sent.
        template = record.msg if isinstance(record.msg, str) else type(record.msg).__name__
        said = template.partition("\n")[0]
        self._log.warning("library", logger=record.name, said=said, **facts)


def _stamp(clock: Clock) -> Callable[..., MutableMapping[str, Any]]:
    def stamp(_: object, level: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
        return {"time": utc(clock.wall_ms()), "level": level, **event}

    return stamp


def _tame(_: object, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Shorten every text and take control characters out: no line can forge another."""
    return {name: _tamed(value) for name, value in event.items()}


def _tamed(value: object) -> object:
    if value is None or isinstance(value, int | float):
        return value
    return CONTROL.sub("?", str(value)[:LONGEST])
