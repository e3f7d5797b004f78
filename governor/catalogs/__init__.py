"""What each platform serves, as data: one TOML file per platform, read by `core.catalog`.

A new platform is a new file beside this one: README shows how one is added, and the docstring of
`governor.core.catalog` explains the format. The head of each file recommends a contract for it.
"""

from __future__ import annotations

from importlib.resources import files

from governor.errors import ConfigError


def names() -> tuple[str, ...]:
    """Return the names of the catalogs that come with Governor."""
    found = (each.name for each in files(__name__).iterdir())
    return tuple(sorted(name.removesuffix(".toml") for name in found if name.endswith(".toml")))


def text(name: str) -> str:
    """Return a catalog's TOML text. Raises ConfigError when there is none of that name."""
    if name not in names():
        raise ConfigError(f"there is no catalog {name!r}; known are: {', '.join(names())}")
    return files(__name__).joinpath(f"{name}.toml").read_text(encoding="utf-8")
