"""How the doors of machines answer: JSON, and problems after RFC 9457."""

from collections.abc import Mapping
from typing import Any

import msgspec
from fastapi.responses import Response


def problem(status: int, type_: str, detail: str) -> Response:
    """RFC 9457. `type` is stable; `detail` says what, where and what to do."""
    body = {"type": f"/problems/{type_}", "title": type_.replace("-", " "), "status": status, "detail": detail}
    return Response(msgspec.json.encode(body), status, media_type="application/problem+json")


def answer(status: int, body: Mapping[str, Any]) -> Response:
    return Response(msgspec.json.encode(body), status, media_type="application/json")
