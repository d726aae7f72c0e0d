"""Writes about money: refunds and cancelations (OR28, OR30), and our word that money moved (PA01, PA02, SBC07)."""

from collections.abc import Callable, Sequence
from typing import Any

import msgspec

from entrepot.connectors.exchange import Call
from entrepot.connectors.mirakl import payloads, shapes
from entrepot.connectors.mirakl.asking import (
    OTHERWISE,
    WRONG_STATE,
    json_call,
    look_at_order,
    no_content,
    order_id_of,
    otherwise,
)
from entrepot.connectors.mirakl.words import AWAITING_DEBIT, PAID_OR_LATER
from entrepot.connectors.reading import Unreadable, elements, minor, number_of, typed
from entrepot.connectors.writes import Look, Shape
from entrepot.kernel.http import HttpResponse
from entrepot.kernel.outcome import Done, NotThere, Outcome, ReadBack, Refused, Unknown


def _rows(payload: payloads.Refund) -> list[dict[str, Any]]:
    return [
        {
            "order_line_id": line.order_line_id,
            "amount": number_of(line.amount_minor, payload.currency),
            "shipping_amount": number_of(line.shipping_minor, payload.currency),
            "currency_iso_code": payload.currency,
            "quantity": line.quantity,
            "reason_code": line.reason_code,
        }
        for line in payload.lines
    ]


class _RefundResult(msgspec.Struct):
    refund_id: shapes.Id


class _Refunded(msgspec.Struct):
    refunds: list[_RefundResult]


class _CancelationResult(msgspec.Struct):
    cancelation_id: shapes.Id


class _LinesCancelled(msgspec.Struct):
    cancelations: list[_CancelationResult]


def refunded(_payload: payloads.Refund, response: HttpResponse) -> Outcome:
    return Done({"refund_ids": [str(r.refund_id) for r in typed(response.body, _Refunded).refunds]})


def lines_cancelled(_payload: payloads.Refund, response: HttpResponse) -> Outcome:
    found = typed(response.body, _LinesCancelled).cancelations
    return Done({"cancelation_ids": [str(c.cancelation_id) for c in found]})


def _twins(
    payload: payloads.Refund, order: shapes.Order, of: Callable[[shapes.OrderLine], Sequence[Any] | None], name: str
) -> ReadBack:
    """The entries on the order that look like ours. None: not there; one for each line: ours; else a person looks."""
    lines = {line.order_line_id: line for line in order.order_lines}
    currency, found = order.currency_iso_code, []
    for asked in payload.lines:
        line = lines.get(asked.order_line_id)
        like = [
            str(entry.id)
            for entry in (of(line) if line else None) or ()
            if minor(entry.amount, currency, "$.amount") == asked.amount_minor
            and minor(entry.shipping_amount, currency, "$.shipping_amount") == asked.shipping_minor
            and entry.reason_code == asked.reason_code
        ]
        found.append(like)
    if not any(found):
        return NotThere(f"nothing like it on order {order.order_id}")
    if all(len(like) == 1 for like in found):
        return Done({name: [like[0] for like in found]})
    return Unknown(f"order {order.order_id} holds several entries like it, or only some of them")


REFUND = Shape(
    payloads.Refund,
    lambda payload, _key: json_call(
        "PUT", "/api/orders/refund", {"order_tax_mode": "TAX_INCLUDED", "refunds": _rows(payload)}
    ),
    refunded,
    look_at_order(order_id_of, lambda p, order: _twins(p, order, lambda line: line.refunds, "refund_ids")),
)
CANCEL_LINES = Shape(
    payloads.Refund,
    lambda payload, _key: json_call(
        "PUT", "/api/orders/cancel", {"order_tax_mode": "TAX_INCLUDED", "cancelations": _rows(payload)}
    ),
    lines_cancelled,
    look_at_order(order_id_of, lambda p, order: _twins(p, order, lambda line: line.cancelations, "cancelation_ids")),
)


def confirm_debit(payload: payloads.ConfirmDebit, _key: str) -> Call:
    row = {
        "order_id": payload.order_id,
        "customer_id": payload.customer_id,
        "amount": number_of(payload.amount_minor, payload.currency),
        "currency_iso_code": payload.currency,
        "payment_status": payload.status,
        "transaction_number": payload.transaction_number,
        "transaction_date": payload.transaction_at,
    }
    return json_call("PUT", "/api/payment/debit", {"orders": [row]})


def debit_confirmed(payload: payloads.ConfirmDebit, order: shapes.Order) -> ReadBack:
    """Paid: past WAITING_DEBIT_PAYMENT, or debited where the workflow ships first. Refused: CANCELED."""
    paid = bool(order.customer_debited_date) or order.order_state in PAID_OR_LATER
    if payload.status == "OK":
        if order.customer_debited_date or (paid and order.payment_workflow in (None, "PAY_ON_ACCEPTANCE")):
            return Done({"order_state": order.order_state})
        if order.order_state in ("CANCELED", "REFUSED"):
            return otherwise(order)
    elif order.order_state == "CANCELED":
        return Done({"order_state": order.order_state})
    elif paid and order.order_state not in AWAITING_DEBIT:
        return otherwise(order)
    return NotThere(f"order {order.order_id} is {order.order_state}")


def confirm_refund(payload: payloads.ConfirmRefund, _key: str) -> Call:
    row = {
        "refund_id": payload.refund_id,
        "amount": number_of(payload.amount_minor, payload.currency),
        "currency_iso_code": payload.currency,
        "payment_status": payload.status,
        "transaction_number": payload.transaction_number,
        "transaction_date": payload.transaction_at,
    }
    return json_call("PUT", "/api/payment/refund", {"refunds": [row]})


def refund_confirmed(payload: payloads.ConfirmRefund, order: shapes.Order) -> ReadBack:
    """A confirmed refund reads REFUNDED; one that was refused stays open and leaves no trace (a guess)."""
    for line in order.order_lines:
        for refund in line.refunds or ():
            if str(refund.id) == payload.refund_id:
                state = refund.refund_state or refund.state or ""
                if state == "REFUNDED":
                    done = Done({"refund_state": state})
                    return done if payload.status == "OK" else Refused(OTHERWISE, f"refund {refund.id} is {state}")
                return NotThere(f"refund {payload.refund_id} is {state}")
    return NotThere(f"no refund {payload.refund_id} on order {order.order_id}")


def _order_of_refund(payload: payloads.ConfirmRefund) -> str:
    """Errors: Unreadable when the plan did not say which order: then nothing can be looked at."""
    if not payload.order_id:
        raise Unreadable("the payload names no order to look at", "$.order_id")
    return payload.order_id


def confirm_payout(payload: payloads.ConfirmPayout, _key: str) -> Call:
    """The shape of the body is a guess."""
    pay_out = {
        "status": payload.status,
        "payment_date": payload.paid_at,
        "transaction_number": payload.transaction_number or None,
        "failure_reason": payload.failure_reason or None,
    }
    return json_call("PUT", "/api/seller-billing-cycles", [{"id": payload.cycle_id, "pay_out": pay_out}])


def _cycle(payload: payloads.ConfirmPayout, _key: str) -> Call:
    return Call("GET", "/api/seller-billing-cycles", (("id", payload.cycle_id), ("limit", "1")))


def payout_confirmed(payload: payloads.ConfirmPayout, response: HttpResponse) -> ReadBack:
    found = [cycle for raw in elements(response.body, "data") if (cycle := typed(raw, shapes.Cycle))]
    state = next((c.pay_out.state for c in found if c.id == payload.cycle_id and c.pay_out), None)
    if state == payload.status:
        return Done({"pay_out_state": state})
    if state == "PAID":
        return Refused(OTHERWISE, f"billing cycle {payload.cycle_id} is {state}")
    return NotThere(f"billing cycle {payload.cycle_id} is {state or 'not there'}")


CONFIRM_DEBIT = Shape(
    payloads.ConfirmDebit, confirm_debit, no_content, look_at_order(order_id_of, debit_confirmed), WRONG_STATE
)
CONFIRM_REFUND = Shape(
    payloads.ConfirmRefund, confirm_refund, no_content, look_at_order(_order_of_refund, refund_confirmed), WRONG_STATE
)
CONFIRM_PAYOUT = Shape(payloads.ConfirmPayout, confirm_payout, no_content, Look(_cycle, payout_confirmed), WRONG_STATE)
