"""Governor keeps a research group's collection of posts under its contract, in any window."""

__version__ = "0.1.0"
