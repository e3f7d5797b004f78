"""What single values look like in governor.toml: durations, endpoints, files, names.

Each parser takes what the file says and returns what the program uses, or raises ValueError with a
sentence that names the remedy. pydantic's own lenience was rejected where it guesses: it takes
`true` for 1 post and 20270301 for a day in 1970, so numbers are strict and dates are read here.
"""

from __future__ import annotations

import re
from datetime import date, datetime
from ipaddress import ip_address, ip_network
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final
from urllib.parse import SplitResult, urlsplit

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    PlainSerializer,
    ValidationInfo,
    WithJsonSchema,
)

from governor.core.catalog.reading import DOMAIN
from governor.core.ledger.messages import MOST_POSTS

if TYPE_CHECKING:
    from collections.abc import Callable

UNITS_MS: Final = {"ms": 1, "s": 1_000, "m": 60_000, "h": 3_600_000, "d": 86_400_000}
DURATION: Final = re.compile(r"([0-9]{1,13})(ms|s|m|h|d)")
DURATIONS: Final = re.compile(r"([0-9]{1,13}(ms|s|m|h|d))+")
LONGEST_MS: Final = 36_500 * UNITS_MS["d"]  # a century: longer is a slip of the pen
NAME: Final = re.compile(r"[a-z0-9][a-z0-9._-]{0,62}")  # fits a label, a key and a file name
UNIT: Final = re.compile(r"[a-z][a-z0-9_-]{0,62}")  # as a catalog may call what a request costs
HOSTNAME: Final = re.compile(r"[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?")
SHA256: Final = re.compile(r"[0-9a-f]{64}")
MEMBER: Final = re.compile(r"[0-9a-f]{32}")
REDIS: Final = {"redis", "rediss", "unix"}
LARGEST_PORT: Final = 65_535


class Variable(str):
    """A value that an environment variable gave: lists are text there, paths start elsewhere."""

    __slots__ = ()


def duration_ms(value: object) -> int:
    """Read "24h", "90s", "1m30s", "500ms", "400d" as milliseconds."""
    if isinstance(value, int) and not isinstance(value, bool):
        raise ValueError(f'{value} has no unit: write it as "{value}s" or "{value}ms"')  # noqa: TRY004  # pydantic collects ValueError
    text = value if isinstance(value, str) else ""
    if not DURATIONS.fullmatch(text):
        raise ValueError(f'{value!r} is no duration: write it as "24h", "90s" or "1m30s"')
    total_ms = sum(int(number) * UNITS_MS[unit] for number, unit in DURATION.findall(text))
    if total_ms > LONGEST_MS:
        raise ValueError(f"{value!r} is longer than a century: write less")
    return total_ms


def duration_text(total_ms: int) -> str:
    """Return a duration as governor.toml has it: "1500ms", "90s", "24h", from two days on "2d"."""
    if total_ms > UNITS_MS["d"] and total_ms % UNITS_MS["d"] == 0:
        return f"{total_ms // UNITS_MS['d']}d"
    for unit in ("h", "m", "s"):
        if total_ms and total_ms % UNITS_MS[unit] == 0:
            return f"{total_ms // UNITS_MS[unit]}{unit}"
    return f"{total_ms}ms"


def endpoint(text: str) -> tuple[str, int]:
    """Read "127.0.0.1:8080" or "[::1]:8080" as host and port; the host comes without brackets."""
    host, colon, port = text.rpartition(":")
    digits = port.isascii() and port.isdigit()
    if not colon or not digits or int(port) > LARGEST_PORT:
        raise ValueError(
            f"{text!r} is no address: write host:port, a port from 0 to {LARGEST_PORT}"
        )
    bracketed = host.startswith("[") and host.endswith("]")
    inner = host[1:-1] if bracketed else host
    if (":" in inner) != bracketed:
        raise ValueError(f"{text!r} is no address: an IPv6 host, and no other, stands in brackets")
    if bracketed or re.fullmatch(r"[0-9.]+", inner):
        try:
            ip_address(inner)
        except ValueError:
            raise ValueError(f"{inner!r} is no IP address: write one, or a host name") from None
    elif not HOSTNAME.fullmatch(inner):
        raise ValueError(
            f"{inner!r} is no host name: write a name or an IP address before the port"
        )
    return inner, int(port)


def is_loopback(host: str) -> bool:
    """Say whether only this machine can connect to a listening host."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def day(value: object) -> date:
    """Read 2027-03-01, quoted or not."""
    if isinstance(value, date) and not isinstance(value, datetime):
        return value
    try:
        return date.fromisoformat(value if isinstance(value, str) else "")
    except ValueError:
        raise ValueError("it is no day: write it as 2027-03-01") from None


def at_least(least_ms: int) -> AfterValidator:
    """Return what refuses shorter durations."""

    def longer(value_ms: int) -> int:
        if value_ms < least_ms:
            raise ValueError(f"it is too short: write {duration_text(least_ms)} or more")
        return value_ms

    return AfterValidator(longer)


def only(default: int, lacking: str) -> AfterValidator:
    """Return what refuses a setting that is named already and has no effect yet."""

    def unchanged(value: int) -> int:
        if value != default:
            raise ValueError(f"{lacking} is not built yet and comes with pacing; leave it out")
        return value

    return AfterValidator(unchanged)


def _text(read: Callable[[str], object]) -> AfterValidator:
    """Return what refuses texts that `read` cannot read, and keeps the others as they are."""

    def checked(text: str) -> str:
        read(text)
        return str(text)

    return AfterValidator(checked)


def _path(value: Any, info: ValidationInfo) -> Any:  # noqa: ANN401  # whatever the file says
    """Take `~` for the home directory, and a relative path from where the file stands."""
    if not isinstance(value, str | Path) or not str(value):
        raise ValueError("write a path, in quotes")
    from_here = isinstance(value, Variable)
    base = Path.cwd() if from_here else (info.context or {}).get("directory", Path.cwd())
    try:
        return base / Path(value).expanduser()
    except RuntimeError:
        raise ValueError(f"{value} has no home to start from: write an absolute path") from None


def _catalog(value: Any, info: ValidationInfo) -> Any:  # noqa: ANN401  # whatever the file says
    """Take the path of a catalog from where the file stands; a built-in name stays as it is."""
    is_path = isinstance(value, str) and value.endswith(".toml")
    return str(_path(value, info)) if is_path else value


def _existing(path: Path) -> Path:
    try:
        there = path.is_file()
    except OSError as error:
        raise ValueError(f"{path} cannot be looked at: {error.strerror}") from None
    if not there:
        raise ValueError(f"{path} is not there, or is no file; create it or correct the path")
    return path


def _name(text: str) -> None:
    if not NAME.fullmatch(text):
        raise ValueError(
            f"{text!r} is no name: use at most 63 of a-z, 0-9, '.', '_' and '-', "
            "a letter or digit first"
        )


def _unit(text: str) -> None:
    if not UNIT.fullmatch(text):
        raise ValueError(f"{text!r} is no unit: write posts, requests, or one that the catalog has")


def _domain(text: str) -> None:
    if not DOMAIN.fullmatch(text):
        raise ValueError(
            f"{text!r} is no domain: write it in small letters, without https:// and port, "
            "as mastodon.social"
        )


def _sha256(text: str) -> None:
    if not SHA256.fullmatch(text):
        raise ValueError("write the token's SHA-256 as 64 lower-case hex digits, never the token")


def _member(text: str) -> None:
    if not MEMBER.fullmatch(text):
        raise ValueError(
            f"{text!r} is no member: write the 32 hex digits that `governor check` shows there"
        )


def _distinct(names: tuple[str, ...]) -> tuple[str, ...]:
    for number, name in enumerate(names):
        if name in names[:number]:
            raise ValueError(f"{name} stands twice: write it once")
    return names


def _network(text: str) -> None:
    try:
        ip_network(text)
    except ValueError as error:
        raise ValueError(f'{error}: write a range as "10.0.0.0/8"') from None


def _redis(text: str) -> None:
    """Never quotes the URL: a password may stand in it, and a mistyped one anywhere in it."""
    parts = _url(text)
    if parts is None or parts.scheme not in REDIS or not (parts.hostname or parts.path):
        raise ValueError(
            "it is no Redis URL: write redis://host:6379/0, rediss:// for TLS or unix:///path; "
            "in a password write %40 for @, %2F for /, %23 for #"
        )
    if re.search(r"(^|&)(password|username)=", parts.query):
        raise ValueError("write its password into redis_password_file, not behind the '?'")


def _sentinel(value: object) -> object:
    """Let an environment variable give the table: sentinel://host:26379,host:26380/service."""
    if not isinstance(value, Variable):
        return value
    scheme, _, rest = value.partition("://")
    hosts, slash, service = rest.partition("/")
    if scheme != "sentinel" or not slash:
        raise ValueError("write it as sentinel://host:26379,host:26380/service")
    return {"hosts": _items(hosts), "service": service}


def _proxy(text: str) -> None:
    """Never quotes the URL: it may hold a password."""
    parts = _url(text)
    if parts is None or parts.scheme != "http" or not parts.hostname or not parts.port:
        raise ValueError("it is no proxy's URL: write http://host:port; https:// is not built")
    if parts.path not in ("", "/") or parts.query or parts.fragment:
        raise ValueError("a proxy has no path: write http://host:port and nothing behind it")


def _url(text: str) -> SplitResult | None:
    """Return the parts of a URL, or None when it has none to read."""
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        return None
    return parts if port != 0 else None


def _list(value: object) -> object:
    """Let an environment variable give a list, separated by commas."""
    return _items(value) if isinstance(value, Variable) else value


def _pairs(value: object) -> object:
    """Let an environment variable give a mapping: a:443=b:9443,c:443=d:9443."""
    if not isinstance(value, Variable):
        return value
    return dict(each.partition("=")[::2] for each in _items(value))


def _items(value: str) -> list[str]:
    return [item for each in value.split(",") if (item := each.strip())]


def _switch(value: object) -> object:
    """Read a yes or no: true and false in the file, their names in an environment variable."""
    if isinstance(value, bool):
        return value
    if isinstance(value, Variable) and value in ("true", "false"):
        return value == "true"
    raise ValueError("write true or false")


Duration = Annotated[
    int,
    BeforeValidator(duration_ms),
    PlainSerializer(duration_text, return_type=str, when_used="json"),
    WithJsonSchema({"type": "string", "pattern": f"^{DURATIONS.pattern}$", "examples": ["24h"]}),
]
Day = Annotated[date, BeforeValidator(day), WithJsonSchema({"type": "string", "format": "date"})]
Switch = Annotated[bool, BeforeValidator(_switch)]
Count = Annotated[int, Field(strict=True, ge=0, lt=MOST_POSTS)]
Posts = Annotated[int, Field(strict=True, gt=0, lt=MOST_POSTS)]
Share = Annotated[float, Field(strict=True, ge=0, le=1, allow_inf_nan=False)]
Endpoint = Annotated[str, _text(endpoint)]
Name = Annotated[str, _text(_name)]
Unit = Annotated[str, _text(_unit)]
Domains = Annotated[tuple[Annotated[str, _text(_domain)], ...], AfterValidator(_distinct)]
Sha256 = Annotated[str, _text(_sha256)]
RedisUrl = Annotated[str, _text(_redis)]
SentinelTable = BeforeValidator(_sentinel)
ProxyUrl = Annotated[str, _text(_proxy)]
Networks = Annotated[tuple[Annotated[str, _text(_network)], ...], BeforeValidator(_list)]
Members = Annotated[
    tuple[Annotated[str, _text(_member)], ...], BeforeValidator(_list), AfterValidator(_distinct)
]
Routes = Annotated[dict[Endpoint, Endpoint], BeforeValidator(_pairs)]
Catalog = Annotated[str, BeforeValidator(_catalog)]
Place = Annotated[Path, BeforeValidator(_path)]
ExistingFile = Annotated[Path, BeforeValidator(_path), AfterValidator(_existing)]
