"""The tables of one channel account: each a keyset page over one index of what is still open."""

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

from entrepot.blueprint.model import Plan
from entrepot.flows.dispute_desk import why_not
from entrepot.kernel.ctx import Conn, Row
from entrepot.kernel.money import Money
from entrepot.web import words
from entrepot.web.selling import listing_link, penalty_of
from entrepot.web.store.channels import DUTIES, OTHER, cards
from entrepot.web.store.common import PAGE, money, page_of, read_token, token
from entrepot.web.views import Link
from entrepot.web.views.channels import (
    ChannelDetail,
    ChannelFilter,
    DisputeRow,
    DutyRow,
    ListingRow,
    ParcelRow,
    RefundRow,
    SubmissionRow,
)
from entrepot.web.views.channels import Row as TableRow

NEVER = datetime(9999, 1, 1, tzinfo=UTC)  # in an address: a dispute without a date for its answer
LAST = "\U0010ffff"
Cases = Mapping[tuple[str, str], Link]
Found = tuple[Sequence[TableRow], str]


def detail(conn: Conn, plan: Plan, account: str, wanted: ChannelFilter, now: datetime) -> ChannelDetail:
    rows, after = TABLES.get(wanted.show, orders)(conn, plan, account, wanted)
    return ChannelDetail(cards(conn, plan, (account,), now)[0], wanted, tuple(rows), after)


def order_link(row: Row) -> str:
    return f"/orders/{quote(row['basket_id'], safe='')}#leg-{quote(row['order_id'], safe='')}"


def open_cases(conn: Conn, objects: Sequence[tuple[str, str]]) -> Cases:
    """The open case of each object, its own or the one it is a member of."""
    rows = conn.execute(
        """SELECT w.object, w.object_id, c.id, c.number FROM unnest(%(objects)s::text[], %(ids)s::text[]) AS w (object, object_id)
             JOIN case_file c ON c.object = w.object AND c.object_id = w.object_id AND c.resolved_at IS NULL
            UNION SELECT w.object, w.object_id, c.id, c.number
             FROM unnest(%(objects)s::text[], %(ids)s::text[]) AS w (object, object_id)
             JOIN case_member m ON m.object = w.object AND m.object_id = w.object_id AND m.gone_at IS NULL
             JOIN case_file c ON c.id = m.case_id AND c.resolved_at IS NULL
            ORDER BY 4""",
        {"objects": [name for name, _ in objects], "ids": [id_ for _, id_ in objects]},
    ).fetchall()
    return {
        (row["object"], row["object_id"]): Link(f"Case {row['number']}", f"/cases/{row['id']}", "Case") for row in rows
    }


def _start(wanted: ChannelFilter) -> tuple[datetime, str]:
    """Where the page begins. Errors: BrokenLink."""
    return read_token(wanted.after) if wanted.after else (datetime.min.replace(tzinfo=UTC), "")


def _page(rows: list[Row], at: str) -> tuple[list[Row], str]:
    if len(rows) <= PAGE:
        return rows, ""
    last = rows[PAGE - 1]
    return rows[:PAGE], token(last[at] or NEVER, last["id"])


# An order by its number, or every order with this article.
_LEGS_NAMED = """(SELECT x.id FROM leg x WHERE x.account = %(account)s AND x.order_id = %(q)s
                  UNION SELECT n.leg_id FROM line n JOIN leg x ON x.id = n.leg_id WHERE n.sku = %(q)s AND x.account = %(account)s)"""


def _values(account: str, wanted: ChannelFilter, start: tuple[datetime, str]) -> dict[str, Any]:
    return {"account": account, "q": _asked(wanted), "at": start[0], "id": start[1], "kinds": list(DUTIES)}


def _asked(wanted: ChannelFilter) -> str:
    return wanted.q.replace("\x00", "").strip()


# ── orders that wait for us ──────────────────────────────────────────────────────────────────────────────────


def orders(conn: Conn, plan: Plan, account: str, wanted: ChannelFilter) -> Found:
    named = f"""AND o.object IN ('leg', 'line') AND (o.object_id IN {_LEGS_NAMED}
                OR o.object_id IN (SELECT n.id FROM line n WHERE n.leg_id IN {_LEGS_NAMED}))"""
    rows = conn.execute(
        f"""SELECT o.id, o.kind, o.state, o.object, o.object_id, o.starts_at, o.due_at, o.money_minor, o.currency,
                   l.id AS leg_id, l.order_id, l.basket_id, l.state AS leg_state, l.their_state, l.created_at, l.market,
                   coalesce(n.order_line_id, '') AS order_line_id
              FROM (SELECT * FROM obligation o WHERE o.account = %(account)s AND o.ended_at IS NULL AND o.kind = ANY(%(kinds)s)
                       AND (o.due_at, o.id) > (%(at)s, %(id)s) {named if _asked(wanted) else ""}
                     ORDER BY o.due_at, o.id LIMIT {PAGE + 1}) AS o
              LEFT JOIN line n ON o.object = 'line' AND n.id = o.object_id
              JOIN leg l ON l.id = coalesce(n.leg_id, o.object_id)
             ORDER BY o.due_at, o.id""",
        _values(account, wanted, _start(wanted)),
    ).fetchall()
    rows, after = _page(rows, "due_at")
    cases = open_cases(
        conn, [key for row in rows for key in ((row["object"], row["object_id"]), ("leg", row["leg_id"]))]
    )
    return [_duty(plan, account, row, cases) for row in rows], after


def _duty(plan: Plan, account: str, row: Row, cases: Cases) -> DutyRow:
    return DutyRow(
        id=row["id"],
        order_id=row["order_id"],
        line=row["order_line_id"],
        href=order_link(row),
        what=words.CHANNEL_DUTY.get(row["kind"], words.plain(row["kind"])),
        their_state=words.state(words.LEG, row["leg_state"], row["their_state"]),
        state=words.state(words.PROMISE, row["state"]),
        starts_at=row["starts_at"],
        due_at=row["due_at"],
        money=money(row, "money_minor") if row["money_minor"] else None,
        penalty=penalty_of(plan, account, row["kind"], row["created_at"], row["market"]),
        case=cases.get((row["object"], row["object_id"])) or cases.get(("leg", row["leg_id"])),
    )


# ── parcels the channel does not know ────────────────────────────────────────────────────────────────────────

PARCELS = """SELECT p.*, l.order_id, l.basket_id, l.account, e.id AS effect_id, e.state AS effect_state FROM parcel p JOIN leg l ON l.id = p.leg_id
               LEFT JOIN effect e ON e.key = 'ship:' || l.account || ':' || l.order_id || ':' || p.number"""


def parcels(conn: Conn, plan: Plan, account: str, wanted: ChannelFilter) -> Found:
    named = f"AND (p.tracking = %(q)s OR p.number = %(q)s OR p.leg_id IN {_LEGS_NAMED})" if _asked(wanted) else ""
    rows = conn.execute(
        f"""{PARCELS} WHERE p.confirmed_at IS NULL AND l.account = %(account)s AND (p.shipped_at, p.id) > (%(at)s, %(id)s) {named}
             ORDER BY p.shipped_at, p.id LIMIT {PAGE + 1}""",
        _values(account, wanted, _start(wanted)),
    ).fetchall()
    rows, after = _page(rows, "shipped_at")
    return parcel_rows(conn, rows), after


def parcel_rows(conn: Conn, rows: Sequence[Row]) -> list[ParcelRow]:
    """Shape: rows of PARCELS."""
    cases = open_cases(
        conn, [key for row in rows for key in (("effect", row["effect_id"] or ""), ("leg", row["leg_id"]))]
    )
    return [_parcel(row, cases) for row in rows]


def _parcel(row: Row, cases: Cases) -> ParcelRow:
    state = "confirmed" if row["confirmed_at"] else "refused" if row["refused"] else "unconfirmed"
    action = words.state(words.ACTION, row["effect_state"]).word if row["effect_id"] else ""
    return ParcelRow(
        id=row["id"],
        number=row["number"],
        order_id=row["order_id"],
        href=order_link(row),
        carrier=row["carrier"],
        tracking=row["tracking"],
        shipped_at=row["shipped_at"],
        state=words.state(words.PARCEL_AT_CHANNEL, state),
        refused=row["refused"],
        action=Link(action, f"/actions/{row['effect_id']}", "Confirmation") if row["effect_id"] else None,
        case=None
        if row["confirmed_at"]
        else cases.get(("effect", row["effect_id"] or "")) or cases.get(("leg", row["leg_id"])),
        confirmed_at=row["confirmed_at"],
    )


# ── listings ─────────────────────────────────────────────────────────────────────────────────────────────────


def listings(conn: Conn, plan: Plan, account: str, wanted: ChannelFilter) -> Found:
    """In byte order of the SKU. A search is a SKU's beginning."""
    conditions, asked = ["account = %(account)s"], _asked(wanted)
    if wanted.state == "other":
        conditions.append(OTHER)
    elif wanted.state:
        conditions.append("state = %(state)s")
    if asked:
        conditions.append('sku COLLATE "C" >= %(q)s AND sku COLLATE "C" < %(to)s')
    if wanted.after:
        conditions.append('sku COLLATE "C" > %(after)s')
    after = wanted.after.replace("\x00", "")
    values = {"account": account, "state": wanted.state, "q": asked, "to": asked + LAST, "after": after}
    rows = conn.execute(
        f'SELECT * FROM listing WHERE {" AND ".join(conditions)} ORDER BY sku COLLATE "C" LIMIT {PAGE + 1}', values
    ).fetchall()
    return [listing_row(row) for row in rows[:PAGE]], rows[PAGE - 1]["sku"] if len(rows) > PAGE else ""


def listing_row(row: Row) -> ListingRow:
    issues = [issue for issue in row["issues"] if issue.get("severity") == "error"] or row["issues"]
    first = issues[0] if issues else {}
    return ListingRow(
        account=row["account"],
        sku=row["sku"],
        href=listing_link(row["account"], row["sku"]),
        status=row["state"],
        state=words.state(words.LISTING, row["state"], row["their_state"]),
        their_id=row["their_id"],
        shown_price=_price(row, "shown_price_minor"),
        shown_quantity=row["shown_quantity"],
        wanted_price=_price(row, "wanted_price_minor"),
        wanted_quantity=row["wanted_quantity"],
        other=tuple(_other(row)),
        issues=len(row["issues"]),
        issue=": ".join(text for text in (first.get("attribute", ""), first.get("message", "")) if text),
        seen_at=row["seen_at"],
    )


def _price(row: Row, name: str) -> Money | None:
    return Money(row[name], row["currency"]) if row[name] is not None and row["currency"] else None


def _other(row: Row) -> list[str]:
    if row["state"] in ("requested", "ended"):
        return []
    said = []
    for lane, name in (("price", "price_minor"), ("stock", "quantity")):
        if row[f"{lane}_told"] < row[f"{lane}_version"]:
            said.append(f"{lane} not taken")
        elif (
            None not in (row[f"shown_{name}"], row[f"wanted_{name}"]) and row[f"shown_{name}"] != row[f"wanted_{name}"]
        ):
            said.append(f"{lane} differs")
    return said


# ── submissions in work ──────────────────────────────────────────────────────────────────────────────────────

SUBMISSIONS = """SELECT s.*, s.submission_id AS id, e.id AS effect_id, e.payload, e.root FROM submission s
                   LEFT JOIN effect e ON e.key = s.effect_key"""


def submissions(conn: Conn, plan: Plan, account: str, wanted: ChannelFilter) -> Found:
    named = "AND (s.submission_id = %(q)s OR e.payload ->> 'sku' = %(q)s OR e.payload ->> 'order_id' = %(q)s)"
    rows = conn.execute(
        f"""{SUBMISSIONS} WHERE s.account = %(account)s AND s.ended_at IS NULL AND (s.taken_at, s.submission_id) > (%(at)s, %(id)s)
               {named if _asked(wanted) else ""} ORDER BY s.taken_at, s.submission_id LIMIT {PAGE + 1}""",
        _values(account, wanted, _start(wanted)),
    ).fetchall()
    rows, after = _page(rows, "taken_at")
    return [submission_row(row) for row in rows], after


def submission_row(row: Row) -> SubmissionRow:
    return SubmissionRow(
        id=row["submission_id"],
        what=words.plain(row["operation"].partition(".")[2] or row["operation"]),
        about=_about(row),
        status=row["state"],
        state=words.state(words.SUBMISSION, row["state"], row["their_state"]),
        items=row["items"],
        rejected=row["rejected"],
        taken_at=row["taken_at"],
        ended_at=row["ended_at"],
        action=Link(row["effect_key"], f"/actions/{row['effect_id']}", "Outgoing action") if row["effect_id"] else None,
    )


def _about(row: Row) -> Link | None:
    """The listing or the order it carries."""
    payload = row["payload"] or {}
    if sku := str(payload.get("sku", "")):
        return Link(sku, listing_link(row["account"], sku), "Listing")
    order_id = str(payload.get("order_id", ""))
    return Link(order_id, f"/find?q={quote(order_id)}", "Order") if order_id else None


# ── refunds that our books do not know ───────────────────────────────────────────────────────────────────────

REFUNDS = """SELECT r.*, r.refund_id AS id, l.order_id, l.basket_id, o.due_at FROM channel_refund r JOIN leg l ON l.id = r.leg_id
               LEFT JOIN obligation o ON o.kind = 'refund-confirmed' AND o.object = 'channel-refund'
                                     AND o.object_id = r.account || ':' || r.refund_id"""


def refunds(conn: Conn, plan: Plan, account: str, wanted: ChannelFilter) -> Found:
    named = f"AND (r.refund_id = %(q)s OR r.leg_id IN {_LEGS_NAMED})" if _asked(wanted) else ""
    rows = conn.execute(
        f"""{REFUNDS} WHERE r.account = %(account)s AND r.booked_at IS NULL AND (r.refunded_at, r.refund_id) > (%(at)s, %(id)s) {named}
             ORDER BY r.refunded_at, r.refund_id LIMIT {PAGE + 1}""",
        _values(account, wanted, _start(wanted)),
    ).fetchall()
    rows, after = _page(rows, "refunded_at")
    return refund_rows(conn, rows), after


def refund_rows(conn: Conn, rows: Sequence[Row]) -> list[RefundRow]:
    """Shape: rows of REFUNDS."""
    cases = open_cases(conn, [("channel-refund", f"{row['account']}:{row['refund_id']}") for row in rows])
    return [
        RefundRow(
            id=row["refund_id"],
            order_id=row["order_id"],
            href=order_link(row),
            amount=money(row, "amount_minor"),
            by="us" if row["by"] == "seller" else "the channel",
            reason=row["reason"],
            refunded_at=row["refunded_at"],
            due_at=row["due_at"],
            booked_at=row["booked_at"],
            document_number=row["document_number"],
            case=cases.get(("channel-refund", f"{row['account']}:{row['refund_id']}")),
        )
        for row in rows
    ]


# ── disputes ─────────────────────────────────────────────────────────────────────────────────────────────────

DISPUTES = "SELECT d.* FROM dispute d"
BY = "coalesce(d.respond_by, 'infinity'::timestamptz)"  # as its index says it


def disputes(conn: Conn, plan: Plan, account: str, wanted: ChannelFilter) -> Found:
    """By the date for an answer; those without one last."""
    named = f"AND (d.dispute_id = %(q)s OR d.order_id = %(q)s OR d.leg_id IN {_LEGS_NAMED})" if _asked(wanted) else ""
    rows = conn.execute(
        f"""{DISPUTES} WHERE d.account = %(account)s AND d.state IN ('open', 'action-needed') {named}
               AND ({BY}, d.id) > (CASE WHEN %(at)s >= %(never)s THEN 'infinity'::timestamptz ELSE %(at)s END, %(id)s)
             ORDER BY {BY}, d.id LIMIT {PAGE + 1}""",
        {**_values(account, wanted, _start(wanted)), "never": NEVER},
    ).fetchall()
    rows, after = _page(rows, "respond_by")
    return dispute_rows(conn, plan, rows), after


def dispute_rows(conn: Conn, plan: Plan, rows: Sequence[Row]) -> list[DisputeRow]:
    """Shape: rows of DISPUTES."""
    cases = open_cases(conn, [("dispute", f"{row['account']}:{row['dispute_id']}") for row in rows])
    return [_dispute(conn, plan, row, cases) for row in rows]


def _dispute(conn: Conn, plan: Plan, row: Row, cases: Cases) -> DisputeRow:
    not_now = why_not(conn, plan, row)
    order = page_of(conn, "leg", row["leg_id"]) if row["leg_id"] else None
    return DisputeRow(
        id=row["id"],
        account=row["account"],
        dispute_id=row["dispute_id"],
        order_id=row["order_id"],
        href=order.href if order else "",
        kind=words.plain(row["kind"]),
        status=row["state"],
        state=words.state(words.DISPUTE, row["state"], row["their_state"]),
        reason=row["reason"],
        amount=money(row, "amount_minor"),
        respond_by=row["respond_by"],
        answered_at=row["answered_at"],
        opened_at=row["opened_at"],
        case=cases.get(("dispute", f"{row['account']}:{row['dispute_id']}")),
        answerable=not not_now,
        why_not=not_now,
    )


TABLES: Mapping[str, Callable[[Conn, Plan, str, ChannelFilter], Found]] = {
    "orders": orders,
    "parcels": parcels,
    "listings": listings,
    "submissions": submissions,
    "refunds": refunds,
    "disputes": disputes,
}
