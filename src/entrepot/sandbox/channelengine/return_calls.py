"""Returns: declared by a channel or by the merchant, acknowledged, received; what is accepted is paid back by the channel."""

from collections.abc import Callable, Mapping, Sequence
from typing import Final

from entrepot.sandbox.channelengine.lifecycle import Lifecycle
from entrepot.sandbox.channelengine.model import (
    RETURN_REASONS,
    RETURN_STATUSES,
    Line,
    Order,
    Return,
    ReturnLine,
)
from entrepot.sandbox.channelengine.platform import ORDER_UPDATED, Platform
from entrepot.sandbox.channelengine.views import Views
from entrepot.sandbox.channelengine.wire import Query, Refusal, Reply, instant, paged, reader
from entrepot.sandbox.core import Request

CREATORS: Final = frozenset({"ONLY_FROM_MERCHANT", "ONLY_FROM_CHANNEL", "MIXED"})
Test = Callable[[Return], bool]


class ReturnCalls:
    """Returns and their handlers."""

    def __init__(self, platform: Platform, lifecycle: Lifecycle, views: Views) -> None:
        self._platform = platform
        self._lifecycle = lifecycle
        self._views = views

    # -- what happens ----------------------------------------------------------------------------------------------

    def declare(self, order: Order, lines: Mapping[int, int], reason: str, comment: str | None) -> Return:
        """The channel says that its buyer sends goods back. Errors: ValueError when so many were not sent."""
        for line_id, quantity in lines.items():
            if not 0 < quantity <= self._returnable(order.lines[line_id]):
                raise ValueError(f"line {line_id} has not so many units to return")
        one = self._open(order, lines, "channel", reason)
        one.channel_return_no, one.customer_comment = f"R{self._platform.digits(9)}", comment
        references = {"channel_order_no": order.channel_order_no, "channel_return_no": one.channel_return_no}
        self._platform.notify("CHANNEL_RETURN_NEW", "New return", f"New return {one.channel_return_no}", **references)

        def overdue() -> None:
            if one.status == "IN_PROGRESS":
                message = f"Return {one.channel_return_no} is overdue"
                self._platform.notify("CHANNEL_RETURN_OVERDUE", "Return overdue", message, **references)

        self._platform.world.at(self._platform.now() + self._platform.settings.return_within, overdue)
        return one

    def withdraw(self, one: Return) -> None:
        """The buyer keeps the goods after all. Errors: ValueError."""
        if one.status != "IN_PROGRESS":
            raise ValueError(f"return {one.return_id} is {one.status}")
        one.status = "CANCELLED"
        self._touch(one)

    def _open(self, order: Order, lines: Mapping[int, int], by: str, reason: str) -> Return:
        now = self._platform.now()
        one = Return(
            return_id=self._platform.count("return", 801),
            order_id=order.order_id,
            by=by,
            status="IN_PROGRESS",
            reason=reason if reason in RETURN_REASONS else "OTHER",
            lines={line_id: ReturnLine(line_id, quantity) for line_id, quantity in lines.items()},
            created_at=now,
            updated_at=now,
        )
        one.refund_minor = sum(order.lines[line_id].price_minor * quantity for line_id, quantity in lines.items())
        self._platform.returns[one.return_id] = one
        self._touch(one)
        return one

    def _returnable(self, line: Line) -> int:
        coming = 0
        for one in self._platform.returns.values():
            if one.status == "IN_PROGRESS" and line.line_id in one.lines:
                coming += one.lines[line.line_id].quantity
        return line.shipped - line.returned - coming

    def _touch(self, one: Return) -> None:
        one.updated_at = self._platform.now()
        self._platform.changed("RETURNS_CHANGE")
        self._platform.tell(ORDER_UPDATED, str(one.order_id))

    def _receive(self, one: Return, accepted: Mapping[int, int], most_minor: int | None = None) -> None:
        """The goods are here: the channel pays back what was accepted, at most `most_minor`, and not what it already paid back."""
        order = self._platform.orders[one.order_id]
        one.status = "RECEIVED"
        one.refund_minor = 0
        for line_id, back in one.lines.items():
            line = order.lines[line_id]
            back.accepted = accepted.get(line_id, 0)
            back.rejected = back.quantity - back.accepted
            line.returned += back.accepted
            amount = min(line.price_minor * back.accepted, line.paid_minor - line.refunded_minor)
            if most_minor is not None:
                amount = min(amount, most_minor - one.refund_minor)
            if amount > 0:
                one.refund_minor += amount
                self._lifecycle.refund(order, line, amount, "seller")
        self._lifecycle.came_back(order)
        self._touch(one)

    # -- reading ---------------------------------------------------------------------------------------------------

    def get_unhandled(self, request: Request) -> Reply:
        """GET /v2/returns/merchant/new: declared by channels and not acknowledged yet."""
        query = Query(request)
        channels = query.ids("channelIds")
        found = [
            one
            for one in self._platform.returns.values()
            if one.by == "channel" and one.acknowledged_at is None and one.status == "IN_PROGRESS"
            if channels is None or self._order(one).channel.channel_id in channels
        ]
        return paged(query, found, self._views.returned)

    def get_by_channel(self, request: Request) -> Reply:
        """GET /v2/returns/merchant: declared by channels."""
        return self._list(request, lambda one: one.by == "channel")

    def get_all(self, request: Request) -> Reply:
        """GET /v2/returns: by whom one likes."""
        creator = next(iter(Query(request).many("creatorType", CREATORS) or {"MIXED"}))
        wanted = {"ONLY_FROM_MERCHANT": "seller", "ONLY_FROM_CHANNEL": "channel"}.get(creator)
        return self._list(request, lambda one: wanted is None or one.by == wanted)

    def _list(self, request: Request, first: Test) -> Reply:
        query = Query(request)
        tests: list[Test] = [first]
        one_of: Sequence[tuple[str, Callable[[Return], str | None], frozenset[str] | None]] = (
            ("merchantOrderNos", lambda one: self._order(one).merchant_order_no, None),
            ("channelOrderNos", lambda one: self._order(one).channel_order_no, None),
            ("statuses", lambda one: one.status, RETURN_STATUSES),
            ("reasons", lambda one: one.reason, RETURN_REASONS),
        )
        for name, of, allowed in one_of:
            wanted = query.many(name, allowed)
            if wanted is not None:
                tests.append(lambda one, of=of, wanted=wanted: of(one) in wanted)  # type: ignore[misc]
        channels, acknowledged = query.ids("channelIds"), query.flag("isAcknowledged")
        created = query.span("fromDate", "toDate")
        found = [
            one
            for one in self._platform.returns.values()
            if created(one.created_at) and all(test(one) for test in tests)
            if channels is None or self._order(one).channel.channel_id in channels
            if acknowledged is None or (one.acknowledged_at is not None) == acknowledged
        ]
        return paged(query, found, self._views.returned)

    def get_of_order(self, request: Request, merchant_order_no: str) -> Reply:
        """GET /v2/returns/merchant/{merchantOrderNo}, with the decision on each line."""
        order = self._platform.order(merchant_order_no)
        found = [one for one in self._platform.returns.values() if one.order_id == order.order_id]
        return paged(Query(request), found, self._views.single_return)

    def _order(self, one: Return) -> Order:
        return self._platform.orders[one.order_id]

    # -- writing ---------------------------------------------------------------------------------------------------

    def acknowledge(self, request: Request) -> Reply:
        """POST /v2/returns/merchant/acknowledge: the merchant's own number; safe to repeat. Errors: 400 for another number [guess]."""
        body = reader(request)
        number, return_id = body.text("MerchantReturnNo", 50), body.whole("ReturnId")
        body.done()
        one = self._found(return_id)
        if one.merchant_return_no == number:
            return Reply(message="Return acknowledged")
        if one.merchant_return_no is not None or number in self._platform.return_nos:
            message = f"Return {return_id} cannot be acknowledged as '{number}'."
            raise Refusal(400, message, {"MerchantReturnNo": [message]})
        one.merchant_return_no, one.acknowledged_at = number, self._platform.now()
        self._platform.return_nos[number] = return_id
        self._platform.wrote("ReturnAcknowledge", number)
        self._touch(one)
        return Reply(message="Return acknowledged")

    def receive(self, request: Request) -> Reply:
        """PUT /v2/returns: what came back, and what of it is accepted. Errors: 404, 400 when it does not add up [guess]."""
        body = reader(request)
        return_id = body.whole("ReturnId")
        decided = [
            (row.text("MerchantProductNo", 64), row.whole("AcceptedQuantity"), row.whole("RejectedQuantity"))
            for row in body.rows("Lines")
        ]
        body.done()
        one = self._found(return_id)
        if one.status != "IN_PROGRESS":
            raise Refusal(400, f"Return {return_id} has status {one.status}.", {"ReturnId": ["Already handled."]})
        order = self._order(one)
        accepted: dict[int, int] = {}
        for sku, good, bad in decided:
            lines = [back for back in one.lines.values() if order.lines[back.line_id].sku == sku]
            if not lines:
                raise Refusal(404, f"Product '{sku}' is not part of return {return_id}.")
            if good + bad != sum(back.quantity for back in lines):
                message = f"Accepted and rejected of product '{sku}' must add up to the quantity returned."
                raise Refusal(400, message, {"Lines": [message]})
            for back in lines:
                accepted[back.line_id] = min(good, back.quantity)
                good -= accepted[back.line_id]
        missing = [line_id for line_id in one.lines if line_id not in accepted]
        if missing:
            raise Refusal(400, "Every line of the return must be decided.", {"Lines": ["A line is missing."]})
        self._receive(one, accepted)
        self._platform.wrote("ReturnUpdateForMerchant", str(return_id))
        return Reply(message="Return updated")

    def create(self, request: Request) -> Reply:
        """POST /v2/returns/merchant: the goods are already here, so it is RECEIVED at once [guess]. Errors: 409 number used before."""
        body = reader(request)
        order_no, number = body.text("MerchantOrderNo", 50), body.text("MerchantReturnNo", 50)
        rows = [(row.text("MerchantProductNo", 64), row.whole("Quantity")) for row in body.rows("Lines")]
        reason = body.word("Reason", RETURN_REASONS, "OTHER")
        customer = body.optional_text("CustomerComment", 4001)
        merchant = body.optional_text("MerchantComment", 4001)
        returned_on = body.optional_text("ReturnDate", 40)
        body.done()
        order = self._platform.order(order_no)
        if number in self._platform.return_nos:
            message = f"Return with MerchantReturnNo '{number}' already exists."
            raise Refusal(409, message, {"MerchantReturnNo": [message]})
        lines = self._spread(order, rows)
        refund = body.amount("RefundInclVat", order.currency, 0)
        body.done()
        one = self._open(order, lines, "seller", reason)
        one.merchant_return_no, one.acknowledged_at = number, self._platform.now()
        one.customer_comment, one.merchant_comment = customer, merchant
        one.returned_on = instant(returned_on, "ReturnDate") if returned_on else self._platform.now()
        self._platform.return_nos[number] = one.return_id
        self._receive(one, lines, refund or None)
        self._platform.wrote("ReturnDeclareForMerchant", number)
        return Reply(status=201, message="Return created")

    def _spread(self, order: Order, rows: Sequence[tuple[str, int]]) -> dict[int, int]:
        spread: dict[int, int] = {}
        for sku, quantity in rows:
            lines = [line for line in order.lines.values() if line.sku == sku]
            if not lines:
                raise Refusal(404, f"Product '{sku}' is not part of order '{order.merchant_order_no}'.")
            left = quantity
            for line in lines:
                part = min(left, self._returnable(line) - spread.get(line.line_id, 0))
                if part > 0:
                    spread[line.line_id] = spread.get(line.line_id, 0) + part
                    left -= part
            if left or not quantity:
                message = f"Product '{sku}' has not so many units to return."
                raise Refusal(400, message, {"Lines": [message]})
        return spread

    def _found(self, return_id: int) -> Return:
        one = self._platform.returns.get(return_id)
        if one is None:
            raise Refusal(404, f"Return {return_id} not found.", {"ReturnId": [f"Return {return_id} not found."]})
        return one
