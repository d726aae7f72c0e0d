"""A form with a file in it, streamed: fields first, then the file, block by block to wherever it goes. Never whole in memory."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from fastapi import HTTPException, Request
from fastapi.concurrency import run_in_threadpool

from entrepot.bulk.arrival.service import Receiving
from entrepot.bulk.refusals import Unreadable
from entrepot.web.desk import FORM_MAX_BYTES, Form, desk_of
from entrepot.web.guard import CSRF_COOKIE

Begin = Callable[[Form, str], Receiving]  # given the fields and the file's name, once the form may be trusted
UNREAD = "This form could not be read."


@dataclass
class _Part:
    header: bytearray = field(default_factory=bytearray)
    headers: dict[str, bytes] = field(default_factory=dict)
    name: str = ""
    file: str | None = None
    value: bytearray = field(default_factory=bytearray)


class _Parts:
    """What the parser calls back with, as a list of steps in their order."""

    def __init__(self, content_type: str) -> None:
        from python_multipart.multipart import MultipartParser, parse_options_header

        kind, options = parse_options_header(content_type)
        if kind != b"multipart/form-data" or not options.get(b"boundary"):
            raise HTTPException(400, UNREAD)
        self._part, self._value, self._options = _Part(), bytearray(), parse_options_header
        self._steps: list[tuple[str, _Part, bytes]] = []
        calls: Any = {
            "on_part_begin": self._begin,
            "on_header_field": lambda data, start, end: self._part.header.extend(data[start:end]),
            "on_header_value": lambda data, start, end: self._value.extend(data[start:end]),
            "on_header_end": self._header,
            "on_headers_finished": self._named,
            "on_part_data": lambda data, start, end: self._steps.append(("data", self._part, bytes(data[start:end]))),
            "on_part_end": lambda: self._steps.append(("end", self._part, b"")),
        }
        self._parser = MultipartParser(options[b"boundary"], calls)

    def steps(self, chunk: bytes) -> Iterator[tuple[str, _Part, bytes]]:
        """Errors: HTTPException 400."""
        from python_multipart.exceptions import FormParserError

        try:
            self._parser.write(chunk)
        except FormParserError as error:
            raise HTTPException(400, UNREAD) from error
        found, self._steps = self._steps, []
        yield from found

    def _begin(self) -> None:
        self._part, self._value = _Part(), bytearray()

    def _header(self) -> None:
        self._part.headers[self._part.header.decode("latin-1").lower()] = bytes(self._value)
        self._part.header, self._value = bytearray(), bytearray()

    def _named(self) -> None:
        _, options = self._options(self._part.headers.get("content-disposition", b""))
        self._part.name = options.get(b"name", b"").decode("utf-8", "replace")
        named = options.get(b"filename")
        self._part.file = named.decode("utf-8", "replace") if named is not None else None
        self._steps.append(("begin", self._part, b""))


@dataclass
class Upload:
    """What came: the fields, and the file on its way into its place. `receiving` None: no file was chosen."""

    form: Form
    receiving: Receiving | None


async def read_upload(request: Request, begin: Begin) -> Upload:
    """Read a form whose token stands before its file. Errors: HTTPException 400, 403, 413; whatever `begin` raises."""
    parts = _Parts(request.headers.get("content-type", ""))
    fields: dict[str, list[str]] = {}
    receiving: Receiving | None = None
    size = 0
    try:
        async for chunk in request.stream():
            for step, part, data in parts.steps(chunk):
                if part.file is None:
                    size += len(data)
                    _field(fields, step, part, data, size)
                elif step == "begin" and part.file and receiving is None:
                    receiving = await run_in_threadpool(begin, _trusted(request, fields), part.file)
                elif step == "data" and receiving is not None:
                    await run_in_threadpool(receiving.incoming.write, data)
        return Upload(_trusted(request, fields), receiving)
    except Unreadable as error:
        raise HTTPException(413, error.message) from error
    except BaseException:
        if receiving is not None:
            receiving.incoming.drop()
        raise


def _field(fields: dict[str, list[str]], step: str, part: _Part, data: bytes, size: int) -> None:
    if size > FORM_MAX_BYTES:
        raise HTTPException(413, "This form is larger than the console accepts.")
    part.value.extend(data)
    if step == "end":
        fields.setdefault(part.name, []).append(part.value.decode("utf-8", "replace"))


def _trusted(request: Request, fields: dict[str, list[str]]) -> Form:
    form = Form(fields)
    if not desk_of(request).token.holds(request.cookies.get(CSRF_COOKIE, ""), form.one("csrf")):
        raise HTTPException(
            403,
            "This form was opened before the console was last started, or elsewhere. Go back, reload, send it again.",
        )
    return form
