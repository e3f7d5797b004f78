"""`governor health` and `governor status`: asking the Governor that runs, by its admin port."""

from __future__ import annotations

from http import HTTPStatus
from io import StringIO
from typing import TYPE_CHECKING, Any

import aiohttp
from rich.console import Console
from rich.table import Table

from governor.cli import parts
from governor.cli.looking import return_or_retire
from governor.config.values import duration_text, endpoint
from governor.core.ledger.decisions import REMEDIES
from governor.core.ledger.messages import DoubtReason
from governor.errors import ConfigError

if TYPE_CHECKING:
    from governor.config import Config

ABSENT = "-"
WIDTH = 140  # so that an account, its unit and its calendar's zone stand on one line
WITHIN_S = 5  # the probe of the ledger may take 2 s; a container's health check waits no longer


async def ask(config: Config, path: str) -> tuple[bool, str]:
    """Return whether the answer was 200, and what it said; no answer is a no, with the remedy."""
    host, port = endpoint(config.listen.admin)
    headers = {}
    if (file := config.listen.admin_token_file) is not None:
        headers["Authorization"] = f"Bearer {parts.secret(file)}"
    url = f"http://{f'[{host}]' if ':' in host else host}:{port}{path}"
    timeout = aiohttp.ClientTimeout(total=WITHIN_S)
    try:
        async with (
            aiohttp.ClientSession(timeout=timeout, trust_env=False) as session,
            session.get(url, headers=headers) as answer,
        ):
            said = await answer.text()
    except (aiohttp.ClientError, TimeoutError):
        return False, f"no Governor answers on {config.listen.admin}: start it with `governor run`"
    if answer.status == HTTPStatus.UNAUTHORIZED:
        raise ConfigError("the admin port wants another token: see listen.admin_token_file")
    return answer.status == HTTPStatus.OK, said


def table(status: dict[str, Any]) -> str:
    """Return /status as a person reads it; below it, what keeps a ledger from being open."""
    columns = ("contract", "account", "limit", "in", "used", "held", "headroom", "ledger")
    shown = Table(*columns)
    for contract in status["contracts"]:
        # Before the ledger's first word nothing is known of an account; that it is not open is.
        for account, usage in (contract["accounts"] or {"-": {}}).items():
            limit = _number(usage.get("limit"))
            if limit != ABSENT and usage.get("unit"):
                limit += f" {usage['unit']}"
            numbers = (_number(usage.get(key)) for key in ("usage", "held", "headroom"))
            span = usage.get("span") or ABSENT
            shown.add_row(contract["name"], account, limit, span, *numbers, contract["ledger"])
    text = StringIO()
    Console(file=text, width=WIDTH).print(shown)
    lines = [line for contract in status["contracts"] for line in doubted(contract)]
    return "\n".join((text.getvalue().rstrip(), *lines))


def _number(value: int | None) -> str:
    return ABSENT if value is None else f"{value:,}"


def doubted(contract: dict[str, Any]) -> list[str]:
    """Return why nothing is sent under a contract, and what ends that, line by line."""
    if contract["ledger"] == "open":
        return []
    name, doubt = contract["name"], DoubtReason(contract["ledger"])
    lasts = duration_text((contract.get("doubt_ms") or 0) // 1_000 * 1_000)
    lines = [f"{name}: {doubt} for {lasts}: {REMEDIES[doubt]}"]
    lines += [
        f"  it waits for member {member}: {return_or_retire(member)}"
        for member in contract.get("awaiting", ())
    ]
    if contract.get("awaits_word"):
        lines.append("  it was lost whole, and needs an operator's word: `governor restore`")
    return lines
