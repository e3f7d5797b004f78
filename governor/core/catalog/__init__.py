"""What a platform serves: which operation a request is, what it asks for and may cost.

A catalog is one TOML file, and a new platform is a new file: no line of Python knows one. All
mistakes in it are said at once, each with its row (`governor check`), and `governor explain` says
what a request is by it. A request that no row describes is "unknown": never free, and priced at
the largest price of its host.

The file, from its top down (what has no default must be there; no number is above 1,000,000):

    name           of the platform
    domains        everything below them is governed, known or not; what the CA may sign for
    domains_from   "contract": the contract names them, for a platform of many hosts; domains = []
    ungoverned     [{ host, source }] below a domain that can hold no post, one by one; default []
    counts         the name of what is received, in limits; default "posts"
    dialect        how its refusals speak: a name from `core.dialects`; default "plain"
    [segments]     NAME = "regular expression": what {NAME} in a path may look like, in lower case
    [walkers.NAME] a shape of a post, for any JSON object: has = ["id", "legacy.text"] all of these
                   keys; any = [...] one of these too; lacks = [...] none of these; within = the
                   member that is the same post; mark = a key that every such post writes
    [expansions.NAME]  param = the parameter; adds = [{ names = ["ref_*"], posts = 2 }] to each
                   item; adds_nothing = [...]; a name in neither is taken to add everything
    [[group]]      title, operations (the rows), and what rows share; a row may say it otherwise

What a group or a row says:

    kind           "posts", "stream" (an endless answer), "free" (holds no post), "refused"
    reason         why it is refused, or why it is free (default: the row's source)
    hosts          names, "*.example.org" for any name below, "*" for every governed host
    walkers        the shapes of this operation's posts; free and refused: all, by default
    places         where they stand, a second count: "data[]" each element, "includes.*" each
                   member, "**.result" at any depth, "." the body itself
    not_post       { key, values }: an object at a place with one of these values is no post
    each           posts that one item brings by itself, nested ones too; of a stream: default 1
    asked          "items" (default), or "nothing": its items are no posts, they only bring some
    none_when      { param, values }: it brings none when the parameter has one of them, once
    expansions     the table of expansions that applies; default none
    asks           where parameters are: any of "query", "form", "json" (param "a.b" is b in a),
                   "variables" (JSON in a parameter or member of that name); default ["query"]
    page_param     the parameter of pages, for rows whose page names none
    hold           nothing bounds the answer: hold this at first, more while it is counted
    costs          { units = 1 } of other units for each request, whatever comes back
    rate           stream: posts a second at most; default 100
    record_bytes   stream: its smallest record on the wire; default 100

What a row says itself; one of kind "posts" has exactly one of the three sizes:

    name, source   of the operation, and of what is said here
    request        "METHOD /path", or several; the path may begin with /**/ for any prefix, but
                   of what is free. A HEAD is quoted as its GET; an OPTIONS is unknown without a
                   row of its own
    page           { param, min, default, max } items; min is 1, and default is max, unless said
    ids            { param, max, split, like }: a list of ids, split by "," and alike (the name of
                   a segment) unless said; param = "{id}": one in the path. Of both: beside = [...]
                   other parameters that choose items; where one of them is given, max is taken
    items          always that many, none of them named

Everything odd costs the maximum: a number with a sign, a parameter spelled otherwise, a body of
another type or where none is asked for, JSON that is broken. Of several readings the dearest holds
(`questions`, `sizes`).
"""

from governor.core.catalog.asking import Explanation, Flow, Kind, Quote
from governor.core.catalog.matching import Catalog
from governor.core.catalog.questions import MOST_BODY_BYTES, Body

__all__ = ["MOST_BODY_BYTES", "Body", "Catalog", "Explanation", "Flow", "Kind", "Quote"]
