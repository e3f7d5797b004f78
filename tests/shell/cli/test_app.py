"""The command as people and scripts meet it: quick help, plain output, and codes that hold."""

from __future__ import annotations

import json
import os
import re
import shlex
import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

import pytest

import governor
from governor.demo.launch import COMMAND, environment, free_port

if TYPE_CHECKING:
    from tests.fakes.redis import RedisServer

VERBS: Final = (
    *("init", "run", "restore", "retire", "check", "verify", "env", "health", "status"),
    *("config", "ca", "demo", "explain"),
)
HEAVY: Final = {"aiohttp", "cryptography", "msgspec", "prometheus_client", "pydantic", "redis"}


def said(directory: Path, *words: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run one command to its end, in a home and a directory of its own."""
    return subprocess.run(
        [*COMMAND, *words],
        cwd=directory,
        env={**environment(), "HOME": str(directory), "NO_COLOR": "1", **variables},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def configured(directory: Path, *lines: str) -> None:
    text = (
        f'[listen]\nproxy = "127.0.0.1:{free_port()}"\nadmin = "127.0.0.1:{free_port()}"\n'
        '[ledger]\nstate = "state"\n'
    )
    (directory / "governor.toml").write_text(text + "\n".join(lines), encoding="utf-8")


def test_help_is_quick(tmp_path: Path) -> None:
    """It loads none of what serving needs."""
    script = (
        "import sys\nfrom governor.cli import main\n"
        "try:\n    main()\nexcept SystemExit:\n    sys.stderr.write(' '.join(sys.modules))"
    )
    ended = subprocess.run(
        [sys.executable, "-c", script, "--help"],
        cwd=tmp_path,
        env=environment(),
        capture_output=True,
        text=True,
        check=True,
    )

    assert HEAVY & set(ended.stderr.split()) == set()
    assert all(verb in ended.stdout for verb in VERBS)


def test_without_a_word_it_shows_its_help(tmp_path: Path) -> None:
    assert "Usage" in said(tmp_path).stdout + said(tmp_path).stderr


def test_it_says_which_version_it_is(tmp_path: Path) -> None:
    assert said(tmp_path, "--version").stdout == f"governor {governor.__version__}\n"


@pytest.mark.parametrize("words", [("frobnicate",), ("run", "--fast"), ("init", "--used", "-1")])
def test_a_wrong_call_is_code_2(tmp_path: Path, words: tuple[str, ...]) -> None:
    ended = said(tmp_path, *words)

    assert (ended.returncode, "Traceback" in ended.stderr) == (2, False)


def test_every_mistake_is_a_line_of_its_own_on_standard_error(tmp_path: Path) -> None:
    configured(tmp_path, '[log]\nformat = "xml"\n[logs]\n')

    ended = said(tmp_path, "init")

    assert (ended.returncode, ended.stdout) == (3, "")
    assert [line.split(": ")[0] for line in ended.stderr.splitlines()] == ["governor"] * 2


def test_a_ledger_that_does_not_answer_is_code_4(tmp_path: Path) -> None:
    configured(tmp_path, 'redis = "redis://127.0.0.1:1/0"\n')

    ended = said(tmp_path, "init")

    assert (ended.returncode, len(ended.stderr.splitlines())) == (4, 1)


def test_another_file_can_be_named(tmp_path: Path) -> None:
    (tmp_path / "other.toml").write_text('[log]\nlevel = "error"\n', encoding="utf-8")

    shown = json.loads(said(tmp_path, "--config", "other.toml", "config", "show").stdout)

    assert shown["log"]["level"] == "error"


def test_a_variable_stands_above_the_file(tmp_path: Path) -> None:
    configured(tmp_path, '[log]\nlevel = "error"\n')

    shown = json.loads(said(tmp_path, "config", "show", GOVERNOR_LOG_LEVEL="debug").stdout)

    assert shown["log"]["level"] == "debug"


def test_what_is_in_force_is_shown_without_secrets(tmp_path: Path) -> None:
    configured(
        tmp_path,
        'redis = "redis://me:hunter2@127.0.0.1/0"\n[upstream]\nproxy = "http://u:hunter2@h:1"\n',
    )

    ended = said(tmp_path, "config", "show")

    assert ended.returncode == 0
    assert "hunter2" not in ended.stdout + ended.stderr


def test_the_schema_is_one_document(tmp_path: Path) -> None:
    assert "listen" in json.loads(said(tmp_path, "config", "schema").stdout)["properties"]


def test_what_has_no_effect_yet_is_said_and_not_on_standard_output(tmp_path: Path) -> None:
    configured(
        tmp_path,
        "[[contract]]\nthrottle_from = 0.5\n",
        '[[contract.limit]]\nname = "x"\nposts = 9\nwindow = "1h"\n',
    )

    ended = said(tmp_path, "config", "show")

    assert json.loads(ended.stdout)["contract"][0]["throttle_from"] == 0.5
    assert "note" in ended.stderr


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("GET", "https://api.x.com/2/tweets/search/recent?max_results=100"), 0),
        (("GET", "https://api.x.com/2//tweets"), 1),
        (("GET", "api.x.com"), 2),
    ],
)
def test_a_request_is_explained_before_anything_is_set_up(
    tmp_path: Path, words: tuple[str, ...], code: int
) -> None:
    """Without a state directory, and it makes none."""
    ended = said(tmp_path, "explain", *words)
    as_json = said(tmp_path, "explain", *words, "--json")

    assert (ended.returncode, as_json.returncode) == (code, code)
    assert "Traceback" not in ended.stderr
    if code < 2:
        assert json.loads(as_json.stdout)["served"] == (code == 0)
    assert list(tmp_path.iterdir()) == []


def test_from_init_to_a_crawlers_shell(tmp_path: Path) -> None:
    """And all that a Governor which does not run can be asked."""
    configured(tmp_path)

    assert said(tmp_path, "check").returncode == 1
    assert said(tmp_path, "init", "--used", "5").returncode == 0
    assert said(tmp_path, "init", "--used", "5").returncode == 2
    assert said(tmp_path, "check").returncode == 0
    checked = json.loads(said(tmp_path, "check", "--json").stdout)
    assert all(each["sound"] for each in checked)
    health, status = said(tmp_path, "health"), said(tmp_path, "status")
    assert (health.returncode, status.returncode) == (1, 1)
    assert all("governor run" in each.stdout + each.stderr for each in (health, status))

    exports = dict(
        shlex.split(line)[1].split("=", 1) for line in said(tmp_path, "env").stdout.splitlines()
    )
    assert exports == json.loads(said(tmp_path, "env", "--json").stdout)
    facts = json.loads(said(tmp_path, "ca", "show").stdout)
    remote = said(tmp_path, "env", "--for-remote", "http://10.0.0.1:8080", "--shell", "fish").stdout
    assert facts["bundle_sha256"] in remote
    pem = said(tmp_path, "ca", "export").stdout
    assert pem == (tmp_path / "state" / "ca.pem").read_text("utf-8")


def test_a_shell_has_the_exports_that_it_evaluates(tmp_path: Path) -> None:
    """As the README says it: by a real sh, with a path that needs quoting."""
    directory = tmp_path / "it's a group's"
    directory.mkdir()
    configured(directory)
    assert said(directory, "init").returncode == 0
    command = " ".join(map(shlex.quote, COMMAND))
    shell = subprocess.run(
        ["sh", "-c", f'set -eu; eval "$({command} env)"; env'],
        cwd=directory,
        env={**environment(), "HOME": str(directory)},
        capture_output=True,
        text=True,
        check=True,
    )

    told = json.loads(said(directory, "env", "--json").stdout)
    assert {"HTTPS_PROXY", "https_proxy", "SSL_CERT_FILE", "REQUESTS_CA_BUNDLE"} <= told.keys()
    assert {f"{name}={value}" for name, value in told.items()} <= set(shell.stdout.splitlines())


def test_run_without_init_says_so_and_is_code_4(tmp_path: Path) -> None:
    configured(tmp_path)

    ended = said(tmp_path, "run")

    assert (ended.returncode, ended.stdout) == (4, "")
    assert "governor init" in ended.stderr


def test_another_home_is_code_6(tmp_path: Path) -> None:
    configured(tmp_path)
    assert said(tmp_path, "init").returncode == 0
    configured(tmp_path, 'redis = "redis://127.0.0.1:1/0"\n')

    ended = [said(tmp_path, verb) for verb in ("init", "run")]

    assert [each.returncode for each in ended] == [6, 6]
    assert all("put the ledger setting back" in each.stderr for each in ended)


def test_an_operators_word_in_two_shells(tmp_path: Path, fresh_redis: RedisServer) -> None:
    """A ledger that was lost whole: one governor says so, the other is dead for good."""
    one, other = tmp_path / "one", tmp_path / "other"
    for directory in (one, other):
        directory.mkdir()
        configured(directory, f'redis = "{fresh_redis.url}"\n')
    assert said(other, "init", "--used", "5").returncode == 0
    assert said(one, "init").returncode == 0
    dead = said(other, "init").stdout.splitlines()[0].rpartition(" ")[2]
    assert said(one, "restore").returncode == 0
    fresh_redis.flush()

    closed = said(one, "restore")
    assert (closed.returncode, closed.stdout.count("nobody has collected")) == (6, 1)
    assert f"`governor retire --dead {dead}`" in closed.stderr
    for words in (("retire", dead), ("retire", "--dead", "0" * 32), ("retire", "--dead")):
        assert said(one, *words).returncode == 2
    retired = said(one, "retire", "--dead", dead, "--charged", "30")
    assert (retired.returncode, retired.stderr) == (0, "")
    assert "charged 30 posts of x-24h" in retired.stdout
    opened = said(one, "restore")
    assert (opened.returncode, opened.stdout) == (0, "ledger of x: it is open\n")
    assert said(other, "run").returncode == 6


def test_the_readme_names_every_verb(tmp_path: Path) -> None:
    """And no verb that is not there."""
    readme = Path(__file__).parents[3].joinpath("README.md").read_text("utf-8")
    commands = readme.partition("## Commands")[2].partition("\n## ")[0]
    named = re.findall(r"^\| `governor (\w+)` \|", commands, re.MULTILINE)

    assert sorted(named) == sorted(VERBS)
    for verb in VERBS:
        assert said(tmp_path, verb, "--help").returncode == 0, verb


def test_a_governor_that_runs_can_be_asked_and_interrupted(tmp_path: Path) -> None:
    configured(tmp_path)
    assert said(tmp_path, "init").returncode == 0
    with subprocess.Popen(
        [*COMMAND, "run"],
        cwd=tmp_path,
        env={**environment(), "HOME": str(tmp_path)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as running:
        assert running.stdout is not None
        first = running.stdout.readline()

        health = said(tmp_path, "health")
        table = said(tmp_path, "status")
        status = json.loads(said(tmp_path, "status", "--json").stdout)
        os.kill(running.pid, signal.SIGINT)
        _, log = running.communicate(timeout=30)

    assert "serves on" in first
    assert (health.returncode, health.stdout) == (0, "ready\n")
    assert "1,000,000" in table.stdout
    assert status["contracts"][0]["accounts"]["x-24h"]["headroom"] == 1_000_000
    assert (running.returncode, "Traceback" in log) == (0, False)
