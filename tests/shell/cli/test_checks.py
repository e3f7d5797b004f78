"""`governor check` finds what would keep Governor from serving, and says what to do about it."""

from __future__ import annotations

import shutil
import socket
from typing import TYPE_CHECKING, Final

import pytest

from governor import catalogs
from governor.cli.checks import Checked, check_all
from governor.cli.initialise import initialise
from governor.cli.restore import restore
from governor.cli.retire import retire
from governor.core.ledger.decisions import REMEDIES
from governor.core.ledger.messages import DoubtReason
from governor.demo.launch import free_port
from governor.errors import DoubtError
from tests.fakes.redis import RedisServer
from tests.fakes.serving import serving
from tests.shell.cli.conftest import CONTRACT, TWO_LIMITS, elsewhere, known_member

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from governor.config import Config
    from tests.shell.cli.conftest import Configure


async def unsound(config: Config) -> dict[str, str]:
    """Return what fails, each part with what is said of it."""
    found = await check_all(config)

    assert len({checked.part for checked in found}) == len(found)
    return {checked.part: checked.said for checked in found if not checked.sound}


def on_redis(server: RedisServer) -> str:
    return f'redis = "{server.url}"\n'


async def test_before_init_all_that_is_missing_is_said_at_once(configure: Configure) -> None:
    found = await unsound(configure())

    assert list(found) == ["state", "CA", "journal"]
    assert all("governor init" in said for said in found.values())


async def test_after_init_nothing_is_missing(configure: Configure) -> None:
    config = configure()
    await initialise(config, None)

    assert await unsound(config) == {}


async def test_it_can_be_asked_beside_a_governor_that_runs(configure: Configure) -> None:
    proxy, admin = free_port(), free_port()
    config = configure(f'[listen]\nproxy = "127.0.0.1:{proxy}"\nadmin = "127.0.0.1:{admin}"\n')
    await initialise(config, None)
    async with serving(config):
        assert await unsound(config) == {}


async def test_a_state_directory_that_others_may_enter_is_found(configure: Configure) -> None:
    config = configure()
    await initialise(config, None)
    config.ledger.state.chmod(0o750)

    assert await unsound(config) == {
        "state": f"{config.ledger.state} is open to other users: chmod 700 {config.ledger.state}"
    }


async def test_a_damaged_journal_is_found(configure: Configure) -> None:
    config = configure()
    await initialise(config, None)
    (config.ledger.state / "journal.db").write_bytes(b"")

    assert list(await unsound(config)) == ["journal"]


LIMIT: Final = '[[contract.limit]]\nname = "%s"\nposts = 1000\nwindow = "24h"\n'


def reddit(directory: Path, *domains: str) -> str:
    """Return a contract on a catalog of Reddit with these domains besides."""
    text = catalogs.text("reddit")
    for domain in domains:
        text = text.replace("domains = [", f'domains = ["{domain}", ', 1)
    (directory / "reddit.toml").write_text(text, encoding="utf-8")
    catalog = f'catalog = "{directory / "reddit.toml"}"\n'
    return f'[[contract]]\nname = "reddit"\n{catalog}' + LIMIT % "r"


async def test_every_governed_domain_that_the_ca_does_not_permit_is_named(
    configure: Configure, tmp_path: Path
) -> None:
    """A contract that was added after the CA was made: with what to do."""
    await initialise(configure(), None)

    contract = CONTRACT + reddit(tmp_path, "reddit.test")
    said = (await unsound(configure(contract=contract)))["CA"]
    assert "governed domain reddit.com" in said
    assert "governed domain reddit.test" in said
    assert "governed domain x.com" not in said
    assert "governor init" in said


async def test_a_host_that_two_contracts_govern_is_found(
    configure: Configure, tmp_path: Path
) -> None:
    contract = CONTRACT + reddit(tmp_path, "api.x.com")

    said = (await unsound(configure(contract=contract)))["domains"]
    assert said.startswith("x and reddit both govern api.x.com, and only x would count it")


async def test_a_limit_in_a_unit_that_nothing_is_counted_in_is_found(configure: Configure) -> None:
    contract = CONTRACT.replace("posts = 1000", 'most = 1000\nunit = "units"')

    assert "units" in (await unsound(configure(contract=contract)))["catalogs"]


async def test_a_catalog_with_a_mistake_is_found(configure: Configure, tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_text('name = "mine"\n', encoding="utf-8")
    contract = CONTRACT.replace(
        "[[contract]]\n", f'[[contract]]\ncatalog = "{tmp_path}/mine.toml"\n', 1
    )

    found = await unsound(configure(contract=contract))

    assert "it has no operation" in found["catalogs"]
    assert found["domains"] == found["CA"] == "it rests on the catalogs, which are wrong"


@pytest.fixture
def taken() -> Iterator[str]:
    """Give an address on which something else listens."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield f"127.0.0.1:{server.getsockname()[1]}"


@pytest.mark.parametrize("key", ["proxy", "admin"])
async def test_a_port_that_another_program_has_is_found(
    configure: Configure, taken: str, key: str
) -> None:
    other = {"proxy": "admin", "admin": "proxy"}[key]
    config = configure(f'[listen]\n{key} = "{taken}"\n{other} = "127.0.0.1:0"\n')
    await initialise(config, None)

    assert await unsound(config) == {
        f"listen.{key}": f"{taken}: Address already in use: see listen.{key}"
    }


async def test_an_address_of_another_machine_is_found(configure: Configure) -> None:
    config = configure(
        '[listen]\nproxy = "192.0.2.1:8080"\nadmin = "127.0.0.1:0"\ninsecure_network = true\n'
    )
    await initialise(config, None)

    assert list(await unsound(config)) == ["listen.proxy"]


async def test_each_setting_of_redis_is_judged(
    configure: Configure, fresh_redis: RedisServer
) -> None:
    config = configure(ledger=on_redis(fresh_redis))
    await initialise(config, None)
    with fresh_redis.client() as client:
        client.config_set("maxmemory-policy", "allkeys-lru")

        found = await unsound(config)

    assert list(found) == ["redis maxmemory-policy"]
    assert "set `maxmemory-policy noeviction`" in found["redis maxmemory-policy"]


@pytest.mark.parametrize(
    ("setting", "value", "remedy"),
    [("appendonly", "no", "`appendonly yes`"), ("appendfsync", "everysec", "`appendfsync always`")],
)
async def test_a_redis_that_may_forget_is_found(
    configure: Configure, tmp_path: Path, setting: str, value: str, remedy: str
) -> None:
    server = RedisServer(tmp_path / "redis")  # of its own: the session's keeps its settings
    try:
        with server.client() as client:
            client.config_set(setting, value)
        config = configure(ledger=on_redis(server))
        await initialise(config, None)

        found = await unsound(config)
    finally:
        server.close()

    assert list(found) == [f"redis {setting}"]
    assert found[f"redis {setting}"].startswith(f"{value}: ")
    assert remedy in found[f"redis {setting}"]


async def test_a_redis_that_was_restarted_since_is_found(
    configure: Configure, tmp_path: Path
) -> None:
    """Its files are whole, as far as it knows; what it had acknowledged after them it cannot."""
    server = RedisServer(tmp_path / "redis")
    try:
        config = configure(ledger=on_redis(server))
        await initialise(config, None)
        assert await unsound(config) == {}
        server.restart()

        found = await unsound(config)
    finally:
        server.close()

    assert list(found) == ["ledger of x"]
    assert "Redis was restarted" in found["ledger of x"]


async def test_a_redis_that_is_away_is_found(configure: Configure) -> None:
    found = await unsound(configure(ledger='redis = "redis://127.0.0.1:1/0"\n'))

    assert "no reply from the Redis" in found["ledger"]


async def test_a_ledger_that_redis_lost_is_found(
    configure: Configure, fresh_redis: RedisServer
) -> None:
    config = configure(ledger=on_redis(fresh_redis))
    await initialise(config, None)
    fresh_redis.flush()

    assert list(await unsound(config)) == ["ledger of x"]


async def test_a_ledger_of_somebody_else_is_found(
    configure: Configure, fresh_redis: RedisServer, tmp_path: Path
) -> None:
    """The journal's own was lost and another governor's `init` has made one since."""
    config = configure(ledger=on_redis(fresh_redis))
    await initialise(config, None)
    fresh_redis.flush()
    ledger = config.ledger.model_copy(update={"state": tmp_path / "other"})
    await initialise(config.model_copy(update={"ledger": ledger}), None)

    assert "made anew, since this journal knew it" in (await unsound(config))["ledger of x"]


async def test_a_ledger_that_is_not_joined_yet_is_found(
    configure: Configure, fresh_redis: RedisServer, tmp_path: Path
) -> None:
    config = configure(ledger=on_redis(fresh_redis))
    await initialise(config, None)
    ledger = config.ledger.model_copy(update={"state": tmp_path / "other"})

    found = await unsound(config.model_copy(update={"ledger": ledger}))

    assert found["ledger of x"] == "it is there: run `governor init` to join it"


@pytest.mark.parametrize(("sound", "line"), [(True, "ok     CA: file"), (False, "FAILED CA: file")])
def test_what_failed_stands_out(sound: bool, line: str) -> None:  # noqa: FBT001  # a parameter of the test
    checked = Checked("CA", sound=sound, said="file")

    assert checked.line() == line
    assert checked.as_json() == {"part": "CA", "sound": sound, "said": "file"}


async def test_a_closed_ledger_says_whom_it_waits_for(
    configure: Configure, fresh_redis: RedisServer
) -> None:
    config = configure(ledger=on_redis(fresh_redis))
    other = elsewhere(config)
    await initialise(other, 5)
    await initialise(config, None)
    fresh_redis.flush()

    assert "it was lost" in (await unsound(config))["ledger of x"]
    with pytest.raises(DoubtError):
        await restore(config, print, patience_ms=0)
    said = (await unsound(config))["ledger of x"]
    assert said.startswith(f"it is closed by a loss, and waits for {known_member(other)}")
    assert f"`governor retire --dead {known_member(other)}`" in said


async def test_an_open_ledger_names_its_members(
    configure: Configure, fresh_redis: RedisServer
) -> None:
    """As `retire` and `[ledger] members` want them named."""
    config = configure(ledger=on_redis(fresh_redis))
    await initialise(config, None)

    said = {checked.part: checked.said for checked in await check_all(config)}
    assert said["ledger of x"] == f"open; its members are {known_member(config)}"
    assert said["journal"].endswith(f"that of member {known_member(config)}")


async def test_a_redis_that_was_restarted_is_said_to_be_restored_by_a_start(
    configure: Configure, fresh_redis: RedisServer
) -> None:
    config = configure(ledger=on_redis(fresh_redis))
    await initialise(config, None)
    fresh_redis.restart()

    assert "`governor run` restores it" in (await unsound(config))["ledger of x"]


async def test_a_member_that_was_declared_dead_is_found(
    configure: Configure, fresh_redis: RedisServer
) -> None:
    config = configure(ledger=on_redis(fresh_redis))
    other = elsewhere(config)
    await initialise(config, None)
    await initialise(other, None)
    await retire(config, known_member(other), dead=True, charged=None)

    assert await unsound(config) == {}
    assert await unsound(other) == {"ledger of x": REMEDIES[DoubtReason.RETIRED]}


async def test_a_state_directory_that_was_put_back_from_a_copy_is_found(
    configure: Configure, fresh_redis: RedisServer, tmp_path: Path
) -> None:
    """As long as the ledger has heard of a later start of it."""
    config = configure(ledger=on_redis(fresh_redis))
    await initialise(config, None)
    shutil.copytree(config.ledger.state, tmp_path / "old")
    await initialise(config, None)
    assert await unsound(config) == {}
    shutil.rmtree(config.ledger.state)
    (tmp_path / "old").rename(config.ledger.state)

    assert await unsound(config) == {"ledger of x": REMEDIES[DoubtReason.FENCED]}


RULES: Final = {
    "a limit that is not configured any more": (TWO_LIMITS, CONTRACT),
    "a new limit": (CONTRACT, TWO_LIMITS),
    "another window": (CONTRACT, CONTRACT.replace('24h"\n', '12h"\n')),
    "another unit": (CONTRACT, CONTRACT.replace("posts =", "requests =")),
}


@pytest.mark.parametrize("case", RULES)
@pytest.mark.parametrize("is_shared", [True, False], ids=["redis", "embedded"])
async def test_rules_under_which_nothing_starts_are_found(
    configure: Configure,
    fresh_redis: RedisServer,
    case: str,
    is_shared: bool,  # noqa: FBT001  # a parameter of the test
) -> None:
    """In the words with which `governor run` would end."""
    before, after = RULES[case]
    ledger = on_redis(fresh_redis) if is_shared else ""
    await initialise(configure(contract=before, ledger=ledger), None)
    config = configure(contract=after, ledger=ledger)

    found = await unsound(config)
    assert list(found) == ["rules of x"]
    with pytest.raises(DoubtError) as caught:
        async with serving(config):
            pass
    assert found["rules of x"] == str(caught.value)


@pytest.mark.parametrize("is_shared", [True, False], ids=["redis", "embedded"])
async def test_rules_that_are_laxer_than_those_that_bind_are_said_and_are_no_failure(
    configure: Configure,
    fresh_redis: RedisServer,
    is_shared: bool,  # noqa: FBT001  # a parameter of the test
) -> None:
    ledger = on_redis(fresh_redis) if is_shared else ""
    await initialise(configure(ledger=ledger), None)
    laxer = CONTRACT.replace("1000", "2000").replace("]]\n", ']]\nmode = "shadow"\n', 1)

    found = {each.part: each for each in await check_all(configure(contract=laxer, ledger=ledger))}
    assert found["rules of x"].sound
    assert found["rules of x"].said == (
        "limit x-24h: 1,000 binds, 2,000 is configured: `governor init --raise`; "
        "mode: enforce binds, shadow is configured: `governor init --raise`"
    )
