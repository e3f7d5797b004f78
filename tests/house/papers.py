"""The rules about what is not code: the locks, the words of `make`, and what the README names."""

from __future__ import annotations

import ast
import re
import tomllib
from typing import TYPE_CHECKING, Any, Final

from tests.house.source import calls, modules

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

LOCKS: Final = ("requirements.lock", "tests/requirements.lock")
METRIC: Final = re.compile(r"\b(Counter|Gauge|Histogram|Info)(MetricFamily)?$")
ENDINGS: Final = {"Counter": "_total", "Info": "_info"}
ENDPOINT: Final = re.compile(r"/[a-z]+")
PINNED: Final = re.compile(r"^(?P<name>[A-Za-z0-9._-]+)==(?P<version>[^ ;\\]+)")


def locked(root: Path, lock: str) -> dict[str, tuple[str, str]]:
    """Return version and whole entry of each package that one lock pins."""
    text = (root / lock).read_text("utf-8").replace("\\\n", " ")
    found = ((PINNED.match(line), line) for line in text.splitlines())
    return {pin["name"].lower(): (pin["version"], line) for pin, line in found if pin}


def locks_are_whole(root: Path) -> list[str]:
    """Complain of a pin without hash or beside it an address, and of a dependency not pinned."""
    project = tomllib.loads((root / "pyproject.toml").read_text("utf-8"))["project"]
    extras = project["optional-dependencies"]
    wanted = {
        LOCKS[0]: project["dependencies"] + extras["build"],
        LOCKS[1]: [
            *project["dependencies"],
            *(name for extra in extras.values() for name in extra),
        ],
    }
    complaints = []
    for lock, dependencies in wanted.items():
        pins = locked(root, lock)
        complaints += [
            f"{lock}: {name} has no hash" for name, pin in pins.items() if not _hash(pin)
        ]
        complaints += [f"{lock}: {line}" for line in _unpinned(root, lock)]
        complaints += [
            f"{lock}: nothing pins {name}; run `make lock`"
            for name in map(_package, dependencies)
            if name not in pins
        ]
    return complaints


def locks_agree(root: Path) -> list[str]:
    """Complain when the tests would run on other versions than those that users get."""
    ours, tested = (locked(root, lock) for lock in LOCKS)
    return [
        f"{name}: users get {version}, the tests run {tested.get(name, ('none',))[0]}"
        for name, (version, _) in ours.items()
        if tested.get(name, ("", ""))[0] != version
    ]


def words_of_make(root: Path) -> list[str]:
    """Complain of a word of `make` that `make help` does not explain or the README not name."""
    makefile = (root / "Makefile").read_text("utf-8")
    readme = (root / "README.md").read_text("utf-8")
    found = re.search(r"^\.PHONY: (.*)$", makefile, re.MULTILINE)
    assert found is not None, "the Makefile has no .PHONY line"
    words = found[1].split()
    unexplained = [
        f"make {word}: has no `##` line"
        for word in words
        if not re.search(rf"^{word}:.*## \S", makefile, re.MULTILINE)
    ]
    return unexplained + undocumented((f"make {word}" for word in words), readme)


def undocumented(names: Iterable[str], text: str) -> list[str]:
    """Complain of names that a text does not mention whole."""
    return [
        f"{name} is not in the README"
        for name in names
        if not re.search(rf"(?<![\w-]){re.escape(name)}(?![\w-])", text)
    ]


def metrics(root: Path) -> Iterator[str]:
    """Yield the name, as Prometheus shows it, of every metric that `governor.metrics` makes."""
    for module in modules(root, "governor"):
        if module.room == "metrics":
            for call, kind in calls(module):
                named = METRIC.search(kind)
                if named and call.args and isinstance(call.args[0], ast.Constant):
                    name = f"governor_{str(call.args[0].value).removeprefix('governor_')}"
                    yield name.removesuffix("_total") + ENDINGS.get(named[1], "")


def endpoints(root: Path) -> Iterator[str]:
    """Yield every path that the admin port answers."""
    for module in modules(root, "governor"):
        if module.room == "admin":
            for node in ast.walk(module.tree):
                if isinstance(node, ast.Constant) and ENDPOINT.fullmatch(str(node.value)):
                    yield str(node.value)


def settings(schema: dict[str, Any]) -> Iterator[str]:
    """Yield every key that a JSON Schema knows, whatever nests it."""
    for part in (schema, *schema.get("$defs", {}).values()):
        yield from part.get("properties", {})


def _hash(pin: tuple[str, str]) -> bool:
    return "--hash=sha256:" in pin[1]


def _unpinned(root: Path, lock: str) -> list[str]:
    text = (root / lock).read_text("utf-8").replace("\\\n", " ")
    return [
        f"{line.split(' ')[0]!r} is not a pin"
        for line in text.splitlines()
        if not PINNED.match(line) or "://" in line
    ]


def _package(requirement: str) -> str:
    found = re.match(r"[A-Za-z0-9._-]+", requirement)
    assert found is not None, requirement
    return re.sub(r"[._-]+", "-", found[0]).lower()
