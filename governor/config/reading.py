"""Finding governor.toml, laying GOVERNOR_* over it, and telling every mistake at once.

A mistake is told where it stands (`governor.toml:7: ledger.redsi`) with what to write instead. A
value is quoted only where it cannot be a secret.
"""

from __future__ import annotations

import difflib
import re
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from pydantic import ValidationError

from governor import catalogs
from governor.config.model import Config, Table
from governor.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from pydantic_core import ErrorDetails

Where = tuple[str | int, ...]
PREFIX: Final = "GOVERNOR_"
OTHERS: Final = {"GOVERNOR_CONFIG", "GOVERNOR_FIXTURES"}  # not keys of the file
PLACES: Final = (Path("governor.toml"), Path("~/.config/governor/governor.toml"))
SECRETIVE: Final = {"redis", "proxy", "token_sha256"}  # may hold a password
LATER: Final = {("ledger", "sentinel"): "finding Redis by Sentinel is not built yet; leave it out"}
HEADER: Final = re.compile(r"\s*(\[{1,2})\s*([A-Za-z0-9_.\"-]+)\s*\]{1,2}")
KEY: Final = re.compile(r"\s*([A-Za-z0-9_-]+)\s*=")


def load(path: Path | None, environ: Mapping[str, str]) -> Config:
    """Read the configuration. Raises ConfigError with every mistake that was found.

    Without `path`: $GOVERNOR_CONFIG, ./governor.toml, ~/.config/governor/governor.toml, and if
    none is there the defaults.
    """
    file = _find(path, environ)
    text = _read(file) if file else ""
    name = file.name if file else "environment"
    try:
        content = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{name}: it is not TOML: {error}") from error
    mistakes = _lay_over(content, environ)
    lines = dict(_lines(text))
    directory = file.resolve().parent if file else Path()
    config = None
    try:
        config = Config.model_validate(content, context={"directory": directory})
    except ValidationError as error:
        mistakes += [_told(each, name, lines) for each in _causes(error.errors())]
    if config is not None:
        mistakes += [f"{name}: {said}" for said in config.conflicts()]
        mistakes += [
            f"{name}: contract.catalog: {said}"
            for contract in config.contract
            for said in _no_catalog(contract.catalog)
        ]
    if mistakes or config is None:
        raise ConfigError(*mistakes)
    return config


def shown(config: Config) -> dict[str, Any]:
    """Return what is in force, without secrets, as JSON can say it."""
    content: dict[str, Any] = config.model_dump(mode="json")
    for table, key in (("ledger", "redis"), ("upstream", "proxy")):
        if (url := content[table][key]) is not None:
            content[table][key] = without_password(url)
    for job in content["job"]:
        job.pop("token_sha256")
    return content


def without_password(url: str) -> str:
    """Return a URL as logs and journals may have it."""
    parts = urlsplit(url)
    if parts.password is None and parts.username is None:
        return url
    return parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()


def _find(path: Path | None, environ: Mapping[str, str]) -> Path | None:
    named = path or (Path(environ["GOVERNOR_CONFIG"]) if "GOVERNOR_CONFIG" in environ else None)
    if named is not None:
        return named.expanduser()
    return next((place for place in map(Path.expanduser, PLACES) if place.is_file()), None)


def _read(file: Path) -> str:
    try:
        return file.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        said = getattr(error, "strerror", None) or "it is not UTF-8"
        raise ConfigError(f"{file} cannot be read: {said}") from error


def _no_catalog(catalog: str) -> Iterator[str]:
    if catalog not in catalogs.names() and not catalog.endswith(".toml"):
        built_in = ", ".join(catalogs.names())
        yield f"there is no catalog {catalog!r}; built in are {built_in}, or name a .toml file"


def _lay_over(content: dict[str, Any], environ: Mapping[str, str]) -> list[str]:
    """Put GOVERNOR_<TABLE>_<KEY> over the file; return what no such key exists for."""
    known = dict(_variables())
    mistakes = []
    for variable in sorted(environ):
        if not variable.startswith(PREFIX) or variable in OTHERS:
            continue
        if variable not in known:
            mistakes.append(f"{variable}: no such setting{_meant(variable, [*known, *OTHERS])}")
            continue
        table, key = known[variable]
        within = content.setdefault(table, {})
        if isinstance(within, dict):
            within[key] = environ[variable]
    return mistakes


def _variables() -> Iterator[tuple[str, tuple[str, str]]]:
    for table, field in Config.model_fields.items():
        if isinstance(field.annotation, type) and issubclass(field.annotation, Table):
            for key, within in field.annotation.model_fields.items():
                if within.annotation != dict[str, str]:
                    yield f"{PREFIX}{table}_{key}".upper(), (table, key)


def _causes(errors: list[ErrorDetails]) -> list[ErrorDetails]:
    """Leave out that a list is too short because its items were wrong: they are told already."""
    places = [error["loc"] for error in errors]
    return [
        error
        for error in errors
        if error["type"] != "too_short"
        or not any(place[: len(error["loc"])] == error["loc"] != place for place in places)
    ]


def _told(error: ErrorDetails, name: str, lines: Mapping[Where, int]) -> str:
    """Return one mistake as a line for a person."""
    where: Where = tuple(error["loc"])
    line = next((lines[where[:n]] for n in range(len(where), 0, -1) if where[:n] in lines), None)
    place = f"{name}:{line}" if line else name
    key = ".".join(str(part) for part in where if not isinstance(part, int))
    return f"{place}: {key}: {_said(error, where)}"


def _said(error: ErrorDetails, where: Where) -> str:
    kind, value = error["type"], error["input"]
    if kind == "extra_forbidden":
        plain = tuple(part for part in where if isinstance(part, str))
        if plain in LATER:
            return LATER[plain]
        return f"no such key{_meant(str(where[-1]), _siblings(plain[:-1]))}"
    if kind == "missing":
        return "it is missing"
    said = error["msg"].removeprefix("Value error, ")
    said = said[0].lower() + said[1:]
    quotable = isinstance(value, str | int | float) and where[-1] not in SECRETIVE
    if quotable and kind != "value_error":
        said += f", not {value!r}"
    return said


def _siblings(table: tuple[str, ...]) -> list[str]:
    """Return the keys that a table may have."""
    schema = Config.model_json_schema()
    at = schema
    for part in table:
        at = at.get("properties", {}).get(part, {})
        at = at.get("items", at)
        reference = at.get("$ref") or next(
            (each["$ref"] for each in at.get("anyOf", ()) if "$ref" in each), None
        )
        if reference:
            at = schema["$defs"][reference.rpartition("/")[2]]
    return list(at.get("properties", {}))


def _meant(word: str, known: list[str]) -> str:
    close = difflib.get_close_matches(word, known, n=1)
    if close:
        return f"; did you mean {close[0]!r}?"
    return f"; there are {', '.join(sorted(known))}" if known else ""


def _lines(text: str) -> Iterator[tuple[Where, int]]:
    """Yield where each table and key stands. Plain TOML only: a mistake may go without its line."""
    counts: dict[Where, int] = {}
    table: Where = ()
    for number, line in enumerate(text.splitlines(), start=1):
        if header := HEADER.match(line):
            parts = header[2].replace('"', "").split(".")
            table = ()
            for part in parts[:-1]:
                table = (*table, part)
                if table in counts:
                    table = (*table, counts[table])
            table = (*table, parts[-1])
            if header[1] == "[[":
                counts[table] = counts.get(table, -1) + 1
                table = (*table, counts[table])
            yield table, number
        elif key := KEY.match(line):
            yield (*table, key[1]), number
