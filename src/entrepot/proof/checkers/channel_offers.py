"""Where we are the seller: what the channels show is what they should show, and nothing was sold twice.

The judge works out for itself what each channel should show: the back office's prices and pieces, less what is sold and not sent, and
less the pieces that the plan keeps back there.
"""

from collections import Counter, defaultdict
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Final

from entrepot.blueprint.model import Plan
from entrepot.kernel.ctx import Conn
from entrepot.proof.checkers.channels import BACK_OFFICE, ours_to_send
from entrepot.proof.checkers.finding import Books, Finding, rows
from entrepot.proof.world import CHANNELS
from entrepot.sandbox.selling.shops import missing

SAME_INSTANT: Final = timedelta(minutes=15)  # of business time: until every channel has heard that something was sold
SAME_INSTANT_MACHINE_S: Final = 4.0  # or so long on the machine, where business time runs faster
COMMON: Final = "*"
Buffers = Mapping[str, int]
"""Pieces of every article that are not shown on an account."""


def buffers_of(plan: Plan) -> Buffers:
    """As the plan says."""
    return {account: plan.account(account).buffer for account in CHANNELS if account in plan.accounts}


def shown_is_wanted(conn: Conn, books: Books, buffers: Buffers) -> list[Finding]:
    """Once nothing is on its way, every live listing shows the price and the pieces that it should."""
    found = []
    for account, name, listing in settled_listings(conn, books):
        price, quantity = should_show(books, buffers, account, listing["sku"])
        for what, should, shows in (
            ("price", price, listing["price_minor"]),
            ("quantity", quantity, listing["quantity"]),
        ):
            if should is not None and should != shows:
                found.append(Finding("channel-offers", f"{what} is {shows}, should be {should}", f"{name} {listing['sku']}"))  # fmt: skip
    return found


def wanted_is_right(conn: Conn, books: Books, buffers: Buffers) -> list[Finding]:
    """What we want each channel to show is what the back office says."""
    found = []
    for row in rows(conn, "SELECT * FROM listing WHERE account = ANY(%s) AND state NOT IN ('ended', 'requested') ORDER BY account, sku", list(CHANNELS)):  # fmt: skip
        price, quantity = should_show(books, buffers, row["account"], row["sku"])
        where = f"{row['account']} {row['sku']}"
        if price is not None and row["wanted_price_minor"] != price:
            found.append(Finding("channel-offers", f"we want price {row['wanted_price_minor']}, should be {price}", where))  # fmt: skip
        if quantity is not None and row["wanted_quantity"] != quantity:
            found.append(Finding("channel-offers", f"we want {row['wanted_quantity']} pieces, should be {quantity}", where))  # fmt: skip
    return found


def settled_listings(conn: Conn, books: Books) -> list[tuple[str, str, dict[str, Any]]]:
    """(account, channel, listing) of everything live for which nothing is on its way."""
    moving = {
        (row["account"], row["sku"])
        for row in rows(
            conn,
            "SELECT account, payload ->> 'sku' AS sku FROM effect WHERE state IN ('planned', 'sending', 'unknown') AND payload ? 'sku'"
            " UNION SELECT s.account, e.payload ->> 'sku' FROM submission s JOIN effect e ON e.key = s.effect_key WHERE s.ended_at IS NULL",
        )
    }
    return [
        (account, name, listing)
        for account, name in CHANNELS.items()
        for listing in books[name]["listings"]
        if listing["live"] and (account, listing["sku"]) not in moving
    ]


def should_show(books: Books, buffers: Buffers, account: str, sku: str) -> tuple[int | None, int | None]:
    """Price and pieces by the back office's books; None where these say nothing."""
    desk = books[BACK_OFFICE]
    prices = desk["prices"].get(sku)
    if prices is None:
        return None, None
    left = desk["stock"][sku] - _unsent(books)[sku] - buffers.get(account, 0)
    return prices.get(account, prices[COMMON]), max(0, left)


def _unsent(books: Books) -> Counter[str]:
    """Pieces that are sold and have not left the warehouse."""
    waiting: Counter[str] = Counter()
    for _, _, order in ours_to_send(books):
        for line in order["lines"]:
            waiting[line["sku"]] += missing(line)
    return waiting


# ── sold twice ───────────────────────────────────────────────────────────────────────────────────────────────


def nothing_oversold(conn: Conn, books: Books) -> list[Finding]:
    """No piece was sold that was not there, unless it went at the same instant elsewhere."""
    return [Finding("oversold", what, sku) for sku, what in oversold(conn, books)]


def oversold(conn: Conn, books: Books) -> list[tuple[str, str]]:
    """(article, words) for each order of more pieces than there were, although every channel could have been told of that."""
    rate = conn.execute("SELECT rate FROM clock").fetchone()
    grace = max(SAME_INSTANT, timedelta(seconds=SAME_INSTANT_MACHINE_S * (rate["rate"] if rate else 1.0)))
    found = []
    for sku, moves in _moves(books).items():
        left, fewer_at = 0, None
        for at, by, what in sorted(moves, key=lambda move: (move[0], move[1] < 0)):
            left += by
            if what and left < 0 and (fewer_at is None or at - fewer_at > grace):
                since = f"since {fewer_at:%d %H:%M}" if fewer_at else "ever"
                found.append((sku, f"{what}: {-left} pieces too many, and nothing had moved {since}"))
            if by < 0:
                fewer_at = at
    return found


def _moves(books: Books) -> Mapping[str, list[tuple[datetime, int, str]]]:
    """When pieces came (+) and were sold (-): (instant, pieces, the order or '' for what was no order)."""
    moves: dict[str, list[tuple[datetime, int, str]]] = defaultdict(list)
    for row in books[BACK_OFFICE]["stock_moves"]:
        if row["why"] != "shipped":  # what is sold counts from the order on
            moves[row["sku"]].append((datetime.fromisoformat(row["at"]), row["pieces"], ""))
    for _, name, order in ours_to_send(books):
        at = datetime.fromisoformat(order["placed_at"])
        for line in order["lines"]:
            cancelled = line["cancelled"] if order["cancelled_by"] != "seller" else 0
            if line["quantity"] - cancelled:
                moves[line["sku"]].append((at, cancelled - line["quantity"], f"{name} {order['order_id']}"))
    return moves
