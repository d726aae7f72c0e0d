"""The merchant's notifications."""

from collections.abc import Callable
from typing import Any, Final

from entrepot.sandbox.channelengine.model import Notification
from entrepot.sandbox.channelengine.platform import Platform
from entrepot.sandbox.channelengine.wire import Query, Reply, paged, stamp
from entrepot.sandbox.core import Request

REFERENCES: Final = {
    "merchantOrderNos": "merchant_order_no",
    "channelOrderNos": "channel_order_no",
    "merchantReturnNos": "merchant_return_no",
    "channelReturnNos": "channel_return_no",
    "merchantShipmentNos": "merchant_shipment_no",
}


class Inbox:
    """GET /v2/notifications."""

    def __init__(self, platform: Platform) -> None:
        self._platform = platform

    def index(self, request: Request) -> Reply:
        """Notifications by date, type and what they speak of; newest last [guess]."""
        query = Query(request)
        inside, kinds = query.span("fromDate", "toDate"), query.many("types")
        tests: list[Callable[[Notification], bool]] = [lambda one: inside(one.created_at)]
        if kinds is not None:
            tests.append(lambda one: one.type in kinds)
        for parameter, name in REFERENCES.items():
            wanted = query.many(parameter)
            if wanted is not None:
                tests.append(lambda one, name=name, wanted=wanted: one.references.get(name) in wanted)  # type: ignore[misc]
        found = [one for one in self._platform.notifications if all(test(one) for test in tests)]
        return paged(query, found, _view)


def _view(one: Notification) -> dict[str, Any]:
    return {
        "Id": one.notification_id,
        "Read": False,
        "CreatedAt": stamp(one.created_at),
        "Message": one.message,
        "Subject": one.subject,
        "Count": 1,
    }
