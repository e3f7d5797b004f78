"""What a platform serves: which operation a request is, what it asks for and may cost."""

from governor.core.catalog.asking import Explanation, Flow, Kind, Quote
from governor.core.catalog.matching import Catalog
from governor.core.catalog.questions import Body

__all__ = ["Body", "Catalog", "Explanation", "Flow", "Kind", "Quote"]
