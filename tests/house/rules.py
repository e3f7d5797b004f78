"""The rules of the house, each a function from the root of a tree to its complaints.

A rule that nobody has seen fail proves nothing, so every rule takes the tree that it judges: the
tests point it at this project and expect silence, then at a bad sample and expect a complaint.
What ruff and mypy can check is left to them (pyproject.toml).

Patterns here are written so that they do not match themselves.
"""

from __future__ import annotations

import ast
import fnmatch
import re
import sys
from typing import TYPE_CHECKING, Final

from tests.house.source import calls, imports, modules, texts, unkept

if TYPE_CHECKING:
    from pathlib import Path

MOST_LINES: Final = 400
MOST_FUNCTION_LINES: Final = 70
MOST_COLUMNS: Final = 100

ADAPTERS: Final = frozenset(
    {
        "catalogs",
        "certs",
        "clock",
        "config",
        "journal",
        "log",
        "metrics",
        "store",
        "upstream",
        "zones",
    },
)
LINE: Final = frozenset({"exchange", "conversation", "recovery", "tasks"})
FACES: Final = frozenset({"proxy", "admin", "env", "evidence", "doctor", "demo"})
ROOMS: Final = frozenset({"errors", "core", "cli"}) | ADAPTERS | LINE | FACES
EVERYWHERE: Final = frozenset({"", "errors", "core", "clock"})  # "" is the package: its version

# Pure parts of the standard library: functions of their arguments, no I/O, clock or chance.
PURE: Final = frozenset(
    {
        "__future__",
        "array",
        "base64",
        "binascii",
        "bisect",
        "calendar",
        "collections",
        "dataclasses",
        "datetime",
        "decimal",
        "difflib",
        "enum",
        "fractions",
        "functools",
        "hashlib",
        "hmac",
        "heapq",
        "itertools",
        "json",
        "math",
        "operator",
        "re",
        "string",
        "struct",
        "tomllib",
        "types",
        "typing",
        "unicodedata",
        "urllib.parse",
        "zlib",
    },
)
TOP_LEVEL: Final = frozenset(
    {
        "governor",
        "deploy",
        "tests",
        "pyproject.toml",
        "README.md",
        "Makefile",
        "LICENSE",
        "CHANGELOG.md",
        "requirements.lock",
    },
)
VAGUE: Final = frozenset(
    {"manager", "handler", "helper", "helpers", "util", "utils", "data", "info", "misc", "common"},
)
WRONG_WORDS: Final = frozenset({"credit", "credits", "budget", "quota", "hit", "hits"})
# Text that belongs to a machine or a registry: a path there, a host of theirs.
ELSEWHERE: Final = tuple(
    re.compile(pattern)
    for pattern in (
        r"/w[o]rk/",
        r"/f[a]rm/",
        r"/t[m]p/[a-z]+",
        r"p[y]pi\.org",
        r"p[y]thonhosted",
        r"registry\.n[p]mjs",
        r"deb\.d[e]bian\.org",
    )
)
BESIDE: Final = re.compile(r"\.\./s[h]ared")
EXEMPTION: Final = re.compile(r"\s*# (noqa|type: ignore).*")
UNFINISHED: Final = re.compile(r"\b(T[O]DO|F[I]XME|X[X]X)\b(?P<rest>.*)")
CONDITION: Final = re.compile(r"\b(when|until|once|after|if)\b")


def arrows(root: Path) -> list[str]:
    """Complain unless errors <- core <- {adapters}, {the line} <- {faces} <- cli.

    No adapter and no face knows another. The line declares the Protocols that adapters keep, so
    an adapter may name its types for the type checker; the line never names an adapter.
    Everybody may be handed a clock.
    """
    complaints = []
    for module in modules(root, "governor"):
        if module.room and module.room not in ROOMS | {"__main__"}:
            complaints.append(module.says(module.tree, f"{module.room!r} has no room in house.py"))
        for node, name, unseen in imports(module):
            other = name.split(".")[1] if name.startswith("governor.") else ""
            other = other if other in ROOMS else ""
            if other not in _allowed(module.room, unseen=unseen) | {module.room}:
                complaints.append(module.says(node, f"{module.room} must not import {other}"))
    return complaints


def _allowed(room: str, *, unseen: bool) -> frozenset[str]:
    if room in {"", "errors"}:
        return frozenset({""})
    if room == "core":
        return frozenset({"", "errors"})
    if room in ADAPTERS:
        return EVERYWHERE | (LINE if unseen else frozenset())
    if room in LINE:
        return EVERYWHERE | LINE
    if room in FACES:
        return EVERYWHERE | LINE | ADAPTERS
    return ROOMS | EVERYWHERE


def core_is_pure(root: Path) -> list[str]:
    """Complain when the core does more than to take values and return values."""
    complaints = []
    for module in modules(root, "governor/core"):
        counting = module.place.startswith("governor/core/counting")
        for node, name, _ in imports(module):
            top = name.split(".")[0]
            pure = top in PURE or any(name.startswith(f"{whole}.") for whole in PURE)
            if not (pure or top == "governor" or (counting and top == "msgspec")):
                complaints.append(module.says(node, f"the core must not import {name}"))
        complaints += [
            module.says(call, f"the core must not call {name}()")
            for call, name in calls(module)
            if name in {"open", "print", "input", "id", "hash"}
        ]
    return complaints


def sizes(root: Path) -> list[str]:
    """Complain of a file not read in one go, a function beyond a screen, a line to scroll.

    An exemption with its reason stands on its line however long that is, as ruff has it too.
    """
    complaints = []
    for module in (*modules(root, "governor"), *modules(root, "tests")):
        lines = module.text.splitlines()
        if len(lines) > MOST_LINES:
            complaints.append(module.says(module.tree, f"{len(lines)} lines: at most {MOST_LINES}"))
        complaints += [
            f"{module.place}:{number}: {len(line)} columns: at most {MOST_COLUMNS}"
            for number, line in enumerate((EXEMPTION.sub("", line) for line in lines), 1)
            if len(line) > MOST_COLUMNS
        ]
        for node in ast.walk(module.tree):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                length = (node.end_lineno or node.lineno) - node.lineno + 1
                if length > MOST_FUNCTION_LINES:
                    complaints.append(
                        module.says(node, f"{length} lines: at most {MOST_FUNCTION_LINES}"),
                    )
    return complaints


def purpose(root: Path) -> list[str]:
    """Complain of a module whose first line is no sentence that says what it is for."""
    complaints = []
    for module in modules(root, "governor"):
        first = (ast.get_docstring(module.tree) or "").partition("\n")[0]
        if len(first.split()) < 3 or first[-1] not in ".:;,":
            complaints.append(
                module.says(module.tree, "its first line does not say what it is for"),
            )
    return complaints


def tested(root: Path) -> list[str]:
    """Complain of a module without a test file at its place in the tree of tests."""
    complaints = []
    for module in modules(root, "governor"):
        place = module.path.relative_to(root / "governor")
        if place.name in {"__init__.py", "__main__.py"} or place.parts[0] == "catalogs":
            continue
        above = place if place.parts[0] == "core" else "shell" / place
        wanted = root / "tests" / above.with_name(f"test_{place.name}")
        if not wanted.exists():
            complaints.append(f"{module.place}: no {wanted.relative_to(root).as_posix()}")
    return complaints


def tasks_have_an_owner(root: Path) -> list[str]:
    """Complain of tasks that nobody keeps: only `governor.tasks` starts them."""
    return [
        module.says(call, f"{name}(): use governor.tasks.Tasks")
        for module in modules(root, "governor")
        if module.room != "tasks"
        for call, name in calls(module)
        if name in {"asyncio.create_task", "asyncio.ensure_future"}
        or name.endswith(("loop.create_task", "loop().create_task"))
    ]


def one_clock(root: Path) -> list[str]:
    """Complain of whoever but `governor.clock` asks what time it is, or waits for it to pass.

    The demo plays the world outside, which is slow by itself: its waits are its own.
    """
    complaints = []
    for module in modules(root, "governor"):
        if module.room == "clock":
            continue
        complaints += [
            module.says(node, f"{name}: ask a governor.clock.Clock")
            for node, name, _ in imports(module)
            if name.split(".")[0] == "time"
        ]
        complaints += [
            module.says(call, f"{name}(): ask a governor.clock.Clock")
            for call, name in calls(module)
            if name.endswith((".now", ".utcnow", ".today", "loop.time", "loop().time"))
            or (
                name == "asyncio.sleep"
                and module.room != "demo"
                and ast.unparse(call.args[0]) != "0"
            )
        ]
    return complaints


def queues_are_bounded(root: Path) -> list[str]:
    """Complain of a queue without a size: it turns overload into a full memory."""
    queues = tuple(f"{kind}Queue" for kind in ("", "Lifo", "Priority"))
    return [
        module.says(call, f"{name}() without a size")
        for module in modules(root, "governor")
        for call, name in calls(module)
        if name.endswith("queue.SimpleQueue")
        or (
            name in {f"{package}.{queue}" for package in ("asyncio", "queue") for queue in queues}
            and not (call.args or any(word.arg == "maxsize" for word in call.keywords))
        )
    ]


def nothing_is_swallowed(root: Path) -> list[str]:
    """Complain of catching everything to go on; once, in the proxy, it refuses the request.

    A handler that ends by raising again keeps nothing going, so it may catch all.
    """
    complaints: list[str] = []
    at_the_door: list[str] = []
    for module in modules(root, "governor"):
        for node in ast.walk(module.tree):
            if not isinstance(node, ast.ExceptHandler) or _raises_again(node):
                continue
            caught = ast.unparse(node.type) if node.type else "BaseException"
            if re.search(r"\b(Base)?Exception\b", caught):
                where = at_the_door if module.room == "proxy" else complaints
                where.append(module.says(node, f"except {caught}: name what may happen"))
        complaints += [
            module.says(call, "suppress(Exception): name what may happen")
            for call, name in calls(module)
            if name == "contextlib.suppress" and "Exception" in map(ast.unparse, call.args)
        ]
    return complaints + at_the_door[1:]


def _raises_again(handler: ast.ExceptHandler) -> bool:
    return isinstance(handler.body[-1], ast.Raise)


def tests_are_honest(root: Path) -> list[str]:
    """Complain of tests that replace a part by a mock, or wait for time to pass."""
    complaints = []
    for module in modules(root, "tests"):
        complaints += [
            module.says(node, f"{name}: tests talk to real parts")
            for node, name, _ in imports(module)
            if name.startswith(("unittest.mock", "mock"))
        ]
        complaints += [
            module.says(call, f"{name}(): wait for what should happen")
            for call, name in calls(module)
            if name == "time.sleep" and not module.place.startswith("tests/e2e/crawlers/")
        ]
    return complaints


def judge_stands_alone(root: Path) -> list[str]:
    """Complain when the demo's judge imports more than the standard library: it trusts nobody."""
    complaints = []
    for module in modules(root, "governor/demo"):
        if module.path.name == "judge.py":
            complaints += [
                module.says(node, f"the judge must not import {name}")
                for node, name, _ in imports(module)
                if name.split(".")[0] not in sys.stdlib_module_names
            ]
    return complaints


def names_are_plain(root: Path) -> list[str]:
    """Complain of names that say nothing, and of second words for posts."""
    complaints = []
    for module in modules(root, "governor"):
        if module.path.stem in VAGUE:
            complaints.append(module.says(module.tree, f"a module named {module.path.stem!r}"))
        for node in ast.walk(module.tree):
            if not isinstance(
                node,
                ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef | ast.arg,
            ):
                continue
            name = node.arg if isinstance(node, ast.arg) else node.name
            words = set(re.findall(r"[a-z]+|[A-Z][a-z]*", name))
            wrong = {word.lower() for word in words} & (
                VAGUE | WRONG_WORDS if isinstance(node, ast.ClassDef) else WRONG_WORDS
            )
            if wrong:
                complaints.append(module.says(node, f"{name}: not the word {wrong.pop()!r}"))
    return complaints


def nothing_of_this_machine(root: Path) -> list[str]:
    """Complain of a machine's path or a registry's host; `.ci/run` alone looks beside the tree."""
    return [
        f"{place}: {found.group()!r} belongs to a machine, not to the project"
        for place, text in texts(root)
        for needle in (*ELSEWHERE, *(() if place == ".ci/run" else (BESIDE,)))
        for found in needle.finditer(text)
    ]


def unfinished_work_has_a_condition(root: Path) -> list[str]:
    """Complain of work left to do that does not say when its mark can be removed."""
    return [
        f"{place}: {found.group()!r} does not say when it can be removed"
        for place, text in texts(root)
        for found in UNFINISHED.finditer(text)
        if not CONDITION.search(found["rest"])
    ]


def exemptions_have_a_reason(root: Path) -> list[str]:
    """Complain of an exemption that does not name its rule and say why, on its line."""
    reasoned = re.compile(r"noqa: [A-Z]+\d+(, ?[A-Z]+\d+)*  ?# \w")
    return [
        f"{module.place}:{number}: an exemption without its rule and reason"
        for module in (*modules(root, "governor"), *modules(root, "tests"))
        for number, line in enumerate(module.text.splitlines(), 1)
        if re.search(r"#\s*noqa", line) and not reasoned.search(line)
    ]


def top_level(root: Path) -> list[str]:
    """Complain of what stands at the top level beyond the design, packaging and dot-files."""
    return [
        f"{path.name} does not belong at the top level"
        for path in sorted(root.iterdir())
        if path.name not in TOP_LEVEL
        and not path.name.startswith(".")
        and not any(fnmatch.fnmatch(path.name, pattern) for pattern in unkept(root))
    ]
