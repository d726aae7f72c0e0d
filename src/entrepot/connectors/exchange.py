"""One HTTP exchange with an outside system, sorted by what it means: done, wait, down, lost, never left, rejected.

Writes and reads hear the same answer differently: after a lost answer a write is unclear, a read is simply read again.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Protocol

from entrepot.connectors.port import Detail, Problem, ProblemCode
from entrepot.kernel.ctx import Ctx
from entrepot.kernel.http import HttpRequest, HttpResponse, NoAnswer, NotReached
from entrepot.kernel.outcome import Later, Outcome, ReadBack, Refused, Unknown

CALL_TIMEOUT_S = 10.0  # machine
CALL_MIN_S = 0.25  # with less left than this before `send_until`, nothing is sent
CLOSE_MARGIN_S = 0.25  # the socket is closed this long before `send_until`
RETRY_AFTER_MAX_S = 86_400.0
EXCERPT = 500
UNAUTHORISED, TOO_MANY = 401, 429
LOST_STATUSES = frozenset({408, 425})  # they gave up on our request, or say they may see it twice


@dataclass(frozen=True, slots=True)
class Good:
    """2xx. Whether the body is what was promised is still to be seen."""

    response: HttpResponse


@dataclass(frozen=True, slots=True)
class Rejected:
    """4xx with their words: nothing was done."""

    response: HttpResponse
    refusal: Refused


@dataclass(frozen=True, slots=True)
class Throttled:
    """429: nothing was done. `after_s`: business seconds they asked for."""

    after_s: float | None


@dataclass(frozen=True, slots=True)
class Down:
    """5xx or a redirect: something stands between us and them, and may have worked before it fell."""

    why: str
    after_s: float | None = None


@dataclass(frozen=True, slots=True)
class Lost:
    """The request may have arrived; the answer did not."""

    why: str


@dataclass(frozen=True, slots=True)
class Unsent:
    """Nothing left this machine."""

    why: str
    after_s: float | None = None


@dataclass(frozen=True, slots=True)
class NoEntry:
    """401, again after new credentials were fetched: nothing was done."""

    why: str


Answer = Good | Rejected | Throttled | Down | Lost | Unsent | NoEntry
CREDENTIALS_REFUSED = "credentials-refused"


class Credentials(Protocol):
    """What goes into the Authorization header, and how to come by a fresh one."""

    def header(self, ctx: Ctx, until: datetime | None) -> str | Unsent | NoEntry: ...
    def spent(self, header: str) -> None:
        """They answered 401 to this one."""
        ...


class Words(Protocol):
    """Reads a system's refusal: their code, their words, the field."""

    def __call__(self, response: HttpResponse) -> Refused: ...


@dataclass(frozen=True, slots=True)
class Call:
    method: str
    path: str
    query: Sequence[tuple[str, str]] = ()
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    until: datetime | None = None  # machine: nothing may be on the wire after it


def nothing(_ctx: Ctx) -> Mapping[str, str]:
    """No header of its own."""
    return {}


@dataclass(frozen=True, slots=True)
class Exchange:
    """A system's base URL, the way in, and the way it says no. `entry`: the header that carries the credentials.

    `spoken`: headers that every call of this system carries, made anew for each call. `pause`: how a 429 says when to come
    back, where that is not by Retry-After alone.
    """

    base_url: str
    words: Words
    entry: str = "authorization"
    spoken: Callable[[Ctx], Mapping[str, str]] = nothing
    pause: Callable[[Ctx, HttpResponse], float | None] | None = None

    def call(self, ctx: Ctx, credentials: Credentials, call: Call) -> tuple[Answer, Detail]:
        """One call, repeated once with fresh credentials after a 401 (which says that nothing was done)."""
        answer, detail, header = self._once(ctx, credentials, call)
        if isinstance(answer, NoEntry) and header is not None:
            credentials.spent(header)
            answer, detail, _ = self._once(ctx, credentials, call)
        return answer, detail

    def _once(self, ctx: Ctx, credentials: Credentials, call: Call) -> tuple[Answer, Detail, str | None]:
        detail: Detail = {"method": call.method, "url": _shown(self.base_url, call)}
        header = credentials.header(ctx, call.until)
        if not isinstance(header, str):
            return header, detail | {"error": header.why}, None
        timeout = time_left(ctx, call.until)
        if timeout < CALL_MIN_S:
            why = "no time was left to send it"
            return Unsent(why), detail | {"error": why}, header
        sent = ctx.http.send(
            HttpRequest(
                call.method,
                self.base_url.rstrip("/") + call.path,
                {self.entry: header, "accept": "application/json", **self.spoken(ctx), **call.headers},
                call.query,
                call.body,
                timeout,
            )
        )
        match sent:
            case NotReached(why):
                return Unsent(why), detail | {"error": why}, header
            case NoAnswer(why):
                return Lost(why), detail | {"error": why}, header
            case HttpResponse():
                return self._sorted(ctx, sent), detail | _seen(sent), header

    def _sorted(self, ctx: Ctx, response: HttpResponse) -> Answer:
        status = response.status
        if 200 <= status < 300:
            return Good(response)
        if status == UNAUTHORISED:
            return NoEntry(self.words(response).words)
        if status == TOO_MANY:
            return Throttled(self.pause(ctx, response) if self.pause else retry_after_s(ctx, response))
        if status in LOST_STATUSES:
            return Lost(f"HTTP {status}")
        if 400 <= status < 500:
            return Rejected(response, self.words(response))
        return Down(f"HTTP {status}", retry_after_s(ctx, response))


def time_left(ctx: Ctx, until: datetime | None) -> float:
    """Machine seconds one call may take."""
    if until is None:
        return CALL_TIMEOUT_S
    return min(CALL_TIMEOUT_S, (until - ctx.clock.machine() - timedelta(seconds=CLOSE_MARGIN_S)).total_seconds())


def retry_after_s(ctx: Ctx, response: HttpResponse) -> float | None:
    """Their Retry-After in business seconds: a number, or a date read against their own Date header."""
    text = response.headers.get("retry-after", "").strip()
    if not text:
        return None
    if text.isdigit():
        return min(float(text), RETRY_AFTER_MAX_S)
    try:
        here = response.headers.get("date")
        now = parsedate_to_datetime(here) if here else ctx.clock.now()
        wait = (parsedate_to_datetime(text) - now).total_seconds()
    except (ValueError, TypeError):
        return None
    return min(max(0.0, wait), RETRY_AFTER_MAX_S)


def unfinished(answer: Answer) -> Outcome:
    """What an answer other than Good means for a write."""
    match answer:
        case Rejected(_, refusal):
            return refusal
        case Throttled(after_s):
            return Later("they asked us to slow down (429)", after_s)
        case Down(why):
            return Unknown(f"their system failed after the request was sent: {why}")
        case Lost(why):
            return Unknown(f"no answer came: {why}")
        case Unsent(why, after_s):
            return Later(f"not sent: {why}", after_s)
        case NoEntry(why):
            return Refused(CREDENTIALS_REFUSED, why)
        case Good():
            return Unknown("the answer is not the one they publish")


def unread(answer: Answer) -> ReadBack:
    """What an answer other than Good means for a read-back: we still do not know."""
    problem = problem_of(answer)
    return Unknown(str(problem) if problem else "the answer cannot be read")


def problem_of(answer: Answer) -> Problem | None:
    """What an answer means for a list; None for Good."""
    match answer:
        case Good():
            return None
        case Rejected(_, refusal):
            return Problem(ProblemCode.REFUSED, f"{refusal.code}: {refusal.words}")
        case Throttled(after_s):
            return Problem(ProblemCode.RATE_LIMITED, "they asked us to slow down (429)", after_s)
        case Down(why, after_s):
            return Problem(ProblemCode.SYSTEM_DOWN, why, after_s)
        case Lost(why):
            return Problem(ProblemCode.NO_ANSWER, why)
        case Unsent(why, after_s):
            return Problem(ProblemCode.NOT_REACHED, why, after_s)
        case NoEntry(why):
            return Problem(ProblemCode.CREDENTIALS_REFUSED, why)


def _shown(base_url: str, call: Call) -> str:
    query = "&".join(f"{name}={value}" for name, value in call.query)
    return f"{base_url.rstrip('/')}{call.path}{'?' if query else ''}{query}"[:EXCERPT]


def _seen(response: HttpResponse) -> Detail:
    """Status and size; their words only when they said no: a good answer may name a buyer."""
    detail: Detail = {"status": response.status, "bytes": len(response.body)}
    if response.status >= 300:
        detail["answer"] = response.body[:EXCERPT].decode("utf-8", "replace").replace("\x00", "�")
    return detail
