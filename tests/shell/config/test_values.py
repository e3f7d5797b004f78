"""A value is read one way or refused with its remedy; nothing is guessed."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from governor.config import values
from governor.config.values import Variable

if TYPE_CHECKING:
    from collections.abc import Mapping


def read(kind: Any, value: object, context: Mapping[str, Any] | None = None) -> Any:  # noqa: ANN401  # what it is read as
    return TypeAdapter(kind).validate_python(value, context=dict(context or {}))


def refused(kind: Any, value: object) -> str:  # noqa: ANN401  # any type of a setting
    with pytest.raises(ValidationError) as caught:
        read(kind, value)
    return caught.value.errors()[0]["msg"]


@pytest.mark.parametrize(
    ("text", "total_ms"),
    [
        ("24h", 86_400_000),
        ("4s", 4_000),
        ("1m30s", 90_000),
        ("400d", 34_560_000_000),
        ("500ms", 500),
        ("0s", 0),
        ("1d1h1m1s1ms", 90_061_001),
    ],
)
def test_a_duration_is_a_number_of_milliseconds(text: str, total_ms: int) -> None:
    assert total_ms == values.duration_ms(text)


@pytest.mark.parametrize(
    "text", ["", "soon", "24", "24 h", "-1s", "1.5h", "1H", "h", "24h ", "1s\n", "٣h", None, True]
)
def test_what_is_no_duration_is_refused_with_an_example(text: object) -> None:
    with pytest.raises(ValueError, match='"1m30s"'):
        values.duration_ms(text)


def test_a_number_without_unit_is_asked_for_its_unit() -> None:
    with pytest.raises(ValueError, match='"60s" or "60ms"'):
        values.duration_ms(60)


@pytest.mark.parametrize("text", ["36501d", "999999999999d", "9" * 5_000 + "d"])
def test_a_duration_beyond_a_century_is_a_slip_of_the_pen(text: str) -> None:
    with pytest.raises(ValueError, match=r"century|no duration"):
        values.duration_ms(text)


@given(st.integers(0, values.LONGEST_MS))
def test_a_duration_is_written_as_it_is_read(total_ms: int) -> None:
    assert total_ms == values.duration_ms(values.duration_text(total_ms))


@pytest.mark.parametrize(
    ("total_ms", "text"),
    [(86_400_000, "24h"), (34_560_000_000, "400d"), (90_000, "90s"), (1_500, "1500ms")],
)
def test_a_duration_is_written_as_people_do(total_ms: int, text: str) -> None:
    assert text == values.duration_text(total_ms)


@pytest.mark.parametrize(
    ("text", "host", "port"),
    [
        ("127.0.0.1:8080", "127.0.0.1", 8080),
        ("[::1]:8080", "::1", 8080),
        ("localhost:0", "localhost", 0),
        ("api.x.com:443", "api.x.com", 443),
    ],
)
def test_an_endpoint_is_host_and_port(text: str, host: str, port: int) -> None:
    assert (host, port) == values.endpoint(text)


@pytest.mark.parametrize(
    "text",
    [
        *("8080", "127.0.0.1", "127.0.0.1:", ":8080", "127.0.0.1:65536", "127.0.0.1:+1"),
        *("300.0.0.1:80", "127.1:80", "::1:8080", "[::1:8080", "[::z]:80", "[localhost]:80"),
        *("a b:80", "-a:80", "a-:80", "http://a:80", "a:٣", "a:8080\n"),
    ],
)
def test_what_is_no_endpoint_is_refused_with_a_remedy(text: str) -> None:
    assert "write" in refused(values.Endpoint, text) or "brackets" in refused(values.Endpoint, text)


@pytest.mark.parametrize("text", ["::1:8080", "[localhost]:80", "[::1:80"])
def test_brackets_stand_around_ipv6_and_nothing_else(text: str) -> None:
    assert "an IPv6 host, and no other, stands in brackets" in refused(values.Endpoint, text)


@pytest.mark.parametrize(
    ("host", "loopback"),
    [
        ("127.0.0.1", True),
        ("127.9.9.9", True),
        ("::1", True),
        ("localhost", True),
        ("0.0.0.0", False),  # noqa: S104  # a host to judge, not to listen on
        ("::", False),
        ("10.0.0.1", False),
        ("localhost.example", False),
    ],
)
def test_only_this_machine_is_loopback(host: str, *, loopback: bool) -> None:
    assert loopback is values.is_loopback(host)


def test_a_day_is_read_quoted_or_not() -> None:
    assert date(2027, 3, 1) == read(values.Day, "2027-03-01") == read(values.Day, date(2027, 3, 1))


@pytest.mark.parametrize("value", [20270301, True, "1.3.2027", datetime(2027, 3, 1, tzinfo=UTC)])
def test_what_is_no_day_is_refused_and_not_guessed(value: object) -> None:
    """Left to itself, pydantic would take 20270301 for a day in 1970."""
    assert "2027-03-01" in refused(values.Day, value)


@pytest.mark.parametrize("value", [0, -1, True, "5", 1.0, 2**31])
def test_posts_are_a_whole_number_above_nothing(value: object) -> None:
    assert refused(values.Posts, value)


@pytest.mark.parametrize("value", [-0.1, 1.1, float("nan"), float("inf"), True, "0.8"])
def test_a_share_is_from_nothing_to_all(value: object) -> None:
    assert refused(values.Share, value)


@pytest.mark.parametrize("name", ["x", "x-24h", "a.b_c", "0", "a" * 63])
def test_a_plain_name_is_kept(name: str) -> None:
    assert name == read(values.Name, name)


@pytest.mark.parametrize("name", ["", "X", "a/b", "a b", "-a", ".", "ä", "a\n", "a" * 64])
def test_a_name_that_a_label_or_a_file_could_not_bear_is_refused(name: str) -> None:
    assert "a-z, 0-9" in refused(values.Name, name)


@pytest.mark.parametrize("text", ["secret-token", "0" * 63, "0" * 65, "A" * 64, "g" * 64])
def test_a_token_in_place_of_its_hash_is_refused_and_not_repeated(text: str) -> None:
    said = refused(values.Sha256, text)

    assert "64 lower-case hex digits" in said
    assert text not in said


@pytest.mark.parametrize(
    "url",
    [
        "redis://127.0.0.1:6379/0",
        "rediss://user:p%40ss@redis.example:6380/1",
        "redis://[::1]:6379",
        "unix:///run/redis.sock?db=1",
    ],
)
def test_a_redis_url_is_kept(url: str) -> None:
    assert url == read(values.RedisUrl, url)


@pytest.mark.parametrize(
    "url",
    [
        *("", "127.0.0.1:6379", "http://h:1", "redis://", "redis://:hunter2#@h:6379"),
        *("redis://h:hunter2", "redis://u:hunter2/@h:1", "redis://[::hunter2", "redis://h:0/"),
        *("redis://h:6379?password=hunter2", "redis://h?db=1&username=hunter2"),
    ],
)
def test_a_wrong_redis_url_is_refused_without_showing_its_password(url: str) -> None:
    said = refused(values.RedisUrl, url)

    assert "redis" in said
    assert "hunter2" not in said


def test_sentinels_may_be_named_by_a_variable() -> None:
    """A table has no plain spelling, so it is written as journals name such a home."""
    kind = Annotated[dict[str, Any], values.SentinelTable]
    found = read(kind, Variable("sentinel://a:26379, [::1]:26380/governor"))

    assert found == {"hosts": ["a:26379", "[::1]:26380"], "service": "governor"}


def test_members_are_named_by_their_ids() -> None:
    one, other = "0" * 32, "a1" * 16

    assert read(values.Members, [one, other]) == (one, other)
    assert read(values.Members, Variable(f"{one}, {other}")) == (one, other)


@pytest.mark.parametrize("text", ["", "a1", "A1" * 16, "a1" * 17, "g" * 32])
def test_what_is_no_member_is_refused_with_the_place_to_look(text: str) -> None:
    assert "`governor check`" in refused(values.Members, [text])


def test_a_member_that_stands_twice_is_a_slip_of_the_pen() -> None:
    """The operator meant another one, whose posts would be forgotten after a loss."""
    assert "stands twice" in refused(values.Members, ["a1" * 16, "0" * 32, "a1" * 16])


@pytest.mark.parametrize("text", ["units", "searches", "posts", "read-units", "a_1"])
def test_a_unit_is_a_word(text: str) -> None:
    assert read(values.Unit, text) == text


@pytest.mark.parametrize("text", ["", "Units", "two words", "1st", "ünits"])
def test_what_no_catalog_could_call_a_unit_is_refused(text: str) -> None:
    assert "is no unit: write posts, requests, or one" in refused(values.Unit, text)


def test_domains_are_names_of_hosts() -> None:
    named = ("mastodon.social", "a-b.example.org", "xn--bcher-kva.example")

    assert read(values.Domains, named) == named
    assert "stands twice" in refused(values.Domains, ["a.social", "a.social"])


@pytest.mark.parametrize(
    "text",
    [
        "",
        "social",
        "Mastodon.social",
        "https://mastodon.social",
        "mastodon.social:443",
        "mastodon.social.",
        "*.social",
        "-a.social",
        "127.0.0.1",
        "büchner.social",
    ],
)
def test_what_is_no_domain_is_refused_with_an_example(text: str) -> None:
    assert "as mastodon.social" in refused(values.Domains, [text])


@pytest.mark.parametrize("text", ["a:26379", "redis://a:26379/0", "sentinel://a:26379"])
def test_sentinels_that_cannot_be_read_from_a_variable_say_how(text: str) -> None:
    assert "host:26380/service" in refused(
        Annotated[dict[str, Any], values.SentinelTable], Variable(text)
    )


@pytest.mark.parametrize("url", ["http://corp:3128", "http://u:p@corp:3128/", "http://[::1]:3128"])
def test_an_upstream_proxy_is_kept(url: str) -> None:
    assert url == read(values.ProxyUrl, url)


@pytest.mark.parametrize(
    "url",
    [
        *("corp:3128", "https://u:hunter2@corp:1", "socks5://corp:1", "http://u:hunter2@corp"),
        *("http://corp:1/hunter2", "http://corp:1?hunter2", "http://[hunter2", "http://corp:0"),
    ],
)
def test_a_wrong_upstream_proxy_is_refused_without_showing_its_password(url: str) -> None:
    said = refused(values.ProxyUrl, url)

    assert "write http://host:port" in said
    assert "hunter2" not in said


def test_networks_are_a_list_and_in_a_variable_separated_by_commas() -> None:
    ranges = ("127.0.0.0/8", "10.0.0.1", "fd00::/8")

    assert ranges == read(values.Networks, list(ranges))
    assert ranges == read(values.Networks, Variable(" , ".join(ranges)))
    assert refused(values.Networks, "127.0.0.0/8")  # a list in the file


def test_a_network_with_host_bits_is_refused_with_an_example() -> None:
    assert "10.0.0.0/8" in refused(values.Networks, ["127.0.0.1/8"])


def test_routes_are_a_mapping_and_in_a_variable_pairs() -> None:
    routes = {"api.x.com:443": "127.0.0.1:9443", "x.com:443": "127.0.0.1:9444"}
    text = ",".join(f"{one}={other}" for one, other in routes.items())

    assert routes == read(values.Routes, routes) == read(values.Routes, Variable(text))
    assert refused(values.Routes, Variable("api.x.com:443"))
    assert refused(values.Routes, {"api.x.com": "127.0.0.1:9443"})


def test_a_switch_is_true_or_false_and_nothing_like_them() -> None:
    assert read(values.Switch, True) is read(values.Switch, Variable("true")) is True  # noqa: FBT003  # the value itself
    assert read(values.Switch, Variable("false")) is False
    for value in ("true", 1, "yes", Variable("1"), Variable("True")):
        assert refused(values.Switch, value) == "Value error, write true or false"


def test_a_relative_path_starts_where_the_file_stands(tmp_path: Path) -> None:
    assert tmp_path / "state" == read(values.Place, "state", {"directory": tmp_path})
    assert Path("/state") == read(values.Place, "/state", {"directory": tmp_path})


def test_a_relative_path_in_a_variable_starts_where_the_command_does(tmp_path: Path) -> None:
    found = read(values.Place, Variable("state"), {"directory": tmp_path})

    assert Path.cwd() / "state" == found


def test_a_path_begins_at_home_with_a_tilde(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))

    assert tmp_path / "state" == read(values.Place, "~/state")
    assert "absolute path" in refused(values.Place, "~nobody-of-this-name/state")


@pytest.mark.parametrize("value", ["", 5, True, None])
def test_what_is_no_path_is_refused(value: object) -> None:
    assert "write a path" in refused(values.Place, value)


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    there = tmp_path / "key.pem"
    there.touch()

    assert there == read(values.ExistingFile, str(there))
    assert str(tmp_path) in refused(values.ExistingFile, str(tmp_path))
    assert "absent.pem is not there" in refused(values.ExistingFile, str(tmp_path / "absent.pem"))
    assert refused(values.ExistingFile, str(there / "below-a-file"))


def test_a_catalog_is_a_name_or_a_path_from_where_the_file_stands(tmp_path: Path) -> None:
    assert read(values.Catalog, "x", {"directory": tmp_path}) == "x"
    assert str(tmp_path / "own.toml") == read(values.Catalog, "own.toml", {"directory": tmp_path})
