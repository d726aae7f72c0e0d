"""Login with Amazon tokens, and the token bucket of every operation."""

import base64
import binascii
import hmac
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from urllib.parse import parse_qs

from entrepot.sandbox.amazon.errors import denied, quota_exceeded
from entrepot.sandbox.amazon.platform import Platform
from entrepot.sandbox.amazon.wire import Call, body_of, rows, text
from entrepot.sandbox.core import Request, Response, json_response

SCOPES: Final = frozenset(
    {
        "sellingpartnerapi::notifications",
        "sellingpartnerapi::migration",
        "sellingpartnerapi::client_credential:rotation",
    }
)
GRANTLESS: Final = frozenset(
    {
        "createDestination",
        "getDestinations",
        "getDestination",
        "deleteDestination",
        "getSubscriptionById",
        "deleteSubscriptionById",
    }
)
"""Operations that take a token of the scope sellingpartnerapi::notifications and no seller's."""
RESTRICTED: Final = frozenset({"df.getOrders", "df.getOrder"})
"""Operations that tell personal data: they take a restricted data token, and no other."""
RDT: Final = "restricted data"
RDT_PATH: Final = "/tokens/2021-03-01/restrictedDataToken"
EPSILON: Final = 1e-9


@dataclass(frozen=True, slots=True)
class Token:
    """What an access token stands for: the seller (no scope), or the application with one scope."""

    scope: str | None
    until: datetime


class Access:
    """Issues tokens and knows them again."""

    def __init__(self, platform: Platform) -> None:
        self._platform = platform
        self._settings = platform.settings
        self._rng = platform.world.stream(f"{platform.settings.account} tokens")
        self._tokens: dict[str, Token] = {}

    def check(self, request: Request, operation: str) -> None:
        """Let a call pass. Errors: Unauthorized (403) without a token that is known, alive and of the right kind."""
        given = request.headers.get("x-amz-access-token", "")
        if not given:
            raise denied("Access token is missing in the request header.")
        token = self._tokens.get(given)
        if token is None:
            raise denied("The access token you provided is revoked, malformed or invalid.")
        if self._platform.now() >= token.until:
            raise denied("The access token you provided has expired.")
        wanted = "sellingpartnerapi::notifications" if operation in GRANTLESS else None
        wanted = RDT if operation in RESTRICTED else wanted
        if token.scope != wanted:
            raise denied("The access token does not carry the grant this operation needs.")

    def token(self, request: Request) -> Response:
        """One access token. Errors: the OAuth2 codes, as the Login with Amazon endpoint writes them."""
        form = {name: values[0] for name, values in parse_qs(request.body.decode("utf-8", "replace")).items()}
        if request.headers.get("content-type", "").startswith("application/json"):
            form = _json_form(request)
        client = (form.get("client_id"), form.get("client_secret"))
        if client == (None, None):
            client = _basic(request.headers.get("authorization", ""))
        if not self._known(client):
            return _oauth_error(401, "invalid_client", "Client authentication failed")
        grant = form.get("grant_type")
        if grant == "refresh_token":
            return self._refreshed(form.get("refresh_token"))
        if grant == "client_credentials":
            scope = form.get("scope", "")
            if scope not in SCOPES:
                return _oauth_error(400, "invalid_scope", "The request has an invalid parameter : scope")
            return self._issued(scope, {})
        return _oauth_error(400, "unsupported_grant_type", f"The grant type is not supported : {grant}")

    def restricted(self, call: Call) -> Response:
        """createRestrictedDataToken: for the resources that are named, whichever they are."""
        resources = rows(body_of(call.request), "restrictedResources")
        for one in resources:
            text(one, "method"), text(one, "path")
        told = self._issued(RDT, {}).json()
        return json_response(200, {"restrictedDataToken": told["access_token"], "expiresIn": told["expires_in"]})

    def _refreshed(self, given: str | None) -> Response:
        if given is None or not hmac.compare_digest(given.encode(), self._settings.refresh_token.encode()):
            return _oauth_error(400, "invalid_grant", "The request has an invalid grant parameter : refresh_token")
        return self._issued(None, {"refresh_token": given})

    def _issued(self, scope: str | None, more: dict[str, str]) -> Response:
        token = f"Atza|{self._rng.getrandbits(256):064x}"
        life = self._settings.token_life
        self._tokens[token] = Token(scope, self._platform.now() + life)
        answer = {"access_token": token, **more, "token_type": "bearer", "expires_in": int(life.total_seconds())}
        return json_response(200, answer, {"cache-control": "no-store"})

    def _known(self, client: tuple[str | None, str | None]) -> bool:
        given = f"{client[0]}:{client[1]}".encode()
        return hmac.compare_digest(given, f"{self._settings.client_id}:{self._settings.client_secret}".encode())


def _json_form(request: Request) -> dict[str, str]:
    try:
        data = request.json()
    except ValueError:
        return {}
    return {name: value for name, value in data.items() if isinstance(value, str)} if isinstance(data, dict) else {}


def _basic(header: str) -> tuple[str | None, str | None]:
    scheme, _, coded = header.partition(" ")
    if scheme.lower() != "basic":
        return None, None
    try:
        user, _, password = base64.b64decode(coded).decode().partition(":")
    except (binascii.Error, ValueError):
        return None, None
    return user, password


def _oauth_error(status: int, code: str, description: str) -> Response:
    return json_response(status, {"error": code, "error_description": description})


class Buckets:
    """One token bucket per operation, refilled in business time; a refused call takes nothing."""

    def __init__(self, platform: Platform) -> None:
        self._platform = platform
        self._rates = platform.settings.rates
        self._held: dict[str, tuple[float, datetime]] = {}

    def header(self, operation: str) -> dict[str, str]:
        """The rate an answer names."""
        rate = self._rates.get(operation)
        return {} if rate is None else {"x-amzn-ratelimit-limit": format(rate[0], "g")}

    def take(self, operation: str) -> None:
        """Take one token. Errors: QuotaExceeded (429)."""
        plan = self._rates.get(operation)
        if plan is None or not self._platform.settings.ceilings:
            return
        rate, burst = plan
        now = self._platform.now()
        held, since = self._held.get(operation, (float(burst), now))
        held = min(float(burst), held + (now - since).total_seconds() * rate)
        if held < 1 - EPSILON:
            self._held[operation] = (held, now)
            raise quota_exceeded()
        self._held[operation] = (held - 1, now)
