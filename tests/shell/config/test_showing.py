"""What is shown is what is in force, and nothing in it is a secret."""

from __future__ import annotations

import json
import tomllib
from typing import TYPE_CHECKING, Any

import pytest

from governor.config import load, schema, shown, without_password

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

HASH = "5e" * 32
SECRETS = f"""\
[ledger]
state = "state"
redis = "redis://reader:hunter2@127.0.0.1:6379/0"
[upstream]
proxy = "http://me:hunter2@corp:3128"
[[job]]
name = "a"
token_sha256 = "{HASH}"
[[job]]
name = "b"
until = 2027-03-01
"""


def test_no_password_and_no_hash_of_a_token_is_shown(tmp_path: Path) -> None:
    file = tmp_path / "governor.toml"
    file.write_text(SECRETS, encoding="utf-8")
    content = shown(load(file, {}))
    text = json.dumps(content)

    assert "hunter2" not in text
    assert "reader" not in text
    assert HASH not in text
    assert content["ledger"]["redis"] == "redis://***@127.0.0.1:6379/0"
    assert content["upstream"]["proxy"] == "http://***@corp:3128"
    assert [job["token_sha256"] for job in content["job"]] == ["***", None]


def test_what_is_shown_could_be_written_into_the_file(tmp_path: Path) -> None:
    """Durations and days are shown as the file has them, defaults too."""
    content = shown(load(None, {"GOVERNOR_LEDGER_STATE": str(tmp_path)}))

    assert content["ledger"] == {
        "state": str(tmp_path),
        "redis": None,
        "redis_password_file": None,
        "sentinel": None,
        "members": [],
        "keep": "400d",
    }
    (limit,) = content["contract"][0]["limit"]
    assert {key: value for key, value in limit.items() if value is not None} == {
        "name": "x-24h",
        "posts": 1_000_000,
        "window": "24h",
    }


def descriptions(whole: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield each key with what is said of it, by itself or by the table that it refers to."""
    tables = whole["$defs"]
    for name, table in {"": whole, **tables}.items():
        for key, found in table["properties"].items():
            referred = tables.get(found.get("$ref", "").rpartition("/")[2], {})
            yield f"{name}.{key}", found.get("description") or referred.get("description", "")


def test_every_key_of_the_schema_says_what_it_is_for() -> None:
    found = dict(descriptions(schema()))

    assert len(found) > 40
    assert [key for key, said in found.items() if len(said.split()) < 2] == []


def test_the_schema_has_every_key_of_the_design() -> None:
    tables = schema()["$defs"]
    keys = {name: set(table["properties"]) for name, table in tables.items()}

    assert keys["Listen"] >= {"proxy", "admin", "tls_cert", "tls_key", "admin_token_file"}
    assert keys["Ledger"] >= {
        "state",
        "redis",
        "redis_password_file",
        "sentinel",
        "members",
        "keep",
    }
    assert keys["Contract"] >= {"name", "catalog", "basis", "mode", "unknown", "errors", "limit"}
    assert keys["Job"] >= {"name", "token_sha256", "contract", "posts", "until", "max_wait"}


def test_the_schema_is_the_same_on_every_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/somebody")

    assert "somebody" not in json.dumps(schema())


def test_the_schema_wants_durations_as_the_file_does() -> None:
    window, absent = schema()["$defs"]["Limit"]["properties"]["window"]["anyOf"]

    assert (window["type"], absent["type"]) == ("string", "null")
    assert schema()["$defs"]["Upstream"]["properties"]["drain"]["default"] == "30s"


@pytest.mark.parametrize(
    ("url", "plain"),
    [
        ("redis://u:hunter2@h:6379/0", "redis://h:6379/0"),
        ("redis://:hunter2@[::1]:6379", "redis://[::1]:6379"),
        ("redis://h:6379/0", "redis://h:6379/0"),
        ("unix:///run/redis.sock", "unix:///run/redis.sock"),
    ],
)
def test_a_url_is_logged_and_journaled_without_its_password(url: str, plain: str) -> None:
    assert plain == without_password(url)


def test_a_shown_configuration_reads_back_as_the_same(tmp_path: Path) -> None:
    file = tmp_path / "governor.toml"
    file.write_text('[upstream]\ndrain = "90s"\n[log]\nlevel = "debug"\n', encoding="utf-8")
    first = load(file, {})
    rows = [
        f'[{table}]\n{key} = "{value}"\n'
        for table, key in (("upstream", "drain"), ("log", "level"))
        for value in [shown(first)[table][key]]
    ]
    again = tmp_path / "again.toml"
    again.write_text("".join(rows), encoding="utf-8")

    assert first == load(again, {})
    assert tomllib.loads(again.read_text("utf-8"))
