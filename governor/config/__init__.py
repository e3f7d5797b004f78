"""governor.toml: what may stand in it, read once, with every mistake told at once.

`model` says what may stand there, `values` what a value looks like, `reading` finds the file, lays
GOVERNOR_* variables over it, and tells each mistake with its line and its remedy.
"""

from governor.config.model import Config
from governor.config.reading import load, shown

__all__ = ["Config", "load", "shown"]
