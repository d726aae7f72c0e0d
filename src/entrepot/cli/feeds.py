"""feed: what became of sellers' files."""

from datetime import timedelta

from entrepot.cli.opening import clean, opened
from entrepot.cli.output import Cell, Column, Style, local, paper, say_json
from entrepot.insight.feeds import STALE_AFTER, FeedMeasures, measures
from entrepot.kernel.ctx import Row

DONE = 0
FLOW = "offer-publication"
REASONS_SHOWN = 20


def feed(*, seller: str = "", account: str = "", json: bool = False) -> int:
    """Sellers' files: what is rejected and why, how old offers are, how long a change takes until the marketplace shows it.

    Parameters
    ----------
    seller
        One seller's alone.
    account
        One marketplace account's alone.
    json
        One JSON document on stdout.
    """
    with opened() as house:
        flow = house.plan.flows.get(FLOW)
        stale = flow.freshness.max_age if flow and flow.freshness else STALE_AFTER
        with house.db.transaction() as conn:
            found = measures(conn, house.clock.now(), account=clean(account), seller=clean(seller), stale_after=max(stale, STALE_AFTER))  # fmt: skip
    if json:
        say_json({"sellers": found.sellers, "reasons": found.reasons})
    else:
        _page(found)
    return DONE


def _page(found: FeedMeasures) -> None:
    page = paper()
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


def _seller(row: Row) -> list[str]:
    rejected = f"{row['rejected']:,} ({row['rejected_percent']:g} %)"
    return [row["seller"], row["last_file"], local(row["last_at"]), f"{row['live']:,}", rejected, f"{row['stale_percent']:g} %",
            _span(row["age_p95_s"]), f"{row['waiting']:,}", f"{row['unseen']:,}", _span(row["to_live_p95_s"])]  # fmt: skip


def _reason(row: Row) -> list[str]:
    return [row["seller"], row["by"], row["field"] or "-", row["code"], f"{row['rows']:,}", f"{row['open']:,}", f"{row['corrected']:,}", row["such_as"]]  # fmt: skip


def _span(seconds: float | None) -> str:
    """Whole minutes, for people; a dash where nothing was measured."""
    return "-" if seconds is None else str(timedelta(minutes=round(seconds / 60)))
