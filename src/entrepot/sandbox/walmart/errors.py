"""How Walmart says no.

Source: the published error-code page (code, HTTP status, category, severity, whether a field is named) and the error
objects of the interface description. A code is followed by the API that refused, as in INVALID_REQUEST_PARAM.GMP_ORDER_API.
"""

from collections.abc import Mapping
from typing import Any, Final

from entrepot.sandbox.core import Response, json_response

ORDER_API: Final = "GMP_ORDER_API"
ITEM_API: Final = "GMP_ITEM_API"
PRICE_API: Final = "GMP_PRICE_API"
INVENTORY_API: Final = "GMP_INVENTORY_API"
FEED_API: Final = "GMP_FEED_API"
RETURN_API: Final = "GMP_RETURN_API"
REPORT_API: Final = "GMP_REPORT_API"
WEBHOOK_API: Final = "GMP_NOTIFICATION_API"
GATEWAY_API: Final = "GMP_GATEWAY_API"

STATUS_AND_CATEGORY: Final[Mapping[str, tuple[int, str]]] = {
    "INVALID_REQUEST": (400, "DATA"),
    "INVALID_REQUEST_HEADER": (400, "DATA"),
    "INVALID_REQUEST_PARAM": (400, "DATA"),
    "INVALID_REQUEST_CONTENT": (400, "DATA"),
    "MISSING_REQUEST_HEADER": (400, "DATA"),
    "MISSING_REQUEST_PARAM": (400, "DATA"),
    "MALFORMED_REQUEST_CONTENT": (400, "DATA"),
    "UNAUTHORIZED": (401, "DATA"),
    "CONTENT_NOT_FOUND": (404, "APPLICATION"),
    "URI_NOT_FOUND": (404, "DATA"),
    "METHOD_NOT_ALLOWED": (405, "DATA"),
    "REQUEST_ENTITY_TOO_LARGE": (413, "DATA"),  # [guess] the word; 413 is documented without one
    "UNSUPPORTED_MEDIA_TYPE": (415, "DATA"),
    "REQUEST_THRESHOLD_VIOLATED": (429, "REQUEST"),
}


class WalmartError(Exception):
    """A refusal with a documented code."""

    def __init__(self, code: str, api: str, description: str, field: str | None = None) -> None:
        super().__init__(description)
        self.code = code
        self.api = api
        self.description = description
        self.field = field
        self.status, self.category = STATUS_AND_CATEGORY[code]

    def entry(self) -> dict[str, Any]:
        """One element of an "errors" list, every documented key present."""
        return {
            "code": f"{self.code}.{self.api}",
            "field": self.field,
            "description": self.description,
            "info": self.description,
            "severity": "INFO" if self.code == "CONTENT_NOT_FOUND" else "ERROR",
            "category": self.category,
            "causes": [],
            "errorIdentifiers": {},
            "component": None,
            "type": None,
            "serviceName": None,
            "gatewayErrorCategory": None,
        }

    def response(self, headers: Mapping[str, str] | None = None) -> Response:
        """The refusal on the wire; the gateway in front writes "error", the APIs behind it "errors"."""
        return json_response(self.status, {"error" if self.api == GATEWAY_API else "errors": [self.entry()]}, headers)


def invalid(api: str, description: str, field: str | None = None) -> WalmartError:
    """A body that says something impossible."""
    return WalmartError("INVALID_REQUEST_CONTENT", api, description, field)


def bad_parameter(api: str, name: str, why: str) -> WalmartError:
    """A query or path parameter that cannot be used."""
    return WalmartError("INVALID_REQUEST_PARAM", api, f"{name}: {why}", name)


def not_found(api: str, description: str, field: str | None = None) -> WalmartError:
    """No such thing, or not of this seller."""
    return WalmartError("CONTENT_NOT_FOUND", api, description, field)
