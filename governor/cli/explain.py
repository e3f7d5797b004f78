"""`governor explain`: what a request would be, ask, cost and be counted as, and why.

It reads the configuration and the catalogs and nothing else: no ledger, no journal, no network. So
it says what the rules are, not how much of a limit is left, nor which price an overrun has raised.
The request goes through the same functions as one that a crawler sends, the canonical form first.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from governor.cli import parts
from governor.cli.exports import proxy_url
from governor.config.values import duration_text
from governor.core.calendar import Calendar
from governor.core.catalog import Body
from governor.core.leading import lead
from governor.core.policy import DEFAULT_JOB, Job, amounts
from governor.errors import BadRequestError, UsageError
from governor.proxy.canonical import canonical
from governor.proxy.forms import check_fields_of, is_form
from governor.proxy.requests import GATEWAY, LINE_MAX, PORTS, TOO_LONG, Head, check_plain, place_of

if TYPE_CHECKING:
    from governor.config import Config
    from governor.core.catalog import Explanation, Quote
    from governor.core.policy import Contract, Limit
    from governor.proxy.requests import Place

METHOD: Final = re.compile(r"[A-Za-z]{1,20}")
FORM: Final = "application/x-www-form-urlencoded"
JSON: Final = "application/json"


@dataclass(frozen=True, slots=True)
class Against:
    """A limit, and what the request would take from it. `span` is a window or a calendar."""

    name: str
    most: int
    unit: str
    span: str
    takes: int

    @property
    def is_too_small(self) -> bool:
        """Whether it never allows such a request, however empty it is."""
        return self.takes > self.most


@dataclass(frozen=True, slots=True)
class Told:
    """What becomes of one request. `refused` is why it is never served, "" if it may be."""

    request: str
    refused: str
    contract: str = ""
    mode: str = ""
    jobs: tuple[str, ...] = ()
    explained: Explanation | None = None
    against: tuple[Against, ...] = ()

    def lines(self) -> list[str]:
        """Return it for a person."""
        lines = [self.request]
        if self.contract:
            lines.append(
                f"  contract   {self.contract} ({self.mode}); jobs: {', '.join(self.jobs)}"
            )
        if self.explained is not None:
            lines += self._quoted(self.explained)
        for each in self.against:
            lines.append(
                f"  limit      {each.name}: {each.most:,} {each.unit} {each.span}; "
                f"this takes {each.takes:,}"
            )
        return [*lines, self._end()]

    def _end(self) -> str:
        if self.refused:
            return f"  refused    {self.refused}"
        if not self.contract:
            return "  passed on  uncounted: no contract governs this host"
        return (
            "  served     if its limits allow" if self.against else "  served     it costs nothing"
        )

    def _quoted(self, explained: Explanation) -> list[str]:
        quote = explained.quote
        lines = [
            f"  operation  {quote.operation} ({quote.kind})",
            f"  asked      {quote.asked:,}",
            f"  price      {_price(quote):,}" + ("" if _has_ceiling(quote) else ", and grows"),
        ]
        if explained.source:
            lines.append(f"  source     {explained.request}: {explained.source}")
        return lines + [f"  why        {why}" for why in explained.why]

    def as_json(self) -> dict[str, Any]:
        """Return it for a program."""
        found: dict[str, Any] = {
            "request": self.request,
            "served": not self.refused,
            "refused": self.refused,
            "contract": self.contract,
            "jobs": list(self.jobs),
        }
        if self.explained is not None:
            quote = self.explained.quote
            found |= {
                "operation": quote.operation,
                "kind": quote.kind,
                "asked": quote.asked,
                "ids": quote.ids,
                "price": _price(quote),
                "has_ceiling": _has_ceiling(quote),
                "costs": dict(quote.costs),
                "walkers": [walker.name for walker in quote.counting.own],
                "group": self.explained.title,
                "row": self.explained.request,
                "source": self.explained.source,
                "why": list(self.explained.why),
            }
        found["limits"] = [
            {"name": a.name, "most": a.most, "unit": a.unit, "span": a.span, "takes": a.takes}
            for a in self.against
        ]
        return found


def body_of(text: str | None, content_type: str | None) -> Body | None:
    """Return the body that was named: a text, or @FILE. Raises UsageError.

    None if nothing was said of it: a POST may have any, which costs the most; "" is none at all.
    Without a type it is JSON if it begins like it, else a form, as curl's --data.
    """
    if text is None:
        return None
    content = text.encode()
    if text.startswith("@"):
        try:
            content = Path(text[1:]).read_bytes()
        except OSError as error:
            raise UsageError(f"--body: {text[1:]} cannot be read: {error.strerror}") from error
    if content_type is None:
        content_type = JSON if content.lstrip()[:1] in (b"{", b"[") else FORM
    return Body(content_type, content)


def explain(config: Config, method: str, url: str, body: Body | None) -> Told:
    """Say what becomes of a request. Raises UsageError for what is none, ConfigError."""
    if not METHOD.fullmatch(method) or not url.lower().startswith(("http://", "https://")):
        raise UsageError("write it as: governor explain GET https://api.x.com/2/tweets?ids=1")
    method, url = method.upper(), _direct(config, url)
    request = f"{method} {url}"
    try:
        place = place_of(url)
        target = canonical(place.target)
        _check(method, url, body)
    except BadRequestError as error:
        return Told(request, f"with 400, if its host is governed: {error}")
    request = f"{method} {_origin(place)}{target}"
    read = parts.read_catalogs(config)
    host = place.authority.host
    for contract in parts.contracts(config, read):
        if read[contract.name].governs(host):
            told = read[contract.name].explain(method, host, target, body)
            return _governed(config, contract, told, request)
    return _ungoverned(config, place, request)


def _direct(config: Config, url: str) -> str:
    """Return where a URL of our own gateway leads: its host is the one that counts."""
    gateway = f"{proxy_url(config)}{GATEWAY}"
    return f"https://{url.removeprefix(gateway)}" if url.startswith(gateway) else url


def _origin(place: Place) -> str:
    authority = str(place.authority)
    return f"{place.scheme}://{authority.removesuffix(f':{PORTS[place.scheme]}')}"


def _check(method: str, url: str, body: Body | None) -> None:
    """Raise BadRequestError for what the proxy does not admit."""
    if len(url) > LINE_MAX:
        raise BadRequestError(TOO_LONG)
    if body is None:
        return
    content = body.content or b""
    length = str(len(content)).encode()
    check_plain(Head(method, url, (1, 1), ((b"content-length", length),)))
    if is_form(body.content_type):
        check_fields_of(content)


def _ungoverned(config: Config, place: Place, request: str) -> Told:
    refused = ""
    if config.upstream.other_hosts == "refuse":
        refused = f'no contract governs {place.authority.host}, and other_hosts is "refuse"'
    return Told(request, refused)


def _governed(config: Config, contract: Contract, told: Explanation, request: str) -> Told:
    jobs = [job for job in config.jobs() if job.contract in (None, contract.name)]
    against = tuple(_against(contract, told.quote)) if told.quote.kind != "free" else ()
    return Told(
        request,
        _refusal(contract, told.quote, against, jobs),
        contract.name,
        contract.mode,
        tuple(map(_named, jobs)),
        told,
        against,
    )


def _named(job: Job) -> str:
    return job.name if job.posts is None else f"{job.name} (at most {job.posts:,} posts)"


def _price(quote: Quote) -> int:
    """Return what is held at first: the price, or of a stream its lead."""
    return quote.price if quote.flow is None else lead(quote.flow)


def _has_ceiling(quote: Quote) -> bool:
    return quote.has_ceiling and quote.flow is None


def _against(contract: Contract, quote: Quote) -> list[Against]:
    taken = dict(amounts(contract, Job(DEFAULT_JOB), _price(quote), costs=quote.costs))
    if quote.flow is not None:  # a stream takes what there is, and is cut when there is no more
        taken = {limit.name: min(limit.most, taken[limit.name]) for limit in contract.limits}
    return [
        Against(limit.name, limit.most, limit.unit, _span(limit), taken[limit.name])
        for limit in contract.limits
    ]


def _span(limit: Limit) -> str:
    if limit.calendar:
        return f"in {Calendar.parse(limit.calendar).words}"
    return f"in any {duration_text(limit.window_ms)}"


def _refusal(
    contract: Contract, quote: Quote, against: tuple[Against, ...], jobs: list[Job]
) -> str:
    """Return why such a request is never served, "" if it may be. Shadow mode refuses nothing."""
    if contract.mode == "shadow":
        return ""
    if quote.kind == "refused":
        return quote.reason
    if quote.kind == "unknown" and contract.unknown == "refuse":
        return 'no operation of the catalog, and unknown is "refuse"'
    for each in against:
        if each.is_too_small:
            return f"its price is above the limit {each.name}, however empty that is"
    if not jobs:
        return "no job may use this contract"
    if quote.kind != "free" and all(
        job.posts is not None and job.posts < quote.price for job in jobs
    ):
        return "its price is above every job's cap"
    return ""
