"""A crawler is the job whose name and token it sends, or nobody."""

from __future__ import annotations

import base64
import hashlib

import pytest

from governor.core.identity import NOBODY, identify
from governor.core.policy import DEFAULT_JOB, Job


def job(name: str, token: str | None = None) -> Job:
    return Job(name, None if token is None else hashlib.sha256(token.encode()).hexdigest())


def basic(pair: str | bytes) -> str:
    pair = pair.encode() if isinstance(pair, str) else pair
    return f"Basic {base64.b64encode(pair).decode()}"


ALONE = {DEFAULT_JOB: job(DEFAULT_JOB)}
JOBS = {"elections": job("elections", "s3cret"), "open": job("open")}


@pytest.mark.parametrize("sent", [None, "", "Bearer x", "Basic ???", basic("elections:s3cret")])
def test_without_any_job_credentials_are_not_looked_at(sent: str | None) -> None:
    assert identify(ALONE, sent) == DEFAULT_JOB


def test_a_default_job_with_a_token_asks_for_it() -> None:
    jobs = {DEFAULT_JOB: job(DEFAULT_JOB, "s3cret")}

    assert identify(jobs, None) is None
    assert identify(jobs, basic("default:s3cret")) == DEFAULT_JOB


def test_a_name_and_its_token_are_that_job() -> None:
    assert identify(JOBS, basic("elections:s3cret")) == "elections"


@pytest.mark.parametrize("scheme", ["basic", "BASIC", "Basic"])
def test_the_scheme_is_read_in_any_case(scheme: str) -> None:
    """RFC 9110, 11.1: schemes are case-insensitive."""
    assert identify(JOBS, basic("elections:s3cret").replace("Basic", scheme)) == "elections"


@pytest.mark.parametrize(
    "sent",
    [
        None,
        "",
        "Basic",
        "Basic ",
        basic("elections"),
        basic("elections:"),
        basic("elections:wrong"),
        basic("elections:s3cret "),
        basic("Elections:s3cret"),
        basic("nobody:s3cret"),
        basic(":s3cret"),
        basic(b"elections:\xff"),
        "Basic !!!!",
        "Basic ZWxlY3Rpb25zOnMzY3JldA",
        basic("elections:s3cret").replace("Basic", "Bearer"),
        basic("elections:s3cret").removeprefix("Basic "),
    ],
)
def test_anything_else_is_nobody_and_raises_nothing(sent: str | None) -> None:
    assert identify(JOBS, sent) is None


def test_a_token_may_hold_a_colon_and_any_script() -> None:
    """RFC 7617, 2: only the first colon parts the name from the token."""
    jobs = {"a": job("a", "b:c:ü")}

    assert identify(jobs, basic("a:b:c:ü")) == "a"
    assert identify(jobs, basic("a:b")) is None


@pytest.mark.parametrize("token", ["", ":", ":anything"])
def test_a_job_without_a_token_is_known_by_its_name_alone(token: str) -> None:
    assert identify(JOBS, basic(f"open{token}")) == "open"


def test_no_token_opens_a_name_that_is_no_job() -> None:
    """What is compared against for an unknown name must not let that name in."""
    assert identify({}, basic(f"ghost:{NOBODY}")) is None
    assert identify({"ghost": Job("ghost", NOBODY)}, basic(f"ghost:{NOBODY}")) is None
