"""Tables that contradict each other are refused, whatever else is wrong in them."""

from __future__ import annotations

import tomllib
from typing import TYPE_CHECKING

import pytest

from governor.config.between import conflicts

if TYPE_CHECKING:
    from pathlib import Path

TOKEN = "0" * 64
LIMIT = '[[contract.limit]]\nname = "l"\nposts = 1000\nwindow = "24h"\n'
ZONES = ("UTC", "America/Los_Angeles")
MONTH = '[[contract.limit]]\nname = "m"\nposts = 9\nperiod = "month"\ntime_zone = "UTC"\n'
DOMAINS = 'name = "a"\ndomains = ["a.social"]\n'
JOB = f'[[job]]\nname = "a"\ntoken_sha256 = "{TOKEN}"\n'


def told(text: str, directory: Path) -> list[tuple[str, str]]:
    """Return each conflict as its dotted place and what is said of it."""
    return [
        (".".join(map(str, where)), said)
        for where, said in conflicts(tomllib.loads(text), directory, ("x", "y"), ZONES)
    ]


SOUND = {
    "nothing": "",
    "two contracts": f'[[contract]]\nname="a"\ncatalog="x"\n{LIMIT}'
    f'[[contract]]\nname="b"\ncatalog="y"\n{LIMIT}',  # limits are named within their contract
    "a job of the built-in contract": JOB + 'contract = "x"\nposts = 1_000_000\n',
    "one catalog on the domains of each": '[[contract]]\nname="a"\ndomains=["a.social"]\n'
    f'{LIMIT}[[contract]]\nname="b"\ndomains=["b.social"]\n{LIMIT}',
    "a month beside a window": f"[[contract]]\n{LIMIT}{MONTH}reset_day = 31\n",
    "a cap equal to the limit": f"[[contract]]\n{LIMIT}{JOB}posts = 1000\n",
    "TLS by both files": '[listen]\ntls_cert = "a"\ntls_key = "b"\n',
    "two ports that the system chooses": '[listen]\nproxy = "127.0.0.1:0"\nadmin = "127.0.0.1:0"\n',
    "members of a ledger in Redis": '[ledger]\nredis = "redis://h"\nmembers = ["a"]\n',
    "a journal kept for two windows": '[ledger]\nkeep = "48h"\n',
    "beyond loopback, guarded": '[listen]\nproxy = "0.0.0.0:1"\ntls_cert = "a"\ntls_key = "b"\n'
    f'admin = "[::]:2"\nadmin_token_file = "c"\n{JOB}',
    "beyond loopback, by an operator's word": '[listen]\nproxy = "0.0.0.0:1"\n'
    'admin = "0.0.0.0:2"\ninsecure_network = true\n',
    "loopback by another name": '[listen]\nproxy = "localhost:1"\nadmin = "[::1]:2"\n',
}


@pytest.mark.parametrize("kind", SOUND)
def test_what_agrees_is_accepted(kind: str, tmp_path: Path) -> None:
    assert told(SOUND[kind], tmp_path) == []


def test_beyond_loopback_tokens_and_tls_are_needed(tmp_path: Path) -> None:
    found = told(f'[listen]\nproxy = "0.0.0.0:1"\n{JOB}[[job]]\nname = "b"\n', tmp_path)

    assert [place for place, _ in found] == ["listen.proxy", "listen.proxy"]
    assert "token_sha256" in found[0][1]
    assert "tls_cert and tls_key" in found[1][1]
    assert all("insecure_network = true" in said for _, said in found)


CONFLICTS = {
    "a platform's name without its catalog": (
        f'[[contract]]\nname="y"\n{LIMIT}',
        ("contract.0.catalog", "it would govern x, not y: write catalog = 'y'"),
    ),
    "two contracts of one name": (
        f'[[contract]]\n{LIMIT}[[contract]]\ncatalog="y"\n{LIMIT}',
        ("contract.1.name", "'x' stands twice"),
    ),
    "two contracts on one catalog": (
        f'[[contract]]\nname="a"\n{LIMIT}[[contract]]\nname="b"\ncatalog="x"\n{LIMIT}',
        ("contract.1.catalog", "'x' stands twice"),
    ),
    "two contracts on one catalog, one of them on all of it": (
        f'[[contract]]\nname="a"\n{LIMIT}[[contract]]\nname="b"\ndomains=["b.social"]\n{LIMIT}',
        ("contract.1.catalog", "'x' stands twice"),
    ),
    "two contracts on one domain": (
        f'[[contract]]\n{DOMAINS}{LIMIT}[[contract]]\nname="b"\ndomains=["m.a.social"]\n{LIMIT}',
        ("contract.1.domains", "m.a.social is, or overlaps, a domain of another contract"),
    ),
    "a month without its zone": (
        '[[contract]]\n[[contract.limit]]\nname = "m"\nposts = 9\nperiod = "month"\n',
        ("contract.0.limit.0.period", "it goes with time_zone"),
    ),
    "a journal kept for less than two months": (
        f'[ledger]\nkeep = "61d"\n[[contract]]\n{MONTH}',
        ("ledger.keep", "write 62d or more"),
    ),
    "two limits of one name": (
        f"[[contract]]\n{LIMIT}{LIMIT}",
        ("contract.0.limit.1.name", "'l' stands twice"),
    ),
    "a limit in two units": (
        f"[[contract]]\n{LIMIT}requests = 5\n",
        ("contract.0.limit.0.requests", "it is a limit on posts already; write a [[contract.limit"),
    ),
    "a limit on nothing": (
        '[[contract]]\n[[contract.limit]]\nname = "l"\nwindow = "1h"\n',
        ("contract.0.limit.0.posts", "it is missing; write posts, requests, or most and unit"),
    ),
    "two jobs of one name": (JOB + JOB, ("job.1.name", "'a' stands twice")),
    "members of a ledger that nobody shares": (
        '[ledger]\nmembers = ["a"]\n',
        ("ledger.members", "an embedded ledger has one member"),
    ),
    "no such catalog": (
        f'[[contract]]\ncatalog="z"\n{LIMIT}',
        ("contract.0.catalog", "there is no catalog 'z'; write x, y or the path"),
    ),
    "no such catalog file": (
        f'[[contract]]\ncatalog="own.toml"\n{LIMIT}',
        ("contract.0.catalog", "own.toml is not there"),
    ),
    "no such contract": (
        JOB + 'contract = "z"\n',
        ("job.0.contract", "there is no contract 'z'; write x"),
    ),
    "a cap above its contract's limit": (
        f"[[contract]]\n{LIMIT}{JOB}posts = 1001\n",
        ("job.0.posts", "1001 is above the limit of 1000"),
    ),
    "a cap above the named contract's limit": (
        f'[[contract]]\n{LIMIT}{JOB}contract = "x"\nposts = 1001\n',
        ("job.0.posts", "1001 is above the limit of 1000"),
    ),
    "a certificate without its key": (
        '[listen]\ntls_cert = "a"\n',
        ("listen.tls_cert", "it goes with tls_key"),
    ),
    "a CA's key without its certificate": (
        '[tls]\nca_key = "a"\n',
        ("tls.ca_key", "it goes with ca_cert"),
    ),
    "two places for one ledger": (
        '[ledger]\nredis = "redis://h"\nsentinel = { hosts = ["h:1"], service = "s" }\n',
        ("ledger.sentinel", "leave one of them out"),
    ),
    "a journal forgotten too early": (
        '[ledger]\nkeep = "47h"\n',
        ("ledger.keep", "write 2d or more"),
    ),
    "both listeners on one port": (
        '[listen]\nproxy = "127.0.0.1:1"\nadmin = "127.0.0.1:1"\n',
        ("listen.admin", "it is the proxy's address too"),
    ),
    "admin beyond loopback without a token": (
        '[listen]\nadmin = "0.0.0.0:2"\n',
        ("listen.admin", "it needs admin_token_file"),
    ),
    "the proxy beyond loopback without any job": (
        '[listen]\nproxy = "[::]:2"\ntls_cert = "a"\ntls_key = "b"\n',
        ("listen.proxy", "every [[job]] needs a token_sha256"),
    ),
}


@pytest.mark.parametrize("kind", CONFLICTS)
def test_what_contradicts_is_told_once_at_its_place(kind: str, tmp_path: Path) -> None:
    text, (place, said) = CONFLICTS[kind]
    found = told(text, tmp_path)

    assert [place] == [where for where, _ in found]
    assert said in found[0][1]


def test_a_catalog_of_ones_own_is_found_beside_the_file(tmp_path: Path) -> None:
    (tmp_path / "own.toml").touch()

    assert told(f'[[contract]]\ncatalog="own.toml"\n{LIMIT}', tmp_path) == []


@pytest.mark.parametrize(
    "text",
    [
        "contract = 5\njob = true\nlisten = 1\nledger = 2\ntls = 3\n",
        'contract = [1, "a"]\njob = ["b"]\n',
        "[[contract]]\nname = 5\ncatalog = 6\nlimit = [7]\n[[job]]\nname = 8\ncontract = 9\n",
        '[[contract]]\nlimit = [{ posts = "many", window = "soon" }]\n[ledger]\nkeep = "soon"\n',
        '[listen]\nproxy = "nowhere"\n',
    ],
)
def test_what_has_the_wrong_type_is_left_to_its_own_table(text: str, tmp_path: Path) -> None:
    assert told(text, tmp_path) == []
