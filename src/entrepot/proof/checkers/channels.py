"""Where we are the seller: what each channel and our back office believe, held against our legs, parcels, promises, refunds and disputes.

Every judge looks at all channels alike: their books have one shape. Words and sums are its own.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any, Final

from entrepot.kernel.ctx import Conn
from entrepot.proof.checkers.finding import Books, Finding, differs, rows, unpaired
from entrepot.proof.world import CHANNELS
from entrepot.sandbox.selling.shops import is_open, missing, unit_minor

LOST: Final = ("cancelled", "refused", "expired")
GONE: Final = ("shipped", "to-collect", "delivered", "closed")
ACKNOWLEDGES: Final = ("walmart", "channelengine", "mirakl-shop")
"""Channels that want to hear that we have an order; Amazon and eBay have no such call."""
TELLS_REFUNDS: Final = ("amazon", "walmart", "ebay", "mirakl-shop")
"""Channels that tell of single refunds; a channel manager tells of them in its statements only."""
ONCE: Final[Mapping[str, tuple[str, ...]]] = {
    "amazon": ("confirmShipment",),
    "walmart": ("acknowledgeOrders", "shippingUpdates", "issueRefund"),
    "ebay": ("createShippingFulfillment", "createCancellation", "approveCancellationRequest", "markReturnReceived"),
    "channelengine": ("OrderAcknowledge", "ShipmentCreate", "CancellationCreate", "ReturnUpdateForMerchant"),
    "mirakl-shop": ("OR21", "OR24"),
    "back_office": ("import-order", "cancel-order", "book-refund"),
}
"""Writes that make sense once for the thing their books count them by; an order may have several parcels and refunds."""
BACK_OFFICE: Final = "back_office"


def number_of(account: str, order_id: str) -> str:
    return f"{account}:{order_id}"


def channel_orders(books: Books) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """(our account, the channel, an order of its books)."""
    for account, name in CHANNELS.items():
        for order in books[name]["orders"]:
            yield account, name, order


def ours_to_send(books: Books) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Orders that we deliver and somebody has paid for, or would have."""
    for account, name, order in channel_orders(books):
        if order["fulfilled_by"] == "seller":
            yield account, name, order


# ── orders ───────────────────────────────────────────────────────────────────────────────────────────────────


def orders_agree(conn: Conn, books: Books) -> list[Finding]:
    """Every order of every channel is one leg of ours, with the same lines, pieces and money, and ended the same way."""
    legs = {(row["account"], row["order_id"]): row for row in rows(conn, "SELECT * FROM leg WHERE account = ANY(%s) ORDER BY id", list(CHANNELS))}  # fmt: skip
    lines: dict[str, dict[str, dict[str, Any]]] = defaultdict(dict)
    for row in rows(conn, "SELECT * FROM line ORDER BY id"):
        lines[row["leg_id"]][row["order_line_id"]] = row
    theirs = {(account, order["order_id"]): order for account, _, order in channel_orders(books)}
    found = unpaired("channel-orders", "an order", _names(theirs), _names(legs))
    for key in sorted(theirs.keys() & legs.keys()):
        found += _order(number_of(*key), theirs[key], legs[key], lines[legs[key]["id"]])
    return found


def _names(keys: Iterable[tuple[str, str]]) -> list[str]:
    return [number_of(*key) for key in keys]


def _order(where: str, order: dict[str, Any], leg: dict[str, Any], lines: dict[str, dict[str, Any]]) -> list[Finding]:
    theirs = {
        "currency": order["currency"],
        "fulfilled_by": "seller" if order["fulfilled_by"] == "seller" else "marketplace",
    }
    found = differs("channel-orders", where, theirs, leg)
    by_id = {line["line_id"]: line for line in order["lines"]}
    found += unpaired("channel-orders", f"a line of {where}", by_id, lines)
    lost = leg["state"] in LOST
    for line_id in sorted(by_id.keys() & lines.keys()):
        found += _line(f"{where} {line_id}", by_id[line_id], lines[line_id], lost)
    return found + _ending(where, order, leg["state"])


def _line(where: str, line: dict[str, Any], row: dict[str, Any], lost: bool) -> list[Finding]:
    given_up = row["quantity"] - row["shipped_qty"] if lost else row["cancelled_qty"] + row["refused_qty"]
    theirs = {
        "sku": line["sku"],
        "quantity": line["quantity"],
        "shipped": line["shipped"],
        "cancelled": line["cancelled"],
        "price_minor": unit_minor(line) * line["quantity"],
        "shipping_minor": line["shipping_minor"],
    }
    return differs("channel-orders", where, theirs, {**row, "shipped": row["shipped_qty"], "cancelled": given_up})


def _ending(where: str, order: dict[str, Any], state: str) -> list[Finding]:
    sent = any(line["shipped"] for line in order["lines"])
    whole = not any(missing(line) for line in order["lines"])
    if whole and not sent and state not in LOST:
        return [Finding("channel-orders", f"they cancelled it, we say {state}", where)]
    if whole and sent and state not in GONE:
        return [Finding("channel-orders", f"all of it has left, we say {state}", where)]
    return []


# ── the back office ──────────────────────────────────────────────────────────────────────────────────────────


def exports_agree(conn: Conn, books: Books) -> list[Finding]:
    """Each order that we deliver is in the back office once, as the channel has it; no other order is."""
    booked = {row["number"]: row for row in books[BACK_OFFICE]["orders"]}
    known = {number_of(account, order["order_id"]): order for account, _, order in channel_orders(books)}
    found = [Finding("exports", f"exported {times} times", number) for number, times in _imports(books).items() if times > 1]  # fmt: skip
    for account, _, order in ours_to_send(books):
        number = number_of(account, order["order_id"])
        if number not in booked:
            if order["cancelled_by"] is None:
                found.append(Finding("exports", "the back office never heard of it", number))
            continue
        lines = {line["line_id"]: line for line in order["lines"]}
        for row in booked[number]["lines"]:
            theirs = lines.get(row["line_id"], {})
            price = unit_minor(theirs) * theirs["quantity"] if theirs else None
            told = {"sku": theirs.get("sku"), "quantity": theirs.get("quantity"), "price_minor": price}
            if row["cancelled"] or order["cancelled_by"]:
                told = {"sku": told["sku"]}  # pieces cancelled before it was handed over are not in it
            found += differs("exports", f"{number} {row['line_id']}", told, row)
    for number in sorted(booked.keys() - known.keys()):
        found.append(Finding("exports", "no channel knows this order", number))
    for number in sorted(booked.keys() & known.keys()):
        if known[number]["fulfilled_by"] != "seller":
            found.append(Finding("exports", "the channel delivers it itself", number))
    return found


def _imports(books: Books) -> Mapping[str, int]:
    found: Mapping[str, int] = books[BACK_OFFICE]["applied"].get("import-order", {})
    return found


def parcels_agree(conn: Conn, books: Books) -> list[Finding]:
    """Each parcel that left is known at its channel once, with the pieces that were in it; the channel knows of no other."""
    told: dict[tuple[str, str], Counter[str]] = defaultdict(Counter)  # how often each line of a parcel
    pieces: Counter[tuple[str, str]] = Counter()
    mine = {number_of(account, order["order_id"]): order for account, _, order in ours_to_send(books)}
    for account, name in CHANNELS.items():
        for one in books[name]["shipments"]:
            number = number_of(account, one["order_id"])
            if number in mine:
                told[number, one["tracking"]].update(one["lines"].keys())
                pieces[number, one["tracking"]] += sum(one["lines"].values())
    found = [Finding("parcels", f"told {max(lines.values())} times", " ".join(key)) for key, lines in told.items() if max(lines.values()) > 1]  # fmt: skip
    left: dict[tuple[str, str], int] = {}
    for parcel in books[BACK_OFFICE]["parcels"]:
        key = (parcel["number"], parcel["tracking"])
        left[key] = sum(line["quantity"] for line in parcel["lines"])
        if key not in told and mine.get(parcel["number"], {"cancelled_by": ""})["cancelled_by"] is None:
            found.append(Finding("parcels", "it left and the channel was never told", f"{key[0]} {key[1]}"))
        if key in told and pieces[key] != left[key]:
            found.append(Finding("parcels", f"{left[key]} pieces left, {pieces[key]} were told", f"{key[0]} {key[1]}"))
    found += [Finding("parcels", "told, and no such parcel left", " ".join(key)) for key in sorted(told.keys() - left.keys())]  # fmt: skip
    return found + _our_parcels(conn, books, told)


def _our_parcels(conn: Conn, books: Books, told: Mapping[tuple[str, str], object]) -> list[Finding]:
    found = []
    ours = rows(
        conn, "SELECT p.*, l.account, l.order_id, l.state FROM parcel p JOIN leg l ON l.id = p.leg_id ORDER BY p.id"
    )
    known = {(number_of(row["account"], row["order_id"]), row["number"]): row for row in ours}
    theirs = {(parcel["number"], parcel["parcel"]) for parcel in books[BACK_OFFICE]["parcels"]}
    found += unpaired("parcels", "a parcel", map(" ".join, theirs), map(" ".join, known))
    for (number, parcel), row in sorted(known.items()):
        confirmed = row["confirmed_at"] is not None
        if confirmed != ((number, row["tracking"]) in told):
            found.append(Finding("parcels", f"we say confirmed: {confirmed}", f"{number} {parcel}"))
    return found


# ── what is owed ─────────────────────────────────────────────────────────────────────────────────────────────


def duties_agree(conn: Conn, books: Books) -> list[Finding]:
    """What a channel asks for is promised, and nothing else: no acknowledgement where there is none, nothing for what they deliver."""
    found = []
    orders = {(account, order["order_id"]): (name, order) for account, name, order in channel_orders(books)}
    promised: dict[tuple[str, str], set[str]] = defaultdict(set)
    for row in rows(conn, _DUTIES, list(CHANNELS)):
        key, where = (row["account"], row["order_id"]), f"{row['kind']} of {number_of(row['account'], row['order_id'])}"
        promised[key].add(row["kind"])
        if key not in orders:
            found.append(Finding("duties", "promised for an order that the channel does not have", where))
            continue
        name, order = orders[key]
        if order["fulfilled_by"] != "seller":
            found.append(Finding("duties", "promised for an order that the channel delivers", where))
        if row["kind"] == "acknowledge" and name not in ACKNOWLEDGES:
            found.append(Finding("duties", "this channel has nothing to acknowledge", where))
    for account, name, order in ours_to_send(books):
        wanted = set() if _left_in_time(books, name, order) else {"ship"}
        wanted |= {"acknowledge"} if name in ACKNOWLEDGES else set()
        for kind in sorted(wanted - promised[account, order["order_id"]]):
            if order["cancelled_by"] is None:
                found.append(Finding("duties", f"{kind} was never promised", number_of(account, order["order_id"])))
    return found


def _left_in_time(books: Books, name: str, order: dict[str, Any]) -> bool:
    """All of it was sent before its date, which some channels tell late: nobody needed to be warned."""
    sent = [one["at"] for one in books[name]["shipments"] if one["order_id"] == order["order_id"]]
    whole = not any(missing(line) for line in order["lines"])
    return (
        whole and bool(sent) and order["ship_by"] is not None and max(map(instant, sent)) <= instant(order["ship_by"])
    )


def instant(text: str) -> datetime:
    return datetime.fromisoformat(text)


_DUTIES = """
    SELECT o.kind, l.account, l.order_id, o.state FROM obligation o
      JOIN leg l ON (o.object = 'leg' AND o.object_id = l.id) OR (o.object = 'line' AND o.object_id IN (SELECT id FROM line WHERE leg_id = l.id))
     WHERE o.kind IN ('acknowledge', 'ship', 'cancelled-by-channel') AND l.account = ANY(%s) ORDER BY o.id
"""


def acknowledgements_agree(conn: Conn, books: Books) -> list[Finding]:
    """What we call acknowledged the channel has as acknowledged; and nothing was before our back office had it."""
    orders = {(account, order["order_id"]): (name, order) for account, name, order in channel_orders(books)}
    found = []
    for row in rows(conn, "SELECT * FROM leg WHERE acknowledged_at IS NOT NULL AND account = ANY(%s) ORDER BY id", list(CHANNELS)):  # fmt: skip
        key, where = (row["account"], row["order_id"]), number_of(row["account"], row["order_id"])
        name, order = orders.get(key, ("", {}))
        if name not in ACKNOWLEDGES:
            found.append(Finding("acknowledged", "there is nothing to acknowledge at this channel", where))
        elif order.get("acknowledged_at") is None:
            found.append(Finding("acknowledged", "the channel does not have it", where))
        if row["handed_at"] is None or row["handed_at"] > row["acknowledged_at"]:
            found.append(Finding("acknowledged", "before our back office had the order", where))
    for (account, order_id), (name, order) in orders.items():
        number = number_of(account, order_id)
        told = name in ACKNOWLEDGES and order["acknowledged_at"] is not None and order["fulfilled_by"] == "seller"
        if told and number not in _imports(books):
            found.append(Finding("acknowledged", "the back office never had the order", number))
    return found


# ── money back, disputes ─────────────────────────────────────────────────────────────────────────────────────


def refunds_agree(conn: Conn, books: Books) -> list[Finding]:
    """Every cent that a channel gave back is known to us and booked in the back office, once."""
    found = [Finding("channel-refunds", f"booked {times} times", refund)
             for refund, times in books[BACK_OFFICE]["applied"].get("book-refund", {}).items() if times > 1]  # fmt: skip
    theirs: Counter[str] = Counter()
    for account, name in CHANNELS.items():
        mine = {order["order_id"] for order in books[name]["orders"] if order["fulfilled_by"] == "seller"}
        for one in books[name]["refunds"] if name in TELLS_REFUNDS else ():
            if one["order_id"] in mine:
                theirs[number_of(account, one["order_id"])] += one["amount_minor"]
    ours: Counter[str] = Counter()
    for row in rows(
        conn, "SELECT r.*, l.order_id FROM channel_refund r JOIN leg l ON l.id = r.leg_id ORDER BY r.refund_id"
    ):
        number = number_of(row["account"], row["order_id"])
        ours[number] += row["amount_minor"]
        if row["booked_at"] is None:
            found.append(Finding("channel-refunds", f"refund {row['refund_id']} is not booked", number))
    booked: Counter[str] = Counter()
    for one in books[BACK_OFFICE]["refunds"]:
        booked[one["number"]] += one["amount_minor"]
    for number in sorted({*theirs, *ours, *booked}):
        amounts = {"known": theirs[number], "booked": theirs[number]}
        found += differs("channel-refunds", number, amounts, {"known": ours[number], "booked": booked[number]})
    return found


def disputes_agree(conn: Conn, books: Books) -> list[Finding]:
    """Every dispute a channel shows is one of ours, for the same money, and over when it is over."""
    theirs = {
        (account, one["dispute_id"]): one
        for account, name in CHANNELS.items()
        for one in books[name]["disputes"]
        if "amount_minor" in one  # incidents and claims without money are no disputes to us
    }
    ours = {(row["account"], row["dispute_id"]): row for row in rows(conn, "SELECT * FROM dispute ORDER BY id")}
    found = unpaired("disputes", "a dispute", _names(theirs), _names(ours))
    for key in sorted(theirs.keys() & ours.keys()):
        one = theirs[key]
        told = {"order_id": one["order_id"], "amount_minor": one["amount_minor"], "over": one["state"] == "CLOSED"}
        over = ours[key]["state"] in ("won", "lost", "closed")
        found += differs("disputes", number_of(*key), told, {**ours[key], "over": over})
    return found


# ── batches, and what was done twice ─────────────────────────────────────────────────────────────────────────


def submissions_agree(conn: Conn, books: Books) -> list[Finding]:
    """Every batch that a channel took from us is known there, and each has ended."""
    theirs = {(account, one["id"]): one for account, name in CHANNELS.items() for one in books[name]["submissions"]}
    found = []
    for row in rows(conn, "SELECT * FROM submission ORDER BY account, submission_id"):
        number = row["submission_id"].rpartition(":")[2]  # some connectors say which list it is on before it
        key, where = (row["account"], number), f"{row['account']} {row['submission_id']}"
        if key not in theirs:
            found.append(Finding("submissions", "the channel does not know it", where))
        elif row["ended_at"] is None:
            found.append(Finding("submissions", f"is still {row['state']}; they say {theirs[key]['state']}", where))
        elif row["rejected"] != theirs[key]["rejected"]:
            found.append(Finding("submissions", f"{theirs[key]['rejected']} items rejected, we say {row['rejected']}", where))  # fmt: skip
    return found


def doubled_at_channels(books: Books) -> list[tuple[str, str, str, int]]:
    """(system, operation, key, times) of everything that took effect more than once."""
    return [
        (name, operation, key, times)
        for name, operations in ONCE.items()
        for operation in operations
        for key, times in books[name]["applied"].get(operation, {}).items()
        if times > 1
    ]


def nothing_twice_at_channels(conn: Conn, books: Books) -> list[Finding]:
    """Seen from their books: each write took effect once."""
    return [
        Finding("channels-once", f"{operation} applied {times} times", f"{name} {key}")
        for name, operation, key, times in doubled_at_channels(books)
    ]


def nothing_is_open_at_channels(conn: Conn, books: Books) -> list[Finding]:
    """A day that is over leaves no order that somebody waits for, and no pieces kept for one."""
    found = [
        Finding("channels-rest", "somebody still waits for it", number_of(account, order["order_id"]))
        for account, _, order in ours_to_send(books)
        if is_open(order)
    ]
    kept = rows(conn, "SELECT r.sku, r.line_id FROM stock_reservation r WHERE r.ended_at IS NULL ORDER BY r.line_id")
    return found + [Finding("channels-rest", f"{row['sku']} is still kept for it", row["line_id"]) for row in kept]
