"""What we did outside: once, for the right money, and nothing that only one side knows of."""

from collections import Counter
from collections.abc import Mapping
from typing import Any

from entrepot.kernel.ctx import Conn
from entrepot.proof.checkers.finding import Books, Finding, differs, rows, unpaired
from entrepot.sandbox import witness

# Our operation → the operation's code in their books, and the field of our payload that is their key.
MARKETPLACE_WRITES: Mapping[str, tuple[str, str]] = {
    "mirakl.confirm-debit": ("PA01", "order_id"),
    "mirakl.confirm-refund": ("PA02", "refund_id"),
}
GATEWAY_WRITES = {"gateway.capture": "capture", "gateway.release": "release", "gateway.refund": "refund"}
STOREFRONTS_OWN = ("-refused", "-abandoned")  # releases of baskets the hub never took


def nothing_twice(conn: Conn, books: Books) -> list[Finding]:
    """Seen from their books: every write took effect at most once under its reference."""
    twice = [
        Finding("effects-once", f"{one.system} applied {one.operation} {one.count} times", one.reference)
        for one in witness.doubled_writes(books)
    ]
    for system in ("gateway", "mirakl"):
        twice += [
            Finding("effects-once", f"{row['operation']} applied {row['count_applied']} times", row["key"])
            for row in books[system]["writes"]
            if row["operation"] in ("capture", "release", "refund") and row["count_applied"] > 1
        ]
    amounts: Counter[tuple[str, int]] = Counter()
    for row in books["gateway"]["operations"]:
        if row["operation"] == "capture":
            amounts[row["authorisation_id"], row["amount_minor"]] += 1
    allowed = _legs_by_authorisation(books)
    twice += [
        Finding("effects-once", f"{minor} was taken {n} times", authorisation)
        for (authorisation, minor), n in amounts.items()
        if n > max(1, allowed[authorisation])
    ]
    return twice


def _legs_by_authorisation(books: Books) -> Counter[str]:
    """How many orders one authorisation may pay: legs of equal value are charged equally."""
    baskets = {row["commercial_id"]: row["authorisation_id"] for row in books["storefront"]["baskets"]}
    return Counter(baskets[row["commercial_id"]] for row in books["mirakl"]["orders"] if row["commercial_id"] in baskets)  # fmt: skip


def what_is_done_happened(conn: Conn, books: Books) -> list[Finding]:
    """What our outbox calls done stands in their books for the same money, and nothing stands there that we do not call done."""
    done = rows(conn, "SELECT key, operation, payload FROM effect WHERE state = 'done' ORDER BY seq")
    theirs = {
        (row["operation"], row["reference"]): row["amount_minor"]
        for row in books["gateway"]["operations"]
        if row["operation"] in GATEWAY_WRITES.values() and not row["reference"].endswith(STOREFRONTS_OWN)
    }
    ours = {
        (GATEWAY_WRITES[row["operation"]], row["payload"]["reference"]): row["payload"]["amount_minor"]
        for row in done
        if row["operation"] in GATEWAY_WRITES
    }
    found = unpaired("effects-happened", "money moved at the gateway", map("/".join, theirs), map("/".join, ours))
    for key in sorted(theirs.keys() & ours.keys()):
        found += differs("effects-happened", "/".join(key), {"amount_minor": theirs[key]}, {"amount_minor": ours[key]})
    return found + _marketplace_writes(done, books)


def _marketplace_writes(done: list[dict[str, Any]], books: Books) -> list[Finding]:
    codes = {code for code, _ in MARKETPLACE_WRITES.values()}
    applied = {
        f"{row['operation']}/{row['key']}"
        for row in books["mirakl"]["writes"]
        if row["operation"] in codes and row["count_applied"]
    }
    ours = set()
    for row in done:
        if row["operation"] in MARKETPLACE_WRITES:
            code, field = MARKETPLACE_WRITES[row["operation"]]
            ours.add(f"{code}/{row['payload'][field]}")
    return unpaired("effects-happened", "a write at the marketplace", applied, ours)


def gateway_money_agrees(conn: Conn, books: Books) -> list[Finding]:
    """Each authorisation: taken, given back and still held, as the gateway counts and as our basket counts."""
    money = {row["id"]: row for row in books["gateway"]["authorisations"]}
    found = []
    for basket in rows(conn, "SELECT * FROM basket WHERE authorisation_id IS NOT NULL ORDER BY commercial_id"):
        theirs = money.get(basket["authorisation_id"])
        if theirs is None:
            found.append(Finding("gateway-money", "an authorisation the gateway does not know", basket["commercial_id"]))  # fmt: skip
            continue
        held = basket["authorised_minor"] - basket["captured_minor"] - basket["released_minor"]
        ours = {
            "amount_minor": basket["authorised_minor"],
            "captured_minor": basket["captured_minor"],
            "released_minor": basket["released_minor"],
            "refunded_minor": basket["refunded_minor"],
            "open_minor": held - theirs["expired_minor"],
        }
        found += differs("gateway-money", basket["commercial_id"], {name: theirs[name] for name in ours}, ours)
    return found + [
        Finding("gateway-money", f"{minor} is still held from the buyer", reference)
        for reference, minor in witness.unsettled_money(books).items()
    ]


def refunds_confirmed(conn: Conn, books: Books) -> list[Finding]:
    """Marketplace, gateway and books have each said of every refund that it is over, for the same amount."""
    ours = {row["external_id"]: row for row in rows(conn, "SELECT * FROM refund ORDER BY external_id")}
    theirs = {row["refund_id"]: row for row in books["mirakl"]["refunds"]}
    paid = witness.refunds_by_reference(books)
    found = unpaired("refunds", "a refund", theirs, ours)
    for refund_id in sorted(theirs.keys() & ours.keys()):
        row = ours[refund_id]
        told = {"state": theirs[refund_id]["state"], "amount_minor": theirs[refund_id]["total_minor"], "paid": paid.get(refund_id, [])}  # fmt: skip
        held = {"state": "REFUNDED", "amount_minor": row["amount_minor"], "paid": [row["amount_minor"]]}
        found += differs("refunds", refund_id, told, held)
        if row["state"] != "posted":
            found.append(Finding("refunds", f"is {row['state']}, not confirmed by everybody", refund_id))
    silent = rows(
        conn,
        "SELECT r.external_id, c.witness FROM refund r JOIN refund_confirmation c ON c.refund_id = r.id"
        " WHERE c.confirmed_at IS NULL ORDER BY r.external_id, c.witness",
    )
    return found + [Finding("refunds", f"{row['witness']} never confirmed it", row["external_id"]) for row in silent]
