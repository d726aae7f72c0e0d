"""Walmart on the wire: a token of its own header, two headers that every call carries, and how Walmart says no and "wait".

Source: the marketplace's public interface description. A refusal is `errors`, a list or (older) an object around a list
named `error`; the gateway in front of the APIs writes `error`. An empty list may be a 404 of code CONTENT_NOT_FOUND.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from uuid import UUID

import msgspec

from entrepot.connectors.credentials import FetchedToken, basic
from entrepot.connectors.exchange import (
    RETRY_AFTER_MAX_S,
    Answer,
    Call,
    Credentials,
    Exchange,
    retry_after_s,
)
from entrepot.connectors.port import Access, Detail
from entrepot.connectors.reading import NOT_JSON, first_bytes
from entrepot.kernel.ctx import Ctx
from entrepot.kernel.errors import WrongSetting
from entrepot.kernel.http import HttpResponse
from entrepot.kernel.outcome import Refused

TOKEN_PATH = "/v3/token"
TOKEN_HEADER = "wm_sec.access_token"
SERVICE = "Walmart Marketplace"
NOTHING_FOUND = "CONTENT_NOT_FOUND"
MILLIS_FROM = 100_000_000_000  # a number this large counts milliseconds, not seconds


class _Entry(msgspec.Struct):
    code: str | None = None
    field: str | None = None
    description: str | None = None
    info: str | None = None


class _Wrapped(msgspec.Struct):
    error: list[_Entry] = []


class _Error(msgspec.Struct):
    errors: list[_Entry] | _Wrapped | None = None
    error: list[_Entry] | None = None


def entries(body: bytes) -> list[_Entry]:
    """The errors an answer names, wherever they stand. Errors: those of NOT_JSON."""
    said = msgspec.json.decode(body, type=_Error)
    wrapped = said.errors.error if isinstance(said.errors, _Wrapped) else said.errors
    return wrapped or said.error or []


def refusal_of(found: list[_Entry], code: str) -> Refused:
    """Several errors in one refusal: the first one's code and field, all their words."""
    first = found[0]
    told = "; ".join(entry.description or entry.info or entry.code or "" for entry in found)
    return Refused(first.code or code, told or code, first.field)


def words(response: HttpResponse) -> Refused:
    """Walmart's refusal; else the first bytes."""
    code = f"HTTP {response.status}"
    try:
        found = entries(response.body)
    except NOT_JSON:
        found = []
    return refusal_of(found, code) if found else Refused(code, first_bytes(response.body) or code)


def replenished_after_s(ctx: Ctx, response: HttpResponse) -> float | None:
    """Their X-Next-Replenishment-Time in business seconds from now.

    [guess] its unit: the documentation calls it a time; milliseconds, seconds since 1970 and a date are all taken.
    """
    text = response.headers.get("x-next-replenishment-time", "").strip()
    if not text:
        return None
    try:
        if text.isdecimal():
            number = int(text)
            at = datetime.fromtimestamp(number / 1000 if number >= MILLIS_FROM else number, UTC)
        else:
            at = datetime.fromisoformat(text)
        here = response.headers.get("date")
        now = parsedate_to_datetime(here) if here else ctx.clock.now()
        wait = (at - now).total_seconds()
    except (ValueError, TypeError, OverflowError, OSError):
        return None
    return min(max(0.0, wait), RETRY_AFTER_MAX_S)


def pause_s(ctx: Ctx, response: HttpResponse) -> float | None:
    """How long a 429 means: Retry-After where there is one, else until their bucket is filled again."""
    after_s = retry_after_s(ctx, response)
    return replenished_after_s(ctx, response) if after_s is None else after_s


@dataclass(frozen=True, slots=True)
class Wire:
    exchange: Exchange
    credentials: Credentials

    def call(self, ctx: Ctx, role: str, call: Call) -> tuple[Answer, Detail]:
        return self.exchange.call(ctx, self.credentials, call)


def spoken(ctx: Ctx) -> Mapping[str, str]:
    """What every call says of itself: a fresh id, by which Walmart finds it in its logs, and the service."""
    number = UUID(int=ctx.ids.random.getrandbits(128), version=4)
    return {"wm_qos.correlation_id": str(number), "wm_svc.name": SERVICE}


def open_wire(access: Access) -> Wire:
    """Errors: WrongSetting when the account declares no client id or no secret."""
    for name in ("client_id", "client_secret"):
        if name not in access.secrets:
            raise WrongSetting(f"account {access.account} declares no {name}", account=access.account, secret=name)
    token = FetchedToken(
        access.base_url.rstrip("/") + TOKEN_PATH,
        lambda: {"grant_type": "client_credentials"},
        basic(access.secrets["client_id"], access.secrets["client_secret"]),
        scheme="",
        spoken=spoken,
    )
    return Wire(Exchange(access.base_url, words, TOKEN_HEADER, spoken, pause_s), token)
