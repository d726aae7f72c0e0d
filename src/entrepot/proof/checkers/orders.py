"""Baskets, orders, lines, parcels and returns: theirs and ours, and what must hold between our own columns."""

from collections import defaultdict
from collections.abc import Mapping
from typing import Any

from entrepot.kernel.ctx import Conn
from entrepot.proof.checkers.finding import Books, Finding, differs, rows, unpaired
from entrepot.proof.figures import doubled_orders, lost_orders

LEG_STATES: Mapping[str, tuple[str, ...]] = {
    "STAGING": ("on-hold",),
    "WAITING_ACCEPTANCE": ("awaiting-acceptance",),
    "WAITING_DEBIT": ("accepted", "part-accepted"),
    "WAITING_DEBIT_PAYMENT": ("awaiting-payment",),
    "SHIPPING": ("to-ship", "part-shipped"),
    "SHIPPED": ("shipped",),
    "TO_COLLECT": ("to-collect",),
    "RECEIVED": ("delivered",),
    "CLOSED": ("closed",),
    "REFUSED": ("refused", "expired"),
    "CANCELED": ("cancelled",),
}
SHIPMENT_STATES: Mapping[str, tuple[str, ...]] = {
    "SHIPPING": ("planned",),
    "SHIPPED": ("handed-over",),
    "TO_COLLECT": ("in-transit",),
    "RECEIVED": ("delivered",),
    "CLOSED": ("delivered",),
}
RETURN_STATES: Mapping[str, tuple[str, ...]] = {
    "WAITING_ACCEPTANCE": ("requested",),
    "IN_PROGRESS": ("accepted", "in-transit"),
    "REFUSED": ("refused",),
    "RECEIVED": ("received", "refunded"),
    "NO_RECEPTION": ("not-received",),
    "CLOSED": ("closed-without-refund", "refunded"),
    "CANCELED": ("cancelled",),
}


def baskets_agree(conn: Conn, books: Books) -> list[Finding]:
    """What buyers paid for and the hub took: known here, for the same money, under the same authorisation."""
    ours = {row["commercial_id"]: row for row in rows(conn, "SELECT * FROM basket ORDER BY commercial_id")}
    found = [Finding("baskets", what, "") for what in (*lost_orders(conn, books), *doubled_orders(books))]
    for basket in books["storefront"]["baskets"]:
        row = ours.get(basket["commercial_id"])
        if basket["state"] == "ordered" and row is not None:
            theirs = {
                "ordered_minor": basket["amount_minor"],
                "currency": basket["currency"],
                "authorisation_id": basket["authorisation_id"],
                "source": "storefront",
            }
            found += differs("baskets", basket["commercial_id"], theirs, row)
    return found


def orders_agree(conn: Conn, books: Books) -> list[Finding]:
    """Every marketplace order is one leg, in the same state, with the same lines, quantities and money."""
    legs = {
        row["order_id"]: row
        for row in rows(conn, "SELECT l.*, b.commercial_id FROM leg l JOIN basket b ON b.id = l.basket_id ORDER BY order_id")
    }  # fmt: skip
    lines: dict[str, dict[str, dict[str, Any]]] = defaultdict(dict)
    for row in rows(conn, "SELECT * FROM line ORDER BY id"):
        lines[row["leg_id"]][row["order_line_id"]] = row
    theirs = {row["order_id"]: row for row in books["mirakl"]["orders"]}
    found = unpaired("orders", "an order", theirs, legs)
    for order_id in sorted(theirs.keys() & legs.keys()):
        found += _order(theirs[order_id], legs[order_id], lines[legs[order_id]["id"]])
    return found


def _order(order: dict[str, Any], leg: dict[str, Any], lines: dict[str, dict[str, Any]]) -> list[Finding]:
    where = order["order_id"]
    theirs = {
        "commercial_id": order["commercial_id"],
        "seller_id": str(order["shop_id"]),
        "currency": order["currency"],
        "their_state": order["state"],
        "debited_minor": order["debited_minor"],
    }
    found = differs("orders", where, theirs, leg)
    found += _states("orders", where, LEG_STATES, order["state"], leg["state"])
    by_id = {line["line_id"]: line for line in order["lines"]}
    found += unpaired("orders", f"a line of {where}", by_id, lines)
    for line_id in sorted(by_id.keys() & lines.keys()):
        found += _line(by_id[line_id], lines[line_id])
    return found


def _line(line: dict[str, Any], row: dict[str, Any]) -> list[Finding]:
    theirs = {
        "offer_id": str(line["offer_id"]),
        "quantity": line["quantity"],
        "accepted_qty": line["accepted"],
        "refused_qty": line["refused"],
        "shipped_qty": line["shipped"],
        "price_minor": line["price_minor"],
        "shipping_minor": line["shipping_minor"],
        "refunded_minor": line["refunded_minor"],
    }
    return differs("orders", line["line_id"], theirs, row)


def _states(
    checker: str, where: str, table: Mapping[str, tuple[str, ...]], theirs: str, ours: str | None
) -> list[Finding]:
    if ours in table.get(theirs, ()):
        return []
    return [Finding(checker, f"they say {theirs}, we say {ours}", where)]


def invariants_hold(conn: Conn, books: Books) -> list[Finding]:
    """The sums between our own columns, once more and by hand."""
    legs: dict[str, list[dict[str, Any]]] = defaultdict(list)
    lines: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for row in rows(conn, "SELECT * FROM line ORDER BY id"):
        lines[row["leg_id"]].append(row)
    for row in rows(conn, "SELECT * FROM leg ORDER BY id"):
        legs[row["basket_id"]].append(row)
    found = []
    for basket in rows(conn, "SELECT * FROM basket ORDER BY id"):
        found += _basket_sums(basket, legs[basket["id"]])
        for leg in legs[basket["id"]]:
            found += _leg_sums(leg, lines[leg["id"]])
    return found


def _basket_sums(basket: dict[str, Any], legs: list[dict[str, Any]]) -> list[Finding]:
    sums = {
        "captured_minor": sum(leg["debited_minor"] for leg in legs),
        "refunded_minor": sum(leg["refunded_minor"] for leg in legs),
    }
    found = differs("invariants", basket["commercial_id"], sums, basket) if basket["authorisation_id"] else []
    held = basket["authorised_minor"] - basket["captured_minor"] - basket["released_minor"]
    if held < 0:
        found.append(Finding("invariants", f"{-held} more taken or released than authorised", basket["commercial_id"]))
    if (
        legs
        and basket["ordered_minor"] != sum(leg["ordered_minor"] for leg in legs)
        and len(legs) >= basket["legs_expected"]
    ):
        found.append(Finding("invariants", "its legs are not worth what was ordered", basket["commercial_id"]))
    return found  # fmt: skip


def _leg_sums(leg: dict[str, Any], lines: list[dict[str, Any]]) -> list[Finding]:
    gross = {row["id"]: row["price_minor"] + row["shipping_minor"] + row["tax_minor"] for row in lines}
    lost = leg["state"] in ("refused", "expired", "cancelled")
    standing = [row for row in lines if row["accepted_qty"] and not (lost and not leg["debited_minor"])]
    sums = {
        "ordered_minor": sum(gross.values()),
        "accepted_minor": sum(gross[row["id"]] for row in standing),
        "refunded_minor": sum(row["refunded_minor"] for row in lines),
    }
    found = differs("invariants", leg["order_id"], sums, leg)
    if leg["debited_minor"] not in (0, leg["accepted_minor"]):
        found.append(Finding("invariants", f"charged {leg['debited_minor']}, accepted {leg['accepted_minor']}", leg["order_id"]))  # fmt: skip
    undecided = leg["state"] in ("on-hold", "awaiting-acceptance")
    for row in lines:
        open_qty = row["quantity"] - row["accepted_qty"] - row["refused_qty"]
        if (open_qty != 0) != undecided and not lost:
            found.append(Finding("invariants", f"{open_qty} of {row['quantity']} undecided in a leg that is {leg['state']}", row["order_line_id"]))  # fmt: skip
    return found


def parcels_and_returns_agree(conn: Conn, books: Books) -> list[Finding]:
    found = []
    for name, table, states, id_, state in (
        ("a parcel", "shipment", SHIPMENT_STATES, "shipment_id", "status"),
        ("a return", "return_file", RETURN_STATES, "return_id", "state"),
    ):
        ours = {row["external_id"]: row["state"] for row in rows(conn, f"SELECT external_id, state FROM {table}")}
        theirs = {row[id_]: row[state] for row in books["mirakl"][f"{table.partition('_')[0]}s"]}
        found += unpaired("parcels-and-returns", name, theirs, ours)
        for one in sorted(theirs.keys() & ours.keys()):
            found += _states("parcels-and-returns", one, states, theirs[one], ours[one])
    return found
