"""A variable sets what its name says or is refused: a misspelt one is never ignored."""

from __future__ import annotations

from typing import Any

import pytest

from governor.config.environment import lay_over, suggestion, variables


def test_a_variable_stands_above_the_file() -> None:
    content: dict[str, Any] = {"listen": {"proxy": "127.0.0.1:1", "admin": "127.0.0.1:2"}}

    mistakes = lay_over(
        content,
        {"GOVERNOR_LISTEN_PROXY": "127.0.0.1:3", "GOVERNOR_LEDGER_REDIS": "redis://h", "HOME": "/"},
    )

    assert mistakes == []
    assert content == {
        "listen": {"proxy": "127.0.0.1:3", "admin": "127.0.0.1:2"},
        "ledger": {"redis": "redis://h"},
    }


def test_every_key_of_every_plain_table_has_its_variable() -> None:
    names = {name for name, _ in variables()}

    assert names >= {
        *("GOVERNOR_LISTEN_PROXY", "GOVERNOR_LISTEN_ADMIN", "GOVERNOR_LISTEN_INSECURE_NETWORK"),
        *("GOVERNOR_LEDGER_STATE", "GOVERNOR_LEDGER_REDIS", "GOVERNOR_LEDGER_REDIS_PASSWORD_FILE"),
        *("GOVERNOR_TLS_CA_CERT", "GOVERNOR_LOG_FORMAT", "GOVERNOR_UPSTREAM_CONNECT_TO"),
    }
    assert len(names) == len(list(variables())), "two settings share one variable"


def test_an_unknown_variable_is_refused_with_what_was_probably_meant() -> None:
    [said] = lay_over({}, {"GOVERNOR_LISTEN_PORXY": "127.0.0.1:1"})

    assert said.startswith("GOVERNOR_LISTEN_PORXY: no such setting")
    assert "did you mean GOVERNOR_LISTEN_PROXY?" in said


def test_the_value_of_an_unknown_variable_is_not_repeated() -> None:
    assert "hunter2" not in lay_over({}, {"GOVERNOR_REDIS_PASSWORD": "hunter2"})[0]


@pytest.mark.parametrize("name", ["GOVERNOR_CONTRACT_NAME", "GOVERNOR_JOB_POSTS"])
def test_contracts_and_jobs_are_not_set_by_variables(name: str) -> None:
    assert lay_over({}, {name: "5"}) == [
        f"{name}: contracts and jobs are set in governor.toml only"
    ]


def test_variables_that_are_not_settings_are_let_be() -> None:
    content: dict[str, Any] = {}

    assert lay_over(content, {"GOVERNOR_CONFIG": "a", "GOVERNOR_FIXTURES": "b"}) == []
    assert content == {}


def test_a_table_that_the_file_has_wrong_is_left_for_its_own_mistake() -> None:
    content: dict[str, Any] = {"listen": 5}

    assert lay_over(content, {"GOVERNOR_LISTEN_PROXY": "127.0.0.1:1"}) == []
    assert content == {"listen": 5}


def test_nothing_is_suggested_where_nothing_is_close() -> None:
    assert suggestion("frobnicate", ["proxy", "admin"]) == ""
    assert suggestion("prxy", ["proxy", "admin"]) == "; did you mean proxy?"
