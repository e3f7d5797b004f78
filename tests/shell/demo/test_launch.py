"""A Governor for the demo is configured for loopback alone, and says why when it does not start."""

from __future__ import annotations

import os
import socket
import tomllib
from typing import TYPE_CHECKING

import pytest

from governor.demo.launch import Launched, Metrics, Place, Terms, environment, free_port

if TYPE_CHECKING:
    from pathlib import Path

METRICS = """\
# TYPE governor_usage_posts gauge
governor_usage_posts{contract="x",limit="x-demo",job=""} 300.0
governor_usage_posts{contract="x",limit="x-other"} 5.0
# TYPE governor_refusals counter
governor_refusals_total{reason="limit"} 2.0
"""


def launched(directory: Path, redis: str | None = None) -> Launched:
    place = Place(9443, directory / 'a "quoted" name' / "ca.pem")
    return Launched(directory, Terms(100, "5s"), place, redis)


def test_its_configuration_reaches_the_platform_and_nothing_else(tmp_path: Path) -> None:
    settings = tomllib.loads(launched(tmp_path).settings())

    assert settings["upstream"] == {
        "connect_to": {
            "api.x.com:443": "127.0.0.1:9443",
            "api.twitter.com:443": "127.0.0.1:9443",
        },
        "ca_file": str(tmp_path / 'a "quoted" name' / "ca.pem"),
        "allow_addresses": ["127.0.0.0/8"],
        "other_hosts": "refuse",
    }
    assert settings["contract"][0]["limit"] == [{"name": "x-demo", "posts": 100, "window": "5s"}]


@pytest.mark.parametrize("redis", [None, "redis://127.0.0.1:6379/0"])
def test_the_ledger_is_embedded_unless_a_redis_is_named(tmp_path: Path, redis: str | None) -> None:
    assert tomllib.loads(launched(tmp_path, redis).settings())["ledger"].get("redis") == redis


def test_a_free_port_can_be_listened_on() -> None:
    with socket.create_server(("127.0.0.1", free_port())):
        pass


def test_metrics_are_summed_by_name_and_labels() -> None:
    metrics = Metrics.parse(METRICS)

    assert metrics.sum("usage_posts", limit="x-demo") == 300
    assert metrics.sum("usage_posts") == 305
    assert metrics.sum("refusals_total") == 2
    assert metrics.sum("unheard_of") == 0


def test_what_this_machine_presets_is_not_passed_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", "/elsewhere.pem")
    monkeypatch.setenv("https_proxy", "http://elsewhere:1")
    plain = environment({"HTTPS_PROXY": "http://127.0.0.1:1"})

    assert {"SSL_CERT_FILE", "https_proxy"}.isdisjoint(plain)
    assert (plain["PATH"], plain["HTTPS_PROXY"]) == (os.environ["PATH"], "http://127.0.0.1:1")


async def test_a_command_that_fails_says_what_it_said(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match="ended with"):
        await launched(tmp_path).command("no-such-verb")
