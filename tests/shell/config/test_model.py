"""What the file says becomes the rules that the core keeps, and nothing else does."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from governor.config.model import Config
from governor.core import policy

X = policy.Contract(
    name="x",
    catalog="x",
    limits=(policy.Limit("x-24h", 1_000_000, 86_400_000),),
    damages=policy.Damages(15_000, "USD", 1_000_000),
)
EVERYTHING = """\
[listen]
proxy = "[::1]:8080"
admin = "localhost:9180"
insecure_network = false
[ledger]
state = "/state"
redis = "redis://127.0.0.1:6379/0"
keep = "800d"
[log]
format = "json"
level = "warning"
[upstream]
connect_to = { "api.x.com:443" = "127.0.0.1:9443" }
allow_addresses = ["127.0.0.0/8"]
other_hosts = "refuse"
connect_timeout = "5s"
read_timeout = "1m30s"
drain = "0s"
[[contract]]
name = "social"
catalog = "x"
basis = "received"
mode = "shadow"
unknown = "refuse"
errors = "charge"
throttle_from = 0.755
max_wait = "500ms"
damages = { amount = 5, currency = "EUR", per_posts = 10 }
[[contract.limit]]
name = "hour"
posts = 1_000
window = "1h"
[[contract.limit]]
name = "day"
posts = 10_000
window = "24h"
[[job]]
name = "elections"
token_sha256 = "0000000000000000000000000000000000000000000000000000000000000000"
contract = "social"
posts = 300
reserved_posts = 0
weight = 1
max_wait = "60s"
until = "2027-03-01"
[[job]]
name = "health"
"""


def read(text: str) -> Config:
    return Config.model_validate(tomllib.loads(text))


def test_without_any_file_x_terms_are_kept_for_everybody() -> None:
    config = Config()

    assert config.contracts() == (X,)
    assert config.jobs() == (policy.Job("default"),)
    assert config.ledger.redis is None
    assert config.ledger.state == Path("~/.local/state/governor").expanduser()
    assert config.listen.proxy_endpoint == ("127.0.0.1", 8080)
    assert config.listen.admin_endpoint == ("127.0.0.1", 9180)
    assert (config.ledger.keep, config.upstream.drain) == (34_560_000_000, 30_000)
    assert (config.upstream.connect_timeout, config.upstream.read_timeout) == (10_000, 60_000)


def test_the_least_file_is_a_contract_and_its_limit() -> None:
    config = read('[[contract]]\n[[contract.limit]]\nname="l"\nposts=5\nwindow="1s"\n')

    assert config.contracts() == (
        policy.Contract(name="x", catalog="x", limits=(policy.Limit("l", 5, 1_000),)),
    )


def test_every_setting_reaches_the_core() -> None:
    config = read(EVERYTHING)

    assert config.contracts() == (
        policy.Contract(
            name="social",
            catalog="x",
            limits=(
                policy.Limit("hour", 1_000, 3_600_000),
                policy.Limit("day", 10_000, 86_400_000),
            ),
            basis="received",
            mode="shadow",
            unknown="refuse",
            errors="charge",
            throttle_from_ppm=755_000,
            max_wait_ms=500,
            damages=policy.Damages(5, "EUR", 10),
        ),
    )
    assert config.jobs() == (
        policy.Job(
            name="elections",
            token_sha256="0" * 64,
            contract="social",
            posts=300,
            max_wait_ms=60_000,
            until_ms=1_803_945_600_000,
        ),
        policy.Job("health"),
    )


def test_sentinels_make_a_ledger_shared() -> None:
    config = read('[ledger.sentinel]\nhosts = ["[::1]:26379", "b:26380"]\nservice = "governor"\n')

    assert config.ledger.is_shared
    assert config.ledger.sentinel is not None
    assert config.ledger.sentinel.endpoints == (("::1", 26379), ("b", 26380))
    assert not Config().ledger.is_shared


def test_every_setting_reaches_the_shell() -> None:
    config = read(EVERYTHING)

    assert config.listen.proxy_endpoint == ("::1", 8080)
    assert config.listen.admin_endpoint == ("localhost", 9180)
    assert config.ledger.state == Path("/state")
    assert config.ledger.redis == "redis://127.0.0.1:6379/0"
    assert config.ledger.keep == 800 * 86_400_000
    assert (config.log.format, config.log.level) == ("json", "warning")
    assert config.upstream.connect_to == {"api.x.com:443": "127.0.0.1:9443"}
    assert config.upstream.allow_addresses == ("127.0.0.0/8",)
    assert config.upstream.other_hosts == "refuse"
    assert config.upstream.read_timeout == 90_000
    assert config.upstream.drain == 0


@pytest.mark.parametrize(
    ("written", "limit"),
    [
        ('requests = 300\nwindow = "15m"', policy.Limit("l", 300, 900_000, "requests")),
        ('most = 50\nunit = "units"\nwindow = "1h"', policy.Limit("l", 50, 3_600_000, "units")),
        (
            'most = 10_000\nunit = "units"\nperiod = "day"\ntime_zone = "America/Los_Angeles"',
            policy.Limit("l", 10_000, 90_000_000, "units", "day America/Los_Angeles"),
        ),
        (
            'posts = 2_000_000\nperiod = "month"\ntime_zone = "UTC"\nreset_day = 15',
            policy.Limit("l", 2_000_000, 2_678_400_000, "posts", "month UTC from 15"),
        ),
        (
            'posts = 5\nperiod = "month"\ntime_zone = "UTC"',
            policy.Limit("l", 5, 2_678_400_000, "posts", "month UTC"),
        ),
    ],
)
def test_a_limit_is_in_any_unit_by_window_or_by_calendar(written: str, limit: policy.Limit) -> None:
    """A calendar's window is the longest that its periods last: 25 hours, 31 days."""
    config = read(f'[[contract]]\ndomains=["a.social"]\n[[contract.limit]]\nname="l"\n{written}\n')
    (contract,) = config.contracts()

    assert contract.limits == (limit,)
    assert contract.domains == ("a.social",)


def test_a_job_may_collect_to_the_end_of_its_last_day() -> None:
    """1803945600 is 2027-03-02T00:00:00Z, by `date -d`."""
    job = read('[[job]]\nname="a"\nuntil=2027-03-01\n').jobs()[0]

    assert job.until_ms == 1_803_945_600_000


WRONG = {
    "a key that is not known": "[listen]\nprxy = 'a:1'\n",
    "a table that is not known": "[logs]\n",
    "no limit": "[[contract]]\n",
    "an empty list of limits": "[[contract]]\nlimit = []\n",
    "no contract at all": "contract = []\n",
    "a window below one second": '[[contract]]\nlimit=[{name="l",posts=1,window="999ms"}]\n',
    "a limit of nothing": '[[contract]]\nlimit=[{name="l",posts=0,window="1s"}]\n',
    "a limit beyond a ring": '[[contract]]\nlimit=[{name="l",posts=2147483648,window="1s"}]\n',
    "a limit whose name is a share's": '[[contract]]\nlimit=[{name="l/a",posts=1,window="1s"}]',
    "a week": '[[contract]]\nlimit=[{name="l",posts=1,period="week",time_zone="UTC"}]',
    "a reset before the first": "[[contract]]\n"
    'limit=[{name="l",posts=1,period="month",time_zone="UTC",reset_day=0}]',
    "a reset after the last": "[[contract]]\n"
    'limit=[{name="l",posts=1,period="month",time_zone="UTC",reset_day=32}]',
    "a timeout of nothing": '[upstream]\nconnect_timeout = "0s"\n',
    "a wrong mode": '[[contract]]\nmode="maybe"\nlimit=[{name="l",posts=1,window="1s"}]\n',
    "a currency of two letters": "[[contract]]\n"
    'damages={amount=1,currency="US",per_posts=1}\nlimit=[{name="l",posts=1,window="1s"}]\n',
    "posts kept free, which nothing keeps yet": '[[job]]\nname="a"\nreserved_posts=5\n',
    "a weight, which nothing weighs yet": '[[job]]\nname="a"\nweight=2\n',
    "a key of two kinds": '[log]\nlevel = ["info"]\n',
}


@pytest.mark.parametrize("kind", WRONG)
def test_what_may_not_stand_there_is_refused(kind: str) -> None:
    with pytest.raises(ValidationError):
        read(WRONG[kind])


@pytest.mark.parametrize("key", ["reserved_posts", "weight"])
def test_what_is_not_built_says_so(key: str) -> None:
    with pytest.raises(ValidationError, match="not built yet and comes with pacing; leave it out"):
        read(f'[[job]]\nname="a"\n{key}=5\n')


def test_what_is_accepted_without_effect_is_noted() -> None:
    limit: dict[str, Any] = {"name": "l", "posts": 1, "window": "1s"}
    config = Config.model_validate({"contract": [{"throttle_from": 0.8, "limit": [limit]}]})

    assert config.notes() == ["contract 'x': throttle_from has no effect yet"]
    assert Config().notes() == []


def test_a_configuration_does_not_change_once_it_was_read() -> None:
    config = Config()

    with pytest.raises(ValidationError):
        config.listen.proxy = "0.0.0.0:1"  # type: ignore[misc]  # what must not be possible


def test_a_limit_may_be_on_requests_beside_one_on_posts() -> None:
    (contract,) = read(
        """
        [[contract]]
        [[contract.limit]]
        name = "x-24h"
        posts = 1_000
        window = "24h"
        [[contract.limit]]
        name = "x-15m"
        requests = 300
        window = "15m"
        """
    ).contracts()

    assert contract.limits == (
        policy.Limit("x-24h", 1_000, 86_400_000),
        policy.Limit("x-15m", 300, 900_000, "requests"),
    )
