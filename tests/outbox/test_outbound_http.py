"""The hub's one HTTP client against real sockets: what left, what may have arrived, and where it refuses to go."""

import gzip
import socket
import ssl
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from entrepot.kernel.errors import WrongSetting
from entrepot.kernel.http import HttpRequest, HttpResponse, NoAnswer, NotReached
from entrepot.outbox.addresses import BoundedResolver, may_connect
from entrepot.outbox.http import OutboundHttp

Answer = Callable[[BaseHTTPRequestHandler], None]


@dataclass
class Peer:
    """A server on loopback that remembers who called."""

    url: str
    seen: list[tuple[str, str, dict[str, str], bytes]] = field(default_factory=list)
    connections: set[Any] = field(default_factory=set)


def plainly(status: int, body: bytes = b"", **headers: str) -> Answer:
    def answer(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(status)
        for name, value in headers.items():
            handler.send_header(name.replace("_", "-"), value)
        handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(body)

    return answer


@contextmanager
def serving(answer: Answer) -> Iterator[Peer]:
    peer = Peer("")

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            headers = {name.lower(): value for name, value in self.headers.items()}
            peer.seen.append((self.command, self.path, headers, body))
            peer.connections.add(self.client_address)
            answer(self)

        do_POST = do_PUT = do_GET

        def log_message(self, format: str, *args: Any) -> None:
            return None

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    peer.url = f"http://127.0.0.1:{server.server_address[1]}"
    try:
        yield peer
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@contextmanager
def talking(script: Callable[[socket.socket], None]) -> Iterator[str]:
    """A peer that speaks raw bytes: reads the request's head, then does as the script says."""
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        connection, _ = listener.accept()
        with connection:
            head = b""
            while b"\r\n\r\n" not in head:
                head += connection.recv(65536)
            script(connection)

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        thread.join()
        listener.close()


@contextmanager
def client(*allowed: str, **options: Any) -> Iterator[OutboundHttp]:
    http = OutboundHttp(allowed, **{"loopback": True, **options})
    try:
        yield http
    finally:
        http.close()


def resolving(answers: dict[str, Sequence[str]]) -> BoundedResolver:
    def resolve(host: str, port: int) -> Sequence[str]:
        if host not in answers:
            raise OSError(f"no such host: {host}")
        return answers[host]

    return BoundedResolver(resolve)


def test_a_request_arrives_whole_and_its_answer_comes_back_whole() -> None:
    with serving(plainly(201, b'{"id":1}', X_Trace="t1")) as peer, client(peer.url) as http:
        request = HttpRequest(
            "POST", f"{peer.url}/api/orders", {"Authorization": "front-key"}, (("a", "1 & 2"), ("a", "3")), b'{"b":2}'
        )
        answer = http.send(request)
    assert isinstance(answer, HttpResponse)
    assert (answer.status, answer.body, answer.headers["x-trace"]) == (201, b'{"id":1}', "t1")
    method, path, headers, body = peer.seen[0]
    assert (method, body, headers["authorization"]) == ("POST", b'{"b":2}', "front-key")
    assert path == "/api/orders?a=1%20%26%202&a=3" or path == "/api/orders?a=1+%26+2&a=3"


def test_a_header_that_would_split_the_request_never_leaves() -> None:
    with serving(plainly(200, b"{}")) as peer, client(peer.url) as http:
        answer = http.send(HttpRequest("GET", peer.url, {"x-key": "a\r\nx-evil: 1"}))
        assert isinstance(answer, NotReached)
        assert isinstance(http.send(HttpRequest("GET", peer.url, {"x-key": "Café"})), HttpResponse)
    assert len(peer.seen) == 1


def test_one_connection_serves_many_calls() -> None:
    with serving(plainly(200, b"{}")) as peer, client(peer.url) as http:
        for _ in range(5):
            assert isinstance(http.send(HttpRequest("GET", f"{peer.url}/x")), HttpResponse)
    assert len(peer.connections) == 1


def test_many_threads_share_the_client() -> None:
    with serving(plainly(200, b"{}")) as peer, client(peer.url) as http, ThreadPoolExecutor(8) as threads:
        answers = list(threads.map(lambda n: http.send(HttpRequest("GET", f"{peer.url}/{n}")), range(40)))
    assert all(isinstance(answer, HttpResponse) for answer in answers)
    assert sorted(path for _, path, _, _ in peer.seen) == sorted(f"/{n}" for n in range(40))


def test_a_redirect_is_an_answer_and_no_credential_travels_on() -> None:
    with serving(plainly(200, b"stolen")) as elsewhere:
        with serving(plainly(302, Location=f"{elsewhere.url}/")) as peer, client(peer.url, elsewhere.url) as http:
            answer = http.send(HttpRequest("GET", f"{peer.url}/", {"authorization": "front-key"}))
        assert isinstance(answer, HttpResponse)
        assert answer.status == 302
        assert elsewhere.seen == []


def test_cookies_are_not_kept_from_one_call_to_the_next() -> None:
    with serving(plainly(200, b"{}", Set_Cookie="session=1")) as peer, client(peer.url) as http:
        http.send(HttpRequest("GET", f"{peer.url}/"))
        http.send(HttpRequest("GET", f"{peer.url}/"))
    assert "cookie" not in peer.seen[1][2]


def test_a_proxy_of_the_environment_is_not_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    with serving(plainly(200, b"{}")) as peer, client(peer.url) as http:
        assert isinstance(http.send(HttpRequest("GET", f"{peer.url}/")), HttpResponse)


def test_a_closed_port_was_surely_not_reached() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        url = f"http://127.0.0.1:{taken.getsockname()[1]}"
    with client(url) as http:
        assert isinstance(http.send(HttpRequest("PUT", url, body=b"{}")), NotReached)


def test_a_connection_cut_before_the_answer_leaves_it_unclear() -> None:
    with talking(lambda connection: None) as url, client(url) as http:
        assert isinstance(http.send(HttpRequest("PUT", url, body=b"{}")), NoAnswer)


def test_an_answer_cut_in_the_middle_leaves_it_unclear() -> None:
    def cut(connection: socket.socket) -> None:
        connection.sendall(b'HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{"half":')

    with talking(cut) as url, client(url) as http:
        assert isinstance(http.send(HttpRequest("GET", url)), NoAnswer)


def test_a_byte_at_a_time_ends_with_the_total_timeout() -> None:
    def drip(connection: socket.socket) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
        for _ in range(400):
            try:
                connection.sendall(b"x")
            except OSError:
                return
            time.sleep(0.02)

    with talking(drip) as url, client(url) as http:
        answer = http.send(HttpRequest("GET", url, total_timeout_s=0.3))
    assert isinstance(answer, NoAnswer)
    assert "imeout" in answer.why


def test_silence_ends_with_the_total_timeout() -> None:
    released = threading.Event()

    def keep_silent(connection: socket.socket) -> None:
        released.wait(20)

    with talking(keep_silent) as url, client(url) as http:
        answer = http.send(HttpRequest("GET", url, total_timeout_s=0.2))
        released.set()
    assert isinstance(answer, NoAnswer)


def test_no_time_left_means_nothing_was_sent() -> None:
    with serving(plainly(200)) as peer, client(peer.url) as http:
        assert isinstance(http.send(HttpRequest("PUT", peer.url, total_timeout_s=0.0)), NotReached)
    assert peer.seen == []


def test_a_compressed_answer_is_unpacked() -> None:
    packed = gzip.compress(b'{"orders":[]}')
    with serving(plainly(200, packed, Content_Encoding="gzip")) as peer, client(peer.url) as http:
        answer = http.send(HttpRequest("GET", peer.url))
    assert isinstance(answer, HttpResponse)
    assert answer.body == b'{"orders":[]}'


def test_a_bomb_is_not_unpacked_past_the_cap() -> None:
    bomb = gzip.compress(b"0" * 5_000_000)
    with (
        serving(plainly(200, bomb, Content_Encoding="gzip")) as peer,
        client(peer.url, body_bytes_max=1_000_000) as http,
    ):
        answer = http.send(HttpRequest("GET", peer.url))
    assert isinstance(answer, NoAnswer)
    assert "longer than 1000000 bytes" in answer.why


def test_an_answer_longer_than_the_cap_is_no_answer() -> None:
    with serving(plainly(200, b"0" * 2_000)) as peer, client(peer.url, body_bytes_max=1_999) as http:
        assert isinstance(http.send(HttpRequest("GET", peer.url)), NoAnswer)
    with serving(plainly(200, b"0" * 2_000)) as peer, client(peer.url, body_bytes_max=2_000) as http:
        assert isinstance(http.send(HttpRequest("GET", peer.url)), HttpResponse)


@pytest.mark.parametrize(
    ("encoding", "body"),
    [("br", b"??"), ("gzip", b"not gzip"), ("gzip", gzip.compress(b"whole", mtime=0)[:-4]), ("gzip, gzip", b"")],
)
def test_an_answer_packed_in_a_way_we_cannot_trust_is_no_answer(encoding: str, body: bytes) -> None:
    with serving(plainly(200, body, Content_Encoding=encoding)) as peer, client(peer.url) as http:
        assert isinstance(http.send(HttpRequest("GET", peer.url)), NoAnswer)


def test_only_the_systems_of_the_plan_are_called() -> None:
    with serving(plainly(200, b"{}")) as peer, serving(plainly(200, b"{}")) as stranger:
        with client(f"{peer.url}/api") as http:
            host = peer.url.removeprefix("http://")
            refused = [
                stranger.url,
                f"{peer.url}/apis",
                f"{peer.url}/",
                f"{peer.url}/api/../admin",
                f"{peer.url}/api/%2e%2e/admin",
                f"http://user@{host}/api/x",
                f"https://{host}/api/x",
                "file:///etc/passwd",
                "not a url",
                "http://[::1",
            ]
            for url in refused:
                assert isinstance(http.send(HttpRequest("GET", url)), NotReached), url
            assert isinstance(http.send(HttpRequest("GET", f"{peer.url}/api")), HttpResponse)
            assert isinstance(http.send(HttpRequest("GET", f"{peer.url}/api/orders")), HttpResponse)
        assert stranger.seen == []
        assert [path for _, path, _, _ in peer.seen] == ["/api", "/api/orders"]


@pytest.mark.parametrize("url", ["ftp://host", "http://", "http://user:pw@host", "https://host/x?a=1", "host"])
def test_a_base_url_that_is_more_or_less_than_a_place_is_refused_at_start(url: str) -> None:
    with pytest.raises(WrongSetting):
        OutboundHttp([url])


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1", "127.8.8.8", "::1", "0.0.0.0", "::", "10.0.0.1", "172.16.3.4", "192.168.1.1", "169.254.169.254", "100.64.0.1",
        "224.0.0.1", "255.255.255.255", "fe80::1", "fe80::1%eth0", "fc00::1", "ff02::1", "::ffff:127.0.0.1", "::ffff:10.0.0.1",
        "64:ff9b::7f00:1", "64:ff9b::a9fe:a9fe", "2002:7f00:1::", "198.18.0.1", "192.0.2.1",
    ],
)  # fmt: skip
def test_an_address_inside_is_never_called_from_production(address: str) -> None:
    assert not may_connect(address, loopback=False)


@pytest.mark.parametrize("address", ["8.8.8.8", "93.184.216.34", "2606:2800:220:1::1", "::ffff:8.8.8.8"])
def test_a_public_address_may_be_called(address: str) -> None:
    assert may_connect(address, loopback=False)


def test_a_sandbox_may_call_this_machine_and_nothing_else_inside() -> None:
    assert may_connect("127.0.0.1", loopback=True)
    assert may_connect("::ffff:127.0.0.1", loopback=True)
    assert not may_connect("10.0.0.1", loopback=True)


@pytest.mark.parametrize("host", ["2130706433", "0x7f000001", "127.1", "localhost"])
def test_a_disguised_loopback_is_seen_through(host: str) -> None:
    with serving(plainly(200, b"{}")) as peer:
        port = peer.url.rpartition(":")[2]
        url = f"http://{host}:{port}"
        with client(url, loopback=False) as http:
            answer = http.send(HttpRequest("GET", url))
        assert isinstance(answer, NotReached)
        assert peer.seen == []


def test_a_name_with_one_bad_address_among_good_ones_is_refused() -> None:
    resolver = resolving({"mirakl.example": ["93.184.216.34", "169.254.169.254"]})
    with client("https://mirakl.example", loopback=False, resolver=resolver) as http:
        answer = http.send(HttpRequest("GET", "https://mirakl.example/api"))
    assert isinstance(answer, NotReached)
    assert "169.254.169.254" in answer.why


def test_a_name_is_resolved_once_and_the_checked_address_is_the_one_called() -> None:
    asked: list[str] = []

    def rebinding(host: str, port: int) -> Sequence[str]:
        asked.append(host)
        return ["127.0.0.1"] if len(asked) == 1 else ["10.0.0.1"]

    with serving(plainly(200, b"{}")) as peer:
        url = peer.url.replace("127.0.0.1", "mirakl.example")
        with client(url, resolver=BoundedResolver(rebinding)) as http:
            for _ in range(3):
                assert isinstance(http.send(HttpRequest("GET", url)), HttpResponse)
    assert asked == ["mirakl.example"]
    assert peer.seen[0][2]["host"].startswith("mirakl.example")


def test_a_name_nobody_knows_was_not_reached() -> None:
    with client("https://nowhere.example", resolver=resolving({})) as http:
        assert isinstance(http.send(HttpRequest("GET", "https://nowhere.example/")), NotReached)


def test_a_resolver_that_does_not_answer_ends_with_the_total_timeout() -> None:
    released = threading.Event()

    def stuck(host: str, port: int) -> Sequence[str]:
        released.wait(20)
        return ["127.0.0.1"]

    with client("https://slow.example", resolver=BoundedResolver(stuck)) as http:
        answer = http.send(HttpRequest("GET", "https://slow.example/", total_timeout_s=0.2))
        released.set()
    assert isinstance(answer, NotReached)


def test_a_certificate_that_does_not_prove_the_host_stops_the_call(tls_peer: str) -> None:
    with client(tls_peer) as http:
        answer = http.send(HttpRequest("PUT", f"{tls_peer}/pay", body=b"{}"))
    assert isinstance(answer, NotReached)
    assert "CERTIFICATE" in answer.why.upper()


@pytest.fixture
def tls_peer() -> Iterator[str]:
    """Speaks TLS with a certificate no authority signed; the test fails if a request gets through."""
    with tempfile.TemporaryDirectory() as folder:
        key, cert = Path(folder, "key.pem"), Path(folder, "cert.pem")
        subprocess.run(
            ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "1",
             "-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", key, "-out", cert],
            check=True, capture_output=True,
        )  # fmt: skip
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(cert, key)
        listener = socket.create_server(("127.0.0.1", 0))

        def serve() -> None:
            connection, _ = listener.accept()
            try:
                with context.wrap_socket(connection, server_side=True) as secured:
                    secured.recv(65536)
            except (ssl.SSLError, OSError):
                connection.close()

        thread = threading.Thread(target=serve)
        thread.start()
        yield f"https://127.0.0.1:{listener.getsockname()[1]}"
        thread.join()
        listener.close()
