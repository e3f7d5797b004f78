"""`governor verify`: anybody who has the journals can check what was promised."""

from __future__ import annotations

import json
import re
import shutil
import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING, Final

import pytest
from typer.testing import CliRunner

from governor.cli.app import app
from governor.cli.initialise import initialise
from governor.cli.verify import as_json, journals, told
from governor.core.ledger.holds import Hold
from governor.core.ledger.records import Claimed, Outcome, Resolved
from governor.errors import UsageError
from governor.evidence import AccountProof, Proof, prove
from governor.journal import JOURNAL, Reader
from tests.fakes.serving import config_of, serving, settings

if TYPE_CHECKING:
    from pathlib import Path

    from governor.cli.serve import Running
    from governor.config import Config
    from tests.fakes.redis import RedisServer

REQUESTS: Final = 7
CALLS: Final = (  # another limit, on requests
    "[[contract.limit]]",
    '[[contract.limit]]\nname = "x-calls"\nrequests = 5\nwindow = "1h"\n[[contract.limit]]',
)


async def request(running: Running, hold_id: str, posts: int, *others: tuple[str, int]) -> None:
    """Hold, claim and settle, as an exchange does."""
    amounts = (("x-demo", posts), *others)
    hold = Hold(hold_id, amounts)
    talk = running.member.talks["x"]
    await talk.reserve(hold, patience_ms=0)
    claim = Claimed("x", hold_id, "default", "op", posts, posts, amounts, "", talk.time_ms)
    await running.member.journal.append(claim)
    resolved = Resolved("x", hold_id, Outcome.SETTLED, posts, amounts, False, talk.time_ms)  # noqa: FBT003  # a field
    await running.member.journal.append(resolved)
    talk.end(hold, amounts, lingers=False)


@pytest.fixture
def config(tmp_path: Path) -> Config:
    return config_of(settings(tmp_path / "governor"))


@pytest.fixture
async def governor(config: Config) -> Path:
    """Give the state directory of a governor that has served seven requests of a hundred."""
    await initialise(config, 250)
    async with serving(config) as running:
        for number in range(REQUESTS):
            await request(running, f"hold-{number}", 100)
    return config.ledger.state


def verify(*paths: Path) -> tuple[int, dict[str, object]]:
    named = [argument for path in paths for argument in ("--journal", str(path))]
    ended = CliRunner().invoke(app, ["verify", "--json", *named])
    assert ended.stdout, repr(ended.exception)
    return ended.exit_code, json.loads(ended.stdout)


def accounts(found: dict[str, object]) -> dict[str, dict[str, object]]:
    listed = found["accounts"]
    assert isinstance(listed, list)
    return {str(account["account"]): account for account in listed}


async def test_a_whole_journal_proves_its_worst_window(governor: Path) -> None:
    code, found = verify(governor)
    account = accounts(found)["x-demo"]

    assert code == 0
    assert found["verified"] is True
    assert (account["worst"], account["limit"], account["over"]) == (950, 10_000, 0)
    assert (account["asked"], account["received"], account["charged"]) == (700, 700, 700)
    assert (account["requests"], account["orphans"], account["by_word"]) == (7, 0, 250)
    assert str(account["from"]) < str(account["until"]) < "3"


async def test_it_is_told_for_people_too(governor: Path) -> None:
    ended = CliRunner().invoke(app, ["verify", "--journal", str(governor / JOURNAL)])

    assert ended.exit_code == 0
    assert "x-demo: worst window 950 posts of 10,000, 2" in ended.stdout
    assert "7 requests asked 700 posts, received 700; charged 700 posts; 0 orphans" in ended.stdout
    assert "x: used before the ledger began: 250 of x-demo" in ended.stdout
    assert ended.stdout.endswith(
        "verified: every journal is whole, and no window exceeded its limit\n"
    )


async def test_a_limit_on_requests_is_told_in_requests(tmp_path: Path) -> None:
    config = config_of(settings(tmp_path / "governor", CALLS))
    await initialise(config, None)
    async with serving(config) as running:
        await request(running, "hold-1", 100, ("x-calls", 1))
    ended = CliRunner().invoke(app, ["verify", "--journal", str(config.ledger.state)])
    calls = accounts(verify(config.ledger.state)[1])["x-calls"]

    assert "x-calls: worst window 1 requests of 5, 2" in ended.stdout
    assert "1 requests asked 100 posts, received 100; charged 1 requests;" in ended.stdout
    assert (calls["unit"], calls["worst"], calls["charged"]) == ("requests", 1, 1)


async def test_what_was_never_used_has_no_date(config: Config, tmp_path: Path) -> None:
    await initialise(config, None)
    (tmp_path / JOURNAL).write_text("no journal")
    _, found = verify(config.ledger.state, tmp_path)
    account = accounts(found)["x-demo"]
    named = ["--journal", str(config.ledger.state), "--journal", str(tmp_path)]
    ended = CliRunner().invoke(app, ["verify", *named])

    assert (account["worst"], account["from"], account["until"]) == (0, None, None)
    assert "x-demo: worst window 0 posts of 10,000, never used" in ended.stdout
    assert f"{tmp_path / JOURNAL}: no records" in ended.stdout
    assert not re.search(r"19[67]\d-", ended.stdout + json.dumps(found))


async def test_it_can_be_asked_beside_a_governor_that_serves(config: Config) -> None:
    await initialise(config, None)
    async with serving(config) as running:
        await request(running, "hold-1", 100)
        code, found = verify(config.ledger.state)
        await request(running, "hold-2", 100)

    assert (code, accounts(found)["x-demo"]["worst"]) == (0, 100)
    assert accounts(verify(config.ledger.state)[1])["x-demo"]["worst"] == 200


async def test_a_window_over_the_limit_ends_it_with_1(config: Config) -> None:
    await initialise(config, 9_000)
    async with serving(config) as running:
        talk, amounts = running.member.talks["x"], (("x-demo", 1_100),)
        hold = Hold("hold-1", amounts)
        talk.take(hold)  # shadow mode: recorded, not refused
        claim = Claimed("x", hold.id, "default", "op", 1_100, 1_100, amounts, "", talk.time_ms)
        await running.member.journal.append(claim)
        code, found = verify(config.ledger.state)
        talk.end(hold, (), lingers=False)

    assert code == 1
    assert found["reasons"] == ["a window of x-demo exceeded its limit by 100 posts"]


def rows(path: Path) -> int:
    with closing(sqlite3.connect(path)) as connection:
        return int(connection.execute("SELECT max(id) FROM record").fetchone()[0])


def tampered(state: Path, copy: Path, *statements: str) -> Path:
    """Return a copy of a journal that was changed behind Governor's back."""
    shutil.rmtree(copy, ignore_errors=True)
    copy.mkdir()
    shutil.copy(state / JOURNAL, copy / JOURNAL)
    with closing(sqlite3.connect(copy / JOURNAL)) as connection:
        for statement in statements:
            connection.execute(statement)
        connection.commit()
    return copy


def tamperings(last: int) -> list[tuple[str, ...]]:
    """Return every drop, swap, truncation, and a flipped bit in each column of each row."""
    found: list[tuple[str, ...]] = []
    for row in range(1, last + 1):
        found += [
            (f"DELETE FROM record WHERE id = {row}",),  # noqa: S608  # our own words
            (f"DELETE FROM record WHERE id >= {row}",),  # noqa: S608  # our own words
            (f"UPDATE record SET wall_ms = wall_ms + 1 WHERE id = {row}",),  # noqa: S608  # likewise
            (f"UPDATE record SET chain = CAST(zeroblob(32) AS BLOB) WHERE id = {row}",),  # noqa: S608  # likewise
            (f"UPDATE record SET body = CAST(substr(body, 2) AS BLOB) WHERE id = {row}",),  # noqa: S608  # likewise
        ]
        if row < last:
            found.append(
                (
                    f"UPDATE record SET id = -1 WHERE id = {row}",  # noqa: S608  # our own words
                    f"UPDATE record SET id = {row} WHERE id = {row + 1}",  # noqa: S608  # likewise
                    f"UPDATE record SET id = {row + 1} WHERE id = -1",  # noqa: S608  # likewise
                )
            )
    return found


async def test_every_tampering_with_a_record_is_detected(governor: Path, tmp_path: Path) -> None:
    """Changed, dropped, swapped or cut off: n of n, each by the row it begins with."""
    last = rows(governor / JOURNAL)
    tried = [
        (statements, prove([tampered(governor, tmp_path / "copy", *statements) / JOURNAL]).sound)
        for statements in tamperings(last)
    ]

    assert len(tried) == 6 * last - 1
    assert [statements for statements, sound in tried if sound] == []


def flipped(state: Path, copy: Path, step: int) -> tuple[int, int]:
    """Flip one bit in every so many bytes that hold a record; return how many were found, of all.

    Bits of the file that hold no record are `test_reader`'s.
    """
    whole = (state / JOURNAL).read_bytes()
    with closing(sqlite3.connect(state / JOURNAL)) as connection:
        stored = connection.execute("SELECT CAST(body || chain AS BLOB) FROM record").fetchall()
    copy.mkdir()
    found = tried = 0
    for (content,) in stored:
        begins = whole.index(content)
        for place in range(begins + len(content) - 1, begins - 1, -step):
            damaged = bytearray(whole)
            damaged[place] ^= 1 << place % 8
            (copy / JOURNAL).write_bytes(damaged)
            found += not prove([copy / JOURNAL]).sound
            tried += 1
    return found, tried


async def test_a_flipped_bit_of_any_record_is_detected(governor: Path, tmp_path: Path) -> None:
    found, tried = flipped(governor, tmp_path / "copy", 50)

    assert found == tried > 100


@pytest.mark.deep
async def test_a_flipped_bit_of_any_byte_is_detected(governor: Path, tmp_path: Path) -> None:
    found, tried = flipped(governor, tmp_path / "copy", 1)
    print(f"\ntampering: {found} flipped bits of {tried} detected")  # noqa: T201  # the figure that the README quotes

    assert found == tried > 5_000


async def test_a_member_whose_journal_was_not_given_is_named(
    tmp_path: Path, fresh_redis: RedisServer
) -> None:
    """The journals prove what they hold, and whoever reads the verdict sees how far that goes."""
    redis = ("[log]", f'redis = "{fresh_redis.url}"\n[log]')
    one, two = (config_of(settings(tmp_path / name, redis)).ledger.state for name in ("1", "2"))
    for name in ("1", "2"):
        await initialise(config_of(settings(tmp_path / name, redis)), None)
    first = Reader(one / JOURNAL).member
    ended = CliRunner().invoke(app, ["verify", "--journal", str(two)])
    *_, line, verdict = ended.stdout.splitlines()
    code, found = verify(two)

    assert (ended.exit_code, code, found["verified"]) == (0, 0, True)
    assert line == (
        f"not covered: no journal of member {first}: what it collected is not in these figures"
    )
    assert verdict.startswith("verified as far as these journals go: ")
    assert found["missing_members"] == [first]
    assert verify(one, two)[1]["missing_members"] == []


async def test_a_torn_journal_is_not_proved(governor: Path, config: Config) -> None:
    """Although it is whole from there on: nobody can say what was lost."""
    with closing(sqlite3.connect(governor / JOURNAL)) as connection:
        connection.execute(f"DELETE FROM record WHERE id = {rows(governor / JOURNAL)}")  # noqa: S608  # our own words
        connection.execute("DELETE FROM checkpoint")
        connection.commit()
    async with serving(config):
        pass
    code, found = verify(governor)

    assert code == 1
    assert accounts(found)["x-demo"]["over"] == 0
    assert "was its last" in str(found["journals"])


def test_what_is_named_must_be_there(tmp_path: Path) -> None:
    (tmp_path / JOURNAL).touch()

    assert journals([tmp_path, tmp_path / JOURNAL]) == [tmp_path / JOURNAL] * 2
    with pytest.raises(UsageError, match="name a journal or a state directory"):
        journals([tmp_path / "absent"])


@pytest.mark.parametrize(
    ("calendar", "over", "said", "verdict"),
    [
        (
            "day America/Los_Angeles",
            0,
            "worst day (America/Los_Angeles) 900 units of 1,000",
            "verified: every journal is whole, and no window or period exceeded its limit",
        ),
        (
            "month UTC from 15",
            5,
            "worst month (UTC from 15) 900 units of 1,000, EXCEEDED by 5",
            "NOT verified: a month (UTC from 15) of units exceeded its limit by 5 units",
        ),
    ],
)
def test_a_calendar_limit_is_told_by_its_worst_period(
    calendar: str, over: int, said: str, verdict: str
) -> None:
    account = AccountProof(
        contract="x",
        ledger="epoch 1",
        account="units",
        unit="units",
        window_ms=90_000_000,
        calendar=calendar,
        limit=1_000,
        worst=900,
        from_ms=1_795_420_800_000,
        until_ms=1_795_507_200_000,
        over=over,
        requests=9,
        asked=0,
        received=0,
        charged=900,
        open=0,
        orphans=0,
        by_word=0,
    )
    proof = Proof((), (account,), ())
    lines = list(told(proof))

    assert lines[0] == (
        f"x (epoch 1) units: {said}, 2026-11-23T08:00:00.000Z to 2026-11-24T08:00:00.000Z"
    )
    assert lines[-1] == verdict
    assert as_json(proof)["accounts"][0]["calendar"] == calendar
