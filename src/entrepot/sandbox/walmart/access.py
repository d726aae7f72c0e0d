"""Who calls, by what token, and how often he may."""

import base64
import binascii
from datetime import datetime
from math import ceil
from typing import Final
from urllib.parse import parse_qs

from entrepot.sandbox.core import Request, Response, World
from entrepot.sandbox.walmart.errors import GATEWAY_API, WalmartError
from entrepot.sandbox.walmart.settings import Settings
from entrepot.sandbox.walmart.wire import answer, millis, stamp

REQUIRED_HEADERS: Final = ("wm_qos.correlation_id", "wm_svc.name")
SCOPES: Final = (
    "reports",
    "item",
    "shipping",
    "price",
    "lagtime",
    "feeds",
    "returns",
    "orders",
    "rules",
    "inventory",
    "content",
)


class Access:
    """Tokens and their lives."""

    def __init__(self, world: World, settings: Settings) -> None:
        self._world = world
        self._settings = settings
        self._rng = world.stream("walmart tokens")
        self._tokens: dict[str, tuple[datetime, datetime]] = {}

    def check(self, request: Request) -> None:
        """Let a call pass. Errors: a required header missing; no token, a wrong one, or one whose time is over."""
        self._check_headers(request)
        self._life(request)

    def token(self, request: Request) -> Response:
        """Client credentials against an access token of 15 minutes; the client is named by Basic authorization."""
        self._check_headers(request)
        form = {key: values[0] for key, values in parse_qs(request.body.decode("utf-8", "replace")).items()}
        if form.get("grant_type") != "client_credentials":
            raise WalmartError("INVALID_REQUEST_PARAM", GATEWAY_API, "grant_type must be client_credentials")
        if _basic(request) != (self._settings.client_id, self._settings.client_secret):
            raise WalmartError("UNAUTHORIZED", GATEWAY_API, "Unauthorized: client id or secret is wrong")
        token = f"eyJ{self._rng.getrandbits(256):064x}"
        now = self._world.clock()
        self._tokens[token] = (now, now + self._settings.token_life)
        life_s = int(self._settings.token_life.total_seconds())
        return answer(200, {"access_token": token, "token_type": "Bearer", "expires_in": life_s, "refresh_token": None})

    def detail(self, request: Request) -> Response:
        """What the token of this call may do, and until when."""
        issued_at, until = self._life(request)
        scopes = dict.fromkeys(SCOPES, "full_access")
        return answer(
            200,
            {
                "scopes": scopes,
                "expire_at": stamp(until),
                "issued_at": stamp(issued_at),
                "is_valid": True,
                "is_channel_match": True,
            },
        )

    def _check_headers(self, request: Request) -> None:
        for name in REQUIRED_HEADERS:
            if not request.headers.get(name, "").strip():
                raise WalmartError("MISSING_REQUEST_HEADER", GATEWAY_API, f"{name.upper()} is required", name.upper())

    def _life(self, request: Request) -> tuple[datetime, datetime]:
        token = request.headers.get("wm_sec.access_token", "").strip()
        found = self._tokens.get(token)
        if found is None or self._world.clock() >= found[1]:
            why = "expired" if found else "unknown" if token else "missing"
            raise WalmartError("UNAUTHORIZED", GATEWAY_API, f"Unauthorized: access token is {why}", "UNAUTHORIZED")
        return found


def _basic(request: Request) -> tuple[str, str] | None:
    scheme, _, value = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        name, _, secret = base64.b64decode(value.strip(), validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return None
    return name, secret


class Ceilings:
    """One bucket of tokens per operation, refilled evenly in business seconds.

    [guess] that X-Next-Replenishment-Time is milliseconds since 1970; its name and meaning are documented.
    """

    def __init__(self, world: World, settings: Settings) -> None:
        self._world = world
        self._ceilings = settings.ceilings if settings.ceilings_on else {}
        self._buckets: dict[str, tuple[float, datetime]] = {}

    def take(self, operation: str) -> tuple[bool, dict[str, str]]:
        """Take one token: whether there was one, and the headers that say what is left."""
        ceiling = self._ceilings.get(operation)
        if ceiling is None:
            return True, {}
        size, per_s = ceiling
        now = self._world.clock()
        left, at = self._buckets.get(operation, (float(size), now))
        left = min(float(size), left + max(0.0, (now - at).total_seconds()) * size / per_s)
        may = left >= 1 - 1e-9
        if may:
            left = max(0.0, left - 1)
        self._buckets[operation] = (left, now)
        wait_s = (1 - left % 1) * per_s / size
        headers = {
            "x-current-token-count": str(int(left + 1e-9)),
            "x-next-replenishment-time": str(millis(now) + ceil(wait_s * 1000)),
        }
        return may, headers
