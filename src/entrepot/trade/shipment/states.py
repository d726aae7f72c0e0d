"""Lifecycle of a shipment."""

from collections.abc import Mapping
from enum import StrEnum


class ShipmentState(StrEnum):
    PLANNED = "planned"
    HANDED_OVER = "handed-over"
    IN_TRANSIT = "in-transit"
    DELIVERED = "delivered"
    LOST = "lost"
    RETURNED = "returned"


_S = ShipmentState
SHIPMENT_MOVES: Mapping[ShipmentState, frozenset[ShipmentState]] = {
    _S.PLANNED: frozenset({_S.HANDED_OVER, _S.IN_TRANSIT, _S.DELIVERED, _S.LOST}),
    _S.HANDED_OVER: frozenset({_S.IN_TRANSIT, _S.DELIVERED, _S.LOST, _S.RETURNED}),
    _S.IN_TRANSIT: frozenset({_S.DELIVERED, _S.LOST, _S.RETURNED}),
    _S.LOST: frozenset({_S.DELIVERED}),
    _S.DELIVERED: frozenset({_S.RETURNED}),
    _S.RETURNED: frozenset(),
}
