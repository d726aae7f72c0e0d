"""Who calls, by what token, and how often his application may.

Source: OAuth2 of eBay's identity service; daily quotas per application, live figures from the rate_limit call.
"""

import base64
import binascii
from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from urllib.parse import parse_qs
from zoneinfo import ZoneInfo

from entrepot.sandbox.core import Request, Response, World
from entrepot.sandbox.ebay.errors import access_denied, invalid_token, missing_token, too_many_requests
from entrepot.sandbox.ebay.router import Call, Route
from entrepot.sandbox.ebay.settings import SCOPE, Settings
from entrepot.sandbox.ebay.wire import NO_CONTENT, answer, stamp

DAY_S: Final = 86_400
USER, APPLICATION = "User Access Token", "Application Access Token"


@dataclass(frozen=True, slots=True)
class Token:
    """An access token's meaning."""

    kind: str
    scopes: frozenset[str]
    until: datetime


class Access:
    """Tokens and their lives, on the business clock."""

    def __init__(self, world: World, settings: Settings, quotas: "Quotas") -> None:
        self._world = world
        self._settings = settings
        self._quotas = quotas
        self._rng = world.stream(f"{settings.system} tokens")
        self._tokens: dict[str, Token] = {}
        self._refresh_tokens = {settings.refresh_token: world.clock() + settings.refresh_token_life}

    def mint(self, request: Request) -> Response:
        """POST /identity/v1/oauth2/token: a refresh token, an authorization code or the application's own word."""
        if not self._is_client(request.headers.get("authorization", "")):
            return _oauth_error(401, "invalid_client", "client authentication failed")
        form = {key: values[0] for key, values in parse_qs(request.body.decode("utf-8", "replace")).items()}
        grant = form.get("grant_type", "")
        if self._quotas.exhausted(f"mint.{grant}"):
            return too_many_requests().response()
        if grant == "client_credentials":
            scopes = frozenset(form.get("scope", SCOPE).split())
            if scopes != {SCOPE}:
                return _oauth_error(400, "invalid_scope", "The requested scope is invalid, unknown, or malformed")
            return self._issue(grant, APPLICATION, frozenset())
        if grant == "refresh_token":
            until = self._refresh_tokens.get(form.get("refresh_token", ""))
            if until is None or self._world.clock() >= until:
                return _invalid_grant("the provided authorization refresh token is invalid or was issued to another")
            return self._mint_for_user(grant, form.get("scope"))
        if grant == "authorization_code":
            if form.get("code") != self._settings.authorization_code:
                return _invalid_grant("the provided authorization code is invalid or was issued to another client")
            return self._mint_for_user(grant, None)
        return _oauth_error(
            400, "unsupported_grant_type", "grant type in request is not supported by the authorization server"
        )

    def revoke(self) -> None:
        """The seller takes his consent back: every token for him is void."""
        self._refresh_tokens.clear()
        self._tokens = {text: token for text, token in self._tokens.items() if token.kind == APPLICATION}

    def check(self, request: Request, route: Route) -> None:
        """Let the caller pass, or say why not. Errors: 401 without a living token, 403 with the wrong one."""
        scheme, _, text = request.headers.get("authorization", "").strip().partition(" ")
        legacy = scheme.upper() == "IAF" and route.resource == "post-order"
        if not text or not (scheme.lower() == "bearer" or legacy):
            raise missing_token()
        token = self._tokens.get(text.strip())
        if token is None or self._world.clock() >= token.until:
            raise invalid_token()
        if not (route.application if token.kind == APPLICATION else route.user):
            raise access_denied()
        if token.kind == USER and route.scope and route.scope not in token.scopes:
            raise access_denied()

    def _is_client(self, header: str) -> bool:
        scheme, _, text = header.partition(" ")
        try:
            given = base64.b64decode(text.strip(), validate=True).decode()
        except (binascii.Error, UnicodeDecodeError, ValueError):
            return False
        return scheme.lower() == "basic" and given == f"{self._settings.client_id}:{self._settings.client_secret}"

    def _mint_for_user(self, grant: str, asked: str | None) -> Response:
        granted = frozenset(self._settings.granted_scopes)
        wanted = granted
        if asked:
            wanted = frozenset(scope.removeprefix(f"{SCOPE}/") for scope in asked.split() if scope != SCOPE)
        if not wanted <= granted:
            message = "The requested scope is invalid, unknown, malformed, or exceeds the scope granted to the client"
            return _oauth_error(400, "invalid_scope", message)
        extra: dict[str, Any] = {}
        if grant == "authorization_code":
            life = self._settings.refresh_token_life
            self._refresh_tokens[self._settings.refresh_token] = self._world.clock() + life
            extra = {
                "refresh_token": self._settings.refresh_token,
                "refresh_token_expires_in": int(life.total_seconds()),
            }
        return self._issue(grant, USER, wanted, extra)

    def _issue(self, grant: str, kind: str, scopes: frozenset[str], extra: dict[str, Any] | None = None) -> Response:
        self._quotas.count(f"mint.{grant}")
        now, life = self._world.clock(), self._settings.token_life
        self._tokens = {text: token for text, token in self._tokens.items() if token.until > now}
        text = f"v^1.1#i^1#p^3#f^0#I^3#t^{self._rng.getrandbits(256):064X}"
        self._tokens[text] = Token(kind, scopes, now + life)
        body = {"access_token": text, "expires_in": int(life.total_seconds()), **(extra or {}), "token_type": kind}
        return answer(200, body, {"cache-control": "no-store"})


class Quotas:
    """How many calls of each interface the application has left today; refused calls do not count."""

    def __init__(self, world: World, settings: Settings) -> None:
        self._world = world
        self._settings = settings
        self._zone = ZoneInfo(settings.quota_zone)
        self._day = self._reset_at()
        self._used: Counter[str] = Counter()

    def exhausted(self, resource: str) -> bool:
        """Whether today's quota is used up."""
        self._roll()
        limit = self._settings.quotas.get(resource)
        return self._settings.ceilings and limit is not None and self._used[resource] >= limit

    def count(self, resource: str) -> None:
        """One call more."""
        self._roll()
        self._used[resource] += 1

    def get_rate_limits(self, call: Call) -> Response:
        """getRateLimits: limit, remaining and reset of every interface, or of those asked for."""
        self._roll()
        context, name = call.request.first("api_context"), call.request.first("api_name")
        rows = []
        for resource, limit in self._settings.quotas.items():
            api_context, _, api_name = resource.partition(".")
            if api_context == "mint" or (context and context != api_context) or (name and name != api_name):
                continue
            used = self._used[resource]
            rate = {
                "count": used,
                "limit": limit,
                "remaining": max(0, limit - used),
                "reset": stamp(self._day),
                "timeWindow": DAY_S,
            }
            resources = [{"name": resource, "rates": [rate]}]
            rows.append({"apiContext": api_context, "apiName": api_name, "apiVersion": "v1", "resources": resources})
        return answer(200, {"rateLimits": rows}) if rows else NO_CONTENT

    def _roll(self) -> None:
        if self._world.clock() >= self._day:
            self._used.clear()
            self._day = self._reset_at()

    def _reset_at(self) -> datetime:
        local = self._world.clock().astimezone(self._zone)
        tomorrow = (local + timedelta(days=1)).date()
        return datetime(tomorrow.year, tomorrow.month, tomorrow.day, tzinfo=self._zone).astimezone(UTC)


def _oauth_error(status: int, error: str, description: str) -> Response:
    return answer(status, {"error": error, "error_description": description})


def _invalid_grant(description: str) -> Response:
    return _oauth_error(400, "invalid_grant", description)
