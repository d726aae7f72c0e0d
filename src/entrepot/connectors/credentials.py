"""Ways in: a raw key, a bearer secret, an OAuth2 token fetched by a form (client credentials, a refresh token)."""

import threading
from base64 import b64encode
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from urllib.parse import urlencode

import msgspec

from entrepot.connectors.exchange import CALL_MIN_S, NoEntry, Unsent, nothing, time_left
from entrepot.connectors.port import Secret
from entrepot.kernel.ctx import Ctx
from entrepot.kernel.http import HttpRequest, HttpResponse

REFRESH_AHEAD = 0.9  # of a token's life
REFRESH_GIVEN_UP_S = 30.0  # machine: a refresh that takes longer died with its process
REFRESH_WAIT_S = 1.0  # business: when somebody else is fetching the token
TOKEN_LIFE_S = 300.0  # when they do not say


@dataclass(frozen=True, slots=True)
class RawKey:
    """A key that never expires but may be rotated: after a 401 it is read anew."""

    secret: Secret
    scheme: str = ""

    def header(self, ctx: Ctx, until: datetime | None) -> str | Unsent | NoEntry:
        return f"{self.scheme} {self.secret()}".strip()

    def spent(self, header: str) -> None:
        return None


class Token(msgspec.Struct):
    """What an OAuth2 endpoint hands out."""

    access_token: str
    expires_in: float = TOKEN_LIFE_S


@dataclass(slots=True)
class _Held:
    header: str | None = None
    renew_at: datetime | None = None  # business
    fetching_since: datetime | None = None  # machine; one refresh at a time, and a dead one does not block for ever


@dataclass(frozen=True, slots=True)
class FetchedToken:
    """An OAuth2 access token, fetched by a form and renewed ahead of its end.

    One refresh at a time: others are told to come again, nobody queues on a lock. `form` and `headers` are read at every
    fetch, so that a rotated secret needs no restart. `scheme`: what stands before the token; empty where it stands alone.
    `spoken`: headers that every call of this system carries, made anew for each fetch.
    """

    token_url: str
    form: Callable[[], Mapping[str, str]]
    headers: Callable[[], Mapping[str, str]] = dict
    scheme: str = "Bearer"
    spoken: Callable[[Ctx], Mapping[str, str]] = nothing
    _held: _Held = field(default_factory=_Held)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def header(self, ctx: Ctx, until: datetime | None) -> str | Unsent | NoEntry:
        with self._lock:
            held, machine = self._held, ctx.clock.machine()
            if held.header and held.renew_at and ctx.clock.now() < held.renew_at:
                return held.header
            since = held.fetching_since
            if since is not None and machine - since < timedelta(seconds=REFRESH_GIVEN_UP_S):
                return Unsent("another worker is fetching a new token", REFRESH_WAIT_S)
            held.fetching_since = machine
        fetched = self.fetched(ctx, until)
        with self._lock:
            self._held.fetching_since = None
            if isinstance(fetched, Token):
                self._held.header = f"{self.scheme} {fetched.access_token}".strip()
                self._held.renew_at = ctx.clock.now() + timedelta(seconds=fetched.expires_in * REFRESH_AHEAD)
                return self._held.header
        return fetched

    def spent(self, header: str) -> None:
        with self._lock:
            if self._held.header == header:
                self._held.header = None

    def fetched(self, ctx: Ctx, until: datetime | None) -> Token | Unsent | NoEntry:
        """A token from their endpoint, made by this very call."""
        timeout = time_left(ctx, until)
        if timeout < CALL_MIN_S:
            return Unsent("no time was left to fetch a token")
        own = {"content-type": "application/x-www-form-urlencoded", "accept": "application/json"}
        headers, form = {**own, **self.spoken(ctx), **self.headers()}, urlencode(dict(self.form())).encode()
        sent = ctx.http.send(HttpRequest("POST", self.token_url, headers, (), form, timeout))
        if not isinstance(sent, HttpResponse):
            return Unsent(f"no token: {sent.why}")
        if sent.status in (400, 401, 403):
            return NoEntry(f"no token for these credentials: HTTP {sent.status}")
        if sent.status != 200:
            return Unsent(f"no token: HTTP {sent.status}")
        try:
            return msgspec.json.decode(sent.body, type=Token)
        except (msgspec.DecodeError, UnicodeDecodeError):
            return Unsent("no token: the answer is not the one OAuth2 promises")


def client_credentials(token_url: str, client_id: Secret, client_secret: Secret, **more: str) -> FetchedToken:
    """OAuth2 client credentials in the form itself. `more`: further fields, such as a scope."""

    def form() -> Mapping[str, str]:
        grant = {"grant_type": "client_credentials", "client_id": client_id(), "client_secret": client_secret()}
        return {**grant, **more}

    return FetchedToken(token_url, form)


def basic(client_id: Secret, client_secret: Secret) -> Callable[[], Mapping[str, str]]:
    """The headers by which some token endpoints know the client."""
    return lambda: {"authorization": f"Basic {b64encode(f'{client_id()}:{client_secret()}'.encode()).decode()}"}
