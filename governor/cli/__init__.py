"""The command line, and the composition root: the only place that knows every part.

`app` names the verbs, and each verb imports what it needs when it runs, so that `--help` is fast.
Whatever goes wrong ends here as one message and the exit code that the README documents.
"""

from __future__ import annotations

import sys

from governor.cli.app import app
from governor.errors import GovernorError, LedgerError, OperatorError


def main() -> None:
    """Run the command. Exits with 0, or with the code of what a person must mend."""
    try:
        app()
    except OperatorError as error:
        _end(error, error.exit_code)
    except GovernorError as error:  # a ledger that does not answer, met outside a running proxy
        _end(error, LedgerError.exit_code)
    except KeyboardInterrupt:
        sys.exit(130)  # 128 + SIGINT, as shells have it


def _end(error: GovernorError, code: int) -> None:
    for line in str(error).splitlines():
        sys.stderr.write(f"governor: {line}\n")
    sys.exit(code)
