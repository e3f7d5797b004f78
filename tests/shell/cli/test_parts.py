"""Every verb builds the same parts from the same configuration."""

from __future__ import annotations

import os
import re
from importlib.resources import files
from typing import TYPE_CHECKING, Final

import pytest

from governor import catalogs, certs, recovery
from governor.cli import parts
from governor.clock import SystemClock
from governor.core.ledger.messages import Account, Identity
from governor.core.ledger.state import ContractState
from governor.errors import ConfigError, LedgerError, LedgerUnreachableError
from governor.journal import Journal
from governor.store import EmbeddedStore, RedisStore
from tests.fakes.clock import FakeClock

if TYPE_CHECKING:
    from pathlib import Path

    from tests.fakes.redis import RedisServer
    from tests.shell.cli.conftest import Configure

GOVERNED = ("x.com", "twitter.com", "twimg.com")
KNOWN = ContractState(
    home=recovery.EMBEDDED,
    identity=Identity(1, "", ""),
    accounts={"x-24h": Account("x-24h", 1_000, 86_400_000)},
    time_ms=0,
    high_ms=0,
    store_offset_ms=0,
    boot_offset_ms=None,
)


def built_in() -> str:
    return files("governor.catalogs").joinpath("x.toml").read_text("utf-8")


def with_catalog(path: Path | str) -> str:
    return (
        f'[[contract]]\ncatalog = "{path}"\n'
        '[[contract.limit]]\nname = "x-24h"\nposts = 1000\nwindow = "24h"\n'
    )


def test_a_catalog_is_built_in_or_a_file_beside_the_configuration(
    configure: Configure, tmp_path: Path
) -> None:
    (tmp_path / "mine.toml").write_text(built_in(), "utf-8")

    ours, theirs = (
        parts.read_catalogs(config)["x"]
        for config in (configure(), configure(contract=with_catalog("mine.toml")))
    )

    assert ours == theirs


def test_a_catalog_that_cannot_be_read_is_named(configure: Configure, tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_bytes(b"\xff")
    config = configure(contract=with_catalog("mine.toml"))

    with pytest.raises(ConfigError, match=r"mine\.toml cannot be read: it is not UTF-8"):
        parts.read_catalogs(config)


def test_a_mistake_in_a_catalog_is_said_with_its_file(configure: Configure, tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_text("each = 1\n" + built_in(), "utf-8")
    config = configure(contract=with_catalog("mine.toml"))

    with pytest.raises(
        ConfigError, match=r"contract 'x' \(.*mine\.toml\): catalog, top: unknown key"
    ):
        parts.read_catalogs(config)


def test_a_catalog_that_went_away_is_named(configure: Configure, tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_text(built_in(), "utf-8")
    config = configure(contract=with_catalog("mine.toml"))
    (tmp_path / "mine.toml").unlink()

    with pytest.raises(ConfigError, match=r"mine\.toml cannot be read: No such file"):
        parts.read_catalogs(config)


def of_youtube(unit: str) -> str:
    return (
        '[[contract]]\nname = "youtube"\ncatalog = "youtube.toml"\n[[contract.limit]]\n'
        f'name = "a-day"\nmost = 100\nunit = "{unit}"\nperiod = "day"\ntime_zone = "UTC"\n'
    )


@pytest.mark.parametrize("unit", ["posts", "items", "requests", "units", "searches"])
def test_a_limit_may_be_in_every_unit_of_the_catalog(
    configure: Configure, tmp_path: Path, unit: str
) -> None:
    """What is received is posts by either name; the contract counts it by the catalog's."""
    (tmp_path / "youtube.toml").write_text(catalogs.text("youtube"), "utf-8")
    config = configure(contract=of_youtube(unit))
    (contract,) = parts.contracts(config, parts.read_catalogs(config))

    assert contract.counts == "items"
    assert contract.on_posts(contract.limits[0]) == (unit in ("posts", "items"))


@pytest.mark.parametrize(
    ("unit", "meant"), [("unit", "; did you mean units?"), ("calls", "; it has posts, requests,")]
)
def test_a_unit_that_the_catalog_does_not_have_is_told(
    configure: Configure, tmp_path: Path, unit: str, meant: str
) -> None:
    (tmp_path / "youtube.toml").write_text(catalogs.text("youtube"), "utf-8")
    said = (
        f"contract 'youtube': limit 'a-day' counts {unit}, a unit that catalog 'youtube' does "
        f"not have{meant}"
    )

    with pytest.raises(ConfigError, match=re.escape(said)):
        parts.read_catalogs(configure(contract=of_youtube(unit)))


MASTODON: Final = '[[contract]]\nname = "m"\ncatalog = "mastodon.toml"\n'
WIRE: Final = '[[contract.limit]]\nname = "wire"\nrequests = 300\nwindow = "5m"\n'


def test_a_contract_says_which_hosts_of_many_it_is_about(
    configure: Configure, tmp_path: Path
) -> None:
    (tmp_path / "mastodon.toml").write_text(catalogs.text("mastodon"), "utf-8")
    config = configure(contract=f'{MASTODON}domains = ["mastodon.social"]\n{WIRE}')
    read = parts.read_catalogs(config)

    assert parts.domains(read) == ("mastodon.social",)
    assert parts.contracts(config, read)[0].domains == ("mastodon.social",)


def test_all_that_contracts_and_catalogs_disagree_about_is_told_at_once(
    configure: Configure, tmp_path: Path
) -> None:
    (tmp_path / "mastodon.toml").write_text(catalogs.text("mastodon"), "utf-8")
    (tmp_path / "youtube.toml").write_text(catalogs.text("youtube"), "utf-8")
    own = f'[[contract]]\ndomains = ["mine.social"]\n{WIRE}'

    with pytest.raises(ConfigError) as raised:
        parts.read_catalogs(configure(contract=f"{MASTODON}{WIRE}{of_youtube('points')}{own}"))
    said = [mistake.split()[:2] for mistake in raised.value.mistakes]
    assert said == [["contract", "'m'"], ["contract", "'youtube':"], ["contract", "'x'"]]


def test_the_ca_may_sign_for_what_is_governed(configure: Configure) -> None:
    assert parts.domains(parts.read_catalogs(configure())) == GOVERNED


def test_the_ca_is_made_in_the_state_directory(configure: Configure, tmp_path: Path) -> None:
    state = tmp_path / "state"

    assert parts.ca_files(configure()) == (state / "ca.pem", state / "ca.key")


def test_a_group_shares_one_ca(configure: Configure, tmp_path: Path) -> None:
    clock = FakeClock()
    group = tmp_path / "group"
    group.mkdir()
    made = certs.create_ca(group, GOVERNED, now_ms=clock.wall_ms())
    config = configure('[tls]\nca_cert = "group/ca.pem"\nca_key = "group/ca.key"\n')

    assert parts.load_ca(config, parts.read_catalogs(config), clock).pem == made.pem


@pytest.mark.parametrize("gone", ["ca.pem", "ca.key"])
def test_a_ca_that_is_gone_says_what_to_do(configure: Configure, tmp_path: Path, gone: str) -> None:
    clock, config = FakeClock(), configure()
    (tmp_path / "state").mkdir()
    certs.create_ca(tmp_path / "state", GOVERNED, now_ms=clock.wall_ms())
    os.unlink(tmp_path / "state" / gone)  # noqa: PTH108  # one of two, by name

    with pytest.raises(ConfigError, match=rf"{gone} is missing.*governor init"):
        parts.load_ca(config, parts.read_catalogs(config), clock)


def test_a_home_never_tells_a_password(configure: Configure) -> None:
    """It is written into the journal."""
    config = configure(ledger='redis = "redis://me:secret@127.0.0.1:6379/0"')

    assert parts.home(config) == "redis://127.0.0.1:6379/0"


def test_without_redis_the_ledger_is_kept_in_process(configure: Configure) -> None:
    config = configure()

    assert parts.home(config) == recovery.EMBEDDED
    assert isinstance(parts.store(config, "x", KNOWN, FakeClock()), EmbeddedStore)


def test_with_redis_it_is_kept_there(configure: Configure) -> None:
    config = configure(ledger='redis = "redis://127.0.0.1:6379/0"')

    assert isinstance(parts.store(config, "x", KNOWN, FakeClock()), RedisStore)


def test_behind_sentinels_a_home_is_the_service_wherever_its_primary_is(
    configure: Configure,
) -> None:
    """A failover moves nothing, and the order in which they are written says nothing."""
    homes = {
        parts.home(configure(ledger=f'sentinel = {{ hosts = {hosts}, service = "governor" }}'))
        for hosts in ('["b:26379", "a:26379"]', '["a:26379", "b:26379"]')
    }

    assert homes == {"sentinel://a:26379,b:26379/governor"}


def test_a_secret_is_what_its_file_says_without_the_line_end(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("secret\n", "utf-8")

    assert parts.secret(tmp_path / "token") == "secret"


@pytest.mark.parametrize(
    ("content", "said"), [(b"\n", "is empty"), (b"\xff", "not UTF-8"), (None, "No such file")]
)
def test_a_file_without_a_secret_is_named(tmp_path: Path, content: bytes | None, said: str) -> None:
    """An empty token would let everybody in who sends none."""
    if content is not None:
        (tmp_path / "token").write_bytes(content)

    with pytest.raises(ConfigError, match=rf"token .*{said}"):
        parts.secret(tmp_path / "token")


def test_who_names_all_members_names_himself(configure: Configure) -> None:
    """Else the others would open a lost ledger without him."""
    member, other = "a1" * 16, "b2" * 16
    named = f'redis = "redis://127.0.0.1"\nmembers = ["{member}"]\n'

    parts.require_named(configure(ledger=named), member)
    parts.require_named(configure(), other)
    with pytest.raises(ConfigError, match=f"does not name this governor, {other}"):
        parts.require_named(configure(ledger=named), other)


def test_a_journal_that_is_missing_comes_with_the_remedy(configure: Configure) -> None:
    with pytest.raises(LedgerError, match="run `governor init`"):
        parts.read_journal(configure())


async def test_a_journal_is_read_beside_its_writer(configure: Configure) -> None:
    config = configure()
    journal = Journal.open(config.ledger.state, clock=SystemClock(), create=True)
    try:
        assert parts.read_journal(config).member == journal.member
    finally:
        await journal.close()


async def test_the_password_may_stand_in_a_file_of_its_own(
    configure: Configure, tmp_path: Path, fresh_redis: RedisServer
) -> None:
    (tmp_path / "password").write_text("secret\n", "utf-8")
    ledger = f'redis = "{fresh_redis.url}"\nredis_password_file = "password"'
    store = parts.redis_store(configure(ledger=ledger), "x", SystemClock())
    with fresh_redis.client() as client:
        client.config_set("requirepass", "secret")
        try:
            assert await store.identity() is None
        finally:
            client.config_set("requirepass", "")
            await store.close()


@pytest.mark.parametrize("password", ["wrong", None])
async def test_a_password_that_redis_does_not_take_is_a_ledger_out_of_reach(
    configure: Configure, tmp_path: Path, fresh_redis: RedisServer, password: str | None
) -> None:
    (tmp_path / "password").write_text(password or "", "utf-8")
    ledger = f'redis = "{fresh_redis.url}"\n'
    ledger += 'redis_password_file = "password"' if password else ""
    store = parts.redis_store(configure(ledger=ledger), "x", SystemClock())
    with fresh_redis.client() as client:
        client.config_set("requirepass", "secret")
        try:
            with pytest.raises(LedgerUnreachableError):
                await store.identity()
        finally:
            client.config_set("requirepass", "")
            await store.close()
