"""Offset paging with hrefs to the neighbours."""

from collections.abc import Callable, Sequence
from typing import Any, TypeVar
from urllib.parse import urlencode

from entrepot.sandbox.core import Request
from entrepot.sandbox.ebay.errors import EbayError

T = TypeVar("T")


def number(request: Request, name: str, default: int, least: int, most: int, otherwise: EbayError) -> int:
    """A whole number in the query. Errors: `otherwise` when it is none, or out of its bounds."""
    text = request.first(name)
    if text is None or text == "":
        return default
    if not text.isascii() or not text.isdigit() or not least <= int(text) <= most:
        raise otherwise
    return int(text)


def page(
    request: Request,
    base_url: str,
    found: Sequence[T],
    name: str,
    render: Callable[[T], Any],
    limit: int,
    offset: int,
) -> dict[str, Any]:
    """One page: its elements, total, limit, offset, and the addresses of this page, the next and the one before."""

    def href(start: int) -> str:
        kept = [(key, value) for key, value in request.query if key not in ("limit", "offset")]
        query = urlencode([*kept, ("limit", str(limit)), ("offset", str(start))])
        return f"{base_url}{request.path}?{query}"

    return {
        "href": href(offset),
        "total": len(found),
        "limit": limit,
        "offset": offset,
        "next": href(offset + limit) if offset + limit < len(found) else None,
        "prev": href(max(0, offset - limit)) if offset else None,
        name: [render(one) for one in found[offset : offset + limit]],
    }
