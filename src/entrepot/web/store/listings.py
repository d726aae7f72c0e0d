"""One listing: wanted against shown, what was told, where price and stock come from, and its story."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta

from entrepot.blueprint.model import Plan
from entrepot.kernel.ctx import Conn, Row
from entrepot.kernel.money import Money
from entrepot.trade.stock.store import available
from entrepot.web import format as show
from entrepot.web import words
from entrepot.web.selling import channel_word
from entrepot.web.store import cases
from entrepot.web.store.channel_tables import SUBMISSIONS, listing_row, order_link, submission_row
from entrepot.web.store.records import ACTION_COLUMNS, MESSAGE_COLUMNS, action_row, message_row
from entrepot.web.views import ActionRow, CaseRow, Link, MessageRow, State, TimelineEntry, Tone
from entrepot.web.views.channels import ListingRow
from entrepot.web.views.listings import (
    BatchRow,
    IssueRow,
    ItemRow,
    LaneView,
    ListingDetail,
    PoolRow,
    PriceRow,
    ReservationRow,
)

AROUND_MAX = 60
BATCHES_MAX = 20
EVERYWHERE = "*"
SEVERITY = {"error": State("Error", Tone.BAD), "warning": State("Warning", Tone.WARN)}


def detail(conn: Conn, plan: Plan, account: str, sku: str, now: datetime) -> ListingDetail | None:
    rows = conn.execute("SELECT * FROM listing WHERE sku = %s ORDER BY account", (sku,)).fetchall()
    found = next((row for row in rows if row["account"] == account), None)
    if found is None:
        return None
    prices = _prices(conn, plan, account, sku)
    pool, reservations = _pool(conn, sku), _reservations(conn, sku, found)
    buffer = plan.account(account).buffer if account in plan.accounts else 0
    rest = available(conn, [sku]).get(sku)
    batches, around = _batches(conn, account, sku), _around(conn, account, sku)
    return ListingDetail(
        row=listing_row(found),
        channel=channel_word(plan, account) if account in plan.accounts else account,
        product_type=found["product_type"],
        revision=found["revision"],
        changed_at=found["changed_at"],
        lanes=(_price_lane(found, prices), _stock_lane(plan, found, rest, now)),
        issues=tuple(_issue(issue) for issue in found["issues"]),
        batches=batches,
        pool=pool,
        reservations=reservations,
        reserved=sum(one.quantity for one in reservations if one.counts),
        buffer=buffer,
        available=None if rest is None else max(rest[0] - buffer, 0),
        prices=prices,
        limits=_limits(plan, account),
        elsewhere=tuple(listing_row(row) for row in rows if row["account"] != account),
        story=_story(listing_row(found), batches, *around),
        cases=around[0],
        actions=around[1],
        messages=around[2],
    )


def _issue(issue: Row) -> IssueRow:
    severity = str(issue.get("severity", "error"))
    state = SEVERITY.get(severity, State(words.plain(severity), Tone.WARN))
    return IssueRow(issue.get("code", ""), issue.get("message", ""), issue.get("attribute", ""), state)


# ── wanted against shown ─────────────────────────────────────────────────────────────────────────────────────


def _price_lane(row: Row, prices: Sequence[PriceRow]) -> LaneView:
    source = next((one for one in prices if one.counts), None)
    told = f"the ERP’s price {'for this channel' if source.channel != EVERYWHERE else 'for every channel'}, version {source.version}" if source else ""  # fmt: skip
    wanted, shown = _amount(row, "wanted_price_minor"), _amount(row, "shown_price_minor")
    return _lane(row, "price", "Price", wanted, shown, told or "nobody has said what it costs here")


def _stock_lane(plan: Plan, row: Row, rest: tuple[int, datetime] | None, now: datetime) -> LaneView:
    wanted, shown = _pieces(row["wanted_quantity"]), _pieces(row["shown_quantity"])
    source = "nobody has told us of any stock"
    if rest is not None:
        source = f"the pool less what is ordered and the buffer; its oldest word is {show.span(now - rest[1])} old"
        if _is_stale(plan, now - rest[1]):
            source += ": too old for the plan, so nothing is offered"
    return _lane(row, "stock", "Stock", wanted, shown, source)


def _is_stale(plan: Plan, age: timedelta) -> bool:
    flow = plan.flows.get("listing-offer")
    return flow is not None and flow.freshness is not None and age > flow.freshness.max_age


def _lane(row: Row, lane: str, word: str, wanted: str, shown: str, source: str) -> LaneView:
    return LaneView(word, wanted, shown, _lane_state(row, lane, wanted, shown), row[f"{lane}_version"], row[f"{lane}_told"], row[f"{lane}_told_at"], source)  # fmt: skip


def _lane_state(row: Row, lane: str, wanted: str, shown: str) -> State:
    if not wanted:
        return State("Nothing wanted yet", Tone.IDLE)
    if row[f"{lane}_told"] < row[f"{lane}_version"]:
        return State("Not taken yet", Tone.WARN)
    if not shown:
        return State("Taken, never seen", Tone.INFO)
    return State("As wanted", Tone.GOOD) if wanted == shown else State("Shown otherwise", Tone.BAD)


def _amount(row: Row, name: str) -> str:
    return show.money_text(Money(row[name], row["currency"])) if row[name] is not None and row["currency"] else ""


def _pieces(quantity: int | None) -> str:
    return "" if quantity is None else f"{quantity} {'piece' if quantity == 1 else 'pieces'}"


def _limits(plan: Plan, account: str) -> str:
    limits = plan.account(account).price_limits.get("*") if account in plan.accounts else None
    parts = [("floor", limits.floor), ("ceiling", limits.ceiling)] if limits else []
    currency = plan.account(account).currency if parts else ""
    return ", ".join(f"{word} {value} {currency}" for word, value in parts if value)


# ── where they come from ─────────────────────────────────────────────────────────────────────────────────────


def _prices(conn: Conn, plan: Plan, account: str, sku: str) -> tuple[PriceRow, ...]:
    rows = conn.execute("SELECT * FROM price_told_us WHERE sku = %s ORDER BY channel", (sku,)).fetchall()
    channels = {row["channel"] for row in rows}
    here = account if account in channels else EVERYWHERE
    return tuple(
        PriceRow(row["channel"], Money(row["price_minor"], row["currency"]), row["version"], row["changed_at"], row["channel"] == here)
        for row in rows
    )  # fmt: skip


def _pool(conn: Conn, sku: str) -> tuple[PoolRow, ...]:
    rows = conn.execute(
        "SELECT location, quantity, version, changed_at FROM stock_pool WHERE sku = %s ORDER BY location", (sku,)
    ).fetchall()
    return tuple(PoolRow(**row) for row in rows)


def _reservations(conn: Conn, sku: str, listing: Row) -> tuple[ReservationRow, ...]:
    """Those that count first, then the newest: open ones, and what left after the pool's last word."""
    rows = conn.execute(
        f"""SELECT r.*, n.order_line_id, l.account, l.order_id, l.basket_id,
                   r.ended_at IS NULL OR (r.shipped AND r.ended_at > p.changed_at) AS counts
              FROM stock_reservation r JOIN line n ON n.id = r.line_id JOIN leg l ON l.id = r.leg_id
              LEFT JOIN (SELECT min(changed_at) AS changed_at FROM stock_pool WHERE sku = %(sku)s) AS p ON true
             WHERE r.sku = %(sku)s ORDER BY counts DESC, r.made_at DESC, r.line_id LIMIT {AROUND_MAX}""",
        {"sku": sku},
    ).fetchall()
    return tuple(_reservation(row) for row in rows)


def _reservation(row: Row) -> ReservationRow:
    if row["ended_at"] is None:
        state = State("Held for the order", Tone.INFO)
    elif row["shipped"]:
        state = State("Left the warehouse", Tone.GOOD)
    else:
        state = State("Given back", Tone.IDLE)
    return ReservationRow(
        order=Link(row["order_id"], order_link(row), "Order"),
        account=row["account"],
        line=row["order_line_id"],
        quantity=row["quantity"],
        made_at=row["made_at"],
        ended_at=row["ended_at"],
        state=state,
        counts=bool(row["counts"]),
    )


def _batches(conn: Conn, account: str, sku: str) -> tuple[BatchRow, ...]:
    """What was submitted for this listing, the newest first, with each item's answer."""
    rows = conn.execute(
        f"""{SUBMISSIONS.replace("LEFT JOIN", "JOIN")} WHERE e.root = %s AND e.account = %s AND s.account = e.account
             ORDER BY s.taken_at DESC, s.submission_id LIMIT {BATCHES_MAX}""",
        (f"listing:{sku}", account),
    ).fetchall()
    items = conn.execute(
        "SELECT * FROM submission_item WHERE account = %s AND submission_id = ANY(%s) ORDER BY submission_id, accepted, key",
        (account, [row["submission_id"] for row in rows]),
    ).fetchall()
    return tuple(
        BatchRow(submission_row(row), tuple(_item(item) for item in items if item["submission_id"] == row["submission_id"])[:AROUND_MAX])
        for row in rows
    )  # fmt: skip


def _item(row: Row) -> ItemRow:
    state = State("Accepted", Tone.GOOD) if row["accepted"] else State("Refused", Tone.BAD)
    return ItemRow(row["key"], state, row["code"], row["message"], row["attribute"])


# ── its story ────────────────────────────────────────────────────────────────────────────────────────────────

Around = tuple[tuple[CaseRow, ...], tuple[ActionRow, ...], tuple[MessageRow, ...]]


# Its own cases, and those of a group it is or was in.
_ABOUT = """c.id IN (WITH w AS (SELECT %s::text AS id)
    SELECT f.id FROM case_file f, w WHERE f.object = 'listing' AND f.object_id = w.id
     UNION SELECT m.case_id FROM case_member m, w WHERE m.object = 'listing' AND m.object_id = w.id)"""


def _around(conn: Conn, account: str, sku: str) -> Around:
    """Its cases, what was sent for it on this channel, and what was received about it here or about the article."""
    root = f"listing:{sku}"
    actions = conn.execute(
        f"SELECT {ACTION_COLUMNS} FROM effect e WHERE e.root = %s AND e.account = %s ORDER BY e.seq DESC LIMIT {AROUND_MAX}",
        (root, account),
    ).fetchall()
    messages = conn.execute(
        f"""SELECT {MESSAGE_COLUMNS} FROM message m WHERE m.root = %s AND (m.account = %s OR m.kind IN ('stock', 'price', 'product'))
             ORDER BY m.seq DESC LIMIT {AROUND_MAX}""",
        (root, account),
    ).fetchall()
    return (
        cases.newest_first(conn, _ABOUT, f"{account}/{sku}"),
        tuple(action_row(row) for row in actions),
        tuple(message_row(row) for row in messages),
    )


def _story(
    row: ListingRow,
    batches: Iterable[BatchRow],
    about: Iterable[CaseRow],
    actions: Iterable[ActionRow],
    messages: Iterable[MessageRow],
) -> tuple[TimelineEntry, ...]:
    """The newest first: what arrived, what was sent, what the channel said of it, and what needed a person."""
    told = [entry for batch in batches for entry in _batch_told(row.account, batch)]
    told += [entry for case in about for entry in _case_told(case)]
    told += [_action_told(action) for action in actions]
    told += [_message_told(message) for message in messages]
    return tuple(sorted(told, key=lambda entry: entry.at, reverse=True)[:AROUND_MAX])


def _batch_told(account: str, batch: BatchRow) -> Iterator[TimelineEntry]:
    row = batch.row
    yield TimelineEntry(row.taken_at, f"{row.what}: taken by the channel as {row.id}", account, Tone.INFO)
    if row.ended_at:
        said = "; ".join(item.message for item in batch.items if item.message)
        tone = Tone.BAD if row.rejected else row.state.tone
        yield TimelineEntry(row.ended_at, f"{row.what}: {row.state.word.lower()}", account, tone, said)


def _case_told(case: CaseRow) -> Iterator[TimelineEntry]:
    link = Link(str(case.number), f"/cases/{case.id}", "Case")
    yield TimelineEntry(
        case.opened_at, f"Case {case.number}: {case.title}", words.plain(case.owner), Tone.WARN, case.cause, link
    )
    if case.resolved_at:
        yield TimelineEntry(
            case.resolved_at, f"Case {case.number} is over", words.plain(case.owner), Tone.GOOD, "", link
        )


def _action_told(action: ActionRow) -> TimelineEntry:
    link = Link(action.key, f"/actions/{action.id}", "Outgoing action")
    at = action.done_at or action.planned_at
    return TimelineEntry(
        at, f"{action.what}: {action.state.word.lower()}", "Entrepot", action.state.tone, action.note, link
    )


def _message_told(message: MessageRow) -> TimelineEntry:
    link = Link(message.external_id, f"/messages/{message.id}", "Message")
    tone = message.state.tone if message.note else Tone.INFO
    return TimelineEntry(
        message.received_at, f"{words.plain(message.kind)} received", message.account, tone, message.note, link
    )
