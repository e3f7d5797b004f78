"""Every exception Governor raises, in one tree; the type says who must act.

    GovernorError
    ├── ClientError              the crawler must change its request
    │   ├── BadRequestError      it has no canonical form, or its framing is not HTTP
    │   └── MisdirectedError     Host, SNI, CONNECT target and URI disagree (421)
    ├── OperatorError            a person must act; carries the exit code of the command line
    │   ├── UsageError           the command was called wrongly                        exit 2
    │   ├── ConfigError          governor.toml, a catalog or a key file is wrong       exit 3
    │   ├── LedgerError          the ledger or the journal cannot be used              exit 4
    │   │   ├── JournalError     the local journal failed: nothing more is sent
    │   │   │   ├── DamagedError its rows are not as they were written
    │   │   │   └── InUseError   another process writes it: it can be read beside that one
    │   │   └── SchemaError      written by a newer Governor
    │   ├── AddressError         the listening address is taken or not permitted       exit 5
    │   └── DoubtError           only an operator can say what is true                 exit 6
    ├── LedgerUnreachableError   no reply: the ledger may or may not have heard us
    ├── OldGrantError            a hold's grant grew too old before anything was sent
    └── UpstreamError            the platform; `sent` says whether anything was written

Only `UpstreamError(sent=False)` may void a hold or be retried. A broken invariant is not here:
it is an `assert`, and assertions stay on.
"""

from __future__ import annotations

from typing import ClassVar, Final


class GovernorError(Exception):
    """The base of all; its message is one sentence that a person can act on."""


class ClientError(GovernorError):
    """The crawler sent what Governor does not forward; answered with `status`."""

    status: ClassVar[int] = 400


class BadRequestError(ClientError):
    """The request has no canonical form, so it can be neither classified nor forwarded."""


class MisdirectedError(ClientError):
    """The names in one request disagree about whom it is for (RFC 9110, section 15.5.20)."""

    status = 421


class OperatorError(GovernorError):
    """Somebody who runs Governor must act; `exit_code` is what the command returns."""

    exit_code: ClassVar[int] = 1


class UsageError(OperatorError):
    """The command was called in a way that it does not know."""

    exit_code = 2


class ConfigError(OperatorError):
    """The configuration, a catalog or a key file is wrong; `mistakes` lists every one found."""

    exit_code = 3

    def __init__(self, *mistakes: str) -> None:
        super().__init__("\n".join(mistakes))
        self.mistakes: Final = mistakes


class LedgerError(OperatorError):
    """The ledger or the journal cannot be used as it stands."""

    exit_code = 4


class JournalError(LedgerError):
    """The journal could not be read or written; until it can, nothing is sent."""


class DamagedError(JournalError):
    """A journal's rows are not as they were written. `found` is that sentence, without a remedy."""

    def __init__(self, found: str, remedy: str) -> None:
        super().__init__(f"{found} {remedy}")
        self.found: Final = found


class InUseError(JournalError):
    """Another process is the writer of this journal; it can still be read."""


class SchemaError(LedgerError):
    """A journal or ledger was written by a newer Governor than this one."""


class AddressError(OperatorError):
    """A listening address is in use, not permitted, or not on this machine."""

    exit_code = 5


class DoubtError(OperatorError):
    """The ledger cannot be trusted until an operator says what is true."""

    exit_code = 6


class LedgerUnreachableError(GovernorError):
    """The ledger did not reply; the message may have been heard, so it is repeated as it was."""


class OldGrantError(GovernorError):
    """A grant grew too old before the request's first byte: it is given back, nothing was sent."""


class UpstreamError(GovernorError):
    """The platform could not be asked, or its answer broke off.

    `sent` is False only when it is certain that no byte of the request was written.
    `status` is what the crawler is told, `kind` the Proxy-Status error type (RFC 9209, 2.3).
    """

    def __init__(self, message: str, *, sent: bool, status: int, kind: str) -> None:
        super().__init__(message)
        self.sent: Final = sent
        self.status: Final = status
        self.kind: Final = kind
