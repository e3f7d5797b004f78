"""The log says what happened in lines that nobody outside can shape, and never stops the work."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import pty
import re
from dataclasses import replace
from io import StringIO
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pytest

from governor.core.record import ExchangeRecord
from governor.log import LONGEST, Log
from tests.fakes.clock import FakeClock
from tests.fakes.records import SETTLED

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import TextIO

RECORD: Final = replace(
    SETTLED,
    decision_id="5f0c",
    operation="search.recent",
    way="tunnel",
    received=117,
    charged=117,
    usage=4_217,
    waited_ms=0,
    upstream_ms=231,
    total_ms=236,
    relayed_bytes=48_112,
)


@pytest.fixture(autouse=True)
def _libraries_log_as_before() -> Iterator[None]:
    """Give the root logger back what it had: `Log` takes it over for the whole process."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)


def lines(stream: StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_an_exchange_is_one_line_that_says_all() -> None:
    stream = StringIO()

    Log(stream, FakeClock(), style="json").exchange(RECORD)

    assert lines(stream) == [
        {
            "time": "2026-11-24T00:00:00.000Z",
            "level": "info",
            "event": "exchange",
            "decision_id": "5f0c",
            "contract": "x",
            "job": "elections",
            "operation": "search.recent",
            "way": "tunnel",
            "decision": "allow",
            "outcome": "settled",
            "asked": 100,
            "price": 300,
            "received": 117,
            "charged": 117,
            "overrun": 0,
            "usage": 4_217,
            "status": 200,
            "waited_ms": 0,
            "upstream_ms": 231,
            "total_ms": 236,
            "relayed_bytes": 48_112,
        }
    ]


def test_an_answer_that_was_not_as_expected_is_warned_of_in_numbers() -> None:
    stream = StringIO()

    Log(stream, FakeClock(), style="json").exchange(replace(RECORD, drift="own 4, every 5"))

    line, warning = lines(stream)
    assert line["drift"] == "own 4, every 5"
    assert warning == {
        "time": "2026-11-24T00:00:00.000Z",
        "level": "warning",
        "event": "schema drift",
        "contract": "x",
        "operation": "search.recent",
        "found": "own 4, every 5",
        "charged": 117,
    }


def test_what_could_not_be_counted_is_null_and_not_0() -> None:
    stream = StringIO()
    record = ExchangeRecord(
        **{name: getattr(RECORD, name) for name in RECORD.__slots__}
        | {"received": None, "unreadable": "not_json"}
    )

    Log(stream, FakeClock(), style="json").exchange(record)

    [line] = lines(stream)
    assert (line["received"], line["unreadable"]) == (None, "not_json")


@pytest.mark.parametrize(("style", "is_json"), [("json", True), ("console", False), ("auto", True)])
def test_what_is_no_terminal_gets_json_unless_told(style: Any, is_json: bool) -> None:  # noqa: ANN401, FBT001  # parameters of the test
    stream = StringIO()

    Log(stream, FakeClock(), style=style).info("ready")

    assert stream.getvalue().startswith("{") is is_json


def test_a_terminal_gets_lines_for_people() -> None:
    ours, theirs = pty.openpty()
    with open(theirs, "w", encoding="utf-8") as terminal:  # noqa: PTH123  # it is a descriptor
        Log(terminal, FakeClock()).info("ready", port=8080)
        said = os.read(ours, 1_000).decode()
    os.close(ours)

    assert re.sub(r"\x1b\[\d*m", "", said).split() == [
        *("[info", "]", "ready"),
        *("port=8080", "time=2026-11-24T00:00:00.000Z"),
    ]


@pytest.mark.parametrize(
    ("level", "written"),
    [
        ("debug", ["info", "warning", "error"]),
        ("info", ["info", "warning", "error"]),
        ("warning", ["warning", "error"]),
        ("error", ["error"]),
    ],
)
def test_nothing_below_the_level_is_written(level: str, written: list[str]) -> None:
    stream = StringIO()
    log = Log(stream, FakeClock(), style="json", level=level)

    log.info("one")
    log.warning("two")
    log.error("three")

    assert [line["level"] for line in lines(stream)] == written


@pytest.mark.parametrize("style", ["json", "console"])
@pytest.mark.parametrize(
    "text", ["a\r\nb", "a\x1b[2Jb", "a\x00b", "a\x9b2Jb", "a\u202eb", "a\u2028b"]
)
def test_no_text_can_forge_a_line_or_move_a_cursor(style: Any, text: str) -> None:  # noqa: ANN401  # a Literal
    """Whatever kind of value holds it."""
    stream = StringIO()
    log = Log(stream, FakeClock(), style=style)

    log.warning(text, plain=text, nested=[text], error=ValueError(text))

    said = stream.getvalue()
    values = json.loads(said).values() if style == "json" else [said.removesuffix("\n")]
    assert said.count("\n") == 1
    assert [each for each in values if re.search(r"[\x00-\x1f\x7f-\x9f\u2028-\u202e]", each)] == []


def test_a_long_text_is_cut() -> None:
    stream = StringIO()

    Log(stream, FakeClock(), style="json").info("long", text="a" * 100_000)

    assert lines(stream)[0]["text"] == "a" * LONGEST


def test_what_a_library_says_comes_without_what_it_says_it_of() -> None:
    """Its arguments and its exception's message may quote a request."""
    stream = StringIO()
    Log(stream, FakeClock(), style="json")

    logging.getLogger("aiohttp.server").error(
        "Error handling %s", "/2/tweets?q=secret", exc_info=ValueError("Bearer AAAA")
    )

    assert lines(stream) == [
        {
            "time": "2026-11-24T00:00:00.000Z",
            "level": "warning",
            "event": "library",
            "logger": "aiohttp.server",
            "said": "Error handling %s",
            "error": "ValueError",
        }
    ]


async def test_a_task_that_asyncio_mourns_is_not_shown() -> None:
    stream = StringIO()
    Log(stream, FakeClock(), style="json")
    failed: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    failed.set_exception(ValueError("Bearer AAAA"))

    del failed  # nobody has asked what it came to

    [line] = lines(stream)
    assert line["said"] == "Future exception was never retrieved"
    assert "AAAA" not in stream.getvalue()


def test_a_background_task_that_died_is_told_by_its_type() -> None:
    stream = StringIO()

    Log(stream, FakeClock(), style="json").task_failed("resolve 5f0c", KeyError("Bearer AAAA"))

    [line] = lines(stream)
    assert (line["task"], line["error"]) == ("resolve 5f0c", "KeyError")
    assert "AAAA" not in stream.getvalue()


def test_a_line_is_there_at_once(tmp_path: Path) -> None:
    """A kill -9 loses none of those before it."""
    file = tmp_path / "log"
    with file.open("w", encoding="utf-8") as stream:
        Log(stream, FakeClock(), style="json").info("ready")
        said = file.read_text(encoding="utf-8")

    assert json.loads(said)["event"] == "ready"


def without_a_reader() -> TextIO:
    reader, writer = os.pipe()
    os.close(reader)
    return os.fdopen(writer, "w", encoding="utf-8")


def on_a_full_disk() -> TextIO:
    return Path("/dev/full").open("w", encoding="utf-8")


@pytest.mark.parametrize("make", [without_a_reader, on_a_full_disk])
def test_a_log_that_cannot_be_written_stops_nothing(make: Callable[[], TextIO]) -> None:
    stream = make()
    log = Log(stream, FakeClock(), style="json")

    log.exchange(RECORD)
    log.error("still here")

    with pytest.raises(OSError, match=r"Broken pipe|No space"):  # what it held back
        stream.close()


def test_a_log_that_was_closed_stops_nothing_either() -> None:
    """A signal may close it while exchanges end."""
    stream = StringIO()
    log = Log(stream, FakeClock(), style="json")
    stream.close()

    log.exchange(RECORD)
