"""`python -m governor` is the command."""

from governor.cli import main

main()
