"""What the sandbox's books testify: pure functions over the JSON of `GET /books`, for whoever judges the hub.

Shape: `books` is the whole document, by system. Every function gives plain data; empty means nothing to say.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

Books = Mapping[str, Any]

ONCE_ONLY: Final = frozenset({"OR01", "OR21", "OR24", "OR28", "OR29", "PA01", "PA02", "SBC07", "ST24"})
"""Marketplace writes that make sense once per subject; tracking, offers and shop data may change at any time."""


@dataclass(frozen=True)
class Doubled:
    """One write that moved something more than once under one reference."""

    system: str
    operation: str
    reference: str
    count: int


def doubled_writes(books: Books) -> list[Doubled]:
    """Writes that took effect more than once: at the gateway by reference, at the marketplace by subject."""
    found = [
        Doubled("gateway", row["operation"], row["reference"], row["count"])
        for row in books.get("gateway", {}).get("applied", [])
        if row["count"] > 1
    ]
    found += [
        Doubled("mirakl", row["operation"], row["key"], row["count_applied"])
        for row in books.get("mirakl", {}).get("writes", [])
        if row["operation"] in ONCE_ONLY and row["count_applied"] > 1
    ]
    return found


def paid_baskets(books: Books) -> dict[str, dict[str, Any]]:
    """Baskets the buyers paid and the hub took, by commercial id: the amount and what the gateway holds of it."""
    authorisations = {row["id"]: row for row in books["gateway"]["authorisations"]}
    paid = {}
    for basket in books["storefront"]["baskets"]:
        if basket["state"] == "ordered":
            money = authorisations[basket["authorisation_id"]]
            parts = ("open_minor", "captured_minor", "released_minor", "expired_minor", "refunded_minor")
            paid[basket["commercial_id"]] = {
                "amount_minor": basket["amount_minor"],
                "currency": basket["currency"],
                **{part: money[part] for part in parts},
            }
    return paid


def lost_baskets(books: Books) -> list[str]:
    """Baskets the hub took that never became an order at the marketplace."""
    known = {row["commercial_id"] for row in books["mirakl"]["orders"]}
    return [commercial_id for commercial_id in paid_baskets(books) if commercial_id not in known]


def refunds_by_reference(books: Books) -> dict[str, list[int]]:
    """Every refund the gateway made, by reference: the amounts, oldest first."""
    refunds: dict[str, list[int]] = {}
    for row in books["gateway"]["operations"]:
        if row["operation"] == "refund":
            refunds.setdefault(row["reference"], []).append(row["amount_minor"])
    return refunds


def unsettled_money(books: Books) -> dict[str, int]:
    """Authorised money nobody captured, released or let expire, by authorisation reference."""
    return {row["reference"]: row["open_minor"] for row in books["gateway"]["authorisations"] if row["open_minor"]}


def settlement_findings(books: Books) -> list[str]:
    """Every way in which the gateway's own settlement reports do not add up; the sandbox's promise is: none."""
    findings = [f"unbalanced: {one}" for one in books["gateway"]["unbalanced"]]
    balance: Counter[str] = Counter()
    for day in books["gateway"]["settlements"]:
        gross = sum(line["amount_minor"] for line in day["lines"])
        fee = sum(line["fee_minor"] for line in day["lines"])
        if (gross, fee, gross - fee) != (day["gross_minor"], day["fee_minor"], day["net_minor"]):
            findings.append(f"{day['id']}: lines do not sum to the header")
        if day["opening_balance_minor"] != balance[day["currency"]]:
            findings.append(f"{day['id']}: does not open with the balance of the day before")
        balance[day["currency"]] = day["opening_balance_minor"] + gross - fee
        if balance[day["currency"]] != day["closing_balance_minor"]:
            findings.append(f"{day['id']}: closing balance is not opening balance plus net")
    return findings


def purchases(books: Books) -> list[dict[str, str]]:
    """Every offer in a basket the hub took, with the instant at which the hub had said that it may be sold.

    A basket sold on the shop's last knowledge, because nobody answered, is not among them.
    """
    return [
        {"basket": basket["commercial_id"], "offer_id": line["offer_id"], "checked_at": basket["checked_at"]}
        for basket in books["storefront"]["baskets"]
        if basket["state"] == "ordered" and basket["checked_at"]
        for line in basket["lines"]
    ]


def bought_unshown(books: Books) -> list[dict[str, str]]:
    """Offers in baskets the hub took that had been withdrawn from the shelf before the buyer paid."""
    pages: dict[str, list[dict[str, Any]]] = {}
    for page in books["storefront"]["publications"]:
        pages.setdefault(page["offer_id"], []).append(page)
    found = []
    for basket in books["storefront"]["baskets"]:
        if basket["state"] != "ordered":
            continue
        for line in basket["lines"]:
            before = [page for page in pages.get(line["offer_id"], ()) if page["at"] < basket["placed_at"]]
            if before and not before[-1]["sellable"]:
                found.append({"basket": basket["commercial_id"], "offer_id": line["offer_id"]})
    return found
