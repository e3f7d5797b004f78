"""The life of one governed request.

    classify -> price -> reserve -> journal the claim -> upstream -> count while relaying
             -> settle | void | orphan -> journal -> record

`parts` names what passes through and the adapters that are needed; `life` says what happens next.
"""

from governor.exchange.life import Exchange
from governor.exchange.parts import (
    Answer,
    Downstream,
    Governed,
    Headers,
    Request,
    Upstream,
    Way,
)

__all__ = [
    "Answer",
    "Downstream",
    "Exchange",
    "Governed",
    "Headers",
    "Request",
    "Upstream",
    "Way",
]
