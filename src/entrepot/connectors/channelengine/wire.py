"""ChannelEngine on the wire: a key in the query, one envelope round every answer, and a "no" that may come with status 200.

The key never shows in what a person sees of a call.
"""

from dataclasses import dataclass, replace
from datetime import datetime

import msgspec

from entrepot.connectors.credentials import RawKey
from entrepot.connectors.exchange import (
    EXCERPT,
    TOO_MANY,
    UNAUTHORISED,
    Answer,
    Call,
    Credentials,
    Down,
    Exchange,
    Good,
    NoEntry,
    Rejected,
    Throttled,
    retry_after_s,
)
from entrepot.connectors.port import Access, Detail
from entrepot.connectors.reading import NOT_JSON, first_bytes
from entrepot.kernel.ctx import Ctx
from entrepot.kernel.errors import WrongSetting
from entrepot.kernel.http import HttpResponse
from entrepot.kernel.outcome import Refused

KEY, PARAMETER = "apikey", "apikey"
NOT_FOUND, CONFLICT = "HTTP 404", "HTTP 409"
JSON_TYPE = "application/json"


class _Envelope(msgspec.Struct):
    Success: bool | None = None
    StatusCode: int | None = None
    Message: str | None = None
    ValidationErrors: dict[str, list[str]] | None = None


def _envelope(response: HttpResponse) -> _Envelope | None:
    try:
        return msgspec.json.decode(response.body, type=_Envelope)
    except NOT_JSON:
        return None


def words(response: HttpResponse) -> Refused:
    """Their status as code (they have no other), the message, and every validation error with its field."""
    said = _envelope(response)
    status = response.status if said is None or not said.StatusCode else said.StatusCode
    code = f"HTTP {status}"
    if said is None:
        return Refused(code, first_bytes(response.body) or code)
    errors = said.ValidationErrors or {}
    told = [said.Message or "", *(f"{name}: {message}" for name, messages in errors.items() for message in messages)]
    return Refused(code, "; ".join(filter(None, told)) or code, next(iter(errors), None))


class _InTheQuery:
    """The key is in the query: no header carries it."""

    def header(self, ctx: Ctx, until: datetime | None) -> str:
        return JSON_TYPE

    def spent(self, header: str) -> None:
        return None


class KeyedExchange(Exchange):
    """An exchange whose credentials are a query parameter, and whose refusals may be called success."""

    __slots__ = ()

    def _once(self, ctx: Ctx, credentials: Credentials, call: Call) -> tuple[Answer, Detail, str | None]:
        key = credentials.header(ctx, call.until)
        if not isinstance(key, str):
            return key, {"method": call.method, "error": key.why}, None
        keyed = replace(call, query=((PARAMETER, key), *call.query))
        answer, detail, _ = Exchange._once(self, ctx, _InTheQuery(), keyed)
        return answer, detail | {"url": self._shown(call)}, key

    def _shown(self, call: Call) -> str:
        query = "&".join(f"{name}={value}" for name, value in call.query)
        return f"{self.base_url.rstrip('/')}{call.path}{'?' if query else ''}{query}"[:EXCERPT]

    def _sorted(self, ctx: Ctx, response: HttpResponse) -> Answer:
        answer = Exchange._sorted(self, ctx, response)
        said = _envelope(response) if isinstance(answer, Good) else None
        if said is None or said.Success is not False:
            return answer
        return self._refused(ctx, response, said.StatusCode or response.status)

    def _refused(self, ctx: Ctx, response: HttpResponse, status: int) -> Answer:
        """`Success: false` behind a 2xx: the status inside is the one that counts."""
        if status == UNAUTHORISED:
            return NoEntry(words(response).words)
        if status == TOO_MANY:
            return Throttled(retry_after_s(ctx, response))
        if status >= 500:
            return Down(f"HTTP {status} inside {response.status}")
        return Rejected(response, words(response))


@dataclass(frozen=True, slots=True)
class Wire:
    exchange: Exchange
    credentials: Credentials

    def call(self, ctx: Ctx, role: str, call: Call) -> tuple[Answer, Detail]:
        return self.exchange.call(ctx, self.credentials, call)


def open_wire(access: Access) -> Wire:
    """Errors: WrongSetting when the account declares no key."""
    if KEY not in access.secrets:
        raise WrongSetting(f"account {access.account} declares no {KEY}", account=access.account, secret=KEY)
    return Wire(KeyedExchange(access.base_url, words, "accept"), RawKey(access.secrets[KEY]))
