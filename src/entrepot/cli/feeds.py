"""feed: what became of sellers' files, how old our stock is, what was sold and was not there."""

from datetime import timedelta
from typing import Any

from entrepot.cli.opening import clean, opened
from entrepot.cli.output import Cell, Column, Paper, Style, local, paper, say_json
from entrepot.insight.feeds import LOOKED_BACK, FeedMeasures, measures
from entrepot.insight.offers import Age, OfferMeasures, Oversell, ToLive, fed_limit, offer_measures
from entrepot.kernel.ctx import Row

DONE = 0
REASONS_SHOWN = 20
FROM = {"fed": "sellers’ files", "pool": "our stock", "own": "our listings"}


def feed(*, seller: str = "", account: str = "", json: bool = False) -> int:
    """Sellers' files: what is rejected and why, how old offers are, how soon changes are live.

    Parameters
    ----------
    seller
        One seller's alone. Without a seller or an account also: how old our own stock is and what was oversold, over 30 days.
    account
        One marketplace account's alone.
    json
        One JSON document on stdout.
    """
    with opened() as house:
        now, every = house.clock.now(), not (clean(seller) or clean(account))
        with house.db.transaction() as conn:
            found = measures(conn, now, account=clean(account), seller=clean(seller), stale_after=fed_limit(house.plan))  # fmt: skip
            whole = offer_measures(conn, house.plan, now, LOOKED_BACK) if every else None
    if json:
        say_json({"sellers": found.sellers, "reasons": found.reasons, **(_document(whole) if whole else {})})
    else:
        page = paper()
        _page(page, found)
        if whole:
            _whole(page, whole)
    return DONE


def _document(whole: OfferMeasures) -> dict[str, Any]:
    """Spans in seconds, as everywhere in `feed`."""
    return {
        "ages": [
            {"of": one.kind, "name": one.name, "looked_at": one.seen, "about": one.about, "p50_s": one.p50.total_seconds(), "p95_s": one.p95.total_seconds(),
             "stale_percent": round(100 * one.stale_share, 1), "limit_s": _seconds(one.limit)}
            for one in whole.ages
        ],
        "to_live": [
            {"of": one.kind, "account": one.account, "changes": one.changes, "p50_s": _seconds(one.p50),
             "p95_s": _seconds(one.p95), "not_live": one.unseen, "late": one.late, "waiting": one.waiting}
            for one in whole.to_live
        ],
        "oversold": {
            "times": whole.oversold.times, "cases": whole.oversold.cases, "open": whole.oversold.open,
            "last": [{"case": one.number, "times": one.times, one.object: one.object_id, "cause": one.cause} for one in whole.oversold.last],
        },
    }  # fmt: skip


def _page(page: Paper, found: FeedMeasures) -> None:
    if not found.sellers:
        page.line("No seller's file was taken in yet. Next: entrepot import FILE --as offers --seller NAME")
        return
    columns = (Column("Seller", keeps=True), Column("Last file"), Column("At"), Column("Live", right=True), Column("Rejected", right=True),
               Column("Stale", right=True), Column("Age p95", right=True), Column("On the way", right=True), Column("Not seen live", right=True),
               Column("To live p95", right=True))  # fmt: skip
    page.table(columns, (_seller(row) for row in found.sellers))
    if not found.reasons:
        return
    page.heading("Rejected, by reason")
    names = (Column("Seller", keeps=True), Column("By"), Column("Field"), Column("Code"), Column("Rows", right=True), Column("Open", right=True),
             Column("Corrected", right=True), Column("Such as"))  # fmt: skip
    page.table(names, (_reason(row) for row in found.reasons[:REASONS_SHOWN]))
    if len(found.reasons) > REASONS_SHOWN:
        page.line(Cell(f"{len(found.reasons) - REASONS_SHOWN} more: --json lists them all", Style.QUIET))


def _whole(page: Paper, whole: OfferMeasures) -> None:
    if whole.ages:
        page.heading("How old it is")
        page.table((Column("Of", keeps=True), Column("Where"), Column("Offers", right=True), Column("Age p50", right=True), Column("Age p95", right=True),
                    Column("Stale", right=True), Column("Allowed", right=True)), (_age(one) for one in whole.ages))  # fmt: skip
    if whole.to_live:
        page.heading("From change to live")
        page.table((Column("Of", keeps=True), Column("Account"), Column("Changes", right=True), Column("p50", right=True), Column("p95", right=True),
                    Column("Not live", right=True), Column("On the way", right=True)), (_to_live(one) for one in whole.to_live))  # fmt: skip
    if whole.oversold.cases:
        over = whole.oversold
        page.heading(
            f"Oversold: {over.times:,} orders found too little stock; {over.open:,} of {over.cases:,} cases are open"
        )
        names = (Column("Case", right=True), Column("About", keeps=True), Column("Times", right=True), Column("What"))
        page.table(names, (_oversell(one) for one in over.last))


def _age(one: Age) -> list[str]:
    limit = _span(_seconds(one.limit))
    stale = "-" if one.limit is None else f"{100 * one.stale_share:.1f} %"
    return [FROM[one.kind], one.name or "-", f"{one.about:,}", _span(one.p50.total_seconds()), _span(one.p95.total_seconds()), stale, limit]  # fmt: skip


def _to_live(one: ToLive) -> list[str]:
    spans = (_span(_seconds(span)) for span in (one.p50, one.p95))
    return [FROM[one.kind], one.account, f"{one.changes:,}", *spans, f"{one.unseen:,}", f"{one.waiting:,}"]


def _oversell(one: Oversell) -> list[str]:
    return [str(one.number), one.name or one.object_id, f"{one.times:,}", one.cause]


def _seller(row: Row) -> list[str]:
    rejected = f"{row['rejected']:,} ({row['rejected_percent']:g} %)"
    return [row["seller"], row["last_file"], local(row["last_at"]), f"{row['live']:,}", rejected, f"{row['stale_percent']:g} %",
            _span(row["age_p95_s"]), f"{row['waiting']:,}", f"{row['unseen']:,}", _span(row["to_live_p95_s"])]  # fmt: skip


def _reason(row: Row) -> list[str]:
    return [row["seller"], row["by"], row["field"] or "-", row["code"], f"{row['rows']:,}", f"{row['open']:,}", f"{row['corrected']:,}", row["such_as"]]  # fmt: skip


def _span(seconds: float | None) -> str:
    """Whole minutes, for people; a dash where nothing was measured."""
    return "-" if seconds is None else str(timedelta(minutes=round(seconds / 60)))


def _seconds(span: timedelta | None) -> float | None:
    return None if span is None else span.total_seconds()
