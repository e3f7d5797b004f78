"""Which job a crawler is, by the Basic credentials that it sends to the proxy.

Without any [[job]] everything is one job and credentials are not looked at. With jobs, a name and
its token are needed; tokens are kept as SHA-256 only, which is enough because they are random, and
compared in constant time.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from typing import TYPE_CHECKING

from governor.core.policy import DEFAULT_JOB

if TYPE_CHECKING:
    from collections.abc import Mapping

    from governor.core.policy import Job

NOBODY = "0" * 64  # compared against when the name is unknown, so that both take as long


def identify(jobs: Mapping[str, Job], authorization: str | None) -> str | None:
    """Return the job's name, or None when it must be told who it is (RFC 9110, 11.7).

    A job without a token is known by its name alone; the configuration allows that on loopback
    only.
    """
    if jobs.keys() == {DEFAULT_JOB} and jobs[DEFAULT_JOB].token_sha256 is None:
        return DEFAULT_JOB
    scheme, _, coded = (authorization or "").partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        name, _, token = base64.b64decode(coded.strip(), validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return None
    job = jobs.get(name)
    if job is not None and job.token_sha256 is None:
        return name
    expected = job.token_sha256 if job is not None and job.token_sha256 else NOBODY
    given = hashlib.sha256(token.encode()).hexdigest()
    return name if hmac.compare_digest(given, expected) and job is not None else None
