"""Finding governor.toml, laying GOVERNOR_* over it, and telling every mistake at once.

A mistake is told where it stands (`governor.toml:7: ledger.redsi: ...`, or the variable's name)
with what to write instead. A value is quoted only where it cannot be a secret.
"""

from __future__ import annotations

import os
import re
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, get_args

from pydantic import ValidationError

from governor.config.between import conflicts
from governor.config.environment import PREFIX, lay_over, suggestion
from governor.config.lines import Where, lines, nearest
from governor.config.model import Config, Table
from governor.config.values import Variable
from governor.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from pydantic_core import ErrorDetails

PLACES: Final = (Path("governor.toml"), Path("~/.config/governor/governor.toml"))
BUILT_IN_CATALOGS: Final = ("x",)
SECRETIVE: Final = {"redis", "proxy", "token_sha256"}  # may hold a password, or be one by mistake
PLAIN: Final = {  # pydantic's kinds of mistakes, where its own words help nobody
    "missing": "it is missing; add it",
    "too_short": "at least one is needed; add it",
    "tuple_type": "write a list",
    "model_type": "it is a table; write its name in brackets and its keys below",
    "dict_type": "it is a table; write its name in brackets and its keys below",
    "string_pattern_mismatch": "write three capital letters, such as USD",
}
BARE_WORD: Final = ("invalid value", "expected newline")  # of `info`, TOML reads the number inf
AT_LINE: Final = re.compile(r"(?P<said>.*) \(at line (?P<line>\d+), column \d+\)", re.DOTALL)


def load(
    path: Path | None,
    environ: Mapping[str, str],
    catalogs: Collection[str] = BUILT_IN_CATALOGS,
    zones: Collection[str] = (),
) -> Config:
    """Read the configuration. Raises ConfigError with every mistake that was found.

    Without `path`: $GOVERNOR_CONFIG, ./governor.toml, ~/.config/governor/governor.toml, and if
    none is there the defaults. `catalogs` and `zones` name those that come with Governor; zones are
    not looked up where none is given.
    """
    file = _find(path, environ)
    text = _read(file) if file else ""
    content = _parsed(text, file)
    mistakes = lay_over(content, environ)
    directory = file.absolute().parent if file else Path.cwd()
    found: list[tuple[Where, str]] = []
    source = Source(str(file or "configuration"), content, lines(text))
    config = None
    try:
        config = Config.model_validate(content, context={"directory": directory})
    except ValidationError as error:
        found += [(_where(each), _said(each)) for each in _causes(error.errors())]
    found += conflicts(content, directory, catalogs, zones)
    mistakes += [source.tells(*each) for each in sorted(found, key=source.order)]
    if mistakes or config is None:
        raise ConfigError(*mistakes)
    return config


@dataclass(frozen=True, slots=True)
class Source:
    """Where the content came from: a file, its lines, and the variables laid over it."""

    name: str
    content: Mapping[str, Any]
    known: dict[Where, int]

    def order(self, mistake: tuple[Where, str]) -> int:
        """Return what sorts mistakes as a person meets them in the file."""
        return nearest(mistake[0], self.known) or 0

    def tells(self, where: Where, said: str) -> str:
        """Return one mistake as a line for a person."""
        table = self.content.get(str(where[0])) if where else None
        if len(where) > 1 and isinstance(table, dict):
            table_name, key = str(where[0]), str(where[1])
            if isinstance(table.get(key), Variable):
                return f"{PREFIX}{table_name}_{key}".upper() + f": {said}"
        line = nearest(where, self.known)
        place = f"{self.name}:{line}" if line else self.name
        key = ".".join(part for part in where if isinstance(part, str))
        return f"{place}: {key}: {said}"


def _find(path: Path | None, environ: Mapping[str, str]) -> Path | None:
    named = path or (Path(found) if (found := environ.get("GOVERNOR_CONFIG")) else None)
    if named is not None:
        return _at_home(named)
    places = map(_at_home, PLACES)
    return next((place for place in places if os.path.lexists(place)), None)


def _at_home(path: Path) -> Path:
    """Return a path with its `~` resolved; without a home directory it is a name like another."""
    try:
        return path.expanduser()
    except RuntimeError:
        return path


def _read(file: Path) -> str:
    try:
        return file.read_text("utf-8-sig")  # an editor on Windows may have put a mark first
    except FileNotFoundError:
        raise ConfigError(f"{file}: it is not there; correct the path or create it") from None
    except OSError as error:
        raise ConfigError(f"{file}: it cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise ConfigError(f"{file}: it is not UTF-8; save it as that") from error


def _parsed(text: str, file: Path | None) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except ValueError as error:  # TOMLDecodeError, and what int() says to 5,000 digits
        place = AT_LINE.fullmatch(str(error))
        at, said = (f":{place['line']}", place["said"]) if place else ("", str(error))
        said = said[:1].lower() + said[1:]
        remedy = "; texts stand in quotes" if said.startswith(BARE_WORD) else ""
        raise ConfigError(f"{file}{at}: it is not TOML: {said}{remedy}") from error


def _where(error: ErrorDetails) -> Where:
    """Return the place of a mistake; pydantic's mark for the key of a mapping is none."""
    return tuple(part for part in error["loc"] if part != "[key]")


def _causes(errors: list[ErrorDetails]) -> list[ErrorDetails]:
    """Leave out that a list is too short because its items were wrong: they are told already."""
    places = [error["loc"] for error in errors]
    return [
        error
        for error in errors
        if error["type"] != "too_short"
        or not any(place[: len(error["loc"])] == error["loc"] != place for place in places)
    ]


def _said(error: ErrorDetails) -> str:
    """Return what is wrong and what to do, without quoting what may be a secret."""
    where, value, kind = _where(error), error["input"], error["type"]
    plain = tuple(part for part in where if isinstance(part, str))
    if kind == "extra_forbidden":
        return _unknown(plain)
    if kind == "tuple_type" and isinstance(value, dict):
        return f"write [[{'.'.join(plain)}]], in double brackets"
    if kind == "value_error":
        return error["msg"].removeprefix("Value error, ")
    if kind in PLAIN:
        return PLAIN[kind]
    said = error["msg"].replace("Input should be", "write").replace("Input should", "it should")
    if isinstance(value, str | int | float) and where[-1] not in SECRETIVE:
        said += f", not {value!r:.60}"
    return said


def _unknown(plain: tuple[str, ...]) -> str:
    known = _keys(plain[:-1])
    close = suggestion(plain[-1], known)
    return "no such key" + (close or f"; there are {', '.join(known)}")


def _keys(tables: tuple[str, ...]) -> list[str]:
    """Return the keys that a table may have."""
    table: type[Table] = Config
    for name in tables:
        table = _inner(table.model_fields[name].annotation)
    return sorted(table.model_fields)


def _inner(annotation: object) -> type[Table]:
    """Return the table inside `Table | None` and `tuple[Table, ...]`."""
    if isinstance(annotation, type) and issubclass(annotation, Table):
        return annotation
    return next(_inner(each) for each in get_args(annotation) if each not in (type(None), ...))
