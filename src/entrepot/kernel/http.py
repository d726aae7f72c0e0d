"""The shape of one outbound call. The real sender is outbox/http.py; the simulator hands in another."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol


@dataclass(frozen=True, slots=True)
class HttpRequest:
    method: str
    url: str
    headers: Mapping[str, str] = field(default_factory=dict)
    query: Sequence[tuple[str, str]] = ()
    body: bytes = b""
    total_timeout_s: float = 10.0  # machine seconds; connect, write and read together


@dataclass(frozen=True, slots=True)
class HttpResponse:
    status: int
    headers: Mapping[str, str]  # lower-case names
    body: bytes


@dataclass(frozen=True, slots=True)
class NotReached:
    """The request surely did not arrive (refused connection, no address, forbidden target): safe to send again."""

    why: str


@dataclass(frozen=True, slots=True)
class NoAnswer:
    """The request may have arrived; the answer did not (timeout, reset, cut body)."""

    why: str


HttpAnswer = HttpResponse | NotReached | NoAnswer


class HttpSender(Protocol):
    """One call, no retries, no redirects, a total timeout, a cap on the decoded body."""

    def send(self, request: HttpRequest) -> HttpAnswer: ...
