"""Reading a tree for the rules of the house: its modules, imports, calls and texts."""

from __future__ import annotations

import ast
import fnmatch
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@dataclass(frozen=True, slots=True)
class Module:
    """One Python file: where it is, what it is called, and what it says."""

    path: Path
    place: str  # its path from the root, as complaints name it
    text: str
    tree: ast.Module

    @property
    def room(self) -> str:
        """The part of `governor` it belongs to; "" is the package itself."""
        parts = self.place.removesuffix(".py").split("/")
        return "" if parts[1] == "__init__" else parts[1]

    def says(self, node: ast.AST, complaint: str) -> str:
        """Return a complaint with its place."""
        return f"{self.place}:{getattr(node, 'lineno', 1)}: {complaint}"


def modules(root: Path, folder: str) -> Iterator[Module]:
    """Yield every Python file below one folder of the tree."""
    for path in sorted((root / folder).rglob("*.py")):
        text = path.read_text("utf-8")
        place = path.relative_to(root).as_posix()
        yield Module(path, place, text, ast.parse(text, filename=place))


def texts(root: Path) -> Iterator[tuple[str, str]]:
    """Yield place and text of every file that belongs to the project."""
    for path in sorted(_kept(root, root)):
        yield path.relative_to(root).as_posix(), path.read_text("utf-8", errors="replace")


def imports(module: Module) -> Iterator[tuple[ast.stmt, str, bool]]:
    """Yield each import: its node, the dotted name, and whether only a type checker sees it."""
    unseen = {
        id(inner)
        for node in ast.walk(module.tree)
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"
        for statement in node.body
        for inner in ast.walk(statement)
    }
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Import):
            for name in node.names:
                yield node, name.name, id(node) in unseen
        elif isinstance(node, ast.ImportFrom):
            for name in node.names:
                yield node, f"{node.module}.{name.name}", id(node) in unseen


def calls(module: Module) -> Iterator[tuple[ast.Call, str]]:
    """Yield each call with the dotted name of what is called, imported names written out."""
    written = {
        name.asname or name.name: f"{node.module}.{name.name}"
        for node in ast.walk(module.tree)
        if isinstance(node, ast.ImportFrom)
        for name in node.names
    }
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Call):
            first, dot, rest = ast.unparse(node.func).partition(".")
            yield node, written.get(first, first) + dot + rest


def unkept(root: Path) -> set[str]:
    """Return the patterns of .gitignore: names, at any depth."""
    return {line.rstrip("/") for line in (root / ".gitignore").read_text("utf-8").split()}


def _kept(folder: Path, root: Path) -> Iterator[Path]:
    patterns = unkept(root) | {".git"}
    for path in folder.iterdir():
        if any(fnmatch.fnmatch(path.name, pattern) for pattern in patterns):
            continue
        if path.is_dir():
            yield from _kept(path, root)
        else:
            yield path
