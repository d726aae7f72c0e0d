"""The marketplace's books: what it believes happened, for a checker that trusts nobody."""

from typing import Any

from entrepot.sandbox.mirakl.platform import Platform
from entrepot.sandbox.mirakl.state import Cycle, Document, Line, LogLine, Order, Refund, Return, Shipment
from entrepot.sandbox.mirakl.wire import maybe, stamp


def books_of(platform: Platform) -> dict[str, Any]:
    """Every table as a list of rows, oldest first; amounts in minor units."""
    tables = platform.tables
    return {
        "orders": [_order(order) for order in tables.orders.values()],
        "baskets": dict(tables.orders_by_commercial),
        "refunds": [_refund(refund) for refund in tables.refunds.values()],
        "shipments": [_shipment(shipment) for shipment in tables.shipments.values()],
        "returns": [_return(returned) for returned in tables.returns.values()],
        "transaction_lines": [_log_line(line) for line in tables.log.values()],
        "balances": {f"{shop} {currency}": balance for (shop, currency), balance in sorted(tables.balances.items())},
        "cycles": [_cycle(cycle) for cycle in tables.cycles.values()],
        "documents": [_document(document) for document in tables.documents.values()],
        "offers": [
            {
                "offer_id": offer.offer_id,
                "shop_id": offer.shop_id,
                "shop_sku": offer.shop_sku,
                "price_minor": offer.price_minor,
                "quantity": offer.quantity,
                "currency": offer.currency,
                "category_code": offer.category_code,
                "description": offer.description,
                "deleted": offer.deleted,
            }
            for offer in tables.offers.values()
        ],
        "imports": [
            {
                "import_id": taken.import_id,
                "shop_id": taken.shop_id,
                "status": taken.status,
                "errors": len(taken.errors),
            }
            for taken in tables.imports.values()
        ],
        "threads": [
            {
                "thread_id": thread.thread_id,
                "shop_id": thread.shop_id,
                "topic": thread.topic_value,
                "messages": [{"from": said.by, "body": said.body, "at": stamp(said.at)} for said in thread.messages],
            }
            for thread in tables.threads.values()
        ],
        "writes": [
            {"operation": operation, "key": key, "count_applied": written.applied, "calls": written.calls}
            for (operation, key), written in sorted(tables.written.items())
        ],
    }


def _order(order: Order) -> dict[str, Any]:
    return {
        "order_id": order.order_id,
        "commercial_id": order.commercial_id,
        "shop_id": order.shop_id,
        "state": order.state,
        "currency": order.currency,
        "payment_workflow": order.payment_workflow,
        "owed_minor": order.owed_minor,
        "debit": order.debit,
        "debited_minor": order.owed_minor if order.debit == "DEBITED" else 0,
        "transaction_number": order.transaction_number,
        "created_at": stamp(order.created_at),
        "updated_at": stamp(order.updated_at),
        "decided_at": maybe(order.decided_at),
        "debited_at": maybe(order.debited_at),
        "lines": [_line(line) for line in order.lines.values()],
    }


def _line(line: Line) -> dict[str, Any]:
    return {
        "line_id": line.line_id,
        "offer_id": line.offer.offer_id,
        "state": line.state,
        "incident": line.incident_reason,
        "quantity": line.quantity,
        "accepted": line.quantity if line.accepted else 0,
        "refused": line.quantity if line.accepted is False else 0,
        "shipped": line.shipped,
        "cancelled": line.quantity if line.state == "CANCELED" else line.cancelled,
        "price_minor": line.price_minor,
        "shipping_minor": line.shipping_minor,
        "owed_minor": line.owed_minor if line.live else 0,
        "rate_per_100k": line.rate_per_100k,
        "commission_minor": line.commission_minor,
        "commission_tax_minor": line.commission_tax_minor,
        "refunded_minor": sum(r.total_minor for r in line.refunds if r.state == "REFUNDED"),
        "refund_asked_minor": line.refunded_minor,
    }


def _refund(refund: Refund) -> dict[str, Any]:
    return {
        "refund_id": refund.refund_id,
        "order_id": refund.order_id,
        "line_id": refund.line_id,
        "state": refund.state,
        "amount_minor": refund.amount_minor,
        "shipping_minor": refund.shipping_minor,
        "total_minor": refund.total_minor,
        "commission_minor": refund.commission_minor,
        "commission_tax_minor": refund.commission_tax_minor,
        "reason_code": refund.reason_code,
        "transaction_number": refund.transaction_number,
        "created_at": stamp(refund.created_at),
    }


def _shipment(shipment: Shipment) -> dict[str, Any]:
    return {
        "shipment_id": shipment.shipment_id,
        "order_id": shipment.order_id,
        "status": shipment.status,
        "lines": dict(shipment.lines),
        "tracking_number": shipment.tracking.get("tracking_number"),
    }


def _return(returned: Return) -> dict[str, Any]:
    return {
        "return_id": returned.return_id,
        "order_id": returned.order_id,
        "state": returned.state,
        "lines": {line.line_id: line.quantity for line in returned.lines.values()},
        "refund_ids": list(returned.refund_ids),
    }


def _log_line(line: LogLine) -> dict[str, Any]:
    return {
        "id": line.line_id,
        "shop_id": line.shop_id,
        "type": line.type,
        "credited_minor": line.credited_minor,
        "debited_minor": line.debited_minor,
        "balance_minor": line.balance_minor,
        "currency": line.currency,
        "payment_state": line.payment_state,
        "order_id": line.order_id,
        "order_line_id": line.order_line_id,
        "refund_id": line.refund_id,
        "cycle_id": line.cycle_id,
        "voucher": line.voucher,
        "document_number": line.document_number,
        "created_at": stamp(line.created_at),
    }


def _cycle(cycle: Cycle) -> dict[str, Any]:
    return {
        "cycle_id": cycle.cycle_id,
        "shop_id": cycle.shop_id,
        "currency": cycle.currency,
        "amount_minor": cycle.amount_minor,
        "operator_minor": cycle.operator_minor,
        "voucher": cycle.voucher,
        "pay_out_state": cycle.pay_out_state,
        "reference": cycle.reference,
        "closed_at": stamp(cycle.created_at),
    }


def _document(document: Document) -> dict[str, Any]:
    return {
        "number": document.number,
        "shop_id": document.shop_id,
        "type": document.type,
        "currency": document.currency,
        "excl_tax_minor": document.excl_tax_minor,
        "tax_minor": document.tax_minor,
        "cycle_id": document.cycle_id,
        "payment_state": document.payment_state,
    }
