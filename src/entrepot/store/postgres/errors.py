"""What can go wrong with our own PostgreSQL server: every message says what, where, whose, and what to do next."""

from enum import StrEnum
from pathlib import Path

from entrepot.kernel.errors import EntrepotError, NotNow, OwnerDecides


class Reason(StrEnum):
    NO_BINARIES = "no-binaries"
    NO_MATCHING_BINARIES = "no-matching-binaries"
    TOO_OLD = "too-old"
    UNREACHABLE = "unreachable"
    FOREIGN_OWNER = "foreign-owner"
    NOT_A_DATA_DIRECTORY = "not-a-data-directory"
    BAD_PATH = "bad-path"
    PORT_TAKEN = "port-taken"
    PASSWORD = "password"
    ACCOUNT = "account"
    INITDB = "initdb"
    START = "start"
    STOP = "stop"
    NOT_DURABLE = "not-durable"
    ELSEWHERE = "elsewhere"
    PROTECTED = "protected"
    BAD_URL = "bad-url"
    LOCKED = "locked"
    NO_ANSWER = "no-answer"


class ServerError(EntrepotError):
    """Something about the PostgreSQL server, told so that the reader can act."""

    def __init__(self, reason: Reason, what: str, *, where: Path | str, whose: str, next_step: str) -> None:
        super().__init__(
            f"{what} Where: {where}. Whose: {whose}. Next: {next_step}",
            reason=str(reason),
            where=str(where),
            whose=whose,
            next_step=next_step,
        )
        self.reason = reason


class ServerNotReady(ServerError, NotNow):
    """The server or the right to start it is not there yet; the same call, later, may do."""

    code = "server-not-ready"


class ServerRefused(ServerError, OwnerDecides):
    """The server cannot run like this; a person changes a setting, a right, a file or a version."""

    code = "server-refused"
