"""The configuration as it may be shown: what may be written, and what is in force.

Passwords and hashes of tokens never leave: what is shown ends up in tickets.
"""

from __future__ import annotations

from typing import Any, Final
from urllib.parse import urlsplit

from governor.config.model import Config

MASK: Final = "***"


def schema() -> dict[str, Any]:
    """Return the JSON Schema of governor.toml; every key in it has a description."""
    return Config.model_json_schema()


def shown(config: Config) -> dict[str, Any]:
    """Return what is in force, without secrets, as JSON can say it and the file would."""
    content: dict[str, Any] = config.model_dump(mode="json")
    for table, key in (("ledger", "redis"), ("upstream", "proxy")):
        if (url := content[table][key]) is not None:
            content[table][key] = _masked(url)
    for job in content["job"]:
        if job["token_sha256"] is not None:
            job["token_sha256"] = MASK
    return content


def without_password(url: str) -> str:
    """Return a URL as logs and journals may have it: without the user and the password."""
    parts = urlsplit(url)
    if "@" not in parts.netloc:
        return url
    return parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()


def _masked(url: str) -> str:
    parts = urlsplit(url)
    user, _, place = parts.netloc.rpartition("@")
    return parts._replace(netloc=f"{MASK}@{place}").geturl() if user else url
