"""How eBay says no: an error id, its domain and category, and the words.

Source: `x-response-codes` of the published Fulfillment and Inventory specifications. Ids of the Post-Order and
Notification interfaces are not published beside them; those marked [guess] are ours.
"""

from collections.abc import Mapping
from typing import Any, Final

from entrepot.sandbox.core import Response
from entrepot.sandbox.ebay.wire import answer

FULFILLMENT: Final = "API_FULFILLMENT"
INVENTORY: Final = "API_INVENTORY"
FINANCES: Final = "API_FINANCES"
NOTIFICATION: Final = "API_NOTIFICATION"
POST_ORDER: Final = "POST_ORDER"
COMPLIANCE: Final = "API_COMPLIANCE"
ANALYTICS: Final = "API_ANALYTICS"


class EbayError(Exception):
    """A refusal. Shape on the wire: {"errors": [{errorId, domain, category, message, longMessage, parameters, …}]}."""

    def __init__(
        self,
        status: int,
        error_id: int,
        message: str,
        *,
        domain: str,
        category: str = "REQUEST",
        parameters: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.error_id = error_id
        self.message = message
        self.domain = domain
        self.category = category
        self.parameters = dict(parameters or {})

    def entry(self) -> dict[str, Any]:
        """One element of an "errors" list, every documented key present."""
        return {
            "errorId": self.error_id,
            "domain": self.domain,
            "subdomain": None,
            "category": self.category,
            "message": self.message,
            "longMessage": self.message,
            "inputRefIds": [],
            "outputRefIds": [],
            "parameters": [{"name": name, "value": value} for name, value in self.parameters.items()],
        }

    def response(self) -> Response:
        """The refusal on the wire."""
        return answer(self.status, {"errors": [self.entry()]})


def fulfillment(error_id: int, message: str, status: int = 400, category: str = "REQUEST") -> EbayError:
    """A refusal of the Fulfillment interface."""
    return EbayError(status, error_id, message, domain=FULFILLMENT, category=category)


def inventory(error_id: int, message: str, status: int = 400, **parameters: str) -> EbayError:
    """A refusal of the Inventory interface."""
    return EbayError(status, error_id, message, domain=INVENTORY, parameters=parameters)


def invalid_order(order_id: str) -> EbayError:
    """An order id nobody knows, where the specification answers 400."""
    return EbayError(400, 32100, f"Invalid order ID: {order_id}", domain=FULFILLMENT, parameters={"orderId": order_id})


def post_order(status: int, message: str, error_id: int = 1616) -> EbayError:
    """A refusal of the Post-Order interface; the ids are [guess]."""
    return EbayError(status, error_id, message, domain=POST_ORDER)


def invalid_token() -> EbayError:
    """A token nobody issued, or one whose time is over."""
    message = "Invalid access token. Check the value of the Authorization HTTP request header."
    return EbayError(401, 1001, message, domain="OAuth")


def missing_token() -> EbayError:
    """No token at all."""
    message = "Missing access token. Check the Authorization HTTP request header."
    return EbayError(401, 1002, message, domain="OAuth")


def access_denied() -> EbayError:
    """A token of the wrong kind or without the scope."""
    return EbayError(403, 1100, "Insufficient permissions to fulfill the request.", domain="ACCESS")


def unsigned(header: str) -> EbayError:
    """A header of the message signature is not there. 215001 is theirs; the ids of the other headers are [guess]."""
    error_id = {"x-ebay-signature-key": 215001, "signature-input": 215002, "signature": 215003}[header]
    return EbayError(403, error_id, f"Missing {header} header to fulfill the request.", domain="ACCESS")


def signed_when() -> EbayError:
    """The signature says that it was made at a time that cannot be."""
    return EbayError(403, 215113, "Invalid timestamp in signature parameters.", domain="ACCESS")


def signature_refused(error_id: int = 215120) -> EbayError:
    """215120: it does not fit the call; 215122: the key cannot be read. Both are theirs, which is when is a [guess]."""
    return EbayError(403, error_id, "Signature validation failed to fulfill the request.", domain="ACCESS")


def too_many_requests() -> EbayError:
    """The application's quota of the day is used up."""
    return EbayError(429, 2001, "The request limit has been reached for the resource.", domain="ACCESS")


def not_found() -> EbayError:
    """No such resource."""
    return EbayError(404, 2002, "Resource not found", domain="ACCESS")
