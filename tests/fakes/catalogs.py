"""Rows of a catalog as TOML, for tests that need a platform of their own."""

from __future__ import annotations


def row(name: str, *keys: str, request: str) -> str:
    """Return a row with these keys. `request` is one way to ask, or several with | between."""
    requests = ", ".join(f'"{each}"' for each in request.split(" | "))
    written = (f'name = "{name}"', f"request = [{requests}]", 'source = "docs"', *keys)
    return f"{{ {', '.join(written)} }}"


def operations(*rows: str) -> str:
    """Return a group's list of rows."""
    return f"operations = [{', '.join(rows)}]"
