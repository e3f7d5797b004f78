"""Governor keeps a research group's collection of posts under its contract's limit, in any window."""

__version__ = "0.1.0"
