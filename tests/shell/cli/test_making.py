"""Rules become stricter by being shown and laxer by an operator's word, which is journaled."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import pytest

from governor import catalogs
from governor.cli.initialise import initialise
from governor.clock import SystemClock
from governor.core.ledger.messages import Leniency
from governor.core.ledger.records import Adopted, Vouched, Word
from governor.core.window import Window
from governor.errors import DoubtError, UsageError
from governor.journal import Reader
from governor.zones import Periods
from tests.fakes.serving import serving
from tests.shell.cli.conftest import (
    CONTRACT,
    TWO_LIMITS,
    charged,
    elsewhere,
    known,
    surveyed,
)

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from governor.config import Config
    from governor.core.ledger.records import Record
    from tests.fakes.redis import RedisServer
    from tests.shell.cli.conftest import Configure

HIGHER: Final = CONTRACT.replace("posts = 1000", "posts = 9000")
RENAMED: Final = CONTRACT.replace("x-24h", "x-day")
SHADOW: Final = CONTRACT.replace("[[contract]]", '[[contract]]\nmode = "shadow"', 1)


@pytest.fixture(params=["embedded", "redis"])
def home(request: pytest.FixtureRequest) -> str:
    """Give either home, as the configuration has it."""
    if request.param == "embedded":
        return ""
    server: RedisServer = request.getfixturevalue("fresh_redis")
    return f'redis = "{server.url}"\n'


def records(config: Config, *kinds: type[Record]) -> list[Record]:
    return [record for _, record in Reader(config.ledger.state / "journal.db").records(kinds)]


async def test_a_limit_is_raised_on_an_operators_word(configure: Configure, home: str) -> None:
    await initialise(configure(ledger=home), 250)
    config = configure(ledger=home, contract=HIGHER)
    held = await initialise(config, None)

    assert [line for line in held if "limit x-24h stays 1,000" in line]
    assert known(config).accounts["x-24h"].limit == 1_000
    assert records(config, Vouched) == []

    raised = await initialise(config, None, raises=True)

    assert [line for line in raised if "limit x-24h: 1,000 -> 9,000, on your word" in line]
    assert known(config).accounts["x-24h"].limit == 9_000
    assert charged(config) == {"x-24h": 250}
    async with serving(config) as running:
        usage = running.answers.status()["contracts"][0]["accounts"]["x-24h"]
    assert (usage["limit"], usage["usage"]) == (9_000, 250)


async def test_the_word_is_durable_before_it_takes_effect(configure: Configure, home: str) -> None:
    await initialise(configure(ledger=home), None)
    config = configure(ledger=home, contract=HIGHER)
    await initialise(config, None, raises=True)

    *_, vouched, adopted = records(config, Vouched, Adopted)
    assert isinstance(vouched, Vouched)
    assert (vouched.word, vouched.said) == (Word.RAISED, "limit x-24h: 1,000 -> 9,000")
    assert isinstance(adopted, Adopted)
    assert {each.limit for each in adopted.accounts if not each.is_share} == {9_000}


async def test_a_word_that_changes_nothing_is_not_kept(configure: Configure, home: str) -> None:
    config = configure(ledger=home)
    await initialise(config, None)

    said = await initialise(config, None, raises=True)

    assert [line for line in said if "nothing was changed" in line]
    assert records(config, Vouched) == []


async def test_other_treatment_of_requests_is_raised_in_the_same_way(
    configure: Configure, home: str
) -> None:
    await initialise(configure(ledger=home), None)
    config = configure(ledger=home, contract=SHADOW)
    held = await initialise(config, None)

    assert [line for line in held if "mode stays enforce" in line]
    assert Leniency.SHADOW not in known(config).leniency

    await initialise(config, None, raises=True)

    assert Leniency.SHADOW in known(config).leniency
    async with serving(config) as running:
        assert Leniency.SHADOW in running.member.talks["x"].leniency


async def test_a_stricter_treatment_binds_when_it_is_shown(configure: Configure, home: str) -> None:
    """And a start under the laxer one does not bring that back."""
    await initialise(configure(ledger=home, contract=SHADOW), None)
    config = configure(ledger=home)
    await initialise(config, None)

    assert Leniency.SHADOW not in known(config).leniency
    async with serving(configure(ledger=home, contract=SHADOW)) as running:
        assert Leniency.SHADOW not in running.member.talks["x"].leniency


async def test_a_limit_is_renamed_by_dropping_it_and_beginning_another(
    configure: Configure, home: str
) -> None:
    """Neither `run` nor `init` sends the operator back to the other."""
    await initialise(configure(ledger=home), 250)
    config = configure(ledger=home, contract=RENAMED)
    with pytest.raises(DoubtError, match="governor init --drop x-24h"):
        await initialise(config, None)

    said = await initialise(config, 300, drops=("x-24h",))

    assert [line for line in said if "limit x-24h binds no more, on your word" in line]
    assert [line for line in said if "limit x-day begins with 300 posts used" in line]
    assert known(config).accounts["x-24h"].limit is None
    [vouched] = records(config, Vouched)
    assert isinstance(vouched, Vouched)
    assert vouched.word is Word.DROPPED
    async with serving(config) as running:
        assert await running.answers.ready() == (True, "ready")


async def test_what_was_dropped_never_comes_back_under_its_name(
    configure: Configure, home: str
) -> None:
    await initialise(configure(ledger=home), None)
    await initialise(configure(ledger=home, contract=RENAMED), 0, drops=("x-24h",))

    with pytest.raises(DoubtError, match="Give it a new name"):
        await initialise(configure(ledger=home), None)
    with pytest.raises(DoubtError, match="Give it a new name"):
        async with serving(configure(ledger=home)):
            pass


@pytest.mark.parametrize(
    ("contract", "drop", "said"),
    [(CONTRACT, "x-42h", "these do: x-24h"), (CONTRACT, "x-24h", "take it out")],
    ids=["misspelt", "still shown"],
)
async def test_a_slip_of_the_pen_drops_nothing(
    configure: Configure, home: str, contract: str, drop: str, said: str
) -> None:
    config = configure(ledger=home, contract=contract)
    await initialise(config, None)

    with pytest.raises(UsageError, match=said):
        await initialise(config, None, drops=(drop,))
    assert known(config).accounts["x-24h"].limit == 1_000


async def test_nothing_is_changed_while_anything_stands_in_the_way(
    configure: Configure, home: str, tmp_path: Path
) -> None:
    """All contracts are looked at before the first is touched."""
    (tmp_path / "y.toml").write_text(catalogs.text("x"), "utf-8")
    other = CONTRACT.replace("x-24h", "y-24h").replace(
        "[[contract]]", '\n[[contract]]\nname = "y"\ncatalog = "y.toml"', 1
    )
    config = configure(ledger=home, contract=CONTRACT + other)
    await initialise(config, None)
    for obstacle in (other.replace("y-24h", "y-day"), other.replace('"24h"', '"23h"')):
        changed = configure(ledger=home, contract=HIGHER + obstacle)
        with pytest.raises(DoubtError):
            await initialise(changed, None, raises=True)

    assert known(config).accounts["x-24h"].limit == 1_000
    assert records(config, Vouched) == []


async def test_what_is_raised_by_one_governor_binds_the_others(
    configure: Configure, fresh_redis: RedisServer
) -> None:
    """The one that runs and shows the old rule goes on; its next start would bring it back."""
    redis = f'redis = "{fresh_redis.url}"\n'
    one = configure(ledger=redis)
    other = elsewhere(one)
    await initialise(one, None)
    await initialise(other, None)
    higher = configure(ledger=redis, contract=HIGHER)
    await initialise(higher, None, raises=True)

    async with serving(elsewhere(higher)) as running:
        usage = running.answers.status()["contracts"][0]["accounts"]["x-24h"]
    assert usage["limit"] == 9_000
    assert known(other).accounts["x-24h"].limit == 9_000
    await initialise(other, None)
    assert (await surveyed(one)).accounts[0].limit == 1_000


@pytest.mark.parametrize("verb", ["init", "run"])
async def test_what_is_dropped_by_one_governor_is_not_brought_back_by_another(
    configure: Configure, fresh_redis: RedisServer, verb: str
) -> None:
    """Its journal has the limit from before, and a whole row shows what the journal has."""
    redis = f'redis = "{fresh_redis.url}"\n'
    one = configure(ledger=redis)
    other = elsewhere(one)
    await initialise(one, None)
    await initialise(other, None)
    renamed = configure(ledger=redis, contract=RENAMED)
    await initialise(renamed, 0, drops=("x-24h",))
    if verb == "init":
        await initialise(elsewhere(renamed), None)
    else:
        async with serving(elsewhere(renamed)):
            pass

    limits = {each.name: each.limit for each in (await surveyed(one)).accounts}
    assert (limits["x-24h"], limits["x-day"]) == (None, 1_000)
    assert known(other).accounts["x-24h"].limit is None


async def test_a_limit_that_another_began_is_asked_for_at_the_start(
    configure: Configure, fresh_redis: RedisServer
) -> None:
    """It binds this governor too, whose requests would not be counted under it."""
    redis = f'redis = "{fresh_redis.url}"\n'
    one = configure(ledger=redis)
    await initialise(one, None)
    await initialise(elsewhere(one), None)
    await initialise(configure(ledger=redis, contract=TWO_LIMITS), None)

    with pytest.raises(DoubtError, match="'x-1h' is in the ledger but not in the configuration"):
        async with serving(elsewhere(one)):
            pass


async def test_who_has_not_joined_has_no_say_in_the_rules(
    configure: Configure, fresh_redis: RedisServer
) -> None:
    redis = f'redis = "{fresh_redis.url}"\n'
    await initialise(configure(ledger=redis), None)
    newcomer = elsewhere(configure(ledger=redis, contract=HIGHER))

    with pytest.raises(UsageError, match="does not know contract 'x' yet"):
        await initialise(newcomer, None, raises=True)


LOSSES: Final[dict[str, Callable[[RedisServer], None]]] = {
    "emptied": lambda server: server.flush(),
    "restarted": lambda server: server.restart(),
}


@pytest.mark.parametrize("how", LOSSES)
async def test_the_rules_of_a_lost_ledger_do_not_change(
    configure: Configure, fresh_redis: RedisServer, how: str
) -> None:
    """A start brings it back under the old ones; then there is something to change."""
    redis = f'redis = "{fresh_redis.url}"\n'
    await initialise(configure(ledger=redis), None)
    LOSSES[how](fresh_redis)

    said = await initialise(configure(ledger=redis), None)
    assert [line for line in said if "`governor run` restores it" in line]
    with pytest.raises(DoubtError, match="its rules do not change before it is open"):
        await initialise(configure(ledger=redis, contract=HIGHER), None, raises=True)
    with pytest.raises(DoubtError, match="its rules do not change before it is open"):
        await initialise(configure(ledger=redis, contract=TWO_LIMITS), None)


@pytest.mark.parametrize(("used", "begins"), [(100, 100), (250, 250), (1_000, 1_000)])
async def test_a_limit_begins_no_more_than_full(
    configure: Configure, home: str, used: int, begins: int
) -> None:
    """What was used within the longer window may be more than the shorter one allows."""
    config = configure(ledger=home, contract=TWO_LIMITS)
    await initialise(config, used)

    assert charged(config) == {"x-24h": begins, "x-1h": 100}


@pytest.mark.parametrize(("used", "begins"), [(0, 0), (1, 100)])
async def test_how_many_requests_brought_the_posts_nobody_said(
    configure: Configure, home: str, used: int, begins: int
) -> None:
    on_requests = TWO_LIMITS.replace("posts = 100\n", "requests = 100\n")
    config = configure(ledger=home, contract=on_requests)

    said = await initialise(config, used)

    assert charged(config).get("x-1h", 0) == begins
    assert [line for line in said if f"limit x-1h begins with {begins} requests used" in line]


async def test_what_was_collected_is_posts_by_whichever_name(
    configure: Configure, home: str, tmp_path: Path
) -> None:
    """TikTok's limit is on records; its queries nobody counted."""
    (tmp_path / "tiktok.toml").write_text(catalogs.text("tiktok"), "utf-8")
    limit = '[[contract.limit]]\nname = "{unit}"\nmost = 1000\nunit = "{unit}"\nwindow = "24h"\n'
    contract = '[[contract]]\nname = "tiktok"\ncatalog = "tiktok.toml"\n'
    contract += "".join(limit.format(unit=unit) for unit in ("records", "queries"))

    said = await initialise(configure(ledger=home, contract=contract), 300)

    begun = [line.partition(": ")[2] for line in said if "begins" in line]
    assert begun == [
        "limit records begins with 300 records used",
        "limit queries begins with 1,000 queries used",
    ]


async def test_a_word_on_a_contract_of_one_unit_is_in_that_unit(
    configure: Configure, home: str, tmp_path: Path
) -> None:
    """YouTube limits units alone: 300 of them leave the rest to use."""
    (tmp_path / "youtube.toml").write_text(catalogs.text("youtube"), "utf-8")
    head = '[[contract]]\nname = "youtube"\ncatalog = "youtube.toml"\n'
    limit = CONTRACT.replace("[[contract]]\n", head).replace("posts", 'unit = "units"\nmost')
    said = await initialise(configure(ledger=home, contract=limit), 300)

    assert [line for line in said if "begins with 300 units used" in line]


async def test_what_was_collected_in_the_running_period_counts_until_it_turns(
    configure: Configure, home: str
) -> None:
    """Whenever in it that was, and over a restart; it frees with the period and not by its age."""
    by_month = CONTRACT.replace('window = "24h"', 'period = "month"\ntime_zone = "UTC"')
    config = configure(ledger=home, contract=by_month)
    await initialise(config, 300)
    month = Periods()("month UTC", SystemClock().wall_ms())
    pad_ms = Window(744 * 3_600_000).pad_ms

    for _ in range(2):
        async with serving(config) as running:
            [contract] = running.answers.status()["contracts"]
        stands = contract["accounts"]["x-24h"]
        assert (stands["charged"], stands["span"]) == (300, "month UTC")
        assert abs(stands["next_free_ms"] - month.ends_ms - pad_ms) < 60_000


ON_REQUESTS: Final = CONTRACT.replace("posts =", "requests =")
OTHER_UNIT: Final = "counts posts in the ledger, requests in the configuration.*a new name"


async def test_a_limit_on_posts_does_not_become_one_on_requests(
    configure: Configure, home: str
) -> None:
    """A slip of one word would take the contract's limit away; it takes a new name and a word."""
    await initialise(configure(ledger=home), 250)
    changed = configure(ledger=home, contract=ON_REQUESTS)
    with pytest.raises(DoubtError, match=OTHER_UNIT):
        await initialise(changed, None, raises=True)
    with pytest.raises(DoubtError, match=OTHER_UNIT):
        async with serving(changed):
            pass

    renamed = configure(ledger=home, contract=ON_REQUESTS.replace("x-24h", "x-day"))
    await initialise(renamed, 0, drops=("x-24h",))
    units = {name: each.unit for name, each in known(renamed).accounts.items()}
    assert (units["x-24h"], units["x-day"]) == ("posts", "requests")


async def test_a_governor_that_joins_counts_in_the_ledgers_unit(
    configure: Configure, fresh_redis: RedisServer
) -> None:
    """Its own journal knows of nothing, so it is the ledger that must."""
    redis = f'redis = "{fresh_redis.url}"\n'
    await initialise(configure(ledger=redis), None)

    with pytest.raises(DoubtError, match=OTHER_UNIT):
        await initialise(elsewhere(configure(ledger=redis, contract=ON_REQUESTS)), None)


async def test_more_than_any_window_allows_is_a_slip_of_the_pen(
    configure: Configure, home: str
) -> None:
    """It could not be taken back, and full is full."""
    config = configure(ledger=home, contract=TWO_LIMITS)

    with pytest.raises(UsageError, match="say --used 1000"):
        await initialise(config, 1_001)
    assert not config.ledger.state.exists()
