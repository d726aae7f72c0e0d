"""What stands between a browser and the hub: response headers, the host we answer to, where a write may come from."""

import hashlib
import hmac
from collections.abc import Iterable

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

CSRF_COOKIE = "entrepot_visit"
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
CONTENT_SECURITY_POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' data:",  # Tabler draws its check marks and arrows as data: images
        "font-src 'self'",
        "connect-src 'self'",
        "form-action 'self'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
    )
)
SECURITY_HEADERS = {
    "content-security-policy": CONTENT_SECURITY_POLICY,
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), microphone=(), geolocation=()",
}


class Guard:
    """Refuses foreign hosts and foreign writes, and puts the security headers on every answer."""

    def __init__(self, app: ASGIApp, *, hosts: Iterable[str]) -> None:
        self._app = app
        self._hosts = frozenset(hosts)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def send_guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in SECURITY_HEADERS.items():
                    headers.setdefault(name, value)
            await send(message)

        headers = Headers(scope=scope)
        refusal = self._refusal(str(scope["method"]), headers)
        if refusal:
            await _plain(send_guarded, 403, refusal)
            return
        await self._app(scope, receive, send_guarded)

    def _refusal(self, method: str, headers: Headers) -> str:
        host = headers.get("host", "")
        if "*" not in self._hosts and host_name(host) not in self._hosts:
            return f"This console does not answer to the name {host!r}."
        return "" if method in SAFE_METHODS else foreign_write(headers)


def foreign_write(headers: Headers) -> str:
    """Why a write may not come from where it comes from; empty when it may.  Browsers set both headers themselves."""
    site = headers.get("sec-fetch-site")
    if site is not None and site not in ("same-origin", "none"):
        return f"A write from another site ({site}) is refused."
    origin = headers.get("origin")
    if origin is not None and origin.partition("://")[2] != headers.get("host"):
        return f"A write from {origin} is refused."
    return ""


def host_name(host: str) -> str:
    """`127.0.0.1:8400` → `127.0.0.1`, `[::1]:8400` → `[::1]`."""
    return host[: host.index("]") + 1] if host.startswith("[") and "]" in host else host.partition(":")[0]


class FormToken:
    """The token every form carries: bound to the visitor's cookie by a secret, so a neighbour's cookie is of no use."""

    def __init__(self, secret: bytes) -> None:
        self._secret = secret

    def of(self, visit: str) -> str:
        return hmac.new(self._secret, visit.encode(), hashlib.sha256).hexdigest()

    def holds(self, visit: str, token: str) -> bool:
        return bool(visit) and hmac.compare_digest(self.of(visit).encode(), token.encode())


async def _plain(send: Send, status: int, text: str) -> None:
    body = text.encode()
    headers = [(b"content-type", b"text/plain; charset=utf-8"), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
