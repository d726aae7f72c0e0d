"""eBay on the wire: one token under two schemes, two hosts, and the ways eBay says no. Bytes and status codes, no domain words."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from urllib.parse import urlsplit, urlunsplit

import msgspec

from entrepot.connectors.credentials import FetchedToken, basic
from entrepot.connectors.ebay.signing import Signer
from entrepot.connectors.exchange import Answer, Call, Credentials, Exchange, NoEntry, Unsent
from entrepot.connectors.manifest import SignedRow
from entrepot.connectors.port import Access, Detail
from entrepot.connectors.reading import NOT_JSON, first_bytes
from entrepot.kernel.ctx import Ctx
from entrepot.kernel.errors import WrongSetting
from entrepot.kernel.http import HttpResponse
from entrepot.kernel.outcome import Refused

SELL, MONEY, CARE = (
    "sell",
    "money",
    "care",
)  # the ordinary host; the host of money and disputes; the post-order interface
KEYS = "keys"  # the application itself, where signing keys are made
APP = "app"  # the application itself, not a seller: public keys, its own quotas
TOKEN_PATH = "/identity/v1/oauth2/token"
SIGNING = ("signing_key", "signing_jwe")
NEEDED = ("client_id", "client_secret", "refresh_token")
APP_SCOPE = "https://api.ebay.com/oauth/api_scope"
BEARER, IAF = "Bearer ", "IAF "
LANGUAGES: Mapping[str, str] = {
    "EBAY_AT": "de-AT",
    "EBAY_AU": "en-AU",
    "EBAY_CA": "en-CA",
    "EBAY_CH": "de-CH",
    "EBAY_DE": "de-DE",
    "EBAY_ES": "es-ES",
    "EBAY_FR": "fr-FR",
    "EBAY_GB": "en-GB",
    "EBAY_IE": "en-IE",
    "EBAY_IT": "it-IT",
    "EBAY_US": "en-US",
}


class _Parameter(msgspec.Struct):
    name: str | None = None
    value: str | None = None


class ErrorEntry(msgspec.Struct):
    errorId: int | str | None = None
    message: str | None = None
    longMessage: str | None = None
    parameters: list[_Parameter] | None = None

    @property
    def code(self) -> str:
        return "" if self.errorId is None else str(self.errorId)

    @property
    def words(self) -> str:
        return self.longMessage or self.message or self.code

    @property
    def field(self) -> str | None:
        return next((one.value or one.name for one in self.parameters or () if one.name or one.value), None)


class _PostOrderErrors(msgspec.Struct):
    error: list[ErrorEntry] | None = None


class _Error(msgspec.Struct):
    """`errors` of the REST interfaces; `error` or `errorMessage.error` of the post-order interface (its shape is a [guess])."""

    errors: list[ErrorEntry] | None = None
    error: list[ErrorEntry] | str | None = None
    errorMessage: _PostOrderErrors | str | None = None
    error_description: str | None = None
    message: str | None = None


def refusal(entries: list[ErrorEntry], otherwise: str) -> Refused:
    """What they wrote down, all of it: the first code, every text, the first field."""
    first = entries[0]
    told = "; ".join(entry.words for entry in entries if entry.words)
    return Refused(first.code or otherwise, told or otherwise, first.field)


def words(response: HttpResponse) -> Refused:
    """eBay's refusal in its own words; else the first bytes."""
    code = f"HTTP {response.status}"
    try:
        error = msgspec.json.decode(response.body, type=_Error)
    except NOT_JSON:
        return Refused(code, first_bytes(response.body) or code)
    inner = error.errorMessage.error if isinstance(error.errorMessage, _PostOrderErrors) else None
    entries = error.errors or (error.error if isinstance(error.error, list) else None) or inner
    if entries:
        return refusal(entries, code)
    return Refused(code, error.error_description or error.message or first_bytes(response.body) or code)


@dataclass(frozen=True, slots=True)
class Iaf:
    """The same token as the post-order interface wants it. Source: eBay's Post-Order guide."""

    token: FetchedToken

    def header(self, ctx: Ctx, until: datetime | None) -> str | Unsent | NoEntry:
        held = self.token.header(ctx, until)
        return held.replace(BEARER, IAF, 1) if isinstance(held, str) else held

    def spent(self, header: str) -> None:
        self.token.spent(header.replace(IAF, BEARER, 1))


@dataclass(frozen=True, slots=True)
class Wire:
    """`marketplace`: the site whose offers and rules are meant (EBAY_DE)."""

    exchanges: Mapping[str, Exchange]
    credentials: Mapping[str, Credentials]
    marketplace: str
    signer: Signer

    def call(self, ctx: Ctx, role: str, call: Call) -> tuple[Answer, Detail]:
        """One call, signed where eBay wants it; repeated once with a new key when they do not take the one we made."""
        if not self.signer.signs(call):
            return self._unsigned(ctx, role, call)
        answer, detail = self._signed(ctx, role, call)
        return self._signed(ctx, role, call) if self.signer.spent(answer) else (answer, detail)

    def _signed(self, ctx: Ctx, role: str, call: Call) -> tuple[Answer, Detail]:
        ask = partial(self._ask, KEYS)
        headers = self.signer.headers(ctx, ask, self.exchanges[role].base_url, call)
        if isinstance(headers, Unsent | NoEntry):
            return headers, {"method": call.method, "path": call.path, "error": headers.why}
        return self._unsigned(ctx, role, replace(call, headers={**call.headers, **headers}))

    def _ask(self, role: str, ctx: Ctx, call: Call) -> Answer:
        return self._unsigned(ctx, role, call)[0]

    def _unsigned(self, ctx: Ctx, role: str, call: Call) -> tuple[Answer, Detail]:
        return self.exchanges[role].call(ctx, self.credentials[role], call)


def setting(access: Access, name: str, otherwise: str = "") -> str:
    """One of the account's settings that are no secrets."""
    return access.secrets[name]() if name in access.secrets else otherwise


def money_url(base_url: str) -> str:
    """Finances and payment disputes live at apiz.ebay.com; anybody else's host serves both."""
    parts = urlsplit(base_url)
    if parts.netloc.startswith("api.") and parts.netloc.endswith("ebay.com"):
        return urlunsplit(parts._replace(netloc=f"apiz.{parts.netloc.removeprefix('api.')}"))
    return base_url


def signer(access: Access, row: SignedRow, marketplace: str) -> Signer:
    """Errors: WrongSetting when the account has one half of a signing key."""
    halves = [name for name in SIGNING if name in access.secrets]
    if len(halves) == 1:
        raise WrongSetting(f"account {access.account} declares {halves[0]} alone", account=access.account)
    own = (access.secrets[SIGNING[0]], access.secrets[SIGNING[1]]) if halves else None
    return Signer(row, marketplace in row.markets, own)


def open_wire(access: Access, row: SignedRow) -> Wire:
    """Errors: WrongSetting when the account has no client or no seller's consent (a refresh token)."""
    missing = [name for name in NEEDED if name not in access.secrets]
    if missing:
        raise WrongSetting(f"account {access.account} declares no {', '.join(missing)}", account=access.account)
    marketplace = setting(access, "marketplace", "EBAY_US")
    language = setting(access, "language", LANGUAGES.get(marketplace, "en-US"))
    spoken = {"x-ebay-c-marketplace-id": marketplace, "content-language": language}
    url = setting(access, "token_url", access.base_url.rstrip("/") + TOKEN_PATH)
    client = basic(access.secrets["client_id"], access.secrets["client_secret"])
    consent = access.secrets["refresh_token"]
    seller = FetchedToken(url, lambda: {"grant_type": "refresh_token", "refresh_token": consent()}, client)
    itself = FetchedToken(url, lambda: {"grant_type": "client_credentials", "scope": APP_SCOPE}, client)
    usual = Exchange(access.base_url, words, spoken=lambda _ctx: spoken)
    money = Exchange(setting(access, "finance_url", money_url(access.base_url)), words, spoken=lambda _ctx: spoken)
    return Wire(
        {SELL: usual, MONEY: money, CARE: usual, APP: usual, KEYS: money},
        {SELL: seller, MONEY: seller, CARE: Iaf(seller), APP: itself, KEYS: itself},
        marketplace,
        signer(access, row, marketplace),
    )
