"""The world on loopback: one HTTP/1.1 port per system, and real HTTP for what the world sends to the hub."""

import http.client
import sys
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC
from email.utils import format_datetime
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final
from urllib.parse import parse_qsl, unquote, urlencode, urlsplit

from entrepot.sandbox.core import Hang, Request, Response, World

HOST: Final = "127.0.0.1"
BODY_BYTES_MAX: Final = 64 * 1024 * 1024
CHUNK_LINE_MAX: Final = 64
SENDER_THREADS: Final = 4
POLL_S: Final = 0.02


def serve(
    world: World, ports: Mapping[str, int], *, hang_s: float = 30.0, tick_s: float = 0.02, ticking: bool = True
) -> "Servers":
    """Listen on one loopback port per system (0 picks a free one) and keep the world's agenda running.

    Units: `hang_s` machine seconds a hanging answer keeps its connection; `tick_s` machine seconds between ticks.
    """
    servers = Servers(world)
    for name in ports:
        if name not in world.systems:
            raise KeyError(f"no system {name!r} is mounted")
    for name, port in ports.items():
        server = _Server((HOST, port), _handler(world, name, hang_s, servers.stopping))
        servers.ports[name] = server.server_address[1]
        servers.start(partial(server.serve_forever, poll_interval=POLL_S), f"sandbox-{name}")
        servers.listening.append(server)
    if ticking:
        for n in range(SENDER_THREADS):
            servers.start(lambda: _tick_until(world, servers.stopping, tick_s), f"sandbox-tick-{n}")
    return servers


@dataclass
class Servers:
    """The listening ports by system name; close them with `stop`, or use as a context manager."""

    world: World
    ports: dict[str, int] = field(default_factory=dict)
    listening: list[ThreadingHTTPServer] = field(default_factory=list)
    threads: list[threading.Thread] = field(default_factory=list)
    stopping: threading.Event = field(default_factory=threading.Event)

    def start(self, what: Callable[[], None], name: str) -> None:
        """Run something on a daemon thread that ends with the servers."""
        thread = threading.Thread(target=what, name=name, daemon=True)
        self.threads.append(thread)
        thread.start()

    def url(self, system: str) -> str:
        """The base URL of one system."""
        return f"http://{HOST}:{self.ports[system]}"

    def stop(self) -> None:
        """Close every port and wait for the threads."""
        self.stopping.set()
        for server in self.listening:
            server.shutdown()
            server.server_close()
        for thread in self.threads:
            thread.join(timeout=10)

    def __enter__(self) -> "Servers":
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()


def over_http(timeout_s: float) -> Callable[[str, Request], Response | Hang]:
    """An outbound function that really calls: no answer, a refused connection or a broken one is a Hang."""

    def deliver(base_url: str, request: Request) -> Response | Hang:
        parts = urlsplit(base_url)
        secure = parts.scheme == "https"
        connect = http.client.HTTPSConnection if secure else http.client.HTTPConnection
        connection = connect(parts.hostname or HOST, parts.port, timeout=timeout_s)
        try:
            connection.request(request.method, _target(parts.path, request), request.body, dict(request.headers))
            answer = connection.getresponse()
            headers = {name.lower(): value for name, value in answer.getheaders()}
            return Response(answer.status, headers, answer.read(BODY_BYTES_MAX))
        except (OSError, http.client.HTTPException):
            return Hang(applied=False)
        finally:
            connection.close()

    return deliver


def _target(prefix: str, request: Request) -> str:
    """Path and query as they are sent; a path is quoted already and may bring a query of its own."""
    path = prefix + request.path
    if not request.query:
        return path
    return f"{path}{'&' if '?' in path else '?'}{urlencode(request.query)}"


def _tick_until(world: World, stopping: threading.Event, tick_s: float) -> None:
    while not stopping.wait(tick_s):
        world.tick()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 256
    allow_reuse_address = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that went away is no news; anything else is our bug and stays loud."""
        if isinstance(sys.exception(), ConnectionError | TimeoutError):
            return
        super().handle_error(request, client_address)


class _TooLarge(Exception):
    pass


class _Malformed(Exception):
    pass


def _handler(world: World, system: str, hang_s: float, stopping: threading.Event) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        server_version = "sandbox"
        sys_version = ""
        disable_nagle_algorithm = True
        wbufsize = -1

        def answer(self) -> None:
            try:
                body = _read_body(self)
            except _TooLarge:
                self._write(Response(413), close=True)
                return
            except _Malformed:
                self._write(Response(400), close=True)
                return
            parts = urlsplit(self.path)
            result = world.handle(
                system,
                Request(
                    method=self.command,
                    path=unquote(parts.path),
                    query=tuple(parse_qsl(parts.query, keep_blank_values=True)),
                    headers={name.lower(): value for name, value in self.headers.items()},
                    body=body,
                ),
            )
            if isinstance(result, Hang):
                stopping.wait(hang_s)
                self.close_connection = True
                return
            self._write(result)

        do_GET = do_POST = do_PUT = do_DELETE = do_PATCH = do_HEAD = answer

        def _write(self, response: Response, close: bool = False) -> None:
            self.send_response(response.status)
            for name, value in response.headers.items():
                self.send_header(name, value)
            if response.status not in (204, 304):
                self.send_header("Content-Length", str(len(response.body)))
            if close:
                self.send_header("Connection", "close")
                self.close_connection = True
            self.end_headers()
            if self.command != "HEAD" and response.status not in (204, 304):
                self.wfile.write(response.body)
            self.wfile.flush()

        def date_time_string(self, timestamp: float | None = None) -> str:
            """The Date header tells the business clock, as everything else here does."""
            return format_datetime(world.clock().astimezone(UTC), usegmt=True)

        def log_message(self, format: str, *args: Any) -> None:
            """Calls are counted in the books, not printed."""

    return Handler


def _read_body(handler: BaseHTTPRequestHandler) -> bytes:
    if "chunked" in (handler.headers.get("Transfer-Encoding") or "").lower():
        return _read_chunks(handler)
    length = handler.headers.get("Content-Length") or "0"
    if not length.isdigit():
        raise _Malformed
    if int(length) > BODY_BYTES_MAX:
        raise _TooLarge
    return handler.rfile.read(int(length))


def _read_chunks(handler: BaseHTTPRequestHandler) -> bytes:
    parts: list[bytes] = []
    total = 0
    while True:
        line = handler.rfile.readline(CHUNK_LINE_MAX)
        try:
            size = int(line.split(b";")[0], 16)
        except ValueError:
            raise _Malformed from None
        total += size
        if size < 0 or total > BODY_BYTES_MAX:
            raise _TooLarge
        if not size:
            while handler.rfile.readline(CHUNK_LINE_MAX).strip():
                pass
            return b"".join(parts)
        parts.append(handler.rfile.read(size))
        handler.rfile.readline(CHUNK_LINE_MAX)
