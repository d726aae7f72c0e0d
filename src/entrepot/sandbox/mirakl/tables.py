"""The marketplace's tables: its records by id, with the indexes that its lists need."""

from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from entrepot.sandbox.mirakl.conversation import Thread
from entrepot.sandbox.mirakl.lane_file import LaneImport
from entrepot.sandbox.mirakl.state import (
    Cycle,
    Document,
    Import,
    LogLine,
    Offer,
    Order,
    Refund,
    Return,
    Shipment,
    Shop,
)


class TouchIndex:
    """Ids by the instant they last changed: appended in time order, stale entries skipped, compacted when too many."""

    def __init__(self) -> None:
        self._at: list[datetime] = []
        self._ids: list[str] = []
        self._latest: dict[str, int] = {}

    def touch(self, key: str, at: datetime) -> None:
        """Say that something changed now; instants never go back."""
        if self._at and at < self._at[-1]:
            at = self._at[-1]
        self._latest[key] = len(self._ids)
        self._at.append(at)
        self._ids.append(key)
        if len(self._ids) > 1000 and len(self._ids) > 3 * len(self._latest):
            self._compact()

    def since(self, start: datetime) -> Iterator[str]:
        """Every id whose last change is at or after `start`, in order of change."""
        for position in range(bisect_left(self._at, start), len(self._ids)):
            key = self._ids[position]
            if self._latest[key] == position:
                yield key

    def _compact(self) -> None:
        kept = [p for p, key in enumerate(self._ids) if self._latest[key] == p]
        self._at = [self._at[p] for p in kept]
        self._ids = [self._ids[p] for p in kept]
        self._latest = {key: position for position, key in enumerate(self._ids)}


@dataclass
class Written:
    """How often one write was asked for and how often it did something."""

    calls: int = 0
    applied: int = 0


class Tables:
    """Everything the marketplace remembers, with the indexes its lists need."""

    def __init__(self) -> None:
        self.shops: dict[int, Shop] = {}
        self.offers: dict[int, Offer] = {}
        self.offer_by_sku: dict[tuple[int, str], int] = {}
        self.orders: dict[str, Order] = {}
        self.orders_by_commercial: dict[str, list[str]] = {}
        self.orders_by_state: dict[str, dict[str, None]] = {}
        self.orders_touched = TouchIndex()
        self.line_order: dict[str, str] = {}
        self.debits: dict[str, None] = {}
        self.refunds: dict[str, Refund] = {}
        self.refunds_waiting: dict[str, None] = {}
        self.shipments: dict[str, Shipment] = {}
        self.shipments_of: dict[str, list[str]] = {}
        self.returns: dict[str, Return] = {}
        self.returns_of_line: dict[str, list[str]] = {}
        self.log: dict[str, LogLine] = {}
        self.log_touched = TouchIndex()
        self.log_of_order: dict[str, list[str]] = {}
        self.log_of_cycle: dict[str, list[str]] = {}
        self.log_of_voucher: dict[tuple[int, str], list[str]] = {}
        self.log_unpaid: dict[tuple[int, str], dict[str, None]] = {}
        self.balances: dict[tuple[int, str], int] = {}
        self.cycles: dict[str, Cycle] = {}
        self.documents: dict[int, Document] = {}
        self.imports: dict[int, Import] = {}
        self.lane_imports: dict[str, LaneImport] = {}
        self.threads: dict[str, Thread] = {}
        self.written: dict[tuple[str, str], Written] = {}
        self.counters: dict[str, int] = {}

    def parcels_of(self, order_id: str) -> list[Shipment]:
        """The parcels of one order, oldest first."""
        return [self.shipments[one] for one in self.shipments_of.get(order_id, ())]

    def planned_units(self, order_id: str) -> dict[str, int]:
        """Units by line in parcels that are announced but have not left."""
        planned: dict[str, int] = {}
        for shipment in self.parcels_of(order_id):
            if shipment.status == "SHIPPING":
                for line_id, quantity in shipment.lines.items():
                    planned[line_id] = planned.get(line_id, 0) + quantity
        return planned

    def count(self, name: str, start: int = 1) -> int:
        """The next number of a named counter."""
        value = self.counters.get(name, start - 1) + 1
        self.counters[name] = value
        return value
