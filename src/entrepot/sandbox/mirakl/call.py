"""One API call as a handler sees it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from entrepot.sandbox.core import Request, Response
from entrepot.sandbox.mirakl.access import Caller
from entrepot.sandbox.mirakl.errors import order_not_found
from entrepot.sandbox.mirakl.platform import Platform
from entrepot.sandbox.mirakl.state import Order


@dataclass(frozen=True)
class Call:
    """A request, who made it, and the ids in its path."""

    request: Request
    caller: Caller
    ids: Mapping[str, str]

    def order(self, platform: Platform, order_id: str | None = None) -> Order:
        """The order in the path (or another), if the caller may see it. Errors: ORDER_NOT_FOUND."""
        wanted = self.ids["order_id"] if order_id is None else order_id
        order = platform.order(wanted)
        if not self.caller.sees(order.shop_id):
            raise order_not_found(wanted)
        asked = self.caller.asked_shop(self.request)
        if asked is not None and asked != order.shop_id:
            raise order_not_found(wanted)
        return order


Handler = Callable[[Call], Response]
