"""An SFTP server and an object store on this machine, as far as whoever only lists and reads needs them."""

import hashlib
import os
import socket
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit
from xml.sax.saxutils import escape

import paramiko

PASSWORD = "of-lamps"


class _Door(paramiko.ServerInterface):  # type: ignore[misc]  # it ships no types
    def check_auth_password(self, username: str, password: str) -> int:
        known = (username, password) == ("lamps", PASSWORD)
        return int(paramiko.AUTH_SUCCESSFUL if known else paramiko.AUTH_FAILED)

    def check_channel_request(self, kind: str, chanid: int) -> int:
        return int(paramiko.OPEN_SUCCEEDED)


def _files_of(root: Path) -> type:
    class Files(paramiko.SFTPServerInterface):  # type: ignore[misc]
        def list_folder(self, path: str) -> Any:
            return [self._shown(one) for one in sorted(self._at(path).iterdir())]

        def stat(self, path: str) -> Any:
            return self._shown(self._at(path)) if self._at(path).exists() else paramiko.SFTP_NO_SUCH_FILE

        lstat = stat

        def open(self, path: str, flags: int, attr: Any) -> Any:
            if flags & (os.O_WRONLY | os.O_RDWR):
                return paramiko.SFTP_PERMISSION_DENIED
            handle = paramiko.SFTPHandle(flags)
            handle.readfile = self._at(path).open("rb")
            return handle

        def _at(self, path: str) -> Path:
            return root / path.lstrip("/")

        def _shown(self, path: Path) -> Any:
            return paramiko.SFTPAttributes.from_stat(path.stat(), path.name)

    return Files


@contextmanager
def sftp_server(root: Path) -> Iterator[tuple[int, str]]:
    """Its port, and the host key it shows."""
    key = paramiko.ECDSAKey.generate()
    listening = socket.create_server(("127.0.0.1", 0))
    spoken: list[Any] = []

    def serve() -> None:
        while True:
            try:
                connection, _ = listening.accept()
            except OSError:
                return
            speaking = paramiko.Transport(connection)
            spoken.append(speaking)
            speaking.add_server_key(key)
            speaking.set_subsystem_handler("sftp", paramiko.SFTPServer, _files_of(root))
            try:
                speaking.start_server(server=_Door())
            except (paramiko.SSHException, EOFError):
                continue

    serving = threading.Thread(target=serve, daemon=True)
    serving.start()
    try:
        yield listening.getsockname()[1], key.get_base64()
    finally:
        listening.shutdown(socket.SHUT_RDWR)
        listening.close()
        for one in spoken:
            one.close()
        serving.join(timeout=10)


@contextmanager
def object_store(objects: Mapping[str, bytes], key: str) -> Iterator[str]:
    """Its address. Shape: `objects` by `bucket/name`; whoever does not sign with `key` is turned away."""

    class Store(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            asked = urlsplit(self.path)
            path, query = unquote(asked.path).strip("/"), parse_qs(asked.query)
            if f"Credential={key}/" not in self.headers.get("authorization", ""):
                self._say(403, b"<Error><Code>AccessDenied</Code></Error>")
            elif "list-type" in query:
                self._say(200, _listed(objects, path, query.get("prefix", [""])[0]).encode())
            elif path in objects:
                self._give(path)
            else:
                self._say(404, b"<Error><Code>NoSuchKey</Code></Error>")

        do_HEAD = do_GET

        def _give(self, path: str) -> None:
            whole = objects[path]
            first, _, last = self.headers.get("range", "").removeprefix("bytes=").partition("-")
            part = whole[int(first) : int(last) + 1] if last else whole
            ranged = {"content-range": f"bytes {first}-{int(first) + len(part) - 1}/{len(whole)}"} if last else {}
            self._say(
                206 if last else 200,
                part,
                **ranged,
                etag=_tag(whole),
                **{"last-modified": "Mon, 02 Mar 2026 08:00:00 GMT"},
            )

        def _say(self, status: int, body: bytes, **headers: str) -> None:
            self.send_response(status)
            for name, value in {"content-length": str(len(body)), **headers}.items():
                self.send_header(name, value)
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(body)

        def log_message(self, *args: Any) -> None:
            """Quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Store)
    server.daemon_threads = True
    serving = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    serving.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
        serving.join(timeout=10)


def _listed(objects: Mapping[str, bytes], bucket: str, prefix: str) -> str:
    names = [
        (path.removeprefix(f"{bucket}/"), body)
        for path, body in sorted(objects.items())
        if path.startswith(f"{bucket}/{prefix}")
    ]
    shown = "".join(
        f"<Contents><Key>{escape(name)}</Key><LastModified>2026-03-02T08:00:00.000Z</LastModified><ETag>{_tag(body)}</ETag><Size>{len(body)}</Size></Contents>"
        for name, body in names
    )
    return f"<?xml version='1.0'?><ListBucketResult><Name>{bucket}</Name><Prefix>{prefix}</Prefix><KeyCount>{len(names)}</KeyCount><IsTruncated>false</IsTruncated>{shown}</ListBucketResult>"


def _tag(body: bytes) -> str:
    return f'"{hashlib.sha256(body).hexdigest()[:32]}"'
