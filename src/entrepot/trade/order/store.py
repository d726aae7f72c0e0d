"""All SQL of baskets, legs and lines: one read per table for a batch, one write per table."""

from collections.abc import Iterable, Sequence
from dataclasses import fields
from operator import attrgetter
from typing import Any

from entrepot.identity.model import Conflict
from entrepot.identity.store import join
from entrepot.kernel.ctx import Conn, Ctx, Row
from entrepot.kernel.errors import OurBug
from entrepot.store.bulk import insert_columns, insert_rows, texts, update_rows
from entrepot.trade.order.book import Basket, Book, Happened, Leg, Line, root_of
from entrepot.trade.order.rules import broken_invariants
from entrepot.trade.order.states import LegState

_BASKET = [f.name for f in fields(Basket) if f.name != "legs"]
_LEG = [f.name for f in fields(Leg) if f.name != "lines"]
_LINE = [f.name for f in fields(Line)]
# what never changes after the first sight is left out of updates
_BASKET_UPDATE = ["id", "state", "legs_expected", "ordered_minor", "captured_minor", "released_minor", "refunded_minor"]
_LEG_UPDATE = ["id", "seller_name", "state", "their_state", "accepted_minor", "debited_minor", "refunded_minor", "debit_asked_at", "debited_at",
               "payment_confirmed_at", "decided_at", "ship_due_at", "shipped_at", "revision", "ordered_minor", "acceptance_due_at",
               "cancel_asked_at", "handed_at", "document_number", "acknowledged_at"]  # fmt: skip
_LINE_UPDATE = [
    "id",
    "their_state",
    "accepted_qty",
    "refused_qty",
    "shipped_qty",
    "cancelled_qty",
    "refunded_minor",
    "commission_minor",
    "commission_tax_minor",
    "quantity",
    "price_minor",
    "shipping_minor",
    "tax_minor",
]


def commercial_ids_of(conn: Conn, account: str, order_ids: Sequence[str]) -> dict[str, str]:
    """Which basket each marketplace order belongs to, of those we know."""
    rows = conn.execute(
        "SELECT l.order_id, b.commercial_id FROM leg l JOIN basket b ON b.id = l.basket_id WHERE l.account = %s AND l.order_id = ANY(%s) ORDER BY l.order_id",
        (account, list(order_ids)),
    ).fetchall()
    return {row["order_id"]: row["commercial_id"] for row in rows}


class BrokenInvariant(OurBug):
    """The money of a basket would not add up any more: nothing of the decision is kept."""

    code = "broken-invariant"
    mode = "basket-money-mismatch"


def load(conn: Conn, account: str, commercial_ids: Iterable[str]) -> Book:
    """Baskets with all their legs and lines; unknown ids are simply not there."""
    book = Book()
    wanted = sorted(set(commercial_ids))
    by_id: dict[str, Basket] = {}
    for row in conn.execute(
        f"SELECT {', '.join(_BASKET)} FROM basket WHERE account = %s AND commercial_id = ANY(%s::text[]) ORDER BY commercial_id",
        (account, texts(wanted)),
    ).fetchall():
        basket = Basket(**row)
        book.baskets[basket.commercial_id] = by_id[basket.id] = basket
    legs: dict[str, Leg] = {}
    if by_id:
        for row in conn.execute(
            f"SELECT {', '.join(_LEG)} FROM leg WHERE basket_id = ANY(%s::text[]) ORDER BY order_id",
            (texts(list(by_id)),),
        ).fetchall():
            leg = Leg(**(row | {"state": LegState(row["state"])}))
            by_id[leg.basket_id].legs[leg.order_id] = legs[leg.id] = leg
    if legs:
        for row in conn.execute(
            f"SELECT {', '.join(_LINE)} FROM line WHERE leg_id = ANY(%s::text[]) ORDER BY order_line_id",
            (texts(list(legs)),),
        ).fetchall():
            legs[row["leg_id"]].lines[row["order_line_id"]] = Line(**row)
    return book


def _insert(conn: Conn, table: str, things: Iterable[Any], names: Sequence[str]) -> None:
    insert_columns(conn, table, names, list(zip(*map(attrgetter(*names), things), strict=True)))


def _rows(things: Iterable[Any], names: Sequence[str]) -> list[Row]:
    values = attrgetter(*names)
    return [dict(zip(names, values(thing), strict=True)) for thing in things]


def flush(conn: Conn, ctx: Ctx, book: Book) -> list[Conflict]:
    """Write the batch. Returns identifiers that name something else already: a case each, never a guess.

    Errors: OurBug when a basket's money does not add up: nothing of the batch is kept.
    """
    for basket in book.baskets.values():
        if basket.id in book.changed_baskets or basket.id in book.new_baskets:
            broken = broken_invariants(basket)
            if broken:
                raise BrokenInvariant(
                    f"basket {basket.commercial_id}: {'; '.join(broken)}", basket=basket.commercial_id
                )
    baskets = list(book.baskets.values())
    legs = [leg for _, leg in book.legs()]
    lines = [line for leg in legs for line in leg.lines.values()]
    with conn.pipeline():  # nothing below reads what another writes: the server works while we prepare the next
        _insert(conn, "basket", (b for b in baskets if b.id in book.new_baskets), _BASKET)
        _insert(conn, "leg", (leg for leg in legs if leg.id in book.new_legs), _LEG)
        _insert(conn, "line", (line for line in lines if line.id in book.new_lines), _LINE)
        changed = book.changed_baskets - book.new_baskets
        update_rows(conn, "basket", _rows((b for b in baskets if b.id in changed), _BASKET_UPDATE))
        changed = book.changed_legs - book.new_legs
        update_rows(conn, "leg", _rows((leg for leg in legs if leg.id in changed), _LEG_UPDATE))
        changed = book.changed_lines - book.new_lines
        update_rows(conn, "line", _rows((line for line in lines if line.id in changed), _LINE_UPDATE))
        insert_events(conn, ctx, book.events)
    return join(conn, book.identifiers)


def insert_events(conn: Conn, ctx: Ctx, events: Sequence[Happened]) -> None:
    now = ctx.clock.now()
    insert_rows(
        conn,
        "event",
        [
            {
                "id": ctx.ids.new("evt"),
                "at": now,
                "object": e.object,
                "object_id": e.object_id,
                "root": e.root,
                "what": e.what,
                "from_state": e.from_state,
                "to_state": e.to_state,
                "by": e.by,
                "because": e.because,
                "detail": e.detail,
                "plan_hash": ctx.plan_hash,
            }
            for e in events
        ],
    )


def basket_of_authorisation(conn: Conn, authorisation_id: str) -> Row | None:
    return conn.execute(
        "SELECT * FROM basket WHERE authorisation_id = %s ORDER BY placed_at LIMIT 1", (authorisation_id,)
    ).fetchone()


def leg_of_order(conn: Conn, account: str, order_id: str) -> Row | None:
    """One leg by the marketplace's id, with the commercial id of its basket."""
    return conn.execute(
        "SELECT l.*, b.commercial_id FROM leg l JOIN basket b ON b.id = l.basket_id WHERE l.account = %s AND l.order_id = %s",
        (account, order_id),
    ).fetchone()


def note_leg(conn: Conn, ctx: Ctx, leg: Row, what: str, *, by: str, because: str, **columns: Any) -> None:
    """Set columns of one leg that no state depends on, and leave an event."""
    update_rows(conn, "leg", [{"id": leg["id"], **columns}])
    told = Happened("leg", leg["id"], root_of(leg["commercial_id"]), what, by=by, because=because)
    insert_events(conn, ctx, [told])


def lines_of_leg(conn: Conn, leg_id: str) -> list[Row]:
    return conn.execute("SELECT * FROM line WHERE leg_id = %s ORDER BY order_line_id", (leg_id,)).fetchall()
