"""Amazon on the wire: Login with Amazon opens the door, one header carries the token, `errors[]` says no.

Bytes and status codes, no domain words. Source: the public model files; AWS request signing is no longer asked for.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation

import msgspec

from entrepot.connectors.credentials import FetchedToken
from entrepot.connectors.exchange import (
    RETRY_AFTER_MAX_S,
    Answer,
    Call,
    Credentials,
    Exchange,
    NoEntry,
    Rejected,
    retry_after_s,
)
from entrepot.connectors.port import Access, Detail
from entrepot.connectors.reading import NOT_JSON, encoded, first_bytes
from entrepot.kernel.ctx import Ctx
from entrepot.kernel.errors import WrongSetting
from entrepot.kernel.http import HttpResponse
from entrepot.kernel.outcome import Refused

TOKEN_HEADER = "x-amz-access-token"
RATE_HEADER = "x-amzn-ratelimit-limit"
NOTIFICATIONS_SCOPE = "sellingpartnerapi::notifications"
SELLER, GRANTLESS = "", "grantless"  # roles of the manifest
UNAUTHORISED, FORBIDDEN = "unauthorized", 403
JSON = {"content-type": "application/json"}
NOT_FOUND = frozenset({"NOT_FOUND", "NotFound", "ResourceNotFound", "HTTP 404"})
NEEDED = ("client_id", "client_secret", "refresh_token", "token_url", "seller_id", "marketplace_id")


class _Entry(msgspec.Struct):
    code: str | None = None
    message: str | None = None
    details: str | None = None


class _Errors(msgspec.Struct):
    errors: list[_Entry] | None = None


def words(response: HttpResponse) -> Refused:
    """`{"errors": [{"code", "message", "details"}]}`; else the first bytes. The first code counts, all words are kept."""
    status = f"HTTP {response.status}"
    try:
        errors = msgspec.json.decode(response.body, type=_Errors).errors
    except NOT_JSON:
        errors = None
    if not errors:
        return Refused(status, first_bytes(response.body) or status)
    told = "; ".join(": ".join(part for part in (entry.message, entry.details) if part) for entry in errors)
    return Refused(errors[0].code or status, told or status)


def pause_s(ctx: Ctx, response: HttpResponse) -> float | None:
    """Retry-After, else the time in which one token comes back at the rate they name (`2.0`, `.5`); None: they do not say."""
    asked = retry_after_s(ctx, response)
    if asked is not None:
        return asked
    try:
        rate = Decimal(response.headers.get(RATE_HEADER, "").strip() or "0")
    except InvalidOperation:
        return None
    if not rate.is_finite() or rate <= 0:
        return None
    return min(float(1 / rate), RETRY_AFTER_MAX_S)


@dataclass(frozen=True, slots=True)
class Wire:
    """One seller in one marketplace. An account of the plan is exactly that."""

    access: Access
    exchange: Exchange
    credentials: Mapping[str, Credentials]  # by role

    @property
    def seller_id(self) -> str:
        return self.access.secret("seller_id")

    @property
    def marketplace_id(self) -> str:
        return self.access.secret("marketplace_id")

    def call(self, ctx: Ctx, role: str, call: Call) -> tuple[Answer, Detail]:
        """A token of theirs that ran out is a 403 with words about it, not a 401: renewed once, like any other."""
        way_in = self.credentials[role]
        answer, detail = self.exchange.call(ctx, way_in, call)
        if not _token_ran_out(answer):
            return answer, detail
        spent = way_in.header(ctx, call.until)
        if isinstance(spent, str):
            way_in.spent(spent)
        answer, detail = self.exchange.call(ctx, way_in, call)
        if isinstance(answer, Rejected) and _token_ran_out(answer):
            return NoEntry(answer.refusal.words), detail
        return answer, detail


def _token_ran_out(answer: Answer) -> bool:
    if not isinstance(answer, Rejected) or answer.response.status != FORBIDDEN:
        return False
    refusal = answer.refusal
    return refusal.code.lower() == UNAUTHORISED and "token" in refusal.words.lower()


def json_call(method: str, path: str, body: object, query: tuple[tuple[str, str], ...] = ()) -> Call:
    return Call(method, path, query, JSON, encoded(body))


def token_of(access: Access, form: Mapping[str, str]) -> FetchedToken:
    """LWA: the client's id and secret travel in the form itself. `form`: what is asked for, by names of our secrets."""
    client = {"client_id": "client_id", "client_secret": "client_secret"}

    def filled() -> Mapping[str, str]:
        named = {field: access.secret(secret) for field, secret in client.items()}
        if form["grant_type"] == "refresh_token":
            named["refresh_token"] = access.secret("refresh_token")
        return {**form, **named}

    return FetchedToken(access.secret("token_url"), filled, scheme="")


def open_wire(access: Access) -> Wire:
    """Errors: WrongSetting names what the account does not declare."""
    missing = [name for name in NEEDED if name not in access.secrets]
    if missing:
        raise WrongSetting(f"account {access.account} declares no {', '.join(missing)}", account=access.account)
    return Wire(
        access,
        Exchange(access.base_url, words, entry=TOKEN_HEADER, pause=pause_s),
        {
            SELLER: token_of(access, {"grant_type": "refresh_token"}),
            GRANTLESS: token_of(access, {"grant_type": "client_credentials", "scope": NOTIFICATIONS_SCOPE}),
        },
    )
