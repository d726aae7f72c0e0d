"""How the gateway's objects look on the wire: plain JSON, amounts in minor units, instants in ISO 8601 with Z."""

from datetime import UTC, datetime
from typing import Any

from entrepot.sandbox.gateway.model import (
    CAPTURED,
    CHARGED_BACK,
    EXPIRED,
    OPEN,
    OPERATION_NAMES,
    REFUNDED,
    RELEASED,
    Authorisation,
    Capture,
    Dispute,
    Operation,
    Payout,
    Refund,
    Release,
    Transfer,
)
from entrepot.sandbox.gateway.settlement import Settlement, SettlementLine


def instant(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def authorisation_view(one: Authorisation) -> dict[str, Any]:
    return {
        "id": one.id,
        "reference": one.reference,
        "state": one.state.value,
        "amount_minor": one.purse.total,
        "currency": one.currency,
        "customer_id": one.customer_id,
        "open_minor": one.purse[OPEN],
        "captured_minor": one.purse[CAPTURED],
        "released_minor": one.purse[RELEASED],
        "expired_minor": one.purse[EXPIRED],
        "refunded_minor": one.refunded_minor,
        "charged_back_minor": one.charged_back_minor,
        "expires_at": instant(one.expires_at),
        "created_at": instant(one.created_at),
    }


def capture_view(one: Capture) -> dict[str, Any]:
    return {
        "id": one.id,
        "authorisation_id": one.authorisation_id,
        "reference": one.reference,
        "amount_minor": one.amount_minor,
        "currency": one.currency,
        "state": "captured",
        "fee_minor": one.fee_minor,
        "refunded_minor": one.purse[REFUNDED],
        "charged_back_minor": one.purse[CHARGED_BACK],
        "created_at": instant(one.created_at),
    }


def release_view(one: Release) -> dict[str, Any]:
    return {
        "id": one.id,
        "authorisation_id": one.authorisation_id,
        "reference": one.reference,
        "amount_minor": one.amount_minor,
        "currency": one.currency,
        "state": "released",
        "created_at": instant(one.created_at),
    }


def refund_view(one: Refund) -> dict[str, Any]:
    return {
        "id": one.id,
        "capture_id": one.capture_id,
        "authorisation_id": one.authorisation_id,
        "reference": one.reference,
        "amount_minor": one.amount_minor,
        "currency": one.currency,
        "state": "refunded",
        "created_at": instant(one.created_at),
    }


def transfer_view(one: Transfer) -> dict[str, Any]:
    return {
        "id": one.id,
        "reference": one.reference,
        "destination": one.destination,
        "amount_minor": one.amount_minor,
        "currency": one.currency,
        "state": one.state.value,
        "failure_reason": one.failure_reason,
        "created_at": instant(one.created_at),
    }


def payout_view(one: Payout) -> dict[str, Any]:
    return {
        "id": one.id,
        "reference": one.reference,
        "amount_minor": one.amount_minor,
        "currency": one.currency,
        "created_at": instant(one.created_at),
    }


def dispute_view(one: Dispute) -> dict[str, Any]:
    return {
        "id": one.id,
        "capture_id": one.capture_id,
        "authorisation_id": one.authorisation_id,
        "reference": one.reference,
        "reason": one.reason,
        "amount_minor": one.amount_minor,
        "currency": one.currency,
        "state": one.state.value,
        "evidence_due_at": instant(one.evidence_due_at),
        "created_at": instant(one.created_at),
        "closed_at": instant(one.closed_at) if one.closed_at else None,
    }


def settlement_view(one: Settlement) -> dict[str, Any]:
    return {
        "id": one.id,
        "currency": one.currency,
        "opened_at": instant(one.opened_at),
        "closed_at": instant(one.closed_at) if one.closed_at else None,
        "line_count": len(one.lines),
        "gross_minor": one.gross_minor,
        "fee_minor": one.fee_minor,
        "net_minor": one.net_minor,
        "opening_balance_minor": one.opening_balance_minor,
        "closing_balance_minor": one.closing_balance_minor,
        "state": "closed" if one.closed_at else "open",
    }


def settlement_line_view(one: SettlementLine) -> dict[str, Any]:
    return {
        "line_no": one.line_no,
        "type": one.type.value,
        "operation_id": one.operation_id,
        "authorisation_id": one.authorisation_id,
        "reference": one.reference,
        "amount_minor": one.amount_minor,
        "fee_minor": one.fee_minor,
        "currency": one.currency,
        "created_at": instant(one.created_at),
    }


def operation_view(one: Operation) -> dict[str, Any]:
    """A capture, release, refund or transfer with the word for what it is in `operation`."""
    return {"operation": OPERATION_NAMES[type(one)], **view(one)}


def view(one: object) -> dict[str, Any]:
    """Any of the gateway's objects as its own GET would show it."""
    match one:
        case Authorisation():
            return authorisation_view(one)
        case Capture():
            return capture_view(one)
        case Release():
            return release_view(one)
        case Refund():
            return refund_view(one)
        case Transfer():
            return transfer_view(one)
        case Payout():
            return payout_view(one)
        case Dispute():
            return dispute_view(one)
        case Settlement():
            return settlement_view(one)
    raise TypeError(f"the gateway has no view of {type(one).__name__}")
