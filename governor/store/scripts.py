"""The Lua scripts as Redis is given them: each one chunk, made of files that read alone.

Redis loads no modules, so what several scripts share is put before each of them. Every part but
the last makes one table of functions, named as its file.
"""

from __future__ import annotations

import hashlib
import re
from importlib.resources import files
from typing import Final

SHARED: Final = ("window", "ledger", "ring", "rows", "periods", "roster")
PARTS: Final = {
    "converse": (*SHARED, "clocks", "grants", "recount", "converse"),
    "create": (*SHARED, "create"),
    "declare": (*SHARED, "declare"),
    "retire": (*SHARED, "retire"),
    "survey": (*SHARED, "survey"),
}
LINE: Final = re.compile(r"@?user_script:(\d+)")  # how Redis names a line of any script


class Script:
    """One script and the name under which Redis knows it."""

    def __init__(self, name: str) -> None:
        lua = files("governor") / "lua"
        texts = [lua.joinpath(f"{part}.lua").read_text("utf-8") for part in PARTS[name]]
        self._lines: Final = [
            f"{part}.lua:{number}"
            for part, text in zip(PARTS[name], texts, strict=True)
            for number, _ in enumerate(text.splitlines(), start=1)
        ]
        self.text: Final = "".join(texts).encode()
        self.sha1: Final = hashlib.sha1(self.text, usedforsecurity=False).hexdigest()

    def located(self, error: str) -> str:
        """Return what Redis says of an error, with the file and its line for the chunk's."""
        return LINE.sub(lambda found: self._lines[int(found[1]) - 1], error)
