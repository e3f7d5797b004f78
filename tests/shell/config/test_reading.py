"""Every mistake is told at once, where it stands, with its remedy and without a secret."""

from __future__ import annotations

from pathlib import Path

import pytest

from governor.config import load
from governor.errors import ConfigError

LIMIT = '[[contract.limit]]\nname = "l"\nposts = 1000\nwindow = "24h"\n'


@pytest.fixture(autouse=True)
def _nowhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Start in an empty directory, with an empty home."""
    (tmp_path / "here").mkdir()
    (tmp_path / "home").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    monkeypatch.setenv("HOME", str(tmp_path / "home"))


def write(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def level(text: str) -> str:
    return f'[log]\nlevel = "{text}"\n'


def mistakes(tmp_path: Path, text: str, **environ: str) -> tuple[str, ...]:
    """Return what is said of a file, without the part of its name that differs in each test."""
    file = write(tmp_path / "governor.toml", text)
    with pytest.raises(ConfigError) as caught:
        load(file, environ)
    return tuple(said.replace(str(file), "governor.toml") for said in caught.value.mistakes)


def test_the_file_is_looked_for_where_it_may_be(tmp_path: Path) -> None:
    """The one that is named first, then the variable's, then the one here, then the one at home."""
    assert load(None, {}).log.level == "info"
    write(tmp_path / "home/.config/governor/governor.toml", level("error"))
    assert load(None, {}).log.level == "error"
    write(tmp_path / "here/governor.toml", level("warning"))
    assert load(None, {}).log.level == "warning"
    environ = {"GOVERNOR_CONFIG": str(write(tmp_path / "variable.toml", level("debug")))}
    assert load(None, environ).log.level == "debug"
    assert load(write(tmp_path / "named.toml", level("info")), environ).log.level == "info"


def test_the_example_in_the_readme_can_be_read(tmp_path: Path) -> None:
    readme = (Path(__file__).parents[3] / "README.md").read_text("utf-8")
    example = readme.partition("```toml\n")[2].partition("```")[0]
    for name in ("ca.pem", "ca.key"):
        write(tmp_path / "etc" / name, "")
    config = load(
        write(tmp_path / "governor.toml", example.replace("/etc/governor", f"{tmp_path}/etc")), {}
    )

    assert [limit.name for limit in config.contracts()[0].limits] == ["x-24h", "x-15m"]
    assert [job.name for job in config.jobs()] == ["elections"]


def test_a_named_file_that_is_absent_is_a_mistake(tmp_path: Path) -> None:
    """Never does a slip in a path fall back to the defaults."""
    write(tmp_path / "here/governor.toml", level("warning"))
    with pytest.raises(ConfigError, match=r"absent\.toml: it is not there; correct the path"):
        load(tmp_path / "absent.toml", {})
    with pytest.raises(ConfigError, match=r"absent\.toml: it is not there; correct the path"):
        load(None, {"GOVERNOR_CONFIG": str(tmp_path / "absent.toml")})


def test_what_cannot_be_read_is_named(tmp_path: Path) -> None:
    (tmp_path / "latin.toml").write_bytes(b'# \xe9\n[log]\nlevel = "info"\n')
    with pytest.raises(ConfigError, match=r"latin\.toml: it is not UTF-8"):
        load(tmp_path / "latin.toml", {})
    with pytest.raises(ConfigError, match="cannot be read: Is a directory"):
        load(tmp_path, {})


def test_a_mark_that_an_editor_put_first_does_no_harm(tmp_path: Path) -> None:
    file = tmp_path / "governor.toml"
    file.write_bytes(b"\xef\xbb\xbf" + level("debug").encode())

    assert load(file, {}).log.level == "debug"


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("[listen\n", "governor.toml:1: it is not TOML"),
        (
            "[log]\nlevel = info\n",
            (
                "governor.toml:2: it is not TOML: expected newline or end of document after a "
                "statement; texts stand in quotes"
            ),
        ),
        (
            "[log]\nlevel = debug\n",
            "governor.toml:2: it is not TOML: invalid value; texts stand in quotes",
        ),
        (
            "[log]\nlevel = 'a'\nlevel = 'b'\n",
            "governor.toml:3: it is not TOML: cannot overwrite a value",
        ),
        ("a = " + "9" * 5_000, "governor.toml: it is not TOML"),
        ('a = "', "governor.toml: it is not TOML"),
    ],
)
def test_what_is_no_toml_is_told_with_its_line(text: str, place: str, tmp_path: Path) -> None:
    [said] = mistakes(tmp_path, text)

    assert said.startswith(place)


MISTAKES = {
    "a misspelt key": (
        '[ledger]\nredsi = "redis://h"\n',
        "governor.toml:2: ledger.redsi: no such key; did you mean redis?",
    ),
    "a misspelt table": ("[upsteam]\n", "governor.toml:1: upsteam: no such key; did you mean upst"),
    "a key like no other": (
        "[tls]\nfoo = 1\n",
        "governor.toml:2: tls.foo: no such key; there are ca_",
    ),
    "a misspelt key of a limit": (
        f'[[contract]]\n{LIMIT}windw = "1s"\n',
        "governor.toml:6: contract.limit.windw: no such key; did you mean window?",
    ),
    "a misspelt key of Sentinel": (
        '[ledger]\nsentinel = { hosts = ["h:1"], service = "s", password = "p" }\n',
        "governor.toml:2: ledger.sentinel.password: no such key; did you mean password_file?",
    ),
    "a Sentinel without its port": (
        '[ledger.sentinel]\nhosts = ["sentinel-1"]\nservice = "s"\n',
        "governor.toml:2: ledger.sentinel.hosts: 'sentinel-1' is no address: write host:port",
    ),
    "what is missing": (
        f'[[contract]]\n{LIMIT}[[contract.limit]]\nname = "m"\nposts = 5\n',
        "governor.toml:6: contract.limit.window: it is missing; write window, or period",
    ),
    "no limit": (
        "[[contract]]\nlimit = []\n",
        "governor.toml:2: contract.limit: at least one is need",
    ),
    "one pair of brackets": (
        "[job]\nname = 'a'\n",
        "governor.toml:1: job: write [[job]], in double",
    ),
    "a value for a table": (
        "log = 5\n",
        "governor.toml:1: log: it is a table; write its name in br",
    ),
    "a value for a list": (
        '[upstream]\nallow_addresses = "10.0.0.0/8"\n',
        "governor.toml:2: upstream.allow_addresses: write a list",
    ),
    "a word that is not a choice": (
        '[log]\nlevel = "loud"\n',
        "governor.toml:2: log.level: write 'debug', 'info', 'warning' or 'error', not 'loud'",
    ),
    "a number out of range": (
        '[[job]]\nname = "a"\nposts = 0\n',
        "governor.toml:3: job.posts: write greater than 0, not 0",
    ),
    "a text for a number": (
        '[[job]]\nname = "a"\nposts = "many"\n',
        "governor.toml:3: job.posts: write a valid integer, not 'many'",
    ),
    "a currency": (
        '[[contract]]\ndamages = { amount = 1, currency = "Euro", per_posts = 1 }\n' + LIMIT,
        "governor.toml:2: contract.damages.currency: write three capital letters",
    ),
    "a route": (
        '[upstream]\nconnect_to = { "api.x.com" = "127.0.0.1:1" }\n',
        "governor.toml:2: upstream.connect_to.api.x.com: 'api.x.com' is no address: write",
    ),
    "a duration": (
        '[upstream]\ndrain = "soon"\n',
        "governor.toml:2: upstream.drain: 'soon' is no duration: write it as",
    ),
    "a conflict between tables": (
        '[[job]]\nname = "a"\ncontract = "z"\n',
        "governor.toml:3: job.contract: there is no contract 'z'; write x",
    ),
}


@pytest.mark.parametrize("kind", MISTAKES)
def test_a_mistake_is_told_where_it_stands_with_its_remedy(kind: str, tmp_path: Path) -> None:
    text, expected = MISTAKES[kind]
    [said] = mistakes(tmp_path, text)

    assert said.startswith(expected), said


def test_all_mistakes_are_told_at_once(tmp_path: Path) -> None:
    """Those of variables, then those in the file from top to bottom, inside tables and between."""
    text = (
        '[listen]\nproxy = "nowhere"\n[log]\nlevel = "loud"\n'
        '[[job]]\nname = "a"\ncontract = "z"\n[[job]]\nname = "a"\n'
    )
    found = mistakes(tmp_path, text, GOVERNOR_LOGS="1", GOVERNOR_LEDGER_KEEP="long")

    assert len(found) == 6
    assert [said.split(": ")[0] for said in found] == [
        "GOVERNOR_LOGS",
        "GOVERNOR_LEDGER_KEEP",
        "governor.toml:2",
        "governor.toml:4",
        "governor.toml:7",
        "governor.toml:9",
    ]


def test_a_mistake_in_a_variable_is_told_by_its_name_though_the_file_has_the_key(
    tmp_path: Path,
) -> None:
    text = '[listen]\nproxy = "127.0.0.1:8080"\n'

    assert mistakes(tmp_path, text, GOVERNOR_LISTEN_PROXY="x") == (
        "GOVERNOR_LISTEN_PROXY: 'x' is no address: write host:port, a port from 0 to 65535",
    )


def test_a_conflict_that_a_variable_made_is_told_by_its_name() -> None:
    with pytest.raises(ConfigError) as caught:
        load(None, {"GOVERNOR_LISTEN_PROXY": "0.0.0.0:8080"})

    assert len(caught.value.mistakes) == 2
    assert all(said.startswith("GOVERNOR_LISTEN_PROXY: ") for said in caught.value.mistakes)


def test_a_list_that_is_short_only_because_its_items_are_wrong_is_not_told_too(
    tmp_path: Path,
) -> None:
    assert len(mistakes(tmp_path, '[[contract]]\n[[contract.limit]]\nname = "l"\nposts = 1\n')) == 1


@pytest.mark.parametrize(
    "text",
    [
        '[ledger]\nredis = "http://:hunter2@h"\n',
        '[ledger]\nredis = ["hunter2"]\n',
        '[upstream]\nproxy = "https://u:hunter2@h:1"\n',
        '[[job]]\nname = "a"\ntoken_sha256 = "hunter2"\n',
        '[[job]]\nname = "a"\ntoken_sha256 = 4711\n',
        '[[job]]\nname = "a"\ntoken = "hunter2"\n',
        '[ledger]\npassword = "hunter2"\n',
    ],
)
def test_what_may_be_a_secret_is_not_repeated(text: str, tmp_path: Path) -> None:
    said = "".join(mistakes(tmp_path, text))

    assert "hunter2" not in said
    assert "4711" not in said


def test_relative_paths_start_where_the_file_stands(tmp_path: Path) -> None:
    file = write(tmp_path / "etc/governor.toml", '[ledger]\nstate = "state"\n')

    assert tmp_path / "etc/state" == load(file, {}).ledger.state


def test_a_catalog_that_the_caller_knows_is_accepted(tmp_path: Path) -> None:
    file = write(tmp_path / "governor.toml", f'[[contract]]\ncatalog = "bluesky"\n{LIMIT}')

    assert load(file, {}, catalogs=("x", "bluesky")).contract[0].catalog == "bluesky"
    with pytest.raises(ConfigError, match="there is no catalog 'bluesky'"):
        load(file, {})


def test_variables_alone_are_enough_of_a_configuration(tmp_path: Path) -> None:
    config = load(
        None,
        {
            "GOVERNOR_LISTEN_PROXY": "127.0.0.1:0",
            "GOVERNOR_LEDGER_STATE": str(tmp_path / "state"),
            "GOVERNOR_LEDGER_REDIS": "redis://127.0.0.1:6379/0",
            "GOVERNOR_LOG_FORMAT": "json",
            "GOVERNOR_UPSTREAM_ALLOW_ADDRESSES": "127.0.0.0/8",
            "GOVERNOR_UPSTREAM_DRAIN": "5s",
        },
    )

    assert config.listen.proxy_endpoint == ("127.0.0.1", 0)
    assert config.ledger.state == tmp_path / "state"
    assert config.log.format == "json"
    assert config.upstream.allow_addresses == ("127.0.0.0/8",)
    assert config.upstream.drain == 5_000
