"""`python -m entrepot.proof.alert_inbox --port N`: where the demo's alert webhook ends. Shows what arrived, newest first."""

import argparse
import contextlib
import json
import sys
from collections import deque
from html import escape
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

KEPT = 200
BODY_MAX = 256 * 1024
ARRIVED: deque[dict[str, Any]] = deque(maxlen=KEPT)


class Inbox(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        size = min(int(self.headers.get("content-length", "0")), BODY_MAX)
        try:
            ARRIVED.appendleft(json.loads(self.rfile.read(size)))
        except ValueError:
            return self._answer(400, "text/plain", b"not JSON")
        print(f"alert: {ARRIVED[0].get('title', '')}", flush=True)
        return self._answer(200, "text/plain", b"ok")

    def do_GET(self) -> None:
        if self.path == "/alerts.json":
            return self._answer(200, "application/json", json.dumps(list(ARRIVED)).encode())
        rows = "".join(
            f"<li><b>{escape(str(a.get('title', '')))}</b><pre>{escape(str(a.get('message', '')))}</pre></li>"
            for a in ARRIVED
        )
        page = f"<!doctype html><html lang=en><title>Alerts of the demo</title><h1>{len(ARRIVED)} alerts</h1><ul>{rows}</ul></html>"
        return self._answer(200, "text/html; charset=utf-8", page.encode())

    def _answer(self, status: int, kind: str, body: bytes) -> None:
        self.send_response(status)
        self.send_header("content-type", kind)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Says nothing: every alert has its own line."""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    with (
        ThreadingHTTPServer(("127.0.0.1", parser.parse_args().port), Inbox) as server,
        contextlib.suppress(KeyboardInterrupt),
    ):
        server.serve_forever()
    return 0


if __name__ == "__main__":
    sys.exit(main())
