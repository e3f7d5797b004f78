"""Why a request is quoted as it is, in sentences: for `governor explain`, and for counsel.

The sentences follow the rules of `sizes` and say their numbers, and never a value that the request
gave: whoever asks has the request, and a log should not.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from governor.core.catalog.asking import Explanation, Operation, Quote
from governor.core.catalog.sizes import Fixed, Listed, Page

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from governor.core.catalog.questions import Question
    from governor.core.catalog.rows import Row

WHERE = {
    "query": "the query",
    "form": "a form in the body",
    "json": "JSON in the body",
    "variables": "GraphQL variables",
}


def explain(quote: Quote, row: Row | None, question: Question | None) -> Explanation:
    """Return a quote with its reasons. Row and question are None for what no row describes."""
    if row is None or question is None:
        why = (
            "no row of the catalog describes this method, host and path, and unknown is never free",
            f"its price is the largest of any operation at the host: {quote.price}",
            f"posts are counted in every shape: {_walkers(quote)}",
        )
        return Explanation(quote, "", "", "", why)
    told = tuple(_why(quote, row, question))
    return Explanation(quote, row.title, row.source, row.request, told)


def _why(quote: Quote, row: Row, question: Question) -> Iterator[str]:
    yield f"it is {quote.operation}, by the row {row.request!r} of {row.title!r} ({row.source})"
    match quote.kind:
        case "free":
            yield f"it is free: {quote.reason}"
        case "refused":
            yield f"it is refused: {quote.reason}"
        case "stream":
            yield from _stream(quote)
        case _:
            yield from _asked(quote, row.operation, question)
            yield from _priced(quote, row.operation, question)
    for unit, cost in quote.costs:
        yield f"it costs {cost} {unit}, whatever comes back"
    if quote.kind in ("posts", "stream"):
        yield from _counted(quote)


def _stream(quote: Quote) -> Iterator[str]:
    assert quote.flow is not None, quote
    yield "it is a stream: posts are reserved ahead as they flow, and it is cut when none are left"
    yield (
        f"a record holds up to {quote.flow.each}; expected are up to {quote.flow.rate} a second,"
        f" in records of {quote.flow.record_bytes} bytes or more"
    )


def _asked(quote: Quote, operation: Operation, question: Question) -> Iterator[str]:
    size = operation.size
    if not isinstance(size, Fixed):
        yield f"what it asks for was looked for in {_list(WHERE[each] for each in operation.asks)}"
    match size:
        case Page():
            yield _page(size, quote, question)
        case Listed():
            yield _listed(size, quote, question)
        case Fixed(most):
            yield f"its answers have {most} item{'s' if most != 1 else ''}, whatever it says"
    if not quote.asked:
        yield "its items are no posts, so no posts are asked for"
    if quote.ids:
        yield f"it names {quote.ids} by id, which are charged whatever comes back"


def _page(size: Page, quote: Quote, question: Question) -> str:
    values = size.values(question)
    if values == ():
        return f"{size.param} is absent: a page of {size.default}"
    if values is None:
        return f"{_unsure(size)}: a page of the most, {size.most}"
    return (
        f"{size.param}, by its dearest reading: a page of {quote.items}"
        f" (from {size.least} to {size.most}; what is not is taken for {size.most})"
    )


def _listed(size: Listed, quote: Quote, question: Question) -> str:
    if not size.values(question):
        return f"{_unsure(size)}: the most, {size.most}"
    return f"{size.param}, by its dearest reading: {quote.items} ids (at most {size.most})"


def _unsure(size: Page | Listed) -> str:
    beside = f", or {_list(size.beside)} chooses items too" if size.beside else ""
    return f"{size.param} has no one plain reading{beside}"


def _priced(quote: Quote, operation: Operation, question: Question) -> Iterator[str]:
    if not quote.has_ceiling:
        yield (
            f"nothing bounds its answer: {quote.price} are held at first, as was measured,"
            " and more while the answer is counted"
        )
        return
    each, gained = operation.each, operation.expansions.posts(question)
    if operation.unless is not None and operation.unless.holds(question):
        each = 0
        yield f"{operation.unless.param} leaves out the posts that an item brings by itself"
    if operation.expansions.adds:
        yield f"{operation.expansions.param} adds up to {gained} to each item"
    yield f"its price is {quote.items} x ({each} + {gained}) = {quote.price}"


def _counted(quote: Quote) -> Iterator[str]:
    counting = quote.counting
    yield f"its posts are counted where they look like {_walkers(quote)}; the higher count holds"
    if counting.places:
        places = len(counting.places)
        yield f"and in the {places} places where they stand, which must come to the same"


def _walkers(quote: Quote) -> str:
    return _list(each.name for each in quote.counting.own) or "nothing that is known"


def _list(words: Iterable[str]) -> str:
    return ", ".join(words)
