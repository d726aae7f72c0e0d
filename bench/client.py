"""A small HTTP/1.1 client that costs little beside the server it measures: prepared requests, connections kept open, no library."""

import asyncio
import base64
import hashlib
import hmac
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

HEAD_END = b"\r\n\r\n"
LENGTH = b"content-length:"


def prepared(host: str, port: int, path: str, headers: Sequence[tuple[str, str]], body: bytes) -> bytes:
    """One POST as bytes."""
    lines = [
        f"POST {path} HTTP/1.1",
        f"host: {host}:{port}",
        f"content-length: {len(body)}",
        *(f"{n}: {v}" for n, v in headers),
    ]
    return "\r\n".join(lines).encode() + HEAD_END + body


def signed(host: str, port: int, path: str, kind: str, key: bytes, event_id: str, body: bytes) -> bytes:
    """One POST signed now, after the Standard Webhooks specification: good for the five minutes of the tolerance."""
    stamp = str(int(time.time()))
    digest = hmac.new(key, f"{event_id}.{stamp}.".encode() + body, hashlib.sha256).digest()
    headers = [
        ("content-type", kind),
        ("webhook-id", event_id),
        ("webhook-timestamp", stamp),
        ("webhook-signature", f"v1,{base64.b64encode(digest).decode()}"),
    ]
    return prepared(host, port, path, headers, body)


@dataclass(slots=True)
class Answers:
    """Statuses, and how long each answer took. Units: seconds."""

    statuses: Counter[int] = field(default_factory=Counter)
    waits: list[float] = field(default_factory=list)
    seconds: float = 0.0

    def percentile(self, percent: int) -> float:
        ranked = sorted(self.waits)
        return ranked[min(len(ranked) - 1, len(ranked) * percent // 100)]


class Line(asyncio.Protocol):
    """One connection, one request at a time."""

    def __init__(self) -> None:
        self._got = bytearray()
        self._answered: asyncio.Future[int] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def ask(self, request: bytes) -> "asyncio.Future[int]":
        self._answered = asyncio.get_running_loop().create_future()
        self._transport.write(request)
        return self._answered

    def data_received(self, data: bytes) -> None:
        self._got += data
        head = self._got.find(HEAD_END)
        if head < 0:
            return
        at = self._got.lower().find(LENGTH, 0, head)
        length = int(self._got[at + len(LENGTH) : self._got.find(b"\r", at)])
        if len(self._got) < head + len(HEAD_END) + length:
            return
        status = int(self._got[9:12])
        del self._got[: head + len(HEAD_END) + length]
        if self._answered is not None and not self._answered.done():
            self._answered.set_result(status)

    def connection_lost(self, exc: Exception | None) -> None:
        if self._answered is not None and not self._answered.done():
            self._answered.set_exception(exc or ConnectionError("closed"))

    def close(self) -> None:
        self._transport.close()


async def _lines(host: str, port: int, count: int) -> list[Line]:
    loop = asyncio.get_running_loop()
    return [(await loop.create_connection(Line, host, port))[1] for _ in range(count)]


async def _flat_out(host: str, port: int, requests: Sequence[bytes], connections: int) -> Answers:
    answers, lines, rest = Answers(), await _lines(host, port, connections), iter(requests)

    async def work(line: Line) -> None:
        for request in rest:
            began = time.perf_counter()
            answers.statuses[await line.ask(request)] += 1
            answers.waits.append(time.perf_counter() - began)

    began = time.perf_counter()
    await asyncio.gather(*(work(line) for line in lines))
    answers.seconds = time.perf_counter() - began
    for line in lines:
        line.close()
    return answers


async def _at_rate(host: str, port: int, requests: Sequence[bytes], per_s: float, connections: int) -> Answers:
    answers, began = Answers(), time.perf_counter()
    free: asyncio.Queue[Line] = asyncio.Queue()
    for line in await _lines(host, port, connections):
        free.put_nowait(line)

    async def one(request: bytes, due: float) -> None:
        line = await free.get()
        answers.statuses[await line.ask(request)] += 1
        answers.waits.append(time.perf_counter() - due)  # from when it was due: a stalled server cannot hide its queue
        free.put_nowait(line)

    began = time.perf_counter()
    asked = []
    for n, request in enumerate(requests):
        due = began + n / per_s
        await asyncio.sleep(max(0.0, due - time.perf_counter()))
        asked.append(asyncio.ensure_future(one(request, due)))
    await asyncio.gather(*asked)
    answers.seconds = time.perf_counter() - began
    while not free.empty():
        free.get_nowait().close()
    return answers


def flat_out(host: str, port: int, requests: Sequence[bytes], connections: int) -> Answers:
    """As fast as they are answered, `connections` at a time."""
    return asyncio.run(_flat_out(host, port, requests, connections))


def at_rate(host: str, port: int, requests: Sequence[bytes], per_s: float, connections: int) -> Answers:
    """One every 1/`per_s` seconds, whether or not the ones before are answered."""
    return asyncio.run(_at_rate(host, port, requests, per_s, connections))
