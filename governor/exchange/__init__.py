"""The life of one governed request.

    classify -> price -> reserve -> journal the claim -> upstream -> count while relaying
             -> settle | void | orphan -> journal -> record

Its modules, in the order of that line:

    life        the line itself: what comes next, and what ends it
    admission   the rules, the hold, its durable claim
    forwarding  the request sent once, its answer relayed and counted
    resolving   the charge durable, the ledger told, the record made
    answering   what Governor says to the crawler itself
    course      one request on its way, handed from step to step
    parts       what passes through, and the adapters that are needed
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
