"""The life of one governed request.

    classify -> price -> reserve -> journal the claim -> upstream -> count while relaying
             -> settle | void | orphan -> journal -> record

Its modules, in the order of that line:

    life        the line itself: what comes next, and what ends it
    pricing     the quote, for which a body may have to be read
    admission   the rules, the hold, its durable claim
    forwarding  the request sent once, and what an error lets us believe
    relaying    an answer that ends, relayed and counted
    streaming   an answer that does not: led by what is held, and cut; `lines` go to the crawler
    growing     more is held for an answer that flows past what was held
    holding     one hold: its durable claim, its durable end
    resolving   the charge of all holds, and the record made
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
