"""The order desk and the packing room: orders are booked or refused, cancelled in time or not, picked, packed and sent."""

import json
from collections import Counter
from collections.abc import Mapping
from datetime import datetime, timedelta
from functools import partial
from random import Random
from typing import Any, Final

from entrepot.sandbox.back_office import fields, views
from entrepot.sandbox.back_office.model import (
    CANCELLED,
    TOO_LATE,
    Asked,
    GivenUp,
    Line,
    Order,
    OrderState,
    Parcel,
    Refund,
    Refusal,
)
from entrepot.sandbox.back_office.platform import Platform
from entrepot.sandbox.back_office.stockroom import Stockroom

OUT_OF_STOCK: Final = "out-of-stock"


class OrderDesk:
    def __init__(self, platform: Platform, stockroom: Stockroom) -> None:
        self._platform = platform
        self._stockroom = stockroom
        self.orders: dict[str, Order] = {}
        self.parcels: dict[str, Parcel] = {}
        self.given_up: list[GivenUp] = []
        self.refunds: dict[str, Refund] = {}
        self.refusals: list[dict[str, Any]] = []
        self._busy_until: dict[str, datetime] = {}

    def found(self, number: str) -> Order:
        """Errors: Refusal 404."""
        if number not in self.orders:
            raise Refusal(404, "not-found", f"no order {number}", "number")
        return self.orders[number]

    # -- orders come in -------------------------------------------------------------------------------------------

    def book(self, number: str, content: dict[str, Any]) -> tuple[Order, bool]:
        """The order, and whether it is new. Errors: Refusal."""
        given = _order_of(number, content)
        known = self.orders.get(number)
        if known is not None:
            if known.fingerprint != _fingerprint(given):
                raise Refusal(409, "other-content", f"{number} is booked with another content")
            return known, False
        rng = self._platform.stream(f"order/{number}")
        try:
            self._may_book(number, given, rng)
        except Refusal as no:
            self.refusals.append({"number": number, "code": no.code, "field": no.where})
            raise
        order = self._new(given, rng)
        self.orders[number] = order
        for line in order.lines.values():
            self._stockroom.promised[line.sku] += line.quantity
        self._platform.applied["import-order"][number] += 1
        self._platform.after(self._platform.settings.pick_after_s, rng, partial(self.pick, order))
        self._platform.hear("order", number)
        return order, True

    def _may_book(self, number: str, given: dict[str, Any], rng: Random) -> None:
        settings, now = self._platform.settings, self._platform.now()
        for n, line in enumerate(given["lines"]):
            if not self._stockroom.bookable(line["sku"]):
                raise Refusal(422, "unknown-sku", f"no article {line['sku']}", f"lines[{n}].sku")
        busy = rng.random() < settings.refuse_chance
        if busy and now < self._busy_until.setdefault(number, now + timedelta(seconds=settings.no_capacity_s)):
            raise Refusal(422, "no-capacity", "nobody can take more orders now")
        if not settings.backorders:
            self._may_promise(given)

    def _may_promise(self, given: dict[str, Any]) -> None:
        wanted: dict[str, int] = {}
        for n, line in enumerate(given["lines"]):
            sku = line["sku"]
            wanted[sku] = wanted.get(sku, 0) + line["quantity"]
            if wanted[sku] > self._stockroom.free(sku) - self._stockroom.promised[sku]:
                raise Refusal(422, OUT_OF_STOCK, f"too little of {sku} is left", f"lines[{n}].sku")

    def _new(self, given: dict[str, Any], rng: Random) -> Order:
        return Order(
            number=given["number"],
            document_number=self._platform.number("SO"),
            account=given["account"],
            order_id=given["order_id"],
            currency=given["currency"],
            market=given["market"],
            placed_at=given["placed_at"],
            ship_by=given["ship_by"],
            fingerprint=_fingerprint(given),
            at=self._platform.now(),
            lines={row["line_id"]: Line(**row) for row in given["lines"]},
            rng=rng,
        )

    # -- and may be cancelled ---------------------------------------------------------------------------------------

    def cancel(self, number: str, content: dict[str, Any]) -> str:
        """Whether these pieces will stay here. The same cancellation again hears the same. Errors: Refusal."""
        order = self.found(number)
        cancellation, reason = fields.text(content, "cancellation"), fields.text(content, "reason")
        lines = fields.quantities(content)
        same = (tuple(sorted(lines.items())), reason)
        known = order.asked.get(cancellation)
        if known is not None:
            if known.content != same:
                raise Refusal(409, "other-content", f"{cancellation} was asked for with another content")
            return known.state
        for n, (line_id, quantity) in enumerate(lines.items()):
            line = _line(order, line_id, f"lines[{n}].line_id")
            if quantity > line.quantity:
                raise fields.wrong(f"lines[{n}].quantity", f"at most {line.quantity}")
        state = self._cancelled(order, lines)
        order.asked[cancellation] = Asked(cancellation, same, state, self._platform.now())
        self._platform.applied["cancel-order"][cancellation] += 1
        self._platform.hear("order", number)
        return state

    def _cancelled(self, order: Order, lines: Mapping[str, int]) -> str:
        """All of it or nothing; pieces given up before count as cancelled."""
        asked = [(order.lines[line_id], quantity) for line_id, quantity in lines.items()]
        if any(quantity > line.open + line.cancelled for line, quantity in asked):
            return TOO_LATE
        for line, quantity in asked:
            self._drop(line, min(quantity, line.open))
        return CANCELLED

    def _drop(self, line: Line, quantity: int) -> None:
        line.cancelled += quantity
        self._stockroom.promised[line.sku] -= quantity

    def give_up(self, order: Order, lines: Mapping[str, int], reason: str) -> GivenUp:
        """The back office will not deliver these open pieces, and says so."""
        for line_id, quantity in lines.items():
            self._drop(order.lines[line_id], quantity)
        gone = GivenUp(self._platform.number("CX"), order.number, reason, self._platform.now(), dict(lines))
        self.given_up.append(gone)
        self._platform.tell("cancellation", gone.cancellation, gone.at, views.given_up(gone))
        return gone

    # -- picked and sent --------------------------------------------------------------------------------------------

    def pick(self, order: Order) -> None:
        """What is open goes into boxes, as far as it is found; the rest is given up."""
        missing, taken = dict[str, int](), Counter[str]()
        for line in order.lines.values():
            some = self._missing(order, line, self._stockroom.free(line.sku) - taken[line.sku])
            taken[line.sku] += line.open - some
            if some:
                missing[line.line_id] = some
        if missing:
            self.give_up(order, missing, OUT_OF_STOCK)
        boxed = {}
        for line in order.lines.values():
            if line.open:
                boxed[line.line_id] = line.open
                self._box(line)
        if boxed:
            self._platform.hear("order", order.number)
            self._send_later(order, boxed)

    def _missing(self, order: Order, line: Line, free: int) -> int:
        """Pieces of a line that nobody finds among the free ones; those that should lie there are written off."""
        lost, free = 0, max(free, 0)
        if line.open and order.rng.random() < self._platform.settings.give_up_chance:
            lost = order.rng.randint(1, line.open)
            gone = min(lost, free)
            self._stockroom.take(line.sku, gone, "written-off")
            free -= gone
        return min(line.open, max(lost, line.open - free))

    def _box(self, line: Line) -> None:
        self._stockroom.packed[line.sku] += line.open
        self._stockroom.promised[line.sku] -= line.open
        line.picking += line.open

    def _send_later(self, order: Order, boxed: dict[str, int]) -> None:
        settings, rng = self._platform.settings, order.rng
        first, second = boxed, dict[str, int]()
        if sum(boxed.values()) > 1 and rng.random() < settings.two_parcels_chance:
            first, second = _split(boxed, rng)
        self._platform.after(settings.pick_takes_s, rng, partial(self._send_both, order, first, second))

    def _send_both(self, order: Order, first: dict[str, int], second: dict[str, int]) -> None:
        self.send(order, first)
        if second:
            span = self._platform.settings.second_parcel_after_s
            self._platform.after(span, order.rng, partial(self._send_rest, order, second))

    def _send_rest(self, order: Order, lines: dict[str, int]) -> None:
        self.send(order, lines)

    def send(self, order: Order, lines: Mapping[str, int]) -> Parcel:
        """A box leaves; nothing that was not in it."""
        for line_id, quantity in lines.items():
            line = order.lines[line_id]
            line.picking -= quantity
            line.shipped += quantity
            self._stockroom.packed[line.sku] -= quantity
            self._stockroom.take(line.sku, quantity, "shipped")
        now, settings = self._platform.now(), self._platform.settings
        carrier, tracking = order.rng.choice(settings.carriers), f"{order.rng.randrange(10**11, 10**12)}"
        parcel = Parcel(
            self._platform.number("PK"), order.number, carrier, tracking, settings.service, now, now, dict(lines)
        )
        self.parcels[parcel.parcel] = parcel
        self.told(parcel)
        return parcel

    def told(self, parcel: Parcel) -> None:
        self._platform.tell("parcel", parcel.parcel, parcel.updated_at, views.parcel(parcel))

    # -- refunds ----------------------------------------------------------------------------------------------------

    def book_refund(self, refund: str, content: dict[str, Any]) -> tuple[Refund, bool]:
        """The booked refund, and whether it is new. Errors: Refusal."""
        given = Refund(
            refund=fields.same_as_path(content, "refund", refund),
            number=fields.text(content, "number"),
            line_id=fields.text(content, "line_id"),
            amount_minor=fields.whole(content, "amount_minor", least=1),
            currency=fields.currency(content),
            by=fields.text(content, "by"),
            at=fields.moment(content, "at"),
        )
        known = self.refunds.get(refund)
        if known is not None:
            if views.refund(known) != {**views.refund(given), "document_number": known.document_number}:
                raise Refusal(409, "other-content", f"{refund} is booked with another content")
            return known, False
        order = self.found(given.number)
        _line(order, given.line_id, "line_id")
        if given.currency != order.currency:
            raise Refusal(422, "other-currency", f"{order.number} is in {order.currency}", "currency")
        booked = Refund(**{**_as_given(given), "document_number": self._platform.number("CN")})
        self.refunds[refund] = booked
        self._platform.applied["book-refund"][refund] += 1
        self._platform.hear("refund", refund)
        return booked, True

    def waiting(self) -> int:
        """Orders of which something has not left yet."""
        over = (OrderState.SHIPPED, OrderState.CANCELLED)
        return sum(order.state not in over for order in self.orders.values())


def _as_given(refund: Refund) -> dict[str, Any]:
    return {name: getattr(refund, name) for name in Refund.__slots__}


def _line(order: Order, line_id: str, where: str) -> Line:
    if line_id not in order.lines:
        raise Refusal(422, "unknown-line", f"{order.number} has no line {line_id}", where)
    return order.lines[line_id]


def _split(boxed: Mapping[str, int], rng: Random) -> tuple[dict[str, int], dict[str, int]]:
    """Two boxes, neither of them empty."""
    pieces = [line_id for line_id, quantity in boxed.items() for _ in range(quantity)]
    rng.shuffle(pieces)
    cut = rng.randint(1, len(pieces) - 1)
    first, second = pieces[:cut], pieces[cut:]
    return _counted(first), _counted(second)


def _counted(pieces: list[str]) -> dict[str, int]:
    return {line_id: pieces.count(line_id) for line_id in sorted(set(pieces))}


def _fingerprint(given: dict[str, Any]) -> str:
    return json.dumps(given, sort_keys=True)


def _order_of(number: str, content: dict[str, Any]) -> dict[str, Any]:
    """The order as it was sent, every field looked at. Errors: Refusal 400."""
    lines, seen = [], set()
    for n, row in enumerate(fields.objects(content, "lines")):
        at = f"lines[{n}]."
        line_id = fields.text(row, "line_id", at)
        if line_id in seen:
            raise fields.wrong(f"{at}line_id", "named once")
        seen.add(line_id)
        amounts = {name: fields.whole(row, name, at) for name in ("price_minor", "shipping_minor", "tax_minor")}
        sku, quantity = fields.text(row, "sku", at), fields.whole(row, "quantity", at, least=1)
        lines.append({"line_id": line_id, "sku": sku, "quantity": quantity, **amounts})
    return {
        "number": fields.same_as_path(content, "number", number),
        "account": fields.text(content, "account"),
        "order_id": fields.text(content, "order_id"),
        "currency": fields.currency(content),
        "placed_at": fields.moment(content, "placed_at"),
        "ship_by": fields.moment_or_none(content, "ship_by"),
        "market": fields.text(content, "market", least=0),
        "lines": lines,
    }
