"""Where posts stand in a body: paths to them, the second way to count, blind to how posts look."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final, Self

STEP: Final = re.compile(r"(\*|[^.*\[\]\s]*)((?:\[\])*)")
ITSELF: Final = "."


@dataclass(frozen=True, slots=True)
class Place:
    """A path in a body. `steps` are keys, "*" for any member and "[]" for each element.

    `is_deep`: the first step is taken from every object, at any depth, instead of the document.
    """

    steps: tuple[str, ...]
    is_deep: bool = False

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read `data`, `includes.posts[]`, `globalObjects.tweets.*`, `**.result`, `[]`, `.`.

        Keys are separated by dots and matched exactly; `[]` is each element of an array, `*` any
        member of an object, a leading `**.` any depth, and `.` the document itself. Raises
        ValueError that says what is wrong.
        """
        if text == ITSELF:
            return cls(())
        is_deep = text.startswith("**.")
        steps: list[str] = []
        for number, part in enumerate(text.removeprefix("**.").split(".")):
            found = STEP.fullmatch(part)
            if found is None or not (found[1] or (found[2] and number == 0)):
                raise ValueError(
                    f"the place {text!r} is not keys separated by dots, each a name or *, with [] "
                    "behind it for each element of an array"
                )
            steps += [found[1]] if found[1] else []
            steps += ["[]"] * (len(found[2]) // 2)
        if is_deep and steps[0] in ("*", "[]"):
            raise ValueError(f"the place {text!r} must name a key after **")
        return cls(tuple(steps), is_deep)

    def meets(self, other: Place) -> bool:
        """Say whether both lead to the same object for certain, which would count twice.

        Where one is taken at any depth only equal keys do: what `*` stands for is not known.
        """
        near, far = sorted((self, other), key=lambda place: len(place.steps))
        if len(near.steps) < len(far.steps) and not near.is_deep:
            return False
        tail = far.steps[len(far.steps) - len(near.steps) :]
        if near.is_deep or far.is_deep:
            return near.steps == tail
        pairs = zip(near.steps, tail, strict=True)
        return all(a == b or ("*" in (a, b) and "[]" not in (a, b)) for a, b in pairs)
