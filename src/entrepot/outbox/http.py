"""The one place where the hub speaks HTTP outwards: known targets only, one try, a total timeout, a bounded answer.

Built on the connection pool underneath httpx2, not on its client: a client brings redirects, cookies, proxies from the
environment and .netrc, each of which would have to be switched off, and none of which may ever come back by an upgrade.
"""

import ssl
import threading
import time
import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import httpcore2
import httpx2

from entrepot.kernel.errors import WrongSetting
from entrepot.kernel.http import HttpAnswer, HttpRequest, HttpResponse, NoAnswer, NotReached
from entrepot.outbox.addresses import BoundedResolver, Forbidden, checked

BODY_BYTES_MAX = 50 * 1024 * 1024  # decoded
CONNECTIONS_MAX = 64
KEPT_CONNECTIONS_MAX = 32
KEEPALIVE_S = 20.0
WRITE_SLICE = 64 * 1024
DEFAULT_PORTS = {"http": 80, "https": 443}

# Raised before one byte of the request left.
_BEFORE_SENDING = (
    httpcore2.ConnectError,
    httpcore2.ConnectTimeout,
    httpcore2.PoolTimeout,
    httpcore2.UnsupportedProtocol,
    httpcore2.LocalProtocolError,
    httpx2.InvalidURL,
)
_AFTER_SENDING = (httpcore2.TimeoutException, httpcore2.NetworkError, httpcore2.ProtocolError, zlib.error)


class TooLong(Exception):
    """The decoded answer passed its cap."""


class WrongEncoding(Exception):
    """They compressed the answer in a way we did not offer."""


class _Deadline(threading.local):
    """When the call of this thread must be over. A connection serves one call at a time, in the thread that made it."""

    at: float = 0.0


class _BoundedStream(httpcore2.NetworkStream):
    """A socket whose every read and write ends with the whole call, so that a drip of one byte a second ends too."""

    def __init__(self, stream: httpcore2.NetworkStream, remaining: Callable[[], float]) -> None:
        self._stream = stream
        self._remaining = remaining

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._stream.read(max_bytes, self._left(timeout, httpcore2.ReadTimeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        for start in range(0, len(buffer), WRITE_SLICE):
            self._stream.write(buffer[start : start + WRITE_SLICE], self._left(timeout, httpcore2.WriteTimeout))

    def close(self) -> None:
        self._stream.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore2.NetworkStream:
        secured = self._stream.start_tls(ssl_context, server_hostname, self._left(timeout, httpcore2.ConnectTimeout))
        return _BoundedStream(secured, self._remaining)

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)

    def _left(self, timeout: float | None, expired: type[httpcore2.TimeoutException]) -> float:
        left = self._remaining() if timeout is None else min(timeout, self._remaining())
        if left <= 0:
            raise expired("the total timeout is over")
        return left


class _PinnedBackend(httpcore2.NetworkBackend):
    """Resolves once, checks every address, connects to the one it checked. TLS still verifies the name."""

    def __init__(self, resolver: BoundedResolver, remaining: Callable[[], float], loopback: bool) -> None:
        self._resolver = resolver
        self._remaining = remaining
        self._loopback = loopback
        self._sockets = httpcore2.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore2.NetworkStream:
        try:
            address = checked(host, self._resolver.addresses(host, port, self._remaining()), loopback=self._loopback)
        except TimeoutError as error:
            raise httpcore2.ConnectTimeout(str(error)) from error
        except Forbidden as error:
            raise httpcore2.ConnectError(f"forbidden: {error}") from error
        except (OSError, UnicodeError) as error:
            raise httpcore2.ConnectError(f"no address for {host}: {error}") from error
        left = self._remaining() if timeout is None else min(timeout, self._remaining())
        if left <= 0:
            raise httpcore2.ConnectTimeout("the total timeout is over")
        stream = self._sockets.connect_tcp(address, port, left, local_address, socket_options)
        return _BoundedStream(stream, self._remaining)


def _target(base_url: str) -> tuple[str, str, int, str]:
    """Scheme, host, port and path of a base URL, comparable. Errors: WrongSetting."""
    try:
        url = httpx2.URL(base_url)
    except httpx2.InvalidURL as error:
        raise WrongSetting(f"“{base_url}” is not a URL: {error}", url=base_url) from error
    if url.scheme not in DEFAULT_PORTS or not url.host or url.userinfo or url.query or url.fragment:
        raise WrongSetting(
            f"“{base_url}” must be an http or https URL of a host and perhaps a path, nothing more", url=base_url
        )
    return url.scheme, url.host, url.port or DEFAULT_PORTS[url.scheme], url.path.rstrip("/") + "/"


class OutboundHttp:
    """Sends what connectors ask for, to the systems of the plan and nowhere else. Safe to use from many threads.

    `allowed`: base URLs of the systems. `document_hosts`: ends of host names (`.amazonaws.com`) where they keep documents for us, over https
    alone. `loopback`: a sandbox's systems run on this machine.  Units: machine seconds.
    """

    def __init__(
        self,
        allowed: Sequence[str],
        *,
        document_hosts: Sequence[str] = (),
        loopback: bool = False,
        resolver: BoundedResolver | None = None,
        tls: ssl.SSLContext | None = None,
        body_bytes_max: int = BODY_BYTES_MAX,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._allowed = [_target(url) for url in allowed]
        self._document_hosts = tuple(f".{host.lstrip('.')}" for host in document_hosts)
        self._body_bytes_max = body_bytes_max
        self._monotonic = monotonic
        self._deadline = _Deadline()
        self._resolver = resolver or BoundedResolver()
        self._pool = httpcore2.ConnectionPool(
            ssl_context=tls or httpx2.create_ssl_context(trust_env=False),
            max_connections=CONNECTIONS_MAX,
            max_keepalive_connections=KEPT_CONNECTIONS_MAX,
            keepalive_expiry=KEEPALIVE_S,
            retries=0,
            network_backend=_PinnedBackend(self._resolver, self._remaining, loopback),
        )

    def send(self, request: HttpRequest) -> HttpAnswer:
        """One call. Never raises for anything the outside does."""
        self._deadline.at = self._monotonic() + request.total_timeout_s
        try:
            url = self._url(request)
            if url is None:
                return NotReached(f"{request.url} belongs to no system of the plan")
            return self._exchange(request, url)
        except _BEFORE_SENDING as error:
            return NotReached(_why(error))
        except _AFTER_SENDING as error:
            return NoAnswer(_why(error))
        except (TooLong, WrongEncoding) as error:
            return NoAnswer(str(error))

    def close(self) -> None:
        self._pool.close()
        self._resolver.close()

    def _remaining(self) -> float:
        return self._deadline.at - self._monotonic()

    def _url(self, request: HttpRequest) -> httpx2.URL | None:
        url = httpx2.URL(request.url)
        if request.query:
            url = url.copy_merge_params(list(request.query))
        if url.userinfo or ".." in url.path.split("/"):
            return None
        here = (url.scheme, url.host, url.port or DEFAULT_PORTS.get(url.scheme, 0))
        known = any(
            here == target[:3] and (url.path.rstrip("/") + "/").startswith(target[3]) for target in self._allowed
        )
        document = here[::2] == ("https", 443) and url.host.endswith(self._document_hosts)
        return url if known or document else None

    def _exchange(self, request: HttpRequest, url: httpx2.URL) -> HttpAnswer:
        left = max(0.0, self._remaining())
        with self._pool.stream(
            request.method,
            httpcore2.URL(scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=url.raw_path),
            headers=_headers(request, url),
            content=request.body,
            extensions={"timeout": {"pool": left, "connect": left, "write": left, "read": left}},
        ) as response:
            answered = _answered(response.headers)
            body = self._body(response.iter_stream(), answered.get("content-encoding", ""))
            return HttpResponse(response.status, answered, body)

    def _body(self, chunks: Iterator[bytes], encoding: str) -> bytes:
        """The decoded body; a bomb is never unpacked past the cap. Errors: TooLong, WrongEncoding, zlib.error."""
        cap = self._body_bytes_max
        if encoding.strip().lower() not in ("", "identity", "gzip", "x-gzip"):
            raise WrongEncoding(f"the answer came compressed as “{encoding[:40]}”, which was not offered")
        unzip = zlib.decompressobj(zlib.MAX_WBITS | 16) if "gzip" in encoding.lower() else None
        body = bytearray()
        for chunk in chunks:
            body += unzip.decompress(chunk, cap + 1 - len(body)) if unzip else chunk
            if len(body) > cap:
                raise TooLong(f"the answer is longer than {cap} bytes")
        if unzip and not unzip.eof:
            raise zlib.error("the compressed answer was cut")
        return bytes(body)


def _headers(request: HttpRequest, url: httpx2.URL) -> list[tuple[bytes | str, bytes | str]]:
    headers = {"host": url.netloc.decode("ascii"), "accept-encoding": "gzip", "user-agent": "entrepot"}
    headers |= {name.lower(): value for name, value in request.headers.items()}
    if request.body or request.method in ("POST", "PUT", "PATCH"):
        headers["content-length"] = str(len(request.body))
    return [(name, value.encode()) for name, value in headers.items()]


def _answered(raw: Iterable[tuple[bytes, bytes]]) -> dict[str, str]:
    """Lower-case names; a header that comes twice is one list, as HTTP reads it."""
    headers: dict[str, str] = {}
    for name, value in raw:
        key, text = name.decode("latin-1").lower(), value.decode("latin-1")
        headers[key] = f"{headers[key]}, {text}" if key in headers else text
    return headers


def _why(error: Exception) -> str:
    return f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
