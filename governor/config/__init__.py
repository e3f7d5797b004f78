"""governor.toml: what may stand in it, read once, with every mistake told at once.

`model` says what may stand there, `values` what a value looks like, `between` what tables must
agree on. `reading` finds the file, `environment` lays GOVERNOR_* variables over it, `lines` knows
where each mistake stands, and `showing` gives the result back without its secrets.
"""

from governor.config.model import Config
from governor.config.reading import load
from governor.config.showing import schema, shown, without_password

__all__ = ["Config", "load", "schema", "shown", "without_password"]
