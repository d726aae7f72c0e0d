"""The two ways Mirakl pages: by offset with a Link header, and by token."""

import base64
import binascii
from bisect import bisect_right
from collections.abc import Callable, Sequence
from typing import Any, Final, TypeVar
from urllib.parse import urlencode

from entrepot.sandbox.core import Request, Response
from entrepot.sandbox.mirakl.errors import MiraklError
from entrepot.sandbox.mirakl.wire import answer, flag_parameter, number_parameter

OFFSET_DEFAULT: Final = 10
OFFSET_MAX: Final = 100
SEEK_DEFAULT: Final = 10

T = TypeVar("T")


def by_offset(
    request: Request, found: Sequence[T], name: str, render: Callable[[T], Any], wrap: str | None = None
) -> Response:
    """One page of a list with `total_count`, and a Link header to its neighbours.

    Shape: `wrap` nests the list one deeper, as the payment calls do: {"orders": {"order": [...]}}.
    """
    size = number_parameter(request, "max", OFFSET_DEFAULT, 1, OFFSET_MAX)
    start = number_parameter(request, "offset", 0, 0, 10**9)
    if flag_parameter(request, "paginate") is False:
        page, links = found[:OFFSET_MAX], []
    else:
        page = found[start : start + size]
        links = _links(request, len(found), size, start)
    rendered = [render(item) for item in page]
    headers = {"link": ", ".join(links)} if links else {}
    return answer(200, {name: {wrap: rendered} if wrap else rendered, "total_count": len(found)}, headers)


def _links(request: Request, total: int, size: int, start: int) -> list[str]:
    links = []
    if start > 0:
        links.append(_link(request, size, max(0, start - size), "previous"))
    if start + size < total:
        links.append(_link(request, size, start + size, "next"))
    return links


def _link(request: Request, size: int, start: int, relation: str) -> str:
    kept = [(key, value) for key, value in request.query if key not in ("max", "offset")]
    query = urlencode([*kept, ("max", str(size)), ("offset", str(start))])
    return f'<http://{request.headers.get("host", "localhost")}{request.path}?{query}>; rel="{relation}"'


def by_token(
    request: Request, found: Sequence[T], position: Callable[[T], int], render: Callable[[T], Any], limit_max: int
) -> Response:
    """One page of a list in ascending position with `next_page_token` and `previous_page_token`.

    Seeking by position: what is added or removed elsewhere never moves an element from one page to another.
    """
    size = number_parameter(request, "limit", SEEK_DEFAULT, 1, limit_max)
    token = request.first("page_token")
    start = bisect_right(found, _position(token, request.path), key=position) if token else 0
    page = found[start : start + size]
    following = _token(request.path, position(page[-1])) if page and start + size < len(found) else None
    previous = None
    if start > 0:
        before = start - size - 1
        previous = _token(request.path, position(found[before]) if before >= 0 else -1)
    body = {"data": [render(item) for item in page], "next_page_token": following, "previous_page_token": previous}
    return answer(200, body)


def _token(path: str, position: int) -> str:
    return base64.urlsafe_b64encode(f"{path}|{position}".encode()).decode()


def _position(token: str, path: str) -> int:
    try:
        origin, _, position = base64.urlsafe_b64decode(token.encode()).decode().rpartition("|")
        if origin == path:
            return int(position)
    except (binascii.Error, UnicodeError, ValueError):
        pass
    raise MiraklError(400, "Parameter 'page_token' is not valid here")
