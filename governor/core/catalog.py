"""What a platform serves: which operation a request is, what it asks for and may cost."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Kind = Literal["posts", "free", "refused", "unknown"]


@dataclass(frozen=True, slots=True)
class Quote:
    """What one request is, and its three numbers before it is sent.

    `asked`: posts the request names (ids listed, or page size). `ids`: those named by id, charged
    whatever the basis. `price`: the true ceiling of what the answer can hold.
    """

    operation: str
    kind: Kind
    asked: int
    ids: int
    price: int
    reason: str = ""
