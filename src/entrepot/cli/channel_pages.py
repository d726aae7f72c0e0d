"""Channels, listings and disputes as a terminal shows them and as JSON. Both say what the console's pages say."""

from collections.abc import Mapping, Sequence
from dataclasses import fields, is_dataclass
from datetime import datetime
from typing import Any

from entrepot.cli.output import Cell, Column, Paper, Said, Style, local, money_document, span, state_cell, time_left
from entrepot.kernel.money import Money
from entrepot.web import words
from entrepot.web.format import percent
from entrepot.web.views import Link, State
from entrepot.web.views.channels import (
    ChannelCard,
    ChannelDetail,
    DisputeRow,
    DutyRow,
    ListingRow,
    ParcelRow,
    Pile,
    RefundRow,
    Row,
    SubmissionRow,
)
from entrepot.web.views.listings import ListingDetail

REMAINING = {"overdue": "overdue", "soon": "under 2 h", "today": "under 24 h", "later": "later"}
NOT_SAID = frozenset({"href", "by_people"})  # addresses of the console


def document(view: Any) -> Any:
    """A view with stable names; money with its currency, times in UTC, a state as our word and beside it theirs."""
    if isinstance(view, Money):
        return money_document(view.minor, view.currency)
    if isinstance(view, State):
        return {"word": view.word, "theirs": view.theirs or None}
    if isinstance(view, Link):
        return view.text
    if is_dataclass(view):
        return {one.name: document(getattr(view, one.name)) for one in fields(view) if one.name not in NOT_SAID}
    if isinstance(view, Mapping):
        return {name: document(value) for name, value in view.items()}
    return [document(one) for one in view] if isinstance(view, tuple | list) else view


# ── channels ─────────────────────────────────────────────────────────────────────────────────────────────────


def cards_page(paper: Paper, cards: Sequence[ChannelCard], now: datetime) -> None:
    if not cards:
        paper.line("The plan names no account on which we are the seller.")
        return
    columns = [Column("Account", keeps=True), Column("Waiting", right=True), Column("Overdue", right=True), Column("Parcels", right=True),
               Column("Live", right=True), Column("Not as wanted", right=True), Column("In trouble", right=True), Column("In work", right=True),
               Column("Refunds", right=True), Column("Disputes", right=True), Column("Health")]  # fmt: skip
    paper.table(columns, [_card_row(card) for card in cards])


def _card_row(card: ChannelCard) -> Sequence[Said]:
    overdue = sum(part.count for duty in card.duties for part in duty.parts if part.code == "overdue")
    trouble = card.listings.get("issue", 0) + card.listings.get("suppressed", 0)
    worst = [row for row in card.health if row.state.tone in ("bad", "warn")]
    health: Said = Cell(", ".join(row.word for row in worst), Style.BAD) if worst else card.standing
    late = Cell(str(overdue), Style.BAD if overdue else Style.PLAIN)
    counts = (
        card.parcels.count,
        card.listings.get("live", 0),
        card.other,
        trouble,
        card.submissions.count,
        card.refunds.count,
        card.disputes.count,
    )
    return (card.account, str(card.waiting), late, *map(str, counts), health)


def channel_page(paper: Paper, detail: ChannelDetail, now: datetime, more: str) -> None:
    card = detail.card
    paper.line(Cell(card.account, Style.STRONG), card.channel, f"standing {card.standing}" if card.standing else "")
    _duties(paper, card)
    _piles(paper, card)
    listed = ", ".join(
        f"{count} {words.state(words.LISTING, state).word.lower()}" for state, count in card.listings.items()
    )
    paper.line(f"Listings: {listed or 'none'}; {card.other} not as wanted")
    _health(paper, card)
    if card.checks:
        paper.heading("Safety checks")
        for check in card.checks:
            ran = local(check.ran_at) if check.ran_at else ""
            paper.line(check.word, state_cell(check.state), ran, check.error, indent=1)
    paper.heading({"orders": "Orders waiting for us"}.get(detail.filter.show, words.plain(detail.filter.show)))
    if not detail.rows:
        paper.line("None.", indent=1)
        return
    titles = TITLES[type(detail.rows[0])]
    paper.table(titles, [_cells(row, now) for row in detail.rows])
    if more:
        paper.line(Cell(f"more: --after {more}", Style.QUIET))


def _duties(paper: Paper, card: ChannelCard) -> None:
    paper.heading("Orders by remaining time")
    columns = [
        Column("What"),
        *(
            Column(REMAINING[part.code].capitalize(), right=True)
            for part in (card.duties[0].parts if card.duties else ())
        ),
    ]
    if not card.duties:
        paper.line("No order waits for us.", indent=1)
        return
    rows = [
        (
            duty.word,
            *(f"{part.count} ({', '.join(map(str, part.money))})" if part.count else "-" for part in duty.parts),
        )
        for duty in card.duties
    ]
    paper.table(columns, rows)


def _piles(paper: Paper, card: ChannelCard) -> None:
    paper.heading("Not over yet")
    for word, pile in (("parcels the channel does not know", card.parcels), ("submissions in work", card.submissions),
                       ("refunds not in our books", card.refunds), ("disputes", card.disputes)):  # fmt: skip
        paper.line(f"{pile.count} {word}", _of(pile), indent=1)


def _of(pile: Pile) -> str:
    said = [", ".join(map(str, pile.money)), f"first {local(pile.first_at)}" if pile.first_at else ""]
    return "; ".join(part for part in said if part)


def _health(paper: Paper, card: ChannelCard) -> None:
    if not card.health:
        return
    paper.heading("How the channel judges us")
    columns = [
        Column("Measure"),
        Column("Rate", right=True),
        Column("Limit", right=True),
        Column("State", keeps=True),
        Column("Consequence"),
    ]
    paper.table(
        columns,
        [
            (row.word, percent(row.rate) if row.rate is not None else "-", percent(row.limit) if row.limit is not None else "-",
             state_cell(row.state), row.consequence)
            for row in card.health
        ],
    )  # fmt: skip


# ── tables ───────────────────────────────────────────────────────────────────────────────────────────────────

KEPT = frozenset({"Left", "Left us", "Order", "SKU", "Taken", "Submission", "Refunded", "Answer by", "Dispute"})
RIGHT = frozenset({"Value", "Shown", "Wanted", "Amount"})


def _columns(*titles: str) -> Sequence[Column]:
    return [Column(title, right=title in RIGHT, keeps=title in KEPT) for title in titles]


TITLES: Mapping[type, Sequence[Column]] = {
    DutyRow: _columns("Left", "Order", "Line", "What", "Value", "When it is missed", "Case"),
    ParcelRow: _columns("Left us", "Parcel", "Order", "Tracking", "State", "Case"),
    ListingRow: _columns("SKU", "State", "Shown", "Wanted", "Not as wanted", "Issue"),
    SubmissionRow: _columns("Taken", "Submission", "What", "About", "State"),
    RefundRow: _columns("Refunded", "Refund", "Order", "By", "Amount", "Case"),
    DisputeRow: _columns("Answer by", "Dispute", "Account", "Order", "State", "Amount", "Reason", "Case"),
}


def _cells(row: Row, now: datetime) -> Sequence[Said]:
    match row:
        case DutyRow():
            return (
                time_left(row.due_at, now),
                row.order_id,
                row.line,
                row.what,
                str(row.money or ""),
                row.penalty,
                _text(row.case),
            )
        case ParcelRow():
            return (
                f"{span(now - row.shipped_at)} ago",
                row.number,
                row.order_id,
                f"{row.carrier} {row.tracking}",
                state_cell(row.state),
                _text(row.case),
            )
        case ListingRow():
            shown, wanted = _offer(row.shown_price, row.shown_quantity), _offer(row.wanted_price, row.wanted_quantity)
            return (row.sku, state_cell(row.state), shown, wanted, ", ".join(row.other), row.issue)
        case SubmissionRow():
            return (f"{span(now - row.taken_at)} ago", row.id, row.what, _text(row.about), state_cell(row.state))
        case RefundRow():
            return (local(row.refunded_at), row.id, row.order_id, row.by, str(row.amount), _text(row.case))
    return _dispute(row, now)


def _dispute(row: DisputeRow, now: datetime) -> Sequence[Said]:
    until: Said = (
        f"answered {local(row.answered_at)}"
        if row.answered_at
        else time_left(row.respond_by, now)
        if row.respond_by
        else "no date"
    )
    return (
        until,
        row.dispute_id,
        row.account,
        row.order_id,
        state_cell(row.state),
        str(row.amount),
        row.reason,
        _text(row.case),
    )


def _text(link: Link | None) -> str:
    return link.text if link else ""


def _offer(price: Money | None, quantity: int | None) -> str:
    return ", ".join(part for part in (str(price or ""), f"{quantity} pieces" if quantity is not None else "") if part)


def disputes_page(paper: Paper, rows: Sequence[DisputeRow], now: datetime, more: bool) -> None:
    if not rows:
        paper.line("No dispute is open.")
        return
    paper.table(TITLES[DisputeRow], [_dispute(row, now) for row in rows])
    if more:
        paper.line(Cell("There are more: ask for one account with --account.", Style.QUIET))


# ── one listing ──────────────────────────────────────────────────────────────────────────────────────────────


def listing_page(paper: Paper, listing: ListingDetail) -> None:
    row = listing.row
    seen = f"seen {local(row.seen_at)}" if row.seen_at else "never seen there"
    paper.line(Cell(row.sku, Style.STRONG), f"at {row.account}", state_cell(row.state), seen)
    for lane in listing.lanes:
        told = f"version {lane.version}, they took {lane.told}" if lane.version else ""
        paper.line(
            Cell(f"{lane.word}:", Style.STRONG),
            f"wanted {lane.wanted or 'nothing'}, shown {lane.shown or 'nothing'};",
            state_cell(lane.state),
            told,
        )
        paper.line(lane.source, indent=1)
    for issue in listing.issues:
        about = f"{issue.attribute}: " if issue.attribute else ""
        paper.line(state_cell(issue.state), f"{about}{issue.message}", f"({issue.code})" if issue.code else "")
    _sources(paper, listing)
    if listing.batches:
        paper.heading("Submissions")
    for batch in listing.batches:
        paper.line(batch.row.id, batch.row.what, state_cell(batch.row.state), local(batch.row.taken_at), indent=1)
        for item in batch.items:
            paper.line(item.key, state_cell(item.state), item.message, f"({item.code})" if item.code else "", indent=2)
    if listing.cases:
        paper.heading("Cases")
    for case in listing.cases:
        paper.line(str(case.number), state_cell(case.state), case.cause, indent=1)
    paper.heading("Story")
    for entry in listing.story:
        paper.line(local(entry.at), entry.what, entry.detail, indent=1)


def _sources(paper: Paper, listing: ListingDetail) -> None:
    paper.heading("Where price and stock come from")
    for price in listing.prices:
        where = "every channel" if price.channel == "*" else price.channel
        paper.line(
            f"price for {where}: {price.price}, version {price.version}",
            "counts here" if price.counts else "",
            indent=1,
        )
    for pool in listing.pool:
        paper.line(
            f"{pool.quantity} pieces in {pool.location}, version {pool.version}, {local(pool.changed_at)}", indent=1
        )
    for held in listing.reservations:
        paper.line(
            f"{held.quantity} reserved by order {_text(held.order)} ({held.account})", state_cell(held.state), indent=1
        )
    if listing.available is not None:
        paper.line(
            f"for this channel: {listing.available} pieces, {listing.reserved} ordered and {listing.buffer} kept back",
            indent=1,
        )
