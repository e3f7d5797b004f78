"""Reading the tables of a catalog by hand, so that each mistake names its row and the remedy.

Not a schema library: the core imports none, and whoever adds a platform edits a table of a hundred
rows. A wrong value is noted and replaced by a harmless one, and on it goes: all mistakes are said
at once.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Collection

Toml = dict[str, Any]
MOST: Final = 1_000_000  # of anything in one request; the largest that a platform states is 10,000


@dataclass(slots=True)
class Mistakes:
    """What is wrong with a catalog so far, each once."""

    said: dict[str, None] = field(default_factory=dict)

    def add(self, where: str, what: str) -> None:
        """Note one more."""
        self.said[f"catalog, {where}: {what}"] = None


def _not(value: object) -> str:
    """Say what stands there instead. TOML has no None: it is missing."""
    return "and is missing" if value is None else f"not {value!r}"


@dataclass(frozen=True, slots=True)
class Table:
    """One table of the TOML: a value that it lacks is its `parent`'s, as a row's is its group's.

    `where` is how a mistake in it is introduced.
    """

    values: Toml
    where: str
    mistakes: Mistakes
    parent: Table | None = None

    def __contains__(self, key: str) -> bool:
        return key in self.values or (self.parent is not None and key in self.parent)

    def wrong(self, what: str) -> None:
        """Note a mistake of this table."""
        self.mistakes.add(self.where, what)

    def wrong_at(self, key: str, what: str) -> None:
        """Note a mistake of the table that has the key: a group's is said once, not by row."""
        self._home(key).wrong(what)

    def only(self, known: Collection[str]) -> None:
        """Note every key that has no meaning here."""
        for key in sorted(self.values.keys() - set(known)):
            close = get_close_matches(key, known, 1)
            self.wrong(f"unknown key {key!r}" + (f"; {close[0]!r}?" if close else ""))

    def text(self, key: str, default: str | None = None) -> str:
        """Return a text that is not empty. Without a default it must be there."""
        if default is not None and key not in self:
            return default
        value = self._value(key)
        if isinstance(value, str) and value:
            return value
        self.wrong_at(key, f"{key} must be a text, {_not(value)}")
        return default or ""

    def number(self, key: str, default: int | None = None, *, least: int = 0) -> int:
        """Return a whole number from `least` to `MOST`. Without a default it must be there."""
        if default is not None and key not in self:
            return default
        value = self._value(key)
        if isinstance(value, int) and not isinstance(value, bool) and value >= least:
            if value > MOST:
                self.wrong_at(key, f"{key} must be at most {MOST:,}, not {value:,}")
            return min(value, MOST)
        self.wrong_at(key, f"{key} must be a number from {least} up, {_not(value)}")
        return least if default is None else default

    def names(self, key: str, default: tuple[str, ...] | None = None) -> tuple[str, ...]:
        """Return a list of texts, not empty. Without a default it must be there."""
        if default is not None and key not in self:
            return default
        value = self._value(key)
        if isinstance(value, list) and value and all(isinstance(v, str) and v for v in value):
            return tuple(value)
        self.wrong_at(key, f"{key} must list names, {_not(value)}")
        return ()

    def table(self, key: str, where: str = "") -> Table:
        """Return a table, an empty one when it is absent."""
        home, value = self._home(key), self._value(key)
        if value is not None and not isinstance(value, dict):
            home.wrong(f"{key} must be a table, not {value!r}")
        return Table(value if isinstance(value, dict) else {}, where or home.where, self.mistakes)

    def tables(self, key: str) -> list[Toml]:
        """Return the tables of a list that may be absent."""
        value = self.values.get(key, [])
        if not isinstance(value, list):
            self.wrong(f"{key} must be a list of tables, not {value!r}")
            return []
        for each in value:
            if not isinstance(each, dict):
                self.wrong(f"{key} must list tables, not {each!r}")
        return [each for each in value if isinstance(each, dict)]

    def _home(self, key: str) -> Table:
        if self.parent is not None and key not in self.values and key in self.parent:
            return self.parent
        return self

    def _value(self, key: str) -> Any:  # noqa: ANN401  # any TOML
        return self._home(key).values.get(key)
