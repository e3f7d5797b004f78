"""A crawler is told where to go and whom to trust, and the bundle it reads is always whole."""

from __future__ import annotations

import hashlib
import ssl
from typing import TYPE_CHECKING

import certifi
import pytest

from governor import certs
from governor.cli import exports, parts
from governor.clock import SystemClock
from governor.errors import ConfigError

if TYPE_CHECKING:
    from pathlib import Path

    from governor.config import Config
    from tests.shell.cli.conftest import Configure


@pytest.fixture
def config(configure: Configure) -> Config:
    """Give a configuration whose CA is made."""
    return with_ca(configure())


def with_ca(config: Config) -> Config:
    config.ledger.state.mkdir(exist_ok=True)
    domains = parts.domains(parts.read_catalogs(config))
    certs.create_ca(config.ledger.state, domains, now_ms=SystemClock().wall_ms())
    return config


def test_a_crawler_trusts_the_public_roots_and_our_ca(config: Config) -> None:
    file = dict(exports.local_exports(config))["SSL_CERT_FILE"]

    trusted = ssl.create_default_context(cafile=file).get_ca_certs()
    public = ssl.create_default_context(cafile=certifi.where()).get_ca_certs()

    assert [each for each in trusted if each not in public] == [
        each for each in trusted if (("organizationName", "Governor"),) in each["subject"]
    ]
    assert len(trusted) == len(public) + 1


def test_asked_twice_the_bundle_is_the_same_file(config: Config) -> None:
    """A crawler may be reading it."""
    file = config.ledger.state / exports.BUNDLE
    exports.local_exports(config)
    before = file.stat()

    exports.local_exports(config)

    assert (file.stat().st_ino, file.stat().st_mtime_ns) == (before.st_ino, before.st_mtime_ns)


def test_a_bundle_of_another_ca_is_replaced_whole(config: Config) -> None:
    file = config.ledger.state / exports.BUNDLE
    file.write_bytes(b"an older one")
    with file.open("rb") as crawler:
        exports.local_exports(config)

        assert crawler.read() == b"an older one"
    assert file.read_bytes() == certs.bundle(exports.ca_pem(config).encode())
    assert [
        each.name for each in config.ledger.state.iterdir() if each.name.startswith("tmp")
    ] == []


def test_other_users_may_read_the_bundle(config: Config) -> None:
    exports.local_exports(config)

    assert (config.ledger.state / exports.BUNDLE).stat().st_mode & 0o777 == 0o644


def test_without_a_ca_there_is_nothing_to_export(configure: Configure) -> None:
    with pytest.raises(ConfigError, match="governor init"):
        exports.local_exports(configure())


@pytest.mark.parametrize(
    ("listen", "url"),
    [
        ("127.0.0.1:8080", "http://127.0.0.1:8080"),
        ("localhost:8080", "http://localhost:8080"),
        ("[::1]:8080", "http://[::1]:8080"),
        ("0.0.0.0:8080", "http://127.0.0.1:8080"),
        ("[::]:8080", "http://[::1]:8080"),
    ],
)
def test_a_crawler_here_is_sent_to_where_it_is_heard(
    configure: Configure, listen: str, url: str
) -> None:
    tables = f'[listen]\nproxy = "{listen}"\ninsecure_network = true\n'

    assert exports.proxy_url(configure(tables)) == url


def test_a_port_under_tls_is_told_as_such(configure: Configure, tmp_path: Path) -> None:
    for name in ("cert", "key"):
        (tmp_path / name).write_text("not read here", "utf-8")
    tables = '[listen]\nproxy = "127.0.0.1:8080"\ntls_cert = "cert"\ntls_key = "key"\n'

    assert exports.proxy_url(configure(tables)) == "https://127.0.0.1:8080"


def test_another_host_compares_the_sum_that_an_operator_sees(config: Config) -> None:
    """What `governor.internal` serves, `ca show` shows and `env --for-remote` checks is one sum."""
    sha256 = hashlib.sha256(certs.bundle(exports.ca_pem(config).encode())).hexdigest()

    assert exports.ca_facts(config)["bundle_sha256"] == sha256
    assert sha256 in exports.remote_exports(config, "http://10.0.0.1:8080", "sh")


def test_an_operator_learns_what_the_ca_may_do_and_until_when(config: Config) -> None:
    facts = exports.ca_facts(config)

    assert facts["certificate"] == str(config.ledger.state / "ca.pem")
    assert facts["domains"] == ["x.com", "twitter.com", "twimg.com"]
    assert facts["expires"].endswith("Z")
