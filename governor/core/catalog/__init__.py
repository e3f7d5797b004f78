"""What a platform serves: which operation a request is, what it asks for and may cost."""

from governor.core.catalog.asking import Kind, Quote
from governor.core.catalog.matching import Catalog

__all__ = ["Catalog", "Kind", "Quote"]
