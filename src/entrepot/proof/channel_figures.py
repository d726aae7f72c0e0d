"""The figures of a selling company's day, channel by channel; each of them that must be 0 is what a judge found there."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

from entrepot.blueprint.model import Plan
from entrepot.kernel.ctx import Conn
from entrepot.proof.checkers import channel_offers, channels
from entrepot.proof.checkers.finding import Books, Finding
from entrepot.proof.figures import UNTOLD_MISSES
from entrepot.proof.world import BACK_OFFICE_ACCOUNT, CHANNELS

MUST_BE_ZERO: Final = (
    "lost",
    "exports_wrong",
    "exported_twice",
    "parcels_wrong",
    "confirmed_twice",
    "unfounded",
    "missed_without_alert",
    "unshown",
    "oversold",
    "refunds_wrong",
    "disputes_wrong",
    "submissions_wrong",
    "sent_twice",
    "still_open",
)


def channel_figures(conn: Conn, books: Books, plan: Plan) -> dict[str, dict[str, Any]]:
    """Counts by account of ours; under the back office's stands what concerns no single channel.

    Shape: `lost`: orders only one side knows, or knows otherwise. `exports_wrong`, `parcels_wrong`, `refunds_wrong`…: things that
    channel, hub and back office do not agree on. `unfounded`: promises and acknowledgements that the channel does not have, or lacks.
    `unshown`: listings that show something else than they should. `still_open`: orders that somebody still waits for.
    """
    judged = _judged(conn, books, plan)
    duties = _duties(conn)
    counted: dict[str, dict[str, Any]] = {
        account: {
            "orders": len(books[name]["orders"]),
            "cancelled": sum(order["cancelled_by"] is not None for order in books[name]["orders"]),
            "sent_by_channel": sum(order["fulfilled_by"] != "seller" for order in books[name]["orders"]),
            "parcels": sum(_ours(books, name, one["order_id"]) for one in books[name]["shipments"]),
            "returns": len(books[name]["returns"]),
            "refunds": len(books[name]["refunds"]),
            "disputes": len(books[name]["disputes"]),
            "listings_live": sum(one["live"] for one in books[name]["listings"]),
            "submissions": len(books[name]["submissions"]),
            "met": duties[account, "met"] + duties[account, "met-late"],
            "met_late": duties[account, "met-late"],
            "missed": duties[account, "missed"],
            **{figure: counts[account] for figure, counts in judged.items()},
        }
        for account, name in CHANNELS.items()
    }
    return {**counted, BACK_OFFICE_ACCOUNT: {figure: counts[BACK_OFFICE_ACCOUNT] for figure, counts in judged.items()}}


def broken_channels(figures: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """Every figure that must be 0 and is not, as `channels.ebay-de/main.lost is 2`."""
    return [
        f"channels.{account}.{name} is {counts[name]}"
        for account, counts in figures.items()
        for name in MUST_BE_ZERO
        if counts[name]
    ]


def _judged(conn: Conn, books: Books, plan: Plan) -> dict[str, Counter[str]]:
    buffers = channel_offers.buffers_of(plan)
    exports, twice = _parted(channels.exports_agree(conn, books), _twice)
    parcels, told_twice = _parted(channels.parcels_agree(conn, books), _twice)
    unfounded = [*channels.duties_agree(conn, books), *channels.acknowledgements_agree(conn, books)]
    rest = [one for one in channels.nothing_is_open_at_channels(conn, books) if one.what.startswith("somebody")]
    oversold = [Finding("oversold", sku, what) for sku, what in channel_offers.oversold(conn, books)]
    untold = [Finding("untold", row["kind"], row["account"]) for row in conn.execute(_UNTOLD).fetchall()]
    found: Mapping[str, Iterable[Finding]] = {
        "lost": channels.orders_agree(conn, books),
        "exports_wrong": exports,
        "exported_twice": twice,
        "parcels_wrong": parcels,
        "confirmed_twice": told_twice,
        "unfounded": unfounded,
        "missed_without_alert": untold,
        "unshown": channel_offers.shown_is_wanted(conn, books, buffers),
        "oversold": oversold,
        "refunds_wrong": channels.refunds_agree(conn, books),
        "disputes_wrong": channels.disputes_agree(conn, books),
        "submissions_wrong": channels.submissions_agree(conn, books),
        "sent_twice": channels.nothing_twice_at_channels(conn, books),
        "still_open": rest,
    }
    return {figure: Counter(map(_account, findings)) for figure, findings in found.items()}


def _twice(one: Finding) -> bool:
    return one.what.endswith("times")


def _parted(findings: list[Finding], of: Callable[[Finding], bool]) -> tuple[list[Finding], list[Finding]]:
    return [one for one in findings if not of(one)], [one for one in findings if of(one)]


def _account(one: Finding) -> str:
    """Of which account a finding speaks: it names the account, or begins with the channel."""
    for account, name in CHANNELS.items():
        if account in one.where or one.where.startswith(f"{name} ") or account in one.what:
            return account
    return BACK_OFFICE_ACCOUNT


def _ours(books: Books, name: str, order_id: str) -> bool:
    return any(row["order_id"] == order_id and row["fulfilled_by"] == "seller" for row in books[name]["orders"])


def _duties(conn: Conn) -> Counter[tuple[str, str]]:
    rows = conn.execute("SELECT account, state, count(*) AS n FROM obligation GROUP BY 1, 2 ORDER BY 1, 2").fetchall()
    return Counter({(row["account"], row["state"]): row["n"] for row in rows})


_UNTOLD = (
    f"SELECT o.account, o.kind FROM obligation o WHERE o.id IN (SELECT u.id FROM ({UNTOLD_MISSES}) AS u) ORDER BY o.id"
)
